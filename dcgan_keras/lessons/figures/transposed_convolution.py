"""The figures and films of notebook 03: arrays in, a Figure or frames out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from dcgan_keras.convolution import conv_output_size, convolution_matrix
from dcgan_keras.lessons.explorer import live_picture
from dcgan_keras.visualization import COLOURS, figure_pixels, show_film

# One colour for each tap of a 3x3 kernel: a hue for its row, a shade for its column.
TAPS = [
    *("#BFDDF0", "#6DB1DB", "#0072B2"),  # blues
    *("#F9D9C0", "#EE9B63", "#D55E00"),  # vermilions
    *("#BFE6DA", "#5CC2A3", "#009E73"),  # greens
]
WORDS = {"ha": "center", "va": "center"}


def draw_table(axes: Axes, values, title: str = "", colours=None) -> None:
    """A matrix as cells with their numbers; a zero is a pale dot.

    Args:
        axes: where.
        values: real array (rows, columns).
        title: above it.
        colours: one for each cell, (rows, columns); None: white where not zero.
    """
    values = np.atleast_2d(values)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if colours is None or not value else colours[row][column]
        patch = plt.Rectangle((column, row), 1, 1, fc=colour, ec="0.85", lw=0.6)
        axes.add_patch(patch)
        said, tone = (f"{value:g}", "black") if value else ("·", "0.7")
        tone = "white" if colour in TAPS[2::3] else tone  # on the darkest shades
        axes.text(column + 0.5, row + 0.5, said, color=tone, fontsize=9, **WORDS)
    height, width = values.shape
    axes.add_patch(plt.Rectangle((0, 0), width, height, fill=False, ec="black", lw=1.2))
    axes.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -0.1), aspect="equal")
    axes.set_title(title, fontsize=10)
    axes.axis("off")


def tap_colours(where: np.ndarray) -> list[list[str]]:
    """Colours for cells that hold the number of a tap, 1 to 9; 0 is no tap."""
    return [[TAPS[int(tap) - 1] if tap else "white" for tap in row] for row in where]


def draw_both_ways(W, image, outputs, values, grown) -> Figure:
    """W times an image above; below it the transpose, and its columns as stamps.

    Args:
        W: (4, 16), of a 3x3 kernel that holds its taps' numbers, 1 to 9.
        image, outputs: (4, 4) and (2, 2), W times the one is the other.
        values, grown: (2, 2) and (4, 4), the transpose of W times one is the other.
    """
    figure = plt.figure(figsize=(9.6, 9.12), layout="none")
    page = figure.add_axes((0, 0, 1, 1))
    page.set(xlim=(0, 28.2), ylim=(26.8, 0))
    page.axis("off")

    def put(array, left, top, title="", colours=None, frame=1.2, size=8.5):
        height, width = array.shape
        for (row, column), value in np.ndenumerate(array):
            colour = "white" if colours is None or not value else colours[row][column]
            corner = (left + column, top + row)
            page.add_patch(plt.Rectangle(corner, 1, 1, fc=colour, ec="0.85", lw=0.6))
            said, tone = (f"{value:g}", "black") if value else ("·", "0.65")
            tone = "white" if colour in TAPS[2::3] else tone  # on the darkest shades
            place = corner[0] + 0.5, corner[1] + 0.5
            page.text(*place, said, color=tone, fontsize=size, **WORDS)
        box = {"fill": False, "ec": "black", "lw": frame}
        page.add_patch(plt.Rectangle((left, top), width, height, **box))
        page.text(left + width / 2, top - 0.55, title, fontsize=10, **WORDS)

    def sign(x, y, said):
        size = 30 if said == "·" else 17
        page.text(x, y, said, fontsize=size, **WORDS)

    colours = tap_colours(W)
    top = 2.2
    heading = {"fontsize": 12.5, "fontweight": "bold", "va": "center"}
    page.text(0.6, 0.7, "Read: W · image", **heading)
    put(W, 0.6, top, "W, 4×16: each row is a window", colours)
    sign(17.7, top + 2, "·")
    put(image, 18.8, top, "image, 4×4\n(flattened: 16 numbers)")
    sign(23.9, top + 2, "=")
    put(outputs, 25.0, top + 1, "outputs, 2×2")

    top = 10.4
    title = "Write: Wᵀ · map, the same numbers turned on their side"
    page.text(0.6, 8.6, title, **heading)
    put(W.T, 0.6, top, "Wᵀ, 16×4", np.transpose(np.array(colours)))
    sign(5.4, top + 8, "·")
    put(values.reshape(4, 1), 6.2, top + 6, "map")
    sign(8.0, top + 8, "=")
    put(grown.reshape(16, 1), 8.8, top, "result")
    page.text(21.6, top - 0.55, "each column of Wᵀ, folded to 4×4, is a stamp", **WORDS)
    for number, value in enumerate(values.ravel()):
        row, column = divmod(number, 2)
        left, high = 14.2 + 8.4 * column, top + 0.7 + 5.0 * row
        sign(left - 1.6, high + 2, f"{'+ ' if number else ''}{value:g} ×")
        stamp = W[number].reshape(4, 4)
        put(stamp, left, high, "", tap_colours(stamp))
    sign(13.2, top + 13.4, "=")
    put(grown, 14.2, top + 11.4)
    words = "result, 4×4: the same\nsixteen numbers as in\nthe column on the left"
    page.text(18.8, top + 13.4, words, fontsize=10, va="center")
    return figure


def film_stamps_1d(values, kernel, strides: int) -> list[np.ndarray]:
    """Frames: one value after the other lays down its scaled kernel; overlaps add."""
    values, kernel = np.asarray(values, float), np.asarray(kernel, float)
    length = (len(values) - 1) * strides + len(kernel)
    stamps = np.zeros((len(values), length))
    for place, value in enumerate(values):
        stamps[place, place * strides : place * strides + len(kernel)] = value * kernel
    highest = stamps.sum(axis=0).max() * 1.25
    tones = [COLOURS[name] for name in ("real", "fake", "discriminator", "highlight")]
    frames, places = [], np.arange(length)
    for done in range(len(values) + 1):
        for lift in (0.35, 0.15, 0.0) if done < len(values) else (0.0,):
            shape = {"figsize": (6.4, 4.0), "height_ratios": [1, 1.7]}
            figure, (above, below) = plt.subplots(2, 1, sharex=True, **shape)
            centres = np.arange(len(values)) * strides + (len(kernel) - 1) / 2
            bars = above.bar(centres, values, 0.8, color="0.85")
            below_now = np.zeros(length)
            for number in range(min(done + 1, len(values))):
                falling = lift * highest if number == done else 0
                label = f"{values[number]:g} × [1 2 1]"
                style = {"color": tones[number], "ec": "white", "label": label}
                below.bar(places, stamps[number], 0.9, below_now + falling, **style)
                bars[number].set_color(tones[number])
                if not falling:
                    below_now = below_now + stamps[number]
            for place, total in enumerate(below_now):
                if total:
                    at = (place, total + 0.02 * highest)
                    below.text(*at, f"{total:g}", ha="center", fontsize=10)
            for centre, value in zip(centres, values, strict=True):
                above.text(centre, value + 0.1, f"{value:g}", ha="center")
            above.set(ylim=(0, values.max() * 1.35), ylabel="input value")
            limits = {"xlim": (-0.7, length - 0.3), "ylim": (0, highest)}
            below.set(**limits, xlabel="output position", ylabel="sum of the stamps")
            below.set_xticks(places)
            above.set_title("Each value lays down its own copy of the kernel")
            below.legend(loc="upper left", fontsize=9)
            frames.append(figure_pixels(figure))
    return frames


def film_stamps_2d(values, kernel, strides: int) -> list[np.ndarray]:
    """Frames: a 2-D map is stamped value by value; counts show what overlaps.

    Args:
        values: (rows, columns), what is stamped.
        kernel: (k, k).
        strides: distance of two stamps, in pixels.
    """
    values, kernel = np.asarray(values, float), np.asarray(kernel, float)
    k, (rows, columns) = len(kernel), values.shape
    shape = (rows - 1) * strides + k, (columns - 1) * strides + k
    total, counts, frames = np.zeros(shape), np.zeros(shape, int), []
    everything = [*np.ndindex(values.shape), None]
    for place in everything:
        for landed in (False, True) if place else (True,):
            if place:
                top, left = place[0] * strides, place[1] * strides
                area = np.s_[top : top + k, left : left + k]
                if landed:
                    total[area] += values[place] * kernel
                    counts[area] += 1
            figure, axes = plt.subplots(
                1, 3, figsize=(7.2, 3.3), width_ratios=[2, 3, 5]
            )
            now = np.full(values.shape, "white", object)
            if place:
                now[place] = COLOURS["highlight"]
            draw_table(axes[0], values, "map", now)
            if place:
                scaled = values[place] * kernel
                draw_table(axes[1], scaled, f"{values[place]:g} × kernel")
            else:
                draw_table(axes[1], kernel, "kernel")
            shades = np.array(["white", "#D6E9F5", "#7CB9E0", "#7CB9E0", "#2E8BC0"])
            draw_table(axes[2], total, "output: overlaps add", shades[counts])
            if place:
                tone = {"fill": False, "ec": COLOURS["highlight"], "lw": 3}
                axes[2].add_patch(plt.Rectangle((left, top), k, k, **tone))
            said = "shade: 1, 2 or 4 stamps on the pixel"
            axes[2].text(shape[1] / 2, shape[0] + 0.35, said, fontsize=9, **WORDS)
            axes[2].set_ylim(shape[0] + 0.7, -0.1)
            frames.append(figure_pixels(figure))
    return frames


def slide_layer(live: bool) -> None:
    """One output after the other, and its row of W: sliders, or else a film.

    Args:
        live: whether somebody can move a slider; see ``explorer.is_live``.
    """
    if live:
        _show_sliders()
        return
    frames = [figure_pixels(draw_layer(5, 3, 2, "same", one)) for one in range(1, 10)]
    alt = (
        "A 3x3 window moves over a 5x5 image in steps of two, over its border too; "
        "for each of nine outputs one row of W is lit."
    )
    show_film(frames, alt, seconds_per_frame=0.8, width=720)


def _show_sliders() -> None:
    import ipywidgets
    from IPython.display import display

    ranges = {"image": (2, 4, 8), "kernel": (1, 3, 5), "stride": (1, 1, 3)}
    controls = [
        ipywidgets.IntSlider(value=value, min=least, max=most, description=name)
        for name, (least, value, most) in ranges.items()
    ]
    controls += [
        ipywidgets.Dropdown(options=["valid", "same"], description="padding"),
        ipywidgets.IntSlider(value=1, min=1, max=64, description="output"),
    ]
    picture = live_picture(controls, lambda *at: figure_pixels(draw_layer(*at)))
    display(ipywidgets.HBox([ipywidgets.VBox(controls), picture]))


def draw_layer(size: int, k: int, strides: int, padding: str, output: int) -> Figure:
    """An image, the matrix W of a convolution, and its outputs; one of them is lit.

    Args:
        size, k, strides, padding: of the layer; the image is size x size, the kernel
            k x k.
        output: which is lit, from 1; beyond the last it begins again.
    """
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), width_ratios=[2, 5, 2])
    if padding == "valid" and k > size:
        figure.suptitle(f"a {k}×{k} window does not fit into a {size}×{size} image")
        for axis in axes:
            axis.axis("off")
        return figure
    W = convolution_matrix(np.ones((k, k)), (size, size), strides, padding).toarray()
    count = conv_output_size(size, k, strides, padding)
    lit = (output - 1) % count**2
    outputs = np.zeros(count**2)
    outputs[lit] = 2
    matrix = W.copy()  # 0 nothing, 1 a weight, 2 a weight of the lit row
    matrix[lit] *= 2
    image, outputs = 2 * W[lit].reshape(size, size), outputs.reshape(count, count)
    shades = ListedColormap(["white", "0.8", COLOURS["highlight"]])
    names = (
        f"image, {size}×{size}",
        f"W, {len(W)}×{size**2}",
        f"{count}×{count} outputs",
    )
    for axis, cells, name in zip(axes, (image, matrix, outputs), names, strict=True):
        rows, columns = cells.shape
        axis.imshow(cells, cmap=shades, vmin=0, vmax=2, interpolation="nearest")
        axis.set(xticks=np.arange(columns + 1) - 0.5, yticks=np.arange(rows + 1) - 0.5)
        axis.tick_params(length=0, labelbottom=False, labelleft=False)
        axis.grid(color="0.9", lw=0.5)
        axis.spines[:].set_visible(True)
        axis.set_title(name, fontsize=10)
    axes[1].set_ylabel("one row for each output", fontsize=9)
    axes[1].set_xlabel("one column for each pixel", fontsize=9)
    figure.suptitle(
        f"output {lit + 1} reads {np.count_nonzero(image)} of {size**2} pixels"
    )
    return figure


def draw_kernel_4d(kernel, W) -> Figure:
    """A kernel with channels as a table of 3x3 kernels, and the matrix it becomes.

    Args:
        kernel: (3, 3, input channels, output channels).
        W: (outputs, inputs), its matrix, channels last.
    """
    tones = [["#0072B2", "#009E73", "#56B4E9"], ["#D55E00", "#E69F00", "#CC79A7"]]
    inputs, filters = kernel.shape[2:]
    width = {"width_ratios": [1, 2.6], "figsize": (9.6, 3.7)}
    figure, (left, right) = plt.subplots(1, 2, **width)
    for c in range(inputs):
        left.text(-0.6, 4 * c + 1.5, f"in {c}", ha="right", va="center")
        for f in range(filters):
            for row, column in np.ndindex(3, 3):
                corner = (4 * f + column, 4 * c + row)
                style = {"fc": tones[c][f], "ec": "white"}
                left.add_patch(plt.Rectangle(corner, 1, 1, **style))
    for f in range(filters):
        left.text(4 * f + 1.5, -0.6, f"out {f}", ha="center")
    title = f"kernel, 3×3×{inputs}×{filters}: a 3×3 kernel\nfor each pair of channels"
    left.set(xlim=(-2.6, 4 * filters), ylim=(4 * inputs, -1.6), aspect="equal")
    left.set_title(title, fontsize=10)
    left.axis("off")
    for row, column in zip(*np.nonzero(W), strict=True):
        tone = tones[column % inputs][row % filters]
        right.add_patch(plt.Rectangle((column, row), 1, 1, fc=tone, ec="white", lw=0.4))
    for row in range(0, len(W) + 1, filters):
        right.axhline(row, color="0.6", lw=0.8)
    for column in range(0, W.shape[1] + 1, inputs):
        right.axvline(column, color="0.85", lw=0.8)
    right.set(xlim=(0, W.shape[1]), ylim=(len(W), 0), aspect="equal")
    right.set(xticks=[], yticks=np.arange(len(W) // filters) * filters + filters / 2)
    right.set_yticklabels([f"output pixel {n}" for n in range(len(W) // filters)])
    right.tick_params(length=0)
    right.set_xlabel(f"sixteen input pixels, {inputs} channels each")
    title = f"W, {len(W)}×{W.shape[1]}: each number has become a block"
    right.set_title(f"{title} of {filters}×{inputs}", fontsize=10)
    right.spines[:].set_visible(True)
    return figure


def draw_pictures(
    rows: Mapping[str, Sequence], titles: Sequence[str], size: float
) -> Figure:
    """One row of grey pictures for each name; each picture on the scale 0 to 1.

    Args:
        rows: name of the row -> its pictures, float (H, W) each.
        titles: one for each column.
        size: width of one picture, inches.
    """
    height, width = np.shape(next(iter(rows.values()))[0])
    tall = len(rows) * (size * height / width + 0.08)
    shape = (size * len(titles) + 0.6, tall + 0.5)
    figure, grid = plt.subplots(len(rows), len(titles), figsize=shape, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name.replace(" + ", " +\n"), fontsize=10)
        for axis, image in zip(axes, images, strict=True):
            axis.imshow(image, vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(True)
    for axis, title in zip(grid[0], titles, strict=True):
        axis.set_title(title, fontsize=10)
    return figure


def draw_kernel(kernel: np.ndarray) -> Figure:
    """A learned kernel, (k, k): blue where it adds, vermilion where it takes away."""
    figure, axis = plt.subplots(figsize=(4.2, 3.4))
    picture = axis.imshow(kernel, cmap="RdBu", vmin=-1, vmax=1)
    for (row, column), value in np.ndenumerate(kernel):
        tone = "white" if abs(value) > 0.6 else "black"
        axis.text(column, row, f"{value:.2f}", color=tone, fontsize=8, **WORDS)
    ticks = range(len(kernel))
    axis.set(xlabel="column", ylabel="row", xticks=ticks, yticks=ticks)
    axis.set_title("The best 25 weights")
    figure.colorbar(picture, ax=axis, label="weight")
    return figure


def draw_scores(one: Mapping, two: Mapping, boards: Mapping) -> Figure:
    """PSNR of every way to enlarge, and the boards before and after training.

    Args:
        one: name -> dB, ways without a second layer.
        two: kind -> dB of each seed, networks of two layers.
        boards: kind -> (before, after) of each seed.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 4.4), width_ratios=[1.5, 1]
    )
    names = [*one, *(f"two layers,\n{kind}" for kind in two)]
    tones = (COLOURS["fake"], COLOURS["highlight"], COLOURS["real"])
    kinds = dict(zip(two, tones, strict=True))
    for place, score in enumerate(one.values()):
        left.plot(score, place, "s", color=COLOURS["neutral"])
    for place, (kind, scores) in enumerate(two.items(), start=len(one)):
        jitter = np.linspace(-0.2, 0.2, len(scores))
        left.plot(scores, place + jitter, "o", color=kinds[kind], alpha=0.8)
    left.set_yticks(range(len(names)), names, fontsize=9)
    left.set(xlabel="PSNR on 1,000 test digits (dB)", xlim=(17, 24))
    left.set_ylim(len(names) - 0.5, -0.5)
    left.set_title("Two learned layers win, however they enlarge", fontsize=10)
    lowest = 1e-3
    for place, (kind, pairs) in enumerate(boards.items()):
        for number, pair in enumerate(pairs):
            heights = np.maximum(pair, lowest)
            shift = 0.04 * (number - 2)
            places = [3 * place + shift, 3 * place + 1 + shift]
            right.plot(places, heights, "o-", color=kinds[kind], lw=1, ms=5, alpha=0.8)
    right.set(yscale="log", ylim=(lowest / 1.6, 2), ylabel="board (0 is flat)")
    right.set_yticks([1e-3, 1e-2, 1e-1, 1], ["below\n0.001", "0.01", "0.1", "1"])
    ticks = [n + 3 * place for place in range(len(boards)) for n in (0, 1)]
    right.set_xticks(ticks, ["before", "after"] * len(boards), fontsize=8, rotation=35)
    for place, kind in enumerate(boards):
        said = kind.replace(" + ", " +\n")
        right.text(3 * place + 0.5, 2.3, said, fontsize=9, ha="center", va="bottom")
    right.set_title("Training makes the boards faint", fontsize=10, pad=32)
    return figure


