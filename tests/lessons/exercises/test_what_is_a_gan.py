"""Notebook 01's exercises: the stub, the solution, and answers people really give."""

import itertools

import numpy as np
import pytest
from exercise_cells import Exercises
from scipy import stats

from dcgan_keras.lessons.exercises import what_is_a_gan as exercises

NOTEBOOK = Exercises("01_what_is_a_gan.ipynb")
SIGMA = stats.norm.pdf

ARROWS = [
    (-0.54, "it moves right"),
    (0.27, "the logit 2x rises by 2"),
    (0.73, "that is D's answer"),
    (1.46, "how unconvinced D is"),
    (0.39, "the slope of D, not of log D"),
    (1.0, "D(0.5) is 0.73 and not 0.5"),
    (0.134, "no mean over the four"),
    (0.755, "not 0.5"),
    (7.0, "first find D(0.5)"),
    ([1.91, 1.46, 1.0, 0.54], "has shape (4,)"),
    ("right", "should be a number; yours is 'right'"),
    (((0, 54),), "has shape (2,); a number has no comma in Python"),
    (float("nan"), "nan is not (1 - D(0.5))"),
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
    (lambda x: 0 * x + SIGMA(0) / 2, "at x = -5 it should be 0.0022 and is 0.1995"),
]


def update_with(loss_of, weights_of=lambda G, D: G.trainable_variables, says=None):
    """An update of G by any loss of D's logits, applied to any weights."""
    from dcgan_keras import tf

    def update(G, D, optimizer, z):
        weights = weights_of(G, D)
        with tf.GradientTape() as tape:
            loss = loss_of(tf, D(G(z, training=True), training=True))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss if says is None else says(loss)

    return update


def right_loss(tf, logits):
    return -tf.reduce_mean(tf.math.log_sigmoid(logits))


def says_without_moving(G, D, optimizer, z):
    from dcgan_keras import tf

    return right_loss(tf, D(G(z)))


def noise_of_its_own(G, D, optimizer, z):
    return update_with(right_loss)(G, D, optimizer, z[::-1][:32])


def by_an_optimizer_of_its_own(G, D, optimizer, z):
    return update_with(right_loss)(G, D, type(optimizer)(0.1), z)


def leaves_d_frozen(G, D, optimizer, z):
    D.trainable = False
    return update_with(right_loss)(G, D, optimizer, z)


UPDATES = [
    (by_an_optimizer_of_its_own, "of the optimizer given; it made 0"),
    (leaves_d_frozen, "D is left frozen"),
    (update_with(right_loss, says=lambda loss: [1, 2]), "should be one number"),
    (update_with(lambda tf, a: -right_loss(tf, a)), "uphill"),
    (
        update_with(lambda tf, a: tf.reduce_mean(tf.math.log_sigmoid(-a))),
        "minimax game",
    ),
    (
        update_with(lambda tf, a: -tf.reduce_mean(tf.math.log_sigmoid(-a))),
        "opposite of D",
    ),
    (
        update_with(lambda tf, a: -tf.reduce_sum(tf.math.log_sigmoid(a))),
        "64 times too long",
    ),
    (
        update_with(
            right_loss, lambda G, D: G.trainable_variables + D.trainable_variables
        ),
        "D has moved",
    ),
    (update_with(right_loss, lambda G, D: D.trainable_variables), "D has moved"),
    (says_without_moving, "G has not moved"),
    (update_with(right_loss, says=lambda loss: 2 * loss), "the number returned"),
    (noise_of_its_own, "noise z that was given"),
    (
        lambda G, D, optimizer, z: update_with(right_loss)(G, D, optimizer, z) and None,
        "now return the loss",
    ),
]


def three(count, rng, means=(-2, 0, 2), std=0.3, shares=None):
    centre = rng.choice(means, size=count, p=shares)
    return (centre + std * rng.standard_normal(count))[:, None]


def passes(samples):
    samples = np.asarray(samples)
    near = [samples[np.abs(samples - centre) < 0.9] for centre in (-2, 0, 2)]
    shares = [0.2 < len(points) / len(samples) < 0.45 for points in near]
    return all(shares) and all(0.15 < points.std() < 0.45 for points in near)


def perfect(noise):
    """A generator that sorts z into three bumps."""
    place = 3 * stats.norm.cdf(noise)
    bump = np.clip(np.floor(place), 0, 2)
    inside = np.clip(place - bump, 1e-6, 1 - 1e-6)
    return (2 * bump - 2 + 0.3 * stats.norm.ppf(inside)).astype("float32")


