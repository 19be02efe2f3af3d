"""Cut the small sample of MNIST that data/mnist_sample.npz carries.

    python tools/make_mnist_sample.py [OUTPUT]

Notebook 08 needs real MNIST digits where there is neither a network nor MNIST: 4,000
training images and 4,000 test images, drawn at random with one seed, chosen by nothing.
"""

import io
import sys
from pathlib import Path

import numpy as np

from dcgan_keras.data import load_dataset
from dcgan_keras.runs import write_whole
from dcgan_keras.visualization import to_uint8

COUNT, SEED = 4000, 0
OUTPUT = Path(__file__).resolve().parent.parent / "data" / "mnist_sample.npz"


def draw() -> dict[str, np.ndarray]:
    """The arrays of the file: images, labels and places in MNIST, of both splits."""
    rng, arrays = np.random.default_rng(SEED), {}
    for split in ("train", "test"):
        images, labels = load_dataset("mnist", split)
        # In random order, so that the first images stand for all: MNIST's are easier.
        places = rng.permutation(len(images))[:COUNT]
        arrays[f"x_{split}"] = to_uint8(images[places, :, :, 0])
        arrays[f"y_{split}"] = labels[places].astype(np.uint8)
        arrays[f"index_{split}"] = places.astype(np.uint16)
    return arrays


def main() -> None:
    """Write the file, whole or not at all."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **draw())
    write_whole(output, buffer.getvalue())
    print(f"{output.name}: {output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
