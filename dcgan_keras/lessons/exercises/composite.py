"""Checks of notebook 05's exercises: the shapes of a generator, a discriminator to
mend, a composite for other players, and G's step without a composite."""

from collections.abc import Callable

import numpy as np

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.lessons.exercises._check import Wrong, exercise, number
from dcgan_keras.lessons.guidelines.rules import check_guidelines
from dcgan_keras.models import build_discriminator, build_generator

SHAPES = [(6, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 3)]


@exercise
def check_shapes(answer):
    """The feature maps of ``build_generator((48, 48, 3), channels=32)``, in order."""
    if not isinstance(answer, tuple | list | np.ndarray) or not all(
        isinstance(shape, tuple | list | np.ndarray) and len(shape) == 3
        for shape in answer
    ):
        raise Wrong("give a list of shapes, each (height, width, channels)")
    if len(answer) == 0:
        raise Wrong("the list of shapes is empty")
    shapes = [[number(size, "a size") for size in shape] for shape in answer]
    if not all(size.is_integer() for shape in shapes for size in shape):
        raise Wrong("a map has whole numbers of pixels and channels")
    shapes = [tuple(map(int, shape)) for shape in shapes]
    if all(shape[0] != shape[1] == shape[2] for shape in shapes):
        raise Wrong("channels come last in Keras: (height, width, channels)")
    sizes, channels = [s[0] for s in shapes], [s[-1] for s in shapes]
    _check_sizes(sizes)
    if any(height != width for height, width, _ in shapes):
        raise Wrong("the maps are as wide as they are high")
    if channels == [shape[-1] for shape in SHAPES]:
        return "48 = 6 · 2 · 2 · 2, and the channels halve down to 32, then 3"
    if channels[-1] != 3:
        raise Wrong("the last shape is the image: 3 channels")
    if len(set(channels[:-1])) == 1:
        raise Wrong("in G channels shrink as space grows; yours stay the same")
    if channels[:-1] == sorted(channels[:-1]):
        raise Wrong("in G channels shrink as space grows; yours grow")
    if channels[2] != 32:
        raise Wrong(f"the layer before the image has channels=32, not {channels[2]}")
    raise Wrong(
        f"each layer towards z has twice as many, 32, 64, 128; yours: {channels[2::-1]}"
    )


def _check_sizes(sizes):
    if sizes[:1] == [48]:
        raise Wrong("that is D's way, from the image down; G goes up to it")
    if sizes[:1] == [4]:
        raise Wrong("4 doubled is 8, 16, 32, 64: it never becomes 48")
    if sizes[:1] == [7]:
        raise Wrong("7 is the start for 28 and 56; 7 doubled never becomes 48")
    if sizes[:1] == [3]:
        raise Wrong("the start has 4 to 7 pixels, 3 is one halving too many")
    if sizes[:1] in ([12], [24]):
        raise Wrong(f"{sizes[0]} can be halved once more: the start has 4 to 7 pixels")
    if sizes != [6, 12, 24, 48]:
        raise Wrong(f"from 6 each stride of 2 doubles, up to 48; you say {sizes}")


@exercise
def check_composite(join: Callable):
    """``join(generator, discriminator)`` -> [z, label] -> D's logit; trains G alone."""
    generator, discriminator = _labelled_generator(), _players()[1]
    model = join(generator, discriminator)
    if model is None:
        raise NotImplementedError
    if not isinstance(model, keras.Model):
        raise Wrong(f"return the model, not {type(model).__name__}")
    if isinstance(model, keras.Sequential):
        raise Wrong("a keras.Sequential is for one input: use keras.Model")
    if hasattr(model, "inputs") and len(model.inputs) != 2:  # a subclass has none
        raise Wrong(
            f"the model takes [z, label], yours takes {len(model.inputs)} input"
        )
    z = tf.random.stateless_normal((8, 3), seed=(1, 2))
    inputs = [z, tf.one_hot(tf.range(8), 10)]
    _check_answer(model, generator, discriminator, inputs)
    _check_weights(model, generator, discriminator)
    before = [[w.numpy() for w in m.weights] for m in (generator, discriminator)]
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE), loss, jit_compile=False)
    model.train_on_batch(inputs, tf.ones((8, 1)))
    for name, player, old in zip("GD", (generator, discriminator), before, strict=True):
        moved = [
            not np.array_equal(a, w.numpy())
            for a, w in zip(old, player.weights, strict=True)
            if "moving" not in w.path
        ]
        if name == "G" and not all(moved):
            raise Wrong("the model's step leaves some of G's weights where they were")
        if name == "D" and any(moved):
            raise Wrong("the model's step moves D: it trains D to call fakes real")
    return "one step moved all of G's weights and none of D's"


