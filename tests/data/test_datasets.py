"""Data sets: where they are looked for, what they hold, what is refused."""

import gc
import gzip
import io
import shutil
import tarfile
import weakref
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dcgan_keras import keras, tf
from dcgan_keras.data import datasets
from dcgan_keras.data.archives import ARRAYS, read_cifar10_binary
from dcgan_keras.data.datasets import check_images, load_dataset, training_batches
from dcgan_keras.files import UnreadableFile


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits"), load_dataset("digits", split="test")


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    """No folder named, nothing in the course, an empty cache, the network down."""

    def download(name):
        raise OSError("the network is down")

    def find_data(relative):
        raise FileNotFoundError(relative)

    monkeypatch.delenv("DCGAN_KERAS_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(datasets, "_download", download)
    monkeypatch.setattr(datasets, "find_data", find_data)


def small_mnist(count=5, shift=0):
    """Keras's four arrays, every image a constant: its number plus ``shift``."""
    pixels = np.arange(count, dtype=np.uint8)[:, None, None] + np.uint8(shift)
    pixels = np.broadcast_to(pixels, (count, 28, 28)).copy()
    labels = np.arange(count, dtype=np.uint8)
    return dict(zip(ARRAYS, (pixels, labels, pixels[:2], labels[:2]), strict=True))


def numbered(count, size=2):
    """Images (count, size, size, 1) whose every pixel tells their number."""
    values = np.linspace(-1, 1, count, dtype=np.float32)
    return np.broadcast_to(values[:, None, None, None], (count, size, size, 1)).copy()


def drawn(images, batch_size, batches, **options):
    """The numbers of the images in the first batches: int (batches, batch_size)."""
    pipeline = training_batches(images, batch_size, **options).take(batches)
    pixels = np.stack([batch.numpy()[:, 0, 0, 0] for batch in pipeline])
    return np.rint((pixels + 1) / 2 * (len(images) - 1)).astype(int)


# The digits ------------------------------------------------------------------


def test_digits_have_the_form_that_is_promised(digits):
    for split, count in zip(digits, (1415, 382), strict=True):
        assert split.images.shape == (count, 28, 28, 1)
        assert split.images.dtype == np.float32
        assert split.images.min() == -1 and split.images.max() == 1
        assert split.labels.shape == (count,) and split.labels.dtype == np.int64
        assert set(split.labels) == set(range(10))
        check_images(split.images)


def test_digits_are_scikit_learns_in_its_order_with_its_labels(digits):
    """The mean of each enlarged digit follows the mean of its 8x8 original."""
    original = load_digits()
    images = np.concatenate([digits[0].images, digits[1].images])
    labels = np.concatenate([digits[0].labels, digits[1].labels])
    assert np.array_equal(labels, original.target)
    inside = images[:, 2:26, 2:26, 0]
    means = inside.reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)) * 8 + 8  # 0..16 again
    assert np.abs(means - original.images).mean() < 0.8
    border = images.copy()
    border[:, 2:26, 2:26] = -1
    assert np.all(border == -1)


def test_digits_train_and_test_share_no_image_and_no_writer(digits):
    """Each writer begins with 0-9 three times; the cut is where one begins."""
    train, test = (split.images.reshape(len(split.images), -1) for split in digits)
    both = {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert both == set()
    labels = load_digits().target
    thrice = np.tile(np.arange(10), 3)
    begins = [
        i for i in range(len(labels)) if np.array_equal(labels[i : i + 30], thrice)
    ]
    assert begins[0] == 0 and len(begins) >= 10
    assert datasets.DIGITS_TRAIN in begins


def test_nearest_neighbour_reads_the_test_digits(digits):
    """Labels belong to their images: one neighbour is right in 9 of 10 cases."""
    train, test = digits
    a, b = (split.images.reshape(len(split.images), -1) for split in digits)
    nearest = np.argmax(b @ a.T - (a**2).sum(axis=1) / 2, axis=1)
    assert (train.labels[nearest] == test.labels).mean() > 0.9


# Where mnist is looked for ---------------------------------------------------


def test_mnist_comes_first_from_the_folder_that_the_variable_names(
    no_data, monkeypatch, tmp_path
):
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **small_mnist(shift=100))
    found = load_dataset("mnist")
    assert found.images[0, 0, 0, 0] == pytest.approx(100 / 127.5 - 1)

    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    assert load_dataset("mnist").images[0, 0, 0, 0] == found.images[0, 0, 0, 0]
    np.savez(tmp_path / "mnist.npz", **small_mnist())
    images, labels = load_dataset("mnist")
    assert images.shape == (5, 28, 28, 1) and images.dtype == np.float32
    assert np.allclose(images[:, 0, 0, 0], np.arange(5) / 127.5 - 1)
    assert labels.dtype == np.int64 and list(labels) == [0, 1, 2, 3, 4]
    assert load_dataset("mnist", split="test").images.shape == (2, 28, 28, 1)


