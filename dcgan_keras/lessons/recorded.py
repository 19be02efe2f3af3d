"""The runs, tables and arrays that were recorded for the course.

``training.configuration.load_players`` gives a run's generator and discriminator.
"""

import math

import numpy as np

from dcgan_keras.data.archives import open_npz
from dcgan_keras.files import find_data, read_json, read_rows
from dcgan_keras.training.runs import RunFolder

MOST_BYTES = 50_000_000  # of the arrays beside a table


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


def recorded_arrays(name: str) -> dict[str, np.ndarray]:
    """The arrays beside a table of results: curves, counts, samples.

    Args:
        name: of data/tables/<name>.npz.

    Returns:
        The arrays by their names; those of ``ablation`` are "variant/seed/curves" and
        so on, as data/README.md says.

    Raises:
        FileNotFoundError: no such file.
        files.UnreadableFile: it is damaged, has pickled objects, or arrays of more
            than ``MOST_BYTES`` together.

    Example:
        >>> recorded_arrays("ablation")["paper/0/counts"].shape
        (12, 10)

    Source: data/README.md.
    """
    path = find_data(f"tables/{name}.npz")
    with open_npz(path, "arrays beside a table of the course") as arrays:
        headers = [arrays.header(key) for key in arrays.names]
        total = sum(math.prod(h.shape) * h.dtype.itemsize for h in headers)
        if total > MOST_BYTES:
            raise ValueError(f"its arrays have {total:,} bytes, over {MOST_BYTES:,}")
        return {key: arrays.read(key) for key in arrays.names}


def recorded_costs(benchmark: str) -> dict[str, dict[str, float]]:
    """What a benchmark of seconds, memory or pictures a second found.

    Args:
        benchmark: "sizes", "folders", "workers", "speed_32" or "kinds".

    Returns:
        {row: {quantity: number}}, in the order of the benchmark.

    Raises:
        ValueError: no such benchmark in the table.

    Example:
        >>> recorded_costs("folders")["1000"]["peak_megabytes_after_50_steps"]
        741

    Source: data/README.md.
    """
    costs: dict[str, dict[str, float]] = {}
    lines = recorded_table("costs")[0]
    for line in lines:
        if line["benchmark"] == benchmark:
            costs.setdefault(str(line["row"]), {})[line["quantity"]] = line["value"]
    if not costs:
        names = ", ".join(sorted({line["benchmark"] for line in lines}))
        raise ValueError(f"benchmark: expected one of {names}, got {benchmark!r}")
    return costs


def _number(text: str) -> "int | float | str":
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
