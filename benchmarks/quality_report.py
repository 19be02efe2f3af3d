"""The table and the plot of quality.py, from the files it wrote."""

import json
import statistics
from pathlib import Path

import numpy as np
from measure import markdown


def report(folder: Path, ours: str) -> str:
    """Read every run, draw the plot, write and return the text."""
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not runs:
        return f"No results in {folder} yet."
    names = {run["recipe"] for run in runs}
    names = sorted(names, key=lambda name: (name != ours, name.lower()))
    grouped = {name: [r for r in runs if r["recipe"] == name] for name in names}
    text = "\n\n".join(
        [
            _curves(grouped),
            _every_seed(grouped),
            _ratios(grouped, ours),
            _failures(grouped.get(ours, [])),
            _note(runs),
        ]
    )
    (folder / "report.md").write_text(text + "\n")
    _plot(grouped, ours, folder / "quality.svg")
    return text


def at(run: dict, seconds: float) -> float:
    """The distance at a number of CPU-seconds, interpolated in both logarithms."""
    times = [point["cpu_seconds"] for point in run["curve"]]
    values = [max(point["frechet"], 1e-6) for point in run["curve"]]
    if not times[0] - 0.5 <= seconds <= times[-1] + 2:
        return float("nan")
    return float(np.exp(np.interp(np.log(seconds), np.log(times), np.log(values))))


def time_to(run: dict, distance: float) -> float:
    """CPU-seconds until the distance is first reached; infinity if never."""
    before = None
    for point in run["curve"]:
        here = np.log(point["cpu_seconds"]), np.log(max(point["frechet"], 1e-6))
        if here[1] <= np.log(distance):
            if before is None:
                return point["cpu_seconds"]
            share = (before[1] - np.log(distance)) / (before[1] - here[1])
            return float(np.exp(before[0] + share * (here[0] - before[0])))
        before = here
    return float("inf")


def _median(runs: list[dict], seconds: float) -> float:
    """Over the runs that went so far; NaN if none did."""
    values = [at(run, seconds) for run in runs]
    values = [value for value in values if np.isfinite(value)]
    return statistics.median(values) if values else float("nan")


def _curves(grouped: dict) -> str:
    """Medians over the seeds at the points of the first run, which is ours."""
    first = next(iter(grouped.values()))[0]
    points = [round(point["cpu_seconds"], 1) for point in first["curve"]]
    rows = []
    for name, runs in grouped.items():
        medians = [_median(runs, seconds) for seconds in points]
        values = [f"{x:.2f}" if np.isfinite(x) else "" for x in medians]
        rows.append([name, len(runs), *values])
    header = ["recipe", "seeds", *[f"{seconds:g} s" for seconds in points]]
    return "Fréchet distance, median over seeds:\n\n" + markdown(header, rows)


def _every_seed(grouped: dict) -> str:
    rows = []
    for name, runs in grouped.items():
        for run in runs:
            end = run["curve"][-1]
            seconds = end["cpu_seconds"]
            steps = f"{seconds:.0f}", end["step"], f"{seconds / end['step'] * 1e3:.1f}"
            seen = f"{end['frechet']:.2f}", end["classes"], end["smallest_class"]
            rows.append([name, run["seed"], *steps, *seen, end["confident"]])
    header = ["recipe", "seed", "CPU-s", "steps", "CPU-ms a step"]
    header += ["Fréchet at the end", "classes"]
    header += [f"rarest class, of {run['samples']:,} samples", "confident"]
    return "Every seed at the end:\n\n" + markdown(header, rows)


