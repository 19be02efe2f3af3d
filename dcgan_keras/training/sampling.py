"""Drawing samples: with which weights, how many at a time, and along which walk."""

import zlib
from collections.abc import Iterator

import numpy as np

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.labels import spread_labels, with_labels
from dcgan_keras.noise import latent_noise
from dcgan_keras.sizes import check_positive

MEASURED = 500  # generated images by which the statistics of averaged weights are set


class SamplingGenerator:
    """G as it is best used: with the average of its weights, where one is kept.

    Args:
        model: with ``generator`` and ``generator_optimizer``, such as a ``DCGAN``.

    Example:
        >>> images = dcgan.sampling_generator()(z, training=False)
    """

    def __init__(self, model):
        self.model, self.copy, self.seen = model, None, None

    def __call__(self, shared: bool = False) -> keras.Model:
        """G itself; or, with ``use_ema=True``, a copy with the averages as they are
        now, and with the statistics that its layers have with them.

        Before the first step there is no average, and G draws with its own weights. So
        it does where its weights were put in by hand since ``remember`` was called.

        Args:
            shared: whether it may be the copy of the last call, brought up to date,
                which saves a trace; False: nothing changes it afterwards.
        """
        generator = self.model.generator
        averages = self._averages()
        if averages is None:
            return generator
        copy = self.copy if shared else None
        if copy is None:
            copy = keras.models.clone_model(generator)
        if shared:
            self.copy = copy
        for own, variable in zip(copy.variables, generator.variables, strict=True):
            own.assign(averages.get(id(variable), variable))
        labels, classes = None, getattr(self.model, "classes", None)
        if classes is not None:
            shares = getattr(self.model, "class_shares", None)
            labels = spread_labels(MEASURED, classes, shares)
        set_statistics(copy, MEASURED, labels, classes)
        return copy

    def remember(self) -> None:
        """Note what the weights and their averages are, at the end of a training."""
        self.seen = None
        if self._averages() is not None:
            self.seen = self._fingerprints()

    def start_anew(self) -> None:
        """Let the averages begin from G's own weights: those were put in by hand."""
        for variable, average in self._pairs():
            average.assign(variable)
        self.seen = None

    def follow(self) -> None:
        """Start anew, if G's weights have changed since ``remember``, and their
        averages have not; loading a run changes both."""
        if self.seen is not None:
            weights, averages = self._fingerprints()
            old_weights, old_averages = self.seen
            if weights != old_weights and averages == old_averages:
                self.start_anew()

    def has_averages(self) -> bool:
        """Whether there is an average of any weight yet."""
        return bool(self._pairs())

    def _averages(self) -> dict | None:
        """The average of each variable, by its id; None if there are none yet."""
        self.follow()
        pairs = self._pairs()
        return {id(variable): average for variable, average in pairs} or None

    def _pairs(self) -> list:
        """G's variables that the optimizer moves, each with its average."""
        optimizer = getattr(self.model, "generator_optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scales losses
        if optimizer is None or not optimizer.use_ema:
            return []
        if not optimizer.iterations.numpy():
            return []
        averages = optimizer._model_variables_moving_average
        return list(zip(optimizer._trainable_variables, averages, strict=True))

    def _fingerprints(self) -> tuple[list[int], list[int]]:
        """What tells whether weights or averages have changed."""
        return tuple(
            [zlib.crc32(pair[which].numpy().tobytes()) for pair in self._pairs()]
            for which in (0, 1)
        )


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
    check_positive(count=count)
    z = latent_noise((count, generator.input_shape[1] - (classes or 0)), -1, step=0)
    if classes is not None:
        z = with_labels(z, labels, classes)
    momenta = [layer.momentum for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 0.0  # keep nothing of what was
        generator(z, training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum


def generate(generator: keras.Model, z, batch_size: int = 250) -> np.ndarray:
    """Samples in inference mode.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        z: float32 (N, latent_dim), N > 0.
        batch_size: images at a time, >= 1.

    Returns:
        float32 (N, H, W, C) in [-1, 1].

    Raises:
        ValueError: a model that tells no shape, z of another one, or a batch_size
            below 1.
    """
    return np.concatenate(list(generate_parts(generator, z, batch_size)))


def generate_parts(
    generator: keras.Model, z, batch_size: int = 250, labels=None, classes: int = 0
) -> Iterator[np.ndarray]:
    """As ``generate``, in parts of ``batch_size`` that need not all be kept.

    With labels, whole numbers below ``classes``, G takes z and a one-hot label; these
    are made for a part at a time, too.
    """
    check_positive(batch_size=batch_size)
    batch_size = int(batch_size)
    if not hasattr(generator, "input_shape"):
        raise ValueError(
            "generator: expected a built model of z, as dcgan.sampling_generator(), "
            f"got a {type(generator).__name__}"
        )
    shape, takes = np.shape(z), generator.input_shape[1] - classes
    if labels is not None and len(labels) != shape[0]:
        raise ValueError(f"labels: expected one a z, {shape[0]}; got {len(labels)}")
    if len(shape) != 2 or shape[0] < 1 or shape[1] != takes:
        raise ValueError(f"z: expected shape (N, {takes}), N > 0; got {shape}")
    step = tf.function(lambda z: generator(z, training=False), reduce_retracing=True)
    parts = (slice(at, at + batch_size) for at in range(0, len(z), batch_size))
    if labels is None:
        return (step(z[part]).numpy() for part in parts)
    return (step(with_labels(z[part], labels[part], classes)).numpy() for part in parts)


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
        ValueError: other shapes, NaN or infinity, a point of length 0, or a and b
            opposite, between which no arc is shorter than the others.

    Example:
        >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.5).round(4)
        array([0.7071, 0.7071])

    Source: Shoemake 1985; White 2016; notebook 08.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim == 0:
        raise ValueError(f"a: expected points (..., latent_dim), got the number {a}")
    if a.shape != b.shape:
        raise ValueError(f"b: expected the shape of a, {a.shape}, got {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a, b: expected finite numbers, got NaN or infinity")
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


def _way(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """As ``slerp``; straight through 0 where b is opposite a.

    So it is in one dimension, if the signs differ: no arc leads from -1 to 1.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a @ b < (-1 + 1e-8) * np.linalg.norm(a) * np.linalg.norm(b):
        return (1 - t) * a + t * b
    return slerp(a, b, t)


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

    From a z to one that is opposite the way is straight.

    Args:
        z: (N, latent_dim), N >= 1.
        frames: points from one to the next, >= 1.
        most: points in all, >= 1, spread evenly from the first z to the last; None:
            all.

    Returns:
        float32 ((N - 1) * frames + 1, latent_dim), or (most, latent_dim) if that is
        fewer; z itself if N is 1.

    Raises:
        ValueError: another shape, a number of points that is no whole number >= 1, or a
            point of length 0, or one that is not finite.
    """
    check_positive(frames=frames, most=1 if most is None else most)
    frames = int(frames)
    z = np.asarray(z, np.float32)
    if z.ndim != 2 or 0 in z.shape:
        raise ValueError(f"z: expected shape (N, latent_dim), N > 0; got {z.shape}")
    count = (len(z) - 1) * frames + 1
    places = spread(count, count if most is None else most)
    times = np.linspace(0, 1, frames, endpoint=False)
    points = [
        _way(z[leg], z[leg + 1], times[step]) if leg < len(z) - 1 else z[-1]
        for leg, step in (divmod(int(place), frames) for place in places)
    ]
    return np.stack(points).astype(np.float32)
