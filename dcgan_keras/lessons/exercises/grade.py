"""Read the verdicts of the exercises' checks from notebooks that students handed in.

    python -m dcgan_keras.lessons.exercises.grade handed_in/*/*.ipynb --output marks.csv

Nothing is run: what counts is what the check cells said when the student ran them.
"""

import argparse
import csv
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dcgan_keras import edge
from dcgan_keras.files import write_whole

VERDICTS = ("right", "not yet", "not attempted", "not run", "changed", "missing")
CALL = re.compile(r"exercises\.check_(\w+)\(")
WHOLE_CALL = re.compile(r"exercises\.check_\w+\([\w\s,]*\)")


class Line(NamedTuple):
    """One exercise of one student."""

    student: str
    notebook: str
    exercise: str
    verdict: str
    said: str


def read_notebook(path: Path) -> dict[str, tuple[str, str]]:
    """The verdict of each check cell of one notebook, and what the check said.

    Args:
        path: a notebook, run and saved by a student.

    Returns:
        Name of the exercise -> one of ``VERDICTS`` and the text of the output, in the
        order of the cells. A cell that holds more than the call of its check, or whose
        output is none that a check prints, is "changed".

    Raises:
        ValueError: the file is no notebook.

    Example:
        >>> from pathlib import Path
        >>> read_notebook(Path("notebooks/02_the_minimax_loss.ipynb"))["losses"]
        ('not attempted', 'not attempted')
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return _verdicts(cells)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is no notebook: {error}") from None


def _verdicts(cells: list[dict]) -> dict[str, tuple[str, str]]:
    found = {}
    for cell in cells:
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "code" and (call := CALL.search(source)):
            said = "".join(
                "".join(output.get("text", "")) or output.get("ename", "")
                for output in cell.get("outputs", [])
                if output.get("name") != "stderr"
            ).strip()
            whole = WHOLE_CALL.fullmatch(source)
            found[call.group(1)] = (_verdict(said) if whole else "changed", said)
    return found


def _verdict(said: str) -> str:
    if not said:
        return "not run"
    for verdict in VERDICTS[:3]:
        if said == verdict or said.startswith(f"{verdict}: "):
            return verdict
    return "changed"


def names_of(path: Path) -> tuple[str, str]:
    """Whose notebook this is, and which: from the names of the file and its folder.

    Args:
        path: ``ada/03_transposed_convolution.ipynb``, or a file whose name also holds
            the student's, such as ``ada_03_transposed_convolution.ipynb``.

    Returns:
        The student and the notebook's number ("?" if the file's name has none).

    Example:
        >>> names_of(Path("ada/03_transposed_convolution.ipynb"))
        ('ada', '03')
        >>> names_of(Path("03_transposed_convolution - Ada L.ipynb"))
        ('Ada L', '03')
    """
    stem = re.sub(r"(-Copy\d+| ?\(\d+\))$", "", path.stem)  # of Jupyter, of a browser
    title = re.search(r"(?<!\d)([01]\d)_[a-z0-9_]*[a-z0-9]", stem)
    if not title:
        return stem, "?"
    rest = (stem[: title.start()] + stem[title.end() :]).strip(" _-()")
    return rest or path.resolve().parent.name, title.group(1)


def grade(paths: Iterable[Path]) -> list[Line]:
    """All exercises of all notebooks, sorted by student and notebook.

    Args:
        paths: the notebooks of a class.

    Returns:
        A line for each exercise. Where a student's notebook lacks a check that other
        students' copies of it have, the line says "missing".

    Raises:
        ValueError: a file is no notebook.
    """
    handed_in = [(*names_of(path), read_notebook(path)) for path in paths]
    asked: dict[str, dict[str, None]] = {}
    for _, number, found in handed_in:
        asked.setdefault(number, {}).update(dict.fromkeys(found))
    lines = []
    for student, number, found in sorted(handed_in, key=lambda one: one[:2]):
        for exercise in asked[number]:
            verdict, said = found.get(exercise, ("missing", ""))
            lines.append(Line(student, number, exercise, verdict, said))
    return lines


def table(lines: list[Line]) -> str:
    """The lines as columns for the screen, and under them a sum for each student."""
    rows = [Line._fields[:4], *(line[:4] for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    text = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    right: dict[str, list[bool]] = {}
    for line in lines:
        right.setdefault(line.student, []).append(line.verdict == "right")
    sums = [f"{name}: {sum(r)} of {len(r)} right" for name, r in right.items()]
    return "\n".join([*text, "", *sums])


def main(arguments: list[str] | None = None) -> None:
    """Print the table; with --output, write all lines as CSV as well.

    Raises:
        SystemExit: with 2, a file is no notebook (the table is that of the others), or
            cannot be written; each is one sentence.
    """
    parser = argparse.ArgumentParser(  # without __doc__, which -OO takes away
        description="Read the verdicts of the exercises' checks from notebooks."
    )
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--output", type=edge.path, help="a CSV file to write")
    options = parser.parse_args(arguments)
    status = edge.run_command("grade", lambda: _grade(options))
    if status:
        raise SystemExit(status)


def _grade(options: argparse.Namespace) -> None:
    """Grade what can be read, and then say what cannot."""
    readable, unreadable = [], []
    for path in options.notebooks:
        try:
            read_notebook(path)
            readable.append(path)
        except (OSError, ValueError) as error:
            unreadable.append(str(error))
    lines = grade(readable)
    if options.output and lines:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([Line._fields, *lines])
        write_whole(options.output, text.getvalue().encode())
    if lines:
        edge.show(table(lines))
    if unreadable:
        raise ValueError("; ".join(unreadable))
    if not lines:
        raise ValueError(
            "notebooks: expected the check of an exercise in one of them, found none"
        )


if __name__ == "__main__":
    main()
