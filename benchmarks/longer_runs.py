"""32,000 steps on MNIST, with rates that fall later, without labels and with them.

    python benchmarks/longer_runs.py FOLDER

Trains three seeds of the default and three of ``--conditional``, each a run folder in
FOLDER, by the commands of everybody, and judges 10,000 samples of each. Typed again it
goes on where it was stopped, and trains no run again that is there. Written to
results/longer_runs.json, after each run.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from measure import RESULTS, machine, markdown, write_json

TRAIN = "train --dataset mnist --steps 32000 --decay-steps 5000"
TRAIN += " --save-every 1000 --sample-every 2000"
EVALUATE = "evaluate --count 10000 --json"
KINDS = {"unconditional": "", "conditional": " --conditional"}
SEEDS = (0, 1, 2)
SHOWN = ("frechet_distance", "confident_share", "p_value", "precision", "recall")


def main() -> None:
    """Make the runs that are missing, and judge all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the runs are, or will be")
    folder = parser.parse_args().folder
    found, floor = {}, None
    for kind, more in KINDS.items():
        for seed in SEEDS:
            name = f"{kind}_{seed}"
            made_by = f"{TRAIN}{more} --seed {seed}"
            run(folder / name, made_by)
            said = called(f"{EVALUATE} --run", folder / name)
            judged = json.loads(said)
            floor = judged["floor"]
            found[name] = {"command": f"python -m dcgan_keras {made_by}"}
            found[name] |= {
                part: judged[part]
                for part in ("generated", "classes")
                if part in judged
            }
            about = {"evaluate": EVALUATE, "runs": found, "floor": floor}
            write_json(RESULTS / "longer_runs.json", about | machine())
    rows = [[name, *shown(one["generated"])] for name, one in found.items()]
    print(markdown(["run", *SHOWN], [*rows, ["real images", *shown(floor)]]))


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
