"""Checks of notebook 10's exercises: the sizes of players that know letters, a number
in one hand, D's loss from the asked logits, and labels as planes of an image."""

from collections.abc import Callable, Mapping

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers

LETTERS, LATENT_DIM, UNITS = 26, 100, 7 * 7 * 32
MORE = LETTERS * UNITS


@exercise
def check_letters(answer):
    """G's inputs, D's answers and G's additional weights, for 26 letters."""
    asked = ("inputs of G", "answers of D", "more weights")
    answer = numbers(answer, asked, f"give three numbers: ({', '.join(asked)})")
    inputs = {
        LATENT_DIM: "inputs: that is z alone; the letter has to go in, too",
        LATENT_DIM + 1: "inputs: as one number, letter 20 would be twice letter 10",
        LATENT_DIM + 10: "inputs: there are 26 classes here, not ten",
        LETTERS: "inputs: z goes in as well, or every T looks the same",
        LATENT_DIM * LETTERS: "inputs: the one-hot row stands beside z, once",
    }
    answers = {
        1: "answers: with one answer D says real or fake, and never of which letter",
        2: "answers: one logit a letter; fake is a logit below 0",
        10: "answers: there are 26 classes here, not ten",
        LETTERS + 1: "answers: fake is no letter of its own; it is a logit below 0",
        2 * LETTERS: "answers: one logit a letter says real (above 0) or fake",
    }
    weights = {
        LETTERS: "weights: each new input has a weight to each of the 1,568 units",
        UNITS: "weights: that is what one letter more costs",
        (LATENT_DIM + LETTERS) * UNITS: "weights: that is the whole layer",
        LATENT_DIM * UNITS: "weights: that is what z has, with labels or without",
        MORE + UNITS: "weights: a bias would stand there without labels, too",
        MORE + LETTERS: "weights: an input has no bias; the units have",
    }
    named = ("inputs", "answers", "weights")
    rights = (LATENT_DIM + LETTERS, LETTERS, MORE)
    lists = (inputs, answers, weights)
    for name, value, right, mistakes in zip(named, answer, rights, lists, strict=True):
        if value in mistakes:
            raise Wrong(mistakes[value])
        if value != right:
            raise Wrong(f"{name}: you say {value:,}, which is not it")
    return "126 inputs, 26 answers, 26 x 1,568 = 40,768 weights more"


@exercise
def check_write(write: Callable):
    """``write(draw, z, number)``: the digits of a number, all from one z."""
    z = np.random.default_rng(0).normal(size=LATENT_DIM).astype(np.float32)
    for number in (2026, 7, 1001):
        wanted = [int(digit) for digit in str(number)]
        draw = _Draw()
        images = _array(write(draw, z, number))
        if not draw.inputs:
            raise Wrong("draw was never called; it takes what G takes")
        inputs = np.concatenate(draw.inputs)
        if inputs.shape[1] != LATENT_DIM + 10:
            raise Wrong(
                "G takes 110 numbers, z and the one-hot digit; it got "
                f"{inputs.shape[1]}"
            )
        hands, labels = inputs[:, :LATENT_DIM], inputs[:, LATENT_DIM:]
        if not ((labels == 0) | (labels == 1)).all() or (labels.sum(axis=1) != 1).any():
            raise Wrong("after z comes a one-hot row: a single 1 among ten numbers")
        found = labels.argmax(axis=1).tolist()
        if found != wanted:
            raise Wrong(f"for {number} the digits are {wanted}; you asked for {found}")
        if not np.allclose(hands, hands[:1]):
            raise Wrong(
                f"{number} came in several hands: z changes from digit to digit"
            )
        if not np.allclose(hands, z):
            raise Wrong("all digits have one z, but not the one that was given")
        if images.shape != (len(wanted), 28, 28, 1):
            raise Wrong(
                f"for {number} return an array ({len(wanted)}, 28, 28, 1); yours is "
                f"{images.shape}"
            )
        if not np.allclose(images[:, 0, 0, 0], found):
            raise Wrong("the images are not in the order of the digits")
    return "one z, and a label for each digit"


class _Draw:
    """In G's place: notes what it is given, and writes the digit in a corner."""

    def __init__(self):
        self.inputs = []

    def __call__(self, inputs):
        inputs = np.asarray(inputs)
        if inputs.ndim != 2:
            raise Wrong(f"draw takes (N, 110); it got {inputs.shape}")
        self.inputs.append(inputs)
        images = np.zeros((len(inputs), 28, 28, 1), np.float32)
        if inputs.shape[1] > LATENT_DIM:
            images[:, 0, 0, 0] = inputs[:, LATENT_DIM:].argmax(axis=1)
        return images


