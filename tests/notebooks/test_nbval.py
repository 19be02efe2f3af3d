"""nbval as `make test` uses it: it must see one changed character."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import run_notebooks
from nbformat import v4

RESULT = "0.6931"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """A tiny notebook, run by the course's own runner."""
    cells = [v4.new_code_cell("import math"), v4.new_markdown_cell("ln 2:")]
    cells.append(v4.new_code_cell("print(f'{math.log(2):.4f}')"))
    notebook = v4.new_notebook(cells=cells)
    run_notebooks.execute(notebook, tmp_path_factory.mktemp("kernel"))
    return run_notebooks.clean(notebook)


def nbval(notebook: nbformat.NotebookNode, folder: Path) -> tuple[int, str]:
    """Exit code and words of pytest with the Makefile's nbval options."""
    nbformat.write(notebook, folder / "made_up.ipynb")
    makefile = Path(__file__).parents[2] / "Makefile"
    options = re.findall(r"--nbval\S*", makefile.read_text())
    command = [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, "made_up.ipynb"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_stored_result_passes(executed: nbformat.NotebookNode, tmp_path: Path) -> None:
    """What was stored is what comes again."""
    assert executed.cells[2].outputs[0].text == f"{RESULT}\n"
    assert nbval(executed, tmp_path)[0] == 0


def test_one_character_fails(executed: nbformat.NotebookNode, tmp_path: Path) -> None:
    """A stored result that differs in its last digit is refused."""
    changed = copy.deepcopy(executed)
    changed.cells[2].outputs[0].text = "0.6932\n"
    code, said = nbval(changed, tmp_path)
    assert code == 1
    assert "1 failed" in said
    assert "0.6932" in said


def test_runner_stores_nothing_that_changes(executed: nbformat.NotebookNode) -> None:
    """Counts from 1, no times, no versions; the ids as they were."""
    again = copy.deepcopy(executed)
    run_notebooks.execute(again, Path.cwd())
    assert run_notebooks.clean(again) == executed
    assert again.metadata["language_info"] == {"name": "python"}


def test_runner_names_cell_and_error(tmp_path: Path) -> None:
    """A notebook that fails says where and why."""
    cells = [v4.new_markdown_cell("One."), v4.new_code_cell("1 / 0")]
    with pytest.raises(run_notebooks.Failure) as failure:
        run_notebooks.execute(v4.new_notebook(cells=cells), tmp_path)
    assert str(failure.value) == "cell 1 (1 / 0): ZeroDivisionError: division by zero"


def test_kernel_is_this_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel named python3 in the user's home does not take over."""
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    kernel.joinpath("kernel.json").write_text('{"argv": ["false"], "display_name": ""}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    cells = [v4.new_code_cell("import sys\nprint(sys.executable)")]
    notebook = v4.new_notebook(cells=cells)
    run_notebooks.execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0].text.strip() == sys.executable
