"""The two sets for a class: what is in them, and what must not be."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import class_set
import nbformat
import pytest
import run_notebooks
import version_matrix
from nbformat import v4

from dcgan_keras.edge import Stopped
from dcgan_keras.files import UnreadableFile

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
TEXTS = {".py", ".ipynb", ".md", ".csv", ".json", ".toml", ".in", ".svg", ""}


def cells(path: Path, tag: str = "") -> list[dict]:
    """The cells of a notebook that have a tag, or all of them."""
    notebook = json.loads(path.read_text("utf-8"))
    return [
        cell
        for cell in notebook["cells"]
        if not tag or tag in cell["metadata"].get("tags", [])
    ]


def solution_code(path: Path) -> list[str]:
    """The Python of each solution."""
    sources = ["".join(cell["source"]) for cell in cells(path, "solution")]
    return [source.split("```python\n")[1].split("```")[0] for source in sources]


def solution_prose(path: Path) -> list[str]:
    """The sentences of each solution that are no code."""
    sources = ["".join(cell["source"]) for cell in cells(path, "solution")]
    prose = "\n".join(re.sub(r"```python.*?```", "", s, flags=re.S) for s in sources)
    return [line for line in prose.splitlines() if len(line) > 40]


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> dict[str, Path]:
    """Both sets, written once."""
    folder = tmp_path_factory.mktemp("class")
    for name, solutions in (("with", True), ("without", False)):
        class_set.write_set(folder / name, solutions)
    return {name: folder / name for name in ("with", "without")}


@pytest.fixture(scope="module")
def handed_out(sets) -> str:
    """All text of the set without solutions, its spaces made alike."""
    files = [p for p in sets["without"].rglob("*") if p.is_file() and p.suffix in TEXTS]
    texts = []
    for path in files:
        text = path.read_text("utf-8")
        if path.suffix == ".ipynb":  # as it is read, and not as JSON writes it
            notebook = json.loads(text)
            text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
            outputs = [cell.get("outputs") for cell in notebook["cells"]]
            assert not any(outputs), path.name
        texts.append(text)
    return alike("\n".join(texts))


def alike(text: str) -> str:
    return " ".join(text.split())


def taught() -> str:
    """What a student is shown anyway: the lessons' cells, and the package itself."""
    lessons = [
        "".join(cell["source"])
        for path in PATHS
        for cell in cells(path)
        if "solution" not in cell["metadata"].get("tags", [])
    ]
    package = [
        path.read_text("utf-8")
        for path in (ROOT / "dcgan_keras").rglob("*.py")
        if path.parent.name != "exercises"
    ]
    return alike("\n".join(lessons + package))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_line_of_a_solution_is_handed_out(path, handed_out) -> None:
    """No line that stands in a solution alone, be it code or text."""
    lines = [line for code in solution_code(path) for line in code.splitlines()]
    lines = {alike(line) for line in lines if len(line.strip()) > 12}
    own = {line for line in lines if line not in taught()}
    assert len(own) >= 5  # else this test would look at nothing
    assert [line for line in own if line in handed_out] == []
    assert [x for x in solution_prose(path) if alike(x) in handed_out] == []
    assert "<summary>Solution" not in handed_out  # one without its tag


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_answer_that_is_a_value_is_handed_out(path, handed_out) -> None:
    """`answer = value`: neither the line nor the value, if it is longer than a word."""
    stubs = "\n".join("".join(cell["source"]) for cell in cells(path, "exercise"))
    for name in re.findall(r"^(\w+) = \.\.\.", stubs, re.MULTILINE):
        for code in solution_code(path):
            for value in re.findall(rf"^{name} = (.+?)(?=^\S|\Z)", code, re.M | re.S):
                assert alike(f"{name} = {value}") not in handed_out
                if len(value.strip()) > 8 and alike(value) not in taught():
                    assert alike(value) not in handed_out


def test_the_set_with_solutions_is_the_course_as_it_is_stored(sets) -> None:
    for path in PATHS:
        copy = sets["with"] / "notebooks" / path.name
        assert copy.read_bytes() == path.read_bytes()
    one = class_set.CHECKS / "composite.py"
    assert (sets["with"] / one).read_bytes() == (ROOT / one).read_bytes()


def test_students_are_told_to_keep_the_name_of_a_file_that_is_there(sets) -> None:
    text = alike((sets["without"] / "README.md").read_text("utf-8"))
    (name,) = re.findall(r"Keep the file's name, such as `(\S+)`", text)
    assert (sets["without"] / "notebooks" / name).exists()
    assert "Keep the file's name" not in (sets["with"] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["with", "without"])
def test_links_of_a_set_hold(sets, name) -> None:
    """Each relative link in a notebook leads to a file of the set."""
    for path in (sets[name] / "notebooks").glob("*.ipynb"):
        prose = [cell for cell in cells(path) if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in prose)
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (path.parent / link).exists(), (path.name, link)


