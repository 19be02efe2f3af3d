"""Coloured pictures for tests: a disc of any colour and place on white."""

import numpy as np


def discs(count, size=32, seed=0, radii=(0.15, 0.35)):
    """float32 (count, size, size, 3) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    images = np.ones((count, size, size, 3), np.float32)
    for image in images:
        row, column = rng.uniform(0.35, 0.65, 2)
        inside = np.hypot(rows - row, columns - column) < rng.uniform(*radii)
        image[inside] = rng.uniform(-1, 1, 3)
    return images
