"""What Keras's other doors let in: checked, counted and averaged as by the first."""

import json
import types
from fractions import Fraction

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
from dcgan_keras.composite import build_gan, mixes_batch
from dcgan_keras.data.datasets import training_batches
from dcgan_keras.labels import asked_logits
from dcgan_keras.losses import discriminator_loss, non_saturating_generator_loss
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import TEST_NOISE, latent_noise
from dcgan_keras.training.callbacks import History, ProgressLine, RunRecorder
from dcgan_keras.training.composite_loop import CompositeLoop, asked_cross_entropy
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.runs import RunFolder
from dcgan_keras.training.sampling import (
    generate,
    generate_parts,
    latent_walk,
    set_statistics,
)

each_loop = pytest.mark.parametrize("loop", [CompositeLoop, DCGAN])
IMAGES = np.concatenate([reals(seed=step) for step in range(3)])
DATA = tf.data.Dataset.from_tensor_slices


def compiled(loop=DCGAN, players=None, rate=0.05, **options):
    model = loop(*(players or build_players()))
    if loop is DCGAN or "r1_gamma" not in options:
        pair = [keras.optimizers.SGD(rate) for _ in range(2)]
        pair[0] = options.pop("generator_optimizer", pair[0])
        model.compile(*pair, **options)
    return model


# evaluate ----------------------------------------------------------------------


@each_loop
@pytest.mark.parametrize("count", [12, 10])  # whole batches; a last one of two
def test_evaluate_is_the_mean_over_all_images(loop, count):
    model = compiled(loop, build_players(weight_stddev=0.5))
    model.seed = 3
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    images = IMAGES[:count]
    z = latent_noise((count, 3), model.seed, model.steps_made.value, TEST_NOISE)
    fakes = model.discriminator(model.generator(z, training=False), training=False)
    real = model.discriminator(images, training=False)
    by_hand = {
        "discriminator_loss": discriminator_loss(real, fakes),
        "generator_loss": non_saturating_generator_loss(fakes),
        "real_accuracy": np.mean(real > 0),
        "fake_accuracy": np.mean(fakes <= 0),
    }
    found = model.evaluate(images, batch_size=BATCH, verbose=0, return_dict=True)
    for name, value in found.items():
        assert float(value) == pytest.approx(float(by_hand[name]), abs=1e-5), name
    in_order = model.evaluate(images, batch_size=BATCH, verbose=0)
    assert in_order == [found[name] for name in model.metrics_names]
    told = model.fit(images, validation_data=(images,), validation_batch_size=BATCH,
                     verbose=0)  # fmt: skip
    val = {key for key in told.history if key.startswith("val_")}
    assert val == {f"val_{name}" for name in found}


@each_loop
def test_what_a_batch_gives_is_named_in_its_order(loop):
    model = compiled(loop, run_eagerly=True, rate=0.0)
    for door in (model.train_on_batch, model.test_on_batch):
        found = door(IMAGES[:BATCH], return_dict=True)
        assert model.metrics_names == sorted(found)
        in_order = dict(zip(model.metrics_names, door(IMAGES[:BATCH]), strict=True))
        for name in ("discriminator_loss", "generator_loss"):
            assert in_order[name] == pytest.approx(found[name], abs=0.1)


@each_loop
def test_batches_are_validated_beside_an_array(loop):
    """Keras's fit hands its batch_size on, which is the array's."""
    model = compiled(loop)
    batches = tf.data.Dataset.from_tensor_slices(IMAGES).batch(BATCH)
    told = model.fit(IMAGES, batch_size=BATCH, validation_data=batches, verbose=0)
    assert "val_generator_loss" in told.history


@each_loop
def test_what_is_evaluated_hangs_on_no_batch_size(loop):
    generator, discriminator = build_players(weight_stddev=0.5)
    model = compiled(loop, (generator, discriminator))
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    found = [
        model.evaluate(IMAGES, batch_size=size, verbose=0)
        for size in (1, 5, BATCH, len(IMAGES))
    ]
    found.append([float(x) for x in model.test_on_batch(IMAGES)])
    np.testing.assert_allclose(found, found[:1] * len(found), rtol=1e-5)
    told = [
        compiled(loop, build_players(weight_stddev=0.5))
        .fit(IMAGES, validation_data=(IMAGES,), validation_batch_size=size,
             shuffle=False, verbose=0).history["val_generator_loss"]
        for size in (1, len(IMAGES))
    ]  # fmt: skip
    np.testing.assert_allclose(*told, rtol=1e-5)


def test_several_steps_at_once_are_averaged_too():
    found = []
    for at_once in (1, 3):
        model = compiled(steps_per_execution=at_once)
        found.append(model.evaluate(IMAGES, batch_size=BATCH, verbose=0))
    np.testing.assert_allclose(*found, atol=1e-6)


@each_loop
def test_a_d_that_cannot_tell_takes_all_images_for_fakes(loop):
    model = compiled(loop)
    answer = model.discriminator.get_layer("answer")
    answer.set_weights([np.zeros_like(weight) for weight in values(answer)])
    for step in (model.test_step, model.train_step):
        told = step(IMAGES[:BATCH])
        assert (float(told["real_accuracy"]), float(told["fake_accuracy"])) == (0, 1)


# XLA ---------------------------------------------------------------------------


