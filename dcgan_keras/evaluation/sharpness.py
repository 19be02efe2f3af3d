"""How sharp are the images? Steepness of their edges, and the blur that it equals."""

from numbers import Real

import numpy as np
from scipy import ndimage

from dcgan_keras.evaluation._checks import LARGEST, checked_images
from dcgan_keras.sizes import check_not_negative

NARROWEST = 0.3  # pixels: a narrower Gaussian leaves them as they are


def edge_steepness(images: np.ndarray) -> np.ndarray:
    """How steep the edges of each image are.

        sum |g|^2 / sum |g|,   g the difference of neighbouring pixels, both ways

    the mean of the slopes, each weighted by itself, so that flat ground does not count
    and a digit with twice as much edge gets the same number. An edge from -1 to 1
    that takes w pixels has a steepness of about 2 / w. Noise is steep too: look at the
    images beside the number.

    Args:
        images: float (N, H, W, C), N > 0, H and W at least 2, in any unit.

    Returns:
        float64 (N,), in pixel values a pixel; 0 for an image without an edge.

    Raises:
        ValueError: another shape, no floats, NaN or infinity.

    Example:
        >>> step = np.where(np.arange(8) < 4, -1.0, 1.0) * np.ones((1, 8, 8))
        >>> edge_steepness(step[..., np.newaxis])
        array([2.])

    Source: notebook 08.
    """
    images = np.asarray(checked_images(images, "images", LARGEST), np.float64)
    if min(images.shape[1:3]) < 2:
        raise ValueError(
            f"images: expected H and W at least 2, got shape {images.shape}"
        )
    down = np.abs(np.diff(images, axis=1)).reshape(len(images), -1)
    right = np.abs(np.diff(images, axis=2)).reshape(len(images), -1)
    slopes = np.concatenate([down, right], axis=1)
    total = slopes.sum(axis=1)
    return np.sum(slopes**2, axis=1) / np.where(total > 0, total, 1.0)


def blur(images: np.ndarray, sigma: float) -> np.ndarray:
    """Blur images by a Gaussian.

    Args:
        images: float (N, H, W, C), in any unit.
        sigma: standard deviation of the Gaussian, pixels, >= 0; 0 changes nothing.

    Returns:
        The same shape and dtype (float32 for floats of 16 bits); outside of the image
        the edge pixels are repeated.

    Raises:
        ValueError: images of another shape, no floats, NaN or infinity; a sigma that is
            not a finite number >= 0.
    """
    images = checked_images(images, "images", LARGEST)
    check_not_negative(sigma=sigma)
    return ndimage.gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")


def equivalent_blur(
    images: np.ndarray, real_images: np.ndarray, largest: float = 2.0
) -> float:
    """By how much real images must be blurred until their edges are as flat.

    Args:
        images: float (N, H, W, C).
        real_images: the measure, (M, H, W, C), in the same unit.
        largest: the widest blur tried, pixels, at least 0.3.

    Returns:
        Standard deviation of the Gaussian in pixels; 0 where the edges are as steep
        as the real ones or steeper, ``largest`` where they are flatter than all tried.

    Raises:
        ValueError: images of another shape, no floats, NaN or infinity; a ``largest``
            that is not a finite number >= 0.3.

    Source: notebook 08.
    """
    real_images = checked_images(real_images, "real_images", LARGEST)
    if not isinstance(largest, Real) or not NARROWEST <= largest < np.inf:
        raise ValueError(
            f"largest: expected a finite number >= {NARROWEST}, got {largest!r}"
        )
    steepness = np.median(edge_steepness(images))
    sigmas = np.append(0.0, np.linspace(NARROWEST, largest, 18))
    ruler = [np.median(edge_steepness(blur(real_images, sigma))) for sigma in sigmas]
    if steepness >= ruler[0]:  # np.interp wants a ruler that falls; a flat one does not
        return 0.0
    return float(np.interp(-steepness, -np.array(ruler), sigmas))
