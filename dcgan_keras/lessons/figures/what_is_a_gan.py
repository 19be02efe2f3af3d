"""The figures of notebook 01, how a network draws a new 7: arrays in, pictures out.

A *moment* of a game is a tuple (step, samples, answers): G's samples for a fixed noise
and D's probabilities of "real" on a fixed grid, after so many steps.
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from scipy import stats

from dcgan_keras.visualization import COLOURS, figure_pixels

BINS = np.linspace(-4, 4, 81)  # of p_G's histogram, in the unit of the data
MIDDLES = (BINS[:-1] + BINS[1:]) / 2


def draw_rows(rows: Mapping[str, np.ndarray], title: str, count: int = 8) -> Figure:
    """The first ``count`` pictures of each set in a row of its own.

    Args:
        rows: name of the row -> pictures, float (N, H, W, 1) in [-1, 1].
        title: of the figure.
        count: pictures in a row, always the first ones.
    """
    size = (0.72 * count + 1.3, 0.74 * len(rows) + 0.4)
    figure, grid = plt.subplots(len(rows), count, figsize=size, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axis, image in zip(axes, images[:count], strict=True):
            axis.imshow(image[..., 0], vmin=-1, vmax=1)
            axis.set(xticks=[], yticks=[])
    figure.suptitle(title, fontsize=11)
    return figure


def draw_pushforward(
    function: Callable[[np.ndarray], np.ndarray],
    samples: np.ndarray,
    x_range: tuple[float, float],
    name: str,
    titles: tuple[str, str],
    p_data: np.ndarray | None = None,
) -> Figure:
    """Ten equally probable slices of z ~ N(0, 1), carried over; and the histogram.

    Args:
        function: from z (N,) to x (N,).
        samples: function(z) for many z, shape (N,).
        x_range: limits of x in both panels.
        name: of the function, on its axis.
        titles: of the left and the right panel.
        p_data: a density on ``MIDDLES`` to draw behind the histogram.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.0, 3.4), sharey=True, width_ratios=(3, 2)
    )
    z = np.linspace(-3, 3, 400)
    cuts = np.concatenate([[-3], stats.norm.ppf(np.linspace(0.1, 0.9, 9)), [3]])
    for index, (start, end) in enumerate(zip(cuts[:-1], cuts[1:], strict=True)):
        inside = np.linspace(start, end, 30)
        colour = COLOURS["fake"] if index % 2 else COLOURS["highlight"]
        left.fill_between(
            inside, x_range[0], function(inside), color=colour, alpha=0.25, linewidth=0
        )
        low, high = sorted((function(inside).min(), function(inside).max()))
        left.axhspan(low, high, 0, 0.03, color=colour, linewidth=0)
    left.plot(z, function(z), color=COLOURS["neutral"])
    left.set(xlabel="noise z", ylabel=f"x = {name}", xlim=(-3, 3), ylim=x_range)
    left.set_title(titles[0])
    bins = np.linspace(*x_range, 81)
    heights = np.full(len(samples), 1 / len(samples) / (bins[1] - bins[0]))
    style = dict(color=COLOURS["fake"], orientation="horizontal", histtype="step")
    label = f"{len(samples):,} samples"
    right.hist(samples, bins, weights=heights, linewidth=1.4, label=label, **style)
    if p_data is not None:
        right.fill_betweenx(
            MIDDLES,
            p_data,
            color=COLOURS["real"],
            alpha=0.3,
            linewidth=0,
            label=r"$p_\mathrm{data}$",
        )
    right.set(xlabel="density (per unit of x)", title=titles[1])
    right.set_xlim(left=0)
    right.legend(loc="upper right")
    return figure


