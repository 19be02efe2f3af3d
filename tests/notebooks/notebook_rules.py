"""What a notebook of the course must be: one function a rule.

Each returns its complaints. A notebook is its parsed JSON: nothing is
repaired on the way in.
"""

import json
import re
from collections.abc import Callable, Iterator

Notebook = dict
Cell = dict

IGNORED = {"nbval-ignore-output", "nbval-skip"}
MACHINE = re.compile(r"/(root|home|tmp|work|Users|usr|opt|var)/|[A-Z]:\\|site-packages")
BAR = re.compile(r"\d+%\||\d(it|step)s?/s|━")
PICTURES = ("image/png", "image/gif", "image/jpeg", "image/svg+xml")


def text(cell: Cell) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def tags(cell: Cell) -> set[str]:
    """The tags of a cell."""
    return set(cell["metadata"].get("tags", []))


def code_cells(notebook: Notebook) -> list[Cell]:
    """The cells that run."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prose_cells(notebook: Notebook) -> list[Cell]:
    """The cells that are read."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def outputs(notebook: Notebook) -> Iterator[tuple[str, Cell, dict]]:
    """Every output, with its cell and a name for that cell."""
    for index, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            yield f"cell {index}", cell, output


def output_text(output: dict) -> str:
    """What an output says in words: a stream, or text/plain."""
    data = output.get("data", {})
    return "".join(output.get("text", "")) + "".join(data.get("text/plain", ""))


def main_line(notebook: Notebook) -> list[Cell]:
    """The cells before the heading "Going deeper"."""
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown" and re.search(
            r"^#+ .*going deeper", text(cell), re.IGNORECASE | re.MULTILINE
        ):
            return notebook["cells"][:index]
    return notebook["cells"]


def executed(notebook: Notebook) -> list[str]:
    """Executed from top to bottom, once: a stripped notebook would compare nothing."""
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"execution counts are {counts}, not 1 to {len(counts)}"]


def quiet(notebook: Notebook) -> list[str]:
    """No error, nothing on stderr, no progress bar, no path of a machine."""
    found = []
    for where, cell, output in outputs(notebook):
        said = output_text(output)
        if output["output_type"] == "error" and "raises-exception" not in tags(cell):
            found.append(f"{where}: a stored error, {output['ename']}")
        if output.get("name") == "stderr":
            found.append(f"{where}: stderr, {said[:60]!r}")
        if path := MACHINE.search(said):
            found.append(f"{where}: a path of a machine, {path.group()!r}")
        if BAR.search(said):
            found.append(f"{where}: a progress bar")
    return found


def identified(notebook: Notebook) -> list[str]:
    """Each cell has an id of its own."""
    ids = [cell.get("id") for cell in notebook["cells"]]
    twice = sorted({str(one) for one in ids if one is None or ids.count(one) > 1})
    return [f"cell id missing or used twice: {', '.join(twice)}"] if twice else []


def portable(notebook: Notebook) -> list[str]:
    """The kernel that everyone has; no widget states, times or versions of one run."""
    metadata, found = notebook["metadata"], []
    if metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernelspec is not python3")
    if set(metadata) - {"kernelspec", "language_info"}:
        found.append(f"metadata {sorted(set(metadata))}: kernelspec, language_info do")
    if "version" in metadata.get("language_info", {}):
        found.append("language_info names the version of one machine's Python")
    if any("execution" in cell["metadata"] for cell in notebook["cells"]):
        found.append("cells carry the times of one run")
    return found


def light(notebook: Notebook) -> list[str]:
    """A file that opens at once: at most 1 MB on disk."""
    size = len(json.dumps(notebook)) / 1e6
    return [f"{size:.1f} MB, above 1"] if size > 1 else []


