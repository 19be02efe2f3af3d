"""The figures of notebook 09, bigger: arrays and tables in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from dcgan_keras.visualization import COLOURS, tile


def draw_readings(
    names: Sequence[str],
    rows: Mapping[str, Sequence[np.ndarray]],
    wrong: Mapping[str, Sequence[bool]],
    title: str,
) -> Figure:
    """The same files as several readers see them, a column a file, a row a reader.

    Args:
        names: of the files.
        rows: reader -> uint8 (H, W, 3) for each file, None where it gave up.
        wrong: reader -> whether a file is to be framed.
        title: what to see.
    """
    count = len(names)
    size = (0.92 * count, 0.98 * len(rows) + 0.75)
    figure, grid = plt.subplots(len(rows), count, figsize=size)
    figure.suptitle(title, fontsize=11)
    for row, (label, pictures) in zip(grid, rows.items(), strict=True):
        frames = wrong.get(label, [False] * count)
        for axes, pixels, is_wrong in zip(row, pictures, frames, strict=True):
            if pixels is None:
                axes.text(0.5, 0.5, "error", ha="center", va="center", fontsize=8)
                axes.set_aspect("equal")
            else:
                axes.imshow(pixels, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            colour = COLOURS["fake"] if is_wrong else "white"
            axes.spines[:].set(visible=True, color=colour, linewidth=3)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, fontsize=8)
    return figure


def draw_pyramid(images: np.ndarray, fine: np.ndarray, coarse: np.ndarray) -> Figure:
    """Pictures, the two levels of their pyramid, and what the levels add up to.

    Args:
        images: float (N, H, H, 3) in [-1, 1].
        fine: float (N, H, H, 3) around 0.
        coarse: float (N, H / 2, H / 2, 3) in [-1, 1].
    """
    rows = {
        "picture": images,
        "fine level, 32 pixels\n(grey is 0)": fine / (2 * np.abs(fine).max()) * 1.6,
        "coarse level,\n16 pixels": coarse,
    }
    figure, axes = plt.subplots(3, 1, figsize=(7.6, 3.3))
    for axis, (label, pictures) in zip(axes, rows.items(), strict=True):
        axis.imshow(tile(pictures, len(pictures)), interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        axis.set_ylabel(label, rotation=0, ha="right", va="center")
    axes[0].set_title(
        "Edges live on the fine level, colours and shapes on the coarse one"
    )
    return figure


def draw_sorting(points: np.ndarray, others: np.ndarray, direction) -> Figure:
    """Two clouds in the plane, and their shadows on one direction, in order.

    Args:
        points, others: float (N, 2), as many.
        direction: (2,), a unit vector.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.2))
    clouds = {"real": (points, "real"), "fake": (others, "fake")}
    for label, (cloud, colour) in clouds.items():
        left.scatter(*cloud.T, s=16, color=COLOURS[colour], label=label)
    left.annotate(
        "",
        3.2 * direction,
        -3.2 * direction,
        arrowprops={"arrowstyle": "->", "color": COLOURS["neutral"], "lw": 1.5},
    )
    left.set(xlim=(-3.6, 3.6), ylim=(-3.6, 3.6), aspect="equal", xticks=[], yticks=[])
    left.set_title("Two clouds and a direction")
    left.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1)
    shadows = [np.sort(cloud @ direction) for cloud in (points, others)]
    for x, y in zip(*shadows, strict=True):
        right.plot([x, y], [1, 0], color=COLOURS["neutral"], lw=0.8, alpha=0.7)
    right.plot(shadows[0], np.ones(len(points)), "o", ms=4, color=COLOURS["real"])
    right.plot(shadows[1], np.zeros(len(others)), "o", ms=4, color=COLOURS["fake"])
    right.set(ylim=(-0.35, 1.35), yticks=[0, 1], yticklabels=["fake", "real"])
    right.set(xlabel="position along the direction")
    way = np.abs(shadows[0] - shadows[1]).mean()
    right.set_title(f"Sorted, number to number: mean way {way:.2f}")
    return figure


def draw_panel(
    pictures: Mapping[str, np.ndarray],
    columns: Sequence[str],
    numbers: Mapping[str, Sequence[float]],
    caught: Mapping[str, Sequence[bool]],
    title: str,
) -> Figure:
    """Sets of pictures with their numbers; those that give a set away are marked.

    Args:
        pictures: name -> float (N, H, H, 3) in [-1, 1], some of each set.
        columns: names of the numbers.
        numbers: name -> one of each column.
        caught: name -> whether each number is to be marked.
        title: what to see.
    """
    count = len(pictures)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 0.52 * count + 0.9), width_ratios=[1.25, 1]
    )
    shown = [tile(images, len(images)) for images in pictures.values()]
    height, width = shown[0].shape[:2]
    left.imshow(
        np.concatenate(shown),
        extent=(0, width / height, count, 0),
        aspect="auto",
        interpolation="nearest",
    )
    for place in range(1, count):
        left.axhline(place, color="white", lw=3)
    left.set(xticks=[], yticks=np.arange(count) + 0.5, yticklabels=list(pictures))
    left.tick_params(length=0)
    left.spines[:].set_visible(False)
    left.set_title(title, loc="left")
    right.set(xlim=(0, len(columns)), ylim=(count, 0), yticks=[])
    for row, name in enumerate(pictures):
        for place, value in enumerate(numbers[name]):
            is_caught = caught[name][place]
            if is_caught:
                box = Rectangle((place + 0.04, row + 0.06), 0.92, 0.88)
                box.set(facecolor=COLOURS["fake"], alpha=0.28, linewidth=0)
                right.add_patch(box)
            form = f"{value:.0f}" if abs(value) > 2 else f"{value:.2f}"
            weight = "bold" if is_caught else "normal"
            right.text(
                place + 0.5, row + 0.5, form, ha="center", va="center", weight=weight
            )
    right.set_xticks(np.arange(len(columns)) + 0.5, columns, fontsize=8)
    right.xaxis.tick_top()
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
    return figure


