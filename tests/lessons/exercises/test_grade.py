"""Marks from handed-in notebooks: every verdict, every way to name a file."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan_keras.lessons.exercises.grade import grade, main, names_of, read_notebook

ROOT = Path(__file__).parents[3]


def notebook(*checks: tuple) -> str:
    """A notebook of check cells, each (source, what it printed or None)."""
    cells = [{"cell_type": "markdown", "source": "exercises.check_losses(x)"}]
    for source, said in checks:
        output = {"output_type": "stream", "name": "stdout", "text": said}
        cells.append(
            {
                "cell_type": "code",
                "source": source,
                "outputs": [] if said is None else [output],
            }
        )
    return json.dumps({"cells": cells})


@pytest.mark.parametrize(
    "source, said, verdict",
    [
        ("exercises.check_a(x)", "right\n", "right"),
        ("exercises.check_a(x)", ["right: 3", " and 4\n"], "right"),
        ("exercises.check_a(x)", "not yet: the sign\n", "not yet"),
        ("exercises.check_a(x, y)", "not attempted\n", "not attempted"),
        ("exercises.check_a(\n    x,\n    y,\n)", "right\n", "right"),
        ("exercises.check_a(x)", None, "not run"),
        ("exercises.check_a(x)", "rightly so", "changed"),
        ("exercises.check_a(x)\nprint('right')", "not yet: no\nright\n", "changed"),
        ("print('right')  # exercises.check_a(x)", "right\n", "changed"),
    ],
)
def test_the_verdict_of_a_cell(tmp_path, source, said, verdict) -> None:
    path = tmp_path / "one.ipynb"
    path.write_text(notebook((source, said)))
    assert read_notebook(path)["a"][0] == verdict


def test_an_error_in_the_cell_is_no_verdict(tmp_path) -> None:
    path = tmp_path / "one.ipynb"
    cell = {"cell_type": "code", "source": "exercises.check_a(x)"}
    cell["outputs"] = [{"output_type": "error", "ename": "NameError", "evalue": "x"}]
    path.write_text(json.dumps({"cells": [cell]}))
    assert read_notebook(path) == {"a": ("changed", "NameError")}


@pytest.mark.parametrize(
    "path, names",
    [
        ("ada/03_transposed_convolution.ipynb", ("ada", "03")),
        ("class/ada_03_transposed_convolution.ipynb", ("ada", "03")),
        ("class/03_transposed_convolution - Ada L.ipynb", ("Ada L", "03")),
        ("class/2024017_01_what_is_a_gan.ipynb", ("2024017", "01")),
        ("ada/03_transposed_convolution (1).ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution-Copy1.ipynb", ("ada", "03")),
        ("ada/10_draw_me_a_seven.ipynb", ("ada", "10")),
        ("class/ada.ipynb", ("ada", "?")),
    ],
)
def test_whose_notebook_it_is(path, names) -> None:
    assert names_of(Path(path)) == names


def test_a_class(tmp_path, capsys) -> None:
    """Sixty files, one command; a check that somebody deleted is missing."""
    both = [
        ("exercises.check_a(x)", "right\n"),
        ("exercises.check_b(y)", "not yet: 2\n"),
    ]
    for n in range(59):
        folder = tmp_path / f"student{n:02}"
        folder.mkdir()
        (folder / "02_the_minimax_loss.ipynb").write_text(notebook(*both))
    (tmp_path / "zoe").mkdir()
    (tmp_path / "zoe" / "02_the_minimax_loss.ipynb").write_text(notebook(both[0]))

    paths = sorted(map(str, tmp_path.glob("*/*.ipynb")), reverse=True)
    main([*paths, "--output", str(tmp_path / "marks.csv")])
    said = capsys.readouterr().out
    with (tmp_path / "marks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120
    assert rows[1] == {
        "student": "student00",
        "notebook": "02",
        "exercise": "b",
        "verdict": "not yet",
        "said": "not yet: 2",
    }
    assert [row["verdict"] for row in rows[-2:]] == ["right", "missing"]
    assert "student07: 1 of 2 right" in said and "zoe: 1 of 2 right" in said


ODD = ['{"cells":[1]}', '{"cells":[{"cell_type":"code"}]}', '{"cells":1}', "[", "1"]
ODD += [notebook(("exercises.check_a(x)", None)).replace("[]", "null")]


@pytest.mark.parametrize("text", ODD)
def test_a_file_that_is_none_costs_nobody_the_table(tmp_path, capsys, text) -> None:
    (tmp_path / "odd.ipynb").write_text(text)
    good = tmp_path / "ada_02_the_minimax_loss.ipynb"
    good.write_text(notebook(("exercises.check_a(x)", "right\n")))
    marks = tmp_path / "marks.csv"
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "odd.ipynb"), str(good), "--output", str(marks)])
    said = capsys.readouterr()
    assert "ada: 1 of 1 right" in said.out and marks.exists()
    assert said.err.count("\n") == 1 and "odd.ipynb is no notebook" in said.err


def test_notebooks_without_a_check_are_said(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(main.__globals__, "__doc__", None)  # as with -OO
    path, marks = tmp_path / "ada_02_the_minimax_loss.ipynb", tmp_path / "marks.csv"
    path.write_text(notebook())
    with pytest.raises(SystemExit, match="2"):
        main([str(path), "--output", str(marks)])
    assert "the check of an exercise" in capsys.readouterr().err and not marks.exists()
    with pytest.raises(SystemExit, match="2"):
        main([str(path), "--output", ""])
    assert "expected a path" in capsys.readouterr().err


def test_marks_that_cannot_be_written_are_said(tmp_path, capsys) -> None:
    good = tmp_path / "ada_02_the_minimax_loss.ipynb"
    good.write_text(notebook(("exercises.check_a(x)", "right\n")))
    with pytest.raises(SystemExit, match="2"):
        main([str(good), "--output", str(good / "marks.csv")])
    assert capsys.readouterr().err.count("\n") == 1


def test_the_course_as_it_is_stored_is_not_attempted() -> None:
    """Every check cell of every notebook is understood."""
    lines = grade((ROOT / "notebooks").glob("*.ipynb"))
    assert len(lines) >= 30
    assert {line.verdict for line in lines} == {"not attempted"}


def test_the_command_is_light_and_refuses_other_files(tmp_path) -> None:
    path = tmp_path / "letter.ipynb"
    path.write_text("Dear professor")
    command = "import sys; from dcgan_keras.lessons.exercises import grade\n"
    command += "assert 'tensorflow' not in sys.modules; grade.main()"
    run = subprocess.run(
        [sys.executable, "-c", command, str(path)], capture_output=True, text=True
    )
    assert run.returncode == 2 and "is no notebook" in run.stderr
