"""Notebook 06's exercises: the stub, the solution, and wrong answers people give."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from dcgan_keras.lessons.exercises import training_loop as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "06_the_training_loop.ipynb"
NAMES = ["counts", "diagnoses", "train_k", "noise"]


def cells(tag):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [c.source for c in notebook.cells if tag in c.metadata.get("tags", [])]


def said(capsys, name, answer):
    getattr(exercises, f"check_{name}")(answer)
    return capsys.readouterr().out


def check_wrong(capsys, name, answer, message):
    output = said(capsys, name, answer)
    assert output.startswith("not yet: ") and message in output


# The notebook's own ----------------------------------------------------------


def test_the_notebook_has_each_exercise_once():
    assert len(cells("exercise")) == len(cells("solution")) == len(NAMES)
    assert cells("check") == [f"exercises.check_{name}({name})" for name in NAMES]


@pytest.mark.parametrize(("index", "name"), list(enumerate(NAMES)))
def test_the_stub_is_not_attempted(capsys, index, name):
    namespace = {"exercises": exercises}
    exec(cells("exercise")[index], namespace)
    capsys.readouterr()
    assert said(capsys, name, namespace[name]) == "not attempted\n"


@pytest.mark.parametrize(("index", "name"), list(enumerate(NAMES)))
def test_the_solution_is_right(capsys, index, name):
    namespace = {"np": np}
    code = re.search(r"```python\n(.*?)```", cells("solution")[index], re.DOTALL)
    exec(code.group(1), namespace)
    assert said(capsys, name, namespace[name]).startswith("right: ")


# Counting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((45, 9, 64), "45th batch would hold 7"),
        ((44.22, 9, 64), "a batch is whole or left out"),
        ((1415, 9, 64), "a batch of 32 images, not one"),
        ((32, 9, 64), "how many images are in one batch"),
        ((43, 9, 64), "you say 43"),
        ((44, 400, 64), "a step is not an epoch"),
        ((44, 10, 64), "begun, after 396 steps"),
        ((44, 9.09, 64), "only whole ones"),
        ((44, 17600, 64), "not multiply"),
        ((44, 12, 64), "you say 12"),
        ((44, 9, 32), "new ones for G's (line 7)"),
        ((44, 9, 96), "one of them is real"),
        ((44, 9, 2), "count images, not batches"),
        ((44, 9, 100), "you say 100"),
        ((44, 9), "give three numbers"),
        (44, "give three numbers"),
    ],
)
def test_wrong_counts(capsys, answer, message):
    check_wrong(capsys, "counts", answer, message)


def test_the_counts_are_those_of_the_pipeline():
    """What the check calls right is what ``training_batches`` does with the digits."""
    from dcgan_keras.data.datasets import load_dataset, training_batches

    images = load_dataset("digits").images
    assert len(images) == exercises.IMAGES
    steps = len(images) // exercises.BATCH_SIZE
    batches = training_batches(images, exercises.BATCH_SIZE).take(steps + 1)
    seen = [{image.tobytes() for image in batch.numpy()} for batch in batches]
    first_epoch = set().union(*seen[:steps])
    known = {image.tobytes() for image in images}
    assert len(first_epoch) >= 44 * 32 - (len(images) - len(known))
    assert seen[steps] & first_epoch  # the 45th batch is of the second epoch


# Diagnoses -------------------------------------------------------------------


RIGHT = exercises.ANSWERS


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (RIGHT | {"D": "healthy"}, "a low G loss is no success"),
        (RIGHT | {"A": "mixed batches"}, "G's loss is high: both say that D is ahead"),
        (RIGHT | {"C": "D has won"}, "both cannot win"),
        (RIGHT | {"B": "D is not trained"}, "more often than a coin"),
        (RIGHT | {"B": "D has won"}, "62 of 100"),
        (RIGHT | {"D": "mixed batches"}, "every fake passes"),
        (RIGHT | {"A": "sick"}, "A: expected one of healthy, D has won"),
        (RIGHT | {"A": ...}, "A: expected one of"),
        ({"A": "healthy"}, "the keys"),
        ("healthy", "give a dictionary"),
    ],
)
def test_wrong_diagnoses(capsys, answer, message):
    check_wrong(capsys, "diagnoses", answer, message)


def test_the_table_shows_the_runs(capsys):
    lines = exercises.mystery_runs().splitlines()
    assert [line.split()[0] for line in lines] == ["run", "A", "B", "C", "D"]
    assert lines[4].split()[1:] == ["3.07", "0.09", "1.00", "0.00"]


# k updates of D --------------------------------------------------------------


def loop(inner, outer="g", reals="new", z="new", g_noise="new", times=0):
    """A ``train_k`` whose inner and outer part make the updates named in letters."""

    def train_k(k, steps, batches, noise, update_d, update_g):
        first_images, first_z = (next(batches) if reals == "old" else None), noise()
        old_g_noise = noise()
        for _ in range(steps + times):
            images = next(batches)
            last = drawn = noise()
            for number in range(k):
                for player in inner:
                    if player == "d":
                        if number > 0 and reals == "new":
                            images = next(batches)
                        if number > 0 and z == "new":
                            drawn = noise()
                        last = first_z if z == "one" else drawn
                        update_d(first_images or images, last)
                    else:
                        update_g(noise())
            for player in outer:
                new = {"new": noise(), "old": last, "one": old_g_noise}[g_noise]
                update_d(next(batches), noise()) if player == "d" else update_g(new)

    return train_k


def g_first(k, steps, batches, noise, update_d, update_g):
    for _ in range(steps):
        update_g(noise())
        for _ in range(k):
            update_d(next(batches), noise())


def one_after_the_other(k, steps, batches, noise, update_d, update_g):
    for _ in range(k * steps):
        update_d(next(batches), noise())
    for _ in range(steps):
        update_g(noise())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (loop("", "dg"), "D is updated once a step, but k = 3"),
        (loop("dg", ""), "inside the inner loop; it ends at line 6"),
        (loop("g", "g"), "with k = 1 the updates of 2 steps come as GGGG"),
        (loop("d", ""), "G is never updated"),
        (loop("", "g"), "D is never updated"),
        (loop("d", "gg"), "with k = 1 the updates"),
        (loop("d", "g", times=1), "3 steps were made, not the 2"),
        (loop("d", "g", times=-1), "1 steps were made, not the 2"),
        (loop("d", reals="same"), "line 4 is inside the inner loop"),
        (loop("d", reals="old"), "line 4 is inside the inner loop"),
        (loop("d", z="same"), "line 3 is inside the inner loop"),
        (loop("d", g_noise="old"), "line 7 draws new noise"),
        (loop("d", g_noise="one"), "the same in two steps"),
        (g_first, "G comes before D"),
        (one_after_the_other, "they must alternate"),
        (lambda *game: None, "nobody was updated"),
        (lambda k, steps, b, noise, d, g: d(noise(), next(b)), "in this order"),
        (lambda k, steps, b, noise, d, g: g(next(b)), "G sees no real image"),
        (lambda k, steps: None, "raised TypeError"),
    ],
)
def test_wrong_loops(capsys, answer, message):
    check_wrong(capsys, "train_k", answer, message)


def test_another_right_loop(capsys):
    """Written otherwise than the solution: all is drawn before it is needed."""
    assert said(capsys, "train_k", loop("d")).startswith("right: ")


# Noise -----------------------------------------------------------------------


shared = np.random.default_rng(0)


def by_global_seed(seed, step, draw, shape):
    np.random.seed([seed, step, draw])  # noqa: NPY002 - the mistake itself
    return np.random.standard_normal(shape)  # noqa: NPY002


def keyed(*names, sample="standard_normal"):
    """Noise from a generator that is seeded by some of the arguments alone."""

    def noise(seed, step, draw, shape):
        given = {"seed": seed, "step": step, "draw": draw}
        rng = np.random.default_rng([given[name] for name in names])
        return getattr(rng, sample)(size=shape)

    return noise


def from_number(mix):
    return lambda seed, step, draw, shape: np.random.default_rng(
        mix(seed, step, draw)
    ).standard_normal(shape)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *_: shared.standard_normal((200, 50)), "a resumed run would differ"),
        (lambda s, t, d, shape: np.random.default_rng().normal(size=shape), "resumed"),
        (by_global_seed, "changes NumPy's global generator"),
        (keyed("seed", "draw"), "every step has the same noise"),
        (keyed("seed"), "every step has the same noise"),
        (keyed("seed", "step"), "both draws of a step are equal"),
        (keyed("step", "draw"), "another seed gives the same noise"),
        (from_number(lambda s, t, d: s + t + d), "keep the three apart"),
        (from_number(lambda s, t, d: 2 * s + t + 5 * d), "keep the three apart"),
        (from_number(lambda s, t, d: s * t + d), "every step has the same noise"),
        (keyed("seed", "step", "draw", sample="random"), "uniform noise"),
        (
            lambda *keys: 2 * keyed("seed", "step", "draw")(*keys),
            "deviation 1.99; expected 0 and 1",
        ),
        (
            lambda *keys: (
                3.4 * (keyed("seed", "step", "draw", sample="random")(*keys)) - 1.7
            ),
            "no number beyond 2",
        ),
        (
            lambda s, t, d, shape: np.full(
                shape, np.random.default_rng([s, t, d]).normal(size=shape[1])
            ),
            "numbers repeat",
        ),
        (lambda s, t, d, shape: np.zeros(shape[::-1]), "has shape (50, 200)"),
        (lambda s, t, d, shape: np.zeros(shape) - 1, "deviation 0.00"),
    ],
)
def test_wrong_noise(capsys, answer, message):
    check_wrong(capsys, "noise", answer, message)


def test_other_right_noise(capsys):
    """One number is as good as three where no two triples share it."""

    def packed(seed, step, draw, shape):
        return np.random.default_rng((seed << 40) + 2 * step + draw).normal(size=shape)

    assert said(capsys, "noise", packed).startswith("right: ")
