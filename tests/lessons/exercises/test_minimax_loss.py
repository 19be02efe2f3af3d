"""Notebook 02's exercises: the stub, the solution, and wrong answers people give."""

import re
from pathlib import Path
from unittest.mock import Mock

import nbformat
import numpy as np
import pytest

from dcgan_keras.lessons.exercises import minimax_loss as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "02_the_minimax_loss.ipynb"
NAMES = {
    "check_value_at_the_end": ["value_at_the_end"],
    "check_losses": ["my_discriminator_loss", "my_generator_loss"],
    "check_collapse": ["collapsed_run"],
    "check_optimal_with_share": ["best_with_share"],
    "check_cured_step": ["extragradient_step"],
}


def cells_tagged(tag):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [c.source for c in notebook.cells if tag in c.metadata.get("tags", [])]


def the_one_with(name, sources):
    found = [s for s in sources if re.search(rf"\b{name}", s)]
    assert len(found) == 1, f"{name} is in {len(found)} cells"
    return found[0]


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, dtype=float)))


def naive_loss(real, fake):
    return -np.mean(np.log(sigmoid(real))) - np.mean(np.log(1 - sigmoid(fake)))


def naive_g(fake):
    return -np.mean(np.log(sigmoid(fake)))


def softplus(x):
    return np.logaddexp(0, x)


