"""The figures of notebook 02, the minimax loss: shown with alternative text."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from dcgan_keras.visualization import COLOURS, figure_pixels, show, show_film

LOSSES = {"saturating": COLOURS["neutral"], "non-saturating": COLOURS["fake"]}
METHODS = {
    "simultaneous": COLOURS["fake"],
    "alternating": COLOURS["neutral"],
    "extragradient": COLOURS["discriminator"],
    "optimistic": COLOURS["accent"],
}


def show_monte_carlo_error(sizes: np.ndarray, errors: np.ndarray) -> None:
    """The error of the estimate over the sample size, both logarithmic."""
    figure, axis = plt.subplots(figsize=(5, 2.9))
    axis.loglog(sizes, errors, "o-", color=COLOURS["fake"])
    axis.set(xlabel="samples in the batch, n", ylabel="error of the estimate [nats]")
    axis.set_title("Ten times less error costs 100 times more samples")
    show(figure, "Log-log plot: the error falls along a line of slope minus one half.")


def show_valley(shifts: np.ndarray, values: np.ndarray) -> None:
    """V(D*, G) over G's distance from the data."""
    figure, axis = plt.subplots(figsize=(5.6, 2.9))
    axis.plot(shifts, values, color=COLOURS["fake"])
    axis.axhline(-np.log(4), color="black", ls=":")
    axis.set(xlabel="how far G is off, μ", ylabel="V(D*, G) [nats]")
    axis.set_title("Floor at −log 4 (dotted), flat plains around")
    show(
        figure,
        "V of the best D: a valley with minimum minus log 4, flat at 0 far away.",
    )


def show_densities_and_discriminator(
    grid: np.ndarray,
    p_data: np.ndarray,
    p_g: np.ndarray,
    formula: np.ndarray,
    learned: np.ndarray,
    mass: np.ndarray,
) -> None:
    """Two densities above; D by formula and as trained below.

    Args:
        grid: points (M,); all other arrays belong to them.
        p_data, p_g: densities.
        formula, learned: probabilities in [0, 1].
        mass: boolean, True where there is mass.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(6.4, 4.2), sharex=True, height_ratios=[2, 3]
    )
    for density, name, label in (
        (p_data, "real", "$p_{data}$"),
        (p_g, "fake", "$p_G$"),
    ):
        top.fill_between(grid, density, color=COLOURS[name], alpha=0.4, label=label)
    top.set(
        ylabel="density", title="From samples alone, D finds the ratio of densities"
    )
    top.legend()
    bottom.axvspan(*grid[mass][[0, -1]], color="0.93", label="where there is mass")
    label = "formula $p_{data}/(p_{data}+p_G)$"
    bottom.plot(grid, formula, color="black", lw=4, alpha=0.35, label=label)
    bottom.plot(grid, learned, color=COLOURS["discriminator"], label="trained D")
    bottom.set(xlabel="x", ylabel="D(x)", ylim=(-0.05, 1.05), xlim=grid[[0, -1]])
    bottom.legend(loc="center left", fontsize=8)
    show(
        figure,
        "Two densities above; below, the trained discriminator lies on the "
        "formula wherever there is mass.",
    )


def show_generator_losses(logits: np.ndarray, gradients: Mapping) -> None:
    """Both losses of G over D(G(z)), and their measured gradients over the logit."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3))
    answer = np.linspace(0.002, 0.998, 400)
    curves = {"saturating": np.log(1 - answer), "non-saturating": -np.log(answer)}
    formulas = {"saturating": "log(1 − D)", "non-saturating": "−log D"}
    for name, colour in LOSSES.items():
        label = f"{name}  {formulas[name]}"
        left.plot(answer, curves[name], color=colour, label=label)
        right.plot(logits, gradients[name], color=colour)
    title = "Flat where G begins, or steep"
    left.set(xlabel="D(G(z))", ylabel="G's loss [nats]", ylim=(-4, 4), title=title)
    left.legend(fontsize=8)
    right.axvspan(-8, -4, color="0.92")
    right.text(-7.8, -0.55, "an early D\nis here", fontsize=8)
    right.set(
        xlabel="logit of D for G(z)",
        ylabel="gradient w.r.t. the logit",
        ylim=(-1.05, 0.05),
        title="Autodiff, equal to −D and D − 1",
    )
    show(
        figure,
        "Left: both losses of G over D(G(z)). Right: their gradients over the "
        "logit; the saturating one vanishes where D is sure.",
    )