def draw_schematic(real: np.ndarray, fake: np.ndarray, noise: np.ndarray) -> Figure:
    """The two networks, what each sees and what each returns.

    Args:
        real, fake: one picture each, (H, W, 1) in [-1, 1].
        noise: a few numbers of z, shape (n,).
    """
    figure, axis = plt.subplots(figsize=(8.4, 4.3))
    axis.set(xlim=(0, 12.3), ylim=(-0.8, 5.5), aspect="equal")
    axis.axis("off")
    blue, red, green = (COLOURS[key] for key in ("real", "fake", "discriminator"))

    for index, value in enumerate(noise):
        axis.text(0.75, 2.35 - 0.36 * index, f"{value:+.1f}", ha="center", fontsize=9)
    axis.text(0.75, 2.85, "noise z", ha="center")
    _box(axis, (2.0, 0.9), (1.9, 1.6), red, "G", "the forger")
    _picture(axis, fake, (4.9, 0.8), red, "G(z): a fake", below=True)
    _picture(axis, real, (4.9, 3.2), blue, "x: a real 7", below=False)
    _box(axis, (8.0, 2.0), (1.9, 1.6), green, "D", "the police")
    axis.text(11.2, 2.95, "one number:", ha="center")
    axis.text(11.2, 2.5, "probability", ha="center")
    axis.text(11.2, 2.1, "of “real”", ha="center")

    dark = COLOURS["neutral"]
    for start, end in [
        ((1.2, 1.7), (1.95, 1.7)),
        ((3.95, 1.7), (4.85, 1.7)),
        ((6.75, 1.8), (7.95, 2.5)),
        ((6.75, 3.9), (7.95, 3.1)),
        ((9.95, 2.8), (10.35, 2.8)),
    ]:
        _arrow(axis, start, end, dark)
    axis.plot(
        [8.95, 8.95, 2.95, 2.95], [1.95, -0.2, -0.2, 0.3], "--", color=red, lw=1.6
    )
    _arrow(axis, (2.95, 0.3), (2.95, 0.85), red)
    axis.text(5.95, -0.65, "what would look more real?", color=red, ha="center")
    axis.set_title("G never sees a real 7: all it gets is the dashed arrow from D")
    return figure


