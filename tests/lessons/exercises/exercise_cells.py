"""A notebook's exercises as its learner meets them: the setup, the stub, the check."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "notebooks"


class Exercises:
    """The exercises of one notebook, numbered from 0."""

    def __init__(self, name: str):
        notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        self.cells = notebook["cells"]

    def tagged(self, tag: str) -> list[str]:
        """The sources of the cells with a tag, in order."""
        return [
            "".join(cell["source"])
            for cell in self.cells
            if tag in cell["metadata"].get("tags", [])
        ]

    def setup(self) -> dict:
        """The names that the setup cell leaves."""
        namespace: dict = {}
        exec(self.tagged("setup")[0].replace("%pip install", "raise #"), namespace)
        return namespace

    def check_stub(self, number: int, setup: dict) -> None:
        """Run a stub and its check, which prints."""
        self._check(number, dict(setup))

    def check_solution(self, number: int, setup: dict) -> None:
        """Run a stub, the folded solution and the check, which prints."""
        solution = self.tagged("solution")[number]
        self._check(
            number, dict(setup), solution.split("```python\n")[1].split("```")[0]
        )

    def _check(self, number: int, namespace: dict, solution: str = "") -> None:
        exec(self.tagged("exercise")[number], namespace)
        exec(solution, namespace)
        exec(self.tagged("check")[number], namespace)
