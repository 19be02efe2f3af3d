"""Marks from handed-in notebooks: every verdict, every way to name a file."""

import csv
import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from dcgan_keras.lessons.exercises.grade import (
    course,
    grade,
    main,
    names_of,
    read_notebook,
)

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "teaching" / "guide.md").read_text("utf-8")
PLANS = (ROOT / "docs" / "teaching" / "plans.md").read_text("utf-8")
LOSSES = ("exercises.check_losses(x)", "right\n")
STAMP = ("exercises.check_stamp(x)", "not yet: no\n")


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
        ("exercises.check_a(x)", "a print of the student's\nright: 3\n", "right"),
        ("exercises.check_a(x)", "right\nnot yet: it raised E:\nno\n", "not yet"),
        ("exercises.check_a(x)", "rightly so", "changed"),
        ("exercises.check_a(x)\nprint('right')", "not yet: no\nright\n", "changed"),
        ("print('right')  # exercises.check_a(x)", "right\n", "changed"),
    ],
)
def test_the_verdict_of_a_cell(tmp_path, source, said, verdict) -> None:
    path = tmp_path / "one.ipynb"
    path.write_text(notebook((source, said)))
    assert read_notebook(path)["a"][0] == verdict


@pytest.mark.parametrize("error", ["NameError", "KeyboardInterrupt"])
def test_a_cell_that_stopped_with_an_error_was_not_run(tmp_path, error) -> None:
    """Nobody changed it: the cell before was not run, or somebody lost patience."""
    path = tmp_path / "one.ipynb"
    cell = {"cell_type": "code", "source": "exercises.check_a(x)"}
    stream = {"output_type": "stream", "name": "stdout", "text": "epoch 1\n"}
    cell["outputs"] = [stream, {"output_type": "error", "ename": error, "evalue": "x"}]
    path.write_text(json.dumps({"cells": [cell]}))
    assert read_notebook(path) == {"a": ("not run", error)}
    cell["source"] += "  # better"
    path.write_text(json.dumps({"cells": [cell]}))
    assert read_notebook(path)["a"][0] == "changed"


def test_a_comment_on_a_check_is_no_check(tmp_path) -> None:
    path = tmp_path / "one.ipynb"
    checks = [("# my third try\nexercises.check_a(x)", "right\n")]
    path.write_text(notebook(*checks, ("# exercises.check_a(x) was hard", None)))
    assert read_notebook(path) == {"a": ("right", "right")}


def test_what_a_students_code_printed_is_not_what_the_check_said(tmp_path) -> None:
    path = tmp_path / "one.ipynb"
    path.write_text(notebook(("exercises.check_a(x)", "debug\nnot yet: 2\nlines\n")))
    assert read_notebook(path)["a"] == ("not yet", "not yet: 2\nlines")


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
        ("class/group_12_03_transposed_convolution.ipynb", ("group_12", "03")),
        ("class/s01_ada_03_transposed_convolution.ipynb", ("s01_ada", "03")),
        ("class/team10_03_transposed_convolution.ipynb", ("team10", "03")),
        ("class/03_transposed_convolution_bob.ipynb", ("bob", "03")),
        ("class/03_transposed_convolution (2024017).ipynb", ("2024017", "03")),
        ("class/Jörg Groß 03_Transposed_Convolution.ipynb", ("Jörg Groß", "03")),
        ("Jörg Groß/03_transposed_convolution.ipynb", ("Jörg Groß", "03")),
        ("ada/03_transposed_convolution - Copy (2).ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution – Kopie.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution copy 2.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution-2.ipynb", ("ada", "03")),
        ("ada/Copy of Copy of 03_transposed_convolution.ipynb", ("ada", "03")),
        ("class/Copy of ada_03_transposed_convolution (1).ipynb", ("ada", "03")),
        ("class/ada_03_transposed_convolution-checkpoint.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution.ipynb.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution.nbconvert.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution.ipynb (1).ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution.ipynb-checkpoint.ipynb", ("ada", "03")),
        ("ada/03_transposed_convolution.ipynb.txt", ("ada", "03")),
        ("all/ada_03_transposed_convolution-Copy1.ipynb.ipynb", ("ada", "03")),
        ("all/03_transposed_convolution_ada.nbconvert.ipynb", ("ada", "03")),
        (
            "Ada L_123_assignsubmission_file_/03_transposed_convolution_new.ipynb",
            ("Ada L", "03"),
        ),
        (
            "all/Ada L_123_assignsubmission_file_03_transposed_convolution.ipynb",
            ("Ada L", "03"),
        ),
        ("all/lada_LATE_1234_5678_03_transposed_convolution-1.ipynb", ("lada", "03")),
        ("all/lada_1234_9876_01_what_is_a_gan.ipynb", ("lada", "01")),
        ("ada/without-solutions/notebooks/09_bigger.ipynb", ("ada", "09")),
        ("class/ada/bob/09_bigger.ipynb", ("bob", "09")),
    ],
)
def test_whose_notebook_it_is(path, names) -> None:
    assert names_of(Path(path)) == names


