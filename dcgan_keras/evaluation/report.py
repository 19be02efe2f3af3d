"""All numbers about a set of samples, with what real images get beside them."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from dcgan_keras.evaluation._checks import SEEDS, warn_not_negative
from dcgan_keras.evaluation.classifier import check_digit_images, load_classifier
from dcgan_keras.evaluation.coverage import (
    class_histogram,
    classifier_score,
    precision_recall,
)
from dcgan_keras.evaluation.distances import frechet_distance
from dcgan_keras.evaluation.novelty import COPIES, Memorisation, compare, of_new
from dcgan_keras.sizes import check_seed

NEIGHBOURS = 3
NEIGHBOURS_COUNT = 5000  # images a side at most: the work grows with the square
LEAST = {"images": 10, "real_images": 20, "training_images": 20}
COMPARED = 1000  # images a side whose nearest ones are looked for
ROWS = (  # field, label, number format
    ("frechet_distance", "Fréchet distance", ".3f"),
    ("classifier_score", "classifier score (1 to 10)", ".3f"),
    ("confident_share", "share classified with p >= 0.9", ".3f"),
    ("classes_covered", "classes covered (of 10)", "d"),
    ("chi2", "chi-squared of the classes", ".1f"),
    ("p_value", "  its p-value", ".3g"),
    ("precision", "precision (k = 3)", ".3f"),
    ("recall", "recall (k = 3)", ".3f"),
    ("distance_ratio", "distance to training, ratio", ".3f"),
    ("near_training", "share nearer to training than 99 %", ".3f"),
    ("near_each_other", "share nearer to each other than 99 %", ".3f"),
)


@dataclass(frozen=True)
class Scores:
    """The numbers of one set of images.

    None: not available, for want of training images, or as real images are copies.

    Attributes:
        frechet_distance: squared, in units of the classifier's features; >= 0.
        classifier_score: 1 to 10.
        confident_share: share of images whose class has a probability >= 0.9.
        class_counts: ten numbers of images, by most probable class, 0 to 9.
        classes_covered, chi2, p_value: see ``ClassHistogram``.
        precision, recall: see ``PrecisionRecall``; over as many images on each side.
        distance_ratio, near_training, near_each_other: see ``Memorisation``.
    """

    frechet_distance: float
    classifier_score: float
    confident_share: float
    class_counts: tuple[int, ...]
    classes_covered: int
    chi2: float
    p_value: float
    precision: float
    recall: float
    distance_ratio: float | None = None
    near_training: float | None = None
    near_each_other: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate_images`` found: ``print`` it, or take ``to_json()``.

    Attributes:
        generated: the samples' numbers.
        floor: the same numbers for real images in the samples' place.
        classifier: name of the classifier, whose unit the Fréchet distance has.
        generated_count, real_count, floor_count, floor_reference_count: how many images
            stand behind the numbers; the Fréchet distance falls with them, so quote
            them with it.
        neighbours_count, memorisation_count: the same for precision and recall, and
            for the nearest images.
    """

    generated: Scores
    floor: Scores
    classifier: str
    generated_count: int
    real_count: int
    floor_count: int
    floor_reference_count: int
    neighbours_count: int
    memorisation_count: int

    def to_json(self) -> str:
        """All fields as JSON text, numbers unrounded."""
        return json.dumps(asdict(self), indent=2)

    def table(self) -> str:
        """The numbers, one a line, samples and real images side by side."""
        lines = [f"{'':38}{'samples':>12}{'real images':>14}"]
        for field, label, form in ROWS:
            ours, real = getattr(self.generated, field), getattr(self.floor, field)
            if ours is not None:
                lines.append(f"{label:38}{ours:>12{form}}{real:>14{form}}")
        lines.append("class      " + "".join(f"{c:>6}" for c in range(10)))
        lines.append("  samples  " + _counts(self.generated.class_counts))
        lines.append("  real     " + _counts(self.floor.class_counts))
        lines.append(
            f"Classifier: {self.classifier}. Fréchet distance: {self.generated_count} "
            f"samples against {self.real_count} real\nimages; real images: "
            f"{self.floor_count} against {self.floor_reference_count}. "
            f"Precision and recall: {self.neighbours_count} a side."
        )
        if self.memorisation_count:
            lines.append(f"Distances to training: {self.memorisation_count} images.")
            told = self.generated
            if None in (told.distance_ratio, told.near_training, told.near_each_other):
                lines.append(COPIES)
        return "\n".join(lines)

    __str__ = table


