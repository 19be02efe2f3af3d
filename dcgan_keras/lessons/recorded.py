"""The runs and tables that were recorded for the course.

generator, discriminator = load_players(recorded_run("mnist"))
"""

import dataclasses
from pathlib import Path

from dcgan_keras.evaluation.report import Evaluation
from dcgan_keras.files import decoding, find_data, read_json, read_rows
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
        files.UnreadableFile: it is damaged, or holds something else.

    Source: data/README.md; notebook 08.
    """
    path = run.path if isinstance(run, RunFolder) else Path(run)
    paths = sorted(path.glob("evaluation*.json"))
    if not paths:
        raise FileNotFoundError(f"run: {path} has not been evaluated")
    expected = "an evaluation, as evaluate --json writes it"
    found = read_json(paths[0], expected)
    with decoding(paths[0], expected):
        fields = [field.name for field in dataclasses.fields(Evaluation)]
        missing = [name for name in fields if name not in found]
        if missing:
            raise ValueError(f"it has no {', '.join(missing)}")
    return found


def recorded_table(name: str) -> tuple[list[dict], dict]:
    """A table of results that took longer than a lesson, and how it was made.

    Args:
        name: of data/tables/<name>.csv and .json.

    Returns:
        The rows, one dict a line, with numbers where the text is one; and the
        provenance: command, date, versions, processor.

    Raises:
        FileNotFoundError: no such table.
        files.UnreadableFile: the table or its provenance is damaged.

    Source: data/README.md.
    """
    path = find_data(f"tables/{name}.csv")
    rows = [
        {key: _number(value) for key, value in row.items()}
        for row in read_rows(path, "a table of the course")
    ]
    return rows, read_json(path.with_suffix(".json"), "how a table was made")


def _number(text: str) -> "int | float | str":
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