def test_a_name_commands_no_terminal(tmp_path, capsys) -> None:
    path = tmp_path / "e\x1b[2Jve" / "03_transposed_convolution.ipynb"
    path.parent.mkdir()
    path.write_text(notebook())
    main([str(path)])
    assert "e\\x1b[2Jve: 0 of" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "+1", "-1"])
def test_a_name_is_no_formula_in_the_marks(tmp_path, name) -> None:
    """What a student may write goes into a spreadsheet of the lecturer's."""
    path = tmp_path / name / "03_transposed_convolution.ipynb"
    path.parent.mkdir()
    path.write_text(notebook())
    main([str(path), "--output", str(tmp_path / "marks.csv")])
    with (tmp_path / "marks.csv").open(newline="") as file:
        assert {row["student"] for row in csv.DictReader(file)} == {f"'{name}"}


def test_a_name_that_macos_took_apart_is_the_same() -> None:
    path = f"{unicodedata.normalize('NFD', 'Jörg')}/09_bigger.ipynb"
    assert names_of(Path(path)) == ("Jörg", "09")


NO_STEMS = ["ada.ipynb", "12_03_ada.ipynb", "103_transposed_convolution.ipynb"]
NO_STEMS += ["03_transposed.ipynb", "09_biggers.ipynb"]


@pytest.mark.parametrize("name", NO_STEMS)
def test_a_file_without_a_notebooks_name_is_said(tmp_path, capsys, name) -> None:
    odd = hand_in(tmp_path, f"ada/{name}", LOSSES)
    good = hand_in(tmp_path, "bob/02_the_minimax_loss.ipynb", LOSSES)
    with pytest.raises(SystemExit, match="2"):
        main([odd, good])
    said = capsys.readouterr()
    assert "bob: 1 of 5 right" in said.out and "ada" not in said.out
    assert said.err.startswith(f"grade: {odd}: expected a file whose name")
    assert said.err.count("\n") == 1


def test_every_file_that_is_left_out_has_a_line(tmp_path, capsys) -> None:
    """However many there are: one long sentence would be cut off."""
    odd = [hand_in(tmp_path, f"student{n}/essay.ipynb") for n in range(30)]
    with pytest.raises(SystemExit, match="2"):
        main(odd)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 30 and all(map(str.__contains__, said, odd))


@pytest.mark.parametrize("other", ["03_transposed_convolution_final", "Ada_09_bigger"])
def test_another_students_name_in_a_students_folder_is_refused(
    tmp_path, capsys, other
) -> None:
    kept = hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES)
    path = hand_in(tmp_path, f"ada/{other}.ipynb")
    with pytest.raises(SystemExit, match="2"):
        main([path, kept])
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert f"{path}: is it of " in said.err and " or of ada?" in said.err


