"""How far apart are the scores of runs that differ in nothing but their seed?

    python benchmarks/training_seeds.py

Trains the recorded runs ``mnist`` (the default recipe, 6,000 steps) and ``paper`` (a
plain DCGAN by the paper's settings, as many images) again with other seeds, by the
commands of tools/record_run.py, and evaluates each as they were: 5,000 samples against
the 10,000 test images. The rows of seed 0 are the recorded evaluations themselves.

Writes data/tables/training_seeds.csv, one row a run, as it goes, and its provenance
beside it. Started again, it trains what is missing.
"""

import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "data" / "tables" / "training_seeds.csv"
OPTIONS = {
    "mnist": ["--steps", "6000"],
    "paper": ["--steps", "1500", "--recipe", "paper"]
    + ["--width", "32", "--batch-size", "128"],
}
SEEDS = [("mnist", seed) for seed in range(5)] + [("paper", seed) for seed in range(3)]
FIELDS = ("frechet_distance", "classifier_score", "confident_share", "classes_covered")
FIELDS += ("chi2", "precision", "recall", "distance_ratio", "near_training")
FIELDS += ("near_each_other",)


def main() -> None:
    """Train and evaluate what the table lacks."""
    TABLE.parent.mkdir(exist_ok=True)
    rows = list(csv.DictReader(TABLE.open())) if TABLE.exists() else []
    done = {(row["recipe"], int(row["seed"])) for row in rows}
    for recipe, seed in SEEDS:
        if (recipe, seed) in done:
            continue
        if seed == 0:
            folder = ROOT / "data" / "runs" / recipe
            found = json.loads((folder / "evaluation.json").read_text())
            seconds = json.loads((folder / "provenance.json").read_text())
            seconds = seconds["cpu_seconds"]
        else:
            found, seconds = trained(recipe, seed)
        values = {name: round(found["generated"][name], 4) for name in FIELDS}
        rows.append({"recipe": recipe, "seed": seed, **values, "cpu_seconds": seconds})
        write(rows)


def trained(recipe: str, seed: int) -> tuple[dict, float]:
    """The evaluation of a new run, and the CPU seconds of its training alone."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / recipe
        options = ["--dataset", "mnist", *OPTIONS[recipe], "--seed", str(seed)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call("train", *options, "--sample-every", "500", "--output", str(run))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        said = call("evaluate", "--run", str(run), "--json")
    return json.loads(said[said.index("{") :]), round(cpu, 1)


def call(*arguments: str) -> str:
    """What ``python -m dcgan_keras`` prints."""
    command = [sys.executable, "-m", "dcgan_keras", *arguments]
    return subprocess.run(
        command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ).stdout


def write(rows: list[dict]) -> None:
    """The table and how it was made."""
    import keras
    import tensorflow as tf

    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")]
    provenance = {
        "command": "python benchmarks/training_seeds.py",
        "commands": {
            recipe: f"python -m dcgan_keras train --dataset mnist {' '.join(options)} "
            "--seed S --sample-every 500 --output RUN; "
            "python -m dcgan_keras evaluate --run RUN --json"
            for recipe, options in OPTIONS.items()
        },
        "date": time.strftime("%Y-%m-%d"),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "cpu_seconds": "of the training process alone; seed 0 from its provenance.json",
    }
    TABLE.with_suffix(".json").write_text(json.dumps(provenance, indent=2) + "\n")


if __name__ == "__main__":
    main()