def show_early_discriminator(history: np.ndarray, curves: Mapping) -> None:
    """What G hears while D is trained; then two G's against that D, frozen.

    Args:
        history: rows of (step, mean D(G(z)), norm of G's gradient by the saturating
            loss, the same by the non-saturating one).
        curves: ``curves[optimizer, loss]``, mean D(G(z)) after each of G's steps.
    """
    steps, answers, *sizes = np.array(history).T
    figure, axes = plt.subplots(1, 3, figsize=(9, 3))
    for size, (name, colour) in zip(sizes, LOSSES.items(), strict=True):
        axes[0].semilogy(steps, size, color=colour, label=f"gradient, {name}")
        for axis, optimizer in zip(axes[1:], ("SGD", "Adam"), strict=True):
            axis.semilogy(curves[optimizer, name], color=colour)
            axis.set(
                xlabel="G's steps, D frozen", ylim=(1e-6, 3), title=f"G by {optimizer}"
            )
    axes[0].semilogy(
        steps, answers, "--", color=COLOURS["discriminator"], label="D(G(z))"
    )
    axes[0].set(xlabel="D's steps, G untrained", title="D gets better")
    axes[0].set_ylabel("norm of G's gradient; probability")
    axes[1].set_ylabel("D(G(z)), mean")
    axes[0].legend(fontsize=7)
    show(
        figure,
        "Left: while D is trained, the saturating gradient falls by orders of "
        "magnitude. Middle: by SGD one G learns, the other stalls. Right: by Adam "
        "both rise.",
    )


def show_location_game(paths: Mapping[str, np.ndarray], shown: int = 450) -> None:
    """Paths (steps, 2) of (theta, a) for both losses, in the plane and over time."""
    figure, (plane, time) = plt.subplots(1, 2, figsize=(7.8, 3.2))
    for name, colour in LOSSES.items():
        plane.plot(*paths[name].T, color=colour, lw=1.4, label=name)
        time.plot(paths[name][:shown, 0], color=colour, lw=1.4)
    plane.plot(*paths["saturating"][0], "ko", ms=5)
    plane.plot(0, 0, "k*", ms=12)
    title = "One start, one end, two ways"
    plane.set(xlabel="θ, where G puts its samples", ylabel="a, D's slope", title=title)
    plane.legend(fontsize=8, loc="upper right")
    time.axhline(0, color="black", lw=0.6)
    time.set(xlabel="steps", ylabel="θ", title="Saturating: wider swings, later")
    show(
        figure,
        "Two paths in the plane of G's and D's parameters, from the same start to "
        "the same fixed point.",
    )


def show_inner_loops(histories: Mapping[str, np.ndarray], p_data) -> None:
    """Strips of G's probabilities (steps, points), one strip for each title."""
    figure, axes = plt.subplots(len(histories), 1, figsize=(6.8, 3.2), sharex=True)
    for axis, (title, history) in zip(axes, histories.items(), strict=True):
        image = axis.imshow(history.T, aspect="auto", cmap="magma", vmin=0, vmax=1)
        image.set_interpolation("nearest")
        labels = [f"{point} ({share})" for point, share in enumerate(p_data, 1)]
        axis.set(yticks=range(len(p_data)), yticklabels=labels, title=title)
        axis.set_ylabel("point ($p_{data}$)")
    axes[-1].set_xlabel("steps of the outer player")
    figure.colorbar(image, ax=axes, label="$p_G$")
    show(
        figure,
        "Two strips of G's probabilities over time: one settles at the data's "
        "shares, the other jumps between points.",
    )


