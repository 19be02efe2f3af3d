"""Properties that hold for whatever hypothesis draws: sizes, losses, files.

The draws follow from the code of each test and from the constants in the modules that
are loaded by then (hypothesis tries these, too), and from nothing else.
"""

import csv
import io
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from PIL import Image

from dcgan_keras import losses
from dcgan_keras.convolution import (
    conv_output_size,
    convolution_matrix,
    insert_zeros,
    overlap_counts,
    padding_amounts,
    transposed_conv_output_size,
)
from dcgan_keras.data.archives import ARRAYS, read_npz
from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.fast.layers import from_image, to_image
from dcgan_keras.files import UnreadableFile
from dcgan_keras.sizes import IMAGE_SIZES, stages
from dcgan_keras.training.configuration import DEFAULTS, read_config, settings_of
from dcgan_keras.training.runs import COLUMNS, RunFolder


def examples(count):
    """So many, however long each takes."""
    return settings(max_examples=count, derandomize=True, deadline=None, database=None)


# Convolution -----------------------------------------------------------------

PADDINGS = st.sampled_from(["valid", "same", 0, 1, 2, 3])
PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@examples(200)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 6), PADDINGS)
def test_sizes_count_the_places_of_the_kernel(size, taps, step, padding):
    if padding == "same":
        places = range(0, size, step)  # one for each pixel that a stride reaches
    else:
        p = 0 if padding == "valid" else padding
        places = range(-p, size + p - taps + 1, step)
        if not places:
            with pytest.raises(ValueError, match="kernel_size must be at most"):
                conv_output_size(size, taps, step, padding)
            return
    assert conv_output_size(size, taps, step, padding) == len(places)
    before, after = padding_amounts(size, taps, step, padding)
    if padding == "same":
        assert 0 <= after - before <= 1
        assert before + size + after >= (len(places) - 1) * step + taps


@examples(200)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 6), PADDINGS)
def test_the_transpose_goes_back_to_the_size(size, taps, step, padding):
    try:
        large = transposed_conv_output_size(size, taps, step, padding)
    except ValueError:
        assert (size - 1) * step + taps <= 2 * padding
        return
    if padding in ("valid", "same") or taps <= large + 2 * padding:
        assert conv_output_size(large, taps, step, padding) == size


@st.composite
def convolutions(draw):
    """A kernel, an image, strides and padding that fit together."""
    kernel_size, channels = draw(PAIRS), draw(st.tuples(*[st.integers(1, 3)] * 2))
    shape = [draw(st.integers(taps, taps + 5)) for taps in kernel_size]
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kernel = random.normal(size=(*kernel_size, *channels))
    image = random.normal(size=(*shape, channels[0]))
    return kernel, image, draw(PAIRS), draw(PADDINGS)


def convolved(kernel, image, strides, padding):
    """Each output as the sum over a window: the definition, tap by tap."""
    sides = list(zip(image.shape, kernel.shape, strides, strict=False))
    margins = [padding_amounts(*side, padding) for side in sides]
    outputs = [conv_output_size(*side, padding) for side in sides]
    padded = np.pad(image, [*margins, (0, 0)])
    found = np.zeros((*outputs, kernel.shape[3]))
    for row, column in np.ndindex(*outputs):
        top, left = row * strides[0], column * strides[1]
        window = padded[top : top + kernel.shape[0], left : left + kernel.shape[1]]
        found[row, column] = np.einsum("hwi,hwio->o", window, kernel)
    return found


@examples(60)
@given(convolutions())
def test_the_matrix_is_the_convolution_and_its_transpose_the_adjoint(case):
    kernel, image, strides, padding = case
    W = convolution_matrix(kernel, image.shape, strides, padding)
    expected = convolved(kernel, image, strides, padding)
    assert np.allclose(W @ image.ravel(), expected.ravel(), atol=1e-10)
    # <W x, y> = <x, W.T y> with W x by the definition, not by W.
    y = np.sin(np.arange(expected.size))
    assert expected.ravel() @ y == pytest.approx(
        image.ravel() @ (W.T @ y), abs=1e-9, rel=1e-9
    )


@examples(60)
@given(convolutions())
def test_the_transpose_is_the_flipped_kernel_over_spread_pixels(case):
    kernel, image, strides, _ = case
    shape = [
        transposed_conv_output_size(*side)
        for side in zip(image.shape, kernel.shape, strides, strict=False)
    ]
    W = convolution_matrix(
        kernel.transpose(0, 1, 3, 2), (*shape, kernel.shape[3]), strides
    )
    missing = [
        n - ((m - 1) * s + k)
        for n, m, s, k in zip(shape, image.shape, strides, kernel.shape, strict=False)
    ]  # Keras keeps a stride's pixels where the kernel is smaller
    spread = insert_zeros(image, strides)
    margins = [
        (k - 1, k - 1 + more) for k, more in zip(kernel.shape, missing, strict=False)
    ]
    flipped = kernel[::-1, ::-1]
    expected = convolved(flipped, np.pad(spread, [*margins, (0, 0)]), (1, 1), "valid")
    assert np.allclose(W.T @ image.ravel(), expected.ravel(), atol=1e-10)


