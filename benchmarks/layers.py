"""What notebook 04 says of longer games and of a deep network, for every seed.

    python benchmarks/layers.py

The networks and their training are the notebook's own cells, which this script runs; so
the notebook shows all that was done. Two tables: data/tables/longer_games.csv has the
GANs of "BN in the wrong place, with more time", "He's rule only where a ReLU follows"
and "Leaky ReLU in G as well?", and data/tables/learning_rates.csv the deep network of
"What if the network were deep?". The five rows of a variant are added as soon as they
are done; variants that are there are not repeated, so the command can be stopped and
given again.

It needs IPython and nbformat, which come with Jupyter.
"""

import csv
import json
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from measure import CpuClock, machine
from traitlets.config import Config

from dcgan_keras import keras

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "04_the_layers_of_a_dcgan.ipynb"
TABLES = ROOT / "data" / "tables"
SEEDS = range(5)  # those of the notebook
RULES = (keras.initializers.GlorotUniform, keras.initializers.HeNormal)
DEEP = "nb04-025"  # the cell of the deep network; the others are tagged setup and game


def he_before_relu(seed: int):
    """He's rule where a ReLU follows, Glorot's in the last layer of G and of D."""
    glorot, he = (rule(seed=seed) for rule in RULES)
    last = (384, 1) if seed // 100 % 2 else (4, 4, 1, 12)  # an odd hundred is D's
    return lambda shape: (glorot if shape == last else he)(shape)


GAMES = {  # variant -> steps, arguments of play
    "the DCGAN as it is": (150, {}),
    "leaky ReLU in G": (150, {"g_slope": 0.2}),
    "BN at G's output": (300, {"norm_g_output": True}),
    "BN at D's input": (300, {"norm_d_input": True}),
    "control": (300, {}),
    "He before ReLU, no BN": (150, {"norm": False, "kernels": he_before_relu}),
}
RATES = (0.03, 0.1, 0.3, 1.0)
READERS = {  # network -> rates, steps, kernels, arguments of over_rates
    "untrained": ((0.0,), 0, "glorot", {"norm": False}),
    "Glorot": (RATES, 100, "glorot", {"norm": False}),
    "He": (RATES, 100, "he", {"norm": False}),
    "Glorot + BN": (RATES, 100, "glorot", {"norm": True}),
    "Glorot, leaky": (RATES, 100, "glorot", {"norm": False, "slope": 0.2}),
}


def main() -> None:
    """Make every variant that is not in its table yet."""
    lesson = run_cells()
    for name, (steps, parts) in GAMES.items():
        make("longer_games", "variant", name, partial(game, lesson, steps, parts))
    for name, arguments in READERS.items():
        make("learning_rates", "network", name, partial(reader, lesson, *arguments))
    for table in ("longer_games", "learning_rates"):
        write_provenance(table)


def run_cells() -> dict:
    """The notebook's names, after the cells that build and train its networks."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        wanted = "setup" in tags or "game" in tags or cell.id == DEEP
        if cell.cell_type == "code" and wanted:
            shell.run_cell(cell.source).raise_error()
    return shell.user_ns


def game(lesson: dict, steps: int, parts: dict) -> list[dict]:
    """Five GANs: their distance, their background, and the beta of a BN at the end."""

    def ending(generator, discriminator, samples):
        end = generator.layers[-2]  # in one variant the BN in front of tanh
        is_norm = isinstance(end, lesson["layers"].BatchNormalization)
        return [
            lesson["distance"](samples),
            np.median(samples[:, 0, 0, 0]),
            end.beta.numpy()[0] if is_norm else np.nan,  # a gap in the table
        ]

    found = lesson["play"](steps=steps, look=ending, **parts)
    return [
        {"steps": steps, "seed": seed}
        | dict(zip(("distance", "corner", "beta"), map(text, values), strict=True))
        for seed, values in zip(SEEDS, found, strict=True)
    ]


def text(value: float) -> str:
    """Four decimals; nothing for what was not measured."""
    return "" if np.isnan(value) else f"{value:.4f}"


def reader(lesson: dict, rates, steps: int, kernels: str, parts: dict) -> list[dict]:
    """Five deep networks at each rate: what they read, and which of them died."""
    accuracy, dead = lesson["over_rates"](rates, lesson[kernels], steps=steps, **parts)
    return [
        {
            "steps": steps,
            "rate": rate,
            "seed": seed,
            "accuracy": text(accuracy[row, seed]),
            "dead": text(dead[row, seed]),
        }
        for row, rate in enumerate(rates)
        for seed in SEEDS
    ]


def make(table: str, key: str, name: str, run) -> None:
    """Add the rows of one variant to its table, if they are not there."""
    path = TABLES / f"{table}.csv"
    if name in {row[key] for row in read(path)}:
        return
    clock = CpuClock()
    with clock:
        rows = run()
    seconds = round(clock.seconds / len(rows), 2)
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        rows = [{key: name, **row, "cpu_seconds": seconds} for row in rows]
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)
    print(f"{table}: {name}", flush=True)


def read(path: Path) -> list[dict]:
    """The rows that are there."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_provenance(table: str) -> None:
    """How the table was made, beside it."""
    path = TABLES / f"{table}.csv"
    content = {
        "command": "python benchmarks/layers.py",
        "cpu_seconds": round(sum(float(row["cpu_seconds"]) for row in read(path))),
        "seeds": list(SEEDS),
        "settings": "those of notebook 04, whose cells were run",
        **machine(),
    }
    path.with_suffix(".json").write_text(
        json.dumps(content, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
