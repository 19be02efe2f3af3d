"""Samples in colour by a judge that has learned the kinds of things in the folder.

    python benchmarks/kinds.py FOLDER SAMPLES.npz [...]

FOLDER has a folder for each class in train/ and test/; SAMPLES are those that trials.py
leaves in build/trials. A small convolutional network learns the classes (about four
CPU-minutes for 15,000 pictures of 32x32) and is kept beside them. Patches and random
features know nothing of things; this judge does. Written to results/kinds.json: the
share of samples of which it is sure (p above 0.9), and the Frechet distance in its last
features, to 5,000 training pictures; beside what the trial itself found.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from measure import RESULTS, frechet_distance, machine, write_json

KEPT = Path(__file__).resolve().parent.parent / "build" / "trials"
SIZE, COUNT, REFERENCE = 32, 2000, 5000
EPOCHS, BATCH = 12, 64
SURE = 0.9
REAL = "real test pictures"
OF_THE_TRIAL = ("step", "sliced_wasserstein_mean", "precision", "recall")


def small_network(classes: int, steps: int):
    """Three stages of two convolutions; flips and shifts against overfitting."""
    from dcgan_keras import keras

    layers = keras.layers
    parts = [layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)]
    for filters in (24, 48, 96):
        for stride in (1, 2):
            parts += [
                layers.Conv2D(filters, 3, stride, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
            ]
    parts += [
        layers.GlobalAveragePooling2D(),
        layers.Dense(64, activation="relu", name="features"),
        layers.Dropout(0.3),
        layers.Dense(classes),
    ]
    network = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *parts])
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return network


def learned(folder: str):
    """The judge, its accuracy on test/, and both halves' pictures in random order."""
    from dcgan_keras import keras
    from dcgan_keras.data.datasets import load_dataset

    halves = [
        load_dataset(folder, part, SIZE, 3, stream=False) for part in ("train", "test")
    ]
    (images, labels), (test_images, test_labels) = halves
    path = KEPT / "judge.keras"
    if path.exists():
        judge = keras.models.load_model(path)
    else:
        keras.utils.set_random_seed(0)
        steps = EPOCHS * -(-len(images) // BATCH)
        judge = small_network(int(labels.max()) + 1, steps)
        judge.fit(images, labels, batch_size=BATCH, epochs=EPOCHS, verbose=2)
        KEPT.mkdir(parents=True, exist_ok=True)
        judge.save(path)
    _, accuracy = judge.evaluate(test_images, test_labels, verbose=0)
    random = np.random.default_rng(0)
    mixed = [x[random.permutation(len(x))] for x in (images, test_images)]
    return judge, accuracy, *mixed


def of_the_trial(name: str) -> dict:
    """What results/trials says of these samples, or of real pictures."""
    pattern = f"{SIZE}-*" if name == REAL else name
    path = next((RESULTS / "trials").glob(f"{pattern}.json"))
    one = json.loads(path.read_text())
    found = one["floor"] if name == REAL else one["curve"][-1]
    return {key: found[key] for key in OF_THE_TRIAL if key in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("samples", nargs="*", help=".npz with images in [-1, 1]")
    options = parser.parse_args()
    from dcgan_keras import keras, tf

    judge, accuracy, training, test = learned(options.folder)
    last = judge.get_layer("features").output
    both = keras.Model(judge.inputs, [last, judge.outputs[0]])

    def answers(images):
        features, logits = both.predict(images, batch_size=500, verbose=0)
        return features, tf.nn.softmax(logits).numpy()

    reference, _ = answers(training[:REFERENCE])
    sets = {REAL: test[:COUNT]}
    for path in map(Path, options.samples):
        sets[path.stem] = np.load(path)["images"][:COUNT].astype(np.float32)
    rows = {}
    for name, images in sets.items():
        features, chances = answers(images)
        rows[name] = {
            "sure": round(float(np.mean(chances.max(axis=1) > SURE)), 4),
            "frechet": round(float(frechet_distance(features, reference)), 4),
            "classes": np.bincount(chances.argmax(axis=1)).tolist(),
        } | of_the_trial(name)
        print(name, rows[name], flush=True)
    content = {"accuracy": round(float(accuracy), 4), "samples": COUNT, "sets": rows}
    write_json(RESULTS / "kinds.json", content | {"machine": machine()})


if __name__ == "__main__":
    main()
