"""One picture: the same rule for all kinds, and no memory for what is refused."""

import io
import struct
import threading
import traceback
import tracemalloc
import zlib

import numpy as np
import pytest
from other_versions import skip_if_other
from PIL import EpsImagePlugin, Image, PngImagePlugin

from dcgan_keras.data import pictures
from dcgan_keras.data.pictures import UnfitPicture, decode, read_header

SIZE = (8, 8)


def read(tmp_path, image, name="a.png", channels=None, **options):
    """Saved, then the first pixel as it is decoded."""
    try:
        image.save(tmp_path / name, **options)
        with Image.open(tmp_path / name) as back:
            back.load()
    except OSError as error:
        skip_if_other("pillow", error)
    found = read_header(tmp_path / name).channels
    pixels = decode(tmp_path / name, 8, channels or found)
    assert pixels.shape == (8, 8, channels or found) and pixels.dtype == np.uint8
    return list(pixels[0, 0])


def sixteen(value):
    return Image.fromarray(np.full(SIZE, value, np.uint16))


# One scale, and the number of channels ---------------------------------------


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        (Image.new("1", SIZE, 1), "a.png", [255]),
        (Image.new("1", SIZE, 1), "a.tif", [255]),
        (Image.new("L", SIZE, 200), "a.png", [200]),
        (Image.new("L", SIZE, 200), "a.pgm", [200]),
        (Image.new("LA", SIZE, (100, 255)), "a.png", [100]),
        (Image.new("LA", SIZE, (100, 0)), "a.png", [255]),
        (Image.new("LA", SIZE, (0, 51)), "a.webp", [204, 204, 204]),
        (sixteen(200), "a.png", [0]),
        (sixteen(25700), "a.png", [100]),
        (sixteen(25700), "a.tif", [100]),
        (sixteen(65535), "a.pgm", [255]),
        (Image.new("RGB", SIZE, (1, 2, 3)), "a.ppm", [1, 2, 3]),
        (Image.new("RGBA", SIZE, (1, 2, 3, 255)), "a.tif", [1, 2, 3]),
        (Image.new("RGBA", SIZE, (1, 2, 3, 0)), "a.png", [255, 255, 255]),
        (Image.new("RGBA", SIZE, (0, 0, 0, 51)), "a.tga", [204, 204, 204]),
        (Image.new("CMYK", SIZE, (0, 255, 255, 0)), "a.tif", [255, 0, 0]),
        (Image.new("YCbCr", SIZE, (100, 128, 128)), "a.tif", [100, 100, 100]),
    ],
    ids=lambda value: getattr(value, "mode", None) or str(value),
)
def test_black_and_white_of_all_kinds_are_the_same(tmp_path, image, name, expected):
    shown = read(tmp_path, image, name)
    assert len(shown) == len(expected)
    assert np.abs(np.subtract(shown, expected, dtype=int)).max() <= 1


@pytest.mark.parametrize("value", [0, 256, 257, 32767, 65278, 65279, 65535])
def test_sixteen_bits_are_divided_by_257(tmp_path, value):
    assert read(tmp_path, sixteen(value)) == [value // 257]


def tiff(path, photometric, bits, numbers, sample_format=1, size=SIZE):
    """A TIFF written by hand, with tags that Pillow does not write."""
    tags = {256: size[0], 257: size[1], 258: bits, 259: 1, 262: photometric, 273: 0}
    tags |= {277: 1, 278: size[1], 279: len(numbers), 339: sample_format}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = [struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags)]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(entries) + bytes(4)
    path.write_bytes(head + numbers)
    return path


@pytest.mark.parametrize(
    ("bits", "numbers", "expected"),
    [
        (1, b"\x0f" * 8, [255, 0]),
        (8, bytes([0] * 4 + [255] * 4) * 8, [255, 0]),
        (16, struct.pack("<8H", *[0] * 4, *[65535] * 4) * 8, [255, 0]),
        (16, struct.pack("<8H", *[25700] * 4, *[65535] * 4) * 8, [155, 0]),
    ],
)
def test_a_tiff_whose_white_is_zero(tmp_path, bits, numbers, expected):
    pixels = decode(tiff(tmp_path / "a.tif", 0, bits, numbers), 8, 1)
    assert [*pixels[0, [0, 7], 0]] == expected


def test_the_white_of_twelve_bits_is_4095(tmp_path):
    two = bytes.fromhex("fff000") * 32  # 4095 and 0 in three bytes
    pixels = decode(tiff(tmp_path / "a.tif", 1, 12, two), 8, 1)
    assert [*pixels[0, :2, 0]] == [255, 0]


