"""The classic loop over the composite model, as a keras.Model with ``fit``.

It makes the same update as ``dcgan.DCGAN`` from the same state, images and noise (a
test holds them together): D sees m reals and m fakes, each batch normalised by itself,
and makes one update from both; then G makes one from m new fakes. Both report the
losses of each step, in nats per image, not running means. They differ where the
composite is built with ``batch_norm="inference"``: D's normalisation then uses moving
averages in G's step, and G gets another gradient.

Reals and fakes go through D separately because its BatchNormalization would else
normalise them together: the shared statistics tell D which is which, and G, whose
batches are all fakes, meets another D. On digits nothing is learned that way.
"""

from dcgan_keras import losses
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import build_gan
from dcgan_keras.noise import D_NOISE, G_NOISE
from dcgan_keras.training.players import TwoPlayers, asked_losses, weight_losses


@keras.saving.register_keras_serializable("dcgan_keras")
class CompositeLoop(TwoPlayers):
    """D's update, then G's through the composite, as ``train_on_batch`` makes them.

    D is compiled for a batch of reals and one of fakes, the composite for noise and
    the label "real"; both updates are traced as one graph, so that a step is one call.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        discriminator: (N, H, W, C) -> (N, 1), logits.
        seed: of the noise.
        batch_norm: of D inside the composite, see ``build_gan``.
        classes: of conditional players, see ``DCGAN``.

    Raises:
        ValueError: the players do not fit together.

    Example:
        >>> loop = CompositeLoop(build_generator(), build_discriminator())
        >>> loop.compile()
        >>> loop.fit(training_batches(images, 64), steps_per_epoch=400)

    Source: OV, "compositing the two models"; notebook 06.
    """

    shares_batches = False  # Keras's metrics inside of a train_step do not

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        seed: int = 0,
        batch_norm: str = "training",
        name: str = "composite_loop",
        classes: int | None = None,
    ):
        super().__init__(generator, discriminator, seed, name, classes)
        self.batch_norm = batch_norm
        self.gan = build_gan(generator, discriminator, batch_norm, classes)
        self.pair = _pair(discriminator)

    def get_config(self):
        return super().get_config() | {"batch_norm": self.batch_norm}

    def compile(
        self,
        generator_optimizer: "keras.optimizers.Optimizer | str | None" = None,
        discriminator_optimizer: "keras.optimizers.Optimizer | str | None" = None,
        **options,
    ):
        """Set the optimizers; in float16 they scale their losses, as in ``DCGAN``.

        Args:
            generator_optimizer: of its own; None: ``default_optimizer()``.
            discriminator_optimizer: of its own; None: ``default_optimizer()``.
            options: run_eagerly and jit_compile (XLA, for the update), each True or
                False, which it is if it is not given; steps_per_execution, >= 1.

        Raises:
            ValueError: players put in since, an unknown option, one optimizer for
                both players, or regularizers of weights of float64.
        """
        self._check_players()
        for name in ("generator", "discriminator"):
            if getattr(self, name) is not getattr(self.gan, name):
                raise ValueError(
                    f"{name}: expected the one that the composite was built on, got "
                    "another; make a new CompositeLoop"
                )
        options.setdefault("jit_compile", False)
        _check_regularizers(generator=self.generator, discriminator=self.discriminator)
        self._compile_players(generator_optimizer, discriminator_optimizer, options)
        if self.classes is None:
            cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
            accuracy = _accuracy
        else:
            cross_entropy, accuracy = asked_cross_entropy, _asked_accuracy
        self.pair.compile(
            self.discriminator_optimizer,
            loss={"real": cross_entropy, "fake": cross_entropy},
            metrics={"real": [accuracy()], "fake": [accuracy()]},
            auto_scale_loss=False,  # _compile_players did, where it is needed
        )
        self.gan.compile(
            self.generator_optimizer, loss=cross_entropy, auto_scale_loss=False
        )
        self.generator_loss = losses.non_saturating_generator_loss

    def _update(self, real_images, labels, step, draws):
        z = self._generator_input(draws[D_NOISE], labels)
        fake_images = self._fakes(z, training=True)
        if labels is None:
            real = tf.ones_like(z[:, :1])
            fake = 0 * real
        else:
            real = tf.one_hot(labels, self.classes)
            fake = -real
        pair = {"real_images": real_images, "fake_images": fake_images}
        d_logs = _train(self.pair, pair, {"real": real, "fake": fake})

        z = self._generator_input(draws[G_NOISE], labels)
        g_logs = _train(self.gan, z, real)
        return {
            "discriminator_loss": d_logs["loss"],
            "generator_loss": g_logs["loss"],
            "real_accuracy": d_logs["real_accuracy"],
            "fake_accuracy": d_logs["fake_accuracy"],
        }


def _train(model: keras.Model, inputs, labels) -> dict:
    """What ``train_on_batch`` runs: the numbers of this batch, not running means.

    The loss is reported without what regularizers and layers add to it.
    """
    model.reset_metrics()
    added = weight_losses(model)  # before the weights move
    logs = dict(model.train_step((inputs, labels)))
    added += asked_losses(model)
    for loss in added:
        logs["loss"] -= tf.cast(loss, tf.float32)
    return logs


def _pair(discriminator: keras.Model) -> keras.Model:
    """D for a batch of reals and one of fakes, each normalised by itself.

    Keras adds the losses of the two answers, as the value function does. Keras before
    3.12 knows an answer by the layer that gave it, so each has one of its own name.
    """
    images, answers, shape = {}, {}, discriminator.input_shape[1:]
    for name in ("real", "fake"):
        image = images[f"{name}_images"] = keras.Input(shape, name=f"{name}_images")
        answer = keras.layers.Identity(name=name, dtype="float32")
        answers[name] = answer(discriminator(image))
    return keras.Model(images, answers)


def _check_regularizers(**players) -> None:
    """Refuse what Keras, whose losses are of float32, can't add to them."""
    for name, player in players.items():
        kinds = {x.dtype for x in player.trainable_variables if x.regularizer}
        if "float64" in kinds:
            raise ValueError(
                f"{name}: expected regularizers of float32 weights, got float64, which "
                "Keras adds to no loss; DCGAN makes the same update"
            )


@keras.saving.register_keras_serializable("dcgan_keras")
def asked_cross_entropy(answers, logits):
    """The binary cross-entropy of the logits that were asked for, an image each.

    Args:
        answers: float (N, classes): in the column of the asked class 1 for "real" and
            -1 for "fake"; 0 in all others.
        logits: float (N, classes).

    Returns:
        (N,): softplus(-logit) for "real", softplus(logit) for "fake".
    """
    logits = keras.ops.where(answers == 0, 0.0, logits)  # an infinite one of another
    losses_of_all = keras.ops.softplus(-answers * logits)
    return keras.ops.sum(keras.ops.abs(answers) * losses_of_all, axis=-1)


def _asked_accuracy() -> keras.metrics.Metric:
    """The share of right answers where one was asked for, as logits."""

    def is_right(answers, logits):
        right = keras.ops.equal(logits > 0, answers > 0)
        right = keras.ops.cast(right, answers.dtype)
        return keras.ops.sum(keras.ops.abs(answers) * right, axis=-1)

    return keras.metrics.MeanMetricWrapper(is_right, "accuracy")


def _accuracy() -> keras.metrics.Metric:
    """The share of right answers, as logits."""
    return keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
