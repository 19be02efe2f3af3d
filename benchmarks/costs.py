"""Bring what the benchmarks of notebook 09 found to where the notebook reads it.

    python benchmarks/costs.py

Reads benchmarks/results/sizes.json, folders.json, workers.json, speed_32.json and
kinds.json, of which each has its own command, and writes data/tables/costs.csv, one
number a line, and costs.json with the command and the machine of each.
``recorded.recorded_costs`` reads them, in a clone and in an installed package.
"""

import csv
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

from measure import RESULTS, write_json

TABLE = Path(__file__).parents[1] / "data" / "tables" / "costs.csv"
FIELDS = ("benchmark", "row", "quantity", "value")
COMMANDS = {
    "sizes": "python benchmarks/sizes.py",
    "folders": "python benchmarks/folders.py",
    "workers": "python benchmarks/workers.py",
    "speed_32": "python benchmarks/speed.py",
    "kinds": "python benchmarks/kinds.py FOLDER SAMPLES.npz ...",
}


def numbers(name: str, content: dict) -> Iterator[tuple[str, str, float]]:
    """(row, quantity, value) of one benchmark."""
    if name == "sizes":
        yield from of_rows((row.pop("name"), row) for row in content["rows"])
    elif name == "folders":
        rows = [(str(row["count"]), row) for row in content["rows"]]
        rows.append((f"{content['extrapolated_to']}", content["extrapolated"]))
        yield from of_rows(rows)
    elif name == "workers":
        for way, rates in content["ways"].items():
            yield from of_rows((f"{way}, {r['batch_size']}", r) for r in rates)
    elif name == "kinds":
        yield from of_rows(content["sets"].items())
    else:
        for precision, ways in content["results"].items():
            for way, rounds in ways.items():
                if "images_per_second" in rounds[0]:
                    rates = [one["images_per_second"] for one in rounds]
                    value = round(statistics.median(rates))
                    yield f"{way}, {precision}", "images_per_second", value


def of_rows(rows) -> Iterator[tuple[str, str, float]]:
    """The numbers of rows; words and lists are left out, parameters added up."""
    for name, row in rows:
        for quantity, value in row.items():
            if quantity == "parameters":
                yield name, quantity, sum(value)
            elif isinstance(value, int | float):
                yield name, quantity, value


def main() -> None:
    lines, sources = [], {}
    for name, command in COMMANDS.items():
        path = RESULTS / f"{name}.json"
        if not path.exists():
            print(f"{name}: not there yet; made by {command}")
            continue
        content = json.loads(path.read_text())
        machine = content.get("machine") or {
            key: content[key] for key in ("processor", "cores", "tensorflow", "date")
        }
        sources[name] = {"command": command, "machine": machine}
        lines += [(name, *line) for line in numbers(name, content)]
    part = TABLE.with_suffix(".part")
    with part.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(FIELDS)
        table.writerows(lines)
    part.replace(TABLE)
    made = {"command": "python benchmarks/costs.py", "benchmarks": sources}
    write_json(TABLE.with_suffix(".json"), made)


if __name__ == "__main__":
    main()