def right_d(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


def right_g(fake):
    return softplus(-fake).mean()


def answers_in(source, names):
    namespace = {"np": np, "exercises": exercises, "figures": Mock()}
    exec(source, namespace)
    return [namespace[name] for name in names]


@pytest.mark.parametrize(("check", "names"), NAMES.items())
def test_stub_is_not_attempted(check, names, capsys):
    stub = the_one_with(names[0], cells_tagged("exercise"))
    getattr(exercises, check)(*answers_in(stub, names))
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize(("check", "names"), NAMES.items())
def test_solution_is_right(check, names, capsys):
    solution = the_one_with(f"{names[0]}(?= =|\\()", cells_tagged("solution"))
    code = re.search(r"```python\n(.*?)```", solution, re.DOTALL).group(1)
    getattr(exercises, check)(*answers_in(code, names))
    assert capsys.readouterr().out.startswith("right: ")


def overflowing(x):
    """softplus(x), exact where x is small or very negative."""
    return np.log1p(np.exp(x))


def wrong_way(x):
    """softplus(-x), exact where a player is wrong, and infinite where it is right."""
    return np.log1p(np.exp(x)) - x


def extragradient(d, g, rate, climb=1, descend=1):
    ahead_d, ahead_g = d + climb * rate * g, g - descend * rate * d
    return d + climb * rate * ahead_g, g - descend * rate * ahead_d


def two_steps(d, g, rate):
    d, g = d + rate * g, g - rate * d
    return d + rate * g, g - rate * d


WRONG = [
    ("check_value_at_the_end", -0.693, "one of the two terms"),
    ("check_value_at_the_end", 1.386, "D's loss, -V"),
    ("check_value_at_the_end", 0.6931, "sign lost"),
    ("check_value_at_the_end", -2, "in bits"),
    ("check_value_at_the_end", 0, "never wrong"),
    ("check_value_at_the_end", 0.5, "D's answer"),
    ("check_value_at_the_end", -5.0, "put D = 1/2 into both terms"),
    ("check_value_at_the_end", float("nan"), "not V"),
    ("check_value_at_the_end", "log 4", "should be a number; yours is 'log 4'"),
    ("check_losses", (naive_loss, right_g), "use a softplus"),
    (
        "check_losses",
        (right_d, lambda f: right_g(f) if len(f) > 1 else "?"),
        "G's loss where D is certain should be a number",
    ),
    (
        "check_optimal_with_share",
        lambda p, q, share: 0.8 * p / (0.8 * p + 0.2 * q),
        "not for 0.5: use share",
    ),
    ("check_cured_step", lambda d, g, rate: (0.76, -0.755), "use d, g and rate"),
    ("check_losses", (right_d, naive_g), "G's loss is right for small logits"),
    (
        "check_losses",
        (lambda r, f: overflowing(-r).mean() + overflowing(f).mean(), right_g),
        "D's loss is right for small logits",
    ),
    ("check_losses", (right_d, lambda f: wrong_way(f).mean()), "gives inf, not 0"),
    (
        "check_losses",
        (lambda r, f: softplus(r).mean() + softplus(-f).mean(), right_g),
        "labels are swapped",
    ),
    ("check_losses", (lambda r, f: -naive_loss(r, f), right_g), "the sign"),
    (
        "check_losses",
        (lambda r, f: softplus(-r).sum() + softplus(f).sum(), right_g),
        "a sum where a mean",
    ),
    (
        "check_losses",
        (lambda r, f: np.mean(np.concatenate([softplus(-r), softplus(f)])), right_g),
        "one mean over all",
    ),
    ("check_losses", (lambda r, f: naive_loss(r, f) / 2, right_g), "half of V's"),
    (
        "check_losses",
        (
            lambda r, f: -np.log2(sigmoid(r)).mean() - np.log2(1 - sigmoid(f)).mean(),
            right_g,
        ),
        "in bits",
    ),
    (
        "check_losses",
        (lambda r, f: softplus(-r).mean() + softplus(-f).mean(), right_g),
        "non-saturating",
    ),
    ("check_losses", (lambda r, f: softplus(-r), right_g), "the mean is missing"),
    ("check_losses", (lambda r, f: softplus(f).mean(), right_g), "real images is"),
    ("check_losses", (lambda r, f: 1.0, right_g), "not 1.0754"),
    ("check_optimal_with_share", lambda p, q, s: p / (p + q), "no effect"),
    (
        "check_optimal_with_share",
        lambda p, q, s: (1 - s) * q / (s * p + (1 - s) * q),
        "generated image: 1 - D",
    ),
    (
        "check_optimal_with_share",
        lambda p, q, s: (1 - s) * p / ((1 - s) * p + s * q),
        "swapped",
    ),
    ("check_optimal_with_share", lambda p, q, s: s * p / (p + q), "below the fraction"),
    (
        "check_optimal_with_share",
        lambda p, q, s: s * p / (s * p + q),
        "need their share too",
    ),
    (
        "check_optimal_with_share",
        lambda p, q, s: s * p / ((1 - s) * q),
        "the densities' ratio",
    ),
    ("check_optimal_with_share", lambda p, q, s: 0 * p, "weigh the two densities"),
    ("check_cured_step", lambda d, g, r: (d + r * g, g - r * d), "simultaneous step"),
    (
        "check_cured_step",
        lambda d, g, r: (d + r * g, g - r * (d + r * g)),
        "alternating step",
    ),
    ("check_cured_step", two_steps, "two whole steps"),
    (
        "check_cured_step",
        lambda d, g, r: extragradient(d, g, r, descend=-1),
        "g must descend",
    ),
    (
        "check_cured_step",
        lambda d, g, r: extragradient(d, g, r, climb=-1),
        "d must climb",
    ),
    ("check_cured_step", lambda d, g, r: extragradient(d, g, r)[::-1], "exchanged"),
    ("check_cured_step", lambda d, g, r: (d, g), "it goes to"),
    ("check_cured_step", lambda d, g, r: 0.3, "it goes to"),
    (
        "check_losses",
        (right_d, lambda f: -softplus(f).mean()),
        "that is the saturating loss",
    ),
    ("check_losses", (right_d, lambda f: softplus(f).mean()), "G would help D"),
    ("check_losses", (right_d, lambda f: -right_g(f)), "that is log D"),
    ("check_losses", (right_d, lambda f: softplus(-f)), "G's loss: one number"),
    ("check_losses", (right_d, lambda f: softplus(-f).sum()), "G's loss: a sum"),
    ("check_losses", (right_d, lambda f: right_g(f) / np.log(2)), "G's loss: in bits"),
    ("check_losses", (right_d, lambda f: 1.0), "not 1.8123"),
    ("check_collapse", "A", "variety without quality"),
    ("check_collapse", "b", "hardly any point is good"),
    ("check_collapse", "D", "it is healthy"),
    ("check_collapse", "run C", "expected one of the letters A, B, C, D"),
    ("check_collapse", 3, "expected one of the letters"),
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_wrong_answer_is_told_its_mistake(check, answer, message, capsys):
    answers = answer if isinstance(answer, tuple) else (answer,)
    getattr(exercises, check)(*answers)
    out = capsys.readouterr().out
    assert out.startswith("not yet: ") and out.count("\n") == 1
    assert message in out


def test_one_number_in_a_list_is_one_number(capsys):
    exercises.check_losses(lambda r, f: [right_d(r, f)], lambda f: [right_g(f)])
    exercises.check_value_at_the_end([-1.386])
    assert capsys.readouterr().out.count("right: ") == 2


def test_an_answer_may_change_the_arrays_that_it_gets(capsys):
    def in_place(p, q, share):
        p *= share
        q *= 1 - share
        return p / (p + q)

    exercises.check_optimal_with_share(in_place)
    assert capsys.readouterr().out.startswith("right")


def test_every_exercise_has_at_least_four_wrong_answers():
    counts = [sum(check == name for check, *_ in WRONG) for name in NAMES]
    assert min(counts) >= 4
