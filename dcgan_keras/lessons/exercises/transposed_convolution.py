"""Checks for the exercises of notebook 03, transposed convolution."""

from collections.abc import Callable, Sequence

import numpy as np

from dcgan_keras.convolution import convolution_matrix, transposed_conv_output_size
from dcgan_keras.lessons.exercises._check import Wrong, exercise

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
    sizes = tuple(answer)
    if len(sizes) != 4:
        raise Wrong(f"four sizes are asked for, you gave {len(sizes)}")
    if sizes == (_SIZES[2], _SIZES[3], _SIZES[0], _SIZES[1]):
        raise Wrong("the two convolutions come first, then the two transposed ones")
    for index, (size, right) in enumerate(zip(sizes, _SIZES, strict=True)):
        if size != right:
            hint = _SIZE_MISTAKES.get((index, size), "work it out with the formula")
            raise Wrong(f"the {_QUESTIONS[index]} is not {size}: {hint}")
    return "all four"


@exercise
def check_stamp(stamp: Callable) -> str | None:
    """stamp(image, kernel, strides): a VALID transposed convolution, one channel."""
    random = np.random.default_rng(0)
    image, kernel = random.normal(size=(3, 4)), random.normal(size=(3, 3))
    for strides in (1, 2):
        shape = [transposed_conv_output_size(n, 3, strides) for n in image.shape]
        answer = np.asarray(stamp(image.copy(), kernel.copy(), strides), float)
        _check_stamped(answer, image, kernel, strides, tuple(shape))
    return "equal to the transposed matrix at strides 1 and 2"


def _check_stamped(answer, image, kernel, strides, shape) -> None:
    if answer.shape == shape[::-1]:
        raise Wrong(f"the shape {answer.shape} has height and width swapped")
    if strides > 1 and answer.shape == (image.shape[0] + 2, image.shape[1] + 2):
        raise Wrong("the stride is ignored: stamps must stand `strides` pixels apart")
    if answer.shape != shape:
        raise Wrong(
            f"for a 3x4 image, a 3x3 kernel and strides={strides} the output is "
            f"{shape}, (i - 1) s + k; yours is {answer.shape}"
        )

    def transposed(weights):
        matrix = convolution_matrix(weights, shape, strides)
        return (matrix.T @ image.ravel()).reshape(shape)

    if np.allclose(answer, transposed(kernel)):
        return
    if np.allclose(answer, transposed(kernel[::-1, ::-1])):
        raise Wrong("the kernel is flipped: stamp it as it is")
    if np.allclose(answer, transposed(kernel.T)):
        raise Wrong("the kernel's rows and columns are swapped")
    if np.allclose(answer, _overwritten(image, kernel, strides, shape)):
        raise Wrong("stamps that overlap must be added (+=), not overwritten (=)")
    raise Wrong(f"the shape is right, the numbers are not (strides={strides})")


def _overwritten(image, kernel, strides, shape) -> np.ndarray:
    result = np.zeros(shape)
    for row, column in np.ndindex(image.shape):
        top, left = row * strides, column * strides
        result[top : top + 3, left : left + 3] = image[row, column] * kernel
    return result


@exercise
def check_matrix_1d(matrix_1d: Callable) -> str | None:
    """matrix_1d(kernel, size, strides): the dense W of a VALID 1-D convolution."""
    kernel = np.array([1.0, 2.0, 4.0])
    for size, strides in ((6, 1), (7, 2), (8, 2)):
        right = convolution_matrix(kernel[None], (1, size), (1, strides)).toarray()
        answer = np.asarray(matrix_1d(kernel.copy(), size, strides), float)
        _check_matrix_1d(answer, right, size, strides)
    return "three sizes, with a row for every output and no more"


def _check_matrix_1d(answer, right, size, strides) -> None:
    case = f"size={size}, strides={strides}"
    if answer.shape == right.T.shape:
        raise Wrong("that is the transpose: one row an output, one column an input")
    if strides > 1 and answer.shape[:1] == (size - 2,):
        raise Wrong("the stride is ignored: each row starts `strides` further right")
    if answer.shape == (size, size):
        raise Wrong("a row for every input pixel: VALID windows must fit inside")
    if answer.shape[:1] == (len(right) + 1,):
        raise Wrong(f"one row too many for {case}: round down, the rest is not read")
    if answer.shape[:1] == (len(right) - 1,):
        raise Wrong(f"one row is missing for {case}: the formula ends with + 1")
    if answer.shape != right.shape:
        raise Wrong(f"for {case} W is {right.shape}, yours is {answer.shape}")
    flipped = convolution_matrix([[4.0, 2.0, 1.0]], (1, size), (1, strides)).toarray()
    if np.array_equal(answer, flipped):
        raise Wrong("the kernel is flipped: Keras's convolution does not flip it")
    if not np.array_equal(answer, right):
        raise Wrong(f"the shape is right, the places of the weights are not ({case})")


@exercise
def check_even_overlap(even_overlap: Callable) -> str | None:
    """even_overlap(kernel_size, strides): every inner pixel gets as many taps."""
    pairs = [(k, s) for k in range(1, 8) for s in range(1, 4)]
    answers = {pair: bool(even_overlap(*pair)) for pair in pairs}
    right = {(k, s): k % s == 0 for k, s in pairs}
    if answers == right:
        return "the stride must divide the kernel size: 4 for stride 2, not 5"
    known = {
        "upside down: it is even when the stride does divide": lambda k, s: k % s != 0,
        "an odd kernel is centred, but that does not even the counts": (
            lambda k, s: k % 2 == 1
        ),
        "an even kernel is right for stride 2, not for stride 3": (
            lambda k, s: k % 2 == 0
        ),
        "a kernel of at least the stride leaves no gaps, yet counts differ": (
            lambda k, s: k >= s
        ),
        "not only k = s: taps may overlap, if evenly": lambda k, s: k == s,
        "the wrong way round: s % k asks if the kernel divides the stride": (
            lambda k, s: s % k == 0
        ),
    }
    for message, rule in known.items():
        if all(answers[pair] == rule(*pair) for pair in pairs):
            raise Wrong(message)
    k, s = next(pair for pair in pairs if answers[pair] != right[pair])
    raise Wrong(f"kernel_size={k}, strides={s} gives {answers[k, s]}: count the taps")
