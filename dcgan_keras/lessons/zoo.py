"""A folder of pictures of all kinds, made from the course's digits.

What each file means is known, because it is drawn here: so what a reader makes of a
file can be compared with what was meant.
"""

from pathlib import Path

import numpy as np

SIZE = 64  # pixels a side of what is meant
SIDEWAYS = 6  # EXIF: to be turned a quarter to the right to stand upright
ORIENTATION = 0x0112  # the number of EXIF's field

KINDS = {  # by the digit that each shows
    "plain.png": "RGB",
    "cutout.png": "RGBA, transparent ground",
    "palette.png": "palette of 64 colours",
    "grey.png": "grey, 8 bits",
    "deep.png": "grey, 16 bits",
    "print.jpg": "CMYK, for printing",
    "wide.png": "96 x 64 pixels",
    "sideways.jpg": "EXIF: turn it",
    "film.gif": "an animation",
    "large.png": "256 x 256 pixels",
}


def coloured_digits(digits: np.ndarray, seed: int = 0, size: int = 32) -> np.ndarray:
    """Digits in colour: each with a colour of its own on a light ground of another.

    Args:
        digits: float (N, 28, 28, 1) in [-1, 1].
        seed: of the colours.
        size: height and width in pixels, at least 28; the digits keep their size up to
            32, and are enlarged beyond.

    Returns:
        float32 (N, size, size, 3) in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    ink = np.stack([_enlarged(digit, size) for digit in digits])
    count = len(digits)
    strokes = _colours(rng, count, saturation=0.9, value=0.6)
    grounds = _colours(rng, count, saturation=0.25, value=1.0)
    slope = np.linspace(0.85, 1.0, size)[:, None, None]  # the ground is lit from below
    ground = grounds[:, None, None] * slope
    pixels = ink * strokes[:, None, None] + (1 - ink) * ground
    return (2 * pixels - 1).astype(np.float32)


def write_zoo(
    folder: str | Path, digits: np.ndarray, labels: np.ndarray, copies: int = 1
) -> dict[str, np.ndarray]:
    """Write ten files of ten kinds (each ``copies`` times), a broken one and a text.

    Args:
        folder: is made.
        digits: float (N, 28, 28, 1) in [-1, 1].
        labels: int (N,); the kind number 3 shows a 3, and so on.
        copies: how many of each kind, each of another digit.

    Returns:
        {file name: uint8 (64, 64, 3), what it means}, broken file and text left out.
    """
    folder, meant = Path(folder), {}
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(KINDS):
        chosen = digits[labels == number][:copies]
        stem, suffix = name.split(".")
        for copy, digit in enumerate(chosen):
            colours = coloured_digits(digit[None], 100 * number + copy, SIZE)[0]
            pixels = np.rint((colours + 1) * 127.5).astype(np.uint8)
            full = name if copies == 1 else f"{stem}_{copy:03d}.{suffix}"
            meant[full] = _write(folder / full, stem, pixels, _enlarged(digit, SIZE))
    whole = (folder / next(iter(meant))).read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("Not a picture.\n")
    return meant


def _write(path: Path, kind: str, pixels: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Write one file; returns what it means."""
    from PIL import Image

    image = Image.fromarray(pixels)
    if kind == "cutout":
        alpha = np.rint(255 * ink[..., 0]).astype(np.uint8)
        stroke = np.full_like(pixels, 0)
        stroke[:] = pixels[np.unravel_index(alpha.argmax(), alpha.shape)]
        stroke[alpha == 0] = 0  # what lies under transparency is often black
        Image.fromarray(np.dstack([stroke, alpha])).save(path)
        share = alpha[..., None] / 255
        return np.rint(stroke * share + 255 * (1 - share)).astype(np.uint8)
    if kind == "palette":
        image = image.quantize(64, dither=Image.Dither.NONE)
        image.save(path)
        return np.asarray(image.convert("RGB"))
    if kind in ("grey", "deep"):
        grey = np.asarray(image.convert("L"))
        deep = grey.astype(np.uint16) * 257  # 255 becomes 65535
        Image.fromarray(grey if kind == "grey" else deep).save(path)
        return np.repeat(grey[..., None], 3, axis=2)
    if kind == "print":
        image.convert("CMYK").save(path, quality=95)
        return pixels
    if kind == "wide":
        margin = np.full((SIZE, 16, 3), 60, np.uint8)
        Image.fromarray(np.concatenate([margin, pixels, margin], axis=1)).save(path)
        return pixels
    if kind == "sideways":
        exif = Image.Exif()
        exif[ORIENTATION] = SIDEWAYS
        Image.fromarray(np.rot90(pixels).copy()).save(path, exif=exif, quality=95)
        return pixels
    if kind == "film":
        frames = [Image.fromarray(x) for x in (pixels, 255 - pixels)]
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
        return np.asarray(frames[0].quantize(256).convert("RGB"))
    if kind == "large":
        image.resize((4 * SIZE, 4 * SIZE), Image.Resampling.NEAREST).save(path)
        return pixels
    image.save(path)
    return pixels


def _enlarged(digit: np.ndarray, size: int) -> np.ndarray:
    """float (size, size, 1) in [0, 1]: where the ink is."""
    from PIL import Image

    grey = Image.fromarray(np.rint((digit[..., 0] + 1) * 127.5).astype(np.uint8))
    inner = 28 if size <= 32 else round(size * 7 / 8)
    if inner != 28:
        grey = grey.resize((inner, inner), Image.Resampling.BICUBIC)
    margin = (size - inner) // 2
    ink = np.zeros((size, size, 1))
    ink[margin : margin + inner, margin : margin + inner, 0] = np.asarray(grey) / 255
    return ink


def _colours(rng, count: int, saturation: float, value: float) -> np.ndarray:
    """float (count, 3) in [0, 1]: hues drawn evenly, saturation and value given."""
    hue = rng.uniform(0, 6, count)[:, None]
    places = (hue + np.array([0.0, 4.0, 2.0])) % 6
    wave = np.clip(np.abs(places - 3) - 1, 0, 1)
    return value * (1 - saturation * (1 - wave))
