"""Plant faults in the package with cosmic-ray, and see whether the tests hear of them.

    pip install cosmic-ray
    python tools/mutation.py FOLDER [--each 12] [--seed 0] [--again] [--modules ...]

Works on a copy of the repository in FOLDER, so that nothing here is changed. Of every
module some faults are drawn (comparisons, numbers, operators, conditions, loops,
decorators, exceptions); each is planted alone and the module's own test file is run.
A fault that these tests miss may still be found by the others, so the share is a lower
bound. FOLDER keeps what is done: typed again, the command goes on; with --again it also
plants once more what was missed, for tests that have been mended. The report is
benchmarks/results/mutation.json, of which other modules than --modules keep their
rows. About 7 CPU-seconds a fault.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
REPORT = ROOT / "benchmarks" / "results" / "mutation.json"
OWN_TESTS = {  # of a module, where they are not in the file of its name
    "data/image_folder": ["data/test_image_folder.py", "data/test_data_folder.py"],
    "evaluation/novelty": ["evaluation/test_distances.py"],
    "evaluation/random_features": ["evaluation/test_picture_report.py"],
    "evaluation/classifier": ["evaluation/test_report.py"],
    "evaluation/conditional": ["training/test_conditional.py"],
    "training/sampling": ["training/test_sampling.py", "lessons/test_latent.py"],
    "sizes": ["test_sizes.py", "test_models.py"],
    "training/players": ["training/test_keras_citizens.py", "training/test_doors.py"],
    "training/recipe": ["training/test_dcgan.py", "training/test_configuration.py"],
    "training/workers": ["training/test_distributed.py"],
}
MODULES = [
    *("losses", "convolution", "files", "edge", "visualization"),
    *("composite", "models", "labels", "sizes", "noise"),
    *("fast/layers", "fast/optimizers"),
    *(
        f"data/{x}"
        for x in (
            *("archives", "listing", "pictures", "image_folder", "clusters"),
            "datasets",
        )
    ),
    *(
        f"evaluation/{name}"
        for name in (
            *("coverage", "distances", "novelty", "random_features", "sharpness"),
            *("sliced_wasserstein", "nearest_neighbour", "picture_report"),
            *("report", "classifier", "conditional", "discriminator_features"),
        )
    ),
    *(
        f"training/{name}"
        for name in (
            *("runs", "fingerprint", "budget", "callbacks", "augmentation", "recipe"),
            *("configuration", "sampling", "dcgan", "composite_loop", "players"),
            *("commands", "workers"),
        )
    ),
]
# `|` stands in type hints here, where every change of it is an error at import.
LEFT_OUT = "core/ReplaceBinaryOperator_BitOr"
CACHES = shutil.ignore_patterns("__pycache__")
COPIED = ("dcgan_keras", "tests", "tools", "benchmarks", "notebooks", "data", "docs")


def tests_of(module: str) -> list[str]:
    """The test files that are the module's own."""
    path = Path(module)
    own = OWN_TESTS.get(module, [str(path.with_name(f"test_{path.name}.py"))])
    return [f"tests/{name}" for name in own]


def copied(folder: Path) -> Path:
    """A copy of the repository to plant faults in, with none from a stopped run."""
    copy, original = folder / "copy", folder / "original"
    if not original.exists():
        shutil.rmtree(copy, ignore_errors=True)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=CACHES)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, copy)
        shutil.copytree(copy / "dcgan_keras", original)
    for name, source in (("dcgan_keras", original), ("tests", ROOT / "tests")):
        shutil.rmtree(copy / name)
        shutil.copytree(source, copy / name, ignore=CACHES)
    return copy


