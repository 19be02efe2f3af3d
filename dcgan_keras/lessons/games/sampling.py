"""Distributions as samplers, and what a transformation does to a density (NumPy).

A sampler is a function ``sampler(count, rng)`` that returns ``count`` new points.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri

from dcgan_keras.lessons.games.theory import check_mixture
from dcgan_keras.sizes import check_count, check_not_negative, check_positive


def sample_mixture(
    count: int,
    rng: np.random.Generator,
    means: Sequence[float],
    stds: Sequence[float],
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """Draw from a mixture of one-dimensional normal distributions.

    Args:
        count: number of points.
        rng: the random generator to draw from.
        means: the components' means, length n.
        stds: the components' standard deviations (not variances), length n, >= 0.
        weights: the components' shares, length n, summing to 1; equal by default.

    Returns:
        float64 array (count, 1): points of one coordinate, ready for a network.

    Raises:
        ValueError: if the lengths differ, a standard deviation is negative, or the
            weights are not shares.

    Source: notebook 01; its density is ``theory.mixture_density``.
    """
    check_count(count=count)
    check_mixture(means, stds, weights)
    means, stds = np.asarray(means), np.asarray(stds)
    if not np.all((stds >= 0) & (stds < np.inf)):
        raise ValueError(f"stds: expected numbers >= 0, got {stds}")
    component = rng.choice(len(means), size=count, p=weights)
    centre, std = means[component], stds[component]
    return (centre + std * rng.standard_normal(count))[:, None]


def sample_figure_eight(
    count: int, rng: np.random.Generator, std: float = 0.06
) -> np.ndarray:
    """Draw points along a written 8 in the plane, blurred by normal noise.

    Args:
        count: number of points.
        rng: the random generator to draw from.
        std: the noise's standard deviation in each direction, >= 0; the 8 is 2 high.

    Returns:
        float64 array (count, 2).

    Raises:
        ValueError: a number out of range.

    Source: notebook 01 (the curve is Gerono's lemniscate, stood upright).
    """
    check_count(count=count)
    check_not_negative(std=std)
    angle = rng.uniform(0, 2 * np.pi, count)
    curve = np.stack([np.sin(2 * angle) * 0.6, np.cos(angle)], axis=1)
    return curve + std * rng.standard_normal((count, 2))


def normal_quantiles(count: int) -> np.ndarray:
    """The middles of ``count`` equally probable slices of N(0, 1), ascending.

    They stand for a perfectly even sample: no random error, every slice has
    probability 1 / count.

    Returns:
        float64 array (count, 1).

    Raises:
        ValueError: a count that is no whole number >= 1.

    Example:
        >>> normal_quantiles(3).round(2).ravel().tolist()
        [-0.97, 0.0, 0.97]
    """
    check_positive(count=count)
    return ndtri((np.arange(count) + 0.5) / count)[:, None]


def pushforward_density(
    transform: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    count: int = 100_000,
) -> np.ndarray:
    """The density of transform(z), z ~ N(0, 1), as its mean over each bin.

    The transformation may fold or flatten the line: probability is carried over and
    counted, nothing is inverted. This is the density that a generator implies but
    never computes.

    Args:
        transform: from points (N, 1) to points (N, 1) or (N,).
        edges: ascending bin edges, length B + 1, in the unit of the output.
        count: how many equally probable slices of N(0, 1) are carried over.

    Returns:
        float64 array (B,), per unit of the output. Times the bin widths it sums to
        the share of the output that falls inside the edges.

    Raises:
        ValueError: if the edges do not ascend, or the transformation does not give one
            number for each point.

    Example:
        >>> pushforward_density(lambda z: 2 * z, np.array([-0.1, 0.1])).round(3)
        array([0.199])

    Source: notebook 01.
    """
    edges = np.asarray(edges, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        raise ValueError(f"edges: expected at least two that ascend, got {edges}")
    outputs = np.asarray(transform(normal_quantiles(count)))
    if outputs.shape not in ((count, 1), (count,)):
        raise ValueError(
            f"transform: expected one number for each of {count} points, got shape "
            f"{outputs.shape}"
        )
    if np.isnan(outputs).any():
        raise ValueError("transform: expected numbers, got NaN")
    outputs = outputs.ravel()
    counts, _ = np.histogram(outputs, edges)
    return counts / (count * np.diff(edges))
