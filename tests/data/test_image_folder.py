"""A folder of images: what is read, how, and what is said where it cannot be."""

import numpy as np
import pytest
from PIL import Image

from dcgan_keras.data import image_folder
from dcgan_keras.data.datasets import load_dataset, training_batches
from dcgan_keras.data.image_folder import FolderImages


def picture(path, value=0, size=(8, 8), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Six grey 8x8 images, 0.png to 5.png, of 0, 50, ..., 250."""
    for number in range(6):
        picture(tmp_path / f"{number}.png", 50 * number)
    return tmp_path


@pytest.fixture
def classes(tmp_path):
    """Two classes: cat/ with 3 images (0, 10, 20), dog/ with 2 (100, 110)."""
    for number in range(3):
        picture(tmp_path / "cat" / f"{number}.png", 10 * number)
    for number in range(2):
        picture(tmp_path / "dog" / f"{number}.png", 100 + 10 * number)
    return tmp_path


def greys(images):
    """The first pixel of each image as 0..255."""
    return [round(float(image.flat[0] + 1) * 127.5) for image in images]


def one(tmp_path, image, name="a.png", **options):
    """The pixels (H, W, C), 0..255, of one image that was saved and loaded."""
    image.save(tmp_path / name)
    images = load_dataset(tmp_path, **options).images
    assert images.dtype == np.float32 and len(images) == 1
    return (images[0] + 1) * 127.5


def test_flat_folder_is_read_in_the_order_of_its_names(folder):
    images, labels = load_dataset(folder)
    assert images.shape == (6, 8, 8, 1) and images.dtype == np.float32
    assert labels is None
    assert greys(images) == [0, 50, 100, 150, 200, 250]
    assert greys(load_dataset(str(folder)).images) == greys(images)


def test_subfolders_are_classes_in_sorted_order(classes):
    images, labels = load_dataset(classes)
    assert labels.dtype == np.int64 and list(labels) == [0, 0, 0, 1, 1]
    assert greys(images) == [0, 10, 20, 100, 110]


def test_one_subfolder_is_no_class(tmp_path):
    picture(tmp_path / "png" / "72" / "a.png")
    images, labels = load_dataset(tmp_path)
    assert images.shape == (1, 8, 8, 1) and labels is None


def test_train_and_test_subfolders_are_the_splits(tmp_path):
    picture(tmp_path / "train" / "cat" / "a.png", 10)
    picture(tmp_path / "train" / "dog" / "a.png", 20)
    picture(tmp_path / "test" / "cat" / "a.png", 30)
    picture(tmp_path / "test" / "dog" / "b.png", 40)
    train, test = load_dataset(tmp_path), load_dataset(tmp_path, split="test")
    assert greys(train.images) == [10, 20] and list(train.labels) == [0, 1]
    assert greys(test.images) == [30, 40] and list(test.labels) == [0, 1]


def test_class_numbers_are_the_same_in_both_splits(tmp_path):
    """A class that the test part lacks still has its number."""
    for name in ("ant", "bee", "cat"):
        picture(tmp_path / "train" / name / "a.png")
    for name in ("ant", "cat"):
        picture(tmp_path / "test" / name / "a.png")
    assert list(load_dataset(tmp_path).labels) == [0, 1, 2]
    assert list(load_dataset(tmp_path, split="test").labels) == [0, 2]


def test_a_folder_without_parts_has_no_test_split(folder):
    with pytest.raises(ValueError, match="split: .*no test part.*train/ and test/"):
        load_dataset(folder, split="test")


# What cannot be read ---------------------------------------------------------


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match=r"no image in the folder .*\.png"):
        load_dataset(tmp_path)


def test_a_broken_image_is_named_and_left_out(classes, capsys):
    whole = (classes / "cat" / "2.png").read_bytes()
    (classes / "cat" / "1.png").write_bytes(b"not a picture")
    images, labels = load_dataset(classes)
    said = capsys.readouterr().err
    assert "1 unreadable (cat/1.png: " in said and said.count("\n") == 1
    assert greys(images) == [0, 20, 100, 110] and list(labels) == [0, 0, 1, 1]
    (classes / "cat" / "0.png").write_bytes(whole[:-30])  # cut off
    images, labels = load_dataset(classes)
    assert "2 unreadable (cat/1.png: " in capsys.readouterr().err
    assert greys(images) == [20, 100, 110] and list(labels) == [0, 1, 1]


def test_a_cut_off_image_in_a_stream_has_a_stand_in(classes, capsys):
    """Its header is whole: that it is cut off is seen only when it is needed."""
    whole = (classes / "cat" / "2.png").read_bytes()
    (classes / "cat" / "0.png").write_bytes(whole[:-30])
    images, labels = load_dataset(classes, stream=True)
    assert greys(images[:]) == greys(images[:]) == [10, 10, 20, 100, 110]
    assert len(labels) == len(images) == 5
    words = [line for line in capsys.readouterr().err.splitlines() if "stands" in line]
    assert len(words) == 1
    assert "cat/0.png: " in words[0] and words[0].endswith("cat/1.png")


def test_a_stream_that_loses_its_files_stops_with_one_sentence(classes):
    images, _ = load_dataset(classes, stream=True, image_size=4)
    images = FolderImages(images.paths, 4, 1)  # nothing in memory yet
    for path in classes.rglob("*.png"):
        path.unlink()
    with pytest.raises(OSError, match=r"dog/1\.png: No such file.*the 4 after it"):
        images[4]


def test_a_folder_of_broken_images_alone_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"no readable image .*1 unreadable \(a\.jpg"):
        load_dataset(tmp_path)
    picture(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"no readable image .*2 unreadable"):
        load_dataset(tmp_path)


def test_mixed_sizes_need_a_size(folder):
    picture(folder / "wide.png", size=(20, 10))
    with pytest.raises(ValueError, match=r"8x8 \(6\), 20x10 \(1\); pass image_size"):
        load_dataset(folder)
    assert load_dataset(folder, image_size=12).images.shape == (7, 12, 12, 1)


def test_one_size_that_is_not_square_needs_a_size(tmp_path):
    picture(tmp_path / "a.png", size=(8, 6))
    with pytest.raises(ValueError, match=r"not of one square size: 8x6 \(1\)"):
        load_dataset(tmp_path)


def test_mixed_modes_need_channels(folder):
    picture(folder / "red.png", (255, 0, 0), mode="RGB")
    with pytest.raises(ValueError, match=r"mixed modes: L \(6\), RGB \(1\); pass"):
        load_dataset(folder)
    colour = load_dataset(folder, channels=3).images
    assert colour.shape == (7, 8, 8, 3)
    assert list(colour[6, 0, 0]) == [1, -1, -1]
    assert np.ptp(colour[:6], axis=-1).max() == 0  # grey has three equal channels
    assert load_dataset(folder, channels=1).images.shape == (7, 8, 8, 1)


@pytest.mark.parametrize(
    "option", [{"channels": 2}, {"channels": 4}, {"image_size": 0}, {"image_size": -8}]
)
def test_wrong_arguments_are_refused(folder, option):
    (name,) = option
    with pytest.raises(ValueError, match=f"{name}: expected"):
        load_dataset(folder, **option)


# Kinds of images -------------------------------------------------------------


def test_transparency_is_laid_on_white(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[0] = (255, 0, 0, 255)  # red and opaque; elsewhere black and transparent
    pixels[1] = (0, 0, 0, 128)
    shown = one(tmp_path, Image.fromarray(pixels))
    assert shown.shape == (8, 8, 3)
    assert np.allclose(shown[0], (255, 0, 0)) and np.allclose(shown[2:], 255)
    assert np.allclose(shown[1], 127, atol=1)


def test_a_palette_with_transparency_is_laid_on_white(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 255, 10, 20, 30])
    image.putpixel((0, 0), 0)
    image.info["transparency"] = 1
    shown = one(tmp_path, image)
    assert np.allclose(shown[0, 0], (0, 0, 255)) and np.allclose(shown[1:], 255)


def test_a_palette_without_transparency_is_colour(tmp_path):
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 255, 10, 20, 30])
    assert np.allclose(one(tmp_path, image)[0, 0], (10, 20, 30))


@pytest.mark.parametrize("value", [0, 200, 256, 32768, 65535])
def test_sixteen_bits_keep_their_scale(tmp_path, value):
    """Also in a dark image, whose values would fit into eight bits."""
    pixels = np.full((8, 8), value, np.uint16)
    shown = one(tmp_path, Image.fromarray(pixels), name="a.tif")
    assert shown.shape == (8, 8, 1)
    assert np.allclose(shown, value / 257, atol=1)


def test_black_and_white_is_grey(tmp_path):
    image = Image.new("1", (8, 8), 1)
    image.putpixel((0, 0), 0)
    shown = one(tmp_path, image)
    assert shown.shape == (8, 8, 1) and shown[0, 0] == 0 and shown[1, 1] == 255


def test_a_photograph_stands_as_the_camera_was_held(tmp_path):
    """Phones store pictures lying down, and say so in the file."""
    pixels = np.zeros((8, 8), np.uint8)
    pixels[:, 4:] = 255  # right half white
    image = Image.fromarray(pixels)
    turned = image.getexif()
    turned[0x0112] = 6  # to be shown after a quarter turn clockwise
    image.save(tmp_path / "a.png", exif=turned)
    shown = load_dataset(tmp_path).images[0, :, :, 0]
    assert np.all(shown[:4] == -1) and np.all(shown[4:] == 1)


def test_sizes_are_brought_together_by_a_centre_crop(tmp_path):
    """20x10 with white sides: the middle 10x10 is black, also at half the size."""
    pixels = np.full((10, 20), 255, np.uint8)
    pixels[:, 5:15] = 0
    shown = one(tmp_path, Image.fromarray(pixels), image_size=5)
    assert shown.shape == (5, 5, 1) and np.all(shown == 0)


def test_resizing_averages_instead_of_picking(tmp_path):
    """A fine checkerboard becomes grey, not black or white."""
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    shown = one(tmp_path, Image.fromarray(board), image_size=8)
    assert np.abs(shown - 127.5).max() < 12


# Streaming -------------------------------------------------------------------


def test_streaming_equals_loading(classes):
    held, streamed = load_dataset(classes), load_dataset(classes, stream=True)
    images = streamed.images
    assert isinstance(images, FolderImages)
    assert images.shape == held.images.shape and len(images) == 5
    assert np.array_equal(streamed.labels, held.labels)
    for index in (0, -1, 3, slice(None), slice(1, 4), [4, 0, 0], np.array([2, 1])):
        assert np.array_equal(images[index], held.images[index])
    assert images[2].dtype == images[:2].dtype == np.float32
    with pytest.raises(IndexError):
        images[5]


def test_images_beyond_the_memory_limit_stream(folder, monkeypatch):
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", 6 * 8 * 8 * 4)
    assert isinstance(load_dataset(folder).images, np.ndarray)
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", 6 * 8 * 8 * 4 - 1)
    assert isinstance(load_dataset(folder).images, FolderImages)
    assert isinstance(load_dataset(folder, stream=False).images, np.ndarray)


def test_streamed_batches_equal_those_from_memory(folder):
    held, streamed = (load_dataset(folder, stream=s).images for s in (False, True))
    pairs = zip(
        training_batches(held, 4, seed=3, start_step=1).take(3),
        training_batches(streamed, 4, seed=3, start_step=1).take(3),
        strict=True,
    )
    for a, b in pairs:
        assert a.shape == b.shape == (4, 8, 8, 1)
        assert np.array_equal(a.numpy(), b.numpy())
