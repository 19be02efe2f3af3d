"""Ways through the latent space: from one z to another, and directions that matter."""

from collections.abc import Callable

import numpy as np


def lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Linear interpolation, the straight line: (1 - t) a + t b.

    Halfway between two independent z ~ N(0, I) the length is that of z / sqrt(2):
    shorter than nearly every z that a generator has seen.

    Args:
        a, b: points of the latent space, any equal shape.
        t: 0 gives a, 1 gives b.

    Returns:
        The point, of the same shape.

    Example:
        >>> lerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5)
        array([0.5, 0.5])

    Source: notebook 08.
    """
    return (1 - t) * a + t * b


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Spherical interpolation: along the arc, at the lengths that a and b have.

        sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b,   w the angle between a and b

    for a and b of one length. Of others the direction goes along the arc and the
    length evenly from the one to the other.

    Args:
        a, b: points of the latent space, float (..., latent_dim), none of length 0.
        t: 0 gives a, 1 gives b.

    Returns:
        The points, of the same shape. Parallel ones are interpolated linearly.

    Raises:
        ValueError: other shapes, a point of length 0, or a and b opposite, between
            which no arc is shorter than the others.

    Example:
        >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5).round(4)
        array([0.7071, 0.7071])

    Source: Shoemake 1985; White 2016; notebook 08.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or a.ndim == 0:
        raise ValueError(f"b: expected the shape of a, {a.shape}, got {b.shape}")
    length_a = np.linalg.norm(a, axis=-1, keepdims=True)
    length_b = np.linalg.norm(b, axis=-1, keepdims=True)
    if np.any(length_a == 0) or np.any(length_b == 0):
        raise ValueError("a, b: expected points away from 0, which has no direction")
    a, b = a / length_a, b / length_b
    cosine = np.sum(a * b, axis=-1, keepdims=True)
    if np.any(cosine < -1 + 1e-9):
        raise ValueError(
            "b: expected a point that is not opposite a: no arc is shorter"
        )
    angle = np.arccos(np.clip(cosine, -1, 1))
    straight = angle < 1e-4  # sin(w) is w there
    sine = np.where(straight, 1.0, np.sin(angle))
    weight_a = np.where(straight, 1 - t, np.sin((1 - t) * angle) / sine)
    weight_b = np.where(straight, t, np.sin(t * angle) / sine)
    return lerp(length_a, length_b, t) * (weight_a * a + weight_b * b)


def path(
    a: np.ndarray, b: np.ndarray, points: int, between: Callable = slerp
) -> np.ndarray:
    """Points from a to b at equal steps of t, both ends among them.

    Args:
        a, b: (latent_dim,).
        points: how many, at least 2.
        between: ``slerp`` or ``lerp``.

    Returns:
        float32 (points, latent_dim).

    Raises:
        ValueError: fewer than 2 points.

    Source: notebook 08.
    """
    if points < 2:
        raise ValueError(f"points: expected at least 2, the two ends; got {points}")
    steps = [between(a, b, t) for t in np.linspace(0, 1, points)]
    return np.stack(steps).astype(np.float32)


def main_directions(z: np.ndarray, images: np.ndarray, count: int = 6) -> np.ndarray:
    """Directions of the latent space along which the images change most.

    The images are regressed on z by least squares; the singular vectors of that linear
    map are the directions. What G does beyond the linear is left out.

    Args:
        z: (N, latent_dim), N > latent_dim.
        images: G's images of them, float (N, H, W, C).
        count: how many directions, 1 to latent_dim.

    Returns:
        float32 (count, latent_dim), unit vectors at right angles, the strongest first.
        Each points to where the images have more ink.

    Raises:
        ValueError: too few points, or another number of images.

    Source: notebook 08.
    """
    if len(z) != len(images) or len(z) <= z.shape[1]:
        raise ValueError(
            f"z: expected more than {z.shape[1]} points, one an image; got {len(z)} "
            f"and {len(images)} images"
        )
    flat = images.reshape(len(images), -1)
    slope = np.linalg.lstsq(z - z.mean(axis=0), flat - flat.mean(axis=0), rcond=None)[0]
    directions, _, changes = np.linalg.svd(slope, full_matrices=False)
    signs = np.where(changes.sum(axis=1) < 0, -1.0, 1.0)
    return (directions * signs).T[:count].astype(np.float32)
