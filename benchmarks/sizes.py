"""What a step costs at larger sizes: seconds, and memory.

    python benchmarks/sizes.py

One process a row, in which the players are built and a few steps are made. Seconds are
those of the CPU, of all threads together (median of the steps after the first two, of
which the first is compiled); the elapsed ones are beside them, of a machine that may do
other work. Memory is the peak of the whole process, TensorFlow and 64 pictures of noise
included.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

from measure import RESULTS, machine, write_json

SETTINGS = {  # recipe, size, width, batch size, threads an operation
    "28x28x1, the course's": ("default", 28, 16, 32, 1),
    "64x64x3": ("default", 64, 16, 32, 1),
    "96x96x3": ("default", 96, 16, 32, 1),
    "128x128x3": ("default", 128, 16, 32, 1),
    "256x256x3": ("default", 256, 16, 32, 1),
    "256x256x3, half the width and batch": ("default", 256, 8, 16, 1),
    "64x64x3, the paper's widths": ("paper", 64, 128, 64, 1),
    "64x64x3, the paper's widths, two threads": ("paper", 64, 128, 64, 2),
    "64x64x3, the paper's widths and batch": ("paper", 64, 128, 128, 2),
}
STEPS = 5  # timed, after two


def measure(recipe: str, size: int, width: int, batch_size: int, steps: int) -> dict:
    """The costs of a step in this process."""
    import numpy as np

    from dcgan_keras import tf
    from dcgan_keras.training.configuration import DEFAULTS, build_model, settings_of

    channels = 1 if size == 28 else 3
    config = DEFAULTS | {"recipe": recipe, "width": width, "batch_size": batch_size}
    config["image_shape"] = [size, size, channels]
    model = build_model(config | {"settings": settings_of(config)})
    noise = np.random.default_rng(0).uniform(-1, 1, (batch_size, size, size, channels))
    images = tf.constant(noise, tf.float32)
    step = tf.function(model.train_step)
    cpu, elapsed = [], []
    for _ in range(steps + 2):
        before = time.process_time(), time.perf_counter()
        float(step(images)["generator_loss"])
        cpu.append(time.process_time() - before[0])
        elapsed.append(time.perf_counter() - before[1])
    count = [player.count_params() for player in (model.generator, model.discriminator)]
    return {
        "parameters": count,
        "cpu_seconds_a_step": round(statistics.median(cpu[2:]), 4),
        "elapsed_seconds_a_step": round(statistics.median(elapsed[2:]), 4),
        "peak_megabytes": round(
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        ),
    }


def main() -> None:
    import os

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--row", help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.row:
        row = measure(*SETTINGS[options.row][:4], options.steps)
        print(json.dumps(row))
        return
    rows = []
    for name, (recipe, size, width, batch_size, threads) in SETTINGS.items():
        command = [sys.executable, __file__, "--row", name]
        command += ["--steps", str(options.steps)]
        environment = os.environ | {"TF_NUM_INTRAOP_THREADS": str(threads)}
        text = subprocess.check_output(command, text=True, env=environment)
        row = {"name": name, "recipe": recipe, "size": size, "width": width}
        row |= {"batch_size": batch_size, "threads": threads, **json.loads(text)}
        print(json.dumps(row), flush=True)
        rows.append(row)
    content = {"command": "python benchmarks/sizes.py", "steps": options.steps}
    write_json(RESULTS / "sizes.json", {**content, "rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
