"""All numbers about pictures of any kind, with what real ones get beside them."""

from dataclasses import asdict, dataclass

import numpy as np

from dcgan_keras.evaluation._checks import (
    SEEDS,
    check_same_shape,
    checked_pictures,
    warn_not_negative,
)
from dcgan_keras.evaluation.coverage import precision_recall, squared_distances
from dcgan_keras.evaluation.novelty import (
    COPIES,
    of_new,
    ratio_of_medians,
    share_nearer,
)
from dcgan_keras.evaluation.random_features import features_of
from dcgan_keras.evaluation.sliced_wasserstein import pyramid_distances
from dcgan_keras.sizes import check_seed

NEIGHBOURS = 3
MOST = 5000  # pictures a side; the work of the neighbours grows with the square
MOST_TRAINING = 10_000  # among which the nearest is looked for
LEAST = 10
ROUNDING = 1e-12  # of a squared length: what two computations of it may differ by


@dataclass(frozen=True)
class PictureScores:
    """The numbers of one set of pictures against real ones.

    Attributes:
        sliced_wasserstein: by level, the height in pixels as text, times 1000; see
            ``sliced_wasserstein.pyramid_distances``.
        sliced_wasserstein_mean: over the levels.
        precision, recall: see ``coverage.PrecisionRecall``, in random features.
        distance_ratio: median distance, in random features, to the nearest training
            picture, divided by that of new real pictures. Near 0: copies. Above 1: far
            from the data in another way. None: half of the real ones are copies.
        near_training: share nearer to a training picture than 99 in 100 new real ones.
            None: more than 1 in 100 of these are copies, and nothing is nearer.
        near_each_other: share nearer to another of their set than 99 in 100 real ones
            are to another of theirs. None: more than 1 in 100 of these have a copy.
    """

    sliced_wasserstein: dict[str, float]
    sliced_wasserstein_mean: float
    precision: float
    recall: float
    distance_ratio: float | None
    near_training: float | None
    near_each_other: float | None


@dataclass(frozen=True)
class PictureEvaluation:
    """What ``evaluate_pictures`` found: ``print`` it, or take ``asdict``.

    Attributes:
        generated: the samples' numbers.
        floor: the same numbers for other real pictures in the samples' place.
        count: pictures on each side, of all numbers but the distances to training.
        training_count: pictures among which the nearest was looked for.
        held_out: whether the samples were compared with pictures that were not trained
            on; False: with one half of the training pictures, as was the other half.
    """

    generated: PictureScores
    floor: PictureScores
    count: int
    training_count: int
    held_out: bool

    def to_dict(self) -> dict:
        """All fields, for JSON."""
        return asdict(self)

    def table(self) -> str:
        """The numbers, one a line, samples and real pictures side by side."""
        lines = [f"{'':38}{'samples':>12}{'real images':>14}"]

        def add(label, ours, real, form=".3f"):
            lines.append(f"{label:38}{ours:>12{form}}{real:>14{form}}")

        ours, real = self.generated, self.floor
        for size, value in ours.sliced_wasserstein.items():
            label = f"sliced Wasserstein x 1000, {size} pixels"
            add(label, value, real.sliced_wasserstein[size], ".1f")
        values = (ours.sliced_wasserstein_mean, real.sliced_wasserstein_mean)
        add("  mean", *values, ".1f")
        for field, label in (
            ("precision", f"precision (k = {NEIGHBOURS})"),
            ("recall", f"recall (k = {NEIGHBOURS})"),
            ("distance_ratio", "distance to training, ratio"),
            ("near_training", "share nearer to training than 99 %"),
            ("near_each_other", "share nearer to each other than 99 %"),
        ):
            if getattr(ours, field) is not None:
                add(label, getattr(ours, field), getattr(real, field))
        against = "images held out" if self.held_out else "half of the training images"
        lines.append(
            f"{self.count} samples against {self.count} {against}; real images: as "
            f"many others.\nFeatures: a network of fixed random weights. Distances to "
            f"training: {self.training_count} images."
        )
        if None in (ours.distance_ratio, ours.near_training, ours.near_each_other):
            lines.append(COPIES)
        return "\n".join(lines)

    __str__ = table


