"""Train the digit classifier and store it with its provenance.

    python -m dcgan_keras.evaluation train-classifier --dataset mnist

The images are turned (up to 12 degrees), scaled (0.88 to 1.12), sheared and shifted (up
to 2 pixels) at random, anew at each pass. The number of epochs is fixed beforehand
and the last weights are kept: the test images choose nothing.
"""

import io
import json
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.classifier import DigitClassifier, build_classifier
from dcgan_keras.files import write_whole
from dcgan_keras.sizes import check_positive, check_seed

EPOCHS = {"mnist": 10, "digits": 60}  # passes over 60,000 and over 1,415 images
BATCH_SIZE = {"mnist": 256, "digits": 64}
LEARNING_RATE = 3e-3  # Adam's, falling to 0 along a cosine


def train_classifier(
    dataset: str,
    epochs: int | None = None,
    seed: int = 0,
    verbose: int = 0,
    callbacks: tuple = (),
) -> DigitClassifier:
    """Train a new classifier on the training split of a digit data set.

    Args:
        dataset: "mnist" or "digits".
        epochs: passes over the training images, >= 1; None for the documented number.
        seed: of the weights, the order, the augmentation and the dropout, 0 to
            2**32 - 1.
        verbose, callbacks: as in ``keras.Model.fit``.

    Returns:
        A ``DigitClassifier`` whose provenance holds the settings, the versions, the
        machine, the CPU seconds and the accuracy on the test split (0 to 1).

    Raises:
        ValueError: a data set that is not of digits, epochs below 1, another seed, or
            a limit of Keras's own.
    """
    from dcgan_keras._tensorflow import check_no_limits, keras

    if dataset not in EPOCHS:
        raise ValueError(f"dataset: expected 'mnist' or 'digits', got {dataset!r}")
    epochs = EPOCHS[dataset] if epochs is None else epochs
    check_positive(epochs=epochs)
    check_no_limits(epochs)
    check_seed(seed, 0, 2**32)
    epochs, seed = int(epochs), int(seed)  # of NumPy neither Keras nor JSON takes them
    keras.utils.set_random_seed(seed)
    images, labels = load_dataset(dataset, split="train")
    model = build_classifier()
    trainer = _compiled(model, len(images) // BATCH_SIZE[dataset] * epochs)
    started = time.process_time()
    trainer.fit(
        _batches(images, labels, BATCH_SIZE[dataset], seed),
        epochs=epochs,
        shuffle=False,  # the batches come shuffled
        verbose=verbose,
        callbacks=list(callbacks),
    )
    seconds = time.process_time() - started
    classifier = DigitClassifier(model, _provenance(dataset, epochs, seed, seconds))
    classifier.provenance |= _test_accuracy(classifier, dataset)
    return classifier


def augment(images, labels):
    """Turn, scale, shear and shift each image at random; the labels stay.

    Args:
        images: float32 tensor (B, 28, 28, 1) in [-1, 1], background -1.
        labels: anything, handed through.

    Returns:
        The changed images, of the same shape and range, and the labels.
    """
    from dcgan_keras._tensorflow import keras, tf

    count = tf.shape(images)[0]

    def draw(low, high):
        return tf.random.uniform((count,), low, high)

    angle, shear = draw(-0.21, 0.21), draw(-0.15, 0.15)  # radians: 12 degrees
    scale_x, scale_y = draw(0.88, 1.12), draw(0.88, 1.12)
    a, b = scale_x * tf.cos(angle), -scale_y * tf.sin(angle) + shear
    c, d = scale_x * tf.sin(angle), scale_y * tf.cos(angle)
    centre = 13.5  # of 28 pixels, so that the turn is about the middle
    x = centre - a * centre - b * centre + draw(-2.0, 2.0)
    y = centre - c * centre - d * centre + draw(-2.0, 2.0)
    zero = tf.zeros_like(a)
    transform = tf.stack([a, b, x, c, d, y, zero, zero], axis=1)  # (B, 8)
    moved = keras.ops.image.affine_transform(
        images, transform, fill_mode="constant", fill_value=-1.0
    )
    return moved, labels


def save_classifier(classifier: DigitClassifier, folder: str | Path) -> Path:
    """Write <dataset>.npz (float32 arrays, no pickles) and <dataset>.json.

    Args:
        classifier: what ``train_classifier`` returned.
        folder: where; made if missing.

    Returns:
        The path of the weights.
    """
    path = Path(folder) / f"{classifier.provenance['dataset']}.npz"
    weights = classifier.model.get_weights()
    buffer = io.BytesIO()
    arrays = {f"weight_{i:02d}": w for i, w in enumerate(weights)}
    np.savez_compressed(buffer, **arrays)
    write_whole(path, buffer.getvalue())
    text = json.dumps(classifier.provenance, indent=2) + "\n"
    write_whole(path.with_suffix(".json"), text.encode())
    return path


def _compiled(model, steps: int):
    """The logits alone, ready for ``fit``; it shares its layers with ``model``."""
    from dcgan_keras._tensorflow import keras

    trainer = keras.Model(model.inputs[0], model.outputs[1])
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    trainer.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return trainer


def _batches(images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int):
    from dcgan_keras._tensorflow import tf

    data = tf.data.Dataset.from_tensor_slices((images, labels))
    data = data.shuffle(len(images), seed=seed)
    return data.batch(batch_size, drop_remainder=True).map(augment).prefetch(2)


def _test_accuracy(classifier: DigitClassifier, dataset: str) -> dict:
    images, labels = load_dataset(dataset, split="test")
    _, probabilities = classifier(images)
    right = int(np.sum(probabilities.argmax(axis=1) == labels))
    return {
        "test_images": len(images),
        "test_errors": len(images) - right,
        "test_accuracy": round(right / len(images), 5),
    }


def _provenance(dataset: str, epochs: int, seed: int, seconds: float) -> dict:
    from dcgan_keras._tensorflow import keras, tf

    return {
        "dataset": dataset,
        "command": "python -m dcgan_keras.evaluation train-classifier "
        f"--dataset {dataset} --epochs {epochs} --seed {seed}",
        "seed": seed,
        "epochs": epochs,
        "batch_size": BATCH_SIZE[dataset],
        "learning_rate": LEARNING_RATE,
        "cpu_seconds": round(seconds, 1),
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}",
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
