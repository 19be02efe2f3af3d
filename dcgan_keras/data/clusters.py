"""Groups that nobody named: k-means among the pictures, where there are no labels.

A generator starts from one cloud of noise. Where the pictures fall into kinds, it has
to stretch the cloud between them, and what lies in the stretch is neither the one kind
nor the other. Told which kind is meant, it has less to stretch. Labels tell it, and so
do groups of pictures that are like each other pixel by pixel, which k-means finds
without anybody's help.
"""

import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcgan_keras.data.datasets import NOT_NEGATIVE, check_images
from dcgan_keras.sizes import check_count, check_seed, is_int

if TYPE_CHECKING:
    from dcgan_keras.data.image_folder import FolderImages

SIDE = 32  # pixels; of larger pictures squares are averaged, down to 32 to 63 a side
MOST = 20_000  # pictures among which the centres are looked for
CHUNK = 1000  # pictures at a time


class Clusters(NamedTuple):
    """Groups of pictures.

    Attributes:
        centres: float32 (K, h, w, C), the mean of those pictures of each that were
            looked at, made smaller where they are large; the largest group first.
        counts: int64 (K,), how many pictures each has.
    """

    centres: np.ndarray
    counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Of the pictures, float64 (K,), summing to 1."""
        return self.counts / self.counts.sum()

    def draw(self, count: int, seed: int) -> np.ndarray:
        """Numbers of groups, int64 (count,), as often as the groups have pictures."""
        check_count(count=count)
        check_seed(seed, 0, 2**63)
        random = np.random.default_rng(seed)
        return random.choice(len(self.counts), count, p=self.shares)


def find_clusters(
    images: "np.ndarray | FolderImages", count: int, seed: int = 0
) -> tuple[Clusters, np.ndarray]:
    """Look for groups of pictures, and say which picture is in which.

    Args:
        images: float32 (N, H, W, C) in [-1, 1], an array, a tensor or
            ``FolderImages``.
        count: groups to look for, 2 to N, and at most 20,000.
        seed: of the centres that k-means begins with, and of the 20,000 pictures that
            are looked at, where there are more.

    Returns:
        (clusters, labels): the groups, fewer than asked for where pictures are equal;
        and int64 (N,), the number of the group of each picture.

    Raises:
        ValueError: another number of groups, pictures that are all equal, what
            ``check_images`` refuses, or a seed that is no whole number, 0 to 2**32 - 1.

    Example:
        >>> clusters, labels = find_clusters(load_dataset("digits").images, 10)
        >>> clusters.centres.shape, labels.shape
        ((10, 28, 28, 1), (1415,))

    Source: Lloyd 1982; labels of one's own for a GAN: Sage et al. 2018, "Logo synthesis
        and manipulation with clustered generative adversarial networks", whose groups
        are of the features of a network, not of pixels.
    """
    check_seed(seed, 0, 2**32)
    with warnings.catch_warnings():  # groups may be of any range
        warnings.filterwarnings("ignore", re.escape(NOT_NEGATIVE))
        check_images(images)
    if hasattr(images, "numpy"):  # a tensor
        images = images.numpy()
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    most = min(len(images), MOST)
    if not (is_int(count) and 2 <= count <= most):
        got = f"{count:,}" if is_int(count) else repr(count)
        raise ValueError(
            f"clusters (--clusters): expected 2 to {most:,} of {len(images):,} images, "
            f"got {got}"
        )
    chosen = np.arange(len(images))
    if len(images) > MOST:
        chosen = np.random.default_rng(seed).choice(len(images), MOST, replace=False)
        chosen.sort()
    seen = np.concatenate(list(_smaller(images, chosen)))
    flat = seen.reshape(len(seen), -1)
    # Two centres of equal pictures would share them out by a rounding.
    count = min(count, len({row.tobytes() for row in flat}))
    with threadpool_limits(1), warnings.catch_warnings():
        # One thread: sums of one order, the same bits every time. No warning of equal
        # pictures, whose groups stay empty here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(count, n_init=1, random_state=seed).fit(flat)
    centres = found.cluster_centers_.reshape(-1, *seen.shape[1:]).astype(np.float32)
    labels = nearest_centres(images, centres)
    counts = np.bincount(labels, minlength=count)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    if len(order) == 1:
        raise ValueError(
            "clusters (--clusters): expected different images, all are equal"
        )
    place, centres = np.zeros(count, np.int64), centres[order]
    place[order] = np.arange(len(order))
    return Clusters(centres, counts[order].astype(np.int64)), place[labels]


def sides_of_centres(height: int, width: int) -> tuple[int, int]:
    """The height and width of the centres of pictures of that size."""
    factor = max(1, min(height, width) // SIDE)
    return height // factor, width // factor


def nearest_centres(
    images: "np.ndarray | FolderImages", centres: np.ndarray
) -> np.ndarray:
    """Which centre each picture is nearest to, by the mean squared difference.

    Args:
        images: float32 (N, H, W, C).
        centres: float32 (K, h, w, C), of ``Clusters``.

    Returns:
        int64 (N,), 0 to K - 1.
    """
    flat = centres.reshape(len(centres), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    labels = [
        np.argmin(squares - 2 * part.reshape(len(part), -1) @ flat.T, axis=1)
        for part in _smaller(images, np.arange(len(images)))
    ]
    return np.concatenate(labels).astype(np.int64)


def _smaller(images, chosen: np.ndarray):
    """Some of the pictures, ``CHUNK`` at a time, with about ``SIDE`` pixels a side."""
    height, width = images.shape[1:3]
    factor = height // sides_of_centres(height, width)[0]
    height, width = sides_of_centres(height, width)
    for start in range(0, len(chosen), CHUNK):
        part = images[chosen[start : start + CHUNK]]
        part = part[:, : height * factor, : width * factor]
        part = part.reshape(len(part), height, factor, width, factor, -1)
        yield part.mean(axis=(2, 4))
