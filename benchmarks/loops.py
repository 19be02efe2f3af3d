"""Time to import, time to the first step, and images a second of both loops.

    python benchmarks/loops.py

Five rounds of 40 steps each, the loops in turn; median, least and greatest are
printed. Run it on a machine that does nothing else.
"""

import platform
import statistics
import subprocess
import sys
import time

BATCH_SIZE, STEPS, ROUNDS = 32, 40, 5
IMPORT = "import sys, dcgan_keras; sys.exit('tensorflow' in sys.modules)"


def main() -> None:
    """Print the table."""
    bare = median_seconds(["-c", "pass"])
    package = median_seconds(["-c", IMPORT])
    print(f"import dcgan_keras (no TensorFlow)   {1000 * (package - bare):8.1f} ms")
    began = time.perf_counter()
    from dcgan_keras import keras, tf
    from dcgan_keras.data.datasets import load_dataset, training_batches
    from dcgan_keras.training.configuration import DEFAULTS, build_model
    from dcgan_keras.training.recipe import RECIPES

    print(f"import TensorFlow and Keras          {time.perf_counter() - began:8.1f} s")
    images = load_dataset("digits").images
    config = DEFAULTS | {"settings": RECIPES["default"], "image_shape": [28, 28, 1]}
    loops = {}
    for name in ("train_step", "composite"):
        model = build_model(config | {"loop": name})
        batches = training_batches(images, BATCH_SIZE)
        began = time.perf_counter()
        run_steps(model, batches, 1)
        seconds = time.perf_counter() - began
        print(f"first step of {name:22} {seconds:8.1f} s")
        loops[name] = (model, batches, [])
    for _ in range(ROUNDS):
        for model, batches, rates in loops.values():
            began = time.perf_counter()
            run_steps(model, batches, STEPS)
            rates.append(STEPS * BATCH_SIZE / (time.perf_counter() - began))
    for name, (_, _, rates) in loops.items():
        low, high = min(rates), max(rates)
        middle = statistics.median(rates)
        print(f"{name:12} {middle:8.0f} images/s  ({low:.0f} to {high:.0f})")
    versions = f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    print(f"{versions}, Python {platform.python_version()}, {platform.machine()}")


def run_steps(model, batches, steps: int) -> None:
    """``steps`` steps of either loop, from the first batch on."""
    model.fit(batches, steps_per_epoch=steps, verbose=0)


def median_seconds(arguments: list[str], times: int = 7) -> float:
    """Median time of a Python process, in seconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
