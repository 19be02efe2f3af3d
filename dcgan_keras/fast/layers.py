"""Layers that are faster on a CPU: the same weights and outputs as Keras's.

`ImageConv2D`, `ImageConv2DTranspose`: of all that a stride of 2 asks for at the image,
one operation is slow, the transposed convolution onto its one or three channels: G's
last layer, and the gradient at the images on its way back through D's first. Here it
makes blocks of 2x2 pixels, four numbers a channel, without stride (Shi et al. 2016,
section 3.2); the layers between feature maps have channels enough, and gain nothing.
`FastBatchNormalization`: one operation where Keras has twenty. `FastLeakyReLU`: a part
of the convolution before it. What each is worth is measured in benchmarks/README.md.
"""

from dcgan_keras._tensorflow import keras, tf


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2D(keras.layers.Conv2D):
    """``Conv2D(strides=2, padding="same")`` for an image of even size.

    Args:
        filters: of the layer.
        kernel_size: one number, 2 or more.
        options: for ``keras.layers.Conv2D``; strides and padding are fixed.

    Raises:
        ValueError: a smaller kernel, other strides or another padding.

    Example:
        >>> ImageConv2D(16, 4)(tf.zeros((2, 28, 28, 1))).shape
        TensorShape([2, 14, 14, 16])
    """

    def __init__(self, filters: int, kernel_size: int, **options):
        super().__init__(filters, kernel_size, **_checked(kernel_size, options))

    def call(self, images):
        """images: (N, H, W, C) -> (N, H / 2, W / 2, filters)."""
        outputs = from_image(images, tf.cast(self.kernel, images.dtype))
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))
        return self.activation(outputs)


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2DTranspose(keras.layers.Conv2DTranspose):
    """``Conv2DTranspose(strides=2, padding="same")`` that ends in an image.

    Args:
        filters: channels of the image.
        kernel_size: one number, 2 or more.
        options: for ``keras.layers.Conv2DTranspose``; strides and padding are fixed.

    Raises:
        ValueError: a smaller kernel, other strides or another padding.

    Source: Shi et al. 2016, section 3.2; notebook 03 shows why the two are one map.
    """

    def __init__(self, filters: int, kernel_size: int, **options):
        super().__init__(filters, kernel_size, **_checked(kernel_size, options))

    def call(self, features):
        """features: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
        outputs = to_image(features, tf.cast(self.kernel, features.dtype))
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))
        return self.activation(outputs)


@tf.custom_gradient
def from_image(images, kernel):
    """The convolution of stride 2, and ``to_image`` on the way back.

    Args:
        images: (N, 2 H, 2 W, C).
        kernel: (k, k, C, filters).

    Returns:
        (N, H, W, filters).
    """

    def gradients(at_features):
        at_kernel = _kernel_gradient(images, kernel, at_features)
        return to_image(at_features, kernel), at_kernel

    return tf.nn.conv2d(images, kernel, 2, "SAME"), gradients


@tf.custom_gradient
def to_image(features, kernel):
    """The transpose of ``from_image``, by blocks of 2x2 pixels.

    Args:
        features: (N, H, W, filters).
        kernel: (k, k, C, filters).

    Returns:
        (N, 2 H, 2 W, C).
    """

    def gradients(at_images):
        at_kernel = _kernel_gradient(at_images, kernel, features)
        return from_image(at_images, kernel), at_kernel

    size, _, channels, filters = kernel.shape
    count = (size + 1) // 2  # blocks in a row of the kernel
    room = [[0, 2 * count - size]] * 2 + [[0, 0]] * 2
    blocks = tf.reshape(tf.pad(kernel, room), (count, 2, count, 2, channels, filters))
    blocks = tf.transpose(blocks, (0, 2, 1, 3, 4, 5))
    blocks = tf.reshape(blocks, (count, count, 4 * channels, filters))

    height, width = features.shape[1:3]
    h, w = height + count - 1, width + count - 1  # in blocks, before cropping
    shape = (tf.shape(features)[0], h, w, 4 * channels)
    outputs = tf.nn.conv2d_transpose(features, blocks, shape, 1, "VALID")
    # depth_to_space, in two thirds of the time: blocks (2, 2, C) become pixels
    outputs = tf.reshape(outputs, (-1, h, w, 2, 2 * channels))
    outputs = tf.transpose(outputs, (0, 1, 3, 2, 4))
    pixels = tf.reshape(outputs, (-1, 2 * h, 2 * w, channels))
    first = (size - 2) // 2  # "same" puts so many pixels before the image
    rows, columns = slice(first, first + 2 * height), slice(first, first + 2 * width)
    return pixels[:, rows, columns], gradients


def _kernel_gradient(images, kernel, at_features):
    """What the weights of either layer get from both its sides."""
    return tf.raw_ops.Conv2DBackpropFilter(
        input=images,
        filter_sizes=kernel.shape,
        out_backprop=at_features,
        strides=[1, 2, 2, 1],
        padding="SAME",
    )


@keras.saving.register_keras_serializable("dcgan_keras")
class FastBatchNormalization(keras.layers.BatchNormalization):
    """``BatchNormalization`` of the last axis with TensorFlow's one kernel.

    Args:
        options: for ``keras.layers.BatchNormalization``; scale and center stay True.

    Example:
        >>> FastBatchNormalization()(tf.ones((8, 7, 7, 32)), training=True).shape
        TensorShape([8, 7, 7, 32])

    Source: Ioffe & Szegedy 2015, algorithm 1.
    """

    def call(self, inputs, training=None, mask=None):
        """inputs: (N, ..., C) -> the same shape."""
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        is_image = inputs.shape.rank == 4
        images = inputs if is_image else tf.reshape(inputs, (-1, 1, 1, channels))
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images, self.gamma.value, self.beta.value, epsilon=self.epsilon
        )
        # The kernel returns the variance of the population; Keras keeps the sample's.
        count = tf.cast(tf.size(inputs) // channels, variance.dtype)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return tf.reshape(outputs, tf.shape(inputs))

    def _move(self, average, value):
        average.assign_add((value - average) * (1 - self.momentum))


@keras.saving.register_keras_serializable("dcgan_keras")
class FastLeakyReLU(keras.layers.LeakyReLU):
    """``LeakyReLU`` whose gradient looks at the outputs, not at the inputs.

    Both have the same sign. So nothing keeps the inputs, and TensorFlow makes one
    operation of a convolution, its bias and its leaky ReLU.

    Args:
        options: for ``keras.layers.LeakyReLU``; negative_slope must be above 0.

    Raises:
        ValueError: a slope of 0, by which the outputs lose the sign.
    """

    def __init__(self, **options):
        super().__init__(**options)
        if self.negative_slope == 0:
            raise ValueError(
                f"negative_slope: expected above 0, got {self.negative_slope}"
            )

    def call(self, inputs):
        """inputs: any shape -> the same shape."""
        return _leaky_relu(inputs, float(self.negative_slope))


def _leaky_relu(inputs, slope: float):
    @tf.custom_gradient
    def forward(inputs):
        outputs = tf.nn.leaky_relu(inputs, slope)

        def gradient(at_outputs):
            return tf.raw_ops.LeakyReluGrad(
                gradients=at_outputs, features=outputs, alpha=slope
            )

        return outputs, gradient

    return forward(inputs)


def _checked(kernel_size, options: dict) -> dict:
    size = kernel_size[0] if isinstance(kernel_size, list | tuple) else kernel_size
    if size < 2:
        raise ValueError(f"kernel_size: expected 2 or more, got {size}")
    fixed = {"strides": 2, "padding": "same"}
    for name, value in fixed.items():
        if options.get(name, value) not in (value, (value, value), [value, value]):
            raise ValueError(f"{name}: expected {value!r}, got {options[name]!r}")
    return {**options, **fixed}
