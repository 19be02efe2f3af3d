"""Both loops as Keras's users expect a model: obeyed, or refused in one sentence."""

import copy
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from players import (
    BATCH,
    KERAS_SAVES,
    apart,
    build_players,
    noise,
    reals,
    values,
    weights,
)

from dcgan_keras import keras, tf
from dcgan_keras.losses import discriminator_loss, non_saturating_generator_loss
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN

LOOPS = [CompositeLoop, DCGAN]
each_loop = pytest.mark.parametrize("loop", LOOPS)
OPTIMIZERS = "generator_optimizer", "discriminator_optimizer"
IMAGES = np.concatenate([reals(seed=step) for step in range(4)])


def compiled(loop=DCGAN, players=None, **options):
    model = loop(*(players or build_players()))
    options.setdefault("generator_optimizer", keras.optimizers.SGD(0.05))
    options.setdefault("discriminator_optimizer", keras.optimizers.SGD(0.05))
    model.compile(**options)
    return model


def after(model, *steps):
    for images in steps or (IMAGES[:BATCH],):
        model.train_on_batch(images)
    return weights(model)


# compile ---------------------------------------------------------------------


@each_loop
def test_optimizers_may_be_named(loop):
    model = loop(*build_players())
    model.compile("adam", "adam")
    pair = model.generator_optimizer, model.discriminator_optimizer
    assert pair[0] is not pair[1]
    assert all(isinstance(one, keras.optimizers.Adam) for one in pair)


@each_loop
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"optimizer": "adam"}, "optimizer: .*give generator_optimizer and discrim"),
        ({"loss": "mse"}, "loss: expected nothing, got 'mse'; the losses are those"),
        ({"metrics": ["mae"]}, "metrics: expected nothing, got .*'mae'"),
        ({"weighted_metrics": []}, "weighted_metrics: not an argument of compile"),
        ({"auto_scale_loss": False}, "auto_scale_loss: not an argument of compile"),
    ],
)
def test_what_compile_cannot_obey_it_refuses(loop, option, said):
    with pytest.raises(ValueError, match=said):
        loop(*build_players()).compile(**option)


@each_loop
def test_options_of_keras_are_obeyed(loop):
    model = compiled(loop, run_eagerly=True, steps_per_execution=2)
    assert model.run_eagerly and model.steps_per_execution == 2


@each_loop
def test_what_compile_was_given_is_kept(loop):
    options = {"jit_compile": True, "run_eagerly": False, "steps_per_execution": 2}
    config = compiled(loop, **options).get_compile_config()
    assert options.items() <= config.items()
    assert loop(*build_players()).get_compile_config() == {}


@each_loop
def test_a_config_keeps_seed_and_name(loop):
    model = loop(*build_players(), seed=5, name="own")
    other = loop.from_config(model.get_config())
    assert (other.seed, other.name) == (5, "own")


def test_one_player_in_float16_scales_the_losses_of_both():
    generator, _ = build_players()
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        _, half = build_players()
    finally:
        keras.config.set_dtype_policy(kept)
    model = compiled(players=(generator, half))
    for name in OPTIMIZERS:
        optimizer = getattr(model, name)
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


# data ------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return IMAGES[BATCH * index : BATCH * (index + 1)], np.arange(BATCH)


def sources():
    labels = np.arange(len(IMAGES))
    pairs = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(BATCH)
    return {
        "array": lambda m: m.fit(IMAGES, batch_size=BATCH, verbose=0),
        "labels beside": lambda m: m.fit(IMAGES, labels, batch_size=BATCH, verbose=0),
        "pairs": lambda m: m.fit(pairs, verbose=0),
        "one of a tuple": lambda m: m.fit(pairs.map(lambda x, y: (x,)), verbose=0),
        "PyDataset": lambda m: m.fit(Batches(), verbose=0),
        "float64": lambda m: m.fit(IMAGES.astype(float), batch_size=BATCH, verbose=0),
    }


