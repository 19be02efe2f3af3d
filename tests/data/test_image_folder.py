"""A folder of images: what is read, how, and what is said where it cannot be."""

import contextlib

import numpy as np
import pytest
from PIL import Image

from dcgan_keras.data import image_folder, pictures
from dcgan_keras.data.datasets import load_dataset, training_batches
from dcgan_keras.data.image_folder import FolderImages, darkness
from dcgan_keras.data.listing import class_names
from dcgan_keras.sizes import IMAGE_SIZES


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


def test_a_class_without_a_picture_gets_a_word(tmp_path, capsys):
    """Whoever asks a trained G for it gets what it was never shown."""
    for name in ("train/ant", "train/bee", "test/cat"):
        picture(tmp_path / name / "a.png")
    assert list(load_dataset(tmp_path).labels) == [0, 1]
    assert "1 classes without a picture (cat)" in line(capsys)
    (tmp_path / "train" / "ant" / "a.png").write_bytes(b"")
    assert list(load_dataset(tmp_path).labels) == [1]
    assert "2 classes without a picture (ant, cat)" in line(capsys)


def test_the_names_are_those_of_the_classes_that_can_be_read(tmp_path):
    """Of a/ no picture can be read, so 0 is b; the listing alone does not know that."""
    for name in "abcd":
        picture(tmp_path / name / "1.png")
    (tmp_path / "a" / "1.png").write_bytes(b"")
    for stream in (False, True):
        assert list(load_dataset(tmp_path, stream=stream).labels) == [0, 1, 2]
        assert class_names(tmp_path, 3) == ["b", "c", "d"]
    whole = (tmp_path / "c" / "1.png").read_bytes()
    (tmp_path / "c" / "1.png").write_bytes(whole[:-30])  # its header is whole
    assert list(load_dataset(tmp_path).labels) == [0, 1]
    assert class_names(str(tmp_path), 2) == ["b", "d"]
    picture(tmp_path / "a" / "1.png")
    assert list(load_dataset(tmp_path).labels) == [0, 1, 2]
    assert class_names(tmp_path, 3) == ["a", "b", "d"]


def test_the_names_are_those_of_the_training_pictures(tmp_path):
    """A test part without classes has no names to keep."""
    for name in ("train/ant", "train/bee", "test"):
        picture(tmp_path / name / "a.png")
    load_dataset(tmp_path)
    load_dataset(tmp_path, "test")
    assert class_names(tmp_path, 2) == ["ant", "bee"]


def test_splits_that_are_not_used_are_said_beside_the_classes(tmp_path, capsys):
    for name in ("ant/train", "ant/val", "bee"):
        picture(tmp_path / name / "a.png")
    assert list(load_dataset(tmp_path).labels) == [0, 0, 1]
    assert "2 classes (ant, bee); the splits in ant/ are not used" in line(capsys)


def test_a_folder_without_parts_has_no_test_split(folder):
    with pytest.raises(ValueError, match="split: .*no test part.*train/ and test/"):
        load_dataset(folder, split="test")