@exercise
def check_loss(loss: Callable):
    """``loss(real_logits, fake_logits, labels)``: D's, in nats, from (N, 10) logits."""
    rng = np.random.default_rng(1)
    reals, fakes = rng.normal(0.5, 2, (2, 6, 10)).astype(np.float32)
    labels = np.array([7, 2, 2, 0, 9, 4])
    found = _array(loss(reals, fakes, labels))
    if found.shape not in ((), (1,)):
        raise Wrong(f"the loss is one number; yours has shape {found.shape}")
    rows = np.arange(6)
    real, fake = reals[rows, labels], fakes[rows, labels]
    right = _d_loss(real, fake)
    log_p = real - np.log(np.exp(reals).sum(axis=1))
    mistakes = {
        _d_loss(reals, fakes): "that is the mean over all ten logits; one is asked",
        _d_loss(reals.max(axis=1), fakes.max(axis=1)): (
            "take the logit of the label, not the largest of the ten"
        ),
        _d_loss(reals[:, labels], fakes[:, labels]): (
            "logits[:, labels] takes six logits of every image; take one from each row"
        ),
        _d_loss(fake, real): "that is the loss of a D that calls the fakes real",
        6 * right: "the losses are means over the images, not sums",
        right / 2: "D's loss is the sum of its two means",
        np.mean(_softplus(-real)): "the fakes are left out",
        np.mean(_softplus(fake)): "the reals are left out",
        _d_loss(real, fakes[:, 0]): "the fakes are asked of the same classes",
        _d_loss(real, fakes): "the fakes are asked of one class each, too",
        -np.mean(
            log_p
        ): "a softmax says which class; here each class says real or fake",
        -right: "log D is negative: the loss is minus its mean",
    }
    _compare(
        float(found.reshape(())),
        right,
        mistakes,
        "from the six labels you say "
        f"{float(found.reshape(())):.3f} nats; it is {right:.3f}",
    )
    return f"{right:.3f} nats: six logits of the reals, six of the fakes"


@exercise
def check_planes(with_planes: Callable):
    """``with_planes(images, labels, classes)``: a plane a class after the image."""
    rng = np.random.default_rng(2)
    images = rng.uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
    labels = np.array([2, 0, 3])
    found = _array(with_planes(images, labels, 4))
    if found.shape == (3, 28, 28, 2):
        raise Wrong("one plane with the label's number makes class 3 thrice class 1")
    if found.shape == (3, 28, 28, 4):
        raise Wrong("the image itself is missing, or has no channel of its own")
    if found.shape != (3, 28, 28, 5):
        raise Wrong(
            f"three images and four classes make (3, 28, 28, 5); yours is {found.shape}"
        )
    if np.allclose(found[..., -1:], images):
        raise Wrong("the planes come after the image, not before it")
    if not np.allclose(found[..., :1], images):
        raise Wrong("the first channel is not the image")
    planes = found[..., 1:]
    if not np.allclose(planes, planes[:, :1, :1]):
        raise Wrong("a plane has the same number in all of its pixels")
    said = planes[:, 0, 0]
    one_hot = np.eye(4)[labels]
    mistakes = {
        "0 where the class is not the label's, not -1": 2 * one_hot - 1,
        "1 where the class is the label's, not its number": one_hot * labels[:, None],
        "1 for the label's class and 0 for the others, not the other way": 1 - one_hot,
    }
    for message, wrong in mistakes.items():
        if np.allclose(said, wrong):
            raise Wrong(f"the planes hold {message}")
    if not np.allclose(said, one_hot):
        raise Wrong(f"labels 2, 0, 3 are not one-hot: {said.tolist()}")
    other = np.asarray(with_planes(images[:1, :14, :14], np.array([9]), 10))
    if other.shape != (1, 14, 14, 11):
        raise Wrong(
            f"an image of 14x14 and ten classes: (1, 14, 14, 11), not {other.shape}"
        )
    if not np.allclose(other[..., 1:], np.eye(10)[9]):
        raise Wrong("right for labels 2, 0, 3 of four, and not for label 9 of ten")
    return "one channel of image, and a plane a class"


def _array(answer) -> np.ndarray:
    if answer is None:  # the stub
        raise NotImplementedError
    return np.asarray(answer)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def _d_loss(real: np.ndarray, fake: np.ndarray) -> float:
    return float(np.mean(_softplus(-real)) + np.mean(_softplus(fake)))


def _compare(value: float, right: float, mistakes: Mapping, otherwise: str) -> None:
    for wrong, message in mistakes.items():
        if np.isclose(value, wrong, rtol=1e-4) and not np.isclose(
            wrong, right, rtol=1e-4
        ):
            raise Wrong(message)
    if not np.isclose(value, right, rtol=1e-4):
        raise Wrong(otherwise)
