"""Checks of notebook 08's exercises: what the classifier score sees, the Fréchet
distance of independent features, spherical interpolation, copies (NumPy only)."""

from collections.abc import Callable, Mapping

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise


@exercise
def check_scores(answer):
    """Three classifier scores: three classes alone, one answer for all, two-way doubt.

    A: perfect 1s, 4s and 7s, equally often. B: every image gets the same ten
    probabilities. C: all ten classes equally often, but each image is half one class
    and half the next.
    """
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise Wrong("give three numbers: (score of A, score of B, score of C)")
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
    found = np.asarray(frechet(mean_a, a, mean_b, b), float)
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
    return f"{right:g}: {gap:g} from the means and {spread:g} from the spreads"


@exercise
def check_slerp(slerp: Callable):
    """``slerp(a, b, t)``: along the arc from a (t = 0) to b (t = 1)."""
    a, b = np.array([2.0, 0.0, 0.0]), np.array([1.0, np.sqrt(3.0), 0.0])  # 60 degrees
    ends = [_point(slerp(a, b, t)) for t in (0.0, 1.0)]
    if np.allclose(ends, [b, a]) and not np.allclose(ends, [a, b]):
        raise Wrong("t = 0 gives b: the two weights are exchanged")
    third = _point(slerp(a, b, 1 / 3))
    _name_path(third, a, b, 1 / 3)
    if not np.allclose(ends, [a, b]):
        raise Wrong("t = 0 should give a, and t = 1 should give b")
    right = 2 * np.array([np.cos(np.pi / 9), np.sin(np.pi / 9), 0.0])
    if not np.allclose(third, right):
        raise Wrong("at t = 1/3 of an arc of 60 degrees the point should be at 20")
    long = _point(slerp(3 * a, 3 * b, 1 / 3))
    if not np.allclose(long, 3 * right):
        raise Wrong("the points here have length 2: with another one it goes wrong")
    with np.errstate(all="ignore"):
        same = _point(slerp(a, a, 0.5))
    if not np.allclose(same, a):
        raise Wrong(f"from a to a itself it gives {same}: the angle is 0 there")
    return "20 of 60 degrees at t = 1/3, and the length stays"


def _point(value) -> np.ndarray:
    value = np.asarray(value, float)
    if value.shape != (3,):
        raise Wrong(f"between two points of shape (3,) yours has shape {value.shape}")
    return value


def _name_path(found: np.ndarray, a: np.ndarray, b: np.ndarray, t: float) -> None:
    straight = (1 - t) * a + t * b
    scaled = straight * np.linalg.norm(a) / np.linalg.norm(straight)
    pieces = np.sin((1 - t) * np.pi / 3), np.sin(t * np.pi / 3)
    degrees = np.sin((1 - t) * 60) * a + np.sin(t * 60) * b
    if np.isnan(found).any():
        raise Wrong("NaN: divide by both lengths before the arc cosine")
    if np.allclose(found, straight):
        raise Wrong("that is the straight line, linear interpolation")
    if np.allclose(found, scaled):
        raise Wrong("on the arc, but not at equal steps: a line drawn out to the arc")
    if np.allclose(found, straight / np.sqrt((1 - t) ** 2 + t**2)):
        raise Wrong("that keeps the length for points at right angles alone")
    if np.allclose(found, pieces[0] * a + pieces[1] * b):
        raise Wrong("divide both weights by the sine of the whole angle")
    if np.allclose(found, degrees / np.sin(60)):
        raise Wrong("the sine takes radians; arccos gives radians already")
    if np.isclose(np.linalg.norm(found), 1):
        raise Wrong("the length is 1: normalise for the angle, not for the result")


@exercise
def check_copies(copies: Callable):
    """``copies(samples, training, held_out)``: share nearer than 99 in 100 new images.

    Each (N, P), flattened. The limit is the 1 % quantile of the held-out images'
    distances to their nearest training images.
    """
    rng = np.random.default_rng(0)
    training, held_out = rng.normal(size=(300, 8)), rng.normal(size=(400, 8))
    near = np.concatenate([training[:60], held_out[:20]]) + 1e-3
    samples = np.concatenate([near, rng.normal(size=(80, 8)), np.full((40, 8), 5.0)])
    found = np.asarray(copies(samples, training, held_out), float)
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
            f"60 of 200 samples are copies, so about {right:g}; you say {found:g}"
        )
    return f"{right:.0%}: the 60 planted copies among 200 samples"


def _nearest(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    gaps = images[:, np.newaxis, :] - others
    return np.sqrt(np.min(np.sum(gaps**2, axis=2), axis=1))
