"""Colour at equal CPU time: this course's DCGAN beside the paper's and keras.io's.

    python benchmarks/colour.py 32=FOLDER 64=FOLDER --seeds 0 1 2

FOLDER holds pictures, as ``train --dataset`` takes them; they are brought to the size
before it. Every recipe runs in the compiled loop of quality.py, in a process of its
own, and is stopped at the same CPU-seconds. 2,000 samples, in the better of both modes
of BN, are judged by ``evaluate_pictures``. Each run is one file and a grid of 32
samples in results/colour; runs that are there are not repeated. At the end (or with
--report) the table is made from the files.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from measure import RESULTS, CpuClock, machine, markdown, write_json
from quality import compiled_loop, samples, trained

FOLDER = RESULTS / "colour"
POINTS = (60.0, 200.0, 600.0)
SAMPLES = 2000
GRID = 32
OURS = ("default", "default, augmented")
# As it was measured; the default has R1 of 30 at 64x64 since.
AUGMENTED = {
    "r1_gamma": 1.0,
    "augmentation": ("flip", "translation", "cutout"),
    "generator_learning_rate": 4.8e-3,
    "discriminator_learning_rate": 1.6e-3,
    "decay_steps": 4000,
}
PAPER = {"paper, width 32": 32, "paper, width 128": 128}
KERAS_IO = "keras.io 2021"


class Ours:
    """The course's players, with changes to the settings of its default."""

    batch_size, latent_dim = 32, 100

    def __init__(self, size: int, seed: int, changes: dict):
        from dcgan_keras.training.dcgan import DCGAN
        from dcgan_keras.training.recipe import build_players, compile_default

        players = build_players((size, size, 3))
        self.dcgan = compile_default(DCGAN(*players, seed=seed), **changes)

    @property
    def generator(self):
        """As samples are drawn: with the averaged weights."""
        return self.dcgan.sampling_generator()

    def step(self, real_images):
        losses = self.dcgan.train_step(real_images)
        return losses["discriminator_loss"], losses["generator_loss"]

    def images(self, outputs):
        """What G puts out is in [-1, 1] already."""
        return outputs


class Paper(Ours):
    """The paper's layers and rates, its batch, and its updates in turn."""

    batch_size = 128

    def __init__(self, size: int, seed: int, width: int):
        from dcgan_keras import build_discriminator, build_generator
        from dcgan_keras.training.dcgan import DCGAN
        from dcgan_keras.training.players import default_optimizer

        shape = (size, size, 3)
        generator = build_generator(shape, self.latent_dim, width)
        self.dcgan = DCGAN(generator, build_discriminator(shape, width), seed=seed)
        self.dcgan.compile(default_optimizer(), default_optimizer())

    @property
    def generator(self):
        """With the weights of the last step: the paper averages none."""
        return self.dcgan.generator


def keras_io(size: int):
    """keras.io's DCGAN for CelebA (Chollet 2019-2021), layer by layer.

    At 64x64 its parameters are counted and must be those published; for 32x32 it
    begins at 4x4 pixels in place of 8x8.
    """
    from recipes import Players, Recipe

    from dcgan_keras import keras

    first = size // 8
    counts = {64: (3_979_651, 404_801), 32: (3_187_075, 398_657)}
    recipe = Recipe(
        f"dense {first * first * 128}, shape {first} {first} 128,"
        "convT 128 4 2, leaky .2, convT 256 4 2, leaky .2, convT 512 4 2, leaky .2,"
        "conv 3 5 1, sigmoid",
        "conv 64 4 2, leaky .2, conv 128 4 2, leaky .2, conv 128 4 2, leaky .2, flat,"
        "drop .2, dense 1",
        lambda: keras.optimizers.Adam(1e-4),
        32,
        128,
        "joined",
        counts[size],
        tanh=False,
        label_noise=0.05,
        image_shape=(size, size, 3),
    )
    return Players(recipe)


def players(name: str, size: int, seed: int):
    """What quality.py asks of a recipe."""
    from dcgan_keras import keras

    keras.utils.set_random_seed(seed)
    if name == KERAS_IO:
        return keras_io(size)
    if name in PAPER:
        return Paper(size, seed, PAPER[name])
    return Ours(size, seed, AUGMENTED if name == OURS[1] else {})


