"""What a class-conditional DCGAN adds: the asked digit goes into both players.

G gets it beside its noise, as a one-hot row; D gets it as a question, "is this a real
image of that class?", and answers by the logit of that class, one of as many as there
are classes. So both players come from the same builders: G with ``latent_dim`` numbers
and as many again as there are classes, D with one output a class.
"""

import numpy as np

from dcgan_keras._tensorflow import tf
from dcgan_keras.sizes import check_count, check_positive


def with_labels(z, labels, classes: int):
    """What the generator of a conditional DCGAN takes: z, then the one-hot label.

    Args:
        z: float32 (N, latent_dim).
        labels: whole numbers (N,), 0 to classes - 1.
        classes: how many there are.

    Returns:
        float32 tensor (N, latent_dim + classes).

    Raises:
        ValueError: labels that are not one whole number in that range for each z. In a
            graph, where tensors have no values yet, the range is not looked at.

    Example:
        >>> with_labels(np.zeros((2, 3)), [7, 7], 10).shape
        TensorShape([2, 13])

    Source: Mirza & Osindero 2014, figure 1; Radford et al. 2015, the MNIST network of
        the authors' code, which repeats the label in every layer.
    """
    check_positive(classes=classes)
    z = tf.cast(z, tf.float32)
    if z.shape.rank != 2:
        raise ValueError(f"z: expected shape (N, latent_dim), got {z.shape}")
    labels = _checked(labels, classes, z.shape[0])
    return tf.concat([z, tf.one_hot(labels, classes)], axis=1)


def asked_logits(logits, labels):
    """Of each image the logit of the class that was asked for.

    Args:
        logits: float (N, classes), D's: "a real image of class k?", a column a class.
        labels: whole numbers (N,), 0 to classes - 1.

    Returns:
        (N, 1), of the type of the logits.

    Raises:
        ValueError: as ``with_labels``, or logits of another shape.

    Source: Mescheder, Geiger & Nowozin 2018, appendix; without a common term the
        projection of Miyato & Koyama 2018, equation 3, where each class has a vector
        of its own.
    """
    logits = tf.convert_to_tensor(logits)
    if logits.shape.rank != 2 or logits.shape[1] is None:
        raise ValueError(f"logits: expected shape (N, classes), got {logits.shape}")
    count, classes = logits.shape
    labels = _checked(labels, classes, count)
    is_asked = tf.one_hot(labels, classes, True, False)
    others_out = tf.where(is_asked, logits, 0)  # a product would keep NaN and infinity
    return tf.reduce_sum(others_out, axis=1, keepdims=True)


def label_grid(z, classes: int):
    """For a grid with a row a class and a column a z: every z with every label.

    Args:
        z: float32 (columns, latent_dim).
        classes: how many there are.

    Returns:
        float32 tensor (classes * columns, latent_dim + classes), row by row.

    Raises:
        ValueError: another shape of z, or no number of classes.
    """
    check_positive(classes=classes)
    classes, z = int(classes), np.asarray(z)
    if z.ndim != 2:
        raise ValueError(f"z: expected shape (columns, latent_dim), got {z.shape}")
    labels = np.repeat(np.arange(classes), len(z))
    return with_labels(np.tile(z, (classes, 1)), labels, classes)


def spread_labels(count: int, classes: int, shares=None) -> np.ndarray:
    """Labels of all classes, each as often as its share asks for.

    Args:
        count: labels.
        classes: how many there are.
        shares: of the classes, (classes,), summing to 1; None: equal ones.

    Returns:
        int64 (count,), rising; without shares 0, 1, 2, ... in turn.

    Raises:
        ValueError: a number out of range, or shares that are not one number >= 0 a
            class, with the sum 1.

    Example:
        >>> spread_labels(4, 2, [0.75, 0.25])
        array([0, 0, 0, 1])
    """
    check_count(count=count)
    check_positive(classes=classes)
    if shares is None:
        return np.arange(count) % classes
    shares = check_class_shares(shares, classes)
    places = (np.arange(count) + 0.5) / count
    return np.searchsorted(np.cumsum(shares)[:-1], places, side="right")


def check_class_shares(shares, classes: int | None) -> np.ndarray:
    """Refuse what are no shares of the classes.

    Args:
        shares: expected numbers >= 0 (classes,), summing to 1.
        classes: how many there are; None: none, and so no shares.

    Returns:
        float64 (classes,).

    Raises:
        ValueError: naming what was expected and what came.
    """
    if classes is None:
        raise ValueError(f"shares: expected None without classes, got {shares!r}")
    try:
        found = np.asarray(shares, np.float64)
    except (TypeError, ValueError):  # words, or rows of several lengths
        found = np.empty(0)
    is_whole = found.shape == (classes,) and np.isclose(found.sum(), 1)
    if not is_whole or np.any(found < 0):
        raise ValueError(
            f"shares: expected {classes} numbers >= 0 with the sum 1, got "
            f"{np.asarray(shares, object)}"
        )
    return found


def check_labels(
    labels, classes: int | None = None, count: int | None = None
) -> np.ndarray:
    """Refuse what are no labels.

    Args:
        labels: expected whole numbers (N,), 0 to classes - 1.
        classes: how many there are; None: any whole numbers.
        count: how many labels there have to be; None: any number.

    Returns:
        int64 (N,).

    Raises:
        ValueError: naming what was expected and what came.
    """
    within = "" if classes is None else f" 0 to {classes - 1}"
    expected = f"labels: expected whole numbers{within}, one an image"
    if isinstance(labels, np.ma.MaskedArray):
        raise ValueError(f"{expected}; got a masked array")
    try:
        labels = np.asarray(labels)
    except ValueError:
        raise ValueError(f"{expected}; got rows of several lengths") from None
    if labels.ndim != 1 or (count is not None and len(labels) != count):
        needed = "" if count is None else f" for {count} images"
        raise ValueError(f"{expected}; got shape {labels.shape}{needed}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{expected}; got {labels.dtype}")
    is_open = classes is None or len(labels) == 0
    if not (is_open or 0 <= labels.min() <= labels.max() < classes):
        raise ValueError(f"{expected}; got {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)


def _checked(labels, classes: int, count: int | None):
    """int64 (N,): checked as ``check_labels`` does, or in a graph by type and shape."""
    if not tf.is_tensor(labels):
        return check_labels(labels, classes, count)
    if tf.executing_eagerly():
        return check_labels(labels.numpy(), classes, count)
    labels = tf.convert_to_tensor(labels)
    expected = "labels: expected whole numbers, one an image"
    if not labels.dtype.is_integer:
        raise ValueError(f"{expected}; got {labels.dtype.name}")
    if not labels.shape.is_compatible_with((count,)):
        raise ValueError(f"{expected}; got shape {labels.shape} for {count} images")
    return tf.cast(labels, tf.int64)
