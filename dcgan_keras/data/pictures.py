"""One picture file: what its header says, and its pixels.

One rule for all kinds. Grey stays grey (1, 8 or 16 bits, with transparency or
without), everything else becomes RGB; a palette is colour, even one of greys. Black is
0 and white is the largest number that the bits can hold: 1, 255, 4095 or 65535; a TIFF
may say that 0 is white. Numbers of 32 bits, with a sign, and fractions have no such
white; guessing one for each file would give a folder many scales, so they are refused.
Transparency is laid on white, and a photograph stands as the camera was held, where
that can be read.
"""

import threading
import zlib
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

# In one picture, and in all that are being decoded at a time: at 4 bytes a pixel and
# at most three copies, half a gigabyte.
MAX_PIXELS = 40_000_000
MOST_LOOKED_AT = 1_000_000  # pixels decoded for a message, by each thread
# Pillow knows these, but runs a program (Ghostscript, also for what is inside an IPTC),
# decodes nothing by itself, or holds pictures of other sizes than it says, and decodes
# them unasked (icons and cursors).
FOREIGN_FORMATS = {"EPS", "IPTC", "BUFR", "GRIB", "HDF5", "MPEG", "WMF"}
FOREIGN_FORMATS |= {"CUR", "ICNS", "ICO"}
GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"}
COLOUR_MODES = {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"}
SIXTEEN_BITS_IN_32 = {"PNG", "PPM"}  # Pillow's mode "I" holds 0..65535 in these
BITS, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 258, 262, 284, 339  # tags of TIFF
WHITE_IS_ZERO, APART, SIGNED = 0, 2, 2  # values of the last three
BRIGHTNESS_AND_COLOUR = 6  # another of PHOTOMETRIC
STRIP_BYTES, TILE_BYTES, COLOUR_MAP, EXTRA_SAMPLES = 279, 325, 320, 338  # more tags
# How a PNG stores its pixels, in Pillow's words.
GREY_FACTORS = {"L;2": 85, "L;4": 17}  # these are brought to 8 bits
SIXTEEN_BIT_COLOUR = "RGB;16B"  # of which the high bytes are kept
SIXTEEN_BIT_GREY_AND_ALPHA = "LA;16B"  # opened as RGBA
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # a pixel of a PNG, by its kind of colour
PART = 2**16  # bytes that are unpacked at a time
ADAM7 = (  # the passes of an interlaced PNG: first column and row, and every which
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
# A JPEG's markers: 0xff and a code.
MARKER, SCAN_OR_END, END = b"\xff", b"\xda\xd9", b"\xff\xd9"
WITHOUT_LENGTH = (0x00, 0x01, *range(0xD0, 0xD9))
ZEROS = bytes(64)  # what is packed by AVIF or by WebP without loss ends in fewer
# Many programs fill the fourth byte of a pixel or a colour of these with zeros, and
# mean nothing; so does a TIFF that does not say what its fourth number is.
WITH_PADDING = {"BMP", "DIB", "TGA"}


class UnfitPicture(ValueError):
    """A file that is not used.

    Args:
        kind: what is wrong, for counting: "unreadable", "of too many pixels", ...
        detail: what is wrong with this one.
    """

    def __init__(self, kind: str, detail: str):
        super().__init__(detail)
        self.kind = kind


class Header(NamedTuple):
    """What a picture is, known without its pixels.

    size: width and height in pixels, as stored.
    channels: 1 (grey) or 3.
    has_frames: whether it holds more pictures, of which the first is used.
    """

    size: tuple[int, int]
    channels: int
    has_frames: bool


def suffixes() -> set[str]:
    """The suffixes (".png", ...) of all that Pillow decodes, with its plugins."""
    from PIL import Image

    readable = {*_formats(), "MPO"}  # the latter as JPEG
    of_formats = Image.registered_extensions().items()
    return {suffix for suffix, name in of_formats if name in readable}


def read_header(path: str | Path, image_size: int | None = None) -> Header:
    """What a file holds, from its first bytes.

    Args:
        path: the file.
        image_size: see ``decode``; a JPEG that is made smaller may be larger.

    Raises:
        UnfitPicture: it cannot be read, or is not used.
    """
    with _opened(path) as image:
        size = image.size
        channels = _channels(image)
        _cost(image, image_size)
        # Beside a PSD's layers stands what they make together, and that is read.
        has_frames = image.format != "PSD" and getattr(image, "is_animated", False)
        return Header(size, channels, bool(has_frames))


def decode(
    path: str | Path,
    image_size: int,
    channels: int,
    exact_size: bool = False,
    exact_channels: bool = False,
) -> np.ndarray:
    """The pixels of a file: centre crop, then an antialiased resize.

    Args:
        path: the file.
        image_size: height and width in pixels it is brought to.
        channels: 1 or 3, what it is converted to.
        exact_size: refuse a picture of another size in place of bringing it there.
        exact_channels: refuse colour where channels is 1, and grey where it is 3.

    Returns:
        uint8 (image_size, image_size, channels).

    Raises:
        UnfitPicture: it cannot be read, or is not used.
    """
    from PIL import Image, ImageOps

    with _opened(path) as image:
        size = (image_size, image_size)
        if exact_size and image.size != size:
            width, height = image.size
            detail = f"{width}x{height}, unlike the others"
            raise UnfitPicture("of another size", detail)
        found = _channels(image)
        if exact_channels and found != channels:
            detail = "grey among colour" if found == 1 else "colour among grey"
            raise UnfitPicture("of other channels", detail)
        with _in_flight.take(_cost(image, image_size)):
            _scale_transparency(image)
            # First, for Pillow makes room for as many bytes as a part says it has.
            if image.format == "PNG" and (fault := _fault_of_png(path)):
                raise UnfitPicture("unreadable", f"a PNG {fault}")
            image.load()
            if image.format in ("JPEG", "MPO") and not _is_ended(path):
                raise UnfitPicture("unreadable", "a JPEG without its end")
            if image.format in ("AVIF", "WEBP") and _ends_in_zeros(path):
                detail = f"{image.format}, of which the end is zeros"
                raise UnfitPicture("unreadable", detail)
            if image.format == "PNG" and not _is_whole(path, image):
                raise UnfitPicture("unreadable", "a PNG without its last rows")
            try:
                ImageOps.exif_transpose(image, in_place=True)
            except MemoryError:
                raise
            except Exception:
                pass  # notes that cannot be read are no fault of the pixels
            image = _plain(image, found)
            if image.size != size:
                side = min(image.size)
                left, top = (image.width - side) // 2, (image.height - side) // 2
                image = image.crop((left, top, left + side, top + side))
                image = image.resize(size, Image.Resampling.LANCZOS)
        image = _on_white(image).convert("L" if channels == 1 else "RGB")
        return np.asarray(image).reshape(*size, channels)


@contextmanager
def _opened(path: str | Path):
    """The file opened by Pillow; whatever goes wrong in it is an ``UnfitPicture``."""
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        # Closed, and not only its file: an error's traceback would keep the pixels.
        with closing(Image.open(path, formats=_formats())) as image:
            yield image
    except (UnfitPicture, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnfitPicture("unreadable", "no picture that Pillow knows") from error
    except bombs as error:
        raise UnfitPicture("of too many pixels", str(error)) from error
    except Exception as error:  # Pillow's decoders raise all kinds
        detail = error.strerror if isinstance(error, OSError) else None
        detail = detail or f"{type(error).__name__}: {error}"
        raise UnfitPicture("unreadable", detail) from error


def _formats() -> list[str]:
    from PIL import Image

    Image.preinit()  # first, for Pillow tries them in the order of their loading
    Image.init()
    return [name for name in Image.OPEN if name not in FOREIGN_FORMATS]


def _channels(image) -> int:
    mode, scale = image.mode, "of a scale without a white (save as 8 or 16 bits)"
    is_fits = image.format == "FITS" and mode.startswith("I")  # always with a sign
    if is_fits or SIGNED in _tags(image).get(SAMPLE_FORMAT, ()):
        raise UnfitPicture(scale, f"Pillow's mode {mode}, numbers with a sign")
    if misread := _misread(image):
        raise UnfitPicture("unreadable", misread)
    is_sixteen, stored = image.format in SIXTEEN_BITS_IN_32, _stored_as(image)
    if (
        mode in GREY_MODES
        or (mode == "I" and is_sixteen)
        or stored == SIXTEEN_BIT_GREY_AND_ALPHA
    ):
        return 1
    if mode in COLOUR_MODES:
        return 3
    detail = f"Pillow's mode {mode}"
    if mode in ("I", "F") and image.width * image.height <= MOST_LOOKED_AT:
        low, high = image.getextrema()
        detail += f", {low:.6g} to {high:.6g}"
    raise UnfitPicture(scale if mode in ("I", "F") else "of other colours", detail)


def _misread(image) -> str:
    """What Pillow takes for something else, and says nothing; or ""."""
    tags = _tags(image)
    colours = tags.get(COLOUR_MAP, ()) if image.mode in ("P", "PA") else ()
    if 0 < max(colours, default=0) < 256:  # the high bytes are kept, all 0
        return "a TIFF whose colours have 8 bits, where 16 are asked for"
    if not any(tile[0] == "raw" for tile in image.tile):
        return ""
    if tags.get(PLANES) == APART and max(tags.get(BITS, (1,))) > 8:  # bytes as pixels
        return "a TIFF of more than 8 bits, each colour apart, not compressed"
    if tags.get(PHOTOMETRIC) == BRIGHTNESS_AND_COLOUR:
        import PIL

        # Of four pixels one may stand for the colour; Pillow reads on in what is next.
        stored = sum(tags.get(STRIP_BYTES) or tags.get(TILE_BYTES) or ())
        if stored < 3 * image.width * image.height:
            return "a TIFF whose colour is stored for fewer pixels, not compressed"
        if int(PIL.__version__.split(".")[0]) < 13:
            return "a TIFF of brightness and colour, for which Pillow 13 is needed"
    return ""


def _stored_as(image) -> str:
    """How a PNG stores its pixels, known until they are decoded; "" for other files."""
    if image.format != "PNG" or not image.tile:
        return ""
    return image.tile[0][3]


def _scale_transparency(image) -> None:
    """Bring the transparent colour of a PNG to 8 bits, as Pillow brings the pixels.

    Colours of 16 bits that differ in their low bytes alone become one. All of them are
    transparent if one is, though PNG asks for a comparison of both bytes.
    """
    stored, transparent = _stored_as(image), image.info.get("transparency")
    if transparent is None:
        return
    if stored in GREY_FACTORS:
        image.info["transparency"] = transparent * GREY_FACTORS[stored]
    if stored == SIXTEEN_BIT_COLOUR:
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


def _tags(image) -> dict:
    """What a TIFF says of its numbers; nothing for other files."""
    return getattr(image, "tag_v2", {})


def _cost(image, image_size: int | None) -> int:
    """How many pixels decoding takes; a JPEG is decoded no larger than needed.

    A drafted JPEG counts as half of what is stored: a progressive one is held in
    coefficients.
    """
    width, height = image.size
    pixels = width * height
    if image_size is not None and image.size != (image_size, image_size):
        image.draft(None, (2 * image_size, 2 * image_size))
        if image.size != (width, height):
            pixels //= 2
    if pixels > MAX_PIXELS:
        raise UnfitPicture("of too many pixels", f"{width}x{height}")
    return pixels


def _is_ended(path: str | Path) -> bool:
    """Whether a JPEG ends by its marker; a download that broke off may end in zeros.

    Its decoder draws grey in their place, and Pillow says nothing. Before the scan
    stand segments of a code and a length, of which one may be a picture by itself.
    """
    content, place = Path(path).read_bytes(), 2
    while (place := content.find(MARKER, place)) >= 0:
        while content[place : place + 1] == MARKER:  # also repeated, to fill
            place += 1
        if content[place : place + 1] in SCAN_OR_END:  # or the file is over
            break
        length = int.from_bytes(content[place + 1 : place + 3], "big")
        place += 1 + (0 if content[place] in WITHOUT_LENGTH else length)
    return place >= 0 and content.find(END, place - 1) >= 0


def _ends_in_zeros(path: str | Path) -> bool:
    """Whether the data of an AVIF or of a WebP without loss do; both have no checksum.

    With loss a WebP of one colour ends in thousands of zeros: of that nothing is known.
    """
    content = memoryview(Path(path).read_bytes())
    is_webp = content[:4] == b"RIFF"
    place, order = (12, "little") if is_webp else (0, "big")
    while place + 8 <= len(content):
        if is_webp:  # name, length without both
            name, length = content[place : place + 4], content[place + 4 : place + 8]
            end = place + 8 + int.from_bytes(length, order)
        else:  # length with both, 0 up to the end; name
            length, name = content[place : place + 4], content[place + 4 : place + 8]
            end = place + int.from_bytes(length, order) if any(length) else len(content)
        if name in (b"VP8L", b"mdat"):
            return content[place:end][-len(ZEROS) :] == ZEROS
        place = max(end + end % 2 if is_webp else end, place + 8)
    return False


def _fault_of_png(path: str | Path) -> str:
    """What is wrong with the pixels as they were written, which Pillow passes over.

    A download that broke off may end in zeros, and these decode to something; and for
    a last part that claims to be large Pillow would reserve as much memory.
    """
    content, place, kind = memoryview(Path(path).read_bytes()), 8, b""
    while True:
        length, before = int.from_bytes(content[place : place + 4], "big"), kind
        end, kind = place + 8 + length, bytes(content[place + 4 : place + 8])
        if not kind or before == b"IDAT" != kind:  # they lie one after the other
            return ""
        if kind == b"IDAT" and end + 4 > len(content):
            return "that ends too soon"
        checksum = int.from_bytes(content[end : end + 4], "big")
        if kind == b"IDAT" and zlib.crc32(content[place + 4 : end]) != checksum:
            return "with another checksum"
        place = end + 4


def _is_whole(path: str | Path, image) -> bool:
    """Whether a PNG has all its rows, looked for where the last of them is all 0.

    Where the stream ends before the picture does, Pillow leaves the rest at 0.
    """
    last = image.crop((0, image.height - 1, image.width, image.height))
    if any(map(np.any, last.getextrema())):
        return True
    content, place, needed = memoryview(Path(path).read_bytes()), 8, 0
    bits, interlaced = content[24] * SAMPLES[content[25]], content[28]
    for left, top, across, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns = -(-max(0, image.width - left) // across)
        rows = -(-max(0, image.height - top) // down)
        needed += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    unpacking = zlib.decompressobj()
    while needed > 0 and place + 8 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == b"IDAT":
            packed = content[place + 8 : place + 8 + length]
            while needed > 0 and packed:
                needed -= len(unpacking.decompress(packed, PART))
                packed = unpacking.unconsumed_tail
        place += 12 + length
    return needed <= 0


def _plain(image, channels: int):
    """Mode "L" or "RGB", with "A" where there is transparency."""
    from PIL import Image

    if image.mode.startswith("I"):
        tags = _tags(image)
        white = 2 ** tags.get(BITS, (16,))[0] - 1
        values = np.asarray(image).clip(0, white).astype(np.uint32)
        if "transparency" in image.info:
            values = np.where(values == image.info["transparency"], white, values)
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow turns 8 bits around alone
            values = white - values
        return Image.fromarray((values * 255 // white).astype(np.uint8))
    mode = "L" if channels == 1 else "RGB"
    if image.has_transparency_data:
        shown = image if image.mode == f"{mode}A" else image.convert(f"{mode}A")
        if not (_may_be_padded(image) and shown.getextrema()[-1] == (0, 0)):
            return shown
        image = shown  # whose transparency of the whole picture is none
    return image if image.mode == mode else image.convert(mode)


def _may_be_padded(image) -> bool:
    is_unsaid = image.format == "TIFF" and EXTRA_SAMPLES not in _tags(image)
    return image.format in WITH_PADDING or is_unsaid


def _on_white(image):
    from PIL import Image

    if not image.mode.endswith("A"):
        return image
    white = Image.new(image.mode[:-1], image.size, "white")
    white.paste(image.convert(white.mode), mask=image.getchannel("A"))
    return white


class _Budget:
    """A semaphore that counts pixels: what is taken waits until there is room."""

    def __init__(self, pixels: int):
        self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def take(self, pixels: int):
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


_in_flight = _Budget(MAX_PIXELS)  # one for the process, whose memory it guards
