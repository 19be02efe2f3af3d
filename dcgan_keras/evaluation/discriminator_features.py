"""D's features for another task: is what D learned without labels of use with few?"""

import numpy as np

from dcgan_keras.evaluation._checks import (
    SEEDS,
    as_array,
    check_values,
    checked_images,
    is_short,
)
from dcgan_keras.sizes import (
    check_not_negative,
    check_positive,
    check_seed,
    is_int,
)


def discriminator_features(discriminator, images: np.ndarray, batch_size: int = 500):
    """What D's convolutions see, pooled to at most 4x4 places and laid in a row.

    Of every size of feature map the last activation is taken; each map is reduced to
    4x4 places by its maxima, as in the paper.

    Args:
        discriminator: a ``keras.Sequential`` as ``build_discriminator``
            makes it.
        images: float32 (N, H, W, C) in [-1, 1], of the size that it takes.
        batch_size: images a pass, >= 1.

    Returns:
        float32 (N, F); F follows from the channels: 16 for each, with 28x28 images.

    Raises:
        ValueError: a model without convolutions or one of something else than these
            images, such as a generator; images of another range; a batch_size below 1.

    Example:
        >>> discriminator_features(build_discriminator(), images).shape
        (1415, 1536)

    Source: Radford et al. 2015, section 5.1; notebook 08.
    """
    from dcgan_keras._tensorflow import keras, tf

    images = checked_images(images, "images")
    check_positive(batch_size=batch_size)
    batch_size = int(batch_size)
    takes = getattr(discriminator, "input_shape", None) or ()  # none before it is built
    sizes = zip(takes[1:], images.shape[1:], strict=False)
    if len(takes) != 4 or not all(size in (None, given) for size, given in sizes):
        raise ValueError(
            f"discriminator: expected a model that takes images {images.shape[1:]}, "
            f"got one that takes {takes[1:]}"
        )
    last = {}  # by size: the maps before the next convolution makes them smaller
    for layer in discriminator.layers:
        if len(layer.output.shape) == 4:
            last[layer.output.shape[1]] = layer.output
    last.pop(discriminator.input_shape[1], None)  # as large as the image: no stride yet
    if not last:
        raise ValueError("discriminator: expected convolutions with a stride, got none")
    pooled = [
        keras.layers.Flatten()(
            keras.layers.MaxPooling2D(-(-size // 4), padding="same")(x)
        )
        for size, x in last.items()
    ]
    outputs = pooled[0] if len(pooled) == 1 else keras.layers.Concatenate()(pooled)
    model = keras.Model(discriminator.inputs[0], outputs)
    step = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    parts = range(0, len(images), batch_size)
    return np.concatenate([step(images[at : at + batch_size]).numpy() for at in parts])


def draw_labelled(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of as many images of each class, at random.

    Args:
        labels: int (N,), of K classes.
        count: how many in all, a multiple of K, > 0.
        seed: of the draw.

    Returns:
        int64 (count,), class by class.

    Raises:
        ValueError: labels that are no whole numbers, or a count that does not go round.
    """
    from dcgan_keras.labels import check_labels

    check_seed(seed, *SEEDS)
    labels, rng = check_labels(labels), np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    if not len(labels):
        raise ValueError("labels: expected at least one, got none")
    each, left = divmod(count, len(classes)) if is_int(count) else (0, 0)
    if left or not 1 <= each <= sizes.min():
        raise ValueError(
            f"count: expected a multiple of {len(classes)} that every class has enough "
            f"images for, got {count!r}"
        )
    return np.concatenate(
        [rng.choice(np.flatnonzero(labels == c), each, replace=False) for c in classes]
    )


def probe_accuracy(
    features: np.ndarray,
    labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    strength: float = 1.0,
) -> float:
    """Accuracy of a linear classifier (ridge regression, one against the rest).

    Args:
        features: of the labelled images, (N, F); scaled here by their mean and by one
            number for all, so that no feature that hardly varies is blown up.
        labels: int (N,).
        test_features, test_labels: (M, F), (M,).
        strength: of the penalty, >= 0, relative to the mean squared length of the
            features. One for all: with one label a class there is nothing to choose it
            by. Of 0.001 to 1 on MNIST, 1 is the best for pixels.

    Returns:
        The share of the test images classified rightly, in [0, 1].

    Raises:
        ValueError: features of another form, NaN or infinity, other numbers of labels,
            features that are all alike, or a negative strength.

    Source: Radford et al. 2015, section 5 (an L2-SVM there); notebook 08.
    """
    from sklearn.linear_model import RidgeClassifier

    features, labels = _checked(features, "features", labels)
    test_features, test_labels = _checked(test_features, "test_features", test_labels)
    if test_features.shape[1] != features.shape[1]:
        raise ValueError(
            f"test_features: expected {features.shape[1]} columns as in features, got "
            f"{test_features.shape[1]}"
        )
    check_not_negative(strength=strength)
    mean = features.mean(axis=0)
    scale = np.sqrt(np.mean(np.sum((features - mean) ** 2, axis=1)))
    if not scale > 0:
        raise ValueError("features: expected rows that differ, got all alike")
    probe = RidgeClassifier(alpha=strength)
    probe.fit((features - mean) / scale, labels)
    return float(probe.score((test_features - mean) / scale, test_labels))


def _checked(features, name: str, labels) -> tuple[np.ndarray, np.ndarray]:
    from dcgan_keras.labels import check_labels

    features = as_array(features, name)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"{name}: expected shape (N, F), N > 0; got {features.shape}")
    check_values(features, name)
    if is_short(features):  # whose squares float16 does not hold
        features = features.astype(np.float32)
    try:
        return features, check_labels(labels, count=len(features))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
