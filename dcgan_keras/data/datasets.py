"""Real images for training: float32 in [-1, 1], shape (N, H, W, C), and batches.

``load_dataset("mnist")`` and ``load_dataset("digits")`` need no network: the course
carries all of MNIST, scikit-learn the 1,797 digits. "mnist", "fashion_mnist" and
"cifar10" are looked for in the folder named by the environment variable
DCGAN_KERAS_DATA, then in the course's own data, then in Keras's cache, and only then
does Keras download them.
"""

import functools
import gzip
import os
import warnings
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcgan_keras.data.archives import ARRAYS, read_cifar10_binary, read_npz
from dcgan_keras.data.image_folder import (
    FolderImages,
    darkness,
    load_folder,
    say,
    scaled,
)
from dcgan_keras.data.listing import is_run
from dcgan_keras.files import UnreadableFile, find_data
from dcgan_keras.sizes import (
    check_choice,
    check_count,
    check_positive,
    is_int,
)

if TYPE_CHECKING:
    from dcgan_keras._tensorflow import tf

NOT_NEGATIVE = (
    "images: all values are in [0, 1]; a tanh generator makes [-1, 1], so D would tell "
    "reals by their range; scale by 2 * x - 1"
)
DATA_VARIABLE = "DCGAN_KERAS_DATA"
DATASETS = ("digits", "mnist", "fashion_mnist", "cifar10")
_NAMES = f"expected one of {', '.join(DATASETS)}, or the path of a folder of images"
CIFAR10_BINARY = {  # the version without Python pickles
    "origin": "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "file_hash": "c32a1d4ab5d03f1284b67883e8d87530",
}
# The digits lie in the order of their writers: each writer begins by 0-9 three times.
# A cut where a writer begins keeps every writer on one side.
DIGITS_TRAIN = 1415


class Images(NamedTuple):
    """A data set.

    Attributes:
        images: float32 array of shape (N, H, W, C), values in [-1, 1]; for a folder
            that does not fit in memory a ``FolderImages`` that decodes what is indexed.
        labels: int64 array of shape (N,), or None where there are none.
    """

    images: "np.ndarray | FolderImages"
    labels: "np.ndarray | None" = None


def load_dataset(
    name: str | Path,
    split: str = "train",
    image_size: int | None = None,
    channels: int | None = None,
    stream: bool | None = None,
    allowed_sizes: Sequence[int] | None = None,
) -> Images:
    """Load real images, scaled to what a tanh generator can produce.

    Args:
        name: "digits" (8x8 digits enlarged to 24x24 by bicubic interpolation, with a
            black border of 2 pixels: 28x28x1, a drop-in for MNIST), "mnist",
            "fashion_mnist", "cifar10", or the path of a folder of images; "./mnist" is
            a folder of that name.
        split: "train" or "test". The digits are cut between two writers (1,415 and
            382 images), so no writer is on both sides. A folder is split if it has
            the subfolders train/ and test/, or others that are usually called so
            (``listing.list_pictures``).
        image_size: height and width in pixels that a folder's images are brought to
            (centre crop, then an antialiased resize). None: as they are.
        channels: 1 or 3, what a folder's images are converted to. None: as they are;
            transparency is laid on white.
        stream: whether a folder's images stay on disk and are decoded as they are
            needed. None: only if they would take more than 1 GiB of memory.
        allowed_sizes: heights and widths that can be used, such as
            ``sizes.IMAGE_SIZES``; another is refused before an image is decoded.
            None: any.

    What is used of a folder and what is left out, and why, is one line on standard
    error.

    Returns:
        ``Images(images, labels)``: float32 (N, H, W, C) in [-1, 1]; int64 (N,) or None.

    Raises:
        ValueError: an unknown name or split, another argument that is none of those
            above, or images that do not fit together.
        OSError: a folder that cannot be opened.
        files.UnreadableFile: a data set's file is damaged, or holds something else.
        FileNotFoundError: a data set that is in none of the places looked in; the
            message names them.

    Example:
        >>> images, labels = load_dataset("digits")
        >>> images.shape, images.dtype, float(images.min()), float(images.max())
        ((1415, 28, 28, 1), dtype('float32'), -1.0, 1.0)

    Source: UCI Optical Recognition of Handwritten Digits, through scikit-learn;
        Radford et al. 2015, section 4 (scaling to the range of tanh).
    """
    if not isinstance(name, str | os.PathLike):
        raise ValueError(f"name: {_NAMES}; got {name!r}")
    check_choice("split", split, ("train", "test"))
    if name not in DATASETS and _is_folder(name):
        options = (image_size, channels, stream, allowed_sizes)
        return Images(*load_folder(Path(name), split, *options))
    _check_no_options(name, image_size, channels, stream)
    if os.path.isdir(name) and not is_run(name):
        _say_which_is_meant(name)
    if name == "digits":
        data = _digits(split)
    else:
        arrays = _keras_arrays(str(name))
        data = _from_uint8(arrays[f"x_{split}"], arrays[f"y_{split}"])
        if word := darkness(data.images):  # such as 0 and 1 in place of 0 and 255
            say(f"{name}: {word}")
    if allowed_sizes is not None:
        _check_size(name, data.images.shape, allowed_sizes)
    return data


