"""A notebook that is opened alone: on Colab, beside a wheel, in a clone."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import colab
import notebook_rules
import pytest
import yaml

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STAMPED = ["pyproject.toml", "README.md", "CITATION.cff"]


def setup_cell(path: Path) -> str:
    """The source of a notebook's first code cell."""
    notebook = json.loads(path.read_text("utf-8"))
    return notebook_rules.text(notebook_rules.code_cells(notebook)[0])


def test_all_notebooks_begin_alike() -> None:
    """With the lines of tools/colab.py, and the address that pyproject.toml has."""
    beginning = colab.beginning(colab.repository())
    assert [p.name for p in NOTEBOOKS if not setup_cell(p).startswith(beginning)] == []
    assert all(
        text.count("dcgan_keras as dk") == 2 for text in map(setup_cell, NOTEBOOKS)
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what is stamped, and of the tool."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    (folder / "tools").mkdir()
    for name in [*STAMPED, "tools/colab.py"]:
        shutil.copy(ROOT / name, folder / name)
    return folder


def stamp(clone: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the copied tool, as `make colab` does."""
    command = [sys.executable, clone / "tools" / "colab.py", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True)


def contents(clone: Path) -> dict[str, str]:
    """All texts of the copy, by their paths."""
    files = sorted(path for path in clone.rglob("*") if path.suffix != ".pyc")
    files = [path for path in files if path.is_file()]
    return {str(p.relative_to(clone)): p.read_text("utf-8") for p in files}


def test_one_stamp_reaches_everything(clone: Path) -> None:
    """Links, badges, addresses; outputs stay; the rules for notebooks still hold."""
    done = stamp(clone, "some-one/a.course")
    assert (done.returncode, done.stderr) == (0, "")
    assert "https://github.com/some-one/a.course" in done.stdout
    assert colab.repository(clone) == "some-one/a.course"
    readme = (clone / "README.md").read_text("utf-8")
    for original in NOTEBOOKS:
        path = clone / "notebooks" / original.name
        notebook, before = (json.loads(p.read_text("utf-8")) for p in (path, original))
        assert path.read_text("utf-8") != original.read_text("utf-8")
        pairs = list(zip(notebook["cells"], before["cells"], strict=True))
        changed = [new["id"] for new, old in pairs if new["source"] != old["source"]]
        assert changed == [before["cells"][n]["id"] for n in (0, 1)]
        for new, old in pairs:  # nothing but sources
            assert new | {"source": 0} == old | {"source": 0}
        link = "https://colab.research.google.com/github/some-one/a.course/blob/main/"
        link += f"notebooks/{path.name}"
        assert link in notebook_rules.text(notebook["cells"][0])
        assert f"]({link})" in readme
        assert '"git+https://github.com/some-one/a.course"' in setup_cell(path)
        found = [rule(notebook) for rule in notebook_rules.RULES.values()]
        assert [complaints for complaints in found if complaints] == []
    cited = yaml.safe_load((clone / "CITATION.cff").read_text("utf-8"))
    assert cited["repository-code"] == "https://github.com/some-one/a.course"
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", readme)
    assert [one for one in pictures if not (ROOT / one).is_file()] == []


def test_the_same_stamp_changes_nothing_and_another_replaces_it(clone: Path) -> None:
    stamp(clone, "first/name")
    once = contents(clone)
    assert stamp(clone, "first/name").returncode == 0
    assert contents(clone) == once
    assert stamp(clone).returncode == 0  # pyproject.toml keeps the address
    assert contents(clone) == once
    stamp(clone, "other/place")
    twice = contents(clone)
    assert [name for name, text in twice.items() if "first/name" in text] == []
    replaced = {n: t.replace("first/name", "other/place") for n, t in once.items()}
    assert twice == replaced


def test_an_address_to_clone_from_is_taken(clone: Path) -> None:
    assert "github.com/some-one/a now stands" in stamp(clone, "some-one/a.git").stdout
    assert colab.repository(clone) == "some-one/a"


def test_nothing_is_stamped_beside_a_damaged_notebook(clone: Path) -> None:
    path = clone / "notebooks" / NOTEBOOKS[-1].name
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:9], "<<<<<<< HEAD\n", *lines[9:]]), "utf-8")
    before = contents(clone)
    refused = stamp(clone, "some-one/a")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    said = f"colab: {path}: expected a notebook of the course; JSONDecodeError: "
    assert refused.stderr.startswith(said) and "line 10" in refused.stderr
    assert contents(clone) == before


WRONG = ["name", "a/b/c", "https://github.com/a/b", "a/b c", "../..", "a/..", "a/.git"]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_repository_is_refused(clone: Path, name: str) -> None:
    before = contents(clone)
    refused = stamp(clone, *name.split())  # make gives the words one by one
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "expected owner/name" in refused.stderr
    assert contents(clone) == before


# A kernel in which the package is not installed: `-S` leaves out what would find it.
KERNEL = """
import sys
sys.path.append({packages!r})
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
asked = []
if {recorded}:
    shell.register_magic_function(asked.append, magic_name="pip")
shell.run_cell({source!r})
print(asked)
dk = shell.user_ns.get("dk")
if dk is not None:
    import pathlib
    inside = pathlib.Path(dk.__file__).is_relative_to({target!r})
    print(inside, dk.load_dataset("mnist")[0].shape, "tensorflow" in sys.modules)
"""


def run_alone(source: str, folder: Path, recorded: bool) -> str:
    """What a notebook's first lines print in that folder, tracebacks and all."""
    if Path(sysconfig.get_path("purelib"), "dcgan_keras").exists():
        pytest.skip("the package lies among the libraries here: no notebook misses it")
    target = folder / "installed"
    target.mkdir()
    script = KERNEL.format(
        packages=sysconfig.get_path("purelib"),
        recorded=recorded,
        source=source,
        target=str(target),
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(target),
        "PIP_TARGET": str(target),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-S", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_alone_it_says_one_sentence(tmp_path: Path) -> None:
    """No address, no wheel, no clone: what to do, without a traceback."""
    said = run_alone(colab.beginning(""), tmp_path, recorded=True)
    sentence, asked = said.strip().splitlines()
    assert sentence == (
        "The package is missing: put its wheel (in a clone, `pip wheel --no-deps .` "
        "makes it; its name ends in any.whl) beside this notebook, and run this cell "
        "again."
    )
    assert asked == "[]"


def asked_of_pip(folder: Path, name: str = "") -> list[str]:
    """The lines that the beginning hands to %pip; the import after it fails here."""
    shutil.rmtree(folder / "installed", ignore_errors=True)
    said = run_alone(colab.beginning(name), folder, recorded=True)
    return re.findall(r"'(install [^']*)'", said.splitlines()[-1])


def test_what_is_installed_where(tmp_path: Path) -> None:
    """The wheel that is here before the clone around, and that before the address."""
    folder = tmp_path / "clone" / "notebooks"
    folder.mkdir(parents=True)
    address = "install --quiet git+https://github.com/some/where"
    assert asked_of_pip(folder, "some/where") == [address]
    (folder.parent / "dcgan_keras").mkdir()
    assert asked_of_pip(folder, "some/where") == ["install --quiet ../dcgan_keras/.."]
    wheel = "dcgan_keras-1.0.0-py3-none-any.whl"
    (folder / wheel).touch()
    assert asked_of_pip(folder, "some/where") == [f"install --quiet {wheel}"]


def test_a_second_download_of_a_wheel_is_none(tmp_path: Path) -> None:
    """A browser's (1) in its name: pip would not take it, and a traceback follow."""
    (tmp_path / "dcgan_keras-1.0.0-py3-none-any (1).whl").touch()
    assert asked_of_pip(tmp_path) == []
    wheel = "dcgan_keras-1.0.0-py3-none-any.whl"
    (tmp_path / wheel).touch()
    assert asked_of_pip(tmp_path) == [f"install --quiet {wheel}"]


def test_from_a_wheel_in_an_empty_folder(tmp_path: Path) -> None:
    """A real wheel, installed by the cell, with its data inside and no TensorFlow."""
    source, folder = tmp_path / "source", tmp_path / "empty"
    folder.mkdir()
    for name in ("dcgan_keras", "data"):
        junk = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=junk)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--wheel-dir", folder, source]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert f'version = "{wheel.name.split("-")[1]}"' in (
        ROOT / "pyproject.toml"
    ).read_text("utf-8")
    said = run_alone(colab.beginning(""), folder, recorded=False)
    assert said.strip().splitlines()[-1] == "True (60000, 28, 28, 1) False", said


def test_pip_is_not_asked_for_tensorflow() -> None:
    """Without an extra, the package leaves the TensorFlow that is there alone."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    core = text.partition("\ndependencies = [")[2].partition("]")[0]
    assert core.count(">=") > 5
    assert not re.search("tensorflow|keras", core)
    assert "[" not in colab.beginning("a/b").partition("%pip")[2]


@pytest.mark.parametrize("number", ["06", "09"])
def test_alone_it_writes_beside_itself(
    tmp_path: Path, monkeypatch, number: str
) -> None:
    """The folder above may be nobody's to write to; that of a clone is the reader's."""
    (notebook,) = [path for path in NOTEBOOKS if path.name.startswith(number)]
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    lines = [line for cell in cells for line in cell["source"]]
    place = re.compile(r"above = |(folder|home) = .*build/artifacts")
    source = "".join(filter(place.match, lines))

    def chosen(here: Path) -> list[str]:
        monkeypatch.chdir(here)
        names = {"Path": Path}
        exec(source, names)
        found = [names[name] for name in ("folder", "home") if name in names]
        return [path.as_posix() for path in found]

    assert chosen(tmp_path) == [f"build/artifacts/{number}"]
    (tmp_path / "dcgan_keras").mkdir()
    (tmp_path / "notebooks").mkdir()
    assert chosen(tmp_path / "notebooks") == [f"../build/artifacts/{number}"]
