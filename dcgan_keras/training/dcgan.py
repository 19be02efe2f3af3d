"""Both players as one keras.Model: ``compile``, ``fit``, callbacks, ``tf.distribute``.

Two orders of the updates. "alternating", the default: G answers the D that has just
been improved, with new noise, as the composite loop does it. "simultaneous": both
learn from one batch of fakes and one pass through D, for about three quarters of the
cost of a step (11.5 against 15.2 CPU-milliseconds in data/tables/bridge). Either can
hold D flat at the real images (R1), every few steps.
"""

import warnings
from collections.abc import Sequence

from dcgan_keras import losses
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import _operations, batch_norm_layers, mixes_batch
from dcgan_keras.noise import D_FAKES, D_NOISE, G_FAKES, G_NOISE, REALS, uniform_noise
from dcgan_keras.sizes import check_choice, check_not_negative, is_int, is_number
from dcgan_keras.training.augmentation import (
    DRAWS,
    augment,
    check_augmentation,
    check_share,
)
from dcgan_keras.training.players import (
    TwoPlayers,
    asked_losses,
    replicas,
    weight_losses,
)

UPDATES = ("alternating", "simultaneous")
# One pass through D serves both players as long as D's gradient at an image has digits
# to spare: the share of G's that it may at least be, by the type that D computes in.
SMALLEST_SHARE = {"float16": 1e-2, "bfloat16": 1e-6, "float32": 1e-6, "float64": 1e-6}


