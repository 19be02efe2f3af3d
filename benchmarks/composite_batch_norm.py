"""What D's batch normalization should do inside the composite, measured on digits.

    python benchmarks/composite_batch_norm.py

The composite loop with a D that has batch normalization, in training mode and in
inference mode inside the composite, five seeds each; everything else is equal.
Fréchet distance of 2,000 samples to the 382 test images. The numbers are also written
to benchmarks/results/composite_batch_norm.json.
"""

import statistics

from measure import RESULTS, machine, write_json

from dcgan_keras import keras
from dcgan_keras.data.datasets import load_dataset, training_batches
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.distances import frechet_distance
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.sampling import generate

STEPS, SEEDS = 400, (0, 1, 2, 3, 4)


def main() -> None:
    """Print and write the distance for each mode and seed."""
    images = load_dataset("digits").images
    classify = load_classifier("digits")
    real_features, _ = classify(load_dataset("digits", "test").images)
    found = {}
    for mode in ("training", "inference"):
        distances = found[mode] = []
        for seed in SEEDS:
            features, _ = classify(samples(images, mode, seed))
            distances.append(round(float(frechet_distance(features, real_features)), 2))
        shown = "  ".join(f"{distance:6.1f}" for distance in distances)
        print(
            f"{mode:10} {shown}   median {statistics.median(distances):.1f}", flush=True
        )
    settings = {"steps": STEPS, "seeds": SEEDS, "samples": 2000}
    command = "python benchmarks/composite_batch_norm.py"
    content = {"command": command, **settings, "frechet": found, "machine": machine()}
    write_json(RESULTS / "composite_batch_norm.json", content)


def samples(images, mode: str, seed: int):
    """2,000 samples after ``STEPS`` steps."""
    keras.utils.set_random_seed(seed)
    loop = CompositeLoop(
        build_generator(weight_stddev=None),
        build_discriminator(weight_stddev=None, batch_norm="before"),
        seed=seed,
        batch_norm=mode,
    )
    pair = (keras.optimizers.Adam(1e-3, beta_1=0.5) for _ in range(2))
    loop.compile(*pair)
    batches = training_batches(images, 32, seed)
    loop.fit(batches, steps_per_epoch=STEPS, verbose=0)
    return generate(loop.generator, latent_noise((2000, 100), seed, 10**6))


if __name__ == "__main__":
    main()
