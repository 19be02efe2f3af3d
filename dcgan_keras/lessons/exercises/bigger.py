"""Checks of notebook 09's exercises: counting for four devices, one device's loss, a
reader of pictures, and a training on a folder of one's own."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers

PICTURES, BATCH, DEVICES = 60_000, 96, 4
NEAR = 4.0  # grey levels that JPEG, or another way to resize, may cost
SEED = 7  # of the digits in the files that a check writes


@exercise
def check_four_devices(answer):
    """(pictures a device, steps an epoch, divisor, means of one BN channel)."""
    names = ("pictures", "steps", "divisor", "means")
    pictures, steps, divisor, means = numbers(
        answer, names, f"give four numbers: ({', '.join(names)})"
    )
    if pictures == BATCH:
        raise Wrong("pictures: 96 is the batch of all four devices together")
    if pictures != BATCH // DEVICES:
        raise Wrong(f"pictures: four devices share 96 evenly; you say {pictures}")
    if steps == PICTURES // (BATCH // DEVICES):
        raise Wrong("steps: one step of all devices uses 96 pictures, not 24")
    if steps == PICTURES // (BATCH * DEVICES):
        raise Wrong("steps: the batch is 96 in all; it isn't 96 for each device")
    if steps != PICTURES // BATCH:
        raise Wrong(f"steps: 60,000 pictures, 96 a step; you say {steps}")
    if divisor in (BATCH, BATCH // DEVICES):
        raise Wrong("divisor: the mean over the pictures is already taken")
    if divisor == 1:
        raise Wrong("divisor: four means of 24 add up to four times the mean of 96")
    if divisor != DEVICES:
        raise Wrong(f"divisor: what makes a mean of four means? You say {divisor}")
    if means == 1:
        raise Wrong("means: BN sees only the pictures of its own device")
    if means != DEVICES:
        raise Wrong(f"means: one for each batch that BN sees; you say {means}")
    return "and if G's BN were synchronized, it would be one mean"


@exercise
def check_device_loss(device_loss: Callable):
    """``device_loss(losses_here, devices)``: its sum over the devices is the mean."""
    from dcgan_keras import tf

    for devices, each in ((1, 6), (2, 5), (4, 3)):
        batch = np.random.default_rng(devices).normal(size=(devices, each))
        parts = [device_loss(tf.constant(part, tf.float32), devices) for part in batch]
        if any(part is None for part in parts):
            raise NotImplementedError
        parts = [np.asarray(part, float) for part in parts]
        if any(part.shape != () for part in parts):
            raise Wrong(f"return one number, not an array of shape {parts[0].shape}")
        total, mean = sum(parts), batch.mean()
        guesses = [
            (mean * devices, "as many times too large as there are devices"),
            (batch.sum(), "a sum over the pictures; it has to be their mean"),
            (batch.sum() / devices, "divide by the number of pictures, too"),
            (mean / devices, "divided by the devices twice"),
            (mean / each, "divided by the pictures twice, and not by the devices"),
        ]
        if np.isclose(total, mean, rtol=1e-4):
            continue
        for value, message in guesses:
            if np.isclose(total, value, rtol=1e-4):
                raise Wrong(f"with {devices} devices: {message}")
        raise Wrong(
            f"with {devices} devices of {each} pictures the sum is {total:.3f}, "
            f"and the mean of the batch {mean:.3f}"
        )
    return "for 1, 2 and 4 devices the sum is the mean of the whole batch"


HINTS = {
    "cutout.png": "transparency belongs on white",
    "grey.png": "a grey picture becomes three equal channels",
    "deep.png": "65,535 is white: divide by 257 before it becomes uint8",
    "wide.png": "cut the middle square out before you resize",
    "sideways.jpg": "EXIF says that it has to be turned",
    "palette.png": "convert the palette to RGB",
}


@exercise
def check_read(read: Callable):
    """``read(path)`` -> uint8 (64, 64, 3), for the ten kinds of the zoo."""
    from dcgan_keras.lessons.zoo import write_zoo

    with tempfile.TemporaryDirectory() as folder:
        meant = write_zoo(folder, *_digits())
        for name, pixels in meant.items():
            found = read(Path(folder) / name)
            if found is None:
                raise NotImplementedError
            found = np.asarray(found)
            if found.shape != (64, 64, 3):
                raise Wrong(f"{name}: expected shape (64, 64, 3), got {found.shape}")
            if found.dtype != np.uint8:
                raise Wrong(f"{name}: expected uint8, got {found.dtype}")
            gap = np.abs(found.astype(float) - pixels).mean()
            if gap > NEAR:
                hint = HINTS.get(name, "it is an ordinary picture")
                raise Wrong(
                    f"{name} is {gap:.0f} grey levels from what it means: {hint}"
                )
    return f"all {len(meant)} files, to within {NEAR:.0f} grey levels"


@exercise
def check_train_on(train_on: Callable):
    """``train_on(folder, steps)`` -> a ``DCGAN``, trained on the folder's pictures."""
    from dcgan_keras import keras
    from dcgan_keras.lessons.zoo import write_zoo
    from dcgan_keras.training.players import TwoPlayers

    with tempfile.TemporaryDirectory() as folder:
        write_zoo(folder, *_digits(), copies=4)
        with contextlib.redirect_stderr(io.StringIO()):  # the loader's line
            dcgan = train_on(Path(folder), 2)
    if dcgan is None:
        raise NotImplementedError
    if not isinstance(dcgan, TwoPlayers):
        raise Wrong(f"return the trained dk.DCGAN, not a {type(dcgan).__name__}")
    shape = dcgan.generator.output_shape[1:]
    if shape[-1] != 3:
        raise Wrong(f"the pictures are in colour, and G draws {shape}: channels=3")
    if not dcgan.compiled:
        raise Wrong("the model is not compiled, so it can't have been trained")
    made = int(dcgan.steps_made.numpy())
    if made != 2:
        raise Wrong(
            f"train_on(folder, 2) made {made} steps: pass steps_per_epoch=steps"
        )
    weights = dcgan.generator.trainable_variables
    if not all(np.isfinite(np.asarray(weight)).all() for weight in weights):
        raise Wrong("G's weights are not finite: is the learning rate too high?")
    noise = np.random.default_rng(0).normal(size=(4, dcgan.generator.input_shape[1]))
    drawn = dcgan.predict(keras.ops.convert_to_tensor(noise, "float32"), verbose=0)
    size = "×".join(map(str, drawn.shape[1:]))
    return f"2 steps on a folder of 41 files, {size}; now take a folder of yours"


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Other digits than the notebook's."""
    from dcgan_keras.data.datasets import load_dataset

    images, labels = load_dataset("mnist", split="test")
    order = np.random.default_rng(SEED).permutation(len(images))[:500]
    return images[order], labels[order]
