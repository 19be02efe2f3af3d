"""Images per second of one network, trained in different ways, on this machine.

    python benchmarks/speed.py            # PyTorch is measured if it is installed

Network, batch and precision are the same for all; batches lie ready in memory. Every
way runs in a process of its own, the ways in turn for several rounds, so that a slow
minute of the machine hits all of them. An image is one real image seen in a step (one
update of each player). The share of the ceiling is what the multiplications of the
convolutions and dense layers alone would take at the matrix-product rate measured in
the same run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

from measure import RESULTS, machine, markdown, write_json

OURS = "fused step"
WAYS = (OURS, "composite loop", "two tapes", "keras fit", "torch last", "torch first")
CHANNELS, KERNEL, LATENT = 32, 4, 100
SECONDS = 3.0


def measure(way: str, precision: str, batch_size: int) -> dict:
    """Images per wall second and per CPU-second of one way, after a warm-up."""
    if way.startswith("torch"):
        from speed_torch import make_step
    else:
        from speed_keras import make_step
    step = make_step(way, precision, batch_size, CHANNELS, KERNEL, LATENT)
    step(3)
    count, wall, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < SECONDS:
        step(10)
        count += 10 * batch_size
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


def in_process(*arguments: str) -> dict:
    """Run this file for one measurement, alone in a new process."""
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(results: dict, batch_size: int) -> str:
    """One row a way and precision: medians, spread, and ratio of ours to it."""
    rows = []
    for precision, ways in results.items():
        rate = statistics.median(x["gflops"] for x in ways["ceiling"])
        ours = statistics.median(x["images_per_second"] for x in ways[OURS])
        for way in [w for w in ways if w != "ceiling"]:
            values = [x["images_per_second"] for x in ways[way]]
            cpu = statistics.median(x["images_per_cpu_second"] for x in ways[way])
            median = statistics.median(values)
            share = flops_per_image() * median / rate / 1e9
            spread = f"{min(values):.0f} - {max(values):.0f}"
            numbers = [f"{median:.0f}", spread, f"{cpu:.0f}", f"{ours / median:.2f}"]
            rows.append([precision, way, *numbers, f"{share:.0%}"])
    header = ["precision", "way", "images/s", "spread", "images/CPU-s"]
    header += [f"{OURS} is × faster", "of ceiling"]
    return f"Batch {batch_size}.\n\n{markdown(header, rows)}"


def available(ways: list[str]) -> list[str]:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        return [way for way in ways if not way.startswith("torch")]
    return ways


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--one", nargs=3, metavar=("WAY", "PRECISION", "BATCH"))
    options = parser.parse_args()
    if options.one:
        way, precision, batch = options.one
        one = ceiling(precision) if way == "ceiling" else None
        print(json.dumps(one or measure(way, precision, int(batch))))
        return
    ways = ["ceiling", *available(options.ways)]
    results = {p: {way: [] for way in ways} for p in options.precisions}
    for _ in range(options.rounds):
        for precision in options.precisions:
            for way in ways:
                one = in_process(way, precision, options.batch_size)
                results[precision][way].append(one)
    text = table(results, options.batch_size)
    content = {"batch_size": options.batch_size, "results": results}
    write_json(RESULTS / "speed.json", {**content, "machine": machine()})
    (RESULTS / "speed.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
