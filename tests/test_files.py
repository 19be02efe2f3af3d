"""Files: whole or not at all, and found in a clone or in an installed package."""

import contextlib
import errno
import os
import re
import subprocess
import sys

import pytest

from dcgan_keras import files
from dcgan_keras.files import (
    MOST_JSON,
    UnreadableFile,
    check_file,
    decoding,
    find_data,
    lock_file,
    open_regular,
    read_json,
    read_rows,
    remove_leftovers,
    write_whole,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "a.bin"
    for content in (b"one", b"", b"three"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert names(path.parent) == ["a.bin"]


@pytest.mark.parametrize(
    ("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)]
)
def test_who_may_read_a_file_is_the_users_choice(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        for _ in range(2):  # new, and replaced
            write_whole(tmp_path / "a", b"one")
            assert (tmp_path / "a").stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_crash_leaves_the_last_whole_file(tmp_path, monkeypatch, where, error):
    path = tmp_path / "a.bin"
    write_whole(path, b"whole")

    def crash(*args, **options):
        raise error

    monkeypatch.setattr(files.os, where, crash)
    with pytest.raises(type(error)):
        write_whole(path, b"half")
    assert path.read_bytes() == b"whole" and names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_drive_that_cannot_be_waited_for_is_written(tmp_path, monkeypatch, number):
    def unknown(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", unknown)
    write_whole(tmp_path / "a.bin", b"whole")
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.bin"]


def test_nobody_sees_a_half_written_file(tmp_path, monkeypatch):
    """At the moment of the last step the old content is there, and the new is whole."""
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    seen = []
    replace = os.replace

    def look(source, target):
        with open(source, "rb") as file:
            seen.append((path.read_bytes(), file.read()))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", look)
    write_whole(path, b"new")
    assert seen == [(b"old", b"new")] and path.read_bytes() == b"new"


def test_a_file_can_be_written_in_pieces(tmp_path):
    write_whole(tmp_path / "a", (bytes([n]) * 3 for n in (65, 66)))
    assert (tmp_path / "a").read_bytes() == b"AAABBB"


def test_what_cannot_be_written_is_named_not_its_temporary_name(tmp_path, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left", "/tmp/.a.bin.12345678")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(tmp_path / "a.bin", b"half")
    assert caught.value.filename == str(tmp_path / "a.bin")
    assert caught.value.errno == errno.ENOSPC and names(tmp_path) == []


# What is read with suspicion ---------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("too short"), "a.x: expected an x; too short"),
        (KeyError("b"), "a.x: expected an x; KeyError: 'b'"),
        (RecursionError(), "a.x: expected an x; RecursionError:"),
        (
            OSError("two\n\n  lines\0\x1b[31m"),
            r"expected an x; OSError: two lines\x00\x1b[31m",
        ),
        (EOFError("x" * 999), "x" * 250),
        (UnreadableFile("b.x: told already"), "b.x: told already"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_every_failure_of_decoding_is_one_type_and_one_line(error, said):
    with pytest.raises(UnreadableFile) as caught:
        with decoding("a.x", "an x"):
            raise error
    text = str(caught.value)
    assert said in text and "\n" not in text and len(text) < 350
    assert caught.value is error or caught.value.__cause__ is error
    assert isinstance(caught.value, ValueError)


def test_an_interruption_is_no_unreadable_file():
    with pytest.raises(KeyboardInterrupt):
        with decoding("a.x", "an x"):
            raise KeyboardInterrupt


def test_only_regular_files_are_opened(tmp_path):
    for name, make in {
        "folder": lambda path: path.mkdir(),
        "pipe": os.mkfifo,
        "link to nowhere": lambda path: path.symlink_to(tmp_path / "nowhere"),
    }.items():
        path = tmp_path / name
        make(path)
        with pytest.raises(UnreadableFile, match=f"{name}: expected x; it is a"):
            open_regular(path, "x")
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none", "x")
    write_whole(tmp_path / "a", b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with open_regular(tmp_path / "link", "x") as file:
        assert file.read() == b"12345"


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"3", b"null", b'{"a": ', b"\xff\xfe{\0}\0", b"{'a': 1}"),
        *(b"[" * 50_000, b"{}" + b" " * MOST_JSON),
    ],
    ids=lambda content: content[:8].decode("latin1") + str(len(content)),
)
def test_what_is_no_json_object_is_refused(tmp_path, content):
    write_whole(tmp_path / "a.json", content)
    with pytest.raises(UnreadableFile, match=r"a\.json: expected an object; "):
        read_json(tmp_path / "a.json", "an object")


def test_an_object_of_any_sensible_size_is_read(tmp_path):
    """A configuration has less than a kilobyte; sixty may come."""
    write_whole(tmp_path / "a.json", b'{"a": "' + b"x" * 60_000 + b'"}')
    assert len(read_json(tmp_path / "a.json", "an object")["a"]) == 60_000
    write_whole(tmp_path / "a.json", b"{}" + b" " * (MOST_JSON - 2))
    assert read_json(tmp_path / "a.json", "an object") == {}


def test_json_of_an_editor_on_windows_is_read(tmp_path):
    write_whole(tmp_path / "a.json", b'\xef\xbb\xbf{"a": "\xc3\xa9"}\r\n')
    assert read_json(tmp_path / "a.json", "an object") == {"a": "é"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its header is ''"),
        (b"\n1,2\n", "its header is ''"),
        (b"a,c\n1,2\n", "its header is 'a,c'"),
        (b"a,b,c\n1,2,3\n", "its header is 'a,b,c'"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 cells, not 2"),
        (b"a,b\n1,2\n\n", "line 3 has 0 cells, not 2"),
        (b"a,b\n1,2,3\n", "line 2 has 3 cells, not 2"),
        (b"a,b\n1,2", "line 2 is cut off"),
        (b"a,b\n1," + b"2" * 10**6 + b"\n", "line 2 is cut off, or endless"),
        (b"a,b\n1,\xff\n", "UnicodeDecodeError"),
        (b'a,b\n1,"2\n', "Error: unexpected end of data"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, content, said):
    write_whole(tmp_path / "a.csv", content)
    with pytest.raises(UnreadableFile, match=f"a.csv: expected a table; .*{said}"):
        list(read_rows(tmp_path / "a.csv", "a table", ("a", "b")))


def test_two_columns_of_one_name_are_refused(tmp_path):
    """A row is a dict, where one would hide the other."""
    write_whole(tmp_path / "a.csv", b"a,b,a\n1,2,3\n")
    with pytest.raises(UnreadableFile, match="its header is 'a,b,a'"):
        next(read_rows(tmp_path / "a.csv", "a table"))


def test_a_table_is_read_row_by_row(tmp_path):
    write_whole(tmp_path / "a.csv", b'a,b\r\n1,"x,y"\r\n2\r\n')
    rows = read_rows(tmp_path / "a.csv", "a table")
    assert next(rows) == {"a": "1", "b": "x,y"}  # the damage behind is not met yet
    with pytest.raises(UnreadableFile, match="line 3"):
        next(rows)


# What the course carries -------------------------------------------------------


def test_data_are_found_in_a_clone_and_in_a_wheel(tmp_path, monkeypatch):
    """Beside the package, else in data_files/ inside of it, else both are named."""
    package = tmp_path / "site" / "dcgan_keras"
    monkeypatch.setattr(files, "PACKAGE", package)
    inside, beside = package / "data_files" / "a.npz", tmp_path / "site/data/a.npz"
    with pytest.raises(FileNotFoundError) as caught:
        find_data("a.npz")
    assert str(inside) in str(caught.value) and str(beside) in str(caught.value)
    write_whole(inside, b"in the wheel")
    assert find_data("a.npz") == inside
    write_whole(beside, b"in the clone")
    assert find_data("a.npz") == beside


# What killed writes leave ----------------------------------------------------

PROCESS = """
import os, sys, time
from pathlib import Path
from dcgan_keras.files import lock_file, write_whole
def pieces():
    yield b"half"
    print("there", flush=True)
    time.sleep(60)
path = Path(sys.argv[2])
if sys.argv[1] == "write":
    write_whole(path, pieces())
with lock_file(path):
    print("there", flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def process(what, path):
    """Another process that is in the middle of it; killed at the end."""
    command = [sys.executable, "-c", PROCESS, what, str(path)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"there\n"
        yield other
    finally:
        other.kill()
        other.communicate()


def test_only_what_a_dead_process_left_is_removed(tmp_path):
    path = tmp_path / "a.bin"
    write_whole(path, b"whole")
    (tmp_path / ".a.bin.bak").write_text("the user's")
    with process("write", path):
        assert len(names(tmp_path)) == 3
        remove_leftovers(tmp_path, "a.bin")
        assert len(names(tmp_path)) == 3
    remove_leftovers(tmp_path, "a.bin")
    assert names(tmp_path) == [".a.bin.bak", "a.bin"] and path.read_bytes() == b"whole"
    remove_leftovers(tmp_path / "missing", "a.bin")


OTHERS = (".a.bin.swp", ".a.bin.Xy12Za", ".a.bin.backup", ".a.bin.mine1234", ".a.bin.")
OTHERS += (".a.bin.ABCDEF01", ".xa.bin.abcdef01", ".a.bin.abcdef012", "a.bin.abcdef01")


@pytest.mark.parametrize(
    "name", ["a.bin", re.compile(r"a\.b.n")], ids=["name", "names"]
)
def test_what_others_hide_beside_a_file_stays(tmp_path, name):
    for other in (*OTHERS, ".a.bin.0123abcd"):
        (tmp_path / other).write_text("")
    remove_leftovers(tmp_path, name)
    assert names(tmp_path) == sorted(OTHERS)


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "n" * 241 + ".npy", "a*[b]?"])
def test_a_file_of_a_long_name_is_written_and_what_is_left_of_it_removed(
    tmp_path, name
):
    write_whole(tmp_path / name, b"whole")
    check_file(tmp_path / name)
    with process("write", tmp_path / name):
        pass
    assert len(names(tmp_path)) == 2
    remove_leftovers(tmp_path, name)
    assert names(tmp_path) == [name]


def test_a_name_that_the_system_has_no_letters_for_is_written(tmp_path):
    """As in a container that says LC_ALL=C, where é is two bytes without letters."""
    code = (
        "import sys; from dcgan_keras import files; files.write_whole(sys.argv[1], b'')"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code, tmp_path / "é.npy"]
    subprocess.run(command, env=os.environ | plain, check=True)
    assert names(tmp_path) == ["é.npy"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows")
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "a.npy")
    with pytest.raises(FileExistsError, match=r"\(--output\): .*a.npy is a pipe or"):
        check_file(tmp_path / "a.npy")


def test_a_file_that_cannot_be_is_refused_before_the_work(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(IsADirectoryError, match="expected a file, .*a.png is"):
        check_file(tmp_path / "a.png")
    with pytest.raises(OSError, match="name too long"):
        check_file(tmp_path / ("n" * 256))
    with pytest.raises(NotADirectoryError, match=r"--output\): expected a folder"):
        write_whole(tmp_path / "b", b"")
        check_file(tmp_path / "b" / "c.png")
    with pytest.raises(NotADirectoryError, match="b is none"):
        check_file(tmp_path / "b" / "not" / "yet" / "c.png")
    check_file(tmp_path / "not" / "yet.png")


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path):
    lock = tmp_path / "not" / "yet" / ".lock"
    with process("lock", lock) as other:
        with pytest.raises(BlockingIOError, match=f"process {other.pid}$"):
            with lock_file(lock):
                pass
        assert lock.exists()
    assert lock.exists()  # left by the kill, and in nobody's way
    with lock_file(lock):
        with pytest.raises(BlockingIOError, match=f"process {os.getpid()}$"):
            with lock_file(lock):
                pass
    assert names(lock.parent) == []
    with pytest.raises(KeyError), lock_file(lock):
        raise KeyError
    assert names(lock.parent) == []


def test_a_lock_on_a_file_that_its_owner_has_just_removed_is_none(
    tmp_path, monkeypatch
):
    """Between opening and locking: the next process would lock another file."""
    lock, opened, really_open = tmp_path / ".lock", [], os.open

    def open_and_remove(path, *arguments):
        handle = really_open(path, *arguments)
        if not opened:
            os.unlink(path)
        opened.append(handle)
        return handle

    monkeypatch.setattr(files.os, "open", open_and_remove)
    with lock_file(lock):
        assert len(opened) == 2 and lock.read_text() == str(os.getpid())


def test_no_lock_where_the_file_system_has_none(tmp_path, monkeypatch):
    import fcntl

    def unknown(*arguments):
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", unknown)
    with lock_file(tmp_path / ".lock"), lock_file(tmp_path / ".lock"):
        pass
    write_whole(tmp_path / "a", b"a")
    assert names(tmp_path) == ["a"]
