"""Sliced Wasserstein distance of small patches, for pictures of any kind.

No classifier is needed, and nothing is learned: the patches of samples and of real
pictures are compared as clouds of points, at every scale by itself.
"""

import numpy as np
from scipy import ndimage

from dcgan_keras.evaluation._checks import (
    SEEDS,
    as_array,
    check_values,
    middle_and_range,
)
from dcgan_keras.sizes import check_positive, check_seed

PATCH = 7  # pixels a side
PATCHES_AN_IMAGE = 128  # at most
PATCHES = 2**16  # of one set and level, at most
SMALLEST_LEVEL = 16  # pixels a side
DIRECTIONS = 512
BLUR = np.array([1, 4, 6, 4, 1], np.float32) / 16
IMAGES_AT_ONCE = 256
DIRECTIONS_AT_ONCE = 64
FAR = 1000  # times their spread: float32 loses differences of points that far from 0
TINY = 1e-10  # what is smaller loses digits, where float32 squares it


def sliced_wasserstein_distance(
    points: np.ndarray,
    real_points: np.ndarray,
    directions: int | np.ndarray = DIRECTIONS,
    seed: int = 0,
) -> float:
    """How far apart two clouds of points are, seen from random directions.

    Along one direction the points are numbers, and the cheapest way to move one set of
    numbers onto another is in order: the smallest to the smallest, and so on. The mean
    way, over all points and directions, is the distance.

    Args:
        points: float (N, F), any unit. The numbers are compared in float32; those of a
            column far from 0 less a common middle.
        real_points: float (N, F), as many, in the same unit.
        directions: how many, >= 1, drawn evenly from the sphere; or unit vectors
            (D, F).
        seed: of the directions.

    Returns:
        The distance, a float >= 0 in the unit of the points; 0 for the same points in
        any order. Two draws from one source do not get 0.

    Raises:
        ValueError: other shapes, NaN or infinity, or directions that are none.

    Example:
        >>> line = np.arange(4.0)[:, np.newaxis]
        >>> sliced_wasserstein_distance(line, line + 3)
        3.0

    Source: Rabin et al. 2011; Karras et al. 2018, section 5.
    """
    given = {"points": points, "real_points": real_points}
    pair = [as_array(values, name) for name, values in given.items()]
    if pair[0].ndim != 2 or 0 in pair[0].shape or pair[0].shape != pair[1].shape:
        raise ValueError(
            "points, real_points: expected one shape (N, F) for both, got "
            f"{pair[0].shape} and {pair[1].shape}"
        )
    for name, values in zip(given, pair, strict=True):
        check_values(values, name)
    if np.ndim(directions) == 0:
        check_positive(directions=directions)
        check_seed(seed, *SEEDS)
        directions = _directions(directions, pair[0].shape[1], seed)
    else:
        directions = _checked_directions(directions, pair[0].shape[1])
    middle, unit = _middle_and_unit(*pair)
    pair = [_in_float32(values, middle, unit) for values in pair]
    total = 0.0
    for first in range(0, len(directions), DIRECTIONS_AT_ONCE):
        some = np.asarray(directions[first : first + DIRECTIONS_AT_ONCE], np.float32)
        ours, real = (np.sort(some @ values.T, axis=1) for values in pair)
        total += float(np.abs(ours - real).mean(axis=1, dtype=np.float64).sum())
    return unit * total / len(directions)


def pyramid_distances(
    images: np.ndarray, real_images: np.ndarray, seed: int = 0
) -> dict[int, float]:
    """The sliced Wasserstein distance of patches at each level of a pyramid.

    The largest level holds edges and textures, the smallest (a blurred copy of at least
    16 pixels) shapes and where the colours are. Patches are normalised by each set's
    own mean and standard deviation, for each channel and level, as in the paper, so
    **a tint of all samples, or a contrast that is too weak in all, is not seen**. Nor
    is what lies farther apart than a patch reaches. Compare values of the same number
    of images only, with what real images get.

    Measured on a busy machine: 5,000 against 5,000 images of 64x64x3 in 13 CPU-seconds.
    Memory beside the images: about 200 MB, however many there are.

    Args:
        images: float (N, H, W, C), H = W >= 7, any unit.
        real_images: as many of the same shape.
        seed: of the places of the patches (the same in both sets) and the directions.

    Returns:
        {level's height in pixels: distance times 1000}, the largest level first.

    Raises:
        ValueError: other shapes, NaN or infinity.

    Example:
        >>> pyramid_distances(images, images)  # 64x64
        {64: 0.0, 32: 0.0, 16: 0.0}

    Source: Karras et al. 2018, section 5 and the code published with it (7x7 patches,
        512 directions; 128 patches of each of 16,384 images, here 65,536 in all).
    """
    pair = (_checked(images, "images"), _checked(real_images, "real_images"))
    if pair[0].shape != pair[1].shape:
        raise ValueError(
            f"images, real_images: expected one shape for both, got {pair[0].shape} "
            f"and {pair[1].shape}"
        )
    check_seed(seed, *SEEDS)
    sizes = level_sizes(pair[0].shape[1])
    return {
        size: 1e3
        * sliced_wasserstein_distance(
            *(_patches(values, level, len(sizes), seed) for values in pair), seed=seed
        )
        for level, size in enumerate(sizes)
    }


