"""Training a DCGAN: the composite loop, and a keras.Model with a train_step.

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

from dcgan_keras import losses
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import build_gan, unfreeze
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise


def default_optimizer() -> keras.optimizers.Optimizer:
    """Adam(2e-4, beta_1=0.5), one for each player (Radford et al. 2015, section 4)."""
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


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
        _check_optimizers(generator_optimizer, discriminator_optimizer)
        _check_logits(discriminator)
        self.generator, self.discriminator, self.seed = generator, discriminator, seed
        self.gan = build_gan(generator, discriminator, batch_norm)
        self.generator_optimizer = generator_optimizer or default_optimizer()
        self.discriminator_optimizer = _one_update_from_two_batches(
            discriminator_optimizer or default_optimizer()
        )
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        discriminator.compile(
            self.discriminator_optimizer,
            loss,
            loss_weights=[2.0],  # the optimizer averages two batches, V adds them
            metrics=[keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)],
            jit_compile=False,  # Keras would choose XLA, which is slower on CPUs here
        )
        self.gan.compile(self.generator_optimizer, loss, jit_compile=False)
        self.discriminator_optimizer.build(discriminator.trainable_variables)
        self.generator_optimizer.build(generator.trainable_variables)
        self._generate = tf.function(lambda z: generator(z, training=True))

    def step(self, real_images, step: int) -> dict[str, float]:
        """One update of D, then one of G.

        Args:
            real_images: float32 (m, H, W, C) in [-1, 1].
            step: how many steps have been made.

        Returns:
            discriminator_loss and generator_loss in nats per image; real_accuracy
            and fake_accuracy, the shares of D's right answers, 0 to 1.
        """
        m, latent_dim = len(real_images), self.generator.input_shape[1]
        z = latent_noise((m, latent_dim), self.seed, step, D_NOISE)
        fake_images = self._generate(z)
        real = _train(self.discriminator, real_images, tf.ones((m, 1)))
        fake = _train(self.discriminator, fake_images, tf.zeros((m, 1)))

        z = latent_noise((m, latent_dim), self.seed, step, G_NOISE)
        gan = _train(self.gan, z, tf.ones((m, 1)))
        return {
            "discriminator_loss": (real["loss"] + fake["loss"]) / 2,
            "generator_loss": gan["loss"],
            "real_accuracy": real["accuracy"],
            "fake_accuracy": fake["accuracy"],
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


class DCGAN(keras.Model):
    """Both players as one keras.Model, for ``fit``, callbacks and ``tf.distribute``.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1), logits.
        seed: of the noise.

    Example:
        >>> dcgan = DCGAN(build_generator(), build_discriminator())
        >>> dcgan.compile()
        >>> dcgan.fit(training_batches(images, 64), steps_per_epoch=400)

    Source: Goodfellow et al. 2014, algorithm 1 with k = 1; notebook 06.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        seed: int = 0,
        name: str = "dcgan",
    ):
        build_gan(generator, discriminator)  # refuses players that do not fit
        _check_logits(discriminator)
        super().__init__(name=name)
        self.generator, self.discriminator, self.seed = generator, discriminator, seed
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        generator_loss: str = "non_saturating",
        jit_compile: bool = False,
        **options,
    ):
        """Set the optimizers and G's loss.

        Args:
            generator_optimizer: of its own; None: ``default_optimizer()``.
            discriminator_optimizer: of its own; None: ``default_optimizer()``.
            generator_loss: "non_saturating" or "minimax".
            jit_compile: XLA; on CPUs it is slower here.
            options: for ``keras.Model.compile``, such as run_eagerly.

        Raises:
            ValueError: an unknown loss, or one optimizer for both players.
        """
        if generator_loss not in losses.GENERATOR_LOSSES:
            raise ValueError(
                f"generator_loss: expected one of {sorted(losses.GENERATOR_LOSSES)}, "
                f"got {generator_loss!r}"
            )
        _check_optimizers(generator_optimizer, discriminator_optimizer)
        super().compile(optimizer=None, jit_compile=jit_compile, **options)
        unfreeze(self.discriminator)
        self.generator_loss = losses.GENERATOR_LOSSES[generator_loss]
        self.generator_optimizer = generator_optimizer or default_optimizer()
        self.discriminator_optimizer = discriminator_optimizer or default_optimizer()
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def fit(self, x=None, *args, **options):
        """As ``keras.Model.fit``, for batches that have been shuffled already."""
        if isinstance(x, tf.data.Dataset):
            options.setdefault("shuffle", False)  # Keras's default would warn
        return super().fit(x, *args, **options)

    def call(self, z, training=False):
        """z (N, latent_dim) -> images (N, H, W, C) in [-1, 1]."""
        return self.generator(z, training=training)

    def train_step(self, real_images):
        """One update of D, then one of G; returns the losses of this step."""
        m = tf.shape(real_images)[0]
        step = self.discriminator_optimizer.iterations
        d_loss, real_logits, fake_logits = self._discriminator_step(
            real_images, self._noise(m, step, D_NOISE)
        )
        g_loss = self._generator_step(self._noise(m, step - 1, G_NOISE))
        return {
            "discriminator_loss": d_loss,
            "generator_loss": g_loss,
            "real_accuracy": tf.reduce_mean(tf.cast(real_logits > 0, tf.float32)),
            "fake_accuracy": tf.reduce_mean(tf.cast(fake_logits <= 0, tf.float32)),
        }

    def _discriminator_step(self, real_images, z):
        fake_images = self.generator(z, training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            loss = losses.discriminator_loss(real_logits, fake_logits)
            share = loss / _replicas()
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(share, variables)
        self.discriminator_optimizer.apply_gradients(
            zip(gradients, variables, strict=True)
        )
        return loss, real_logits, fake_logits

    def _generator_step(self, z):
        with tf.GradientTape() as tape:
            fake_images = self.generator(z, training=True)
            loss = self.generator_loss(self.discriminator(fake_images, training=True))
            share = loss / _replicas()
        variables = self.generator.trainable_variables
        gradients = tape.gradient(share, variables)
        self.generator_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def _noise(self, m, step, draw):
        """This replica's part of the noise for the batches of all replicas."""
        shape = (m * _replicas(), self.generator.input_shape[1])
        first = m * tf.distribute.get_replica_context().replica_id_in_sync_group
        return latent_noise(shape, self.seed, step, draw)[first : first + m]


def _replicas() -> int:
    """Over how many devices a batch is spread; their gradients are summed."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def _train(model: keras.Model, inputs, labels) -> dict[str, float]:
    """One ``train_on_batch``: the numbers of this batch, not running means."""
    model.reset_metrics()  # needed before Keras 3.14 (keras#22617)
    return model.train_on_batch(inputs, labels, return_dict=True)


def _one_update_from_two_batches(optimizer):
    """The same optimizer, but it updates at each second call, by the mean gradient."""
    config = {**optimizer.get_config(), "gradient_accumulation_steps": 2}
    return type(optimizer).from_config(config)


def _check_logits(discriminator: keras.Model) -> None:
    activation = getattr(discriminator.layers[-1], "activation", None)
    if activation is keras.activations.sigmoid:
        raise ValueError(
            "discriminator: expected logits, got probabilities; the losses apply the "
            'sigmoid themselves (build_discriminator(output="logit"))'
        )


def _check_optimizers(generator_optimizer, discriminator_optimizer) -> None:
    if generator_optimizer is not None and (
        generator_optimizer is discriminator_optimizer
    ):
        raise ValueError(
            "discriminator_optimizer: expected an optimizer of its own, got the "
            "generator's; an optimizer keeps a state for each of its variables"
        )
