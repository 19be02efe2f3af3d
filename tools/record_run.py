"""Make one of the recorded runs in data/runs/, with its evaluation and provenance.

    python tools/record_run.py mnist
    python tools/record_run.py cifar --dataset cifar10/train/automobile
    python tools/record_run.py emoji --dataset noto_emoji --run runs/emoji

The command that trains is the one of everybody, ``python -m dcgan_keras train``; it and
what it took are written to provenance.json. What only a resumed run would need, the
optimizers' memory, is left out of the recorded weights. With --run the training is kept
where it says, and gone on with if it was stopped; the seconds of its sittings add up.
"""

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio.v3 as imageio

FOLDER = Path(__file__).parents[1] / "data" / "runs"
RUNS = {
    "digits": ["--dataset", "digits", "--steps", "1500", "--sample-every", "250"],
    "mnist": ["--dataset", "mnist", "--steps", "6000", "--sample-every", "500"],
    "paper": ["--dataset", "mnist", "--steps", "1500", "--sample-every", "500"]
    + ["--recipe", "paper", "--width", "32", "--batch-size", "128"],
    "cifar": ["--steps", "4000", "--sample-every", "500", "--image-size", "32"]
    + ["--learning-rates", "1", "--decay-steps", "1000"],
    "emoji": ["--steps", "20000", "--sample-every", "1000", "--image-size", "64"]
    + ["--augment", "flip", "translation", "cutout", "--augment-share", "0.3"],
}
# Grids that are kept, evenly spread; of others four
KEPT_SAMPLES = {"mnist": 12, "emoji": 1}


def command(*arguments: str) -> list[str]:
    return ["-m", "dcgan_keras", *arguments]


def timed(arguments: list[str]) -> tuple[float, float]:
    """Run it; wall seconds and CPU seconds."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - wall, cpu


def trained(run: Path, settings: list[str]) -> tuple[float, float]:
    """Train, or go on; wall and CPU seconds of all sittings that came to their end."""
    notes, command_line = run / "provenance.json", command("train", *settings)
    if not (run / "config.json").exists():
        return timed([*command_line, "--output", str(run)])
    before = json.loads(notes.read_text()) if notes.exists() else {}
    found = timed([*command_line, "--output", str(run), "--resume"])
    names = ("seconds", "cpu_seconds")
    return tuple(
        now + before.get(name, 0) for now, name in zip(found, names, strict=True)
    )


def provenance(train: list[str], wall: float, cpu: float) -> dict:
    import os

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")]
    return {
        "command": " ".join(["python", *train]),
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "date": time.strftime("%Y-%m-%d"),
        "processor": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if lines else os.cpu_count(),
    }


def slim(run: Path, dataset: str | None = None) -> None:
    """Keep both players alone, G with its averaged weights; thin out the grids."""
    from dcgan_keras.training.configuration import load_players
    from dcgan_keras.training.runs import RunFolder
    from dcgan_keras.visualization import write_png

    folder = RunFolder(run)
    players = load_players(folder)
    history, config = folder.read_history(), folder.read_config()
    config["settings"] = config["settings"] | {"average": False}
    config["dataset"] = Path(dataset or config["dataset"]).name
    folder.write_config(config, replace=True)
    owned = {name: getattr(players, name).variables for name in players._fields}
    if run.name == "emoji":  # of its size
        owned = {"generator": [x.numpy().astype("float16") for x in owned["generator"]]}
        history = [{k: round(v, 4) for k, v in row.items()} for row in history]
    folder.save(config["steps"], owned, history)
    paths, count = folder.sample_paths(), KEPT_SAMPLES.get(run.name, 4)
    kept = {paths[-1 - len(paths) * i // count] for i in range(count)}
    for path in set(paths) - kept - {paths[0]}:
        path.unlink()
    if run.name == "emoji":  # each pixel once
        for path in folder.sample_paths():
            write_png(path, imageio.imread(path)[::2, ::2])
    if run.name != "mnist":
        (run / "training.gif").unlink()
    if run.name == "paper":  # its numbers alone are shown
        (run / "weights.npz").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", choices=sorted(RUNS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dataset", help="a folder of images, for a run in colour")
    parser.add_argument("--run", type=Path, help="where to train, and to go on")
    options = parser.parse_args()
    settings = RUNS[options.name] + ["--seed", str(options.seed)]
    if options.dataset:
        settings = ["--dataset", options.dataset, *settings]
    with tempfile.TemporaryDirectory() as parent:
        made, run = options.run or Path(parent) / "run", Path(parent) / options.name
        wall, cpu = trained(made, settings)
        shutil.copytree(made, run)
        shown = command("train", *settings, "--output", f"runs/{options.name}")
        evaluate = command("evaluate", "--run", str(run), "--json")
        evaluate += ["--dataset", options.dataset] if options.dataset else []
        text = subprocess.check_output([sys.executable, *evaluate], text=True)
        (run / "evaluation.json").write_text(text)
        slim(run, options.dataset)
        text = json.dumps(provenance(shown, wall, cpu), indent=2) + "\n"
        (run / "provenance.json").write_text(text)
        shutil.rmtree(FOLDER / options.name, ignore_errors=True)
        shutil.copytree(run, FOLDER / options.name)


if __name__ == "__main__":
    main()