def test_compiled_anew_xla_makes_another_update(monkeypatch):
    made = []

    def function(update=None, **how):
        if update is None:  # a decorator of Keras's
            return lambda update: update
        made.append(how)
        return update

    monkeypatch.setattr(tf, "function", function)
    model = compiled(jit_compile=True)
    for _ in range(2):
        model.train_step(IMAGES[:BATCH])
    assert made == [{"jit_compile": True, "autograph": False}]
    model.compile("sgd", "sgd", jit_compile=True)
    model.train_step(IMAGES[:BATCH])
    assert len(made) == 2


@pytest.mark.parametrize("is_set_later", [False, True])
def test_a_step_that_is_run_eagerly_is_none_of_xla(is_set_later):
    model, eager = compiled(jit_compile=True, run_eagerly=not is_set_later), []
    model.run_eagerly = True
    update = model._update
    model._update = lambda *given: (
        eager.append(tf.executing_eagerly()) or update(*given)
    )
    model.train_on_batch(IMAGES[:BATCH])
    assert eager == [True]


@each_loop
def test_xla_is_for_compile_to_choose(loop):
    model = compiled(loop)
    with pytest.raises(ValueError, match="^jit_compile: .* of compile, got it later"):
        model.jit_compile = True
    model.compile(jit_compile=True)
    assert model._uses_xla


@each_loop
@pytest.mark.parametrize(
    ("images", "said"),
    [
        (127.5 * (IMAGES + 1), "images: expected values in .* scale pixels by"),
        (np.full_like(IMAGES, np.nan), "images: expected values in"),
    ],
)
def test_xla_refuses_what_the_plain_step_refuses(loop, images, said):
    model = compiled(loop, jit_compile=True)
    before = weights(model)
    doors = [
        lambda: model.fit(DATA(images).batch(BATCH), verbose=0),
        lambda: model.train_on_batch(images[:BATCH]),
        lambda: model.evaluate(DATA(images).batch(BATCH), verbose=0),
    ]
    for door in doors:
        with pytest.raises(ValueError, match=said):
            door()
    assert apart(before, weights(model)) == 0
    model.train_on_batch(IMAGES[:BATCH])
    assert apart(before, weights(model)) > 1e-4


@pytest.mark.parametrize(
    ("loop", "options"),
    [
        (CompositeLoop, {}),
        (DCGAN, {"augmentation": ("translation", "colour")}),
    ],
)
def test_random_numbers_do_not_hang_on_xla(loop, options):
    """TensorFlow's own do: it makes others of the same seed (tensorflow#117644)."""
    states = []
    for jit_compile in (False, True):
        model = loop(*build_players(batch_norm=None), seed=3)
        rates = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)
        model.compile(*rates, jit_compile=jit_compile, **options)
        model.fit(IMAGES[: 2 * BATCH], batch_size=BATCH, shuffle=False, verbose=0)
        states.append(weights(model))
    assert apart(*states) < 1e-6


# averaged weights ----------------------------------------------------------------


def averaging(players=None):
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    return compiled(players=players, generator_optimizer=optimizer)


def test_before_the_first_step_g_draws_with_its_own_weights():
    model = averaging()
    drawn = model.predict(noise(), verbose=0)
    np.testing.assert_allclose(drawn, model.generator(noise()), atol=1e-6)
    assert drawn.std() > 0
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "sgd")  # another rate
    drawn = model.predict(noise(), verbose=0)
    np.testing.assert_allclose(drawn, model.generator(noise()), atol=1e-6)


@KERAS_SAVES
@pytest.mark.parametrize("door", ["generator", "model", "file"])
def test_weights_that_are_put_into_g_are_drawn_with(door, tmp_path):
    model, other = averaging(), averaging(build_players(seed=7))
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    averaged = model.predict(noise(), verbose=0)
    if door == "model":
        model.set_weights(other.get_weights())
    elif door == "generator":
        model.generator.set_weights(other.generator.get_weights())
    else:
        other.generator.save_weights(tmp_path / "g.weights.h5")
        model.generator.load_weights(tmp_path / "g.weights.h5")
    z = noise()
    set_statistics(other.generator)
    expected = other.generator(z, training=False)
    drawn = model.predict(z, verbose=0)
    assert np.abs(drawn - averaged).max() > 1e-3
    np.testing.assert_allclose(drawn, expected, atol=1e-5)


def test_after_weights_are_put_into_g_the_average_begins_with_them():
    average = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9)
    model = compiled(generator_optimizer=average, run_eagerly=True)
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    other, _ = build_players(seed=7)
    model.generator.set_weights(other.get_weights())
    model.fit(IMAGES[:BATCH], batch_size=BATCH, verbose=0)
    players = other, model.generator, model.sampling_generator()
    for put, new, averaged in zip(
        *(player.trainable_variables for player in players), strict=True
    ):
        np.testing.assert_allclose(averaged, 0.9 * put + 0.1 * new, atol=1e-6)


def test_weights_of_the_same_sum_that_are_put_into_g_are_drawn_with():
    model = averaging()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    before = model.predict(noise(), verbose=0)
    turned = [w[::-1, ::-1] if w.ndim == 4 else w for w in values(model.generator)]
    model.generator.set_weights(turned)
    assert np.abs(model.predict(noise(), verbose=0) - before).max() > 1e-3