def test_mnist_comes_with_the_course(monkeypatch, tmp_path):
    """Whole, with no cache and no network; a folder that is named goes first."""
    monkeypatch.delenv("DCGAN_KERAS_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(datasets, "_download", lambda name: 1 / 0)
    images, labels = load_dataset("mnist")
    assert images.shape == (60000, 28, 28, 1) and list(labels[:5]) == [5, 0, 4, 1, 9]
    assert load_dataset("mnist", "test").images.shape == (10000, 28, 28, 1)
    np.savez(tmp_path / "mnist.npz", **small_mnist())
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    assert load_dataset("mnist").images.shape == (5, 28, 28, 1)


def test_full_range_of_pixels_becomes_minus_one_to_one(no_data, monkeypatch, tmp_path):
    arrays = small_mnist(2)
    arrays["x_train"][0], arrays["x_train"][1] = 0, 255
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    images = load_dataset("mnist").images
    assert np.all(images[0] == -1) and np.all(images[1] == 1)


def test_the_error_names_every_place_that_was_tried(no_data, monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset("mnist")
    message = str(caught.value)
    assert "DCGAN_KERAS_DATA (not set); the course's own data" in message
    assert str(tmp_path / "keras" / "datasets" / "mnist.npz") in message
    assert "the network is down" in message and '"digits"' in message
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path / "here"))
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset("fashion_mnist")
    assert str(tmp_path / "here" / "fashion_mnist.npz") in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        gzip.BadGzipFile("Not a gzipped file (b'<h')"),  # a page that asks to log in
        ValueError("cannot reshape array of size 392000 into shape (600,28,28)"),
        zlib.error("Error -3 while decompressing data: invalid block type"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_damaged_in_the_cache_of_keras_is_named(tmp_path, monkeypatch, error):
    """A download that broke off stays there, and stops every later one."""

    def load_data():
        raise error

    monkeypatch.delenv("DCGAN_KERAS_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", load_data)
    with pytest.raises(UnreadableFile) as caught:
        load_dataset("fashion_mnist")
    folder = tmp_path / "datasets" / "fashion-mnist"
    assert str(caught.value).startswith(f"{folder}: expected fashion_mnist as Keras")
    assert f"; {error}; remove the folder" in str(caught.value)


def test_a_link_to_nowhere_in_the_cache_of_keras_is_named(no_data, tmp_path):
    """As for the folder that the variable names: not as if it were missing."""
    path = tmp_path / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "unplugged")
    with pytest.raises(ValueError, match=r"mnist\.npz: .* it is a link to"):
        load_dataset("mnist")


def test_a_data_folder_that_is_none_gets_a_word(no_data, monkeypatch, tmp_path):
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path / "nowhere"))
    cache = tmp_path / "keras" / "datasets"
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **small_mnist(3))
    with pytest.warns(UserWarning, match="DCGAN_KERAS_DATA: expected a folder, .*is n"):
        assert len(load_dataset("mnist").images) == 3
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DCGAN_KERAS_DATA", "~/mine")  # as it stands in a notebook
    (tmp_path / "mine").mkdir()
    np.savez(tmp_path / "mine" / "mnist.npz", **small_mnist(2))
    assert len(load_dataset("mnist").images) == 2
    monkeypatch.setenv("DCGAN_KERAS_DATA", "~nobody-of-this-name/mine")
    with pytest.warns(UserWarning, match="expected a folder, '~nobody-of-.* is none"):
        assert len(load_dataset("mnist").images) == 3


def test_an_empty_data_variable_is_not_set(no_data, monkeypatch, tmp_path):
    """And does not stand for the folder that one is in."""
    monkeypatch.chdir(tmp_path)
    np.savez("mnist.npz", **small_mnist(3))
    monkeypatch.setenv("DCGAN_KERAS_DATA", "")
    with pytest.raises(FileNotFoundError, match=r"DCGAN_KERAS_DATA \(not set\)"):
        load_dataset("mnist")


def test_pixels_of_another_scale_get_a_word(no_data, monkeypatch, tmp_path, capsys):
    """0 and 1 in uint8, as where somebody has made them black and white."""
    arrays = small_mnist(2)
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    np.savez(tmp_path / "mnist.npz", **arrays)
    load_dataset("mnist")
    said = "mnist: dark: the brightest pixel of 2 is 1 of 255\n"
    assert capsys.readouterr().err == said
    np.savez(tmp_path / "mnist.npz", **arrays | {"x_train": arrays["x_train"] * 255})
    load_dataset("mnist")
    assert capsys.readouterr().err == ""


