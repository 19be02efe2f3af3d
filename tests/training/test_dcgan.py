"""The simultaneous update, the average of G's weights, and the default recipe."""

import numpy as np
import pytest
from players import BATCH, LATENT_DIM, build_players, fingerprint, reals

from dcgan_keras import keras, losses, tf
from dcgan_keras.noise import D_NOISE, latent_noise
from dcgan_keras.training import dcgan as dcgan_module
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.recipe import SETTINGS, compile_default, optimizers
from dcgan_keras.training.recipe import build_players as default_players
from dcgan_keras.training.sampling import MEASURED

SHAPE = (16, 16, 1)


def test_learning_rates_are_those_that_the_recipe_tells_of():
    """Sixty times the paper's rate for G, twenty times for D."""
    assert SETTINGS["generator_learning_rate"] == pytest.approx(60 * 2e-4)
    assert SETTINGS["discriminator_learning_rate"] == pytest.approx(20 * 2e-4)


def compiled(update="simultaneous", players=None, optimizer=None, **options):
    dcgan = DCGAN(*(players or default_players(SHAPE, LATENT_DIM, width=2, seed=1)))
    make = optimizer or (lambda: keras.optimizers.SGD(0.1))
    dcgan.compile(make(), make(), update=update, **options)
    return dcgan


def weights_of(dcgan):
    return dcgan.generator.weights + dcgan.discriminator.weights


def by_two_passes(dcgan, real_images):
    """The same update with a tape and a pass through D for each player."""
    generator, discriminator = dcgan.generator, dcgan.discriminator
    z = latent_noise((BATCH, LATENT_DIM), dcgan.seed, 0, D_NOISE)
    with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
        fake_images = generator(z, training=True)
        real_logits = discriminator(real_images, training=True)
        fake_logits = discriminator(fake_images, training=True)
        d_loss = losses.discriminator_loss(real_logits, fake_logits)
        g_loss = dcgan.generator_loss(fake_logits)
    for tape, loss, model in (
        (g_tape, g_loss, generator),
        (d_tape, d_loss, discriminator),
    ):
        variables = model.trainable_variables
        for variable, gradient in zip(
            variables, tape.gradient(loss, variables), strict=True
        ):
            variable.assign_sub(0.1 * gradient)
    return d_loss, g_loss


@pytest.mark.parametrize("generator_loss", sorted(losses.GENERATOR_LOSSES))
def test_one_pass_makes_the_update_of_two(generator_loss):
    one = compiled(generator_loss=generator_loss)
    two = compiled(generator_loss=generator_loss)
    before = [weight.numpy() for weight in weights_of(one)]
    logs = one.train_step(reals())
    d_loss, g_loss = by_two_passes(two, reals())
    for a, b, old in zip(weights_of(one), weights_of(two), before, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
        if a.trainable:
            assert np.abs(a.numpy() - old).max() > 1e-5
    np.testing.assert_allclose(logs["discriminator_loss"], d_loss, rtol=1e-6)
    np.testing.assert_allclose(logs["generator_loss"], g_loss, rtol=1e-6)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_another_label_of_reals_is_learned_and_reported(update):
    """D's loss differs by (1 - label) times the mean logit, and so does its update."""
    plain, smoothed = (compiled(update, real_label=x) for x in (1.0, 0.9))
    logits = np.asarray(plain.discriminator(reals(), training=True))
    d_losses = [
        float(x.train_step(reals())["discriminator_loss"]) for x in (plain, smoothed)
    ]
    assert d_losses[1] - d_losses[0] == pytest.approx(0.1 * logits.mean(), abs=1e-6)
    biases = [
        x.discriminator.get_layer("answer").bias.numpy() for x in (plain, smoothed)
    ]
    assert biases[0] - biases[1] == pytest.approx(0.1 * 0.1, abs=1e-6)  # rate 0.1
    assert smoothed.get_compile_config()["real_label"] == 0.9
    assert smoothed.test_on_batch(reals(), return_dict=True)["discriminator_loss"] < 2
    with pytest.raises(ValueError, match="real_label: expected a number >= 0, got -1"):
        compiled(update, real_label=-1)


def test_how_it_was_compiled_is_kept():
    game = {"generator_loss": "minimax", "r1_gamma": 0.5, "r1_interval": 3}
    one, other = compiled("simultaneous", **game), compiled("alternating")
    other.compile_from_config(one.get_compile_config())
    found = other.get_compile_config()
    expected = game | {"update": "simultaneous"}
    assert {name: found[name] for name in expected} == expected
    assert other.generator_loss is losses.minimax_generator_loss


def test_the_penalty_enters_one_step_in_sixteen_if_nothing_else_is_said():
    assert compiled(r1_gamma=1.0).r1_interval == 16


@pytest.mark.parametrize(("classes", "scale"), [(None, None), (None, 64.0), (2, None)])
def test_one_fake_that_d_is_sure_of_teaches_g_beside_others(classes, scale):
    """D's own slope at the first fake is 0; G's is as far from 0 as it can be."""
    z = np.float32([[-1, 0, 0], [0, 1, 0], [0.01, 0, 1], [0.02, 1, 1]])
    inputs = LATENT_DIM if classes is None else LATENT_DIM + classes
    layers = [keras.layers.Dense(256), keras.layers.Reshape(SHAPE)]
    generator = keras.Sequential([keras.Input((inputs,)), *layers])
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes or 1)]
    discriminator = keras.Sequential([keras.Input(SHAPE), *layers])
    dcgan = DCGAN(generator, discriminator, classes=classes)
    optimizer = keras.optimizers.SGD(0.1, loss_scale_factor=scale)
    still = keras.optimizers.SGD(0.0)
    dcgan.compile(optimizer, still, update="simultaneous")
    kernel, answers = generator.layers[0].kernel, discriminator.layers[1].kernel
    kernel = kernel.numpy()
    kernel[0] = np.full(classes or 1, 100.0) @ np.linalg.pinv(answers)
    generator.layers[0].kernel.assign(kernel)

    taken = []
    optimizer.apply = lambda gradients, variables: taken.extend(gradients)
    dcgan._noise = lambda *asked: tf.constant(z)
    labels = None if classes is None else np.arange(BATCH) % classes
    dcgan.train_step(reals() if classes is None else (reals(), labels))

    rows, columns = np.arange(BATCH), 0 if classes is None else labels
    given = z if classes is None else np.hstack([z, np.eye(classes)[labels]])
    with tf.GradientTape() as tape:
        answers = discriminator(generator(given.astype(np.float32)))
        logits = tf.gather_nd(answers, np.stack(np.broadcast_arrays(rows, columns), 1))
        loss = losses.non_saturating_generator_loss(logits)
    assert logits[0] < -90 and np.abs(logits[1:]).max() < 10
    expected = tape.gradient(loss, generator.trainable_variables)
    for ours, theirs in zip(taken, expected, strict=True):
        np.testing.assert_allclose(ours / (scale or 1.0), theirs, atol=1e-6)


