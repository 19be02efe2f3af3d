"""Read the verdicts of the exercises' checks from notebooks that students handed in.

    python -m dcgan_keras.lessons.exercises.grade handed_in/*/*.ipynb --output marks.csv

Nothing is run: what counts is what the check cells said when the student ran them.
Which exercises there are, and their numbers, is read from the course's own notebooks.
"""

import argparse
import csv
import functools
import io
import json
import os
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from dcgan_keras import edge
from dcgan_keras.files import PACKAGE, printable, write_whole

VERDICTS = ("right", "not yet", "not attempted", "not run", "changed", "missing")
MISSING = ("missing", "")
CALL = re.compile(r"exercises\.check_(\w+)\(")
WHOLE_CALL = re.compile(r"exercises\.check_\w+\([\w\s,]*\)")
COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)  # a line of its own
SAID = re.compile(rf"^({'|'.join(VERDICTS[:3])})(?:: .*)?$", re.MULTILINE)
COURSE = PACKAGE.parent / "notebooks"
HEADING = re.compile(
    r"^(?:\*\*|### )(?:Exercise )?(\d) · [^(\n]*\(\d+ minutes\)", re.MULTILINE
)
# "Ada Lovelace_123_assignsubmission_file_" of Moodle, "lovelaceada_LATE_1234_5678_" of
# Canvas: the numbers are others for each file.
SYSTEMS = re.compile(
    r"(.+?)(?:_LATE)?_(?:\d+_assignsubmission_|\d{4,}_\d{4,}_)", re.IGNORECASE
)
COPIES = re.compile(  # of Colab; of Windows, Jupyter and browsers; of Safari
    r"^(?:(?:copy of|kopie von)\b ?)+"
    r"|(?:(?:^|[ _–-]+)(?:copy|kopie|checkpoint) ?\d*| ?\(\d\d?\))+$"
    r"|(?:^|[ _-])-\d\d?$",
    re.IGNORECASE,
)
# A second one, of browsers and nbconvert.
ENDINGS = re.compile(r"\.(?:ipynb|nbconvert|json|txt)(?![^\W_])", re.IGNORECASE)
OURS = ("notebooks", "without-solutions")  # folders of the class set: nobody's names


class Line(NamedTuple):
    """One exercise of one student."""

    student: str
    notebook: str
    number: str  # such as 02-4; "" of an exercise without one
    exercise: str
    verdict: str
    said: str


@functools.cache
def course() -> dict[str, dict[str, str]]:
    """The exercises of each of the course's notebooks, in their order.

    Returns:
        Stem of the notebook's file -> name of an exercise's check -> the exercise's
        number, or "" if its heading has none.

    Raises:
        FileNotFoundError: the package stands alone, without the notebooks.

    Example:
        >>> course()["02_the_minimax_loss"]["cured_step"]
        '02-4'
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted(COURSE.glob("[0-9][0-9]_*.ipynb")):
        numbers, number = found.setdefault(path.stem, {}), ""
        for cell in json.loads(path.read_text(encoding="utf-8-sig"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and (call := CALL.search(source)):
                numbers[call[1]], number = number, ""
            elif heading := HEADING.search(source):
                number = f"{path.stem[:2]}-{heading[1]}"
    if not found:
        raise FileNotFoundError(
            f"{COURSE}: none of the course's notebooks is there; work in a clone"
        )
    return found


def read_notebook(path: Path) -> dict[str, tuple[str, str]]:
    """The verdict of each check cell of one notebook, and what the check said.

    Args:
        path: a notebook, run and saved by a student.

    Returns:
        Name of the exercise -> one of ``VERDICTS`` and the text of the output, in the
        order of the cells. A cell that has no output, or stopped with an error, is
        "not run". One that holds more than the call of its check, or whose output is
        none that a check prints, is "changed".

    Raises:
        ValueError: the file is no notebook.

    Example:
        >>> from pathlib import Path
        >>> read_notebook(Path("notebooks/02_the_minimax_loss.ipynb"))["losses"]
        ('not attempted', 'not attempted')
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        return _verdicts(cells)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is no notebook of nbformat 4: {error}") from None


