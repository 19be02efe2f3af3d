"""The runs and tables that were recorded for the course.

generator, discriminator = load_players(recorded_run("mnist"))
"""

import csv
import json
from pathlib import Path

from dcgan_keras.files import find_data
from dcgan_keras.training.runs import RunFolder


def recorded_run(name: str = "mnist") -> RunFolder:
    """A run that was recorded for the course.

    Args:
        name: its folder in data/runs/.

    Returns:
        Its ``RunFolder``, in a clone or in an installed package.

    Raises:
        FileNotFoundError: no such run in the places looked in; the message names them.

    Example:
        >>> recorded_run("digits").read_config()["dataset"]
        'digits'

    Source: data/README.md.
    """
    return RunFolder(find_data(f"runs/{name}/config.json").parent)


def read_evaluation(run: RunFolder | str | Path) -> dict:
    """What ``python -m dcgan_keras evaluate --json`` said about a run.

    Args:
        run: with a file evaluation.json, or one of several seeds (the first is read).

    Returns:
        The fields of an ``evaluation.Evaluation``.

    Raises:
        FileNotFoundError: no such file.

    Source: data/README.md; notebook 08.
    """
    path = run.path if isinstance(run, RunFolder) else Path(run)
    paths = sorted(path.glob("evaluation*.json"))
    if not paths:
        raise FileNotFoundError(f"run: {path} has not been evaluated")
    return json.loads(paths[0].read_text("utf-8"))


def recorded_table(name: str) -> tuple[list[dict], dict]:
    """A table of results that took longer than a lesson, and how it was made.

    Args:
        name: of data/tables/<name>.csv and .json.

    Returns:
        The rows, one dict a line, with numbers where the text is one; and the
        provenance: command, date, versions, processor.

    Raises:
        FileNotFoundError: no such table.

    Source: data/README.md.
    """
    path = find_data(f"tables/{name}.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {key: _number(value) for key, value in row.items()}
            for row in csv.DictReader(file)
        ]
    return rows, json.loads(path.with_suffix(".json").read_text("utf-8"))


def _number(text: str) -> "int | float | str":
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
