"""The version matrix: what it compares, what it counts as a fault, what it keeps."""

import csv
import sys
from pathlib import Path

import pytest
import version_matrix
from nbformat import v4
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "versions.csv"


def notebook(*texts: str, tags: tuple = (), name: str = "stdout"):
    """A notebook of which each cell has printed one of the texts."""
    cells = [
        v4.new_code_cell("", outputs=[v4.new_output("stream", name=name, text=text)])
        for text in texts
    ]
    cells[-1].metadata["tags"] = list(tags)
    return v4.new_notebook(cells=cells)


def test_other_numbers_are_counted() -> None:
    """A cell that prints another digit is not as stored, unless it may differ."""
    stored = notebook("0.69", "1.39", "2.0 s", tags=("nbval-ignore-output",))
    assert version_matrix.compare(stored, stored) == (2, 2)
    assert version_matrix.compare(stored, notebook("0.69", "1.38", "9.0 s")) == (1, 2)


def test_pictures_are_not_compared() -> None:
    """Another Matplotlib draws other pixels; beside them the words don't count."""
    figures = []
    for pixels, size in (("abc", "400x300"), ("abd", "400x301")):
        data = {"image/png": pixels, "text/plain": f"<Figure size {size}>"}
        made = notebook("0.69")
        made.cells[0].outputs.append(v4.new_output("display_data", data=data))
        figures.append(made)
    assert version_matrix.compare(*figures) == (1, 1)


def test_a_warning_names_its_cell() -> None:
    warned = notebook("", "UserWarning: old\n", name="stderr")
    found = version_matrix.run_notebooks.warnings_in(warned)
    assert found[-1] == "cell 1: UserWarning: old"
    assert version_matrix.run_notebooks.warnings_in(notebook("0.69")) == []


def test_oldest_is_what_pyproject_promises() -> None:
    """Each lower bound, TensorFlow's and Keras's too, and none of the tools' own."""
    pins = version_matrix.oldest()
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert {"numpy", "scipy", "pillow", "tensorflow", "keras"} <= set(pins)
    assert "setuptools" not in pins and "pytest" not in pins
    for name, version in pins.items():
        line = next(x for x in text.split('"') if x.startswith(f"{name}>="))
        assert Requirement(line).specifier.contains(version)
        lower = line.split(">=")[1].split(",")[0]
        assert version == lower or version.startswith(f"{lower}.")


def test_rows_are_within_what_pyproject_allows() -> None:
    """Colab's versions among them; every Python has a row with everything pinned."""
    rows = version_matrix.rows()
    asked = (ROOT / "pyproject.toml").read_text("utf-8").split('"')
    for name in ("Colab", "oldest", "Colab, February 2026"):
        for library in ("tensorflow", "keras", "numpy", "scipy", "pillow"):
            line = next(x for x in asked if x.startswith(f"{library}>="))
            assert Requirement(line).specifier.contains(rows[name].pins[library])
        assert rows[name].pins["ipython"] == "7.34.0"
    pinned = {row.python for row in rows.values() if row.pinned}
    assert pinned == {"3.10", "3.11", "3.12", "3.13"}


def test_a_python_that_is_not_here_is_one_sentence() -> None:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert Path(version_matrix.interpreter(here)).exists()
    with pytest.raises(version_matrix.Missing, match="there is no Python 3.99 here"):
        version_matrix.interpreter("3.99")


def test_only_good_results_of_this_commit_are_kept(tmp_path: Path) -> None:
    calls = []

    def run(*faults: str):
        calls.append(faults)
        return {"faults": faults}

    for made_by, faults in [("a", "x"), ("a", ""), ("a", "x"), ("b", "")]:
        faults = [faults] if faults else []
        version_matrix.measured(tmp_path, "01", made_by, lambda f=faults: run(*f))
    assert calls == [("x",), (), ()]  # the third was there, and good
    version_matrix.measured(tmp_path, "tests", "b", lambda: {"code": 0})
    kept = version_matrix.kept(tmp_path)
    assert (kept["01"]["commit"], kept["01"]["faults"]) == ("b", [])
    assert set(kept) == {"01", "tests"}


def test_a_row_replaces_itself_alone(tmp_path: Path, monkeypatch) -> None:
    """The order is that of the rows; a column that is not given stays."""
    monkeypatch.setattr(version_matrix, "TABLE", tmp_path / "versions.csv")
    version_matrix.write_row("newest", {"keras": "3.15", "tests": "9 passed"})
    version_matrix.write_row("Colab", {"keras": "3.13"})
    version_matrix.write_row("newest", {"keras": "3.16"})
    with (tmp_path / "versions.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["row"] for line in lines] == ["Colab", "newest"]
    assert (lines[1]["keras"], lines[1]["tests"]) == ("3.16", "9 passed")
    assert [path.name for path in tmp_path.iterdir()] == ["versions.csv"]


def test_a_kernel_gets_none_of_this_process(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    env = version_matrix.clean_environment(tmp_path)
    assert "PYTHONPATH" not in env and "KERAS_BACKEND" not in env
    assert env["PATH"].startswith(str(tmp_path / "bin"))


@pytest.mark.skipif(not TABLE.exists(), reason="the matrix was never run here")
def test_no_row_of_the_table_has_a_fault() -> None:
    with TABLE.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert lines and list(lines[0]) == version_matrix.COLUMNS
    for line in lines:
        assert line["date"] and line["commit"] and line["row"] in version_matrix.rows()
        assert "no warning" in line["notebooks"] or not line["notebooks"]
        assert "failed" not in line["tests"] and "error" not in line["tests"]
