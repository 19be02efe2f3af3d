"""From the paper's DCGAN to the course's default, one change at a time, on MNIST.

    python benchmarks/bridge.py

Each variant keeps every change of those before it and adds one. Each runs three times
(seeds 0, 1, 2) for 40 CPU-seconds of training, and is judged four times on the way.
Finished runs are rows of data/tables/bridge.csv and are not repeated, so the command
can be stopped and given again. data/tables/bridge.json says how it was made.

Every variant is the package's builders, optimizer and DCGAN with other arguments, all
with the fast layers and the fused Adam: the same numbers as Keras's, sooner. The clock
counts the CPU-seconds of all threads of this process while it trains: one thread,
without building, tracing and the first step, and without judging. The losses in the
table are those of the last batch.
"""

import argparse
import csv
import gc
import io
from pathlib import Path

import numpy as np
from measure import CpuClock, machine, quality, write_json
from quality import CHUNK, compiled_loop

from dcgan_keras import keras, tf
from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.files import read_rows, write_whole
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import latent_noise
from dcgan_keras.training import recipe
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.sampling import generate, set_statistics

SEEDS = (0, 1, 2)
LOOKS = (5.0, 10.0, 20.0, 40.0)  # CPU-seconds
SAMPLES = 5_000
TABLES = Path(__file__).resolve().parent.parent / "data" / "tables"

PAPER = {
    "batch_size": 128,
    "weight_stddev": 0.02,
    "generator": {"channels": [64, 32]},
    "discriminator": {"channels": [32, 64]},
    "kernel_size": 5,
    "batch_norm": "before",  # of D
    "update": "alternating",
    "generator_learning_rate": 2e-4,
    "discriminator_learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
    "decay_steps": None,
    "leaky_slope": 0.2,
    "average": False,
    "r1_gamma": 0.0,
}
RATES = ("generator_learning_rate", "discriminator_learning_rate")

CHANGES = {  # in this order, each upon those before it
    "paper": {},
    "batch 32": {"batch_size": recipe.BATCH_SIZE},
    "Glorot start": {"weight_stddev": None},
    "half the channels": {
        "generator": {"channels": [32, 16]},
        "discriminator": {"channels": [16, 32]},
    },
    "4x4 kernels": {"kernel_size": 4},
    "BN by channels": {  # of G's projection
        "generator": {"channels": [32, 16], "project_norm": "channels"},
    },
    "more layers": {
        "generator": {
            "channels": [32, 32, 32, 16],
            "extra_kernel_size": 3,
            "project_norm": "channels",
        },
        "discriminator": {"channels": [16, 32, 64]},
    },
    "no BN in D": {"batch_norm": None},
    "one pass": {"update": "simultaneous"},
    "20 x the rates": dict.fromkeys(RATES, recipe.SETTINGS[RATES[1]]),
    "3 x for G": {RATES[0]: recipe.SETTINGS[RATES[0]]},
    "falling rates": {"decay_steps": recipe.SETTINGS["decay_steps"]},
    "no momentum": {"beta_1": recipe.SETTINGS["beta_1"]},
    "short memory": {"beta_2": recipe.SETTINGS["beta_2"]},
    "slope 0.01": {"leaky_slope": recipe.SETTINGS["leaky_slope"]},
    "average of G": {"average": recipe.SETTINGS["average"]},
    "R1": {"r1_gamma": recipe.SETTINGS["r1_gamma"]},
}


def settings_of(variant: str) -> dict:
    """The paper's settings with all changes up to this one."""
    settings = dict(PAPER)
    for name, change in CHANGES.items():
        settings |= change
        if name == variant:
            return settings
    raise ValueError(f"variant: expected one of {list(CHANGES)}, got {variant!r}")


def build(settings: dict, seed: int) -> DCGAN:
    """Both players and how they learn, from the package's parts."""
    keras.utils.set_random_seed(seed)
    plan = {name: settings[name] for name in ("kernel_size", "weight_stddev")}
    generator = build_generator(**settings["generator"], **plan, fast=True)
    discriminator = build_discriminator(
        **settings["discriminator"],
        **plan,
        batch_norm=settings["batch_norm"],
        leaky_slope=settings["leaky_slope"],
        fast=True,
    )
    dcgan = DCGAN(generator, discriminator, seed=seed)
    betas = {name: settings[name] for name in ("beta_1", "beta_2")}
    rates = [
        settings[f"{player}_learning_rate"] for player in ("generator", "discriminator")
    ]
    if settings["decay_steps"]:
        falling = keras.optimizers.schedules.InverseTimeDecay
        rates = [falling(rate, settings["decay_steps"], 1.0) for rate in rates]
    dcgan.compile(
        FusedAdam(rates[0], use_ema=settings["average"], **betas),
        FusedAdam(rates[1], **betas),
        update=settings["update"],
        r1_gamma=settings["r1_gamma"],
    )
    return dcgan


