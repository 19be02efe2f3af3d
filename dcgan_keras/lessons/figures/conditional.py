"""The figures of notebook 10, a digit that is asked for: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS, tile

SERIES = ("real", "fake", "discriminator", "accent", "highlight", "neutral")


def draw_search(
    images: np.ndarray, classes: np.ndarray, wanted: int, columns: int = 20
) -> Figure:
    """Draws in their order, with a frame around those that a search would keep.

    Args:
        images: (N, H, W, C) in [-1, 1].
        classes: whole numbers (N,), what the classifier sees.
        wanted: the digit.
        columns: images a row.
    """
    grid, side = tile(images, columns), images.shape[1]
    rows = grid.shape[0] // side
    figure, axis = plt.subplots(figsize=(8.4, 8.4 / columns * rows + 0.4))
    axis.imshow(grid, interpolation="nearest")
    for place in np.flatnonzero(classes == wanted):
        row, column = divmod(int(place), columns)
        corner = (column * side - 0.5, row * side - 0.5)
        frame = {"fill": False, "edgecolor": COLOURS["highlight"], "linewidth": 2}
        axis.add_patch(plt.Rectangle(corner, side, side, **frame))
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_title(
        f"The first {len(images)} draws; framed: what the judge calls {wanted}"
    )
    return figure


def draw_panels(
    panels: Mapping[str, np.ndarray],
    rows: Mapping[str, Sequence[str]],
    columns: Sequence[str],
    title: str,
    width: float = 8.4,
) -> Figure:
    """Grids of images side by side, with a name for each row and each column.

    Args:
        panels: name -> images (R, K, H, W, C) in [-1, 1].
        rows: name -> the names of its R rows.
        columns: the names of the K columns, in every panel.
        title: what to see.
        width: of the figure, inches.
    """
    first = next(iter(panels.values()))
    count, across, side = first.shape[0], first.shape[1], first.shape[2]
    each = (width / len(panels) - 0.9) / across
    height = each * count + (0.95 if len(panels) > 1 else 0.7)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False)
    for axis, (name, images) in zip(axes[0], panels.items(), strict=True):
        flat = images.reshape(-1, *images.shape[2:])
        axis.imshow(tile(flat, across), interpolation="nearest")
        axis.set_xticks(side * (np.arange(across) + 0.5), columns)
        axis.set_yticks(side * (np.arange(count) + 0.5), rows[name])
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        if len(panels) > 1:
            axis.set_title(name)
    figure.suptitle(title, fontsize=11)
    return figure


def draw_agreement(
    values: np.ndarray, pair: tuple[int, int], same: np.ndarray, other: np.ndarray
) -> Figure:
    """Do two digits of one z lean alike? One pair as points, then all pairs.

    Args:
        values: (10, N), the lean of each digit of each z.
        pair: the two digits of the left picture.
        same: the correlations of the 45 pairs of digits, each digit from the same z.
        other: the same with another z for each digit.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
    a, b = pair
    left.plot(values[a], values[b], ".", color=COLOURS["fake"], markersize=5, alpha=0.7)
    ends = np.array([values.min(), values.max()])
    left.plot(ends, ends, color=COLOURS["neutral"], linewidth=0.8, zorder=0)
    left.set(xlabel=f"lean of the {a} (pixels for each row)", ylabel=f"lean of the {b}")
    left.set_title(f"Each point is one z: its {a} and its {b}")
    bins = np.linspace(-0.4, 1, 29)
    for name, found, key in (
        ("the same z", same, "fake"),
        ("another z", other, "neutral"),
    ):
        right.hist(found, bins, color=COLOURS[key], alpha=0.75, label=name)
    right.set(
        xlabel="correlation of the lean", ylabel="pairs of digits", xlim=(-0.4, 1)
    )
    right.set_title("All 45 pairs of digits")
    right.legend(loc="upper center")
    return figure


def draw_trade(points: Mapping[str, np.ndarray]) -> Figure:
    """The nearest-neighbour error over the variety within a digit, a point a seed.

    Args:
        points: kind of images -> (seeds, 2): variety as a part of the real digits',
            error, 0 to 1.
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.3))
    keys = ("real", "discriminator", "highlight", "fake", "accent")
    for (name, found), key, marker in zip(points.items(), keys, "*Ds.^", strict=False):
        style = {"markersize": 11 if marker in "*." else 7, "color": COLOURS[key]}
        axis.plot(found[:, 0], 100 * found[:, 1], marker, label=name, **style)
    most = 100 * max(found[:, 1].max() for found in points.values())
    axis.set(xlim=(0, 1.1), ylim=(0, 1.1 * most))
    axis.set(xlabel="variety within a digit (test digits: 1)", ylabel="test error (%)")
    axis.set_title("Less variety, yet fewer errors: compare within each pair")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return figure


def draw_errors(
    curves: Mapping[str, Mapping[int, float]],
    title: str,
    paper: Mapping[str, tuple[int, float]] | None = None,
) -> Figure:
    """Test errors of nearest-neighbour classifiers over the size of their training set.

    Args:
        curves: source -> number of training images -> error, 0 to 1.
        title: what to see.
        paper: name -> (number of images, error), drawn as lone points.
    """
    figure, axis = plt.subplots(figsize=(7.6, 3.6))
    for (name, found), key in zip(curves.items(), SERIES, strict=False):
        counts = sorted(found)
        errors = [100 * found[count] for count in counts]
        axis.plot(counts, errors, "o-", color=COLOURS[key], markersize=4, label=name)
    for (name, (count, error)), marker in zip(
        (paper or {}).items(), "^vDs", strict=False
    ):
        style = {"color": "black", "markerfacecolor": "none", "markersize": 8}
        axis.plot(count, 100 * error, marker, label=name, **style)
    axis.set(xscale="log", yscale="log", title=title)
    axis.set(xlabel="training images", ylabel="test error (%)")
    points = [pair for found in curves.values() for pair in found.items()]
    points += (paper or {}).values()
    counts, shares = zip(*points, strict=True)
    _plain_ticks(axis, [100 * share for share in shares], sorted({*counts}))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return figure


def draw_together(images: np.ndarray, place: float) -> Figure:
    """A frame of the film: what one z makes of each of the ten digits.

    Args:
        images: (10, H, W, C) in [-1, 1].
        place: of the frame on the walk, 0 to 1.
    """
    figure, axis = plt.subplots(figsize=(4.8, 2.4))
    axis.imshow(tile(images, 5), interpolation="nearest")
    width = 5 * images.shape[2]
    axis.plot([-0.5, width * place - 0.5], [59, 59], color=COLOURS["fake"], linewidth=4)
    axis.set(xticks=[], yticks=[], xlim=(-0.5, width - 0.5), ylim=(61, -0.5))
    axis.spines[:].set_visible(False)
    axis.set_title("One z for all ten digits. The bar: how far it has walked")
    return figure


def _plain_ticks(axis: Axes, errors: Sequence[float], counts: Sequence[int]) -> None:
    ticks = (1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50)
    ticks = [t for t in ticks if 0.7 * min(errors) <= t <= 1.3 * max(errors)]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    if max(counts) > 100 * min(counts):
        counts = [10**n for n in range(1, 9) if min(counts) <= 10**n <= max(counts)]
    axis.set_xticks(counts, [f"{count:,}" for count in counts])
    axis.minorticks_off()
