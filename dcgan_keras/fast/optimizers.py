"""The optimizers of both players: the paper's, and fast ones with a weight average."""

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.noise import latent_noise

HORIZON = 9  # the average after t steps looks back over about t / HORIZON of them
MEASURED = 500  # generated images by which the statistics of averaged weights are set


def default_optimizer() -> keras.optimizers.Optimizer:
    """Adam(2e-4, beta_1=0.5), one for each player (Radford et al. 2015, section 4)."""
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


@keras.saving.register_keras_serializable("dcgan_keras")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with one operation a variable, and a growing weight average.

    A dozen small operations a variable take longer than the arithmetic when layers
    are small; TensorFlow's own kernel does the same in one. With ``use_ema=True`` the
    average of the weights looks back over a fixed share of the steps made, where
    Keras's looks back over a fixed number: it is short while the weights still run,
    and long when they only circle. The average is kept with the optimizer's state.

    Args:
        learning_rate: a number, or a schedule.
        options: for ``keras.optimizers.Adam``, amsgrad excepted.

    Raises:
        ValueError: amsgrad=True.

    Example:
        >>> optimizer = FusedAdam(2e-3, beta_1=0.5, use_ema=True)

    Source: Kingma & Ba 2015, algorithm 1; averaging for GANs: Yazıcı et al. 2019.
    """

    def __init__(self, learning_rate=1e-3, **options):
        if options.get("amsgrad"):
            raise ValueError("amsgrad: expected False, got True; use Keras's Adam")
        super().__init__(learning_rate, **options)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        step = tf.cast(self.iterations + 1, tf.float32)
        self._powers = self.beta_1**step, self.beta_2**step  # once for all variables
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=self._powers[0],
            beta2_power=self._powers[1],
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self.use_ema:
            return
        share = HORIZON / (HORIZON + tf.cast(self.iterations, tf.float32))
        averages = self._model_variables_moving_average
        for variable, average in zip(trainable_variables, averages, strict=True):
            average.assign_add((variable - average) * share)


class SamplingGenerator:
    """G as it is best used: with the average of its weights, where one is kept.

    Args:
        model: with ``generator`` and ``generator_optimizer``, such as a ``DCGAN``.

    Example:
        >>> images = dcgan.sampling_generator()(z, training=False)
    """

    def __init__(self, model):
        self.model, self.copy = model, None

    def __call__(self) -> keras.Model:
        """G itself; or, with ``use_ema=True``, a copy with the averages as they are
        now, and with the statistics that its layers have with them."""
        generator = self.model.generator
        optimizer = self.model.generator_optimizer
        if not optimizer.use_ema:
            return generator
        if self.copy is None:
            self.copy = keras.models.clone_model(generator)
        for own, value in zip(self.copy.variables, generator.variables, strict=True):
            own.assign(value)
        averages = optimizer._model_variables_moving_average
        for own, value in zip(self.copy.trainable_variables, averages, strict=True):
            own.assign(value)
        set_statistics(self.copy)
        return self.copy


def set_statistics(generator: keras.Model, count: int = MEASURED) -> None:
    """Set BN's moving averages to the statistics of one large batch of a fixed noise.

    G's own were moved by other weights than the averaged ones; with them the contrast
    of the samples is slightly off.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C), with or without BN.
        count: images in the batch.

    Source: Izmailov et al. 2018, section 3.2; Brock et al. 2019, "standing statistics".
    """
    layers = [
        layer
        for layer in generator._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # keep nothing of what was
    z = latent_noise((count, generator.input_shape[1]), seed=-1, step=0)
    generator(z, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def check_optimizers(generator_optimizer, discriminator_optimizer) -> None:
    """Refuse one optimizer for both players."""
    if generator_optimizer is not None and (
        generator_optimizer is discriminator_optimizer
    ):
        raise ValueError(
            "discriminator_optimizer: expected an optimizer of its own, got the "
            "generator's; an optimizer keeps a state for each of its variables"
        )


def _handle(variable):
    is_tensorflows = hasattr(variable, "handle")  # or a Keras variable around one
    return variable.handle if is_tensorflows else variable.value.handle