# What cannot be read ---------------------------------------------------------


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
    "option",
    [
        *[{"channels": value} for value in (2, 4, "1", 1.0, True)],
        *[{"image_size": value} for value in (0, -8, "8", 8.0, True, 10**9)],
        *[{"stream": value} for value in ("no", 0, "")],
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(folder, option):
    ((name, value),) = option.items()
    with pytest.raises(ValueError, match=f"^{name}: expected .* got {value!r}$"):
        load_dataset(folder, **option)


# What is said ----------------------------------------------------------------


def line(capsys):
    """The one line on standard error; nothing else is printed."""
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err.rstrip("\n")


@pytest.mark.parametrize("stream", [False, True])
def test_one_line_says_what_is_used_and_what_is_not(classes, capsys, stream):
    (classes / "dog" / "2.png").write_bytes(b"")
    picture(classes / ".ipynb_checkpoints" / "0.png")
    for name in ("a.txt", "b.txt", "c.mat"):
        (classes / name).write_text("")
    assert load_dataset(classes, stream=stream).images.shape == (5, 8, 8, 1)
    assert line(capsys) == (
        f"{classes}: 6 found, 5 used, as 8x8x1; 2 classes (cat, dog); left out: "
        "1 hidden (.ipynb_checkpoints), 3 of other kinds (.txt, .mat), "
        "1 unreadable (dog/2.png: no picture that Pillow knows)"
    )


def test_where_all_is_used_the_line_is_short(folder, capsys):
    load_dataset(folder)
    assert line(capsys) == f"{folder}: 6 found, 6 used, as 8x8x1"


def test_lost_classes_are_told(classes, capsys):
    picture(classes / "preview.png", 255)
    assert load_dataset(classes).labels is None
    assert "no classes, for 1 lie beside the subfolders" in line(capsys)


def test_classes_are_those_of_images_that_are_used(classes, capsys):
    """A class of broken images alone has no number."""
    for name in ("ant", "cow"):
        picture(classes / name / "a.png").write_bytes(b"")
    assert list(load_dataset(classes).labels) == [0, 0, 0, 1, 1]
    assert "2 classes (cat, dog)" in line(capsys)
    for path in classes.glob("dog/*"):
        path.write_bytes(b"")
    assert load_dataset(classes).labels is None
    assert "no classes, for only cat/ is used" in line(capsys)


def test_first_frames_are_told(folder, capsys):
    frames = [Image.new("L", (8, 8), grey) for grey in (255, 0)]
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
    load_dataset(folder, channels=1)  # a palette is colour
    assert "the first frame alone of 1 (a.gif)" in line(capsys)


def test_a_white_that_is_nowhere_near_is_told(tmp_path, capsys):
    """Twelve bits in files of sixteen are all but black."""
    for value in (0, 4095):
        image = Image.fromarray(np.full((8, 8), value, np.uint16))
        image.save(tmp_path / f"{value}.png")
    load_dataset(tmp_path)
    assert "dark: the brightest pixel of 2 is 15 of 255" in line(capsys)
    picture(tmp_path / "bright.png", 128)
    load_dataset(tmp_path)
    assert "dark" not in line(capsys)


def test_one_plain_grey_is_not_called_dark(tmp_path, capsys):
    """Nothing is known of its scale."""
    picture(tmp_path / "a.png", 3)
    load_dataset(tmp_path)
    assert "dark" not in line(capsys)


def test_without_a_console_nothing_is_said(folder, monkeypatch, capsys):
    """Nor on standard output, which belongs to results."""
    monkeypatch.setattr("sys.stderr", None)
    assert len(load_dataset(folder).images) == 6
    assert capsys.readouterr().out == ""


# One scale a folder ----------------------------------------------------------


def fractions(path, *values):
    image = Image.fromarray(np.resize(np.float32(values), (8, 8)))
    image.save(path)


def test_fractions_are_refused_by_what_was_found(tmp_path):
    fractions(tmp_path / "a.tif", 0, 0.25, 1)
    with pytest.raises(ValueError, match=r"without a white .*a\.tif: .*F, 0 to 1\)"):
        load_dataset(tmp_path)


def test_fractions_among_others_are_left_out_with_a_word(folder, capsys):
    fractions(folder / "a.tif", 0, 1)
    assert greys(load_dataset(folder).images) == [0, 50, 100, 150, 200, 250]
    assert "1 of a scale without a white" in line(capsys)


def test_eight_and_sixteen_bits_side_by_side(tmp_path):
    """Both from black to white, and one does not change the other."""
    for value in (250, 260, 65535):
        image = Image.fromarray(np.full((8, 8), value, np.uint16))
        image.save(tmp_path / f"{value}.tif")
    picture(tmp_path / "9.png", 250)
    assert greys(load_dataset(tmp_path).images) == [0, 1, 255, 250]


# Refused before anything is decoded ------------------------------------------


@pytest.fixture
def no_decoding(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("decoded")

    monkeypatch.setattr(image_folder, "decode", refuse)


@pytest.mark.parametrize(
    ("size", "near"), [(100, "96 or 112"), (300, "256"), (30, "28 or 32"), (5, "8")]
)
def test_sizes_that_are_not_allowed_are_refused_at_once(
    tmp_path, no_decoding, size, near
):
    """As asked for, and as found."""
    said = rf"--image-size.*got {size}, and the nearest is {near}$"
    picture(tmp_path / "a.png", size=(size, size))
    options = {"allowed_sizes": IMAGE_SIZES}
    with pytest.raises(ValueError, match=said):
        load_dataset(tmp_path, **options)
    with pytest.raises(ValueError, match=said):
        load_dataset(tmp_path / ".", image_size=size, **options)
    with pytest.raises(AssertionError, match="decoded"):
        load_dataset(tmp_path)  # any size, where none is named


def test_sizes_of_other_data_sets_are_checked_too():
    """Without the advice of --image-size, which is refused for them."""
    said = "^digits: expected one of 8, 64 pixels; got 28x28, its size$"
    with pytest.raises(ValueError, match=said):
        load_dataset("digits", allowed_sizes=(8, 64))


def test_mixed_sizes_and_modes_are_refused_by_headers(folder, no_decoding):
    picture(folder / "wide.png", size=(20, 10))
    with pytest.raises(ValueError, match=r"pass image_size.*\(--image-size 28\)"):
        load_dataset(folder)
    picture(folder / "wide.png", (1, 2, 3), mode="RGB")
    with pytest.raises(ValueError, match=r"mixed modes.*\(--channels\)"):
        load_dataset(folder)


# More images than headers are read -------------------------------------------


def test_of_a_large_folder_a_sample_is_looked_into(folder, capsys, monkeypatch):
    opened = []
    real = image_folder.read_header
    monkeypatch.setattr(image_folder, "HEADERS_READ", 3)
    monkeypatch.setattr(
        image_folder, "read_header", lambda *a: opened.append(a[0]) or real(*a)
    )
    assert greys(load_dataset(folder).images) == [0, 50, 100, 150, 200, 250]
    assert sorted(path[-5:] for path in opened) == ["0.png", "2.png", "4.png"]
    assert "3 of them looked into, the others as they are read" in line(capsys)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"size": (20, 10)}, "of another size (1.png: 20x10, unlike the others)"),
        ({"value": (1, 2, 3), "mode": "RGB"}, "of other channels (1.png: colour among"),
        ({"value": 0.5, "mode": "F"}, "of a scale without a white"),
    ],
)
def test_what_the_sample_did_not_show(folder, capsys, monkeypatch, odd, said):
    """Left out with a word in memory, and in a stream the next one stands for it."""
    monkeypatch.setattr(image_folder, "HEADERS_READ", 3)
    Image.new(odd.get("mode", "L"), odd.get("size", (8, 8)), odd.get("value", 0)).save(
        folder / "1.png", format="TIFF"
    )
    assert greys(load_dataset(folder).images) == [0, 100, 150, 200, 250]
    assert "1 " + said in line(capsys)
    images = load_dataset(folder, stream=True).images
    assert greys(images[:]) == [0, 100, 100, 150, 200, 250]
    assert f"in its place stands {folder / '2.png'}" in capsys.readouterr().err


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