def share_test(samples):
    near = [np.mean(np.abs(samples - centre) < 1) for centre in (-2, 0, 2)]
    return min(near) > 0.25


def spread_test(samples):
    return abs(np.std(samples) - 1.66) < 0.15


SEEDS, PASSED = itertools.count(), (passes, perfect)
THREES = [
    ((three, passes, lambda z: 0.1 * z), "0 %, 100 %, 0 %"),
    ((three, passes, lambda z: z[:10]), "has shape (10, 1)"),
    (
        (three, passes, lambda z: three(5000, np.random.default_rng(0))),
        "doesn't look at z",
    ),
    (
        (three, passes, lambda z: three(5000, np.random.default_rng(next(SEEDS)))),
        "other points for the same z",
    ),
    ((three, lambda s: True, perfect), "leaves out the bump at -2"),
    ((three, lambda s: False, perfect), "refuses real data"),
    ((three, share_test, perfect), "spread evenly"),
    ((three, spread_test, perfect), "spread evenly"),
    (
        (
            three,
            lambda s: abs(np.mean(s)) < 0.1 and abs(np.std(s) - 1.66) < 0.022,
            lambda z: 1.66 * z,
        ),
        "accepts one broad bell",
    ),
    (
        (three, lambda s: share_test(s) and np.std(s[np.abs(s) < 1]) < 0.4, perfect),
        "three single points",
    ),
    ((lambda n, rng: three(n, rng, (0, 2)), passes, perfect), "no point near -2"),
    ((lambda n, rng: three(n, rng, std=0.09), passes, perfect), "deviation 0.09"),
    (
        (lambda n, rng: three(n, rng, shares=(0.5, 0.25, 0.25)), passes, perfect),
        "50 % of the points near -2",
    ),
    ((lambda n, rng: three(n, rng)[:, 0], passes, perfect), "has shape (6000,)"),
    (
        (lambda n, rng: three(n, np.random.default_rng(0)), passes, perfect),
        "the same points twice",
    ),
    (
        (lambda n, rng: three(n, np.random.default_rng(next(SEEDS))), passes, perfect),
        "another rng than the one given",
    ),
    ((lambda n, rng: 1.15 * three(n, rng), passes, perfect), "has its mean at -2."),
    (
        (lambda n, rng: np.where(rng.random((n, 1)) < 0.05, 9, three(n, rng)), *PASSED),
        "of the points near no bump",
    ),
]
WRONG = [
    (check, answers, message)
    for check, cases in [
        (exercises.check_arrow, ARROWS),
        (exercises.check_generator_update, UPDATES),
        (exercises.check_three_bumps, THREES),
        (exercises.check_transformed_density, DENSITIES),
    ]
    for answers, message in cases
]


@pytest.mark.parametrize("check, answers, message", WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(check, answers, message, capsys):
    check(*answers if isinstance(answers, tuple) else (answers,))
    said = capsys.readouterr().out
    assert said.startswith("not yet: ")
    assert message in said


def test_another_right_answer_is_right(capsys):
    exercises.check_arrow(0.54)
    exercises.check_three_bumps(three, passes, perfect)
    exercises.check_transformed_density(lambda x: stats.norm(1, 2).pdf(x))
    assert capsys.readouterr().out.count("right: ") == 3


def test_a_density_may_change_its_array(capsys):
    def density(x):
        x -= 1
        return SIGMA(x / 2) / 2

    exercises.check_transformed_density(density)
    assert capsys.readouterr().out.startswith("right")


@pytest.mark.parametrize(
    "answers",
    [(lambda n, rng: None, passes), (three, lambda samples: None)],
)
def test_a_half_written_answer_is_not_attempted(answers, capsys):
    exercises.check_three_bumps(*answers, perfect)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.fixture(scope="module")
def setup():
    """What the learner has: the setup, and the cell with the whole game."""
    namespace = NOTEBOOK.setup()
    for source in NOTEBOOK.tagged("game"):
        exec(source, namespace)
    return namespace


@pytest.mark.parametrize("number", range(4))
def test_the_stub_is_not_attempted(number, setup, capsys):
    NOTEBOOK.check_stub(number, setup)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize("number", range(4))
def test_the_solution_is_right(number, setup, capsys):
    NOTEBOOK.check_solution(number, setup)
    assert capsys.readouterr().out.startswith("right")


def test_there_are_four_of_each():
    counts = [len(NOTEBOOK.tagged(tag)) for tag in ("exercise", "check", "solution")]
    assert counts == [4, 4, 4]
