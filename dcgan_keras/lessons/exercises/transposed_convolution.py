"""Checks for the exercises of notebook 03, transposed convolution."""

from collections.abc import Callable, Sequence

import numpy as np

from dcgan_keras.convolution import (
    convolution_matrix,
    overlap_counts,
    transposed_conv_output_size,
)
from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers

WHOLE = int | np.integer
_SIZES = (5, 14, 9, 14)
_QUESTIONS = (
    "first (convolution, 12, k=3, s=2, valid)",
    "second (convolution, 27, k=5, s=2, same)",
    "third (transposed, 4, k=3, s=2, valid)",
    "fourth (transposed, 7, k=5, s=2, same)",
)
_SIZE_MISTAKES = {
    (0, 4): "the + 1 is missing: the first position counts too",
    (0, 6): "a kernel that hangs over the edge does not count: round down, not up",
    (1, 13): "SAME rounds 27 / 2 up, not down",
    (1, 12): "that is the valid size; SAME adds zeros first",
    (2, 1): "that is the convolution's formula; a transposed convolution grows",
    (2, 8): "size times stride is the rule for SAME; valid keeps the whole last stamp",
    (3, 17): "that is the valid size; SAME crops it to size times stride",
    (3, 4): "that is the convolution's size; a transposed convolution grows",
}


@exercise
def check_output_sizes(answer: Sequence[int]) -> str | None:
    """Four sizes: two convolutions, then two transposed convolutions."""
    is_list = isinstance(answer, tuple | list)
    instead = f"you gave {len(answer)}" if is_list else "like (1, 2, 3, 4)"
    what = f"four sizes are asked for, {instead}"
    sizes = tuple(numbers(answer, tuple(f"the {q}" for q in _QUESTIONS), what))
    if sizes == (_SIZES[2], _SIZES[3], _SIZES[0], _SIZES[1]):
        raise Wrong("the two convolutions come first, then the two transposed ones")
    for index, (size, right) in enumerate(zip(sizes, _SIZES, strict=True)):
        if size != right:
            hint = _SIZE_MISTAKES.get((index, size), "work it out with the formula")
            raise Wrong(f"the {_QUESTIONS[index]} is not {size}: {hint}")
    return "all four"


@exercise
def check_stamp(stamp: Callable) -> str | None:
    """stamp(maps, kernel, strides): a VALID transposed convolution with channels."""
    random = np.random.default_rng(0)
    maps = random.normal(size=(3, 4, 2))
    for k, strides in ((3, 1), (3, 2), (4, 2)):
        kernel = random.normal(size=(k, k, 5, 2))  # as Keras stores it: outputs, inputs
        answer = _attempted(stamp(maps.copy(), kernel.copy(), strides))
        sides = [transposed_conv_output_size(n, k, strides) for n in maps.shape[:2]]
        _check_stamped(answer, maps, kernel, strides, (*sides, 5))
    return "equal to Conv2DTranspose in three cases, two channels to five"


def _attempted(answer) -> np.ndarray:
    if answer is None or answer is ...:  # the stub's body is ...
        raise NotImplementedError
    if hasattr(answer, "toarray"):  # SciPy's sparse matrices
        answer = answer.toarray()
    return np.asarray(answer, float)


def _check_stamped(answer, maps, kernel, strides, shape) -> None:
    height, width, channels = shape
    if answer.shape == shape[:2]:
        raise Wrong(f"the {channels} output channels are missing: {answer.shape}")
    if answer.shape == (width, height, channels):
        raise Wrong(f"the shape {answer.shape} has height and width swapped")
    unmoved = tuple(n + len(kernel) - 1 for n in maps.shape[:2])
    if strides > 1 and answer.shape[:2] == unmoved:
        raise Wrong("the stride is ignored: stamps must stand `strides` pixels apart")
    if answer.shape != shape:
        raise Wrong(
            f"for maps of 3x4x2, a kernel of {len(kernel)}x{len(kernel)}x5x2 and "
            f"strides={strides} the output is {shape}, (i - 1) s + k on each axis; "
            f"yours is {answer.shape}"
        )

    def transposed(weights):
        matrix = convolution_matrix(weights, shape, strides)
        return (matrix.T @ maps.ravel()).reshape(shape)

    if np.allclose(answer, transposed(kernel)):
        return
    if np.allclose(answer, transposed(kernel[::-1, ::-1])):
        raise Wrong("the kernel is flipped: stamp it as it is")
    if np.allclose(answer, transposed(kernel.swapaxes(0, 1))):
        raise Wrong("the kernel's rows and columns are swapped")
    if np.allclose(answer, _overwritten(maps, kernel, strides, shape)):
        raise Wrong("stamps that overlap must be added (+=), not overwritten (=)")
    for channel in range(maps.shape[-1]):
        alone = maps * (np.arange(maps.shape[-1]) == channel)
        matrix = convolution_matrix(kernel, shape, strides)
        if np.allclose(answer, (matrix.T @ alone.ravel()).reshape(shape)):
            raise Wrong(
                f"only input channel {channel} is stamped: sum over all channels"
            )
    raise Wrong(f"the shape is right, the numbers are not (strides={strides})")


