"""Draw which room of the package imports which, and print how large each room is.

    python tools/draw_imports.py [docs/imports.svg]

An arrow says "imports"; every one points down (tests/test_import_graph.py). Those
to _tensorflow.py are left out: every room that computes has one.
"""

import argparse
from pathlib import Path

import grimp
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dcgan_keras"
PLACES = {  # room: (column, row), the rows from the top
    "__main__": (1.5, 0),
    "lessons": (3.4, 0),
    "training": (1.5, 1),
    "evaluation": (3.4, 1.6),
    "models": (0.2, 2.2),
    "composite": (0, 3.2),
    "losses": (1, 3.2),
    "fast": (2, 3.2),
    "data": (3, 3.2),
    "visualization": (4, 3.2),
    "convolution": (5, 3.2),
    "sizes": (0, 4.2),
    "noise": (1.4, 4.2),
    "labels": (2.7, 4.2),
    "files": (3.9, 4.2),
    "edge": (5, 4.2),
    "_tensorflow": (1, 5),
    "_registration": (3, 5),
}


def room(module: str) -> str:
    """The folder or file of the package that a module stands in."""
    return module.split(".")[1] if "." in module else "__init__"


def arrows() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports from the second."""
    graph = grimp.build_graph("dcgan_keras", exclude_type_checking_imports=True)
    pairs = {
        (room(module), room(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    left_out = {"__init__", "_tensorflow", "_registration"}
    return {(a, b) for a, b in pairs if a != b and not left_out & {a, b}}


def sizes() -> dict[str, tuple[int, int]]:
    """Files and lines of every room."""
    found = {}
    for name in PLACES:
        path = PACKAGE / name
        files = (
            sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        )
        lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
        found[name] = len(files), lines
    return found


def draw(path: Path) -> None:
    """Write the drawing."""
    figure, axis = plt.subplots(figsize=(9, 6), layout="constrained")
    for name, (x, y) in PLACES.items():
        is_folder = (PACKAGE / name).is_dir()
        axis.text(
            x,
            -y,
            f"{name}/" if is_folder else f"{name}.py",
            ha="center",
            va="center",
            family="monospace",
            fontsize=9,
            bbox={
                "boxstyle": "round,pad=0.5",
                "fc": "#DCEBF7" if is_folder else "#FFFFFF",
                "ec": "#666666",
            },
        )
    for upper, lower in sorted(arrows()):
        (x, y), (x2, y2) = PLACES[upper], PLACES[lower]
        axis.annotate(
            "",
            (x2, -y2 + 0.2),
            (x, -y - 0.2),
            arrowprops={"arrowstyle": "->", "color": "#888888", "lw": 0.8},
        )
    axis.set(xlim=(-0.7, 5.7), ylim=(-5.4, 0.4))
    axis.set_axis_off()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=ROOT / "docs/imports.svg")
    draw(parser.parse_args().path)
    for name, (files, lines) in sizes().items():
        print(f"{name:16} {files:3} files {lines:5} lines")


if __name__ == "__main__":
    main()
