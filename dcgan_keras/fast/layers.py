"""Layers that are faster on a CPU: the same weights and outputs as Keras's.

`ImageConv2D`, `ImageConv2DTranspose`: of all that a stride of 2 asks for at the image,
one operation is slow, the transposed convolution onto its one or three channels: G's
last layer, and the gradient at the images on its way back through D's first. Here it
makes blocks of 2x2 pixels, four numbers a channel, without stride (Shi et al. 2016,
section 3.2); the layers between feature maps have channels enough, and gain nothing.
`ResizeConv2D`: pixels that are repeated and then convolved, as one transposed
convolution of half the work.
`FastBatchNormalization`: one operation where Keras has twenty. `FastLeakyReLU`: a part
of the convolution before it. What each is worth is measured in benchmarks/README.md.
"""

from dcgan_keras._tensorflow import keras, tf


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2D(keras.layers.Conv2D):
    """Keras's ``Conv2D``, with a faster way back to an image it halves.

    The faster way needs a square kernel of 2 or more, a stride of 2, "same" padding,
    channels last, no groups, no dilation, and images of a known, even size. Keras's own
    ``Conv2D.call`` does everything else, and batches that are known to be empty, so the
    numbers are Keras's in every case.

    Args:
        filters: channels of the output, 1 or more.
        kernel_size: as in Keras's layer, and so are all further arguments and their
            order.
        strides: 2, where Keras's default is 1.
        padding: "same", where Keras's default is "valid".

    Raises:
        ValueError: what Keras's layer refuses.

    Example:
        >>> ImageConv2D(16, 4)(tf.zeros((2, 28, 28, 1))).shape
        TensorShape([2, 14, 14, 16])
    """

    def __init__(
        self, filters, kernel_size, strides=2, padding="same", *args, **kwargs
    ):
        super().__init__(filters, kernel_size, strides, padding, *args, **kwargs)

    def call(self, inputs):
        """inputs: (N, H, W, C) -> (N, H / 2, W / 2, filters)."""
        if not _is_by_blocks(self, inputs, multiple=2):
            return super().call(inputs)
        return _finished(self, from_image(inputs, tf.cast(self.kernel, inputs.dtype)))


@keras.saving.register_keras_serializable("dcgan_keras")
class ImageConv2DTranspose(keras.layers.Conv2DTranspose):
    """Keras's ``Conv2DTranspose``, faster where it doubles the size of an image.

    The faster way needs a square kernel of 2 or more, a stride of 2, "same" padding
    without output_padding, channels last, no dilation, and inputs of a known size.
    Keras's own ``Conv2DTranspose.call`` does everything else.

    Args:
        filters: channels of the image, 1 or more.
        kernel_size: as in Keras's layer, and so are all further arguments and their
            order.
        strides: 2, where Keras's default is 1.
        padding: "same", where Keras's default is "valid".

    Raises:
        ValueError: what Keras's layer refuses.

    Example:
        >>> ImageConv2DTranspose(1, 4)(tf.zeros((2, 14, 14, 16))).shape
        TensorShape([2, 28, 28, 1])

    Source: Shi et al. 2016, section 3.2; notebook 03 shows why the two are one map.
    """

    def __init__(
        self, filters, kernel_size, strides=2, padding="same", *args, **kwargs
    ):
        super().__init__(filters, kernel_size, strides, padding, *args, **kwargs)

    def call(self, inputs):
        """inputs: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
        if not _is_by_blocks(self, inputs):
            return super().call(inputs)
        return _finished(self, to_image(inputs, tf.cast(self.kernel, inputs.dtype)))

    def get_config(self):
        """Keras's, and the output_padding, which Keras 3.13 leaves out."""
        return super().get_config() | {"output_padding": self.output_padding}


