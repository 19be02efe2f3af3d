"""Groups that nobody named: k-means among the pictures, where there are no labels.

A generator starts from one cloud of noise. Where the pictures fall into kinds, it has
to stretch the cloud between them, and what lies in the stretch is neither the one kind
nor the other. Told which kind is meant, it has less to stretch. Labels tell it, and so
do groups of pictures that are like each other, which k-means finds without anybody's
help: pixel by pixel, or by where their edges run as well.
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
CELL = 4  # pixels a side of the areas in which edges are counted
DIRECTIONS = 8  # of edges
LOOKS = ("pixels", "edges")  # at what; edges means both
COMPONENTS = 100  # principal ones, among which k-means looks
FAINT = 1e-6  # so little that there is nothing
SQUARE_IS_0 = 1e-19  # below it, in float32
EQUAL = "clusters (--clusters): expected different images, all are equal, or nearly"


class Clusters(NamedTuple):
    """Groups of pictures.

    Attributes:
        centres: float32 (K, h, w, C), the mean of those pictures of each that were
            looked at, made smaller where they are large; the largest group first.
        counts: int64 (K,), how many pictures each has.
        edges: float32 (K, h // 4, w // 4, 8), the mean of their ``edge_directions``;
            None where the pixels alone are looked at.
        spreads: float32 (2,), how far pixels, and edges, of a picture are from those of
            the mean picture, by the root of the mean square: distances are measured in
            these. None where the pixels alone are looked at.
    """

    centres: np.ndarray
    counts: np.ndarray
    edges: np.ndarray | None = None
    spreads: np.ndarray | None = None

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


def edge_directions(images: np.ndarray) -> np.ndarray:
    """Where a picture has edges, and which way they face.

    The slope of the brightness at each pixel is seen from eight directions; a direction
    sees what is less than 45 degrees away from it. Of each area of 4x4 pixels a
    weighted mean counts, around the third pixel of the third row, which reaches into
    the areas beside it. Then each picture's numbers are divided by the root of the sum
    of their squares, so that faint pictures count as much as bold ones, and the root of
    each is taken, so that a few strong edges do not outweigh the rest.

    Args:
        images: float32 (N, H, W, C), an array or a tensor, H and W at least 4.

    Returns:
        float32 (N, H // 4, W // 4, 8), 0 to 1; all 0 where a picture has no edge. Of
        the eight the first sees what grows brighter to the right, the third what does
        so downwards.

    Raises:
        ValueError: another shape.

    Example:
        >>> edge_directions(load_dataset("digits").images).shape
        (1415, 7, 7, 8)

    Source: Dalal and Triggs 2005, "Histograms of oriented gradients for human
        detection", here divided by picture, not by blocks; the roots: Arandjelovic and
        Zisserman 2012, "Three things everyone should know to improve object
        retrieval".
    """
    from scipy.ndimage import gaussian_filter

    images = np.asarray(images)
    if images.ndim != 4 or min(images.shape[1:3]) < CELL:
        raise ValueError(
            f"images: expected shape (N, H, W, C), H and W at least {CELL}; got "
            f"{images.shape}"
        )
    rows, columns = images.shape[1] // CELL, images.shape[2] // CELL
    down, right = np.gradient(images.mean(axis=3, dtype=np.float32), axis=(1, 2))
    unseen, means = np.hypot(down, right) * np.float32(np.sqrt(0.5)), []
    for angle in np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS):
        along = right * np.float32(np.cos(angle)) + down * np.float32(np.sin(angle))
        seen = np.maximum(0, along - unseen)
        seen = gaussian_filter(seen, (0, CELL / 2, CELL / 2), truncate=2)
        middles = seen[:, CELL // 2 :: CELL, CELL // 2 :: CELL]
        means.append(middles[:, :rows, :columns].copy())  # the rest is given back
    edges = np.stack(means, axis=-1)
    whole = np.sqrt((edges**2).sum(axis=(1, 2, 3), keepdims=True))
    return np.sqrt(edges / np.maximum(whole, FAINT))


def find_clusters(
    images: "np.ndarray | FolderImages",
    count: int,
    seed: int = 0,
    by: str | None = None,
) -> tuple[Clusters, np.ndarray]:
    """Look for groups of pictures, and say which picture is in which.

    Args:
        images: float32 (N, H, W, C) in [-1, 1], an array, a tensor or
            ``FolderImages``.
        count: groups to look for, 2 to N, and at most 20,000.
        seed: of the centres that k-means begins with, and of the 20,000 pictures that
            are looked at, where there are more.
        by: "pixels": pictures are alike that differ little pixel by pixel; "edges":
            that differ little in their pixels and in their ``edge_directions``, each
            in units of its own spread. None: edges, and pixels for pictures of less
            than 4 pixels a side.

    Returns:
        (clusters, labels): the groups, fewer than asked for where pictures are equal;
        and int64 (N,), the number of the group of each picture.

    Raises:
        ValueError: another number of groups, another ``by``, edges of pictures of less
            than 4 pixels a side, pictures that are all equal, or nearly, what
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
    if not (by is None or (isinstance(by, str) and by in LOOKS)):
        raise ValueError(f"by: expected one of {', '.join(LOOKS)}, got {by!r}")
    with warnings.catch_warnings():  # groups may be of any range
        warnings.filterwarnings("ignore", re.escape(NOT_NEGATIVE))
        check_images(images)
    if hasattr(images, "numpy"):  # a tensor
        images = images.numpy()
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
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
    is_small = min(seen.shape[1:3]) < CELL
    if by == "edges" and is_small:
        raise ValueError(
            f"by: expected 'pixels' for images of less than {CELL} pixels a side, got "
            f"'edges' for {seen.shape[1]}x{seen.shape[2]}"
        )
    edges = spreads = None
    if by != "pixels" and not is_small:
        parts = range(0, len(seen), CHUNK)
        edges = np.concatenate([edge_directions(seen[i : i + CHUNK]) for i in parts])
        spreads = np.array([_spread(seen), _spread(edges)])
    features = _joined(seen, edges, spreads)
    if np.ptp(features, axis=0).max() < SQUARE_IS_0:
        raise ValueError(EQUAL)
    # Two centres of equal pictures would share them out by a rounding.
    count = min(count, len({picture.tobytes() for picture in seen}))
    with threadpool_limits(1), warnings.catch_warnings():
        # One thread: sums of one order, the same bits every time. No warning of equal
        # pictures, whose groups stay empty here, and whose components are none.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        components = min(COMPONENTS, *features.shape)
        short = PCA(components, svd_solver="randomized", random_state=seed)
        short = short.fit_transform(features)
        found = KMeans(count, n_init=1, random_state=seed).fit_predict(short)
    groups = [found == group for group in np.unique(found)]

    def means(look):
        return np.stack([look[group].mean(axis=0) for group in groups])

    clusters = Clusters(
        means(seen),
        np.array([group.sum() for group in groups]),
        None if edges is None else means(edges),
        spreads,
    )
    counts = np.bincount(nearest_centres(images, clusters), minlength=len(groups))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    if len(order) == 1:
        raise ValueError(EQUAL)
    edges = None if edges is None else clusters.edges[order]
    clusters = Clusters(clusters.centres[order], counts[order], edges, spreads)
    # Once more: of centres that are as near the first counts, as in a resumed run.
    labels = nearest_centres(images, clusters)
    counts = np.bincount(labels, minlength=len(order)).astype(np.int64)
    return clusters._replace(counts=counts), labels


def sides_of_centres(height: int, width: int) -> tuple[int, int]:
    """The height and width of the centres of pictures of that size."""
    factor = _factor(height, width)
    return height // factor, width // factor


def _factor(height: int, width: int) -> int:
    """How many pixels a side are averaged to one."""
    return max(1, min(height, width) // SIDE)


def nearest_centres(
    images: "np.ndarray | FolderImages", clusters: Clusters
) -> np.ndarray:
    """Which group's mean each picture is nearest to, as ``find_clusters`` looked at it.

    Args:
        images: float32 (N, H, W, C), an array, a tensor or ``FolderImages``.
        clusters: of pictures of that size.

    Returns:
        int64 (N,), 0 to K - 1; of means that are as near the first.

    Raises:
        ValueError: pictures of another size.
    """
    if hasattr(images, "numpy"):  # a tensor
        images = images.numpy()
    shape = *sides_of_centres(*images.shape[1:3]), images.shape[3]
    if shape != clusters.centres.shape[1:]:
        raise ValueError(
            f"images: expected the size of the groups' {clusters.centres.shape[1:]}, "
            f"got {tuple(images.shape[1:])}"
        )
    spreads, has_edges = clusters.spreads, clusters.edges is not None
    centres = _joined(clusters.centres.astype(np.float64), clusters.edges, spreads)
    squares, labels = (centres**2).sum(axis=1), []
    for part in _smaller(images, np.arange(len(images))):
        edges = edge_directions(part) if has_edges else None
        features = _joined(part, edges, spreads)
        labels.append(np.argmin(squares - 2 * features @ centres.T, axis=1))
    return np.concatenate(labels).astype(np.int64)


def _joined(pictures: np.ndarray, edges, spreads) -> np.ndarray:
    """What is compared: the pixels, and perhaps edges, each in units of its spread."""
    pixels = pictures.reshape(len(pictures), -1)
    if edges is None:
        return pixels
    edges = edges.reshape(len(edges), -1) / spreads[1]
    return np.concatenate([pixels / spreads[0], edges], axis=1)


def _spread(look: np.ndarray) -> np.float32:
    """The root of the mean squared distance from the mean; 1 where all are equal."""
    parts = (row.var(axis=0, dtype=np.float64).sum() for row in look.swapaxes(0, 1))
    spread = np.float32(np.sqrt(sum(parts)))
    return spread if spread > FAINT else np.float32(1)


def _smaller(images, chosen: np.ndarray):
    """Some of the pictures, ``CHUNK`` at a time, with about ``SIDE`` pixels a side."""
    height, width = images.shape[1:3]
    factor = _factor(height, width)
    height, width = sides_of_centres(height, width)
    for start in range(0, len(chosen), CHUNK):
        part = images[chosen[start : start + CHUNK]]
        part = part[:, : height * factor, : width * factor]
        part = part.reshape(len(part), height, factor, width, factor, -1)
        yield part.mean(axis=(2, 4))
