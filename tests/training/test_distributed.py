"""Several workers and several devices: the update of one, and what is refused."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from players import build_players, reals

from dcgan_keras import tf
from dcgan_keras.data.datasets import training_batches
from dcgan_keras.training import workers
from dcgan_keras.training.dcgan import DCGAN

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
from dcgan_keras.data.datasets import training_batches
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.recipe import compile_default
from dcgan_keras.training.workers import check_agreement

BATCH, STEPS = 8, 3
images = np.concatenate([reals(BATCH, seed=step) for step in range(STEPS)])
labels = np.arange(len(images)) % 5
batches = training_batches(images, BATCH, seed=2)
pairs = training_batches(images, BATCH, seed=2, labels=labels)
results = {}


def shared(strategy, labels=None):
    def part(context):
        return training_batches(images, BATCH, 2, context=context, labels=labels)

    return strategy.distribute_datasets_from_function(part)


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


def decaying(**options):
    players = build_players(batch_norm=None, **options)
    for player in players:
        for weight in player.trainable_weights:
            weight.regularizer = keras.regularizers.L2(0.05)
    return players


for name, strategy in strategies.items():
    with strategy.scope():
        plain = DCGAN(*decaying(), seed=5)
        rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
        # So large that what R1 does is far above the tolerance of the comparison.
        plain.compile(*rates, r1_gamma=200.0, r1_interval=2)
        keras.utils.set_random_seed(1)
        g, _ = build_players()
        _, d = build_players(batch_norm=None)
        default = compile_default(DCGAN(g, d, seed=6))
        players = decaying(classes=5)
        conditional = DCGAN(*players, seed=7, classes=5)
        rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
        how = {"update": "simultaneous", "r1_gamma": 1.0, "r1_interval": 2}
        conditional.compile(*rates, **how)
    models = {"plain": plain, "default": default, "conditional": conditional}
    if name == "one":  # what must not pass for the same
        models["no penalty"] = DCGAN(*decaying(), seed=5)
        models["other noise"] = DCGAN(*decaying(), seed=0)
        for case, gamma in (("no penalty", 0.0), ("other noise", 200.0)):
            rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
            models[case].compile(*rates, r1_gamma=gamma, r1_interval=2)
    for case, model in models.items():
        keep(case, "start", model, [])
        rows = Rows()
        if case == "conditional":
            given = pairs if name == "one" else shared(strategy, labels)
        else:
            given = shared(strategy) if case == "default" and name != "one" else batches
        how = {"steps_per_epoch": STEPS, "verbose": 0, "callbacks": [rows]}
        history = model.fit(given, **how).history
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
            "composite": lambda: loop.fit(batches, steps_per_epoch=1, verbose=0),
            "same": lambda: check_agreement(strategy, {"steps": 3}),
            "other": lambda: check_agreement(strategy, {"steps": 3, "seed": sys.argv}),
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
        _, errors = process.communicate(timeout=900)
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
    for case in ("plain", "default", "conditional"):
        assert (
            apart(*(of(results[f"worker{i}"], case, "workers") for i in range(2))) == 0
        )


@pytest.mark.parametrize("case", ["plain", "conditional"])
@pytest.mark.parametrize("name", ["workers", "devices"])
def test_two_make_the_update_of_one_process(results, name, case):
    """Without BN, which is each replica's own: losses, weights, R1 and decay."""
    one = of(results["alone"], case, "one")
    two = of(results["worker0" if name == "workers" else "alone"], case, name)
    assert one["losses"].shape == (STEPS, 4)
    assert apart(one, two) < 1e-6
    start = of(results["alone"], case, "start")
    assert apart(one | {"losses": 0}, start | {"losses": 0}) > 1e-2
    for other in ("no penalty", "other noise") if case == "plain" else ():
        assert apart(one, of(results["alone"], other, "one")) > 1e-4


def test_two_workers_make_the_update_of_two_devices(results):
    """The default recipe: one backward pass, R1, G with BN, the average of G."""
    devices = of(results["alone"], "default", "devices")
    assert sum(name.startswith("average") for name in devices) > 4
    assert apart(devices, of(results["worker0"], "default", "workers")) < 1e-5
    start = of(results["alone"], "default", "start")
    assert apart(devices | {"losses": 0}, start | {"losses": 0}) > 1e-2


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


def test_workers_with_other_options_are_refused(results):
    for worker in ("worker0", "worker1"):
        found = of(results[worker], "refused", "workers")
        assert str(found["same"]) == ""
        assert str(found["other"]).startswith("workers: expected the same options")
        assert str(found["other"]).endswith("not the same: seed")


