"""Archives that lie: refused by what they claim, before memory is given to them."""

import gzip
import io
import os
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from dcgan_keras.data import archives, datasets
from dcgan_keras.data.archives import ARRAYS, open_npz, read_cifar10_binary, read_npz
from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.files import UnreadableFile

RECORD = bytes([7]) + bytes(range(256)) * 12


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


def refusal(read, path, most=5e6):
    """What a reader says, in one line that begins with the file, with little memory."""
    tracemalloc.start()
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    said = str(caught.value)
    assert said.startswith(f"{path}: expected ") and "\n" not in said
    assert peak < most, f"{peak:,} bytes"
    return said


# .npz ------------------------------------------------------------------------


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
        ({"x_test": np.zeros((5, 32, 32), np.uint8)}, r"x_test are \(32, 32\)"),
        ({"y_train": np.full(5, np.nan)}, "y_train: expected integers"),
        ({"y_test": np.zeros((5, 2), np.uint8)}, "5 images but 10 labels"),
    ],
)
def test_what_no_data_set_holds_is_refused(tmp_path, changes, said):
    path = write_npz(tmp_path / "a.npz", arrays(**changes))
    with pytest.raises(UnreadableFile, match=said):
        read_npz(path)
    refusal(read_npz, path)


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
    assert "more than 200,000,000" in refusal(read_npz, tmp_path / "a.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_write_are_refused(tmp_path, method):
    """LZMA's header names the memory that it wants."""
    path = write_npz(tmp_path / "a.npz", arrays(), method)
    assert "compressed in a way" in refusal(read_npz, path)


def test_encrypted_and_damaged_members_are_refused(tmp_path):
    path = write_npz(tmp_path / "a.npz", arrays(), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    encrypted = content[:]
    encrypted[encrypted.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(encrypted)
    assert "encrypted" in refusal(read_npz, path)
    content[3000] ^= 1  # a pixel
    path.write_bytes(content)
    assert "Bad CRC-32" in refusal(read_npz, path)


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


def tar_of(members, **options):
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", **options) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


def refusal_of_cifar(path):
    """Room for CIFAR-10 is asked for at once, and used as far as there is something."""
    return refusal(read_cifar10_binary, path, archives.MOST_BYTES + 5e6)


WHOLE = [("a/data_batch_1.bin", RECORD * 2), ("a/test_batch.bin", RECORD)]


@pytest.fixture
def cifar(tmp_path):
    def write(content, packed=True):
        path = tmp_path / "cifar.tar.gz"
        path.write_bytes(gzip.compress(content, 1) if packed else content)
        return path

    return write


def test_an_archive_reads_back_whatever_else_is_in_it(cifar):
    """A Mac's ._ files are no batches, though their names end alike."""
    others = [("a/._data_batch_1.bin", b"\0\5"), ("a/batches.meta.txt", b"cat")]
    found = read_cifar10_binary(cifar(tar_of(others + WHOLE)))
    assert found["x_train"].shape == (2, 32, 32, 3) and list(found["y_test"]) == [7]
    assert list(found["x_train"][0, 0, :3, 0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty file"),
        (b"text" * 999, "ReadError"),
        (tar_of(WHOLE)[:5000], "unexpected end|buffer"),
        (tar_of(WHOLE[:1]), "it has no test batch"),
        (tar_of([("x", b"")]), "it has no train batch"),
        (tar_of([(WHOLE[0][0], RECORD[:-1]), WHOLE[1]]), "records of 3,073 bytes"),
        (tar_of([(WHOLE[0][0], b""), WHOLE[1]]), "got 0 bytes"),
        (tar_of([(WHOLE[0][0], b"\x0a" + RECORD[1:])]), "labels 0 to 9"),
        (tar_of([WHOLE[0], WHOLE[0], WHOLE[1]]), "there twice"),
        (tar_of([(str(n), b"") for n in range(101)]), "more than 100 members"),
    ],
)
def test_what_cifar10_does_not_hold_is_refused(cifar, content, said):
    with pytest.raises(UnreadableFile, match=said):
        read_cifar10_binary(cifar(content))
    refusal_of_cifar(cifar(content))


def test_a_header_damaged_in_the_middle_is_not_the_end(cifar):
    """tarfile takes it for the end; half of the images would be missing in silence."""
    members = [WHOLE[1], WHOLE[0], ("a/data_batch_2.bin", RECORD)]
    content = bytearray(tar_of(members))
    assert len(read_cifar10_binary(cifar(content))["x_train"]) == 3
    content[content.index(b"a/data_batch_2") + 1] ^= 1  # its sum is wrong now
    assert "it is damaged at byte" in refusal_of_cifar(cifar(content))


def test_a_sum_that_is_wrong_and_another_compression_are_refused(cifar):
    packed = bytearray(gzip.compress(tar_of(WHOLE), 1))
    packed[-6] ^= 1
    assert "CRC check failed" in refusal_of_cifar(cifar(packed, False))
    plain = tar_of(WHOLE)
    assert "BadGzipFile" in refusal_of_cifar(cifar(plain, False))


def test_a_link_in_a_batch_s_place_is_refused(cifar):
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        link = tarfile.TarInfo("data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert "no plain file" in refusal_of_cifar(cifar(written.getvalue()))


def test_an_archive_that_unpacks_to_more_is_refused(cifar, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 30_000)
    read_cifar10_binary(cifar(tar_of(WHOLE)))
    path = cifar(tar_of([("x", bytes(10**7))]))
    assert "unpacks to more than 30,000" in refusal_of_cifar(path)


def test_an_unreadable_download_is_not_called_missing(tmp_path, monkeypatch):
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(b"<html>please log in</html>")
    monkeypatch.setattr(datasets, "_download", lambda _: read_cifar10_binary(path))
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    with pytest.raises(UnreadableFile, match=f"{path}: expected CIFAR-10"):
        load_dataset("cifar10")
