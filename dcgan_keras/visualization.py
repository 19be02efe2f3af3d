"""Pictures for the course: arrays in, a matplotlib Figure or a file out."""

import base64
import io
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dcgan_keras.files import write_whole
from dcgan_keras.sizes import (
    check_above_zero,
    check_not_negative,
    check_positive,
    is_int,
)

# Okabe and Ito's colour-blind palette; one colour for one thing in the whole course.
COLOURS = {
    "real": "#0072B2",  # blue: data, p_data
    "fake": "#D55E00",  # vermilion: generated, p_G, the generator
    "discriminator": "#009E73",  # green: D and what it says
    "accent": "#CC79A7",
    "highlight": "#E69F00",
    "neutral": "#666666",
}
CYCLE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666"]
FARTHEST = 4.0  # beyond lie images of another scale; up to it, what is drawn white
LONGEST = 65_535  # hundredths of a second, of a GIF's frame
LOSSES = ("discriminator_loss", "generator_loss")


def use_style() -> None:
    """Set the course's matplotlib style: call it once at the top of a notebook."""
    matplotlib.rcParams.update(
        {
            "axes.prop_cycle": matplotlib.cycler(color=CYCLE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.figsize": (7.0, 3.2),
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 11,
            "image.cmap": "gray",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def show(figure: Figure, alt: str, colours: int = 128) -> None:
    """Display a figure in a notebook with alternative text, and close it.

    Args:
        figure: the matplotlib Figure.
        alt: one sentence for who cannot see the picture: what it shows.
        colours: of the stored picture, up to 256; few make a notebook small, 0 keeps
            all.

    Raises:
        ValueError: another number of colours.
    """
    import matplotlib.pyplot as plt
    from PIL import Image

    if not (is_int(colours) and 0 <= colours <= 256):
        raise ValueError(f"colours: expected 0 to 256, got {colours!r}")
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight")
    plt.close(figure)
    with Image.open(drawn) as picture:
        picture = picture.convert("RGB")
        if colours:
            picture = picture.quantize(colours, dither=Image.Dither.NONE)
    picture.save(stored, "PNG", optimize=True)
    _display("image/png", stored.getvalue(), {"alt": alt}, repr(figure))


def show_film(
    frames: Sequence[np.ndarray],
    alt: str,
    seconds_per_frame: float = 0.2,
    width: int = 480,
) -> None:
    """Display an animation in a notebook with alternative text.

    Args:
        frames: uint8 RGB (H, W, 3) each, see ``figure_pixels``.
        alt: one sentence for who cannot see it.
        seconds_per_frame: how long each is shown.
        width: on the page, in pixels.

    Raises:
        ValueError: what ``gif_bytes`` refuses, or a width that is no whole number >= 1.
    """
    check_positive(width=width)
    content = gif_bytes(frames, seconds_per_frame)
    _display(
        "image/gif", content, {"alt": alt, "width": width}, f"<{len(frames)} frames>"
    )


def figure_pixels(figure: Figure, close: bool = True) -> np.ndarray:
    """A figure as a frame of a film: uint8 RGB (H, W, 3).

    Args:
        figure: the matplotlib Figure.
        close: whether it is done with; False to draw the next frame on it.
    """
    import matplotlib.pyplot as plt

    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    if close:
        plt.close(figure)
    return pixels


def _display(kind: str, content: bytes, metadata: dict, said: str) -> None:
    """What every IPython can show, Colab's old one too."""
    from IPython.display import display

    bundle = {kind: base64.b64encode(content).decode(), "text/plain": said}
    display(bundle, metadata={kind: metadata}, raw=True)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Pixels for a file.

    Args:
        images: float in [-1, 1], any shape; a little beyond, up to -4 and 4, is cut
            off. Pixels that are uint8 already stay as they are.

    Returns:
        uint8 of the same shape: -1 becomes 0, 1 becomes 255.

    Raises:
        ValueError: another scale, NaN, infinity, or what are no real numbers.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    expected = "images: expected floats in [-1, 1], or uint8"
    if images.dtype == bool:
        raise ValueError(f"{expected}, got True and False")
    if images.dtype.kind not in "iuf" and images.dtype.name != "bfloat16":
        raise ValueError(f"{expected}, got {images.dtype}")
    if images.size:
        low, high = float(images.min()), float(images.max())  # NaN if there is one
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(f"{expected}, got NaN or infinity")
        if low < -FARTHEST or high > FARTHEST:
            raise ValueError(
                f"{expected}, got [{low:.4g}, {high:.4g}]; scale pixels by "
                "x / 127.5 - 1"
            )
    pixels = np.rint((images.astype(np.float32) + 1) * 127.5)
    return pixels.clip(0, 255).astype(np.uint8)


def tile(images: np.ndarray, columns: int = 8, scale: int = 1) -> np.ndarray:
    """Lay images side by side, in their order, row by row.

    Args:
        images: float (N, H, W, C) in [-1, 1], or uint8, C = 1 or 3: see ``to_uint8``.
        columns: images a row, >= 1; what is missing in the last row is black.
        scale: each pixel becomes scale x scale pixels, >= 1.

    Returns:
        uint8 RGB (rows * H * scale, columns * W * scale, 3).

    Raises:
        ValueError: another shape or scale, or a number that is no whole one >= 1.
    """
    check_positive(columns=columns, scale=scale)
    columns, scale = int(columns), int(scale)
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or 0 in images.shape:
        raise ValueError(
            f"images: expected shape (N, H, W, 1) or (N, H, W, 3), got {images.shape}"
        )
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, channels), np.uint8)
    grid[:count] = to_uint8(images)
    grid = grid.reshape(rows, columns, *images.shape[1:]).swapaxes(1, 2)
    grid = grid.reshape(rows * height, columns * width, channels)
    pixels = np.broadcast_to(grid, (*grid.shape[:2], 3))
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def plot_samples(
    images: np.ndarray, columns: int = 8, title: str = "", width: float = 4.5
) -> Figure:
    """A grid of images as a figure.

    Args:
        images: float (N, H, W, C) in [-1, 1], or uint8: the first N of a fixed noise.
        columns: images a row.
        title: what to see.
        width: of the figure, inches.

    Raises:
        ValueError: what ``tile`` refuses, or a width that is no number > 0.
    """
    import matplotlib.pyplot as plt

    check_above_zero(width=width)
    grid = tile(images, columns)
    height = width * grid.shape[0] / grid.shape[1] + (0.35 if title else 0)
    figure, axes = plt.subplots(figsize=(width, height))
    axes.imshow(grid, interpolation="nearest")
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure


def plot_history(history: Sequence[dict], smooth: int = 25) -> Figure:
    """Both losses, and D's accuracy on reals and on fakes, over the steps.

    A few spikes may leave the picture of the losses, where they would make the rest
    illegible; the picture then says how far they go. Steps whose number is NaN or
    infinite are left out of the running mean.

    Args:
        history: one dict a step with step, discriminator_loss, generator_loss (nats
            per image), real_accuracy, fake_accuracy (0 to 1), as in the ``rows`` of
            ``training.callbacks.History``; see ``runs.COLUMNS``.
        smooth: steps of the running mean drawn over the single steps, >= 1.

    Raises:
        ValueError: no such dicts. Keras's own History, which ``fit`` returns, holds
            one number an epoch.
    """
    import matplotlib.pyplot as plt

    check_positive(smooth=smooth)
    columns = _columns(history)
    steps = columns["step"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.0))
    for axes, name, label, colour in (
        (left, "discriminator_loss", "D", COLOURS["discriminator"]),
        (left, "generator_loss", "G", COLOURS["fake"]),
        (right, "real_accuracy", "on reals", COLOURS["real"]),
        (right, "fake_accuracy", "on fakes", COLOURS["fake"]),
    ):
        values = columns[name]
        if axes is left:  # single batches make the accuracies illegible
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        axes.plot(steps, _running_mean(values, smooth), color=colour, label=label)
    equilibrium = 2 * np.log(2)
    left.axhline(equilibrium, color=COLOURS["neutral"], linestyle=":", linewidth=1)
    left.annotate(
        "2 log 2",
        (1.01, equilibrium),
        xycoords=("axes fraction", "data"),
        va="center",
        color=COLOURS["neutral"],
        fontsize=8,
    )
    left.set(xlabel="step", ylabel="loss (nats)", title="Losses of each step")
    _limit_losses(left, np.concatenate([columns[name] for name in LOSSES]))
    right.axhline(0.5, color=COLOURS["neutral"], linestyle=":", linewidth=1)
    right.set(
        xlabel="step",
        ylabel="D's accuracy",
        title=f"D is right (mean of {smooth} steps)",
    )
    right.set_ylim(-0.02, 1.02)
    left.legend(loc="upper right", ncols=2)
    right.legend(loc="lower right")
    return figure