@examples(100)
@given(PAIRS, PAIRS, PAIRS, st.sampled_from(["valid", "same"]))
def test_overlaps_are_the_sums_of_the_columns(shape, kernel_size, strides, padding):
    counts = overlap_counts(shape, kernel_size, strides, padding)
    W = convolution_matrix(np.ones(kernel_size), counts.shape, strides, padding)
    assert np.array_equal(W.T @ np.ones(W.shape[0]), counts.ravel())


@examples(25)
@given(st.integers(2, 6), PAIRS, PAIRS, st.integers(0, 2**32))
def test_the_fast_layers_are_adjoint(size, half, channels, seed):
    random = np.random.default_rng(seed)
    kernel = random.normal(size=(size, size, *channels))
    images = random.normal(size=(2, 2 * half[0], 2 * half[1], channels[0]))
    features = random.normal(size=(2, *half, channels[1]))
    found = np.sum(from_image(images, kernel).numpy() * features)
    back = np.sum(images * to_image(features, kernel).numpy())
    assert found == pytest.approx(back, rel=1e-9, abs=1e-9)


# Losses ----------------------------------------------------------------------

LOGITS = arrays_of.arrays(
    np.float32,
    arrays_of.array_shapes(min_dims=1, max_dims=2, max_side=6),
    elements=st.floats(-(2.0**20), 2.0**20, width=32),
)


def softplus(values):
    """log(1 + exp(x)) in 64 bits, mean."""
    return float(np.logaddexp(0, values.astype(np.float64)).mean())


@examples(60)
@given(LOGITS, LOGITS, st.floats(0, 2))
def test_losses_are_numpys(real, fake, label):
    near = {"rel": 1e-5, "abs": 1e-30}
    d_loss = float(losses.discriminator_loss(real, fake))
    assert d_loss == pytest.approx(softplus(-real) + softplus(fake), **near)
    minimax = float(losses.minimax_generator_loss(fake))
    assert minimax == pytest.approx(-softplus(fake), **near)
    non_saturating = float(losses.non_saturating_generator_loss(fake))
    assert non_saturating == pytest.approx(softplus(-fake), **near)
    assert d_loss >= 0 and non_saturating >= 0 and minimax <= 0
    # softplus(x) - softplus(-x) = x: the two games differ by the mean logit.
    mean = float(fake.astype(np.float64).mean())
    size = float(np.abs(fake).mean())
    near = {"rel": 1e-4, "abs": 1e-4 * size + 1e-6}
    assert -minimax - non_saturating == pytest.approx(mean, **near)
    shifted = float(losses.discriminator_loss(real, fake, label))
    more = (1 - label) * float(real.astype(np.float64).mean())
    size = d_loss + abs(1 - label) * float(np.abs(real).mean())
    assert shifted == pytest.approx(d_loss + more, rel=1e-4, abs=1e-5 * size + 1e-6)


@examples(50)
@given(LOGITS)
def test_two_log_two_is_the_best_that_d_gets_when_both_are_the_same(logits):
    """Where reals and fakes are the same pictures, no D gets below 2 log 2."""
    lowest = 2 * math.log(2)
    assert float(losses.discriminator_loss(logits, logits)) >= lowest * (1 - 1e-6)
    still = float(losses.discriminator_loss(0 * logits, 0 * logits))
    assert still == pytest.approx(lowest)


# Sizes -----------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-10, 300), st.floats(0, 300), st.booleans(), st.none(), st.text()
)


@examples(300)
@given(st.integers(-10, 600), st.integers(1, 4))
def test_every_size_is_reached_by_doubling_or_refused(size, channels):
    reached = {start * 2**n for start in (4, 5, 6, 7) for n in range(1, 7)}
    if size in reached and size <= 256:
        start, doublings = stages((size, size, channels))
        assert start in (4, 5, 6, 7) and doublings >= 1
        assert start * 2**doublings == size and size in IMAGE_SIZES
    else:
        with pytest.raises(ValueError, match="image_shape: expected"):
            stages((size, size, channels))


