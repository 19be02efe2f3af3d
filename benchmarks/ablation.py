"""What goes wrong, and what was folklore: the paper's DCGAN with one thing changed.

    python benchmarks/ablation.py

Every variant is the paper's DCGAN with few channels, on MNIST, and differs from it in
the arguments below alone. All see the same 120,000 images, in the same order for a
seed, drawn from the same noise; five seeds each. A finished run is a row of
data/tables/ablation.csv, with its curves, its class counts and sixteen samples in
ablation.npz, and is not repeated: the command can be stopped and given again, and
several can share the work by ``--seeds`` and ``--variants``. data/tables/ablation.json
says how the table was made.

The fast layers and the fused Adam make the same numbers as Keras's, sooner. The clock
counts the CPU-seconds of one thread while it trains, without building and tracing.
"""

import argparse
import contextlib
import csv
import gc
import statistics
import time
from pathlib import Path

import numpy as np
from measure import CpuClock, machine, quality, write_json

from dcgan_keras import keras, tf
from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.coverage import precision_recall
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.files import lock_file
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.sampling import generate, set_statistics

SEEDS = (0, 1, 2, 3, 4)
IMAGES, BATCH_SIZE = 120_000, 32  # two passes over MNIST
POINTS = 50  # of a curve: means of so many parts of the run
LOOKS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50)  # points with class counts
SAMPLES, FEW, SHOWN = 5_000, 1_000, 16
TABLES = Path(__file__).resolve().parent.parent / "data" / "tables"
RATE = 2e-4
LOSSES = ("discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy")


def rates(generator: float, discriminator: float | None = None) -> dict:
    """Other learning rates of the two Adams."""
    discriminator = generator if discriminator is None else discriminator
    return {
        "g_adam": {"learning_rate": generator},
        "d_adam": {"learning_rate": discriminator},
    }


def both(**arguments) -> dict:
    """The same arguments for both builders."""
    return {"generator": arguments, "discriminator": arguments}


def sgd(learning_rate: float):
    """Gradient descent with nothing added."""
    return lambda: keras.optimizers.SGD(learning_rate)


# group, variant -> what differs from the first, which is the paper's way. "generator"
# and "discriminator": arguments of the builders; "g_adam", "d_adam": of the two Adams;
# "compile": of DCGAN.compile.
VARIANTS = {
    ("baseline", "paper"): {},
    # the guidelines of the paper, each removed
    ("guideline", "D: max pooling"): {"discriminator": {"downsampling": "max_pooling"}},
    ("guideline", "G: nearest + conv"): {"generator": {"upsampling": "nearest"}},
    ("guideline", "no BN in G"): {"generator": {"batch_norm": None}},
    ("guideline", "no BN in D"): {"discriminator": {"batch_norm": None}},
    ("guideline", "no BN"): both(batch_norm=None),
    ("guideline", "BN at G's output"): {"generator": {"batch_norm_at_image": True}},
    ("guideline", "BN at D's input"): {"discriminator": {"batch_norm_at_image": True}},
    ("guideline", "BN everywhere"): both(batch_norm_at_image=True),
    ("guideline", "dense hidden layers"): both(hidden_units=(128,)),
    ("guideline", "ReLU in D"): {"discriminator": {"leaky_slope": 0.0}},
    ("guideline", "leaky ReLU in G"): {"generator": {"activation": "leaky_relu"}},
    ("guideline", "sigmoid output"): {"generator": {"output_activation": "sigmoid"}},
    # failures switched on
    ("failure", "saturating loss"): {"compile": {"generator_loss": "minimax"}},
    ("failure", "D's rate x 10"): rates(RATE, 10 * RATE),
    ("failure", "D untrained"): rates(RATE, 0.0),
    ("failure", "both rates x 10"): rates(10 * RATE),
    ("failure", "both rates x 100"): rates(100 * RATE),
    ("failure", "real label 1.2"): {"compile": {"real_label": 1.2}},
    ("failure", "latent_dim 2"): {"generator": {"latent_dim": 2}},
    # choices that the sources dispute, the other way
    ("choice", "BN after"): both(batch_norm="after"),
    ("choice", "dropout 0.3 in D"): {"discriminator": {"dropout": 0.3}},
    ("choice", "beta_1 0.9"): {"g_adam": {"beta_1": 0.9}, "d_adam": {"beta_1": 0.9}},
    ("choice", "SGD"): {"g_optimizer": sgd(0.01), "d_optimizer": sgd(0.01)},
    ("choice", "SGD for D"): {"d_optimizer": sgd(0.01)},
    ("choice", "real label 0.9"): {"compile": {"real_label": 0.9}},
    # a cure, to be held against "no BN in D"
    ("cure", "no BN in D, R1"): {
        "discriminator": {"batch_norm": None},
        "compile": {"r1_gamma": 1.0},
    },
}