@pytest.mark.parametrize("name", list(sources()))
@each_loop
def test_images_may_come_in_every_wrapping(loop, name):
    """Of pairs the labels are dropped; the images are learned from."""
    model = compiled(loop)
    before = weights(model)
    sources()[name](model)
    assert apart(before, weights(model)) > 1e-4


@each_loop
@pytest.mark.parametrize(
    ("images", "said"),
    [
        ((IMAGES * 127 + 127).astype(np.uint8), "expected float32 .*got uint8"),
        (IMAGES[:, :8], r"batches of shape \(None, 16, 16, 1\), got \(.*, 8, 16, 1\)"),
        (np.repeat(IMAGES, 3, axis=3), r"\(None, 16, 16, 1\), got .*16, 16, 3"),
    ],
)
def test_images_of_another_kind_are_refused(loop, images, said):
    model = compiled(loop)
    batched = tf.data.Dataset.from_tensor_slices(images).batch(BATCH)
    for give in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=f"images: .*{said}"):
            give(batched, verbose=0)


def test_images_may_come_in_bfloat16():
    model = compiled(run_eagerly=True)
    before = weights(model)
    model.fit(tf.cast(IMAGES[:BATCH], tf.bfloat16), verbose=0)
    assert apart(before, weights(model)) > 1e-4


@pytest.mark.parametrize("sign", [-1, 1])
def test_rounding_is_no_other_range(sign):
    model, images = compiled(run_eagerly=True), IMAGES[:BATCH].copy()
    images[0, 0, 0] = 1.0009 * sign
    model.test_on_batch(images)
    images[0, 0, 0] = 1.0011 * sign
    low, high = sorted((0.8 if sign < 0 else -0.9, 1.0011 * sign))
    said = rf"images: expected values in \[-1, 1\], got {low}\d* to {high}\d*; scale"
    with pytest.raises(ValueError, match=said):
        model.test_on_batch(images)


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_refused_numbers_are_named_whatever_runs_the_step(run_eagerly):
    model = DCGAN(*build_players(classes=3), classes=3)
    model.compile(run_eagerly=run_eagerly)
    for labels, said in (([0, 1, 2, 3], "0 to 3"), ([0, -1, 2, 1], "-1 to 2")):
        with pytest.raises(ValueError, match=f"one an image, 0 to 2; got {said}$"):
            model.train_on_batch(reals(), np.array(labels))
    nan = reals()
    nan[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="got -?nan to -?nan; scale"):
        model.train_on_batch(nan, np.zeros(4, int))


def test_images_of_one_grey_get_no_word(recwarn):
    compiled(run_eagerly=True).train_on_batch(np.zeros_like(IMAGES[:BATCH]))
    assert not [one for one in recwarn if "[0, 1]" in str(one.message)]


@each_loop
def test_weights_of_samples_and_classes_are_refused(loop):
    model, share = compiled(loop), np.ones(len(IMAGES))
    with pytest.raises(ValueError, match="sample_weight: expected None"):
        model.fit(IMAGES, share, sample_weight=share, verbose=0)
    with pytest.raises(ValueError, match="class_weight: expected None"):
        model.fit(IMAGES, share, class_weight={1: 2.0}, verbose=0)


DATA = tf.data.Dataset.from_tensor_slices
SHARES = np.ones(len(IMAGES))
ODD = {  # what fit is given in place of images, or beside them: what is said of it
    "dict": (({"images": IMAGES},), {}, r"x: expected an array .*, got a dict"),
    "list": ((list(IMAGES),), {}, "x: expected .*, got a list; np.stack"),
    "pair": (((IMAGES, SHARES),), {}, "x: expected .*; give labels as y"),
    "nothing": ((), {}, "x: expected .*, got None"),
    "name": (("mnist",), {}, "x: expected .*, got 'mnist'"),
    "one by one": ((DATA(IMAGES),), {}, r"images: expected batches of shape \(None"),
    "no channel": ((DATA(IMAGES[..., 0]).batch(4),), {}, "images: expected batches of"),
    "bytes": (
        (DATA(np.zeros((4, 16, 16, 1), np.uint8)).batch(4),),
        {},
        "got uint8; sc",
    ),
    "named": ((DATA({"image": IMAGES}).batch(4),), {}, "elements that are a dict; map"),
    "tensor": ((tf.constant(IMAGES) * 127.5,), {}, r"images: expected values in \[-1"),
    "weights": ((IMAGES,), {"sample_weight": SHARES}, "sample_weight: expected None"),
    "no batch": ((IMAGES,), {"batch_size": 0}, "batch_size: expected 1 or more, got 0"),
    "no steps": ((IMAGES,), {"steps_per_epoch": 0}, "steps_per_epoch: expected 1 or"),
}