def _columns(history: Sequence[dict]) -> dict[str, np.ndarray]:
    """The numbers of all steps by their names, of which there are five."""
    names = ("step", *LOSSES, "real_accuracy", "fake_accuracy")
    expected = "history: expected a list with a dict for each step"
    if not np.iterable(history):
        kind = type(history).__name__
        raise ValueError(f"{expected}, got {kind}; Keras's holds one number an epoch")
    rows = list(history)
    if not rows:
        raise ValueError(f"{expected}, got none")
    try:
        return {name: np.array([row[name] for row in rows]) for name in names}
    except (IndexError, KeyError, TypeError):
        raise ValueError(
            f"{expected}, with {', '.join(names)}; got {rows[0]!r} first"
        ) from None


def _limit_losses(axes, values: np.ndarray) -> None:
    """From 0, or G's minimax loss below it, to what 99 % of the steps stay under."""
    values = values[np.isfinite(values)]
    if not len(values):
        return
    axes.set_ylim(bottom=min(0.0, 1.05 * values.min()))
    usual, highest = np.percentile(values, 99), values.max()
    if 0 < 2 * usual < highest:
        axes.set_ylim(top=1.6 * usual)
        note = f"single steps go up to {highest:.1f}"
        axes.text(0.02, 0.97, note, transform=axes.transAxes, va="top", fontsize=8)


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels (H, W, 3) as a PNG file, whole or not at all.

    Raises:
        ValueError: other pixels.
    """
    import imageio.v3 as imageio

    pixels = _checked_pixels("pixels", pixels)
    write_whole(Path(path), imageio.imwrite("<bytes>", pixels, extension=".png"))


def gif_bytes(
    frames: Iterable[np.ndarray],
    seconds_per_frame: float = 0.2,
    count: int | None = None,
) -> bytes:
    """An animation, endless.

    Args:
        frames: uint8 RGB (H, W, 3) each, of one size. They are taken one by one, so
            they may be made when they are needed.
        seconds_per_frame: how long each is shown, >= 0, to the nearest hundredth and at
            least two of them, as viewers slow down what is faster; the last one five
            times as long, which a GIF has room for up to 131.07.
        count: how many there are, at least 1; None: they are all made first.

    Returns:
        The bytes of a GIF file.

    Raises:
        ValueError: there is no frame, one is of another size or type, or there are
            more or fewer than said; another number of seconds; or a picture that does
            not change for longer than a GIF can say.
    """
    check_not_negative(seconds_per_frame=seconds_per_frame)
    if seconds_per_frame > LONGEST / 500:
        raise ValueError(
            f"seconds_per_frame: expected 0 to {LONGEST / 500}, got {seconds_per_frame}"
        )
    milliseconds = 10 * max(2, round(100 * seconds_per_frame))
    if count is None:
        frames = list(frames)
        count = len(frames) or 1
    check_positive(count=count)
    pictures = _pictures(frames, count)
    first = next(pictures)
    buffer, durations = io.BytesIO(), [milliseconds] * (count - 1) + [5 * milliseconds]
    rest = {"save_all": True, "append_images": pictures} if count > 1 else {}
    duration = durations if rest else durations[0]
    try:
        first.save(buffer, "GIF", duration=duration, loop=0, **rest)
    except (OverflowError, struct.error):  # Pillow makes one of frames that are alike
        raise ValueError(
            "frames: expected that those that are alike last 655.35 seconds at most, "
            f"got {count} of {seconds_per_frame} seconds"
        ) from None
    next(pictures, None)  # there is none left, or it says so
    return buffer.getvalue()


def _pictures(frames: Iterable[np.ndarray], count: int):
    """The frames as Pillow takes them, each looked at when it comes."""
    from PIL import Image

    shape, number = None, 0
    for number, frame in enumerate(frames, start=1):
        frame = _checked_pixels("frames", frame)
        shape = shape or frame.shape
        if frame.shape != shape:
            raise ValueError(
                f"frames: expected all of one size, got {shape}, then {frame.shape}"
            )
        if number > count:
            raise ValueError(f"count: expected the number of frames, got {count}")
        yield Image.fromarray(frame)
    if number == 0:
        raise ValueError("frames: expected at least one, got none")
    if number < count:
        raise ValueError(f"count: expected {number}, as many as frames, got {count}")


def _checked_pixels(name: str, pixels) -> np.ndarray:
    pixels = np.asarray(pixels)
    is_image = pixels.ndim == 3 and pixels.shape[-1] == 3 and 0 not in pixels.shape
    if not is_image or pixels.dtype != np.uint8:
        raise ValueError(
            f"{name}: expected uint8 (H, W, 3), got {pixels.dtype} {pixels.shape}"
        )
    return pixels


def write_gif(
    path: str | Path, frames: Sequence[np.ndarray], seconds_per_frame: float = 0.2
) -> None:
    """Write ``gif_bytes`` to a file, whole or not at all."""
    write_whole(Path(path), gif_bytes(frames, seconds_per_frame))


def _running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` values at each place; fewer at the start.

    Of those that are finite; NaN where none of them is.
    """
    values = values.astype(float)
    is_finite, window = np.isfinite(values), min(window, len(values))

    def sums(numbers):
        # Each window by itself: as differences of running sums, those after a spike
        # would be lost in it.
        padded = np.concatenate([np.zeros(window - 1), numbers])
        return np.lib.stride_tricks.sliding_window_view(padded, window).sum(axis=1)

    counts = sums(is_finite)
    totals = sums(np.where(is_finite, values, 0.0))
    means = np.full(len(values), np.nan)
    return np.divide(totals, counts, out=means, where=counts > 0)