@pytest.mark.parametrize(("bits", "code"), [(8, "b"), (16, "h"), (32, "i")])
def test_numbers_with_a_sign_have_no_white(tmp_path, bits, code):
    numbers = struct.pack(f"<64{code}", *range(-32, 32))
    path = tiff(tmp_path / "a.tif", 1, bits, numbers, sample_format=2)
    with pytest.raises(UnfitPicture, match="with a sign") as caught:
        read_header(path)
    assert caught.value.kind.startswith("of a scale without a white")


def tiff_of(path, tags, numbers):
    """8x8, the numbers first and in one strip, if ``tags`` say nothing else."""
    base = {256: [8], 257: [8], 259: [1], 273: [8], 278: [8], 279: [len(numbers)]}
    tags = dict(sorted((base | tags).items()))
    start = 8 + len(numbers)
    entries, behind = b"", b""
    for tag, values in tags.items():
        at = start + 2 + 12 * len(tags) + 4 + len(behind)
        at = values[0] if len(values) == 1 else at
        entries += struct.pack("<HHII", tag, 4, len(values), at)
        behind += struct.pack(f"<{len(values)}I", *values) if len(values) > 1 else b""
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + behind
    path.write_bytes(b"II*\0" + struct.pack("<I", start) + numbers + directory)


@pytest.mark.parametrize("attempt", [read_header, lambda path: decode(path, 8, 3)])
@pytest.mark.parametrize(
    ("tags", "numbers", "said"),
    [
        # 16 blocks of four pixels, which share their colour.
        ({258: [8] * 3, 262: [6], 277: [3]}, b"LLLLU\xff" * 16, "for fewer pixels"),
        # A palette of 0 to 255: its high bytes, which Pillow keeps, are zeros.
        ({258: [8], 262: [3], 320: [*range(256)] * 3}, bytes(64), "have 8 bits"),
    ],
    ids=["fewer colours", "palette"],
)
def test_a_tiff_that_pillow_misreads_is_refused(tmp_path, attempt, tags, numbers, said):
    tiff_of(tmp_path / "a.tif", tags, numbers)
    with pytest.raises(UnfitPicture, match=said) as caught:
        attempt(tmp_path / "a.tif")
    assert caught.value.kind == "unreadable"


TILED = {322: [16], 323: [16], 324: [8], 325: [768]}


@pytest.mark.parametrize(
    ("tags", "numbers", "expected"),
    [
        ({258: [8] * 3, 262: [6], 277: [3], 530: [1, 1]}, b"LU\xff" * 64, [254, 0, 0]),
        ({258: [8] * 3, 262: [6], 277: [3], **TILED}, b"LU\xff" * 256, [254, 0, 0]),
        ({258: [8], 262: [3], 320: [*range(0, 65536, 257)] * 3}, b"L" * 64, [76] * 3),
        ({258: [8], 262: [3], 320: [0] * 768}, b"L" * 64, [0] * 3),
        ({258: [8], 262: [1], 320: [*range(256)] * 3}, b"L" * 64, [76] * 3),
    ],
    ids=["colours", "tile", "palette", "black", "grey with a palette"],
)
def test_a_tiff_that_is_like_those_is_read(tmp_path, tags, numbers, expected):
    tiff_of(tmp_path / "a.tif", tags, numbers)
    try:
        found = decode(tmp_path / "a.tif", 8, 3)
    except UnfitPicture as error:
        assert "Pillow 13 is needed" in str(error)
        skip_if_other("pillow", error)
    assert [*found[7, 7]] == expected


@pytest.mark.parametrize(("bits", "is_fit"), [(8, True), (16, False)])
def test_a_tiff_with_each_colour_apart(tmp_path, bits, is_fit):
    """Pillow takes the bytes of 16 bits for as many pixels."""
    size = 8 * bits  # bytes of one colour
    numbers = b"".join(bytes([n]) * size for n in (200, 100, 50))
    tags = {258: [bits] * 3, 262: [2], 277: [3], 284: [2]}
    tags |= {273: [8, 8 + size, 8 + 2 * size], 279: [size] * 3}
    tiff_of(tmp_path / "a.tif", tags, numbers)
    if is_fit:
        assert [*decode(tmp_path / "a.tif", 8, 3)[7, 7]] == [200, 100, 50]
        return
    for attempt in (read_header, lambda path: decode(path, 8, 3)):
        with pytest.raises(UnfitPicture, match="each colour apart"):
            attempt(tmp_path / "a.tif")