def test_pickled_arrays_are_refused_and_not_run(no_data, monkeypatch, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    arrays = small_mnist()
    arrays["x_train"] = np.array([Bomb()], dtype=object)
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"mnist\.npz.*allow_pickle=False"):
        load_dataset("mnist")
    assert not (tmp_path / "ran").exists()


def whole_npz():
    buffer = io.BytesIO()
    np.savez(buffer, **small_mnist())
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip", whole_npz()[:-200], whole_npz()[:3000]],
    ids=["empty", "text", "end cut off", "half"],
)
def test_a_damaged_archive_is_named(no_data, monkeypatch, tmp_path, content):
    (tmp_path / "mnist.npz").write_bytes(content)
    monkeypatch.setenv("DCGAN_KERAS_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"mnist\.npz.*x_train"):
        load_dataset("mnist")


def test_cifar10_is_read_from_its_binary_archive(tmp_path):
    """One label byte, then 1,024 red, 1,024 green and 1,024 blue bytes a record."""
    archive = tmp_path / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for number in (2, 1, "test"):  # not in order, as archives are
            records = b""
            for record in range(3):
                red, green, blue = (bytes([10 * c + record]) * 1024 for c in (1, 2, 3))
                red = bytes([number if number != "test" else 99, 200]) + red[2:]
                records += bytes([record]) + red + green + blue
            kind = "test" if number == "test" else f"data_batch_{number}"
            name = "test_batch.bin" if kind == "test" else f"{kind}.bin"
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(records)
            tar.addfile(member, io.BytesIO(records))
        readme = tarfile.TarInfo("cifar-10-batches-bin/readme.html")
        tar.addfile(readme, io.BytesIO(b""))
    arrays = read_cifar10_binary(archive)
    images, labels = datasets._from_uint8(arrays["x_train"], arrays["y_train"])
    assert arrays["x_test"].shape == (3, 32, 32, 3) and images.shape == (6, 32, 32, 3)
    assert list(labels) == [0, 1, 2, 0, 1, 2]
    pixels = np.rint((images + 1) * 127.5).astype(int)
    assert list(pixels[:, 0, 0, 0]) == [1, 1, 1, 2, 2, 2]  # batch 1 before batch 2
    assert list(pixels[4, 0, 1]) == [200, 21, 31]  # second column, not second row
    assert list(pixels[4, 1, 0]) == [11, 21, 31]
    assert arrays["x_test"][0, 0, 0, 0] == 99


# Names -----------------------------------------------------------------------


def test_unknown_names_and_splits_are_refused(tmp_path):
    with pytest.raises(
        ValueError, match="digits, mnist, fashion_mnist, cifar10.*mnits"
    ):
        load_dataset("mnits")
    with pytest.raises(ValueError, match="images; got '', which is neither"):
        load_dataset("")
    for name in (None, 3, b"mnist", ["mnist"], np.array(["mnist", "digits"])):
        with pytest.raises(ValueError, match="^name: expected one of digits, .*; got"):
            load_dataset(name)
    with pytest.raises(ValueError, match="split: expected one of .*; got None"):
        load_dataset("digits", split=None)
    with pytest.raises(ValueError, match="split: .*'validation'"):
        load_dataset("digits", split="validation")
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_dataset("no/such/folder")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="a.png is a file"):
        load_dataset(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("options", "named", "got"),
    [
        ({"image_size": 32}, "image_size (--image-size)", "32"),
        ({"channels": 3}, "channels (--channels)", "3"),
        ({"stream": False}, "stream", "False"),
        (
            {"image_size": 14, "channels": 1},
            "image_size (--image-size), channels (--channels)",
            "14, 1",
        ),
    ],
)
def test_options_of_a_folder_are_refused_by_those_that_were_given(options, named, got):
    with pytest.raises(ValueError) as caught:
        load_dataset("digits", **options)
    assert str(caught.value) == (
        f"{named}: expected a folder of images, for 'digits' has a size of its own; "
        f"got {got}"
    )