def hand_in(folder: Path, name: str, *checks: tuple) -> str:
    """Write a notebook of check cells; its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook(*checks))
    return str(path)


def test_two_files_for_one_notebook_of_a_student_are_refused(tmp_path, capsys) -> None:
    both = [
        hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES),
        hand_in(tmp_path, "ada/02_the_minimax_loss (1).ipynb", LOSSES),
    ]
    marks = tmp_path / "marks.csv"
    with pytest.raises(SystemExit, match="2"):
        main([*both, "--output", str(marks)])
    said = capsys.readouterr()
    assert said.out == "" and not marks.exists() and said.err.count("\n") == 1
    assert " and ".join(both) in said.err and "notebook 02 of ada" in said.err


def test_a_file_that_is_named_twice_is_one_file(tmp_path, monkeypatch) -> None:
    path = hand_in(tmp_path, "ada/09_bigger.ipynb")
    monkeypatch.chdir(tmp_path)
    assert len(grade([Path(path), Path("ada/09_bigger.ipynb")])) == 4


def test_hidden_files_and_checkpoints_are_nobodys(tmp_path) -> None:
    names = ["09_bigger.ipynb", "._09_bigger.ipynb"]
    names += [".ipynb_checkpoints/09_bigger-checkpoint.ipynb"]
    paths = [Path(hand_in(tmp_path, f"ada/{name}")) for name in names]
    assert [line.student for line in grade(paths)] == ["ada"] * 4


def test_a_notebook_that_a_student_lacks_counts(tmp_path, capsys) -> None:
    """The sums are of the same exercises, also after a file that is unreadable."""
    paths = [
        hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES),
        hand_in(tmp_path, "bob/02_the_minimax_loss.ipynb", LOSSES),
        hand_in(tmp_path, "bob/03_transposed_convolution.ipynb", STAMP),
        hand_in(tmp_path, "eve/03_transposed_convolution.ipynb"),
    ]
    Path(paths[3]).write_text("no JSON")
    with pytest.raises(SystemExit, match="2"):
        main(paths)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ada", "03", "03-3", "stamp", "missing"] in rows
    assert ["bob", "03", "03-3", "stamp", "not", "yet"] in rows
    sums = [(row[0], row[1], row[3]) for row in rows[-3:]]
    assert sums == [("ada:", "1", "9"), ("bob:", "1", "9"), ("eve:", "0", "9")]


def test_a_check_that_the_course_does_not_have_costs_nobody_a_line(tmp_path) -> None:
    typo = ("exercises.check_loses(x)", None)
    path = Path(hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES, typo))
    assert [line.exercise for line in grade([path])] == list(course()[path.stem])


def test_exercises_have_the_numbers_that_the_plans_name() -> None:
    numbers = [number for one in course().values() for number in one.values()]
    assert len(course()) == 10 and numbers.count("") == 1  # on shares, goes deeper
    assert numbers[:4] == ["01-1", "01-2", "01-3", "01-4"]
    homework = re.findall(r"\b\d\d-\d\b", PLANS)
    assert len(homework) > 10 and set(homework) <= set(numbers)
    assert course()["02_the_minimax_loss"]["cured_step"] == "02-4"
    assert course()["02_the_minimax_loss"]["optimal_with_share"] == ""


def test_only_some_exercises_may_count(tmp_path, capsys) -> None:
    """Also one of a notebook that nobody handed in."""
    path = hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES)
    main([path, "--only", "02-2", "02-4", "05-1"])
    said = capsys.readouterr().out.splitlines()
    rows = [" ".join(line.split()) for line in said]
    assert rows[1:4] == [
        "ada 02 02-2 losses right",
        "ada 02 02-4 cured_step missing",
        "ada 05 05-1 shapes missing",
    ]
    assert rows[-1] == "ada: 1 of 3 right"


@pytest.mark.parametrize("number", ["02-9", "2-4", ""])
def test_a_number_that_no_exercise_has_is_refused(tmp_path, capsys, number) -> None:
    path = hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", LOSSES)
    with pytest.raises(SystemExit, match="2"):
        main([path, "--only", "02-2", number])
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert f"no exercise has the number {number};" in said.err


def test_a_package_without_the_notebooks_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(main.__globals__, "COURSE", tmp_path)
    with pytest.raises(FileNotFoundError, match="work in a clone"):
        course.__wrapped__()


def test_the_guide_says_how_the_folder_for_marking_is_laid_out() -> None:
    """Its examples are read as it says; it has every verdict and the option."""
    names = re.findall(r"`([\w/]*03_transposed_convolution\w*\.ipynb)`", GUIDE)
    assert names[0] == "handed_in/ada/03_transposed_convolution.ipynb"
    students = [names_of(Path("ada", name))[0] for name in names]
    assert students == ["ada", "ada", "final"]
    for word in main.__globals__["VERDICTS"]:
        assert re.search(rf"^\| (\*.*)?\*{word}\*", GUIDE, re.MULTILINE), word
    assert "`--only 02-2 02-4`" in GUIDE


def test_a_notebook_of_an_editor_on_windows_is_read(tmp_path) -> None:
    path = tmp_path / "one.ipynb"
    path.write_text(notebook(("exercises.check_a(x)", "right\n")), "utf-8-sig")
    assert read_notebook(path) == {"a": ("right", "right")}


def test_a_class(tmp_path, capsys) -> None:
    """Sixty files, one command; a check that somebody deleted is missing."""
    both = [
        ("exercises.check_four_devices(x)", "right\n"),
        ("exercises.check_device_loss(y)", "not yet: 2\n"),
    ]
    for n in range(59):
        folder = tmp_path / f"student{n:02}"
        folder.mkdir()
        (folder / "09_bigger.ipynb").write_text(notebook(*both))
    hand_in(tmp_path, "zoe/09_bigger.ipynb", both[0])

    paths = sorted(map(str, tmp_path.glob("*/*.ipynb")), reverse=True)
    main([*paths, "--output", str(tmp_path / "marks.csv")])
    said = capsys.readouterr().out
    with (tmp_path / "marks.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    assert rows[1] == {
        "student": "student00",
        "notebook": "09",
        "number": "09-2",
        "exercise": "device_loss",
        "verdict": "not yet",
        "said": "not yet: 2",
    }
    assert [row["verdict"] for row in rows[-4:]] == ["right", *["missing"] * 3]
    assert "student07: 1 of 4 right" in said and "zoe: 1 of 4 right" in said


OLD = {"worksheets": [{"cells": [{"cell_type": "code", "input": "1"}]}], "nbformat": 3}
ODD = [json.dumps(OLD)]
ODD += ['{"cells":[1]}', '{"cells":[{"cell_type":"code"}]}', '{"cells":1}', "[", "1"]
ODD += [notebook(("exercises.check_a(x)", None)).replace("[]", "null")]


@pytest.mark.parametrize("text", ODD)
def test_a_file_that_is_none_costs_nobody_the_table(tmp_path, capsys, text) -> None:
    odd = tmp_path / "odd_02_the_minimax_loss.ipynb"
    odd.write_text(text)
    good = hand_in(tmp_path, "ada_02_the_minimax_loss.ipynb", LOSSES)
    marks = tmp_path / "marks.csv"
    with pytest.raises(SystemExit, match="2"):
        main([str(odd), good, "--output", str(marks)])
    said = capsys.readouterr()
    assert "ada: 1 of 5 right" in said.out and marks.exists()
    assert "odd: 0 of 5 right" in said.out
    assert said.err.count("\n") == 1 and f"{odd.name} is no notebook" in said.err


def test_letters_that_no_file_takes_cost_nobody_the_marks(tmp_path) -> None:
    """Half a pair of surrogates, as JSON may hold it."""
    strange = ("exercises.check_losses(x)", "not yet: \ud800\n")
    path = hand_in(tmp_path, "ada/02_the_minimax_loss.ipynb", strange)
    main([path, "--output", str(tmp_path / "marks.csv")])
    assert "not yet: ?" in (tmp_path / "marks.csv").read_text("utf-8")


def test_no_notebook_at_all_is_said(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(main.__globals__, "__doc__", None)  # as with -OO
    path, marks = tmp_path / ".09_bigger.ipynb", tmp_path / "marks.csv"
    with pytest.raises(SystemExit, match="2"):
        main([str(path), "--output", str(marks)])
    assert "found none" in capsys.readouterr().err and not marks.exists()
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "*.ipynb")])  # as a shell leaves it that finds nothing
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(path), "--output", ""])
    assert "expected a path" in capsys.readouterr().err


def test_marks_that_cannot_be_written_are_said(tmp_path, capsys) -> None:
    good = tmp_path / "ada_02_the_minimax_loss.ipynb"
    good.write_text(notebook(LOSSES))
    with pytest.raises(SystemExit, match="2"):
        main([str(good), "--output", str(good / "marks.csv")])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_fault_of_the_table_shows_where(tmp_path, capsys, monkeypatch) -> None:
    """It has no ``--debug`` by which one could ask for it."""
    monkeypatch.setitem(main.__globals__, "table", {}.__getitem__)
    path = tmp_path / "ada_02_the_minimax_loss.ipynb"
    path.write_text(notebook(LOSSES))
    with pytest.raises(SystemExit, match="1"):
        main([str(path)])
    err = capsys.readouterr().err
    assert err.startswith("Traceback") and "debug" not in err.splitlines()[-1]


def test_the_course_as_it_is_stored_is_not_attempted() -> None:
    """Every check cell of every notebook is understood."""
    lines = grade((ROOT / "notebooks").glob("*.ipynb"))
    assert len(lines) >= 30
    assert {line.verdict for line in lines} == {"not attempted"}


def test_the_command_is_light_and_refuses_other_files(tmp_path) -> None:
    path = tmp_path / "letter_09_bigger.ipynb"
    path.write_text("Dear professor")
    command = "import sys; from dcgan_keras.lessons.exercises import grade\n"
    command += "assert 'tensorflow' not in sys.modules; grade.main()"
    run = subprocess.run(
        [sys.executable, "-c", command, str(path)], capture_output=True, text=True
    )
    assert run.returncode == 2 and "is no notebook" in run.stderr
