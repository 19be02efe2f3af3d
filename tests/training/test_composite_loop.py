"""Both loops: the same update, the losses of the step, and what stops them."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from players import BATCH, LATENT_DIM, build_players, changes, fingerprint, reals

from dcgan_keras import keras, tf
from dcgan_keras.noise import D_NOISE, G_NOISE, latent_noise
from dcgan_keras.training.callbacks import History
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN

STEPS = 3
OPTIMIZERS = {
    "Adam": lambda: keras.optimizers.Adam(2e-3, beta_1=0.5, epsilon=1e-4),
    "SGD": lambda: keras.optimizers.SGD(0.02),
    "RMSprop": lambda: keras.optimizers.RMSprop(1e-3, epsilon=1e-4),
}
TOLERANCE = 2e-6  # absolute; three steps move weights by 1e-3 and more


def batches():
    """Another batch of reals for each step."""
    return [reals(seed=step) for step in range(STEPS)]


def as_dataset(images):
    return tf.data.Dataset.from_tensor_slices(np.concatenate(images)).batch(BATCH)


def optimizers(make):
    return {"generator_optimizer": make(), "discriminator_optimizer": make()}


def by_composite(make=OPTIMIZERS["Adam"], steps=STEPS, players=None, **options):
    generator, discriminator = players or build_players()
    loop = CompositeLoop(generator, discriminator, **options)
    loop.compile(**optimizers(make))
    return generator, discriminator, fitted(loop, steps)


def fitted(model, steps):
    history = History()
    model.fit(
        as_dataset(batches()), steps_per_epoch=steps, verbose=0, callbacks=[history]
    )
    return history.rows


def by_train_step(make=OPTIMIZERS["Adam"], steps=STEPS, players=None, **options):
    generator, discriminator = players or build_players()
    dcgan = DCGAN(generator, discriminator, seed=options.pop("seed", 0))
    dcgan.compile(**optimizers(make), **options)
    return generator, discriminator, fitted(dcgan, steps)


def apart(first, second):
    """The largest difference of one weight, and of one moving statistic."""
    found = {False: 0.0, True: 0.0}
    for a, b in zip(first.weights, second.weights, strict=True):
        is_moving = "/moving_" in a.path
        difference = float(np.abs(a.numpy() - b.numpy()).max())
        found[is_moving] = max(found[is_moving], difference)
    return found[False], found[True]


# The same update -------------------------------------------------------------


@pytest.fixture(scope="module")
def adam():
    return by_composite(), by_train_step()


@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
def test_both_loops_make_the_same_updates(name):
    check_same(by_composite(OPTIMIZERS[name]), by_train_step(OPTIMIZERS[name]))


def test_both_loops_make_the_same_updates_with_adam(adam):
    check_same(*adam)


def check_same(composite, train_step):
    start = build_players()
    for before, one, other in zip(start, composite[:2], train_step[:2], strict=True):
        assert apart(before, one)[0] > 500 * TOLERANCE  # something was learned
        assert max(apart(one, other)) < TOLERANCE
    for one, other in zip(composite[2], train_step[2], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("options", [{"batch_norm": "inference"}, {"seed": 1}], ids=str)
def test_the_comparison_sees_a_difference(adam, options):
    """Where the definitions differ, G's updates are hundreds of tolerances apart."""
    other = by_composite(**options)
    assert apart(adam[1][0], other[0])[0] > 100 * TOLERANCE


def test_without_batch_norm_in_d_its_two_modes_are_one():
    players = [build_players(batch_norm=None) for _ in range(2)]
    one = by_composite(players=players[0], batch_norm="inference")
    other = by_train_step(players=players[1])
    assert max(apart(one[0], other[0])) < TOLERANCE


def test_a_config_keeps_what_batch_norm_does():
    loop = CompositeLoop(*build_players(), batch_norm="inference")
    other = CompositeLoop.from_config(loop.get_config())
    assert other.gan.layers[1].batch_norm == "inference"


def test_dropout_falls_alike_in_both_loops():
    def players():
        generator, _ = build_players()
        from dcgan_keras.models import build_discriminator

        return generator, build_discriminator((16, 16, 1), 4, 3, dropout=0.4, seed=9)

    one, other = by_composite(players=players()), by_train_step(players=players())
    assert max(apart(one[1], other[1])) < TOLERANCE


# What a step reports ---------------------------------------------------------


def softplus(logits):
    return np.log1p(np.exp(np.asarray(logits, np.float64)))


