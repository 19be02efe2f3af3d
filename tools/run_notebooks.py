"""Run every notebook from top to bottom, and make the readable course of them.

Each notebook gets a fresh kernel of this very Python. The executed notebooks land in
build/executed/, the course as a website in build/course/. With --store, the outputs are
written back into notebooks/ too, without what changes from run to run.

    python tools/run_notebooks.py [--store] [NUMBER ...]      # all, or some: 3 6
"""

import argparse
import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import build_site
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from dcgan_keras.edge import Stopped, run_command
from dcgan_keras.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
EXECUTED = ROOT / "build" / "executed"
COURSE = ROOT / "build" / "course"
ARTIFACTS = ROOT / "build" / "artifacts"  # where notebooks put files, by number
STOPS = signal.SIGINT, signal.SIGTERM
KERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
KERNEL.append("--log-level=ERROR")  # no word about encryption on one's own machine


def kernel_of(python: str) -> type[AsyncKernelManager]:
    """Kernels of one Python, whatever kernels the user has."""

    class OnePython(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            """The one kernel there is."""
            argv = [python, *KERNEL]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    return OnePython


class Client(NotebookClient):
    """Stops at Ctrl-C and SIGTERM, where nbclient goes on with the next notebook.

    Attributes:
        stopped_by: the number of the signal that came.
    """

    stopped_by = None

    async def async_start_new_kernel(self, **kwargs):
        """Start it with this class's handlers in place of those just set."""
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            self.stopped_by = number  # without its kernel the notebook ends, too
            self.ending = loop.create_task(self.km.shutdown_kernel(now=True))

        with contextlib.suppress(NotImplementedError, RuntimeError):  # as nbclient does
            for number in STOPS:
                loop.add_signal_handler(number, stop, number)
        await super().async_start_new_kernel(**kwargs)


class Failure(Exception):
    """A notebook that did not run to its end; says in which cell, and why."""


def execute(
    notebook: nbformat.NotebookNode,
    folder: Path,
    python: str = sys.executable,
    env: dict[str, str] | None = None,
    timeout: int = 600,
) -> None:
    """Run all cells in place.

    Args:
        notebook: what to run; its cells get the outputs.
        folder: the kernel's working directory.
        python: the interpreter of the kernel, by default the one that runs this.
        env: the kernel's environment, by default this process's own.
        timeout: of a cell, in seconds.

    Raises:
        Failure: a cell raised, or the kernel died.
        edge.Stopped: by Ctrl-C or SIGTERM.
    """
    running = {"index": 0}
    client = Client(
        notebook,
        kernel_manager_class=kernel_of(python),
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=lambda cell, cell_index: running.update(index=cell_index),
    )
    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        client.execute(env=os.environ if env is None else env)
    except Exception as error:
        if not client.stopped_by:
            raise Failure(explain(notebook, running["index"], error)) from error
    finally:  # nbclient leaves the system's own
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
    if client.stopped_by:  # also while the kernel of a whole run ended
        atexit.unregister(client._cleanup_kernel)  # it is gone
        raise Stopped(client.stopped_by)


def explain(notebook: nbformat.NotebookNode, index: int, error: Exception) -> str:
    """The cell that failed, its first line and its error, for a person to read."""
    source = notebook.cells[index].source.strip().splitlines() or [""]
    if isinstance(error, CellExecutionError):
        reason = f"{error.ename}: {error.evalue}"
    else:
        reason = f"{type(error).__name__}: {str(error).strip()}"
    return f"cell {index} ({source[0]}): {reason}"


def warnings_in(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells wrote to stderr, each with its cell's number."""
    return [
        f"cell {number}: {output.text.strip()}"
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove what a run leaves besides its outputs: times, widget states, versions."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def run(path: Path, store: bool) -> float:
    """Run one notebook, and return the seconds that the run took."""
    notebook = build_site.read_notebook(path)
    started, failure = time.perf_counter(), None
    try:
        execute(notebook, path.parent)
    except Failure as error:
        failure = error
    seconds = time.perf_counter() - started
    content = f"{nbformat.writes(clean(notebook))}\n".encode()
    write_whole(EXECUTED / path.name, content)
    if failure:
        raise failure
    if store:
        write_whole(path, content)
    return seconds


def chosen(numbers: list[int]) -> list[Path]:
    """The notebooks with these numbers, in order; all if there are none."""
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    return [path for path in paths if not numbers or int(path.name[:2]) in numbers]


def number(text: str) -> int:
    """For argparse: the number of a notebook that there is."""
    if not text.isdecimal() or not chosen([int(text)]):
        known = ", ".join(str(int(path.name[:2])) for path in chosen([]))
        raise argparse.ArgumentTypeError(f"expected one of {known}; got {text}")
    return int(text)


def main() -> int:
    """Run the notebooks, build the site, and return 1 if any of that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("numbers", nargs="*", type=number, metavar="NUMBER")
    parser.add_argument("--store", action="store_true", help="write outputs back")
    options = parser.parse_args()
    paths, failures = chosen(options.numbers), []
    build_site.check_own(COURSE)
    if not options.numbers:
        for old in (EXECUTED, ARTIFACTS):
            shutil.rmtree(old, ignore_errors=True)
    EXECUTED.mkdir(parents=True, exist_ok=True)
    for place, path in enumerate(paths, start=1):
        print(f"[{place}/{len(paths)}] {path.name} ", end="", flush=True)
        try:
            seconds = run(path, options.store)
            print(f"{seconds:.0f} s", flush=True)
        except Failure as failure:
            failures.append(f"{path.name}, {failure}")
            print("FAILED", flush=True)
    try:
        index = build_site.build(COURSE, fresh=sorted(EXECUTED.glob("*.ipynb")))
        print(f"The course, to read in a browser: {index.relative_to(ROOT)}")
    except subprocess.CalledProcessError:
        failures.append("the site: see Sphinx's warnings above")
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return min(len(failures), 1)


if __name__ == "__main__":
    sys.exit(run_command("run_notebooks", main, debug=None))
