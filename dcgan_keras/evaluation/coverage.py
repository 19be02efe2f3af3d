"""Do the samples show every class, and the whole variety of the real images?"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from dcgan_keras.evaluation._checks import (
    HUGE,
    as_array,
    check_values,
    is_short,
    middle_if_far,
)
from dcgan_keras.sizes import check_positive

CONFIDENT = 0.9  # an image counts as a digit if the classifier is this sure of it
ROWS, AT_ONCE = 250, 2**21  # of a block of distances; numbers of pairs at a time
COVERED_SHARE = 0.1  # of the class's share among real images: 1 % for ten equal classes


class ClassHistogram(NamedTuple):
    """How many images fall into each class.

    Attributes:
        counts: int64 (C,), images whose most probable class this is; their sum is N.
        confident: int64 (C,), those of them with a probability of at least 0.9.
        covered: number of classes whose share of confident images, among all N, is at
            least a tenth of the class's share among real images (of 1 / C, if no real
            images were given). Ten digits, N = 5,000: about 50 confident images a
            class.
        chi2: the chi-squared statistic of ``counts`` against the real shares.
        p_value: the chance of one at least so large if the classes came as among the
            real images, in [0, 1]; 1 if there is one class. With thousands of samples
            it finds differences that nobody would see: read the counts beside it.
    """

    counts: np.ndarray
    confident: np.ndarray
    covered: int
    chi2: float
    p_value: float


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1].

    Attributes:
        precision: generated images that lie among the real ones. Low: bad samples.
        recall: real images that lie among the generated ones. Low: missing variety.
    """

    precision: float
    recall: float


def classifier_score(probabilities: np.ndarray) -> float:
    """Are single samples clear, and all together diverse?

        exp( mean over x of KL( p(y|x) || p(y) ) ),    p(y) = mean over x of p(y|x)

    The inception score with our classifier in Inception's place. 1 if every image gets
    the same answer, C if each is certain and the C classes are equally frequent. It
    knows nothing of real images and nothing of variety within a class: ten images, one
    a class, repeated for ever, score C.

    Args:
        probabilities: p(y|x), shape (N, C), rows with the sum 1, N > 0. Of 16-bit
            floats, whose rounding shows, each row is divided by its sum.

    Returns:
        The score, a float in [1, C] (no unit). It rises slightly with N.

    Raises:
        ValueError: another shape, negative numbers or rows that do not sum to 1.

    Example:
        >>> classifier_score(np.eye(10))
        10.0
        >>> classifier_score(np.full((5, 10), 0.1))
        1.0

    Source: Salimans et al. 2016, section 4; notebook 08.
    """
    p = _checked_probabilities(probabilities)
    marginal = p.mean(axis=0)
    # 0 log 0 = 0, also of a p whose mean is too small for a float.
    is_there = (p > 0) & (marginal > 0)
    ratio = np.divide(p, marginal, out=np.ones_like(p), where=is_there)
    divergence = np.sum(p * np.log(ratio), axis=1)  # nats, one an image
    return float(np.clip(np.exp(divergence.mean()), 1.0, p.shape[1]))


def class_histogram(
    probabilities: np.ndarray, real_probabilities: np.ndarray | None = None
) -> ClassHistogram:
    """Count the classes of the samples and compare with those of real images.

    Against real images the test is one of homogeneity (both sides are samples);
    without them it is one of goodness of fit to equal shares.

    Args:
        probabilities: p(y|x) of the generated images, shape (N, C).
        real_probabilities: the same of real images, shape (M, C), or None.

    Returns:
        A ``ClassHistogram``.

    Raises:
        ValueError: arrays that are not probabilities over the same classes.

    Example:
        >>> class_histogram(np.eye(10)[[7] * 50]).covered
        1

    Source: Pearson 1900; notebooks 07 and 08.
    """
    p = _checked_probabilities(probabilities)
    classes = p.shape[1]
    counts = np.bincount(p.argmax(axis=1), minlength=classes)
    confident = np.bincount(
        p.argmax(axis=1)[p.max(axis=1) >= CONFIDENT], minlength=classes
    )
    if real_probabilities is None:
        shares = np.full(classes, 1 / classes)
        chi2, p_value = stats.chisquare(counts) if classes > 1 else (0.0, 1.0)
    else:
        real = _checked_probabilities(real_probabilities, "real_probabilities")
        if real.shape[1] != classes:
            raise ValueError(
                f"real_probabilities: expected {classes} columns, got {real.shape[1]}"
            )
        real_counts = np.bincount(real.argmax(axis=1), minlength=classes)
        shares = real_counts / len(real)
        chi2, p_value = _homogeneity(counts, real_counts)
    share = confident / len(p)
    covered = int(np.sum((share > 0) & (share >= COVERED_SHARE * shares)))
    return ClassHistogram(counts, confident, covered, float(chi2), float(p_value))


