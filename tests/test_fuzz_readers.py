"""tools/fuzz_readers.py: few inputs here, as many as one likes by hand."""

import contextlib
import re
import time
import zipfile

import pytest
from fuzz_readers import READERS, fuzz, main, verdict

from dcgan_keras import files
from dcgan_keras.data import archives
from dcgan_keras.training import runs

COUNT = 150


@pytest.fixture(autouse=True)
def variable_put_back(monkeypatch):
    monkeypatch.setenv("DCGAN_KERAS_DATA", "")  # the fuzzer sets it


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_accepted_or_refused(name, tmp_path):
    verdicts, faults, _ = fuzz(READERS[name](tmp_path), COUNT, 1)
    assert faults == {}
    assert verdicts["refused"] > COUNT / 2


@pytest.mark.parametrize("name", READERS)
def test_valid_files_are_accepted(name, tmp_path):
    reader = READERS[name](tmp_path)
    for content in reader.valid:
        reader.path.write_bytes(content)
        assert verdict(reader) == "accepted"


def test_inputs_follow_from_the_seed_and_differ(tmp_path, monkeypatch):
    for name in ("history", "weights"):
        reader = READERS[name](tmp_path)
        first, again = ([reader.input(0, n) for n in range(50)] for _ in range(2))
        with monkeypatch.context() as another_day:
            another_day.setattr(time, "localtime", lambda *_: time.gmtime(10**9))
            again.extend(reader.input(0, n) for n in range(50))
        first.extend(first)
        other = [reader.input(1, n) for n in range(100)]
        assert first == again and first != other
        assert first[0] in reader.valid and len(set(first)) > 40


def test_a_reader_without_its_guard_is_caught(monkeypatch, capsys):
    """What was there before: whatever the libraries raise."""
    monkeypatch.setattr("fuzz_readers.limit_memory", lambda: None)  # it stays
    names = ["--readers", "history", "weights"]
    assert main([*names, "--count", "20"]) == 0
    assert "the first" not in capsys.readouterr().out
    for module in (files, archives, runs):
        monkeypatch.setattr(module, "decoding", lambda *_: contextlib.nullcontext())
    assert main([*names, "--count", str(COUNT)]) == 1
    said = capsys.readouterr().out
    assert "    UnicodeDecodeError: " in said and "    BadZipFile: " in said
    number = re.search(r"BadZipFile: .* (\d+)$", said, re.MULTILINE)[1]
    with pytest.raises(zipfile.BadZipFile):
        main(["--readers", "weights", "--only", number])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda path: {}["a"], "KeyError"),
        (lambda path: bytearray(2**62), "MemoryError"),
        (lambda path: hide_memory(path), "MemoryError"),
        (lambda path: files.read_json("elsewhere", "x"), "FileNotFoundError"),
        (lambda path: refuse("it is damaged"), "no file named"),
        (lambda path: refuse(f"{path}:\nit is damaged"), "more than a line"),
        (lambda path: hang(), "more than 0.05 s"),
        (lambda path: refuse(f"{path}: it is damaged"), "refused"),
        (lambda path: None, "accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_fault_has_its_word(tmp_path, monkeypatch, wrong, said):
    if said.endswith(" s"):
        monkeypatch.setattr("fuzz_readers.SECONDS", 0.05)
    reader = READERS["history"](tmp_path)
    reader.read = lambda: wrong(reader.path)
    assert verdict(reader) == said


def refuse(text):
    raise files.UnreadableFile(text)


def hide_memory(path):
    with files.decoding(path, "x"):
        bytearray(2**62)


def hang():
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_a_variable_that_changed_before_a_refusal_is_a_fault(tmp_path, monkeypatch):
    reader = READERS["weights"](tmp_path)

    def restore(self, groups):
        groups["generator"][0].assign(0)
        refuse(f"{reader.path}: too late")

    monkeypatch.setattr(runs.RunFolder, "restore", restore)
    assert verdict(reader) == "AssertionError"
