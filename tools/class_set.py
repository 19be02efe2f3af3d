"""Write the notebooks without their solutions to build/class/, to hand to a class."""

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def without_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same notebook, less the cells tagged `solution`."""
    cells = notebook.cells
    notebook.cells = [
        cell for cell in cells if "solution" not in cell.metadata.get("tags", [])
    ]
    return notebook


def main() -> None:
    """Write one file a notebook."""
    target = ROOT / "build" / "class"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        before = len(notebook.cells)
        nbformat.write(without_solutions(notebook), target / path.name)
        removed = before - len(notebook.cells)
        print(f"build/class/{path.name}: {removed} solutions taken out")


if __name__ == "__main__":
    main()
