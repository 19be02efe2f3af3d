"""Write the two sets for a class: build/class/with-solutions/ and without-solutions/.

    python tools/class_set.py [--run [NUMBER ...]]

Each is a folder to hand out: the notebooks, the package, and the data. The set without
solutions has neither a solution nor a stored output, and the files with the checks are
packed, so that no answer can be read in them (who wants to can unpack them). With
--run, both are also run from top to bottom as a student's Run All would, with the
package that is in the set: a cell that raises or warns is a fault. A set in which
somebody has worked is not replaced.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import run_notebooks
from build_site import read_notebook

from dcgan_keras.edge import run_command
from dcgan_keras.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
CARRIED = [
    "dcgan_keras",
    "data",
    "LICENSE",
    "MANIFEST.in",
    "pyproject.toml",
    "setup.py",
]
# Hidden files, and copies that editors and merges leave.
LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "*.pyc", "*~", "#*", "*.bak", "*.orig", "*.rej"
)
NOTE = ".as_written.json"  # in a set: what each file was when it was written
BY_USE = {"__pycache__", ".ipynb_checkpoints", "build"}  # comes by running notebooks
CHECKS = Path("dcgan_keras", "lessons", "exercises")
README = """# DCGANs in Keras: {kind}

You need Python 3.10 to 3.13. In this folder, type once

    python -m venv .venv
    .venv/bin/pip install --editable ".[course]"

and then, whenever you work with the notebooks,

    .venv/bin/jupyter lab notebooks

(On Windows it is `.venv\\Scripts\\` in place of `.venv/bin/`.) {rest}
"""
HAND_IN = """Write your answers into
the exercises' cells and run the cell after each: it says *right*, or what is wrong.
Before you hand a notebook in, run it from top to bottom and save it, since the outputs
of these cells are what will be read. Keep the file's name, such as
`03_transposed_convolution.ipynb`: it says which notebook it is."""
PACKED = '''"""Checks of exercises, packed: nobody reads an answer by accident."""

import base64
import zlib

_PACKED = """
{packed}
"""
_inside = {{"__name__": __name__, "__package__": __package__}}
_code = zlib.decompress(base64.b64decode(_PACKED))
exec(compile(_code, __name__, "exec", optimize=2), _inside)  # 2: without docstrings
globals().update({{name: _inside[name] for name in {names!r}}})
del _code, _inside
'''


def without_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook, less the cells tagged `solution` and every stored output."""
    cells = notebook.cells
    notebook.cells = [
        cell for cell in cells if "solution" not in cell.metadata.get("tags", [])
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def pack(source: str, names: list[str]) -> str:
    """A module that does what the source does and shows none of it but some names."""
    packed = base64.b64encode(zlib.compress(source.encode(), 9)).decode()
    return PACKED.format(packed="\n".join(textwrap.wrap(packed, 88)), names=names)


def used_names(notebooks: list[nbformat.NotebookNode]) -> set[str]:
    """What the notebooks ask of their modules of checks: `exercises.check_...`."""
    code = [c.source for n in notebooks for c in n.cells if c.cell_type == "code"]
    return set(re.findall(r"\bexercises\.(\w+)", "\n".join(code)))


def write_set(target: Path, solutions: bool) -> list[Path]:
    """Write one of the two sets; a whole one takes the place of the last.

    Args:
        target: the folder of the set.
        solutions: whether it has them.

    Returns:
        The paths of its notebooks.

    Raises:
        FileExistsError: in the folder is what this tool did not write.
    """
    check_own(target)
    work = target.with_name(f".{target.name}_work")
    shutil.rmtree(work, ignore_errors=True)
    try:
        names = fill(work / "new", solutions)
        written = json.dumps(dict(digests(work / "new")), indent=1)
        write_whole(work / "new" / NOTE, written.encode())
        if target.exists():
            target.rename(work / "old")
        (work / "new").rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)  # it may hold checks that are readable
    return [target / "notebooks" / name for name in names]


