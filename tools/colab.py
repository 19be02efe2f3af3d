"""Write the repository's address where Colab needs it.

    python tools/colab.py [owner/name]

The address is kept in pyproject.toml, under [project.urls], and nowhere else. From
there it goes into each notebook's first code cell, which installs the package where it
is missing, into a link at the head of each notebook, into the table of README.md, and
into CITATION.cff. Outputs stay as they are. The same again changes nothing; another
address replaces the first.
"""

import json
import re
import sys
from pathlib import Path

from dcgan_keras.edge import run_command
from dcgan_keras.files import decoding, write_whole

ROOT = Path(__file__).resolve().parent.parent
BRANCH = "main"
BEGIN = """\
try:
    import dcgan_keras as dk
except ModuleNotFoundError:  # no `make`: a wheel beside this notebook, or the clone
    from glob import glob
    # An address, for Colab: `make colab REPO=owner/name` writes it.
    ADDRESS = "{install}"
    course = [*glob("dcgan_keras-*any.whl"), *glob("../dcgan_keras/.."), ADDRESS][0]
    if not course:  # say so in one sentence, without a traceback
        Stop = type("Stop", (Exception,), {{"_render_traceback_": lambda e: [*e.args]}})
        raise Stop("The package is missing: put its wheel (in a clone, `pip wheel "
                   "--no-deps .` makes it; its name ends in any.whl) beside this "
                   "notebook, and run this cell again.") from None
    %pip install --quiet {{course}}
    import dcgan_keras as dk
"""
# What stands there already, with this address, another one, or none.
BEGUN = re.compile(r"try:\n    import dcgan_keras.*\nexcept .*\n(?: {4}.*\n)+")
LINK = re.compile(r"\n\n\[Open in Colab\]\([^)]*\)")
BADGE = re.compile(r" \[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")
LISTED = re.compile(r"(?<=^\| )\[\d\d\]\((notebooks/\w+\.ipynb)\)", re.MULTILINE)
REPOSITORY = re.compile(r'(?:\n\[project\.urls\]\n)?Repository = "https://[^"]*"\n')
CITED = re.compile(r'^repository-code: "[^"]*"\n', re.MULTILINE)


def repository(root: Path = ROOT) -> str:
    """owner/name, as pyproject.toml has it; empty where it has none."""
    found = re.search(
        r'^Repository = "https://github\.com/([^"]+)"$',
        (root / "pyproject.toml").read_text("utf-8"),
        re.MULTILINE,
    )
    return found[1] if found else ""


def colab_address(name: str, path: str) -> str:
    """Where Colab opens a notebook of the repository."""
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{path}"


def beginning(name: str) -> str:
    """The first lines of every notebook's code: they install what is missing."""
    address = f"git+https://github.com/{name}" if name else ""
    return BEGIN.format(install=address)


def in_project(text: str, name: str) -> str:
    """pyproject.toml with the address."""
    urls = f'\n[project.urls]\nRepository = "https://github.com/{name}"\n'
    start = "\n[project.optional-dependencies]"
    return REPOSITORY.sub("", text).replace(start, f"{urls}{start}", 1)


def in_citation(text: str, name: str) -> str:
    """CITATION.cff with the address."""
    line = f'repository-code: "https://github.com/{name}"\n'
    return CITED.sub("", text).replace("license:", f"{line}license:", 1)


def in_notebook(path: Path, name: str) -> str:
    """A notebook with the address: in its first code cell, and below its title."""
    notebook = json.loads(path.read_text("utf-8"))
    code = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    source, count = BEGUN.subn(lambda _: beginning(name), "".join(code["source"]), 1)
    if not count:
        raise ValueError("the first code cell does not begin with `try:`")
    code["source"] = source.splitlines(keepends=True)
    opening = notebook["cells"][0]
    text = LINK.sub("", "".join(opening["source"]))
    if name:
        link = colab_address(name, f"notebooks/{path.name}")
        title, rest = text.split("\n\n", 1)
        text = f"{title}\n\n[Open in Colab]({link})\n\n{rest}"
    opening["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def in_readme(text: str, name: str) -> str:
    """README.md with a badge beside each notebook of the table."""

    def badge(found: re.Match) -> str:
        picture = "[![Open in Colab](docs/_static/colab.svg)]"
        return f"{found[0]} {picture}({colab_address(name, found[1])})"

    return LISTED.sub(badge, BADGE.sub("", text))


def main() -> None:
    """Stamp everything, once all has been read, and say what was written."""
    name = (" ".join(sys.argv[1:]) or repository()).removesuffix(".git")
    if not re.fullmatch(r"\w[\w-]*/(?!\.\.?$)[\w.-]+", name, re.ASCII):
        given = f"got {name!r}" if name else "pyproject.toml has no address yet"
        raise ValueError(f"REPO: expected owner/name, as on GitHub; {given}")
    stamped = {}
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        with decoding(path, "a notebook of the course"):
            stamped[path] = in_notebook(path, name)
    for path, stamp in (
        (ROOT / "pyproject.toml", in_project),
        (ROOT / "CITATION.cff", in_citation),
        (ROOT / "README.md", in_readme),
    ):
        stamped[path] = stamp(path.read_text("utf-8"), name)
    for path, text in stamped.items():
        write_whole(path, text.encode())
    places = f"{len(notebooks)} notebooks, README.md, CITATION.cff and pyproject.toml"
    print(f"https://github.com/{name} now stands in {places}.")


if __name__ == "__main__":
    sys.exit(run_command("colab", main, debug=None))
