"""The sizes that the builders reach, and the checks of arguments.

Each check takes arguments by their names, ``check_positive(frames=frames)``, and raises
a ValueError of one sentence: which argument, what was expected, what came.
"""

import math
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

START_SIZES = (4, 5, 6, 7)  # the smallest feature maps; each stride 2 doubles them
IMAGE_SIZES = tuple(
    sorted(
        start * 2**n for start in START_SIZES for n in range(1, 7) if start << n <= 256
    )
)


def stages(image_shape) -> tuple[int, int]:
    """The start size and how often it is doubled: 28 -> (7, 2), 64 -> (4, 4)."""
    shape = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(shape) != 3 or not all(is_int(n) and n > 0 for n in shape):
        raise ValueError(
            f"image_shape: expected (height, width, channels), got {image_shape!r}"
        )
    if shape[0] != shape[1] or shape[0] not in IMAGE_SIZES:
        sizes = ", ".join(map(str, IMAGE_SIZES))
        raise ValueError(
            f"image_shape: expected a square of {sizes} pixels (4, 5, 6 or 7 doubled "
            f"by strides of 2), got {shape[0]}x{shape[1]}"
        )
    start, doublings = int(shape[0]), 0
    while start > START_SIZES[-1]:
        start, doublings = start // 2, doublings + 1
    return start, doublings


def check_image_size(size: int, allowed: Sequence[int] = IMAGE_SIZES) -> None:
    """Refuse a size of images that no network here has, naming the nearest.

    Raises:
        ValueError: naming the argument, and the command line's option for it.
    """
    check_positive(image_size=size)
    if size in allowed:
        return
    near = [max((n for n in allowed if n < size), default=None)]
    near += [min((n for n in allowed if n > size), default=None)]
    raise ValueError(
        f"image_size (--image-size): expected one of {', '.join(map(str, allowed))} "
        f"pixels; got {size}, and the nearest is "
        + " or ".join(str(n) for n in near if n is not None)
    )


def widths_of(channels: int | Sequence[int], count: int) -> list[int]:
    """The list as it is, or from the image inwards: channels, 2 channels, ..."""
    if isinstance(channels, Sequence) and not isinstance(channels, str | bytes):
        for width in channels:
            check_positive(channels=width)
        return [int(width) for width in channels]
    check_positive(channels=channels)
    return [int(channels) * 2**number for number in range(count)]


def units_of(name: str, widths) -> list[int]:
    """The widths of dense layers: (128, 64) -> [128, 64]."""
    if not np.iterable(widths) or isinstance(widths, str | bytes):
        raise ValueError(f"{name}: expected a list of widths, got {widths!r}")
    widths = list(widths)
    for width in widths:
        check_positive(**{name: width})
    return [int(width) for width in widths]


def is_int(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value) -> bool:
    """Whether it is a real number, of Python or NumPy, and neither NaN nor infinite."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and -math.inf < value < math.inf


def check_positive(**arguments) -> None:
    for name, value in arguments.items():
        if not is_int(value) or value < 1:
            raise ValueError(f"{name}: expected a whole number >= 1, got {value!r}")


def check_count(**arguments) -> None:
    for name, value in arguments.items():
        if not is_int(value) or value < 0:
            raise ValueError(f"{name}: expected a whole number >= 0, got {value!r}")


def check_not_negative(**arguments) -> None:
    for name, value in arguments.items():
        if not is_number(value) or value < 0:
            raise ValueError(f"{name}: expected a number >= 0, got {value!r}")


def check_above_zero(**arguments) -> None:
    for name, value in arguments.items():
        if not is_number(value) or value <= 0:
            raise ValueError(f"{name}: expected a number > 0, got {value!r}")


def check_below_one(**arguments) -> None:
    for name, value in arguments.items():
        if not is_number(value) or not 0 <= value < 1:
            raise ValueError(f"{name}: expected 0 <= {name} < 1, got {value!r}")


def check_flag(**arguments) -> None:
    for name, value in arguments.items():
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name}: expected True or False, got {value!r}")


def check_seed(seed: int, low: int, below: int) -> None:
    """Refuse a seed that the random numbers which follow from it do not take."""
    if not (is_int(seed) and low <= seed < below):
        raise ValueError(
            f"seed (--seed): expected a whole number, {low:,} to {below - 1:,}, got "
            f"{seed!r}"
        )


def check_choice(name: str, value, choices) -> None:
    is_word = value is None or isinstance(value, str)
    if not is_word or value not in choices:
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"{name}: expected one of {expected}; got {value!r}")


def seed_of(seed: int | None) -> int | None:
    """The seed of a network, as Keras takes it; each layer adds its place to it."""
    if seed is None:
        return None
    if not is_int(seed) or abs(seed) >= 2**60:
        raise ValueError(
            "seed: expected None or a whole number, less than 2^60 on either side of "
            f"0, got {seed!r}"
        )
    return int(seed)
