"""What half precision and XLA cost or buy in a training step on this machine.

    python benchmarks/precision.py

One process a row: a DCGAN of the builders' defaults is compiled and makes some steps
in ``fit``. Seconds are those of the CPU, all threads together: of the first step, which
is traced and compiled, and the median of the steps after the second. Under float16
both optimizers are wrapped into Keras's LossScaleOptimizer.

Writes data/tables/precision.csv, one row as it is made, and its provenance beside it.
Started again, it makes the rows that are missing. Notebook 09 reads it.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import machine

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "data" / "tables" / "precision.csv"
SIZES = {28: (28, 28, 1), 64: (64, 64, 3)}
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
ROWS = [
    (size, policy, xla)
    for size in SIZES
    for policy in POLICIES
    for xla in (False, True)
    if not (xla and policy == "mixed_float16")
]
BATCH_SIZE, STEPS = 32, 12


def measure(size: int, policy: str, xla: bool) -> dict:
    """The costs of a step in this process."""
    import numpy as np

    import dcgan_keras as dk
    from dcgan_keras import keras

    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(0)
    players = dk.build_generator(SIZES[size]), dk.build_discriminator(SIZES[size])
    dcgan = dk.DCGAN(*players, seed=0)
    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in players]
    if policy == "mixed_float16":
        optimizers = [keras.optimizers.LossScaleOptimizer(x) for x in optimizers]
    dcgan.compile(*optimizers, jit_compile=xla)
    images = np.random.default_rng(0).uniform(-1, 1, (BATCH_SIZE, *SIZES[size]))
    marks, losses = [], []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            marks.append(time.process_time())

        def on_train_batch_end(self, batch, logs=None):
            losses.append(logs["discriminator_loss"])
            marks.append(time.process_time())

    batches = dk.training_batches(images.astype(np.float32), BATCH_SIZE)
    dcgan.fit(batches, steps_per_epoch=STEPS, verbose=0, callbacks=[Clock()])
    seconds = [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)]
    return {
        "first_cpu_seconds": round(seconds[0], 2),
        "cpu_seconds_a_step": round(statistics.median(seconds[2:]), 4),
        "last_discriminator_loss": round(losses[-1], 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--row", type=int, help=argparse.SUPPRESS)  # in its own process
    options = parser.parse_args()
    if options.row is not None:
        print(json.dumps(measure(*ROWS[options.row])))
        return
    rows = list(csv.DictReader(TABLE.open())) if TABLE.exists() else []
    done = {(int(r["size"]), r["policy"], r["xla"] == "1") for r in rows}
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1"}
    for number, (size, policy, xla) in enumerate(ROWS):
        if (size, policy, xla) in done:
            continue
        command = [sys.executable, __file__, "--row", str(number)]
        said = subprocess.check_output(command, text=True, env=environment)
        row = {"size": size, "policy": policy, "xla": int(xla)}
        rows.append(row | json.loads(said.splitlines()[-1]))
        print(rows[-1], flush=True)
        write(rows)


def write(rows: list[dict]) -> None:
    """The table and its provenance, each whole."""
    part = TABLE.with_suffix(".part")
    with part.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    part.replace(TABLE)
    content = {
        "command": "python benchmarks/precision.py",
        "batch_size": BATCH_SIZE,
        "steps": STEPS,
        "threads_an_operation": 1,
        "machine": machine(),
    }
    TABLE.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