# batches ---------------------------------------------------------------------


def test_the_parts_of_all_workers_are_the_batch():
    """Two workers with two devices each, in the order of the batch."""
    images = np.linspace(-1, 1, 20, dtype=np.float32).reshape(20, 1, 1, 1)
    whole = [
        b.numpy() for b in training_batches(images, 8, seed=3, start_step=1).take(3)
    ]
    parts = []
    for worker in range(2):
        context = tf.distribute.InputContext(2, worker, num_replicas_in_sync=4)
        its = training_batches(images, 8, seed=3, start_step=1, context=context)
        parts.append([part.numpy() for part in its.take(6)])
    for step, batch in enumerate(whole):
        of_step = [part for its in parts for part in its[2 * step : 2 * step + 2]]
        assert [len(part) for part in of_step] == [2, 2, 2, 2]
        np.testing.assert_array_equal(np.concatenate(of_step), batch)
    with pytest.raises(ValueError, match="^batch_size: .* 4 devices .* evenly, got 6$"):
        training_batches(images, 6, context=context)


# who takes part --------------------------------------------------------------

TWO = "127.0.0.1:5001,127.0.0.1:5002"


def test_options_and_tf_config_describe_the_same_workers(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert workers.find_cluster(None, None) is None
    asked = workers.find_cluster(TWO, 1)
    assert asked[:2] == (["127.0.0.1:5001", "127.0.0.1:5002"], 1)
    monkeypatch.setenv("TF_CONFIG", asked.tf_config)
    assert workers.find_cluster(None, None) == asked
    chief = {"chief": ["a:1"], "worker": ["b:1", "c:2"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": chief, "task": task}))
    assert workers.find_cluster(None, None)[:2] == (["a:1", "b:1", "c:2"], 2)
    task = {"type": "chief", "index": "0"}  # some platforms write it in quotes
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": chief, "task": task}))
    assert workers.find_cluster(None, None).index == 0
    for alone in ("{}", tf_config(["a:1"], 0)):
        monkeypatch.setenv("TF_CONFIG", alone)
        assert workers.find_cluster(None, None) is None


@pytest.mark.parametrize(
    "given, variable, expected",
    [
        ((TWO, None), "", "--workers .* and --worker, the number"),
        ((None, 0), "", "--workers .* and --worker, the number"),
        ((TWO, 2), "", "the number of this worker, 0 to 1, got 2"),
        ((TWO, -1), "", "the number of this worker, 0 to 1, got -1"),
        (("a:1", 0), "", "at least two"),
        (("a:1,a:1", 0), "", "at least two, all different"),
        (("a,b", 0), "", "host:port of each"),
        ((TWO, 0), tf_config(["a:1", "b:1"], 0), "either --workers or TF_CONFIG"),
        ((None, None), "{", "TF_CONFIG: expected"),
        ((None, None), "[]", "TF_CONFIG: expected"),
        ((None, None), '{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG: expected"),
        (
            (None, None),
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            "TF_CONFIG: expected tasks of the types chief and worker, got ps",
        ),
    ],
)
def test_what_describes_no_workers_is_refused(monkeypatch, given, variable, expected):
    monkeypatch.setenv("TF_CONFIG", variable)
    with pytest.raises(ValueError, match=expected):
        workers.find_cluster(*given)


def cluster_of(count):
    text = ",".join(f"127.0.0.1:{port}" for port in free_ports(count))
    return [workers.find_cluster(text, index) for index in range(count)]


def test_workers_meet_in_any_order_and_past_strangers(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "PATIENCE", 30)
    first, second, third = cluster_of(3)
    met = []

    def meet(cluster):
        workers.meet(cluster)
        met.append(cluster.index)

    threads = [threading.Thread(target=meet, args=(x,)) for x in (third, second, first)]
    threads[0].start()
    threads[2].start()
    time.sleep(0.3)
    host, port = first.workers[0].split(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"GET / HTTP/1.0")
        time.sleep(0.5)
    assert met == []
    threads[1].start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(met) == [0, 1, 2]


@pytest.mark.parametrize("index", [0, 1])
def test_who_waits_in_vain_says_so(monkeypatch, index):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    cluster = cluster_of(2)[index]
    with pytest.raises(
        ConnectionError, match=f"worker {index} of 2 has waited for 0.5"
    ):
        workers.meet(cluster)
    with socket.create_server(("", int(cluster.workers[index].split(":")[1]))):
        with pytest.raises(ConnectionError, match="in use.*name a port that is free"):
            workers.meet(cluster)


def test_who_says_nothing_or_calls_again_is_no_other_worker(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "PATIENCE", 20)
    cluster, met = cluster_of(3), []

    def meet(index):
        workers.meet(cluster[index])
        met.append(index)

    threads = [threading.Thread(target=meet, args=(index,)) for index in range(3)]
    threads[0].start()
    time.sleep(0.3)
    host, port = cluster[0].workers[0].split(":")
    with contextlib.ExitStack() as stack:
        silent, *same = (
            stack.enter_context(socket.create_connection((host, int(port))))
            for _ in range(3)
        )
        for caller in same:
            caller.sendall(workers.CALL % 1)
        time.sleep(1.5)
        assert met == []
        threads[1].start()
        time.sleep(0.5)
        threads[2].start()
        for thread in threads:
            thread.join(timeout=10)
        assert sorted(met) == [0, 1, 2]


def test_a_stranger_at_the_first_workers_port_is_not_taken_for_it(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(workers, "PATIENCE", 1)
    cluster = cluster_of(2)[1]
    host, port = cluster.workers[0].split(":")
    with socket.create_server((host, int(port))) as stranger:

        def answer():
            with stranger.accept()[0] as caller:
                caller.sendall(b"HTTP/1.0 400 Bad Request")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectionError, match="worker 1 of 2 has waited for 1 s"):
            workers.meet(cluster)
        thread.join()


# the strategy ------------------------------------------------------------------


def test_one_device_is_no_other_strategy():
    for devices in (None, 1):
        strategy = workers.make_strategy(None, devices)
        assert not isinstance(strategy, tf.distribute.MirroredStrategy)


def test_what_was_built_in_another_scope_is_refused_in_one_sentence():
    outside, players = DCGAN(*build_players()), build_players()
    outside.compile()
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        inside = DCGAN(*build_players())
        inside.compile()
        doors = [
            lambda: outside.fit(reals(), verbose=0),
            lambda: outside.train_on_batch(reals()),
            lambda: outside.compile(),
            lambda: DCGAN(*players).compile(),
        ]
        for door in doors:
            with pytest.raises(ValueError, match="^strategy: .* or of none$"):
                door()
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        with pytest.raises(ValueError, match="^strategy: .* or of none$"):
            inside.fit(reals(), verbose=0)
    inside.fit(reals(), verbose=0)  # its own scope needs not be open
    assert int(inside.steps_made.numpy()) == 1
    players = inside.generator, inside.discriminator
    with pytest.raises(ValueError, match="^strategy: .* or of none$"):
        DCGAN(*players).compile()


def test_devices_are_gpus_where_there_are_any(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a", "b"])
    monkeypatch.setattr(workers, "_mirrored", tuple)
    assert workers.make_strategy(None, 2) == ("GPU:0", "GPU:1")
    with pytest.raises(ValueError, match="^devices: .* at most 2, the GPUs .* got 3$"):
        workers.make_strategy(None, 3)


@pytest.fixture
def handlers():
    """Of the tests' own, also where they were started with signals ignored."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    heard = []
    own = {n: lambda number, frame: heard.append(number) for n in numbers}
    before = {number: signal.signal(number, own[number]) for number in numbers}
    yield own, heard
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers_now(numbers):
    return {number: signal.getsignal(number) for number in numbers}


def test_signals_end_a_worker_while_tensorflow_waits(monkeypatch, handlers):
    own, _ = handlers
    monkeypatch.setenv("TF_CONFIG", "")
    cluster, seen = workers.find_cluster(TWO, 1), []
    monkeypatch.setattr(workers, "meet", lambda cluster: None)

    def strategy():
        seen.extend(handlers_now(own).values())
        if len(seen) > len(own):
            raise tf.errors.UnknownError(None, None, "no port\nof many")

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", strategy)
    workers.make_strategy(cluster, None)
    assert set(seen) == {signal.SIG_DFL} and handlers_now(own) == own
    said = r"worker 1 of 2 could not .* at 127.0.0.1:5002 \(no port\)$"
    with pytest.raises(ConnectionError, match=said):
        workers.make_strategy(cluster, None)
    assert handlers_now(own) == own
    with pytest.raises(ValueError, match="^devices: a worker has its CPU.* got 2$"):
        workers.make_strategy(cluster, 2)


def test_a_worker_ends_some_seconds_after_the_signal(handlers):
    own, heard = handlers
    with workers.stopped_last(seconds=0.3):
        os.kill(os.getpid(), signal.SIGTERM)
        assert handlers_now(own) == own  # the second one does not wait
        began = time.monotonic()
        while not heard and time.monotonic() - began < 10:
            time.sleep(0.02)
    assert heard == [signal.SIGTERM] and time.monotonic() - began > 0.2
    with workers.stopped_last():
        assert handlers_now(own) != own
    assert handlers_now(own) == own


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (
            "of several\nCollective ops is aborted by: Socket closed: \nend",
            "Socket closed",
        ),
        ("of another kind", "UnavailableError"),
    ],
)
def test_a_lost_worker_is_told_in_a_sentence(monkeypatch, message, why):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    cluster = workers.find_cluster(TWO, 1)
    error = tf.errors.UnavailableError(None, None, message)
    said = rf"^workers: worker 1 of 2 has lost another one, .* \({why}\)$"
    with pytest.raises(ConnectionError, match=said) as caught:
        with workers.lost_workers_are_told(cluster):
            raise error
    assert caught.value.then.endswith("--resume")
    with pytest.raises(tf.errors.UnavailableError):  # of one process it is another
        with workers.lost_workers_are_told(None):
            raise error


# the command -----------------------------------------------------------------

SMALL = "--dataset digits --batch-size 8 --latent-dim 3 --width 2 --seed 3".split()
IN_ALL = "--steps 60 --save-every 15 --sample-every 30".split()
ON_DEVICES = """
import sys
from dcgan_keras.__main__ import main
options = ["train", "--devices", "2", *sys.argv[1:]]
assert main([*options, "--batch-size", "9"]) == 2
assert main([*options, "--loop", "composite"]) == 2
small = ["--width", "1", "--steps", "2", "--output", sys.argv[2] + "1"]
assert main([*options, *small]) == 0
sys.exit(main(options))
"""


def start(arguments, **variables):
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment(**variables),
        stderr=subprocess.PIPE,
        text=True,
    )


def start_workers(run, *options):
    """One by its options, the other one by TF_CONFIG."""
    both = [f"127.0.0.1:{port}" for port in free_ports(2)]
    train = ["-m", "dcgan_keras", "train", "--output", str(run), *SMALL, *IN_ALL]
    return [
        start([*train, *options, "--workers", ",".join(both), "--worker", "0"]),
        start([*train, *options], TF_CONFIG=tf_config(both, 1)),
    ]


def ended(process):
    _, errors = process.communicate(timeout=900)
    return process.returncode, errors


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory):
    """The folder of a run on two devices that nothing stopped, and what it said."""
    run = tmp_path_factory.mktemp("devices") / "run"
    process = start(["-c", ON_DEVICES, "--output", str(run), *SMALL, *IN_ALL])
    status, said = ended(process)
    assert status == 0, said
    return run, said


def test_the_command_refuses_what_two_devices_cannot_do(on_devices):
    _, said = on_devices
    assert (
        "batch_size: expected a number that 2 devices can share evenly, got 9" in said
    )
    assert "loop: expected train_step for 2 devices, got composite" in said
    assert "2 devices share each batch of 8" in said


def test_a_killed_worker_ends_the_other_and_both_go_on(on_devices, tmp_path):
    """And the run is that of two devices which nothing stopped, bit for bit."""
    run = tmp_path / "run"
    first, second = start_workers(run)
    while not (run / "weights.npz").exists():
        assert first.poll() is None, ended(first)
        time.sleep(0.02)
    second.kill()
    began = time.monotonic()
    status, said = ended(first)
    assert (
        status == 2 and time.monotonic() - began < 200
    )  # 12 s where nothing else runs
    assert "worker 0 of 2 has lost another one" in said
    assert re.search(r"is saved up to step \d+: .*start all again with --resume$", said)
    assert "Traceback" not in said
    ended(second)
    assert not list(run.glob(".*.*"))  # nothing half written
    assert len((run / "history.csv").read_text().splitlines()) < 60

    for index, process in enumerate(start_workers(run, "--resume")):
        status, said = ended(process)
        assert status == 0, said
        assert index == 0 or f"worker 1 of 2 computes; worker 0 writes {run}" in said
    alone, _ = on_devices
    assert (run / "history.csv").read_bytes() == (alone / "history.csv").read_bytes()
    names = sorted(path.name for path in (alone / "samples").iterdir())
    assert sorted(path.name for path in (run / "samples").iterdir()) == names
    with np.load(run / "weights.npz") as ours, np.load(alone / "weights.npz") as its:
        assert set(ours.files) == set(its.files)
        for name in ours.files:  # BN's moving averages differ in the last digit
            np.testing.assert_allclose(ours[name], its[name], rtol=0, atol=1e-6)
    assert json.loads((run / "config.json").read_text())["replicas"] == 2
