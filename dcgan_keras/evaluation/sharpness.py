"""How sharp are the images? Steepness of their edges, and the blur that it equals."""

import numpy as np
from scipy import ndimage


def edge_steepness(images: np.ndarray) -> np.ndarray:
    """How steep the edges of each image are.

        sum |g|^2 / sum |g|,   g the difference of neighbouring pixels, both ways

    the mean of the slopes, each weighted by itself, so that flat ground does not count
    and a digit with twice as much edge gets the same number. An edge from -1 to 1
    that takes w pixels has a steepness of about 2 / w. Noise is steep too: look at the
    images beside the number.

    Args:
        images: float (N, H, W, C), H and W at least 2.

    Returns:
        float64 (N,), in pixel values a pixel; 0 for an image without an edge.

    Raises:
        ValueError: another shape.

    Example:
        >>> step = np.where(np.arange(8) < 4, -1.0, 1.0) * np.ones((1, 8, 8))
        >>> edge_steepness(step[..., np.newaxis])
        array([2.])

    Source: notebook 08.
    """
    images = np.asarray(images, np.float64)
    if images.ndim != 4 or min(images.shape[1:3]) < 2:
        raise ValueError(f"images: expected shape (N, H, W, C), got {images.shape}")
    down = np.abs(np.diff(images, axis=1)).reshape(len(images), -1)
    right = np.abs(np.diff(images, axis=2)).reshape(len(images), -1)
    slopes = np.concatenate([down, right], axis=1)
    total = slopes.sum(axis=1)
    return np.sum(slopes**2, axis=1) / np.where(total > 0, total, 1.0)


def blur(images: np.ndarray, sigma: float) -> np.ndarray:
    """Blur images by a Gaussian.

    Args:
        images: float (N, H, W, C).
        sigma: standard deviation of the Gaussian, pixels, >= 0; 0 changes nothing.

    Returns:
        The same shape and dtype; outside of the image the edge pixels are repeated.
    """
    return ndimage.gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")


def equivalent_blur(
    images: np.ndarray, real_images: np.ndarray, largest: float = 2.0
) -> float:
    """By how much real images must be blurred until their edges are as flat.

    Args:
        images: float (N, H, W, C).
        real_images: the measure, (M, H, W, C).
        largest: the widest blur tried, pixels.

    Returns:
        Standard deviation of the Gaussian in pixels; 0 where the edges are as steep
        as the real ones or steeper, ``largest`` where they are flatter than all tried.

    Source: notebook 08.
    """
    # Below 0.3 a Gaussian leaves pixels as they are.
    sigmas = np.append(0.0, np.linspace(0.3, largest, 18))
    ruler = [np.median(edge_steepness(blur(real_images, sigma))) for sigma in sigmas]
    return float(
        np.interp(-np.median(edge_steepness(images)), -np.array(ruler), sigmas)
    )
