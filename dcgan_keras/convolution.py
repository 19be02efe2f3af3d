"""Convolution as multiplication by a sparse matrix, and its transpose.

"Convolution" is what Keras's ``Conv2D`` computes: cross-correlation, the kernel is not
flipped. ``W.T`` is the gradient of ``Conv2D``, and it is ``Conv2DTranspose``. NumPy
and SciPy only; words for padding mean what they mean in Keras and TensorFlow.
"""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse


def conv_output_size(
    size: int, kernel_size: int, strides: int = 1, padding: str | int = "valid"
) -> int:
    """Return the output size of a convolution along one axis.

    Args:
        size: input size in pixels, at least 1.
        kernel_size: taps of the kernel along this axis, at least 1.
        strides: step of the kernel in pixels, at least 1.
        padding: "valid" (none), "same" (size / strides, rounded up), or the number
            of zeros added at each of the two ends.

    Returns:
        floor((size + 2 padding - kernel_size) / strides) + 1 for a number;
        the same with padding 0 for "valid"; ceil(size / strides) for "same".

    Raises:
        ValueError: an argument is no integer or too small, the word for padding is
            unknown, or the kernel is larger than the padded input.

    Example:
        >>> conv_output_size(28, 5, strides=2, padding="same")
        14

    Source: Dumoulin and Visin 2016, relationship 6; notebook 03.
    """
    size, kernel_size, strides, padding = _checked(size, kernel_size, strides, padding)
    if padding == "same":
        return -(-size // strides)
    p = 0 if padding == "valid" else padding
    if kernel_size > size + 2 * p:
        raise ValueError(
            f"kernel_size must be at most the padded input, {size + 2 * p} "
            f"(padding={padding!r}), got {kernel_size}"
        )
    return (size + 2 * p - kernel_size) // strides + 1


def transposed_conv_output_size(
    size: int, kernel_size: int, strides: int = 1, padding: str | int = "valid"
) -> int:
    """Return the output size of a transposed convolution along one axis.

    Args:
        size: input size in pixels, at least 1.
        kernel_size: taps of the kernel along this axis, at least 1.
        strides: distance of two input pixels in the output, at least 1.
        padding: "valid", "same", or the number of pixels cropped at each end.

    Returns:
        size * strides for "same"; (size - 1) strides - 2 padding + kernel_size for a
        number. "valid" is the number 0, except that Keras keeps size * strides when
        the kernel is smaller than the stride.

    Raises:
        ValueError: as ``conv_output_size``, or nothing is left after cropping.

    Example:
        >>> transposed_conv_output_size(7, 5, strides=2, padding="same")
        14

    Source: Dumoulin and Visin 2016, relationship 13; notebook 03.
    """
    size, kernel_size, strides, padding = _checked(size, kernel_size, strides, padding)
    if padding == "same":
        return size * strides
    if padding == "valid":
        return size * strides + max(kernel_size - strides, 0)
    outputs = (size - 1) * strides - 2 * padding + kernel_size
    if outputs < 1:
        raise ValueError(f"padding must leave an output, got {padding}: {outputs}")
    return outputs


def padding_amounts(
    size: int, kernel_size: int, strides: int = 1, padding: str | int = "valid"
) -> tuple[int, int]:
    """Return how many zeros a convolution adds before and after one axis.

    Args:
        size, kernel_size, strides, padding: as for ``conv_output_size``.

    Returns:
        (before, after). "same" adds just enough for ceil(size / strides) outputs; an
        odd zero goes after, as in TensorFlow. A transposed convolution crops what the
        convolution from its output to its input would add.

    Raises:
        ValueError: as ``conv_output_size``.

    Example:
        >>> padding_amounts(28, 5, strides=2, padding="same")
        (1, 2)

    Source: TensorFlow's definition of SAME; notebook 03.
    """
    outputs = conv_output_size(size, kernel_size, strides, padding)
    size, kernel_size, strides = int(size), int(kernel_size), int(strides)
    if padding == "valid":
        return 0, 0
    if padding != "same":
        return int(padding), int(padding)
    total = max((outputs - 1) * strides + kernel_size - size, 0)
    return total // 2, total - total // 2


def convolution_matrix(
    kernel: ArrayLike,
    input_shape: Sequence[int],
    strides: int | Sequence[int] = 1,
    padding: str | int = "valid",
) -> sparse.csr_matrix:
    """Return the sparse matrix W with W @ image.ravel() == Conv2D(image).ravel().

    W.T is Conv2DTranspose with the same kernel array, since Keras stores that layer's
    kernel as (height, width, filters, input channels); ``input_shape`` is then the
    shape of the layer's output.

    Args:
        kernel: real array (height, width, input channels, output channels), or
            (height, width) for one channel in and out.
        input_shape: (height, width) or (height, width, input channels), in pixels.
        strides: one integer, or (vertical, horizontal).
        padding: "valid", "same" as in Keras, or a number of zeros on every side.

    Returns:
        A CSR matrix (outputs, inputs), both flattened in height, width, channel
        order; float32 for a float32 kernel, else float64. It stores one entry for
        each weight that meets a pixel, even a weight of 0; cost is linear in them.

    Raises:
        ValueError: an argument of the wrong type, range, channels or dimensions.

    Example:
        >>> W = convolution_matrix(np.ones((3, 3)), (4, 4))
        >>> W.shape, W.nnz
        ((4, 16), 36)

    Source: Dumoulin and Visin 2016, section 4.1; notebook 03.
    """
    weights = _checked_kernel(kernel)
    height, width = _checked_shape(input_shape, channels=weights.shape[2])
    down, right = _checked_pair(strides, "strides")
    rows, rows_inside = _reached(height, weights.shape[0], down, padding)
    columns, columns_inside = _reached(width, weights.shape[1], right, padding)

    # One block (output channels, input channels) for each output pixel and each tap
    # that falls inside the image: (out height, out width, kernel height, kernel width).
    inside = rows_inside[:, None, :, None] & columns_inside[None, :, None, :]
    pixels = rows[:, None, :, None] * width + columns[None, :, None, :]
    _, _, tap_rows, tap_columns = np.nonzero(inside)
    blocks = weights[tap_rows, tap_columns].transpose(0, 2, 1)  # (blocks, cout, cin)
    ends = np.cumsum(inside.sum(axis=(2, 3)))  # blocks up to and with each pixel
    return sparse.bsr_matrix(
        (blocks, pixels[inside], np.concatenate([[0], ends])),
        shape=(ends.size * weights.shape[3], height * width * weights.shape[2]),
    ).tocsr()


def insert_zeros(image: ArrayLike, strides: int | Sequence[int]) -> np.ndarray:
    """Put strides - 1 zeros between neighbouring pixels: the "fractional stride".

    Args:
        image: array (height, width) or (height, width, channels).
        strides: one integer, or (vertical, horizontal), at least 1.

    Returns:
        Array ((height - 1) strides + 1, (width - 1) strides + 1[, channels]), the
        image's dtype. Its convolution with the flipped kernel, stride 1, is the
        transposed convolution.

    Raises:
        ValueError: a wrong number of dimensions, or a stride below 1.

    Example:
        >>> insert_zeros([[1, 2]], 2)
        array([[1, 0, 2]])

    Source: Dumoulin and Visin 2016, section 4.5; notebook 03.
    """
    image = np.asarray(image)
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f"image must have 2 or 3 dimensions, got shape {image.shape}")
    down, right = _checked_pair(strides, "strides")
    height, width, *channels = image.shape
    shape = ((height - 1) * down + 1, (width - 1) * right + 1, *channels)
    spread = np.zeros(shape, image.dtype)
    spread[::down, ::right] = image
    return spread