def generators_change(update, logit, loss="non_saturating"):
    """By how much one step of SGD moves G's kernels, with D's answers near a logit."""
    players = default_players(SHAPE, LATENT_DIM, width=4, seed=1)
    dcgan = compiled(update, players, generator_loss=loss)
    dcgan.discriminator.get_layer("answer").bias.assign([logit])
    dcgan._noise = lambda images, step, draw: latent_noise((BATCH, LATENT_DIM), 0, step)
    kernels = [w for w in dcgan.generator.trainable_weights if len(w.shape) > 1]
    before = [kernel.numpy() for kernel in kernels]
    dcgan.discriminator_optimizer.learning_rate = 0.0  # G meets the same D either way
    dcgan.train_step(reals())
    changes = [x.numpy() - old for x, old in zip(kernels, before, strict=True)]
    return np.sqrt(sum(np.sum(change.astype(np.float64) ** 2) for change in changes))


# In bfloat16 small networks round their gradients by more than 1e-3 where D is unsure.
@pytest.mark.parametrize(
    ("policy", "logit"),
    [("float32", logit) for logit in (5.0, 0.0, -5.0, -13.0, -20.0, -40.0, -80.0)]
    + [("mixed_bfloat16", logit) for logit in (-5.0, -20.0, -40.0, -80.0)],
)
def test_simultaneous_gives_g_its_whole_gradient_at_any_logit(logit, policy):
    keras.config.set_dtype_policy(policy)
    try:
        one, two = (
            generators_change(update, logit)
            for update in ("simultaneous", "alternating")
        )
    finally:
        keras.config.set_dtype_policy("float32")
    assert two > 1e-5
    assert one / two == pytest.approx(1, abs=1e-3)


def test_d_computes_in_the_coarsest_type_of_its_layers():
    """Whatever the first one, here of float32, hands on."""
    inner = build_players(batch_norm=None)[1]
    images = keras.Input(inner.input_shape[1:], dtype="float32")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        generator, half = build_players(batch_norm=None)
    finally:
        keras.config.set_dtype_policy("float32")
    shares = []
    for discriminator in (inner, half, keras.Model(images, half(images))):
        dcgan = DCGAN(generator, discriminator)
        shares.append(dcgan._smallest_share())
    assert shares == [1e-6, 1e-2, 1e-2]


def test_without_the_pass_of_its_own_g_would_stand_still(monkeypatch):
    monkeypatch.setitem(dcgan_module.SMALLEST_SHARE, "float32", 0.0)
    one, two = (
        generators_change(update, -95.0) for update in ("simultaneous", "alternating")
    )
    assert not one / two == pytest.approx(1, abs=0.1)


def test_discriminator_that_normalises_by_batches_is_refused():
    with pytest.raises(ValueError, match="update: expected 'alternating' .*_bn"):
        compiled(players=build_players())


