"""The figures of notebook 07, what goes wrong: recorded runs in, a Figure out.

A chart is what data/tables/ablation.npz holds of one run: "curves" (50, 4), "counts"
(12, 10) and "samples" (16, 28, 28), as data/README.md says.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS, figure_pixels, tile

IMAGES = 120_000  # that a recorded run sees
CHANCE = 2 * np.log(2)  # D's loss where D answers 1/2 everywhere, nats per image
LOSSES, SHARE = (-1.5, 8.0), 0.4  # limits of the charts: nats; the darkest share
LINES = (
    ("D's loss", "discriminator"),
    ("G's loss", "fake"),
    ("on reals", "real"),
    ("on fakes", "fake"),
)
SHARES = LinearSegmentedColormap.from_list("shares", ["white", COLOURS["fake"]], N=21)
VERDICTS = {"better": "real", "worse": "fake", "not shown": "neutral"}


def draw_charts(cases: Mapping[str, Sequence[dict]], title: str = "") -> Figure:
    """The charts of several cases, a row each, with every seed in every column.

    Args:
        cases: name -> one chart for each seed.
        title: what to see.
    """
    rows = len(cases)
    figure, grid = plt.subplots(
        rows + 1,
        4,
        figsize=(10, 1.45 * rows + 1.2),
        width_ratios=[1.3, 1.3, 1, 1.5],
        height_ratios=[1] * rows + [0.13],
    )
    figure.suptitle(title, fontsize=12)
    for place, (name, charts) in enumerate(cases.items()):
        row = grid[place]
        _draw_curves(row[:2], charts, is_last=place == rows - 1)
        shares = np.array([chart["counts"][-1] / 1000 for chart in charts])
        drawn = row[2].imshow(shares, cmap=SHARES, vmin=0, vmax=SHARE, aspect="auto")
        row[2].set(xticks=range(10), yticks=[])
        row[2].tick_params(length=0, labelbottom=place == rows - 1, labelsize=8)
        row[2].spines[:].set_visible(True)
        pixels = np.concatenate([chart["samples"][:8] for chart in charts])
        # Eight greys leave the colours of the lines to the stored picture's palette.
        images = np.rint(pixels[..., np.newaxis] / 36.43) / 3.5 - 1
        row[3].imshow(tile(images, 8), interpolation="nearest", aspect="auto")
        row[3].set(xticks=[], yticks=[])
        row[3].spines[:].set_visible(False)
        row[0].set_ylabel(name, fontsize=11, rotation=0, ha="right", va="center")
    titles = ("losses (nats)", "D is right (share)", "digits at the end", "samples")
    for axes, said in zip(grid[0], titles, strict=True):
        axes.set_title(said)
    for axes in grid[-2, :2]:
        axes.set_xlabel("real images seen (thousands)", fontsize=9)
    grid[-2, 3].set_xlabel("eight of each seed", fontsize=9)
    for axes in grid[-1]:
        axes.axis("off")
    for axes, pair in zip(grid[-1], (LINES[:2], LINES[2:]), strict=False):
        for label, colour in pair:
            axes.plot([], [], color=COLOURS[colour], label=label)
        axes.legend(loc="center", fontsize=9, ncols=2, handlelength=1.2)
    grid[-1, 2].axis("on")
    bar = figure.colorbar(drawn, cax=grid[-1, 2], orientation="horizontal")
    bar.set_label("share of 1,000 samples", fontsize=9)
    bar.set_ticks([0, 0.2, 0.4], labels=["0", "0.2", "0.4 or more"])
    bar.ax.tick_params(labelsize=8)
    return figure


def _draw_curves(axes, charts: Sequence[dict], is_last: bool) -> None:
    curves = np.array([chart["curves"] for chart in charts])
    seen = np.arange(1, curves.shape[1] + 1) * IMAGES / 1000 / curves.shape[1]
    for column in (0, 1, 3, 2):  # the reals' last: they would be hidden
        style = {"color": COLOURS[LINES[column][1]], "lw": 0.9}
        for run in curves[:, :, column]:
            axes[column // 2].plot(seen, run, **style)
    axes[0].axhline(CHANCE, color=COLOURS["neutral"], ls=":", lw=1)
    axes[1].axhline(0.5, color=COLOURS["neutral"], ls=":", lw=1)
    axes[0].set(ylim=LOSSES, xlim=(0, IMAGES / 1000), yticks=[0, 2, 4, 6, 8])
    axes[1].set(ylim=(-0.03, 1.03), xlim=(0, IMAGES / 1000), yticks=[0, 0.5, 1])
    for one in axes:
        one.tick_params(labelbottom=is_last, labelsize=8)
    notes = []
    if curves[:, :, :2].min() < LOSSES[0]:
        notes.append((0.03, "bottom", f"down to {curves[:, :, :2].min():.1f}"))
    if curves[:, :, :2].max() > LOSSES[1]:
        notes.append((0.97, "top", f"up to {curves[:, :, :2].max():.1f}"))
    for height, place, said in notes:
        where = {"transform": axes[0].transAxes, "va": place, "ha": "right"}
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}
        axes[0].text(0.98, height, said, fontsize=8, bbox=box, **where)


def draw_ranking(
    distances: Mapping[str, Sequence[float]],
    successes: Mapping[str, Sequence[bool]],
    verdicts: Mapping[str, str],
    limit: float,
    title: str,
) -> Figure:
    """Every variant on one page: every seed a dot, sorted by the median.

    Args:
        distances: variant -> the Fréchet distance of each seed; the baseline's name is
            "paper". What is not finite is drawn at the right edge.
        successes: variant -> whether each seed is a success.
        verdicts: variant -> one of ``VERDICTS``; the baseline has none.
        limit: the largest distance of a success.
        title: what to see.
    """
    order = sorted(distances, key=lambda name: np.median(distances[name]))
    figure, axes = plt.subplots(figsize=(9, 0.215 * len(order) + 1.3))
    base = distances["paper"]
    axes.axvspan(min(base), max(base), color="#DDDDDD", lw=0, zorder=0)
    axes.axvline(limit, color=COLOURS["neutral"], ls=":", lw=1)
    edge = 400.0
    for place, name in enumerate(order):
        colour = COLOURS[VERDICTS[verdicts[name]]] if name in verdicts else "black"
        values = np.nan_to_num(np.asarray(distances[name], float), posinf=edge)
        for value, good in zip(values, successes[name], strict=True):
            face = colour if good else "white"
            axes.plot(value, place, "o", ms=5.5, mec=colour, mfc=face, alpha=0.85)
        axes.plot(np.median(values), place, "|", ms=13, mew=1.6, color=colour)
        said = f"{sum(successes[name])} of {len(values)}"
        where = ("axes fraction", "data")
        style = {"va": "center", "fontsize": 8.5, "color": colour}
        axes.annotate(said, (1.015, place), xycoords=where, **style)
        label = "the paper's DCGAN" if name == "paper" else name
        axes.annotate(label, (-0.015, place), xycoords=where, ha="right", **style)
    axes.set(xscale="log", xlim=(7, edge), ylim=(len(order) - 0.4, -0.6), yticks=[])
    axes.set_xticks([10, 20, 50, 100, 200], ["10", "20", "50", "100", "200"])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Fréchet distance of 5,000 samples (features²)")
    axes.set_title(title)
    axes.annotate("successes", (1.0, 1.005), xycoords="axes fraction", fontsize=8.5)
    for colour, label in (
        ("fake", "worse than the paper's"),
        ("real", "better"),
        ("neutral", "no difference shown"),
    ):
        axes.plot([], [], "o", color=COLOURS[colour], label=label)
    style = {"color": COLOURS["neutral"], "mfc": "white"}
    axes.plot([], [], "o", label="hollow: the run failed", **style)
    axes.legend(loc="upper right", fontsize=8.5)
    return figure


def draw_takeover(
    steps: Sequence[int],
    found: Mapping[str, np.ndarray],
    limits: tuple[float, float],
    wake: int,
) -> Figure:
    """Class histogram and confident share over the steps, a line for each seed.

    Args:
        steps: of the looks.
        found: "D learns" and "D is paused" -> (seeds, looks, 2): chi-squared of the
            class counts, and the confident share.
        limits: what chance passes in one of 100 draws, upwards and downwards.
        wake: the step from which on a paused D learns again.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.1))
    for (name, runs), colour in zip(found.items(), ("real", "fake"), strict=True):
        for number, run in enumerate(runs):
            label = name if number == 0 else None
            style = {"color": COLOURS[colour], "lw": 1.1, "label": label}
            left.plot(steps, run[:, 0], "o-", ms=3, **style)
            right.plot(steps, run[:, 1], "o-", ms=3, **style)
    for axes, limit in zip((left, right), limits, strict=True):
        axes.axhline(limit, color=COLOURS["neutral"], ls=":", lw=1)
        where = (wake - 2, 1.1 * limit) if axes is left else (wake + 2, 0.76)
        side = "right" if axes is left else "left"
        axes.text(*where, "1 in 100 draws", fontsize=8, ha=side)
    for axes, height in ((left, 2.3), (right, 0.51)):
        axes.axvline(wake, color=COLOURS["neutral"], ls=":", lw=1)
        axes.text(wake + 2, height, "D wakes up", fontsize=8)
    left.set(yscale="log", xlabel="step", ylim=(2, 1000))
    left.set_ylabel("chi-squared of the counts")
    left.set_title("Class counts: past the limit by step 15")
    left.set_yticks([3, 10, 30, 100, 300], ["3", "10", "30", "100", "300"])
    left.legend(loc="upper left", fontsize=9)
    right.set(xlabel="step", ylim=(0.5, 1.0))
    right.set_ylabel("confident share")
    right.set_title("Confidence: a few steps later")
    return figure


