"""Distributions as samplers, and what a transformation does to a density (NumPy).

A sampler is a function ``sampler(count, rng)`` that returns ``count`` new points.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtri


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
        stds: the components' standard deviations (not variances), length n.
        weights: the components' shares, length n, summing to 1; equal by default.

    Returns:
        float64 array (count, 1): points of one coordinate, ready for a network.

    Source: notebook 01; its density is ``theory.mixture_density``.
    """
    component = rng.choice(len(means), size=count, p=weights)
    centre, std = np.asarray(means)[component], np.asarray(stds)[component]
    return (centre + std * rng.standard_normal(count))[:, None]


def sample_figure_eight(
    count: int, rng: np.random.Generator, std: float = 0.06
) -> np.ndarray:
    """Draw points along a written 8 in the plane, blurred by normal noise.

    Args:
        count: number of points.
        rng: the random generator to draw from.
        std: the noise's standard deviation in each direction; the 8 is 2 high.

    Returns:
        float64 array (count, 2).

    Source: notebook 01 (the curve is Gerono's lemniscate, stood upright).
    """
    angle = rng.uniform(0, 2 * np.pi, count)
    curve = np.stack([np.sin(2 * angle) * 0.6, np.cos(angle)], axis=1)
    return curve + std * rng.standard_normal((count, 2))


def normal_quantiles(count: int) -> np.ndarray:
    """The middles of ``count`` equally probable slices of N(0, 1), ascending.

    They stand for a perfectly even sample: no random error, every slice has
    probability 1 / count.

    Returns:
        float64 array (count, 1).

    Example:
        >>> normal_quantiles(3).round(2).ravel().tolist()
        [-0.97, 0.0, 0.97]
    """
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
        ValueError: if the edges do not ascend.

    Example:
        >>> pushforward_density(lambda z: 2 * z, np.array([-0.1, 0.1])).round(3)
        array([0.199])

    Source: notebook 01.
    """
    edges = np.asarray(edges, dtype=float)
    if np.any(np.diff(edges) <= 0):
        raise ValueError(f"edges must ascend, got {edges}")
    outputs = np.asarray(transform(normal_quantiles(count))).ravel()
    counts, _ = np.histogram(outputs, edges)
    return counts / (count * np.diff(edges))