def draw_fractional(values, spread, flipped, result) -> Figure:
    """Zero insertion: the map, the spread map, the flipped kernel, the output."""
    shape = {"figsize": (9.6, 3.2), "width_ratios": [2, 7, 3, 5]}
    figure, axes = plt.subplots(1, 4, **shape)
    draw_table(axes[0], values, "map, 2×2")
    blues = np.full(np.shape(spread), "#BFDDF0", object)
    draw_table(axes[1], spread, "zeros between and around: 7×7", blues)
    draw_table(axes[2], flipped, "flipped\nkernel", tap_colours(flipped))
    draw_table(axes[3], result, "stride 1: 5×5")
    for axis, corner, side in ((axes[1], 2, 3), (axes[3], 2, 1)):
        style = {"fill": False, "lw": 3, "ec": COLOURS["fake"]}
        axis.add_patch(plt.Rectangle((corner, corner), side, side, **style))
    return figure


def draw_times(times: Mapping[str, Mapping[int, float]], slopes: Mapping) -> Figure:
    """Time over pixels on logarithmic axes, one line for each way.

    Args:
        times: name -> pixels of the image -> seconds.
        slopes: name -> slope of its line.
    """
    figure, axis = plt.subplots(figsize=(7.2, 3.8))
    tones = (COLOURS["fake"], COLOURS["highlight"], COLOURS["real"])
    for (name, points), tone in zip(times.items(), tones, strict=True):
        milliseconds = [1000 * seconds for seconds in points.values()]
        label = f"{name}: slope {slopes[name]:.1f}"
        axis.loglog(list(points), milliseconds, "o-", color=tone, label=label)
    sides = (4, 6, 8, 12, 16, 24, 32)
    axis.set_xticks([n * n for n in sides], [f"{n}×{n}" for n in sides])
    axis.tick_params(axis="x", labelsize=8)
    axis.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axis.set_ylim(0.05, 200)
    axis.minorticks_off()
    axis.set(xlabel="pixels of the image", ylabel="time for 16 images (ms)")
    axis.set_title("The dense matrix is the steepest, the real layer the flattest")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