@keras.saving.register_keras_serializable("dcgan_keras")
class DCGAN(TwoPlayers):
    """Both players as one keras.Model, for ``fit``, callbacks and ``tf.distribute``.

    Saved, loaded, copied and pickled as any Keras model. ``predict`` draws with the
    averaged weights, where ``compile`` was given an optimizer that averages.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1), logits.
        seed: of the noise.
        classes: how many, if the players are conditional: built with as many, and
            ``fit`` gets batches of (images, labels). A fake is asked of the class of
            the real image beside it, so that every logit of D meets as many reals as
            fakes, whatever the shares of the classes.

    Raises:
        ValueError: players that do not fit together, or a D that gives probabilities.

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
        classes: int | None = None,
    ):
        super().__init__(generator, discriminator, seed, name, classes)

    def compile(
        self,
        generator_optimizer: "keras.optimizers.Optimizer | str | None" = None,
        discriminator_optimizer: "keras.optimizers.Optimizer | str | None" = None,
        generator_loss: str = "non_saturating",
        update: str = "alternating",
        r1_gamma: float = 0.0,
        r1_interval: int = 16,
        augmentation: Sequence[str] = (),
        augmentation_share: float = 1.0,
        jit_compile: bool = False,
        real_label: float = 1.0,
        **options,
    ):
        """Set the optimizers and G's loss.

        Where a player computes in float16, both optimizers are wrapped to scale their
        losses, as Keras's own ``compile`` does it; not one with a loss_scale_factor.

        Args:
            generator_optimizer: of its own; None: ``default_optimizer()``. With
                ``use_ema=True`` it keeps an average of G's weights, and
                ``sampling_generator()`` gives G with them.
            discriminator_optimizer: of its own; None: ``default_optimizer()``.
            generator_loss: "non_saturating" or "minimax".
            update: "alternating" or "simultaneous" (only for a D whose answer to an
                image depends on that image alone, so without BatchNormalization).
            r1_gamma: weight of ``losses.r1_penalty`` in D's loss, by half of it; 0:
                none. Not for a D with BatchNormalization. The reported loss of D is
                without it, and without what regularizers add.
            r1_interval: the penalty enters one step in so many, so many times as
                strong: nearly free, and the same on average.
            augmentation: what is done at random to all that D sees in training, reals
                and fakes alike, see ``augmentation.augment``; for few images.
            augmentation_share: of these images that are changed, each by a draw of its
                own; the others stay as they are.
            jit_compile: whether XLA makes the update, on one device; on CPUs it is
                slower here. The same seed gives the same z, but another Dropout.
            real_label: of D's loss, see ``losses.discriminator_loss``.
            options: run_eagerly, True or False, and steps_per_execution, >= 1.

        Raises:
            ValueError: an unknown loss, update, augmentation or option, a negative
                penalty, one optimizer for both players, or a simultaneous update or a
                penalty for a D that looks at its batch; and what ``DCGAN`` refuses, of
                players put in since.
        """
        self._check_players()
        check_choice("generator_loss", generator_loss, losses.GENERATOR_LOSSES)
        check_not_negative(real_label=real_label)
        _check_update(update, r1_gamma, r1_interval, self.discriminator)
        augmentation = check_augmentation(augmentation)
        augmentation_share = check_share(augmentation_share)
        if augmentation_share < 1 and not augmentation:
            raise ValueError(
                "augmentation_share: expected 1 where there is no augmentation, got "
                f"{augmentation_share:g}"
            )
        options["jit_compile"] = jit_compile
        self._compile_players(generator_optimizer, discriminator_optimizer, options)
        self.update, self.augmentation = update, augmentation
        self.augmentation_share = augmentation_share
        self.r1_gamma, self.r1_interval = float(r1_gamma), int(r1_interval)
        self.generator_loss_name, self.real_label = generator_loss, float(real_label)
        self.generator_loss = losses.GENERATOR_LOSSES[generator_loss]

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:
            names = ("update", "r1_gamma", "r1_interval", "real_label")
            names += ("augmentation", "augmentation_share")
            config |= {name: getattr(self, name) for name in names}
            config["generator_loss"] = self.generator_loss_name
        return config

    def _draws(self, images, step):
        draws = super()._draws(images, step)
        if self.augmentation:
            count = DRAWS + (self.augmentation_share < 1)
            for draw in (REALS, D_FAKES, G_FAKES):
                draws[draw] = self._part(images, uniform_noise, count, step, draw)
        return draws

    def _update(self, real_images, labels, step, draws):
        real_images = self._augmented(real_images, draws, REALS)
        if self.update == "simultaneous":
            return self._simultaneous(real_images, labels, step, draws)
        d_loss, real_logits, fake_logits = self._discriminator_step(
            real_images, labels, step, draws
        )
        g_loss = self._generator_step(labels, draws)
        return self._logs(d_loss, g_loss, real_logits, fake_logits)

    def _augmented(self, images, draws, draw):
        """What D sees of a batch: each image changed at random, or as it is."""
        if not self.augmentation:
            return images
        share = self.augmentation_share
        return augment(images, self.augmentation, draws[draw], share)

    def _simultaneous(self, real_images, labels, step, draws):
        """Both players from one forward pass and one backward pass of D.

        An image's logit depends on that image alone, so the gradient of either player's
        loss at a fake is the slope of that loss at the logit, a number for each image,
        times the gradient of the logit. One pass gives D's; G's is that times the ratio
        of the two slopes. Where D is so sure of an image that D's own gradient has no
        digits left, G gets a pass of its own.
        """
        z = self._generator_input(draws[D_NOISE], labels)
        with tf.GradientTape() as g_tape:
            fake_images = self._fakes(z, training=True)
            fake_images = self._augmented(fake_images, draws, D_FAKES)
            g_asked = asked_losses(self.generator) + weight_losses(self.generator)
        with tf.GradientTape() as d_tape:
            d_tape.watch(fake_images)
            real_logits, fake_logits, d_loss, minimised = self._discriminator_losses(
                real_images, fake_images, labels
            )
            share = self.discriminator_optimizer.scale_loss(minimised / replicas())
        d_variables = self.discriminator.trainable_variables
        *d_gradients, at_fakes = d_tape.gradient(share, [*d_variables, fake_images])
        d_slopes, g_slopes = self._slopes(real_logits, fake_logits)
        at_fakes = tf.cond(
            tf.reduce_any(abs(d_slopes) < self._smallest_share() * abs(g_slopes)),
            lambda: self._pass_for_generator(fake_images, labels),
            lambda: at_fakes * tf.cast(g_slopes / d_slopes, at_fakes.dtype),
        )
        g_variables = self.generator.trainable_variables
        share = tf.cast(self.generator_optimizer.scale_loss(1 / replicas()), tf.float32)
        g_gradients = g_tape.gradient(
            [fake_images, *g_asked],
            g_variables,
            [at_fakes, *(tf.cast(share, x.dtype) for x in g_asked)],
        )
        d_gradients = self._with_penalty(d_gradients, real_images, labels, step)
        self.discriminator_optimizer.apply(d_gradients, d_variables)
        self.generator_optimizer.apply(g_gradients, g_variables)
        g_loss = self.generator_loss(fake_logits)
        return self._logs(d_loss, g_loss, real_logits, fake_logits)

    def _slopes(self, real_logits, fake_logits):
        """The slopes of D's and of G's loss at the fakes' logits.

        Rounded to the type that D computes in, as the backward pass rounds them.
        """
        with tf.GradientTape() as d_tape, tf.GradientTape() as g_tape:
            d_tape.watch(fake_logits)
            g_tape.watch(fake_logits)
            d_loss = self._game_of_d(real_logits, fake_logits) / replicas()
            d_loss = self.discriminator_optimizer.scale_loss(d_loss)
            g_loss = self.generator_loss(fake_logits) / replicas()
            g_loss = self.generator_optimizer.scale_loss(g_loss)
        return [
            tf.cast(tf.cast(slope, self._type_of_d()), tf.float32)[:, :, None, None]
            for slope in (
                d_tape.gradient(d_loss, fake_logits),
                g_tape.gradient(g_loss, fake_logits),
            )
        ]

    def _smallest_share(self) -> float:
        return SMALLEST_SHARE[self._type_of_d()]

    def _type_of_d(self) -> str:
        """The type that D computes in; of several the coarsest."""
        layers = [x for x in _operations(self.discriminator) if hasattr(x, "weights")]
        types = {layer.compute_dtype for layer in layers if layer.weights}
        return next((name for name in SMALLEST_SHARE if name in types), "float32")

    def _pass_for_generator(self, fake_images, labels):
        """The gradient of G's loss at the fakes, by a pass through D of its own."""
        with tf.GradientTape() as tape:
            tape.watch(fake_images)
            logits = self._answers(fake_images, labels, training=True)
            loss = self.generator_loss(logits) / replicas()
            loss = self.generator_optimizer.scale_loss(loss)
        return tape.gradient(loss, fake_images)

    def _discriminator_losses(self, real_images, fake_images, labels):
        """Both logits, D's loss in the game, and all that D's update minimises."""
        real_logits = self._answers(real_images, labels, training=True)
        asked = asked_losses(self.discriminator)
        fake_logits = self._answers(fake_images, labels, training=True)
        asked += asked_losses(self.discriminator) + weight_losses(self.discriminator)
        d_loss = self._game_of_d(real_logits, fake_logits)
        return real_logits, fake_logits, d_loss, d_loss + _total(asked)

    def _discriminator_step(self, real_images, labels, step, draws):
        z = self._generator_input(draws[D_NOISE], labels)
        fake_images = self._fakes(z, training=True)
        fake_images = self._augmented(fake_images, draws, D_FAKES)
        with tf.GradientTape() as tape:
            real_logits, fake_logits, d_loss, minimised = self._discriminator_losses(
                real_images, fake_images, labels
            )
            share = self.discriminator_optimizer.scale_loss(minimised / replicas())
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(share, variables)
        gradients = self._with_penalty(gradients, real_images, labels, step)
        self.discriminator_optimizer.apply(gradients, variables)
        return d_loss, real_logits, fake_logits

    def _with_penalty(self, gradients, real_images, labels, step):
        """D's gradients, with those of R1 in one step of ``r1_interval``."""
        if not self.r1_gamma:
            return gradients
        weight = self.r1_gamma / 2 * self.r1_interval / replicas()
        variables = self.discriminator.trainable_variables

        def answers(images, training):
            return self._answers(images, labels, training)

        def with_penalty():
            with tf.GradientTape() as tape:
                penalty = losses.r1_penalty(answers, real_images)
                penalty = self.discriminator_optimizer.scale_loss(penalty)
            pairs = zip(gradients, tape.gradient(penalty, variables), strict=True)
            # The bias of the answer has no part in a slope.
            return [g if slope is None else g + weight * slope for g, slope in pairs]

        is_due = tf.equal(step % self.r1_interval, 0)
        return tf.cond(is_due, with_penalty, lambda: gradients)

    def _generator_step(self, labels, draws):
        z = self._generator_input(draws[G_NOISE], labels)
        with tf.GradientTape() as tape:
            fake_images = self._fakes(z, training=True)
            fake_images = self._augmented(fake_images, draws, G_FAKES)
            asked = asked_losses(self.generator) + weight_losses(self.generator)
            logits = self._answers(fake_images, labels, training=True)
            loss = self.generator_loss(logits)
            share = (loss + _total(asked)) / replicas()
            share = self.generator_optimizer.scale_loss(share)
        variables = self.generator.trainable_variables
        gradients = tape.gradient(share, variables)
        self.generator_optimizer.apply(gradients, variables)
        return loss


