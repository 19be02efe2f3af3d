"""Drawing samples: with which weights, how many at a time, and along which walk."""

from collections.abc import Iterator

import numpy as np

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.labels import spread_labels, with_labels
from dcgan_keras.noise import latent_noise

MEASURED = 500  # generated images by which the statistics of averaged weights are set


class SamplingGenerator:
    """G as it is best used: with the average of its weights, where one is kept.

    Args:
        model: with ``generator`` and ``generator_optimizer``, such as a ``DCGAN``.

    Example:
        >>> images = dcgan.sampling_generator()(z, training=False)
    """

    def __init__(self, model):
        self.model, self.copy = model, None

    def __call__(self) -> keras.Model:
        """G itself; or, with ``use_ema=True``, a copy with the averages as they are
        now, and with the statistics that its layers have with them."""
        generator = self.model.generator
        optimizer = getattr(self.model, "generator_optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scales losses
        if optimizer is None or not optimizer.use_ema:
            return generator
        if self.copy is None:
            self.copy = keras.models.clone_model(generator)
        for own, value in zip(self.copy.variables, generator.variables, strict=True):
            own.assign(value)
        averages = optimizer._model_variables_moving_average
        for own, value in zip(self.copy.trainable_variables, averages, strict=True):
            own.assign(value)
        labels, classes = None, getattr(self.model, "classes", None)
        if classes is not None:
            shares = getattr(self.model, "class_shares", None)
            labels = spread_labels(MEASURED, classes, shares)
        set_statistics(self.copy, MEASURED, labels, classes)
        return self.copy


def set_statistics(
    generator: keras.Model,
    count: int = MEASURED,
    labels: np.ndarray | None = None,
    classes: int | None = None,
) -> None:
    """Set BN's moving averages to the statistics of one large batch of a fixed noise.

    G's own were moved by other weights than the averaged ones; with them the contrast
    of the samples is slightly off.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C), with or without BN.
        count: images in the batch.
        labels: int64 (count,), of the images of a conditional G.
        classes: of a conditional G.

    Source: Izmailov et al. 2018, section 3.2; Brock et al. 2019, "standing statistics".
    """
    layers = [
        layer
        for layer in generator._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # keep nothing of what was
    z = latent_noise((count, generator.input_shape[1] - (classes or 0)), -1, step=0)
    if classes is not None:
        z = with_labels(z, labels, classes)
    generator(z, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def generate(generator: keras.Model, z, batch_size: int = 250) -> np.ndarray:
    """Samples in inference mode.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        z: float32 (N, latent_dim).
        batch_size: images at a time.

    Returns:
        float32 (N, H, W, C) in [-1, 1].
    """
    return np.concatenate(list(generate_parts(generator, z, batch_size)))


def generate_parts(
    generator: keras.Model, z, batch_size: int = 250
) -> Iterator[np.ndarray]:
    """As ``generate``, in parts of ``batch_size`` that need not all be kept."""
    step = tf.function(lambda z: generator(z, training=False), reduce_retracing=True)
    for at in range(0, len(z), batch_size):
        yield step(z[at : at + batch_size]).numpy()


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
    length = (1 - t) * length_a + t * length_b
    return length * (weight_a * a + weight_b * b)


def spread(count: int, most: int) -> np.ndarray:
    """At most so many of the places 0 to ``count`` - 1, evenly; both ends among them.

    Args:
        count: places there are, >= 1.
        most: to choose, >= 2.

    Returns:
        int64 (n,), rising, n = min(count, most).

    Example:
        >>> spread(9, 3)
        array([0, 4, 8])
    """
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def latent_walk(z, frames: int = 12, most: int | None = None) -> np.ndarray:
    """Points along the arcs from each z to the next, see ``slerp``.

    Args:
        z: (N, latent_dim).
        frames: points from one to the next.
        most: points in all, spread evenly from the first z to the last; None: all.

    Returns:
        float32 ((N - 1) * frames + 1, latent_dim), or (most, latent_dim) if that is
        fewer; z itself if N is 1.
    """
    z = np.asarray(z, np.float32)
    count = (len(z) - 1) * frames + 1
    places = spread(count, count if most is None else most)
    times = np.linspace(0, 1, frames, endpoint=False)
    points = [
        slerp(z[leg], z[leg + 1], times[step]) if leg < len(z) - 1 else z[-1]
        for leg, step in (divmod(int(place), frames) for place in places)
    ]
    return np.stack(points).astype(np.float32)