def level_sizes(size: int) -> list[int]:
    """Heights of the pyramid's levels: 64 -> [64, 32, 16], 28 -> [28]."""
    sizes = [size]
    while sizes[-1] % 2 == 0 and sizes[-1] // 2 >= SMALLEST_LEVEL:
        sizes.append(sizes[-1] // 2)
    return sizes


def laplacian_level(images: np.ndarray, level: int, is_last: bool) -> np.ndarray:
    """What a level of the Laplacian pyramid holds.

    Args:
        images: float32 (N, H, W, C), H and W even as often as the level is high.
        level: 0 for the full size, 1 for half of it, ...
        is_last: the last level is the blurred picture itself; each other one is the
            difference between a size and the next smaller one brought back to it.

    Returns:
        float32 (N, H / 2^level, W / 2^level, C).

    Source: Burt and Adelson 1983.
    """
    for _ in range(level):
        images = halved(images)
    return images if is_last else images - doubled(halved(images))


def halved(images: np.ndarray) -> np.ndarray:
    """Blur by (1, 4, 6, 4, 1) / 16 both ways, then take every other pixel."""
    images = ndimage.correlate1d(images, BLUR, axis=1, mode="mirror")[:, ::2]
    return ndimage.correlate1d(images, BLUR, axis=2, mode="mirror")[:, :, ::2]


def doubled(images: np.ndarray) -> np.ndarray:
    """Put zeros between the pixels, then blur; the mean stays."""
    count, height, width, channels = images.shape
    large = np.zeros((count, 2 * height, width, channels), images.dtype)
    large[:, ::2] = images
    large = ndimage.correlate1d(large, 2 * BLUR, axis=1, mode="mirror")
    images, large = (
        large,
        np.zeros((count, 2 * height, 2 * width, channels), np.float32),
    )
    large[:, :, ::2] = images
    return ndimage.correlate1d(large, 2 * BLUR, axis=2, mode="mirror")


def _patches(images: np.ndarray, level: int, levels: int, seed: int) -> np.ndarray:
    """float32 (patches, 7 * 7 * C) of a level, normalised for each channel."""
    rng = np.random.default_rng([seed, level])
    count, channels = len(images), images.shape[3]
    room = (images.shape[1] >> level) - PATCH + 1
    each = max(1, min(PATCHES_AN_IMAGE, PATCHES // count))
    down, right = rng.integers(room, size=(2, count, each))
    if count > PATCHES:
        raise ValueError(f"images: expected at most {PATCHES}, got {count}")
    found = np.empty((count, each, PATCH, PATCH, channels), np.float32)
    place = _middle_and_unit(images.reshape(-1, channels))
    for first in range(0, count, IMAGES_AT_ONCE):
        part = slice(first, first + IMAGES_AT_ONCE)
        some = _in_float32(images[part], *place)
        some = laplacian_level(some, level, is_last=level == levels - 1)
        windows = np.lib.stride_tricks.sliding_window_view(some, (PATCH, PATCH), (1, 2))
        chosen = windows[np.arange(len(some))[:, None], down[part], right[part]]
        found[part] = np.moveaxis(chosen, 2, -1)
    axes = (0, 1, 2, 3)
    found -= found.mean(axis=axes, dtype=np.float64).astype(np.float32)
    spread = np.sqrt(np.square(found).mean(axis=axes, dtype=np.float64))
    found /= np.where(spread > 0, spread, 1).astype(np.float32)
    return found.reshape(count * each, -1)


def _directions(count: int, length: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, length))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _checked_directions(directions, length: int) -> np.ndarray:
    directions = as_array(directions, "directions")
    shape = directions.shape
    if len(shape) != 2 or shape[0] < 1 or shape[1] != length:
        raise ValueError(
            f"directions: expected a number of them or vectors (D, {length}), D > 0; "
            f"got shape {shape}"
        )
    lengths = np.linalg.norm(np.asarray(directions, np.float64), axis=1)
    if not np.allclose(lengths, 1, atol=1e-2):
        raise ValueError(
            f"directions: expected vectors of length 1, got lengths {lengths.min():.4g}"
            f" to {lengths.max():.4g}"
        )
    return directions


def _middle_and_unit(*sets: np.ndarray) -> tuple[np.ndarray, float]:
    """From where, (F,), and in what unit float32 sees the differences within the sets.

    A column is measured from its middle where that is far from 0 for its own range,
    else from 0; and all in a unit other than 1 where all are tiny.
    """
    middle, spread = middle_and_range(*sets)
    middle[np.abs(middle) <= FAR * spread] = 0
    largest = max(np.abs(x - middle).max() for x in map(_ends, sets))
    unit = 2.0 ** np.floor(np.log2(largest)) if 0 < largest < TINY else 1.0
    return middle, float(unit)


def _ends(values: np.ndarray) -> np.ndarray:
    return np.stack([values.min(axis=0), values.max(axis=0)])


def _in_float32(values: np.ndarray, middle: np.ndarray, unit: float) -> np.ndarray:
    if middle.any() or unit != 1:
        values = (values - middle) / unit
    return np.asarray(values, np.float32)


def _checked(images, name: str) -> np.ndarray:
    images = as_array(images, name)
    shape = images.shape
    if len(shape) != 4 or 0 in shape or shape[1] != shape[2] or shape[1] < PATCH:
        raise ValueError(
            f"{name}: expected squares of shape (N, H, H, C), N > 0, H >= {PATCH}; "
            f"got {shape}"
        )
    check_values(images, name)
    return images
