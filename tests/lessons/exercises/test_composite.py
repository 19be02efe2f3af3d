"""Notebook 05's exercises: the stub, the solution, and answers people really give."""

import numpy as np
import pytest
from exercise_cells import Exercises

from dcgan_keras import keras, tf
from dcgan_keras.lessons.exercises import composite as exercises

L = keras.layers
NAME = "05_generator_discriminator_composite.ipynb"

SHAPES = [
    ([(4, 4, 256), (8, 8, 128), (16, 16, 64), (48, 48, 3)], "it never becomes 48"),
    ([(7, 7, 128), (14, 14, 64), (28, 28, 32), (48, 48, 3)], "the start for 28"),
    ([(3, 3, 256), (6, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 3)], "3 is one"),
    ([(12, 12, 64), (24, 24, 32), (48, 48, 3)], "12 can be halved once more"),
    ([(24, 24, 32), (48, 48, 3)], "24 can be halved once more"),
    ([(48, 48, 3), (24, 24, 32), (12, 12, 64)], "that is D's way"),
    ([(128, 6, 6), (64, 12, 12), (32, 24, 24), (3, 48, 48)], "channels come last"),
    ([(6, 6, 32), (12, 12, 64), (24, 24, 128), (48, 48, 3)], "yours grow"),
    ([(6, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 32)], "is the image: 3"),
    ([(6, 6, 256), (12, 12, 128), (24, 24, 64), (48, 48, 3)], "=32, not 64"),
    (
        [(6, 6, 96), (12, 12, 64), (24, 24, 32), (48, 48, 3)],
        "32, 64, 128; yours: [32, 64, 96]",
    ),
    ([(6, 6, 128), (12, 12, 96), (24, 24, 32), (48, 48, 3)], "yours: [32, 96, 128]"),
    ([(6, 5, 128), (12, 10, 64), (24, 20, 32), (48, 40, 3)], "as wide as they are"),
    ([(6, 6, 128), (12, 12, 64), (24, 24, 32)], "you say [6, 12, 24]"),
    ((6, 12, 24, 48), "give a list of shapes"),
    ([], "the list of shapes is empty"),
    ([(6.5, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 3)], "whole numbers"),
    ([(6, 6, ...), (12, 12, 64), (24, 24, 32), (48, 48, 3)], "yours is Ellipsis"),
    ([(6, 6, 32), (12, 12, 32), (24, 24, 32), (48, 48, 3)], "yours stay the same"),
    (5, "give a list of shapes"),
]


class Judge(L.Layer):
    """The notebook's: runs through D and does not own its weights."""

    def __init__(self, discriminator, training=None):
        super().__init__()
        object.__setattr__(self, "discriminator", discriminator)
        self.mode = training
        self.built = True

    def call(self, images, training=None):
        mode = training if self.mode is None else self.mode
        return self.discriminator(images, training=mode)


def joined(judge=Judge, before=lambda g, d: None, end=lambda answer: answer):
    """A right answer, with a switch for each mistake."""

    def join_two(generator, discriminator):
        before(generator, discriminator)
        inputs = [keras.Input(shape[1:]) for shape in generator.input_shape]
        return keras.Model(inputs, end(judge(discriminator)(generator(inputs))))

    return join_two


def frozen(generator, discriminator):
    discriminator.trainable = False


def one_input(generator, discriminator):
    z = keras.Input((3,))
    label = L.Dense(10)(z)
    return keras.Model(z, Judge(discriminator)(generator([z, label])))


COMPOSITES = [
    (joined(judge=lambda d: d), "D's weights are among the model's"),
    (joined(judge=lambda d: d, before=frozen), "D is frozen: its own step"),
    (joined(judge=lambda d: Judge(d, training=False)), "D runs in inference mode"),
    (joined(end=L.Activation("sigmoid")), "is not D(G([z, label]))"),
    (joined(end=lambda answer: L.Concatenate()([answer, answer])), "has the shape"),
    (joined(end=L.Dense(1, kernel_initializer="ones")), "are not those of G"),
    (one_input, "yours takes 1 input"),
    (lambda g, d: Judge(d), "return the model, not Judge"),
    (lambda g, d: keras.Sequential([g, Judge(d)]), "is for one input"),
]


