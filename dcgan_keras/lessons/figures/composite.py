"""The figures of notebook 05, the composite model: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import uniform_filter
from sklearn.datasets import load_sample_images

from dcgan_keras import keras
from dcgan_keras.visualization import COLOURS, to_uint8

Stage = tuple[str, tuple[int, ...], int]  # layer, output shape, trained parameters
LETTERS = {"G": "fake", "D": "discriminator"}  # one colour for one player


def stages_of(model: keras.Model) -> list[Stage]:
    """The input and each layer with a kernel, with the BN and the reshape behind it."""
    start = "z" if len(model.input_shape) == 2 else "image"
    stages = [(start, model.input_shape[1:], 0)]
    for layer in model.layers:
        name, shape, count = stages[-1]
        own = sum(int(np.prod(w.shape)) for w in layer.trainable_weights)
        if hasattr(layer, "kernel"):
            stages.append((layer.name, layer.output.shape[1:], own))
        elif layer.name == "reshape" or own:  # a shape, or BN's weights
            stages[-1] = name, layer.output.shape[1:], count + own
    return stages


def pieces_of_photographs(count: int) -> np.ndarray:
    """Pieces of two photographs that come with scikit-learn.

    Args:
        count: of the pieces, at most 120, spread evenly over both photographs.

    Returns:
        float32 (count, 64, 64, 3) in [-1, 1].
    """
    photographs = np.stack(load_sample_images().images)[:, :384, :640]
    rows = photographs.reshape(2, 6, 64, 10, 64, 3).swapaxes(2, 3)  # 2 × 6 × 10 pieces
    pieces = rows.reshape(-1, 64, 64, 3)[:: 120 // count][:count]
    return (pieces / 127.5 - 1).astype("float32")


def draw_traces(traces: Mapping[str, Sequence[Stage]]) -> Figure:
    """What each layer sends on, as a box, above a bar for the weights it learns.

    A box's height is the side of the map and its width the channels, each on a scale
    of its own that is the same for all boxes.

    Args:
        traces: title -> its stages in order: name, shape without the batch axis,
            trained parameters. A title that begins with "G" is drawn in G's colour.
    """
    columns = max(map(len, traces.values()))
    size = (1.45 * columns + 0.6, 3.4 * len(traces))
    heights = [1.25, 1] * len(traces)
    figure, axes = plt.subplots(2 * len(traces), 1, figsize=size, height_ratios=heights)
    shapes = [s for stages in traces.values() for _, s, _ in stages if len(s) == 3]
    scale = max(s[0] for s in shapes), max(s[2] for s in shapes) / 0.85
    for number, (title, stages) in enumerate(traces.items()):
        colour = COLOURS[LETTERS[title[0]]]
        _boxes(axes[2 * number], [shape for _, shape, _ in stages], colour, scale)
        axes[2 * number].set_title(title)
        _bars(axes[2 * number + 1], stages, colour)
        for axis in axes[2 * number : 2 * number + 2]:
            axis.set_xlim(-0.6, columns - 0.4)
    return figure


def _boxes(axis: Axes, shapes: Sequence[tuple], colour: str, scale: tuple) -> None:
    for place, shape in enumerate(shapes):
        if len(shape) == 3:  # what is not a map has no height: its label alone
            tall, wide = shape[0] / scale[0], shape[2] / scale[1]
            corner = (place - wide / 2, -tall / 2)
            box = plt.Rectangle(corner, wide, tall, facecolor=colour, edgecolor=colour)
            axis.add_patch(box)
        label = "×".join(map(str, shape))
        axis.text(place, -0.58, label, ha="center", va="top", fontsize=9)
        if place:
            style = {"arrowstyle": "->", "color": COLOURS["neutral"]}
            ends = (place - 0.45, -0.68), (place - 0.55, -0.68)
            axis.annotate("", *ends, arrowprops=style)
    axis.set(ylim=(-0.85, 0.55), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def _bars(axis: Axes, stages: Sequence[Stage], colour: str) -> None:
    counts = [count for *_, count in stages]
    axis.bar(range(len(stages)), counts, 0.5, color=colour)
    for place, count in enumerate(counts):
        if count:
            axis.text(place, count, f"{count:,}", ha="center", va="bottom", fontsize=9)
    axis.set_xticks(range(len(stages)), [name for name, *_ in stages])
    axis.set(ylabel="weights, with BN's", yticks=[], ylim=(0, 1.2 * max(counts)))


def draw_pieces(rows: Mapping[str, np.ndarray]) -> Figure:
    """Rows of images, each image with a frame of its own.

    Args:
        rows: title -> float (N, H, W, C) in [-1, 1].
    """
    columns = max(map(len, rows.values()))
    size = (1.15 * columns, 1.45 * len(rows))
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for line, (title, images) in zip(axes, rows.items(), strict=True):
        for axis, image in zip(line, to_uint8(images), strict=True):
            axis.imshow(image.squeeze(), interpolation="nearest", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
        line[0].set_title(title, loc="left", fontsize=10)
    return figure


def draw_advice(fakes: np.ndarray, advice: np.ndarray, real_mean: np.ndarray) -> Figure:
    """Three fakes and the mean real image, above what D asks each pixel to do.

    Args:
        fakes: float (N, H, W, 1) in [-1, 1], N >= 3.
        advice: float (N, H, W, 1): minus the slope of G's loss at each pixel. The last
            panel is its mean over the N fakes and over windows of 5x5 pixels.
        real_mean: float (H, W, 1) in [-1, 1].
    """
    figure, axes = plt.subplots(2, 4, figsize=(7.6, 3.9))
    above = {f"fake {n + 1}": fakes[n, ..., 0] for n in range(3)}
    below = {f"D's advice {n + 1}": advice[n, ..., 0] for n in range(3)}
    above["mean of real digits"] = real_mean[..., 0]
    below["mean advice, smoothed"] = uniform_filter(advice.mean(axis=0)[..., 0], 5)
    for axis, (title, image) in zip(axes[0], above.items(), strict=True):
        axis.imshow(image, cmap="gray", vmin=-1, vmax=1)
        axis.set_title(title, fontsize=10)
    for axis, (title, asked) in zip(axes[1], below.items(), strict=True):
        limit = np.quantile(np.abs(asked), 0.99)
        drawn = axis.imshow(asked, cmap="PuOr_r", vmin=-limit, vmax=limit)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(f"±{limit * 1e4:.0f}", fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    bar = figure.colorbar(drawn, ax=axes[1, :], ticks=[-limit, 0, limit], aspect=12)
    bar.ax.set_yticklabels(["darker", "stay", "brighter"])
    return figure


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
    size = (2.1 + 2.1 * len(panels), 0.22 * len(names) + 1.4)
    figure, axes = plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False
    )
    kinds = {"": "white"} | {player: COLOURS[key] for player, key in LETTERS.items()}
    for axis, (title, steps) in zip(axes[0], panels.items(), strict=True):
        for column, touched in enumerate(steps.values()):
            for row, name in enumerate(names):
                colour = kinds[name[0] if touched[name] else ""]
                alpha = 0.4 if "moving" in name else 1.0
                place = (column - 0.42, row - 0.42)
                edge = {"edgecolor": "lightgrey", "linewidth": 0.8}
                box = plt.Rectangle(
                    place, 0.84, 0.84, facecolor=colour, alpha=alpha, **edge
                )
                axis.add_patch(box)
        axis.set_xticks(range(len(steps)), list(steps), fontsize=10)
        axis.set(title=title, xlim=(-0.6, len(steps) - 0.4))
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_yticks(range(len(names)), names, fontsize=9)
    return figure


def draw_two_modes(by_averages: np.ndarray, by_batch: np.ndarray) -> Figure:
    """One D, one batch of images, two answers: a dot an image.

    Args:
        by_averages: logits (N,) of D in inference mode.
        by_batch: logits (N,) of D in training mode.
    """
    figure, axis = plt.subplots(figsize=(4.8, 4.4))
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
    axis.set_title("The same D on the same 64 fakes gives two answers")
    return figure


def read_choices(rows: Sequence[Mapping]) -> tuple[dict[str, list[float]], str]:
    """The distances of each variant, and a table with one line a variant.

    Args:
        rows: of ``recorded_table("choices")``, one a run.

    Returns:
        name -> its Fréchet distances, one a seed; the table: these, the classes of
        each seed, and the medians of the confident share and of a step's time.
    """
    runs = {}
    for row in rows:
        runs.setdefault(f"{row['choice']}: {row['value']}", []).append(row)
    distances = {name: [row["frechet"] for row in own] for name, own in runs.items()}
    head = ("", "distance, each seed", "classes", "confident", "CPU-ms a step")
    lines = ["{:39}{:23}{:9}{:11}{}".format(*head)]
    for name, own in runs.items():
        seeds = " ".join(f"{value:6.1f}" for value in distances[name])
        classes = " ".join(str(row["classes"]) for row in own)
        confident = np.median([row["confident"] for row in own])
        cost = np.median([row["cpu_ms_a_step"] for row in own])
        lines.append(f"{name:38}{seeds:24}{classes:9}{confident:7.0%}{cost:12.1f}")
    return distances, "\n".join(lines)


def draw_choices(distances: Mapping[str, Sequence[float]], baseline: str) -> Figure:
    """The Fréchet distance of each variant, one dot a seed, best median on top.

    Args:
        distances: name of a variant -> its distances, one a seed.
        baseline: the variant that the others are compared with.
    """
    names = sorted(distances, key=lambda name: np.median(distances[name]))
    figure, axis = plt.subplots(figsize=(7.6, 0.36 * len(names) + 1.1))
    low, high = min(distances[baseline]), max(distances[baseline])
    axis.axvspan(low, high, color="lightgrey", alpha=0.5, linewidth=0)
    for row, name in enumerate(names):
        colour = COLOURS["highlight" if name == baseline else "neutral"]
        values = distances[name]
        axis.plot(values, [row] * len(values), "o", color=colour, alpha=0.8)
        middle = np.median(values)
        axis.plot([middle] * 2, [row - 0.32, row + 0.32], color=colour, linewidth=2)
    axis.set_yticks(range(len(names)), names)
    axis.set(ylim=(len(names) - 0.4, -0.6), xlim=(0, None))
    axis.set_xlabel("Fréchet distance (features of the classifier); smaller is better")
    axis.set_title("One dot a seed, a bar at the median; grey: the baseline's range")
    axis.grid(axis="y", color="lightgrey", linewidth=0.6)
    axis.set_axisbelow(True)
    return figure


def draw_memory(similar: Mapping[str, np.ndarray], betas: Sequence[float]) -> Figure:
    """How alike G's gradients are some steps apart, and what Adam remembers by then.

    Args:
        similar: who moves -> mean cosine of two gradients k steps apart, k = 0, 1, ...;
            three lines: both players, D alone, G alone.
        betas: two values of beta_1, whose powers are drawn beside it.
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.4))
    colours = ("black", COLOURS["discriminator"], COLOURS["fake"])
    for (who, cosines), colour in zip(similar.items(), colours, strict=True):
        axis.plot(cosines, color=colour, linewidth=2, label=f"cosine, {who}")
    lags = np.arange(max(map(len, similar.values())))
    for beta, name in zip(betas, ("neutral", "highlight"), strict=True):
        label = f"weight in Adam's mean\nwith β₁ = {beta}"
        axis.plot(lags, beta**lags, "--", color=COLOURS[name], label=label)
    axis.axhline(0, color="lightgrey", linewidth=0.8)
    lowest = min(0, *(cosines.min() for cosines in similar.values())) - 0.02
    axis.set(xlabel="k (steps back)", ylabel="cosine, or weight (newest: 1)")
    axis.set(xlim=(0, lags[-1]), ylim=(lowest, 1.02))
    axis.set_title("How fast does G's gradient turn, and how much of the past is kept?")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), labelspacing=1.0)
    return figure