def test_a_sampling_generator_stays_as_it_was_given():
    model = averaging()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    given = model.sampling_generator()
    before = given(noise(), training=False).numpy()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    drawn = model.predict(noise(), verbose=0)
    np.testing.assert_array_equal(given(noise(), training=False), before)
    newest = model.sampling_generator()
    np.testing.assert_allclose(newest(noise(), training=False), drawn, atol=1e-6)
    assert np.abs(drawn - before).max() > 1e-3


def test_early_stopping_gives_back_the_weights_that_are_drawn_with():
    model = averaging()
    first = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(model.generator.get_weights())
    )
    kept = []
    stop = keras.callbacks.EarlyStopping(
        "generator_loss", mode="max", patience=9, restore_best_weights=True
    )
    stop.on_epoch_end = types.MethodType(
        lambda self, epoch, logs=None: (
            setattr(self, "best_weights", model.get_weights()) if epoch == 0 else None
        ),
        stop,
    )
    model.fit(IMAGES, batch_size=BATCH, epochs=3, callbacks=[first, stop], verbose=0)
    apart_from_first = [
        np.abs(a - b).max()
        for a, b in zip(model.generator.get_weights(), kept[0], strict=True)
    ]
    assert max(apart_from_first) == 0
    drawn = model.predict(noise(), verbose=0)
    set_statistics(model.generator)
    np.testing.assert_allclose(drawn, model.generator(noise()), atol=1e-5)


def test_a_layer_of_g_that_is_frozen_later_is_drawn_with():
    model = averaging()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    before = model.predict(noise(), verbose=0)
    model.generator.layers[0].trainable = False
    np.testing.assert_array_equal(before, model.predict(noise(), verbose=0))


def test_statistics_that_fail_leave_the_momentum_as_it_was():
    generator, _ = build_players()
    norms = [
        layer
        for layer in generator.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = [layer.momentum for layer in norms]
    assert before and before[0] > 0
    with pytest.raises(ValueError, match="count: expected a whole number >= 1, got 0"):
        set_statistics(generator, 0)
    generator.call = None  # fails when it draws
    with pytest.raises(TypeError):
        set_statistics(generator, 4)
    assert [layer.momentum for layer in norms] == before


# players ---------------------------------------------------------------------------


def judge(last=None, mix=None, **dense):
    """A D by Keras's functions: mix looks at the flattened images, last at logits."""
    images = keras.Input((16, 16, 1))
    x = keras.layers.Flatten()(images)
    x = x if mix is None else mix(x)
    logits = keras.layers.Dense(1, **dense)(x)
    return keras.Model(images, logits if last is None else last(logits))


def softly(x):
    return 1 / (1 + tf.exp(-x))


@pytest.mark.parametrize(
    "discriminator",
    [
        lambda: judge(activation=tf.nn.sigmoid),
        lambda: judge(activation=softly),
        lambda: judge(activation="hard_sigmoid"),
        lambda: judge(activation="softmax"),
        lambda: judge(last=keras.ops.sigmoid),
        lambda: judge(last=keras.layers.Activation("linear"), activation="sigmoid"),
    ],
)
def test_probabilities_of_every_make_are_refused(discriminator):
    generator, _ = build_players()
    with pytest.raises(ValueError, match="expected logits, got probabilities"):
        DCGAN(generator, discriminator())


@pytest.mark.parametrize("last", [None, keras.layers.Activation("linear")])
def test_logits_are_taken(last):
    DCGAN(build_players()[0], judge(last=last))


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_initializer": "zeros"},
        {
            "kernel_initializer": keras.initializers.RandomNormal(stddev=1e-6, seed=1),
            "bias_initializer": keras.initializers.Constant(0.5),
        },
    ],
    ids=["zeros", "all near one half"],
)
def test_small_logits_are_no_probabilities(options):
    last = keras.layers.Rescaling(1.0)  # so that they are tried
    DCGAN(build_players()[0], judge(last=last, **options))


class Stray(keras.Model):
    """A model whose layers are Keras's and whose call compares the images."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.build((None, 256))

    def build(self, shape):
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        return x - keras.ops.mean(x, axis=0, keepdims=True)

    def compute_output_shape(self, shape):
        return shape


class Identity(keras.layers.Layer):
    """Keras's by its name, and only out of training by what it does."""

    def call(self, x, training=False):
        return x - keras.ops.mean(x, axis=0, keepdims=True) if training else x


MIXING = {
    "statistics": lambda x: keras.ops.concatenate(
        [x, keras.ops.abs(x - keras.ops.mean(x, 0, keepdims=True))], -1
    ),
    "unit norm": lambda x: keras.layers.UnitNormalization(axis=0)(x),
    "softmax": lambda x: keras.layers.Softmax(axis=0)(x),
    "activation": lambda x: keras.layers.Dense(
        4, activation=lambda y: tf.nn.softmax(y, axis=0)
    )(x),
    "a model of one's own": lambda x: Stray()(x),
    "a layer of Keras's name": lambda x: Identity()(x),
}


@pytest.mark.parametrize("kind", MIXING)
def test_a_d_that_mixes_its_batch_is_seen_however_it_does(kind):
    discriminator = judge(mix=MIXING[kind])
    for options in ({"update": "simultaneous"}, {"r1_gamma": 1.0}):
        with pytest.raises(ValueError, match="mix the images"):
            compiled(players=(build_players()[0], discriminator), **options)
    z, (generator, _) = noise(6), build_players()
    answers = build_gan(generator, discriminator)(z, training=True)
    expected = discriminator(generator(z, training=True), training=True)
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_a_d_that_looks_at_each_image_by_itself_may_be_of_any_make():
    own = judge(mix=lambda x: keras.ops.abs(x) + keras.layers.Lambda(tf.sin)(x))
    compiled(players=(build_players()[0], own), update="simultaneous", r1_gamma=1.0)


