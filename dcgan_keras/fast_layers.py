"""Layers that are faster on a CPU: the same weights and outputs as Keras's.

`ImageConv2D`, `ImageConv2DTranspose`: a convolution of stride 2 sees the image as
blocks of 2x2 pixels. With the four pixels of a block as channels it is a 3x3
convolution without stride, which the processor's kernels do well even for one grey
channel; the layers between feature maps have channels enough, and gain nothing.
`FastBatchNormalization`: one operation where Keras has twenty.
What each is worth is measured in benchmarks/README.md.
"""

from dcgan_keras._tensorflow import keras, tf

LARGEST_KERNEL = 6  # three blocks of two pixels


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2D(keras.layers.Conv2D):
    """``Conv2D(strides=2, padding="same")`` for an image of even size, on 2x2 blocks.

    Args:
        filters: of the layer.
        kernel_size: one number, 2 to 6.
        options: for ``keras.layers.Conv2D``; strides and padding are fixed.

    Raises:
        ValueError: a kernel that three blocks do not hold.

    Example:
        >>> ImageConv2D(16, 4)(tf.zeros((2, 28, 28, 1))).shape
        TensorShape([2, 14, 14, 16])
    """

    def __init__(self, filters: int, kernel_size: int, **options):
        super().__init__(filters, kernel_size, **_checked(kernel_size, options))

    def call(self, images):
        """images: (N, H, W, C) -> (N, H / 2, W / 2, filters)."""
        kernel = _blocks(tf.cast(self.kernel, images.dtype))  # (3, 3, 2, 2, C, filters)
        kernel = tf.reshape(kernel, (3, 3, 4 * images.shape[-1], self.filters))
        outputs = tf.nn.conv2d(tf.nn.space_to_depth(images, 2), kernel, 1, "SAME")
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))
        return self.activation(outputs)


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2DTranspose(keras.layers.Conv2DTranspose):
    """``Conv2DTranspose(strides=2, padding="same")`` as a sub-pixel convolution.

    Args:
        filters: channels of the image.
        kernel_size: one number, 2 to 6.
        options: for ``keras.layers.Conv2DTranspose``; strides and padding are fixed.

    Raises:
        ValueError: a kernel that three blocks do not hold.

    Source: Shi et al. 2016, section 3.2; notebook 03 shows why the two are one map.
    """

    def __init__(self, filters: int, kernel_size: int, **options):
        super().__init__(filters, kernel_size, **_checked(kernel_size, options))

    def call(self, features):
        """features: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
        kernel = tf.reverse(_blocks(tf.cast(self.kernel, features.dtype)), [0, 1])
        kernel = tf.transpose(kernel, (0, 1, 5, 2, 3, 4))  # (3, 3, C, 2, 2, filters)
        kernel = tf.reshape(kernel, (3, 3, features.shape[-1], 4 * self.filters))
        outputs = tf.nn.conv2d(features, kernel, 1, "SAME")
        outputs = tf.nn.depth_to_space(outputs, 2)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.cast(self.bias, outputs.dtype))
        return self.activation(outputs)


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
        shape = tf.shape(inputs)
        images = tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images, self.gamma.value, self.beta.value, epsilon=self.epsilon
        )
        # The kernel returns the variance of the population; Keras keeps the sample's.
        count = tf.cast(tf.shape(images)[0], variance.dtype)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return tf.reshape(outputs, shape)

    def _move(self, average, value):
        average.assign_add((value - average) * (1 - self.momentum))


def _blocks(kernel: tf.Tensor) -> tf.Tensor:
    """Cut the kernel of a stride-2 "same" layer into 3x3 blocks of 2x2.

    Args:
        kernel: (k, k, a, b).

    Returns:
        (3, 3, 2, 2, a, b): [u, v, p, q] weighs pixel (p, q) of the block that lies
        u - 1 blocks down and v - 1 to the right.
    """
    size, a, b = kernel.shape[0], *kernel.shape[2:]
    before = 2 - (size - 2) // 2  # "same" puts (k - 2) // 2 pixels before the image
    pad = [[before, LARGEST_KERNEL - size - before]] * 2 + [[0, 0]] * 2
    blocks = tf.reshape(tf.pad(kernel, pad), (3, 2, 3, 2, a, b))
    return tf.transpose(blocks, (0, 2, 1, 3, 4, 5))


def _checked(kernel_size, options: dict) -> dict:
    size = kernel_size[0] if isinstance(kernel_size, list | tuple) else kernel_size
    if not 2 <= size <= LARGEST_KERNEL:
        raise ValueError(f"kernel_size: expected 2 to {LARGEST_KERNEL}, got {size}")
    fixed = {"strides": 2, "padding": "same"}
    for name, value in fixed.items():
        if options.get(name, value) not in (value, (value, value), [value, value]):
            raise ValueError(f"{name}: expected {value!r}, got {options[name]!r}")
    return {**options, **fixed}
