"""Adam in one operation a variable, with a weight average that grows with the run."""

from dcgan_keras._tensorflow import keras, tf

HORIZON = 9  # the average after t steps looks back over about t / HORIZON of them


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


def _handle(variable):
    is_tensorflows = hasattr(variable, "handle")  # or a Keras variable around one
    return variable.handle if is_tensorflows else variable.value.handle