def test_to_look_whether_d_mixes_its_batch_moves_none_of_its_state():
    layer = keras.layers.SpectralNormalization(keras.layers.Dense(4))
    discriminator = judge(mix=layer)
    before = values(discriminator)
    assert not mixes_batch(discriminator)
    assert apart(before, values(discriminator)) == 0
    discriminator(IMAGES, training=True)
    assert apart(before, values(discriminator)) > 1e-4


# options and numbers ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r1_gamma": np.nan}, "r1_gamma: expected 0 or more, got nan"),
        ({"r1_gamma": np.inf}, "r1_gamma: expected 0 or more, got inf"),
        ({"r1_gamma": 1.0, "r1_interval": 2.5}, "r1_interval: expected 1 .*got 2.5"),
        ({"real_label": np.inf}, "real_label: expected .*got inf"),
        ({"augmentation": "flip"}, "augmentation: expected a sequence .*got 'flip'"),
        ({"augmentation": None}, "augmentation: expected a sequence .*got None"),
        ({"r1_gamma": "a"}, "r1_gamma: expected 0 or more, got 'a'"),
        ({"r1_gamma": True}, "r1_gamma: expected 0 or more, got True"),
        ({"generator_loss": ["minimax"]}, "generator_loss: .* got \\['minimax'\\]"),
        ({"update": ["simultaneous"]}, "update: expected one of 'alt.*got \\['sim"),
        ({"steps_per_execution": -1}, "steps_per_execution: .* >= 1, got -1"),
        ({"steps_per_execution": 0}, "steps_per_execution: .* >= 1, got 0"),
        ({"steps_per_execution": 1.5}, "steps_per_execution: .* >= 1, got 1.5"),
        ({"steps_per_execution": "auto"}, "steps_per_execution: .* got 'auto'"),
        ({"jit_compile": "auto"}, "jit_compile: expected True or False, got 'auto'"),
        ({"jit_compile": 2}, "jit_compile: expected True or False, got 2"),
        ({"run_eagerly": "no"}, "run_eagerly: expected True or False, got 'no'"),
    ],
)
def test_compile_refuses_what_is_no_number_or_no_list(options, said):
    with pytest.raises(ValueError, match=said):
        compiled(players=build_players(batch_norm=None), **options)


def test_numbers_of_every_kind_are_obeyed_and_saved():
    whole, real = np.int64(2), Fraction(1, 2)
    model = compiled(
        players=build_players(batch_norm=None),
        r1_gamma=real,
        r1_interval=whole,
        real_label=real,
        steps_per_execution=whole,
        jit_compile=np.bool_(False),
    )
    config = json.loads(json.dumps(model.get_compile_config()))
    assert (config["r1_gamma"], config["real_label"]) == (0.5, 0.5)
    assert (config["r1_interval"], config["steps_per_execution"]) == (2, 2)
    assert config["jit_compile"] is False


def test_a_generator_of_names_is_obeyed():
    names = (name for name in ("cutout", "flip"))
    assert compiled(augmentation=names).augmentation == ("flip", "cutout")


@pytest.mark.parametrize("seed", [1.5, "1", True, None, 2**62])
def test_a_seed_that_gives_no_noise_is_refused(seed):
    with pytest.raises(ValueError, match="expected a whole number, -.* to"):
        DCGAN(*build_players(), seed=seed)


@each_loop
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, "epochs: expected 1 or more, got 0"),
        ({"epochs": -3}, "epochs: expected 1 or more, got -3"),
        ({"batch_size": True}, "batch_size: expected 1 or more, got True"),
        ({"batch_size": 4.0}, "batch_size: expected 1 or more, got 4.0"),
        ({"batch_size": -4}, "batch_size: expected 1 or more, got -4"),
        ({"validation_data": list(IMAGES)}, "validation_data: expected an array"),
        ({"validation_data": (127 * IMAGES,)}, "images: expected values in"),
        ({"validation_split": -0.5}, "validation_split: expected 0 <= .*got -0.5"),
        ({"validation_split": "a"}, "validation_split: expected 0 <= .*got 'a'"),
        ({"validation_steps": 0}, "validation_steps: expected 1 or more, got 0"),
        ({"validation_batch_size": 0}, "validation_batch_size: expected 1 .* got 0"),
        ({"initial_epoch": -1}, "initial_epoch: expected 0 or more, got -1"),
        ({"validation_freq": 0}, "validation_freq: expected a whole .* 1, got 0"),
        ({"validation_freq": "a"}, "validation_freq: expected a number.*got 'a'"),
        ({"validation_freq": range(1, 3)}, "validation_freq: expected a number.*range"),
        ({"validation_freq": [1, "a"]}, "validation_freq: expected a number.*'a'"),
    ],
)
def test_fit_refuses_numbers_that_keras_takes_for_others(loop, options, said):
    with pytest.raises(ValueError, match=said) as error:
        compiled(loop).fit(IMAGES, **options, verbose=0)
    assert len(str(error.value).splitlines()) == 1


