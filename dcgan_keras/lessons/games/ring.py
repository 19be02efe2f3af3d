"""The ring of Gaussians: a world in which mode collapse can be counted (NumPy only)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dcgan_keras.sizes import (
    check_above_zero,
    check_count,
    check_not_negative,
    check_positive,
    is_number,
)


class Coverage(NamedTuple):
    """How samples stand against the modes of a mixture: see ``mode_coverage``."""

    modes_covered: int
    high_quality_share: float
    counts: np.ndarray


def ring_centres(modes: int = 8, radius: float = 2.0) -> np.ndarray:
    """The centres of a ring of Gaussians: float64 (modes, 2), evenly on a circle."""
    check_positive(modes=modes)
    check_above_zero(radius=radius)
    angles = 2 * np.pi * np.arange(modes) / modes
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def sample_ring(
    count: int, rng: np.random.Generator, modes: int = 8, radius=2.0, std=0.1
) -> np.ndarray:
    """Draw from the ring of Gaussians, every mode with the same probability.

    Args:
        count: number of samples.
        rng: the random generator to draw from.
        modes: number of Gaussians.
        radius: distance of their centres from the origin.
        std: their standard deviation in each direction, same unit, >= 0.

    Returns:
        float32 array (count, 2).

    Raises:
        ValueError: a number out of range.

    Source: Metz et al. 2017 (unrolled GANs), section 3.1; notebook 02.
    """
    check_count(count=count)
    check_not_negative(std=std)
    centres = ring_centres(modes, radius)[rng.integers(modes, size=count)]
    return (centres + std * rng.normal(size=(count, 2))).astype("float32")


def mode_coverage(
    samples: ArrayLike, centres: ArrayLike, std: float, fair_part: float = 0.1
) -> Coverage:
    """Count the modes that samples reach, and the share of samples that are good.

    A sample is of high quality if it lies within three standard deviations of its
    nearest centre. A mode is covered if it receives at least ``fair_part`` of its
    fair share (samples / modes) in high-quality samples: a single stray is no mode.

    Args:
        samples: (count, dim), count >= 1, any float type.
        centres: (modes, dim).
        std: the modes' standard deviation in each direction, positive.
        fair_part: in (0, 1].

    Returns:
        Coverage(modes_covered, high_quality_share in [0, 1], counts (modes,) of
        high-quality samples). In two dimensions real data score 1 - exp(-9/2) = 0.989.

    Raises:
        ValueError: arrays of other shapes, or a number out of range.

    Source: Srivastava et al. 2017 (VEEGAN), section 5.1; notebook 02.
    """
    samples, centres = np.asarray(samples, float), np.asarray(centres, float)
    shapes = samples.shape, centres.shape
    if not samples.ndim == centres.ndim == 2 or samples.shape[1] != centres.shape[1]:
        raise ValueError(
            "samples: expected (count, dim) with the dim of centres (modes, dim), got "
            f"{shapes[0]} and {shapes[1]}"
        )
    if 0 in shapes[0] + shapes[1]:
        raise ValueError(
            f"samples: expected samples and centres, got {shapes[0]} and {shapes[1]}"
        )
    check_above_zero(std=std)
    if not (is_number(fair_part) and 0 < fair_part <= 1):
        raise ValueError(f"fair_part: expected 0 < fair_part <= 1, got {fair_part!r}")
    distances = np.linalg.norm(samples[:, None] - centres[None], axis=2)
    good = distances.min(axis=1) <= 3 * std
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=len(centres))
    needed = fair_part * len(samples) / len(centres)
    covered = int(np.sum((counts >= needed) & (counts > 0)))
    return Coverage(covered, float(good.mean()), counts)