@each_loop
@pytest.mark.parametrize("kind", ODD)
def test_other_things_than_images_are_named(loop, kind):
    images, options, said = ODD[kind]
    model = compiled(loop)
    before = weights(model)
    for _ in range(2):  # a second time, too, when Keras has forgotten the shape
        with pytest.raises(ValueError, match=said):
            model.fit(*images, **options, verbose=0)
    assert apart(before, weights(model)) == 0


@each_loop
def test_other_things_than_images_are_named_by_every_door(loop):
    model, inputs = compiled(loop), {"images": IMAGES[:BATCH]}
    with pytest.raises(ValueError, match="x: expected an array .*, got a dict"):
        model.train_on_batch(inputs)
    with pytest.raises(ValueError, match="x: expected an array .*, got a dict"):
        model.evaluate(inputs, verbose=0)
    for draw in (model.predict, model.predict_on_batch):
        with pytest.raises(
            ValueError, match=r"x: expected z of shape \(None, 3\), got"
        ):
            draw(IMAGES)


@each_loop
@pytest.mark.parametrize("wrap", [tf.constant, lambda x: DATA(x).batch(BATCH)])
def test_images_without_a_negative_value_get_a_word(loop, wrap):
    with pytest.warns(UserWarning, match=r"images: all values are in \[0, 1\]") as said:
        compiled(loop).fit(wrap((IMAGES + 1) / 2), verbose=0)
    assert sum("in [0, 1]" in str(warning.message) for warning in said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(loop).fit(wrap(IMAGES), verbose=0)
        compiled(loop, jit_compile=True).fit(wrap(IMAGES), verbose=0)


@each_loop
def test_evaluating_learns_nothing_and_says_the_same_twice(loop):
    model = compiled(loop)
    before = weights(model)
    first = model.evaluate(IMAGES, batch_size=BATCH, verbose=0, return_dict=True)
    again = model.evaluate(IMAGES, batch_size=BATCH, verbose=0, return_dict=True)
    assert first == again and apart(before, weights(model)) == 0
    assert float(first["discriminator_loss"]) == pytest.approx(2 * np.log(2), abs=0.2)
    assert set(first) == set(model.test_on_batch(IMAGES[:BATCH], return_dict=True))
    told = model.fit(IMAGES, validation_data=(IMAGES,), verbose=0).history
    assert "val_generator_loss" in told


# what else a player may bring ------------------------------------------------


def regularized(strength, seed=1):
    """Both players with an L2 penalty on every kernel."""
    players = build_players(seed, batch_norm=None)
    for layer in (layer for player in players for layer in player.layers):
        for weight in layer.trainable_weights:
            if strength and len(weight.shape) > 1:
                weight.regularizer = keras.regularizers.L2(strength)
    return players


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_regularizers_pull_at_the_weights(update):
    """One step of SGD: by rate x 2 x strength of each kernel, beside the game's."""
    plain = after(compiled(players=regularized(0), update=update))
    model = compiled(players=regularized(0.5), update=update)
    before = weights(model)
    pulled = after(model)
    kernels = [len(weight.shape) > 1 for weight in before]
    assert sum(kernels) > 4
    d_start = len(model.generator.weights)
    for number, is_kernel in enumerate(kernels):
        expected = 0.05 * 2 * 0.5 * before[number] if is_kernel else 0.0
        if update == "simultaneous" or number >= d_start:  # else G meets another D
            np.testing.assert_allclose(
                plain[number] - pulled[number], expected, atol=2e-6
            )
    assert apart(plain, pulled) > 1e-3


@keras.saving.register_keras_serializable("tests")
class Asking(keras.layers.Layer):
    """Passes its input on, and asks for a loss of its own."""

    def call(self, inputs):
        self.add_loss(0.1 * keras.ops.mean(inputs**2))
        return inputs


class AskingInTraining(Asking):
    def call(self, inputs, training=False):
        return super().call(inputs) if training else inputs


@keras.saving.register_keras_serializable("tests")
class Mixing(keras.layers.Layer):
    """Adds the batch's mean, as minibatch statistics do."""

    def call(self, inputs):
        return inputs + keras.ops.mean(inputs, axis=0, keepdims=True)


def with_layer(layer):
    generator, _ = build_players(batch_norm=None)
    layers = [keras.layers.Flatten(), keras.layers.Dense(4), layer]
    start = keras.Input((16, 16, 1))
    return generator, keras.Sequential([start, *layers, keras.layers.Dense(1)])


def test_losses_that_layers_ask_for_are_obeyed_or_refused():
    found = []
    for layer in (keras.layers.Identity(), Asking()):
        keras.utils.set_random_seed(1)
        model = compiled(players=with_layer(layer))
        after(model)
        kernel = model.discriminator.layers[1].kernel.numpy()
        found.append(np.mean((IMAGES[:BATCH].reshape(BATCH, -1) @ kernel) ** 2))
    plain, asked = found
    assert asked < 0.7 * plain
    for layer in (Asking(), AskingInTraining()):
        with pytest.raises(ValueError, match="add losses of their own"):
            compiled(players=with_layer(layer), update="simultaneous")
    players = with_layer(keras.layers.Dropout(0.5, seed=1))
    before = values(players[1])
    compiled(players=players, update="simultaneous")
    assert apart(before, values(players[1])) == 0  # nor is the seed's state moved


def asking_players(d_asks):
    """G asks for a loss, D does if it is said so, and the kernels of both decay."""
    decay = {"kernel_regularizer": keras.regularizers.L2(0.1), "activation": "tanh"}
    dense, reshape = keras.layers.Dense, keras.layers.Reshape((16, 16, 1))
    generator = [keras.Input((3,)), dense(256, **decay), Asking(), reshape]
    asking = [Asking()] if d_asks else []
    flat = [keras.Input((16, 16, 1)), keras.layers.Flatten(), dense(4, **decay)]
    return keras.Sequential(generator), keras.Sequential([*flat, *asking, dense(1)])


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_what_layers_and_weights_ask_for_is_descended_once(update):
    """D's layers ask at the reals and at the fakes, and D's kernels in all once."""
    generator, discriminator = asking_players(update == "alternating")
    model, taken = compiled(players=(generator, discriminator), update=update), {}
    for name in OPTIMIZERS:
        getattr(model, name).apply = lambda g, v, name=name: taken.update({name: g})
    told = model.train_step(IMAGES[:BATCH])
    draws = D_NOISE, D_NOISE if update == "simultaneous" else G_NOISE
    with tf.GradientTape(persistent=True) as tape:
        fakes, learned = (
            generator(latent_noise((BATCH, 3), 0, 0, draw)) for draw in draws
        )
        asked = tf.add_n(generator.losses)
        real = discriminator(IMAGES[:BATCH])
        decay = 0.1 * tf.reduce_sum(discriminator.layers[1].kernel ** 2)
        at_reals = tf.add_n(discriminator.losses) - decay
        game = discriminator_loss(real, discriminator(fakes))
        d_loss = game + at_reals + tf.add_n(discriminator.losses)
        g_loss = non_saturating_generator_loss(discriminator(learned))
        minimised = g_loss + asked
    for name, loss in zip(OPTIMIZERS, (minimised, d_loss), strict=True):
        variables = getattr(model, name.removesuffix("_optimizer")).trainable_variables
        for ours, its in zip(taken[name], tape.gradient(loss, variables), strict=True):
            np.testing.assert_allclose(ours, its, atol=1e-6)
    assert float(told["discriminator_loss"]) == pytest.approx(float(game), abs=1e-6)
    assert float(told["generator_loss"]) == pytest.approx(float(g_loss), abs=1e-6)


def test_what_layers_ask_for_is_not_reported_by_the_composite_loop():
    players = asking_players(d_asks=True)
    begun, told = [player.get_weights() for player in players], []
    for loop in (CompositeLoop, DCGAN):
        for player, start in zip(players, begun, strict=True):
            player.set_weights(start)
        logs = compiled(loop, players).train_step(IMAGES[:BATCH])
        told.append({name: float(value) for name, value in logs.items()})
    assert told[0] == pytest.approx(told[1], abs=1e-5)


def test_a_d_that_looks_at_its_batch_is_refused_where_that_would_be_wrong():
    compiled(players=with_layer(Mixing()))  # alternating: nothing is wrong
    with pytest.raises(ValueError, match="update: expected 'alternating' .*mix"):
        compiled(players=with_layer(Mixing()), update="simultaneous")
    with pytest.raises(ValueError, match="r1_gamma: expected 0 .*mix"):
        compiled(players=with_layer(Mixing()), r1_gamma=1.0)
    apart_layer = keras.layers.Lambda(lambda x: 2 * x)
    compiled(players=with_layer(apart_layer), update="simultaneous")


def ending_in(discriminator, last):
    start = keras.Input((16, 16, 1))
    return keras.Sequential([start, *discriminator.layers, last])


def test_a_player_that_is_not_built_is_named():
    generator, _ = build_players()
    with pytest.raises(ValueError, match="discriminator: expected a model that is bu"):
        DCGAN(generator, keras.Sequential([keras.layers.Dense(1)]))


class Subclass(keras.Model):
    def __init__(self, *layers):
        super().__init__(name="own")
        self.inside = keras.Sequential(layers)

    def call(self, inputs, training=False):
        return self.inside(inputs, training=training)


def test_a_player_of_a_class_of_ones_own_needs_a_shape():
    generator, discriminator = build_players()
    own = Subclass(keras.layers.Flatten(), keras.layers.Dense(1))
    own(IMAGES)
    with pytest.raises(ValueError, match="^discriminator: expected a model whose sh"):
        DCGAN(generator, own)
    shaped = keras.Sequential([keras.Input((16, 16, 1)), own])
    after(compiled(players=(generator, shaped)))  # as the sentence says
    own = Subclass(keras.layers.Dense(256), keras.layers.Reshape((16, 16, 1)))
    own(noise())
    with pytest.raises(ValueError, match="^generator: expected a model whose shapes"):
        DCGAN(own, discriminator)
    with pytest.raises(ValueError, match="^generator: expected a keras.Model, got a s"):
        DCGAN("dcgan", discriminator)


def plain_players():
    """Of somebody who knows nothing of a last layer in float32."""
    layers, decay = keras.layers, {"kernel_regularizer": keras.regularizers.L2(0.1)}
    generator = [
        keras.Input((3,)),
        layers.Dense(256, activation="tanh", **decay),
        layers.Reshape((16, 16, 1)),
    ]
    discriminator = [
        keras.Input((16, 16, 1)),
        layers.Flatten(),
        layers.Dense(8, activation="relu", **decay),
        layers.Dense(1, **decay),
    ]
    return keras.Sequential(generator), keras.Sequential(discriminator)


@pytest.mark.parametrize(
    ("policy", "loop", "options"),
    [
        ("mixed_float16", CompositeLoop, {}),
        *(
            (policy, DCGAN, options)
            for policy in ("mixed_float16", "float64")
            for options in (
                {"augmentation": ("colour", "flip", "cutout", "translation")},
                {"update": "simultaneous", "r1_gamma": 1.0, "r1_interval": 1},
            )
        ),
    ],
)
def test_players_of_any_precision_make_the_step(policy, loop, options):
    kept = keras.config.dtype_policy()
    found, players = [], plain_players()
    begun = [player.get_weights() for player in players]
    for name in ("float32", policy):
        keras.config.set_dtype_policy(name)
        try:
            players = plain_players()
            for player, values in zip(players, begun, strict=True):
                player.set_weights(values)
            pair = {  # a scale that Keras would choose makes it leave out a step or two
                name: keras.optimizers.SGD(0.05, loss_scale_factor=1.0)
                for name in OPTIMIZERS
            }
            model = compiled(loop, players, **options, **pair)
            assert model.discriminator.compute_dtype == name.removeprefix("mixed_")
            found.append(after(model))
            model.evaluate(IMAGES, verbose=0)
        finally:
            keras.config.set_dtype_policy(kept)
    assert apart(*found) < 1e-3


@each_loop
def test_small_gradients_are_not_lost_in_float16(loop):
    """Of the first step of G, whose gradients are the smallest."""

    def moved(policy, factor=None):
        keras.config.set_dtype_policy(policy)
        players = build_players(batch_norm=None, weight_stddev=None)
        answer = players[1].get_layer("answer").kernel
        answer.assign(answer / 10_000)  # and with it all gradients
        rates = [keras.optimizers.SGD(r, loss_scale_factor=factor) for r in (1.0, 0.0)]
        model = compiled(loop, players, **dict(zip(OPTIMIZERS, rates, strict=True)))
        before = model.generator.get_weights()
        model.train_on_batch(IMAGES)
        after = model.generator.get_weights()
        return np.concatenate(
            [(b - a).ravel() for a, b in zip(before, after, strict=True)]
        )

    kept = keras.config.dtype_policy()
    try:
        right = moved("float32")
        off = [
            np.linalg.norm(moved("mixed_float16", factor) - right)
            / np.linalg.norm(right)
            for factor in (None, 1.0)
        ]
    finally:
        keras.config.set_dtype_policy(kept)
    assert off[0] < 0.02 < 0.5 < off[1], off


@each_loop
def test_a_run_in_float16_goes_on_as_it_would_have(loop, tmp_path):
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        whole, first, second = (compiled(loop) for _ in range(3))
        scales = [whole.generator_optimizer, whole.discriminator_optimizer]
        assert all(isinstance(x, keras.optimizers.LossScaleOptimizer) for x in scales)
        batches = [IMAGES[at : at + BATCH] for at in (0, BATCH, 2 * BATCH)]
        expected = after(whole, *batches)
        after(first, *batches[:2])
        first.save_weights(tmp_path / "a.weights.h5")
        second.load_weights(tmp_path / "a.weights.h5")
        assert apart(expected, after(second, batches[2])) == 0
        first.save(tmp_path / "a.keras")
        loaded = keras.models.load_model(tmp_path / "a.keras")
        inner = loaded.generator_optimizer.inner_optimizer
        assert isinstance(inner, keras.optimizers.SGD)  # wrapped once
        assert apart(expected, after(loaded, batches[2])) == 0
        states = [len(scale.variables) for scale in scales]
        whole.compile(*scales)  # once more: their state is not begun anew
        assert [len(scale.variables) for scale in scales] == states
    finally:
        keras.config.set_dtype_policy(kept)


def test_what_keras_adds_to_no_loss_is_refused():
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        with pytest.raises(ValueError, match="^generator: expected regularizers of fl"):
            compiled(CompositeLoop, plain_players())
        after(compiled(CompositeLoop, build_players()))
    finally:
        keras.config.set_dtype_policy(kept)


@pytest.mark.parametrize(
    "last", [keras.layers.Lambda(keras.ops.sigmoid), keras.layers.Activation("sigmoid")]
)
def test_probabilities_are_seen_whatever_layer_makes_them(last):
    generator, discriminator = with_layer(keras.layers.ReLU())
    with pytest.raises(ValueError, match="expected logits, got probabilities"):
        DCGAN(generator, ending_in(discriminator, last))
    doubled = keras.layers.Lambda(lambda x: 2 * x)
    DCGAN(generator, ending_in(discriminator, doubled))


@each_loop
def test_a_frozen_layer_of_d_stays_as_it_is(loop):
    generator, discriminator = build_players()
    first = discriminator.layers[0]
    first.trainable = False
    model = compiled(loop, (generator, discriminator))
    kernel, others = first.kernel.numpy(), weights(model)
    assert apart(others, after(model)) > 1e-4
    np.testing.assert_array_equal(kernel, first.kernel.numpy())


# optimizers ------------------------------------------------------------------


@each_loop
@pytest.mark.parametrize("wrap", ["factor", "LossScaleOptimizer"])
def test_scaled_losses_make_the_same_step(loop, wrap):
    def scaled():
        if wrap == "factor":
            return keras.optimizers.SGD(0.05, loss_scale_factor=1024.0)
        inner = keras.optimizers.SGD(0.05)
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=256.0)

    plain = after(compiled(loop))
    model = compiled(
        loop, generator_optimizer=scaled(), discriminator_optimizer=scaled()
    )
    before = weights(model)
    found = after(model)
    assert apart(before, found) > 1e-3
    assert apart(plain, found) < 1e-5


