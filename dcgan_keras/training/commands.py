"""What the commands of the command line do, as functions."""

import argparse
import io
import platform
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.data.datasets import check_images, load_dataset, training_batches
from dcgan_keras.files import write_whole
from dcgan_keras.noise import latent_noise
from dcgan_keras.sizes import IMAGE_SIZES
from dcgan_keras.training.callbacks import ProgressLine, RunRecorder, state_of
from dcgan_keras.training.configuration import (
    DEFAULTS,
    build_model,
    load_players,
    read_config,
    settings_of,
)
from dcgan_keras.training.runs import RunFolder
from dcgan_keras.training.sampling import generate, latent_walk
from dcgan_keras.visualization import gif_bytes, tile, to_uint8, write_png


def train(options: argparse.Namespace) -> None:
    """``train``: make or continue the run folder ``options.output``."""
    run = RunFolder(options.output)
    config = _resumed(run, options) if options.resume else _new(options)
    images = _images(config)
    check_images(images, batch_size=config["batch_size"])
    if options.epochs is not None:
        config["steps"] = options.epochs * (len(images) // config["batch_size"])
    config["image_shape"] = [int(n) for n in images.shape[1:]]
    model = build_model(config)
    start_step = run.restore(state_of(model)) if options.resume else 0
    model.steps_made.assign(start_step)
    steps, batch_size = config["steps"], config["batch_size"]
    if start_step >= steps:
        print(f"{run.path}: {start_step} steps are made already", file=sys.stderr)
        return
    run.write_config(config | _provenance(), replace=options.resume)
    batches = training_batches(images, batch_size, config["seed"], start_step)
    recorder = RunRecorder(run, start_step, options.save_every, options.sample_every)
    progress = ProgressLine(steps, batch_size, start_step)
    with recorder.stopped_between_steps():
        model.fit(
            batches,
            steps_per_epoch=steps - start_step,
            callbacks=[recorder, progress],
            verbose=0,
        )
    write_training_gif(run)


def sample(options: argparse.Namespace) -> None:
    """``sample``: write samples of a run to ``options.output``."""
    path = Path(options.output)
    if path.suffix not in (".npy", ".png", ".gif"):
        raise ValueError(f"output: expected .npy, .png or .gif, got {path.name!r}")
    generator = load_players(options.run).generator
    z = latent_noise((options.count, generator.input_shape[1]), options.seed, 0)
    if path.suffix == ".npy":
        write_whole(path, _npy_bytes(to_uint8(generate(generator, z))))
    elif path.suffix == ".png":
        columns = int(np.ceil(np.sqrt(options.count)))
        write_png(path, tile(generate(generator, z), columns, scale=2))
    else:
        images = generate(generator, latent_walk(z))
        write_whole(path, gif_bytes([tile(x[None], 1, 4) for x in images], 0.08))


def evaluate(options: argparse.Namespace) -> None:
    """``evaluate``: print the quality of a run's samples."""
    from dcgan_keras.evaluation.report import evaluate_images

    run = RunFolder(options.run)
    dataset = read_config(run)["dataset"]
    if dataset not in ("digits", "mnist"):
        raise ValueError(
            "run: the measures look through a classifier of digits, so they are for "
            f"runs on digits and mnist; this one is on {dataset!r}"
        )
    generator = load_players(run).generator
    z = latent_noise((options.count, generator.input_shape[1]), options.seed, 0)
    real, training = (load_dataset(dataset, s).images for s in ("test", "train"))
    result = evaluate_images(generate(generator, z), real, training, dataset)
    print(result.to_json() if options.json else result.table())


def write_training_gif(run: RunFolder) -> None:
    """training.gif in the run folder: its sample grids in the order of their steps."""
    frames = [imageio.imread(path) for path in run.sample_paths()]
    if len(frames) > 1:
        write_whole(run.path / "training.gif", gif_bytes(frames))


def _new(options: argparse.Namespace) -> dict:
    RunFolder(options.output).check_free()
    config = {name: _given(options, name, value) for name, value in DEFAULTS.items()}
    return config | {"settings": settings_of(config)}


def _resumed(run: RunFolder, options: argparse.Namespace) -> dict:
    """The run's configuration; of what is asked for now only ``steps`` may differ."""
    config = read_config(run)
    for name in DEFAULTS:
        asked = _given(options, name, config[name])
        if name != "steps" and asked != config[name]:
            raise ValueError(
                f"{name}: the run in {run.path} has {config[name]!r}, got {asked!r}; "
                "a resumed run keeps its settings"
            )
        config[name] = asked
    return config


def _given(options: argparse.Namespace, name: str, otherwise):
    value = getattr(options, name)
    return otherwise if value is None else value


def _images(config: dict):
    sizes = {"image_size": config["image_size"], "channels": config["channels"]}
    sizes["allowed_sizes"] = IMAGE_SIZES
    return load_dataset(config["dataset"], "train", **sizes).images


def _provenance() -> dict:
    versions = {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    return {"versions": versions, "machine": platform.machine()}


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
