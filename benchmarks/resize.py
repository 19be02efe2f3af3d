"""What it costs to double a size: repeated pixels, the same in one layer, transposed.

    python benchmarks/resize.py

The four stages of the default's 64x64 generator, a batch of 32, forward and back, one
thread. The ways in turn; CPU-milliseconds, the median of the rounds. Written to
results/resize.json.
"""

import argparse
import statistics
import time

from measure import RESULTS, machine, markdown, write_json

STAGES = [(128, 64, 4), (64, 32, 8), (32, 16, 16), (16, 3, 32)]  # channels, size before
BATCH, CALLS, ROUNDS = 32, 20, 7


def main() -> None:
    """Measure all stages, and write them."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    from dcgan_keras import keras, tf
    from dcgan_keras.fast.layers import ResizeConv2D

    tf.config.threading.set_intra_op_parallelism_threads(1)
    layers = keras.layers
    ways = {
        "UpSampling2D, Conv2D 3x3": lambda filters: keras.Sequential(
            [layers.UpSampling2D(2), layers.Conv2D(filters, 3, padding="same")]
        ),
        "ResizeConv2D 3x3": lambda filters: ResizeConv2D(filters, 3),
        "Conv2DTranspose 4x4": lambda filters: layers.Conv2DTranspose(
            filters, 4, 2, "same"
        ),
    }
    found = {way: [] for way in ways}
    for channels, filters, size in STAGES:
        images = tf.random.stateless_normal((BATCH, size, size, channels), (0, 0))
        steps = {way: compiled(make(filters), images) for way, make in ways.items()}
        rounds = [{w: cpu_ms(step) for w, step in steps.items()} for _ in range(ROUNDS)]
        for way in ways:
            found[way].append(round(statistics.median(r[way] for r in rounds), 2))
    about = {"stages": STAGES, "batch": BATCH, "calls": CALLS, "rounds": ROUNDS}
    write_json(RESULTS / "resize.json", about | {"cpu_ms": found} | machine())
    header = ["way", *(f"{a} to {b}, {n} to {2 * n}" for a, b, n in STAGES)]
    print(markdown(header, [[way, *map(str, row)] for way, row in found.items()]))


def compiled(layer, images):
    """A call of it and of its gradients, at the images and at the weights."""
    from dcgan_keras import tf

    layer(images)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(images)
            scalar = tf.reduce_sum(layer(images) ** 2)
        return tape.gradient(scalar, [images, *layer.trainable_variables])

    step()
    return step


def cpu_ms(step) -> float:
    """CPU-milliseconds a call."""
    began = time.process_time()
    for _ in range(CALLS):
        step()
    return 1000 * (time.process_time() - began) / CALLS


if __name__ == "__main__":
    main()