def film_frames(
    steps: Sequence[int], counts: np.ndarray, samples: np.ndarray, wake: int
) -> list[np.ndarray]:
    """One run over the steps: its class histogram beside samples of a fixed noise.

    Args:
        steps: of the looks.
        counts: (looks, 10).
        samples: (looks, 24, 28, 28, 1) in [-1, 1].
        wake: the step after which a paused D learns again.

    Returns:
        A frame for each look, uint8 RGB.
    """
    frames = []
    for step, bars, images in zip(steps, counts, samples, strict=True):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(7.2, 2.9), width_ratios=[1, 1.5]
        )
        left.bar(range(10), bars / bars.sum(), color=COLOURS["fake"])
        left.axhline(0.1, color=COLOURS["neutral"], ls=":", lw=1)
        left.set(xticks=range(10), ylim=(0, 0.5), xlabel="digit")
        left.set_ylabel("share of 1,000 samples")
        left.set_title(f"step {step}, {'D paused' if step <= wake else 'D awake'}")
        right.imshow(tile(images, 6), interpolation="nearest")
        right.set(xticks=[], yticks=[], title="24 samples of a fixed noise")
        frames.append(figure_pixels(figure))
    return frames


def draw_labels(losses: Mapping[float, np.ndarray]) -> Figure:
    """D's loss over the steps for several labels of the real images, a line a seed.

    Args:
        losses: label -> (seeds, steps), nats per image.
    """
    figure, axes = plt.subplots(figsize=(7, 3))
    for (label, runs), colour in zip(
        losses.items(), ("real", "discriminator", "fake"), strict=True
    ):
        for number, run in enumerate(runs):
            said = f"real label {label}" if number == 0 else None
            axes.plot(run, color=COLOURS[colour], lw=1.1, label=said)
    axes.axhline(0, color=COLOURS["neutral"], ls=":", lw=1)
    axes.set(xlabel="step", ylabel="D's loss (nats)")
    axes.set_title("Above 1 the loss has no floor")
    axes.legend(loc="lower left")
    return figure