def draw_split() -> Figure:
    """How two devices make one step: shares of a batch in, one sum of gradients out."""
    figure, axes = plt.subplots(figsize=(8.6, 3.3))
    axes.set(xlim=(0, 10), ylim=(0, 4), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)

    def box(x, y, width, height, text, colour, size=9):
        patch = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.06")
        patch.set(facecolor="white", edgecolor=COLOURS[colour], linewidth=1.8)
        axes.add_patch(patch)
        middle = (x + width / 2, y + height / 2)
        axes.text(*middle, text, ha="center", va="center", fontsize=size)

    def arrow(start, end, colour="neutral"):
        line = FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12)
        line.set(color=COLOURS[colour], linewidth=1.4)
        axes.add_patch(line)

    box(0.1, 1.45, 1.5, 1.1, "one batch:\n32 pictures,\n32 z", "real")
    for y, number in ((2.6, 0), (0.4, 1)):
        arrow((1.7, 2.0), (2.45, y + 0.5))
        box(2.5, y, 1.6, 1.0, f"device {number}:\n16 pictures,\n16 z", "real")
        arrow((4.2, y + 0.5), (4.75, y + 0.5))
        box(4.8, y, 1.7, 1.0, "its copy of G, D\nmean loss / 2\n→ gradient", "fake")
        arrow((6.6, y + 0.5), (7.25, 2.0))
        arrow((8.5, 2.0), (8.75, y + 0.5))
        box(8.8, y + 0.1, 1.1, 0.8, "the same\nstep", "fake")
    box(7.3, 1.55, 1.1, 0.9, "sum of the\ngradients", "discriminator")
    axes.text(7.85, 0.95, "all that travels", ha="center", fontsize=8)
    axes.set_title("Two devices, one step: only gradients travel")
    return figure


def draw_means(halves: Mapping[str, np.ndarray]) -> Figure:
    """How far the means of two half batches are from the whole batch's, by channel.

    Args:
        halves: label -> float (channels,), in standard deviations of the whole batch.
    """
    figure, axes = plt.subplots(figsize=(7.6, 2.7))
    marks = {"^": COLOURS["real"], "v": COLOURS["highlight"]}
    for (label, values), (mark, colour) in zip(
        halves.items(), marks.items(), strict=True
    ):
        axes.plot(values, mark, color=colour, label=label, ms=5)
    count = len(next(iter(halves.values())))
    axes.axhline(0, color=COLOURS["neutral"], lw=1.5, label="all 32 pictures")
    axes.set(xlabel="channel", ylabel="mean (deviations)", xticks=range(0, count, 4))
    axes.set_title("Each device subtracts another mean")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def draw_bars(
    groups: Mapping[str, Mapping[str, float]], unit: str, title: str
) -> Figure:
    """Horizontal bars in groups, with their numbers.

    Args:
        groups: group -> bar -> value.
        unit: of the values, for the axis.
        title: what to see.
    """
    colours = dict.fromkeys(name for bars in groups.values() for name in bars)
    palette = ("real", "highlight", "discriminator", "accent", "fake")
    colours = {n: COLOURS[c] for n, c in zip(colours, palette, strict=False)}
    total = sum(len(bars) for bars in groups.values()) + len(groups) - 1
    figure, axes = plt.subplots(figsize=(7.6, 0.3 * total + 1.0))
    place, ticks, seen = 0.0, {}, set()
    for group, bars in groups.items():
        ticks[group] = place + (len(bars) - 1) / 2
        for name, value in bars.items():
            label = None if name in seen else name
            seen.add(name)
            axes.barh(place, value, color=colours[name], label=label, height=0.8)
            text = f" {value:,.0f}" if value >= 10 else f" {value:.2f}"
            axes.text(value, place, text, va="center", fontsize=9)
            place += 1
        place += 1
    axes.set_yticks(list(ticks.values()), list(ticks))
    axes.invert_yaxis()
    axes.set(xlabel=unit, title=title)
    axes.margins(x=0.12)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def draw_grid(pixels: np.ndarray, title: str, width: float = 7.0) -> Figure:
    """A recorded grid of samples as it is.

    Args:
        pixels: uint8 (H, W, 3).
        title: what to see.
        width: of the figure, inches.
    """
    height = width * pixels.shape[0] / pixels.shape[1] + 0.35
    figure, axes = plt.subplots(figsize=(width, height))
    axes.imshow(pixels, interpolation="nearest")
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure
