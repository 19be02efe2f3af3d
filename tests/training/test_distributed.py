"""Several workers and several devices: the update of one, and what is refused."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parents[1]
STEPS = 3

# What each process runs: a worker if TF_CONFIG is set; else one device, and two.
PROGRAM = """
import os, sys
import numpy as np
from dcgan_keras import keras, tf

if "TF_CONFIG" in os.environ:
    strategies = {"workers": tf.distribute.MultiWorkerMirroredStrategy()}
else:
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategies = {
        "one": tf.distribute.get_strategy(),
        "devices": tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    }
from players import build_players, reals
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.recipe import compile_default

BATCH, STEPS = 8, 3
images = np.concatenate([reals(BATCH, seed=step) for step in range(STEPS)])
batches = tf.data.Dataset.from_tensor_slices(images).batch(BATCH, drop_remainder=True)
results = {}


class Rows(keras.callbacks.Callback):
    def __init__(self):
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        assert all(type(value) is float for value in logs.values()), logs
        self.rows.append([logs[name] for name in sorted(logs)])


def keep(case, name, model, rows):
    results[f"{case}/{name}/losses"] = np.array(rows)
    players = model.generator.trainable_weights + model.discriminator.trainable_weights
    for number, weight in enumerate(players):
        results[f"{case}/{name}/{number:02d}"] = np.asarray(weight)
    averages = getattr(model.generator_optimizer, "_model_variables_moving_average", [])
    for number, average in enumerate(averages):
        results[f"{case}/{name}/average{number:02d}"] = np.asarray(average)


for name, strategy in strategies.items():
    with strategy.scope():
        plain = DCGAN(*build_players(batch_norm=None))
        rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
        plain.compile(*rates, r1_gamma=1.0, r1_interval=2)
        keras.utils.set_random_seed(1)
        g, _ = build_players()
        _, d = build_players(batch_norm=None)
        default = compile_default(DCGAN(g, d))
    for case, model in {"plain": plain, "default": default}.items():
        keep(case, "start", model, [])
        rows = Rows()
        history = model.fit(batches, verbose=0, callbacks=[rows]).history
        assert [history[n][-1] for n in sorted(history)] == rows.rows[-1], history
        assert int(model.steps_made.numpy()) == STEPS
        keep(case, name, model, rows.rows)
    if name != "one":
        odd = tf.data.Dataset.from_tensor_slices(images).batch(3, drop_remainder=True)
        with strategy.scope():
            loop = CompositeLoop(*build_players())
            loop.compile()
        for told, give in {
            "odd": lambda: plain.fit(odd, verbose=0),
            "array": lambda: plain.fit(images, batch_size=BATCH, verbose=0),
            "composite": lambda: loop.fit(batches, verbose=0),
        }.items():
            try:
                give()
                results[f"refused/{name}/{told}"] = np.array("")
            except ValueError as error:
                results[f"refused/{name}/{told}"] = np.array(str(error))
np.savez(sys.argv[1], **results)
"""


def free_ports(count):
    """Ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    return kept | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"} | more


def tf_config(workers, index):
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": workers}, "task": task})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Losses and weights by case and strategy: of a process alone, of two workers."""
    folder = tmp_path_factory.mktemp("distributed")
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    environments = {
        "alone": environment(),
        "worker0": environment(TF_CONFIG=tf_config(workers, 0)),
        "worker1": environment(TF_CONFIG=tf_config(workers, 1)),
    }
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder / f"{name}.npz")],
            env=its,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, its in environments.items()
    }
    for name, process in processes.items():
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, f"{name}: {errors[-3000:]}"
    found = {}
    for name in processes:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as saved:
            found[name] = {key: saved[key] for key in saved.files}
    return found


def of(found, case, strategy):
    names = [name for name in found if name.startswith(f"{case}/{strategy}/")]
    return {name.split("/")[2]: found[name] for name in sorted(names)}


def apart(first, second):
    assert first.keys() == second.keys() and len(first) > 4
    return max(np.abs(first[name] - second[name]).max() for name in first)


def test_two_workers_agree_with_each_other_bit_for_bit(results):
    for case in ("plain", "default"):
        assert (
            apart(*(of(results[f"worker{i}"], case, "workers") for i in range(2))) == 0
        )


@pytest.mark.parametrize("name", ["workers", "devices"])
def test_two_make_the_update_of_one_process(results, name):
    """Without BN, which is each replica's own: losses and weights, R1 included."""
    one = of(results["alone"], "plain", "one")
    two = of(results["worker0" if name == "workers" else "alone"], "plain", name)
    assert one["losses"].shape == (STEPS, 4)
    assert apart(one, two) < 1e-6
    start = of(results["alone"], "plain", "start")
    assert apart(one | {"losses": 0}, start | {"losses": 0}) > 1e-2


def test_two_workers_make_the_update_of_two_devices(results):
    """The default recipe: one backward pass, R1, G with BN, the average of G."""
    devices = of(results["alone"], "default", "devices")
    assert sum(name.startswith("average") for name in devices) > 4
    assert apart(devices, of(results["worker0"], "default", "workers")) < 1e-5


def test_batch_norm_is_each_replicas_own(results):
    """So G with BN learns from other statistics than in one process."""
    one, two = (of(results["alone"], "default", name) for name in ("one", "devices"))
    assert apart(one, two) > 1e-3


@pytest.mark.parametrize("name", ["workers", "devices"])
def test_what_cannot_be_shared_is_refused(results, name):
    found = of(results["worker0" if name == "workers" else "alone"], "refused", name)
    assert str(found["odd"]) == (
        "x: expected batches of one size that 2 devices can share evenly, got "
        "batches of 3"
    )
    assert "CompositeLoop are for one" in str(found["composite"])
    if name == "workers":
        assert str(found["array"]).startswith(
            "shuffle: expected False for an array and several workers, got True"
        )
    else:
        assert str(found["array"]) == ""
