"""The figures and films of notebook 02, the minimax loss, with alternative text."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from dcgan_keras.lessons.explorer import live_picture
from dcgan_keras.lessons.games import ring, theory
from dcgan_keras.visualization import COLOURS, figure_pixels, show, show_film

LOSSES = {"saturating": COLOURS["neutral"], "non-saturating": COLOURS["fake"]}
METHODS = {
    "simultaneous": COLOURS["fake"],
    "alternating": COLOURS["neutral"],
    "extragradient": COLOURS["discriminator"],
}
FILM = {"dpi": 80}  # with 6 inches: 480 pixels


def show_bets(d: np.ndarray, earned: Mapping[str, np.ndarray]) -> None:
    """What a bet adds to V for some faces, with the best bet marked."""
    figure, axis = plt.subplots(figsize=(5.6, 3))
    colours = (COLOURS["real"], COLOURS["fake"])
    for (name, values), colour in zip(earned.items(), colours, strict=True):
        axis.plot(d, values, color=colour, label=f"you see {name}")
        axis.plot(d[values.argmax()], values.max(), "o", color=colour)
        axis.axvline(d[values.argmax()], color=colour, lw=0.8, ls=":")
    axis.set(xlim=(0, 1), ylim=(-1.1, 0), xticks=[0, 1 / 3, 0.5, 2 / 3, 1])
    axis.set_xticklabels(["0", "1/3", "1/2", "2/3", "1"])
    axis.set(xlabel="your bet d", ylabel="added to V [nats]")
    axis.set_title("One hump for each face, with its top at p / (p + q)")
    axis.legend(loc="lower center")
    show(
        figure,
        "Two curves with one hump each: for a 1 the top is at 2/3, for a 5 at 1/3.",
    )


def show_trained_discriminator(
    grid: np.ndarray,
    p_data: np.ndarray,
    p_g: np.ndarray,
    best: np.ndarray,
    logits: np.ndarray,
    mass: np.ndarray,
) -> None:
    """Two densities, and below them D by formula and as trained.

    Args:
        grid: points (M,); all other arrays belong to them.
        p_data, p_g: densities.
        best: the formula's probabilities.
        logits: the trained D's logits.
        mass: boolean, True where points lie.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(6.4, 4.4), sharex=True, height_ratios=[2, 3]
    )
    for density, name, label in (
        (p_data, "real", r"$p_\mathrm{data}$"),
        (p_g, "fake", "$p_G$"),
    ):
        top.fill_between(grid, density, color=COLOURS[name], alpha=0.4, label=label)
    top.set(ylabel="density", title="From samples alone, D finds the ratio")
    top.legend()
    bottom.axvspan(*grid[mass][[0, -1]], color="0.93", label="99 % of the points")
    label = "formula"
    bottom.plot(grid, best, color="black", lw=4, alpha=0.35, label=label)
    trained = 1 / (1 + np.exp(-logits))
    bottom.plot(grid, trained, color=COLOURS["discriminator"], label="trained D")
    bottom.set(xlabel="x", ylabel="D(x)", ylim=(-0.05, 1.05), xlim=grid[[0, -1]])
    bottom.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9)
    show(
        figure,
        "Two densities above; below, the trained discriminator lies on the formula "
        "where points lie, and leaves it outside.",
    )