def draw_hand_step(
    real: np.ndarray,
    fake: np.ndarray,
    probability: Callable[[np.ndarray], np.ndarray],
    arrows: np.ndarray,
) -> Figure:
    """One step of the game: D's answers, and the arrow that each fake receives.

    Args:
        real, fake: points, (n,) each.
        probability: D, from points to probabilities of "real".
        arrows: minus the slope of each fake's loss, (n,).
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    x = np.linspace(-2.2, 2.6, 200)
    axis.plot(x, probability(x), color=COLOURS["discriminator"], label="D(x)")
    for points, mark, size, name in ((real, "o", 12, "real"), (fake, "s", 6, "fake")):
        axis.plot(
            points,
            probability(points),
            mark,
            markersize=size,
            color=COLOURS[name],
            label=name,
        )
    for place, (point, arrow) in enumerate(zip(fake, arrows, strict=True)):
        height = -0.12 - 0.11 * place
        axis.plot([point, point], [height, probability(point)], ":", color="0.7", lw=1)
        _arrow(axis, (point, height), (point + arrow, height), COLOURS["fake"], lw=2)
        axis.text(point + arrow + 0.05, height, f"{arrow:+.2f}", va="center")
    axis.set(xlim=(-2.2, 2.6), ylim=(-0.55, 1.05), xlabel="x (unit of the data)")
    axis.set(yticks=[0, 0.5, 1], ylabel="D(x), probability of “real”")
    axis.set_title("The less a fake convinces D, the longer its arrow")
    axis.legend(loc="upper left")
    return figure


def draw_world(axis: Axes, moment: tuple, p_data: np.ndarray) -> None:
    """p_data, p_G (a histogram of the samples) and D on common axes.

    Args:
        axis: where to draw.
        moment: (step, samples (N,), D's answers on ``MIDDLES``).
        p_data: density on ``MIDDLES``.
    """
    step, samples, answers = moment
    axis.fill_between(
        MIDDLES,
        p_data,
        color=COLOURS["real"],
        alpha=0.3,
        linewidth=0,
        label=r"$p_\mathrm{data}$ (real)",
    )
    style = dict(color=COLOURS["fake"], linewidth=1.4, label="$p_G$ (generated)")
    axis.stairs(histogram_density(samples), BINS, **style)
    axis.plot(MIDDLES, answers, color=COLOURS["discriminator"], label="D(x)")
    axis.axhline(0.5, color=COLOURS["neutral"], linewidth=0.8, linestyle=":")
    axis.set(xlim=(-4, 4), ylim=(0, 1.05), xlabel="x (unit of the data)")
    axis.set(ylabel="density, or D(x)", title=f"after {step:,} steps")


def histogram_density(samples: np.ndarray) -> np.ndarray:
    """The share of the samples in each bin of ``BINS``, per unit of x."""
    counts, _ = np.histogram(samples, BINS)
    return counts / len(samples) / np.diff(BINS)


def draw_worlds(moments: Sequence[tuple], p_data: np.ndarray) -> Figure:
    """Four moments of a one-dimensional game with the same axes."""
    figure, axes = plt.subplots(2, 2, figsize=(8.0, 5.2), sharex=True, sharey=True)
    for axis, moment in zip(axes.flat, moments, strict=True):
        draw_world(axis, moment, p_data)
        axis.label_outer()
    _legend_below(figure, axes[0, 0])
    figure.suptitle("Fakes move to where D (green) is high, until D is flat")
    return figure


def world_frames(moments: Sequence[tuple], p_data: np.ndarray) -> list[np.ndarray]:
    """``draw_world`` for each moment as a uint8 RGB frame (320, 520, 3)."""
    figure, axis = plt.subplots(figsize=(5.2, 3.2))
    frames = []
    for moment in moments:
        axis.clear()
        draw_world(axis, moment, p_data)
        if not frames:
            _legend_below(figure, axis)
        frames.append(figure_pixels(figure, close=False))
        figure.set_layout_engine("none")  # the first frame's layout holds for all
    plt.close(figure)
    return few_colours(frames)


def draw_verdicts(
    rows: Mapping[str, Sequence[tuple]], p_data: np.ndarray, title: str
) -> Figure:
    """D beside the best answer p_data / (p_data + p_G), one row of panels a name.

    Args:
        rows: name of the row -> panels (title, samples, D's answers, best answers,
            the share of all points in each bin: where it is tiny, nothing is drawn).
        p_data: density on ``MIDDLES``.
        title: of the figure.
    """
    columns = max(map(len, rows.values()))
    figure, axes = plt.subplots(
        len(rows),
        columns,
        figsize=(9.6, 2.25 * len(rows) + 0.7),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for line, (name, panels) in zip(axes, rows.items(), strict=True):
        for axis, panel in zip(line, panels, strict=True):
            label, samples, answers, best, share = panel
            draw_world(axis, (0, samples, answers), p_data)
            best = np.where(share > 5e-4, best, np.nan)
            style = dict(color="black", linewidth=1.1, linestyle="--")
            axis.plot(MIDDLES, best, label="best answer D*", **style)
            axis.set(title=label, xlabel="x", ylabel=name, xticks=[-2, 0, 2])
            axis.label_outer()
    _legend_below(figure, axes[0, 0])
    figure.suptitle(title)
    return figure


def draw_plane(axis: Axes, moment: tuple, side: np.ndarray, ink: np.ndarray):
    """D's surface, some real points and G's samples above it; returns the surface.

    Args:
        axis: where to draw.
        moment: (step, samples (N, 2), D's answers on the square grid of ``side``).
        side: coordinates (S,) of the grid's rows and columns.
        ink: real points (M, 2).
    """
    step, samples, answers = moment
    surface = answers.reshape(len(side), len(side))
    levels = np.linspace(0, 1, 11)
    filled = axis.contourf(side, side, surface, levels=levels, cmap="Greens")
    style = dict(linestyle="none", marker=".")
    axis.plot(*ink.T, color=COLOURS["real"], markersize=3, label="real", **style)
    axis.plot(
        *samples[:400].T,
        color=COLOURS["fake"],
        markersize=4,
        label="generated",
        **style,
    )
    axis.set(xlim=side[[0, -1]], ylim=side[[0, -1]], aspect="equal")
    axis.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], title=f"after {step:,} steps")
    axis.set(xlabel="first coordinate", ylabel="second coordinate")
    return filled


def draw_planes(moments: Sequence[tuple], side: np.ndarray, ink: np.ndarray) -> Figure:
    """Four moments of the game in the plane, side by side."""
    figure, axes = plt.subplots(1, 4, figsize=(9.8, 3.3), sharey=True)
    for axis, moment in zip(axes, moments, strict=True):
        filled = draw_plane(axis, moment, side, ink)
        axis.label_outer()
    figure.colorbar(filled, ax=axes, label="D(x)", ticks=[0, 0.5, 1], shrink=0.75)
    _legend_below(figure, axes[0], markerscale=3)
    figure.suptitle("The generated points find the 8, and D says about 1/2 along it")
    return figure


def plane_frames(
    moments: Sequence[tuple], side: np.ndarray, ink: np.ndarray
) -> list[np.ndarray]:
    """``draw_plane`` for each moment as a uint8 RGB frame (400, 500, 3)."""
    figure, axis = plt.subplots(figsize=(5.0, 4.0))
    frames, bar = [], None
    for moment in moments:
        axis.clear()
        filled = draw_plane(axis, moment, side, ink)
        if bar is None:
            bar = figure.colorbar(filled, ax=axis, label="D(x)", ticks=[0, 0.5, 1])
            _legend_below(figure, axis, markerscale=3)
        frames.append(figure_pixels(figure, close=False))
        figure.set_layout_engine("none")
    plt.close(figure)
    return few_colours(frames)


def draw_sorted_pairs(
    noise: np.ndarray, targets: np.ndarray, learned: np.ndarray, p_data: np.ndarray
) -> Figure:
    """A function learned from sorted pairs, and the density that it implies.

    Args:
        noise, targets, learned: z, x and the network's x, each (N,), in order.
        p_data: density on ``MIDDLES``.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.0))
    left.plot(noise, targets, color=COLOURS["real"], label="sorted data")
    left.plot(noise, learned, "--", color=COLOURS["fake"], label="network")
    left.set(xlabel="noise z", ylabel="x", title="A function learned from sorted pairs")
    left.legend()
    style = dict(
        color=COLOURS["real"], alpha=0.3, linewidth=0, label=r"$p_\mathrm{data}$"
    )
    right.fill_between(MIDDLES, p_data, **style)
    style = dict(color=COLOURS["fake"], label="the network's density")
    right.stairs(histogram_density(learned), BINS, **style)
    right.set(xlabel="x", ylabel="density", xlim=(-4, 4), ylim=(0, 0.75))
    right.set_title("It stretches the line thin, but does not tear it")
    right.legend(loc="upper right")
    return figure


