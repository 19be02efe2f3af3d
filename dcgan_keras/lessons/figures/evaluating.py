"""The figures of notebook 08, evaluating and exploring: arrays in, a Figure out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dcgan_keras.visualization import COLOURS, tile


def draw_strips(rows: Mapping[str, np.ndarray], title: str, width: float = 8) -> Figure:
    """One strip of images for each name, in their order, all on the scale of pixels.

    Args:
        rows: name -> images (N, H, W, C) in [-1, 1]; ``"\\n"`` in a name breaks it.
        title: what to see.
        width: of the figure, inches.
    """
    count = max(len(images) for images in rows.values())
    side = next(iter(rows.values())).shape[2]
    height = ((width - 1.3) / count + 0.08) * len(rows) + 0.4
    figure, axes = plt.subplots(len(rows), 1, figsize=(width, height), squeeze=False)
    for axis, (name, images) in zip(axes[:, 0], rows.items(), strict=True):
        axis.imshow(tile(images, len(images)), interpolation="nearest", aspect="equal")
        axis.set(xticks=[], yticks=[], xlim=(-0.5, side * count - 0.5))
        axis.set_ylabel(name, rotation=0, ha="right", va="center")
        axis.spines[:].set_visible(False)
    axes[0, 0].set_title(title)
    return figure


def draw_judged(
    images: np.ndarray, probabilities: np.ndarray, title: str, columns: int = 12
) -> Figure:
    """Images with the class that the judge sees in them and its probability.

    Args:
        images: (N, 28, 28, 1) in [-1, 1].
        probabilities: (N, 10); one below 0.9 is drawn in colour.
        title: what to see.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(8.4, 0.95 * rows + 0.4))
    figure.suptitle(title, fontsize=11)
    for axis, image, row in zip(grid.flat, images, probabilities, strict=True):
        sure = row.max() >= 0.9
        axis.imshow(image[..., 0], vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        colour = "black" if sure else COLOURS["fake"]
        said = f"{row.argmax()}: {row.max():.2f}"
        axis.set_title(said, fontsize=8, color=colour, pad=2)
    return figure


def draw_bias(
    sizes: Sequence[int], curves: Mapping[str, Sequence[Sequence[float]]]
) -> Figure:
    """The distance of the same images over how many of them are compared.

    Args:
        sizes: numbers of images.
        curves: of samples and of real images: for each size the distances of its draws.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3.2))
    for (name, values), key in zip(curves.items(), ("fake", "real"), strict=True):
        for size, row in zip(sizes, values, strict=True):
            places = [size] * len(row)
            axis.plot(places, row, ".", color=COLOURS[key], alpha=0.6, markersize=5)
        means = [np.mean(row) for row in values]
        axis.plot(sizes, means, color=COLOURS[key])
        axis.annotate(
            name,
            (1.01, means[-1]),
            xycoords=("axes fraction", "data"),
            va="center",
            color=COLOURS[key],
        )
    axis.set(
        xscale="log", yscale="log", xlabel="images compared with 10,000 test images"
    )
    _plain_ticks(axis.xaxis, sizes)
    _plain_ticks(axis.yaxis, (0.1, 0.2, 0.5, 1, 2, 5))
    axis.set_ylabel("Fréchet distance (features²)")
    axis.set_title("The same images, but fewer of them: a larger distance")
    return figure


def draw_stamps(
    pictures: Sequence[int],
    distances: np.ndarray,
    recalls: np.ndarray,
    ours: Sequence[float],
    floor: Sequence[float],
) -> Figure:
    """What a machine gets that owns a few pictures and repeats them.

    Args:
        pictures: how many it owns.
        distances, recalls: (pictures, draws).
        ours, floor: distance and recall of our samples and of real images.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.3))
    titles = ("The distance forgives a hundred stamps", "Recall does not")
    for axis, values, index, title in zip(
        axes, (distances, recalls), (0, 1), titles, strict=True
    ):
        axis.plot(pictures, values, ".", color=COLOURS["accent"], markersize=6)
        axis.plot(pictures, values.mean(axis=1), color=COLOURS["accent"])
        for name, row, key in (
            ("our generator", ours, "fake"),
            ("real digits", floor, "real"),
        ):
            axis.axhline(row[index], color=COLOURS[key], linestyle="--", linewidth=1.2)
            axis.annotate(
                name,
                (0.02 if index == 0 else 0.98, row[index]),
                xycoords=("axes fraction", "data"),
                xytext=(0, -2 if index and key == "fake" else 2),
                textcoords="offset points",
                va="top" if index and key == "fake" else "bottom",
                ha="left" if index == 0 else "right",
                color=COLOURS[key],
                fontsize=9,
            )
        axis.set(xscale="log", xlabel="pictures that the machine owns", title=title)
        _plain_ticks(axis.xaxis, pictures)
    axes[0].set(yscale="log", ylabel="Fréchet distance (features²)")
    _plain_ticks(axes[0].yaxis, (0.1, 0.2, 0.5, 1, 2, 5, 10))
    axes[1].set(ylim=(-0.03, 1), ylabel="recall (share)")
    return figure