TRY = """
import numpy as np
from dcgan_keras.lessons.exercises import composite, evaluating, layers, minimax_loss
from dcgan_keras.lessons.exercises import training_loop, transposed_convolution
from dcgan_keras.lessons.exercises import what_is_a_gan

what_is_a_gan.check_arrow(...)
what_is_a_gan.check_arrow(0.54)
minimax_loss.check_value_at_the_end(0.5)
minimax_loss.check_value_at_the_end(-1.386)
transposed_convolution.check_output_sizes((5, 14, 9, 14))
layers.check_batch_norm_counts((6272, 128, 128))
composite.check_shapes([(6, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 3)])
training_loop.check_counts((468, 3, 256))
evaluating.check_scores((3, 1, 5))
transposed_convolution.check_stamp(lambda *answer: "much")
print(len(training_loop.mystery_runs().splitlines()), len(minimax_loss.FOUR_RUNS))
for module in (composite, evaluating, layers, minimax_loss, training_loop,
               transposed_convolution, what_is_a_gan):
    shown = {name for name in vars(module) if not name.startswith("_")}
    print(sorted(n for n in shown if not n.startswith("check_")))
    checks = [value for name, value in vars(module).items() if "check_" in name]
    assert not any(check.__doc__ for check in checks)
"""


def test_the_packed_checks_check(sets) -> None:
    """A student's checks answer as ever, and no name beside them tells an answer."""
    run = [sys.executable, "-W", "error", "-c", TRY]
    said = subprocess.run(run, cwd=sets["without"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    verdicts = [re.split(r"[:\d]", line)[0].strip() for line in lines[:9]]
    assert verdicts == ["not attempted", "right", "not yet", *["right"] * 6]
    assert lines[9].startswith("not yet: your answer can't be checked: ")
    assert lines[10] == "5 4"
    extra = {"FOUR_RUNS", "mystery_runs", "mystery_sets", "base64", "zlib"}
    assert set(re.findall(r"'(\w+)'", "".join(lines[11:]))) <= extra


def test_a_planted_answer_would_be_seen(handed_out) -> None:
    """The search itself: what the packing hides is found in the plain files."""
    plain = alike((ROOT / class_set.CHECKS / "composite.py").read_text("utf-8"))
    answer = "[(6, 6, 128), (12, 12, 64), (24, 24, 32), (48, 48, 3)]"
    assert answer in plain and answer not in handed_out


def small_course(folder: Path, monkeypatch) -> Path:
    """A course with a notebook and its checks, in place of this one."""
    for name in ("docs/glossary.md", "data/a.csv", class_set.CHECKS / "layers.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("def check_a(answer=42): ...\n")
    (folder / "notebooks").mkdir()
    nbformat.write(v4.new_notebook(), folder / "notebooks" / "01_a.ipynb")
    monkeypatch.setattr(class_set, "ROOT", folder)
    monkeypatch.setattr(class_set, "CARRIED", ["dcgan_keras", "data"])
    return folder


@pytest.mark.parametrize("name", ["notebooks/01_a.ipynb", ".venv/pyvenv.cfg", "a.txt"])
def test_a_set_with_work_in_it_is_not_replaced(tmp_path, monkeypatch, name) -> None:
    small_course(tmp_path / "course", monkeypatch)
    target = tmp_path / "class" / "set"
    class_set.write_set(target, True)
    for left in ("build/artifacts/a.npz", "notebooks/.ipynb_checkpoints/a.ipynb"):
        (target / left).parent.mkdir(parents=True, exist_ok=True)
        (target / left).write_text("by use")
    (tmp_path / "course" / "data" / "a.csv").write_text("new")
    class_set.write_set(target, True)
    assert (target / "data" / "a.csv").read_text() == "new"
    (target / name).parent.mkdir(exist_ok=True)
    (target / name).write_text("mine")
    (tmp_path / "course" / "data" / "a.csv").write_text("newer")
    with pytest.raises(FileExistsError, match=f"set: {name} is not as this tool wrote"):
        class_set.write_set(target, True)
    (target / class_set.NOTE).unlink()
    with pytest.raises(FileExistsError, match="would be removed; rename the folder"):
        class_set.write_set(target, True)
    assert (target / name).read_text() == "mine"
    assert (target / "data" / "a.csv").read_text() == "new"


def test_no_older_copy_of_a_check_is_handed_out(tmp_path, monkeypatch) -> None:
    checks = small_course(tmp_path / "course", monkeypatch) / class_set.CHECKS
    (checks / ".ipynb_checkpoints").mkdir()
    for name in (".ipynb_checkpoints/layers-checkpoint.py", "Layers_old.py"):
        (checks / name).write_text((checks / "layers.py").read_text())
    for name in ("layers.py~", "layers.py.bak", ".layers.py.swp", "layers.txt"):
        (checks / name).write_text((checks / "layers.py").read_text())
    class_set.write_set(tmp_path / "set", False)
    there = [path for path in (tmp_path / "set" / class_set.CHECKS).rglob("*")]
    assert {path.name for path in there} == {"layers.py", "Layers_old.py"}
    assert [path for path in there if "42" in path.read_text()] == []


def test_a_damaged_notebook_is_named(tmp_path, monkeypatch) -> None:
    path = small_course(tmp_path / "course", monkeypatch) / "notebooks" / "01_a.ipynb"
    path.write_text(f"<<<<<<< HEAD\n{path.read_text()}")
    with pytest.raises(UnreadableFile, match=f"^{path}: expected a notebook of the co"):
        class_set.write_set(tmp_path / "class" / "set", False)
    assert list((tmp_path / "class").iterdir()) == []


def test_who_stops_it_finds_no_readable_check(tmp_path, monkeypatch) -> None:
    small_course(tmp_path / "course", monkeypatch)
    target = tmp_path / "class" / "set"
    for there in ([], [target]):
        with monkeypatch.context() as patch:
            patch.setattr(class_set, "pack_checks", Mock(side_effect=Stopped))
            with pytest.raises(Stopped):
                class_set.write_set(target, False)
        assert list((tmp_path / "class").iterdir()) == there
        class_set.write_set(target, False)


MADE_UP = """
def check(answer):
    print("not attempted" if answer is ... else "right")
"""


def made_up_set(folder: Path, *cells: str) -> Path:
    """A set with one notebook, and a package of its own."""
    for name in ("notebooks", "dcgan_keras"):
        (folder / name).mkdir(parents=True)
    (folder / "dcgan_keras" / "__init__.py").write_text(MADE_UP)
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "notebooks" / PATHS[0].name)
    return folder


def test_a_set_is_run_with_its_own_package(tmp_path: Path) -> None:
    """Unfinished exercises let it through; the file stays as it was written."""
    cells = ["import dcgan_keras", "answer = ...", "dcgan_keras.check(answer)"]
    made = made_up_set(tmp_path / "good", *cells)
    path = made / "notebooks" / PATHS[0].name
    before = path.read_bytes()
    assert class_set.run_set(made, [1]) == []
    assert path.read_bytes() == before


def test_a_set_that_stops_or_warns_has_faults(tmp_path: Path) -> None:
    warns = made_up_set(tmp_path / "a", "import warnings; warnings.warn('old')")
    (fault,) = class_set.run_set(warns, [1])
    assert fault.startswith(f"a, {PATHS[0].name}, cell 0: ") and "old" in fault
    stops = made_up_set(tmp_path / "b", "1", "raise NotImplementedError('to do')")
    (fault,) = class_set.run_set(stops, [1])
    assert "cell 1" in fault and "NotImplementedError: to do" in fault
    (stops / "dcgan_keras" / "__init__.py").unlink()
    (stops / "dcgan_keras").rmdir()
    (stops / "notebooks" / PATHS[0].name).unlink()
    nbformat.write(v4.new_notebook(), stops / "notebooks" / PATHS[0].name)
    (fault,) = class_set.run_set(stops, [1])  # the clone's package answered
    assert "AssertionError" in fault


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_notebook_stops_the_set(number, tmp_path: Path) -> None:
    """nbclient takes the kernel away, and the next notebook would be begun."""
    stop = f"import os, time; os.kill(os.getppid(), {int(number)}); time.sleep(60)"
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped:
        class_set.run_set(made_up_set(tmp_path / "a", stop), [1])
    assert stopped.value.number == number
    assert signal.getsignal(number) is before


def test_who_stops_it_while_its_kernel_ends_is_heard(tmp_path: Path) -> None:
    late = "import atexit, os, time\n"
    late += "stop = lambda: (os.kill(os.getppid(), 15), time.sleep(1))\n"
    with pytest.raises(Stopped):
        class_set.run_set(
            made_up_set(tmp_path / "a", f"{late}atexit.register(stop);"), [1]
        )


@pytest.mark.parametrize(
    ("tool", "option"),
    [(run_notebooks, []), (class_set, ["--run"]), (version_matrix, ["--notebooks"])],
)
@pytest.mark.parametrize("number", ["99", "-1", "1.0"])
def test_a_number_that_no_notebook_has_is_refused(
    tool, option, number, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("sys.argv", [tool.__name__, *option, number])
    with pytest.raises(SystemExit) as refused:
        tool.main()
    assert refused.value.code == 2
    assert f"argument {(option or ['NUMBER'])[0]}: " in capsys.readouterr().err