def _verdicts(cells: list[dict]) -> dict[str, tuple[str, str]]:
    found = {}
    for cell in cells:
        source = COMMENT.sub("", "".join(cell["source"])).strip()
        if cell["cell_type"] == "code" and (call := CALL.search(source)):
            verdict, said = _verdict(cell.get("outputs", []))
            whole = WHOLE_CALL.fullmatch(source)
            found[call[1]] = (verdict if whole else "changed", said)
    return found


def _verdict(outputs: list[dict]) -> tuple[str, str]:
    for output in outputs:
        if output.get("output_type") == "error":
            return "not run", output.get("ename", "")
    texts = [o.get("text", "") for o in outputs if o.get("name") != "stderr"]
    said = "".join(map("".join, texts)).strip()
    if not said:
        return "not run", ""
    # The check prints last: what stands before it was printed by the student's code.
    last = list(SAID.finditer(said))[-1:]
    return (last[0][1], said[last[0].start() :]) if last else ("changed", said)


def names_of(path: Path) -> tuple[str, str]:
    """Whose notebook this is, and which: from the names of the file and its folder.

    Args:
        path: ``ada/03_transposed_convolution.ipynb``, or a file whose name also holds
            the student's, such as ``ada_03_transposed_convolution.ipynb``.

    Returns:
        The student and the notebook's number. A name in the file's goes before the
        folder's, and one that Moodle or Canvas wrote goes before both.

    Raises:
        ValueError: the file's name holds none of the course's notebooks.

    Example:
        >>> names_of(Path("ada/03_transposed_convolution.ipynb"))
        ('ada', '03')
        >>> names_of(Path("03_transposed_convolution - Ada L (1).ipynb"))
        ('Ada L', '03')
    """
    stem = path.stem
    title = re.search(rf"(?<!\d)({'|'.join(course())})(?![^\W_])", stem, re.IGNORECASE)
    if not title:
        raise ValueError(
            f"{path}: expected a file whose name holds one of the course's notebooks, "
            "such as 03_transposed_convolution.ipynb"
        )
    folder = _folder(path)
    system = SYSTEMS.match(stem) or SYSTEMS.match(folder)
    rest = stem[: title.start()] + ENDINGS.sub("", stem[title.end() :])
    rest = rest.strip(" _")
    rest = COPIES.sub("", rest).strip(" _-")
    student = system[1] if system else re.sub(r"^\((.*)\)$", r"\1", rest) or folder
    return _composed(student), title[1][:2]


def _folder(path: Path) -> str:
    """The name of the folder that may be a student's."""
    folders = Path(os.path.abspath(path)).parents  # a link's place, not its target's
    return _composed(next(one.name for one in folders if one.name not in OURS))


def _composed(name: str) -> str:
    """An ü as one letter, of which macOS makes two; and no command to a terminal."""
    return printable(unicodedata.normalize("NFC", name))


def grade(paths: Iterable[Path], only: Collection[str] = ()) -> list[Line]:
    """All exercises of all students, sorted by student and notebook.

    Args:
        paths: the notebooks of a class. Hidden files and Jupyter's checkpoints among
            them are left out.
        only: numbers of exercises, such as 02-4: no others count.

    Returns:
        As many lines for each student: one for each exercise of ``only``, or of the
        notebooks that anybody handed in. It says "missing" where a student's notebook
        or its check is not there.

    Raises:
        ValueError: a file is no notebook, or none of the course's; two are the same
            notebook of the same student; one lies in another student's folder; no
            exercise has a number of ``only``.
    """
    lines, faults = _grade(paths, only)
    if faults:
        raise ValueError("; ".join(faults))
    return lines


