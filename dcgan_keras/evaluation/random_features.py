"""Features for pictures of any kind: a small network whose weights are never learned.

Where no classifier knows the pictures, filters drawn at random still tell edges,
textures and colours apart, and where in the picture they are. They know no objects: a
cat of another pose is as far away as a dog.
"""

from functools import lru_cache

import numpy as np

from dcgan_keras._tensorflow import tf
from dcgan_keras.evaluation._checks import (
    SEEDS,
    checked_pictures,
    warn_not_negative,
)
from dcgan_keras.sizes import check_seed

SEED = 2018
WIDTHS = (32, 64, 128, 256, 512)  # channels after each layer, of which sizes need some
SMALLEST = 8  # pixels a side; layers halve the picture until it is no larger
GRID = 2  # the last maps are averaged over so many areas a side
IMAGES_AT_ONCE = 250


def random_features(images: np.ndarray, seed: int = SEED) -> np.ndarray:
    """The features of pictures in a convolutional network with fixed random weights.

    Layers of 4x4 filters with stride 2, He-normal weights without biases, each followed
    by ReLU, at least one, until the maps have at most 8 pixels a side; their means over
    a grid of 2x2 areas are the features. Grey pictures enter as three equal channels.
    The weights follow from the seed alone (NumPy's PCG64), so values of all machines
    can be compared, but only those of pictures of one size.

    Measured on a busy machine: 5,000 images of 64x64x3 in 2 CPU-seconds.

    Args:
        images: float32 (N, H, W, C) in [-1, 1], H = W from 8 to 256, C 1 or 3, an array
            or ``FolderImages``.
        seed: of the weights; the default is the one that ``evaluate`` uses.

    Returns:
        float32 (N, F): F = 256 for 32x32, 512 for 64x64.

    Raises:
        ValueError: another shape or range, NaN or infinity.

    Example:
        >>> random_features(np.zeros((5, 32, 32, 3), np.float32)).shape
        (5, 256)

    Source: Naeem et al. 2020, section 4 (random embeddings, where the pictures are not
        those that a network was trained on).
    """
    images = checked_pictures(images, "images")
    warn_not_negative(images=images)
    return features_of(images, seed)


def features_of(images, seed: int = SEED) -> np.ndarray:
    """As ``random_features``, of images whose values have been checked."""
    check_seed(seed, *SEEDS)
    shape, largest = images.shape, SMALLEST << len(WIDTHS)
    is_square = shape[1] == shape[2] and 8 <= shape[1] <= largest
    if not is_square or shape[3] not in (1, 3):
        raise ValueError(
            f"images: expected squares (N, H, H, C), H from 8 to {largest}, C 1 or 3; "
            f"got {shape}"
        )
    parts = []
    for first in range(0, len(images), IMAGES_AT_ONCE):
        some = np.asarray(images[first : first + IMAGES_AT_ONCE], np.float32)
        parts.append(_look(some, seed))
    return np.concatenate(parts)


def _look(images: np.ndarray, seed: int) -> np.ndarray:
    maps = tf.repeat(images, 3, axis=3) if images.shape[3] == 1 else images
    for number, weights in enumerate(_weights(seed)):
        if number and maps.shape[1] <= SMALLEST:
            break
        maps = tf.nn.relu(tf.nn.conv2d(maps, weights, strides=2, padding="SAME"))
    middle = maps.shape[1] // GRID
    means = [
        tf.reduce_mean(maps[:, rows, columns], axis=(1, 2))
        for rows in (slice(middle), slice(middle, None))
        for columns in (slice(middle), slice(middle, None))
    ]
    return tf.concat(means, axis=1).numpy()


@lru_cache(maxsize=2)
def _weights(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = []
    for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
        drawn = rng.standard_normal((4, 4, before, after))
        weights.append((drawn * np.sqrt(2 / (16 * before))).astype(np.float32))
    return weights