def _labelled_generator():
    """G for the players of ``_players``, told by a label which digit to draw."""
    z, label = keras.Input((3,), name="z"), keras.Input((10,), name="label")
    both = keras.layers.Concatenate()([z, label])
    size = {"image_shape": (16, 16, 1), "channels": 4, "weight_stddev": 0.5}
    inner = build_generator(latent_dim=13, seed=1, **size)
    return keras.Model([z, label], inner(both), name="generator")


def _check_answer(model, generator, discriminator, inputs):
    """The model computes D(G(z, label)), in training mode too."""
    kept = [w.numpy() for w in (*generator.weights, *discriminator.weights)]
    found = {
        training: np.asarray(model(inputs, training=training))
        for training in (False, True)
    }
    for weight, value in zip(
        (*generator.weights, *discriminator.weights), kept, strict=True
    ):
        weight.assign(value)
    images = generator(inputs, training=False)
    expected = np.asarray(discriminator(images, training=False))
    if found[False].shape != expected.shape:
        raise Wrong(
            f"the answer has the shape {found[False].shape}, D's logits have "
            f"{expected.shape}"
        )
    if not np.allclose(found[False], expected, atol=1e-4):
        raise Wrong("the model's answer is not D(G([z, label]))")
    images = generator(inputs, training=True)
    by_batch = np.asarray(discriminator(images, training=True))
    if not discriminator.trainable_variables:
        raise Wrong(
            "D is frozen: its own step would train nothing. Leave the flag alone, and "
            "let the model run through D without owning its weights"
        )
    if not np.allclose(found[True], by_batch, atol=1e-3):
        raise Wrong("D runs in inference mode inside the model: hand on `training`")


def _check_weights(model, generator, discriminator):
    own = {id(w) for w in model.trainable_variables}
    if own & {id(w) for w in discriminator.trainable_variables}:
        raise Wrong("D's weights are among the model's: its step would train D as well")
    if own != {id(w) for w in generator.trainable_variables}:
        raise Wrong("the model's trained weights are not those of G")


@exercise
def check_discriminator(build: Callable):
    """``build()`` -> D for 28x28x1 that keeps all guidelines."""
    model = build()
    if model is None:
        raise NotImplementedError
    if not isinstance(model, keras.Model):
        raise Wrong(f"return the model, not {type(model).__name__}")
    generator = build_generator(channels=2)
    report = check_guidelines(generator, model)
    if tuple(model.input_shape[1:]) != (28, 28, 1):
        raise Wrong(f"D takes {model.input_shape[1:]}, not digits of (28, 28, 1)")
    if report.broken:
        first, *others = report.broken
        more = f" (and {len(others)} more broken)" if others else ""
        raise Wrong(f"{first.rule}: {first.broken_by[0]}{more}")
    return "all 13 guidelines kept"