def drawn(session: Path, config: Path, copy: Path, each: int, seed: int) -> int:
    """A session of cosmic-ray with at most ``each`` faults; how many there were."""
    from cosmic_ray.work_db import WorkDB, use_db

    note = session.with_suffix(".count")
    if note.exists():
        return int(note.read_text())
    session.unlink(missing_ok=True)
    called(copy, "baseline", config)  # the tests must pass as long as nothing is wrong
    called(copy, "init", config, session)
    with use_db(str(session), WorkDB.Mode.open) as database:
        items = [
            item
            for item in database.work_items
            if not item.mutations[0].operator_name.startswith(LEFT_OUT)
        ]
        items.sort(key=lambda item: place(item.mutations[0]))
        some = random.Random(seed).sample(items, min(each, len(items)))
        database.clear()
        database.add_work_items(some)
    note.write_text(str(len(items)))
    return len(items)


def forget_missed(session: Path) -> None:
    """So that cosmic-ray plants them once more."""
    with contextlib.closing(sqlite3.connect(session)) as database, database:
        database.execute("delete from work_results where test_outcome = 'SURVIVED'")


def place(fault) -> tuple:
    """Where a fault is, in an order that every run gives."""
    return fault.start_pos, fault.operator_name, fault.occurrence


def called(copy: Path, *arguments) -> None:
    """Cosmic-ray's own command, on the copy."""
    command = [sys.executable, "-m", "cosmic_ray.cli", *map(str, arguments)]
    paths = [str(copy), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    subprocess.run(command, cwd=copy, env=environment, check=True)


def found(session: Path, module: str) -> dict:
    """What became of a module's faults, and those that were missed."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome

    with use_db(str(session), WorkDB.Mode.open) as database:
        done = list(database.completed_work_items)
    missed = [
        {
            "line": item.mutations[0].start_pos[0],
            "fault": item.mutations[0].operator_name.removeprefix("core/"),
            "change": [
                line
                for line in result.diff.splitlines()
                if line[:1] in "+-" and line[:3] not in ("+++", "---")
            ],
        }
        for item, result in sorted(done, key=lambda pair: place(pair[0].mutations[0]))
        if result.test_outcome == TestOutcome.SURVIVED
    ]
    return {"module": module, "planted": len(done), "missed": missed}


def main() -> None:
    """Draw, plant, and report after each module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="for the copy and what is done")
    parser.add_argument("--each", type=int, default=12, help="faults a module (12)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--modules", nargs="+", choices=MODULES, default=MODULES)
    parser.add_argument("--again", action="store_true", help="plant the missed anew")
    options = parser.parse_args()
    from measure import machine, write_json

    copy, rows = copied(options.folder.resolve()), {}
    if REPORT.exists():
        rows = {row["module"]: row for row in json.loads(REPORT.read_text())["modules"]}
    for module in options.modules:
        name = module.replace("/", "_")
        config = options.folder.resolve() / f"{name}.toml"
        tests = " ".join(tests_of(module))
        config.write_text(
            "[cosmic-ray]\n"
            f'module-path = "dcgan_keras/{module}.py"\n'
            "timeout = 300.0\nexcluded-modules = []\n"
            f'test-command = "{sys.executable} -m pytest -x -q {tests}"\n'
            '[cosmic-ray.distributor]\nname = "local"\n'
        )
        session = config.with_suffix(".sqlite")
        total = drawn(session, config, copy, options.each, options.seed)
        if options.again:
            forget_missed(session)
        called(copy, "exec", config, session)
        rows[module] = {**found(session, module), "of": total}
        reports = [rows[name] for name in MODULES if name in rows]
        planted = sum(report["planted"] for report in reports)
        missed = sum(len(report["missed"]) for report in reports)
        score = round(1 - missed / planted, 3)
        about = {"each": options.each, "seed": options.seed, "score": score}
        write_json(REPORT, about | {"modules": reports, "machine": machine()})
        print(module, rows[module]["planted"], "planted,", rows[module]["missed"])
    print(f"{planted} planted, {missed} missed: {100 * score:.1f} % were found")


if __name__ == "__main__":
    main()
