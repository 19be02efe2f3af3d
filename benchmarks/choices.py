"""The choices that the sources dispute, each trained both ways on MNIST.

    python benchmarks/choices.py

One baseline, the paper's recipe with few channels, variants that differ from it in one
argument of the builders or of Adam, and a control for each of the two variants that
bring something else with them; three seeds each, the same images for all. One row a run
is added to data/tables/choices.csv as soon as it is done; runs that are there are not
repeated, so the command can be stopped and given again.
"""

import csv
import json
from pathlib import Path

from measure import CpuClock, machine, quality

from dcgan_keras import keras, tf
from dcgan_keras.data.datasets import load_dataset, training_batches
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.sampling import generate

SEEDS = (0, 1, 2)
WIDTH, BATCH_SIZE, STEPS, SAMPLES = 16, 32, 1000, 5000
STEPS_A_CALL = 50
TABLE = Path(__file__).parents[1] / "data" / "tables" / "choices.csv"

# choice, value -> arguments for G, for D, for both players' Adam; {} is the paper's way
VARIANTS = {
    ("baseline", "paper"): ({}, {}, {}),
    ("last layer of G", "Conv2D"): ({"output_layer": "conv"}, {}, {}),
    ("dropout in D", "0.3"): ({}, {"dropout": 0.3}, {}),
    ("activation of G", "leaky ReLU"): ({"activation": "leaky_relu"}, {}, {}),
    ("batch normalization", "after"): (
        {"batch_norm": "after"},
        {"batch_norm": "after"},
        {},
    ),
    ("leaky slope of D", "0.01"): ({}, {"leaky_slope": 0.01}, {}),
    ("leaky slope of D", "0.3"): ({}, {"leaky_slope": 0.3}, {}),
    ("beta_1", "0.9"): ({}, {}, {"beta_1": 0.9}),
    ("batch normalization", "none in D"): ({}, {"batch_norm": None}, {}),
    ("kernel size", "4"): ({"kernel_size": 4}, {"kernel_size": 4}, {}),
    ("initial weights", "Glorot"): (
        {"weight_stddev": None},
        {"weight_stddev": None},
        {},
    ),
    # Controls. Conv2D above brings a layer with it: here G has one more, too, with as
    # many weights, but at 7x7, and the image is still made by a transposed convolution.
    ("last layer of G", "paper, one more layer"): ({"channels": (32, 16, 16)}, {}, {}),
    # BN after leaves no bias in front of the activation: here it has one.
    ("batch normalization", "after, with bias"): (
        {"batch_norm": "after", "use_bias": True},
        {"batch_norm": "after", "use_bias": True},
        {},
    ),
}


def main() -> None:
    """Make every run that is not in the table yet."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    images = load_dataset("mnist").images
    done = {(row["choice"], row["value"], int(row["seed"])) for row in read()}
    for (choice, value), arguments in VARIANTS.items():
        for seed in SEEDS:
            if (choice, value, seed) in done:
                continue
            row = {"choice": choice, "value": value, "seed": seed}
            row |= run(images, seed, *arguments)
            add(row)
            print(row, flush=True)
    write_provenance()


def run(images, seed: int, g_options: dict, d_options: dict, adam: dict) -> dict:
    """Train one pair and judge its samples."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    width = {"channels": WIDTH}
    generator = build_generator(**width | g_options)
    discriminator = build_discriminator(**width | d_options)
    dcgan = DCGAN(generator, discriminator, seed=seed)
    adam = {"learning_rate": 2e-4, "beta_1": 0.5} | adam
    pair = keras.optimizers.Adam(**adam), keras.optimizers.Adam(**adam)
    dcgan.compile(*pair, steps_per_execution=STEPS_A_CALL)
    batches = training_batches(images, BATCH_SIZE, seed)
    tracing, training = CpuClock(), CpuClock()
    with tracing:
        dcgan.fit(batches, steps_per_epoch=STEPS_A_CALL, verbose=0)
    batches = training_batches(images, BATCH_SIZE, seed, start_step=STEPS_A_CALL)
    with training:
        dcgan.fit(batches, steps_per_epoch=STEPS - STEPS_A_CALL, verbose=0)
    judged = quality(generate(generator, latent_noise((SAMPLES, 100), seed, 10**6)))
    return {
        "steps": STEPS,
        "images": STEPS * BATCH_SIZE,
        **{key: round(judged[key], 3) for key in ("frechet", "classes", "confident")},
        "cpu_ms_a_step": round(1000 * training.seconds / (STEPS - STEPS_A_CALL), 2),
        "cpu_seconds": round(tracing.seconds + training.seconds, 1),
        "g_parameters": generator.count_params(),
        "d_parameters": discriminator.count_params(),
    }


def read() -> list[dict]:
    """The rows that are there."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def add(row: dict) -> None:
    """Add one row, and the header before the first."""
    is_new = not TABLE.exists()
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def write_provenance() -> None:
    """How the table was made, beside it."""
    seconds = sum(float(row["cpu_seconds"]) for row in read())
    content = {
        "command": "python benchmarks/choices.py",
        "cpu_seconds": round(seconds),
        "seeds": list(SEEDS),
        "settings": {
            "width": WIDTH,
            "batch_size": BATCH_SIZE,
            "steps": STEPS,
            "samples": SAMPLES,
            "learning_rate": 2e-4,
            "threads": 1,
        },
        **machine(),
    }
    text = json.dumps(content, indent=2) + "\n"
    TABLE.with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
