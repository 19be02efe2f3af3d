"""The notebooks as they are stored; nbval runs them (`make test` does both)."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path

import coverage_tables
import nbformat
import notebook_rules
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    """A notebook's JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


@each_notebook
@pytest.mark.parametrize("rule", notebook_rules.RULES)
def test_notebook_keeps_the_rule(path: Path, rule: str) -> None:
    """Each notebook keeps each rule of notebook_rules.py."""
    assert notebook_rules.RULES[rule](read(path)) == []


@each_notebook
def test_notebook_is_valid(path: Path) -> None:
    """nbformat accepts the file as it is, and the name says its place in the course."""
    nbformat.validate(read(path))
    assert re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem)


@each_notebook
def test_coverage_table_is_true(path: Path) -> None:
    """What the notebook's table promises is in the outputs of the cells it tags."""
    table = Path(__file__).parent / "coverage" / f"{path.stem[:2]}.md"
    found = coverage_tables.complaints(read(path), table.read_text(), path.stem[:2])
    assert found == []


@each_notebook
def test_links_between_notebooks_hold(path: Path) -> None:
    """A link to a notebook that is there names it by its file's name."""
    names = {other.name[:2]: other.name for other in PATHS}
    prose = "".join(map(notebook_rules.text, notebook_rules.prose_cells(read(path))))
    for number, name in re.findall(r"\]\((?:\./)?((\d\d)_\w+\.ipynb)", prose):
        assert names.get(name, number) == number


# The rules themselves: each accepts a sound notebook and sees the fault planted in it.


def prose(source: str, *tags: str) -> dict:
    """A Markdown cell."""
    return {"cell_type": "markdown", "metadata": {"tags": [*tags]}, "source": source}


def code(source: str, said: str, *tags: str) -> dict:
    """A code cell that printed something."""
    output = {"output_type": "stream", "name": "stdout", "text": said}
    metadata = {"tags": [*tags]}
    cell = {"cell_type": "code", "metadata": metadata, "source": source}
    return cell | {"execution_count": 0, "outputs": [output]}


