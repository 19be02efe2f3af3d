"""Run the notebooks and the unit tests on other versions than the pinned ones.

    python tools/version_matrix.py [ROW ...] [--notebooks 1 2] [--tests] [--list]

A row is a Python with versions of TensorFlow, Keras, IPython and the libraries. Each
gets an environment of its own in build/matrix/, with the course's wheel in it. The
notebooks run in a folder that is not the clone, and a cell that raises or that writes
to stderr is a fault. What comes out goes to docs/versions.csv, after each notebook.
What is committed is run, and what is there for the same commit is not done again, so
that a run may be stopped at any time.
"""

import argparse
import atexit
import contextlib
import csv
import functools
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import run_notebooks
from packaging.requirements import Requirement

from dcgan_keras.edge import run_command

ROOT = Path(__file__).resolve().parent.parent
MATRIX = ROOT / "build" / "matrix"
TABLE = ROOT / "docs" / "versions.csv"
# What a notebook's outcome depends on, and a unit test's.
PACKAGE = ["dcgan_keras", "data", "pyproject.toml", "setup.py"]
TESTED = [*PACKAGE, "tests", "requirements.txt"]
# The tests that TensorFlow, Keras, NumPy and the other libraries can break.
UNIT_TESTS = ["data", "evaluation", "fast", "lessons", "training"]
UNIT_TESTS += ["composite", "convolution", "edge", "imports", "losses", "models"]
UNIT_TESTS += ["papers", "trap", "visualization"]
# Old libraries on new ones warn of each other; the course's code must not.
OTHERS_MAY_WARN = "filterwarnings=default\nerror:::dcgan_keras"
NO_TESTS = 5  # pytest's code for a folder without any
PATIENCE = 3600  # seconds a cell, for a machine with other work
SHOWN = ("tensorflow", "keras", "numpy", "ipython")
COLUMNS = ["row", "date", "commit", "python", *SHOWN, "notebooks", "outputs as stored"]
COLUMNS += ["notebooks CPU s", "tests", "tests CPU s"]
# Colab's image of August 2026; the libraries of which it is not known are those of
# its list of February (googlecolab/backend-info, pip-freeze.gpu.txt).
COLAB = {
    "tensorflow": "2.20.0",
    "keras": "3.13.2",
    "numpy": "2.1.3",
    "ipython": "7.34.0",
    "ipykernel": "6.17.1",
    "ipywidgets": "7.7.1",
    "scipy": "1.16.3",
    "scikit-learn": "1.6.1",
    "matplotlib": "3.10.0",
    "imageio": "2.37.2",
    "pillow": "11.3.0",
}
KERNEL = {"ipython": "7.34.0", "ipykernel": "6.17.1"}  # older than any that Jupyter has


class Missing(Exception):
    """A row that cannot be run here; says why."""


@dataclass(frozen=True)
class Row:
    """One set of versions; without pins, the newest that there are."""

    python: str
    pins: dict[str, str] = field(default_factory=dict)
    pinned: bool = False  # everything as in requirements.txt


def oldest() -> dict[str, str]:
    """The lower bounds of pyproject.toml, which are the course's promise."""
    text = (ROOT / "pyproject.toml").read_text("utf-8").split("course = [")[0]
    found = {}
    for asked in re.findall(r'"([a-z][\w.-]*>=[^"]+)"', text.split("[project]")[1]):
        requirement = Requirement(asked)
        (lower,) = (s.version for s in requirement.specifier if s.operator == ">=")
        # 2.19 is 2.19.0, of which SciPy once had no wheel.
        found[requirement.name] = FIRST.get((requirement.name, lower), lower)
    return found


FIRST = {("scipy", "1.11"): "1.11.1"}  # 1.11.0 was withdrawn


def rows() -> dict[str, Row]:
    """All rows, by name, in the order in which they are run."""
    february = COLAB | {"tensorflow": "2.19.0", "keras": "3.10.0", "numpy": "2.0.2"}
    found = {
        "Colab": Row("3.13", COLAB),
        "oldest": Row("3.10", oldest() | KERNEL),
        "newest": Row("3.13"),
        "Colab, February 2026": Row("3.12", february),
    }
    for python in ("3.10", "3.11", "3.12", "3.13"):
        found[f"pinned, {python}"] = Row(python, pinned=True)
    return found


