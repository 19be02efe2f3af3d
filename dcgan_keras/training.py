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
from dcgan_keras.composite import (
    batch_norm_layers,
    build_gan,
    check_logits,
    unfreeze,
)
from dcgan_keras.dcgan import DCGAN
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.optimizers import (
    SamplingGenerator,
    check_optimizers,
    default_optimizer,
)

__all__ = ["D_NOISE", "DCGAN", "G_NOISE", "CompositeLoop", "default_optimizer"]


class Accuracy(keras.metrics.Mean):
    """The share of right answers, as logits, among those with one label.

    Args:
        label: 1 for reals, 0 for fakes.
        name: of the metric.
    """

    def __init__(self, label: int, name: str):
        super().__init__(name=name)
        self.label = label

    def update_state(self, y_true, y_pred, sample_weight=None):
        right = (y_pred > 0) == (y_true > 0.5)
        is_counted = y_true == self.label
        super().update_state(tf.cast(right, tf.float32), tf.cast(is_counted, "float32"))


class CompositeLoop:
    """The classic loop: D by ``train_on_batch``, then G through the composite.

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
        self.has_batch_norm = bool(batch_norm_layers(discriminator))
        if self.has_batch_norm:
            self.discriminator_optimizer = _one_update_from_two_batches(
                self.discriminator_optimizer
            )
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        discriminator.compile(
            self.discriminator_optimizer,
            loss,
            loss_weights=[2.0],  # Keras averages over reals and fakes, V adds them
            metrics=[Accuracy(1, "real_accuracy"), Accuracy(0, "fake_accuracy")],
            jit_compile=False,  # Keras would choose XLA, which is slower on CPUs here
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
        shape = real_images.shape[0], self.generator.input_shape[1]
        z = latent_noise(shape, self.seed, step, D_NOISE)
        fake_images = self.generator(z, training=True)
        logs = self._train_discriminator(real_images, fake_images)

        z = latent_noise(shape, self.seed, step, G_NOISE)
        gan = _train(self.gan, z, tf.ones((shape[0], 1)))
        return {
            "discriminator_loss": logs["loss"],
            "generator_loss": gan["loss"],
            "real_accuracy": logs["real_accuracy"],
            "fake_accuracy": logs["fake_accuracy"],
        }

    def _train_discriminator(self, real_images, fake_images) -> dict:
        """One update; in one batch only where no BN would mix reals with fakes."""
        m = real_images.shape[0]
        if not self.has_batch_norm:
            labels = tf.concat([tf.ones((m, 1)), tf.zeros((m, 1))], axis=0)
            images = tf.concat([real_images, fake_images], axis=0)
            return _train(self.discriminator, images, labels)
        real = _train(self.discriminator, real_images, tf.ones((m, 1)))
        fake = _train(self.discriminator, fake_images, tf.zeros((m, 1)))
        loss = (real["loss"] + fake["loss"]) / 2
        return {**fake, "real_accuracy": real["real_accuracy"], "loss": loss}

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


def _one_update_from_two_batches(optimizer):
    """The same optimizer, but it updates at each second call, by the mean gradient."""
    config = {**optimizer.get_config(), "gradient_accumulation_steps": 2}
    return type(optimizer).from_config(config)
