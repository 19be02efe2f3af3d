"""Notebook 04's exercises: the stub, the solution, and answers people really give."""

import json
import linecache
from pathlib import Path

import numpy as np
import pytest

from dcgan_keras import keras
from dcgan_keras.lessons.exercises import layers as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "04_the_layers_of_a_dcgan.ipynb"

COUNTS = [
    ((32, 128, 128), "over all positions too"),
    ((196, 128, 128), "14 * 14 is one image"),
    ((64, 128, 128), "how many means there are"),
    ((401408, 128, 128), "divide by 64"),
    ((12544, 128, 128), "not one image"),
    ((2048, 128, 128), "does mix positions"),
    ((7, 128, 128), "32 images of 14 * 14"),
    ((6272, 64, 128), "trained: there are two for each channel"),
    ((6272, 256, 0), "256 is both kinds"),
    ((6272, 128, 0), "not trained: the moving mean and variance are weights"),
    ((6272, 2, 128), "once for each of the 64"),
    ((6272, 25088, 128), "not to a pixel"),
    ((6272, 128, 5), "you say 5"),
    (6272, "give three numbers"),
]
EYE = np.eye(3)


def spread(weights):
    """The same (3, 3) channel weights at each of the four pixels."""
    return np.broadcast_to(weights, (2, 2, 3, 3)).copy()


one_pixel = np.zeros((2, 2, 3, 3))
one_pixel[0, 0] = EYE
KERNELS = [
    (np.full((2, 2), 1 / 4), "for one channel"),
    (np.full((2, 2, 3), 1 / 4), "channels in, channels out"),
    (np.zeros((3, 3, 2, 2)), "the channels come last"),
    (np.zeros((5, 5, 3, 3)), "expected (2, 2, 3, 3)"),
    (spread(np.ones((3, 3))), "mixes the colours"),
    (spread(np.full((3, 3), 1 / 4)), "red must see red alone"),
    (spread(np.full((3, 3), 1 / 12)), "makes it grey"),
    (spread(EYE), "the sum of the four pixels"),
    (spread(EYE / 2), "add up to 1, not to 2"),
    (spread(EYE / 12), "not by the 12 numbers"),
    (spread(EYE / 9), "not by 9"),
    (one_pixel, "do not count the same"),
    (spread(EYE[::-1] / 4), "a colour sees another colour"),
    (spread(EYE / 5), "four weights should be 1/4"),
]


def masked(x, rate, rng, scale=1.0, shape=None):
    return np.where(rng.random(shape or x.shape) >= rate, x * scale, 0)


def only_in_training(function):
    """A dropout that is right at test time and does `function` in training."""
    return lambda x, rate, training, rng: function(x, rate, rng) if training else x


def changes_x(x, rate, training, rng):
    if training:
        x[...] = masked(x, rate, rng, 1 / (1 - rate))
    return x


DROPOUTS = [
    (only_in_training(lambda x, p, rng: masked(x, p, rng)), "are not scaled"),
    (only_in_training(lambda x, p, rng: masked(x, p, rng, 1 - p)), "by 1 - rate; div"),
    (only_in_training(lambda x, p, rng: masked(x, p, rng, 1 / p)), "divided by rate"),
    (only_in_training(lambda x, p, rng: masked(x, p, rng, p)), "multiplied by rate"),
    (only_in_training(lambda x, p, rng: masked(x, p, rng, 1 + p)), "1 + rate is near"),
    (only_in_training(lambda x, p, rng: masked(x, p, rng, 3)), "scaled by 3"),
    (
        only_in_training(lambda x, p, rng: masked(x, 1 - p, rng, 1 / p)),
        "share dropped, not kept",
    ),
    (
        only_in_training(lambda x, p, rng: masked(x, 0.5, rng, 2)),
        "are zeroed at rate 0.2",
    ),
    (only_in_training(lambda x, p, rng: x), "nothing is zeroed"),
    (
        only_in_training(lambda x, p, rng: masked(x, p, np.random.default_rng(3))),
        "draw the mask from rng",
    ),
    (
        only_in_training(lambda x, p, rng: masked(x, p, rng, 1.25, x.shape[1:])),
        "whole rows or columns",
    ),
    (
        lambda x, p, training, rng: masked(x, p, rng, 1 / (1 - p)),
        "with training=False it still drops",
    ),
    (
        lambda x, p, training, rng: masked(x, p, rng) if training else (1 - p) * x,
        "Keras scales in training",
    ),
    (
        lambda x, p, training, rng: (
            masked(x, p, rng, 1 / (1 - p)) if training else x / (1 - p)
        ),
        "nothing is dropped, so nothing is scaled",
    ),
    (lambda x, p, training, rng: x - 1, "should be x, unchanged"),
    (
        only_in_training(lambda x, p, rng: masked(x, p, np.random, 1 / (1 - p))),
        "the same rng gives two masks",
    ),
    (
        only_in_training(lambda x, p, rng: masked(x, 0.2, rng, 1.25)),
        "right for a rate of 0.2, and not for 0.5",
    ),
    (
        only_in_training(lambda x, p, rng: masked(0 * x + 2, p, rng, 1 / (1 - p))),
        "differ",
    ),
    (changes_x, "changes x itself"),
    (lambda x, p, training, rng: x.mean(), "has shape ()"),
]
EPSILON = 1e-5