def precision_recall(
    real_features: np.ndarray, features: np.ndarray, neighbours: int = 3
) -> PrecisionRecall:
    """Precision and recall of the samples, by k-nearest neighbours.

    Each set stands for a region: the union of balls around its points, each reaching
    to that point's k-th nearest neighbour in the same set. Precision is the share of
    generated points in the real region, recall the share of real points in the
    generated one. Both depend on the numbers of images and on k: take two sets of one
    size and compare only with values of that size. Real against real is below 1. What
    the features do not see is not judged: pure noise, which a digit classifier takes
    for one sure digit, can have a high precision (its recall is 0).

    Args:
        real_features: shape (N, F), N > neighbours.
        features: of generated images, shape (M, F), M > neighbours.
        neighbours: k, at least 1; 3 in the paper.

    Returns:
        A ``PrecisionRecall``. Memory: about 80 MB for 10,000 images a side, and 220 MB
        where all are equal.

    Raises:
        ValueError: too few images, other numbers of columns, NaN or infinity, or
            neighbours that are no whole number >= 1.

    Example:
        >>> points = np.arange(10.0)[:, np.newaxis]
        >>> precision_recall(points, points[:5], neighbours=1)
        PrecisionRecall(precision=1.0, recall=0.6)

    Source: Kynkäänniemi et al. 2019, section 2 and algorithm 1; notebook 08.
    """
    real, generated = checked_pair(real_features, features, neighbours)
    middle = middle_if_far(real, generated)
    if middle is not None:
        real, generated = real - middle, generated - middle
    return PrecisionRecall(
        precision=_share_inside(generated, real, neighbours),
        recall=_share_inside(real, generated, neighbours),
    )


def squared_distances(a: np.ndarray, b: np.ndarray, rows: int = 1000):
    """Squared Euclidean distances, a block of rows of ``a`` at a time.

    Args:
        a, b: shapes (N, F) and (M, F).
        rows: how many rows of ``a`` a block has.

    Yields:
        (slice of a's rows, array (rows, M) of squared distances >= 0).
    """
    squares = np.einsum("nf,nf->n", b, b)
    for start in range(0, len(a), rows):
        part = slice(start, min(start + rows, len(a)))
        block = a[part] @ b.T
        block *= -2.0
        block += squares
        block += np.einsum("nf,nf->n", a[part], a[part])[:, np.newaxis]
        yield part, np.maximum(block, 0.0, out=block)


def checked_pair(real_features, features, neighbours: int):
    """Both as float64 (N, F), or a ValueError that names the argument."""
    check_positive(neighbours=neighbours)
    pair = []
    for name, values in (("real_features", real_features), ("features", features)):
        values = np.asarray(as_array(values, name), np.float64)
        if values.ndim != 2 or 0 in values.shape or not neighbours < len(values):
            raise ValueError(
                f"{name}: expected shape (N, F) with N > neighbours = {neighbours}, "
                f"got {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
        check_values(values, name, HUGE)
        pair.append(values)
    if pair[0].shape[1] != pair[1].shape[1]:
        raise ValueError(
            f"features: expected {pair[0].shape[1]} columns as in real_features, "
            f"got {pair[1].shape[1]}"
        )
    return pair


def _share_inside(points: np.ndarray, support: np.ndarray, neighbours: int) -> float:
    """Of the points, those within a ball of the support.

    Products decide where they can; what lies within their rounding of a border is
    decided by the differences, so that copies lie at distance 0.
    """
    squares = [np.einsum("nf,nf->n", x, x).max() for x in (points, support)]
    rounding = 4 * np.finfo(np.float64).eps * support.shape[1] * sum(squares)
    radii = _radii(support, neighbours, rounding)
    inside = 0
    for part, block in squared_distances(points, support, ROWS):
        block -= radii
        is_inside = np.any(block < -rounding, axis=1)
        doubtful = np.flatnonzero(~is_inside & np.any(block <= rounding, axis=1))
        rows, columns = np.nonzero(np.abs(block[doubtful]) <= rounding)
        rows = doubtful[rows]
        exact = _squared_lengths(points, part.start + rows, support, columns)
        is_inside[rows[exact <= radii[columns]]] = True
        inside += int(is_inside.sum())
    return inside / len(points)


def _radii(support: np.ndarray, neighbours: int, rounding: float) -> np.ndarray:
    """The squared distance of each point to its k-th nearest; the 0-th is itself."""
    radii = np.empty(len(support))
    for part, block in squared_distances(support, support, ROWS):
        limits = np.partition(block, neighbours, axis=1)[:, neighbours, np.newaxis]
        rows, columns = np.nonzero(block <= limits + 2 * rounding)
        exact = _squared_lengths(support, part.start + rows, support, columns)
        order = np.lexsort((exact, rows))
        first = np.searchsorted(rows, np.arange(len(block)))
        radii[part] = exact[order[first + neighbours]]
    return radii


def _squared_lengths(a, rows, b, columns) -> np.ndarray:
    """|a - b|^2 of some pairs, by the differences."""
    lengths, at_once = np.empty(len(rows)), max(1, AT_ONCE // a.shape[1])
    for start in range(0, len(rows), at_once):
        part = slice(start, start + at_once)
        gaps = a[rows[part]] - b[columns[part]]
        lengths[part] = np.einsum("nf,nf->n", gaps, gaps)
    return lengths


def _homogeneity(counts: np.ndarray, real_counts: np.ndarray) -> tuple[float, float]:
    table = np.stack([counts, real_counts])
    table = table[:, table.sum(axis=0) > 0]  # a class that neither has says nothing
    if table.shape[1] < 2:
        return 0.0, 1.0
    result = stats.chi2_contingency(table, correction=False)
    return result.statistic, result.pvalue


def _checked_probabilities(values, name: str = "probabilities") -> np.ndarray:
    given = as_array(values, name)
    values = np.asarray(given, np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"{name}: expected shape (N, C), N > 0, got {values.shape}")
    rounding = 2e-2 if is_short(given) else 1e-4
    sums = values.sum(axis=1, keepdims=True)
    if not (values >= 0).all() or not np.allclose(sums, 1, atol=rounding):
        raise ValueError(f"{name}: expected rows >= 0 with the sum 1 (not logits)")
    return values / sums if is_short(given) else values