def test_penalty_of_a_linear_discriminator_is_its_squared_weights():
    """Its slope is the same at every image: the weights themselves."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(1)]
    linear = keras.Sequential([keras.Input(SHAPE), *layers])
    expected = np.sum(linear.layers[-1].kernel.numpy() ** 2)
    penalty = losses.r1_penalty(linear, reals())
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_penalty_enters_one_step_of_the_interval_as_many_times_as_strong(update):
    gamma, interval = 0.3, 2
    plain = compiled(update)
    held = compiled(update, r1_gamma=gamma, r1_interval=interval)
    for step in range(interval + 1):
        variables = held.discriminator.trainable_variables
        with tf.GradientTape() as tape:
            penalty = losses.r1_penalty(held.discriminator, reals())
        slopes = tape.gradient(penalty, variables)
        assert np.abs(slopes[0]).max() > 1e-4
        due = gamma / 2 * interval if step % interval == 0 else 0
        plain.train_step(reals())
        held.train_step(reals())
        for a, b, slope in zip(
            held.discriminator.trainable_variables,
            plain.discriminator.trainable_variables,
            slopes,
            strict=True,
        ):
            change = 0 if slope is None else 0.1 * due * slope
            np.testing.assert_allclose(a, b - change, atol=1e-6)
        for a, b in zip(plain.weights, held.weights, strict=True):
            a.assign(b)


@pytest.mark.parametrize(
    "options, named",
    [
        ({"r1_gamma": -1.0}, "r1_gamma: expected 0 or more, got -1.0"),
        ({"r1_gamma": 1.0, "r1_interval": 0}, "r1_interval: expected 1 or more, got 0"),
    ],
)
def test_impossible_penalty_is_refused(options, named):
    with pytest.raises(ValueError, match=named):
        compiled(**options)


def test_penalty_of_a_discriminator_that_normalises_is_refused():
    with pytest.raises(ValueError, match="r1_gamma: expected 0 .*_bn"):
        compiled("alternating", players=build_players(), r1_gamma=0.2)


def test_unknown_update_is_refused():
    with pytest.raises(ValueError, match="update: expected one of .*'joint'"):
        compiled(update="joint")


def test_default_trains_both_players_and_averages_one():
    keras.utils.set_random_seed(0)
    dcgan = compile_default(DCGAN(*default_players(SHAPE, LATENT_DIM, width=2)))
    before = fingerprint(dcgan.generator), fingerprint(dcgan.discriminator)
    for _ in range(3):
        logs = dcgan.train_step(reals())
    after = fingerprint(dcgan.generator), fingerprint(dcgan.discriminator)
    assert before[0] != after[0] and before[1] != after[1]
    assert all(np.isfinite(value) for value in logs.values())
    averaged = dcgan.sampling_generator()
    assert averaged is not dcgan.generator
    for own, other in zip(averaged.weights, dcgan.generator.weights, strict=True):
        assert np.abs(own.numpy() - other.numpy()).max() > 0, own.path


def test_statistics_are_those_of_the_averaged_weights():
    dcgan = compile_default(DCGAN(*default_players(SHAPE, LATENT_DIM, width=2)))
    for _ in range(3):
        dcgan.train_step(reals())
    averaged = dcgan.sampling_generator()
    before = fingerprint(averaged)
    momenta = [getattr(layer, "momentum", 0.9) for layer in averaged.layers]
    assert set(momenta) == {0.9}, "as it was"
    z = latent_noise((MEASURED, LATENT_DIM), seed=-1, step=0)
    inference = averaged(z, training=False)
    np.testing.assert_allclose(inference, averaged(z, training=True), atol=1e-3)
    assert fingerprint(dcgan.sampling_generator()) == before, "asked twice, the same"
    other = dcgan.generator(z, training=False) - dcgan.generator(z, training=True)
    assert np.abs(other).max() > 0.01, "moving averages lag behind"


def test_without_an_average_samples_come_from_the_generator():
    dcgan = compiled()
    assert dcgan.sampling_generator() is dcgan.generator


def test_a_large_batch_is_learned_from():
    """Adds that TensorFlow joins to save memory once met under one name, and failed."""
    dcgan = compile_default(DCGAN(*default_players()))
    dcgan.fit(np.zeros((1416, 28, 28, 1), np.float32), batch_size=1416, verbose=0)
    assert int(dcgan.steps_made.numpy()) == 1


@pytest.mark.parametrize("size", [8, 28, 32, 64])
def test_default_reaches_every_size(size):
    generator, discriminator = default_players((size, size, 3), LATENT_DIM, width=2)
    images = generator(np.ones((2, LATENT_DIM), np.float32), training=False)
    assert images.shape == (2, size, size, 3)
    assert discriminator(images, training=False).shape == (2, 1)


def test_learning_rates_are_halved_after_the_decay_steps():
    for optimizer in optimizers():
        start = float(optimizer.learning_rate)
        optimizer.iterations.assign(SETTINGS["decay_steps"])
        assert float(optimizer.learning_rate) == pytest.approx(start / 2)
