"""The figures of notebook 06, the training loop: histories and grids in, a Figure out.

A history is a list of dicts, one a step, as ``runs.COLUMNS`` names them.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS, plot_samples

LINES = {
    "discriminator_loss": ("D", "discriminator"),
    "generator_loss": ("G", "fake"),
    "real_accuracy": ("on reals", "real"),
    "fake_accuracy": ("on fakes", "fake"),
}


def draw_runs(runs: Mapping[str, Sequence[dict]], smooth: int = 10) -> Figure:
    """Several runs side by side on common axes: losses above, D's accuracies below.

    Args:
        runs: title -> history; all are drawn to the length of the shortest.
        smooth: steps of the mean drawn over the single steps.
    """
    steps = min(len(history) for history in runs.values())
    figure, grid = plt.subplots(
        2, len(runs), figsize=(3 * len(runs), 4.4), sharex=True, sharey="row"
    )
    for column, (title, history) in zip(grid.T, runs.items(), strict=True):
        for number, name in enumerate(LINES):
            axes, (label, colour) = column[number // 2], LINES[name]
            values = np.array([row[name] for row in history[:steps]])
            places = np.arange(1, steps + 1)
            options = {"color": COLOURS[colour]}
            if number < 2:  # single batches make the accuracies illegible
                axes.plot(places, values, alpha=0.25, linewidth=0.8, **options)
            axes.plot(places, mean_of_last(values, smooth), label=label, **options)
        column[0].set_title(title)
        column[0].axhline(2 * np.log(2), color=COLOURS["neutral"], ls=":", lw=1)
        column[1].axhline(0.5, color=COLOURS["neutral"], ls=":", lw=1)
        column[1].set_xlabel("step")
    grid[0, 0].set(ylabel="loss (nats per image)", ylim=(-0.2, 8))
    grid[1, 0].set(ylabel="D is right (share)", ylim=(-0.03, 1.03))
    grid[0, 0].legend(loc="upper left", title="dotted: 2 log 2", title_fontsize=8)
    grid[1, 0].legend(loc="lower right")
    return figure


def draw_moments(rows: Sequence[np.ndarray], steps: Sequence[int], title="") -> Figure:
    """Samples of one fixed noise at several steps: a row a step, a column one z.

    Args:
        rows: for each moment, float images (N, H, W, C) in [-1, 1].
        steps: of each row.
        title: what to see.
    """
    height = rows[0].shape[1]
    figure = plot_samples(np.concatenate(rows), len(rows[0]), title, width=6.5)
    places = [height * (number + 0.5) for number in range(len(rows))]
    figure.axes[0].set_yticks(places, [f"step {step}" for step in steps])
    figure.axes[0].tick_params(length=0)
    return figure


def draw_log(losses: Mapping[int, float], picture: np.ndarray, step: int) -> Figure:
    """What TensorBoard's log holds: a scalar over the steps, and a picture.

    Args:
        losses: step -> G's loss, nats per image.
        picture: uint8 RGB (H, W, 3).
        step: at which the picture was drawn.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.6), width_ratios=[1, 1.6])
    style = {"markersize": 3, "color": COLOURS["fake"]}
    left.plot(list(losses), list(losses.values()), "o-", **style)
    left.set(title="generator_loss, as logged", xlabel="step", ylabel="nats per image")
    right.imshow(picture)
    right.set(title=f"samples at step {step}, as logged")
    right.set_axis_off()
    return figure


def draw_resumed(alone: Sequence[dict], killed: Sequence[dict], resumed) -> Figure:
    """G's loss of a run left alone, and of one that was killed and resumed.

    Args:
        alone: history of the run without a stop.
        killed: what the killed run had saved.
        resumed: the whole history after resuming.
    """
    figure, axes = plt.subplots(figsize=(7, 2.8))
    after = resumed[len(killed) :]
    for history, label, style in (
        (alone, "left alone", {"color": "#BBBBBB", "linewidth": 7}),
        (killed, "saved before the kill", {"color": COLOURS["real"]}),
        (after, "made after --resume", {"color": COLOURS["fake"], "ls": "--"}),
    ):
        steps = [row["step"] for row in history]
        losses = [row["generator_loss"] for row in history]
        axes.plot(steps, losses, label=label, **style)
    axes.axvline(len(killed) + 0.5, color=COLOURS["neutral"], ls=":", lw=1)
    axes.set(xlabel="step", ylabel="G's loss (nats per image)")
    axes.set_title("The resumed run lies on the run that was never stopped")
    axes.legend(ncols=3, loc="upper right")
    axes.set_ylim(0, 1.25 * max(row["generator_loss"] for row in alone))
    return figure


def draw_differences(differences: Mapping[str, np.ndarray]) -> Figure:
    """How far two runs are apart at each step, on a logarithmic axis.

    Args:
        differences: label -> nats per image, >= 0, one a step from 1 on; zeros are
            drawn at the bottom.
    """
    figure, axes = plt.subplots(figsize=(7.6, 2.8))
    floor = 1e-9
    colours = [COLOURS[name] for name in ("fake", "discriminator", "real")]
    for (label, values), colour in zip(differences.items(), colours, strict=False):
        steps = np.arange(1, len(values) + 1)
        shown = np.maximum(values, floor)
        axes.semilogy(steps, shown, "o-", markersize=3, color=colour, label=label)
    axes.set(xlabel="step", ylabel="difference of D's loss (nats)", ylim=(floor / 2, 9))
    ticks = [10.0**power for power in range(-9, 2, 2)]
    axes.set_yticks(ticks, ["0", *[f"$10^{{{power}}}$" for power in range(-7, 2, 2)]])
    axes.set_title("Zero for the same machine, rounding for another, chance for a seed")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))  # the lines need the room
    return figure


def draw_grids(grids: Sequence[np.ndarray], steps: Sequence[int]) -> Figure:
    """Stored sample grids side by side.

    Args:
        grids: uint8 RGB (H, W, 3) each.
        steps: at which each was drawn.
    """
    figure, row = plt.subplots(1, len(grids), figsize=(2.4 * len(grids), 1.5))
    for axes, grid, step in zip(row, grids, steps, strict=True):
        axes.imshow(grid, interpolation="nearest")
        axes.set(title=f"step {step}", xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure


def mean_of_last(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` values at each place; fewer at the start."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
