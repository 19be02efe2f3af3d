"""Pictures: every pixel in its place, files that read back, figures that show all."""

import base64
import importlib
import io
import weakref

import imageio.v3 as imageio
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dcgan_keras import keras, visualization
from dcgan_keras.visualization import (
    COLOURS,
    figure_pixels,
    gif_bytes,
    plot_history,
    plot_samples,
    show,
    show_film,
    tile,
    to_uint8,
    use_style,
    write_gif,
    write_png,
)


@pytest.fixture(autouse=True)
def plain_matplotlib():
    with matplotlib.rc_context(rc={"backend": "Agg"}):
        yield
    plt.close("all")


def history(steps=50, generator_loss=0.7):
    return [
        {
            "step": step,
            "discriminator_loss": 1.0 + step,
            "generator_loss": generator_loss,
            "real_accuracy": 0.75,
            "fake_accuracy": 0.25,
        }
        for step in range(1, steps + 1)
    ]


def test_pixels_follow_the_definition():
    """-1 is 0, 1 is 255, and every pixel of a file comes back as itself."""
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_uint8(every / 127.5 - 1), every)
    assert np.array_equal(
        to_uint8(np.array([-1.2, -1, 0.003, 1, 1.2])), [0, 0, 128, 255, 255]
    )
    assert to_uint8(np.zeros((2, 3, 4, 1))).shape == (2, 3, 4, 1)
    assert to_uint8(np.array([-4, 4.0])).tolist() == [0, 255]
    short = np.linspace(-1, 1, 999).astype(np.float16)
    assert np.array_equal(to_uint8(short), to_uint8(short.astype(np.float64)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("count", "columns", "scale"), [(6, 3, 1), (5, 3, 2), (1, 8, 3)]
)
def test_tiles_lie_row_by_row_in_their_order(count, columns, scale, channels):
    """Against a loop over every pixel of the grid."""
    random = np.random.default_rng(0)
    images = random.uniform(-1, 1, (count, 4, 5, channels))
    grid = tile(images, columns, scale)
    rows = -(-count // columns)
    assert grid.shape == (rows * 4 * scale, columns * 5 * scale, 3)
    assert grid.dtype == np.uint8
    for y, x, c in np.ndindex(*grid.shape):
        row, i = divmod(y // scale, 4)
        column, j = divmod(x // scale, 5)
        number = row * columns + column
        channel = c if channels == 3 else 0
        value = images[number, i, j, channel] if number < count else -1.0
        assert grid[y, x, c] == round((value + 1) * 127.5)


def test_columns_of_8_bits_count_as_any_other():
    images = np.zeros((3, 4, 4, 1))
    assert tile(images, np.uint8(2), np.uint8(100)).shape == tile(images, 2, 100).shape


@pytest.mark.parametrize(
    "shape", [(4, 8, 8), (4, 8, 8, 2), (0, 8, 8, 1), (4, 0, 8, 1), (4, 8, 0, 3)]
)
def test_tile_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="images: expected shape"):
        tile(np.zeros(shape))


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_drawn_as_they_are(channels):
    """All were white, and 0 was grey."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, channels), np.uint8)
    assert np.array_equal(to_uint8(pixels), pixels)
    floats = pixels / 127.5 - 1
    assert np.array_equal(tile(pixels, 3, 2), tile(floats, 3, 2))
    assert tile(pixels, 3)[4:, 8:].max() == 0  # what is missing is black
    assert np.array_equal(
        plot_samples(pixels, 3).axes[0].images[0].get_array(), tile(floats, 3)
    )


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.array([0.0, 255.0]), r"\[0, 255\]; scale pixels by x / 127.5 - 1$"),
        (np.array([0, 255]), r"\[0, 255\]; scale"),
        (np.array([-4.5, 1.0]), r"\[-4.5, 1\]; scale"),
        (np.array([0.0, 1e300]), r"\[0, 1e\+300\]; scale"),
        (np.array([0.0, np.nan]), "NaN or infinity$"),
        (np.array([0.0, -np.inf]), "NaN or infinity$"),
        (np.array([True, False]), "True and False$"),
        (np.array([0.0, 1j]), "complex128$"),
        (np.array([0.0, None]), "object$"),
    ],
)
def test_another_scale_is_refused(images, said):
    said = r"^images: expected floats in \[-1, 1\], or uint8, got " + said
    for drawn in (to_uint8, lambda x: tile(x.reshape(1, 1, -1, 1))):
        with pytest.raises(ValueError, match=said):
            drawn(images)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x: tile(x, scale=0), "scale: expected a whole number >= 1, got 0"),
        (lambda x: tile(x, scale=2.9), "scale: expected a whole number >= 1, got 2.9"),
        (lambda x: tile(x, 0), "columns: expected a whole number >= 1, got 0"),
        (lambda x: plot_samples(x, 1.5), "columns: expected a whole number >= 1, got"),
        (lambda x: plot_samples(x, width=0), "width: expected a number > 0, got 0"),
        (lambda x: show(plot_samples(x), "", 999), "colours: expected 0 to 256, got"),
    ],
)
def test_sizes_of_grids_are_whole_numbers(make, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        make(np.zeros((4, 8, 8, 1)))


def test_png_reads_back_and_replaces_the_old_one(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    path = tmp_path / "grids" / "a.png"
    for wanted in (pixels, 255 - pixels):
        write_png(path, wanted)
        assert np.array_equal(imageio.imread(path), wanted)
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]


def test_pictures_and_films_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(visualization, "write_whole", lambda *x: written.append(x))
    write_png(tmp_path / "a.png", GREY)
    write_gif(tmp_path / "a.gif", [GREY, GREY + 90], 0.3)
    assert not list(tmp_path.iterdir())
    (png, pixels), gif = written
    assert png == tmp_path / "a.png"
    assert np.array_equal(imageio.imread(pixels), GREY)
    assert gif == (tmp_path / "a.gif", gif_bytes([GREY, GREY + 90], 0.3))


def test_gif_reads_back_as_many_colour_frames(tmp_path):
    frames = [np.full((6, 8, 3), 40 * n, np.uint8) for n in range(5)]
    frames[2][:3] = (255, 0, 0)
    write_gif(tmp_path / "a.gif", frames, seconds_per_frame=0.1)
    read = imageio.imread(tmp_path / "a.gif")
    assert read.shape == (5, 6, 8, 3)
    assert np.abs(read.astype(int) - np.stack(frames)).max() <= 8  # 256 colours
    from PIL import Image

    with Image.open(tmp_path / "a.gif") as image:
        durations = []
        for number in range(image.n_frames):
            image.seek(number)
            durations.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert durations == [100, 100, 100, 100, 500]


def durations(content):
    from PIL import Image

    found = []
    with Image.open(io.BytesIO(content)) as image:
        for number in range(image.n_frames):
            image.seek(number)
            found.append(image.info["duration"])
    return found


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0, 20), (0.004, 20), (1 / 60, 20), (0.029, 30), (0.037, 40), (131.07, 131_070)],
)
def test_a_frame_lasts_the_nearest_hundredth_and_two_at_least(seconds, milliseconds):
    frames = [np.full((4, 4, 3), 40 * n, np.uint8) for n in range(3)]
    expected = [milliseconds, milliseconds, 5 * milliseconds]
    assert durations(gif_bytes(frames, seconds)) == expected


def test_a_picture_that_stands_still_for_too_long_is_refused():
    frame = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="^frames: .* alike last 655.35 .*, got 2 of"):
        gif_bytes([frame, frame], 120)
    gif_bytes([frame, frame + 9], 120)


def test_a_gif_of_one_frame_reads_back():
    content = gif_bytes([np.full((6, 8, 3), 7, np.uint8)])
    assert imageio.imread(content, extension=".gif").shape[-3:] == (6, 8, 3)


GREY = np.full((6, 8, 3), 7, np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [GREY[None], np.stack([GREY, GREY]), GREY[..., 0], GREY / 255, GREY[:0]],
    ids=["one frame", "frames", "no colours", "floats", "no rows"],
)
def test_what_is_no_picture_is_not_written(pixels, tmp_path):
    """Two frames made an animation under the name of a picture."""
    with pytest.raises(ValueError, match=r"^pixels: expected uint8 \(H, W, 3\), got"):
        write_png(tmp_path / "a.png", pixels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frames", "options", "said"),
    [
        ([GREY, GREY[:, 1:]], {}, r"frames: .*size, got \(6, 8, 3\), then \(6, 7, 3"),
        ([GREY, np.pad(GREY, [(2, 0), (0, 0), (0, 0)])], {}, "frames: .*one size"),
        ([GREY[..., 0]] * 2, {}, r"frames: expected uint8 .* got uint8 \(6, 8\)"),
        ([GREY / 255] * 2, {}, "frames: expected uint8 .* got float64"),
        ([GREY] * 3, {"count": 2}, "count: expected the number of frames, got 2"),
        ([GREY] * 3, {"count": 1}, "count: expected the number of frames, got 1"),
        ([GREY] * 3, {"count": 4}, "count: expected 3, as many as frames, got 4"),
        ([GREY], {"count": 0}, "count: expected a whole number >= 1, got 0"),
        ([GREY], {"seconds_per_frame": -1}, "seconds_per_frame: expected a number"),
        ([GREY], {"seconds_per_frame": 132.0}, "seconds_per_frame: .*131.07, got 132"),
    ],
)
def test_what_is_no_film_is_refused(frames, options, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        gif_bytes(frames, **options)


def test_frames_without_a_number_are_counted():
    frames = [GREY, GREY + 90, GREY + 180]
    assert gif_bytes(iter(frames)) == gif_bytes(frames, count=3)


def test_frames_whose_number_is_known_are_taken_one_by_one():
    """Pillow compares a frame with the one before, so two are held at once."""
    alive = []

    def made():
        for number in range(8):
            frame = np.full((6, 8, 3), 30 * number, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(one() is not None for one in alive) <= 2

    gif_bytes(made(), count=8)


def test_sample_grid_shows_every_image():
    images = np.linspace(-1, 1, 10 * 9 * 3).reshape(10, 3, 3, 3)
    figure = plot_samples(images, columns=4, title="First ten")
    (axes,) = figure.axes
    assert np.array_equal(axes.images[0].get_array(), tile(images, 4))
    assert axes.get_title() == "First ten"
    assert axes.images[0].get_interpolation() == "nearest"
    assert len(axes.get_xticks()) == len(axes.get_yticks()) == 0


def test_a_grid_is_as_wide_as_asked_and_of_the_shape_of_its_pixels():
    images = np.zeros((6, 4, 8, 1))
    for width, title, height in ((4.5, "", 1.5), (3.0, "", 1.0), (3.0, "Six", 1.35)):
        figure = plot_samples(images, columns=3, title=title, width=width)
        assert figure.get_size_inches() == pytest.approx([width, height])


def test_curves_are_those_of_the_history():
    rows = history()
    losses, accuracies = plot_history(rows, smooth=10).axes
    raw, mean = losses.lines[:2]
    assert np.array_equal(raw.get_xdata(), range(1, 51))
    assert np.array_equal(raw.get_ydata(), [1.0 + n for n in range(1, 51)])
    naive = [np.mean(raw.get_ydata()[max(0, n - 9) : n + 1]) for n in range(50)]
    assert np.allclose(mean.get_ydata(), naive)
    assert [t.get_text() for t in losses.get_legend().get_texts()] == ["D", "G"]
    assert "nats" in losses.get_ylabel() and losses.get_xlabel() == "step"
    labels = {line.get_label(): line for line in accuracies.lines}
    assert set(labels["on reals"].get_ydata()) == {0.75}
    assert set(labels["on fakes"].get_ydata()) == {0.25}
    for axes, level in ((losses, np.log(4)), (accuracies, 0.5)):
        assert any(np.allclose(line.get_ydata(), level) for line in axes.lines)
    assert accuracies.get_title() == "D is right (mean of 10 steps)"
    low, high = accuracies.get_ylim()
    assert low < 0 and high > 1


@pytest.mark.parametrize("value", [0.7, -0.7, 30.0])
def test_no_loss_lies_outside_of_the_picture(value):
    """The minimax loss of G is negative."""
    losses, _ = plot_history(history(generator_loss=value)).axes
    low, high = losses.get_ylim()
    assert low <= min(0, value) and high > value


@pytest.mark.parametrize("name", ["discriminator_loss", "generator_loss"])
def test_a_spike_does_not_squash_the_curves(name):
    rows = [row | {"discriminator_loss": 1.3} for row in history(500)]
    rows[3][name] = 80.0
    losses, _ = plot_history(rows).axes
    low, high = losses.get_ylim()
    assert low == 0 and 1.3 < high < 5
    assert any("up to 80.0" in text.get_text() for text in losses.texts)


def test_nothing_is_said_where_nothing_is_left_out():
    losses, accuracies = plot_history(history()).axes
    assert accuracies.get_title() == "D is right (mean of 25 steps)"
    assert [text.get_text() for text in losses.texts] == ["2 log 2"]
    assert losses.get_ylim()[1] > max(row["discriminator_loss"] for row in history())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_step_is_left_out_of_the_mean(bad):
    """After one NaN the rest of the curve was missing."""
    rows = history(30)
    rows[9] |= {"discriminator_loss": bad, "real_accuracy": bad}
    losses, accuracies = plot_history(rows, smooth=5).axes
    raw, mean = (line.get_ydata() for line in losses.lines[:2])
    for n in range(30):
        window = raw[max(0, n - 4) : n + 1]
        assert mean[n] == pytest.approx(window[np.isfinite(window)].mean())
    assert set(accuracies.lines[0].get_ydata()) == {0.75}
    assert losses.get_ylim()[1] > 31
    alone = plot_history([row | {"fake_accuracy": bad} for row in rows], 3).axes[1]
    assert np.isnan(alone.lines[1].get_ydata()).all()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "got none$"),
        (keras.callbacks.History(), "got History; Keras's holds one number an epoch$"),
        ([{"step": 1}], "with step, discriminator_loss, .*; got {'step': 1} first$"),
        ({"step": [1, 2]}, "with step, .*; got 'step' first$"),
        ([1.0, 2.0], "with step, .*; got 1.0 first$"),
    ],
    ids=["none", "Keras's", "a column", "columns", "numbers"],
)
def test_what_is_no_history_is_refused(rows, said):
    with pytest.raises(ValueError, match=f"^history: expected a list with a .*{said}"):
        plot_history(rows)


def test_a_huge_step_leaves_the_mean_with_its_window():
    rows = history(200)
    rows[20]["discriminator_loss"] = 1e18
    drawn = plot_history(rows, smooth=25).axes[0].lines[1].get_ydata()
    plain = plot_history(history(200), smooth=25).axes[0].lines[1].get_ydata()
    assert drawn[20] > 1e16
    away = np.r_[:20, 45:200]
    np.testing.assert_allclose(drawn[away], plain[away], rtol=1e-12)


@pytest.mark.parametrize("smooth", [0, 2.5, -1])
def test_the_mean_is_of_some_steps(smooth):
    with pytest.raises(ValueError, match="^smooth: expected a whole number >= 1"):
        plot_history(history(3), smooth)


def test_history_of_one_step_can_be_drawn():
    plot_history(history(1)).canvas.draw()


def test_one_colour_for_one_thing():
    assert len(set(COLOURS.values())) == len(COLOURS)
    losses, accuracies = plot_history(history()).axes
    assert losses.lines[0].get_color() == COLOURS["discriminator"]
    assert losses.lines[2].get_color() == losses.lines[3].get_color() == COLOURS["fake"]
    assert [line.get_color() for line in accuracies.lines[:2]] == [
        COLOURS["real"],
        COLOURS["fake"],
    ]
    assert {to_rgb(c) for c in visualization.CYCLE} >= {
        to_rgb(COLOURS[name]) for name in ("real", "fake", "discriminator")
    }


def test_style_is_set_only_when_asked():
    with matplotlib.rc_context():  # whatever a notebook's setup cell has set before
        matplotlib.rcdefaults()
        importlib.reload(visualization)
        assert matplotlib.rcParams["axes.spines.top"]
        use_style()
        assert not matplotlib.rcParams["axes.spines.top"]


@pytest.fixture
def displayed(monkeypatch):
    """What was displayed, as (bundle, metadata); IPython 7 knows no other way."""
    found = []

    def display(bundle, metadata, raw):
        assert raw
        found.append((bundle, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return found


@pytest.mark.parametrize("colours", [0, 8])
def test_show_displays_once_with_alternative_text_and_closes(displayed, colours):
    ramp = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 8, 8, 1)
    show(plot_samples(ramp), "A ramp of greys.", colours)
    ((bundle, metadata),) = displayed
    assert metadata == {"image/png": {"alt": "A ramp of greys."}}
    assert bundle["text/plain"].startswith("<Figure size")
    picture = imageio.imread(base64.b64decode(bundle["image/png"]))
    count = len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0))
    assert count <= colours if colours else count > 60
    assert plt.get_fignums() == []


def test_a_picture_has_128_colours_if_nothing_else_is_said(displayed):
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for options, low, high in (((), 90, 128), ((256,), 200, 256)):
        show(plot_samples(ramp), "A ramp of greys.", *options)
        bundle, _ = displayed.pop()
        picture = imageio.imread(base64.b64decode(bundle["image/png"]))
        assert low < len(np.unique(picture.reshape(-1, 3), axis=0)) <= high


def test_a_film_is_shown_with_its_words_and_its_width(displayed):
    frames = []
    for grey in (0.0, 0.5, 1.0):
        figure, axis = plt.subplots(figsize=(2, 1))
        axis.set_facecolor(str(grey))
        frames.append(figure_pixels(figure))
    show_film(frames, "A square gets brighter.", 0.1, width=500)
    ((bundle, metadata),) = displayed
    assert metadata == {"image/gif": {"alt": "A square gets brighter.", "width": 500}}
    assert bundle["text/plain"] == "<3 frames>"
    read = imageio.imread(base64.b64decode(bundle["image/gif"]), index=None)
    assert read.shape[:3] == (3, *frames[0].shape[:2])
    assert plt.get_fignums() == []
    assert durations(base64.b64decode(bundle["image/gif"])) == [100, 100, 500]


def test_a_figure_that_is_kept_is_drawn_on_for_the_next_frame():
    figure, axis = plt.subplots(figsize=(1, 1))
    frames = []
    for grey in ("0.0", "1.0"):
        axis.set_facecolor(grey)
        frames.append(figure_pixels(figure, close=False))
    assert plt.get_fignums() == [figure.number]
    assert frames[0].min() == 0 < frames[1][50, 50].min()
    assert (frames[0] != frames[1]).any()