def test_scaled_losses_in_the_simultaneous_update_with_r1():
    def made(r1_gamma=1.0, **options):
        players = build_players(batch_norm=None, weight_stddev=0.2)
        how = {"update": "simultaneous", "run_eagerly": True}
        return compiled(players=players, r1_gamma=r1_gamma, **how, **options)

    pair = {
        "generator_optimizer": keras.optimizers.SGD(0.05, loss_scale_factor=64.0),
        "discriminator_optimizer": keras.optimizers.SGD(0.05, loss_scale_factor=8.0),
    }
    plain = after(made())
    assert apart(plain, after(made(**pair))) < 1e-5
    assert apart(plain, after(made(r1_gamma=0.0))) > 1e-3  # it is not without effect


def test_every_micro_batch_of_an_accumulated_step_meets_its_own_noise():
    met = []
    model = compiled(
        generator_optimizer=keras.optimizers.SGD(0.05, gradient_accumulation_steps=4),
        discriminator_optimizer=keras.optimizers.SGD(
            0.05, gradient_accumulation_steps=4
        ),
        run_eagerly=True,
    )
    draw = model._noise
    model._noise = lambda *asked: met.append(draw(*asked).numpy()) or met[-1]
    after(model, *[IMAGES[:BATCH]] * 3)
    trainable = [w.numpy() for w in model.generator.trainable_weights]
    assert len({z.tobytes() for z in met}) == len(met) == 6
    after(model, IMAGES[:BATCH])
    moved = [w.numpy() for w in model.generator.trainable_weights]
    assert apart(trainable, moved) > 1e-4


