"""The glossary: every link from a notebook leads to a term, and terms are in order."""

import json
import re
from pathlib import Path

import notebook_rules
import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
TERMS = re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def anchor(term: str) -> str:
    """What GitHub and Sphinx make of a heading."""
    return re.sub(r"[^\w-]", "", term.lower().replace(" ", "-"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_links_lead_to_terms(path):
    notebook = json.loads(path.read_text("utf-8"))
    prose = "\n".join(map(notebook_rules.text, notebook_rules.prose_cells(notebook)))
    linked = set(re.findall(r"glossary\.md#([^)\s]+)", prose))
    assert linked - set(map(anchor, TERMS)) == set()


def test_terms_are_explained_once_and_in_order():
    assert len(set(map(anchor, TERMS))) == len(TERMS) > 50
    assert sorted(TERMS, key=str.casefold) == TERMS
    for part in GLOSSARY.split("\n### ")[1:]:
        term, _, said = part.partition("\n")
        assert len(said.split()) > 5, term
        taught = re.search(r"\((0\d|10)(, (0\d|10))*\)", said)
        assert taught, f"{term}: taught in which notebook?"