def _overwritten(maps, kernel, strides, shape) -> np.ndarray:
    result = np.zeros(shape)
    for row, column in np.ndindex(maps.shape[:2]):
        top, left = row * strides, column * strides
        bottom, right = top + len(kernel), left + len(kernel)
        result[top:bottom, left:right] = kernel @ maps[row, column]
    return result


@exercise
def check_matrix_1d(matrix_1d: Callable) -> str | None:
    """matrix_1d(kernel, size, strides): the dense W of a VALID 1-D convolution."""
    for k, size, strides in ((3, 6, 1), (3, 7, 2), (3, 8, 2), (4, 9, 2)):
        kernel = 2.0 ** np.arange(k)  # 1, 2, 4 and 8
        right = convolution_matrix(kernel[None], (1, size), (1, strides)).toarray()
        answer = _attempted(matrix_1d(kernel.copy(), size, strides))
        _check_matrix_1d(answer, right, kernel, size, strides)
    return "four cases, with a row for every output and no more"


def _check_matrix_1d(answer, right, kernel, size, strides) -> None:
    case = f"{len(kernel)} weights, size={size}, strides={strides}"
    if answer.shape == right.T.shape:
        raise Wrong(
            "that is the transpose: a row for each output, a column for each pixel"
        )
    if strides > 1 and answer.shape[:1] == (size - len(kernel) + 1,):
        raise Wrong("the stride is ignored: each row starts `strides` further right")
    if answer.shape == (size, size):
        raise Wrong("a row for every input pixel: VALID windows must fit inside")
    if answer.shape[:1] == (len(right) + 1,):
        raise Wrong(f"one row too many for {case}: round down, the rest is not read")
    if answer.shape[:1] == (len(right) - 1,):
        raise Wrong(f"one row is missing for {case}: the formula ends with + 1")
    if answer.shape != right.shape:
        raise Wrong(f"for {case} W is {right.shape}, yours is {answer.shape}")
    flipped = convolution_matrix(kernel[None, ::-1], (1, size), (1, strides)).toarray()
    if np.array_equal(answer, flipped):
        raise Wrong("the kernel is flipped: Keras's convolution does not flip it")
    if not np.array_equal(answer, right):
        raise Wrong(f"the shape is right, the places of the weights are not ({case})")


@exercise
def check_layers_7_to_28(layers: Sequence[tuple[int, int]]) -> str | None:
    """[(kernel_size, strides), ...], SAME: 7 becomes 28, and no counts differ."""
    size = 7
    for number, pair in enumerate(layers, start=1):
        is_pair = isinstance(pair, tuple | list | np.ndarray) and len(pair) == 2
        if not is_pair or not all(isinstance(n, WHOLE) for n in pair):
            raise Wrong(
                f"layer {number}: give (kernel_size, strides), two whole numbers, not "
                f"{pair}"
            )
        kernel_size, strides = pair
        counts = overlap_counts((1, 12), (1, kernel_size), (1, strides), "same")
        middle = counts[0, 5 * strides : 7 * strides]  # far from the border
        if middle.min() == 0:
            raise Wrong(
                f"layer {number}: with kernel size {kernel_size} below the stride "
                f"{strides} some pixels get no stamp at all"
            )
        if middle.min() != middle.max():
            raise Wrong(
                f"layer {number}: kernel size {kernel_size} and stride {strides} put "
                f"{middle.min()} or {middle.max()} stamps on a pixel along each axis"
            )
        if kernel_size == strides:
            raise Wrong(
                f"layer {number}: even, but stamps of {kernel_size} at stride {strides}"
                " do not overlap; take a kernel larger than its stride"
            )
        size = transposed_conv_output_size(size, kernel_size, strides, "same")
    if size != 28:
        raise Wrong(
            f"7 becomes {size}, not 28: with SAME each layer multiplies the size by "
            "its stride"
        )
    return "28 pixels, and every stride divides its kernel size"