def test_sizes_are_brought_together_by_a_centre_crop(tmp_path):
    """20x10 with white sides: the middle 10x10 is black, also at half the size."""
    pixels = np.full((10, 20), 255, np.uint8)
    pixels[:, 5:15] = 0
    shown = one(tmp_path, Image.fromarray(pixels), image_size=5)
    assert shown.shape == (5, 5, 1) and np.all(shown == 0)


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "tall"])
def test_a_centre_crop_keeps_each_pixel_in_its_place(tmp_path, turned):
    """Of an odd rest the smaller half is cut off at the left, or at the top."""
    pixels = np.arange(4 * 7, dtype=np.uint8).reshape(4, 7)
    middle = pixels[:, 1:5]
    if turned:
        pixels, middle = pixels.T.copy(), middle.T
    shown = one(tmp_path, Image.fromarray(pixels), image_size=4)
    assert np.rint(shown[..., 0]).tolist() == middle.tolist()


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


def decodings(monkeypatch):
    """The names of the files that are decoded from now on."""
    names, real = [], image_folder.decode
    monkeypatch.setattr(
        image_folder,
        "decode",
        lambda path, *options: names.append(path[-5:]) or real(path, *options),
    )
    return names


def test_a_streamed_image_is_decoded_once(folder, monkeypatch):
    names = decodings(monkeypatch)
    images = load_dataset(folder, stream=True).images
    assert images.is_kept_whole
    first = images[:]
    assert np.array_equal(images[:], first) and np.array_equal(images[3], first[3])
    assert sorted(names) == [f"{n}.png" for n in range(6)]


def test_what_is_kept_is_bounded_and_the_rest_decoded_again(
    folder, monkeypatch, capsys
):
    """Room for four images of 8x8 bytes, not for a fifth."""
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", 5 * 64 - 1)
    names = decodings(monkeypatch)
    images = load_dataset(folder).images
    assert isinstance(images, FolderImages) and not images.is_kept_whole
    names.clear()
    for _ in range(3):
        assert greys(images[:]) == [0, 50, 100, 150, 200, 250]
    assert names == ["4.png", "5.png"] * 3
    assert "epoch" not in line(capsys)  # decoding these is no work


@pytest.mark.parametrize(
    ("room", "when"), [(5, "each epoch anew"), (6 * 4, "the first epoch")]
)
def test_large_images_in_a_stream_are_told(folder, monkeypatch, capsys, room, when):
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", room)
    load_dataset(folder, image_size=2)
    assert f"those of 8 pixels are decoded in {when}; stored at 2" in line(capsys)


