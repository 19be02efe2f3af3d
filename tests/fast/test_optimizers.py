"""The fast Adam is Keras's Adam, and its average is the one that it says."""

import subprocess
import sys

import numpy as np
import pytest
from players import KERAS_SAVES

from dcgan_keras import keras, tf
from dcgan_keras.fast import optimizers
from dcgan_keras.fast.optimizers import HORIZON, FusedAdam

STEPS = 20
TOLERANCES = {"float32": 2e-6, "float64": 0, "float16": 0, "bfloat16": 0}
DECAY = keras.optimizers.schedules.InverseTimeDecay(1e-2, 1, 1.0)
OPTIONS = [  # each changes what Adam does to the weights, or it would show nothing
    {"learning_rate": DECAY},
    {"learning_rate": lambda: 0.003},
    {"beta_1": 0.5},
    {"beta_1": 0.0, "beta_2": 0.9},
    {"epsilon": 0.5},
    {"weight_decay": 0.1},
    {"clipnorm": 0.1},
    {"clipvalue": 0.1},
    {"global_clipnorm": 0.1},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 3},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    {
        "use_ema": True,
        "ema_momentum": 0.8,
        "gradient_accumulation_steps": 3,
        "ema_overwrite_frequency": 2,
    },
]


@pytest.fixture
def fused(monkeypatch):
    """Which updates were made by TensorFlow's kernel: True, or by Keras: False."""
    taken, condition = [], optimizers._is_dense

    def noted(*args):
        taken.append(condition(*args))
        return taken[-1]

    monkeypatch.setattr(optimizers, "_is_dense", noted)
    return taken


def start(dtype="float32", name="variable"):
    values = np.random.default_rng(0).normal(size=(5, 4))
    return keras.Variable(values, dtype=dtype, name=name)


def gradient(step, dtype="float32"):
    return tf.cast(tf.random.stateless_normal((5, 4), (step, 0)), dtype)


def run(optimizer, steps=STEPS, dtype="float32", gradient=gradient):
    """The weight after each step, for the same gradients."""
    variable, path = start(dtype), []
    for step in range(steps):
        optimizer.apply([gradient(step, dtype)], [variable])
        path.append(np.array(variable.numpy(), np.float64))
    return np.stack(path)


def slots(optimizer):
    """The optimizer's own variables: steps, moments, averages, sums of gradients."""
    return [np.array(variable.numpy(), np.float64) for variable in optimizer.variables]


def both(options, **how):
    """Paths and final slots of the fused Adam and of Keras's."""
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        optimizer = kind(**{"learning_rate": 1e-2, "epsilon": 1e-3} | options)
        found.append([run(optimizer, **how), *slots(optimizer)])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
def test_steps_are_those_of_keras_adam(options, dtype, fused):
    ours, theirs = both(options, dtype=dtype)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCES[dtype])
    assert set(fused) == {dtype == "float32"}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
def test_every_option_changes_the_steps(options):
    """So the test above would see an option that is ignored."""
    ours, without = both(options)[0][0], both({})[0][0]
    assert np.abs(ours - without).max() > 100 * TOLERANCES["float32"]


@pytest.mark.parametrize("kind", [FusedAdam, keras.optimizers.Adam])
def test_positional_arguments_are_those_of_keras(kind):
    config = kind(
        1e-2, 0.5, 0.9, 1e-3, False, 0.1, None, 0.2, None, True, 0.8, 5, 4.0, 2, "adam"
    ).get_config()
    assert list(config.values()) == [
        "adam", config["learning_rate"], 0.1, None, None, 0.2, True, 0.8, 5, 4.0, 2,
        0.5, 0.9, 1e-3, False,
    ]  # fmt: skip


@pytest.mark.parametrize("amsgrad", [{"amsgrad": True}, (1e-3, 0.9, 0.999, 1e-7, True)])
def test_amsgrad_is_refused(amsgrad):
    with pytest.raises(ValueError, match="amsgrad: expected False, got True"):
        FusedAdam(**amsgrad) if isinstance(amsgrad, dict) else FusedAdam(*amsgrad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of `clipnorm`"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps"),
        ({"use_ema": True, "ema_momentum": 1.5}, "ema_momentum"),
        ({"use_ema": True, "ema_overwrite_frequency": 0.5}, "ema_overwrite_frequency"),
        ({"learning_rate": 1}, "learning_rate"),
        ({"momentum": 0.9}, "momentum"),
    ],
)
def test_what_keras_refuses_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FusedAdam(**options)


SPARSE = [{}, {"clipnorm": 0.1}, {"weight_decay": 0.1}]


def rows(step, dtype="float32"):
    """A gradient of two rows of five, the last one in two parts."""
    values = tf.cast(tf.random.stateless_normal((3, 4), (step, 0)), dtype)
    return tf.IndexedSlices(values, tf.constant([step % 3, 4, 4]), (5, 4))