def test_the_first_epoch_may_be_named_and_those_that_are_validated():
    model, images = compiled(run_eagerly=True), IMAGES[:BATCH]
    options = {"epochs": 2, "initial_epoch": 0, "validation_freq": [2], "verbose": 0}
    told = model.fit(images, validation_data=(images,), **options)
    assert told.epoch == [0, 1] and len(told.history["val_generator_loss"]) == 1


@pytest.mark.parametrize(
    ("z", "batch_size", "said"),
    [
        (noise(), 0, "^batch_size: expected a whole number >= 1, got 0"),
        (noise(), -1, "^batch_size: expected a whole number >= 1, got -1"),
        (noise()[:0], 2, r"^z: expected shape \(N, 3\), N > 0; got \(0, 3\)"),
        (noise()[:, :2], 2, r"^z: expected shape \(N, 3\), N > 0; got \(4, 2\)"),
        ([], 2, r"^z: expected shape \(N, 3\), N > 0; got \(0,\)"),
    ],
)
def test_generate_refuses_what_gives_no_images(z, batch_size, said):
    with pytest.raises(ValueError, match=said):
        generate_parts(build_players()[0], z, batch_size)


def test_an_infinite_answer_of_another_class_is_not_asked_for():
    logits = np.array([[1.0, np.inf], [np.nan, 2.0]], np.float32)
    np.testing.assert_array_equal(asked_logits(logits, [0, 1]), [[1], [2]])
    answers = np.array([[1.0, 0.0], [0.0, -1.0]], np.float32)
    found = asked_cross_entropy(answers, logits)
    np.testing.assert_allclose(found, np.logaddexp(0, [-1, 2]), rtol=1e-6)


@pytest.mark.parametrize(
    "shares", [[0.5, 9], [0.5, 0.4, 0.3], [1.5, -0.5, 0.0], "a", [np.nan, 0.5, 0.5]]
)
def test_shares_of_other_classes_are_refused(shares):
    model = DCGAN(*build_players(classes=3), classes=3)
    with pytest.raises(ValueError, match="^shares: expected 3 numbers >= 0 with the"):
        model.class_shares = shares
    assert model.class_shares is None
    model.class_shares = (0.5, 0.25, 0.25)
    assert model.get_config()["class_shares"] == [0.5, 0.25, 0.25]
    with pytest.raises(ValueError, match="^shares: expected None without classes"):
        DCGAN(*build_players()).class_shares = [1.0]


@each_loop
def test_every_door_refuses_in_one_sentence(loop):
    model = compiled(loop)
    batches = DATA(IMAGES).batch(2)
    endless = training_batches(IMAGES, 2)
    unknown = tf.data.Dataset.from_generator(
        lambda: iter([IMAGES]), output_types=tf.float32
    )
    doors = {
        "batch_size: expected None": lambda: model.fit(batches, batch_size=12),
        "x: .* got a list; np.stack": lambda: model.fit(list(IMAGES), batch_size=4),
        "batch_size: expected 1": lambda: model.evaluate(IMAGES, batch_size=0),
        "steps: expected 1": lambda: model.evaluate(IMAGES, steps=0),
        "x: expected an array .* got None": lambda: model.evaluate(None),
        "x: expected an array of .* got None": lambda: model.train_on_batch(None),
        "x: expected an .* batches, got None": lambda: model.test_on_batch(None),
        "x: expected z .* got None": lambda: model.predict(None),
        "generator: .* got a (DCGAN|Comp)": lambda: generate(model, noise()),
        r"x: expected z .* got \(0, 3\)": lambda: model.predict(noise()[:0]),
        "batch_size: .* got 0": lambda: model.predict(noise(), batch_size=0),
        "batch_size: .* got -1": lambda: model.predict(noise(), -1),
        "class_weight: expected None": lambda: model.train_on_batch(
            IMAGES, class_weight={0: 1.0}
        ),
        "sample_weight: expected None": lambda: model.train_on_batch(IMAGES, None, [1]),
        "expected a generator of tuples": lambda: model.fit(x for x in [IMAGES]),
        "does not say its shape": lambda: model.fit(unknown),
        "expected batches of shape": lambda: model.train_on_batch(IMAGES[:0]),
        "images: expected values": lambda: model.test_on_batch(127 * IMAGES),
        "filepath: expected a name": lambda: model.save("model.h5"),
        "x: expected finite": lambda: model.predict(np.full((2, 3), np.nan)),
        "finite numbers": lambda: model.predict_on_batch(np.full((2, 3), np.inf)),
        "x: expected finite numbers": lambda: model.predict_on_batch(
            tf.fill((2, 3), np.nan)
        ),
        "steps_per_epoch: .* no end": lambda: model.fit(endless),
        "validation_steps: .* no end": lambda: model.fit(
            batches, validation_data=endless
        ),
        "steps: .* no end; got None": lambda: model.evaluate(endless),
        "callbacks: .* got keras": lambda: model.fit(batches, callbacks="keras"),
        "callbacks: .*History": lambda: model.fit(batches, callbacks=[History]),
        "get_state_tree: .* two players": lambda: model.get_state_tree(),
    }
    for said, door in doors.items():
        with pytest.raises(ValueError, match=said) as error:
            door()
        assert len(str(error.value).splitlines()) == 1, said
    model.evaluate(endless, steps=2, verbose=0)
    pairs = ((IMAGES[n : n + 2],) for n in range(0, 12, 2))  # as Keras wants them
    told = model.fit(pairs, steps_per_epoch=6, verbose=0)
    assert told.epoch == [0] and int(model.steps_made.numpy()) == 6