def draw_counts(cases: Mapping[str, Sequence[dict]], title: str) -> Figure:
    """Class counts over the run: a row for each case, a panel for each seed.

    Args:
        cases: name -> one chart for each seed.
        title: what to see.
    """
    columns = max(len(charts) for charts in cases.values())
    figure, grid = plt.subplots(
        len(cases),
        columns,
        figsize=(10, 1.5 * len(cases) + 0.6),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for row, (name, charts) in zip(grid, cases.items(), strict=True):
        for axes, chart in zip(row, charts, strict=False):
            shares = chart["counts"].T / 1000
            drawn = axes.imshow(shares, cmap=SHARES, vmin=0, vmax=SHARE, aspect="auto")
            axes.spines[:].set_visible(True)
        row[0].set_ylabel(name)
    grid[0, 0].set_yticks([0, 3, 6, 9])
    seen = [2.4, 12, 48, 120]
    grid[0, 0].set_xticks([0, 4, 8, 11], [f"{x:g}" for x in seen])
    figure.suptitle(title, fontsize=12)
    figure.supxlabel("real images seen (thousands)", fontsize=10)
    figure.supylabel("digit", fontsize=10)
    for number, axes in enumerate(grid[0]):
        axes.set_title(f"seed {number}")
    figure.colorbar(drawn, ax=grid, label="share of 1,000 samples", shrink=0.6)
    return figure
