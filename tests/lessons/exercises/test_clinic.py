"""Notebook 07's exercises: the stub, the solution, and wrong answers people give."""

import numpy as np
import pytest
from exercise_cells import Exercises

import dcgan_keras as dk
from dcgan_keras import keras
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.lessons.exercises import clinic as exercises

notebook = Exercises("07_when_training_goes_wrong.ipynb")
NAMES = ["lowest", "ward", "lost_class", "cured"]


def said(capsys, name, answer):
    getattr(exercises, f"check_{name}")(answer)
    return capsys.readouterr().out


def check_wrong(capsys, name, answer, message):
    output = said(capsys, name, answer)
    assert output.startswith("not yet: ") and message in output


# The notebook's own ----------------------------------------------------------


def test_the_notebook_has_each_exercise_once():
    answers = ["lowest_at", "diagnoses", "lost_class", "cured"]
    calls = [f"exercises.check_{n}({a})" for n, a in zip(NAMES, answers, strict=True)]
    assert notebook.tagged("check") == calls
    assert len(notebook.tagged("exercise")) == len(notebook.tagged("solution")) == 4


@pytest.fixture(scope="module")
def setup():
    return notebook.setup()


@pytest.mark.parametrize("number", range(4))
def test_the_stub_is_not_attempted(capsys, setup, number):
    notebook.check_stub(number, setup)
    assert capsys.readouterr().out.endswith("not attempted\n")


@pytest.mark.parametrize("number", range(4))
def test_the_solution_is_right(capsys, setup, number):
    notebook.check_solution(number, setup)
    assert capsys.readouterr().out.splitlines()[-1].startswith("right: ")


# The lowest place of a loss --------------------------------------------------


LOWEST = exercises.LOWEST


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (LOWEST | {0.7: 0.7}, "label 0.7: that is the label"),
        (LOWEST | {0.7: 1.0}, "label 0.7: the slope at 1 is 0.03"),
        (LOWEST | {0.8: 0.8}, "label 0.8: that is the label"),
        (LOWEST | {0.8: -np.log(4)}, "label 0.8: the sign"),
        (LOWEST | {0.8: np.inf}, "the sigmoid does reach 0.8"),
        (LOWEST | {1.1: np.log(6)}, "a sigmoid never reaches 1.1"),
        (LOWEST | {1.1: 1.1}, "label 1.1: that is the label"),
        (LOWEST | {1.1: ...}, "label 1.1: expected a number, or np.inf"),
        (LOWEST | {1.1: -np.inf}, "label 1.1: the loss rises there"),
        (LOWEST | {1.1: np.nan}, "label 1.1: expected a number, or np.inf; got nan"),
        (LOWEST | {0.8: "1.4"}, "label 0.8: expected a number"),
        ({0.7: 0.85}, "the keys 0.7, 0.8 and 1.1"),
        (2.2, "give a dictionary"),
    ],
)
def test_wrong_lowest(capsys, answer, message):
    check_wrong(capsys, "lowest", answer, message)


def test_a_lowest_place_may_be_an_array(capsys):
    answer = {label: np.array([place]) for label, place in LOWEST.items()}
    assert said(capsys, "lowest", answer).startswith("right: ")


def test_the_lowest_places_are_those_of_the_loss():
    """Against the package's loss, on a grid of logits."""
    grid = np.linspace(-9, 9, 1801, dtype=np.float32)
    for label, right in LOWEST.items():
        losses = [float(dk.losses.discriminator_loss([a], [0.0], label)) for a in grid]
        found = grid[np.argmin(losses)]
        assert found == (
            grid[-1] if np.isinf(right) else pytest.approx(right, abs=0.02)
        )
    assert said_right(LOWEST | {0.8: 1.4}) and said_right(LOWEST | {0.7: 0.85})


def said_right(answer):
    return exercises.check_lowest.__wrapped__(answer).startswith("0.85 and 1.39")


# The ward --------------------------------------------------------------------


WARD = exercises.WARD


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            WARD | {"J": "dropout 0.3 in D", "G": "both rates x 10"},
            "G: D is less often",
        ),
        (WARD | {"J": "no BN in G"}, "J: its ten classes come evenly"),
        (WARD | {"K": "BN everywhere"}, "K: one of its runs has a grey"),
        (WARD | {"H": "no BN in G"}, "H: its ground is grey"),
        (WARD | {"I": "BN at D's input"}, "I: D is right in 99"),
        (WARD | {"I": "sick"}, "I: expected one of BN at D's input; BN everywhere"),
        (WARD | {"I": ...}, "I: expected one of"),
        ({"G": "no BN in G"}, "the keys G, H, I, J, K"),
        ("no BN in G", "give a dictionary"),
    ],
)
def test_wrong_wards(capsys, answer, message):
    check_wrong(capsys, "ward", answer, message)