class _SlidingPanels:
    """Four panels that follow G along the axis; drawn once, then only moved."""

    def __init__(self, shifts: np.ndarray, values: np.ndarray):
        self.x = np.linspace(-5, 8, 400)
        self.shifts, self.values = shifts, values
        self.figure, axes = plt.subplots(2, 2, figsize=(6, 4.8), **FILM)
        (self.densities, answer), (line, score) = axes
        data, green = theory.normal_density(self.x), COLOURS["discriminator"]
        label = r"$p_\mathrm{data}$"
        self.densities.plot(self.x, data, color=COLOURS["real"], label=label)
        (self.moved,) = self.densities.plot(
            self.x, data, color=COLOURS["fake"], label="$p_G$"
        )
        self.densities.set(title="G at μ", ylim=(0, 0.55), ylabel="density")
        self.densities.legend(fontsize=10, ncols=2, loc="upper right")
        (self.answer,) = answer.plot(self.x, data, color=green)
        answer.axhline(0.5, color="black", lw=0.6, ls=":")
        answer.set(title="the best D(x)", ylim=(-0.03, 1.03), ylabel="probability")
        (self.logit,) = line.plot(self.x, data, color=green)
        line.axhline(0, color="black", lw=0.6, ls=":")
        line.set(title=r"its logit: $\log p_\mathrm{data} - \log p_G$")
        line.set(ylim=(-14, 14), xlabel="x", ylabel="logit")
        for axis in (self.densities, answer, line):
            axis.set_xlim(self.x[0], self.x[-1])
        score.plot(shifts, values, color=COLOURS["neutral"])
        (self.dot,) = score.plot(
            0, 0, "o", color=COLOURS["fake"], ms=8, clip_on=False, zorder=5
        )
        score.axhline(-np.log(4), color="black", lw=0.6, ls=":")
        score.set(title="V(D*, G), and JS on the right", xlabel="μ, the place of G")
        score.set(ylim=(-1.45, 0.05), xlim=shifts[[0, -1]], ylabel="V [nats]")
        right = score.twinx()  # V = 2 JS - 2 log 2 is the same curve on another scale
        right.set_ylim(*((np.array(score.get_ylim()) + 2 * np.log(2)) / 2))
        right.set_ylabel("JS [nats]")
        right.spines["right"].set_visible(True)
        _settle(self.figure)

    def move(self, mu: float) -> Figure:
        """Put G at mu."""
        logit = mu**2 / 2 - mu * self.x
        self.densities.set_title(f"G at μ = {mu + 0:.1f}")
        self.moved.set_ydata(theory.normal_density(self.x, mu))
        self.answer.set_ydata(1 / (1 + np.exp(-logit)))
        self.logit.set_ydata(logit)
        self.dot.set_data([mu], [np.interp(mu, self.shifts, self.values)])
        return self.figure


def slide_generator(shifts: np.ndarray, values: np.ndarray, live: bool) -> None:
    """Move G past the data: a slider for a reader who is there, or else a film.

    Args:
        shifts: places of G, (N,), increasing.
        values: V(D*, G) at each of them, nats.
        live: whether somebody can move a slider; see ``explorer.is_live``.
    """
    if live:
        _show_slider(shifts, values)
        return
    stops = np.concatenate([np.linspace(5, 0, 21), [0, 0], np.linspace(-0.25, -2, 8)])
    panels = _SlidingPanels(shifts, values)
    frames = [_small_frame(panels.move(mu)) for mu in stops]
    plt.close(panels.figure)
    alt = (
        "The generator's density slides over the data's: D* falls flat onto one half, "
        "its straight logit turns until it lies on 0, and V sinks to minus log 4."
    )
    show_film(frames, alt, 0.25, width=480)


def _show_slider(shifts: np.ndarray, values: np.ndarray) -> None:
    import ipywidgets
    from IPython.display import display

    panels = _SlidingPanels(shifts, values)
    plt.close(panels.figure)  # the widget shows it
    FigureCanvasAgg(panels.figure)  # what is closed has lost its canvas
    slider = ipywidgets.FloatSlider(
        value=3.0, min=shifts[0], max=shifts[-1], step=0.1, description="μ"
    )

    def pixels(mu):
        return figure_pixels(panels.move(mu), close=False)

    display(ipywidgets.VBox([slider, live_picture([slider], pixels)]))


def _settle(figure: Figure) -> None:
    """Lay the panels out once: the frames of a film must not move."""
    figure.canvas.draw()
    figure.set_layout_engine("none")


def _palette() -> Image.Image:
    """White, greys, and the house colours in four strengths: the same in each frame."""
    names = ("real", "fake", "discriminator", "neutral")
    strong = np.array([to_rgb(COLOURS[name]) for name in names] + [(0, 0, 0)])
    part = np.array([1.0, 0.7, 0.45, 0.2])[:, np.newaxis, np.newaxis]
    shades = (part * strong + (1 - part)).reshape(-1, 3)
    colours = np.vstack([[1.0, 1.0, 1.0], shades])
    image = Image.new("P", (1, 1))
    image.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return image


