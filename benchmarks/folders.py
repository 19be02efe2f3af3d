"""How soon a large folder of pictures trains, and in how much memory.

    python benchmarks/folders.py

Makes folders of 1,000, 10,000 and 100,000 pictures of 32x32 pixels (names of their own,
hard links to a hundred files) in a temporary place, and starts a training of 3 steps on
each, as ``python -m dcgan_keras train`` does. Seconds are those of the CPU, from the
start of the reading to the end of the first step, without the compilation, which does
not hang on the folder. Memory is the peak of the process when the folder has been
looked through; what comes on top while it trains is the pictures that are kept decoded,
at most 1 GiB. What 1,000,000 would take is extrapolated along the line through the two
largest, and 1 GiB added.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import RESULTS, machine, write_json

COUNTS = (1_000, 10_000, 100_000)
EXTRAPOLATED = 1_000_000
FILES = 100  # different ones
SIZE = 32


def make_folder(folder: Path, count: int) -> None:
    """``count`` names of pictures, hard links to ``FILES`` files beside the folder."""
    import numpy as np
    from PIL import Image

    originals = folder.parent / "originals"
    if not originals.exists():
        originals.mkdir()
        rng = np.random.default_rng(0)
        for number in range(FILES):
            pixels = rng.integers(256, size=(SIZE, SIZE, 4), dtype=np.uint8)
            Image.fromarray(pixels, "RGBA").save(originals / f"{number}.png")
    folder.mkdir()
    for number in range(count):
        os.link(originals / f"{number % FILES}.png", folder / f"{number:07d}.png")


def measure(folder: str, stream: bool) -> dict:
    """The costs of a start in this process."""
    from dcgan_keras import load_dataset, tf, training_batches
    from dcgan_keras.training.configuration import DEFAULTS, build_model, settings_of
    from dcgan_keras.training.fingerprint import data_fingerprint

    config = DEFAULTS | {"image_shape": [SIZE, SIZE, 3]}
    model = build_model(config | {"settings": settings_of(config)})
    step = tf.function(model.train_step)
    float(step(tf.zeros((32, SIZE, SIZE, 3)))["generator_loss"])  # compiled
    started = peak()
    begin = time.process_time(), time.perf_counter()
    images = load_dataset(folder, image_size=SIZE, stream=stream).images
    listed, listed_peak = time.process_time(), peak()
    data_fingerprint(images, folder)
    batches = iter(training_batches(images, 32))
    float(step(next(batches))["generator_loss"])
    end = time.process_time(), time.perf_counter()
    for _ in range(50):
        float(step(next(batches))["generator_loss"])
    return {
        "cpu_seconds_to_the_first_step": round(end[0] - begin[0], 2),
        "of_these_listing_and_headers": round(listed - begin[0], 2),
        "elapsed_seconds_to_the_first_step": round(end[1] - begin[1], 2),
        "megabytes_before": started,
        "peak_megabytes_when_listed": listed_peak,
        "peak_megabytes_after_50_steps": peak(),
        "megabytes_of_pictures_to_keep": round(images._kept.nbytes / 2**20),
    }


def peak() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def extrapolated(rows: list[dict]) -> dict:
    """Along the line through the two largest counts."""
    a, b = rows[-2:]
    share = (EXTRAPOLATED - a["count"]) / (b["count"] - a["count"])
    names = [name for name in b if name.startswith(("cpu", "peak"))]
    found = {name: round(a[name] + share * (b[name] - a[name]), 1) for name in names}
    found["peak_megabytes_after_50_steps"] = found["peak_megabytes_when_listed"] + 1024
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", help=argparse.SUPPRESS)  # in a process of its own
    parser.add_argument("--keep-in-memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(measure(options.folder, not options.keep_in_memory)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        for count in COUNTS:
            folder = Path(parent) / str(count)
            make_folder(folder, count)
            command = [sys.executable, __file__, "--folder", str(folder)]
            row = {"count": count, **json.loads(subprocess.check_output(command))}
            print(json.dumps(row), flush=True)
            rows.append(row)
    content = {
        "command": "python benchmarks/folders.py",
        "rows": rows,
        "extrapolated_to": EXTRAPOLATED,
        "extrapolated": extrapolated(rows),
        "machine": machine(),
    }
    print(json.dumps(content["extrapolated"]))
    write_json(RESULTS / "folders.json", content)


if __name__ == "__main__":
    main()
