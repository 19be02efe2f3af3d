"""The figures of notebook 01, what is a GAN: arrays in, a Figure or frames out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from dcgan_keras.visualization import COLOURS, figure_pixels


def draw_rows(rows: Mapping[str, np.ndarray], title: str, count: int = 6) -> Figure:
    """The first ``count`` pictures of each set in a row of its own.

    Args:
        rows: name of the row -> pictures, float (N, H, W) in [-1, 1].
        title: of the figure.
        count: pictures a row, always the first ones.
    """
    size = (0.6 * count + 0.8, 0.65 * len(rows) + 0.35)
    figure, grid = plt.subplots(len(rows), count, figsize=size)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axis, image in zip(axes, images[:count], strict=True):
            axis.imshow(image, vmin=-1, vmax=1)
            axis.set(xticks=[], yticks=[])
    figure.suptitle(title)
    return figure


def draw_exponential(samples: np.ndarray, density) -> Figure:
    """Equal slices of z carried by exp, beside the samples and their density.

    Args:
        samples: exp(z) for many z ~ N(0, 1), shape (N,).
        density: function from points > 0 to the density, same shape.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.0))
    z, x = np.linspace(-2.5, 1.5, 100), np.linspace(0.01, 4, 400)
    left.plot(z, np.exp(z), color=COLOURS["neutral"])
    for edge in stats.norm.ppf(np.linspace(0.1, 0.9, 9)):
        corner = [0, np.exp(edge), np.exp(edge)]
        left.plot([edge, edge, -2.5], corner, color=COLOURS["fake"], linewidth=0.8)
    left.set(xlabel="z", ylabel="x = exp(z)", xlim=(-2.5, 1.5), ylim=(0, 4))
    left.set_title("Equal slices of z, unequal slices of x")
    heights = np.full(len(samples), 20 / len(samples))  # 80 bins of width 1/20
    style = dict(color=COLOURS["fake"], alpha=0.4, label=f"{len(samples):,} samples")
    right.hist(samples, bins=80, range=(0, 4), weights=heights, **style)
    right.plot(x, density(x), color=COLOURS["fake"], label="φ(ln x) / x")
    right.set(xlabel="x", ylabel="density", xlim=(0, 4))
    right.set_title("Crowded where exp is flat")
    right.legend()
    return figure