def test_a_working_directory_that_is_gone_is_said(tmp_path, monkeypatch):
    (tmp_path / "gone" / "pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    for name in ("pictures", "./pictures", Path("pictures")):
        with pytest.raises(FileNotFoundError, match="^name: .*working directory is go"):
            load_dataset(name)
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_dataset(tmp_path / "gone")
    assert len(load_dataset("digits").images) == 1415


def test_a_folder_with_the_name_of_a_data_set_gets_a_word_once(
    tmp_path, monkeypatch, capsys
):
    datasets._say_which_is_meant.cache_clear()
    monkeypatch.chdir(tmp_path)
    picture = Image.new("L", (8, 8))
    load_dataset("digits")
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "config.json").write_text("{}")
    (tmp_path / "digits" / "history.csv").write_text("")  # a run's: nobody means that
    load_dataset("digits")
    assert capsys.readouterr().err == ""
    (tmp_path / "digits" / "history.csv").unlink()
    picture.save(tmp_path / "digits" / "a.png")
    assert len(load_dataset("digits").images) == 1415
    assert capsys.readouterr().err == (
        "digits: the built-in data set is used; the folder of that name is meant by "
        "./digits\n"
    )
    load_dataset("digits", "test")
    assert capsys.readouterr().err == ""
    assert len(load_dataset("./digits").images) == 1
    assert len(load_dataset(Path("digits")).images) == 1


# What cannot be trained on ---------------------------------------------------


def changed(place, value):
    images = numbered(10)
    images[place] = value
    return images


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (numbered(10)[..., 0], r"expected shape \(N, H, W, C\).*\(10, 2, 2\)"),
        (numbered(10)[:0], "N > 0"),
        (numbered(10)[:, :0], r"H > 0.*; got \(10, 0, 2, 1\)"),
        (numbered(10)[..., :0], r"C > 0; got \(10, 2, 2, 0\)"),
        (np.ma.array(numbered(10), mask=numbered(10) > 0), "without a mask"),
        (numbered(10).astype(np.float64), "expected float32.*float64"),
        (np.zeros((3, 2, 2, 1), np.uint8), "expected float32.*uint8"),
        (changed((3, 1, 0, 0), np.nan), "1 of 10 images hold NaN"),
        (changed((slice(2), 0), np.inf), "2 of 10 images hold NaN or infinity"),
        (changed((3, 1), 1.5), r"expected values in \[-1, 1\], got \[-1, 1.5\]"),
        (numbered(10) * np.float32(1.0000001), r"got \[-1.0000001, 1.0000001\]"),
        (numbered(10) * 127.5 + 127.5, r"got \[0, 255\]; scale pixels by x / 127.5"),
    ],
    ids=(
        "3-D, empty, no height, no channel, masked, float64, uint8, NaN, infinity, "
        "above 1, just above 1, 0..255"
    ).split(", "),
)
def test_images_that_cannot_be_trained_on_are_refused(images, said):
    with pytest.raises(ValueError, match=said):
        check_images(images)
    with pytest.raises(ValueError, match=said):
        training_batches(images, 2)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (changed((3, 1, 0, 0), np.nan), "1 of 10 images hold NaN"),
        (changed((3, 1), 1.5), r"got \[-1, 1.5\]"),
        (numbered(10).astype(np.float64), "expected float32 .* got float64$"),
    ],
    ids=["NaN", "above 1", "float64"],
)
def test_tensors_are_looked_at_as_arrays(images, said):
    from dcgan_keras import tf

    with pytest.raises(ValueError, match=said):
        check_images(tf.constant(images))


def test_what_is_no_array_is_refused():
    with pytest.raises(ValueError, match="images: expected an array .* got list"):
        training_batches(numbered(10).tolist(), 2)


