"""Are the samples new, or are they training images, or copies of each other?"""

from typing import NamedTuple

import numpy as np

from dcgan_keras.evaluation.coverage import squared_distances

NEAR = 0.01  # "nearer than 99 in 100 real images are"


class Memorisation(NamedTuple):
    """How near the samples are to training images, and to each other.

    Attributes:
        ratio: median distance of a sample to its nearest training image, divided by the
            median of the same for held-out real images. Near 1: as new as new data;
            near 0: copies. Above 1: far from the data in another way (blurred, noisy).
        near_training: share of samples nearer to a training image than 99 in 100
            held-out images are, in [0, 1]. 0.01 is expected of new data.
        near_each_other: share of samples nearer to another sample than 99 in 100
            held-out images are to another of as many held-out images. 0.01 is expected
            of new data.
        count: how many samples and held-out images were compared.
    """

    ratio: float
    near_training: float
    near_each_other: float
    count: int


def nearest_images(
    images: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each image the nearest candidate, by Euclidean distance of the pixels.

    Args:
        images: float32 (N, H, W, C) in [-1, 1].
        candidates: float32 (M, H, W, C), M > 0.

    Returns:
        distances float32 (N,), 0 to 2 sqrt(H W C), in units of the pixel value; and
        indices int64 (N,) into candidates.

    Raises:
        ValueError: images and candidates of different shapes.

    Example:
        >>> grey = np.zeros((1, 2, 2, 1), np.float32)
        >>> distances, indices = nearest_images(grey + 0.5, np.vstack([grey - 1, grey]))
        >>> distances.tolist(), indices.tolist()
        ([1.0], [1])

    Source: notebook 08.
    """
    a, b = _flat(images, "images"), _flat(candidates, "candidates")
    if a.shape[1] != b.shape[1] or len(b) == 0:
        raise ValueError(
            f"candidates: expected M > 0 of shape {np.shape(images)[1:]}, "
            f"got {np.shape(candidates)}"
        )
    indices = np.empty(len(a), np.int64)
    for part, block in squared_distances(a, b, rows=250):
        indices[part] = block.argmin(axis=1)
    # As |a|^2 - 2ab + |b|^2 a copy would not be exactly 0 away; as a difference it is.
    distances = np.linalg.norm(a - b[indices], axis=1)
    return distances, indices


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
        count: how many samples and held-out images to draw and compare; fewer if
            there are fewer.
        seed: of the draw.

    Returns:
        A ``Memorisation``.

    Raises:
        ValueError: fewer than 2 samples or held-out images, or shapes that differ.

    Source: notebook 08.
    """
    count = min(count, len(images), len(held_out_images))
    if count < 2:
        raise ValueError(
            "images, held_out_images: expected at least 2 of each, got "
            f"{len(images)} and {len(held_out_images)}"
        )
    generator = np.random.default_rng(seed)
    images = images[generator.permutation(len(images))[:count]]
    held_out = held_out_images[generator.permutation(len(held_out_images))[:count]]
    to_training, _ = nearest_images(images, training_images)
    held_out_to_training, _ = nearest_images(held_out, training_images)
    to_each_other = _nearest_other(images)
    limit_training = np.quantile(held_out_to_training, NEAR)
    limit_other = np.quantile(_nearest_other(held_out), NEAR)
    return Memorisation(
        ratio=float(np.median(to_training) / np.median(held_out_to_training)),
        near_training=float(np.mean(to_training < limit_training)),
        near_each_other=float(np.mean(to_each_other < limit_other)),
        count=count,
    )


def _nearest_other(images: np.ndarray) -> np.ndarray:
    """Distance (N,) of each image to the nearest of the others."""
    flat = _flat(images, "images")
    nearest = np.empty(len(flat), np.int64)
    for part, block in squared_distances(flat, flat, rows=250):
        block[np.arange(len(block)), np.arange(part.start, part.stop)] = np.inf
        nearest[part] = block.argmin(axis=1)
    return np.linalg.norm(flat - flat[nearest], axis=1)


def _flat(images: np.ndarray, name: str) -> np.ndarray:
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or not np.isfinite(images).all():
        raise ValueError(
            f"{name}: expected finite values of shape (N, H, W, C), got {images.shape}"
        )
    return images.reshape(len(images), -1)