def draw_learned(
    noise: np.ndarray,
    targets: np.ndarray,
    learned: np.ndarray,
    edges: np.ndarray,
    implied: np.ndarray,
    p_data: np.ndarray,
) -> Figure:
    """A function learned from pairs, and the density that it implies.

    Args:
        noise, targets, learned: z, x and the network's x, each (N, 1), in order.
        edges: bin edges (B + 1,).
        implied, p_data: densities (B,): the mean over each bin, at its middle.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.8))
    left.plot(noise, targets, color=COLOURS["real"], label="sorted data")
    left.plot(noise, learned, "--", color=COLOURS["fake"], label="learned")
    left.set(xlabel="z", ylabel="x", title="A function learned from pairs")
    _fill_data(right, (edges[:-1] + edges[1:]) / 2, p_data)
    right.stairs(implied, edges, color=COLOURS["fake"], label="implied density")
    right.set(xlabel="x", ylabel="density", xlim=(edges[0], edges[-1]))
    right.set_title("… makes two bumps from one")
    left.legend()
    right.legend()
    return figure


def draw_world(axis: Axes, snapshot, grid: np.ndarray, p_data: np.ndarray) -> None:
    """p_data, p_G (a histogram of the samples) and D on common axes.

    Args:
        axis: where to draw.
        snapshot: a games.Snapshot of one-dimensional data.
        grid: points (M, 1), evenly spaced: D was recorded there, p_G is binned there.
        p_data: density (M,) at these points.
    """
    x, half = grid[:, 0], (grid[1, 0] - grid[0, 0]) / 2
    edges = np.append(x - half, x[-1] + half)
    counts, _ = np.histogram(snapshot.samples, edges)
    p_fake = counts / len(snapshot.samples) / (2 * half)
    _fill_data(axis, x, p_data)
    axis.stairs(p_fake, edges, color=COLOURS["fake"], linewidth=1.4, label="p_G")
    green = COLOURS["discriminator"]
    axis.plot(x, snapshot.probabilities, color=green, label="D(x)")
    axis.axhline(0.5, color=COLOURS["neutral"], linewidth=0.8, linestyle=":")
    axis.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.05), xlabel="x")
    axis.set_title(f"step {snapshot.step:,}")


def draw_worlds(snapshots: Sequence, grid: np.ndarray, p_data: np.ndarray) -> Figure:
    """Four snapshots of one-dimensional training with the same axes."""
    figure, axes = plt.subplots(2, 2, figsize=(7.4, 4.5), sharex=True, sharey=True)
    for axis, snapshot in zip(axes.flat, snapshots, strict=True):
        draw_world(axis, snapshot, grid, p_data)
        axis.set_ylabel("density, or D(x)")
        axis.label_outer()
    axes[0, 0].legend(loc="upper left")
    figure.suptitle("D falls where p_G is too high, and p_G flees from there")
    return figure


def world_frames(
    snapshots: Sequence, grid: np.ndarray, p_data: np.ndarray
) -> list[np.ndarray]:
    """``draw_world`` for each snapshot as a uint8 RGB frame (162, 288, 3)."""
    figure, axis = plt.subplots(figsize=(4.8, 2.7), dpi=60)
    frames = []
    for snapshot in snapshots:
        axis.clear()
        draw_world(axis, snapshot, grid, p_data)
        frames.append(figure_pixels(figure, close=False))
        figure.set_layout_engine("none")  # the first frame's layout holds for all
    plt.close(figure)
    return frames


def draw_pages(data: np.ndarray, snapshots: Sequence, side: np.ndarray) -> Figure:
    """Data points, then G's samples over D's surface, one panel a snapshot.

    Args:
        data: real points (N, 2).
        snapshots: games.Snapshot each, D recorded on the square grid of ``side``.
        side: coordinates (S,) of the grid's rows and columns.
    """
    panels = len(snapshots) + 1
    figure, axes = plt.subplots(1, panels, figsize=(9.2, 2.3), sharey=True)
    axes[0].plot(*data.T, ".", color=COLOURS["real"], markersize=2)
    axes[0].set(title="data")
    levels = np.linspace(0, 1, 11)
    for axis, snapshot in zip(axes[1:], snapshots, strict=True):
        surface = snapshot.probabilities.reshape(len(side), len(side))
        filled = axis.contourf(side, side, surface, levels=levels, cmap="PRGn")
        axis.plot(*snapshot.samples[:500].T, ".", color=COLOURS["fake"], markersize=2)
        axis.set(title=f"step {snapshot.step:,}")
    for axis in axes:
        axis.set(xlim=side[[0, -1]], ylim=side[[0, -1]], aspect="equal")
        axis.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    figure.colorbar(filled, ax=axes, label="D(x)", ticks=[0, 0.5, 1])
    return figure


def draw_distances(steps: Sequence[int], distances: np.ndarray, floor: float) -> Figure:
    """The distance to the data over the steps, one line a seed.

    Args:
        steps: (T,).
        distances: (seeds, T), in the unit of the data.
        floor: the distance between two samples of real data.
    """
    figure, axis = plt.subplots(figsize=(6.2, 2.7))
    axis.plot(steps, distances.T, linewidth=1.2, color=COLOURS["fake"], alpha=0.7)
    style = dict(color=COLOURS["real"], linestyle="--")
    axis.axhline(floor, label="two samples of real data", **style)
    axis.set(xlabel="step", ylabel="distance to the data")
    axis.set(xlim=(0, steps[-1]), ylim=(0, 2))
    axis.set_title("Each line a seed: all get close, none stays still")
    axis.legend()
    return figure


def _fill_data(axis: Axes, x: np.ndarray, p_data: np.ndarray) -> None:
    style = dict(color=COLOURS["real"], alpha=0.3, linewidth=0, label="p_data")
    axis.fill_between(x, p_data, **style)
