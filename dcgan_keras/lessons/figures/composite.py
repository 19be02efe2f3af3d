"""The figures of notebook 05, the composite model: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS

Stage = tuple[str, tuple[int, ...], int]  # layer, output shape, trained parameters
LETTERS = {"G": "fake", "D": "discriminator"}  # one colour for one player


def draw_traces(traces: Mapping[str, Sequence[Stage]]) -> Figure:
    """What each layer sends on, as a box, above a bar for the weights it learns.

    Args:
        traces: title -> its stages in order: name, shape without the batch axis,
            trained parameters. A title that begins with "G" is drawn in G's colour.
    """
    columns = max(map(len, traces.values()))
    size = (1.45 * columns + 0.6, 3.4 * len(traces))
    heights = [1.25, 1] * len(traces)
    figure, axes = plt.subplots(2 * len(traces), 1, figsize=size, height_ratios=heights)
    tallest = max(
        shape[0] for t in traces.values() for _, shape, _ in t if len(shape) > 1
    )
    for number, (title, stages) in enumerate(traces.items()):
        colour = COLOURS[LETTERS[title[0]]]
        _boxes(axes[2 * number], [shape for _, shape, _ in stages], colour, tallest)
        axes[2 * number].set_title(title)
        _bars(axes[2 * number + 1], stages, colour)
        for axis in axes[2 * number : 2 * number + 2]:
            axis.set_xlim(-0.6, columns - 0.4)
    return figure


def _boxes(axis: Axes, shapes: Sequence[tuple], colour: str, tallest: int) -> None:
    """Height for space, width for channels, by their square roots."""
    for place, shape in enumerate(shapes):
        high, _, channels = shape if len(shape) == 3 else (1, 1, shape[0])
        tall, wide = (high / tallest) ** 0.5, channels**0.5 / 45
        corner = (place - wide / 2, -tall / 2)
        axis.add_patch(plt.Rectangle(corner, wide, tall, color=colour, alpha=0.7))
        label = "×".join(map(str, shape))
        axis.text(place, -0.6, label, ha="center", va="top", fontsize=9)
        if place:
            style = {"arrowstyle": "->", "color": COLOURS["neutral"]}
            axis.annotate("", (place - 0.4, 0), (place - 0.6, 0), arrowprops=style)
    axis.set(ylim=(-0.85, 0.55), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def _bars(axis: Axes, stages: Sequence[Stage], colour: str) -> None:
    counts = [count for *_, count in stages]
    axis.bar(range(len(stages)), counts, 0.5, color=colour)
    for place, count in enumerate(counts):
        if count:
            axis.text(place, count, f"{count:,}", ha="center", va="bottom", fontsize=8)
    axis.set_xticks(range(len(stages)), [name for name, *_ in stages])
    axis.set(ylabel="weights learned", yticks=[], ylim=(0, 1.15 * max(counts)))


def draw_touched(
    panels: Mapping[str, Mapping[str, Mapping[str, bool]]],
) -> Figure:
    """Which variables each step changed: a filled square where it did.

    Args:
        panels: title -> column (a step) -> variable -> whether it changed; the same
            variables throughout, those of G named "G ...", D's "D ...". Moving
            averages, named with "moving", are not trained and drawn paler.
    """
    names = list(next(iter(next(iter(panels.values())).values())))
    size = (2.1 + 2.3 * len(panels), 0.21 * len(names) + 1.2)
    figure, axes = plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False
    )
    kinds = {"": "white"} | {player: COLOURS[key] for player, key in LETTERS.items()}
    for axis, (title, steps) in zip(axes[0], panels.items(), strict=True):
        for column, touched in enumerate(steps.values()):
            for row, name in enumerate(names):
                colour = kinds[name[0] if touched[name] else ""]
                alpha = 0.45 if "moving" in name else 1.0
                place = (column - 0.42, row - 0.42)
                edge = {"edgecolor": "lightgrey", "linewidth": 0.8}
                box = plt.Rectangle(
                    place, 0.84, 0.84, facecolor=colour, alpha=alpha, **edge
                )
                axis.add_patch(box)
        axis.set_xticks(range(len(steps)), list(steps), fontsize=9)
        axis.set(title=title, xlim=(-0.6, len(steps) - 0.4))
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=8)
    return figure


def draw_two_modes(by_averages: np.ndarray, by_batch: np.ndarray) -> Figure:
    """One D, one batch of images, two answers: a dot an image.

    Args:
        by_averages: logits (N,) of D in inference mode.
        by_batch: logits (N,) of D in training mode.
    """
    figure, axis = plt.subplots(figsize=(4.6, 4.2))
    ends = np.array([min(by_averages.min(), by_batch.min(), 0) - 0.3])
    ends = np.append(ends, max(by_averages.max(), by_batch.max(), 0) + 0.3)
    axis.plot(ends, ends, ":", color=COLOURS["neutral"], linewidth=1)
    here = 0.7 * ends[0] + 0.3 * ends[1]
    axis.text(here, here, "equal  ", ha="right", color=COLOURS["neutral"])
    axis.axhline(0, color="lightgrey", linewidth=0.8)
    axis.axvline(0, color="lightgrey", linewidth=0.8)
    axis.plot(by_averages, by_batch, "o", color=COLOURS["discriminator"], alpha=0.7)
    axis.set(xlim=ends, ylim=ends, aspect="equal")
    axis.set_xlabel("logit, frozen: BN by moving averages")
    axis.set_ylabel("logit, in training: BN by the batch")
    axis.set_title("The same D on the same 64 fakes")
    return figure


def draw_inertia(
    positions: Mapping[float, np.ndarray],
    distances: Mapping[float, np.ndarray],
    turn: int,
) -> Figure:
    """Left: after a turn of the gradient; right: two players around their saddle.

    Args:
        positions: beta_1 -> position of a weight (steps,), in units of the rate.
        distances: beta_1 -> distance of the game from its equilibrium (steps,).
        turn: the step at which the gradient of the left panel changes its sign.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.9))
    names = ("neutral", "highlight", "accent")
    for (beta, path), name in zip(positions.items(), names, strict=True):
        steps = np.arange(1, len(path) + 1)
        left.plot(steps, path, color=COLOURS[name], label=f"β₁ = {beta}")
        right.plot(distances[beta], color=COLOURS[name])
    left.axvline(turn, color="lightgrey", linewidth=0.8, zorder=0)
    left.set(xlabel="step", ylabel="position (learning rates)", xlim=(turn - 15, None))
    left.set(title="The gradient turns: who notices?", ylim=(None, 15 - turn))
    right.set(xlabel="step", ylabel="distance from the equilibrium", ylim=(0, None))
    right.margins(x=0.08)
    right.set(title="Two players, alternating")
    left.legend()
    return figure
