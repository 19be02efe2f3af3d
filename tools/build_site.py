"""Build the course as a website, from outputs that are there: nothing is run.

    python tools/build_site.py [OUTPUT]      # build/site

The notebooks' stored outputs are shown; `make run` shows those that it has just made.
The pages are laid out as in the repository, so that every link between files holds.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dcgan_keras.edge import run_command

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "build" / "site"
MARK = Path("notebooks", "01_what_is_a_gan.html")  # a site of this course has it
FOLDERS = ["benchmarks", "data", "dcgan_keras", "docs", "notebooks", "tests", "tools"]
LEFT_OUT = shutil.ignore_patterns("*.npz", "__pycache__", ".ipynb_checkpoints")


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


def build(output: Path = SITE, fresh: Sequence[Path] = ()) -> Path:
    """Build the site; a whole one takes the place of `output`. Return its first page.

    Args:
        output: the folder to write.
        fresh: executed notebooks, shown in place of the stored ones of their name.

    Raises:
        FileExistsError: something else than a site is there.
        subprocess.CalledProcessError: Sphinx warned of something, and has said of what.
    """
    check_own(output)
    work = output.with_name(f".{output.name}_work")  # stays where Sphinx warned
    shutil.rmtree(work, ignore_errors=True)
    source, html = work / "pages", work / "html"
    lay_out(source, fresh)
    options = ["--quiet", "--fail-on-warning", "--keep-going", "-b", "html"]
    options += ["-d", work / "doctrees", "-c", source / "docs"]
    environment = os.environ | {"COURSE_ROOT": str(ROOT), "PYTHONWARNINGS": "ignore"}
    subprocess.run(
        [sys.executable, "-m", "sphinx", *options, source, html],
        env=environment,
        check=True,
    )
    if output.exists():
        output.rename(work / "old")
    html.rename(output)
    shutil.rmtree(work)
    return output / "index.html"


def shown(path: Path) -> Path:
    """The path as one would type it here."""
    return Path(os.path.relpath(path))


def main() -> int:
    """Build, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=SITE)
    output = parser.parse_args().output.resolve()
    started = time.perf_counter()
    print("Making pages of the notebooks and of the package ...", flush=True)
    try:
        index = build(output)
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