def test_an_array_on_the_disk_that_is_none_is_refused(tmp_path):
    """HDF5's takes only indices that rise, which those of a batch do not."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = numbered(10)
        with pytest.raises(
            ValueError, match="images: expected an array .* got Dataset"
        ):
            training_batches(file["images"], 2)


def test_batches_of_a_tensor_are_those_of_its_array():
    batches = training_batches(tf.constant(numbered(10)), 2, seed=3).take(5)
    found = np.stack([batch.numpy()[:, 0, 0, 0] for batch in batches])
    expected = drawn(numbered(10), 2, 5, seed=3)
    assert np.array_equal(np.rint((found + 1) / 2 * 9), expected)


def test_values_in_zero_to_one_are_met_with_a_warning():
    """The classic mistake: x / 255 under a generator that ends in tanh."""
    with pytest.warns(UserWarning, match=r"\[0, 1\].*2 \* x - 1"):
        check_images((numbered(10) + 1) / 2)
    check_images(numbered(10))
    check_images(np.zeros((3, 2, 2, 1), np.float32))  # grey, of any range


def test_batch_sizes_that_do_not_fit_are_refused():
    images = numbered(10)
    check_images(images, batch_size=10)
    for batch_size in (0, 11, -1):
        with pytest.raises(
            ValueError, match=f"batch_size: .*1 to 10.*got {batch_size}"
        ):
            check_images(images, batch_size=batch_size)
        with pytest.raises(ValueError, match="batch_size"):
            training_batches(images, batch_size)
    with pytest.raises(ValueError, match="batch_size: .* got None"):
        training_batches(images, None)


# Batches ---------------------------------------------------------------------


def test_every_epoch_visits_each_image_once_in_another_order():
    order = drawn(numbered(12), batch_size=4, batches=9, seed=1).reshape(3, 12)
    assert all(sorted(epoch) == list(range(12)) for epoch in order)
    assert len({tuple(epoch) for epoch in order}) == 3
    assert all(list(epoch) != list(range(12)) for epoch in order)


def test_images_beyond_the_last_whole_batch_wait_for_another_epoch():
    order = drawn(numbered(11), batch_size=4, batches=20).reshape(10, 8)
    assert all(len(set(epoch)) == 8 for epoch in order)
    assert {number for epoch in order for number in epoch} == set(range(11))


def test_order_follows_from_the_seed():
    first, again, other = (drawn(numbered(12), 4, 6, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert drawn(numbered(12), 4, 2, seed=-3).shape == (2, 4)


@pytest.mark.parametrize("start_step", [0, 1, 2, 3, 4, 7, 100])
def test_start_step_meets_the_very_batches(start_step):
    """11 images by 4: two steps an epoch, so the starts lie in and between epochs."""
    whole = drawn(numbered(11), 4, 108, seed=5)
    part = drawn(numbered(11), 4, 8, seed=5, start_step=start_step)
    assert np.array_equal(part, whole[start_step : start_step + 8])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 2.0}, "batch_size: .* got 2.0"),
        ({"batch_size": "2"}, "batch_size: .* got '2'"),
        ({"batch_size": True}, "batch_size: .* got True"),
        ({"seed": 1.5}, "seed: expected an integer of 64 bits, got 1.5"),
        ({"seed": None}, "seed: .* got None"),
        ({"seed": 2**63}, "seed: .* got 9223372036854775808"),
        ({"start_step": 1.0}, "start_step: expected a whole number >= 0, got 1.0"),
    ],
)
def test_what_is_no_whole_number_is_refused(options, said):
    """A seed of 1.5 was taken for 1 in silence."""
    with pytest.raises(ValueError, match=said):
        training_batches(numbered(10), **{"batch_size": 2} | options)


def test_seeds_of_64_bits_are_seeds():
    for seed in (2**63 - 1, -(2**63), np.int64(3)):
        assert len(next(iter(training_batches(numbered(10), 2, seed=seed)))) == 2


def test_numbers_of_8_bits_count_as_far():
    small = {"batch_size": 4, "seed": 200, "start_step": 250}
    plain = next(iter(training_batches(numbered(11), **small)))
    small = {name: np.uint8(number) for name, number in small.items()}
    found = next(iter(training_batches(numbered(11), **small)))
    np.testing.assert_array_equal(found, plain)


def test_a_negative_start_step_is_refused():
    with pytest.raises(ValueError, match="start_step: .*-1"):
        training_batches(numbered(4), 2, start_step=-1)


def test_batches_have_one_static_shape():
    batches = training_batches(numbered(11, size=3), 4)
    assert batches.element_spec.shape == (4, 3, 3, 1)
    assert batches.element_spec.dtype.name == "float32"


def test_batches_are_read_where_the_images_lie():
    """No copy is made: what changes in the array changes in the batches."""
    images = numbered(8)
    batches = training_batches(images, 4)
    images[:] = 0.5
    assert np.all(next(iter(batches)) == 0.5)


def test_images_are_given_back_with_the_last_that_reads_them():
    """Each pipeline of MNIST kept 188 MB for good, in a kernel that made several."""
    images = numbered(8)
    kept = weakref.ref(images)
    batches = training_batches(images, 4).take(5).map(lambda batch: batch * 2)
    iterator = iter(batches)
    del images, batches
    gc.collect()
    assert next(iterator).shape == next(iterator).shape == (4, 2, 2, 1)
    del iterator
    gc.collect()
    assert kept() is None


def test_a_pipeline_within_another_keeps_its_images():
    batches = tf.data.Dataset.range(2).flat_map(
        lambda seed: training_batches(numbered(8), 4).take(3)
    )
    gc.collect()
    assert len(list(batches)) == 6


def test_a_pipeline_without_its_images_is_no_end_of_an_epoch():
    batches = training_batches(numbered(8), 4)
    del batches.images
    gc.collect()
    with pytest.raises(tf.errors.InvalidArgumentError):
        next(iter(batches))
