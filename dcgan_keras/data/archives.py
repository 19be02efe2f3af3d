"""Archives of arrays and images, read without pickles.

An .npz may come from anywhere. What it claims to hold is checked before anything is
read: a file of a few kilobytes can claim, or unpack to, more than any memory has.
"""

import contextlib
import gzip
import math
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dcgan_keras.files import decoding, open_regular

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MOST_BYTES = 200_000_000  # of a data set; CIFAR-10, the largest, has 184 million
MOST_CLASSES = 10_000  # of a data set; EMNIST has 62, Omniglot 1,623


class Header(NamedTuple):
    """What an array of an .npz claims to be."""

    shape: tuple[int, ...]
    dtype: np.dtype


class NpzArrays:
    """The arrays of an open .npz: their names, their headers, their values."""

    def __init__(self, archive: zipfile.ZipFile):
        self._archive = archive
        self._members = {
            info.filename.removesuffix(".npy"): info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }
        self.names = list(self._members)

    def header(self, name: str) -> Header:
        """Shape and dtype of an array, of which nothing else is read.

        Raises:
            ValueError: no such array, pickled objects, no numbers, or another number
                of bytes than the shape asks for. zipfile and NumPy raise more; see
                ``open_npz``.
        """
        with self._open(name) as member:
            return self._checked_header(name, member)

    def read(self, name: str) -> np.ndarray:
        """An array. Look at its header first: it may be as large as it likes.

        Raises:
            ValueError: as for ``header``.
        """
        self.header(name)
        with self._open(name) as member:
            return np.lib.format.read_array(member, allow_pickle=False)

    def _open(self, name: str):
        if name not in self._members:
            raise ValueError(f"it has no array {name}")
        info = self._members[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a way that NumPy does not write")
        return self._archive.open(info)

    def _checked_header(self, name: str, member) -> Header:
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        version = np.lib.format.read_magic(member)
        if version not in readers:
            raise ValueError(f"{name} is of the unknown version {version}")
        shape, _, dtype = readers[version](member)
        if dtype.hasobject:
            raise ValueError(f"{name} is pickled, and allow_pickle=False")
        if dtype.kind not in "biuf":
            raise ValueError(f"{name} holds {dtype}, not numbers")
        claimed = math.prod(shape) * dtype.itemsize
        held = self._members[name].file_size - member.tell()
        if claimed != held or any(length < 0 for length in shape):
            raise ValueError(
                f"{name} has {held:,} bytes, and its shape {shape} asks for {claimed:,}"
            )
        return Header(shape, dtype)


@contextlib.contextmanager
def open_npz(path: str | Path, expected: str) -> Iterator[NpzArrays]:
    """Open an .npz, to look at headers first and read arrays then.

    Args:
        path: the file.
        expected: what it should hold, for the message.

    Yields:
        ``NpzArrays``.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: no .npz, or whatever is raised while it is open; a reader says
            by a ValueError what it misses.

    Example:
        >>> with open_npz("a/weights.npz", "the weights of a run") as arrays:
        ...     step = arrays.read("step")
    """
    with open_regular(path, expected) as file, decoding(path, expected):
        with zipfile.ZipFile(file) as archive:
            yield NpzArrays(archive)


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """The four arrays of an archive such as Keras's mnist.npz.

    Args:
        path: with x_train and x_test, uint8 (N, H, W) or (N, H, W, C) of 1 or 3
            channels, and y_train and y_test, integers (N,) or (N, 1), 0 to 9,999;
            together at most ``MOST_BYTES``.

    Returns:
        The arrays by their names.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: an array is missing, pickled, damaged, too large, or does not
            fit the others.
    """
    with open_npz(path, f"an .npz with the arrays {', '.join(ARRAYS)}") as arrays:
        headers = {name: arrays.header(name) for name in ARRAYS}
        _check_data_set(headers)
        found = {name: arrays.read(name) for name in ARRAYS}
        for name in ("y_train", "y_test"):
            _check_range(name, found[name])
        return found


def _check_range(name: str, labels: np.ndarray) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= MOST_CLASSES:
        raise ValueError(
            f"{name}: expected labels from 0 to at most {MOST_CLASSES - 1:,}, got "
            f"{low} to {high}"
        )


def _check_data_set(headers: dict[str, Header]) -> None:
    total = sum(math.prod(h.shape) * h.dtype.itemsize for h in headers.values())
    if total > MOST_BYTES:
        raise ValueError(
            f"its arrays have {total:,} bytes, more than {MOST_BYTES:,}: none of the "
            "data sets here is as large"
        )
    for split in ("train", "test"):
        pixels, labels = headers[f"x_{split}"], headers[f"y_{split}"]
        is_whole = len(pixels.shape) >= 3 and 0 not in pixels.shape
        is_image = is_whole and pixels.shape[3:] in ((), (1,), (3,))
        if pixels.dtype != np.uint8 or not is_image:
            raise ValueError(
                f"x_{split}: expected uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), "
                f"got {pixels.dtype} {pixels.shape}"
            )
        if pixels.shape[1:] != headers["x_train"].shape[1:]:
            raise ValueError(
                f"the images of x_{split} are {pixels.shape[1:]}, those of x_train "
                f"{headers['x_train'].shape[1:]}"
            )
        count = pixels.shape[0]
        if labels.dtype.kind not in "iu" or len(labels.shape) not in (1, 2):
            raise ValueError(
                f"y_{split}: expected integers (N,), got {labels.dtype} {labels.shape}"
            )
        if labels.shape not in ((count,), (count, 1)):
            raise ValueError(
                f"y_{split}: expected ({count},), a label for each image, got "
                f"{labels.shape}"
            )


def read_cifar10_binary(archive: str | Path) -> dict[str, np.ndarray]:
    """The four arrays of CIFAR-10's binary version, images (N, 32, 32, 3).

    Each record is one label byte and 3 x 32 x 32 bytes, channel by channel.

    Args:
        archive: a .tar.gz with data_batch_1.bin, ... and test_batch.bin; unpacked at
            most ``MOST_BYTES``.

    Returns:
        uint8 arrays by their names, as from ``read_npz``.

    Raises:
        FileNotFoundError: nothing is there.
        UnreadableFile: damaged, cut off, too large, or without one of the two parts.
    """
    expected = "a .tar.gz of CIFAR-10's binary version"
    parts = {"train": [], "test": []}
    with open_regular(archive, expected) as file, decoding(archive, expected):
        # Nothing is unpacked but what is asked for, and that from the first byte on.
        unpacked = _Bounded(gzip.GzipFile(fileobj=file), MOST_BYTES)
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:
            for member in tar:
                name = member.name.rpartition("/")[2]
                is_hidden = name.startswith(".")  # ._data_batch_1.bin of macOS
                if member.isfile() and name.endswith(".bin") and not is_hidden:
                    records = np.frombuffer(tar.extractfile(member).read(), np.uint8)
                    part = "test" if member.name.endswith("test_batch.bin") else "train"
                    records = records.reshape(-1, 1 + 3 * 32 * 32)
                    parts[part].append((member.name, records))
        return _cifar10_arrays(parts)


class _Bounded:
    """A stream that may not give more than so many bytes."""

    def __init__(self, stream, most: int):
        self._stream, self._left = stream, most

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes")
        return content


def _cifar10_arrays(parts: dict[str, list]) -> dict[str, np.ndarray]:
    arrays = {}
    for split, batches in parts.items():
        if not sum(len(records) for _, records in batches):
            raise ValueError(f"it has no pictures of the {split} part")
        batches.sort(key=lambda batch: batch[0])
        records = np.concatenate([records for _, records in batches])
        if records[:, 0].max() > 9:
            raise ValueError(f"a label of the {split} part is {records[:, 0].max()}")
        pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        arrays |= {f"x_{split}": pixels, f"y_{split}": records[:, 0]}
    return arrays
