"""A folder of images as a data set: looked through, then decoded or streamed."""

import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dcgan_keras import edge
from dcgan_keras.data.listing import LeftOut, Listing, list_pictures, remember_names
from dcgan_keras.data.pictures import (
    MAX_PIXELS,
    Header,
    UnfitPicture,
    decode,
    read_header,
)
from dcgan_keras.files import printable
from dcgan_keras.sizes import check_flag, check_image_size, check_positive, is_int

MAX_BYTES_IN_MEMORY = 2**30  # of float32 when loaded, of uint8 when streamed
MOST_SEEN = 3 / 4  # of a picture; where less is left of it that is said
HEADERS_READ = 20_000  # of a larger folder as many, evenly spread
STAND_INS = 16  # files in a row that may be unfit before a stream is given up
DECODED_AT_ONCE = 64


class FolderImages:
    """Images that stay on disk; indexing decodes. An array to read from.

    ``images[3]`` is float32 (H, W, C); ``images[[3, 1]]``, ``images[:10]`` are
    float32 (n, H, W, C); all in [-1, 1].

    What is decoded is kept as uint8 as long as ``MAX_BYTES_IN_MEMORY`` allows, the
    first images first, so that later epochs need not decode them again. A file that is
    found unfit only then is named on standard error, once, and the next one stands in
    its place, the same one each time.

    Args:
        paths: the image files.
        image_size: height and width in pixels they are brought to.
        channels: 1 or 3.
        exact_size: an image of another size is unfit.
        exact_channels: a grey image among colour, or a coloured among grey, is unfit.

    Raises:
        OSError: on indexing, if 16 files in a row are unfit or gone.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        paths: Sequence[str | Path],
        image_size: int,
        channels: int,
        exact_size: bool = False,
        exact_channels: bool = False,
    ):
        self.paths = paths
        self.shape = (len(paths), image_size, image_size, channels)
        self._exact = exact_size, exact_channels
        room = MAX_BYTES_IN_MEMORY // (image_size * image_size * channels)
        # Memory that is never written to is never taken.
        self._kept = np.empty((min(room, len(paths)), *self.shape[1:]), np.uint8)
        self._is_kept = np.zeros(len(self._kept), bool)
        self._named: set[int] = set()
        self._positions = np.arange(len(paths))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index):
        chosen = self._positions[index]
        if chosen.ndim == 0:
            return scaled(self._pixels(int(chosen)))
        batch = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for image, position in zip(batch, chosen, strict=True):
            image[...] = self._pixels(int(position))
        return scaled(batch)

    @property
    def is_kept_whole(self) -> bool:
        """Whether all images will be in memory once each has been decoded."""
        return len(self._kept) == len(self)

    def decode(self, position: int) -> np.ndarray:
        """uint8 (H, W, C) of the file at ``position``; ``UnfitPicture`` if unfit."""
        return decode(self.paths[position], *self.shape[2:], *self._exact)

    def _pixels(self, position: int) -> np.ndarray:
        """uint8 (H, W, C) of this file or its stand-in, from memory if it is there."""
        if position < len(self._kept) and self._is_kept[position]:
            return self._kept[position]
        pixels = self._decode_or_next(position)
        if position < len(self._kept):
            self._kept[position] = pixels
            self._is_kept[position] = True
        return pixels

    def _decode_or_next(self, position: int) -> np.ndarray:
        reasons = []
        for ahead in range(min(STAND_INS, len(self))):
            place = (position + ahead) % len(self)
            try:
                pixels = self.decode(place)
            except UnfitPicture as error:
                reasons.append(f"{self.paths[place]}: {error}")
                continue
            if reasons and position not in self._named:
                self._named.add(position)
                say(f"{reasons[0]}; in its place stands {self.paths[place]}")
            return pixels
        raise OSError(f"{reasons[0]}; nor can the {len(reasons) - 1} after it be read")


def load_folder(
    folder: Path,
    split: str,
    image_size: int | None,
    channels: int | None,
    stream: bool | None,
    allowed_sizes: Sequence[int] | None,
):
    """Images and labels of a folder; see ``data.load_dataset`` for the arguments.

    Nothing is decoded before sizes and modes have been compared by the files' headers:
    all of them, or 20,000 evenly spread in a larger folder. What is used and what is
    left out, and why, is one line on standard error. ``listing.list_pictures`` says
    what counts as a picture, a class and a split, and ``pictures`` how it is decoded.

    Returns:
        (images, labels): float32 (N, H, W, C) in [-1, 1], or ``FolderImages``; int64
        (N,), or None if the images lie flat in the folder.

    Raises:
        ValueError: no image, a size that is not allowed, or mixed sizes or modes where
            none was asked for.
        OSError: the folder cannot be opened.
    """
    _check_arguments(image_size, channels, stream)
    if image_size is not None and allowed_sizes is not None:
        check_image_size(image_size, allowed_sizes)
    left_out = LeftOut(folder)
    listing = list_pictures(folder, split, left_out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of which ours is the summary
        images, fit, remarks = _images(
            listing.paths, folder, image_size, channels, stream, allowed_sizes, left_out
        )
    labels, names, classes = _classes(listing, fit, left_out)
    if split == "train":
        remember_names(folder, names)
    found, size = len(listing.paths), "x".join(map(str, images.shape[1:]))
    words = [
        f"{folder}: {found:,} found, {len(images):,} used, as {size}",
        classes,
        listing.remark,
        *remarks,
        f"left out: {left_out}" if left_out.counts else "",
    ]
    say("; ".join(filter(None, words)))
    return images, labels


def say(line: str) -> None:
    """What a user should know: one line on standard error, in notebooks, too."""
    edge.say(printable(line))


def _check_arguments(image_size, channels, stream) -> None:
    if image_size is not None:
        check_positive(image_size=image_size)
        if image_size > (most := math.isqrt(MAX_PIXELS)):
            raise ValueError(f"image_size: expected at most {most:,}, got {image_size}")
    if channels is not None and not (is_int(channels) and channels in (1, 3)):
        raise ValueError(f"channels: expected None, 1 or 3, got {channels!r}")
    if stream is not None:
        check_flag(stream=stream)


def _images(paths, folder, image_size, channels, stream, allowed_sizes, left_out):
    """Images, the places of their paths, and what is to be said of them."""
    headers, fit = _survey(paths, image_size, left_out)
    if not headers:
        raise _none_readable(folder, left_out)
    exact = {"exact_size": image_size is None, "exact_channels": channels is None}
    image_size = image_size or _one_size(headers, folder)
    channels = channels or _one_mode(headers, folder)
    if allowed_sizes is not None:
        check_image_size(image_size, allowed_sizes)
    images = FolderImages([paths[i] for i in fit], image_size, channels, **exact)
    if stream is None:
        stream = 4 * int(np.prod(images.shape)) > MAX_BYTES_IN_MEMORY
    remarks = _remarks(paths, headers, images, stream)
    if not stream:
        images, fit = _decode_all(images, fit, left_out)
        if not len(images):
            raise _none_readable(folder, left_out)
    return images, fit, [*remarks, darkness(images)]


def _survey(
    paths: list[str], image_size: int | None, left_out: LeftOut
) -> tuple[dict[int, Header], np.ndarray]:
    """Headers by place, all or a sample, and the places of what is not known unfit."""

    def read(place):
        try:
            return read_header(paths[place], image_size)
        except UnfitPicture as error:
            return error

    count = min(len(paths), HEADERS_READ)
    places = np.arange(count) * len(paths) // count
    fit = np.ones(len(paths), bool)
    headers = {}
    with ThreadPoolExecutor() as pool:
        for place, header in zip(places, pool.map(read, places), strict=True):
            if isinstance(header, UnfitPicture):
                left_out.add(header.kind, paths[place], str(header))
                fit[place] = False
            else:
                headers[int(place)] = header
    return headers, np.flatnonzero(fit)


def _decode_all(
    images: FolderImages, fit: np.ndarray, left_out: LeftOut
) -> tuple[np.ndarray, np.ndarray]:
    """float32 (N, H, W, C) and the places of those that could be decoded."""
    held = np.empty(images.shape, np.float32)
    unfit: dict[int, UnfitPicture] = {}

    def decode_some(first):
        for position in range(first, min(first + DECODED_AT_ONCE, len(held))):
            try:
                held[position] = scaled(images.decode(position))
            except UnfitPicture as error:
                unfit[position] = error

    with ThreadPoolExecutor() as pool:
        list(pool.map(decode_some, range(0, len(held), DECODED_AT_ONCE)))
    for position in sorted(unfit):
        error = unfit[position]
        left_out.add(error.kind, images.paths[position], str(error))
    good = np.delete(np.arange(len(held)), list(unfit))
    if unfit:
        for new, old in enumerate(good):  # in place: a copy would double the memory
            held[new] = held[old]
    return held[: len(good)], fit[good]


def scaled(pixels: np.ndarray) -> np.ndarray:
    """uint8 0..255 -> float32 in [-1, 1], without a second array of that size."""
    images = pixels.astype(np.float32)
    images /= np.float32(127.5)
    images -= np.float32(1)
    return images


def _classes(
    listing: Listing, fit: np.ndarray, left_out: LeftOut
) -> tuple[np.ndarray | None, list[str], str]:
    """The labels of what is used, the names that they are places in, and both said."""
    if listing.labels is None:
        return None, [], ""
    labels, names = listing.labels[fit], listing.classes
    for place in np.setdiff1d(np.arange(len(names)), labels):
        left_out.count("classes without a picture", names[place])
    if not listing.is_split:  # where both splits count alike, a class may be empty
        used, labels = np.unique(labels, return_inverse=True)
        names = [names[place] for place in used]
    if len(names) < 2:
        return None, [], f"no classes, for only {names[0]}/ is used"
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return labels.astype(np.int64), names, f"{len(names):,} classes ({shown})"


def _remarks(paths, headers: dict[int, Header], images: FolderImages, stream: bool):
    """What is used otherwise than one may think."""
    if len(headers) < len(images):
        yield f"{len(headers):,} of them looked into, the others as they are read"
    with_frames = [place for place, header in headers.items() if header.has_frames]
    if with_frames:
        name = os.path.basename(paths[with_frames[0]])
        yield f"the first frame alone of {len(with_frames):,} ({name})"
    sizes, size = [header.size for header in headers.values()], images.shape[1]
    cut = [pair for pair in sizes if min(pair) < MOST_SEEN * max(pair)]
    if cut:
        width, height = max(cut, key=lambda pair: max(pair) / min(pair))
        yield (
            f"more than a quarter of {len(cut):,} is cut off, for squares "
            f"({width}x{height})"
        )
    small = [pair for pair in sizes if min(pair) < size]
    if small:
        width, height = min(small, key=min)
        yield f"{len(small):,} enlarged to {size} pixels ({width}x{height})"
    sides = np.median([min(pair) for pair in sizes])
    if stream and sides >= 4 * size:
        when = "the first epoch" if images.is_kept_whole else "each epoch anew"
        yield (
            f"those of {sides:.0f} pixels are decoded in {when}; stored at {size} "
            "pixels they would be read faster"
        )


def darkness(images) -> str:
    """A word if white is nowhere near, as with 12 bits stored in files of 16.

    And if black is not, or if there is nothing to be seen.
    """
    count = min(len(images), 32)
    some = images[np.arange(count) * len(images) // count]
    ends = some.min(), some.max()
    darkest, brightest = (round((float(value) + 1) * 127.5) for value in ends)
    if darkest == brightest:
        return f"blank: every pixel of {count} is {darkest} of 255"
    if brightest < 64:
        return f"dark: the brightest pixel of {count} is {brightest} of 255"
    if darkest > 191:
        return f"bright: the darkest pixel of {count} is {darkest} of 255"
    return ""


def _none_readable(folder: Path, left_out: LeftOut) -> ValueError:
    return ValueError(
        f"name: no readable image in the folder {folder}; left out: {left_out}"
    )


def _one_size(headers: dict[int, Header], folder: Path) -> int:
    sizes = Counter(header.size for header in headers.values())
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or width != height:
        seen = ", ".join(f"{w}x{h} ({n})" for (w, h), n in sizes.most_common(4))
        raise ValueError(
            f"image_size: the images in {folder} are not of one square size: {seen}; "
            "pass image_size, for example image_size=28 (--image-size 28)"
        )
    return width


def _one_mode(headers: dict[int, Header], folder: Path) -> int:
    modes = Counter(header.channels for header in headers.values())
    if len(modes) > 1:
        seen = ", ".join(
            f"{'L' if channels == 1 else 'RGB'} ({n})"
            for channels, n in modes.most_common()
        )
        raise ValueError(
            f"channels: the images in {folder} are of mixed modes: {seen}; pass "
            "channels=1 for grey or channels=3 for colour (--channels)"
        )
    return next(iter(modes))
