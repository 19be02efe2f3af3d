"""The figures of notebook 04, the layers of a DCGAN: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS, tile


def draw_sizes(networks: Mapping[str, Sequence[tuple[int, int, int]]]) -> Figure:
    """Positions, channels and their product, block by block, on a scale of powers of 2.

    Args:
        networks: title -> the shapes (H, W, C) from the input to the last block.
    """
    figure, grid = plt.subplots(1, len(networks), figsize=(8.4, 3.6), sharey=True)
    for axis, (title, shapes) in zip(grid, networks.items(), strict=True):
        positions = [height * width for height, width, _ in shapes]
        channels = [shape[2] for shape in shapes]
        for values, name, style, colour in (
            (np.multiply(positions, channels), "numbers held", "o-", "black"),
            (positions, "positions (H × W)", "s--", COLOURS["highlight"]),
            (channels, "channels (C)", "^:", COLOURS["accent"]),
        ):
            axis.plot(values, style, color=colour, label=name)
        for place, value in enumerate(np.multiply(positions, channels)):
            is_image = shapes[place][2] == 3  # beside its point, away from the line
            side = 1 if place else -1
            axis.annotate(
                f"{value:,}",
                (place, value),
                (7 * side, -3) if is_image else (0, 7),
                textcoords="offset points",
                ha={-1: "right", 1: "left"}[side] if is_image else "center",
                fontsize=8,
            )
        labels = [f"{h}×{w}\n×{c}" for h, w, c in shapes]
        axis.set_xticks(range(len(shapes)), labels, fontsize=8)
        axis.set_yscale("log", base=2)
        axis.set(title=title, ylim=(2, 2**19), xlim=(-0.9, len(shapes) - 0.1))
    grid[0].set_ylabel("count (powers of 2)")
    figure.legend(
        *grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3
    )
    return figure


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


def draw_samples(panels: Mapping[str, np.ndarray], count: int = 8) -> Figure:
    """The first samples of every seed, one row a seed, one panel a variant.

    Args:
        panels: title -> images (seeds, N, H, W, 1) in [-1, 1], or (rows, count, ...).
        count: images a row: the first of the fixed noise.
    """
    width = min(0.42 * count, 9 / len(panels))
    rows = len(next(iter(panels.values())))
    size = (width * len(panels), width * rows / count + 0.4)
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False)
    for axis, (title, images) in zip(axes[0], panels.items(), strict=True):
        shown = images[:, :count].reshape(-1, *images.shape[2:])
        axis.imshow(tile(shown, count), interpolation="nearest")
        height = images.shape[2]
        ticks = [(row + 0.5) * height for row in range(len(images))]
        axis.set_yticks(ticks, [str(seed) for seed in range(len(images))], fontsize=8)
        axis.set(xticks=[], title=title)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_ylabel("seed")
    return figure


def draw_distances(
    results: Mapping[str, Sequence[float]], control: str, floor: float, title: str = ""
) -> Figure:
    """A row of dots for each variant, one dot a seed; the control's range in grey.

    Args:
        results: variant -> distance of each seed, no unit.
        control: the variant whose range is shaded.
        floor: the distance of real digits to other real digits.
        title: what to see.
    """
    size = (7.6, 1.3 + 0.34 * len(results))
    figure, axis = plt.subplots(figsize=size)
    low, high = min(results[control]), max(results[control])
    axis.axvspan(low, high, color="black", alpha=0.12, linewidth=0)
    axis.axvline(floor, color=COLOURS["real"], linestyle=":")
    axis.annotate(
        "real digits",
        (floor, 1),
        (3, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        color=COLOURS["real"],
        fontsize=8,
    )
    for place, values in enumerate(results.values()):
        jitter = np.linspace(-0.15, 0.15, len(values))
        axis.plot(values, place + jitter, "o", color=COLOURS["fake"], alpha=0.7)
        axis.vlines(np.mean(values), place - 0.3, place + 0.3, color="black")
    axis.set_yticks(range(len(results)), list(results))
    axis.set(xscale="log", xlim=(3, 130), ylim=(len(results) - 0.5, -0.9))
    ticks = [4, 8, 16, 32, 64, 128]
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.minorticks_off()
    axis.set(
        xlabel="distance to real digits (no unit; each dot is one seed)", title=title
    )
    return figure


def draw_learning_rates(
    rates: Sequence[float], tables: Mapping[str, np.ndarray], title: str
) -> Figure:
    """Accuracy over the learning rate: every seed a dot, a line through the means.

    Args:
        rates: learning rates, log-spaced.
        tables: network -> accuracies (rates, seeds) in [0, 1].
        title: what to see.
    """
    figure, axis = plt.subplots(figsize=(7.4, 3.6))
    styles = [
        ("highlight", ":"),
        ("fake", "--"),
        ("real", "-"),
        ("discriminator", "-."),
    ]
    for place, ((name, table), (key, dash)) in enumerate(
        zip(tables.items(), styles, strict=False)
    ):
        shift = np.array(rates) * 1.04 ** (place - 1.5)
        axis.plot(shift, table.mean(axis=1), dash, color=COLOURS[key], label=name)
        for seed in range(table.shape[1]):
            axis.plot(shift, table[:, seed], "o", color=COLOURS[key], alpha=0.6, ms=4)
    axis.axhline(0.1, color=COLOURS["neutral"], linewidth=1, linestyle=":")
    axis.annotate(
        "guessing", (rates[0], 0.1), (-4, -11), textcoords="offset points", fontsize=8
    )
    axis.set(xscale="log", xlabel="learning rate (no unit)", ylabel="test accuracy")
    axis.set(ylim=(0, 1), title=title)
    axis.set_xticks(rates, [str(rate) for rate in rates])
    axis.minorticks_off()
    figure.legend(loc="outside right upper", fontsize=9)
    return figure


def draw_drift(seen: Mapping[str, Mapping[int, np.ndarray]]) -> Figure:
    """Histograms of what enters an activation, one row a step, one column a network.

    Args:
        seen: network -> step -> values (any shape).
    """
    rows = len(next(iter(seen.values())))
    figure, grid = plt.subplots(rows, len(seen), figsize=(8.4, 5), sharex=True)
    colours = (COLOURS["highlight"], COLOURS["fake"], COLOURS["real"])
    for axes, (name, moments), colour in zip(
        grid.T, seen.items(), colours, strict=True
    ):
        axes[0].set_title(name)
        for axis, (step, values) in zip(axes, moments.items(), strict=True):
            edges = np.linspace(-6, 6, 61)
            axis.hist(values.ravel(), edges, density=True, color=colour)
            label = f"step {step}\nmean {values.mean():+.2f}\nstd {values.std():.2f}"
            axis.text(-5.9, 0.92, label, va="top", fontsize=8)
            axis.set(ylim=(0, 1), yticks=[0, 1], xlim=(-6, 6))
    figure.supxlabel("what enters the sixth activation (no unit)", fontsize=10)
    figure.supylabel("density (cut off at 1)", fontsize=10)
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


def draw_ranges(panels: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Pixel values of the data and of an output layer, on the same axis.

    Args:
        panels: title -> (pixels of the data, pixels from the output layer).
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3), sharey=True)
    edges = np.linspace(-1.05, 1.05, 43)
    for axis, (title, pair) in zip(axes, panels.items(), strict=True):
        for values, name, key in zip(
            pair, ("data", "untrained G"), ("real", "fake"), strict=True
        ):
            weights = np.full(values.size, 1 / values.size)
            axis.hist(
                values.ravel(),
                edges,
                weights=weights,
                color=COLOURS[key],
                alpha=0.6,
                label=name,
            )
        axis.set(title=title, xlabel="pixel value (no unit)", xlim=(-1.1, 1.1))
    axes[0].set_ylabel("share of the pixels")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2
    )
    return figure