def sound_notebook() -> dict:
    """The smallest notebook that keeps all rules."""
    start = "# 01 · Why?\n\nAfter it you can a. You need b and 2 minutes."
    cells = [prose(start), code("x = 1", "ready\n", "setup")]
    for _ in range(3):
        solution = (
            "<details><summary>Solution</summary>\n\n```python\n```\n\n</details>"
        )
        cells += [
            prose("Now you."),
            code("answer = ...", "", "exercise"),
            code("check(answer)", "not attempted\n", "check"),
            prose(solution, "solution"),
        ]
    cells += [prose("One.", "row-1.1"), code("print(1)", "a = 1\n", "row-1.1")] * 15
    picture = {"image/png": "iVBOR", "text/plain": "<Figure>"}
    alt = {"image/png": {"alt": "A line that rises"}}
    shown = {"output_type": "display_data", "data": picture, "metadata": alt}
    cells = [copy.deepcopy(cell) for cell in cells]
    cells[-1]["outputs"].append(shown)
    cells.append(prose("## Going deeper\n\n### Where the sources differ"))
    number(cells)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {
        "cells": cells,
        "metadata": metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def number(cells: list[dict]) -> None:
    """Give the cells ids, and the code cells their counts."""
    count = 0
    for index, cell in enumerate(cells):
        cell["id"] = f"c{index}"
        if cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count


def strip(notebook: dict) -> None:
    for cell in notebook_rules.code_cells(notebook):
        cell["outputs"], cell["execution_count"] = [], None


def say(said: str) -> Callable[[dict], None]:
    return lambda notebook: notebook["cells"][1]["outputs"][0].update(text=said)


def write(index: int, source: str) -> Callable[[dict], None]:
    return lambda notebook: notebook["cells"][index].update(source=source)


def retag(index: int, *tags: str) -> Callable[[dict], None]:
    return lambda notebook: notebook["cells"][index]["metadata"].update(tags=[*tags])


FAULTS = [
    ("executed", strip),
    ("executed", lambda n: n["cells"][1].update(execution_count=7)),
    ("quiet", lambda n: n["cells"][1]["outputs"][0].update(name="stderr")),
    ("quiet", say("see /home/me/runs")),
    ("quiet", say("100%|#####| 5/5")),
    (
        "quiet",
        lambda n: n["cells"][1]["outputs"].append(
            {"output_type": "error", "ename": "ValueError", "evalue": "", "data": {}}
        ),
    ),
    ("identified", lambda n: n["cells"][2].update(id="c1")),
    ("identified", lambda n: n["cells"][2].pop("id")),
    ("portable", lambda n: n["metadata"]["kernelspec"].update(name="my-env")),
    ("portable", lambda n: n["metadata"].update(widgets={})),
    ("portable", lambda n: n["metadata"]["language_info"].update(version="3.11.7")),
    ("portable", lambda n: n["cells"][1]["metadata"].update(execution={})),
    ("light", say("x" * 1_100_000)),
    ("narrow", write(15, "x" * 101)),
    ("described", lambda n: n["cells"][-2]["outputs"][1].update(metadata={})),
    ("guarded", retag(15, "nbval-ignore-output")),
    ("informative", say("equal: True\n")),
    ("informative", say("False\nand more\n")),
    ("ordered", write(-1, "# Where the sources differ")),
    ("ordered", write(-1, "## Going deeper")),
    ("opened", write(0, "# 01 · Why\n\nAfter it you can a; you need b; 2 minutes")),
    ("opened", write(0, "# 01 · Why?\n\nAfter it you can a; you need b")),
    ("opened", retag(1)),
    ("exercised", retag(3)),
    ("exercised", retag(4)),
    ("exercised", retag(5)),
    ("exercised", write(5, "Open: ```python x ```")),
    (
        "exercised",
        lambda n: n["cells"][4]["outputs"][0].update(text="not yet: too small"),
    ),
    ("comparable", write(15, "plt.plot(x);")),
]


def test_sound_notebook_passes() -> None:
    """The rules accept what is sound, and so does nbformat."""
    notebook = sound_notebook()
    assert {name: rule(notebook) for name, rule in notebook_rules.RULES.items()} == {
        name: [] for name in notebook_rules.RULES
    }


@pytest.mark.parametrize(("rule", "plant"), FAULTS)
def test_planted_fault_is_seen(rule: str, plant: Callable[[dict], None]) -> None:
    """A fault is named by its rule; every rule has one here."""
    notebook = sound_notebook()
    plant(notebook)
    assert notebook_rules.RULES[rule](notebook) != []
    assert {name for name, _ in FAULTS} == set(notebook_rules.RULES)


@pytest.mark.parametrize(
    ("evidence", "complaint"),
    [
        ("`a = 1`; figure", None),
        ("`a = 1`", None),
        ("`a = 2`", "row 1.1: 'a = 2' is not in the output of its cells"),
        ("nothing", "row 1.1: no evidence is named"),
    ],
)
def test_coverage_evidence(evidence: str, complaint: str | None) -> None:
    """A promise is kept by the text of the tagged cells, and by nothing else."""
    table = f"| row | concept | evidence |\n|---|---|---|\n| 1.1 | one | {evidence} |"
    found = coverage_tables.complaints(sound_notebook(), table, "99")
    assert found == ([complaint] if complaint else [])
    assert "no row 1.2" in coverage_tables.complaints(sound_notebook(), table, "01")


def test_coverage_needs_tags_and_figures() -> None:
    """A row without cells of both kinds, or without its figure, is refused."""
    notebook = sound_notebook()
    notebook["cells"][-2]["outputs"].pop()
    assert coverage_tables.complaints(notebook, "| [1.1] | x | figure |", "99") == [
        "row 1.1: 'figure' is not in the output of its cells"
    ]
    assert len(coverage_tables.complaints(notebook, "| 1.2 | x | `a` |", "99")) == 2
