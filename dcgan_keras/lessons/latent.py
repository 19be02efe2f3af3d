"""Ways through the latent space: from one z to another, and directions that matter."""

from collections.abc import Callable

import numpy as np

from dcgan_keras.sizes import is_int
from dcgan_keras.training.sampling import slerp


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
        ValueError: points that are no whole number, or fewer than 2.

    Source: notebook 08.
    """
    if not is_int(points) or points < 2:
        raise ValueError(f"points: expected at least 2, the two ends; got {points!r}")
    steps = [between(a, b, t) for t in np.linspace(0, 1, points)]
    return np.stack(steps).astype(np.float32)


def main_directions(z: np.ndarray, images: np.ndarray, count: int = 6) -> np.ndarray:
    """Directions of the latent space along which the images change most.

    The images are regressed on z by least squares; the singular vectors of that linear
    map are the directions. What G does beyond the linear is left out.

    Args:
        z: float (N, latent_dim), N > latent_dim.
        images: G's images of them, float (N, H, W, C).
        count: how many directions, 1 to latent_dim, and to H * W * C.

    Returns:
        float32 (count, latent_dim), unit vectors at right angles, the strongest first.
        Each points to where the images have more ink.

    Raises:
        ValueError: too few points, another number of images, NaN or infinity, or a
            count that there are not.

    Source: notebook 08.
    """
    z, images = np.asarray(z), np.asarray(images)
    if z.ndim != 2 or images.ndim != 4:
        raise ValueError(
            "z, images: expected shapes (N, latent_dim) and (N, H, W, C), got "
            f"{z.shape} and {images.shape}"
        )
    if len(z) != len(images) or len(z) <= z.shape[1]:
        raise ValueError(
            f"z: expected more than {z.shape[1]} points, one an image; got {len(z)} "
            f"and {len(images)} images"
        )
    for name, values in (("z", z), ("images", images)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    flat = images.reshape(len(images), -1)
    most = min(z.shape[1], flat.shape[1])
    if not is_int(count) or not 1 <= count <= most:
        raise ValueError(f"count: expected a whole number 1 to {most}, got {count!r}")
    slope = np.linalg.lstsq(z - z.mean(axis=0), flat - flat.mean(axis=0), rcond=None)[0]
    directions, _, changes = np.linalg.svd(slope, full_matrices=False)
    signs = np.where(changes.sum(axis=1) < 0, -1.0, 1.0)
    return (directions * signs).T[:count].astype(np.float32)