@pytest.mark.parametrize("train", [by_composite, by_train_step])
def test_losses_are_those_of_the_last_step_alone(train):
    """Computed from the logits of a pair that was stopped one step earlier."""
    generator, discriminator, _ = train(steps=STEPS - 1)
    step, shape = STEPS - 1, (BATCH, LATENT_DIM)
    fakes = generator(latent_noise(shape, 0, step, D_NOISE), training=True)
    real_logits = np.asarray(discriminator(batches()[step], training=True))
    fake_logits = np.asarray(discriminator(fakes, training=True))
    fakes = generator(latent_noise(shape, 0, step, G_NOISE), training=True)
    _, trained, rows = train(steps=STEPS)
    answers = trained(fakes, training=True)  # D's step comes before G's
    expected = {
        "step": STEPS,
        "discriminator_loss": softplus(-real_logits).mean()
        + softplus(fake_logits).mean(),
        "generator_loss": softplus(-np.asarray(answers)).mean(),
        "real_accuracy": (real_logits > 0).mean(),
        "fake_accuracy": (fake_logits <= 0).mean(),
    }
    assert rows[-1] == pytest.approx(expected, abs=1e-5)
    assert rows[0]["discriminator_loss"] != pytest.approx(
        expected["discriminator_loss"], abs=1e-4
    )  # so a running mean would be another number


def test_minimax_loss_is_minus_the_other_softplus():
    """At the first step both losses see the same logits of the same D."""
    rows = {
        name: by_train_step(generator_loss=name, steps=1, make=still_generator)[2]
        for name in ("minimax", "non_saturating")
    }
    minimax = rows["minimax"][0]["generator_loss"]
    other = rows["non_saturating"][0]["generator_loss"]
    assert minimax < 0 < other
    # near logit 0: softplus(-l) - softplus(l) = -l, and both are close to log 2
    assert -minimax == pytest.approx(np.log(2), abs=0.2)


def still_generator():
    return keras.optimizers.SGD(0.0)


def test_minimax_loss_trains_the_generator():
    generator, discriminator = build_players()
    before = fingerprint(generator)[0]
    by_train_step(players=(generator, discriminator), generator_loss="minimax", steps=1)
    assert changes(before, fingerprint(generator)[0]) == "all"


# Each player alone -----------------------------------------------------------


@pytest.mark.parametrize("loop", [CompositeLoop, DCGAN])
@pytest.mark.parametrize("resting", ["generator", "discriminator"])
def test_a_player_with_a_resting_optimizer_stays_put(loop, resting):
    """D's update reaches none of G's weights, G's none of D's."""
    generator, discriminator = build_players()
    before = fingerprint(generator)[0], fingerprint(discriminator)[0]
    chosen = optimizers(OPTIMIZERS["SGD"])
    chosen[f"{resting}_optimizer"] = still_generator()
    model = loop(generator, discriminator)
    model.compile(**chosen)
    model.fit(as_dataset(batches()), steps_per_epoch=1, verbose=0)
    after = fingerprint(generator)[0], fingerprint(discriminator)[0]
    moved = [changes(old, new) for old, new in zip(before, after, strict=True)]
    assert moved == (["none", "all"] if resting == "generator" else ["all", "none"])


def test_d_may_be_frozen_between_building_and_compiling():
    generator, discriminator = build_players()
    expected = [weight.path for weight in discriminator.trainable_weights]
    dcgan = DCGAN(generator, discriminator)
    discriminator.trainable = False
    dcgan.compile()
    assert [weight.path for weight in discriminator.trainable_weights] == expected


@pytest.mark.parametrize("train", [by_composite, by_train_step])
def test_a_frozen_d_is_trained_all_the_same(train):
    generator, discriminator = build_players()
    discriminator.trainable = False
    before = fingerprint(discriminator)[0]
    train(players=(generator, discriminator), steps=1)
    assert changes(before, fingerprint(discriminator)[0]) == "all"


# The noise -------------------------------------------------------------------


def test_noise_follows_from_seed_step_and_draw_alone():
    keys = [(s, t, d) for s in (-1, 0, 1, 2) for t in (0, 1, 2) for d in (0, 1)]
    drawn = {key: latent_noise((2, 3), *key).numpy().tobytes() for key in keys}
    assert len(set(drawn.values())) == len(keys)
    again = latent_noise((2, 3), 1, tf.constant(2, tf.int32), 1)
    assert again.numpy().tobytes() == drawn[1, 2, 1]
    many = latent_noise((500, 100), 0, 0).numpy()
    assert abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02


# What stops a run ------------------------------------------------------------


@pytest.mark.parametrize("loop", [CompositeLoop, DCGAN])
def test_nan_stops_the_run_at_its_step(loop):
    history = History(start_step=10)
    model = loop(*build_players())
    model.compile("sgd", keras.optimizers.SGD(1e30))
    with pytest.raises(FloatingPointError, match="loss is nan at step 11: the weights"):
        model.fit(as_dataset(batches()), verbose=0, callbacks=[history])
    assert history.rows == []