def loaded(folder: str, size: int):
    """Pictures to train on, and those held out or None."""
    from dcgan_keras.data.datasets import load_dataset
    from dcgan_keras.data.listing import has_split

    parts = ("train", "test") if has_split(folder, "test") else ("train",)
    found = [load_dataset(folder, part, size, 3, stream=False).images for part in parts]
    return found if len(found) == 2 else [*found, None]


def run(name: str, size: int, folder: str, seed: int, budget: float) -> None:
    """Train one recipe to the budget; write its curve and its last samples."""
    from dcgan_keras import tf
    from dcgan_keras.evaluation.picture_report import evaluate_pictures
    from dcgan_keras.visualization import tile, write_png

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    training, held_out = loaded(folder, size)
    pixels = np.round((training + 1) * 127.5).astype(np.uint8)
    clock, curve, grid = CpuClock(), [], None
    with clock:
        model = players(name, size, seed)
        loop = compiled_loop(model, pixels)
        loop(1)
    for step, losses in trained(loop, clock, [p for p in POINTS if p <= budget]):
        both = []
        for mode in (False, True):
            images = np.clip(samples(model, mode, SAMPLES), -1, 1)
            found = evaluate_pictures(images, training, held_out)
            mean = found.generated.sliced_wasserstein_mean
            both.append((mean, mode, found.to_dict(), images[:GRID]))
        _, mode, found, grid = min(both, key=lambda one: one[0])
        curve.append(
            {
                "cpu_seconds": round(clock.seconds, 2),
                "step": step,
                "losses": [round(float(x), 4) for x in losses],
                "batch_statistics": mode,
                **found["generated"],
            }
        )
        print(f"{name}, {size}, seed {seed}: {curve[-1]}", flush=True)
    content = {
        "recipe": name,
        "size": size,
        "images": len(training),
        "seed": seed,
        "batch_size": model.batch_size,
        "samples": SAMPLES,
        "compared": found["count"],
        "floor": found["floor"],
        "curve": curve,
        "machine": machine(),
    }
    path = result_path(name, size, seed)
    write_json(path, content)
    write_png(path.with_suffix(".png"), tile(grid, scale=2))


def result_path(name: str, size: int, seed: int) -> Path:
    return FOLDER / f"{size}-{name.replace(',', '').replace(' ', '_')}-{seed}.json"


def report() -> str:
    """A row a recipe and size: every seed's numbers at the last point."""
    found: dict[tuple, list[dict]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        one = json.loads(path.read_text())
        found.setdefault((one["size"], one["recipe"]), []).append(one)
    rows = []
    for (size, name), runs in sorted(found.items()):
        last = [one["curve"][-1] for one in runs]
        rows.append(
            [
                size,
                name,
                ", ".join(str(x["step"]) for x in last),
                *(_each(x[key] for x in last) for key in SHOWN),
            ]
        )
        floor = runs[0]["floor"]
        real = [size, "real images", "", *(_each([floor[key]]) for key in SHOWN)]
        if real not in rows:
            rows.append(real)
    header = ["pixels", "recipe", "steps", "SWD x 1000", "precision", "recall"]
    return markdown(header, sorted(rows, key=lambda row: row[:2]))


SHOWN = ("sliced_wasserstein_mean", "precision", "recall")


def _each(values) -> str:
    return ", ".join(f"{x:.1f}" if x > 1 else f"{x:.2f}" for x in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", help="SIZE=FOLDER, such as 32=cifar10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--recipes", nargs="+", default=[*OURS, *PAPER, KERAS_IO])
    parser.add_argument("--budget", type=float, default=POINTS[-1])
    parser.add_argument("--one", action="store_true", help="in this very process")
    parser.add_argument("--report", action="store_true", help="only the table")
    options = parser.parse_args()
    data = dict(part.split("=", 1) for part in options.data)
    for seed in [] if options.report else options.seeds:
        for size, folder in data.items():
            for name in options.recipes:
                if options.one:
                    run(name, int(size), folder, seed, options.budget)
                elif not result_path(name, int(size), seed).exists():
                    own = [f"{size}={folder}", "--one", "--recipes", name]
                    own += ["--seeds", str(seed), "--budget", str(options.budget)]
                    subprocess.run([sys.executable, __file__, *own], check=True)
    if not options.one:
        print(report())


if __name__ == "__main__":
    main()
