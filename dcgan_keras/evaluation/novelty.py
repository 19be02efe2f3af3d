"""Are the samples new, or are they training images, or copies of each other?"""

from typing import NamedTuple

import numpy as np

from dcgan_keras.evaluation._checks import (
    SEEDS,
    check_same_shape,
    checked_images,
    warn_not_negative,
)
from dcgan_keras.evaluation.coverage import squared_distances
from dcgan_keras.sizes import check_seed, is_int

NEAR = 0.01  # "nearer than 99 in 100 real images are"
# Of |x|^2 + |y|^2, as float32 gives |x - y|^2; of so many that are as near by that, the
# nearest is looked for by the differences.
ROUNDING, TIES = 2e-6, 100
COPIES = (  # what a report says where a number is None
    "Some numbers are left out: among the real images are copies of training images\n"
    "or of each other, and nothing can be nearer than a copy."
)


class Memorisation(NamedTuple):
    """How near the samples are to training images, and to each other.

    None: copies among the held-out images leave nothing to compare with.

    Attributes:
        ratio: median distance of a sample to its nearest training image, divided by the
            median of the same for held-out real images. Near 1: as new as new data;
            near 0: copies. Above 1: far from the data in another way (blurred, noisy).
            None: half of the held-out images are copies of training images.
        near_training: share of samples nearer to a training image than 99 in 100
            held-out images are, in [0, 1]. 0.01 is expected of new data. None: more
            than 1 in 100 of these are copies, and nothing is nearer than a copy.
        near_each_other: share of samples nearer to another sample than 99 in 100
            held-out images are to another of as many held-out images. 0.01 is expected
            of new data. None: more than 1 in 100 of these have a copy.
        count: how many samples and held-out images were compared.
    """

    ratio: float | None
    near_training: float | None
    near_each_other: float | None
    count: int


def nearest_images(
    images: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each image the nearest candidate, by Euclidean distance of the pixels.

    Args:
        images: float32 (N, H, W, C) in [-1, 1], N > 0.
        candidates: float32 (M, H, W, C) in [-1, 1], M > 0.

    Returns:
        distances float32 (N,), 0 to 2 sqrt(H W C), in units of the pixel value; and
        indices int64 (N,) into candidates.

    Raises:
        ValueError: images and candidates of different shapes, or of another range.

    Example:
        >>> grey = np.zeros((1, 2, 2, 1), np.float32)
        >>> distances, indices = nearest_images(grey + 0.5, np.vstack([grey - 1, grey]))
        >>> distances.tolist(), indices.tolist()
        ([1.0], [1])

    Source: notebook 08.
    """
    images = checked_images(images, "images")
    candidates = checked_images(candidates, "candidates")
    check_same_shape(candidates, "candidates", images, "images")
    return _nearest(images, candidates)


def _nearest(images: np.ndarray, candidates: np.ndarray, is_itself: bool = False):
    """is_itself: whether the images are the candidates, and none counts for itself."""
    a, b = _flat(images), _flat(candidates)
    lengths, longest = squared_lengths(a), squared_lengths(b).max()
    indices = np.empty(len(a), np.int64)
    for part, block in squared_distances(a, b, rows=250):
        if is_itself:
            block[np.arange(len(block)), np.arange(part.start, part.stop)] = np.inf
        indices[part] = block.argmin(axis=1)
        limits = block.min(axis=1) + ROUNDING * (lengths[part] + longest)
        is_near = block <= limits[:, np.newaxis]
        for row in np.flatnonzero(is_near.sum(axis=1) > 1):
            image = a[part.start + row]
            indices[part.start + row] = closest(image, b, block[row], limits[row])
    # As |a|^2 - 2ab + |b|^2 a copy would not be exactly 0 away; as a difference it is.
    distances = np.linalg.norm(a - b[indices], axis=1)
    return distances, indices


def closest(image, candidates, distances, limit) -> int:
    """Of the candidates within the limit the nearest by the differences; of copies the
    first."""
    near = np.flatnonzero(distances <= limit)
    near = near[np.argsort(distances[near], kind="stable")[:TIES]]
    near.sort()
    return near[squared_lengths(image - candidates[near]).argmin()]


def memorisation(
    images: np.ndarray,
    training_images: np.ndarray,
    held_out_images: np.ndarray,
    count: int = 1000,
    seed: int = 0,
) -> Memorisation:
    """Compare the samples' distance to the training images with that of new images.

    A distance alone says little; real images that the generator never saw give it a
    scale. Distances are of pixels: a training image shifted by two pixels passes for
    new. Look at the nearest images too (``nearest_images``).

    Args:
        images: samples, float32 (N, H, W, C) in [-1, 1].
        training_images: what the generator was trained on, (M, H, W, C).
        held_out_images: real images that it never saw, (K, H, W, C).
        count: how many samples and held-out images to draw and compare, >= 2; fewer if
            there are fewer.
        seed: of the draw.

    Returns:
        A ``Memorisation``.

    Raises:
        ValueError: fewer than 2 samples or held-out images, shapes that differ, or
            another range.

    Source: notebook 08.
    """
    if not is_int(count) or count < 2:
        raise ValueError(f"count: expected a whole number >= 2, got {count!r}")
    images = checked_images(images, "images")
    training_images = checked_images(training_images, "training_images")
    held_out_images = checked_images(held_out_images, "held_out_images")
    check_same_shape(training_images, "training_images", images, "images")
    check_same_shape(held_out_images, "held_out_images", images, "images")
    warn_not_negative(
        images=images, training_images=training_images, held_out_images=held_out_images
    )
    return compare(images, training_images, held_out_images, count, seed)


def compare(images, training_images, held_out_images, count, seed) -> Memorisation:
    """As ``memorisation``, of images that have been checked."""
    check_seed(seed, *SEEDS)
    count = min(count, len(images), len(held_out_images))
    if count < 2:
        raise ValueError(
            "images, held_out_images: expected at least 2 of each, got "
            f"{len(images)} and {len(held_out_images)}"
        )
    generator = np.random.default_rng(seed)
    images = images[generator.permutation(len(images))[:count]]
    held_out = held_out_images[generator.permutation(len(held_out_images))[:count]]
    to_training, _ = _nearest(images, training_images)
    held_out_to_training, _ = _nearest(held_out, training_images)
    return Memorisation(
        ratio=ratio_of_medians(to_training, held_out_to_training),
        near_training=share_nearer(to_training, held_out_to_training),
        near_each_other=share_nearer(_nearest_other(images), _nearest_other(held_out)),
        count=count,
    )


def of_new(ratio, near_training, near_each_other) -> list[float | None]:
    """What new images get, by definition, for the numbers that are not None."""
    pairs = ((ratio, 1.0), (near_training, NEAR), (near_each_other, NEAR))
    return [None if number is None else new for number, new in pairs]


def ratio_of_medians(distances: np.ndarray, real: np.ndarray) -> float | None:
    """The median distance by that of real images; None where that is 0."""
    median = np.median(real)
    return float(np.median(distances) / median) if median > 0 else None


def share_nearer(distances: np.ndarray, real: np.ndarray) -> float | None:
    """The share nearer than 99 in 100 real images; None where these include copies."""
    limit = np.quantile(real, NEAR)
    return float(np.mean(distances < limit)) if limit > 0 else None


def _nearest_other(images: np.ndarray) -> np.ndarray:
    """Distance (N,) of each image to the nearest of the others."""
    return _nearest(images, images, is_itself=True)[0]


def squared_lengths(vectors: np.ndarray) -> np.ndarray:
    return np.einsum("np,np->n", vectors, vectors)


def _flat(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float32).reshape(len(images), -1)
