"""`make lab`: copies to work in, and JupyterLab in a real browser."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import lab
import nbformat
import pytest
from playwright.sync_api import Browser, Page, WebSocket

from dcgan_keras.edge import Stopped, run_command

ROOT = Path(__file__).parent.parent
TOKEN = "for-this-test"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Stored notebooks, and where the copies go."""
    source = tmp_path / "notebooks"
    source.mkdir()
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (source / name).write_text(f"{name}, as it was")
    return source, tmp_path / "lab"


def test_copies_are_made_once(folders: tuple[Path, Path]) -> None:
    source, target = folders
    assert "2 written now, 0 with your changes" in lab.copy_notebooks(*folders)
    assert (target / "01_a.ipynb").read_text() == "01_a.ipynb, as it was"
    assert "0 written now, 0 with your changes" in lab.copy_notebooks(*folders)
    (target / "01_a.ipynb").unlink()
    assert "1 written now" in lab.copy_notebooks(*folders)


def test_what_the_owner_changed_is_kept(folders: tuple[Path, Path]) -> None:
    """A changed copy stays, whatever the course does; an unchanged one follows it."""
    source, target = folders
    lab.copy_notebooks(*folders)
    (target / "01_a.ipynb").write_text("my answers")
    for name in ("01_a.ipynb", "02_b.ipynb"):
        (source / name).write_text(f"{name}, renewed")
    assert "1 written now, 1 with your changes" in lab.copy_notebooks(*folders)
    assert (target / "01_a.ipynb").read_text() == "my answers"
    assert (target / "02_b.ipynb").read_text() == "02_b.ipynb, renewed"
    assert "0 written now, 1 with your changes" in lab.copy_notebooks(*folders)


@pytest.mark.parametrize("note", [None, "", "{", "[1]"])
def test_without_its_note_nothing_changed_is_written_to(folders, note) -> None:
    source, target = folders
    lab.copy_notebooks(*folders)
    (target / "01_a.ipynb").write_text("my answers")
    (target / lab.KEPT).unlink()
    if note is not None:
        (target / lab.KEPT).write_text(note)
    assert "0 written now, 1 with your changes" in lab.copy_notebooks(*folders)
    assert (target / "01_a.ipynb").read_text() == "my answers"


def test_make_lab_is_this(folders: tuple[Path, Path]) -> None:
    """The Makefile calls the tool; neither git nor `make clean` touches the folder."""
    text = (ROOT / "Makefile").read_text("utf-8")
    assert "\n\t@$(VENV) tools/lab.py\n" in text.partition("\nlab:")[2]
    assert lab.COPIES == ROOT / "lab"
    assert "/lab/" in (ROOT / ".gitignore").read_text().splitlines()
    assert not re.search(r"\blab\b", text.partition("\nclean:")[2].partition("\n")[2])


def test_a_closed_terminal_is_no_success(folders, monkeypatch, capsys) -> None:
    """Ctrl-C is how one leaves JupyterLab; SIGTERM is not."""
    monkeypatch.setattr(lab, "COPIES", folders[1])
    for error, status in ((KeyboardInterrupt(), 0), (Stopped(signal.SIGTERM), 143)):
        monkeypatch.setattr(lab.subprocess, "call", Mock(side_effect=error))
        assert run_command("lab", lab.main) == status


# The rest in a browser: notebook 02 as far as its slider, and no further.
NAME = "02_the_minimax_loss.ipynb"
NEEDED = ["nb02-001", "nb02-011", "nb02-019"]  # the setup, softplus, the slider


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one short notebook, of cells of the course's own."""
    folder = tmp_path / "clone"
    for name in ("notebooks", "tools"):
        (folder / name).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "lab.py", folder / "tools")
    notebook = nbformat.read(ROOT / "notebooks" / NAME, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id in NEEDED]
    assert [cell.id for cell in notebook.cells] == NEEDED
    nbformat.write(notebook, folder / "notebooks" / NAME)
    return folder


@pytest.fixture
def address(clone: Path, browser: Browser) -> Iterator[str]:
    """JupyterLab, started as `make lab` does, with nothing of this user's settings."""
    why = "JupyterLab is not here, so no slider was moved (pip install jupyterlab)"
    pytest.importorskip("jupyterlab", reason=why)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}"]
    options += ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    kinds = ("CONFIG", "DATA", "RUNTIME")
    own = {f"JUPYTER_{kind}_DIR": str(clone / kind.lower()) for kind in kinds}
    own |= {"IPYTHONDIR": str(clone / "ipython")}
    own |= {"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": str(ROOT)}
    log = clone / "log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [sys.executable, clone / "tools" / "lab.py", *options],
            env=os.environ | own,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 240
        while "is running at" not in log.read_text():
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/{NAME}?token={TOKEN}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the kernels with it
        server.wait(30)


def picture(page: Page) -> str:
    """What the widget's picture shows, as the digest of its bytes."""
    content = page.evaluate(
        """async () => {
          const shown = document.querySelector("img.widget-image");
          const bytes = await (await fetch(shown.src)).arrayBuffer();
          return [...new Uint8Array(bytes)];
        }"""
    )
    assert bytes(content[:4]) == b"\x89PNG"
    return hashlib.sha256(bytes(content)).hexdigest()


def test_a_slider_in_jupyterlab_moves_the_picture(
    clone: Path, address: str, browser: Browser
) -> None:
    """Opened, run, dragged by a key, and saved; the stored notebook stays as it was."""
    stored, copy = clone / "notebooks" / NAME, clone / "lab" / NAME
    before = stored.read_bytes()
    assert copy.read_bytes() == before
    page, asked = browser.new_page(viewport={"width": 1280, "height": 2400}), []
    page.set_default_timeout(240_000)
    page.on("request", lambda request: asked.append(request.url))
    frames: list[bytes] = []

    def as_bytes(frame: str | bytes) -> bytes:
        return frame.encode() if isinstance(frame, str) else frame

    def listen(socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", lambda f: frames.append(as_bytes(f)))

    page.on("websocket", listen)
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    until = time.monotonic() + 240
    while not any(b"comm_info_reply" in frame for frame in frames):
        assert time.monotonic() < until, "no kernel was connected"
        page.wait_for_timeout(200)  # what is run before is lost
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
    page.get_by_text("Run All Cells", exact=True).click()
    handle = page.locator(".widget-slider .noUi-handle")
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']")
    handle.or_(errors).first.wait_for()
    assert errors.all_inner_texts() == []
    page.locator("img.widget-image").wait_for()
    first = picture(page)
    handle.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.locator(".widget-readout", has_text="2.50").wait_for()
    until = time.monotonic() + 60
    while picture(page) == first and time.monotonic() < until:
        page.wait_for_timeout(200)  # the kernel draws
    assert picture(page) != first
    assert (
        page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    )
    page.keyboard.press("Escape")
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Control+s")
    until = time.monotonic() + 60
    while copy.read_bytes() == before and time.monotonic() < until:
        page.wait_for_timeout(200)
    page.close()
    counts = [cell["execution_count"] for cell in json.loads(copy.read_text())["cells"]]
    assert (
        counts
        == [1, 2, 3]
        != [c["execution_count"] for c in json.loads(before)["cells"]]
    )
    assert stored.read_bytes() == before
    home = address.split("/lab")[0]
    assert [url for url in asked if not url.startswith((home, "data:", "blob:"))] == []
    said = lab.copy_notebooks(clone / "notebooks", clone / "lab")
    assert "0 written now, 1 with your changes" in said