def test_predict_draws_with_the_averaged_weights():
    model = compiled(generator_optimizer=keras.optimizers.SGD(0.5, use_ema=True))
    after(model, *[IMAGES[:BATCH]] * 3)
    drawn = model.predict(noise(), verbose=0)
    averaged = model.sampling_generator()(noise(), training=False)
    np.testing.assert_allclose(drawn, averaged, atol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(noise()), averaged, atol=1e-5)
    assert np.abs(drawn - model(noise())).max() > 1e-3


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.SwapEMAWeights(),
        keras.callbacks.TerminateOnNaN(),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_callbacks_for_models_of_one_loss_are_refused(callback):
    with pytest.raises(ValueError, match=f"callbacks: {type(callback).__name__}"):
        compiled().fit(IMAGES, callbacks=[callback], verbose=0)


def test_tensorboard_counts_no_steps_of_two_optimizers(tmp_path):
    for is_asked in (False, True):
        board = keras.callbacks.TensorBoard(tmp_path, write_steps_per_second=is_asked)
        model = compiled(run_eagerly=True)
        if is_asked:
            with pytest.raises(
                ValueError, match="write_steps_per_second=False, .*True"
            ):
                model.fit(IMAGES[:BATCH], callbacks=[board], verbose=0)
        else:
            model.fit(IMAGES[:BATCH], callbacks=[board], verbose=0)
        assert int(model.steps_made.numpy()) == (not is_asked)