@pytest.mark.parametrize("options", SPARSE)
def test_sparse_gradients_are_left_to_keras(options, fused, monkeypatch):
    ours, theirs = both(options, gradient=rows)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert set(fused) == {False}
    monkeypatch.setattr(optimizers, "_is_dense", lambda *_: True)
    dense = both(options, gradient=rows)[0]  # squares the sum of both parts of a row
    assert np.abs(dense[0] - theirs[0]).max() > 1e-3


@KERAS_SAVES
def test_embedding_learns_as_with_keras():
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Embedding(7, 2)])
        model.add(keras.layers.Flatten())
        model.add(keras.layers.Dense(1))
        model.compile(kind(0.1, clipnorm=1.0), "mse")
        before = model.layers[0].embeddings.numpy()
        words = np.array([[1, 2, 2], [3, 1, 1]])
        for _ in range(3):
            model.train_on_batch(words, np.ones((2, 1)))
        found.append(model.get_weights())
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert (found[0][0] != before).any(axis=1).tolist() == [False, True, True, True] + [
        False
    ] * 3


@pytest.mark.parametrize("other", ["float64", "float16"])
def test_gradients_of_another_dtype_are_cast_as_by_keras(other):
    ours, theirs = both({}, gradient=lambda step, _: gradient(step, other))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=2e-6)


def test_gradients_of_another_shape_are_stretched_as_by_keras(fused):
    ours, theirs = both({}, gradient=lambda step, _: gradient(step)[:1])
    np.testing.assert_array_equal(ours[0], theirs[0])
    assert set(fused) == {False}


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_variables_without_gradient_stay():
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        optimizer, variables = kind(1e-2), [start(), start(name="other")]
        for step in range(3):
            optimizer.apply([None, gradient(step)], variables)
        found.append([variable.numpy() for variable in variables])
        with pytest.raises(ValueError, match="No gradients provided"):
            optimizer.apply([None, None], variables)
    np.testing.assert_allclose(*found, atol=2e-6)
    np.testing.assert_array_equal(found[0][0], start().numpy())
    assert np.abs(found[0][1] - start().numpy()).max() > 1e-3


def test_constraints_and_exclusions_are_obeyed():
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        variables = [start(), start(name="bias")]
        variables[0].constraint = keras.constraints.NonNeg()
        optimizer = kind(1e-2, weight_decay=0.1)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        for step in range(5):
            optimizer.apply([gradient(step)] * 2, variables)
        found.append([variable.numpy() for variable in variables])
    np.testing.assert_allclose(*found, atol=2e-6)
    assert found[0][0].min() == 0 > found[0][1].min()


def test_plain_variables_of_tensorflow_are_taken():
    variable = tf.Variable(start().numpy())
    optimizer = FusedAdam(1e-2, use_ema=True)
    for step in range(STEPS):
        optimizer.apply_gradients([(gradient(step), variable)])
    plain = run(keras.optimizers.Adam(1e-2))
    np.testing.assert_allclose(variable, plain[-1], atol=2e-6)


def test_update_step_can_be_called_by_itself():
    """As the optimizer of another class may do, without a step of all variables."""
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        optimizer, variable = kind(), start()
        optimizer.build([variable])
        optimizer.update_step(gradient(0), variable, 0.1)
        found.append(variable.numpy())
    np.testing.assert_allclose(*found, atol=2e-6)
    assert np.abs(found[0] - start().numpy()).max() > 0.05


