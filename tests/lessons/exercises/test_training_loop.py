"""Notebook 06's exercises: the stub, the solution, and wrong answers people give."""

import numpy as np
import pytest
from exercise_cells import Exercises

import dcgan_keras as dk
from dcgan_keras import keras
from dcgan_keras.lessons.exercises import training_loop as exercises

notebook = Exercises("06_the_training_loop.ipynb")
NAMES = ["counts", "diagnoses", "train_k", "variant"]


def said(capsys, name, answer):
    getattr(exercises, f"check_{name}")(answer)
    return capsys.readouterr().out


def check_wrong(capsys, name, answer, message):
    output = said(capsys, name, answer)
    assert output.startswith("not yet: ") and message in output


# The notebook's own ----------------------------------------------------------


def test_the_notebook_has_each_exercise_once():
    answers = ["counts", "diagnoses", "train_k", "my_variant"]
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
def test_the_solution_is_right(capsys, setup, number, monkeypatch):
    monkeypatch.setattr(exercises, "LOOK", min(exercises.LOOK, 2.0))
    monkeypatch.setattr(exercises, "_place", lambda distance: "placed")
    notebook.check_solution(number, setup)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("right: ")
    assert (number == 3) == ("the default, trained here in the same way: " in last)


# Counting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((469, 3, 256), "469th batch would hold 96"),
        ((468.75, 3, 256), "a batch is whole or left out"),
        ((60_000, 3, 256), "a batch of 128 images, not one"),
        ((128, 3, 256), "how many images are in one batch"),
        ((467, 3, 256), "you say 467"),
        ((468, 1500, 256), "a step is not an epoch"),
        ((468, 4, 256), "begun, after 1,404 steps"),
        ((468, 3.2, 256), "only whole ones"),
        ((468, 702_000, 256), "not multiply"),
        ((468, 12, 256), "you say 12"),
        ((468, 3, 128), "new ones for G's (line 7)"),
        ((468, 3, 384), "one of them is real"),
        ((468, 3, 2), "count images, not batches"),
        ((468, 3, 100), "you say 100"),
        ((468, 3), "give three numbers"),
        (468, "give three numbers"),
    ],
)
def test_wrong_counts(capsys, answer, message):
    check_wrong(capsys, "counts", answer, message)


def test_the_counts_are_those_of_the_pipeline():
    """What the check calls right is what ``training_batches`` does with MNIST."""
    from dcgan_keras.data.datasets import training_batches

    assert len(dk.load_dataset("mnist").images) == exercises.IMAGES
    numbers = np.zeros((exercises.IMAGES, 1, 1, 1), np.float32)
    numbers[:, 0, 0, 0] = np.linspace(-1, 1, exercises.IMAGES)  # images to tell apart
    batches = iter(training_batches(numbers, exercises.BATCH_SIZE))
    first_epoch = {x for _ in range(468) for x in next(batches).numpy().ravel()}
    assert len(first_epoch) == 468 * 128
    assert first_epoch & set(next(batches).numpy().ravel())  # of the second epoch


# Diagnoses -------------------------------------------------------------------


RIGHT = exercises.ANSWERS


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (RIGHT | {4: "healthy"}, "a low loss of G is no success"),
        (RIGHT | {1: "mixed batches"}, "G's loss is high: both say that D is ahead"),
        (RIGHT | {3: "D is too strong"}, "both cannot win"),
        (RIGHT | {2: "D is not trained"}, "more often than a coin"),
        (RIGHT | {2: "D is too strong"}, "six of ten"),
        (RIGHT | {4: "mixed batches"}, "every fake passes"),
        (RIGHT | {1: "sick"}, "run 1: expected one of healthy, D is too strong"),
        (RIGHT | {1: ...}, "run 1: expected one of"),
        ({1: "healthy"}, "the keys"),
        ("healthy", "give a dictionary"),
    ],
)
def test_wrong_diagnoses(capsys, answer, message):
    check_wrong(capsys, "diagnoses", answer, message)


def test_the_table_shows_the_runs():
    lines = exercises.mystery_runs().splitlines()
    assert [line.split()[0] for line in lines] == ["run", "1", "2", "3", "4"]
    shown = [[float(x) for x in line.split()[1:]] for line in lines[1:]]
    assert shown == [list(values) for values in exercises.RUNS.values()]


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
        (lambda k, steps: None, "can't be checked: TypeError"),
    ],
)
def test_wrong_loops(capsys, answer, message):
    check_wrong(capsys, "train_k", answer, message)


def test_another_right_loop(capsys):
    """Written otherwise than the solution: all is drawn before it is needed."""
    assert said(capsys, "train_k", loop("d")).startswith("right: ")


def test_a_loop_may_name_what_it_hands_over(capsys):
    def named(k, steps, batches, noise, update_d, update_g):
        for _ in range(steps):
            for _ in range(k):
                update_d(reals=next(batches), z=noise())
            update_g(z=noise())

    assert said(capsys, "train_k", named).startswith("right: ")


# A variant of one's own ------------------------------------------------------


def small(compiled=True, shape=(28, 28, 1), **options):
    sizes = {"image_shape": shape, "channels": 4, "kernel_size": 4}
    model = dk.DCGAN(dk.build_generator(**sizes), dk.build_discriminator(**sizes))
    if compiled:
        model.compile(**options)
    return model


def blind(seed):
    """Neither player learns anything."""
    rates = {f"{x}_optimizer": keras.optimizers.SGD(0.0) for x in PLAYERS}
    return small(**rates), 32


def exploding(seed):
    rates = {f"{x}_optimizer": keras.optimizers.SGD(1e30) for x in PLAYERS}
    return small(**rates), 32


PLAYERS = ("generator", "discriminator")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda seed: small(), "return two things"),
        (lambda seed: (small().generator, 32), "expected a dk.DCGAN"),
        (lambda seed: (small(compiled=False), 32), "not compiled"),
        (lambda seed: (small(shape=(32, 32, 3)), 32), "MNIST is (28, 28, 1)"),
        (lambda seed: (small(), 0), "the batch size is 0"),
        (lambda seed: (small(), 12.5), "the batch size is 12.5"),
        (lambda: (small(), 32), "can't be checked: TypeError"),
        (blind, "as of grey squares"),
        (exploding, "the learning rate not too high"),
    ],
)
def test_wrong_variants(capsys, answer, message, monkeypatch):
    monkeypatch.setattr(exercises, "LOOK", 0.1)
    check_wrong(capsys, "variant", answer, message)


def test_a_batch_size_of_numpy_in_a_list_will_do():
    model = small()
    made = exercises._checked_variant([model, np.int64(32)])
    assert made == (model, 32) and type(made[1]) is int


def test_the_place_is_between_the_recorded_medians(monkeypatch):
    rows = [
        {"variant": name, "look": 5.0, "frechet": value}
        for name, values in {"a": (90, 100, 110), "b": (9, 10, 99)}.items()
        for value in values
    ]
    monkeypatch.setattr(exercises, "recorded_table", lambda name: (rows, {}))
    assert "between 'a' (100.0) and 'b' (10.0)" in exercises._place(50.0)
    assert "nothing on the staircase is nearer" in exercises._place(5.0)
    assert "every step of the staircase is nearer" in exercises._place(500.0)