def norm(  # one right answer, with a switch for each mistake
    momentum=0.9,
    axes=(0, 1, 2),
    ddof=0,
    swapped=False,
    always=None,
    late=False,
    updates=True,
    at_test=False,
    divide=lambda x, m, v: (x - m) / np.sqrt(v + EPSILON),
    keep=lambda v: v,
):
    def batch_norm(x, mean, variance, training):
        old = mean, variance
        batch = x.mean(axes), x.var(axes, ddof=ddof)
        new = [
            momentum * o + (1 - momentum) * b
            for o, b in zip(old, (batch[0], keep(batch[1])), strict=True)
        ]
        uses_batch = always if always is not None else training != swapped
        used = (new if late else batch) if uses_batch else old
        if (training and updates) or at_test:
            mean, variance = new
        return divide(x, *used), mean, variance

    return batch_norm


def per_pixel(x, mean, variance, training):
    mean, variance = (mean + x.mean(0)), (variance + x.var(0))
    return x, mean, variance


def per_image(x, mean, variance, training):
    mean, variance = mean + x.mean((1, 2)), variance + x.var((1, 2))
    return x, mean, variance


def instance(x, mean, variance, training):
    if not training:
        return norm()(x, mean, variance, training)
    m, v = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return (x - m) / np.sqrt(v + EPSILON), mean, variance


def whole(x, mean, variance, training):
    if not training:
        return norm()(x, mean, variance, training)
    return (x - x.mean()) / np.sqrt(x.var() + EPSILON), mean, variance


