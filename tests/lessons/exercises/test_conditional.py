"""Notebook 10's exercises: the stub, the solution, and answers people really give."""

import numpy as np
import pytest
from exercise_cells import Exercises

from dcgan_keras import losses
from dcgan_keras.labels import asked_logits
from dcgan_keras.lessons.exercises import conditional as exercises
from dcgan_keras.models import build_discriminator, build_generator

NAME = "10_draw_me_a_seven.ipynb"

LETTERS = [
    (126, "give three numbers"),
    ((100, 26, 40_768), "the letter has to go in"),
    ((101, 26, 40_768), "twice letter 10"),
    ((110, 26, 40_768), "inputs: there are 26 classes"),
    ((26, 26, 40_768), "every T looks the same"),
    ((2600, 26, 40_768), "beside z, once"),
    ((130, 26, 40_768), "inputs: you say 130"),
    ((126, 1, 40_768), "never of which letter"),
    ((126, 2, 40_768), "one logit a letter; fake"),
    ((126, 10, 40_768), "answers: there are 26 classes"),
    ((126, 27, 40_768), "fake is no letter"),
    ((126, 52, 40_768), "says real (above 0) or fake"),
    ((126, 26, 26), "to each of the 1,568 units"),
    ((126, 26, 1568), "one letter more"),
    ((126, 26, 197_568), "the whole layer"),
    ((126, 26, 156_800), "with labels or without"),
    ((126, 26, 42_336), "without labels, too"),
    ((126, 26, 40_794), "the units have"),
    ((126, 26, 5), "weights: you say 5"),
]


def one_hot(labels, classes=10):
    return np.eye(classes, dtype=np.float32)[np.asarray(labels)]


def writer(digits=None, hand=None, label=one_hot, end=lambda images: images):
    """One right answer, with a switch for each mistake."""

    def write(draw, z, number):
        labels = [int(digit) for digit in str(number)]
        labels = labels if digits is None else digits(labels)
        rows = np.tile(z, (len(labels), 1)) if hand is None else hand(z, len(labels))
        return end(draw(np.concatenate([rows, label(labels)], axis=1)))

    return write


def new_hands(z, count):
    return np.random.default_rng(0).normal(size=(count, len(z)))


WRITES = [
    (lambda draw, z, number: np.zeros((4, 28, 28, 1)), "never called"),
    (writer(label=lambda labels: np.array(labels)[:, None]), "it got 101"),
    (writer(label=lambda labels: 2 * one_hot(labels)), "a single 1"),
    (writer(label=lambda labels: np.ones((len(labels), 10))), "a single 1"),
    (writer(digits=lambda labels: labels[::-1]), "you asked for [6, 2, 0, 2]"),
    (writer(digits=lambda labels: sorted({*labels})), "you asked for [0, 2, 6]"),
    (writer(hand=new_hands), "several hands"),
    (writer(hand=lambda z, n: np.tile(z + 1, (n, 1))), "not the one that was given"),
    (writer(end=lambda images: images[..., 0]), "return an array (4, 28, 28, 1)"),
    (writer(end=lambda images: images[::-1]), "not in the order"),
    (lambda draw, z, number: draw(z), "draw takes (N, 110)"),
]


def softplus(x):
    return np.logaddexp(0, x)


def loss_of(ask=None, ask_fakes=None, end=lambda real, fake: real + fake, mean=np.mean):
    """One right answer, with a switch for each mistake."""

    def asked(logits, labels):
        return logits[np.arange(len(labels)), labels]

    def loss(real_logits, fake_logits, labels):
        real = (ask or asked)(real_logits, labels)
        fake = (ask_fakes or ask or asked)(fake_logits, labels)
        return end(mean(softplus(-real)), mean(softplus(fake)))

    return loss


