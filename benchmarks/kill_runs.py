"""Kill trainings at random moments, resume them, and compare with one left alone.

    python benchmarks/kill_runs.py --kills 200 --seed 31 \\
        --loop train_step --loop composite --loop conditional --loop clusters

Each run is a short training of small networks on ``digits``. It is killed by SIGKILL
after a random number of seconds, up to three times, and resumed each time; then it is
resumed to the end. In four of five kills the seconds count from the process's first
saving, else from its lock, before TensorFlow traces the step. Weights and history must
be those of the run that was left alone, bit for bit, the film must be there, and no
other file. The moments are drawn from the seed; where in the training they fall is the
machine's.
"""

import argparse
import collections
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import RESULTS, machine, write_json

STEPS = 150
TRAIN = ["--dataset", "digits", "--batch-size", "8", "--latent-dim", "3"]
TRAIN += ["--width", "2", "--seed", "3", "--save-every", "3", "--sample-every", "10"]
TRAIN += ["--steps", str(STEPS)]
FIRST = "samples/step_000010.png"
KINDS = {  # of trainings, by the name that --loop takes
    "train_step": [],
    "composite": ["--loop", "composite"],
    "conditional": ["--conditional"],
    "clusters": ["--clusters", "5"],
}
FILES = {"config.json", "history.csv", "weights.npz", "training.gif", "samples"}


def command(output: Path, *options: str) -> list[str]:
    arguments = ["train", "--output", str(output), *TRAIN, *options]
    return [sys.executable, "-m", "dcgan_keras", *arguments]


def contents(run: Path) -> dict[str, bytes]:
    """What must not differ: the history, every saved array, every grid, the film."""
    found = {}
    for path in run.glob("*.npz"):
        with np.load(path, allow_pickle=False) as saved:
            found |= {f"{path.stem} {x}": saved[x].tobytes() for x in saved.files}
    paths = [run / "history.csv", run / "training.gif", *(run / "samples").iterdir()]
    return found | {path.name: path.read_bytes() for path in paths}


def stage(run: Path) -> str:
    """How far a killed run had come, by its files."""
    if not (run / "config.json").exists():
        has_groups = (run / "clusters.npz").exists()
        return "before the configuration" if has_groups else "before the run folder"
    if any(path.name != ".lock" for path in hidden(run)):
        return "inside a write"
    if not (run / "weights.npz").exists():
        return "before the first saving"
    with np.load(run / "weights.npz", allow_pickle=False) as saved:
        step = int(saved["step"])
    if step < STEPS:
        return "between savings"
    return "at the end" if (run / "training.gif").exists() else "before the film"


def hidden(run: Path) -> list[Path]:
    return [path for path in run.rglob(".*") if path.is_file()]


def saved_at(run: Path) -> int:
    """When the weights were last saved; 0 if never."""
    with contextlib.suppress(FileNotFoundError):
        return (run / "weights.npz").stat().st_mtime_ns
    return 0


def has_begun(run: Path, number: int, before: int, in_steps: bool) -> bool:
    """Whether a process holds the lock; with ``in_steps`` also has saved a first time.

    A killed one's lock file is still there, with another process's number in it.
    """
    if in_steps:
        return saved_at(run) != before
    with contextlib.suppress(FileNotFoundError):
        return (run / ".lock").read_text() == str(number)
    return False


def killed(loop: str, run: Path, seconds: float, in_steps: bool = False) -> bool:
    """Start or resume a run; whether it was killed before it ended by itself.

    The clock starts with the run folder's lock, or with the process's first saving.
    """
    before = saved_at(run)
    resume = ["--resume"] if (run / "config.json").exists() else []
    with (run.parent / "said").open("wb") as said:
        process = subprocess.Popen(
            command(run, *KINDS[loop], *resume), stderr=said, stdout=said
        )
        while process.poll() is None:
            if has_begun(run, process.pid, before, in_steps):
                break
            time.sleep(0.002)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        if process.poll() is not None:
            return False
        process.kill()
        process.wait()
    return True


def wrong_with(run: Path, loop: str, alone: dict[str, bytes]) -> dict:
    """What a resumed run has that it should not have, or has not; {} if all is well."""
    files = FILES | {"clusters.npz"} if loop == "clusters" else FILES
    left = {path.name for path in run.iterdir()} ^ files
    left |= {path.name for path in hidden(run)}
    if left:
        said = (run.parent / "said").read_text(errors="replace")
        return {"run": run.name, "files": sorted(left), "said": said[-300:]}
    found = contents(run)
    names = sorted(n for n in found | alone if found.get(n) != alone.get(n))
    return {"run": run.name, "differ": names} if names else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--loop", choices=KINDS, action="append")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    stages, wrong, runs = collections.Counter(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        alone, seconds = {}, {}
        for loop in options.loop or ["train_step"]:
            run = Path(folder) / f"alone_{loop}"
            killed(loop, run, 1e6)
            alone[loop] = contents(run)
            began, first, end = (
                (run / name).stat().st_mtime
                for name in ("samples/step_000000.png", FIRST, "training.gif")
            )
            seconds[loop] = first - began, end - first  # to trace; to make the steps
        while sum(stages.values()) < options.kills:
            runs += 1
            loop = str(random.choice(list(alone)))
            run = Path(folder) / f"run_{runs}"
            for left in (3, 2, 1, 0):
                in_steps = bool(random.random() < 0.8)
                moment = random.uniform(0, seconds[loop][in_steps] / 2)
                if not killed(loop, run, moment if left else 1e6, in_steps):
                    break
                stages[stage(run)] += 1
            found = wrong_with(run, loop, alone[loop])
            wrong += [found] if found else []
            shutil.rmtree(run)
            numbers = {
                "kills": sum(stages.values()),
                "runs": runs,
                "seed": options.seed,
                "loops": list(alone),
                "stages": dict(stages),
                "wrong": wrong,
            }
            write_json(RESULTS / "kill_runs.json", {**numbers, "machine": machine()})
            print(sum(stages.values()), "kills,", len(wrong), "wrong", flush=True)
    print(numbers)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