def test_a_stand_in_is_told_once_though_not_kept(folder, monkeypatch, capsys):
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", 0)
    images = load_dataset(folder).images
    line(capsys)
    (folder / "5.png").unlink()
    for _ in range(3):
        assert greys(images[4:]) == [200, 0]  # after the last comes the first
    assert "5.png: No such file" in line(capsys)


def test_a_stream_is_given_up_after_so_many_in_a_row(folder, monkeypatch):
    monkeypatch.setattr(image_folder, "STAND_INS", 3)
    images = FolderImages([str(folder / f"{n}.png") for n in range(6)], 8, 1)
    for n in (1, 2, 3):
        (folder / f"{n}.png").unlink()
    assert greys(images[[2, 3]]) == [200, 200]
    with pytest.raises(OSError, match=r"1\.png: No such file .*nor can the 2 after it"):
        images[1]
    monkeypatch.setattr(image_folder, "STAND_INS", 2)
    with pytest.raises(OSError, match=r"1\.png: No such file .*nor can the 1 after it"):
        images[1]


def test_bombs_are_left_out_and_big_images_read_one_by_one(folder, capsys, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 10_000)
    picture(folder / "a.png", size=(100, 101))
    picture(folder / "b.png", 255, size=(100, 100))
    assert greys(load_dataset(folder, image_size=8).images)[6:] == [255]
    assert "1 of too many pixels (a.png: 100x101)" in line(capsys)


# Nothing to be seen, and nobody to be told ------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0, 0), "blank: every pixel of 2 is 0 of 255"),
        ((255, 255), "blank: every pixel of 2 is 255 of 255"),
        ((250, 255), "bright: the darkest pixel of 2 is 250 of 255"),
        ((0, 255), ""),
        ((128, 190), ""),
    ],
)
def test_blank_pictures_get_a_word(tmp_path, capsys, values, said):
    for number, value in enumerate(values):
        picture(tmp_path / f"{number}.png", value)
    load_dataset(tmp_path)
    found = line(capsys)
    assert said in found
    assert said or " of 255" not in found


def test_white_is_looked_for_all_over_the_folder():
    """32 are looked at; the first class alone may be dark."""
    images = np.full((64, 2, 2, 1), -1, np.float32)
    images[40:] = 1
    assert darkness(images) == ""


def test_a_full_disk_behind_standard_error_is_no_failure(folder, monkeypatch):
    full = open("/dev/full", "w")
    monkeypatch.setattr("sys.stderr", full)
    assert len(load_dataset(folder).images) == 6
    with contextlib.suppress(OSError):
        full.close()


def test_a_run_that_was_killed_before_its_first_save_is_no_class(tmp_path):
    for name in ("cat", "dog", "run/samples"):
        picture(tmp_path / name / "1.png")
    (tmp_path / "dog" / "config.json").write_text('{"owner": "somebody"}')
    config = '{"recipe": "default", "batch_size": 8, "latent_dim": 3}'
    (tmp_path / "run" / "config.json").write_text(config)
    assert load_dataset(tmp_path).labels.tolist() == [0, 1]


def test_what_is_cut_off_or_enlarged_is_said(tmp_path, capsys):
    picture(tmp_path / "a.png", size=(32, 16))  # a pair of pictures, side by side
    picture(tmp_path / "b.png", size=(16, 16))
    load_dataset(str(tmp_path), image_size=16)
    said = line(capsys)
    assert "more than a quarter of 1 is cut off, for squares (32x16)" in said
    assert "enlarged" not in said
    load_dataset(str(tmp_path), image_size=20)
    assert "2 enlarged to 20 pixels (32x16)" in line(capsys)
    picture(tmp_path / "a.png", size=(20, 15))  # as most cameras have it
    load_dataset(str(tmp_path), image_size=15)
    assert "cut off" not in line(capsys)
    (tmp_path / "a.png").unlink()
    load_dataset(str(tmp_path))
    assert "cut off" not in line(capsys)


def test_numbers_of_fits_have_a_sign_and_are_refused(tmp_path, capsys):
    header = b"".join(
        one.encode().ljust(80)
        for one in (
            "SIMPLE  =                    T",
            "BITPIX  =                   16",
            "NAXIS   =                    2",
            "NAXIS1  =                    8",
            "NAXIS2  =                    8",
            "END",
        )
    )
    pixels = np.full((8, 8), -300, ">i2").tobytes()
    (tmp_path / "a.fits").write_bytes(header.ljust(2880) + pixels.ljust(2880, b"\0"))
    with pytest.raises(ValueError, match="no readable image .*scale without a white"):
        load_dataset(str(tmp_path))