def softmax_loss(real_logits, fake_logits, labels):
    log_p = real_logits - np.log(np.exp(real_logits).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


LOSSES = [
    (loss_of(ask=lambda logits, labels: logits), "mean over all ten"),
    (loss_of(ask=lambda logits, labels: logits.max(axis=1)), "not the largest"),
    (loss_of(ask=lambda logits, labels: logits[:, labels]), "one from each row"),
    (lambda r, f, y: loss_of()(f, r, y), "calls the fakes real"),
    (loss_of(mean=np.sum), "not sums"),
    (loss_of(end=lambda real, fake: (real + fake) / 2), "sum of its two means"),
    (loss_of(end=lambda real, fake: real), "the fakes are left out"),
    (loss_of(end=lambda real, fake: fake), "the reals are left out"),
    (loss_of(ask_fakes=lambda logits, labels: logits[:, 0]), "of the same classes"),
    (loss_of(ask_fakes=lambda logits, labels: logits), "of one class each"),
    (loss_of(end=lambda real, fake: -real - fake), "log D is negative"),
    (softmax_loss, "a softmax says which class"),
    (loss_of(end=lambda real, fake: real * fake), "you say"),
    (lambda r, f, y: softplus(-r), "has shape (6, 10)"),
]


def planes_of(value=one_hot, order=lambda image, planes: [image, planes]):
    """One right answer, with a switch for each mistake."""

    def with_planes(images, labels, classes):
        shape = (*images.shape[:3], classes)
        rows = value(labels, classes)[:, np.newaxis, np.newaxis]
        parts = order(images, np.broadcast_to(rows, shape))
        return np.concatenate(parts, axis=3)

    return with_planes


def one_plane(images, labels, classes):
    plane = np.ones_like(images) * labels[:, None, None, None]
    return np.concatenate([images, plane], axis=3)


def at_a_corner(images, labels, classes):
    right = planes_of()(images, labels, classes)
    right[:, 1:, :, 1:] = 0
    return right


def for_28(images, labels, classes):
    planes = np.ones((len(images), 28, 28, 1)) * one_hot(labels, classes)[:, None, None]
    images = np.broadcast_to(images[:, :1, :1], (len(images), 28, 28, 1)) * 0 + (
        images if images.shape[1] == 28 else 0
    )
    return np.concatenate([images, planes], axis=3)


PLANES = [
    (one_plane, "class 3 thrice class 1"),
    (planes_of(order=lambda image, planes: [planes]), "the image itself is missing"),
    (planes_of(order=lambda image, planes: [image]), "yours is (3, 28, 28, 1)"),
    (planes_of(order=lambda image, planes: [planes, image]), "not before it"),
    (planes_of(order=lambda image, planes: [image * 2, planes]), "is not the image"),
    (at_a_corner, "in all of its pixels"),
    (planes_of(value=lambda y, n: 2 * one_hot(y, n) - 1), "not -1"),
    (planes_of(value=lambda y, n: one_hot(y, n) * y[:, None]), "not its number"),
    (planes_of(value=lambda y, n: 1 - one_hot(y, n)), "not the other way"),
    (planes_of(value=lambda y, n: one_hot(0 * y, n)), "are not one-hot"),
    (for_28, "an image of 14x14"),
    (
        planes_of(value=lambda y, n: one_hot([2, 0, 3][: len(y)], n)),
        "not for label 9 of ten",
    ),
]
WRONG = [
    (check, answer, message)
    for check, answers in [
        (exercises.check_letters, LETTERS),
        (exercises.check_write, WRITES),
        (exercises.check_loss, LOSSES),
        (exercises.check_planes, PLANES),
    ]
    for answer, message in answers
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_the_mistake_is_named(check, answer, message, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("not yet: ")
    assert message in said


def test_a_count_is_exact(capsys):
    exercises.check_letters((126, 26, 40_769))
    assert "you say 40,769" in capsys.readouterr().out


def test_right_answers_are_right(capsys):
    exercises.check_letters((126, 26, 40_768))
    exercises.check_write(writer())
    exercises.check_loss(loss_of())
    exercises.check_planes(planes_of())
    said = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in said] == ["right"] * 4


def test_the_letters_are_those_of_the_builders():
    """The numbers that check_letters calls right, counted in real players."""
    shape = {"channels": [32, 32, 32, 16], "classes": 26}
    plain = build_generator(**shape | {"classes": None})
    generator, discriminator = build_generator(**shape), build_discriminator(classes=26)
    more = generator.count_params() - plain.count_params()
    right = (generator.input_shape[1], discriminator.output_shape[1], more)
    assert right == (126, 26, exercises.MORE)


def test_the_loss_is_the_package_s():
    """What check_loss calls right is the loss that DCGAN minimises."""
    real, fake = np.random.default_rng(3).normal(size=(2, 5, 10)).astype(np.float32)
    labels = np.array([1, 9, 0, 3, 3])
    asked = [asked_logits(logits, labels) for logits in (real, fake)]
    package = losses.discriminator_loss(*asked)
    assert float(package) == pytest.approx(loss_of()(real, fake, labels), abs=1e-5)


@pytest.fixture(scope="module")
def notebook():
    return Exercises(NAME)


@pytest.fixture(scope="module")
def setup(notebook):
    return notebook.setup()


@pytest.mark.parametrize("number", range(4))
def test_the_stub_is_not_attempted(number, notebook, setup, capsys):
    notebook.check_stub(number, setup)
    assert capsys.readouterr().out.strip().splitlines()[-1] == "not attempted"


@pytest.mark.parametrize("number", range(4))
def test_the_solution_is_right(number, notebook, setup, capsys):
    notebook.check_solution(number, setup)
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("right")
