"""Training a DCGAN: the composite loop here, a keras.Model with train_step in dcgan.

Both make the same update from the same state, images and noise (a test holds them
together): D sees m reals and m fakes, each batch normalised by itself, and makes one
update from both; then G makes one from m new fakes. Both report the losses of each
step, in nats per image, not running means. They differ where the composite is built
with ``batch_norm="inference"``: D's normalisation then uses moving averages in G's
step, and G gets another gradient.

Reals and fakes go through D separately because its BatchNormalization would else
normalise them together: the shared statistics tell D which is which, and G, whose
batches are all fakes, meets another D. On digits nothing is learned that way.
"""

from collections.abc import Iterable

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import build_gan, check_logits, unfreeze
from dcgan_keras.dcgan import DCGAN
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.optimizers import (
    SamplingGenerator,
    check_optimizers,
    default_optimizer,
)

__all__ = ["D_NOISE", "DCGAN", "G_NOISE", "CompositeLoop", "default_optimizer"]


class CompositeLoop:
    """The classic loop: D's update, then G's through the composite.

    Both are what Keras's ``train_on_batch`` would do, with D compiled for a batch of
    reals and one of fakes; traced as one graph, so that a step is one call.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1), logits.
        generator_optimizer: of its own; None: ``default_optimizer()``.
        discriminator_optimizer: of its own; None: ``default_optimizer()``.
        seed: of the noise.
        batch_norm: of D inside the composite, see ``build_gan``.

    Raises:
        ValueError: the players do not fit together, or share an optimizer.

    Example:
        >>> loop = CompositeLoop(build_generator(), build_discriminator())
        >>> loop.fit(training_batches(images, 64), steps=400)

    Source: OV, "compositing the two models"; notebook 06.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int = 0,
        batch_norm: str = "training",
    ):
        check_optimizers(generator_optimizer, discriminator_optimizer)
        check_logits(discriminator)
        self.generator, self.discriminator, self.seed = generator, discriminator, seed
        self.gan = build_gan(generator, discriminator, batch_norm)
        self.generator_optimizer = generator_optimizer or default_optimizer()
        self.discriminator_optimizer = discriminator_optimizer or default_optimizer()
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        # XLA, which Keras would choose, is slower on CPUs here.
        self.pair = _pair(discriminator)
        self.pair.compile(
            self.discriminator_optimizer,
            loss={"real": loss, "fake": loss},
            metrics={name: _accuracy() for name in ("real", "fake")},
            jit_compile=False,
        )
        self.gan.compile(self.generator_optimizer, loss, jit_compile=False)
        self.discriminator_optimizer.build(discriminator.trainable_variables)
        self.generator_optimizer.build(generator.trainable_variables)
        self.sampling_generator = SamplingGenerator(self)
        self._step = None

    def step(self, real_images, step: int) -> dict[str, float]:
        """One update of D, then one of G.

        Args:
            real_images: float32 (m, H, W, C) in [-1, 1].
            step: how many steps have been made.

        Returns:
            discriminator_loss and generator_loss in nats per image; real_accuracy
            and fake_accuracy, the shares of D's right answers, 0 to 1.
        """
        if self._step is None:
            unfreeze(self.discriminator)  # in case somebody froze it after all
            self._step = tf.function(self._both_updates, autograph=False)
        logs = self._step(tf.convert_to_tensor(real_images), tf.constant(step))
        return {name: float(value) for name, value in logs.items()}

    def _both_updates(self, real_images, step) -> dict:
        """D's update, then G's, in one graph: both as ``train_on_batch`` makes them."""
        m, latent_dim = real_images.shape[0], self.generator.input_shape[1]
        z = latent_noise((m, latent_dim), self.seed, step, D_NOISE)
        fake_images = self.generator(z, training=True)
        labels = {"real": tf.ones((m, 1)), "fake": tf.zeros((m, 1))}
        d_logs = _train(self.pair, {"real": real_images, "fake": fake_images}, labels)

        z = latent_noise((m, latent_dim), self.seed, step, G_NOISE)
        g_logs = _train(self.gan, z, tf.ones((m, 1)))
        return {
            "discriminator_loss": d_logs["loss"],
            "generator_loss": g_logs["loss"],
            "real_accuracy": d_logs["real_accuracy"],
            "fake_accuracy": d_logs["fake_accuracy"],
        }

    def fit(self, batches: Iterable, steps: int, start_step: int = 0, callbacks=()):
        """Make steps ``start_step`` to ``steps`` - 1, one batch of reals each.

        Args:
            batches: yields float32 (m, H, W, C), see ``data.training_batches``.
            steps: the step to stop at.
            start_step: how many steps have been made.
            callbacks: ``keras.callbacks.Callback``; on_train_begin,
                on_train_batch_end and on_train_end are called.

        Raises:
            ValueError: the batches ended before the steps did.
        """
        made = start_step
        for callback in callbacks:
            callback.set_model(self)
            callback.on_train_begin()
        for step, real_images in zip(range(start_step, steps), batches, strict=False):
            logs = self.step(real_images, step)
            made = step + 1
            for callback in callbacks:
                callback.on_train_batch_end(step, logs)
        for callback in callbacks:
            callback.on_train_end()
        if made < steps:
            raise ValueError(f"batches: they ended after {made} of {steps} steps")


def _train(model: keras.Model, inputs, labels) -> dict:
    """What ``train_on_batch`` runs: the numbers of this batch, not running means."""
    model.reset_metrics()
    return model.train_step((inputs, labels))


def _pair(discriminator: keras.Model) -> keras.Model:
    """D for a batch of reals and one of fakes, each normalised by itself.

    Keras adds the losses of the two answers, as the value function does.
    """
    shape = discriminator.input_shape[1:]
    images = {name: keras.Input(shape, name=name) for name in ("real", "fake")}
    answers = {name: discriminator(image) for name, image in images.items()}
    return keras.Model(images, answers)


def _accuracy() -> keras.metrics.Metric:
    """The share of right answers, as logits."""
    return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
