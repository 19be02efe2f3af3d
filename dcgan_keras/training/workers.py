"""Several workers or devices that share each batch: who takes part, and as which.

A worker is a process, on this machine or another one, with a device of its own or
several. Worker 0, the chief, writes the run folder; the others compute and write
nothing. ``tf.distribute`` does the rest: every device makes the step from its part of
the batch, and the gradients are added up.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time
from typing import NamedTuple

import numpy as np

from dcgan_keras._tensorflow import tf
from dcgan_keras.edge import say, stop_signals

VARIABLE = "TF_CONFIG"  # of TensorFlow: the cluster, and which task of it this one is
PATIENCE = 120  # seconds that the first worker waits for the last
CALL = b"dcgan_keras worker %d"
LOST = (  # how TensorFlow reports a worker that is gone, or no longer heard of
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


class Cluster(NamedTuple):
    """The workers of a training, and which of them this process is.

    Attributes:
        workers: "host:port" of each, in the same order in all of them.
        index: of this one; 0 is the chief, which writes.
        tf_config: what TensorFlow reads, JSON.
    """

    workers: list[str]
    index: int
    tf_config: str

    @property
    def name(self) -> str:
        """For a message: "worker 1 of 2"."""
        return f"worker {self.index} of {len(self.workers)}"


def find_cluster(workers: str | None, worker: int | None) -> Cluster | None:
    """The cluster that the options or TF_CONFIG describe; None if there is none.

    Args:
        workers: "host:port,host:port", as --workers has it.
        worker: which of them this process is, from 0.

    Raises:
        ValueError: one option without the other, both ways at once, or what describes
            no workers.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if workers is None and worker is None:
        return _from_variable(given) if given else None
    if given:
        raise ValueError(
            f"workers: expected either --workers or {VARIABLE}, and {VARIABLE} is set "
            "too; unset it"
        )
    if workers is None or worker is None:
        raise ValueError(
            "workers: expected --workers HOST:PORT,HOST:PORT, the same for all, and "
            "--worker, the number of this one from 0"
        )
    task = {"type": "worker", "index": worker}
    config = {"cluster": {"worker": workers.split(",")}, "task": task}
    return _cluster(config, "workers")


def _from_variable(text: str) -> Cluster | None:
    try:
        config = json.loads(text)
        if not config.get("cluster"):  # of a platform that has one machine
            return None
        cluster = _cluster(config, VARIABLE)
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(
            f'{VARIABLE}: expected {{"cluster": {{"worker": ["host:port", ...]}}, '
            f'"task": {{"type": "worker", "index": 0}}}}, got {text[:200]!r}'
        ) from None
    return cluster if len(cluster.workers) > 1 else None


def _cluster(config: dict, name: str) -> Cluster:
    tasks, task = config["cluster"], config["task"]
    others = sorted(set(tasks) - {"chief", "worker"})
    if others or task["type"] not in tasks:
        raise ValueError(
            f"{name}: expected tasks of the types chief and worker, got "
            f"{', '.join(others) or task['type']}"
        )
    workers = [*tasks.get("chief", []), *tasks.get("worker", [])]
    if not all(re.fullmatch(r"[^\s,:]+:\d+", worker) for worker in workers):
        raise ValueError(f"{name}: expected host:port of each, got {workers}")
    if len(set(workers)) < len(workers) or name == "workers" and len(workers) < 2:
        raise ValueError(f"{name}: expected at least two, all different, got {workers}")
    try:
        index = int(task["index"])
    except ValueError:
        raise TypeError(f"an index of {task['index']!r}") from None
    if not 0 <= index < len(tasks[task["type"]]):
        raise ValueError(
            f"{name}: expected the number of this worker, 0 to "
            f"{len(tasks[task['type']]) - 1}, got {index}"
        )
    if task["type"] == "worker":
        index += len(tasks.get("chief", []))
    return Cluster(workers, index, json.dumps(config))


def make_strategy(
    cluster: Cluster | None, devices: int | None
) -> tf.distribute.Strategy:
    """The strategy for a training; the default one for one device.

    Called before TensorFlow computes anything. With a cluster it waits for the others.

    Args:
        cluster: None: this process alone.
        devices: how many of this machine; None: one, or what a worker has.

    Raises:
        ValueError: devices that are not there, or cannot be made any more, or are
            asked of a worker.
        ConnectionError: not all workers came, or this one's port is in use.
    """
    if cluster is None:
        if devices in (None, 1):
            return tf.distribute.get_strategy()
        return _mirrored(_devices(devices))
    if devices is not None:
        raise ValueError(
            "devices: a worker has its CPU, or all GPUs that CUDA_VISIBLE_DEVICES "
            f"shows it; got {devices}"
        )
    os.environ[VARIABLE] = cluster.tf_config
    meet(cluster)
    with _signals_end():
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except tf.errors.OpError as error:
            raise ConnectionError(
                f"workers: {cluster.name} could not begin to listen at "
                f"{cluster.workers[cluster.index]} ({error.message.splitlines()[0]})"
            ) from None


@functools.cache  # a second one would take up the sums of the first, of other shapes
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(names)


