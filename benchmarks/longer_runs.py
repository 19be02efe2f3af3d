"""32,000 to 190,000 steps on MNIST: rates that fall later, without labels and with.

    python benchmarks/longer_runs.py FOLDER [--kinds KIND ...]

Trains three seeds of the default, of ``--clusters 400``, of the same for half as many
steps more, of ``--conditional``, of ``--conditional`` for fifty minutes, and of the
paper's recipe with labels in the time of the shorter runs, each a run folder in FOLDER,
by everybody's commands, and judges 10,000 samples of each. Distances within each digit
are those of ``evaluate_labels``; of a run without labels the classifier's digits are
taken. Typed again it goes on where it was stopped, and trains no run again that is
there. Written to results/longer_runs.json, after each run, and the numbers of the table
to data/tables/longer_runs.csv, where notebook 10 reads them; the last grid of seed 0
with labels is results/conditional.png, and the one with groups results/groups.png. For
those called groups_pixels ``find_clusters`` is told ``by="pixels"``, which no option of
the command says.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import RESULTS, machine, markdown, write_json

TRAIN = "train --dataset mnist --save-every 1000 --sample-every 2000"
SHORT, LONG = "--steps 32000 --decay-steps 5000", "--steps 190000 --decay-steps 30000"
MORE = "--steps 48000 --decay-steps 8000"  # 600 CPU-seconds on a quiet machine
PAPER = "--recipe paper --batch-size 128 --steps 17985"  # in nine minutes, as SHORT
EVALUATE = "evaluate --count 10000 --json"
KINDS = {  # what is trained, and the seeds
    "unconditional": (SHORT, (0, 1, 2)),
    "groups": (f"{SHORT} --clusters 400", (0, 1, 2)),
    "groups_600": (f"{MORE} --clusters 400", (0, 1, 2)),
    "groups_pixels": (f"{SHORT} --clusters 400", (0, 1, 2)),
    "conditional": (f"{SHORT} --conditional", (0, 1, 2)),
    "conditional_long": (f"{LONG} --conditional", (0, 1, 2)),
    "conditional_paper": (f"{PAPER} --conditional", (0, 1, 2)),
}
GRIDS = {"conditional_0": "conditional.png", "groups_0": "groups.png"}
BY_PIXELS = """
import functools, sys
from dcgan_keras.__main__ import main
from dcgan_keras.training import commands
commands.find_clusters = functools.partial(commands.find_clusters, by="pixels")
sys.exit(main())
"""
TABLE = Path(__file__).parents[1] / "data" / "tables" / "longer_runs.csv"
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
            by = "pixels" if kind == "groups_pixels" else None
            run(options.folder / name, made_by, by)
            judged = json.loads(called(f"{EVALUATE} --run", options.folder / name))
            classes = judged.get("classes") or by_class(options.folder / name)
            found[name] = {
                "command": f"python -m dcgan_keras {made_by}"
                + (f" (find_clusters: by={by!r})" if by else ""),
                "generated": judged["generated"],
                "classes": classes,
            }
            if "--clusters" in settings:
                found[name]["groups"] = groups_of(options.folder / name)
            content = {"evaluate": EVALUATE, "runs": found, "floor": judged["floor"]}
            content |= machine()
            write_json(path, content)
            if name in GRIDS:
                shutil.copy(last_grid(options.folder / name), RESULTS / GRIDS[name])
    write_table(content)
    rows = [
        [name, *shown(one["generated"]), f"{within(one['classes']):.2f}"]
        for name, one in found.items()
    ]
    real = ["real images", *shown(content["floor"]), ""]
    print(markdown(["run", *SHOWN, "within a digit"], [*rows, real]))


def write_table(content: dict) -> None:
    """A row a run, with the numbers that are shown; and how they were made."""
    part = TABLE.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kind", "seed", *SHOWN, "within_a_digit"])
        for name, one in content["runs"].items():
            kind, seed = name.rsplit("_", 1)
            numbers = [one["generated"][key] for key in SHOWN]
            numbers.append(within(one["classes"]))
            writer.writerow([kind, seed, *(round(x, 4) for x in numbers)])
        numbers = [content["floor"][key] for key in SHOWN]
        writer.writerow(["real images", "", *(round(x, 4) for x in numbers), ""])
    part.replace(TABLE)
    about = {
        "command": "python benchmarks/longer_runs.py FOLDER",
        "runs": {name: one["command"] for name, one in content["runs"].items()},
        "groups": {
            n: one["groups"] for n, one in content["runs"].items() if "groups" in one
        },
        "judged": f"python -m dcgan_keras {content['evaluate']}",
    }
    names = ("processor", "cores", "python", "tensorflow", "keras", "numpy", "date")
    about["machine"] = {name: content[name] for name in names}
    write_json(TABLE.with_suffix(".json"), about)


def by_class(path: Path) -> dict:
    """Of a run without labels: the digits are what the classifier sees."""
    from dcgan_keras.data.datasets import load_dataset
    from dcgan_keras.evaluation.classifier import load_classifier
    from dcgan_keras.evaluation.conditional import evaluate_labels
    from dcgan_keras.evaluation.nearest_neighbour import classified_samples
    from dcgan_keras.training.configuration import load_generator
    from dcgan_keras.training.runs import RunFolder

    classifier = load_classifier("mnist")
    if RunFolder(path).read_config().get("clusters") is None:
        parts = classified_samples(load_generator(path), classifier, seed=0)
    else:
        with tempfile.TemporaryDirectory() as folder:
            drawn = Path(folder) / "drawn.npy"
            called(f"sample --run {path} --count 10000 --output", drawn)
            images = np.load(drawn) / np.float32(127.5) - 1
        parts = [(images, classifier(images)[1].argmax(axis=1))]
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


def groups_of(path: Path) -> dict:
    """How large a run's groups are, and in how many images they tell the digit."""
    from dcgan_keras.data.clusters import nearest_centres
    from dcgan_keras.data.datasets import load_dataset
    from dcgan_keras.training.configuration import read_clusters, read_config
    from dcgan_keras.training.runs import RunFolder

    run, (images, labels) = RunFolder(path), load_dataset("mnist")
    groups = read_clusters(run, read_config(run))
    table = np.zeros((len(groups.counts), 10), int)
    np.add.at(table, (nearest_centres(images, groups), labels), 1)
    return {
        "smallest": int(groups.counts.min()),
        "largest": int(groups.counts.max()),
        "commonest_digit_is_right": round(
            float(table.max(axis=1).sum() / len(labels)), 4
        ),
    }


def last_grid(path: Path) -> Path:
    """Of a fixed noise, after the last step."""
    return max((path / "samples").glob("*.png"))


def within(classes: dict) -> float:
    """The mean of the ten distances."""
    return float(np.mean(classes["frechet_distance"]))


def run(path: Path, made_by: str, by: str | None) -> None:
    """Train it, or go on with it."""
    if (path / "config.json").exists():
        called("train --resume --output", path)
    else:
        called(f"{made_by} --output", path, by)


def called(command: str, path: Path, by: str | None = None) -> str:
    """What a command says on standard output; ``by``: as in ``find_clusters``."""
    program = ["-c", BY_PIXELS] if by == "pixels" else ["-m", "dcgan_keras"]
    words = [sys.executable, *program, *command.split(), str(path)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def shown(numbers: dict) -> list[str]:
    """The numbers of a row of the table."""
    return [f"{numbers[name]:.3f}" for name in SHOWN]


if __name__ == "__main__":
    main()
