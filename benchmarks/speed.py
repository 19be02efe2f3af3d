"""Images per second of one network, trained in different ways, on this machine.

    python benchmarks/speed.py            # PyTorch is measured if it is installed

Network, batch and precision are the same for all; batches lie ready in memory. Every
way has a process of its own, which waits while another is measured; the ways take
turns for several rounds, so that a slow minute of the machine hits all of them. Each
runs with TensorFlow's default threads and with one thread an operation, which is what
`import dcgan_keras` sets where there are few cores. An image is one
real image seen in a step (one update of each player). The share of the ceiling is what
the multiplications of the convolutions and dense layers alone would take at the
matrix-product rate measured in the same run. With ``--processes 5`` all that is done
five times, with new processes: what differs from one to the next (where memory lies,
which thread sits where) differs more than the rounds of one.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

from measure import RESULTS, machine, markdown, write_json

OURS, CEILING = "fused step", "ceiling"
WAYS = (OURS, "composite loop", "two tapes", "keras fit", "torch last", "torch first")
BATCH_SIZE, CHANNELS, KERNEL, LATENT = 32, 32, 4, 100  # the recipe's batch
SECONDS = 2.0
DEFAULT, SINGLE = "default", "one an operation"


def measurement(way: str, precision: str, batch_size: int, threads: str):
    """A function that measures one way, ready and warm."""
    # Read when TensorFlow starts; 0: as many as there are cores.
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1" if threads == SINGLE else "0"
    if way == CEILING:
        return lambda: ceiling(precision)
    if way.startswith("torch"):
        from speed_torch import make_step
    else:
        from speed_keras import make_step
    step = make_step(way, precision, batch_size, CHANNELS, KERNEL, LATENT)
    step(10)
    return lambda: rate(step, batch_size)


def rate(step, batch_size: int) -> dict:
    """Images per wall second and per CPU-second."""
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < SECONDS:
        step(5)
        count += 5 * batch_size
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"images_per_second": count / wall, "images_per_cpu_second": count / cpu}


def ceiling(precision: str, size: int = 2048) -> dict:
    """The matrix-product rate: the best of many, in GFLOP per second."""
    from dcgan_keras import tf

    dtype = tf.bfloat16 if precision == "bfloat16" else tf.float32
    a = tf.cast(tf.random.normal((size, size)), dtype)
    product = tf.function(lambda x: tf.matmul(x, x))
    best = float("inf")
    product(a)
    for _ in range(20):
        start = time.perf_counter()
        product(a).numpy()
        best = min(best, time.perf_counter() - start)
    return {"gflops": 2 * size**3 / best / 1e9}


def flops_per_image() -> int:
    """Multiplications and additions of a step's matrix products, for one image.

    Three passes (forward, and backward for weights and inputs) of G once and of D
    twice, but for D's gradient at the real images.
    """
    taps, side = KERNEL**2, 7
    dense = LATENT * side**2 * 2 * CHANNELS + 2 * CHANNELS * side**2
    middle = taps * side**2 * 2 * CHANNELS * CHANNELS
    edge = taps * (2 * side) ** 2 * CHANNELS
    generator, discriminator = dense + middle + edge, middle + edge
    return 2 * (3 * generator + 6 * discriminator - edge)


class Worker:
    """A process that measures one way whenever it is asked to."""

    def __init__(self, *arguments: str):
        command = [sys.executable, __file__, "--one", *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, **pipes, stderr=subprocess.DEVNULL)

    def wait_until_warm(self) -> None:
        self._answer()

    def measure(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.process.args)} failed; run it by hand")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def serve(way: str, precision: str, batch_size: str, threads: str) -> None:
    """The worker's side: one measurement for each line that comes in."""
    measure = measurement(way, precision, int(batch_size), threads)
    print("{}", flush=True)
    for _ in sys.stdin:
        print(json.dumps(measure()), flush=True)