def _devices(count: int) -> tuple[str, ...]:
    """Names of GPUs; where there is none, of parts of the CPU."""
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        if count > len(gpus):
            raise ValueError(
                f"devices: expected at most {len(gpus)}, the GPUs here, got {count}"
            )
        return tuple(f"GPU:{number}" for number in range(count))
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    if len(tf.config.get_logical_device_configuration(cpu) or []) != count:
        try:
            tf.config.set_logical_device_configuration(cpu, parts)
        except RuntimeError:
            raise ValueError(
                f"devices: TensorFlow computes already in this process, so its CPU can "
                f"not become {count} devices any more"
            ) from None
    return tuple(f"CPU:{number}" for number in range(count))


def meet(cluster: Cluster) -> None:
    """Wait until all workers are there.

    TensorFlow waits for them, too, but without end and without hearing Ctrl-C. So each
    other worker calls the first at its port, before TensorFlow opens that.

    Raises:
        ConnectionError: not all came, or this worker's port is in use.
    """
    deadline = time.monotonic() + PATIENCE
    say(f"{cluster.name} waits for the others, {PATIENCE} s at most")
    try:
        with _listening(cluster) as server:
            if cluster.index == 0:
                _gather_others(cluster, server, deadline)
        if cluster.index > 0:
            _call_first(cluster, deadline)
    except TimeoutError:
        raise ConnectionError(
            f"workers: {cluster.name} has waited for {PATIENCE} s, and not all have "
            f"come; start all within this time, each with {', '.join(cluster.workers)}"
        ) from None


def _listening(cluster: Cluster) -> socket.socket:
    port = int(cluster.workers[cluster.index].rpartition(":")[2])
    try:
        return socket.create_server(("", port), backlog=len(cluster.workers))
    except (OSError, OverflowError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) else error
        raise ConnectionError(
            f"workers: {cluster.name} cannot listen at port {port} of this machine "
            f"({why}); name a port that is free"
        ) from None


def _gather_others(cluster: Cluster, server: socket.socket, deadline: float) -> None:
    """The first worker: answer when all have called."""
    with contextlib.ExitStack() as stack:
        callers, numbers = {}, range(1, len(cluster.workers))
        while len(callers) < len(numbers):
            server.settimeout(max(deadline - time.monotonic(), 1e-3))
            caller = stack.enter_context(server.accept()[0])
            caller.settimeout(1)
            with contextlib.suppress(OSError):
                called = caller.recv(len(CALL) + 8)
                callers |= {n: caller for n in numbers if called == CALL % n}
        for caller in callers.values():
            caller.sendall(CALL % 0)


def _call_first(cluster: Cluster, deadline: float) -> None:
    host, _, port = cluster.workers[0].rpartition(":")
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(OSError):
            with socket.create_connection((host, int(port)), timeout=left) as first:
                first.sendall(CALL % cluster.index)
                if first.recv(len(CALL) + 8) == CALL % 0:
                    return
        time.sleep(0.2)
    raise TimeoutError


@contextlib.contextmanager
def _signals_end():
    """Let signals end the process: nothing is written yet, and Python does not run."""
    before = {number: signal.getsignal(number) for number in stop_signals()}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextlib.contextmanager
def stopped_last(seconds: float = 5):
    """Let Ctrl-C and SIGTERM, which all workers may get at once, wait some seconds.

    The first worker, which also gets it, ends its step with the others, and saves.
    """

    def stop(number, frame):
        restore()
        again = threading.Timer(seconds, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)

    before = {number: signal.getsignal(number) for number in stop_signals()}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        restore()


@contextlib.contextmanager
def lost_workers_are_told(cluster: Cluster | None):
    """Turn TensorFlow's report of a worker that is gone into a sentence.

    A process that ends is noticed at once; one that hangs, or a machine that is gone,
    after the ten seconds of TensorFlow's heartbeat.
    """
    try:
        yield
    except LOST as error:
        if cluster is None:
            raise
        lines = (line.strip() for line in error.message.splitlines())
        why = next((x for x in lines if "aborted by" in x), type(error).__name__)
        why = why.split("aborted by: ")[-1].rstrip(": ")
        lost = ConnectionError(
            f"workers: {cluster.name} has lost another one, which has ended or is no "
            f"longer heard of ({why[:160]})"
        )
        lost.then = "look at what that one says, and start all again with --resume"
        raise lost from error


def check_agreement(strategy: tf.distribute.Strategy, facts: dict) -> None:
    """Refuse workers that would not make the same steps.

    Args:
        strategy: of this worker; all of them call this.
        facts: by name what has to be the same in all; compared by ``repr``.

    Raises:
        ValueError: naming what is not.
    """
    digests = [
        np.frombuffer(
            hashlib.blake2b(repr(fact).encode(), digest_size=8).digest(), "i8"
        )
        for fact in facts.values()
    ]
    mine = tf.constant(np.stack(digests, axis=1))  # (1, facts)
    each = strategy.experimental_distribute_values_from_function(lambda _: mine)
    found = strategy.gather(each, axis=0).numpy()
    columns = zip(facts, found.T, strict=True)
    differ = [name for name, column in columns if len(set(column)) > 1]
    if differ:
        wait_for_all(strategy)
        raise ValueError(
            "workers: expected the same options, pictures and run folder for all of "
            f"them; not the same: {', '.join(differ)}"
        )


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Let nobody end while another still waits for its part of the last step."""
    with contextlib.suppress(tf.errors.OpError):
        check_agreement(strategy, {"end": True})
