"""Files written whole or not at all, and the files that the course carries."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def write_whole(path: str | Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file under another name, then move it into place.

    What a kill leaves of it is ``.<name>.<eight letters>``: see ``remove_leftovers``.

    Args:
        path: where it belongs; its folder is made if it is not there.
        content: the bytes, or pieces of them that are made as they are written.

    Raises:
        OSError: it cannot be written; the error names ``path``, and what was there
            before is there still.
    """
    path = Path(path)
    try:
        _write_whole(path, [content] if isinstance(content, bytes) else content)
    except OSError as error:
        if error.errno is not None:  # the system's own; it knows the other name
            error.filename, error.filename2 = str(path), None
        raise


def _write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            _try_to_lock(handle)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove what killed writes left; what is being written now stays.

    Args:
        folder: where to look; it need not be there.
        pattern: of the names, as for ``Path.glob``; they begin with a dot.

    Example:
        >>> remove_leftovers(Path("runs/a"), ".weights.npz.*")
    """
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):  # gone already; or Windows, where it is open
            handle = os.open(path, os.O_RDWR)
            try:
                if _try_to_lock(handle):
                    path.unlink()
            finally:
                os.close(handle)


@contextlib.contextmanager
def lock_file(path: Path):
    """Hold a lock that one process at a time can hold, and that ends with it.

    The system holds it, so that a killed process leaves a file without a lock. Where
    the system or the file system knows no locks, there is none.

    Args:
        path: of a file for this purpose; it is removed afterwards.

    Raises:
        BlockingIOError: another process holds it; the message names its number.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _own_handle(path)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def _own_handle(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_to_lock(handle):
            number = os.read(handle, 20).decode(errors="replace")
            os.close(handle)
            raise BlockingIOError(f"process {number or 'unknown'}")
        # Its last owner may have removed it in between: then the lock is nobody's.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)


def _try_to_lock(handle: int) -> bool:
    """Whether nobody else holds a lock on an open file; held until it is closed."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


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