def discriminator(shape=(28, 28, 1), end=None, **changes):
    """A right answer, with a layer changed, left out (None) or added."""
    parts = {
        "first": L.Conv2D(4, 5, strides=2, padding="same", name="a"),
        "leak1": L.LeakyReLU(negative_slope=0.2, name="b"),
        "second": L.Conv2D(8, 5, strides=2, padding="same", name="c"),
        "norm": L.BatchNormalization(name="d"),
        "leak2": L.LeakyReLU(negative_slope=0.2, name="e"),
        "flat": L.Flatten(),
        "answer": L.Dense(1, name="f"),
        "end": end,
    } | changes
    return lambda: keras.Sequential(
        [keras.Input(shape), *(part for part in parts.values() if part is not None)]
    )


def two(first, second):
    return keras.Sequential([first, second])


DISCRIMINATORS = [
    (
        discriminator(leak1=L.ReLU(name="r")),
        "leaky ReLU in all hidden layers: r is ReL",
    ),
    (discriminator(leak2=None), "leaky ReLU in all hidden layers: c has none"),
    (discriminator(norm=None), "BN behind hidden layers 2, 3, …: c has none"),
    (
        discriminator(leak1=two(L.BatchNormalization(name="n"), L.LeakyReLU(0.2))),
        "no BN at the input: n normalizes the first layer",
    ),
    (discriminator(leak2=two(L.LeakyReLU(0.2), L.MaxPooling2D(name="p"))), "p (Max"),
    (
        discriminator(flat=two(L.Flatten(), L.Dense(9, name="wide"))),
        "(and 2 more broken)",
    ),
    (discriminator(answer=L.Dense(2, name="f")), "f gives 2 numbers an image"),
    (discriminator(end=L.Softmax(name="s")), "no softmax: s is Softmax"),
    (discriminator(shape=(64, 64, 1)), "not digits of (28, 28, 1)"),
    (lambda: discriminator, "return the model, not function"),
    (lambda: keras.Sequential([L.Dense(1)]), "can't be checked: ValueError"),
]


def step(  # one right answer, with a switch for each mistake
    loss=lambda logits: tf.reduce_mean(tf.nn.softplus(-logits)),
    g_training=True,
    d_training=True,
    variables=lambda g, d: g.trainable_variables,
    inside=True,
    applies=True,
    returns=lambda loss: loss,
    after=lambda d: None,
):
    def generator_step(generator, discriminator, optimizer, z):
        images = generator(z, training=g_training)
        with tf.GradientTape() as tape:
            if inside:
                images = generator(z, training=g_training)
            value = loss(discriminator(images, training=d_training))
        weights = variables(generator, discriminator)
        gradients = tape.gradient(value, weights)
        if applies:
            optimizer.apply_gradients(zip(gradients, weights, strict=True))
        after(discriminator)
        return returns(value)

    return generator_step


def both(g, d):
    return g.trainable_variables + d.trainable_variables


def bce(label):
    def loss(logits):
        entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        return entropy(label * tf.ones_like(logits), logits)

    return loss


def probability(logits):
    return -tf.reduce_mean(tf.math.log(tf.sigmoid(tf.sigmoid(logits))))


def by_an_optimizer_of_its_own(g, d, optimizer, z):
    return step()(g, d, type(optimizer)(0.1), z)


def with_d_frozen(g, d, optimizer, z):
    frozen(g, d)
    loss = step()(g, d, optimizer, z)
    d.trainable = True
    return loss