@exercise
def check_generator_step(step: Callable):
    """``step(generator, discriminator, optimizer, z)`` -> loss: updates G alone."""
    players = _players()
    z = tf.random.stateless_normal((8, 3), seed=(1, 2))
    reference, right = _reference_step(z)
    before = [[w.numpy() for w in player.weights] for player in players]
    optimizer = keras.optimizers.SGD(RATE)
    try:
        loss = step(*players, optimizer, z)
    except ValueError as error:
        if "gradient" in str(error):
            raise Wrong("no gradient reached G: call G and D inside the tape") from None
        raise
    after = [[w.numpy() for w in player.weights] for player in players]
    if loss is None and all(
        np.array_equal(old, new)
        for lists in zip(before, after, strict=True)
        for old, new in zip(*lists, strict=True)
    ):
        raise NotImplementedError
    _check_discriminator_rests(players[1], before[1], after[1])
    _check_generator_moved(players[0], before[0], after[0], reference)
    if (steps := int(optimizer.iterations)) != 1:
        raise Wrong(f"make one step with the optimizer given; it made {steps}")
    _check_loss(loss, right)
    return f"G alone moved; the loss was {float(right['mean']):.3f} nats"


RATE = 0.1


def _players():
    size = {"image_shape": (16, 16, 1), "channels": 4, "weight_stddev": 0.5}
    return build_generator(latent_dim=3, seed=1, **size), build_discriminator(
        seed=2, **size
    )


def _reference_step(z):
    """G's gradients for four losses, and the values that an answer may return."""
    generator, discriminator = _players()
    with tf.GradientTape(persistent=True) as tape:
        logits = discriminator(generator(z, training=True), training=True)
        losses = {
            "right": tf.reduce_mean(tf.nn.softplus(-logits)),
            "the sign is wrong: G climbs its loss": -tf.reduce_mean(
                tf.nn.softplus(-logits)
            ),
            "that is label 0: G would help D": tf.reduce_mean(tf.nn.softplus(logits)),
            "that is the minimax loss, which saturates": -tf.reduce_mean(
                tf.nn.softplus(logits)
            ),
            "a sum over the batch, not a mean": tf.reduce_sum(tf.nn.softplus(-logits)),
        }
    weights = generator.trainable_variables
    moved = {}
    for name, loss in losses.items():
        moves = tape.gradient(loss, weights)
        moved[name] = [
            w.numpy() - RATE * g for w, g in zip(weights, moves, strict=True)
        ]
    return moved, {"mean": losses["right"], "logits": logits}


def _check_discriminator_rests(model, before, after):
    if not model.trainable_variables:
        raise Wrong("D is left frozen: its next step would train nothing")
    for weight, old, new in zip(model.weights, before, after, strict=True):
        is_average = "moving" in weight.path
        if not is_average and not np.array_equal(old, new):
            raise Wrong(f"D moved too ({weight.path}): update G's variables alone")
        if is_average and np.array_equal(old, new):
            raise Wrong(
                "D ran in inference mode: call it with training=True, and not frozen"
            )


def _check_generator_moved(model, before, after, reference):
    moving = [
        np.array_equal(old, new)
        for weight, old, new in zip(model.weights, before, after, strict=True)
        if "moving" in weight.path
    ]
    found = [w.numpy() for w in model.trainable_variables]
    start = [
        old
        for weight, old in zip(model.weights, before, strict=True)
        if "moving" not in weight.path
    ]
    if all(np.array_equal(a, b) for a, b in zip(found, start, strict=True)):
        raise Wrong("G did not move: give the gradients to the optimizer")
    if any(moving):
        raise Wrong("G ran in inference mode: call it with training=True")
    for name, expected in reference.items():
        if all(
            np.allclose(a, b, atol=1e-4) for a, b in zip(found, expected, strict=True)
        ):
            if name == "right":
                return
            raise Wrong(name)
    raise Wrong("G moved, but not down the gradient of the mean of -log D(G(z))")


def _check_loss(loss, right):
    if loss is None:
        raise Wrong("the step is right; return its loss as well")
    if np.size(loss) != 1:
        raise Wrong(f"the loss is one number, yours has the shape {np.shape(loss)}")
    if not np.isclose(number(loss, "the loss"), float(right["mean"]), atol=1e-4):
        raise Wrong("the step is right, but the number returned is not its loss")
