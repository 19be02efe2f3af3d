"""The small worlds in which the theory of GANs can be computed (NumPy only).

Densities, divergences, the optimal discriminator, the value of the game and the
bilinear game. The ring of Gaussians comes from ``ring``. Logarithms are natural: every
value is in nats.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from dcgan_keras.sizes import check_above_zero, check_choice, check_count

BILINEAR_METHODS = ("simultaneous", "alternating", "extragradient")


def normal_density(
    x: ArrayLike, mean: ArrayLike = 0.0, std: ArrayLike = 1.0
) -> np.ndarray:
    """The density of a normal distribution at every point of ``x``.

    Args:
        x: points, any shape, in the unit of the data.
        mean: the mean, same unit; broadcasts against ``x``.
        std: the standard deviation, positive, same unit; broadcasts against ``x``.

    Returns:
        float64 array of the broadcast shape, >= 0, per unit of ``x``.

    Raises:
        ValueError: if ``std`` is not positive and finite.

    Example:
        >>> normal_density(0.0).round(4)
        np.float64(0.3989)

    Source: notebook 02.
    """
    std = np.asarray(std, dtype=float)
    if not np.all((std > 0) & (std < np.inf)):
        raise ValueError(f"std: expected numbers > 0, got {std}")
    scaled = (np.asarray(x, dtype=float) - mean) / std
    return np.exp(-0.5 * scaled**2) / (std * np.sqrt(2 * np.pi))


def mixture_density(
    x: ArrayLike,
    means: Sequence[float],
    stds: Sequence[float],
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """The density of a mixture of one-dimensional normal distributions.

    Args:
        x: points, any shape, in the unit of the data.
        means: the components' means, length n.
        stds: the components' standard deviations, length n, positive.
        weights: the components' shares, length n, summing to 1; equal by default.

    Returns:
        float64 array of ``x``'s shape, per unit of ``x``.

    Raises:
        ValueError: if the lengths differ, a standard deviation is not positive, or the
            weights are not shares.

    Source: notebook 02.
    """
    shares = check_mixture(means, stds, weights)
    points = np.asarray(x, dtype=float)[..., None]  # (..., 1) against (n,)
    return normal_density(points, np.asarray(means), np.asarray(stds)) @ shares


def check_mixture(means, stds, weights=None) -> np.ndarray:
    """The shares of a mixture's components, equal without weights: float64 (n,).

    Raises:
        ValueError: if the lengths differ or the weights are not shares.
    """
    if weights is None:
        weights = np.full(len(means), 1 / max(len(means), 1))
    shares = np.asarray(weights, dtype=float)
    if shares.ndim != 1 or not 0 < len(means) == len(stds) == len(shares):
        raise ValueError(
            "means, stds, weights: expected lists of one length >= 1, got shapes "
            f"{np.shape(means)}, {np.shape(stds)} and {shares.shape}"
        )
    if np.any(shares < 0) or not np.isclose(shares.sum(), 1):
        raise ValueError(f"weights: expected numbers >= 0 with the sum 1, got {shares}")
    return shares


def _two_densities(p: ArrayLike, q: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    if p.shape != q.shape:
        raise ValueError(f"p, q: expected one shape, got {p.shape} and {q.shape}")
    for name, values in (("p", p), ("q", q)):
        if np.any(values < 0) or not np.all(np.isfinite(values)):
            low, high = values.min(), values.max()
            raise ValueError(
                f"{name}: expected finite numbers >= 0, got {low:.4g} to {high:.4g}"
            )
    return p, q


def _weighted_log(weight: np.ndarray, value: np.ndarray) -> np.ndarray:
    """weight * log(value), and 0 where the weight is 0, whatever the value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight > 0, weight * np.log(value), 0.0)


def kl_divergence(p: ArrayLike, q: ArrayLike, cell: float = 1.0) -> float:
    """The Kullback-Leibler divergence KL(p || q), in nats.

    Args:
        p: probabilities of a finite set, or a density on a regular grid; any shape.
        q: the same for the second distribution; same shape.
        cell: the size of a grid cell (the step of a 1-D grid), > 0; 1 for
            probabilities.

    Returns:
        sum of p log(p / q) * cell: >= 0 for distributions, 0 only if they are equal,
        inf where p has mass and q has none.

    Raises:
        ValueError: if the shapes differ, a value is negative or not finite, or the cell
            is not above 0.

    Example:
        >>> round(kl_divergence([0.5, 0.5], [0.75, 0.25]), 4)
        0.1438

    Source: notebook 02.
    """
    p, q = _two_densities(p, q)
    check_above_zero(cell=cell)
    # Two logarithms, not log(p / q): the ratio of tiny densities would overflow.
    return float(np.sum(_weighted_log(p, p) - _weighted_log(p, q)) * cell)