def measured(ways: list[str], precision: str, batch_size: int, rounds: int) -> dict:
    """(way, threads) -> the result of one process, the medians of its rounds."""
    pairs = [(CEILING, DEFAULT)]
    for way in ways:
        choices = (DEFAULT,) if way.startswith("torch") else (DEFAULT, SINGLE)
        pairs += [(way, threads) for threads in choices]
    with ExitStack() as stack:
        workers = {
            (way, threads): stack.enter_context(
                Worker(way, precision, batch_size, threads)
            )
            for way, threads in pairs
        }
        for worker in workers.values():
            worker.wait_until_warm()
        results = {pair: [] for pair in pairs}
        for _ in range(rounds):
            for pair, worker in workers.items():
                results[pair].append(worker.measure())
    return {
        pair: {name: median(some, name) for name in some[0]}
        for pair, some in results.items()
    }


def over_processes(
    ways: list[str], precision: str, batch_size: int, rounds: int, processes: int
) -> dict:
    """(way, threads) -> one result a process."""
    each = []
    for number in range(processes):
        each.append(measured(ways, precision, batch_size, rounds))
        print(f"{precision}: {number + 1} of {processes} processes", flush=True)
    return {pair: [one[pair] for one in each] for pair in each[0]}


def median(results: list[dict], name: str = "images_per_second") -> float:
    return statistics.median(result[name] for result in results)


def table(results: dict, batch_size: int, rounds: int) -> str:
    """One row a way and precision: medians, spread, and ratios of ours to it."""
    rows = []
    for precision, measured_ways in results.items():
        gflops = median(measured_ways.pop((CEILING, DEFAULT)), "gflops")
        speeds = {pair: median(values) for pair, values in measured_ways.items()}
        for way in dict.fromkeys(way for way, _ in speeds):
            cells = [_cell(measured_ways.get((way, x))) for x in (DEFAULT, SINGLE)]
            share = flops_per_image() * _best(speeds, way) / gflops / 1e9
            by_default = speeds[OURS, DEFAULT] / speeds[way, DEFAULT]
            by_best = _best(speeds, OURS) / _best(speeds, way)
            ratios = f"{by_default:.2f}", f"{by_best:.2f}"
            rows.append([precision, way, *cells, *ratios, f"{share:.0%}"])
    header = ["precision", "way", "images/s, default threads"]
    header += ["images/s, one thread an operation", f"{OURS} is × faster, default"]
    header += ["the better of each", "of ceiling"]
    processes = len(next(iter(next(iter(results.values())).values())))
    note = (
        f"Batch {batch_size}; median (least to most) of {processes} processes, "
        f"each with the median of {rounds} rounds."
    )
    return f"{note}\n\n{markdown(header, rows)}"


def _best(speeds: dict, way: str) -> float:
    """With the better of its thread settings."""
    return max(speed for (name, _), speed in speeds.items() if name == way)


def _cell(results: list[dict] | None) -> str:
    if results is None:
        return ""
    speeds = [result["images_per_second"] for result in results]
    return f"{statistics.median(speeds):.0f} ({min(speeds):.0f} to {max(speeds):.0f})"


def available(ways: list[str]) -> list[str]:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        return [way for way in ways if not way.startswith("torch")]
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--rounds", type=int, default=2, help="of 2 s, a process")
    parser.add_argument("--processes", type=int, default=5, help="of each way")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--one", nargs=4, help="be a worker: way, precision, ...")
    options = parser.parse_args()
    if options.one:
        return serve(*options.one)
    ways = available(list(dict.fromkeys([OURS, *options.ways])))  # ours: for the ratios
    batch_size = options.batch_size
    results = {
        precision: over_processes(
            ways, precision, batch_size, options.rounds, options.processes
        )
        for precision in options.precisions
    }
    named = {
        precision: {f"{way}, {threads}": x for (way, threads), x in one.items()}
        for precision, one in results.items()
    }
    content = {"batch_size": batch_size, "rounds": options.rounds}
    content |= {"results": named, "machine": machine()}
    write_json(RESULTS / f"speed_{batch_size}.json", content)
    text = table(results, batch_size, options.rounds)
    (RESULTS / f"speed_{batch_size}.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
