"""data/: nothing unexplained, nothing large, nothing that runs code when loaded."""

import hashlib
import io
import json
from pathlib import Path

import make_mnist
import numpy as np
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
FILES = sorted(p for p in DATA.rglob("*") if p.is_file())
README = (DATA / "README.md").read_text("utf-8")


def test_every_part_is_described_and_licences_are_named():
    for part in {p.relative_to(DATA).parts[0] for p in FILES} - {"README.md"}:
        assert f"`{part.removesuffix('.json')}" in README, f"{part} is not described"
    for word in ("CC BY-SA 3.0", "CC BY 4.0", "LeCun", "Alpaydin", "scikit-learn"):
        assert word in README


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(DATA)))
def test_file_is_small_and_opens_without_pickles(path):
    assert path.stat().st_size < 12e6
    assert path.suffix not in {".pkl", ".pickle", ".joblib"}
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].size for name in file.files)
    if path.suffix == ".json":
        text = path.read_text("utf-8")
        assert json.loads(text)
        assert "/home/" not in text and "/tmp/" not in text and "/work/" not in text


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_readme_gives_the_command_that_made_the_classifier(name):
    command = json.loads((DATA / f"classifier/{name}.json").read_text("utf-8"))[
        "command"
    ]
    assert f"train-classifier --dataset {name}" in README
    assert f"train-classifier --dataset {name}" in command


def test_the_readme_gives_the_number_of_parameters():
    with np.load(DATA / "classifier/mnist.npz", allow_pickle=False) as file:
        parameters = sum(file[name].size for name in file.files)
    assert f"{parameters:,} parameters" in README


def test_mnist_is_the_one_that_its_note_describes():
    """Keras's arrays, to the byte; the note holds their hashes, and the file's own."""
    about = json.loads((DATA / "mnist.json").read_text("utf-8"))
    content = (DATA / "mnist.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == about["sha256"]
    with np.load(DATA / "mnist.npz", allow_pickle=False) as file:
        assert set(file.files) == set(about["arrays"])
        for name, told in about["arrays"].items():
            array = file[name]
            assert list(array.shape) == told["shape"]
            assert array.dtype == told["dtype"]
            assert hashlib.sha256(array.tobytes()).hexdigest() == told["sha256"]
        assert round(file["x_train"].mean(), 4) == 33.3184  # as Keras's
        assert list(file["y_train"][:8]) == [5, 0, 4, 1, 9, 2, 1, 3]
    assert about["licence"] in README and len(content) < 11.5e6


def test_packing_depends_on_the_arrays_alone():
    """No dates: the same arrays make the same bytes, which read back."""
    arrays = {name: np.arange(6, dtype=np.uint8) for name in ("x_train", "y_train")}
    arrays |= {name: np.ones(4, np.uint8) for name in ("x_test", "y_test")}
    packed = make_mnist.packed(arrays)
    assert packed == make_mnist.packed(arrays)
    with np.load(io.BytesIO(packed), allow_pickle=False) as file:
        assert all(np.array_equal(file[name], arrays[name]) for name in arrays)
