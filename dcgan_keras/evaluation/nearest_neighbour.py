"""The paper's own measure: a classifier that has seen nothing but generated digits.

A nearest-neighbour classifier gives a test digit the label of the image that is nearest
to it, pixel by pixel. If its training images are generated, its errors show whether
they have the right label and come as near to real digits as other real digits do: a
generator that mixes up labels, or draws few styles, is found out.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from dcgan_keras.evaluation._checks import (
    LARGEST,
    check_same_shape,
    checked_images,
    middle_if_far,
)
from dcgan_keras.evaluation.novelty import ROUNDING, closest, squared_lengths
from dcgan_keras.noise import SEEDS, latent_noise
from dcgan_keras.sizes import check_seed, is_int

PART = 1000  # images at a time: 10,000 test images need 40 MB for their distances


def nearest_neighbour_errors(
    test_images: np.ndarray,
    test_labels: np.ndarray,
    parts: Iterable[tuple[np.ndarray, np.ndarray]],
    counts: Iterable[int],
) -> dict[int, float]:
    """The test error of 1-nearest-neighbour, for a training set that grows.

    The training images come in parts and none is kept: of every test image only the
    nearest so far is. So memory doesn't grow with their number, and one pass gives the
    whole curve. Distances are Euclidean, in float32, by matrix products:

        |x - y|^2 = |x|^2 - 2 x.y + |y|^2

    where x and y are measured from the middle of the test images, if that is far from
    0; and by x - y of those that are as near by that.

    Args:
        test_images: float32 (M, ...), any shape of an image, in any unit.
        test_labels: whole numbers (M,).
        parts: pairs of training images (n, ...), of the same shape and unit, and their
            labels (n,), of any n >= 1; they are taken up to the largest count.
        counts: numbers of training images after which to look, >= 1.

    Returns:
        By each count the share of the test images, 0 to 1, that get a wrong label. Of
        two training images as near the earlier counts.

    Raises:
        ValueError: images that are none or not finite, images and labels that do not
            fit together, counts that are no whole numbers >= 1, or fewer training
            images than the largest count.

    Example:
        >>> grey = np.array([[0.0], [1.0]], np.float32)
        >>> nearest_neighbour_errors(grey, [0, 1], [(grey[:1], [0]), (grey[1:], [1])],
        ...     [1, 2])
        {1: 0.5, 2: 0.0}

    Source: Radford et al. 2015, section 8.1 and table 3; notebook 10.
    """
    test, test_labels = _checked(test_images, test_labels, "test_images")
    counts = list(counts)
    if not counts or not all(is_int(count) and count >= 1 for count in counts):
        raise ValueError(f"counts: expected numbers of images >= 1, got {counts}")
    counts = sorted({int(count) for count in counts})
    middle = middle_if_far(test.reshape(len(test), -1))
    flat = _flat(test, middle)
    nearest = np.full(len(test), np.inf, np.float32)  # squared, by the differences
    found, errors, seen = np.full(len(test), -1, np.int64), {}, 0
    lengths = squared_lengths(flat)
    for images, labels in _cut(parts, counts, test):
        images = _flat(images, middle)
        squares = squared_lengths(images)
        distances = flat @ (-2 * images.T)  # without |x|^2, the same for all of them
        distances += squares
        places = distances.argmin(axis=1)
        lowest = distances[np.arange(len(test)), places]
        rounding = ROUNDING * (lengths + squares.max())
        rows = np.flatnonzero(lowest + lengths <= nearest + rounding)
        limits = lowest + rounding
        are_near = distances[rows] <= limits[rows, np.newaxis]
        for row in rows[np.count_nonzero(are_near, axis=1) > 1]:
            places[row] = closest(flat[row], images, distances[row], limits[row])
        exact = squared_lengths(flat[rows] - images[places[rows]])
        is_nearer = exact < nearest[rows]
        rows = rows[is_nearer]
        nearest[rows] = exact[is_nearer]
        found[rows] = labels[places[rows]]
        seen += len(images)
        if seen in counts:
            errors[seen] = float(np.mean(found != test_labels))
    if counts[-1] not in errors:
        raise ValueError(f"parts: expected {counts[-1]} images in all, got {seen}")
    return errors


def labelled_samples(
    generator, classes: int, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless parts of generated images with the labels that were asked for.

    Args:
        generator: of a conditional run, as ``training.configuration.load_generator``
            gives it: (N, latent_dim + classes) -> (N, H, W, C).
        classes: how many, as the generator has; each is asked for as often, in turn.
        seed: of the noise.

    Yields:
        float32 (PART, H, W, C) in [-1, 1] and int64 (PART,).

    Raises:
        ValueError: no whole number >= 1 of classes, or more than the generator takes.
    """
    from dcgan_keras._tensorflow import tf
    from dcgan_keras.labels import with_labels

    check_seed(seed, *SEEDS)
    inputs = generator.input_shape[1]
    if not (is_int(classes) and 1 <= classes < inputs):
        raise ValueError(
            f"classes: expected 1 to {inputs - 1}, as the generator takes {inputs} "
            f"numbers; got {classes!r}"
        )
    draw = tf.function(lambda z: generator(z, training=False))
    classes = int(classes)
    labels = np.arange(PART) % classes
    shape = (PART, inputs - classes)
    step = 0
    while True:
        z = latent_noise(shape, seed, step)
        yield draw(with_labels(z, labels, classes)).numpy(), labels
        step += 1


def classified_samples(
    generator, classifier, seed: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of an unconditional generator: the labels are what a classifier sees.

    Args:
        generator: (N, latent_dim) -> (N, 28, 28, 1).
        classifier: as ``evaluation.classifier.load_classifier`` gives it.
        seed: of the noise.
    """
    from dcgan_keras._tensorflow import tf

    check_seed(seed, *SEEDS)
    draw = tf.function(lambda z: generator(z, training=False))
    step = 0
    while True:
        z = latent_noise((PART, generator.input_shape[1]), seed, step)
        images = draw(z).numpy()
        yield images, classifier(images)[1].argmax(axis=1)
        step += 1


def _cut(parts, counts: list[int], test: np.ndarray):
    """The parts, each checked and laid flat, none larger than PART, with an end
    wherever there is a count."""
    seen, ends = 0, list(counts)
    for images, labels in parts:
        images, labels = _checked(images, labels, "parts")
        check_same_shape(images, "parts", test, "test_images")
        at = 0
        while at < len(images) and ends:
            size = min(len(images) - at, PART, ends[0] - seen)
            yield images[at : at + size], labels[at : at + size]
            at, seen = at + size, seen + size
            if seen == ends[0]:
                ends.pop(0)
        if not ends:
            return


def _checked(images, labels, name: str) -> tuple[np.ndarray, np.ndarray]:
    images = checked_images(images, name, LARGEST, any_shape=True)
    labels = np.asarray(labels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: expected whole numbers of shape ({len(images)},) as labels, got "
            f"{labels.dtype} {labels.shape}"
        )
    return images, labels.astype(np.int64)


def _flat(images: np.ndarray, middle: np.ndarray | None) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    return np.asarray(flat if middle is None else flat - middle, np.float32)
