"""32,000 and 190,000 steps on MNIST: rates that fall later, without labels and with.

    python benchmarks/longer_runs.py FOLDER [--kinds KIND ...]

Trains three seeds of the default, of ``--conditional``, and of ``--conditional`` for
fifty minutes, each a run folder in FOLDER, by the commands of everybody, and judges
10,000 samples of each. Distances within each digit are those of ``evaluate_labels``; of
a run without labels the classifier's digits are taken. Typed again it goes on where it
was stopped, and trains no run again that is there. Written to results/longer_runs.json,
after each run; the last grid of seed 0 with labels is results/conditional.png.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from measure import RESULTS, machine, markdown, write_json

TRAIN = "train --dataset mnist --save-every 1000 --sample-every 2000"
SHORT, LONG = "--steps 32000 --decay-steps 5000", "--steps 190000 --decay-steps 30000"
EVALUATE = "evaluate --count 10000 --json"
KINDS = {  # what is trained, and the seeds
    "unconditional": (SHORT, (0, 1, 2)),
    "conditional": (f"{SHORT} --conditional", (0, 1, 2)),
    "conditional_long": (f"{LONG} --conditional", (0, 1, 2)),
}
GRID_OF, GRID = "conditional_0", RESULTS / "conditional.png"
SHOWN = ("frechet_distance", "confident_share", "p_value", "precision", "recall")


def main() -> None:
    """Make the runs that are missing, and judge those that are not yet judged."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the runs are, or will be")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    path = RESULTS / "longer_runs.json"
    content = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    found = content["runs"]
    for kind in options.kinds:
        settings, seeds = KINDS[kind]
        for seed in seeds:
            name, made_by = f"{kind}_{seed}", f"{TRAIN} {settings} --seed {seed}"
            if "classes" in found.get(name, {}):
                continue
            run(options.folder / name, made_by)
            judged = json.loads(called(f"{EVALUATE} --run", options.folder / name))
            classes = judged.get("classes") or by_class(options.folder / name)
            found[name] = {
                "command": f"python -m dcgan_keras {made_by}",
                "generated": judged["generated"],
                "classes": classes,
            }
            content = {"evaluate": EVALUATE, "runs": found, "floor": judged["floor"]}
            write_json(path, content | machine())
            if name == GRID_OF:
                shutil.copy(last_grid(options.folder / name), GRID)
    rows = [
        [name, *shown(one["generated"]), f"{within(one['classes']):.2f}"]
        for name, one in found.items()
    ]
    real = ["real images", *shown(content["floor"]), ""]
    print(markdown(["run", *SHOWN, "within a digit"], [*rows, real]))


def by_class(path: Path) -> dict:
    """Of a run without labels: the digits are what the classifier sees."""
    from dcgan_keras.data.datasets import load_dataset
    from dcgan_keras.evaluation.classifier import load_classifier
    from dcgan_keras.evaluation.conditional import evaluate_labels
    from dcgan_keras.evaluation.nearest_neighbour import classified_samples
    from dcgan_keras.training.configuration import load_generator

    parts = classified_samples(load_generator(path), load_classifier("mnist"), seed=0)
    images, labels, count = [], [], 0
    for some, their_labels in parts:
        images.append(some)
        labels.append(their_labels)
        count += len(some)
        if count >= 10_000:
            break
    samples = np.concatenate(images)[:10_000], np.concatenate(labels)[:10_000]
    report = evaluate_labels(*samples, *load_dataset("mnist", "test"))
    return report.to_dict()


def last_grid(path: Path) -> Path:
    """Of a fixed noise, after the last step."""
    return max((path / "samples").glob("*.png"))


def within(classes: dict) -> float:
    """The mean of the ten distances."""
    return float(np.mean(classes["frechet_distance"]))


def run(path: Path, made_by: str) -> None:
    """Train it, or go on with it."""
    called("train --resume --output" if path.exists() else f"{made_by} --output", path)


def called(command: str, path: Path) -> str:
    """What a command says on standard output."""
    words = [sys.executable, "-m", "dcgan_keras", *command.split(), str(path)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def shown(numbers: dict) -> list[str]:
    """The numbers of a row of the table."""
    return [f"{numbers[name]:.3f}" for name in SHOWN]


if __name__ == "__main__":
    main()
