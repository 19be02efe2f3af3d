"""Write the two sets for a class: build/class/with-solutions/ and without-solutions/.

Each is a folder to hand out: the notebooks, the package, and the data. The set without
solutions has neither a solution nor a stored output, and the files with the checks are
packed, so that no answer can be read in them (who wants to can unpack them).
"""

import base64
import re
import shutil
import textwrap
import zlib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CARRIED = [
    "dcgan_keras",
    "data",
    "LICENSE",
    "MANIFEST.in",
    "pyproject.toml",
    "setup.py",
]
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
of these cells are what will be read."""
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
    """Write one of the two sets, replacing what stands there; its notebooks' paths."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in CARRIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
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
    notebooks = [nbformat.read(path, as_version=4) for path in paths]
    for path, notebook in zip(paths, notebooks, strict=True):
        if solutions:
            shutil.copy(path, target / "notebooks")
        else:
            nbformat.write(
                without_solutions(notebook), target / "notebooks" / path.name
            )
    if not solutions:
        pack_checks(target / CHECKS, used_names(notebooks))
    return [target / "notebooks" / path.name for path in paths]


def pack_checks(folder: Path, used: set[str]) -> None:
    """Pack each module of a folder that has checks; `used` are the names to show."""
    for path in folder.glob("[a-z]*.py"):
        source = path.read_text(encoding="utf-8")
        shown = set(re.findall(r"^(?:def )?([A-Za-z]\w*)\b", source, re.MULTILINE))
        if "def check_" in source:
            path.write_text(pack(source, sorted(shown & used)), encoding="utf-8")


def main() -> None:
    """Write both sets."""
    for name, solutions in (("with-solutions", True), ("without-solutions", False)):
        paths = write_set(ROOT / "build" / "class" / name, solutions)
        print(f"build/class/{name}/: {len(paths)} notebooks, the package and the data")


if __name__ == "__main__":
    main()
