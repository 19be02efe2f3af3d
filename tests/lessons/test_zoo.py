"""The folder of all kinds of pictures: what is written is what is said of it."""

import numpy as np
import pytest
from PIL import Image

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.data.pictures import UnfitPicture, decode
from dcgan_keras.lessons.zoo import KINDS, SIDEWAYS, coloured_digits, write_zoo


@pytest.fixture(scope="module")
def digits():
    images, labels = load_dataset("mnist", split="test")
    return images[:200], labels[:200]


def test_each_file_is_of_its_kind(tmp_path, digits):
    meant = write_zoo(tmp_path, *digits)
    assert list(meant) == list(KINDS)
    modes, sizes = {}, {}
    for name in meant:
        with Image.open(tmp_path / name) as image:
            modes[name], sizes[name] = image.mode, image.size
            if name == "sideways.jpg":
                assert image.getexif()[0x0112] == SIDEWAYS
            if name == "film.gif":
                assert image.n_frames == 2
    assert modes == {
        "plain.png": "RGB",
        "cutout.png": "RGBA",
        "palette.png": "P",
        "grey.png": "L",
        "deep.png": "I;16",
        "print.jpg": "CMYK",
        "wide.png": "RGB",
        "sideways.jpg": "RGB",
        "film.gif": "P",
        "large.png": "RGB",
    }
    assert sizes.pop("wide.png") == (96, 64) and sizes.pop("large.png") == (256, 256)
    assert set(sizes.values()) == {(64, 64)}
    with pytest.raises(UnfitPicture):
        decode(tmp_path / "broken.png", 64, 3)


def test_the_loader_reads_what_is_meant(tmp_path, digits):
    meant = write_zoo(tmp_path, *digits, copies=3)
    assert len(meant) == 30 and len(list(tmp_path.iterdir())) == 32
    for name, pixels in meant.items():
        assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
        found = decode(tmp_path / name, 64, 3).astype(float)
        limit = 4 if name.endswith("jpg") else 1
        assert np.abs(found - pixels).mean() < limit, name
    assert len({pixels.tobytes() for pixels in meant.values()}) == 30


@pytest.mark.parametrize("size", [28, 32, 64])
def test_digits_in_colour_keep_their_strokes(digits, size):
    images = coloured_digits(digits[0][:20], seed=1, size=size)
    assert images.shape == (20, size, size, 3) and images.dtype == np.float32
    assert images.min() >= -1 and images.max() <= 1
    np.testing.assert_array_equal(images, coloured_digits(digits[0][:20], 1, size))
    assert np.abs(images - coloured_digits(digits[0][:20], 2, size)).max() > 0.1
    if size == 28:  # ink is darker than the ground around it
        ink = digits[0][:20, ..., 0] > 0.9
        for image, where in zip(images.mean(axis=3), ink, strict=True):
            assert image[where].max() < image[0, 0]
