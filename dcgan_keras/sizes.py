"""The sizes that the builders reach, and the checks of their arguments."""

from collections.abc import Sequence
from numbers import Integral

START_SIZES = (4, 5, 6, 7)  # the smallest feature maps; each stride 2 doubles them
IMAGE_SIZES = tuple(
    sorted(
        start * 2**n for start in START_SIZES for n in range(1, 7) if start << n <= 256
    )
)


def stages(image_shape) -> tuple[int, int]:
    """The start size and how often it is doubled: 28 -> (7, 2), 64 -> (4, 4)."""
    shape = tuple(image_shape)
    if len(shape) != 3 or not all(is_int(n) and n > 0 for n in shape):
        raise ValueError(
            f"image_shape: expected (height, width, channels), got {image_shape}"
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
    if isinstance(channels, Sequence) and not isinstance(channels, str):
        for width in channels:
            check_positive(channels=width)
        return [int(width) for width in channels]
    check_positive(channels=channels)
    return [int(channels) * 2**number for number in range(count)]


def is_int(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_positive(**arguments) -> None:
    for name, value in arguments.items():
        if not is_int(value) or value < 1:
            raise ValueError(f"{name}: expected a whole number >= 1, got {value!r}")


def check_not_negative(**arguments) -> None:
    for name, value in arguments.items():
        if not value >= 0:
            raise ValueError(f"{name}: expected a number >= 0, got {value!r}")


def check_choice(name: str, value, choices) -> None:
    if value not in choices:
        expected = ", ".join(map(repr, choices))
        raise ValueError(f"{name}: expected one of {expected}; got {value!r}")