@pytest.mark.parametrize("loop", [CompositeLoop, DCGAN])
@pytest.mark.parametrize(
    "value, said", [(np.nan, "nan to nan"), (255, "-0.9.* to 255")]
)
def test_images_out_of_range_teach_nothing(loop, value, said):
    """Neither in an array nor in a data set, and the weights stay as they were."""
    images = batches()
    images[1][2, 5, 5] = value
    model = loop(*build_players())
    model.compile()
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(ValueError, match="images: .*NaN|images: .*255"):
        model.fit(np.concatenate(images), verbose=0)
    with pytest.raises(ValueError, match=f"images: expected values in .*got {said}"):
        model.fit(as_dataset(images[1:]), verbose=0)
    with pytest.raises(ValueError, match=f"images: expected values in .*got {said}"):
        model.train_on_batch(images[1])
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    assert model.fit(np.concatenate(batches()), batch_size=BATCH, verbose=0).history


def test_one_optimizer_for_both_players_is_refused():
    shared = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="optimizer of its own"):
        CompositeLoop(*build_players()).compile(shared, shared)
    with pytest.raises(ValueError, match="optimizer of its own"):
        DCGAN(*build_players()).compile(shared, shared)


def test_players_and_losses_that_do_not_fit_are_refused():
    generator, discriminator = build_players()
    other = build_players(image_shape=(16, 16, 3))[1]
    for loop in (CompositeLoop, DCGAN):
        with pytest.raises(ValueError, match="discriminator: expected images of"):
            loop(generator, other)
    with pytest.raises(ValueError, match="generator_loss: .*'minimax'.*got 'hinge'"):
        DCGAN(generator, discriminator).compile(generator_loss="hinge")


@pytest.mark.parametrize("loop", [CompositeLoop, DCGAN])
def test_a_d_that_answers_with_probabilities_is_refused(loop):
    """Its sigmoid would be taken twice, and nothing would say so."""
    from dcgan_keras.models import build_discriminator

    generator, _ = build_players()
    discriminator = build_discriminator((16, 16, 1), 4, output="probability")
    with pytest.raises(ValueError, match="discriminator: expected logits"):
        loop(generator, discriminator)


def test_too_few_batches_are_not_passed_over_in_silence():
    loop = CompositeLoop(*build_players())
    loop.compile()
    with pytest.warns(UserWarning, match="ran out of data"):
        loop.fit(as_dataset(batches()), steps_per_epoch=5, verbose=0)


# Keras's own -----------------------------------------------------------------


def test_fit_goes_on_over_epochs_and_can_be_compiled_again():
    dcgan = DCGAN(*build_players())
    for _ in range(2):
        dcgan.compile()
        history = dcgan.fit(as_dataset(batches()), epochs=2, verbose=0).history
        assert len(history["discriminator_loss"]) == 2
        assert int(dcgan.discriminator_optimizer.iterations) == 2 * STEPS
    assert dcgan(np.zeros((2, LATENT_DIM), np.float32)).shape == (2, 16, 16, 1)


DISTRIBUTED = """
import numpy as np
from dcgan_keras import keras, tf
cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from players import build_players, reals
from dcgan_keras.training.dcgan import DCGAN

def trained(strategy):
    with strategy.scope():
        dcgan = DCGAN(*build_players(batch_norm=None, weight_stddev=0.1))
        pair = keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05)
        dcgan.compile(*pair, r1_gamma=1.0, r1_interval=2)
    images = np.concatenate([reals(8, seed=step) for step in range(3)])
    data = tf.data.Dataset.from_tensor_slices(images).batch(8, drop_remainder=True)
    dcgan.fit(data, verbose=0)
    found = dcgan.generator.weights + dcgan.discriminator.weights
    told.append(np.array(dcgan.evaluate(data, verbose=0)))
    return [w.numpy() for w in found]

told = []
one = trained(tf.distribute.OneDeviceStrategy("CPU:0"))
both = trained(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
players = build_players(batch_norm=None, weight_stddev=0.1)
start = [w.numpy() for player in players for w in player.weights]
def apart(first, second):
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))
print(apart(one, start) > 1e-3, apart(one, both) < 1e-5, apart(*told) < 1e-5)
"""


def test_two_devices_make_the_update_of_one():
    """Without BN, which is each replica's own: half a batch each, other noise each.
    And they evaluate as one, with the same z for each image."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", DISTRIBUTED],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True True True\n"


def test_each_answer_is_a_layer_of_its_own_name() -> None:
    """Keras before 3.12 finds losses and metrics by it, and refuses them without."""
    pair = CompositeLoop(*build_players()).pair
    names = {
        k: answer._keras_history.operation.name for k, answer in pair.output.items()
    }
    assert names == {"real": "real", "fake": "fake"}


@pytest.mark.parametrize("loop", [DCGAN, CompositeLoop])
def test_a_trained_model_is_given_back(loop) -> None:
    """Each fit kept its players, optimizers and graph for good: the warning of the
    images' range held on to them."""
    model = loop(*build_players())
    model.compile(**optimizers(OPTIMIZERS["SGD"]))
    model.fit(as_dataset(batches()), verbose=0)
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None