@each_loop
def test_weights_of_held_out_images_are_refused_before_training(loop):
    model, shares = compiled(loop), np.ones(len(IMAGES))
    triples = DATA((IMAGES, shares, shares)).batch(BATCH)
    for held_out in ((IMAGES, None, shares), triples):
        with pytest.raises(ValueError, match="^sample_weight: expected None"):
            model.fit(IMAGES, validation_data=held_out, verbose=0)
    assert int(model.steps_made.numpy()) == 0


class Enough(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = batch == 2


@each_loop
def test_a_callback_may_end_batches_without_an_end(loop):
    model = compiled(loop)
    model.fit(training_batches(IMAGES, 2), callbacks=[[Enough()]], verbose=0)
    assert int(model.steps_made.numpy()) == 3


@each_loop
def test_labels_of_another_number_than_images_are_refused(loop):
    options = {"image_shape": (16, 16, 1), "channels": 4, "classes": 3}
    players = build_generator(latent_dim=3, **options), build_discriminator(**options)
    model = loop(*players, classes=3)
    model.compile()
    before = weights(model)
    said = "^labels: expected whole numbers, one an image, 0 to 2; got 5 for 12$"
    unknown = tf.data.Dataset.from_generator(
        lambda: iter([(IMAGES, [0, 1, 2, 0, 1])]),
        output_signature=(
            tf.TensorSpec((None, 16, 16, 1)),
            tf.TensorSpec((None,), tf.int32),
        ),
    )
    with pytest.raises(ValueError, match=said):
        model.fit(unknown, verbose=0)
    assert apart(before, weights(model)) == 0


@each_loop
@pytest.mark.parametrize("kind", [History, ProgressLine, RunRecorder])
def test_callbacks_of_every_step_refuse_several_at_once(loop, kind, tmp_path):
    callback = {
        History: lambda: History(),
        ProgressLine: lambda: ProgressLine(3, BATCH),
        RunRecorder: lambda: RunRecorder(RunFolder(tmp_path)),
    }[kind]()
    model = compiled(loop, steps_per_execution=3)
    with pytest.raises(ValueError, match="steps_per_execution: expected 1 with"):
        model.fit(IMAGES, batch_size=BATCH, callbacks=[callback], verbose=0)
    assert int(model.steps_made.numpy()) == 0


def test_a_refused_callback_is_seen_in_a_list_of_keras():
    model = compiled()
    inside = keras.callbacks.CallbackList([keras.callbacks.TerminateOnNaN()])
    with pytest.raises(ValueError, match="TerminateOnNaN"):
        model.fit(IMAGES, callbacks=inside, verbose=0)


ONE = pytest.mark.parametrize(
    ("call", "is_told"),
    [
        (lambda model: model.fit(IMAGES[:3], batch_size=1, verbose=0), True),
        (lambda model: model.fit(IMAGES[:1], verbose=0), True),
        (lambda model: model.fit(IMAGES[:9], batch_size=4, verbose=0), True),
        (lambda model: model.fit(DATA(IMAGES[:3]).batch(1), verbose=0), True),
        (lambda model: model.train_on_batch(IMAGES[:1]), True),
        (lambda model: model.fit(IMAGES[:8], batch_size=4, verbose=0), False),
        (lambda model: model.evaluate(IMAGES[:1], verbose=0), False),
    ],
)


@ONE
def test_a_batch_of_one_image_gets_a_word(call, is_told, recwarn):
    call(compiled())
    said = [one for one in recwarn if "a batch has 1 image" in str(one.message)]
    assert bool(said) is is_told


def test_one_image_is_enough_for_a_g_without_batch_norm():
    model = compiled(players=build_players(batch_norm=None), run_eagerly=True)
    model.fit(IMAGES[:2], batch_size=1, verbose=0)  # a warning would be an error


def sigmoid_players():
    pixels = keras.layers.Dense(256, activation="sigmoid")
    reshape = keras.layers.Reshape((16, 16, 1))
    generator = keras.Sequential([keras.Input((3,)), pixels, reshape])
    return generator, build_players()[1]


@pytest.mark.parametrize("wrap", [np.asarray, lambda x: DATA(x).batch(BATCH)])
def test_a_sigmoid_generator_gets_a_word_of_its_own_range_alone(wrap, recwarn):
    compiled(players=sigmoid_players()).fit(wrap((IMAGES + 1) / 2), verbose=0)
    compiled().fit(wrap(IMAGES), verbose=0)
    assert not [one for one in recwarn if "[0, 1]" in str(one.message)]
    compiled(players=sigmoid_players()).fit(wrap(IMAGES), epochs=2, verbose=0)
    said = [str(one.message) for one in recwarn if "[0, 1]" in str(one.message)]
    assert len(said) == 1 and said[0].startswith(
        "images: some values are below 0; a si"
    )


def test_what_regularizers_add_is_not_reported_by_either_loop():
    found = {}
    for loop in (CompositeLoop, DCGAN):
        players = build_players(batch_norm=None)
        for player in players:
            for weight in player.trainable_weights:
                if len(weight.shape) > 1:
                    weight.regularizer = keras.regularizers.L2(10.0)
        model = compiled(loop, players, rate=0.001)
        found[loop] = model.train_on_batch(IMAGES[:BATCH], return_dict=True)
    composite, step = found.values()
    for name in ("discriminator_loss", "generator_loss"):
        assert float(composite[name]) == pytest.approx(float(step[name]), abs=1e-4)


def test_export_draws_with_the_averaged_weights(tmp_path):
    model = averaging()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    model.export(str(tmp_path / "model"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    served = loaded.serve(noise())
    np.testing.assert_allclose(served, model.predict(noise(), verbose=0), atol=1e-5)


@each_loop
def test_an_epoch_asks_a_generator_for_no_more_held_out_batches(loop):
    """Keras keeps those of the first epoch."""
    asked = []

    def batches():
        for number in range(20):
            asked.append(number)
            yield (IMAGES[:BATCH],)

    held_out = {"validation_data": batches(), "validation_steps": 1}
    model = compiled(loop)
    model.fit(IMAGES[:BATCH], batch_size=BATCH, epochs=4, verbose=0, **held_out)
    assert len(asked) < 4


@each_loop
def test_a_data_set_may_leave_sizes_open(loop):
    spec = tf.TensorSpec((None, None, None, None), tf.float32)
    batches = [IMAGES[:BATCH]]
    data = tf.data.Dataset.from_generator(lambda: batches, output_signature=spec)
    options = {"augmentation": ("flip", "cutout")} if loop is DCGAN else {}
    states = []
    for images in (data, DATA(batches)):
        model = compiled(loop, **options)
        model.fit(images.repeat(), steps_per_epoch=1, verbose=0)
        states.append(weights(model))
    assert apart(*states) < 1e-6


@pytest.mark.parametrize(
    ("loop", "options"), [(CompositeLoop, {}), (DCGAN, {"jit_compile": True})]
)
def test_a_size_that_is_seen_in_a_step_is_refused_in_one_sentence(loop, options):
    small = IMAGES[:BATCH, :9, :9]
    spec = tf.TensorSpec((None, None, None, None), tf.float32)
    open_sizes = tf.data.Dataset.from_generator(
        lambda: iter([small]), output_signature=spec
    )
    model = compiled(loop, **options)
    before = weights(model)
    said = (
        r"^images: expected batches of shape \(None, 16, 16, 1\), got \(4, 9, 9, 1\)$"
    )
    for door in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=said):
            door(open_sizes, verbose=0)
    assert apart(before, weights(model)) == 0
    with pytest.raises(ValueError, match=said):  # Keras leaves its sizes open
        model.fit(((images,) for images in (IMAGES[:BATCH], small)), verbose=0)
    assert int(model.steps_made.numpy()) == 1


@each_loop
def test_an_optimizer_of_other_weights_is_refused(loop):
    first, second = keras.optimizers.Adam(), keras.optimizers.Adam()
    model = loop(*build_players())
    model.generator.layers[0].trainable = False
    model.compile(first, second)
    model.compile(first, second)  # of the same weights it goes on
    said = "generator_optimizer: expected a new optimizer, got one that has no state"
    with pytest.raises(ValueError, match=said):
        model.compile(second, first)
    scaled = keras.optimizers.LossScaleOptimizer(second)
    for other in (second, scaled):
        with pytest.raises(ValueError, match=f"discriminator_optimizer{said[19:]}"):
            loop(*build_players()).compile(None, other)
    model.generator.layers[0].trainable = True
    with pytest.raises(ValueError, match="some weights of the generator"):
        model.compile(first, second)


def test_small_numpy_integers_count_as_pythons():
    """Twice 100, 3 times 100 and 250 + 1 are too much for 8 bits."""
    seed, classes = np.int8(100), np.uint8(200)
    players = build_players(classes=200)
    small = DCGAN(*players, seed=seed, classes=classes)
    config = DCGAN(*players, seed=100, classes=200).get_config()
    assert json.dumps(small.get_config()) == json.dumps(config)
    assert type(small.seed) is type(small.classes) is int
    assert latent_walk(noise(), frames=np.uint8(100)).shape == (301, 3)
    drawn = generate(build_players()[0], noise(300), np.uint8(250))
    assert len(drawn) == 300
    history = History(np.uint8(255))
    compiled().fit(IMAGES[:BATCH], callbacks=[history], verbose=0)
    assert history.rows[0]["step"] == 256


# averages ----------------------------------------------------------------------


@KERAS_SAVES
def test_averages_that_are_loaded_and_not_used_get_a_word(tmp_path, recwarn):
    model, z = averaging(), noise()
    model.fit(IMAGES, batch_size=BATCH, verbose=0)
    drawn = model.predict(z, verbose=0)
    model.save(tmp_path / "a.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    again, other = keras.models.load_model(tmp_path / "a.keras"), averaging()
    other.load_weights(tmp_path / "a.weights.h5")
    for one in (again, other):
        assert np.allclose(one.predict(z, verbose=0), drawn, atol=1e-6)
    assert not [one for one in recwarn if "averages" in str(one.message)]
    with pytest.warns(UserWarning, match="the averages of G's weights .* not used"):
        keras.models.load_model(tmp_path / "a.keras", compile=False)
    with pytest.warns(UserWarning, match="the averages of G's weights .* not used"):
        DCGAN(*build_players()).load_weights(tmp_path / "a.weights.h5")


def test_weights_put_in_by_hand_after_a_batch_are_drawn_with():
    model = averaging()
    for _ in range(2):
        model.train_on_batch(IMAGES[:BATCH])
    drawing = model.sampling_generator()
    assert apart(values(drawing), values(model.generator)) > 0
    halves = [np.full_like(w, 0.5) for w in model.generator.get_weights()]
    model.generator.set_weights(halves)
    for one in model.sampling_generator().trainable_variables:
        assert np.ptp(one.numpy()) == 0
    model.generator_optimizer.learning_rate = 0.0
    model.train_on_batch(IMAGES[:BATCH])  # the averages have begun from these
    for one in model.sampling_generator().trainable_variables:
        np.testing.assert_allclose(one, 0.5)


# players of other structures ---------------------------------------------------


def two_inputs():
    z, label = keras.Input((3,)), keras.Input((2,))
    pixels = keras.layers.Dense(256)(keras.layers.Concatenate()([z, label]))
    image = keras.layers.Reshape((16, 16, 1))(pixels)
    return keras.Model([z, label], image), build_players()[1]


def named_output():
    image = keras.Input((16, 16, 1))
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    return build_players()[0], keras.Model(image, {"logit": logit})


def whole_numbers():
    z = keras.Input((3,), dtype="int32")
    pixels = keras.layers.Flatten()(keras.layers.Embedding(5, 256)(z))
    pixels = keras.layers.Dense(256)(pixels)
    image = keras.layers.Reshape((16, 16, 1))(pixels)
    return keras.Model(z, image), build_players()[1]


def one_layer_for_both():
    both = keras.layers.Dense(256)
    z, image = keras.Input((256,)), keras.Input((16, 16, 1))
    generator = keras.Model(z, keras.layers.Reshape((16, 16, 1))(both(z)))
    hidden = both(keras.layers.Flatten()(image))
    return generator, keras.Model(image, keras.layers.Dense(1)(hidden))


@pytest.mark.parametrize(
    ("players", "said"),
    [
        (two_inputs, "generator: expected one input, got 2 of shapes"),
        (named_output, "discriminator: expected an output by itself, got a dict"),
        (whole_numbers, "generator: expected an input of floating numbers, got int32"),
        (one_layer_for_both, "discriminator: expected weights of its own, got some"),
    ],
)
def test_players_that_could_not_train_as_meant_are_refused(players, said):
    with pytest.raises(ValueError, match=said):
        DCGAN(*players())


def probabilities(model):
    model.discriminator.add(keras.layers.Activation("sigmoid"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (probabilities, "expected logits, got probabilities"),
        (lambda m: setattr(m, "generator", None), "generator: expected a keras.Model"),
        (
            lambda m: setattr(m, "generator", build_generator((8, 8, 1), 3, 4)),
            "discriminator: expected images of .*16, 16.* makes .*8, 8",
        ),
    ],
)
@each_loop
def test_players_put_in_later_are_looked_at_by_compile(loop, change, said):
    model = loop(*build_players())
    change(model)
    with pytest.raises(ValueError, match=said):
        model.compile()


def test_other_players_that_fit_are_for_dcgan_alone():
    for name, player in zip(
        ("generator", "discriminator"), build_players(seed=7), strict=True
    ):
        model, loop = DCGAN(*build_players()), CompositeLoop(*build_players())
        for one in (model, loop):
            setattr(one, name, player)
        model.compile()
        with pytest.raises(ValueError, match=f"^{name}: .* make a new CompositeLoop$"):
            loop.compile()


@each_loop
def test_weights_that_the_step_was_not_made_for_are_refused(loop):
    images, said = IMAGES[:BATCH], "^players: .* call compile again$"
    model = compiled(loop, run_eagerly=True)
    doors = [lambda: model.fit(images, verbose=0), lambda: model.train_on_batch(images)]
    doors[0]()
    layer, generator = model.generator.layers[0], model.generator
    for name, value in (("generator", build_players(seed=7)[0]), ("trainable", False)):
        owner = model if name == "generator" else layer
        setattr(owner, name, value)
        for door in doors:
            with pytest.raises(ValueError, match=said):
                door()
        model.generator = generator
    before = values(layer)
    model.compile(run_eagerly=True)
    for door in doors:
        door()
    assert apart(before, values(layer)) == 0
    layer.trainable = True
    model.compile(run_eagerly=True)
    doors[0]()
    assert apart(before, values(layer)) > 0


@each_loop
def test_players_put_in_after_compile_need_another_one(loop):
    for name, player in zip(("generator", "discriminator"), build_players(seed=7),
                            strict=True):  # fmt: skip
        model = compiled(loop)
        setattr(model, name, player)
        with pytest.raises(ValueError, match=f"^{name}_optimizer: .* new optimizer"):
            model.fit(IMAGES, verbose=0)


def test_a_frozen_layer_may_be_shared():
    """No optimizer moves it."""
    generator, discriminator = one_layer_for_both()
    generator.layers[1].trainable = False
    DCGAN(generator, discriminator)


def test_one_optimizer_in_two_wrappers_is_one():
    scaled = keras.optimizers.LossScaleOptimizer
    one = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="expected an optimizer of its own"):
        DCGAN(*build_players()).compile(scaled(one), scaled(one))
