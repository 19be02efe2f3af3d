"""The Fréchet distance between two sets of features, and what it is never below."""

import numpy as np

from dcgan_keras.evaluation._checks import HUGE, SEEDS, as_array, check_values
from dcgan_keras.sizes import check_positive, check_seed, is_int


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """How far apart two sets of images are, seen as Gaussians of their features.

        d^2 = |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))

    With the centred features A = Q_a R_a (a QR decomposition, divided by sqrt(N - 1))
    the covariance is C_a = R_a^T R_a, and the trace of (C_a C_b)^(1/2) is the sum of
    the singular values of R_a R_b^T. So no matrix square root is taken, nothing
    becomes complex, and a singular covariance (fewer images than features, a feature
    that never changes) needs no jitter.

    **Bias.** The value falls with the number of images: the expectation at N exceeds
    the value at N = infinity by about c / N, where c grows with the number of
    features. Two sets of real images have a distance above 0 too. Compare values of
    the same numbers of images only, and report ``real_against_real_floor`` with them.
    The unit is that of the features squared: values through different classifiers
    cannot be compared.

    Args:
        features_a: real numbers of shape (N, F), N >= 2, any unit.
        features_b: real numbers of shape (M, F), M >= 2, the same unit.

    Returns:
        The squared distance as a float >= 0, computed in float64. Symmetric up to
        rounding (about 1e-13 of the two traces).

    Raises:
        ValueError: fewer than 2 rows, another number of columns, NaN or infinity.

    Example:
        >>> a = np.array([[0.0], [2.0]])  # mean 1, variance 2
        >>> round(frechet_distance(a, a + 3.0), 9)
        9.0

    Source: Dowson and Landau 1982; Heusel et al. 2017, equation 6; notebook 08.
    """
    a, b = _checked_pair(features_a, "features_a", features_b, "features_b")
    mean_a, root_a = _mean_and_root(a)
    mean_b, root_b = _mean_and_root(b)
    overlap = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.sum(root_a**2) + np.sum(root_b**2) - 2.0 * overlap
    return float(max(np.sum((mean_a - mean_b) ** 2) + spread, 0.0))


def real_against_real_floor(
    features: np.ndarray,
    others: np.ndarray | None = None,
    count: int | None = None,
    repeats: int = 10,
    seed: int = 0,
) -> tuple[float, float]:
    """The Fréchet distance that real images have from real images.

    A generator as good as the data itself would land here, not at 0.

    Args:
        features: of real images, shape (N, F).
        others: of other real images, shape (M, F); None to cut ``features`` in two.
        count: images on each side, >= 2; None for as many as there are.
        repeats: how many random draws, >= 1.
        seed: of the draws.

    Returns:
        Mean and standard deviation over the draws (floats >= 0).

    Raises:
        ValueError: a count that the features cannot serve without overlap, repeats
            below 1, or what ``frechet_distance`` refuses.

    Example:
        >>> mean, deviation = real_against_real_floor(np.eye(6), count=3)
        >>> mean > 0
        True

    Source: notebook 08.
    """
    if others is None:
        features = _checked(features, "features")
    else:
        features, others = _checked_pair(features, "features", others, "others")
    check_positive(repeats=repeats)
    check_seed(seed, *SEEDS)
    available = (
        len(features) // 2 if others is None else min(len(features), len(others))
    )
    count = available if count is None else count
    if not (is_int(count) and 2 <= count <= available):
        raise ValueError(
            f"count: expected 2 to {available}, so that the two sides share no image; "
            f"got {count!r}"
        )
    count = int(count)
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(repeats):
        order = generator.permutation(len(features))
        if others is None:
            other = features[order[count : 2 * count]]
        else:
            other = others[generator.permutation(len(others))[:count]]
        values.append(frechet_distance(features[order[:count]], other))
    return float(np.mean(values)), float(np.std(values))


def _mean_and_root(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (F,) and an R of shape (min(N, F), F) with R^T R = the covariance."""
    mean = features.mean(axis=0)
    root = np.linalg.qr(features - mean, mode="r")
    return mean, root / np.sqrt(len(features) - 1)


def _checked_pair(features, name: str, others, other_name: str):
    features, others = _checked(features, name), _checked(others, other_name)
    if features.shape[1] != others.shape[1]:
        raise ValueError(
            f"{other_name}: expected {features.shape[1]} columns as in {name}, got "
            f"{others.shape[1]}"
        )
    return features, others


def _checked(features: np.ndarray, name: str) -> np.ndarray:
    features = np.asarray(as_array(features, name), np.float64)
    if features.ndim != 2 or features.shape[0] < 2 or features.shape[1] < 1:
        raise ValueError(
            f"{name}: expected shape (N, F) with N >= 2 images, got {features.shape}"
        )
    if not np.isfinite(features).all():
        bad = int(np.sum(~np.isfinite(features).all(axis=1)))
        raise ValueError(f"{name}: {bad} of {len(features)} rows hold NaN or infinity")
    check_values(features, name, HUGE)
    return features
