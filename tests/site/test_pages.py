"""The site as files: links, pictures, solutions, the API; no browser needed."""

import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from site_rules import RULES, Site

import dcgan_keras

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
TEACHING = sorted((ROOT / "docs" / "teaching").glob("*.md"))
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
# Without a page: what is private, what only draws, and what holds the answers.
UNDOCUMENTED = re.compile(r"\._|\.lessons\.(figures|exercises)")


def cells(path: Path, kind: str) -> list[dict]:
    """The notebook's cells of a kind, with their source as one text."""
    notebook = json.loads(path.read_text("utf-8"))
    found = [cell for cell in notebook["cells"] if cell["cell_type"] == kind]
    return [cell | {"source": "".join(cell["source"])} for cell in found]


@pytest.mark.parametrize("rule", RULES)
def test_every_page_keeps_the_rule(site: Site, rule: str) -> None:
    assert RULES[rule](site) == []
    assert len(site.pages) >= len(NOTEBOOKS) + len(list((ROOT / "docs").rglob("*.md")))


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("dead_links", '<a href="there.html">there</a>'),
        ("dead_links", '<a href="#nowhere">there</a>'),
        ("dead_links", '<a href="page.html#nowhere">there</a>'),
        ("dead_links", '<img src="picture.png" alt="A line that rises">'),
        ("foreign_files", '<script src="https://cdn.example/x.js"></script>'),
        ("foreign_files", '<link rel="stylesheet" href="//fonts.example/x.css">'),
        ("silent_pictures", '<img src="page.html" alt="">'),
        ("silent_pictures", '<img src="page.html">'),
    ],
)
def test_planted_fault_is_seen(tmp_path: Path, rule: str, body: str) -> None:
    """Each rule accepts a sound page and names the fault planted in it."""
    page = tmp_path / "page.html"
    sound = '<a href="https://a.example">a</a><a id="b" href="page.html#b">b</a>'
    page.write_text(sound)
    assert {name: rule(Site(tmp_path)) for name, rule in RULES.items()} == {
        name: [] for name in RULES
    }
    page.write_text(sound + body)
    assert len(RULES[rule](Site(tmp_path))) == 1


@each_notebook
def test_pictures_come_with_their_texts(site: Site, path: Path) -> None:
    """All stored pictures, GIFs too, in order, each with its own alt text."""
    stored = []
    for cell in cells(path, "code"):
        for output in cell["outputs"]:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    suffix = kind.removeprefix("image/")
                    stored.append((suffix, output["metadata"][kind]["alt"]))
    article = site.article(f"notebooks/{path.stem}.html")
    shown = [(img["src"].split(".")[-1], img["alt"]) for img in article.select("img")]
    assert stored == shown


@each_notebook
def test_solutions_are_closed_and_whole(site: Site, path: Path) -> None:
    """Each solution is a closed <details> in which the code has kept its lines."""
    solutions = [cell["source"] for cell in cells(path, "markdown")]
    solutions = [source for source in solutions if "<summary>Solution" in source]
    boxes = site.article(f"notebooks/{path.stem}.html").find_all("details")
    boxes = [box for box in boxes if box.summary.text.startswith("Solution")]
    assert len(boxes) == len(solutions) > 0
    for box, source in zip(boxes, solutions, strict=True):
        blocks = re.findall(r"```python\n(.*?)```", source, re.DOTALL)
        assert [pre.text.strip() for pre in box.find_all("pre")] == [
            block.strip() for block in blocks
        ]
        assert not box.has_attr("open")
        assert len(box.select(".highlight span")) > len(blocks)


@each_notebook
def test_a_notebook_is_read_in_order(site: Site, path: Path) -> None:
    """Previous and next, the page's own contents, and the notebook to take away."""
    page = site.pages[f"notebooks/{path.stem}.html"]
    place = NOTEBOOKS.index(path)
    before, after = page.select_one("a.left-prev"), page.select_one("a.right-next")
    if place:
        assert before["href"] == f"{NOTEBOOKS[place - 1].stem}.html"
    if place + 1 < len(NOTEBOOKS):
        assert after["href"] == f"{NOTEBOOKS[place + 1].stem}.html"
    assert len(page.select(".page-toc a")) > 5
    assert (site.folder / "_sources" / "notebooks" / path.name).is_file()
    assert any(path.name in a["href"] for a in page.find_all("a", href=True))


