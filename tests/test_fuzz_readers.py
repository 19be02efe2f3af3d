"""tools/fuzz_readers.py: few inputs here, as many as one likes by hand."""

import contextlib

import pytest
from fuzz_readers import READERS, fuzz, line, verdict

from dcgan_keras import files
from dcgan_keras.data import archives
from dcgan_keras.training import runs

COUNT = 150


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_accepted_or_refused(name, tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_KERAS_DATA", "")  # the fuzzer sets it; put back after
    found = fuzz(name, COUNT, 1, tmp_path)
    assert found["faults"] == {}
    assert found["verdicts"]["refused"] > COUNT / 2 and found["verdicts"]["accepted"]


def test_inputs_follow_from_the_seed_and_differ(tmp_path):
    for name in ("history", "weights"):
        reader = READERS[name](tmp_path)
        first, again = ([reader.input(0, n) for n in range(50)] for _ in range(2))
        other = [reader.input(1, n) for n in range(50)]
        assert first == again and first != other
        assert first[0] in reader.valid and len(set(first)) > 40


def test_a_reader_without_its_guard_is_caught(tmp_path, monkeypatch):
    """What was there before: whatever the libraries raise."""
    for module in (files, archives, runs):
        monkeypatch.setattr(module, "decoding", lambda *_: contextlib.nullcontext())
    for name in ("history", "weights"):
        found = fuzz(name, COUNT, 1, tmp_path)
        assert len(found["faults"]) >= 2
        word, number = next(iter(found["faults"].items()))
        text = line(name, COUNT, found | {"peak": 0, "start": 0, "written": ["b"]})
        assert f"(first: {number})" in text and word in text and "b: written" in text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda path: {}["a"], "KeyError"),
        (lambda path: bytearray(2**62), "MemoryError"),
        (lambda path: files.read_json("elsewhere", "x"), "FileNotFoundError"),
        (lambda path: refuse("it is damaged"), "no file named"),
        (lambda path: refuse(f"{path}:\nit is damaged"), "more than a line"),
        (lambda path: hang(), "more than 5 s"),
        (lambda path: refuse(f"{path}: it is damaged"), "refused"),
        (lambda path: None, "accepted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_fault_has_its_word(tmp_path, monkeypatch, wrong, said):
    monkeypatch.setattr("fuzz_readers.SECONDS", 0.05 if said[:4] == "more" else 5)
    reader = READERS["history"](tmp_path)
    reader.read = lambda: wrong(reader.path)
    assert verdict(reader) == said.replace("5 s", "0.05 s")


def refuse(text):
    raise files.UnreadableFile(text)


def hang():
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_memory_that_a_reader_hides_is_a_fault(tmp_path):
    reader = READERS["history"](tmp_path)

    def read():
        with files.decoding(reader.path, "x"):
            bytearray(2**62)

    reader.read = read
    assert verdict(reader) == "MemoryError"


def test_a_variable_that_changed_before_a_refusal_is_a_fault(tmp_path, monkeypatch):
    reader = READERS["weights"](tmp_path)

    def restore(groups):
        groups["generator"][0].assign(0)
        refuse(f"{reader.path}: too late")

    reader.run.restore = restore
    assert verdict(reader) == "AssertionError"
