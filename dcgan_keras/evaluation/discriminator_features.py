"""D's features for another task: is what D learned without labels of use with few?"""

import numpy as np


def discriminator_features(discriminator, images: np.ndarray, batch_size: int = 500):
    """What D's convolutions see, pooled to at most 4x4 places and laid in a row.

    Of every size of feature map the last activation is taken; each map is reduced to
    4x4 places by its maxima, as in the paper.

    Args:
        discriminator: a ``keras.Sequential`` as ``build_discriminator``
            makes it.
        images: float32 (N, H, W, C) in [-1, 1].
        batch_size: images a pass.

    Returns:
        float32 (N, F); F follows from the channels: 16 for each, with 28x28 images.

    Raises:
        ValueError: a model without convolutions.

    Example:
        >>> discriminator_features(build_discriminator(), images).shape
        (1415, 1536)

    Source: Radford et al. 2015, section 5.1; notebook 08.
    """
    from dcgan_keras._tensorflow import keras, tf

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
        labels: int (N,), classes 0 to K - 1.
        count: how many in all, a multiple of K.
        seed: of the draw.

    Returns:
        int64 (count,), class by class.

    Raises:
        ValueError: a count that does not go round.
    """
    classes, rng = np.unique(labels), np.random.default_rng(seed)
    each, left = divmod(count, len(classes))
    if left or each < 1 or each > np.bincount(labels)[classes].min():
        raise ValueError(
            f"count: expected a multiple of {len(classes)} that every class has enough "
            f"images for, got {count}"
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
        strength: of the penalty, relative to the mean squared length of the features.
            One for all: with one label a class there is nothing to choose it by. Of
            0.001 to 1 on MNIST, 1 is the best for pixels.

    Returns:
        The share of the test images classified rightly, in [0, 1].

    Source: Radford et al. 2015, section 5 (an L2-SVM there); notebook 08.
    """
    from sklearn.linear_model import RidgeClassifier

    mean = features.mean(axis=0)
    scale = np.sqrt(np.mean(np.sum((features - mean) ** 2, axis=1)))
    probe = RidgeClassifier(alpha=strength)
    probe.fit((features - mean) / scale, labels)
    return float(probe.score((test_features - mean) / scale, test_labels))
