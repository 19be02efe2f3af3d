"""Open copies of the notebooks in JupyterLab, so that the stored ones stay as they are.

    python tools/lab.py [JUPYTER'S OPTIONS]

The copies are in lab/, which git does not track and `make clean` does not touch: run
them, change them, save them. A copy that you have changed is yours and is never written
to; one that you have not changed follows the course.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from dcgan_keras.edge import Stopped, run_command
from dcgan_keras.files import write_whole

ROOT = Path(__file__).resolve().parent.parent
COPIES = ROOT / "lab"  # beside notebooks/, so that links between files hold
KEPT = ".as_copied.json"  # what each copy was when it was made


def digest(content: bytes) -> str:
    """A name for a file's content."""
    return hashlib.sha256(content).hexdigest()


def copy_notebooks(source: Path, target: Path) -> str:
    """Copy what is not there, and renew what its owner has not changed.

    Args:
        source: the folder of the stored notebooks.
        target: the folder of the copies, made if it is not there.

    Returns:
        One line that says what was done.
    """
    note = target / KEPT
    try:
        copied = dict(json.loads(note.read_text("utf-8")))
    except (OSError, TypeError, ValueError):  # none yet, or damaged
        copied = {}  # then whatever differs counts as changed
    made, own = 0, []
    for original in sorted(source.glob("*.ipynb")):
        name, content = original.name, original.read_bytes()
        copy = target / name
        there = digest(copy.read_bytes()) if copy.is_file() else None
        if there is not None and there != copied.get(name, digest(content)):
            own.append(name)
            continue
        if there != digest(content):
            write_whole(copy, content)
            made += 1
        copied[name] = digest(content)
        write_whole(note, json.dumps(copied, indent=1).encode())
    said = f"{target.name}/ has copies of the notebooks for you: {made} written now"
    return f"{said}, {len(own)} with your changes left alone."


def main() -> int:
    """Copy, say so, and start JupyterLab."""
    print(copy_notebooks(ROOT / "notebooks", COPIES), flush=True)
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={COPIES}"]
    try:
        return subprocess.call([*command, *sys.argv[1:]])
    except Stopped:
        raise
    except KeyboardInterrupt:  # Jupyter has been told, too
        return 0


if __name__ == "__main__":
    sys.exit(run_command("lab", main, debug=None))