def test_a_cmyk_photograph_has_its_colours(tmp_path):
    shown = read(tmp_path, Image.new("CMYK", SIZE, (0, 255, 255, 0)), "a.jpg")
    assert np.abs(np.subtract(shown, (255, 0, 0), dtype=int)).max() < 5


def test_the_grey_that_stands_for_nothing_is_white(tmp_path):
    """PNG's tRNS for 8 and 16 bits: one grey value is transparent."""
    assert read(tmp_path, Image.new("L", SIZE, 7), transparency=7) == [255]
    assert read(tmp_path, Image.new("L", SIZE, 7), transparency=8) == [7]
    assert read(tmp_path, sixteen(7 * 257), transparency=7 * 257) == [255]
    assert read(tmp_path, sixteen(7 * 257), transparency=8 * 257) == [7]


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(path, bits, kind, row, transparent=()):
    """A PNG of 4 x 4 pixels in equal rows, written by hand: Pillow writes few kinds."""
    header = struct.pack(">IIBBBBB", 4, 4, bits, kind, 0, 0, 0)
    key = struct.pack(f">{len(transparent)}H", *transparent)
    path.write_bytes(
        PngImagePlugin._MAGIC
        + chunk(b"IHDR", header)
        + (chunk(b"tRNS", key) if transparent else b"")
        + chunk(b"IDAT", zlib.compress((b"\0" + row) * 4))
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize(
    ("bits", "row", "transparent", "expected"),
    [
        (1, 0b0101_0000, 0, [255, 255, 255, 255]),
        (1, 0b0101_0000, 1, [0, 255, 0, 255]),
        (2, 0b0001_1011, 0, [255, 85, 170, 255]),
        (2, 0b0001_1011, 1, [0, 255, 170, 255]),
        (2, 0b0001_1011, 3, [0, 85, 170, 255]),
        (4, 0x07AF, 0, [255, 119, 170, 255]),
        (4, 0x07AF, 7, [0, 255, 170, 255]),
        (4, 0x07AF, 10, [0, 119, 255, 255]),
        (8, 0x0007AAFF, 7, [0, 255, 170, 255]),
        (16, 0x0000_0707_0708_AAAA, 0x0707, [0, 255, 7, 170]),
    ],
)
def test_a_transparent_grey_of_any_number_of_bits(
    tmp_path, bits, row, transparent, expected
):
    """Pillow brings 2 and 4 bits to 8, and leaves the number of the transparent one."""
    row = row.to_bytes((4 * bits + 7) // 8, "big")
    path = png(tmp_path / "a.png", bits, 0, row, [transparent])
    assert read_header(path).channels == 1
    assert [*decode(path, 4, 1)[0, :, 0]] == expected


def test_a_transparent_colour_of_sixteen_bits(tmp_path):
    """Pillow compares the low byte of this colour with the high bytes of the pixels."""
    colours = [(n, n + 1, n + 2) for n in (0x1234, 0x3456, 0x4000, 0x1233)]
    row = struct.pack(">12H", *sum(colours, ()))
    path = png(tmp_path / "a.png", 16, 2, row, colours[0])
    # The last one is opaque by the rule of PNG, but its high bytes are the same.
    assert [*decode(path, 4, 3)[0, :, 0]] == [255, 0x34, 0x40, 255]
    path = png(tmp_path / "a.png", 16, 2, row, (0x1234, 0x1334, 0x1234))
    assert [*decode(path, 4, 3)[0, :, 0]] == [0x12, 0x34, 0x40, 0x12]


def test_grey_with_alpha_of_sixteen_bits_is_grey(tmp_path):
    """Pillow opens it as RGBA."""
    row = struct.pack(">8H", 0x1212, 65535, 0x3434, 0, 0x6464, 0x3333, 65535, 65535)
    path = png(tmp_path / "a.png", 16, 4, row)
    assert read_header(path).channels == 1
    pixels = decode(path, 4, 1, exact_channels=True)[0, :, 0]
    assert np.allclose(pixels, [0x12, 255, 0.8 * 255 + 0.2 * 0x64, 255], atol=1)
    colour = png(tmp_path / "b.png", 16, 6, bytes(32))
    assert read_header(colour).channels == 3


def test_a_palette_with_a_transparency_for_each_colour(tmp_path):
    image = Image.new("P", SIZE, 1)
    image.putpalette([9, 9, 9, 0, 0, 0])
    shown = read(tmp_path, image, transparency=bytes([255, 51]))
    assert np.allclose(shown, 204, atol=1)


@pytest.mark.parametrize("name", ["a.bmp", "a.tga"])
@pytest.mark.parametrize(
    ("alphas", "expected"),
    [((0, 0), [50, 50]), ((0, 51), [255, 214]), ((255, 255), [50, 50])],
)
def test_a_fourth_byte_that_fills_is_no_transparency(tmp_path, name, alphas, expected):
    """As the tools for games and Windows write it; of other files it is meant."""
    image = Image.new("RGBA", SIZE, (50, 50, 50, alphas[0]))
    image.putpixel((1, 0), (50, 50, 50, alphas[1]))
    image.save(tmp_path / "a.png")
    if name == "a.tga":
        image.save(tmp_path / name)
    else:  # version 4 of the header, with masks; Pillow writes an older one
        masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
        head = struct.pack("<I2i2H6I", 108, 8, -8, 1, 32, 3, 256, 0, 0, 0, 0)
        head += struct.pack("<4I", *masks) + bytes(52)
        start = struct.pack("<I2HI", 14 + 108 + 256, 0, 0, 14 + 108)
        (tmp_path / name).write_bytes(b"BM" + start + head + image.tobytes())
    assert [*decode(tmp_path / name, 8, 3)[0, :2, 1]] == expected
    meant = decode(tmp_path / "a.png", 8, 3)[0, :2, 1]
    assert [*meant] == ([255, 255] if alphas == (0, 0) else expected)


@pytest.mark.parametrize(
    ("alphas", "expected"), [((0, 0), [50, 50]), ((0, 51), [255, 214])]
)
@pytest.mark.parametrize("name", ["grey.tga", "palette.tga", "a.tif"])
def test_a_number_that_fills_is_no_transparency_elsewhere(
    tmp_path, name, alphas, expected
):
    """Beside a grey, in a palette, and where a TIFF does not say what it is."""
    numbers = [[50] * 3 + [alpha] for alpha in alphas]
    pixels = np.array(numbers * 4 * 8, np.uint8)
    head = struct.pack("<3H2B", 8, 8, 0, 0, 0x20)[:4]
    if name == "a.tif":
        tags = {258: [8] * 4, 262: [2], 277: [4]}
        tiff_of(tmp_path / name, tags, pixels.tobytes())
    elif name == "grey.tga":
        start = struct.pack("<3B5x2H", 0, 0, 3, 0, 0) + head + b"\x10\x20"
        (tmp_path / name).write_bytes(start + pixels[:, 2:].tobytes())
    else:
        start = struct.pack("<3B2HB2H", 0, 1, 1, 0, 2, 32, 0, 0) + head + b"\x08\x20"
        (tmp_path / name).write_bytes(start + pixels[:2].tobytes() + bytes([0, 1] * 32))
    try:
        found = decode(tmp_path / name, 8, 3)
    except UnfitPicture as error:  # a palette with transparency, before version 13
        skip_if_other("pillow", error)
    assert [*found[0, :2, 1]] == expected


def test_one_channel_of_colour_and_three_of_grey(tmp_path):
    red = Image.new("RGB", SIZE, (255, 0, 0))
    assert read(tmp_path, red, channels=1) == [76]  # ITU-R 601-2
    assert read(tmp_path, sixteen(25700), channels=3) == [100, 100, 100]


@pytest.mark.parametrize(
    ("array", "name", "said"),
    [
        (np.linspace(0, 1, 64, dtype=np.float32), "a.tif", "mode F, 0 to 1"),
        (np.arange(250, 314, dtype=np.int32), "a.tif", "mode I, numbers with a sign"),
        (np.full(64, 3e4, np.float32), "a.pfm", "mode F, 30000 to 30000"),
    ],
)
def test_numbers_without_a_white_are_refused_by_what_they_are(
    tmp_path, array, name, said
):
    Image.fromarray(array.reshape(SIZE)).save(tmp_path / name)
    for attempt in (read_header, lambda path: decode(path, 8, 1)):
        with pytest.raises(UnfitPicture, match=said) as caught:
            attempt(tmp_path / name)
        assert caught.value.kind.startswith("of a scale without a white")


def test_what_pillow_opens_and_cannot_convert_is_refused(tmp_path):
    Image.new("LAB", SIZE, (1, 2, 3)).save(tmp_path / "a.tif")
    with pytest.raises(UnfitPicture, match="mode LAB") as caught:
        read_header(tmp_path / "a.tif")
    assert caught.value.kind == "of other colours"


def test_a_program_under_a_picture_s_name_is_not_run(tmp_path):
    """PostScript: Pillow would hand it to Ghostscript."""
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    )
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "EPS"
    with pytest.raises(UnfitPicture, match="no picture that Pillow knows"):
        read_header(tmp_path / "a.png")


def test_a_program_inside_a_picture_is_not_run(tmp_path, monkeypatch):
    """Pillow opens what lies in an IPTC with all that it knows, programs included."""

    def record(number, content):
        return struct.pack(">BBBH", 0x1C, *number, len(content)) + content

    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    fields = {(3, 20): b"\0\x08", (3, 30): b"\0\x08", (3, 60): b"\1\0"}
    fields |= {(3, 120): b"\5", (8, 10): program}
    (tmp_path / "a.jpg").write_bytes(b"".join(map(record, fields, fields.values())))
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "IPTC"
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", pytest.fail)
    with pytest.raises(UnfitPicture, match="no picture that Pillow knows"):
        decode(tmp_path / "a.jpg", 8, 1)


def test_a_wrong_suffix_is_no_harm(tmp_path):
    Image.new("L", SIZE, 9).save(tmp_path / "a.jpg", format="PNG")
    assert decode(tmp_path / "a.jpg", 8, 1)[0, 0, 0] == 9


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_ways_to_hold_a_camera(tmp_path, orientation):
    """Stored lying; what is shown has its white corner at the top left."""
    upright = np.zeros(SIZE, np.uint8)
    upright[:4, :4] = 255
    upright[0, 5] = 90  # no symmetry
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    image = Image.fromarray(np.ascontiguousarray(turned))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode(tmp_path / "a.png", 8, 1)[..., 0], upright)