def guarded(notebook: Notebook) -> list[str]:
    """Where nbval does not compare what is printed, the cell asserts it."""
    return [
        f"cell {index}: its output is not compared, and it has no assert"
        for index, cell in enumerate(notebook["cells"])
        if IGNORED & tags(cell) and "setup" not in tags(cell)
        if not re.search(r"^\s*assert ", text(cell), re.MULTILINE)
    ]


def informative(notebook: Notebook) -> list[str]:
    """A number, not a verdict: nothing in the main line ends in a bare True."""
    main = main_line(notebook)
    return [
        f"{where}: ends in {said[-40:]!r}"
        for where, cell, output in outputs(notebook)
        if cell in main and (said := output_text(output).rstrip())
        if re.search(r"\b(True|False)$", said, re.MULTILINE)
    ]


def ordered(notebook: Notebook) -> list[str]:
    """The main line first, then what goes deeper, with the table of the sources."""
    headings = re.findall(
        r"^#+ .*$", "\n".join(map(text, prose_cells(notebook))), re.MULTILINE
    )
    wanted = ("going deeper", "where the sources differ")
    return [
        f"no heading '{name}'"
        for name in wanted
        if not any(name in heading.lower() for heading in headings)
    ]


def narrow(notebook: Notebook) -> list[str]:
    """No line of code beyond the 100 columns that the page shows."""
    return [
        f"cell {index}: a line of {len(line)} columns, above 100"
        for index, cell in enumerate(notebook["cells"])
        for line in text(cell).splitlines()
        if cell["cell_type"] == "code" and len(line) > 100
    ]


def described(notebook: Notebook) -> list[str]:
    """Every picture has words for those who cannot see it."""
    found = []
    for where, _, output in outputs(notebook):
        for kind in set(PICTURES) & set(output.get("data", {})):
            alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
            if len(alt.split()) < 3:
                found.append(f"{where}: {kind} with the alt text {alt!r}")
    return found


def opened(notebook: Notebook) -> list[str]:
    """A question as title, what is learnt, what is needed, how long; the setup."""
    first, code = text(notebook["cells"][0]), code_cells(notebook)
    title = first.splitlines()[0] if first else ""
    found = []
    if not re.search(r"minute|second", first):
        found.append("the opening does not say how long it takes")
    if not (title.startswith("# ") and title.rstrip().endswith("?")):
        found.append(f"the title is not a question: {title!r}")
    if [cell for cell in code if "setup" in tags(cell)] != code[:1]:
        found.append("the first code cell, and no other, is to be tagged setup")
    return found


def exercised(notebook: Notebook) -> list[str]:
    """Three to five exercises, each a stub, its check and its solution."""
    cells = notebook["cells"]
    found, starts = [], [i for i, c in enumerate(cells) if "exercise" in tags(c)]
    if not 3 <= len(starts) <= 5:
        found.append(f"{len(starts)} exercises, not 3 to 5")
    for i in starts:
        following = cells[i + 1 : i + 3]
        kinds = [sorted(tags(c) & {"check", "solution"}) for c in following]
        if kinds != [["check"], ["solution"]]:
            found.append(f"cell {i}: an exercise without its check and solution")
            continue
        said = "".join(output_text(output) for output in following[0]["outputs"])
        if "not attempted" not in said:
            found.append(f"cell {i + 1}: the check does not say 'not attempted'")
        if not {"<details>", "</details>", "```python"} <= set(
            re.findall(r"</?details>|```python", text(following[1]))
        ):
            found.append(f"cell {i + 2}: no folded solution in Python")
    return found


def comparable(notebook: Notebook) -> list[str]:
    """No cell ends in a semicolon, which nbval takes for a missing output."""
    return [
        f"cell {index} ends in a semicolon"
        for index, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code" and text(cell).rstrip().endswith(";")
    ]


RULES: dict[str, Callable[[Notebook], list[str]]] = {
    rule.__name__: rule
    for rule in (
        executed,
        quiet,
        identified,
        portable,
        light,
        narrow,
        described,
        guarded,
        informative,
        ordered,
        opened,
        exercised,
        comparable,
    )
}
