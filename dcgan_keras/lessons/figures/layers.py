"""The figures of notebook 04, the layers of a DCGAN: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS


def draw_pictures(rows: Mapping[str, Sequence], titles: Sequence[str]) -> Figure:
    """One row of grey pictures for each name, all on the scale from -1 to 1.

    Args:
        rows: name of the row -> its pictures, each float (H, W) in [-1, 1].
        titles: one a column.
    """
    size = (2 * len(titles), 2 * len(rows) + 0.4)
    figure, grid = plt.subplots(len(rows), len(titles), figsize=size, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name)
        for axis, image in zip(axes, images, strict=True):
            axis.imshow(image, vmin=-1, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(True)  # or a white picture has no edge
    for axis, title in zip(grid[0], titles, strict=True):
        axis.set_title(title)
    return figure


def draw_volumes(paths: Mapping[str, Sequence[tuple[int, ...]]]) -> Figure:
    """Each layer's activations as a box: height for space, width for channels.

    Args:
        paths: title -> shapes (H, W, C), or (C,) for a vector. A title that begins
            with "G" is drawn in the generator's colour.
    """
    figure, axes = plt.subplots(len(paths), 1, figsize=(8, 2.3 * len(paths)))
    for axis, (title, shapes) in zip(axes, paths.items(), strict=True):
        x, colour = 0.0, COLOURS["fake" if title[0] == "G" else "discriminator"]
        for shape in shapes:
            height, width, channels = shape if len(shape) == 3 else (1, 1, *shape)
            tall, wide = height**0.5, channels**0.5 / 2
            box = plt.Rectangle((x, -tall / 2), wide, tall, color=colour, alpha=0.7)
            axis.add_patch(box)
            label = f"{height}×{width}\n×{channels}"
            axis.text(x + wide / 2, -4.4, label, ha="center", va="top", fontsize=8)
            x += wide + 5
        axis.set(xlim=(-3, x), ylim=(-8, 4.5), xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_title(title)
    return figure


def draw_drift(seen: Mapping[str, Mapping[int, np.ndarray]]) -> Figure:
    """Histograms of what enters an activation, one row a step, one column a network.

    Args:
        seen: network -> step -> values (any shape).
    """
    rows = len(next(iter(seen.values())))
    figure, grid = plt.subplots(rows, len(seen), figsize=(8, 5), sharex=True)
    colours = (COLOURS["highlight"], COLOURS["real"])
    for axes, (name, moments), colour in zip(
        grid.T, seen.items(), colours, strict=True
    ):
        axes[0].set_title(name)
        axes[-1].set_xlabel("what enters the fifth activation (no unit)")
        for axis, (step, values) in zip(axes, moments.items(), strict=True):
            edges = np.linspace(-6, 6, 61)
            axis.hist(values.ravel(), edges, density=True, color=colour)
            label = f"step {step}\nmean {values.mean():+.2f}\nstd {values.std():.2f}"
            axis.text(-5.9, 0.5, label, va="center", fontsize=8)
            axis.axvline(0, color="black", linewidth=0.8)
            axis.set(ylim=(0, 1), yticks=[], xlim=(-6, 6))
    figure.supylabel("density (cut off at 1)", fontsize=10)
    return figure


def draw_accuracies(rates: Sequence[float], tables: Mapping[str, np.ndarray]) -> Figure:
    """Accuracy over the learning rate: mean and full range over the seeds.

    Args:
        rates: learning rates, log-spaced.
        tables: network -> accuracies (rates, seeds) in [0, 1].
    """
    figure, axis = plt.subplots(figsize=(7, 3.2))
    for (name, table), colour in zip(
        tables.items(), (COLOURS["highlight"], COLOURS["real"]), strict=True
    ):
        axis.plot(rates, table.mean(axis=1), "o-", color=colour, label=name)
        low, high = table.min(axis=1), table.max(axis=1)
        axis.fill_between(rates, low, high, color=colour, alpha=0.2)
    axis.axhline(0.1, color=COLOURS["neutral"], linewidth=1, linestyle=":")
    axis.text(rates[0], 0.12, "guessing", color=COLOURS["neutral"], fontsize=9)
    axis.set(xscale="log", xlabel="learning rate", ylabel="test accuracy", ylim=(0, 1))
    axis.set_xticks(rates, [str(rate) for rate in rates], minor=False)
    axis.legend(loc="center left")
    return figure


def draw_activations(curves: Mapping[str, tuple]) -> Figure:
    """Each activation with its derivative, on the same axes.

    Args:
        curves: name -> (function, derivative, range as text), of NumPy arrays.
    """
    x = np.linspace(-4, 4, 801)
    figure, grid = plt.subplots(2, 4, figsize=(9, 4.8), sharex=True, sharey=True)
    for axis, (name, (function, slope, values)) in zip(
        grid.flat, curves.items(), strict=False
    ):
        axis.axhline(0, color="lightgrey", linewidth=0.8)
        axis.axvline(0, color="lightgrey", linewidth=0.8)
        axis.plot(x, function(x), color=COLOURS["real"], label="f(x): forward")
        axis.plot(x, slope(x), "--", color=COLOURS["fake"], label="f ′(x): backward")
        axis.set(title=f"{name}\n{values}", ylim=(-1.5, 2.5), xlim=(-4, 4))
        axis.tick_params(labelbottom=True)
    for axis in (grid[1, 0], grid[1, 1], grid[1, 2], grid[0, 3]):
        axis.set_xlabel("x")
    grid[1, 3].axis("off")
    grid[1, 3].legend(*grid[0, 0].get_legend_handles_labels(), loc="center")
    return figure


def draw_signals(outputs: Mapping[str, np.ndarray]) -> Figure:
    """Which unit passes a signal for which image; a black column is a dead unit.

    Args:
        outputs: title -> activations (images, units).
    """
    figure, axes = plt.subplots(1, len(outputs), figsize=(9, 3.2), sharey=True)
    for axis, (title, values) in zip(axes, outputs.items(), strict=True):
        axis.imshow(values != 0, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axis.set(title=title, xlabel=f"{values.shape[1]} units of the layer")
    axes[0].set_ylabel(f"{len(values)} digits")
    return figure


def draw_seeds(
    tables: Mapping[str, np.ndarray], label: str, limits: tuple[float, float]
) -> Figure:
    """One dot a seed and one line a mean, for each name.

    Args:
        tables: name -> one number a seed.
        label: what the numbers are, with the unit.
        limits: of the vertical axis.
    """
    figure, axis = plt.subplots(figsize=(7, 3))
    for place, values in enumerate(tables.values()):
        jitter = np.linspace(-0.12, 0.12, len(values))
        axis.plot(place + jitter, values, "o", color=COLOURS["real"], alpha=0.7)
        axis.hlines(np.mean(values), place - 0.3, place + 0.3, color="black")
    axis.set(xticks=range(len(tables)), xticklabels=list(tables))
    axis.set(ylabel=label, ylim=limits)
    return figure


def draw_ranges(panels: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Pixel values of the data and of an output layer, on the same axis.

    Args:
        panels: title -> (pixels of the data, pixels from the output layer).
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3), sharey=True)
    for axis, (title, (data, output)) in zip(axes, panels.items(), strict=True):
        _two_histograms(axis, data, output)
        axis.set(title=title, xlabel="pixel value", xlim=(-1.1, 1.1))
    axes[0].set_ylabel("share of the pixels")
    axes[0].legend()
    return figure


def _two_histograms(axis: Axes, data: np.ndarray, output: np.ndarray) -> None:
    edges = np.linspace(-1.05, 1.05, 43)
    for values, name, key in ((data, "data", "real"), (output, "G's output", "fake")):
        weights = np.full(values.size, 1 / values.size)
        axis.hist(
            values.ravel(),
            edges,
            weights=weights,
            color=COLOURS[key],
            alpha=0.6,
            label=name,
        )
