"""Files written whole or not at all, read with suspicion, and found.

Every reader of the package works in the same way: ``open_regular`` opens, and whatever
goes wrong inside ``decoding`` becomes one type of error, ``UnreadableFile``, whose
sentence begins with the file's name.
"""

import contextlib
import csv
import errno
import functools
import io
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

PACKAGE = Path(__file__).resolve().parent
MOST_JSON = 2**22  # bytes; a configuration has 700, and the names of its classes
MOST_LINE = 2**16  # characters in a line of a table
MOST_SAID = 300  # characters of a damaged file's contents in a message
MOST_NAMED = 100  # bytes of a file's name within its temporary one; disks take 255
TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}", re.DOTALL)  # of what is being written


class UnreadableFile(ValueError):
    """A file that is there, and is not what it should be.

    Damaged, cut off, of another kind, larger than it may be, or made for something
    else. The message names the file, what was expected and what came. A file that is
    not there at all is a ``FileNotFoundError``.

    Example:
        >>> raise UnreadableFile("a/weights.npz: expected the weights of a run; ...")
        Traceback (most recent call last):
        ...
        dcgan_keras.files.UnreadableFile: a/weights.npz: expected the weights of a ...
    """


@contextlib.contextmanager
def decoding(path: str | Path, expected: str) -> Iterator[None]:
    """Turn every failure inside into an ``UnreadableFile``.

    Which exceptions zipfile, tarfile, gzip, NumPy, csv and json raise on damaged bytes
    is neither documented nor one family (zlib.error, struct.error, EOFError,
    NotImplementedError, RecursionError, ...), so all of them count. A reader says
    what it finds wrong itself by a ValueError.

    Args:
        path: the file, for the message.
        expected: what it should hold, for the message.

    Raises:
        UnreadableFile: anything was raised inside.

    Example:
        >>> with decoding("a.txt", "a number"):
        ...     number = int("one")
        Traceback (most recent call last):
        ...
        dcgan_keras.files.UnreadableFile: a.txt: expected a number; invalid literal ...
    """
    try:
        yield
    except UnreadableFile:
        raise
    except Exception as error:
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
        raise UnreadableFile(
            f"{path}: expected {expected}; {_one_line(f'{kind}{error}')}"
        ) from error


def open_regular(path: str | Path, expected: str) -> BinaryIO:
    """Open a file for reading, a regular one.

    Args:
        path: the file.
        expected: what it should hold, for the message.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: a folder, a pipe (which would be waited for), or a link that
            leads nowhere.
    """
    path = Path(path)
    with decoding(path, expected):
        if path.is_dir():
            raise ValueError("it is a folder")
        if path.is_symlink() and not path.exists():
            raise ValueError(f"it is a link to {os.readlink(path)}, which is not there")
        if path.exists() and not path.is_file():
            raise ValueError("it is a pipe or a device")
    return path.open("rb")


def read_json(path: str | Path, expected: str) -> dict:
    """The object in a small JSON file.

    Args:
        path: the file, UTF-8, at most ``MOST_JSON`` bytes.
        expected: what it should hold, for the message.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: no JSON, no object, or too many bytes.
    """
    with open_regular(path, expected) as file, decoding(path, expected):
        content = file.read(MOST_JSON + 1)
        if len(content) > MOST_JSON:
            raise ValueError(f"it has more than {MOST_JSON:,} bytes")
        found = json.loads(content.decode("utf-8-sig"))
        if not isinstance(found, dict):
            raise ValueError(f"it holds no object but {found!r}")
        return found


def read_rows(
    path: str | Path, expected: str, columns: Sequence[str] | None = None
) -> Iterator[dict[str, str]]:
    """The rows of a CSV table with a header, one after the other.

    Args:
        path: the file, UTF-8, each line ended.
        expected: what it should hold, for the message.
        columns: the header that it should have; None: any.

    Yields:
        One dict a row, with a text for each column.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: another header, or one that names a column twice; a row with
            fewer or more cells; a line that is cut off.
    """
    with open_regular(path, expected) as file, decoding(path, expected):
        text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        rows = csv.reader(_whole_lines(text), strict=True)
        header = next(rows, [])
        is_clear = len(set(header)) == len(header) > 0
        if not is_clear or list(columns or header) != header:
            raise ValueError(f"its header is {','.join(header)!r}")
        for row in rows:
            if len(row) != len(header):
                raise ValueError(
                    f"line {rows.line_num} has {len(row)} cells, not {len(header)}"
                )
            yield dict(zip(header, row, strict=True))


