"""The digit classifier that every score here looks through.

A convolutional network of our own, trained on real digits alone by

    python -m dcgan_keras.evaluation train-classifier --dataset mnist

Its last hidden layer gives 64 features an image. Why 64: a covariance of 64 features
is still of full rank on the 382 test images of ``digits``, and on 5,000 images its
2,080 numbers are estimated well, so the Fréchet distance's bias stays small; ten
digits need no more.
"""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import softmax

from dcgan_keras.data.archives import open_npz
from dcgan_keras.evaluation._checks import as_array, check_values
from dcgan_keras.files import find_data, read_json
from dcgan_keras.sizes import check_positive

IMAGE_SHAPE = (28, 28, 1)
FEATURES = 64
CLASSES = 10
NAMES = ("mnist", "digits")


def build_classifier(
    initializer: str = "glorot_uniform", dropout_seed: int | None = None
):
    """The network: four convolutions, 64 features, ten logits, 103,850 parameters.

    It computes in float32 whatever Keras's global precision is.

    Args:
        initializer: of the kernels. "zeros", with a ``dropout_seed``, draws no random
            number, so that loading a classifier leaves a training's seeds alone.
        dropout_seed: of the dropout, which acts in training only.

    Returns:
        A ``keras.Model`` from float32 images (N, 28, 28, 1) in [-1, 1] to a pair:
        features float32 (N, 64) >= 0 (after a ReLU) and logits float32 (N, 10).
    """
    from dcgan_keras._tensorflow import keras

    layers = keras.layers
    exact = {"dtype": "float32"}
    kernel = {"kernel_initializer": initializer, "use_bias": False} | exact

    def normalized(x):
        return layers.ReLU(**exact)(layers.BatchNormalization(**exact)(x))

    def convolution(x, filters, size, strides):
        conv = layers.Conv2D(filters, size, strides, padding="same", **kernel)
        return normalized(conv(x))

    images = keras.Input(IMAGE_SHAPE, dtype="float32")
    x = convolution(images, 32, 5, strides=2)  # 14x14x32
    x = convolution(x, 32, 3, strides=1)  # 14x14x32
    x = convolution(x, 64, 3, strides=2)  # 7x7x64
    x = convolution(x, 64, 3, strides=1)  # 7x7x64
    x = layers.MaxPooling2D(**exact)(x)  # 3x3x64
    x = layers.Flatten(**exact)(x)  # 576
    features = normalized(layers.Dense(FEATURES, **kernel)(x))
    x = layers.Dropout(0.4, seed=dropout_seed, **exact)(features)
    logits = layers.Dense(CLASSES, **(kernel | {"use_bias": True}))(x)
    return keras.Model(images, (features, logits), name="digit_classifier")


class DigitClassifier:
    """Features and class probabilities of digit images.

    Args:
        model: what ``build_classifier`` returns, trained.
        provenance: dict that says how it was trained, for reports.

    Example:
        >>> from dcgan_keras.data import load_dataset
        >>> images, labels = load_dataset("digits", split="test")
        >>> features, probabilities = load_classifier("digits")(images)
        >>> features.shape, probabilities.shape
        ((382, 64), (382, 10))
    """

    def __init__(self, model, provenance: dict | None = None):
        from dcgan_keras._tensorflow import tf

        self.model = model
        self.provenance = provenance or {}
        signature = [tf.TensorSpec((None, *IMAGE_SHAPE), tf.float32)]  # one trace
        self._forward = tf.function(
            lambda images: model(images, training=False), input_signature=signature
        )

    def __call__(
        self, images: np.ndarray, batch_size: int = 500
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look at images.

        Args:
            images: float32 (N, 28, 28, 1) in [-1, 1], N > 0.
            batch_size: images a pass, >= 1; memory grows with it, the result does not.

        Returns:
            features float32 (N, 64), >= 0, in the network's own unit; probabilities
            float64 (N, 10), each row with the sum 1.

        Raises:
            ValueError: images of another shape, type or range, or a batch_size below 1.
        """
        images = check_digit_images(images)
        check_positive(batch_size=batch_size)
        batch_size = int(batch_size)
        features = np.empty((len(images), FEATURES), np.float32)
        logits = np.empty((len(images), CLASSES), np.float64)
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            features[part], logits[part] = self._forward(images[part])
        return features, softmax(logits, axis=1)


def load_classifier(name: str = "mnist") -> DigitClassifier:
    """The shipped classifier for "mnist" or "digits", loaded once a process.

    Args:
        name: the data set that it was trained on.

    Returns:
        A ``DigitClassifier``.

    Raises:
        ValueError: an unknown name.
        files.UnreadableFile: the weights, or what is told of them, are damaged, or
            those of another network.
        FileNotFoundError: no weights in the places looked in; the message names them.
    """
    if name not in NAMES:
        raise ValueError(
            f"name: expected one of {', '.join(NAMES)}, the data sets that a "
            f"classifier was trained on; got {name!r}"
        )
    return _load(str(find_data(f"classifier/{name}.npz")))


@cache
def _load(path: str) -> DigitClassifier:
    model = build_classifier("zeros", dropout_seed=0)
    model.set_weights(_read_weights(path, [tuple(w.shape) for w in model.weights]))
    about = Path(path).with_suffix(".json")
    return DigitClassifier(model, read_json(about, "how a classifier was trained"))


def _read_weights(path: str, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """weight_00, weight_01, ...: finite float32, of these shapes."""
    with open_npz(path, f"weights of shapes {shapes}") as arrays:
        names = [f"weight_{number:02d}" for number in range(len(shapes))]
        for name, shape in zip(names, shapes, strict=True):
            found = arrays.header(name)
            if found != (shape, np.float32):
                raise ValueError(f"{name} is {found.dtype} {found.shape}")
        weights = [arrays.read(name) for name in names]
        if len(arrays.names) != len(names):
            raise ValueError(f"expected {len(names)} arrays, got {len(arrays.names)}")
        if not all(np.isfinite(w).all() for w in weights):
            raise ValueError("the weights hold NaN or infinity")
        return weights


def check_digit_images(images: np.ndarray, name: str = "images") -> np.ndarray:
    """Refuse what the classifier cannot look at.

    Args:
        images: expected float32 (N, 28, 28, 1), N > 0, finite, in [-1, 1]; an array or
            a tensor.
        name: what the message calls them.

    Returns:
        The images as an array.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    images = as_array(images, name)
    shape = images.shape
    if shape[1:] != IMAGE_SHAPE or shape[0] == 0:
        raise ValueError(
            f"{name}: expected shape (N, 28, 28, 1), N > 0, got {shape}. The scores "
            "are computed from a classifier of 28x28 grey digits; for colour or "
            "another size there is none here, so none of them is available"
        )
    if images.dtype != np.float32:
        raise ValueError(f"{name}: expected float32 in [-1, 1], got {images.dtype}")
    check_values(images, name, limit=1)
    return images
