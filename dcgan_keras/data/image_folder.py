"""A folder of images as a data set: checked once, decoded in memory or as needed."""

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
MAX_BYTES_IN_MEMORY = 2**30


class FolderImages:
    """Images that stay on disk; indexing decodes. An array to read from.

    ``images[3]`` is float32 (H, W, C); ``images[[3, 1]]``, ``images[:10]`` are
    float32 (n, H, W, C); all in [-1, 1].

    Args:
        paths: the image files.
        image_size: height and width in pixels they are brought to.
        channels: 1 or 3.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, paths: list[Path], image_size: int, channels: int):
        self.paths = paths
        self.shape = (len(paths), image_size, image_size, channels)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index):
        chosen = np.arange(len(self.paths))[index]
        if chosen.ndim == 0:
            return self._decode(int(chosen))
        batch = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for image, position in zip(batch, chosen, strict=True):
            image[...] = self._decode(int(position))
        return batch

    def _decode(self, position: int) -> np.ndarray:
        _, size, _, channels = self.shape
        return _to_array(_open(self.paths[position]), size, channels)


def load_folder(
    folder: Path,
    split: str = "train",
    image_size: int | None = None,
    channels: int | None = None,
    stream: bool | None = None,
):
    """Images and labels of a folder; see ``data.load_dataset`` for the arguments.

    Every file is decoded once here. One that cannot be is left out with a warning
    that names it. Two subfolders or more are, in sorted order, the classes 0, 1, 2, ...

    Returns:
        (images, labels): float32 (N, H, W, C) in [-1, 1], or ``FolderImages``; int64
        (N,), or None if the images lie flat in the folder.

    Raises:
        ValueError: no image, or mixed sizes or modes where none was asked for.
    """
    _check_arguments(image_size, channels)
    part = _split_folder(folder, split)
    both = [part] if part == folder else [folder / "train", folder / "test"]
    paths, labels = _find(part, sorted(set().union(*map(_classes, both))))
    sizes, modes, readable = _survey(paths)
    paths = [path for path, ok in zip(paths, readable, strict=True) if ok]
    if not paths:
        raise ValueError(f"name: no readable image in the folder {folder}")
    image_size = image_size or _one_size(sizes, folder)
    channels = channels or _one_mode(modes, folder)
    images = FolderImages(paths, image_size, channels)
    if stream is None:
        stream = 4 * int(np.prod(images.shape)) > MAX_BYTES_IN_MEMORY
    if labels is not None:
        labels = labels[np.array(readable)]
    return (images if stream else images[:]), labels


def _check_arguments(image_size: int | None, channels: int | None) -> None:
    if image_size is not None and image_size < 1:
        raise ValueError(f"image_size: expected at least 1 pixel, got {image_size}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels: expected 1 or 3, got {channels}")


def _split_folder(folder: Path, split: str) -> Path:
    has_parts = (folder / "train").is_dir() and (folder / "test").is_dir()
    if not has_parts and split == "test":
        raise ValueError(
            f"split: {folder} has no test part: it lacks the subfolders train/ and "
            "test/"
        )
    return folder / split if has_parts else folder


def _paths(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


def _classes(folder: Path) -> list[str]:
    """The first part below the folder of each image's path."""
    return [path.relative_to(folder).parts[0] for path in _paths(folder)]


def _find(folder: Path, names: list[str]) -> tuple[list[Path], np.ndarray | None]:
    """Image files in sorted order; their places in ``names`` if in subfolders."""
    paths, classes = _paths(folder), _classes(folder)
    if not paths:
        raise ValueError(
            f"name: no image in the folder {folder}; looked for "
            f"{', '.join(sorted(SUFFIXES))} in it and below"
        )
    if len(names) == 1 or any(path.parent == folder for path in paths):
        return paths, None
    return paths, np.array([names.index(name) for name in classes], np.int64)


def _survey(paths: list[Path]) -> tuple[Counter, Counter, list[bool]]:
    """Decode every file once: sizes (width, height), modes, and which can be read."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(_size_and_mode, paths))
    for path, result in zip(paths, found, strict=True):
        if isinstance(result, str):
            warnings.warn(f"left out the broken image {path}: {result}", stacklevel=4)
    good = [result for result in found if not isinstance(result, str)]
    sizes = Counter(size for size, _ in good)
    modes = Counter(mode for _, mode in good)
    return sizes, modes, [not isinstance(result, str) for result in found]


def _size_and_mode(path: Path):
    try:
        image = _open(path)
    except Exception as error:  # noqa: BLE001 - Pillow's decoders raise all kinds
        return f"{type(error).__name__}: {error}"
    return image.size, image.mode


def _open(path: Path):
    """Decode one file to mode "L" (grey) or "RGB"; transparency is laid on white."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)  # as the camera was held
        if image.mode in ("1", "L", "I", "F") or image.mode.startswith("I;16"):
            return _grey(image)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            image = image.convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        return image.convert("RGB")


def _grey(image):
    from PIL import Image

    if image.mode in ("1", "L"):
        return image.convert("L")
    values = np.asarray(image, np.float64)  # 16-bit greys, whole numbers or fractions
    is_16_bit = image.mode.startswith("I;16") or values.max() > 255
    top = 65535 if is_16_bit else 255
    return Image.fromarray((values * (255 / top)).clip(0, 255).astype(np.uint8))


def _to_array(image, size: int, channels: int) -> np.ndarray:
    """float32 (size, size, channels) in [-1, 1]: centre crop, then resize."""
    from PIL import Image

    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        box = (left, top, left + side, top + side)
        image = image.crop(box).resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.float32).reshape(size, size, channels)
    return pixels / np.float32(127.5) - np.float32(1)


def _one_size(sizes: Counter, folder: Path) -> int:
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or width != height:
        seen = ", ".join(f"{w}x{h} ({n})" for (w, h), n in sizes.most_common(4))
        raise ValueError(
            f"image_size: the images in {folder} are not of one square size: {seen}; "
            "pass image_size, for example image_size=28"
        )
    return width


def _one_mode(modes: Counter, folder: Path) -> int:
    if len(modes) > 1:
        seen = ", ".join(f"{mode} ({n})" for mode, n in modes.most_common())
        raise ValueError(
            f"channels: the images in {folder} are of mixed modes: {seen}; pass "
            "channels=1 for grey or channels=3 for colour"
        )
    return 1 if "L" in modes else 3