def _small_frame(figure: Figure) -> np.ndarray:
    """A frame in the colours of the palette, which keeps the notebook small."""
    pixels = Image.fromarray(figure_pixels(figure, close=False))
    few = pixels.quantize(palette=_palette(), dither=Image.Dither.NONE)
    return np.asarray(few.convert("RGB"))


def show_generator_losses(logits: np.ndarray, pulls: Mapping) -> None:
    """Both losses of G over D, over the logit, and their slopes over the logit."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.4))
    answer = np.linspace(0.002, 0.998, 400)
    d = 1 / (1 + np.exp(-logits.astype(float)))
    names = {"saturating": "log(1 − D)", "non-saturating": "−log D"}
    for name, colour in LOSSES.items():
        over = {"saturating": lambda p: np.log(1 - p), "non-saturating": _minus_log}
        left.plot(answer, over[name](answer), color=colour)
        middle.plot(logits, over[name](d), color=colour)
        right.plot(logits, pulls[name], color=colour, label=f"{name}, {names[name]}")
    left.set(xlabel="D(G(z))", ylabel="G's loss [nats]", ylim=(-6, 6))
    left.set_title("Over D: both have a slope at 0")
    middle.set(xlabel="logit of D for G(z)", ylabel="G's loss [nats]", ylim=(-8, 8))
    middle.set_title("Over the logit: one is flat")
    right.set(xlabel="logit of D for G(z)", ylabel="slope over the logit")
    right.set(ylim=(-1.05, 0.05), title="The two slopes, −D and D − 1")
    for axis in (middle, right):
        axis.axvspan(-8, -4, color="0.92")
    middle.text(-7.8, -7, "an early D\nis here", fontsize=9)
    figure.legend(loc="outside lower center", ncols=2)
    show(
        figure,
        "Left: over D both losses slope at 0. Middle and right: over the logit the "
        "saturating loss is flat where an early D is, and the other has slope minus 1.",
    )


def _minus_log(probability: np.ndarray) -> np.ndarray:
    return -np.log(probability)


def show_early_discriminator(
    answers: Sequence[np.ndarray], pulls: Mapping, curves: Mapping
) -> None:
    """What G hears while D is trained; then all generators against their frozen D.

    Args:
        answers: mean D(G(z)), one (seeds,) for each of D's steps.
        pulls: by loss, the length of G's gradient, one (seeds,) for each step.
        curves: ``curves[optimizer, loss]``, mean D(G(z)), (steps, seeds).
    """
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.5))
    for name, colour in LOSSES.items():
        axes[0].semilogy(np.array(pulls[name]), color=colour, lw=1)
        for axis, method in zip(axes[1:], ("SGD", "Adam"), strict=True):
            axis.semilogy(curves[method, name], color=colour, lw=1.2)
            axis.set(xlabel="steps of G, D frozen", ylim=(3e-4, 3))
    axes[0].semilogy(np.array(answers), "--", color=COLOURS["discriminator"], lw=1)
    axes[0].set(xlabel="steps of D, G frozen", ylim=(3e-4, 30))
    axes[0].set(ylabel="pull on G; probability", title="D learns: one pull fades")
    axes[1].set(ylabel="mean D(G(z))", title="Gradient descent: one G stands")
    axes[2].set(ylabel="mean D(G(z))", title="Adam: both move")
    lines = [plt.Line2D([], [], color=colour) for colour in LOSSES.values()]
    lines.append(plt.Line2D([], [], color=COLOURS["discriminator"], ls="--"))
    names = [f"G with the {name} loss" for name in LOSSES] + ["D(G(z))"]
    figure.legend(lines, names, loc="outside lower center", ncols=3)
    show(
        figure,
        "Five seeds each. Left: while D is trained, the saturating gradient falls by "
        "orders of magnitude. Middle: by gradient descent one kind of G fools D, the "
        "other stalls. Right: by Adam both rise.",
    )


def film_paths(paths: Mapping[str, np.ndarray]) -> None:
    """Show the game of two numbers as a film: where each method stands at each step."""
    figure, axis = plt.subplots(figsize=(6, 4.6), **FILM)
    drawn = {}
    for name in paths:
        (line,) = axis.plot([], [], color=METHODS[name], lw=1.3, label=name)
        (dot,) = axis.plot([], [], "o", color=METHODS[name], ms=8)
        drawn[name] = line, dot
    axis.plot(0, 0, "k+", ms=12)
    axis.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal", title="V = d g")
    axis.set(xlabel="d, which climbs", ylabel="g, which descends")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _settle(figure)
    frames = []
    for step in [*range(0, 20), *range(20, 61, 4)]:
        for name, (line, dot) in drawn.items():
            line.set_data(*paths[name][: step + 1].T)
            dot.set_data(*paths[name][step : step + 1].T)
        axis.set_title(f"V = d g, both with rate 0.2: step {step}")
        frames.append(_small_frame(figure))
    plt.close(figure)
    alt = (
        "Three paths from one start: simultaneous steps spiral outwards, alternating "
        "steps go round, extragradient steps spiral in to the equilibrium."
    )
    show_film(frames, alt, 0.25, width=480)


def film_ring(runs: Mapping[str, Sequence], seeds: int = 5) -> None:
    """Show samples of several runs on the ring as a film.

    Args:
        runs: by name, rows of (step, samples (seeds, N, 2)).
        seeds: how many, one column each.
    """
    centres = ring.ring_centres()
    figure, axes = plt.subplots(
        len(runs), seeds, figsize=(7, 1.45 * len(runs) + 0.3), **FILM
    )
    dots = []
    for line, name in zip(axes, runs, strict=True):
        line[0].set_ylabel(name, fontsize=10)
        for axis in line:
            axis.plot(*centres.T, "o", ms=8, mfc="none", color=COLOURS["real"])
            dots += axis.plot([], [], ".", ms=4, color=COLOURS["fake"])
            axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[], yticks=[])
    for seed, axis in enumerate(axes[0]):
        axis.set_title(f"seed {seed}", fontsize=10)
    title = figure.suptitle("step", fontsize=11)
    _settle(figure)
    frames = []
    for rows in zip(*runs.values(), strict=True):
        samples = [points for _, row in rows for points in row]
        for dot, points in zip(dots, samples, strict=True):
            dot.set_data(*points[:250].T)
        title.set_text(
            f"step {rows[0][0]}: generated points, and the eight modes (rings)"
        )
        frames.append(_small_frame(figure))
    plt.close(figure)
    alt = (
        "Five seeds of each run: in the healthy and the cured row the points gather on "
        "all eight modes; with a slow D they sit on a few, and they hop to others."
    )
    show_film(frames, alt, 0.4, width=560)


def show_coverage(
    runs: Mapping[str, tuple[np.ndarray, np.ndarray]], data: float
) -> None:
    """Modes covered and share of good points over time, every seed a line.

    Args:
        runs: by name, (steps (T,), measured (T, seeds, 2): modes and good share).
        data: the share of good points among real points.
    """
    figure, axes = plt.subplots(
        2, len(runs), figsize=(10, 4.2), sharex=True, sharey="row", squeeze=False
    )
    for column, (name, (steps, measured)) in zip(axes.T, runs.items(), strict=True):
        for seed in range(measured.shape[1]):
            jitter = 0.07 * (seed - 2)  # whole numbers would hide each other
            column[0].plot(steps, measured[:, seed, 0] + jitter, lw=1)
            column[1].plot(steps, measured[:, seed, 1], lw=1, label=f"seed {seed}")
        column[0].set_title(name)
        column[1].axhline(data, color="black", lw=0.8, ls=":")
        column[1].set_xlabel("steps")
    axes[0, 0].set(ylabel="modes covered", ylim=(-0.4, 8.6), yticks=[0, 2, 4, 6, 8])
    axes[1, 0].set(ylabel="share of good points", ylim=(-0.03, 1.05))
    handles, names = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=5)
    show(
        figure,
        "Modes covered and share of good points over the steps, five seeds: healthy "
        "and cured runs reach eight modes, the run with a slow D sits on few.",
    )


def show_four_runs(runs: Mapping[str, tuple[Sequence, Sequence]]) -> None:
    """Four recorded runs for a diagnosis: modes covered, and share of good points."""
    figure, axes = plt.subplots(1, len(runs), figsize=(10, 2.9), sharey=True)
    for axis, (name, (modes, good)) in zip(axes, runs.items(), strict=True):
        steps = 100 * np.arange(1, len(modes) + 1)
        modes = np.array(modes) / 8
        axis.plot(steps, modes, "s--", ms=4, color=COLOURS["real"])
        axis.plot(steps, good, "o-", ms=4, color=COLOURS["fake"])
        axis.set(title=f"run {name}", xlabel="steps", ylim=(-0.05, 1.05))
    axes[0].set_ylabel("share")
    lines = [
        plt.Line2D([], [], color=COLOURS["real"], marker="s", ls="--"),
        plt.Line2D([], [], color=COLOURS["fake"], marker="o"),
    ]
    names = ["modes covered, of eight", "good points, of all points"]
    figure.legend(lines, names, loc="outside lower center", ncols=2)
    show(
        figure,
        "Four runs, each with the share of modes covered and the share of good points.",
    )


def show_monte_carlo_error(sizes: np.ndarray, errors: np.ndarray) -> None:
    """The error of the estimate over the batch size, both logarithmic."""
    figure, axis = plt.subplots(figsize=(5, 2.9))
    axis.loglog(sizes, errors, "o-", color=COLOURS["fake"])
    axis.set(xlabel="batch size", ylabel="error of the mean [nats]")
    axis.set_title("Ten times less error needs 100 times more samples")
    show(figure, "Log-log plot: the error falls along a line of slope minus one half.")


def show_location_game(paths: Mapping[str, np.ndarray], shown: int = 450) -> None:
    """Paths (steps, 2) of (theta, a) for both losses, in the plane and over time."""
    figure, (plane, time) = plt.subplots(1, 2, figsize=(8.4, 3.2))
    for name, colour in LOSSES.items():
        plane.plot(*paths[name].T, color=colour, lw=1.4)
        time.plot(paths[name][:shown, 0], color=colour, lw=1.4, label=name)
    plane.plot(*paths["saturating"][0], "ko", ms=5)
    plane.annotate(
        "start", paths["saturating"][0], (-34, 8), textcoords="offset points"
    )
    plane.plot(0, 0, "k*", ms=12)
    plane.set(xlabel="θ, where G puts its samples", ylabel="a, the slope of D's logit")
    plane.set_title("One start, one end (star), two ways")
    time.legend(loc="upper right")
    time.axhline(0, color="black", lw=0.6)
    time.set(xlabel="steps", ylabel="θ", title="The saturating loss swings longer")
    show(
        figure,
        "Two paths in the plane of G's and D's parameters, from the same start to the "
        "same fixed point; over time the saturating one takes longer.",
    )


def show_inner_loops(
    inside_d: np.ndarray, inside_g: np.ndarray, p_data: np.ndarray
) -> None:
    """G's shares over the outer player's steps: (steps, points) each."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    for point, share in enumerate(p_data):
        colour = plt.rcParams["axes.prop_cycle"].by_key()["color"][point]
        label = f"point {point + 1}, data {share}"
        left.axhline(share, color=colour, lw=0.8, ls=":")
        left.plot(inside_d[:, point], color=colour, label=label)
        steps = np.arange(1, len(inside_g) + 1)
        right.axhline(share, color=colour, lw=0.8, ls=":")
        right.plot(np.cumsum(inside_g[:, point]) / steps, color=colour)
        at = np.flatnonzero(inside_g[:, point])
        right.plot(at, np.full(len(at), 1.04), "|", color=colour, ms=7)
    left.set(ylabel="$p_G$", title="D inside: G settles on the data's shares")
    right.set_title("G inside: one point at a time (marks);\nonly its average settles")
    left.set(xlabel="steps of G", ylim=(0, 1.1))
    right.set(xlabel="steps of D")
    left.legend(loc="upper right", fontsize=9)
    show(
        figure,
        "Left: G's four shares settle on the data's. Right: G is on a single point in "
        "each step, hopping, and the average over time approaches the data's shares.",
    )
