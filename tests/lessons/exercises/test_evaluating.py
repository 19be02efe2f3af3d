"""Notebook 08's exercises: the stub, the solution, and answers people really give."""

import numpy as np
import pytest
from exercise_cells import Exercises

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.coverage import class_histogram, precision_recall
from dcgan_keras.evaluation.distances import frechet_distance
from dcgan_keras.evaluation.novelty import nearest_images
from dcgan_keras.evaluation.sharpness import edge_steepness
from dcgan_keras.lessons.exercises import evaluating as exercises

NAME = "08_evaluating_and_exploring.ipynb"

SCORES = [
    ((10, 1, 5), "only three do"),
    ((1, 1, 5), "all get the same answer"),
    ((0.3, 1, 5), "not a share"),
    ((np.log(3), 1, 5), "A: you forgot the exponential"),
    ((4, 1, 5), "A: you say 4"),
    ((3, 0, 5), "exp(0) is not"),
    ((3, 10, 5), "say nothing about the class"),
    ((3, 2.3026, 5), "the divergence is 0"),
    ((3, 0.1, 5), "never below 1"),
    ((3, 1, 10), "each image is undecided"),
    ((3, 1, 2), "do not take the doubt alone"),
    ((3, 1, 8), "not subtracted"),
    ((3, 1, 20), "does not raise it"),
    ((3, 1, 1), "rules out eight"),
    ((3, 1, 1.609), "C: you forgot the exponential"),
    (3, "give three numbers"),
]


def gaussians(gap=None, spread=None, end=lambda total: total):
    """One right answer, with a switch for each mistake."""

    def frechet(mean_a, a, mean_b, b):
        between = np.sum((mean_a - mean_b) ** 2) if gap is None else gap(mean_a, mean_b)
        if spread is None:
            return end(between + np.sum((a**0.5 - b**0.5) ** 2))
        return end(between + np.sum(spread(a, b)))

    return frechet


FRECHETS = [
    (gaussians(end=np.sqrt), "its square root"),
    (gaussians(spread=lambda a, b: 0), "variances are left out"),
    (gaussians(gap=lambda a, b: 0), "means are left out"),
    (gaussians(gap=lambda a, b: np.linalg.norm(a - b)), "is to be squared"),
    (gaussians(gap=lambda a, b: np.sum(abs(a - b))), "square the differences"),
    (gaussians(spread=lambda a, b: (a - b) ** 2), "the square roots of the variances"),
    (gaussians(spread=lambda a, b: abs(a**0.5 - b**0.5)), "standard deviations' diff"),
    (gaussians(spread=lambda a, b: a + b), "subtract 2 sqrt"),
    (gaussians(spread=lambda a, b: a + b - (a * b) ** 0.5), "a factor of 2"),
    (gaussians(spread=lambda a, b: a + b - 2 * a * b), "under a square root"),
    (gaussians(end=lambda total: total / 3), "that is their mean"),
    (gaussians(end=lambda total: total + 1), "you say 15.25, not 14.25"),
    (lambda mean_a, a, mean_b, b: (mean_a - mean_b) ** 2, "has shape (3,)"),
]


def nearest(a, b):
    gaps = a[:, np.newaxis] - b
    return np.sqrt(np.sum(gaps**2, axis=2)).min(axis=1)


def share(limit=lambda own: np.quantile(own, 0.01), end=lambda near: near):
    """One right answer, with a switch for each mistake."""

    def copies(samples, training, held_out):
        own = nearest(held_out, training)
        return end(np.mean(nearest(samples, training) < limit(own)))

    return copies