def evaluate_images(
    images: np.ndarray,
    real_images: np.ndarray,
    training_images: np.ndarray | None = None,
    classifier: str = "mnist",
    seed: int = 0,
) -> Evaluation:
    """Judge generated digits by all that can be measured, beside real digits.

    The floor puts real images in the samples' place: as many training images as there
    are samples, compared with the same real images. That is what a generator would
    get that had learned the training data perfectly. Without training images the real
    images are cut in two halves.

    Measured on two busy CPU cores: 5,000 samples against 10,000 real images 12 s,
    10,000 samples 15 s; without training images 10 s; 1.1 GB of memory, the 60,000
    images of MNIST included.

    Args:
        images: samples, float32 (N, 28, 28, 1) in [-1, 1], N >= 10. Draw them with
            one seed and choose none.
        real_images: real images that the generator never saw (the test split), at
            least 20 of the same form.
        training_images: what it was trained on; None leaves memorisation out.
        classifier: "mnist" or "digits", the data set of the images.
        seed: of the random draws.

    Returns:
        An ``Evaluation``.

    Raises:
        ValueError: too few images, or images that are not 28x28 grey digits: for them
            there is no classifier here, so no score of this page is available.

    Example:
        >>> from dcgan_keras.data import load_dataset
        >>> train, test = (load_dataset("digits", s).images for s in ("train", "test"))
        >>> result = evaluate_images(train[:300], test, train, classifier="digits")
        >>> result.generated.classes_covered, result.generated.distance_ratio
        (10, 0.0)

    Source: notebook 08.
    """
    given = {"images": images, "real_images": real_images}
    if training_images is not None:
        given["training_images"] = training_images
    given = {name: _checked(values, name) for name, values in given.items()}
    warn_not_negative(**given)
    images, real_images = given["images"], given["real_images"]
    training_images = given.get("training_images")
    look = load_classifier(classifier)
    check_seed(seed, *SEEDS)
    rng = np.random.default_rng(seed)
    # In random order, so that the first images stand for all: MNIST's are easier.
    generated = look(images[rng.permutation(len(images))])
    real = look(real_images[rng.permutation(len(real_images))])
    if training_images is None:
        half = len(real_images) // 2
        floor = tuple(values[:half] for values in real)
        reference = tuple(values[half:] for values in real)
        memory = new = None
    else:
        drawn = rng.permutation(len(training_images))[: len(images)]
        floor, reference = look(training_images[drawn]), real
        memory = compare(images, training_images, real_images, COMPARED, seed)
        new = Memorisation(*of_new(*memory[:3]), memory.count)
    side = min(NEIGHBOURS_COUNT, len(images), len(floor[0]), len(reference[0]))
    return Evaluation(
        generated=_scores(generated, real, side, memory),
        floor=_scores(floor, reference, side, new),
        classifier=classifier,
        generated_count=len(images),
        real_count=len(real_images),
        floor_count=len(floor[0]),
        floor_reference_count=len(reference[0]),
        neighbours_count=side,
        memorisation_count=memory.count if memory else 0,
    )


def _scores(seen, reference, side: int, memory: Memorisation | None) -> Scores:
    """The numbers of (features, probabilities) against those of real images."""
    features, probabilities = seen
    histogram = class_histogram(probabilities, reference[1])
    shares = precision_recall(reference[0][:side], features[:side], NEIGHBOURS)
    return Scores(
        frechet_distance=frechet_distance(features, reference[0]),
        classifier_score=classifier_score(probabilities),
        confident_share=float(histogram.confident.sum() / len(features)),
        class_counts=tuple(histogram.counts.tolist()),
        classes_covered=histogram.covered,
        chi2=histogram.chi2,
        p_value=histogram.p_value,
        precision=shares.precision,
        recall=shares.recall,
        distance_ratio=memory.ratio if memory else None,
        near_training=memory.near_training if memory else None,
        near_each_other=memory.near_each_other if memory else None,
    )


def _checked(images, name: str) -> np.ndarray:
    images, least = check_digit_images(images, name), LEAST[name]
    if len(images) < least:
        raise ValueError(f"{name}: expected at least {least}, got {len(images)}")
    return images


def _counts(counts: tuple[int, ...]) -> str:
    return "".join(f"{count:>6}" for count in counts)
