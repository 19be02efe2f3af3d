"""Archives that lie: refused by what they claim, before memory is given to them."""

import gzip
import io
import os
import re
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from dcgan_keras.data import archives
from dcgan_keras.data.archives import ARRAYS, open_npz, read_cifar10_binary, read_npz
from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.files import UnreadableFile


def npy(array):
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def arrays(**changes):
    """The .npy files of a small data set, five images of 28x28, by their names."""
    pixels, labels = np.zeros((5, 28, 28), np.uint8), np.arange(5, dtype=np.uint8)
    both = dict(zip(ARRAYS, (pixels, labels, pixels, labels), strict=True)) | changes
    return {k: v if isinstance(v, bytes) else npy(v) for k, v in both.items()}


def write_npz(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def claiming(shape, content=b"\0" * 64):
    """An .npy whose header claims more than there is."""
    written = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(written, header)
    return written.getvalue() + content


def refusal(path):
    """What is said, in one line that begins with the file, with little memory."""
    tracemalloc.start()
    with pytest.raises(UnreadableFile) as caught:
        read_npz(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    said = str(caught.value)
    assert said.startswith(f"{path}: expected ") and "\n" not in said
    assert peak < 5e6, f"{peak:,} bytes"
    return said


def test_a_data_set_reads_back(tmp_path):
    path = write_npz(tmp_path / "a.npz", arrays(x_test=np.ones((5, 28, 28), np.uint8)))
    found = read_npz(path)
    assert list(found) == list(ARRAYS) and found["x_test"].all()
    assert np.array_equal(found["y_train"], np.arange(5))
    with open_npz(path, "x") as opened:
        assert opened.names == list(ARRAYS)
        assert opened.header("x_train") == ((5, 28, 28), np.uint8)
    # Labels in a column, as Keras's CIFAR-10 has them, and a Mac's additions.
    members = arrays(y_train=np.arange(5)[:, None])
    members["__MACOSX/._x_train"] = b"\0\5\26\7"
    assert read_npz(write_npz(path, members))["y_train"].shape == (5, 1)


def test_colour_reads_back(tmp_path):
    colour = np.zeros((5, 8, 8, 3), np.uint8)
    path = write_npz(tmp_path / "a.npz", arrays(x_train=colour, x_test=colour))
    assert read_npz(path)["x_train"].shape == (5, 8, 8, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x_train": claiming((10**12,))}, "asks for 1,000,000,000,000"),
        ({"x_train": claiming((-8, 8))}, r"asks for -64"),
        ({"x_train": claiming((-8, -8))}, "asks for 64"),
        ({"x_train": claiming((8,))}, "has 64 bytes"),  # more than is asked for
        ({"x_train": claiming((10**300,))}, "its shape .1000"),
        ({"x_train": b"\x93NUMPY\1\0\x76\0" + b"(" * 118}, "TokenError|Cannot parse"),
        ({"x_train": b"\x93NUMPY\7\0\x76\0" + b" " * 118}, "unknown version"),
        ({"x_train": b"no header"}, "magic string"),
        ({"x_train": np.zeros((5, 28, 28))}, "expected uint8"),
        ({"x_train": np.array(["text"])}, "holds <U4, not numbers"),
        ({"x_train": np.zeros((0, 28, 28), np.uint8)}, r"got uint8 \(0, 28, 28\)"),
        (
            {"x_test": np.zeros((5, 32, 32), np.uint8)},
            r"x_test are \(32, 32\), those of x_train \(28, 28\)",
        ),
        ({"y_train": np.full(5, np.nan)}, "y_train: expected integers"),
        (
            {"y_test": np.zeros((5, 2), np.uint8)},
            r"y_test: expected \(5,\).* got \(5, 2\)",
        ),
        ({"y_train": np.arange(4)}, r"y_train: expected \(5,\).* got \(4,\)"),
        ({"y_train": np.arange(5) - 1}, "y_train: expected labels from 0 .*-1 to 3"),
        ({"y_test": np.full(5, 2**63, np.uint64)}, "at most 9,999, got 9223372036854"),
        ({"x_train": np.zeros((5, 784), np.uint8)}, r"got uint8 \(5, 784\)"),
        ({"y_test": np.zeros((1, 5), np.uint8)}, r"expected \(5,\).* got \(1, 5\)"),
        (
            {"x_train": np.zeros((5, 3, 28, 28), np.uint8)},
            r"got uint8 \(5, 3, 28, 28\)",
        ),
        ({"x_test": np.zeros((5, 28, 28, 4), np.uint8)}, r"got uint8 \(5, 28, 28, 4\)"),
        ({"x_train": np.zeros((1, 5, 8, 8, 3), np.uint8)}, r"uint8 \(1, 5, 8, 8, 3\)"),
        (
            {"x_test": np.zeros((5, 28, 28, 3), np.uint8)},
            r"x_test are \(28, 28, 3\), those of x_train \(28, 28\)",
        ),
        ({"y_test": np.full(5, 10_000)}, "at most 9,999, got 10000 to 10000"),
        ({"y_train": np.ones(5, complex)}, "y_train holds complex128, not numbers"),
    ],
)
def test_what_no_data_set_holds_is_refused(tmp_path, changes, said):
    path = write_npz(tmp_path / "a.npz", arrays(**changes))
    assert re.search(said, refusal(path))


def test_a_missing_array_is_named(tmp_path):
    members = arrays()
    del members["y_test"]
    assert "no array y_test" in refusal(write_npz(tmp_path / "a.npz", members))


def test_more_than_any_data_set_has_is_refused_before_it_is_unpacked(tmp_path):
    """A real bomb: 300 million zeros in 1.3 MB. The claim is true, and too large."""
    with zipfile.ZipFile(
        tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, True, 1
    ) as zip_:
        for name, content in arrays(y_train=np.zeros(300, np.uint8)).items():
            if name != "x_train":
                zip_.writestr(f"{name}.npy", content)
        with zip_.open("x_train.npy", "w", force_zip64=True) as member:
            member.write(claiming((300, 1000, 1000), b""))
            for _ in range(300):
                member.write(bytes(1_000_000))
    assert "more than 200,000,000" in refusal(tmp_path / "a.npz")


def test_what_is_just_not_too_much_is_read(tmp_path, monkeypatch):
    """784 bytes an image and one a label, in both parts; all four count."""
    path = write_npz(tmp_path / "a.npz", arrays(y_test=np.full(5, 9_999, np.uint16)))
    monkeypatch.setattr(archives, "MOST_BYTES", 2 * 5 * 784 + 5 + 2 * 5)
    assert read_npz(path)["y_test"].max() == 9_999
    monkeypatch.setattr(archives, "MOST_BYTES", 2 * 5 * 784 + 5 + 2 * 5 - 1)
    assert "its arrays have 7,855 bytes" in refusal(path)


def test_a_header_of_the_second_version_is_read(tmp_path):
    """It has room for more, which other programs may use."""
    written = io.BytesIO()
    np.lib.format.write_array(written, np.arange(5), version=(2, 0))
    path = write_npz(tmp_path / "a.npz", arrays(y_train=written.getvalue()))
    assert read_npz(path)["y_train"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_write_are_refused(tmp_path, method):
    """LZMA's header names the memory that it wants."""
    path = write_npz(tmp_path / "a.npz", arrays(), method)
    assert "compressed in a way" in refusal(path)


def test_encrypted_and_damaged_members_are_refused(tmp_path):
    path = write_npz(tmp_path / "a.npz", arrays(), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    encrypted = content[:]
    encrypted[encrypted.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(encrypted)
    assert "encrypted" in refusal(path)
    content[3000] ^= 1  # a pixel
    path.write_bytes(content)
    assert "Bad CRC-32" in refusal(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "dead link"])
def test_what_is_no_file_is_named_and_not_passed_over(tmp_path, monkeypatch, kind):
    """Not as if it were missing: the course's own MNIST would be taken in silence."""
    path = tmp_path / "mnist.npz"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)  # opened, it would wait for ever
    else:
        path.symlink_to(tmp_path / "unplugged")
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    with pytest.raises(UnreadableFile, match=rf"mnist\.npz: .* it is a .*{kind[-4:]}"):
        load_dataset("mnist")


# CIFAR-10 --------------------------------------------------------------------


def cifar10(path, members):
    """Written as name and bytes say."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


RECORD = bytes([9]) + bytes(3 * 32 * 32)


def test_a_cifar10_reads_back(tmp_path):
    """Channel by channel, row by row; the batches in the order of their names."""
    records = np.random.default_rng(0).integers(0, 10, (3, 1 + 3 * 32 * 32), np.uint8)
    batches = {"data_batch_2.bin": records[2:], "data_batch_1.bin": records[:2]}
    members = {name: part.tobytes() for name, part in batches.items()}
    path = cifar10(tmp_path / "a.tar.gz", members | {"test_batch.bin": RECORD})
    found = read_cifar10_binary(path)
    assert found["y_train"].tolist() == records[:, 0].tolist()
    assert found["x_train"].shape == (3, 32, 32, 3)
    assert found["x_train"][1, 4, 7, 2] == records[1, 1 + 2 * 1024 + 4 * 32 + 7]
    assert found["x_test"].shape == (1, 32, 32, 3) and found["y_test"] == [9]


def test_the_folders_of_a_cifar10_may_have_any_name(tmp_path):
    members = {"latest/test_batch.bin": RECORD, "latest/data_batch_1.bin": RECORD * 2}
    path = cifar10(tmp_path / "a.tar.gz", members)
    found = read_cifar10_binary(path)
    assert len(found["x_train"]) == 2 and len(found["x_test"]) == 1


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"data_batch_1.bin": RECORD}, "it has no pictures of the test part"),
        ({"test_batch.bin": RECORD}, "it has no pictures of the train part"),
        ({"data_batch_1.bin": b"", "test_batch.bin": RECORD}, "of the train part"),
        ({"data_batch_1.bin": RECORD[1:], "test_batch.bin": RECORD}, "3072"),
        (
            {"data_batch_1.bin": RECORD, "test_batch.bin": b"\x0a" + RECORD[1:]},
            "a label of the test part is 10",
        ),
    ],
)
def test_what_is_no_cifar10_is_refused(tmp_path, members, said):
    path = cifar10(tmp_path / "a.tar.gz", members)
    with pytest.raises(UnreadableFile, match=f"a.tar.gz: expected a .tar.gz.*{said}"):
        read_cifar10_binary(path)


def test_what_macos_packs_beside_a_cifar10_is_no_part_of_it(tmp_path):
    """Each file's attributes, hidden under its name."""
    members = {"d/data_batch_1.bin": RECORD, "d/test_batch.bin": RECORD}
    extra = {f"d/._{name[2:]}": b"\0\5\x16\7" + bytes(158) for name in members}
    found = read_cifar10_binary(cifar10(tmp_path / "a.tar.gz", extra | members))
    assert len(found["x_train"]) == len(found["x_test"]) == 1


def test_a_cifar10_that_unpacks_to_too_much_is_given_up_early(tmp_path, monkeypatch):
    members = {"a.html": bytes(9_000_000), "data_batch_1.bin": RECORD}
    path = cifar10(tmp_path / "a.tar.gz", members | {"test_batch.bin": RECORD})
    assert path.stat().st_size < 20_000
    with gzip.open(path) as unpacked:
        monkeypatch.setattr(archives, "MOST_BYTES", len(unpacked.read()))
    assert len(read_cifar10_binary(path)["x_test"]) == 1
    monkeypatch.setattr(archives, "MOST_BYTES", 100_000)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="unpacks to more than 100,000 bytes"):
        read_cifar10_binary(path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"<html>", gzip.compress(b"no tar", mtime=0)])
def test_a_damaged_cifar10_is_one_type_of_error(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(UnreadableFile, match="a.tar.gz: expected"):
        read_cifar10_binary(tmp_path / "a.tar.gz")