# saving and copying ----------------------------------------------------------


@KERAS_SAVES
@each_loop
@pytest.mark.parametrize("way", ["save", "checkpoint", "deepcopy", "pickle", "config"])
def test_a_copy_goes_on_as_the_original(loop, way, tmp_path):
    model = compiled(
        loop,
        generator_optimizer=keras.optimizers.Adam(1e-2),
        discriminator_optimizer=keras.optimizers.RMSprop(1e-2),
    )
    path = tmp_path / "model.keras"
    saved = [keras.callbacks.ModelCheckpoint(path)] if way == "checkpoint" else []
    model.fit(IMAGES, batch_size=BATCH, shuffle=False, verbose=0, callbacks=saved)
    if way == "save":
        model.save(path)
    if path.exists():
        other = keras.models.load_model(path)
    elif way == "deepcopy":
        other = copy.deepcopy(model)
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(model))
    else:
        other = type(model).from_config(model.get_config())
        other.set_weights([weight.numpy() for weight in model.weights])
        assert apart(weights(model), weights(other)) == 0
        return
    assert type(other) is loop and other.generator is not model.generator
    start = weights(model)
    assert apart(start, weights(other)) == 0
    assert apart(after(model, IMAGES[:BATCH]), after(other, IMAGES[:BATCH])) == 0
    assert apart(start, weights(other)) > 1e-4


