"""Build the course as a website, from outputs that are there: nothing is run.

    python tools/build_site.py [--class] [OUTPUT]      # build/site, or build/class-site

The notebooks' stored outputs are shown; `make run` shows those that it has just made.
The pages are laid out as in the repository, so that every link between files holds.
With --class the site is for students: no solutions, no guide, no exam, no answers.
A new site takes the place of the last one in OUTPUT, whose CNAME and hidden files, such
as .git, stay.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

from dcgan_keras.edge import run_command
from dcgan_keras.files import decoding

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
CLASS_SITE = ROOT / "build" / "class-site"
MARK = Path("notebooks", "01_what_is_a_gan.html")  # a site of this course has it
FOLDERS = ["benchmarks", "data", "dcgan_keras", "docs", "notebooks", "tests", "tools"]
LEFT_OUT = shutil.ignore_patterns("*.npz", "__pycache__", ".ipynb_checkpoints")


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """A notebook of the course.

    Raises:
        files.UnreadableFile: it is none, as after a merge that left its marks.
    """
    with decoding(path, "a notebook of the course"):
        return nbformat.read(path, as_version=4)


def lay_out(source: Path, fresh: Sequence[Path] = ()) -> None:
    """Copy what the site shows or links to, and put the front page on top."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=LEFT_OUT)
    for path in [*ROOT.glob("*.*"), ROOT / "LICENSE", ROOT / "Makefile"]:
        if path.is_file():
            shutil.copy(path, source)
    for notebook in fresh:
        shutil.copy(notebook, source / "notebooks")
    shutil.move(source / "docs" / "index.md", source)


def leave_out_answers(source: Path) -> None:
    """Take solutions and `docs/teaching/` out of the pages, and what leads there."""
    shutil.rmtree(source / "docs" / "teaching")
    for path in (source / "notebooks").glob("*.ipynb"):
        notebook = read_notebook(path)
        notebook.cells = [
            cell
            for cell in notebook.cells
            if "solution" not in cell.metadata.get("tags", [])
        ]
        nbformat.write(notebook, path)
    for path in source.rglob("*.md"):
        text = path.read_text("utf-8")
        menus = text.split("\n```{toctree}")
        menus = [menu for menu in menus if "\ndocs/teaching/" not in menu]
        text = re.sub(
            r"\[([^\]]+)\]\([^)\s]*docs/teaching/[^)]*\)",
            r"\1",
            "\n```{toctree}".join(menus),
        )
        path.write_text(text, "utf-8")


def check_own(folder: Path) -> None:
    """Refuse to replace what is no site of this course.

    Args:
        folder: it need not be there, and may be empty.

    Raises:
        FileExistsError: something else is there.
    """
    is_link = folder.is_symlink()
    is_free = not folder.exists() or folder.is_dir() and not any(folder.iterdir())
    if is_link or not (is_free or (folder / MARK).exists()):
        raise FileExistsError(
            f"output: {folder} is no site that this tool has built, and would be "
            "removed; remove it, or name another folder"
        )


def carry_over(old: Path, new: Path) -> None:
    """Copy what a host of the site needs: CNAME, and what is hidden, such as .git."""
    for path in [*old.glob(".*"), *old.glob("CNAME")]:
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True)
        elif not (new / path.name).exists():  # Sphinx's own .buildinfo is new
            shutil.copy2(path, new / path.name, follow_symlinks=False)


def build(
    output: Path = SITE, fresh: Sequence[Path] = (), for_class: bool = False
) -> Path:
    """Build the site; a whole one takes the place of `output`. Return its first page.

    Args:
        output: the folder to write; what `carry_over` names stays in it.
        fresh: executed notebooks, shown in place of the stored ones of their name.
        for_class: leave out solutions and `docs/teaching/`.

    Raises:
        FileExistsError: something else than a site is there.
        subprocess.CalledProcessError: Sphinx warned of something, and has said of what.
    """
    work = output.with_name(f".{output.name}_work")  # stays where Sphinx warned
    old = work / "old"
    if old.exists() and not output.exists():  # stopped between the two renames below
        old.rename(output)
    check_own(output)
    shutil.rmtree(work, ignore_errors=True)
    source, html = work / "pages", work / "html"
    lay_out(source, fresh)
    if for_class:
        leave_out_answers(source)
    options = ["--quiet", "--fail-on-warning", "--keep-going", "-b", "html"]
    options += ["-d", work / "doctrees", "-c", source / "docs"]
    environment = os.environ | {"COURSE_ROOT": str(ROOT), "PYTHONWARNINGS": "ignore"}
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, html],
        env=environment,
        check=True,
    )
    if output.exists():
        carry_over(output, html)
        output.rename(old)
    html.rename(output)
    shutil.rmtree(work)
    return output / "index.html"


def shown(path: Path) -> Path:
    """The path as one would type it here."""
    return Path(os.path.relpath(path))


def main() -> int:
    """Build, and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", nargs="?", type=Path)
    parser.add_argument(
        "--class",
        action="store_true",
        dest="for_class",
        help="leave out solutions and docs/teaching/",
    )
    asked = parser.parse_args()
    output = asked.output or (CLASS_SITE if asked.for_class else SITE)
    output = output.resolve()
    started = time.perf_counter()
    print("Making pages of the notebooks and of the package ...", flush=True)
    try:
        index = build(output, for_class=asked.for_class)
    except subprocess.CalledProcessError:
        print("The site was not built: see the warnings above.", file=sys.stderr)
        return 1
    files = [path for path in output.rglob("*") if path.is_file()]
    pages = sum(p.suffix == ".html" and "_static" not in p.parts for p in files)
    weight = sum(path.stat().st_size for path in files) / 1e6
    seconds = time.perf_counter() - started
    print(f"{pages} pages, {weight:.0f} MB, {seconds:.0f} s: {shown(index)}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("build_site", main, debug=None))