@pytest.mark.parametrize("steps", [None, 2])
def test_scaled_losses_are_those_of_keras(steps):
    """Also the step that is left out because a gradient overflowed."""
    found = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        inner = kind(1e-2, gradient_accumulation_steps=steps)
        optimizer, variable = keras.optimizers.LossScaleOptimizer(inner, 8.0), start()
        for step in range(6):
            factor = np.inf if step == 2 else optimizer.scale_loss(1.0)
            optimizer.apply([gradient(step) * factor], [variable])
        found.append(variable.numpy())
    np.testing.assert_allclose(*found, atol=2e-6)
    assert np.abs(found[0] - start().numpy()).max() > 1e-2


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("steps", [None, 2])
def test_compiled_steps_are_those_of_keras(jit_compile, steps):
    options = {"learning_rate": DECAY, "use_ema": True, "ema_momentum": 0.8}
    plain = keras.optimizers.Adam(gradient_accumulation_steps=steps, **options)
    ours = FusedAdam(gradient_accumulation_steps=steps, **options)
    variable = start()
    ours.build([variable])

    @tf.function(jit_compile=jit_compile)
    def step(at_variable):
        ours.apply([at_variable], [variable])

    for number in range(STEPS):
        step(gradient(number))
    np.testing.assert_allclose(variable, run(plain)[-1], atol=2e-6)
    for a, b in zip(slots(ours), slots(plain), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    assert ours._powers is None  # no tensor of the graph is left


def growing(path):
    """The average that the class describes, by hand."""
    average = np.zeros_like(path[0])
    for made, weights in enumerate(path):
        average += (weights - average) * HORIZON / (HORIZON + made)
    return average


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_average_looks_back_over_a_share_of_the_steps(dtype):
    optimizer = FusedAdam(1e-2, use_ema=True)
    path = run(optimizer, dtype=dtype)
    average = optimizer._model_variables_moving_average[0]
    tolerance = 3e-3 if dtype == "float16" else 1e-6
    np.testing.assert_allclose(average, growing(path), atol=tolerance)
    assert np.abs(growing(path) - path[-1]).max() > 2 * tolerance  # not the weights


@pytest.mark.parametrize("made", [1, 2, 3, 12, 13])
def test_average_counts_updates_not_the_sums_before_them(made):
    """Each gradient given three times in a row: the same updates, the same average."""
    optimizer = FusedAdam(1e-2, use_ema=True, gradient_accumulation_steps=3)
    run(optimizer, made, gradient=lambda step, _: gradient(step // 3))
    average = optimizer._model_variables_moving_average[0]
    path = (
        run(keras.optimizers.Adam(1e-2), made // 3) if made > 2 else [start().numpy()]
    )
    np.testing.assert_allclose(average, growing(path), atol=1e-6)


def test_given_momentum_of_the_average_is_obeyed():
    """None and a number are two averages; Keras's default, given, is a number, too."""
    found = []
    for momentum in (None, 0.99, 0.5):
        optimizer = FusedAdam(1e-2, use_ema=True, ema_momentum=momentum)
        assert FusedAdam.from_config(optimizer.get_config()).ema_momentum == momentum
        run(optimizer)
        found.append(optimizer._model_variables_moving_average[0].numpy())
        if momentum is not None:
            plain = keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=momentum)
            run(plain)
            average = plain._model_variables_moving_average[0]
            np.testing.assert_allclose(found[-1], average, atol=2e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    assert np.abs(found[1] - found[2]).max() > 1e-3


def test_growing_average_overwrites_the_weights_when_asked():
    path = run(FusedAdam(1e-2, use_ema=True, ema_overwrite_frequency=4), 4)
    free = run(FusedAdam(1e-2), 4)
    np.testing.assert_allclose(path[:3], free[:3], atol=1e-6)
    np.testing.assert_allclose(path[3], growing(free), atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS[2:], ids=lambda options: "-".join(options))
def test_optimizer_survives_its_configuration(options):
    optimizer = FusedAdam(**{"learning_rate": 1e-2} | options)
    again = FusedAdam.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(run(again), run(optimizer))


@KERAS_SAVES
@pytest.mark.parametrize("options", [{}, {"use_ema": True, "weight_decay": 0.1}])
def test_training_goes_on_from_a_file(options, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(FusedAdam(0.1, **options), "mse")
    inputs, targets = np.ones((4, 3)), np.ones((4, 2))
    model.train_on_batch(inputs, targets)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is FusedAdam
    saved = loaded.get_weights()
    for one in (model, loaded):
        one.train_on_batch(inputs, targets)
    for ours, theirs, before in zip(
        model.get_weights(), loaded.get_weights(), saved, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
        assert (ours != before).all()
    for ours, theirs in zip(
        slots(model.optimizer), slots(loaded.optimizer), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


REPLICAS = """
import numpy as np
from dcgan_keras import keras, tf
from dcgan_keras.fast.layers import FastBatchNormalization
from dcgan_keras.fast.optimizers import FusedAdam

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def trained(kind, compiled, **options):
    with strategy.scope():
        optimizer = kind(1e-2, **options)
        variable = keras.Variable(np.linspace(-1, 1, 6, dtype="float32"))
        optimizer.build([variable])

    def replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        share = tf.cast(number, tf.float32)
        optimizer.apply([tf.sin(variable.value) * (1 + share)], [variable])

    step = lambda: strategy.run(replica)
    if compiled:
        step = tf.function(step)
    for _ in range(5):
        step()
    parts = strategy.experimental_local_results(variable.value)
    assert len(parts) == 2 and (parts[0].numpy() == parts[1].numpy()).all()
    return parts[0].numpy()


for options in ({}, {"weight_decay": 0.1}, {"use_ema": True, "ema_momentum": 0.5}):
    for compiled in (False, True):
        ours = trained(FusedAdam, compiled, **options)
        theirs = trained(keras.optimizers.Adam, compiled, **options)
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
        assert np.abs(ours - np.linspace(-1, 1, 6)).max() > 1e-2


def moved(kind, synchronized):
    with strategy.scope():
        layer = kind(momentum=0.0, synchronized=synchronized)
        layer.build((2, 1))

    def replica():
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        share = tf.cast(number, tf.float32)
        layer(tf.constant([[0.0], [2.0]]) + 10 * share, training=True)

    tf.function(lambda: strategy.run(replica))()
    moved = layer.moving_mean.value, layer.moving_variance.value
    return np.ravel([strategy.experimental_local_results(one) for one in moved])


for synchronized, right in ((False, [1, 11, 1, 1]), (True, [6, 6, 26, 26])):
    for kind in (FastBatchNormalization, keras.layers.BatchNormalization):
        np.testing.assert_allclose(moved(kind, synchronized), right)
print("same")
"""


def test_two_replicas_are_those_of_keras():
    """In a process of its own: devices are counted once."""
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "same\n"), done.stderr[-2000:]
