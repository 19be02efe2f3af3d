"""Quality over CPU time on MNIST: this course's default beside five published recipes.

    python benchmarks/quality.py --seeds 0 1 2

Every recipe runs in the same compiled loop, in a process of its own, and is stopped
at the same CPU-seconds (all threads; building and tracing included, judging and
importing not). Each finished run is one file in benchmarks/results/quality; runs that
are there are not repeated, so the command can be stopped and given again. At the end
(or with --report) the table and the plot are made from the files.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from measure import RESULTS, SAMPLES, CpuClock, floor, machine, quality, write_json

OURS = "dcgan_keras"
POINTS = (3.0, 5.4, 9.0, 13.5, 27.0, 54.0, 108.0, 180.0, 270.0, 300.0, 600.0)
CHUNK = 0.2  # CPU-seconds between two looks at the clock, about
FOLDER = RESULTS / "quality"


def players(name: str, seed: int):
    """What has ``generator``, ``step(real_images)``, ``images(outputs)``, sizes."""
    from dcgan_keras import keras

    keras.utils.set_random_seed(seed)
    if name == OURS:
        from default import Default

        return Default(seed)
    from recipes import RECIPES, Players

    return Players(RECIPES[name])


def compiled_loop(model, images):
    """`n` steps in one call: batches drawn from uint8 images inside the graph."""
    from dcgan_keras import tf

    data = tf.constant(images)

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32)])
    def run(n):
        losses = tf.zeros(2)
        for _ in tf.range(n):
            index = tf.random.uniform((model.batch_size,), 0, len(images), tf.int32)
            real_images = tf.cast(tf.gather(data, index), tf.float32) / 127.5 - 1.0
            losses = tf.stack(model.step(real_images))
        return losses

    return run


def trained(loop, clock: CpuClock, points: list[float]):
    """Train on after the first step; at each point of the clock: (steps, losses)."""
    start, step, chunk = clock.seconds, 1, 1
    for point in points:
        while clock.seconds < point:
            with clock:
                losses = loop(chunk)
            step += chunk
            cost = max(clock.seconds - start, 1e-3) / step
            left = (point - clock.seconds) / cost
            chunk = int(np.clip(min(left, CHUNK / cost), 1, 1000))
        yield step, losses


def samples(model, training: bool, count: int = SAMPLES) -> np.ndarray:
    """Images for a fixed noise, 500 at a time; the model is left as it was."""
    from dcgan_keras import tf

    generator, noise = model.generator, tf.random.Generator.from_seed(1)
    state = [tf.identity(v) for v in generator.variables]
    outputs = [
        generator(noise.normal((500, model.latent_dim)), training=training).numpy()
        for _ in range(count // 500)
    ]
    for variable, value in zip(generator.variables, state, strict=True):
        variable.assign(value)
    return model.images(np.concatenate(outputs))


def judge(model) -> dict:
    """The better of both modes of BN: nobody is judged by a wrong switch."""
    both = []
    for training in (False, True):
        images = samples(model, training)
        both.append({**quality(images), "batch_statistics": training})
    return min(both, key=lambda result: result["frechet"])


def run(name: str, seed: int, budget: float) -> None:
    """Train one recipe to the budget and write its curve."""
    from dcgan_keras import tf
    from dcgan_keras.data.datasets import load_dataset

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    images = load_dataset("mnist").images
    pixels = np.round((images + 1) * 127.5).astype(np.uint8)
    clock, curve = CpuClock(), []
    with clock:
        model = players(name, seed)
        loop = compiled_loop(model, pixels)
        loop(1)
    start = clock.seconds
    for step, losses in trained(loop, clock, [p for p in POINTS if p <= budget]):
        curve.append(
            {
                "cpu_seconds": round(clock.seconds, 2),
                "step": step,
                "losses": [round(float(x), 4) for x in losses],
                **judge(model),
            }
        )
        print(f"{name}, seed {seed}: {curve[-1]}", flush=True)
    content = {
        "recipe": name,
        "seed": seed,
        "batch_size": model.batch_size,
        "seconds_before_first_step_done": round(start, 2),
        "samples": SAMPLES,
        "floor": floor(),
        "curve": curve,
        "machine": machine(),
    }
    write_json(result_path(name, seed), content)


def result_path(name: str, seed: int) -> Path:
    return FOLDER / f"{name.replace(',', '').replace(' ', '_')}-{seed}.json"


def is_done(name: str, seed: int, budget: float) -> bool:
    """Whether a run of that length is there; a shorter one is made anew."""
    path = result_path(name, seed)
    if not path.exists():
        return False
    last = json.loads(path.read_text())["curve"][-1]["cpu_seconds"]
    return last >= max(point for point in POINTS if point <= budget)


def main() -> None:
    from recipes import RECIPES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--recipes", nargs="+", default=[OURS, *RECIPES])
    parser.add_argument("--budget", type=float, default=POINTS[-1])
    parser.add_argument("--one", action="store_true", help="in this very process")
    parser.add_argument("--report", action="store_true", help="only table and plot")
    parser.add_argument("--no-report", action="store_true", help="only the runs")
    options = parser.parse_args()
    jobs = [(name, seed) for seed in options.seeds for name in options.recipes]
    for name, seed in [] if options.report else jobs:
        if options.one:
            run(name, seed, options.budget)
        elif not is_done(name, seed, options.budget):
            own = ["--one", "--recipes", name, "--seeds", str(seed)]
            budget = ["--budget", str(options.budget)]
            subprocess.run([sys.executable, __file__, *own, *budget], check=True)
    if not (options.one or options.no_report):
        from quality_report import report

        print(report(FOLDER, OURS))


if __name__ == "__main__":
    main()
