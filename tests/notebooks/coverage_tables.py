"""The tables in coverage/: which cell shows which concept of the syllabus."""

import re

from notebook_rules import PICTURES, Notebook, output_text, tags

LAST_ROWS = {
    "01": 6,
    "02": 12,
    "03": 11,
    "04": 8,
    "05": 11,
    "06": 9,
    "07": 4,
    "08": 5,
    "09": 5,
    "10": 5,
}
EXPECTED = {
    number: [f"{int(number)}.{row}" for row in range(1, last + 1)]
    for number, last in LAST_ROWS.items()
}


def read_table(markdown: str) -> dict[str, str]:
    """The evidence column of a table `| row | concept | evidence |`, by row."""
    table = {}
    for line in markdown.splitlines():
        columns = [part.strip() for part in re.split(r"(?<!\\)\|", line)][1:-1]
        if columns and re.fullmatch(r"\[?\d+\.\d+\]?", columns[0]):
            evidence = columns[2].replace(r"\|", "|") if len(columns) == 3 else ""
            table[columns[0].strip("[]")] = evidence
    return table


def complaints(notebook: Notebook, markdown: str, number: str) -> list[str]:
    """What the table promises and the notebook does not keep."""
    table = read_table(markdown)
    found = [f"no row {row}" for row in EXPECTED.get(number, []) if row not in table]
    for row, evidence in table.items():
        cells = [c for c in notebook["cells"] if f"row-{row}" in tags(c)]
        if {cell["cell_type"] for cell in cells} != {"code", "markdown"}:
            found.append(f"row {row}: needs a code and a prose cell tagged row-{row}")
        results = [output for cell in cells for output in cell.get("outputs", [])]
        found += [f"row {row}: {lack}" for lack in lacking(evidence, results)]
    return found


def lacking(evidence: str, results: list[dict]) -> list[str]:
    """The pieces of evidence that are not among the outputs."""
    pieces = re.findall(r"`([^`]+)`|\b(figure)\b", evidence)
    wanted = [exact or figure for exact, figure in pieces]
    said = "\n".join(output_text(output) for output in results)
    shown = any(set(PICTURES) & set(output.get("data", {})) for output in results)
    found = [] if wanted else ["no evidence is named"]
    for piece in wanted:
        if not (shown if piece == "figure" else piece in said):
            found.append(f"{piece!r} is not in the output of its cells")
    return found
