"""The site for a class: no solution is in it, wherever one looks."""

import json
import re

import pytest
from site_rules import RULES, Site
from test_class_set import PATHS, alike, cells, solution_code, solution_prose, taught

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def texts(site: Site) -> str:
    """All that the files of a site say, as they are read, their spaces made alike."""
    said = [page.text for page in site.pages.values()]
    for path in sorted(site.folder.rglob("*")):
        if path.suffix == ".ipynb":
            said += ["".join(cell["source"]) for cell in cells(path)]
        elif path.is_file():
            said.append(path.read_text("utf-8", errors="ignore"))  # pictures, too
    return alike("\n".join(said))


@pytest.fixture(scope="module")
def shown(site: Site, class_site: Site) -> dict[str, str]:
    """The texts of both sites."""
    return {"full": texts(site), "class": texts(class_site)}


@pytest.fixture(scope="module")
def lessons() -> str:
    """What everybody may read."""
    return taught()


@pytest.fixture(scope="module")
def terms(site: Site, class_site: Site) -> dict[str, set[str]]:
    """The words that the search of each site knows."""
    found = {}
    for name, one in (("full", site), ("class", class_site)):
        index = (one.folder / "searchindex.js").read_text("utf-8")
        index = json.loads(index.partition("(")[2].rpartition(")")[0])
        found[name] = set(index["terms"]) | set(index["titleterms"])
    return found


@each_notebook
def test_no_line_of_a_solution_is_in_the_site_for_a_class(path, shown, lessons) -> None:
    """Neither code nor text; the same search finds them in the whole site."""
    code = {alike(line) for text in solution_code(path) for line in text.splitlines()}
    own = {line for line in code if len(line) > 12} | set(solution_prose(path))
    own = {alike(line) for line in own} - {""}
    own = {line for line in own if line not in lessons}
    found = {
        name: {line for line in own if line in text} for name, text in shown.items()
    }
    assert found["full"] == own and len(own) >= 5
    assert found["class"] == set()


def test_a_page_for_a_class_has_no_solution_to_open(shown) -> None:
    assert "<summary>Solution" in shown["full"]
    assert "<summary>Solution" not in shown["class"]


def test_the_search_for_a_class_knows_no_word_of_a_solution(class_site, terms) -> None:
    """No word that stands nowhere else; the whole site's search knows many."""
    pages = " ".join(page.text for page in class_site.pages.values()).lower()
    solutions = [cell for path in PATHS for cell in cells(path, "solution")]
    words = " ".join("".join(cell["source"]) for cell in solutions).lower()
    own = {word for word in re.findall(r"\w{4,}", words) if word not in pages}
    assert len(own & terms["full"]) > 10
    assert own & terms["class"] == set()


def test_the_site_for_a_class_has_all_pages_but_the_lecturers(site, class_site) -> None:
    lecturers = {name for name in site.pages if name.startswith("docs/teaching/")}
    assert len(lecturers) == 4
    assert set(class_site.pages) == set(site.pages) - lecturers
    assert not list(class_site.folder.rglob("*teaching*"))
    assert "To teach with it" not in class_site.pages["index.html"].text


@pytest.mark.parametrize("rule", RULES)
def test_every_page_for_a_class_keeps_the_rule(class_site: Site, rule: str) -> None:
    assert RULES[rule](class_site) == []


@each_notebook
def test_a_class_sees_every_other_cell_and_its_pictures(path, site, class_site) -> None:
    name = f"notebooks/{path.stem}.html"
    ids = {cell["id"] for cell in cells(path)}
    solutions = {cell["id"] for cell in cells(path, "solution")}
    assert ids & class_site.anchors[name] == ids - solutions
    pictures = [len(one.article(name).select("img")) for one in (site, class_site)]
    assert pictures[0] == pictures[1] > 3
