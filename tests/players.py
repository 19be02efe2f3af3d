"""Small players that train in moments, and fingerprints of their weights."""

import numpy as np
import pytest

from dcgan_keras.models import build_discriminator, build_generator

LATENT_DIM, BATCH = 3, 4


# Keras's own model.save under NumPy 2; nothing that the caller could do otherwise.
KERAS_SAVES = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
)


def build_players(seed=1, **options):
    """G and D of four channels for 16x16 images, with BN in both of them."""
    both = {"image_shape": (16, 16, 1), "channels": 4, "kernel_size": 3} | options
    generator = build_generator(latent_dim=LATENT_DIM, seed=seed, **both)
    return generator, build_discriminator(seed=seed + 50, **both)


def reals(count=BATCH, shape=(16, 16, 1), seed=0):
    """Images that differ from noise: a bright square somewhere on black."""
    images = np.full((count, *shape), -0.9, np.float32)
    for image, place in zip(
        images, np.random.default_rng(seed).integers(0, 8, count), strict=True
    ):
        image[place : place + 4, place : place + 4] = 0.8
    return images


def noise(count=BATCH, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, LATENT_DIM)).astype(np.float32)


def fingerprint(model):
    """The bytes of every weight by its path: trainable, then moving statistics."""
    values = {weight.path: weight.numpy().tobytes() for weight in model.weights}
    moving = {path for path in values if "/moving_" in path}
    weights = {path: values[path] for path in values if path not in moving}
    return weights, {path: values[path] for path in moving}


def changes(before, after):
    """ "none", "all" or the paths of those that changed."""
    changed = sorted(path for path in before if before[path] != after[path])
    if not changed:
        return "none"
    return "all" if len(changed) == len(before) else changed


def values(model):
    return [weight.numpy() for weight in model.weights]


def weights(model):
    """Those of both players."""
    return values(model.generator) + values(model.discriminator)


def apart(first, second):
    """The largest difference of two lists of arrays."""
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


def contents(run):
    """The bytes of a run's history, and every saved array."""
    with np.load(run / "weights.npz", allow_pickle=False) as saved:
        arrays = {name: saved[name].tobytes() for name in saved.files}
    return (run / "history.csv").read_bytes(), arrays