def draw_switches(
    steps: Sequence[int], distances: Mapping[str, np.ndarray], floor: float
) -> Figure:
    """The distance to the data over the steps: a panel a setting, a line a seed.

    Args:
        steps: (T,).
        distances: setting -> (seeds, T), in the unit of the data.
        floor: the distance between two samples of real data.
    """
    figure, axes = plt.subplots(
        1, len(distances), figsize=(9.8, 3.2), sharex=True, sharey=True
    )
    for axis, (name, lines) in zip(axes, distances.items(), strict=True):
        for seed, line in enumerate(lines):
            axis.plot(steps, line, linewidth=1.3, label=f"seed {seed}")
        style = dict(color="black", linestyle=":", linewidth=1.2)
        axis.axhline(floor, label="real against real", **style)
        axis.set(xlabel="step", title=name, yscale="log", ylim=(0.01, 10))
    axes[0].set_ylabel("distance to the data")
    _legend_below(figure, axes[0], ncols=6)
    figure.suptitle("One switch at a time: each line is one of five seeds")
    return figure


def few_colours(frames: Sequence[np.ndarray], colours: int = 32) -> list[np.ndarray]:
    """The same frames with one small palette, so that a film stays light."""
    strip = Image.fromarray(np.concatenate(frames))
    strip = strip.quantize(colours, dither=Image.Dither.NONE).convert("RGB")
    return np.split(np.asarray(strip), len(frames))


def _legend_below(figure: Figure, axis: Axes, ncols: int = 4, **style) -> None:
    figure.legend(
        *axis.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=ncols,
        **style,
    )


def _box(axis, corner, size, colour, name, role):
    patch = FancyBboxPatch(
        corner, *size, boxstyle="round,pad=0.05", facecolor=colour, alpha=0.2
    )
    axis.add_patch(patch)
    x, y = corner[0] + size[0] / 2, corner[1] + size[1] / 2
    axis.text(x, y + 0.2, name, ha="center", va="center", fontsize=20, color=colour)
    axis.text(x, y - 0.5, role, ha="center", va="center", fontsize=10)


def _picture(axis, image, corner, colour, label, below):
    x, y = corner
    extent = (x, x + 1.8, y, y + 1.8)
    axis.imshow(image[..., 0], vmin=-1, vmax=1, extent=extent, zorder=2)
    frame = plt.Rectangle((x, y), 1.8, 1.8, fill=False, edgecolor=colour, lw=2.5)
    axis.add_patch(frame)
    frame.set_zorder(3)
    height = y - 0.35 if below else y + 1.95
    axis.text(x + 0.9, height, label, ha="center", va="baseline", color=colour)


def _arrow(axis, start, end, colour, lw=1.6, **style):
    arrow = dict(arrowstyle="-|>", color=colour, lw=lw, shrinkA=0, shrinkB=0, **style)
    axis.annotate("", xy=end, xytext=start, arrowprops=arrow)