class Variant:
    """What quality.py's compiled loop asks of a recipe."""

    def __init__(self, settings: dict, seed: int):
        self.batch_size, self.dcgan = settings["batch_size"], build(settings, seed)

    def step(self, real_images):
        losses = self.dcgan.train_step(real_images)
        return losses["discriminator_loss"], losses["generator_loss"]


def judge(dcgan: DCGAN) -> dict:
    """Samples of G, in every variant with BN's statistics set to a large batch."""
    generator = dcgan.sampling_generator()
    if generator is dcgan.generator:  # no average is kept: a copy of the newest weights
        generator = keras.models.clone_model(generator)
        generator.set_weights(dcgan.generator.get_weights())
        set_statistics(generator)
    z = latent_noise((SAMPLES, generator.input_shape[1]), seed=-2, step=0)
    return quality(generate(generator, z))


def run(variant: str, seed: int, pixels: np.ndarray) -> list[dict]:
    """Train to the last look; one row a look."""
    settings = settings_of(variant)
    model = Variant(settings, seed)
    loop = compiled_loop(model, pixels)
    losses = loop(1)
    clock, step, chunk, rows = CpuClock(), 1, 1, []
    for look in LOOKS:
        while clock.seconds < look:
            with clock:
                losses = loop(chunk).numpy()
            step += chunk
            cost = max(clock.seconds, 1e-3) / (step - 1)
            left = (look - clock.seconds) / cost
            chunk = int(np.clip(min(left, CHUNK / cost), 1, 1000))
        rows.append(
            {
                "number": 0,  # its place in CHANGES, written by write
                "variant": variant,
                "seed": seed,
                "look": look,
                "cpu_seconds": round(clock.seconds, 2),
                "steps": step,
                "images": step * settings["batch_size"],
                "ms_per_step": round(1000 * clock.seconds / (step - 1), 2),
                "discriminator_loss": round(float(losses[0]), 3),
                "generator_loss": round(float(losses[1]), 3),
                **judge(model.dcgan),
            }
        )
        print(rows[-1], flush=True)
    return rows


def check_last() -> None:
    """The last variant is the course's default, layer by layer and switch by switch."""
    ours = build(settings_of("R1"), 0)
    default = recipe.compile_default(DCGAN(*recipe.build_players(), seed=0))
    for player in ("generator", "discriminator"):
        a, b = (getattr(model, player).get_config() for model in (ours, default))
        if _without_seeds(a) != _without_seeds(b):
            raise AssertionError(f"{player}: the last variant is not the default")
    a, b = (_without_seeds(model.get_compile_config()) for model in (ours, default))
    if a != b:
        raise AssertionError("compile: the last variant is not the default")


def _without_seeds(config):
    if isinstance(config, dict):
        return {
            k: _without_seeds(v) for k, v in config.items() if k not in ("seed", "name")
        }
    if isinstance(config, list):
        return [_without_seeds(item) for item in config]
    return config


def read(path: Path) -> list[dict]:
    """The rows that are there."""
    return list(read_rows(path, "finished runs")) if path.exists() else []


def write(path: Path, rows: list[dict]) -> None:
    """All rows in the order of variants, seeds and looks, whole or not at all."""
    names = list(CHANGES)
    rows = [row | {"number": names.index(row["variant"])} for row in rows]
    rows.sort(key=lambda r: (r["number"], int(r["seed"]), float(r["look"])))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--variants", nargs="+", default=list(CHANGES))
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    check_last()
    path = TABLES / "bridge.csv"
    pixels = np.round((load_dataset("mnist").images + 1) * 127.5).astype(np.uint8)
    for seed in options.seeds:
        for variant in options.variants:
            rows = read(path)
            if any(r["variant"] == variant and int(r["seed"]) == seed for r in rows):
                continue
            new = run(variant, seed, pixels)
            write(path, read(path) + new)  # another process may have written meanwhile
            keras.backend.clear_session()
            gc.collect()
    rows = read(path)
    last = [float(r["cpu_seconds"]) for r in rows if float(r["look"]) == LOOKS[-1]]
    provenance = {
        "command": "python benchmarks/bridge.py",
        "seeds": sorted({int(r["seed"]) for r in rows}),
        "runs": len(last),
        "training_cpu_seconds": round(sum(last)),
        "samples": SAMPLES,
        "against": "MNIST's 10,000 test images, the course's mnist classifier",
        "threads": 1,
        "changes": CHANGES,
        "paper": PAPER,
        "machine": machine(),
    }
    write_json(TABLES / "bridge.json", provenance)


if __name__ == "__main__":
    main()
