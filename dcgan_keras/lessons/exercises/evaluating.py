"""Checks of notebook 08's exercises: what the classifier score sees, the Fréchet
distance of independent features, copies, and five sets to diagnose."""

from collections.abc import Callable, Mapping

import numpy as np

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.sharpness import blur
from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers

HINTS = {  # what is wrong with a mystery set -> where to see it
    "nothing": "it passes every measure; look again",
    "copies": "look at its distances to the training images",
    "few pictures": "look at its recall, and at the distances between its own images",
    "blurred": "look at its Fréchet distance: what else could explain it?",
    "a class missing": "count the classes that the judge sees",
}
SICK = dict(zip("ABCDE", (3, 4, 0, 1, 2), strict=True))  # place in HINTS


@exercise
def check_scores(answer):
    """Three classifier scores: three classes alone, one answer for all, two-way doubt.

    A: perfect 1s, 4s and 7s, equally often. B: every image gets the same ten
    probabilities. C: all ten classes equally often, but each image is half one class
    and half the next.
    """
    names = ("score of A", "score of B", "score of C")
    answer = numbers(answer, names, f"give three numbers: ({', '.join(names)})")
    wrong_a = {
        10: "A: the score counts the classes that come; only three do",
        1: "A: 1 is the score of images that all get the same answer",
        0.3: "A: the score goes from 1 to 10; it is not a share of the classes",
        np.log(3): "A: you forgot the exponential: exp(log 3)",
    }
    wrong_b = {
        0: "B: the divergence is 0, and exp(0) is not",
        10: "B: p(y|x) equals p(y), so the images say nothing about the class",
        np.log(10): "B: p(y|x) equals p(y), so the divergence is 0",
        0.1: "B: the score is never below 1",
    }
    wrong_c = {
        10: "C: each image is undecided; only certain ones reach 10",
        2: "C: log 10 - log 2 is the divergence: divide, do not take the doubt alone",
        8: "C: numbers of classes are divided here, not subtracted",
        20: "C: doubt lowers the score; it does not raise it",
        1: "C: an image still rules out eight classes, which is something",
        np.log(5): "C: you forgot the exponential: exp(log 10 - log 2)",
    }
    for name, value, right, mistakes in zip(
        "ABC", answer, (3, 1, 5), (wrong_a, wrong_b, wrong_c), strict=True
    ):
        _reject(name, value, right, mistakes)
    return "3, 1 and 10 / 2 = 5: the score is the number of classes told apart"


def _reject(name: str, value: float, right: float, mistakes: Mapping) -> None:
    for wrong, message in mistakes.items():
        if np.isclose(value, wrong, atol=0.01):
            raise Wrong(message)
    if not np.isclose(value, right, atol=0.01):
        raise Wrong(f"{name}: you say {value:g}; exp(mean KL(p(y|x) || p(y)))")


@exercise
def check_frechet_diagonal(frechet: Callable):
    """``frechet(mean_a, variance_a, mean_b, variance_b)`` of independent features."""
    mean_a, mean_b = np.array([0.0, 1.0, -2.0]), np.array([3.0, 1.5, -2.0])
    a, b = np.array([4.0, 1.0, 9.0]), np.array([1.0, 9.0, 9.0])
    found = _number(frechet(mean_a, a, mean_b, b))
    if found.shape != ():
        raise Wrong(f"the distance is one number; yours has shape {found.shape}")
    gap, spread = np.sum((mean_a - mean_b) ** 2), np.sum((a**0.5 - b**0.5) ** 2)
    right = gap + spread
    mistakes = {
        np.sqrt(right): "that is its square root; the course reports the square",
        gap: "the means are right; the variances are left out",
        spread: "the variances are right; the means are left out",
        np.sqrt(gap) + spread: "the distance of the means is to be squared",
        np.sum(abs(mean_a - mean_b)) + spread: "square the differences of the means",
        gap + np.sum((a - b) ** 2): "the square roots of the variances are compared",
        gap + np.sum(abs(a - b)): "square the difference of the standard deviations",
        gap
        + np.sum(abs(a**0.5 - b**0.5)): "square the standard deviations' difference",
        gap + np.sum(a + b): "subtract 2 sqrt(variance_a variance_b) for each feature",
        gap + np.sum(a + b - (a * b) ** 0.5): "the last term has a factor of 2",
        gap + np.sum(a + b - 2 * a * b): "the product belongs under a square root",
        right / 3: "add the features up; that is their mean",
    }
    for wrong, message in mistakes.items():
        if np.isclose(found, wrong) and not np.isclose(wrong, right):
            raise Wrong(message)
    if not np.isclose(found, right):
        raise Wrong(
            f"for means 0, 1, -2 and 3, 1.5, -2 you say {found:g}, not {right:g}"
        )
    if not np.isclose(frechet(mean_a, a, mean_a, a), 0):
        raise Wrong("of a Gaussian from itself the distance is 0")
    one_feature = [np.array([value]) for value in (1.0, 9.0, 3.0, 4.0)]
    if not np.isclose(frechet(*one_feature), 5):
        raise Wrong(
            "right for three features, and not for one: means 1 and 3, variances 9 and "
            "4 make 5"
        )
    if not np.isclose(frechet(mean_a[::-1], a[::-1], mean_b[::-1], b[::-1]), right):
        raise Wrong(
            "with the features in another order your distance is another one; it "
            "should be the same"
        )
    return f"{right:g}: {gap:g} from the means and {spread:g} from the spreads"