@keras.saving.register_keras_serializable("dcgan_keras")
class ResizeConv2D(keras.layers.Conv2D):
    """``UpSampling2D(2)`` and ``Conv2D`` in one, as one transposed convolution.

    Each pixel is repeated into a block of 2x2, then convolved with a kernel of size k.
    That is a transposed convolution of stride 2 whose kernel, of size k + 1, is the sum
    of four shifts of the layer's own: its neighbours cannot differ much, which is why
    it paints no checkerboards. The weights are those of the ``Conv2D``.

    The faster way needs an odd kernel, a stride of 1, "same" padding, channels last, no
    groups, no dilation, and numbers of 32 bits or more. Keras's own ``Conv2D.call``
    does everything else, on the repeated pixels.

    Args:
        filters: channels of the output, 1 or more.
        kernel_size: as in Keras's layer, and so are all further arguments and their
            order.
        strides: 1, as in Keras's layer.
        padding: "same", where Keras's default is "valid".

    Raises:
        ValueError: what Keras's layer refuses.

    Example:
        >>> ResizeConv2D(8, 3)(tf.zeros((2, 14, 14, 16))).shape
        TensorShape([2, 28, 28, 8])

    Source: Odena, Dumoulin & Olah 2016, "Deconvolution and checkerboard artifacts".
    """

    def __init__(
        self, filters, kernel_size, strides=1, padding="same", *args, **kwargs
    ):
        super().__init__(filters, kernel_size, strides, padding, *args, **kwargs)

    def compute_output_shape(self, input_shape):
        """That of Keras's layer for twice the height and width."""
        repeated = list(input_shape)
        for axis in self._rows_and_columns():
            repeated[axis] = repeated[axis] and 2 * repeated[axis]
        return super().compute_output_shape(tuple(repeated))

    def call(self, inputs):
        """inputs: (N, H, W, C) -> (N, 2 H, 2 W, filters)."""
        if not _is_transposed(self, inputs):
            for axis in self._rows_and_columns():
                inputs = tf.repeat(inputs, 2, axis)
            return super().call(inputs)
        kernel = smoothed(tf.convert_to_tensor(self.kernel))
        count, height, width, _ = tf.unstack(tf.shape(inputs))
        shape = (count, 2 * height, 2 * width, self.filters)
        outputs = tf.nn.conv2d_transpose(inputs, kernel, shape, 2, "SAME")
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        return _finished(self, outputs)

    def _rows_and_columns(self):
        return (1, 2) if self.data_format == "channels_last" else (2, 3)


def _is_transposed(layer, inputs) -> bool:
    """Whether a transposed convolution gives what Keras gives on repeated pixels."""
    return (
        all(size % 2 for size in layer.kernel_size)
        and layer.groups == 1
        and tuple(layer.strides) == (1, 1)
        and layer.padding == "same"
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.data_format == "channels_last"
        and layer.compute_dtype in ("float32", "float64")  # four weights are added
        and _is_floats(layer, inputs)
        and inputs.shape.rank == 4
    )


def smoothed(kernel):
    """The transposed convolution's kernel in place of repeated pixels and this one.

    Args:
        kernel: of a convolution with "same" padding, (h, w, C, filters), h and w odd.

    Returns:
        (h + 1, w + 1, filters, C): turned by 180 degrees, as a transposed convolution
        lays it down; each weight is the sum of up to four.

    Raises:
        ValueError: an even kernel, whose padding would put the map a pixel aside.
    """
    if not all(size % 2 for size in kernel.shape[:2]):
        raise ValueError(
            f"kernel: expected odd height and width, got shape {tuple(kernel.shape)}"
        )
    turned = tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))
    none, before, after = [0, 0], [1, 0], [0, 1]
    rows = tf.pad(turned, [before, none, none, none])
    rows += tf.pad(turned, [after, none, none, none])
    columns = tf.pad(rows, [none, before, none, none])
    return columns + tf.pad(rows, [none, after, none, none])


def _is_by_blocks(layer, inputs, multiple=1) -> bool:
    """Whether blocks of 2x2 pixels give what Keras's layer gives.

    Args:
        multiple: what the height and width of the inputs must be multiples of.
    """
    height, width = layer.kernel_size
    return (
        height == width >= 2
        and getattr(layer, "groups", 1) == 1  # the convolution has them
        and getattr(layer, "output_padding", None) is None  # its transpose has one
        and tuple(layer.strides) == (2, 2)
        and layer.padding == "same"
        and tuple(layer.dilation_rate) == (1, 1)
        and layer.data_format == "channels_last"
        and _is_floats(layer, inputs)
        and inputs.shape.rank == 4
        and inputs.shape[0] != 0  # TensorFlow gives an empty batch another shape
        and all(size and size % multiple == 0 for size in inputs.shape[1:3])
    )


def _is_floats(layer, inputs) -> bool:
    """Whether the inputs are a tensor as Keras hands it on, in the layer's own dtype.

    Integers, ragged tensors, and floats that ``autocast=False`` left as they were, have
    rules of their own.
    """
    return (
        isinstance(inputs, tf.Tensor)
        and inputs.dtype.is_floating
        and inputs.dtype == layer.compute_dtype
    )


