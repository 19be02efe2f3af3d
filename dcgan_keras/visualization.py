"""Pictures for the course: arrays in, a matplotlib Figure or a file out."""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from dcgan_keras.files import write_whole

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
        colours: of the stored picture; few make a notebook small, 0 keeps all.
    """
    import matplotlib.pyplot as plt
    from PIL import Image

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
    """
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
        images: float in [-1, 1], any shape.

    Returns:
        uint8 of the same shape: -1 becomes 0, 1 becomes 255.
    """
    pixels = np.rint((np.asarray(images, np.float32) + 1) * 127.5)
    return pixels.clip(0, 255).astype(np.uint8)


def tile(images: np.ndarray, columns: int = 8, scale: int = 1) -> np.ndarray:
    """Lay images side by side, in their order, row by row.

    Args:
        images: float (N, H, W, C) in [-1, 1], C = 1 or 3.
        columns: images a row, >= 1; what is missing in the last row is black.
        scale: each pixel becomes scale x scale pixels.

    Returns:
        uint8 RGB (rows * H * scale, columns * W * scale, 3).

    Raises:
        ValueError: another shape.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            f"images: expected shape (N, H, W, 1) or (N, H, W, 3), got {images.shape}"
        )
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    missing = np.full((rows * columns - count, height, width, channels), -1.0)
    grid = np.concatenate([images, missing]).reshape(rows, columns, *images.shape[1:])
    grid = grid.swapaxes(1, 2).reshape(rows * height, columns * width, channels)
    pixels = np.broadcast_to(to_uint8(grid), (*grid.shape[:2], 3))
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def plot_samples(
    images: np.ndarray, columns: int = 8, title: str = "", width: float = 4.5
) -> Figure:
    """A grid of images as a figure.

    Args:
        images: float (N, H, W, C) in [-1, 1]: the first N of a fixed noise.
        columns: images a row.
        title: what to see.
        width: of the figure, inches.
    """
    import matplotlib.pyplot as plt

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
    illegible; the picture then says how far they go.

    Args:
        history: one dict a step with step, discriminator_loss, generator_loss (nats
            per image), real_accuracy, fake_accuracy (0 to 1); see ``runs.COLUMNS``.
        smooth: steps of the running mean drawn over the single steps.
    """
    import matplotlib.pyplot as plt

    steps = np.array([row["step"] for row in history])
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.0))
    for axes, name, label, colour in (
        (left, "discriminator_loss", "D", COLOURS["discriminator"]),
        (left, "generator_loss", "G", COLOURS["fake"]),
        (right, "real_accuracy", "on reals", COLOURS["real"]),
        (right, "fake_accuracy", "on fakes", COLOURS["fake"]),
    ):
        values = np.array([row[name] for row in history])
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
    _limit_losses(left, history)
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


def _limit_losses(axes, history: Sequence[dict]) -> None:
    """From 0, or G's minimax loss below it, to what 99 % of the steps stay under."""
    names = ("discriminator_loss", "generator_loss")
    values = np.array([[row[name] for name in names] for row in history])
    axes.set_ylim(bottom=min(0.0, 1.05 * values.min()))
    usual, highest = np.percentile(values, 99), values.max()
    if 0 < 2 * usual < highest:
        axes.set_ylim(top=1.6 * usual)
        note = f"single steps go up to {highest:.1f}"
        axes.text(0.02, 0.97, note, transform=axes.transAxes, va="top", fontsize=8)


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write uint8 pixels (H, W, 3) as a PNG file, whole or not at all."""
    import imageio.v3 as imageio

    write_whole(Path(path), imageio.imwrite("<bytes>", pixels, extension=".png"))


def gif_bytes(
    frames: Iterable[np.ndarray],
    seconds_per_frame: float = 0.2,
    count: int | None = None,
) -> bytes:
    """An animation, endless.

    Args:
        frames: uint8 RGB (H, W, 3) each; grey frames cannot all be read back. They are
            taken one by one, so they may be made when they are needed.
        seconds_per_frame: how long each is shown; the last one five times as long.
        count: how many there are, at least 1; None: ``len(frames)``.

    Returns:
        The bytes of a GIF file.

    Raises:
        ValueError: there is no frame.
    """
    from PIL import Image

    count = len(frames) if count is None else count
    pictures = map(Image.fromarray, frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("frames: expected at least one, got none")
    buffer, milliseconds = io.BytesIO(), [1000 * seconds_per_frame] * count
    milliseconds[-1] *= 5
    rest = {"save_all": True, "append_images": pictures} if count > 1 else {}
    duration = milliseconds if rest else milliseconds[0]
    first.save(buffer, "GIF", duration=duration, loop=0, **rest)
    return buffer.getvalue()


def write_gif(
    path: str | Path, frames: Sequence[np.ndarray], seconds_per_frame: float = 0.2
) -> None:
    """Write ``gif_bytes`` to a file, whole or not at all."""
    write_whole(Path(path), gif_bytes(frames, seconds_per_frame))


def _running_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` values at each place; fewer at the start."""
    sums = np.cumsum(np.insert(values.astype(float), 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