COPIES = [
    (share(end=lambda near: 1 - near), "farther away than the limit"),
    (share(end=lambda near: 200 * near), "not their number"),
    (share(end=lambda near: near + 0.1), "you say 0.58"),
    (share(limit=lambda own: np.quantile(own, 0.005)), "you say 0.46"),
    (share(limit=lambda own: np.quantile(own, 0.05)), "you say 0.535"),
    (
        lambda s, t, h: np.mean(nearest(s, t) < np.quantile(nearest(t, h), 0.01)),
        "you say 0.475",
    ),
    (share(limit=lambda own: np.quantile(own, 0.99)), "99 in 100 are *farther*"),
    (share(limit=np.median), "not the median"),
    (share(limit=np.mean), "not the mean"),
    (lambda s, t, h: np.mean(nearest(s, t) == 0), "need not be exact"),
    (
        lambda s, t, h: np.mean(nearest(s, h) < np.quantile(nearest(h, t), 0.01)),
        "not the held-out ones",
    ),
    (
        lambda s, t, h: np.mean(nearest(s, t) < np.quantile(nearest(s, t), 0.01)),
        "not from the samples themselves",
    ),
    (
        lambda s, t, h: np.median(nearest(s, t)) / np.median(nearest(h, t)),
        "the ratio of the medians",
    ),
    (lambda s, t, h: nearest(s, t), "has shape (200,)"),
    (lambda s, t, h: 0.48, "of the held-out images themselves 0.01 lie below"),
]
RIGHT = {
    "A": "blurred",
    "B": "a class missing",
    "C": "nothing",
    "D": "copies",
    "E": "few pictures",
}
DIAGNOSES = [
    (["blurred"] * 5, "give a dict with the five letters"),
    ({"A": "blurred"}, "give a dict with the five letters"),
    (RIGHT | {"B": ["copies"]}, "B: ['copies'] is not one of nothing, copies"),
    (RIGHT | {"B": "no sevens"}, "B: 'no sevens' is not one of nothing, copies"),
    (RIGHT | {"A": "nothing"}, "set A: look at its Fréchet distance"),
    (RIGHT | {"B": "nothing"}, "set B: count the classes"),
    (RIGHT | {"C": "blurred"}, "4 of 5 are right; set C: it passes every measure"),
    (RIGHT | {"C": "copies", "D": "nothing"}, "3 of 5 are right; set C"),
    (RIGHT | {"D": "nothing"}, "set D: look at its distances to the training images"),
    (RIGHT | {"E": "copies"}, "set E: look at its recall"),
]
WRONG = [
    (check, answer, message)
    for check, answers in [
        (exercises.check_scores, SCORES),
        (exercises.check_frechet_diagonal, FRECHETS),
        (exercises.check_copies, COPIES),
        (exercises.check_diagnosis, DIAGNOSES),
    ]
    for answer, message in answers
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_the_mistake_is_named(check, answer, message, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("not yet: ")
    assert message in said


def test_right_answers_are_right(capsys):
    exercises.check_scores((3, 1, 5))
    exercises.check_frechet_diagonal(gaussians())
    exercises.check_copies(share())
    exercises.check_diagnosis(RIGHT)
    said = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in said] == ["right"] * 4


def test_a_distance_that_does_not_vanish(capsys):
    """Right in the first case, but not for two equal Gaussians."""

    def frechet(mean_a, a, mean_b, b):
        return gaussians()(mean_a, a, mean_b, b) or 1.0

    exercises.check_frechet_diagonal(frechet)
    assert "of a Gaussian from itself" in capsys.readouterr().out


def test_a_distance_of_the_first_two_features_alone(capsys):
    """The third feature is the same in the first case."""
    exercises.check_frechet_diagonal(lambda *a: gaussians()(*(x[:2] for x in a)))
    assert "in another order your distance is another" in capsys.readouterr().out


def test_a_distance_by_heart(capsys):
    exercises.check_frechet_diagonal(lambda m, a, n, b: 0 if m is n else 14.25)
    assert "right for three features, and not for one" in capsys.readouterr().out


def test_a_dict_of_dots_is_not_attempted(capsys):
    exercises.check_diagnosis(dict.fromkeys("ABCDE", ...))
    assert capsys.readouterr().out == "not attempted\n"


def test_the_distance_is_the_package_s():
    """What check_frechet_diagonal calls right is frechet_distance, features apart."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50_000, 2)) * [[[2.0, 1.0]], [[1.0, 3.0]]]
    b[:, 0] += 1
    apart = gaussians()(a.mean(0), a.var(0), b.mean(0), b.var(0))
    assert frechet_distance(a, b) == pytest.approx(apart, rel=0.01)


@pytest.fixture(scope="module")
def mystery():
    return exercises.mystery_sets(200)


def test_the_mystery_sets_are_as_sick_as_they_are_said_to_be(mystery):
    """Each measure finds its own set, and no other."""
    train = load_dataset("mnist").images
    sick = {letter: set() for letter in RIGHT}
    judge = load_classifier("mnist")
    real = judge(load_dataset("mnist", "test").images[5000:7000])
    for letter, images in mystery.items():
        features, p = judge(images)
        if class_histogram(p, real[1]).covered < 10:
            sick[letter].add("a class missing")
        if precision_recall(real[0][:200], features).recall < 0.3:
            sick[letter].add("few pictures")
        if np.median(nearest_images(images[:50], train)[0]) < 1:
            sick[letter].add("copies")
        if np.median(edge_steepness(images)) < 0.6:
            sick[letter].add("blurred")
    assert sick == {k: {v} - {"nothing"} for k, v in RIGHT.items()}


@pytest.fixture(scope="module")
def notebook():
    return Exercises(NAME)


@pytest.fixture(scope="module")
def setup(notebook):
    return notebook.setup()


@pytest.mark.parametrize("number", range(4))
def test_the_stub_is_not_attempted(number, notebook, setup, capsys):
    notebook.check_stub(number, setup)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize("number", range(4))
def test_the_solution_is_right(number, notebook, setup, capsys):
    notebook.check_solution(number, setup)
    assert capsys.readouterr().out.startswith("right")


def test_there_are_four_of_each(notebook):
    for tag in ("exercise", "check", "solution"):
        assert len(notebook.tagged(tag)) == 4
