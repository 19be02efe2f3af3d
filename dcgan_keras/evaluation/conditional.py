"""Whether a conditional generator draws what it is asked for, class by class."""

from dataclasses import asdict, dataclass

import numpy as np

from dcgan_keras.evaluation._checks import warn_not_negative
from dcgan_keras.evaluation.classifier import (
    CLASSES,
    check_digit_images,
    load_classifier,
)
from dcgan_keras.evaluation.distances import frechet_distance
from dcgan_keras.labels import check_labels

LEAST = 2  # images a class and side: of one there is no covariance


@dataclass(frozen=True)
class ClassReport:
    """What ``evaluate_labels`` found, ten numbers each, of the digits 0 to 9.

    Attributes:
        counts: samples of each label.
        seen_as_asked: share of them that the classifier sees as that digit.
        frechet_distance: of these samples against the real images of that digit. It
            falls with the number of images, see ``frechet_distance``: quote counts.
        real_counts: real images of each digit.
        real_seen: share of the real images that the classifier sees as their digit.
        classifier: its name.
    """

    counts: tuple[int, ...]
    seen_as_asked: tuple[float, ...]
    frechet_distance: tuple[float, ...]
    real_counts: tuple[int, ...]
    real_seen: tuple[float, ...]
    classifier: str

    def to_dict(self) -> dict:
        """All fields, for JSON."""
        return asdict(self)

    def table(self) -> str:
        """The numbers, a column a digit."""
        rows = (
            ("asked digit", range(CLASSES), "d"),
            ("  samples", self.counts, "d"),
            ("  seen as asked", self.seen_as_asked, ".3f"),
            ("  real images seen so", self.real_seen, ".3f"),
            ("  Fréchet distance", self.frechet_distance, ".2f"),
        )
        lines = [
            f"{label:22}" + "".join(f"{value:>7{form}}" for value in values)
            for label, values, form in rows
        ]
        shares = np.average(self.seen_as_asked, weights=self.counts)
        lines.append(
            f"Seen as the asked digit: {shares:.4f} of all, at least "
            f"{min(self.seen_as_asked):.3f} of each. Fréchet distance: within each "
            f"digit,\nagainst {min(self.real_counts)} to {max(self.real_counts)} real "
            "images."
        )
        return "\n".join(lines)

    __str__ = table


def evaluate_labels(
    images: np.ndarray,
    labels: np.ndarray,
    real_images: np.ndarray,
    real_labels: np.ndarray,
    classifier: str = "mnist",
) -> ClassReport:
    """Compare samples with the digits that they were asked to be.

    Of an unconditional generator take what the classifier sees as labels: then the
    shares are 1, and the distances within each digit can be compared.

    Args:
        images: samples, float32 (N, 28, 28, 1) in [-1, 1].
        labels: the asked digits, whole numbers (N,), each at least twice.
        real_images: the same form, which the generator never saw.
        real_labels: their digits, each at least twice.
        classifier: "mnist" or "digits", the data set of the images.

    Returns:
        A ``ClassReport``.

    Raises:
        ValueError: images or labels of another form, or a digit of which there are
            fewer than two.

    Example:
        >>> from dcgan_keras.data import load_dataset
        >>> test = load_dataset("digits", "test")
        >>> min(evaluate_labels(*test, *test, "digits").seen_as_asked) > 0.9
        True

    Source: the share is the accuracy of Odena, Olah & Shlens 2017, section 4.1;
        the distance within a class is that of Miyato & Koyama 2018, section 6.1.
    """
    images, labels = _checked(images, labels, "images")
    real_images, real_labels = _checked(real_images, real_labels, "real_images")
    warn_not_negative(images=images, real_images=real_images)
    look = load_classifier(classifier)
    (features, probabilities), (real, real_probabilities) = (
        look(images),
        look(real_images),
    )
    digits = range(CLASSES)
    return ClassReport(
        counts=_counts(labels),
        seen_as_asked=_seen(probabilities, labels),
        frechet_distance=tuple(
            frechet_distance(features[labels == k], real[real_labels == k])
            for k in digits
        ),
        real_counts=_counts(real_labels),
        real_seen=_seen(real_probabilities, real_labels),
        classifier=classifier,
    )


def _seen(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, ...]:
    is_so = probabilities.argmax(axis=1) == labels
    return tuple(float(is_so[labels == k].mean()) for k in range(CLASSES))


def _counts(labels: np.ndarray) -> tuple[int, ...]:
    return tuple(np.bincount(labels, minlength=CLASSES).tolist())


def _checked(images, labels, name: str) -> tuple[np.ndarray, np.ndarray]:
    images = check_digit_images(images, name)
    try:
        labels = check_labels(labels, CLASSES, len(images))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    fewest = min(_counts(labels))
    if fewest < LEAST:
        raise ValueError(
            f"{name}: expected at least {LEAST} of each digit, got "
            f"{fewest} of {_counts(labels).index(fewest)}"
        )
    return images, labels
