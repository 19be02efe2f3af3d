"""Images a second of 1 and 2 devices of one process, and of 1 and 2 workers.

    python benchmarks/workers.py

The default recipe on MNIST, a batch of 32 and one of 256 that all devices share. The
ways in turn, two rounds of 100 steps in each process after 5 that are not counted;
written to results/workers.json. Run it on a machine that does nothing else; on one
machine the workers and devices share its cores, so this is the cost of sharing a batch,
and what a second machine would give is not measured.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time

BATCHES, STEPS, WARM_UP, ROUNDS = (32, 256), 100, 5, 2
WAYS = {
    "1 device": (1, 0),
    "2 devices": (2, 0),
    "1 worker": (1, 1),
    "2 workers": (1, 2),
}


def main() -> None:
    """Measure all ways, and write them."""
    options = read_options()
    if options.way:
        print(json.dumps(measure(options.way)))
        return
    from measure import RESULTS, machine, markdown, write_json

    found = {way: run(way) for way in WAYS}
    about = {"recipe": "default", "steps": STEPS, "rounds": ROUNDS, "seed": 0}
    write_json(RESULTS / "workers.json", about | {"ways": found} | machine())
    header = ["way", *(f"batch {size}: images/s, CPU-ms a step" for size in BATCHES)]
    rows = [
        [way, *(f"{rate['images_per_second']}, {rate['cpu_ms']}" for rate in rates)]
        for way, rates in found.items()
    ]
    print(markdown(header, rows))


def read_options() -> argparse.Namespace:
    """The way is given only by this script, to the processes that it starts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(way: str) -> list[dict]:
    """Start the processes of one way; the rate of the first, the time of all."""
    count = WAYS[way][1]
    environments = [{}]
    if count:
        addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
        cluster = {"worker": addresses}
        environments = [
            {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
            for task in ({"type": "worker", "index": n} for n in range(count))
        ]
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--way", way],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for environment in environments
    ]
    told = [process.communicate()[0] for process in processes]
    for process in processes:
        if process.returncode:
            raise SystemExit(f"{way}: a process ended with {process.returncode}")
    first, *others = [json.loads(text.splitlines()[-1]) for text in told]
    for other in others:
        for rate, its in zip(first, other, strict=True):
            rate["cpu_ms"] = round(rate["cpu_ms"] + its["cpu_ms"], 1)
    return first


def measure(way: str) -> list[dict]:
    """In a process of its own: a row for each batch."""
    from dcgan_keras import tf
    from dcgan_keras.data.datasets import load_dataset, training_batches
    from dcgan_keras.training.configuration import DEFAULTS, build_model
    from dcgan_keras.training.recipe import RECIPES
    from dcgan_keras.training.workers import wait_for_all

    strategy = make_strategy(tf, *WAYS[way])
    images = load_dataset("mnist").images
    config = DEFAULTS | {"settings": RECIPES["default"], "image_shape": [28, 28, 1]}
    rows = []
    for size in BATCHES:
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = build_model(config)

        def batches(context=None, size=size):
            return training_batches(images, size, seed=0, context=context)

        data = batches()
        if strategy:
            data = strategy.distribute_datasets_from_function(batches)
        model.fit(data, steps_per_epoch=WARM_UP, verbose=0)
        rates, times = [], []
        for _ in range(ROUNDS):
            began, cpu = time.perf_counter(), time.process_time()
            model.fit(data, steps_per_epoch=STEPS, verbose=0)
            rates.append(STEPS * size / (time.perf_counter() - began))
            times.append((time.process_time() - cpu) / STEPS)
        rows.append(
            {
                "batch_size": size,
                "images_per_second": round(statistics.median(rates)),
                "rounds": [round(rate) for rate in rates],
                "cpu_ms": round(1000 * statistics.median(times), 1),
            }
        )
    if strategy:
        wait_for_all(strategy)
    return rows


def make_strategy(tf, devices: int, workers: int):
    """None for one device of one process, as the command has it."""
    if workers:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices == 1:
        return None
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(cpu, parts)
    kind = "GPU" if gpus else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:{n}" for n in range(devices)])


def free_ports(count: int) -> list[int]:
    """Ports of this machine at which nobody listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


if __name__ == "__main__":
    main()