def build(change: dict, seed: int) -> keras.Model:
    """Both players and how they learn, from the package's parts."""
    keras.utils.set_random_seed(seed)
    generator = build_generator(
        **{"channels": (32, 16), "fast": True} | change.get("generator", {})
    )
    discriminator = build_discriminator(
        **{"channels": (16, 32), "fast": True} | change.get("discriminator", {})
    )
    adam = {"learning_rate": RATE, "beta_1": 0.5}
    optimizers = [
        change[f"{player}_optimizer"]()
        if f"{player}_optimizer" in change
        else FusedAdam(**adam | change.get(f"{player}_adam", {}))
        for player in ("g", "d")
    ]
    model = DCGAN(generator, discriminator, seed)
    model.compile(*optimizers, **change.get("compile", {}))
    return model


def run(change: dict, seed: int, pixels: np.ndarray) -> tuple[dict, dict]:
    """Train one pair; a row of the table, and what ablation.npz holds of it."""
    model, batch_size = build(change, seed), BATCH_SIZE
    part = IMAGES // batch_size // POINTS  # steps
    some = compiled_steps(model, pixels, batch_size, seed)
    some(0, 0)  # traced
    clock, curves, counts = CpuClock(), [], []
    for point in range(1, POINTS + 1):
        with clock:
            curves.append(some((point - 1) * part, part).numpy())
        if point in LOOKS:
            counts.append(class_counts(draw(model, FEW)))
    steps = POINTS * part
    images = draw(model, SAMPLES)
    last = dict(zip(LOSSES, curves[-1], strict=True))
    row = {
        "steps": steps,
        "images": steps * batch_size,
        **judge(images),
        **{name: round(float(x), 3) for name, x in last.items()},
        "cpu_seconds": round(clock.seconds, 1),
        "ms_per_step": round(1000 * clock.seconds / steps, 2),
        "g_parameters": model.generator.count_params(),
        "d_parameters": model.discriminator.count_params(),
    }
    shown = np.nan_to_num(np.clip((images[:SHOWN, :, :, 0] + 1) * 127.5, 0, 255))
    arrays = {
        "curves": np.array(curves, np.float32),
        "counts": np.array(counts, np.int16),
        "samples": np.round(shown).astype(np.uint8),
    }
    return row, arrays


def compiled_steps(model, pixels: np.ndarray, batch_size: int, seed: int):
    """Some steps in one call: the mean of what they report."""
    data = tf.constant(pixels)

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32)] * 2)
    def some(first, count):
        total = tf.zeros(len(LOSSES))
        for step in tf.range(first, first + count):
            index = tf.random.stateless_uniform(
                (batch_size,), (seed, step), 0, len(pixels), tf.int32
            )
            real_images = tf.cast(tf.gather(data, index), tf.float32) / 127.5 - 1.0
            logs = model.train_step(real_images)
            total += tf.stack([logs[name] for name in LOSSES])
        return total / tf.cast(tf.maximum(count, 1), tf.float32)

    return some


def draw(model, count: int) -> np.ndarray:
    """Samples of a copy of G, with BN's statistics set to a large batch."""
    generator = keras.models.clone_model(model.generator)
    generator.set_weights(model.generator.get_weights())
    set_statistics(generator)
    z = latent_noise((count, generator.input_shape[1]), seed=-2, step=0)
    return generate(generator, z)


