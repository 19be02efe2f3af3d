"""Archives of images as published, without Python's pickles."""

import tarfile
import zipfile
from pathlib import Path

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The four arrays of an archive such as Keras's mnist.npz.

    Raises:
        ValueError: an array is missing, pickled or cut off; the message names the file.
    """
    try:
        with path.open("rb") as whole, np.load(whole, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: expected an .npz with the arrays {', '.join(ARRAYS)}: {error}"
        ) from error


def read_cifar10_binary(archive: Path) -> dict[str, np.ndarray]:
    """The four arrays of CIFAR-10's binary version, images (N, 32, 32, 3).

    Each record is one label byte and 3 x 32 x 32 bytes, channel by channel.
    """
    parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if member.name.endswith("_batch.bin") or "data_batch" in member.name:
                records = np.frombuffer(tar.extractfile(member).read(), np.uint8)
                split = "test" if "test" in member.name else "train"
                parts[split].append(records.reshape(-1, 1 + 3 * 32 * 32))
    arrays = {}
    for split, records in parts.items():
        records = np.concatenate(records)
        pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        arrays |= {f"x_{split}": pixels, f"y_{split}": records[:, 0]}
    return arrays