def _grade(
    paths: Iterable[Path], only: Collection[str]
) -> tuple[list[Line], list[str]]:
    """The lines of what can be read, and a clause for each file that cannot."""
    numbers = {number for one in course().values() for number in one.values()} - {""}
    if unknown := [number for number in only if number not in numbers]:
        raise ValueError(
            f"only: no exercise has the number {', '.join(unknown)}; the fourth of "
            "notebook 02 has 02-4"
        )
    files: dict[tuple[str, str], Path] = {}
    found, faults = {}, []
    for path in paths:
        if path.name.startswith(".") or path.parent.name == ".ipynb_checkpoints":
            continue
        try:
            path.stat()
            names = names_of(path)
        except (OSError, ValueError) as error:
            faults.append(edge.describe(error)[1])
            continue
        other = files.setdefault(names, path)
        if os.path.abspath(other) != os.path.abspath(path):
            student, notebook = names
            raise ValueError(
                f"{other} and {path} are both notebook {notebook} of {student}: "
                "remove or rename one"
            )
        try:
            found[names] = read_notebook(path)
        except (OSError, ValueError) as error:
            found[names] = {}
            faults.append(edge.describe(error)[1])
    students = {student for student, _ in files}
    for (student, _), path in files.items():
        folder = _folder(path)
        if student != folder and folder in students:
            raise ValueError(f"{path}: is it of {student} or of {folder}? rename it")
    return _lines(found, only), faults


def _lines(found: dict[tuple[str, str], dict], only: Collection[str]) -> list[Line]:
    """The same exercises for every student, from student and notebook -> verdicts."""
    anybodys = {notebook for _, notebook in found}
    asked = [
        (stem[:2], number, exercise)
        for stem, exercises in course().items()
        for exercise, number in exercises.items()
        if (number in only if only else stem[:2] in anybodys)
    ]
    return [
        Line(student, *one, *found.get((student, one[0]), {}).get(one[2], MISSING))
        for student in sorted({student for student, _ in found})
        for one in asked
    ]


def _no_formula(text: str) -> str:
    """A spreadsheet would compute what begins like a formula; strangers wrote it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def table(lines: list[Line]) -> str:
    """The lines as columns for the screen, and under them a sum for each student."""
    rows = [Line._fields[:5], *(line[:5] for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    text = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    right: dict[str, list[bool]] = {}
    for line in lines:
        right.setdefault(line.student, []).append(line.verdict == "right")
    sums = [f"{name}: {sum(r)} of {len(r)} right" for name, r in right.items()]
    return "\n".join([*text, "", *sums])


def main(arguments: list[str] | None = None) -> None:
    """Print the table; with --output, write all lines as CSV as well.

    Raises:
        SystemExit: with 2, what ``grade`` raises, or no table can be written; each is
            one sentence. Of a file that cannot be read all is "missing" in the table.
    """
    parser = edge.Parser(  # without __doc__, which -OO takes away
        description="Read the verdicts of the exercises' checks from notebooks."
    )
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--output", type=edge.path, help="a CSV file to write")
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="NUMBER", help="exercises that count"
    )
    options = parser.parse_args(arguments)
    status = edge.run_command("grade", lambda: _show(options), debug=None)
    if status:
        raise SystemExit(status)


def _show(options: argparse.Namespace) -> int:
    """Grade what can be read, and then say what cannot, in a line for each file."""
    lines, faults = _grade(options.notebooks, options.only)
    if options.output and lines:
        text = io.StringIO(newline="")
        rows = (map(_no_formula, line) for line in lines)
        csv.writer(text).writerows([Line._fields, *rows])
        write_whole(options.output, text.getvalue().encode(errors="replace"))
    if lines:
        edge.show(table(lines))
    for fault in faults:
        edge.say(f"grade: {fault}")
    if not lines and not faults:
        raise ValueError("notebooks: expected one that a student handed in, found none")
    return 2 if faults else 0


if __name__ == "__main__":
    main()
