"""Tests on other versions of the libraries than the newest of requirements.txt."""

from importlib.metadata import version
from pathlib import Path

import pytest

LINES = (Path(__file__).parents[1] / "requirements.txt").read_text().splitlines()
PINNED = [line.split()[0] for line in LINES if line and "< '3.11'" not in line]


def skip_if_other(package: str, error: Exception) -> None:
    """Skip what another version of a library cannot do; with the pinned one, raise."""
    here = version(package)
    if f"{package}=={here}" in PINNED:
        raise error
    pytest.skip(f"{package} {here}: {error}")