NORMS = [
    (norm(always=True), "training=False: uses the batch"),
    (norm(always=False), "training=True: uses the moving averages"),
    (norm(swapped=True), "training=False: uses the batch"),
    (norm(late=True), "after their update"),
    (norm(divide=lambda x, m, v: (x - m) / (v + EPSILON)), "by the variance, not"),
    (norm(divide=lambda x, m, v: x - m), "does not divide"),
    (norm(divide=lambda x, m, v: x / np.sqrt(v + EPSILON)), "does not subtract"),
    (norm(divide=lambda x, m, v: (x - m) * np.sqrt(v + EPSILON)), "multiplies where"),
    (norm(divide=lambda x, m, v: (x - m) / np.sqrt(np.maximum(v, 0))), "epsilon is"),
    (norm(divide=lambda x, m, v: (x - m) / (np.sqrt(v) + EPSILON)), "under the root"),
    (norm(divide=lambda x, m, v: (x - m) / np.sqrt(v + 1e-3)), "y is not (x - mean)"),
    (norm(divide=lambda x, m, v: x - 7), "y is not (x - mean)"),
    (per_pixel, "not 0 alone"),
    (per_image, "over the batch axis as well"),
    (instance, "instance normalization"),
    (whole, "keep channels apart"),
    (norm(at_test=True), "must not change"),
    (norm(updates=False), "were not updated"),
    (norm(momentum=0.0), "were replaced"),
    (norm(momentum=0.1), "belongs to the old average"),
    (norm(momentum=0.99), "here it is 0.9"),
    (norm(momentum=0.5), "0.9 * old"),
    (norm(keep=lambda v: v * 320 / 319), "divided by m - 1"),
    (norm(keep=np.sqrt), "not the variance"),
    (lambda x, mean, variance, training: x, "return three things"),
]
FIVE, FAR = [9.0, 8.5, 9.5, 9.1, 8.8], [10.5, 10.0, 11.2, 10.4, 10.9]
LINEAR_D = [14.5, 16.5, 13.5, 17.1, 16.3]  # d_slope=1.0 of notebook 04, section 5
EXPERIMENTS = [
    (9.0, "give two lists"),
    ((FIVE, FAR, FAR), "give two lists"),
    ((9.0, 12.0), "expected five distances"),
    ((FIVE[:4], FAR), "the control: expected five"),
    ((FIVE, FAR[:1]), "without ReLU: expected five"),
    ((np.zeros((5, 10, 14, 14, 1)), FAR), "those are images"),
    ((FIVE, [*FAR[:4], np.nan]), "a distance is a positive number"),
    ((FIVE, [*FAR[:4], -1.0]), "a distance is a positive number"),
    ((FIVE, FIVE), "nothing was removed"),
    ((FAR, FIVE), "the control comes first"),
    ((FIVE, [9.2, 8.7, 9.4, 9.3, 8.9]), "slope 0.2 still bends"),
    (([9.4, 10.2, 9.0, 10.8, 9.9], LINEAR_D), "d_slope is D's"),
]
WRONG = [
    (check, answer, message)
    for check, answers in [
        (exercises.check_batch_norm_counts, COUNTS),
        (exercises.check_average_kernel, KERNELS),
        (exercises.check_dropout, DROPOUTS),
        (exercises.check_batch_norm, NORMS),
        (exercises.check_experiment, EXPERIMENTS),
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
    exercises.check_batch_norm_counts((6272, 128, 128))
    exercises.check_average_kernel(spread(EYE / 4))
    exercises.check_dropout(
        only_in_training(lambda x, p, rng: masked(x, p, rng, 1 / (1 - p)))
    )
    exercises.check_batch_norm(norm())
    exercises.check_experiment((FIVE, FAR))
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["right"] * 5


def test_an_answer_may_come_in_arrays_and_change_x(capsys):
    def in_place(x, mean, variance, training):
        answer = norm()(x, mean, variance, training)
        x *= 0
        return answer

    exercises.check_batch_norm(in_place)
    exercises.check_experiment(np.array([FIVE, FAR]))
    exercises.check_experiment((..., ...))
    said = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in said] == ["right", "right", "not a"]


def test_the_kernel_is_average_pooling():
    """What check_average_kernel calls right is what Keras's pooling layer does."""
    images = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    layer = keras.layers.Conv2D(3, 2, strides=2, use_bias=False)
    layer.build(images.shape)
    layer.set_weights([spread(EYE / 4)])
    pooled = keras.layers.AveragePooling2D(2)(images)
    np.testing.assert_allclose(layer(images), pooled, atol=1e-6)


def test_batch_norm_is_keras_own():
    """What check_batch_norm calls right is what Keras's layer does, in both modes."""
    x = np.random.default_rng(0).normal(2, 3, (8, 4, 4, 3)).astype("float32")
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON)
    layer.build(x.shape)
    mean, variance = np.zeros(3), np.ones(3)
    for training in (True, True, False):
        y, mean, variance = norm()(x, mean, variance, training)
        np.testing.assert_allclose(layer(x, training=training), y, atol=1e-5)
        np.testing.assert_allclose(layer.moving_mean, mean, atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-5)


def test_batch_norm_counts_are_keras_own():
    layer = keras.layers.BatchNormalization()
    layer.build((32, 14, 14, 64))
    counts = [
        sum(int(np.prod(weight.shape)) for weight in weights)
        for weights in (layer.trainable_weights, layer.non_trainable_weights)
    ]
    assert counts == [128, 128]


def test_dropout_is_inert_unless_training():
    x = np.ones((4, 8), "float32")
    layer = keras.layers.Dropout(0.5, seed=0)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    assert set(np.unique(layer(x, training=True))) == {0.0, 2.0}


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
    exec(cells("setup")[0].replace("%pip install", "raise #"), namespace)
    return namespace


@pytest.mark.parametrize("number", range(5))
def test_the_stub_is_not_attempted(number, setup, capsys):
    namespace = dict(setup)
    exec(cells("exercise")[number], namespace)
    exec(cells("check")[number], namespace)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize("number", range(5))
def test_the_solution_is_right(number, setup, capsys):
    code = cells("solution")[number].split("```python\n")[1].split("```")[0]
    namespace = dict(setup)
    for place, source in enumerate(cells("game") if "play(" in code else []):
        name = f"<game {place}>"  # tf.function reads the source of what it compiles
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        exec(compile(source, name, "exec"), namespace)
    capsys.readouterr()
    exec(cells("exercise")[number], namespace)
    exec(code, namespace)
    exec(cells("check")[number], namespace)
    assert capsys.readouterr().out.startswith("right")


def test_there_are_five_of_each():
    assert [len(cells(tag)) for tag in ("exercise", "check", "solution")] == [5, 5, 5]
