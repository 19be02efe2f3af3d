"""What a maintainer and a citing reader rely on: all files tell one version."""

import re
from pathlib import Path

import yaml

import dcgan_keras

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_one_version_everywhere() -> None:
    """pyproject.toml, CITATION.cff, the newest section of CHANGELOG.md, the package."""
    version = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.M)[1]
    newest = re.search(r"^## ([\d.]+), ", read("CHANGELOG.md"), re.M)[1]
    cited = yaml.safe_load(read("CITATION.cff"))["version"]
    assert version == newest == cited == dcgan_keras.__version__


def test_the_citation_has_what_the_format_demands() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] in read("pyproject.toml")
    assert all(one["title"] and one["authors"] for one in citation["references"])


def test_contributing_names_what_there_is() -> None:
    """Its targets are in the Makefile, its files in the repository."""
    text = read("CONTRIBUTING.md")
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)(?=[` ]|$)", text, re.M)) - {"a", "sure"}
    assert {"test", "notebooks", "class-set", "slides"} <= named <= targets
    for path in re.findall(
        r"\b((?:tools|benchmarks|tests|docs|data|dcgan_keras)/\S*?)[`, )]", text
    ):
        if "NN" not in path:
            assert (ROOT / path.rstrip(".:;")).exists(), path


def test_the_changelog_counts_right() -> None:
    """The notebooks that it lists are those that stand there."""
    listed = read("CHANGELOG.md").split("Ten notebooks")[1].split("Each has")[0]
    numbers = set(re.findall(r"\b(0\d|10) ", listed))
    assert numbers == {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(numbers) == 10
    assert len(list((ROOT / "data" / "runs").iterdir())) == 5
    assert len(list((ROOT / "data" / "tables").glob("*.csv"))) == 10