def digests(folder: Path) -> Iterator[tuple[str, str]]:
    """The path in a set, and a digest, of each file that did not come by use."""
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if path.is_file() and not BY_USE.intersection(inner.parts):
            yield inner.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def check_own(folder: Path) -> None:
    """Refuse to replace what somebody has changed or added.

    Args:
        folder: it need not be there, and may be empty.

    Raises:
        FileExistsError: a file there is not as this tool wrote it.
    """
    try:
        written = dict(json.loads((folder / NOTE).read_text("utf-8")))
    except (OSError, TypeError, ValueError):  # none, or damaged: nothing is this tool's
        written = {}
    for name, digest in digests(folder):
        if name != NOTE and written.get(name) != digest:
            raise FileExistsError(
                f"{folder}: {name} is not as this tool wrote it, and would be removed; "
                "rename the folder, or remove it"
            )


def fill(target: Path, solutions: bool) -> list[str]:
    """Write all files of a set into a new folder; the names of its notebooks."""
    target.mkdir(parents=True)
    for name in CARRIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, target / name)
    for name in ("docs", "notebooks"):
        (target / name).mkdir()
    shutil.copy(ROOT / "docs" / "glossary.md", target / "docs")
    kind = "with solutions" if solutions else "the notebooks for a class"
    rest = "" if solutions else HAND_IN
    text = README.format(kind=kind, rest=rest).rstrip() + "\n"
    (target / "README.md").write_text(text, encoding="utf-8")

    paths = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    notebooks = [read_notebook(path) for path in paths]
    for path, notebook in zip(paths, notebooks, strict=True):
        if solutions:
            shutil.copy(path, target / "notebooks")
        else:
            nbformat.write(
                without_solutions(notebook), target / "notebooks" / path.name
            )
    if not solutions:
        pack_checks(target / CHECKS, used_names(notebooks))
    return [path.name for path in paths]


def pack_checks(folder: Path, used: set[str]) -> None:
    """Pack each module of a folder that has checks; `used` are the names to show.

    What is no module is removed: it may be an older copy of one.
    """
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.suffix != ".py":
            path.unlink()
            continue
        source = path.read_text(encoding="utf-8")
        shown = set(re.findall(r"^(?:def )?([A-Za-z]\w*)\b", source, re.MULTILINE))
        if "def check_" in source:
            path.write_text(pack(source, sorted(shown & used)), encoding="utf-8")


# The last cell of a run: was it the set's own package?
OURS = """from pathlib import Path
import dcgan_keras
assert Path(dcgan_keras.__file__).resolve().is_relative_to({target!r})"""


def run_set(target: Path, numbers: list[int]) -> list[str]:
    """Run the notebooks of a set, all or some, where they lie; what went wrong.

    The outputs go nowhere: the set stays as it was written.
    """
    env, faults = os.environ | {"PYTHONPATH": str(target)}, []
    own = nbformat.v4.new_code_cell(OURS.format(target=str(target.resolve())))
    for path in run_notebooks.chosen(numbers):
        notebook = read_notebook(target / "notebooks" / path.name)
        notebook.cells.append(own)
        began = time.perf_counter()
        try:
            run_notebooks.execute(notebook, target / "notebooks", env=env)
            found = run_notebooks.warnings_in(notebook)
        except run_notebooks.Failure as failure:
            found = [str(failure)]
        outcome = "FAILED" if found else f"{time.perf_counter() - began:.0f} s"
        print(f"  {path.name} {outcome}", flush=True)
        faults += [f"{target.name}, {path.name}, {fault}" for fault in found]
    return faults


def main() -> int:
    """Write both sets, run them if asked to, and return 1 if that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--run",
        nargs="*",
        type=run_notebooks.number,
        metavar="NUMBER",
        help="run both sets: all notebooks, or these",
    )
    numbers, faults = parser.parse_args().run, []
    for name, solutions in (("with-solutions", True), ("without-solutions", False)):
        target = ROOT / "build" / "class" / name
        paths = write_set(target, solutions)
        print(f"build/class/{name}/: {len(paths)} notebooks, the package and the data")
        if numbers is not None:
            faults += run_set(target, numbers)
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(run_command("class_set", main, debug=None))