def _whole_lines(text: io.TextIOBase) -> Iterator[str]:
    lines = iter(functools.partial(text.readline, MOST_LINE), "")
    for number, line in enumerate(lines, 1):
        if not line.endswith("\n"):
            raise ValueError(f"line {number} is cut off, or endless")
        yield line


def printable(text: str) -> str:
    """On one line, and without what would command a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _one_line(text: str) -> str:
    """Printable, in one line, and no longer than somebody reads."""
    text = printable(" ".join(text.split()))
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]} ..."


def check_place(folder: Path) -> None:
    """Refuse an output folder that cannot be made, before the work is done.

    Args:
        folder: it need not be there, nor those above it.

    Raises:
        NotADirectoryError: a file is in its place, or in that of one above it.
    """
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            if not place.is_dir():
                raise NotADirectoryError(
                    f"output (--output): expected a folder, {place} is none"
                )
            return


def check_file(path: Path) -> None:
    """Refuse an output file that cannot be written, before the work is done.

    Args:
        path: it need not be there, nor its folder.

    Raises:
        IsADirectoryError: a folder is in its place.
        NotADirectoryError: see ``check_place``.
        FileExistsError: a pipe or a device is in its place.
        OSError: no disk takes such a name.
    """
    check_place(path.parent)
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(
                f"output (--output): expected a file, {path} is a folder"
            )
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):  # it would be replaced
            raise FileExistsError(
                f"output (--output): expected a file, {path} is a pipe or a device"
            )


def write_whole(path: str | Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file under another name, then move it into place.

    What a kill leaves of it is removed by ``remove_leftovers``.

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
    temporary = path.with_name(f".{_shortened(path.name)}.{secrets.token_hex(4)}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666)  # less the user's umask
    try:
        with os.fdopen(handle, "wb") as file:
            _try_to_lock(handle)
            for piece in pieces:
                file.write(piece)
            file.flush()
            _wait_for_the_disk(handle)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _wait_for_the_disk(handle: int) -> None:
    """Not where the file system has no such call: network and cloud drives."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise


def _shortened(name: str) -> str:
    """As much of a name as a temporary one has room for."""
    start = os.fsencode(name)[:MOST_NAMED]
    return start.decode(sys.getfilesystemencoding(), errors="ignore")


def remove_leftovers(folder: Path, name: str | re.Pattern) -> None:
    """Remove what killed writes left; what is being written now stays.

    So does what is hidden beside it by others: .config.json.swp of an editor,
    .weights.npz.Xy12Za of a copy that is on its way.

    Args:
        folder: where to look; it need not be there.
        name: of the file that was written; or of which names, as a whole.

    Example:
        >>> remove_leftovers(Path("runs/a"), "weights.npz")
    """
    if isinstance(name, str):
        name = re.compile(re.escape(_shortened(name)))
    for path in folder.glob(".*"):
        found = TEMPORARY.fullmatch(path.name)
        if not (found and name.fullmatch(found[1])):
            continue
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
        try:
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        except OSError as error:  # a full disk; the system names no file
            error.filename = str(path)
            raise
        yield
    finally:
        with contextlib.suppress(OSError):
            if is_at(handle, path):  # not another's, in a folder that is a new one
                path.unlink()
        os.close(handle)


def _own_handle(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _try_to_lock(handle):
            number = os.read(handle, 20).decode(errors="replace")
            os.close(handle)
            raise BlockingIOError(f"process {number or 'unknown'}")
        # Its last owner may have removed it in between: then the lock is nobody's.
        if is_at(handle, path):
            return handle
        os.close(handle)


def is_at(handle: int, path: Path) -> bool:
    """Whether what is open is what is found under that name now."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


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