def evaluate_pictures(
    images: np.ndarray,
    training_images,
    held_out_images=None,
    seed: int = 0,
) -> PictureEvaluation:
    """Judge generated pictures of any kind, with no classifier, beside real ones.

    With held-out pictures the samples are compared with these, and the floor is what
    training pictures get in the samples' place. Without, the training pictures are cut
    in two halves: the samples are compared with one, and the floor is what the other
    half gets. Compare values of the same number of pictures only.

    Measured on a busy machine: 1,791 samples of 64x64x3 in 25 CPU-seconds, 5,000 of
    28x28x1 in 14.

    Args:
        images: samples, float32 (N, H, H, C) in [-1, 1], H from 8 to 256, C 1 or 3.
            Draw them with one seed and choose none.
        training_images: what they were learned from, (M, H, H, C), an array or
            ``FolderImages``.
        held_out_images: of the same source, not trained on; None: there are none.
        seed: of the random draws.

    Returns:
        A ``PictureEvaluation`` of as many pictures a side as there are, at most 5,000.

    Raises:
        ValueError: fewer than 10 pictures a side, other shapes, another range than
            [-1, 1], NaN or infinity.

    Example:
        >>> train = load_dataset("digits").images
        >>> print(evaluate_pictures(train[:700], train[700:]).floor.precision)
        0.91...

    Source: Karras et al. 2018; Kynkäänniemi et al. 2019; Naeem et al. 2020;
        notebook 09.
    """
    given = {"images": images, "training_images": training_images}
    if held_out_images is not None:
        given["held_out_images"] = held_out_images
    given = {name: checked_pictures(values, name) for name, values in given.items()}
    for name, values in given.items():
        check_same_shape(values, name, given["images"], "images")
    warn_not_negative(**given)
    images, training_images = given["images"], given["training_images"]
    held_out_images = given.get("held_out_images")
    check_seed(seed, *SEEDS)
    rng = np.random.default_rng(seed)
    training = rng.permutation(len(training_images))
    if held_out_images is None:
        count = min(MOST, len(images), len(training) // 2)
        real = _some(training_images, training[:count])
        other = _some(training_images, training[count : 2 * count])
    else:
        count = min(MOST, len(images), len(training), len(held_out_images))
        real = _some(held_out_images, rng.permutation(len(held_out_images))[:count])
        other = _some(training_images, training[:count])
    if count < LEAST:
        raise ValueError(
            f"images: expected at least {LEAST} a side, got {len(images)} samples and "
            f"{len(training)} training images"
            + ("" if held_out_images is None else f", {len(held_out_images)} held out")
        )
    images = _some(images, rng.permutation(len(images))[:count])
    seen, seen_real, seen_other = map(features_of, (images, real, other))
    known = features_of(_some(training_images, training[:MOST_TRAINING]))
    if held_out_images is None:
        new = _nearest(known[:count], known, range(count))
    else:
        new = _nearest(seen_real, known)
    nearest = _nearest(seen, known)
    apart, real_apart = (_nearest(x, x, range(count)) for x in (seen, seen_real))
    novelty = (
        ratio_of_medians(nearest, new),
        share_nearer(nearest, new),
        share_nearer(apart, real_apart),
    )
    generated = _scores(
        pyramid_distances(images, real, seed),
        precision_recall(seen_real, seen, NEIGHBOURS),
        *novelty,
    )
    floor = _scores(
        pyramid_distances(other, real, seed),
        precision_recall(seen_real, seen_other, NEIGHBOURS),
        *of_new(*novelty),
    )
    has_held_out = held_out_images is not None
    return PictureEvaluation(generated, floor, count, len(known), has_held_out)


def _some(images, places: np.ndarray) -> np.ndarray:
    return images[np.sort(places)]  # files are read in their order


def _scores(levels: dict[int, float], shares, *rest) -> PictureScores:
    named = {str(size): float(value) for size, value in levels.items()}
    mean = float(np.mean(list(levels.values())))
    return PictureScores(named, mean, *map(float, shares), *rest)


def _nearest(points, candidates, own=None) -> np.ndarray:
    """Distance (N,) of each point to the nearest candidate; of a copy 0.

    own: the place that each point has itself among the candidates; it does not count.
    """
    found = np.empty(len(points))
    points, candidates = (np.asarray(x, np.float64) for x in (points, candidates))
    for part, block in squared_distances(points, candidates):
        if own is not None:
            block[np.arange(len(block)), list(own[part])] = np.inf
        found[part] = block.min(axis=1)
    is_copy = found <= ROUNDING * np.einsum("nf,nf->n", points, points)
    return np.sqrt(np.where(is_copy, 0.0, found))