@exercise
def check_copies(copies: Callable):
    """``copies(samples, training, held_out)``: share nearer than 99 in 100 new images.

    Each (N, P), flattened. The limit is the 1 % quantile of the held-out images'
    distances to their nearest training images.
    """
    rng = np.random.default_rng(0)
    training, held_out = rng.normal(size=(300, 8)), rng.normal(size=(400, 8))
    near = np.concatenate([training[:60], held_out[:20]]) + 1e-3
    further = training[100:180].copy()  # from copy to new image, in small steps
    further[:, 0] += np.linspace(0.3, 1.5, 80)
    samples = np.concatenate([near, further, np.full((40, 8), 5.0)])
    found = _number(copies(samples, training, held_out))
    if found.shape != ():
        raise Wrong(f"the share is one number; yours has shape {found.shape}")
    to_training, own = _nearest(samples, training), _nearest(held_out, training)
    right = float(np.mean(to_training < np.quantile(own, 0.01)))
    mistakes = {
        200 * right: "give the share of the samples, not their number",
        1 - right: "that is the share that is farther away than the limit",
        np.mean(to_training < np.quantile(own, 0.99)): "99 in 100 are *farther*: 1 %",
        np.mean(to_training < np.median(own)): "the limit is 1 in 100, not the median",
        np.mean(to_training < np.mean(own)): "the limit is 1 in 100, not the mean",
        np.mean(to_training == 0): "a copy need not be exact: compare with the limit",
        np.mean(_nearest(samples, held_out) < np.quantile(own, 0.01)): (
            "look for the samples among the training images, not the held-out ones"
        ),
        np.mean(to_training < np.quantile(to_training, 0.01)): (
            "the limit comes from the held-out images, not from the samples themselves"
        ),
        np.median(to_training) / np.median(own): "that is the ratio of the medians",
    }
    for wrong, message in mistakes.items():
        if np.isclose(found, wrong) and not np.isclose(wrong, right):
            raise Wrong(message)
    if not np.isclose(found, right, atol=0.004):
        raise Wrong(
            f"60 exact copies and 36 near ones of 200 samples make {right:g}; you say "
            f"{found:g}"
        )
    share = float(_number(copies(held_out, training, held_out)))
    if abs(share - 0.01) > 0.004:
        raise Wrong(
            f"of the held-out images themselves 0.01 lie below the limit; you say "
            f"{share:g}"
        )
    return f"{right:.0%}: 60 exact copies and 36 near ones among 200 samples"


def mystery_sets(count: int = 500) -> dict[str, np.ndarray]:
    """Five sets of images, A to E; one of them are new real digits.

    Args:
        count: images in each set.

    Returns:
        Name -> float32 (count, 28, 28, 1) in [-1, 1], in random order.
    """
    rng = np.random.default_rng(8)
    (train, _), (test, labels) = (load_dataset("mnist", x) for x in ("train", "test"))
    order = rng.permutation(len(test))
    test, labels = test[order], labels[order]
    few = np.concatenate([test[labels == digit][:3] for digit in range(10)])
    sets = {
        "nothing": test[:count],
        "copies": train[rng.permutation(len(train))[:count]],
        "few pictures": few[rng.integers(len(few), size=count)],
        "blurred": blur(test[count : 2 * count], 0.8),
        "a class missing": test[labels != 7][-count:],
    }
    names = list(HINTS)
    return {letter: sets[names[place]] for letter, place in SICK.items()}


@exercise
def check_diagnosis(answer):
    """What is wrong with each of the ``mystery_sets``: letter -> a key of ``HINTS``."""
    if not isinstance(answer, Mapping) or set(answer) != set(SICK):
        raise Wrong('give a dict with the five letters: {"A": ..., "B": ..., ...}')
    if all(word is ... for word in answer.values()):
        raise NotImplementedError
    words = list(HINTS)
    for letter, word in answer.items():
        if word not in words:
            raise Wrong(f"{letter}: {word!r} is not one of {', '.join(words)}")
    wrong = [x for x, word in answer.items() if word != words[SICK[x]]]
    if wrong:
        hint = HINTS[words[SICK[wrong[0]]]]
        raise Wrong(f"{5 - len(wrong)} of 5 are right; set {wrong[0]}: {hint}")
    return "five of five, and no single number would have told you all of them"


def _number(value) -> np.ndarray:
    if value is None:  # the stub returns nothing
        raise NotImplementedError
    return np.asarray(value, float)


def _nearest(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    gaps = images[:, np.newaxis, :] - others
    return np.sqrt(np.min(np.sum(gaps**2, axis=2), axis=1))