@each_notebook
def test_every_cell_has_an_anchor_with_its_id(site: Site, path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    anchors = site.anchors[f"notebooks/{path.stem}.html"]
    assert [cell["id"] for cell in notebook["cells"] if cell["id"] not in anchors] == []


@pytest.mark.parametrize("path", TEACHING, ids=lambda path: path.stem)
def test_every_cell_that_a_lecturer_is_sent_to_is_a_link(site, path: Path) -> None:
    """In order; that links lead somewhere is a rule for every page."""
    named = re.findall(r"\bnb\d\d-[\w-]+", path.read_text("utf-8"))
    article = site.article(f"docs/teaching/{path.stem}.html")
    assert re.findall(r"\bnb\d\d-[\w-]+", article.text) == named
    assert [a.text for a in article.find_all("a") if a.text[:2] == "nb"] == named
    for cell in set(named):
        (notebook,) = (one for one in NOTEBOOKS if one.stem[:2] == cell[2:4])
        assert article.find("a", href=f"../../notebooks/{notebook.stem}.html#{cell}")


@pytest.mark.parametrize("cell", ["nb01-001", "nb01-999"])
def test_a_cell_that_does_not_exist_stops_the_build(tmp_path: Path, cell: str) -> None:
    """A small site of one notebook and one page for lecturers."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "docs" / "teaching").mkdir(parents=True)
    (tmp_path / "notebooks" / NOTEBOOKS[0].name).write_text(
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"id": '
        '"nb01-001", "cell_type": "markdown", "metadata": {}, "source": "# One"}]}'
    )
    (tmp_path / "docs" / "teaching" / "guide.md").write_text(
        f"# Guide\n\nSee `{cell}`."
    )
    menu = f"```{{toctree}}\nnotebooks/{NOTEBOOKS[0].stem}\ndocs/teaching/guide\n```"
    (tmp_path / "index.md").write_text(f"# Course\n\n{menu}\n")
    command = [sys.executable, "-m", "sphinx", "-q", "--fail-on-warning", "-b", "dummy"]
    done = subprocess.run(
        [*command, "-c", ROOT / "docs", tmp_path, tmp_path / "made"],
        env=os.environ | {"COURSE_ROOT": str(ROOT), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == (cell == "nb01-001"), done.stderr
    assert (cell in done.stderr) == (cell == "nb01-999")


def test_every_page_says_who_made_it(site: Site) -> None:
    """The authors are those of CITATION.cff."""
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    author = re.search(r'^authors:\n  - name: "(.+)"$', citation, re.MULTILINE)[1]
    for name in ("index.html", "docs/glossary.html"):
        assert f"By {author}" in " ".join(site.pages[name].text.split())


def test_the_lecturers_menu_begins_with_the_guide(site: Site) -> None:
    links = [link["href"] for link in site.pages["index.html"].select("nav.bd-links a")]
    teaching = [Path(link).stem for link in links if "docs/teaching/" in link]
    assert teaching == ["guide", "plans", "exam", "answers"]


def test_every_term_of_the_glossary_has_a_place(site: Site) -> None:
    terms = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
    article = site.article("docs/glossary.html")
    assert [heading.contents[0] for heading in article.find_all("h2")] == terms


def test_every_module_has_its_place_in_the_reference(site: Site) -> None:
    """Every module but those that are left out on purpose, and every public name."""
    walk = pkgutil.walk_packages(dcgan_keras.__path__, "dcgan_keras.")
    modules = {one.name for one in walk if not one.ispkg}
    wanted = {name for name in modules if not UNDOCUMENTED.search(name)}
    found = {
        anchor.removeprefix("module-")
        for name, anchors in site.anchors.items()
        for anchor in anchors
        if name.startswith("docs/api/") and anchor.startswith("module-")
    }
    assert found == wanted
    index = site.article("docs/api/index.html").text
    names = set(dcgan_keras.__all__) - {"keras", "tf"}
    assert [name for name in names if name not in index] == []


def test_search_knows_the_notebooks(site: Site) -> None:
    index = (site.folder / "searchindex.js").read_text("utf-8")
    assert all(f"notebooks/{path.stem}" in index for path in NOTEBOOKS)


def test_pages_of_colleagues_are_all_there(site: Site) -> None:
    """Whatever stands in docs/teaching/ is on the site."""
    pages = {path.stem for path in TEACHING}
    built = {Path(name).stem for name in site.pages if "docs/teaching/" in name}
    assert pages == built