STEPS = [
    (by_an_optimizer_of_its_own, "with the optimizer given; it made 0"),
    (with_d_frozen, "with training=True, and not frozen"),
    (step(returns=lambda loss: "small"), "the loss should be a number"),
    (step(variables=both), "D moved too"),
    (step(variables=lambda g, d: d.trainable_variables), "D moved too"),
    (step(d_training=False), "D ran in inference mode"),
    (step(g_training=False), "G ran in inference mode"),
    (step(bce(0.0)), "that is label 0"),
    (step(lambda x: -tf.reduce_mean(tf.nn.softplus(x))), "which saturates"),
    (step(lambda x: -tf.reduce_mean(tf.nn.softplus(-x))), "climbs its loss"),
    (step(lambda x: tf.reduce_sum(tf.nn.softplus(-x))), "a sum over the batch"),
    (step(probability), "not down the gradient"),
    (step(applies=False), "G did not move"),
    (step(returns=lambda loss: None), "return its loss"),
    (step(returns=lambda loss: 2 * loss), "is not its loss"),
    (step(returns=lambda loss: tf.ones((8, 1))), "yours has the shape (8, 1)"),
    (step(after=lambda d: setattr(d, "trainable", False)), "D is left frozen"),
    (lambda g, d, o, z: 1 / 0, "raised ZeroDivisionError"),
]
WRONG = [
    (check, answer, message)
    for check, answers in [
        (exercises.check_shapes, SHAPES),
        (exercises.check_composite, COMPOSITES),
        (exercises.check_discriminator, DISCRIMINATORS),
        (exercises.check_generator_step, STEPS),
    ]
    for answer, message in answers
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_the_mistake_is_named(check, answer, message, capsys):
    check(answer)
    said = capsys.readouterr().out
    assert said.startswith("not yet: ") and said.count("\n") == 1
    assert message in said


@pytest.mark.filterwarnings("ignore:.*[Gg]radients:UserWarning")
def test_a_tape_that_sees_nothing_is_named(capsys):
    exercises.check_generator_step(step(inside=False))
    assert "call G and D inside the tape" in capsys.readouterr().out


class Joined(keras.Model):
    """A composite as a subclass: it owns G, and only runs through D."""

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.judge = generator, Judge(discriminator)

    def call(self, inputs, training=None):
        return self.judge(self.generator(inputs, training=training), training=training)


def test_a_subclass_and_an_array_are_right(capsys):
    exercises.check_composite(Joined)
    exercises.check_shapes(np.array(exercises.SHAPES))
    assert capsys.readouterr().out.count("right: ") == 2


def test_other_right_answers_are_right(capsys):
    exercises.check_shapes([[6, 6, 128], [12, 12, 64], [24, 24, 32], [48, 48, 3]])
    exercises.check_composite(joined())
    exercises.check_discriminator(discriminator(end=L.Activation("sigmoid")))
    exercises.check_generator_step(step(bce(1.0)))
    exercises.check_generator_step(step(returns=float))
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["right"] * 5


def test_the_shapes_are_the_builders():
    """What check_shapes calls right is what the builder makes."""
    model = exercises.build_generator((48, 48, 3), channels=32)
    shapes = [layer.output.shape[1:] for layer in model.layers]
    found = list(dict.fromkeys(tuple(s) for s in shapes if len(s) == 3))
    assert found == exercises.SHAPES


@pytest.fixture(scope="module")
def notebook():
    return Exercises(NAME)


@pytest.fixture(scope="module")
def setup(notebook):
    names = notebook.setup()
    (judge,) = (
        "".join(cell["source"])
        for cell in notebook.cells
        if "class Judge" in "".join(cell["source"]) and cell["cell_type"] == "code"
    )
    exec(judge.split("\n\n\ndef join")[0], names)  # the solution of exercise 3 uses it
    return names


@pytest.mark.parametrize("number", range(4))
def test_the_stub_is_not_attempted(number, notebook, setup, capsys):
    notebook.check_stub(number, setup)
    assert capsys.readouterr().out == "not attempted\n"


@pytest.mark.parametrize("number", range(4))
def test_the_solution_is_right(number, notebook, setup, capsys):
    notebook.check_solution(number, setup)
    assert capsys.readouterr().out.startswith("right")


def test_there_are_four_of_each(notebook):
    for tag in ("exercise", "check", "solution"):
        assert len(notebook.tagged(tag)) == 4
