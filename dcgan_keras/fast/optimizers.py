"""Adam in one operation a variable, with a weight average that grows with the run."""

from dcgan_keras._tensorflow import keras, tf

HORIZON = 9  # the average after t steps looks back over about t / HORIZON of them


@keras.saving.register_keras_serializable("dcgan_keras")
class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with one operation a variable, and a growing weight average.

    A dozen small operations a variable take longer than the arithmetic when layers
    are small; TensorFlow's own kernel does the same in one. Keras's own
    ``Adam.update_step`` updates variables that are not float32, and those whose
    gradient is sparse or of another shape.

    With ``use_ema=True`` the average of the weights looks back over a fixed share of
    the updates made, where Keras's looks back over a fixed number: it is short while
    the weights still run, and long when they only circle. The average is kept with the
    optimizer's state.

    Args:
        learning_rate: a float, 0 or more, or a schedule.
        beta_1, beta_2, epsilon, weight_decay: as in Keras's Adam, in the same order.
        clipnorm, clipvalue, global_clipnorm, use_ema: as in Keras's Adam.
        amsgrad: must be False.
        ema_momentum: None: the growing average. A number in [0, 1]: Keras's average.
        args, kwargs: what Keras's Adam takes after ema_momentum.

    Raises:
        ValueError: amsgrad=True; what Keras's Adam refuses.

    Example:
        >>> optimizer = FusedAdam(2e-3, beta_1=0.5, use_ema=True)

    Source: Kingma & Ba 2015, algorithm 1; averaging for GANs: Yazıcı et al. 2019.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=None,
        *args,
        **kwargs,
    ):
        if amsgrad:
            raise ValueError(
                f"amsgrad: expected False, got {amsgrad}; use Keras's Adam"
            )
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            0.99 if ema_momentum is None else ema_momentum,
            *args,
            **kwargs,
        )
        self.ema_momentum = ema_momentum
        self._powers = None  # of the betas, while all variables make one step

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        self._powers = self._beta_powers()
        try:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
        finally:
            self._powers = None

    def _beta_powers(self):
        step = tf.cast(self.iterations + 1, tf.float32)
        return self.beta_1**step, self.beta_2**step

    def update_step(self, gradient, variable, learning_rate):
        if not _is_dense(gradient, variable):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        powers = self._powers or self._beta_powers()
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self.use_ema:
            return
        if self.ema_momentum is not None:
            super()._update_model_variables_moving_average(trainable_variables)
            return
        share = HORIZON / (HORIZON + tf.cast(self.iterations, tf.float32))
        if self.gradient_accumulation_steps:
            # Between two updates the weights stand still, and so does their average.
            # Until the first the share is 1, so that it is never the zeros it began as.
            made, steps = self._iterations + 1, self.gradient_accumulation_steps
            is_update = tf.equal(made % steps, 0) | tf.less(made, steps)
            share = tf.where(is_update, share, 0.0)
        averages = self._model_variables_moving_average
        for variable, average in zip(trainable_variables, averages, strict=True):
            if average is not None:  # Keras has none for the scales of float8
                step = tf.cast(share, variable.dtype)
                average.assign_add((variable - average) * step)


def _is_dense(gradient, variable) -> bool:
    """Whether TensorFlow's kernel takes them: float32, and as many numbers as weights.

    Keras, too, would make a gradient of another dtype float32, and would stretch one of
    another shape.
    """
    return (
        not isinstance(gradient, tf.IndexedSlices)
        and tf.as_dtype(variable.dtype) == tf.float32
        and tf.TensorShape(gradient.shape).is_compatible_with(variable.shape)
    )


def _handle(variable):
    is_tensorflows = hasattr(variable, "handle")  # or a Keras variable around one
    return variable.handle if is_tensorflows else variable.value.handle