def _plain_ticks(axis, places: Sequence[float]) -> None:
    axis.set_ticks(places, [f"{place:,}" for place in places])
    axis.set_ticks([], minor=True)


def ring_and_arc(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """60 points around a circle, and 60 others: a third of it, and ten far away.

    Args:
        rng: of the draws.

    Returns:
        Two arrays (60, 2).
    """
    angles = rng.uniform(0, 2 * np.pi, 60), rng.uniform(0, 2.1, 60)
    ring, arc = (
        np.stack([np.cos(t), np.sin(t)], axis=1) + rng.normal(0, 0.1, (60, 2))
        for t in angles
    )
    arc[50:] = rng.uniform((-1.7, 1.2), (-1.1, 1.8), (10, 2))
    return ring, arc


def draw_supports(real: np.ndarray, fake: np.ndarray, neighbours: int = 3) -> Figure:
    """Precision and recall of points of the plane: balls around each set.

    Args:
        real, fake: (N, 2).
        neighbours: the radius of a ball reaches so many others of its own set.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.7), sharex=True, sharey=True)
    pairs = ((real, fake, "real", "fake"), (fake, real, "fake", "real"))
    names = ("precision: fakes among the reals", "recall: reals among the fakes")
    for axis, (support, points, own, other), name in zip(
        axes, pairs, names, strict=True
    ):
        gaps = np.linalg.norm(support[:, None] - support, axis=2)
        radii = np.sort(gaps, axis=1)[:, neighbours]
        for centre, radius in zip(support, radii, strict=True):
            axis.add_patch(plt.Circle(centre, radius, color=COLOURS[own], alpha=0.12))
        inside = (np.linalg.norm(points[:, None] - support, axis=2) <= radii).any(1)
        axis.plot(*support.T, ".", color=COLOURS[own], markersize=4)
        axis.plot(*points[inside].T, "o", color=COLOURS[other], markersize=5)
        axis.plot(*points[~inside].T, "x", color=COLOURS[other], markersize=6)
        axis.set_title(f"{name}, {inside.sum()} of {len(points)}")
        axis.set(xticks=[], yticks=[], aspect="equal", xlabel="feature 1")
    axes[0].set_ylabel("feature 2")
    return figure


def draw_sharpness(ruler: Mapping[float, float], found: Mapping[str, float]) -> Figure:
    """Steepness of the edges of blurred real digits, and of others, on one axis.

    Args:
        ruler: blur in pixels -> steepness.
        found: name -> steepness.
    """
    figure, axis = plt.subplots(figsize=(6.8, 3.2))
    axis.plot(*zip(*ruler.items(), strict=True), "o-", color=COLOURS["real"])
    keys = ("real", "fake", "highlight", "accent")
    for (name, value), key in zip(found.items(), keys, strict=False):
        axis.axhline(value, color=COLOURS[key], linestyle="--", linewidth=1.2)
        others = [other - value for other in found.values() if other != value]
        near = min(others, key=abs) if others else 1.0
        va = "center" if abs(near) > 0.1 else "top" if near > 0 else "bottom"
        axis.annotate(
            name,
            (1.01, value),
            xycoords=("axes fraction", "data"),
            va=va,
            color=COLOURS[key],
        )
    axis.set(xlabel="blur of the real digits (pixels)", ylim=(0, 1.25))
    axis.set_title("Sharper than real digits, by a trace")
    axis.set_ylabel("steepness of edges\n(pixel values a pixel)")
    return figure


def draw_distances(distances: Mapping[str, np.ndarray], limit: float) -> Figure:
    """Histograms of the distances to the nearest training image.

    Args:
        distances: name -> (N,); of held-out images, of samples, of copies.
        limit: 1 in 100 held-out images is nearer.
    """
    figure, axis = plt.subplots(figsize=(7, 3))
    edges = np.linspace(0, 15, 46)
    for (name, values), key in zip(
        distances.items(), ("real", "fake", "accent"), strict=False
    ):
        weights = np.full(len(values), 1 / len(values))
        axis.hist(
            values.clip(max=edges[-1]),
            edges,
            weights=weights,
            color=COLOURS[key],
            alpha=0.5,
            label=name,
        )
    axis.axvline(limit, color="black", linestyle=":", linewidth=1)
    axis.text(limit + 0.1, 0.095, "1 in 100 test images is nearer", fontsize=9)
    axis.text(0.4, 0.108, "all copies", fontsize=9, color=COLOURS["accent"])
    axis.set(xlabel="distance to the nearest training image (pixel values)")
    axis.set(ylabel="share of the images", ylim=(0, 0.115), xlim=(-0.2, 15.2))
    axis.set_title("Copies pile up at 0; new digits keep away from it")
    axis.legend(loc="upper right")
    return figure


def draw_panel(
    table: Mapping[str, Mapping[str, float]], allowed: Mapping[str, tuple]
) -> Figure:
    """A table of measures; what lies outside of the allowed range is coloured.

    Args:
        table: name of a set -> measure -> value.
        allowed: measure -> (lowest, highest) that is still as good as real digits.
    """
    names, measures = list(table), list(allowed)
    figure, axis = plt.subplots(figsize=(8.4, 0.36 * len(names) + 0.75))
    for row, name in enumerate(names):
        for column, measure in enumerate(measures):
            value, (low, high) = table[name][measure], allowed[measure]
            caught = not low <= value <= high
            colour = COLOURS["highlight"] if caught else "white"
            axis.add_patch(plt.Rectangle((column, row), 0.94, 0.9, color=colour))
            said = f"{value:.2f}" if value < 10 else f"{value:.0f}"
            axis.text(column + 0.47, row + 0.45, said, ha="center", va="center")
    axis.set(xlim=(0, len(measures)), ylim=(len(names), 0))
    axis.set_xticks(np.arange(len(measures)) + 0.47, measures)
    axis.set_yticks(np.arange(len(names)) + 0.45, names)
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_title("Orange: outside what real digits allow", pad=8)
    return figure


def draw_verdict(
    groups: Mapping[str, Sequence[Mapping[str, float]]], measures: Mapping[str, str]
) -> Figure:
    """One small axis a measure, one column a group, one dot a run or draw.

    Args:
        groups: name -> rows; each row: measure -> value.
        measures: key in the rows -> label of the axis.
    """
    figure, axes = plt.subplots(
        1, len(measures), figsize=(9.4, 3.4), squeeze=False, layout="constrained"
    )
    figure.suptitle(
        "Real digits, our network, the paper's recipe, the copier", fontsize=11
    )
    keys = ("real", "fake", "fake", "neutral", "accent")
    for axis, (measure, label) in zip(axes[0], measures.items(), strict=True):
        for place, ((name, rows), key) in enumerate(
            zip(groups.items(), keys, strict=True)
        ):
            values = [row[measure] for row in rows]
            x = place + np.linspace(-0.2, 0.2, len(rows)) if len(rows) > 1 else [place]
            mark = "o" if name != "draws of z" else "x"
            axis.plot(x, values, mark, color=COLOURS[key], markersize=5)
        axis.set_xticks(range(len(groups)), groups, rotation=90, fontsize=9)
        axis.set(title=label, xlim=(-0.6, len(groups) - 0.4))
        if measure == "frechet_distance":
            axis.set_yscale("log")
            _plain_ticks(axis.yaxis, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20))
        elif measure == "distance_ratio":
            axis.set_ylim(-0.05, 1.5)
        else:
            axis.set_ylim(0, 1.02)
    return figure


def draw_neighbours(
    by_size: Mapping[int, Sequence], by_k: Mapping[int, Sequence]
) -> Figure:
    """Precision and recall over the number of images, and over k.

    Args:
        by_size, by_k: number -> pairs (of samples, of real images), each a
            ``PrecisionRecall``.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
    figure.suptitle(
        "With n the samples' recall falls below real digits'; with k all four rise",
        fontsize=11,
    )
    labels = ("images a side (k = 3)", "k (2,000 images a side)")
    for axis, table, label in zip(axes, (by_size, by_k), labels, strict=True):
        for index, key in enumerate(("fake", "real")):
            for measure, style in (("precision", "o-"), ("recall", "s--")):
                values = [getattr(row[index], measure) for row in table.values()]
                who = "samples" if key == "fake" else "real digits"
                axis.plot(
                    list(table),
                    values,
                    style,
                    color=COLOURS[key],
                    markersize=4,
                    label=f"{measure}, {who}",
                )
        axis.set(xscale="log", xlabel=label, ylim=(0.4, 1.02))
        _plain_ticks(axis.xaxis, list(table))
    axes[0].set_ylabel("share")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return figure


def draw_kept(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """How many digits a move keeps, over how much lean it adds.

    Args:
        curves: name -> (lean gained in pixels a row, share of digits kept).
    """
    figure, axis = plt.subplots(figsize=(6.6, 3.3))
    keys = ("fake", "highlight", "real")
    for (name, (gain, kept)), key in zip(curves.items(), keys, strict=True):
        axis.plot(gain, kept, "o-", color=COLOURS[key], label=name, markersize=4)
    axis.set(xlabel="lean gained (pixels to the right for each row up)", ylim=(0, 1.05))
    axis.set(ylabel="digit kept (share of 90)", xlim=(-0.03, 0.9))
    axis.set_title("Compare at equal lean: read the curves on one vertical line")
    axis.legend(loc="lower left")
    return figure


def draw_lengths(lengths: np.ndarray, paths: Mapping[str, np.ndarray]) -> Figure:
    """How long z is, and how long the points of two paths are.

    Args:
        lengths: of random z, (N,).
        paths: "linear" and "spherical" -> lengths along the path, (points,).
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.6, 3), sharey=True, width_ratios=(1, 2)
    )
    left.hist(
        lengths, 40, orientation="horizontal", density=True, color=COLOURS["neutral"]
    )
    left.set(xlabel="density", ylabel="length of z", ylim=(0, None))
    left.set_title("random z")
    for (name, values), key in zip(paths.items(), ("fake", "real"), strict=True):
        t = np.linspace(0, 1, len(values))
        right.plot(t, values, color=COLOURS[key], label=name)
    low, high = np.quantile(lengths, [0.0005, 0.9995])
    right.axhspan(low, high, color=COLOURS["neutral"], alpha=0.2)
    right.set(xlabel="t, from a to b", title="grey: 999 in 1,000 random z")
    right.legend(loc="lower left")
    return figure


def draw_equation(terms: Sequence[np.ndarray], names: Sequence[str]) -> Figure:
    """Terms of a sum of latent vectors side by side; the last one is the result.

    Args:
        terms: images (N, H, W, 1) each; a square number of them is drawn as a square,
            another number as a column.
        names: one a term, with its sign.
    """
    sides = [int(np.sqrt(len(images))) for images in terms]
    columns = [
        side if side**2 == len(images) else 1
        for side, images in zip(sides, terms, strict=True)
    ]
    wide = [
        1.0 if len(x) > n == 1 else 2.4 for x, n in zip(terms, columns, strict=True)
    ]
    figure, axes = plt.subplots(
        1, len(terms), figsize=(1.05 * sum(wide), 2.8), width_ratios=wide
    )
    for axis, images, name, count in zip(axes, terms, names, columns, strict=True):
        axis.imshow(tile(images, count))
        axis.set(xticks=[], yticks=[])
        axis.set_title(name, fontsize=9)
    for spine in axes[-1].spines.values():
        spine.set(visible=True, color=COLOURS["highlight"], linewidth=3)
    return figure


def draw_probes(counts: Sequence[int], tables: Mapping[str, np.ndarray]) -> Figure:
    """Accuracy over the number of labels: mean and full range over the draws.

    Args:
        counts: numbers of labels.
        tables: features -> accuracies (counts, draws) in [0, 1]; pixels first, random
            dense features second, the trained D last, untrained ones between them.
    """
    figure, axis = plt.subplots(figsize=(6.8, 3.4))
    names = list(tables)
    for place, (name, table) in enumerate(tables.items()):
        x = np.array(counts) * 1.06 ** (place - len(names) // 2)  # side by side
        keys = {names[0]: "neutral", names[1]: "accent", names[-1]: "discriminator"}
        key = keys.get(name, "highlight")
        label = name
        if key == "highlight":  # one entry in the legend for all of them
            label = "untrained D, three seeds" if place == 2 else ""
        _mean_and_range(axis, x, table, COLOURS[key], label)
    axis.set(xscale="log", ylim=(0, 1), xlabel="labelled images", ylabel="accuracy")
    _plain_ticks(axis.xaxis, counts)
    axis.axhline(0.1, color=COLOURS["neutral"], linewidth=1, linestyle=":")
    axis.text(counts[0], 0.12, "guessing", color=COLOURS["neutral"], fontsize=8)
    axis.set_title("D with 100 labels beats pixels with 1,000")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.12))
    return figure


def _mean_and_range(axis: Axes, x: np.ndarray, table: np.ndarray, colour, name) -> None:
    mean = table.mean(axis=1)
    bars = np.stack([mean - table.min(axis=1), table.max(axis=1) - mean])
    axis.errorbar(x, mean, bars, fmt="o-", color=colour, label=name, capsize=3)