@pytest.mark.filterwarnings("ignore:.*EXIF")  # Pillow's; load_folder hides them
@pytest.mark.parametrize(
    "options",
    [
        {"exif": b"Exif\0\0no notes of a camera"},
        {"exif": b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01"},
        {"xmp": b"\xa8" * 20},
    ],
    ids=["no header", "cut off", "no text"],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_notes_that_cannot_be_read_are_no_fault_of_the_pixels(
    tmp_path, options, suffix
):
    """A broken orientation leaves a picture as it is stored."""
    Image.new("RGB", SIZE, (200, 200, 200)).save(tmp_path / f"a{suffix}", **options)
    assert np.ptp(decode(tmp_path / f"a{suffix}", 8, 3)) <= 2


def test_frames_are_seen(tmp_path):
    frames = [Image.new("L", SIZE, grey) for grey in (10, 200)]
    for name in ("a.gif", "a.tif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert read_header(tmp_path / name).has_frames
        assert abs(int(decode(tmp_path / name, 8, 1)[0, 0, 0]) - 10) < 3
        frames[0].save(tmp_path / name)
        assert not read_header(tmp_path / name).has_frames


def test_the_layers_of_a_psd_are_no_frames(tmp_path):
    """What they make together is stored beside them, and is what Pillow opens."""
    layer = struct.pack(">4iH", 0, 0, 8, 8, 1) + struct.pack(">HI", 0, 2 + 64)
    layer += b"8BIMnorm\xff\0\0\0" + struct.pack(">I", 12) + bytes(12)
    layers = struct.pack(">h", 2) + 2 * layer + 2 * (bytes(2) + bytes([10]) * 64)
    section = struct.pack(">I", len(layers)) + layers
    (tmp_path / "a.psd").write_bytes(
        struct.pack(">4sH6xHIIHH", b"8BPS", 1, 1, 8, 8, 8, 1)
        + bytes(8)
        + struct.pack(">I", len(section))
        + section
        + bytes(2)
        + bytes([90]) * 64
    )
    with Image.open(tmp_path / "a.psd") as image:
        assert image.n_frames == 2
    assert not read_header(tmp_path / "a.psd").has_frames
    assert np.all(decode(tmp_path / "a.psd", 8, 1) == 90)


# Exactness -------------------------------------------------------------------


def test_what_is_unlike_the_others_is_refused_where_that_is_asked_for(tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 8, 1).shape == (8, 8, 1)
    with pytest.raises(UnfitPicture, match="20x10") as caught:
        decode(tmp_path / "a.png", 8, 3, exact_size=True)
    assert caught.value.kind == "of another size"
    with pytest.raises(UnfitPicture, match="colour among grey"):
        decode(tmp_path / "a.png", 8, 1, exact_channels=True)
    assert decode(tmp_path / "a.png", 8, 3, exact_channels=True).shape == (8, 8, 3)


# Bombs -----------------------------------------------------------------------


def bomb(path, width, height, mode="L"):
    """A PNG that claims a size, with hardly a byte of pixels."""

    kind = {"L": 0, "RGB": 2, "P": 3}[mode]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(6)) if mode == "P" else b""
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    path.write_bytes(
        PngImagePlugin._MAGIC
        + chunk(b"IHDR", header)
        + palette
        + pixels
        + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
@pytest.mark.parametrize("side", [9000, 12000, 30000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_many_pixels_are_refused_before_any_is_decoded(tmp_path, mode, side):
    path = bomb(tmp_path / "a.png", side, side, mode)
    for attempt in (read_header, lambda path: decode(path, 8, 1)):
        with pytest.raises(UnfitPicture) as caught:
            attempt(path)
        assert caught.value.kind == "of too many pixels"


@pytest.mark.parametrize("name", ["a.ico", "a.icns", "a.png"])
def test_icons_are_not_opened(tmp_path, name):
    """One that says 16x16 may hold a picture of 9000x9000, and Pillow decodes it."""
    icon = Image.new("RGBA", (16, 16))
    icon.save(tmp_path / name, format="ICNS" if name == "a.icns" else "ICO")
    with pytest.raises(UnfitPicture, match="no picture that Pillow knows"):
        read_header(tmp_path / name)


def test_cursors_are_not_opened(tmp_path):
    """They hold several sizes, and a mask that Pillow passes over."""
    head = struct.pack("<3H4B2H2I", 0, 2, 1, 8, 8, 0, 0, 0, 0, 40 + 288, 22)
    head += struct.pack("<I2i2H6I", 40, 8, 16, 1, 32, 0, 0, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(head + bytes(256 + 32))
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "CUR"
    with pytest.raises(UnfitPicture, match="no picture that Pillow knows"):
        read_header(tmp_path / "a.png")


def test_the_limit_is_of_pixels(tmp_path):
    """Long and thin, too; one less passes."""
    with pytest.raises(UnfitPicture, match="40000001x1"):
        read_header(bomb(tmp_path / "a.png", pictures.MAX_PIXELS + 1, 1))
    assert read_header(bomb(tmp_path / "b.png", pictures.MAX_PIXELS, 1))


def test_a_photograph_that_is_made_smaller_may_be_larger(tmp_path, monkeypatch):
    """A JPEG can be decoded at an eighth of its size; a PNG cannot."""
    monkeypatch.setattr(pictures, "MAX_PIXELS", 10_000)
    for name in ("a.jpg", "a.png"):
        Image.new("L", (120, 160), 90).save(tmp_path / name)
    assert decode(tmp_path / "a.jpg", 8, 1)[0, 0, 0] == 90
    for name, size in (("a.png", 8), ("a.jpg", None), ("a.jpg", 64)):
        with pytest.raises(UnfitPicture, match="120x160"):
            read_header(tmp_path / name, size)


def segment(code, content):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    "before",
    [
        *[segment(0xE2, bytes([n]) * 65_533) for n in (0, 0xD9, 0xDA, 0xFF)],
        *[segment(0xFE, bytes(n)) for n in (65_000, 65_278, 65_400)],
        b"\xff\xff\xff",  # they fill
        b"\x00",  # garbage
        b"",
    ],
)
def test_whatever_stands_before_a_jpeg_s_scan_is_passed_over(tmp_path, before):
    path = tmp_path / "a.jpg"
    Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(path)
    head, rest = path.read_bytes()[:20], path.read_bytes()[20:]  # behind its name, JFIF
    path.write_bytes(head + before + rest)
    assert decode(path, 16, 3).shape == (16, 16, 3)
    path.write_bytes(head + before + rest[:-2] + bytes(9))
    with pytest.raises(UnfitPicture, match="without its end|truncated"):
        decode(path, 16, 3)


def test_a_large_profile_of_colours_is_no_end(tmp_path):
    image = Image.fromarray(np.full((16, 16, 3), 90, np.uint8))
    image.save(tmp_path / "a.jpg", icc_profile=np.random.default_rng(1).bytes(200_000))
    assert decode(tmp_path / "a.jpg", 16, 3).shape == (16, 16, 3)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_end_is_missing_is_refused(tmp_path, progressive):
    """A download that broke off, in a file that had its full length before."""
    noise = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)
    path, thumbnail = tmp_path / "a.jpg", io.BytesIO()
    Image.fromarray(noise[:8, :8]).save(thumbnail, "jpeg")  # it has an end of its own
    exif = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail.getvalue()
    Image.fromarray(noise).save(path, progressive=progressive, exif=exif)
    whole = path.read_bytes()
    for after in (b"", b"\0" * 99, b"motion\xff\xda\xff\xff"):
        path.write_bytes(whole + after)
        assert decode(path, 64, 3).shape == (64, 64, 3)
    half = len(whole) // 2
    path.write_bytes(whole[:half] + bytes(half))
    for size in (64, 8):
        with pytest.raises(UnfitPicture, match="without its end|truncated"):
            decode(path, size, 3)


@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}])
def test_a_png_that_ends_in_zeros_is_refused(tmp_path, options):
    """Pillow compares no checksum; zeros go on with the code before them."""
    rough = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    image = Image.fromarray(rough).resize((64, 64), Image.Resampling.BICUBIC)
    path = tmp_path / "a.png"
    image.save(path, **options)
    whole = path.read_bytes()
    later = whole[:-12] + chunk(b"tEXt", b"a\0b")[:-4] + b"none" + whole[-12:]
    for content in (whole, whole + bytes(99), later):
        path.write_bytes(content)
        assert np.array_equal(decode(path, 64, 3), image)
    for part in (0.3, 0.5, 0.7, 0.9):
        kept = int(len(whole) * part)
        path.write_bytes(whole[:kept] + bytes(len(whole) - kept))
        with pytest.raises(UnfitPicture):
            decode(path, 64, 3)
    path.write_bytes(whole[:-16] + b"none" + whole[-12:])
    with pytest.raises(UnfitPicture, match="a PNG with another checksum"):
        decode(path, 64, 3)
    for missing in (13, 40):
        path.write_bytes(whole[:-missing])
        with pytest.raises(UnfitPicture, match="a PNG that ends too soon"):
            decode(path, 64, 3)


NOTES = {"exif": Image.Exif().tobytes() + bytes(99)}


@pytest.mark.parametrize(
    ("kind", "options"),
    [("webp", {"lossless": True}), ("webp", {"lossless": True} | NOTES)]
    + [("avif", {}), ("avif", NOTES)],
    ids=["webp", "webp with notes", "avif", "avif with notes"],
)
def test_an_avif_or_a_lossless_webp_that_ends_in_zeros_is_refused(
    tmp_path, kind, options
):
    """Their decoders make something of zeros, and say nothing."""
    if f".{kind}" not in Image.registered_extensions():
        pytest.skip(f"this Pillow knows no {kind}")
    path = tmp_path / f"a.{kind}"
    rough = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for pixels in (np.zeros_like(rough), np.full_like(rough, 255), rough):
        Image.fromarray(pixels).save(path, **options)
        assert decode(path, 64, 3).shape == (64, 64, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(99))  # behind the end, in nobody's way
    assert decode(path, 64, 3).shape == (64, 64, 3)
    notes = whole.rfind(b"EXIF")  # of a WebP they stand behind the pixels
    data, behind = (whole, b"") if notes < 0 else (whole[:notes], whole[notes:])
    for part in (0.5, 0.7, 0.9):
        kept = int(len(data) * part)
        path.write_bytes(data[:kept] + bytes(len(data) - kept) + behind)
        with pytest.raises(UnfitPicture):
            decode(path, 64, 3)


def test_no_room_is_made_for_what_a_png_claims_to_have(tmp_path):
    """Pillow reads as many bytes as its last part says, after all pixels are there."""
    path = tmp_path / "a.png"
    Image.new("L", (64, 64), 200).save(path)
    content = bytearray(path.read_bytes())
    place = content.index(b"IDAT") - 4
    content[place : place + 4] = (2**31 - 1).to_bytes(4, "big")
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(UnfitPicture, match="a PNG that ends too soon"):
        decode(path, 64, 1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10**7


def rows_of_a_png(path, width, height, rows, kind=2, bits=8, passes=None):
    """A PNG whose header says ``height``, and that ends after ``rows``."""
    a_pixel = bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    if passes is None:
        raw = (b"\0" + bytes([200]) * ((width * a_pixel + 7) // 8)) * rows
    else:
        raw = b"".join((b"\0" + bytes((w * a_pixel + 7) // 8)) * h for w, h in passes)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, bool(passes))
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


@pytest.mark.parametrize(
    ("kind", "bits"), [(0, 1), (0, 8), (0, 16), (2, 8), (4, 8), (6, 8), (6, 16)]
)
def test_a_png_without_its_last_rows_is_refused(kind, bits, tmp_path):
    """Its checksums are right; Pillow leaves at 0 what did not come."""
    path = tmp_path / "a.png"
    rows_of_a_png(path, 9, 8, 8, kind, bits)
    decode(path, 8, 1)
    for rows in (7, 3):
        rows_of_a_png(path, 9, 8, rows, kind, bits)
        with pytest.raises(UnfitPicture, match="without its last rows"):
            decode(path, 8, 1)


def test_a_black_png_of_seven_passes_is_whole(tmp_path):
    """Of 9x5 pixels; each pass has so many columns and rows."""
    passes = [(2, 1), (1, 1), (3, 1), (2, 2), (5, 1), (4, 3), (9, 2)]
    rows_of_a_png(tmp_path / "a.png", 9, 5, 5, passes=passes)
    assert decode(tmp_path / "a.png", 8, 3).max() == 0
    rows_of_a_png(tmp_path / "a.png", 9, 5, 5, passes=passes[:-1])
    with pytest.raises(UnfitPicture, match="without its last rows"):
        decode(tmp_path / "a.png", 8, 3)


def test_pixels_in_flight_are_bounded():
    """Of 100, three threads have 30 each at a time; beside 75 one has to wait."""
    budget, together, most = pictures._Budget(100), [], []
    three = threading.Barrier(3)  # as many must fit

    def work(first):
        with budget.take(30):
            together.append(1)
            most.append(len(together))
            if first:
                three.wait(10)
            together.pop()

    threads = [threading.Thread(target=work, args=(True,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 3
    assert budget._free == 100
    most.clear()
    with budget.take(75):
        waiting = threading.Thread(target=work, args=(False,), daemon=True)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive() and not most
    waiting.join(10)
    assert most == [1]


def test_a_failure_gives_its_pixels_back():
    budget = pictures._Budget(100)
    for _ in range(3):
        assert budget._free == 100
        with pytest.raises(KeyError), budget.take(100):
            assert budget._free == 0
            raise KeyError


def test_decoding_asks_for_room(tmp_path, monkeypatch):
    """And a small picture, or a drafted photograph, for little."""
    asked = []

    class Noted(pictures._Budget):
        def take(self, number):
            asked.append(number)
            return super().take(number)

    monkeypatch.setattr(pictures, "_in_flight", Noted(pictures.MAX_PIXELS))
    for name in ("a.png", "a.jpg"):
        Image.new("L", (300, 200)).save(tmp_path / name)
        decode(tmp_path / name, 8, 1)
    assert asked == [60_000, 30_000]


@pytest.mark.parametrize(("side", "said"), [(1000, ", 0 to 0"), (1001, "")])
def test_numbers_of_large_pictures_are_not_looked_at(tmp_path, side, said):
    """Each thread would decode one, for a message: 12 of 40 million took 2.3 GB."""
    Image.new("F", (side, 1000)).save(tmp_path / "a.tif")
    with pytest.raises(UnfitPicture) as caught:
        read_header(tmp_path / "a.tif")
    assert str(caught.value) == f"Pillow's mode F{said}"


def test_a_refusal_keeps_no_pixels(tmp_path):
    """Though its traceback keeps the picture: 12 damaged ones took 1.7 GB."""
    Image.new("L", (64, 64)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[:-2] + bytes(2))
    with pytest.raises(UnfitPicture, match="without its end") as caught:
        decode(tmp_path / "a.jpg", 8, 1)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    held = [frame.f_locals["image"] for frame in frames if "image" in frame.f_locals]
    assert held
    for image in held:
        with pytest.raises(ValueError, match="closed image"):
            image.getpixel((0, 0))


def test_a_photograph_is_decoded_no_larger_than_needed(tmp_path):
    """And looks the same but for the smoothing: within two greys of 255."""
    x = np.linspace(0, 3, 640)
    pixels = np.round(127 + 100 * np.sin(x[:, None] * 2) * np.cos(x)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    drafted, whole = (decode(tmp_path / name, 32, 1) for name in ("a.jpg", "a.png"))
    assert np.abs(drafted.astype(int) - whole).max() <= 2


@pytest.mark.parametrize("size", [(400, 1600), (1600, 400)])
def test_a_drafted_photograph_has_twice_the_pixels_that_are_asked_for(size, tmp_path):
    Image.new("L", size).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        pictures._cost(image, 50)
        assert min(image.size) == 100