def show_bilinear(games: Mapping[str, np.ndarray], steps: int = 60) -> None:
    """The saddle V = d g with the outward spiral; every way to play, from above."""
    figure = plt.figure(figsize=(8, 3.8))
    saddle = figure.add_subplot(1, 2, 1, projection="3d")
    d_side, g_side = np.meshgrid(*[np.linspace(-3.4, 3.4, 18)] * 2)
    saddle.plot_surface(
        d_side, g_side, d_side * g_side, cmap="cividis", alpha=0.5, lw=0
    )
    d, g = games["simultaneous"][: steps + 1].T
    saddle.plot(d, g, d * g, color=COLOURS["fake"], lw=2.2, zorder=5)
    saddle.plot([0], [0], [0], "k*", ms=10, zorder=6)
    saddle.set(xlabel="d climbs", ylabel="g descends", zlabel="V = d g")
    saddle.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3], zticks=[-10, 0, 10])
    saddle.set_title("Each does what is best for it …")
    saddle.view_init(38, -62)
    plane = figure.add_subplot(1, 2, 2)
    for name, path in games.items():
        plane.plot(*path[: steps + 1].T, color=METHODS[name], lw=1.5, label=name)
    plane.plot(0, 0, "k*", ms=10)
    plane.set(
        xlabel="d", ylabel="g", aspect="equal", title="… and nobody arrives, uncured"
    )
    plane.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.9))
    plane.legend(fontsize=8, ncols=2, loc="upper center")
    show(
        figure,
        "Left: the saddle surface V = d g with the outward spiral. Right: four "
        "ways to play, seen from above.",
    )


def show_ring_runs(runs: Mapping, real: np.ndarray, score: Callable) -> None:
    """Samples of several runs; above each, modes covered and high-quality share.

    Args:
        runs: ``runs[name][seed]``, points (N, 2) that G drew.
        real: real points (M, 2).
        score: from points to ``theory.Coverage``.
    """
    columns = len(next(iter(runs.values())))
    figure, axes = plt.subplots(
        len(runs),
        columns,
        figsize=(2 * columns, 2.1 * len(runs)),
        sharex=True,
        sharey=True,
    )
    for row, (name, by_seed) in zip(np.atleast_2d(axes), runs.items(), strict=True):
        row[0].set_ylabel(name)
        for axis, (seed, points) in zip(row, by_seed.items(), strict=True):
            covered, quality, _ = score(points)
            axis.plot(*real[:400].T, ".", ms=1.5, color=COLOURS["real"], alpha=0.3)
            axis.plot(*points[:500].T, ".", ms=1.5, color=COLOURS["fake"])
            axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
            axis.set_title(f"seed {seed}: {covered}/8, {quality:.0%}", fontsize=9)
    show(
        figure,
        "Samples of six runs on the ring: with equal rates all modes are found, "
        "with a fast G hardly any.",
    )


def film_paths(games: Mapping[str, np.ndarray], steps: Sequence[int]) -> None:
    """Show the bilinear game as a GIF: where every method stands after each step."""
    frames = []
    for step in steps:
        figure, axis = plt.subplots(figsize=(2.4, 2.4), dpi=70)
        for name, path in games.items():
            axis.plot(*path[: step + 1].T, color=METHODS[name], lw=1)
            axis.plot(*path[step], "o", color=METHODS[name], ms=5)
        axis.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal")
        axis.set_title(f"d and g, step {step}", fontsize=9)
        frames.append(figure_pixels(figure))
    show_film(frames, "An outward spiral, a circle and an inward spiral, moving.", 0.15)


def film_ring(runs: Mapping[str, Sequence], centres: np.ndarray) -> None:
    """Show ToyGAN snapshots on the ring as a GIF, one panel for each run."""
    frames = []
    for together in zip(*runs.values(), strict=True):
        figure, axes = plt.subplots(1, len(runs), figsize=(4, 2.3), dpi=65, sharey=True)
        for axis, name, snapshot in zip(axes, runs, together, strict=True):
            axis.plot(*centres.T, "o", ms=9, mfc="none", color=COLOURS["real"])
            axis.plot(*snapshot.samples[:300].T, ".", ms=2, color=COLOURS["fake"])
            axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
            axis.set_title(f"{name}, step {snapshot.step}", fontsize=8)
        frames.append(figure_pixels(figure))
    alt = "Left the samples spread over the ring, right they wander as one clump."
    show_film(frames, alt, 0.35)