def test_the_ward_shows_what_the_hints_say():
    charts = exercises.ward()
    assert list(charts) == list(WARD) and list(exercises.patients()) == list("ABCDEF")
    ends = {
        letter: np.median([chart["curves"][-1] for chart in runs], axis=0)
        for letter, runs in charts.items()
    }  # D's loss, G's loss, right on reals, on fakes
    shares = {
        letter: np.mean([chart["counts"][-1] for chart in runs], axis=0) / 1000
        for letter, runs in charts.items()
    }
    pixels = {
        letter: np.median([np.median(chart["samples"]) for chart in runs])
        for letter, runs in charts.items()
    }
    assert ends["G"][2] < 0.85 and 0.8 < ends["G"][0] < 1
    assert shares["H"].max() > 0.9 and pixels["H"] > 20
    assert ends["I"][2] > 0.985 and pixels["I"] < 5
    assert shares["J"].min() > 0.03
    assert 2.5 < ends["K"][1] < 3.5 and pixels["K"] > pixels["I"]


# The alarm -------------------------------------------------------------------


def is_missing(counts):
    return counts.min(axis=1) < 0.01 * counts.sum(axis=1)


def first_missing(counts):
    places = np.flatnonzero(is_missing(counts))
    return int(places[0]) if len(places) else None


def last_only(counts):
    return len(counts) - 1 if is_missing(counts)[-1] else None


def empty_only(counts):
    return solution(np.where(counts > 0, 500, 0))


def at_most_ten(counts):
    return solution(np.where(counts <= 10, 0, 500))


def below_ten(counts):
    return solution(np.where(counts < 10, 0, 500))


def of_the_first_digit(counts):
    return solution(np.where(np.arange(10) == 9, counts, 500))


def solution(counts):
    missing = is_missing(counts)
    if not missing[-1]:
        return None
    fine = np.flatnonzero(~missing)
    return int(fine[-1]) + 1 if len(fine) else 0


def longest_missing(counts):
    """Of the classes that are missing at the end, since when the first of them is."""
    since = []
    for missing in (counts < 0.01 * counts.sum(axis=1, keepdims=True)).T:
        if missing[-1]:
            fine = np.flatnonzero(~missing)
            since.append(int(fine[-1]) + 1 if len(fine) else 0)
    return min(since, default=None)


def never_zero(counts):
    return solution(counts) or None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (first_missing, "begins with one class and recovers: you return 0"),
        (last_only, "loses classes at look 3: you return 4"),
        (empty_only, "9 samples of 1,000 are below 1 %"),
        (at_most_ten, "10 samples of 1,000 are 1 %"),
        (below_ten, "with 5,000 samples 45 are below 1 %"),
        (of_the_first_digit, "you return"),
        (longest_missing, "one class or another is missing: you return 2, expected 1"),
        (never_zero, "never has all classes: you return None, expected 0"),
        (lambda counts: is_missing(counts)[-1], "return a look's number or None"),
        (lambda counts: 2.5, "return a look's number or None"),
        (lambda counts, look: None, "can't be checked: TypeError"),
    ],
)
def test_wrong_alarms(capsys, answer, message):
    check_wrong(capsys, "lost_class", answer, message)


def test_another_right_alarm(capsys):
    """Written otherwise: from the end backwards, and with NumPy's numbers."""

    def backwards(counts):
        first = None
        for look in np.arange(len(counts))[::-1]:
            if (counts[look] >= 0.01 * counts[look].sum()).all():
                break
            first = look
        return first

    output = said(capsys, "lost_class", backwards)
    assert output.startswith("right: ") and "healthy ones [None" in output


# The cure --------------------------------------------------------------------


def rebuilt(seed, last="tanh", rates=(4e-3, 2e-3), **options):
    sick = exercises.patient(seed)
    end = keras.layers.Activation(last)
    layers = [keras.Input((100,)), *sick.generator.layers[:-1], end]
    dcgan = dk.DCGAN(keras.Sequential(layers), sick.discriminator, seed=seed)
    if rates:
        adams = [FusedAdam(rate, beta_1=0.0, beta_2=0.95) for rate in rates]
        dcgan.compile(*adams, **options)
    return dcgan


def bigger(seed):
    dcgan = dk.DCGAN(dk.build_generator(), dk.build_discriminator())
    dcgan.compile()
    return dcgan


TWICE = dk.DCGAN(dk.build_generator(channels=4), dk.build_discriminator(channels=4))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda seed: exercises.patient(seed), "the darkest pixel of its samples"),
        (lambda seed: rebuilt(seed, "relu"), "its samples run from 0.00 to"),
        (lambda seed: rebuilt(seed, rates=(4e-3, 0.0)), "no weight of the discrim"),
        (lambda seed: rebuilt(seed, rates=(0.0, 2e-3)), "still ill"),
        (lambda seed: rebuilt(seed, real_label=1.2), "a new illness"),
        (lambda seed: rebuilt(seed, rates=None), "not compiled"),
        (lambda seed: rebuilt(seed).generator, "return a dk.DCGAN; you return"),
        (bigger, "change one thing at a time"),
        (lambda seed: TWICE, "both seeds give the same model"),
        (lambda: None, "can't be checked: TypeError"),
    ],
)
def test_wrong_cures(capsys, answer, message, monkeypatch):
    monkeypatch.setattr(exercises, "STEPS", 3)
    check_wrong(capsys, "cured", answer, message)