def js_divergence(p: ArrayLike, q: ArrayLike, cell: float = 1.0) -> float:
    """The Jensen-Shannon divergence, in nats: 0 for equal, log 2 for disjoint p and q.

    Args:
        p: probabilities of a finite set, or a density on a regular grid; any shape.
        q: the same for the second distribution; same shape.
        cell: the size of a grid cell, > 0; 1 for probabilities.

    Returns:
        (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2.

    Raises:
        ValueError: if the shapes differ, a value is negative or not finite, or the cell
            is not above 0.

    Example:
        >>> round(js_divergence([1.0, 0.0], [0.0, 1.0]), 4)
        0.6931

    Source: Goodfellow et al. 2014, section 4.1; notebook 02.
    """
    p, q = _two_densities(p, q)
    middle = (p + q) / 2
    return (kl_divergence(p, middle, cell) + kl_divergence(q, middle, cell)) / 2


def optimal_discriminator(p_data: ArrayLike, p_g: ArrayLike) -> np.ndarray:
    """The best D against a fixed generator: p_data / (p_data + p_G).

    Args:
        p_data: the data's density at some points; any shape.
        p_g: the generator's density at the same points; same shape.

    Returns:
        float64 array of the same shape in [0, 1]; nan where neither has mass, because
        there nothing tells D what to answer.

    Raises:
        ValueError: if the shapes differ or a value is negative or not finite.

    Example:
        >>> optimal_discriminator([0.2, 0.6], [0.2, 0.2])
        array([0.5 , 0.75])

    Source: Goodfellow et al. 2014, proposition 1; notebook 02.
    """
    p_data, p_g = _two_densities(p_data, p_g)
    total = p_data + p_g
    return np.divide(p_data, total, out=np.full(total.shape, np.nan), where=total > 0)


def game_value(
    p_data: ArrayLike, p_g: ArrayLike, d: ArrayLike, cell: float = 1.0
) -> float:
    """V(D, G): what D maximises and G minimises, in nats.

    Args:
        p_data: the data's probabilities, or its density on a regular grid; any shape.
        p_g: the generator's; same shape.
        d: D's probability of "real" at the same points, in [0, 1]; may be nan where
            neither distribution has mass.
        cell: the size of a grid cell, > 0; 1 for probabilities.

    Returns:
        The sum of p_data log d + p_g log(1 - d), times ``cell``; at most 0.

    Raises:
        ValueError: if the shapes differ, ``d`` leaves [0, 1], or the cell is not
            above 0.

    Example:
        >>> round(game_value([0.5, 0.5], [0.5, 0.5], [0.5, 0.5]), 4)
        -1.3863

    Source: Goodfellow et al. 2014, equation 1; notebook 02.
    """
    p_data, p_g = _two_densities(p_data, p_g)
    d = np.asarray(d, dtype=float)
    check_above_zero(cell=cell)
    if d.shape != p_data.shape:
        raise ValueError(f"d: expected shape {p_data.shape}, got {d.shape}")
    is_nowhere = np.isnan(d) & (p_data == 0) & (p_g == 0)
    if not np.all(is_nowhere | ((d >= 0) & (d <= 1))):
        raise ValueError(
            "d: expected numbers in [0, 1], nan only where there is no mass, got "
            f"{d.min():.4g} to {d.max():.4g}"
        )
    return float(np.sum(_weighted_log(p_data, d) + _weighted_log(p_g, 1 - d)) * cell)


def play_bilinear(
    start: Sequence[float],
    learning_rate: float,
    steps: int,
    method: str = "simultaneous",
) -> np.ndarray:
    """Play the bilinear game V(d, g) = d * g: d climbs V by its slope, g descends.

    Per step the distance to the equilibrium (0, 0) is multiplied by sqrt(1 + lr^2)
    for "simultaneous" and by sqrt(1 - lr^2 + lr^4) for "extragradient"; "alternating"
    conserves d^2 + g^2 + lr * d * g.

    Args:
        start: (d, g), two numbers.
        learning_rate: the step size lr, positive; both players use it.
        steps: number of steps, >= 0.
        method: one of BILINEAR_METHODS.

    Returns:
        float64 array (steps + 1, 2): the positions (d, g), the start first.

    Raises:
        ValueError: for an unknown method, a start that is not two numbers, or numbers
            out of range.

    Example:
        >>> play_bilinear((1, 0), 0.5, 1)
        array([[ 1. ,  0. ],
               [ 1. , -0.5]])

    Source: Goodfellow 2016 (NIPS tutorial), exercise 7.2; notebook 02.
    """
    check_choice("method", method, BILINEAR_METHODS)
    check_above_zero(learning_rate=learning_rate)
    check_count(steps=steps)
    path = [np.array(start, dtype=float)]
    if path[0].shape != (2,):
        raise ValueError(f"start: expected two numbers (d, g), got {start!r}")
    for _ in range(steps):
        position, slopes = path[-1], _slopes(path[-1])
        if method == "alternating":  # g answers the d that has already moved
            d = position[0] + learning_rate * slopes[0]
            path.append(np.array([d, position[1] - learning_rate * d]))
            continue
        if method == "extragradient":  # the slopes where the step would lead
            slopes = _slopes(position + learning_rate * slopes)
        path.append(position + learning_rate * slopes)
    return np.array(path)


def _slopes(position: np.ndarray) -> np.ndarray:
    """Where the players want to go: +dV/dd = g for d, -dV/dg = -d for g."""
    return np.array([position[1], -position[0]])