# several devices -------------------------------------------------------------

UNEVEN = """
import numpy as np
from dcgan_keras import keras, tf
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from players import build_players, reals
from dcgan_keras.training.dcgan import DCGAN

with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    dcgan = DCGAN(*build_players())
    dcgan.compile()
data = tf.data.Dataset.from_tensor_slices(reals(12))
for give in (
    lambda: dcgan.fit(reals(9), batch_size=4, verbose=0),
    lambda: dcgan.fit(data.batch(4), verbose=0),
    lambda: dcgan.fit(data.batch(3, drop_remainder=True), verbose=0),
    lambda: dcgan.fit(reals(12), batch_size=4, verbose=0),
    lambda: dcgan.fit(data.batch(4, drop_remainder=True), verbose=0),
    lambda: dcgan.evaluate(data.batch(5), verbose=0),
    lambda: dcgan.evaluate(data.batch(4, drop_remainder=True), verbose=0),
    lambda: dcgan.fit(reals(12), batch_size=4, validation_split=0.25, verbose=0),
    lambda: dcgan.evaluate(reals(9), batch_size=4, verbose=0),
    lambda: dcgan.evaluate(reals(9), batch_size=3, verbose=0),
):
    try:
        give()
        print("steps", int(dcgan.steps_made.numpy()))
    except ValueError as error:
        print(error)
"""


def test_uneven_batches_are_refused_on_two_devices():
    """A replica without images would fail deep inside of TensorFlow."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", UNEVEN],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout.splitlines()
    assert said[3:5] == ["steps 3", "steps 6"]
    refused = "x: expected batches of one size that 2 devices can share evenly, got"
    assert said[0] == f"{refused} 9 images in batches of 4"
    assert said[1].startswith(f"{refused} batches whose size is not fixed")
    assert said[2] == f"{refused} batches of 3"
    assert said[5].startswith(f"{refused} batches whose size is not fixed")
    assert said[6] == "steps 6"
    assert said[7] == f"{refused} 9 images in batches of 4"
    assert said[8] == f"{refused} 1 images in batches of 1"
    assert said[9:] == [f"{refused} 9 images in batches of 3"]
