"""Files written whole or not at all, and the files that the course carries."""

import contextlib
import os
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file under another name, then move it into place.

    Args:
        path: where it belongs; its folder is made if it is not there.
        content: the bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def find_data(relative: str) -> Path:
    """A file of the course's data/ folder, in a clone or in an installed package.

    Args:
        relative: its path below data/, such as "classifier/mnist.npz".

    Returns:
        The path of the first that exists: data/ beside the package (a clone, also
        when installed with ``pip install -e``), then ``dcgan_keras/data_files/``
        (a wheel carries the folder there).

    Raises:
        FileNotFoundError: naming both places.
    """
    places = [PACKAGE.parent / "data" / relative, PACKAGE / "data_files" / relative]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{relative} was not found; looked for {' and '.join(map(str, places))}. "
        "Work in a clone of the course, or install a wheel built from one."
    )
