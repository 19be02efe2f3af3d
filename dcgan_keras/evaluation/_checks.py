"""What the functions of this folder refuse, each in one sentence."""

import warnings

import numpy as np

LARGEST = 1e15  # of numbers in any unit: their squares, added up, still fit in float32
HUGE = 1e100  # the same, in float64
FEW = 10  # images, of which all may be bright
FAR = 10  # times their spread: squares of points that far from 0 swallow it
SEEDS = 0, 2**63  # from, and below: of NumPy's random numbers


def as_array(values, name: str) -> np.ndarray:
    """What an array, a tensor or a list holds; refuse what holds no real numbers."""
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected an array of real numbers, got a masked one")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # rows of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf" and not is_short(array):
        found = type(values).__name__ if array.dtype == object else array.dtype
        raise ValueError(f"{name}: expected an array of real numbers, got {found}")
    return array


def is_short(array: np.ndarray) -> bool:
    """Whether these are floats of 16 bits; bfloat16 is none of NumPy's own types."""
    return array.dtype.name in ("float16", "bfloat16")


def check_values(values: np.ndarray, name: str, limit: float = LARGEST) -> None:
    """Refuse NaN, infinity, and what lies beyond the limit on either side."""
    low, high = float(values.min()), float(values.max())  # NaN if there is one
    if not (-limit <= low and high <= limit):
        found = "nan" if np.isnan(low) else f"{low:.8g} to {high:.8g}"
        raise ValueError(
            f"{name}: expected finite values in [{-limit:g}, {limit:g}], got {found}"
        )


def checked_images(
    images, name: str, limit: float = 1.0, any_shape: bool = False
) -> np.ndarray:
    """Images as an array; refuse what are none.

    Args:
        images: expected floats (N, H, W, C), N > 0, from -limit to limit.
        name: what the message calls them.
        limit: 1 for images as a tanh generator makes them, LARGEST for any unit.
        any_shape: whether (N, ...) will do.

    Returns:
        The array, of its own type; of floats of 16 bits float32.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    images = as_array(images, name)
    if images.ndim < 2 or (images.ndim != 4 and not any_shape) or 0 in images.shape:
        form = "(N, ...)" if any_shape else "(N, H, W, C)"
        raise ValueError(f"{name}: expected shape {form}, N > 0; got {images.shape}")
    if images.dtype.kind in "biu":
        hint = "; scale pixels by x / 127.5 - 1" if images.dtype == np.uint8 else ""
        raise ValueError(f"{name}: expected floats, got {images.dtype}{hint}")
    check_values(images, name, limit)
    return images.astype(np.float32) if is_short(images) else images


def checked_pictures(images, name: str):
    """As ``checked_images``; a ``FolderImages``, which decodes to these, as it is."""
    from dcgan_keras.data.image_folder import FolderImages

    return images if isinstance(images, FolderImages) else checked_images(images, name)


def check_same_shape(images, name: str, others, other_name: str) -> None:
    """Refuse images of another height, width or channels than the others have."""
    if images.shape[1:] != others.shape[1:]:
        raise ValueError(
            f"{name}: expected images of shape {others.shape[1:]} as in {other_name}, "
            f"got {images.shape[1:]}"
        )


def warn_not_negative(**sets) -> None:
    """Warn the caller's caller of images that were scaled to [0, 1], as it seems."""
    for name, images in sets.items():
        is_array = isinstance(images, np.ndarray)  # FolderImages scale to [-1, 1]
        if is_array and len(images) >= FEW and 0 <= images.min() < images.max():
            warnings.warn(
                f"{name}: all values are in [0, 1], where [-1, 1] is expected; scale "
                "by 2 * x - 1",
                stacklevel=3,
            )


def middle_and_range(*sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each column of all sets (N, F) together: float64 (F,) each."""
    low = np.min([x.min(axis=0) for x in sets], axis=0).astype(np.float64)
    high = np.max([x.max(axis=0) for x in sets], axis=0).astype(np.float64)
    return low / 2 + high / 2, high - low


def middle_if_far(*sets: np.ndarray) -> np.ndarray | None:
    """The middle of the sets, float64 (F,), if they lie so far from 0 for their spread
    that |x|^2 - 2 x.y + |y|^2 would lose the distances between them; else None."""
    middle, spread = middle_and_range(*sets)
    is_far = np.linalg.norm(middle) > FAR * np.linalg.norm(spread)
    return middle if is_far else None