def class_counts(images: np.ndarray) -> np.ndarray:
    """How many of the images the classifier takes for each digit."""
    if not np.isfinite(images).all():
        return np.zeros(10, int)
    _, probabilities = load_classifier("mnist")(images)
    return np.bincount(probabilities.argmax(axis=1), minlength=10)


def judge(images: np.ndarray) -> dict:
    """All that the table says of the samples."""
    if not np.isfinite(images).all():
        nothing = {"classes": 0, "smallest_class": 0, "confident": 0.0}
        return {"frechet": np.inf} | nothing | {"precision": 0.0, "recall": 0.0}
    classifier = load_classifier("mnist")
    real_features, _ = classifier(load_dataset("mnist", "test").images[:SAMPLES])
    found = precision_recall(real_features, classifier(images)[0])
    shares = {name: round(float(x), 4) for name, x in found._asdict().items()}
    return quality(images) | shares


def paths() -> tuple[Path, Path]:
    return TABLES / "ablation.csv", TABLES / "ablation.npz"


def read() -> tuple[list[dict], dict]:
    """The rows and arrays that are there."""
    table, archive = paths()
    if not table.exists():
        return [], {}
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with np.load(archive, allow_pickle=False) as arrays:
        return rows, dict(arrays)


@contextlib.contextmanager
def alone():
    """Wait until no other process writes."""
    with contextlib.ExitStack() as stack:
        while True:
            with contextlib.suppress(BlockingIOError):
                stack.enter_context(lock_file(TABLES / ".ablation.lock"))
                break
            time.sleep(0.1)
        yield


def add(row: dict, arrays: dict) -> None:
    """Write table and archive anew with one run more; each whole or not at all."""
    table, archive = paths()
    TABLES.mkdir(parents=True, exist_ok=True)
    with alone():
        rows, kept = read()
        key = f"{row['variant']}/{row['seed']}"
        kept |= {f"{key}/{name}": array for name, array in arrays.items()}
        names = [name for _, name in VARIANTS]
        rows = [*rows, row]
        rows.sort(key=lambda r: (names.index(r["variant"]), int(r["seed"])))
        part = archive.with_suffix(".part.npz")
        np.savez_compressed(part, **dict(sorted(kept.items())))
        part.replace(archive)
        part = table.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        part.replace(table)


def write_provenance() -> None:
    """How the table was made, and what counts as a success in it."""
    rows, _ = read()
    baseline = [float(r["frechet"]) for r in rows if r["variant"] == "paper"]
    content = {
        "command": "python benchmarks/ablation.py",
        "seeds": sorted({int(r["seed"]) for r in rows}),
        "runs": len(rows),
        "training_cpu_seconds": round(sum(float(r["cpu_seconds"]) for r in rows)),
        "threads": 1,
        "samples": SAMPLES,
        "against": "MNIST's test images (10,000 for the distance, 5,000 for precision "
        "and recall), the course's mnist classifier",
        "baseline": "channels 32, 16 and 16, 32; batch 32; Adam 2e-4, beta_1 0.5",
        "success": "ten classes, and at most twice the baseline's median distance",
        "success_distance": round(2 * statistics.median(baseline), 2),
        "curves": f"means of {POINTS} parts of the run: {', '.join(LOSSES)}",
        "counts": f"of {FEW} samples after {', '.join(map(str, LOOKS))} of the parts",
        "machine": machine(),
    }
    write_json(TABLES / "ablation.json", content)


def main() -> None:
    """Make every run that is not in the table yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    names = [variant for _, variant in VARIANTS]
    parser.add_argument("--variants", nargs="+", default=names, choices=names)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    pixels = np.round((load_dataset("mnist").images + 1) * 127.5).astype(np.uint8)
    for seed in options.seeds:
        for (group, variant), change in VARIANTS.items():
            done = {(r["variant"], int(r["seed"])) for r in read()[0]}
            if (variant, seed) in done or variant not in options.variants:
                continue
            row, arrays = run(change, seed, pixels)
            row = {"group": group, "variant": variant, "seed": seed} | row
            print(row, flush=True)
            add(row, arrays)
            keras.backend.clear_session()
            gc.collect()
    write_provenance()


if __name__ == "__main__":
    main()