def _total(some: list):
    """The sum of some losses, 0 if there are none."""
    return tf.add_n([tf.cast(x, tf.float32) for x in some]) if some else 0.0


def _check_update(update, r1_gamma, r1_interval, discriminator) -> None:
    check_choice("update", update, UPDATES)
    if not is_number(r1_gamma) or r1_gamma < 0:
        raise ValueError(f"r1_gamma: expected 0 or more, got {r1_gamma!r}")
    if not is_int(r1_interval) or r1_interval < 1:
        raise ValueError(f"r1_interval: expected 1 or more, got {r1_interval!r}")
    if update == "alternating" and not r1_gamma:
        return
    asked = ("r1_gamma: expected 0", f"got {r1_gamma}")
    if update == "simultaneous":
        asked = ("update: expected 'alternating'", f"got {update!r}")
    names = ", ".join(batch_norm_layers(discriminator))
    if names:
        what = f"with BatchNormalization ({names})"
    elif mixes_batch(discriminator):
        what = "whose layers mix the images of a batch"
    elif update == "simultaneous" and _asks_for_losses(discriminator):
        what = "whose layers add losses of their own"
    else:
        return
    raise ValueError(
        f"{asked[0]} for a discriminator {what}, {asked[1]}, which needs each image's "
        "answer to depend on that image alone"
    )


def _asks_for_losses(discriminator: keras.Model) -> bool:
    before = [variable.numpy() for variable in discriminator.variables]
    images, asks = tf.zeros((1, *discriminator.input_shape[1:])), False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is tried here
            for training in (False, True):
                discriminator(images, training=training)
                asks = asks or bool(asked_losses(discriminator))
    finally:
        for variable, value in zip(discriminator.variables, before, strict=True):
            variable.assign(value)
    return asks
