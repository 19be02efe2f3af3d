"""Notebook 09's exercises: the stub, the solution, and wrong answers people give."""

import numpy as np
import pytest
from exercise_cells import Exercises
from PIL import Image, ImageOps

import dcgan_keras as dk
from dcgan_keras import tf
from dcgan_keras.lessons.exercises import bigger as exercises
from dcgan_keras.training import recipe

notebook = Exercises("09_bigger.ipynb")
NAMES = ["four_devices", "device_loss", "read", "train_on"]


def said(capsys, name, answer):
    getattr(exercises, f"check_{name}")(answer)
    return capsys.readouterr().out


def check_wrong(capsys, name, answer, message):
    output = said(capsys, name, answer)
    assert output.startswith("not yet: ") and message in output


def test_the_notebook_has_each_exercise_once():
    calls = [f"exercises.check_{name}({name})" for name in NAMES]
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


# Four devices ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((96, 625, 4, 4), "the batch of all four"),
        ((25, 625, 4, 4), "share 96 evenly"),
        ((24, 2500, 4, 4), "uses 96 pictures, not 24"),
        ((24, 156, 4, 4), "it isn't 96 for each device"),
        ((24, 600, 4, 4), "96 a step"),
        ((24, 625, 96, 4), "is already taken"),
        ((24, 625, 24, 4), "is already taken"),
        ((24, 625, 1, 4), "add up to four times"),
        ((24, 625, 2, 4), "a mean of four means"),
        ((24, 625, 4, 1), "its own device"),
        ((24, 625, 4, 96), "you say 96"),
        ((24, 625, 4), "give four numbers"),
        (24, "give four numbers"),
    ],
)
def test_wrong_counts(capsys, answer, message):
    check_wrong(capsys, "four_devices", answer, message)


# One device's loss -----------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda x, n: tf.reduce_mean(x), "as many times too large"),
        (lambda x, n: tf.reduce_sum(x), "it has to be their mean"),
        (lambda x, n: tf.reduce_sum(x) / n, "it has to be their mean"),
        (lambda x, n: tf.reduce_mean(x) / n**2, "divided by the devices twice"),
        (lambda x, n: x / n, "return one number"),
        (lambda x, n: tf.reduce_mean(x) * 0 + 5, "the mean of the batch"),
        (lambda x, n: x.mean(), "raised AttributeError"),
    ],
)
def test_wrong_losses(capsys, loss, message):
    check_wrong(capsys, "device_loss", loss, message)


def test_a_loss_by_numpy_is_right(capsys):
    output = said(capsys, "device_loss", lambda x, n: np.mean(x) / n)
    assert output.startswith("right: for 1, 2 and 4 devices")


# A reader --------------------------------------------------------------------


def careless(path, *, turn=True, white=True, deep=True, cut=True):
    with Image.open(path) as image:
        image.load()
        image = ImageOps.exif_transpose(image) if turn else image.copy()
    if deep and image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if white and image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    image = image.convert("RGB")
    if cut:
        image = ImageOps.fit(image, (min(image.size),) * 2)
    return np.asarray(image.resize((64, 64)))


def test_another_way_to_read_is_right(capsys):
    assert said(capsys, "read", careless).startswith("right: all 10 files")


@pytest.mark.parametrize(
    ("forgotten", "message"),
    [
        ("turn", "EXIF says that it has to be turned"),
        ("white", "transparency belongs on white"),
        ("deep", "deep.png"),
        ("cut", "cut the middle square out"),
    ],
)
def test_forgetful_readers(capsys, forgotten, message):
    check_wrong(
        capsys, "read", lambda path: careless(path, **{forgotten: False}), message
    )


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda path: careless(path)[..., 0], "expected shape (64, 64, 3)"),
        (lambda path: careless(path)[:32], "got (32, 64, 3)"),
        (lambda path: careless(path) / 255, "expected uint8, got float64"),
        (lambda path: 255 - careless(path), "an ordinary picture"),
    ],
)
def test_wrong_readers(capsys, read, message):
    check_wrong(capsys, "read", read, message)


# A folder of one's own -------------------------------------------------------


def trained(folder, steps, channels=3, fitted=True):
    images = dk.load_dataset(folder, image_size=16, channels=channels).images
    dcgan = dk.DCGAN(*recipe.build_players(images.shape[1:], width=2))
    if fitted:
        recipe.compile_default(dcgan)
        dcgan.fit(dk.training_batches(images, 8), steps_per_epoch=steps, verbose=0)
    return dcgan


@pytest.mark.parametrize(
    ("train_on", "message"),
    [
        (lambda folder, steps: trained(folder, 1), "made 1 steps"),
        (lambda folder, steps: trained(folder, steps, channels=1), "channels=3"),
        (lambda folder, steps: trained(folder, steps, fitted=False), "not compiled"),
        (lambda folder, steps: trained(folder, steps).generator, "not a Sequential"),
        (
            lambda folder, steps: dk.load_dataset(folder),
            "raised ValueError: image_size",
        ),
    ],
)
def test_wrong_trainings(capsys, train_on, message):
    check_wrong(capsys, "train_on", train_on, message)


def test_a_training_at_another_size_is_right(capsys):
    assert "16×16×3" in said(capsys, "train_on", trained)


def test_a_training_that_blew_up_is_seen(capsys):
    def blown_up(folder, steps):
        dcgan = trained(folder, steps)
        dcgan.generator.trainable_variables[0].assign(
            dcgan.generator.trainable_variables[0] * np.nan
        )
        return dcgan

    check_wrong(capsys, "train_on", blown_up, "not finite")
