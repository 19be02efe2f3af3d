"""Notebook 01's exercises: the stub, the solution, and answers people really give."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dcgan_keras.lessons.exercises import what_is_a_gan as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "01_what_is_a_gan.ipynb"
SIGMA = stats.norm.pdf

SHAPES = [
    (((64, 100), (64, 28, 28), (64, 1)), "channel axis is missing"),
    (((100, 64), (64, 28, 28, 1), (64, 1)), "batch axis comes first"),
    (((100,), (64, 28, 28, 1), (64, 1)), "64 needs 64 vectors"),
    (((64, 784), (64, 28, 28, 1), (64, 1)), "does not have an image's shape"),
    (((64, 100), (64, 1, 28, 28), (64, 1)), "channels come last"),
    (((64, 100), (28, 28, 1), (64, 1)), "that is one image"),
    (((64, 100), (64, 28, 28, 1), (64, 2)), "one number is enough"),
    (((64, 100), (64, 28, 28, 1), (64, 10)), "does not name the digit"),
    (((64, 100), (64, 28, 28, 1), (64, 28, 28, 1)), "not each pixel"),
    (((64, 100), (64, 28, 28, 1), (1,)), "a verdict of its own"),
    (((64, 100), (64, 28, 28, 1), (64,)), "keeps its axis"),
    ((64, 28, 28), "each of the three is a tuple"),
    ((64, 100), "give three shapes"),
    (((64, 10), (64, 28, 28, 1), (64, 1)), "64 vectors of 100 numbers"),
    (((64, 100), (64, 32, 32, 1), (64, 1)), "64 images of 28×28×1"),
    (((64, 100), (64, 28, 28, 1), (64, 7)), "64 images get one number"),
]
DENSITIES = [
    (lambda x: SIGMA((1 - x) / 2), "was not divided by"),
    (lambda x: 2 * SIGMA((1 - x) / 2), "where it must be divided"),
    (lambda x: SIGMA((1 - x) / 2) / -2, "the slope -2 flips"),
    (lambda x: SIGMA(x, 1, 4), "4 is the variance"),
    (lambda x: SIGMA(x, 1, 2**0.5), "not the square root"),
    (lambda x: SIGMA(x, -1, 2), "mean is on the wrong side"),
    (lambda x: SIGMA(1 - 2 * x) / 2, "goes into phi, not 1 - 2x"),
    (lambda x: SIGMA(1 - 2 * x), "goes in, not 1 - 2x"),
    (lambda x: SIGMA(x), "density of z itself"),
    (lambda x: stats.norm.cdf(x, 1, 2), "cumulative"),
    (lambda x: SIGMA(1.0), "has shape ()"),
    (lambda x: SIGMA(x, 0, 2), "at x = 1 it should be 0.1995"),
]
EXPONENTIALS = [
    (lambda n, rng: -np.log(1 - rng.random(n)) / 2, "2 is the mean here, not the rate"),
    (lambda n, rng: -np.log(1 - rng.random(n)), "the factor 2 is missing"),
    (lambda n, rng: 2 * np.log(1 - rng.random(n)), "the minus is missing"),
    (lambda n, rng: np.exp(-rng.exponential(2, n) / 2) / 2, "heights of the density"),
    (lambda n, rng: 1 - np.exp(-rng.exponential(2, n) / 2), "invert it"),
    (lambda n, rng: 2 * rng.standard_normal(n), "not N(0, 1)"),
    (lambda n, rng: -4 * np.log(1 - rng.random(n)), "multiply by the mean 2 once"),
    (lambda n, rng: -2 * np.log(np.random.default_rng(0).random(n)), "the rng given"),
    (lambda n, rng: -2 * np.log(rng.random((n, 1))), "has shape (4000, 1)"),
    (lambda n, rng: rng.uniform(0, 4, n), "(2 expected)"),
]


def share(sampler, x, width, count, rng):
    return np.mean(np.abs(sampler(count, rng) - x) < width / 2)


ESTIMATES = [
    (share, "that is a share"),
    (lambda f, x, w, n, r: n * share(f, x, w, n, r), "that is a count"),
    (lambda f, x, w, n, r: n * share(f, x, w, n, r) / w, "does not grow with N"),
    (lambda f, x, w, n, r: w * share(f, x, w, n, r), "or the reverse"),
    (lambda f, x, w, n, r: share(f, x, 2 * w, n, r) / w, "twice too wide"),
    (lambda f, x, w, n, r: share(f, x, w, n, r) / w / 2, "half as wide"),
    (lambda f, x, w, n, r: np.mean(f(n, r) < x) / w, "not all samples below"),
    (lambda f, x, w, n, r: np.mean(f(n, r) > x) / w, "not all samples above"),
    (lambda f, x, w, n, r: f(n, r), "has shape (20000, 1)"),
    (lambda f, x, w, n, r: 0.3, "at x = 0.5 the density is 0.60"),
]


def columns(first, second):
    return np.concatenate([first, second])[:, None]


BATCHES = [
    (
        lambda real, fake: (np.r_[real, fake], columns(np.zeros(3), np.ones(4))),
        "labels are swapped",
    ),
    (
        lambda real, fake: (np.r_[fake, real], columns(np.ones(3), np.zeros(4))),
        "another order",
    ),
    (lambda real, fake: (np.r_[real, fake], np.ones((7, 1))), "what G wishes"),
    (
        lambda real, fake: (np.r_[real, fake], np.r_[np.ones(3), np.zeros(4)]),
        "a column (7, 1)",
    ),
    (
        lambda real, fake: (np.r_[real, fake], columns(np.ones(3), -np.ones(4))),
        "0 or 1",
    ),
    (lambda real, fake: (np.c_[real, fake[:3]], np.ones((3, 1))), "along axis 0"),
    (lambda real, fake: (fake, np.zeros((4, 1))), "all 3 real rows"),
    (lambda real, fake: np.r_[real, fake], "return two arrays"),
    (lambda real, fake: (np.r_[real, fake], np.ones((1, 1))), "one for each row"),
]
WRONG = [
    (check, answer, message)
    for check, answers in [
        (exercises.check_shapes, SHAPES),
        (exercises.check_transformed_density, DENSITIES),
        (exercises.check_sample_exponential, EXPONENTIALS),
        (exercises.check_estimate_density, ESTIMATES),
        (exercises.check_discriminator_batch, BATCHES),
    ]
    for answer, message in answers
]


@pytest.mark.parametrize("check, answer, message", WRONG, ids=[w[2] for w in WRONG])
def test_a_wrong_answer_is_told_what_is_wrong(check, answer, message, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("not yet: ")
    assert message in said


@pytest.mark.parametrize(
    "make_batch",
    [
        lambda real, fake: (np.r_[real, fake], columns(np.ones(3), np.zeros(4))),
        lambda real, fake: (np.r_[fake, real], columns(np.zeros(4), np.ones(3))),
    ],
)
def test_either_order_of_a_batch_is_right(make_batch, capsys):
    exercises.check_discriminator_batch(make_batch)
    assert capsys.readouterr().out.startswith("right")


def test_the_other_inverse_is_right_too(capsys):
    exercises.check_sample_exponential(lambda n, rng: -2 * np.log(rng.random(n)))
    assert capsys.readouterr().out.startswith("right")


def cells(tag):
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if tag in cell["metadata"].get("tags", [])
    ]


@pytest.fixture(scope="module")
def setup():
    namespace = {}
    setup_cell = cells("setup")[0].replace("%pip", "pass  #")
    exec(setup_cell, namespace)
    return namespace | {"exercises": exercises}


@pytest.mark.parametrize("number", range(5))
def test_the_stub_is_not_attempted(number, setup, capsys):
    namespace = dict(setup)
    exec(cells("exercise")[number], namespace)
    exec(cells("check")[number], namespace)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize("number", range(5))
def test_the_solution_is_right(number, setup, capsys):
    solution = cells("solution")[number]
    code = solution.split("```python\n")[1].split("```")[0]
    namespace = dict(setup)
    exec(cells("exercise")[number], namespace)
    exec(code, namespace)
    exec(cells("check")[number], namespace)
    assert capsys.readouterr().out.startswith("right")


def test_there_are_five_of_each():
    assert [len(cells(tag)) for tag in ("exercise", "check", "solution")] == [5, 5, 5]
