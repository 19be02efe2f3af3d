"""Both players as one keras.Model: ``compile``, ``fit``, callbacks, ``tf.distribute``.

Two orders of the updates. "alternating", the default: G answers the D that has just
been improved, with new noise, as the composite loop does it. "simultaneous": both
learn from one batch of fakes and one pass through D, at about half the cost of a step.
Either can hold D flat at the real images (R1), every few steps.
"""

from dcgan_keras import losses
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import (
    batch_norm_layers,
    build_gan,
    check_logits,
    unfreeze,
)
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.optimizers import (
    SamplingGenerator,
    check_optimizers,
    default_optimizer,
)

UPDATES = ("alternating", "simultaneous")


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
        check_logits(discriminator)
        super().__init__(name=name)
        self.generator, self.discriminator, self.seed = generator, discriminator, seed
        self.sampling_generator = SamplingGenerator(self)
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        generator_loss: str = "non_saturating",
        update: str = "alternating",
        r1_gamma: float = 0.0,
        r1_interval: int = 16,
        jit_compile: bool = False,
        **options,
    ):
        """Set the optimizers and G's loss.

        Args:
            generator_optimizer: of its own; None: ``default_optimizer()``. With
                ``use_ema=True`` it keeps an average of G's weights, and
                ``sampling_generator()`` gives G with them.
            discriminator_optimizer: of its own; None: ``default_optimizer()``.
            generator_loss: "non_saturating" or "minimax".
            update: "alternating" or "simultaneous" (not for a D with
                BatchNormalization, see ``_simultaneous``).
            r1_gamma: weight of ``losses.r1_penalty`` in D's loss, by half of it; 0:
                none. Not for a D with BatchNormalization. The reported loss of D is
                without it.
            r1_interval: the penalty enters one step in so many, so many times as
                strong: nearly free, and the same on average.
            jit_compile: XLA; on CPUs it is slower here.
            options: for ``keras.Model.compile``, such as run_eagerly.

        Raises:
            ValueError: an unknown loss or update, a negative penalty, one optimizer
                for both players, or a simultaneous update or a penalty for a D that
                normalises by batches.
        """
        if generator_loss not in losses.GENERATOR_LOSSES:
            raise ValueError(
                f"generator_loss: expected one of {sorted(losses.GENERATOR_LOSSES)}, "
                f"got {generator_loss!r}"
            )
        _check_update(update, r1_gamma, r1_interval, self.discriminator)
        check_optimizers(generator_optimizer, discriminator_optimizer)
        super().compile(optimizer=None, jit_compile=jit_compile, **options)
        unfreeze(self.discriminator)
        self.update, self.r1_gamma, self.r1_interval = update, r1_gamma, r1_interval
        self.generator_loss = losses.GENERATOR_LOSSES[generator_loss]
        self.generator_factors = losses.GENERATOR_FACTORS[generator_loss]
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

    @tf.autograph.experimental.do_not_convert  # has no loops: traced in half the time
    def train_step(self, real_images):
        """One update of each player; returns the losses of this step."""
        m = tf.shape(real_images)[0]
        # A copy: the variable itself counts on when D's optimizer has been applied.
        step = tf.identity(self.discriminator_optimizer.iterations)
        if self.update == "simultaneous":
            d_loss, g_loss, real_logits, fake_logits = self._simultaneous(
                real_images, self._noise(m, step, D_NOISE), step
            )
        else:
            d_loss, real_logits, fake_logits = self._discriminator_step(
                real_images, self._noise(m, step, D_NOISE), step
            )
            g_loss = self._generator_step(self._noise(m, step, G_NOISE))
        return {
            "discriminator_loss": d_loss,
            "generator_loss": g_loss,
            "real_accuracy": tf.reduce_mean(tf.cast(real_logits > 0, tf.float32)),
            "fake_accuracy": tf.reduce_mean(tf.cast(fake_logits <= 0, tf.float32)),
        }

    def _simultaneous(self, real_images, z, step):
        """Both players from one forward pass and one backward pass of D.

        D's loss has at a fake image the gradient sigma(l) dl/dx, with l its logit. G
        needs the gradient of its own loss there: (sigma(l) - 1) dl/dx. That is the
        first times a number for each image, -exp(-l); for the minimax loss, -1. So
        the second pass through D is not needed, as long as an image's logit depends
        on that image alone, which batch normalisation in D would break.
        """
        with tf.GradientTape() as g_tape:
            fake_images = self.generator(z, training=True)
        with tf.GradientTape() as d_tape:
            d_tape.watch(fake_images)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            d_loss = losses.discriminator_loss(real_logits, fake_logits)
            share = d_loss / _replicas()
        d_variables = self.discriminator.trainable_variables
        *d_gradients, at_fakes = d_tape.gradient(share, [*d_variables, fake_images])
        factors = self.generator_factors(fake_logits)[:, :, None, None]
        at_fakes = at_fakes * tf.cast(factors, at_fakes.dtype)
        g_variables = self.generator.trainable_variables
        g_gradients = g_tape.gradient(fake_images, g_variables, at_fakes)
        d_gradients = self._with_penalty(d_gradients, real_images, step)
        self.discriminator_optimizer.apply(d_gradients, d_variables)
        self.generator_optimizer.apply(g_gradients, g_variables)
        return d_loss, self.generator_loss(fake_logits), real_logits, fake_logits

    def _discriminator_step(self, real_images, z, step):
        fake_images = self.generator(z, training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            loss = losses.discriminator_loss(real_logits, fake_logits)
            share = loss / _replicas()
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(share, variables)
        gradients = self._with_penalty(gradients, real_images, step)
        self.discriminator_optimizer.apply(gradients, variables)
        return loss, real_logits, fake_logits

    def _with_penalty(self, gradients, real_images, step):
        """D's gradients, with those of R1 in one step of ``r1_interval``."""
        if not self.r1_gamma:
            return gradients
        weight = self.r1_gamma / 2 * self.r1_interval / _replicas()
        variables = self.discriminator.trainable_variables

        def with_penalty():
            with tf.GradientTape() as tape:
                penalty = losses.r1_penalty(self.discriminator, real_images)
            pairs = zip(gradients, tape.gradient(penalty, variables), strict=True)
            # The bias of the answer has no part in a slope.
            return [g if slope is None else g + weight * slope for g, slope in pairs]

        is_due = tf.equal(step % self.r1_interval, 0)
        return tf.cond(is_due, with_penalty, lambda: gradients)

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


def _check_update(update, r1_gamma, r1_interval, discriminator) -> None:
    if update not in UPDATES:
        raise ValueError(f"update: expected one of {UPDATES}, got {update!r}")
    if r1_gamma < 0:
        raise ValueError(f"r1_gamma: expected 0 or more, got {r1_gamma}")
    if r1_interval < 1:
        raise ValueError(f"r1_interval: expected 1 or more, got {r1_interval}")
    names = ", ".join(batch_norm_layers(discriminator))
    needs = "which needs each image's answer to depend on that image alone"
    if update == "simultaneous" and names:
        raise ValueError(
            "update: expected 'alternating' for a discriminator with "
            f"BatchNormalization ({names}), got 'simultaneous', {needs}"
        )
    if r1_gamma and names:
        raise ValueError(
            "r1_gamma: expected 0 for a discriminator with BatchNormalization "
            f"({names}), got {r1_gamma}, {needs}"
        )
