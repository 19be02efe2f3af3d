"""Files: whole or not at all, and found in a clone or in an installed package."""

import os

import pytest

from dcgan_keras import files
from dcgan_keras.files import find_data, write_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "new" / "a.bin"
    for content in (b"one", b"", b"three"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert names(path.parent) == ["a.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("where", ["fsync", "chmod", "replace"])
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
