"""What all tests share."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator

import pytest

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors in the course's code, not in Jupyter's, which runs it here.

    A warning in a notebook is text in its output, which is compared all the same.
    """
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.filterwarnings("default"))


def pytest_collection_finish() -> None:
    """Spare Python's search for garbage the half million objects of the libraries."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def forgotten_graphs() -> Iterator[None]:
    """Give the memory of a module's traced graphs back; a worker took 7 GB without it.

    TensorFlow enters the gradient of each ``custom_gradient`` that it meets in a table
    and takes none out; a strategy's sum over replicas is one, so each training step
    that Keras traced would stay, with all its graph.
    """
    yield
    if "tensorflow" not in sys.modules:
        return
    from tensorflow.python.framework import ops

    table = ops.gradient_registry._registry
    if names := [name for name in table if name.startswith("CustomGradient-")]:
        for name in names:
            del table[name]
        gc.collect()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":  # noqa: F821
    """The system's Chromium, driven by Playwright, which downloads nothing.

    It ends with its module: as long as Playwright's loop runs, an interrupt that a test
    of another module sends to itself would end the whole session.
    """
    found = filter(None, map(shutil.which, CHROMIUMS))
    path = os.environ.get("CHROMIUM") or next(found, None)
    if not path:
        pytest.skip(
            "no Chromium is here, so no page was looked at in a browser"
            " (Debian, Ubuntu: apt install chromium)"
        )
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()