def interpreter(version: str) -> str:
    """The path of a Python of this version: from the PATH, or pyenv's."""
    named = [shutil.which(f"python{version}"), sys.executable]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    named += sorted(pyenv.glob(f"{version}.*/bin/python"))
    for path in filter(None, named):
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        said = subprocess.run(asked, capture_output=True, text=True)
        if said.stdout.strip() == version:
            return str(path)
    raise Missing(f"there is no Python {version} here")


def clean_environment(folder: Path) -> dict[str, str]:
    """This process's environment, less what would change a kernel."""
    changing = ("PYTHON", "KERAS_", "TF_", "JUPYTER", "IPYTHON", "DCGAN_", "MPL")
    found = {k: v for k, v in os.environ.items() if not k.startswith(changing)}
    found["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # no word of the debugger's
    kept = {"IPYTHONDIR": folder / "ipython", "MPLCONFIGDIR": folder / "matplotlib"}
    found["PATH"] = f"{folder / 'bin'}{os.pathsep}{found.get('PATH', '')}"
    return found | {name: str(path) for name, path in kept.items()}


def call(command: list, log: Path, **options) -> int:
    """Run a command, its words into a file; its exit code."""
    with log.open("a", encoding="utf-8") as words:
        done = subprocess.run(command, stdout=words, stderr=words, **options)
    return done.returncode


def temporary(prefix: str) -> Path:
    """An empty folder of this process's own, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix=f"course-{prefix}"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache(maxsize=1)
def snapshot() -> Path:
    """A clone of what is committed, made once: a later change changes no row."""
    folder = temporary("clone-")
    git = ["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)]
    if subprocess.run(git).returncode:
        raise Missing("a row belongs to a commit, and this is no clone of the course")
    return folder


def commit(*paths: str) -> str:
    """The last commit that changed any of these."""
    log = ["git", "-C", str(snapshot()), "log", "-1", "--format=%h", "--", *paths]
    said = subprocess.run(log, capture_output=True, text=True, check=True)
    return said.stdout.strip()


@functools.lru_cache(maxsize=1)
def wheel() -> Path:
    """The course's wheel, built once a run."""
    folder = temporary("wheel-")
    build = [sys.executable, "-m", "pip", "wheel", str(snapshot()), "--no-deps"]
    build += ["--no-build-isolation", "--wheel-dir", str(folder)]
    log = MATRIX / "wheel.log"
    if call(build, log):
        raise Missing(f"the wheel was not built: {log} says why")
    return next(folder.glob("*.whl"))


def environment(name: str, row: Row) -> Path:
    """The row's Python, with its versions and the wheel; made where it is not there."""
    folder = MATRIX / re.sub(r"[^\w.]+", "-", name)
    python, stamp, log = folder / "bin" / "python", folder / "row.json", folder / "log"
    wanted = ["--requirement", str(ROOT / "requirements.txt")]
    if not row.pinned:
        wanted = [f"{one}=={version}" for one, version in row.pins.items()]
        wanted += [f"{wheel()}[tensorflow]", "ipykernel", "pytest", "pyyaml"]
        wanted += ["nbformat", "tensorboard"]  # which TensorFlow 2.21 leaves out
    made_of = json.dumps([row.python, [Path(one).name for one in wanted]])
    if not stamp.exists() or stamp.read_text("utf-8") != made_of:
        shutil.rmtree(folder, ignore_errors=True)
        made = [interpreter(row.python), "-m", "venv", str(folder)]
        if call(made, MATRIX / "venv.log"):
            raise Missing(f"no environment: {MATRIX / 'venv.log'} says why")
        pip = [python, "-m", "pip", "install", "--progress-bar", "off"]
        if call([*pip, *wanted], log):
            raise Missing(f"these versions don't install together: see {log}")
        stamp.write_text(made_of, "utf-8")
    pip = [python, "-m", "pip", "install", "--no-deps", "--force-reinstall"]
    if call([*pip, str(wheel())], log):
        raise Missing(f"the wheel was not installed: see {log}")
    return folder


def versions(folder: Path) -> dict[str, str]:
    """What the environment really holds."""
    code = "import json, platform, sys; from importlib.metadata import version\n"
    code += "found = {name: version(name) for name in sys.argv[1:]}\n"
    code += "print(json.dumps({'python': platform.python_version()} | found))"
    said = subprocess.run(
        [folder / "bin" / "python", "-c", code, *SHOWN],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(said.stdout)


def words(cell: nbformat.NotebookNode) -> list[str]:
    """A cell's outputs as text; pictures are left out, as nbval leaves them out."""
    streams, shown = "", []
    for output in cell.outputs:
        if output.output_type == "stream":
            streams += output.text
        else:
            data = output.get("data", {})
            kinds = [k for k in sorted(data) if k.startswith("text/")]
            picture = any(k.startswith("image/") for k in data)
            shown += [str(data[k]) for k in kinds if not picture]
    return [streams, *shown]


def compare(
    stored: nbformat.NotebookNode, fresh: nbformat.NotebookNode
) -> tuple[int, int]:
    """How many cells say what is stored, of those whose words are not to differ."""
    pairs = [
        (words(a), words(b))
        for a, b in zip(stored.cells, fresh.cells, strict=True)
        if a.cell_type == "code"
        and "nbval-ignore-output" not in a.metadata.get("tags", [])
    ]
    pairs = [pair for pair in pairs if "".join(pair[0]).strip()]
    return sum(a == b for a, b in pairs), len(pairs)


def cpu_seconds() -> float:
    """CPU-seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_notebook(path: Path, folder: Path) -> dict:
    """Run one notebook with the environment's Python, far from the clone."""
    stored = nbformat.read(path, as_version=4)
    fresh, began, fault = nbformat.read(path, as_version=4), cpu_seconds(), ""
    with tempfile.TemporaryDirectory(prefix="course_") as parent:
        place = Path(parent, "notebooks")  # they write to ../build
        place.mkdir()
        shutil.copy(path, place)
        try:
            python, env = str(folder / "bin" / "python"), clean_environment(folder)
            run_notebooks.execute(fresh, place, python, env, PATIENCE)
        except run_notebooks.Failure as failure:
            fault = str(failure)
    (folder / "executed").mkdir(exist_ok=True)
    nbformat.write(fresh, folder / "executed" / path.name)
    equal, compared = compare(stored, fresh)
    faults = [fault] if fault else run_notebooks.warnings_in(fresh)
    return {
        "faults": faults,
        "equal": equal,
        "compared": compared,
        "seconds": round(cpu_seconds() - began, 1),
    }


def tested_parts(row: Row) -> list[str]:
    """The folders and files of tests: all where everything is pinned, else some."""
    found = sorted((snapshot() / "tests").iterdir())
    parts = [one for one in found if one.is_dir() or one.match("test_*.py")]
    return [
        f"tests/{one.name}"
        for one in parts
        if row.pinned or one.stem.removeprefix("test_") in UNIT_TESTS
    ]


def run_tests(folder: Path, row: Row) -> dict:
    """Run the unit tests: all where everything is pinned, else those that may break.

    Each part has a process of its own: TensorFlow keeps the graphs that it traced, and
    in one process those of all tests take 12 GB.
    """
    command = [
        folder / "bin" / "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    options = [] if row.pinned else ["-o", OTHERS_MAY_WARN]
    began, code, counts, logs = cpu_seconds(), 0, Counter(), []
    for part in tested_parts(row):
        said = subprocess.run(
            [*command, part, *options],
            cwd=snapshot(),
            env=clean_environment(folder) | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        logs.append(f"== {part}\n{said.stdout}{said.stderr}")
        if said.returncode != NO_TESTS:
            code = code or said.returncode  # below 0 if it was killed
        last = said.stdout.strip().splitlines()[-1:] or [""]
        for number, kind in re.findall(r"(\d+) (passed|failed|skipped|error)", last[0]):
            counts[kind] += int(number)
    (folder / "tests.log").write_text("\n".join(logs), "utf-8")
    return {
        "outcome": ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "no word",
        "code": code,
        "seconds": round(cpu_seconds() - began, 1),
    }


def write_row(name: str, found: dict) -> None:
    """Put the row into the table, in the order of the rows; whole or not at all."""
    table = {}
    with contextlib.suppress(FileNotFoundError):
        with TABLE.open(encoding="utf-8", newline="") as file:
            table = {line["row"]: line for line in csv.DictReader(file)}
    table[name] = {**table.get(name, {}), **found, "row": name}
    part = TABLE.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[one] for one in rows() if one in table)
    part.replace(TABLE)


def kept(folder: Path) -> dict[str, dict]:
    """The results of a row that are there, by part: a notebook's name, or "tests"."""
    path = folder / "results.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def measured(folder: Path, part: str, made_by: str, run) -> dict:
    """A part's result: the good one that is there for this commit, or a new one."""
    there = kept(folder).get(part, {})
    if there.get("commit") == made_by and not (
        there.get("faults") or there.get("code")
    ):
        return there
    one = {"commit": made_by, "date": time.strftime("%Y-%m-%d"), **run()}
    new = folder / "results.part"
    new.write_text(json.dumps(kept(folder) | {part: one}, indent=1), "utf-8")
    new.replace(folder / "results.json")
    return one


def summary(results: list[dict], count: int) -> dict:
    """The columns of a row that tell of its notebooks, of those that have run."""
    bad = sum(bool(one["faults"]) for one in results)
    equal, compared = (sum(r[name] for r in results) for name in ("equal", "compared"))
    outcome = f"{bad} failed" if bad else "no warning"
    return {
        "notebooks": f"{len(results)} of {count} run, {outcome}",
        "outputs as stored": f"{equal} of {compared}",
        "notebooks CPU s": round(sum(one["seconds"] for one in results)),
        "date": max(one["date"] for one in results),
        "commit": commit(*PACKAGE, "notebooks"),
    }


def run_row(name: str, row: Row, numbers: list[int], tests: bool) -> list[str]:
    """Run one row, write it, and return its faults."""
    folder, faults = environment(name, row), []
    found = versions(folder)
    print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in found.items()), flush=True)
    made_by = {
        path.name: commit(*PACKAGE, f"notebooks/{path.name}")
        for path in run_notebooks.chosen([])
    }
    for part in [path.name for path in run_notebooks.chosen(numbers)]:
        path = snapshot() / "notebooks" / part
        one = measured(
            folder, part, made_by[part], lambda p=path: run_notebook(p, folder)
        )
        outcome = "FAILED" if one["faults"] else f"{one['seconds']:.0f} CPU-seconds"
        said = f"{one['equal']} of {one['compared']} outputs as stored"
        print(f"  {part}: {outcome}, {said}", flush=True)
        faults += [f"{name}, {part}, {fault}" for fault in one["faults"]]
        there = kept(folder)  # of this commit, whichever notebooks were asked for
        done = [
            there[n] for n, c in made_by.items() if there.get(n, {}).get("commit") == c
        ]
        write_row(name, found | summary(done, len(made_by)))
    if tests:
        one = measured(folder, "tests", commit(*TESTED), lambda: run_tests(folder, row))
        seconds = round(one["seconds"])
        print(f"  tests: {one['outcome']}, {seconds} CPU-seconds", flush=True)
        if one["code"]:
            log = folder / "tests.log"
            faults.append(f"{name}, tests: {one['outcome']}; see {log}")
        outcome = {"tests": one["outcome"], "tests CPU s": seconds}
        dated = {name: one[name] for name in ("date", "commit")}
        write_row(name, found | dated | outcome)
    return faults


def main() -> int:
    """Run the rows that were named, and return 1 if any has a fault."""
    known = rows()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="default: all of them")
    parser.add_argument(
        "--notebooks",
        nargs="*",
        type=run_notebooks.number,
        default=[],
        metavar="NUMBER",
        help="these alone",
    )
    parser.add_argument("--tests", action="store_true", help="unit tests, too")
    parser.add_argument("--list", action="store_true", help="name the rows, and end")
    options = parser.parse_args()
    if unknown := [name for name in options.rows if name not in known]:
        parser.error(f"no row {unknown[0]!r}; the rows are: {'; '.join(known)}")
    if options.list:
        print(*known, sep="\n")
        return 0
    MATRIX.mkdir(parents=True, exist_ok=True)
    faults = []
    for name in options.rows or known:
        try:
            faults += run_row(name, known[name], options.notebooks, options.tests)
        except Missing as missing:
            faults.append(f"{name}: {missing}")
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(run_command("version_matrix", main, debug=None))