def overlap_counts(
    input_shape: Sequence[int],
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = 1,
    padding: str | int = "valid",
) -> np.ndarray:
    """Count the kernel taps that reach each output pixel of a transposed convolution.

    Args:
        input_shape: (height, width) of the layer's input, in pixels.
        kernel_size, strides: one integer, or (vertical, horizontal).
        padding: "valid", "same", or the number of pixels cropped on every side.

    Returns:
        Integer array (output height, output width). With equal weights, counts that
        differ away from the border are a checkerboard; with others, sums decide.

    Raises:
        ValueError: as ``transposed_conv_output_size``.

    Example:
        >>> overlap_counts((1, 3), kernel_size=(1, 3), strides=(1, 2))
        array([[1, 1, 2, 1, 2, 1, 1]])

    Source: Odena et al. 2016; notebook 03.
    """
    sizes = _checked_pair(input_shape, "input_shape")
    kernel_sizes = _checked_pair(kernel_size, "kernel_size")
    steps = _checked_pair(strides, "strides")
    per_axis = []
    for size, taps, step in zip(sizes, kernel_sizes, steps, strict=True):
        outputs = transposed_conv_output_size(size, taps, step, padding)
        pixels, inside = _reached(outputs, taps, step, padding)
        per_axis.append(np.bincount(pixels[inside], minlength=outputs))
    return np.outer(*per_axis)


def _reached(
    size: int, kernel_size: int, strides: int, padding: str | int
) -> tuple[np.ndarray, np.ndarray]:
    """Input position of every (output, tap) along one axis, and if it is inside."""
    outputs = conv_output_size(size, kernel_size, strides, padding)
    before, _ = padding_amounts(size, kernel_size, strides, padding)
    starts = strides * np.arange(outputs) - before
    positions = starts[:, None] + np.arange(kernel_size)  # (outputs, kernel_size)
    return positions, (positions >= 0) & (positions < size)


def _checked(size: int, kernel_size: int, strides: int, padding: str | int) -> tuple:
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f"padding must be 'valid' or 'same', got {padding!r}")
    else:
        padding = _integer(padding, "padding", minimum=0)
    return (
        _integer(size, "size"),
        _integer(kernel_size, "kernel_size"),
        _integer(strides, "strides"),
        padding,
    )


def _integer(value: int, name: str, minimum: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {value!r}")
    return int(value)


def _checked_pair(value: int | Sequence[int], name: str) -> tuple[int, int]:
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(pair) != 2:
        raise ValueError(f"{name} must be one integer or two, got {value!r}")
    return _integer(pair[0], name), _integer(pair[1], name)


def _checked_kernel(kernel: ArrayLike) -> np.ndarray:
    weights = np.asarray(kernel)
    if weights.ndim == 2:
        weights = weights[:, :, None, None]
    if weights.ndim != 4 or weights.size == 0:
        raise ValueError(f"kernel must have 2 or 4 dimensions, got {weights.shape}")
    if weights.dtype.kind not in "buif":
        raise ValueError(f"kernel must hold real numbers, got dtype {weights.dtype}")
    return weights if weights.dtype == np.float32 else weights.astype(np.float64)


def _checked_shape(input_shape: Sequence[int], channels: int) -> tuple[int, int]:
    if np.ndim(input_shape) != 1 or len(input_shape) not in (2, 3):
        raise ValueError(f"input_shape must have 2 or 3 numbers, got {input_shape!r}")
    shape = [_integer(size, "input_shape") for size in input_shape]
    if (shape[2] if len(shape) == 3 else 1) != channels:
        raise ValueError(
            f"input_shape must have the kernel's {channels} channels, got {input_shape}"
        )
    return shape[0], shape[1]