def _finished(layer, outputs):
    """The bias and the activation of a layer, as operations that TensorFlow fuses."""
    if layer.use_bias:
        outputs = tf.nn.bias_add(outputs, tf.cast(layer.bias, outputs.dtype))
    return outputs if layer.activation is None else layer.activation(outputs)


@tf.custom_gradient
def from_image(images, kernel):
    """The convolution of stride 2, and ``to_image`` on the way back.

    Args:
        images: (N, 2 H, 2 W, C).
        kernel: (k, k, C, filters), k >= 2.

    Returns:
        (N, H, W, filters).

    Raises:
        ValueError: another kernel.
    """
    _check_blocks(kernel)

    def gradients(at_features):
        at_kernel = _kernel_gradient(images, kernel, at_features)
        return to_image(at_features, kernel), at_kernel

    return tf.nn.conv2d(images, kernel, 2, "SAME"), gradients


@tf.custom_gradient
def to_image(features, kernel):
    """The transpose of ``from_image``, by blocks of 2x2 pixels.

    Args:
        features: (N, H, W, filters).
        kernel: (k, k, C, filters), k >= 2.

    Returns:
        (N, 2 H, 2 W, C).

    Raises:
        ValueError: another kernel.
    """
    _check_blocks(kernel)

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


def _check_blocks(kernel) -> None:
    shape = tuple(kernel.shape)
    if len(shape) != 4 or not shape[0] == shape[1] >= 2:
        raise ValueError(
            f"kernel: expected shape (k, k, C, filters) with k >= 2, got {shape}"
        )


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
    """Keras's ``BatchNormalization``, in training one kernel of TensorFlow's.

    The kernel normalises the last axis, with scale and center, in float32 (or with
    float32 weights in mixed precision). Keras's own ``BatchNormalization.call`` does
    everything else: inference, frozen layers, masks, renorm, synchronized, other axes
    and other dtypes.

    Args:
        args: as in Keras's layer, in the same order.
        kwargs: as in Keras's layer.

    Raises:
        ValueError: what Keras's layer refuses.

    Example:
        >>> FastBatchNormalization()(tf.ones((8, 7, 7, 32)), training=True).shape
        TensorShape([8, 7, 7, 32])

    Source: Ioffe & Szegedy 2015, algorithm 1.
    """

    def call(self, inputs, training=None, mask=None):
        """inputs: (N, ..., C) -> the same shape; mask: (N, ...), True where counted."""
        if not (training and self.trainable and _is_by_kernel(self, inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        is_image = inputs.shape.rank == 4
        images = inputs if is_image else tf.reshape(inputs, (-1, 1, 1, channels))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel's variance is n / (n - 1) times the batch's own, which Keras keeps.
        count = tf.cast(tf.size(inputs) // channels, variance.dtype)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance * (count - 1) / count)
        return tf.reshape(outputs, tf.shape(inputs))

    def _move(self, average, batch):
        average.assign(average * self.momentum + batch * (1.0 - self.momentum))


def _is_by_kernel(layer, inputs, mask) -> bool:
    """Whether TensorFlow's kernel gives what Keras's layer gives in training."""
    weights = (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    return (
        mask is None
        and layer.scale
        and layer.center
        and not layer.synchronized
        and not getattr(layer, "renorm", False)  # unknown to older Keras
        and _is_floats(layer, inputs)
        and inputs.dtype != tf.float64
        and all(weight.dtype == "float32" for weight in weights)
        and inputs.shape.rank is not None
        and layer.axis in (-1, inputs.shape.rank - 1)
    )


@keras.saving.register_keras_serializable("dcgan_keras")
class FastLeakyReLU(keras.layers.LeakyReLU):
    """Keras's ``LeakyReLU`` whose gradient looks at the outputs, not at the inputs.

    Both are above 0 at the same places. So nothing keeps the inputs, and TensorFlow
    makes one operation of a convolution, its bias and its leaky ReLU.

    Args:
        args: as in Keras's layer: negative_slope, 0 or more, 0.3 if not given.
        kwargs: as in Keras's layer.

    Raises:
        ValueError: what Keras's layer refuses: a slope below 0, or None.

    Example:
        >>> FastLeakyReLU(0.2)(tf.constant([-1.0, 1.0])).numpy().tolist()
        [-0.20000000298023224, 1.0]

    Source: Maas, Hannun & Ng 2013, section 2.
    """

    def call(self, inputs):
        """inputs: any shape -> the same shape."""
        if not _is_floats(self, inputs):
            return super().call(inputs)
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
