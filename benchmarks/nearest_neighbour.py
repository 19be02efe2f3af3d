"""The paper's table 3: what a nearest-neighbour classifier learns from samples.

    python benchmarks/nearest_neighbour.py conditional_600_0=RUN uncond_600_0=RUN ...

The test error of 1-nearest-neighbour on MNIST's 10,000 test digits, whose training
images are N real ones, or N samples of the run folders that are named: of a conditional
run with the labels that were asked for, in turn 0 to 9, of another with those that the
course's classifier sees. The real ones are the first N of the training images. With
--blur PIXELS all of these are blurred before the classifier sees them, and the real
ones are called "real, blurred"; the test digits stay as they are.

Writes data/tables/nearest_neighbour.csv, a row a source and N, as it goes, and how it
was made beside it. Started again, it measures the sources that are missing; one that
was stopped begins anew. A million samples take about 230 CPU-seconds.
"""

import argparse
import csv
import json
import time
from pathlib import Path

from measure import CpuClock, machine, write_json

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.nearest_neighbour import (
    classified_samples,
    labelled_samples,
    nearest_neighbour_errors,
)
from dcgan_keras.evaluation.sharpness import blur
from dcgan_keras.training.configuration import load_generator, read_config
from dcgan_keras.training.runs import RunFolder

TABLE = Path(__file__).parents[1] / "data" / "tables" / "nearest_neighbour.csv"
COUNTS = (1_000, 3_000, 10_000, 50_000, 60_000, 200_000, 1_000_000)
FIELDS = ("source", "images", "test_error")
SEED = -3  # of the noise: a draw of its own
PAPER = {  # Radford et al. 2015, table 3, in percent, as the course's authors know it
    "real data, 50,000": 3.1,
    "GAN, 50,000": 6.28,
    "DCGAN, 50,000": 2.98,
    "DCGAN, 10,000,000": 1.48,
}


def main() -> None:
    """Measure what the table lacks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN", help="run folders")
    parser.add_argument("--most", type=int, default=COUNTS[-1], help="images (1000000)")
    parser.add_argument("--blur", type=float, default=0.0, metavar="PIXELS")
    parser.add_argument("--output", type=Path, default=TABLE, help="the .csv")
    options = parser.parse_args()
    named = [given.partition("=") for given in options.runs]
    if not all(name and folder for name, _, folder in named):
        parser.error(f"expected NAME=RUN, got {options.runs}")
    counts = [count for count in COUNTS if count <= options.most]
    rows, told = read(options.output)
    real = "real, blurred" if options.blur else "real"
    sources = {real: None} | {name: folder for name, _, folder in named}
    for name, folder in sources.items():
        its = [n for n in counts if folder is not None or n <= 60_000]
        if {(name, n) for n in its} <= {(r["source"], int(r["images"])) for r in rows}:
            continue
        found, about = measured(folder, its, options.blur)
        rows = [row for row in rows if row["source"] != name]
        rows += [
            {"source": name, "images": n, "test_error": round(error, 6)}
            for n, error in found.items()
        ]
        told[name] = about
        write(options.output, rows, told)
        print(name, {n: f"{100 * error:.2f} %" for n, error in found.items()}, about)


def measured(folder: str | None, counts: list[int], sigma: float) -> tuple[dict, dict]:
    """Errors by N, and how the source was made; its images blurred by sigma pixels."""
    test = load_dataset("mnist", "test")
    if folder is None:
        parts, about = [load_dataset("mnist")], {"source": "MNIST's training images"}
    else:
        config, generator = read_config(RunFolder(folder)), load_generator(folder)
        if config["classes"] is None:
            parts = classified_samples(generator, load_classifier("mnist"), SEED)
        else:
            parts = labelled_samples(generator, config["classes"], SEED)
        names = ("seed", "conditional", "recipe", "width", "batch_size", "versions")
        about = {name: config[name] for name in names}
        about["decay_steps"] = config["settings"].get("decay_steps")
        about["steps"] = RunFolder(folder).restore({})
        about["noise_seed"] = SEED
    if sigma:
        parts = ((blur(images, sigma), labels) for images, labels in parts)
        about["blur_pixels"] = sigma
    with CpuClock() as clock:
        found = nearest_neighbour_errors(*test, parts, counts)
    return found, about | {"cpu_seconds": round(clock.seconds, 1)}


def read(table: Path) -> tuple[list[dict], dict]:
    """The rows that there are, and how their sources were made."""
    if not table.exists():
        return [], {}
    with table.open() as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads(table.with_suffix(".json").read_text())["sources"]


def write(table: Path, rows: list[dict], told: dict) -> None:
    """The table and how it was made, each whole or not at all."""
    table.parent.mkdir(parents=True, exist_ok=True)
    part = table.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(table)
    about = {
        "command": "python benchmarks/nearest_neighbour.py NAME=RUN ...",
        "test_images": "MNIST's 10,000 test digits, Euclidean distance of the pixels",
        "test_error": "share of wrong labels, 0 to 1",
        "paper, test error in percent": PAPER,
        "sources": told,
        "machine": machine(),
        "date": time.strftime("%Y-%m-%d"),
    }
    write_json(table.with_suffix(".json"), about)


if __name__ == "__main__":
    main()