def _ratios(grouped: dict, ours: str) -> str:
    """How soon ours is where the others are later, and the ratio at the end."""
    others = {name: runs for name, runs in grouped.items() if name != ours}
    if ours not in grouped or not others:
        return "Ratios need our default and another recipe."
    lines = []
    for seconds, names in ((270.0, others), (600.0, ["TF tutorial"])):
        medians = {n: _median(others[n], seconds) for n in names if n in others}
        medians = {n: value for n, value in medians.items() if np.isfinite(value)}
        if not medians:
            continue
        best = min(medians, key=medians.get)
        soon = [time_to(run, medians[best]) for run in grouped[ours]]
        median = statistics.median(soon)
        first = statistics.median(
            run["curve"][0]["cpu_seconds"] for run in grouped[ours]
        )
        look = " at the first look" if median <= first else ""
        lines.append(
            f"- {best} stands at {medians[best]:.2f} after {seconds:g} CPU-seconds; "
            f"ours is there{look} after {median:.1f} (seeds: "
            f"{', '.join(f'{s:.1f}' for s in soon)}): 1/{seconds / median:.0f}."
        )
    end = {name: _median(runs, 600.0) for name, runs in others.items()}
    end = {name: value for name, value in end.items() if np.isfinite(value)}
    if end:
        best, mine = min(end, key=end.get), _median(grouped[ours], 600.0)
        lines.append(
            f"- After 600 CPU-seconds ours stands at {mine:.2f}, the best other "
            f"({best}) at {end[best]:.2f}: {mine / end[best]:.2f} of it."
        )
    return "\n".join(lines)


def _failures(runs: list[dict], seconds: float = 300.0) -> str:
    """What became of every seed of ours: NaN, missing classes, a loss that is stuck."""
    points = {
        run["seed"]: point
        for run in runs
        for point in run["curve"]
        if abs(point["cpu_seconds"] - seconds) < 2
    }
    if not points:
        return f"No run of ours has been judged at {seconds:g} CPU-seconds."
    failed = [seed for seed, point in points.items() if _has_failed(point)]
    values = sorted(point["frechet"] for point in points.values())
    d_losses, g_losses = zip(
        *(point["losses"] for point in points.values()), strict=True
    )
    return (
        f"Ours after {seconds:g} CPU-seconds, seeds {', '.join(map(str, points))}: "
        f"{len(failed)} of {len(points)} failed (a loss that is not finite, fewer than "
        "nine classes, or D's loss below 0.1: G learns nothing any more). Fréchet "
        f"distance {statistics.median(values):.2f} ({values[0]:.2f} to "
        f"{values[-1]:.2f}), at least {min(x['classes'] for x in points.values())} "
        f"classes, rarest class {min(x['smallest_class'] for x in points.values())} of "
        f"10,000 samples; loss of the last step D {min(d_losses):.2f} to "
        f"{max(d_losses):.2f}, G {min(g_losses):.2f} to {max(g_losses):.2f}."
    )


def _has_failed(point: dict) -> bool:
    is_finite = bool(np.all(np.isfinite(point["losses"])))
    return not is_finite or point["classes"] < 9 or point["losses"][0] < 0.1


def _note(runs: list[dict]) -> str:
    machines = {json.dumps(run["machine"], sort_keys=True) for run in runs}
    floors = sorted({run["floor"] for run in runs})
    return (
        f"{runs[0]['samples']:,} samples against MNIST's 10,000 test images; as many "
        f"real training images have {floors[0]:.2f}. CPU-seconds of all threads, "
        "building and tracing included.\n\n" + "\n".join(sorted(machines))
    )


def _plot(grouped: dict, ours: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from dcgan_keras.visualization import use_style

    use_style()
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for name, runs in grouped.items():
        width = 2.2 if name == ours else 1.2
        line = None
        for run in runs:
            times = [point["cpu_seconds"] for point in run["curve"]]
            values = [point["frechet"] for point in run["curve"]]
            colour = {"color": line.get_color()} if line else {}
            label = None if line else name
            (line,) = axes.plot(times, values, label=label, lw=width, **colour)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("CPU-seconds of training, all threads")
    axes.set_ylabel("Fréchet distance to MNIST's test images")
    axes.set_title("Quality bought by CPU time, one line a seed")
    axes.legend(fontsize=8)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
