"""Make data/mnist.npz, the whole of MNIST that the course carries, from Keras's arrays.

    python tools/make_mnist.py [FOLDER]

The arrays are those of ``keras.datasets.mnist.load_data()``: from FOLDER/mnist.npz, if
named, or from Keras's cache or download. They are packed as small as a plain
``.npz`` gets, with no dates in it, so the same arrays make the same bytes; origin,
licence and hashes are written to data/mnist.json beside it.
"""

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np

from dcgan_keras.data.archives import ARRAYS, read_npz
from dcgan_keras.files import write_whole

OUTPUT = Path(__file__).resolve().parent.parent / "data" / "mnist.npz"
ABOUT = {
    "origin": "Y. LeCun, C. Cortes, C. J. C. Burges: the MNIST database of handwritten "
    "digits, 70,000 images from NIST's special databases 1 and 3, in the arrays and "
    "the order of keras.datasets.mnist",
    "licence": "CC BY-SA 3.0",
    "changes": "none: packed anew, the arrays are the same",
    "command": "python tools/make_mnist.py",
}


def keras_arrays() -> dict[str, np.ndarray]:
    """The four arrays as Keras has them."""
    from dcgan_keras import keras

    train, test = keras.datasets.mnist.load_data()
    return dict(zip(ARRAYS, (*train, *test), strict=True))


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """The bytes of an ``.npz``, the same for the same arrays."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in ARRAYS:
            buffer = io.BytesIO()
            np.save(buffer, arrays[name], allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)
    return whole.getvalue()


def main() -> None:
    """Write both files, each whole or not at all."""
    named = sys.argv[1:]
    arrays = read_npz(Path(named[0]) / "mnist.npz") if named else keras_arrays()
    content = packed(arrays)
    about = ABOUT | {
        "arrays": {
            name: {
                "shape": list(arrays[name].shape),
                "dtype": str(arrays[name].dtype),
                "sha256": hashlib.sha256(arrays[name].tobytes()).hexdigest(),
            }
            for name in ARRAYS
        },
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    write_whole(OUTPUT, content)
    text = json.dumps(about, indent=2) + "\n"
    write_whole(OUTPUT.with_suffix(".json"), text.encode())
    print(f"{OUTPUT.name}: {len(content) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
