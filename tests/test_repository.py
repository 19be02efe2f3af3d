"""The promises of the Makefile, of the requirements and of the files themselves."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def tracked() -> list[Path]:
    """The files of the repository; all that are there, where git is not."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    return [
        ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()
    ]


def targets() -> dict[str, list[str]]:
    """The Makefile's targets, and the lines of each."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "Makefile").read_text().splitlines():
        if name := re.match(r"([a-z-]+):", line):
            lines = found.setdefault(name.group(1), [])
        elif line.startswith("\t"):
            lines.append(line)
    return found


def pins(python: str) -> dict[str, str]:
    """The exact versions of requirements.txt on one Python (Linux), by name."""
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    environment |= {"sys_platform": "linux", "os_name": "posix"}
    found = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        requirement = Requirement(line) if line[:1].isalpha() else None
        if requirement and (
            not requirement.marker or requirement.marker.evaluate(environment)
        ):
            assert requirement.name not in found, line
            (pin,) = requirement.specifier
            assert pin.operator == "==", line
            found[requirement.name] = pin.version
    return found


def needed() -> list[Requirement]:
    """What pyproject.toml asks for, extras and all."""
    text = (ROOT / "pyproject.toml").read_text()
    asked = re.findall(r'"([a-z][\w.-]*(?:\[[\w-]+\])?[<>=]=?[\d.][^"]*)"', text)
    return [Requirement(one) for one in asked]


@pytest.mark.parametrize("python", PYTHONS)
def test_requirements_pin_what_the_package_needs(python: str) -> None:
    """Every dependency of pyproject.toml has one version here, within its range."""
    pinned = pins(python)
    assert len(needed()) > 15
    for requirement in needed():
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_makefile_is_short_and_helps() -> None:
    """At most three lines a target, and `make` alone lists them."""
    assert {
        name: len(lines) for name, lines in targets().items() if len(lines) > 3
    } == {}
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True
    )
    assert said.returncode == 0
    assert set(re.findall(r"^make ([a-z-]+)", said.stdout, re.MULTILINE)) == set(
        targets()
    )


@pytest.mark.parametrize("path", [".ci/run", ".github/workflows/test.yml", "README.md"])
def test_only_known_targets_are_named(path: str) -> None:
    """What CI and the README tell to type is in the Makefile."""
    text = (ROOT / path).read_text()
    named = re.findall(r"^\s*(?:- run: )?make ([a-z-]+)", text, re.MULTILINE)
    assert named
    assert set(named) <= set(targets())
    assert "pip install" not in text or path == "README.md"


def test_no_file_names_a_machine_or_a_host() -> None:
    """No path of one person's machine; requirements.txt names no package host."""
    places = re.compile(rb"/(?:root|work|home/[a-z]+)/[a-z]|/tmp/[a-z]+/")
    texts = [path for path in tracked() if path.suffix not in {".npz", ".gif", ".png"}]
    named = {p.name for p in texts if places.search(p.read_bytes())}
    assert named <= {Path(__file__).name, "test_notebooks.py", "notebook_rules.py"}
    assert "://" not in (ROOT / "requirements.txt").read_text()


def test_the_container_names_what_is_there() -> None:
    """Valid JSON, targets of the Makefile, and the Python that the course supports."""
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    make, target = container["postCreateCommand"].split()
    assert make == "make" and target in targets()
    assert container["image"].rpartition(":")[2] in PYTHONS
    settings = container["customizations"]["vscode"]["settings"]
    (interpreter,) = settings.values()
    assert interpreter.endswith("/.venv/bin/python")  # where tools/setup.sh puts it


def test_binder_names_what_is_there() -> None:
    """Valid YAML; a script that bash can read, that runs, and whose files exist."""
    found = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text())
    (python,) = [one for one in found["dependencies"] if one.startswith("python")]
    assert python.partition("=")[2] in PYTHONS
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    text = script.read_text()
    named = re.findall(r"--(?:requirement|editable) (\S+)", text)
    assert named == ["requirements.txt", "."]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_readme_links_hold() -> None:
    """A relative link in the README leads to a file."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_pins_are_unique_across_lines() -> None:
    """Sorted in their two parts, so that a person finds a package."""
    text = (ROOT / "requirements.txt").read_text().split("# What those need")[1]
    names = [line.split("==")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert all(a <= b for a, b in itertools.pairwise(names))


def test_names_of_files_can_be_checked_out_anywhere() -> None:
    """Windows refuses some letters, and control characters everywhere."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    names = listed.split("\0")
    assert len(names) > 100
    assert [n for n in names if re.search(r'[\x00-\x1f<>:"|?*\\]', n)] == []


@pytest.mark.parametrize("tool", ["build_site", "draw_imports", "slides"])
def test_an_option_is_no_name_of_an_output(tool, tmp_path):
    command = [sys.executable, ROOT / "tools" / f"{tool}.py", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "unrecognized arguments: --quiet" in done.stderr
    assert not list(tmp_path.iterdir())


WITH_OPTIONS = [
    path
    for path in sorted((ROOT / "tools").glob("*.py"))
    if "ArgumentParser(" in path.read_text("utf-8")
]


@pytest.mark.parametrize("tool", WITH_OPTIONS, ids=lambda path: path.stem)
def test_a_tool_describes_itself_without_its_docstring(tool, monkeypatch, capsys):
    """As with -OO, which takes the docstrings away."""
    names = {"__name__": "tool", "__file__": str(tool)}
    code = compile(tool.read_text("utf-8"), str(tool), "exec", optimize=2)
    exec(code, names)
    monkeypatch.setattr(sys, "argv", [tool.name, "--help"])
    with pytest.raises(SystemExit, match="^0$"):
        names["main"]()
    assert f"usage: {tool.name}" in capsys.readouterr().out
