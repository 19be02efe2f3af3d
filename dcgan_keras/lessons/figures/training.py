"""The figures of notebook 06, the training loop: histories and tables in, Figures out.

A history is a list of dicts, one a step, as ``runs.COLUMNS`` names them.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from dcgan_keras.visualization import COLOURS, figure_pixels, plot_samples

LINES = {
    "discriminator_loss": ("D's loss", "discriminator"),
    "generator_loss": ("G's loss", "fake"),
    "real_accuracy": ("on reals", "real"),
    "fake_accuracy": ("on fakes", "fake"),
}
CHANCE = 2 * np.log(2)  # D's loss where D answers 1/2 everywhere, nats per image


def draw_moments(
    rows: Sequence[np.ndarray],
    labels: Sequence[str],
    title: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Samples of one fixed noise at several moments: a row a moment, a column one z.

    Args:
        rows: for each moment, float images (N, H, W, C) in [-1, 1].
        labels: of the rows, on the left.
        title: what to see.
        notes: of the rows, on the right.
    """
    height, width = rows[0].shape[1:3]
    figure = plot_samples(np.concatenate(rows), len(rows[0]), title, width=7.0)
    axes = figure.axes[0]
    places = [height * (number + 0.5) for number in range(len(rows))]
    axes.set_yticks(places, labels)
    axes.tick_params(length=0)
    for place, note in zip(places, notes, strict=False):
        axes.text(width * len(rows[0]) + 6, place, note, va="center", fontsize=9)
    return figure


def draw_curves(history: Sequence[dict], looks: Mapping[int, float]) -> Figure:
    """Both losses over the steps, and below them the distance of the samples.

    Args:
        history: of one run.
        looks: step -> Fréchet distance.
    """
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7.5, 4.6), sharex=True, height_ratios=[1.5, 1]
    )
    for name in ("discriminator_loss", "generator_loss"):
        label, colour = LINES[name]
        values = np.array([row[name] for row in history])
        steps = np.arange(1, len(values) + 1)
        style = {"color": COLOURS[colour]}
        above.plot(steps, values, alpha=0.25, linewidth=0.7, **style)
        window = np.clip(steps // 5, 1, 50)
        above.plot(steps, mean_of_last(values, window), label=label, **style)
    above.axhline(CHANCE, color=COLOURS["neutral"], ls=":", lw=1)
    above.text(1.03, CHANCE + 0.05, "2 log 2", color=COLOURS["neutral"], fontsize=8)
    above.set(ylabel="nats", ylim=(0, 2.2))
    above.set_title("G's loss rises while its samples get better (pale: single steps)")
    above.legend(loc="upper right", ncols=2)
    below.plot(list(looks), list(looks.values()), "o-", color=COLOURS["accent"])
    below.set(xscale="log", yscale="log", xlabel="step", ylabel="Fréchet distance")
    below.set(ylim=(3, 500), xlim=(1, 1.1 * len(history)))
    return figure


def draw_cases(cases: Mapping[str, Sequence[Sequence[dict]]], smooth=10) -> Figure:
    """Several ways to train, side by side on common axes, a line for each seed.

    Args:
        cases: title -> one history for each seed.
        smooth: steps of the running mean.
    """
    figure, grid = plt.subplots(
        2, len(cases), figsize=(10, 4.6), sharex=True, sharey="row"
    )
    for column, (title, histories) in zip(grid.T, cases.items(), strict=True):
        for history in histories:
            for number, (name, (_, colour)) in enumerate(LINES.items()):
                values = np.array([row[name] for row in history])
                steps = np.arange(1, len(values) + 1)
                means = mean_of_last(values, np.minimum(steps, smooth))
                axes = column[number // 2]
                axes.plot(steps, means, color=COLOURS[colour], lw=0.9, alpha=0.8)
        column[0].set_title(title)
        column[0].axhline(CHANCE, color=COLOURS["neutral"], ls=":", lw=1)
        column[1].axhline(0.5, color=COLOURS["neutral"], ls=":", lw=1)
        column[1].set_xlabel("step")
    grid[0, 0].set(ylabel="loss (nats)", ylim=(-0.2, 6.5))
    grid[1, 0].set(ylabel="D is right (share)", ylim=(-0.03, 1.03))
    names = list(LINES.values())
    for axes, pair, place in (
        (grid[0, 0], names[:2], "upper left"),
        (grid[1, 0], names[2:], "lower right"),
    ):
        for label, colour in pair:
            axes.plot([], [], color=COLOURS[colour], label=label)
        axes.legend(loc=place, fontsize=9)
    return figure


def draw_bridge(rows: Sequence[dict], floor: float, named: Sequence[str]) -> Figure:
    """The staircase: the distance over CPU-seconds, and at the end of each variant.

    Args:
        rows: of data/tables/bridge.csv.
        floor: the distance of as many real images.
        named: variants whose lines are named on the left; the others' are grey.
    """
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    palette = plt.get_cmap("viridis")(np.linspace(0.9, 0.0, len(variants)))
    colours = dict(zip(variants, palette, strict=True))
    looks = sorted({row["look"] for row in rows})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.8), sharey=True, width_ratios=[1, 1.25]
    )
    before = None
    for place, (variant, colour) in enumerate(colours.items()):
        mine = [row for row in rows if row["variant"] == variant]
        medians = [
            np.median([r["frechet"] for r in mine if r["look"] == look])
            for look in looks
        ]
        if variant in named:
            left.plot(looks, medians, "o-", color=colour, ms=4, zorder=3)
            style = {"color": colour, "va": "center", "fontsize": 9}
            left.text(1.06 * looks[-1], medians[-1], variant, **style)
        else:
            left.plot(looks, medians, color="#BBBBBB", lw=0.8)
        ends = [row["frechet"] for row in mine if row["look"] == looks[-1]]
        right.plot([place] * len(ends), ends, "o", color=colour, ms=5, alpha=0.7)
        middle = medians[-1]
        right.hlines(middle, place - 0.45, place + 0.45, color=colour, lw=3)
        if before is not None:
            right.vlines(place - 0.5, before, middle, color="#AAAAAA", lw=1)
        before = middle
    for axes in (left, right):
        axes.axhline(floor, color=COLOURS["neutral"], ls=":", lw=1)
    note = "5,000 real digits"
    left.text(looks[0], floor * 1.08, note, color=COLOURS["neutral"], fontsize=9)
    ticks = [0.1, 0.3, 1, 3, 10, 30, 100, 300]
    left.set(xscale="log", yscale="log", ylim=(0.08, 600), xlim=(4.6, 100))
    left.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    left.set_xticks(looks, [f"{look:g}" for look in looks])
    left.xaxis.set_minor_formatter(NullFormatter())
    left.set(
        xlabel="CPU-seconds of training", ylabel="Fréchet distance (less is better)"
    )
    left.set_title("Over time (medians of three seeds)")
    names = [f"{place} · {variant}" for place, variant in enumerate(variants)]
    right.set_xticks(range(len(variants)), names, rotation=45, ha="right")
    right.set_title(f"After {looks[-1]:g} CPU-seconds (dots: seeds, bar: median)")
    return figure