def check_images(images, batch_size: int | None = None) -> None:
    """Refuse data that a DCGAN cannot be trained on, naming what is wrong.

    Args:
        images: expected float32 (N, H, W, C) with finite values in [-1, 1]: an array, a
            tensor, or ``FolderImages``, whose values are in order. A tensor of a graph,
            which has no values yet, is judged by its shape and type.
        batch_size: expected between 1 and N, or None.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    if not hasattr(images, "shape") or not hasattr(images, "dtype"):
        raise ValueError(
            f"images: expected an array (N, H, W, C), got {type(images).__name__}"
        )
    if isinstance(images, np.ma.MaskedArray):
        raise ValueError("images: expected an array without a mask, got a masked one")
    if hasattr(images, "numpy"):  # a tensor with values
        images = images.numpy()
    shape = tuple(images.shape)
    if len(shape) != 4 or 0 in shape:
        raise ValueError(
            "images: expected shape (N, H, W, C), N > 0, H > 0, W > 0, C > 0; got "
            f"{shape}"
        )
    if images.dtype != np.float32:
        hint = "; scale pixels by x / 127.5 - 1" if images.dtype == np.uint8 else ""
        raise ValueError(
            f"images: expected float32 in [-1, 1], got {images.dtype}{hint}"
        )
    if isinstance(images, np.ndarray):
        low, high = float(images.min()), float(images.max())  # NaN if there is one
        if not (np.isfinite(low) and np.isfinite(high)):
            bad = int(np.sum(~np.isfinite(images).all(axis=(1, 2, 3))))
            raise ValueError(f"images: {bad} of {shape[0]} images hold NaN or infinity")
        if low < -1 or high > 1:
            raise ValueError(
                f"images: expected values in [-1, 1], got [{low:.8g}, {high:.8g}]; "
                "scale pixels by x / 127.5 - 1"
            )
        if low >= 0 and high > low:
            warnings.warn(NOT_NEGATIVE, stacklevel=2)
    is_count = batch_size is None or is_int(batch_size)
    if batch_size is not None and not (is_count and 1 <= batch_size <= shape[0]):
        raise ValueError(
            f"batch_size: expected 1 to {shape[0]}, the number of images; "
            f"got {batch_size!r}"
        )


def check_shares(batch_size: int, devices: int) -> None:
    """Refuse a batch of which the devices cannot have equal parts.

    Args:
        batch_size: of all devices together.
        devices: that share it.

    Raises:
        ValueError: naming both.
    """
    if batch_size % devices:
        raise ValueError(
            f"batch_size: expected a number that {devices} devices can share evenly, "
            f"got {batch_size}"
        )


def training_batches(
    images: "np.ndarray | FolderImages",
    batch_size: int,
    seed: int = 0,
    start_step: int = 0,
    context: "tf.distribute.InputContext | None" = None,
    labels: np.ndarray | None = None,
) -> "tf.data.Dataset":
    """An endless tf.data pipeline of training batches.

    Every epoch visits the images in a new order that follows from (seed, epoch)
    alone, so a run that is resumed at ``start_step`` meets the very batches that it
    would have met without the stop. The images that do not fill a last batch are left
    out of that epoch: one batch size, one trace.

    Args:
        images: float32 (N, H, W, C) in [-1, 1], an array, a tensor or
            ``FolderImages``.
        batch_size: images a batch, 1 to N.
        seed: any integer of 64 bits.
        start_step: how many batches to pass over, >= 0.
        context: of ``strategy.distribute_datasets_from_function``: batch_size is that
            of all devices together, and each gets its part of the batch, the first
            the first; a worker reads the images of its own devices alone.
        labels: whole numbers (N,), for batches of pairs.

    Returns:
        A ``tf.data.Dataset`` of float32 tensors (batch_size, H, W, C), prefetched; with
        a context (batch_size / devices, H, W, C). With labels of pairs (images,
        int64 (batch_size,)), the same images in the same order.

    Raises:
        ValueError: if ``check_images`` refuses the images or the batch size, a seed or
            a start_step that is none, a batch that the devices cannot share evenly, or
            labels that are not one whole number an image.

    Example:
        >>> batches = training_batches(load_dataset("digits").images, 64)
        >>> next(iter(batches)).shape
        TensorShape([64, 28, 28, 1])

    Source: notebook 06.
    """
    from dcgan_keras._tensorflow import tf
    from dcgan_keras.labels import check_labels

    check_images(images, batch_size=batch_size)
    check_positive(batch_size=batch_size)  # not None
    if hasattr(images, "numpy"):  # a tensor
        images = images.numpy()
    if not isinstance(images, np.ndarray | FolderImages):  # HDF5 takes no such indices
        raise ValueError(
            f"images: expected an array or FolderImages, got {type(images).__name__}"
        )
    check_count(start_step=start_step)
    if not is_int(seed) or not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed: expected an integer of 64 bits, got {seed!r}")
    # NumPy's small integers can't count far.
    batch_size, seed, start_step = int(batch_size), int(seed), int(start_step)
    parts = context.num_replicas_in_sync if context else 1
    check_shares(batch_size, parts)
    part_size = batch_size // parts
    if labels is not None:
        labels = check_labels(labels, count=len(images))
    count, image_shape = len(images), images.shape[1:]

    def one_epoch(epoch):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), seed=tf.stack([tf.cast(seed, tf.int64), epoch])
        )
        order = tf.data.Dataset.from_tensor_slices(order)
        return order.batch(batch_size, drop_remainder=True)

    def own_parts(indices):
        own = parts // context.num_input_pipelines
        first = own * context.input_pipeline_id
        indices = tf.reshape(indices, (parts, part_size))[first : first + own]
        return tf.data.Dataset.from_tensor_slices(indices)

    # TensorFlow keeps a numpy_function for good, but not the pipeline whose attribute
    # the images are; one that another's map makes is not kept either.
    kept = weakref.ref(images)
    held = None if tf.executing_eagerly() else images

    def read(indices):
        still = kept() if held is None else held
        if still is None:  # the pipeline is gone, but for a thread that read ahead
            raise StopIteration
        return still[indices]

    def fetch(indices):
        # The images stay where they are: a tensor of them would be another copy or two.
        batch = tf.numpy_function(read, [indices], tf.float32)
        batch = tf.ensure_shape(batch, (part_size, *image_shape))
        return batch if labels is None else (batch, tf.gather(labels, indices))

    first_epoch, first_batch = divmod(start_step, count // batch_size)
    batches = tf.data.Dataset.range(first_epoch, 2**62).flat_map(one_epoch)
    batches = batches.skip(first_batch)
    if context:
        batches = batches.flat_map(own_parts)
    # It has no end as it is; now tf.data knows it.
    batches = batches.repeat().map(fetch, num_parallel_calls=tf.data.AUTOTUNE)
    batches = batches.prefetch(tf.data.AUTOTUNE)
    batches.images = images  # they live as long as the pipeline, and no longer
    return batches


def _is_folder(name: str | Path) -> bool:
    path = Path(name)
    is_named = name != ""  # Path("") is the folder that one is in
    if not path.is_absolute():
        _check_working_directory(name)
    if is_named and path.is_dir():
        return True
    if is_named and path.exists():
        raise ValueError(f"name: expected a folder of images, {name} is a file")
    if isinstance(name, Path) or os.sep in str(name):
        raise FileNotFoundError(f"name: there is no folder {name}")
    raise ValueError(f"name: {_NAMES}; got {str(name)!r}, which is neither")


def _check_working_directory(name: str | Path) -> None:
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"name: {_NAMES}; got {str(name)!r}, and the working directory is gone"
        ) from error


def _check_size(name: str, shape: tuple, allowed: Sequence[int]) -> None:
    """As for a folder, but without the advice of an option that it does not take."""
    _, height, width, _ = shape
    if height != width or height not in allowed:
        raise ValueError(
            f"{name}: expected one of {', '.join(map(str, allowed))} pixels; got "
            f"{height}x{width}, its size"
        )


def _check_no_options(name: str, image_size, channels, stream) -> None:
    options = {
        "image_size (--image-size)": image_size,
        "channels (--channels)": channels,
        "stream": stream,
    }
    given = {key: value for key, value in options.items() if value is not None}
    if given:
        raise ValueError(
            f"{', '.join(given)}: expected a folder of images, for {name!r} has a size "
            f"of its own; got {', '.join(map(repr, given.values()))}"
        )


@functools.cache  # said once
def _say_which_is_meant(name: str) -> None:
    say(
        f"{name}: the built-in data set is used; the folder of that name is meant by "
        f"{os.path.join(os.curdir, name)}"
    )


def _from_uint8(pixels: np.ndarray, labels: np.ndarray) -> Images:
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    return Images(scaled(pixels), labels.reshape(-1).astype(np.int64))


def _digits(split: str) -> Images:
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    part = slice(DIGITS_TRAIN) if split == "train" else slice(DIGITS_TRAIN, None)
    images = np.full((len(digits.images[part]), 28, 28, 1), -1, np.float32)
    for image, small in zip(images, digits.images[part], strict=True):
        enlarged = Image.fromarray((small / 8 - 1).astype(np.float32))  # 0..16
        enlarged = enlarged.resize((24, 24), Image.Resampling.BICUBIC)
        image[2:26, 2:26, 0] = np.clip(enlarged, -1, 1)  # bicubic overshoots
    return Images(images, digits.target[part].astype(np.int64))


def _keras_arrays(name: str) -> dict[str, np.ndarray]:
    """The four uint8 arrays of a Keras data set, from the first place that has them."""
    tried = []
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        tried.append(f"{DATA_VARIABLE} (not set)")
    elif os.path.lexists(path := Path(os.path.expanduser(folder)) / f"{name}.npz"):
        return read_npz(path)
    else:
        tried.append(f"{DATA_VARIABLE} ({path}: no such file)")
    arrays = _arrays_elsewhere(name, tried)
    if folder and not path.parent.is_dir():
        warnings.warn(
            f"{DATA_VARIABLE}: expected a folder, {folder!r} is none; {name} was found "
            "elsewhere",
            stacklevel=2,
        )
    return arrays


def _arrays_elsewhere(name: str, tried: list[str]) -> dict[str, np.ndarray]:
    """Those of the course, of Keras's cache or of its download."""
    try:
        return read_npz(find_data(f"{name}.npz"))
    except FileNotFoundError:
        tried.append("the course's own data")
    if name == "mnist":
        if os.path.lexists(path := _cache_of_keras() / "mnist.npz"):
            return read_npz(path)
        tried.append(f"Keras's cache ({path}: no such file)")
    try:
        return _download(name)
    except UnreadableFile:
        raise
    except Exception as error:
        raise FileNotFoundError(
            f"{name} was not found. Tried: {'; '.join(tried)}; Keras's download "
            f"({error}). Without a network, put a {name}.npz with the arrays "
            f"{', '.join(ARRAYS)} in a folder and set {DATA_VARIABLE} to that "
            'folder, or use "digits", which needs neither.'
        ) from error


def _cache_of_keras() -> Path:
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    return Path(home) / "datasets"


def _download(name: str) -> dict[str, np.ndarray]:
    from dcgan_keras._tensorflow import keras

    if name == "cifar10":
        archive = keras.utils.get_file("cifar-10-binary.tar.gz", **CIFAR10_BINARY)
        return read_cifar10_binary(archive)
    try:
        train, test = getattr(keras.datasets, name).load_data()
    except (EOFError, ValueError, gzip.BadGzipFile, zlib.error) as error:
        # Keras compares what it finds in its cache with no checksum.
        folder = _cache_of_keras() / name.replace("_", "-")
        raise UnreadableFile(
            f"{folder}: expected {name} as Keras downloads it; {error}; remove the "
            "folder, and it is downloaded anew"
        ) from error
    return dict(zip(ARRAYS, (*train, *test), strict=True))
