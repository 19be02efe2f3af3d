"""tools/setup.sh, with made-up Pythons that note what they are asked to do."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDED = "awk bash cat cksum cp dirname env grep mkdir rm sh tail tee".split()
FAKE = """#!/bin/sh
case "$1 $2" in
  *version_info*) echo {version} ;;
  "-m venv")
    echo "venv {version}" >> calls
    rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip")
    echo "pip $*" >> calls
    [ "$PIP_USER" = 0 ] || echo "pip --user" >> calls  # a virtual environment has none
    echo "Collecting something"
    if [ -f broken ]; then echo "ERROR: no network"; exit 1; fi ;;
esac
"""


class Clone:
    """A clone of the repository on a machine with the Pythons one names."""

    def __init__(self, folder: Path, **pythons: str) -> None:
        self.folder, self.bin = folder / "a clone", folder / "bin"
        (self.folder / "tools").mkdir(parents=True)
        self.bin.mkdir()
        for name in ("requirements.txt", "pyproject.toml", "tools/setup.sh"):
            shutil.copy(ROOT / name, self.folder / name)
        for tool in NEEDED:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name, version in pythons.items():
            self.add(name.replace("_", "."), version)

    def add(self, name: str, version: str) -> None:
        """Put a Python of that version on the PATH."""
        path = self.bin / name
        path.write_text(FAKE.format(version=version))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def setup(self, **environment: str) -> subprocess.CompletedProcess:
        """Run tools/setup.sh, with nothing of this machine's environment."""
        environment["PATH"] = str(self.bin)
        return subprocess.run(
            [self.bin / "bash", self.folder / "tools" / "setup.sh"],
            env=environment,
            capture_output=True,
            text=True,
        )

    def calls(self) -> list[str]:
        """What the Pythons were asked to do since the last time; forgotten then."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [" ".join(line.split()[:2]) for line in lines]


INSTALLED = ["pip -m", "pip -m"]


def test_installs_once(tmp_path: Path) -> None:
    """The second time nothing is asked of pip, and nothing is said."""
    clone = Clone(tmp_path, python3="3.11")
    first = clone.setup()
    assert first.returncode == 0
    assert "for Python 3.11" in first.stdout
    assert clone.calls() == ["venv 3.11", *INSTALLED]
    second = clone.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert clone.calls() == []


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_updates_in_place_when_a_list_changed(tmp_path: Path, name: str) -> None:
    """A changed list is installed into the same .venv; an older date is no change."""
    clone = Clone(tmp_path, python3="3.11")
    clone.setup()
    clone.calls()
    (clone.folder / name).touch()
    assert (clone.setup().stdout, clone.calls()) == ("", [])
    with (clone.folder / name).open("a") as file:
        file.write("# changed\n")
    assert "changed: updating .venv" in clone.setup().stdout
    assert clone.calls() == INSTALLED
    assert (clone.setup().stdout, clone.calls()) == ("", [])


def test_survives_an_interrupted_installation(tmp_path: Path) -> None:
    """A failure says where to look; the next time .venv is made anew."""
    clone = Clone(tmp_path, python3="3.12")
    (clone.folder / "broken").touch()
    failed = clone.setup()
    assert failed.returncode == 1
    assert "The installation stopped (is there a network?)" in failed.stderr
    assert "ERROR: no network" in failed.stderr
    assert clone.calls() == ["venv 3.12", "pip -m"]
    (clone.folder / "broken").unlink()
    assert clone.setup().returncode == 0
    assert clone.calls() == ["venv 3.12", *INSTALLED]


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.9", "3.14", "4.0"])
def test_refuses_other_pythons_in_one_sentence(tmp_path: Path, version: str) -> None:
    """Too old and too new are refused alike, before anything is written."""
    clone = Clone(tmp_path, python3=version)
    refused = clone.setup()
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert f"needs Python 3.10 to 3.13, and only Python {version}" in refused.stderr
    assert not (clone.folder / ".venv").exists()


def test_refuses_no_python(tmp_path: Path) -> None:
    """Without any Python there is a sentence too."""
    refused = Clone(tmp_path).setup()
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "and none is here" in refused.stderr


def test_finds_another_python_and_says_so(tmp_path: Path) -> None:
    """With python3 out of range, the newest that fits is used."""
    clone = Clone(tmp_path, python3="3.14", python3_12="3.12", python3_10="3.10")
    done = clone.setup()
    assert "python3 is Python 3.14: using python3.12 instead." in done.stderr
    assert clone.calls()[0] == "venv 3.12"


def test_named_python_is_used_or_refused(tmp_path: Path) -> None:
    """PYTHON= decides, and changes an existing .venv; unset, .venv stays."""
    clone = Clone(tmp_path, python3="3.11", python3_12="3.12", python3_9="3.9")
    assert clone.setup(PYTHON="python3.12").returncode == 0
    assert clone.calls() == ["venv 3.12", *INSTALLED]
    assert clone.setup().stdout == ""
    clone.setup(PYTHON="python3")
    assert clone.calls()[0] == "venv 3.11"
    for wrong, reason in [("python3.9", "is Python 3.9"), ("python9", "not start")]:
        refused = clone.setup(PYTHON=wrong)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert reason in refused.stderr
    assert clone.calls() == []
    assert clone.setup().stdout == ""


def test_the_users_settings_change_no_place(tmp_path: Path) -> None:
    """CDPATH, which cd asks first, and where pip installs."""
    (tmp_path / "elsewhere" / "tools").mkdir(parents=True)
    clone = Clone(tmp_path, python3="3.11")
    done = subprocess.run(
        ["tools/setup.sh"],  # as make calls it
        cwd=clone.folder,
        env={
            "PATH": str(clone.bin),
            "CDPATH": str(tmp_path / "elsewhere"),
            "PIP_USER": "1",
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert clone.calls() == ["venv 3.11", *INSTALLED]


def test_make_gives_python_none_of_the_users_settings() -> None:
    """With PYTHONOPTIMIZE no assert would be looked at; PYTHON is make's own."""
    makefile = "include Makefile\nshow: ; @env"
    there = {"PYTHON": "python3.12", "PYTHONOPTIMIZE": "2", "PYTHONSAFEPATH": "1"}
    shown = subprocess.run(
        ["make", "--silent", "--file=-", "show"],
        input=makefile,
        cwd=ROOT,
        env={x: os.environ[x] for x in os.environ if x[:4] != "MAKE"} | there,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert [line for line in shown if line.startswith("PYTHON")] == [
        "PYTHON=python3.12"
    ]