@examples(60)
@given(st.lists(NUMBERS, max_size=4))
def test_other_shapes_are_refused_by_name(shape):
    try:
        start, doublings = stages(shape)
    except ValueError as error:
        assert str(error).startswith("image_shape: expected")
    else:
        assert [start * 2**doublings] * 2 == shape[:2] and len(shape) == 3


# Pictures --------------------------------------------------------------------

WHITES = {"1": 1, "L": 255, "LA": 255, "I;16": 65535, "RGB": 255, "RGBA": 255, "P": 255}


@examples(60)
@given(
    mode=st.sampled_from(sorted(WHITES)),
    share=st.integers(0, 255),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    suffix=st.sampled_from([".png", ".tif"]),
    channels=st.sampled_from([1, 3]),
)
def test_pictures_of_all_kinds_have_one_scale(mode, share, size, suffix, channels):
    """A grey of share / 255 in any mode, size and file comes out as that grey."""
    value = share * WHITES[mode] // 255
    if mode == "I;16":
        image = Image.fromarray(np.full(size, value, np.uint16))
    elif mode == "P":
        image = Image.new("P", size, 1)
        image.putpalette([0, 0, 0, value, value, value])
    else:
        bands = Image.new(mode, size).getbands()
        fill = tuple(255 if band == "A" else value for band in bands)
        image = Image.new(mode, size, fill if len(fill) > 1 else value)
    with tempfile.TemporaryDirectory() as folder:
        image.save(Path(folder) / f"a{suffix}")
        images, _ = load_dataset(folder, image_size=8, channels=channels)
    assert images.shape == (1, 8, 8, channels) and images.dtype == np.float32
    expected = 2 * value / WHITES[mode] - 1
    assert np.abs(images - expected).max() <= 1.01 / 127.5
    assert -1 <= images.min() and images.max() <= 1


# Readers ---------------------------------------------------------------------

DTYPES = st.sampled_from(["u1", "i8", "f4", "f8", ">f4", "?", "c8", "U3", "M8[s]", "O"])
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=6,
)


def is_refused(path, read):
    """Whether a reader refused a file: by its exception, in a line that names it."""
    try:
        read()
    except UnreadableFile as error:
        assert str(path.parent) in str(error) and "\n" not in str(error)
        return True
    return False


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readers")


@examples(80)
@given(
    arrays=st.dictionaries(
        st.sampled_from([*ARRAYS, "x"]), st.tuples(DTYPES, SHAPES), max_size=5
    )
)
def test_a_data_set_of_any_arrays(folder, arrays):
    path = folder / "a.npz"
    np.savez(
        path, **{name: np.zeros(shape, kind) for name, (kind, shape) in arrays.items()}
    )
    if not is_refused(path, lambda: read_npz(path)):
        assert set(ARRAYS) <= set(arrays)
        assert all(arrays[f"x_{part}"][0] == "u1" for part in ("train", "test"))


@examples(80)
@given(st.lists(st.lists(st.one_of(st.text(max_size=4), st.floats()), max_size=6)))
def test_a_history_of_any_cells(folder, rows):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([COLUMNS, *rows])
    path = folder / "history.csv"
    path.write_bytes(written.getvalue().encode(errors="surrogatepass"))
    found = []
    if not is_refused(path, lambda: found.extend(RunFolder(folder).read_history())):
        assert [row["step"] for row in found] == [*range(1, len(found) + 1)]
        assert all(math.isfinite(value) for row in found for value in row.values())


RUN = DEFAULTS | {"width": 2, "latent_dim": 3, "image_shape": [28, 28, 1]}
RUN |= {"settings": settings_of(RUN)}


@examples(150)
@given(st.sampled_from([*RUN, *RUN["settings"]]), VALUES)
def test_a_configuration_with_any_value(folder, name, value):
    inside = {name: value} if name in RUN["settings"] else {}
    changed = RUN | {"settings": RUN["settings"] | inside}
    changed |= {} if inside else {name: value}
    path = folder / "config.json"
    path.write_text(json.dumps(changed))
    run = RunFolder(folder)
    if not is_refused(path, lambda: read_config(run)):
        assert read_config(run) == {"classes": None} | changed
        usual = (RUN | RUN["settings"])[name]
        kinds = {float: {float, int}, type(None): {int, type(None)}}
        assert type(value) in kinds.get(type(usual), {type(usual)})


@examples(150)
@given(st.binary(max_size=300))
def test_bytes_that_are_no_file_of_ours(folder, content):
    run = RunFolder(folder)
    for name, read in {
        "weights.npz": lambda: run.restore({}),
        "history.csv": run.read_history,
        "config.json": run.read_config,
    }.items():
        (folder / name).write_bytes(content)
        assert is_refused(folder / name, read)
        (folder / name).unlink()