def film_frames(grids: Mapping[int, np.ndarray], rows: int = 4) -> list[np.ndarray]:
    """The frames of a film: a grid of samples above a logarithmic axis of steps.

    Args:
        grids: step -> uint8 RGB (H, W, 3), eight rows of samples.
        rows: how many of the eight rows are shown.
    """
    steps = list(grids)
    frames = []
    for step, grid in grids.items():
        shown = grid[: grid.shape[0] * rows // 8]
        figure = plt.figure(figsize=(4.8, 3.3), layout="none")
        axes = figure.add_axes((0.02, 0.2, 0.96, 0.7))
        axes.imshow(shown, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"step {step:,}", fontsize=11)
        line = figure.add_axes((0.06, 0.13, 0.88, 0.01))
        line.set_xscale("symlog", linthresh=1)
        line.plot(steps, [0] * len(steps), "|", color=COLOURS["neutral"], ms=6)
        line.plot([step], [0], "o", color=COLOURS["fake"], ms=8, clip_on=False)
        line.set(xlim=(-0.3, 1.2 * steps[-1]), yticks=[], xlabel="")
        line.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
        line.minorticks_off()
        line.spines["left"].set_visible(False)
        frames.append(_few_colours(figure_pixels(figure)))
    return frames


def _few_colours(pixels: np.ndarray, colours: int = 12) -> np.ndarray:
    """The same picture in so few colours that a film of it stays small."""
    from PIL import Image

    few = Image.fromarray(pixels).quantize(colours, dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))


def draw_doubtful(
    images: np.ndarray, doubtful: np.ndarray, columns: int = 16
) -> Figure:
    """Samples in their order, with a frame around those that the judge doubts.

    Args:
        images: float (N, H, W, C) in [-1, 1].
        doubtful: bool (N,).
        columns: images a row.
    """
    count = int(doubtful.sum())
    title = f"The first {len(images)} samples; framed: the {count} with p < 0.9"
    figure = plot_samples(images, columns, title, width=7.5)
    side = images.shape[1]
    for number in np.flatnonzero(doubtful):
        row, column = divmod(int(number), columns)
        corner = (column * side + 0.5, row * side + 0.5)
        frame = plt.Rectangle(corner, side - 2, side - 2, fill=False)
        frame.set(edgecolor=COLOURS["highlight"], linewidth=1.6)
        figure.axes[0].add_patch(frame)
    return figure


def draw_apart(differences: Mapping[str, np.ndarray]) -> Figure:
    """How far two runs are apart at each step, on a logarithmic axis.

    Args:
        differences: label -> nats per image, >= 0, one a step from 1 on; zeros are
            drawn at the bottom.
    """
    figure, axes = plt.subplots(figsize=(7.5, 3.0))
    floor = 1e-9
    colours = [COLOURS[name] for name in ("fake", "discriminator", "real")]
    for (label, values), colour in zip(differences.items(), colours, strict=False):
        steps = np.arange(1, len(values) + 1)
        shown = np.maximum(values, floor)
        axes.semilogy(steps, shown, "o-", markersize=3, color=colour, label=label)
    axes.set(xlabel="step", ylabel="difference of D's loss (nats)", ylim=(floor / 2, 9))
    axes.set_xticks([1, 5, 10, 15, 20])
    ticks = [10.0**power for power in range(-9, 2, 2)]
    axes.set_yticks(ticks, ["0", *[f"$10^{{{power}}}$" for power in range(-7, 2, 2)]])
    axes.set_title("How far D's loss is from that of the first run")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))  # the lines need the room
    return figure


def mean_of_last(values: np.ndarray, window) -> np.ndarray:
    """Mean of the last ``window`` values at each place, a number or one a place."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
