"""What the commands of the command line do, as functions."""

import argparse
import platform
import sys
from pathlib import Path

import numpy as np

from dcgan_keras import data
from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.callbacks import ProgressLine, RunRecorder, state_of
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.optimizers import default_optimizer
from dcgan_keras.recipe import (
    BATCH_SIZE,
    SETTINGS,
    WIDTH,
    build_players,
    compile_options,
    optimizers,
)
from dcgan_keras.runs import RunFolder, write_whole
from dcgan_keras.training import DCGAN, CompositeLoop, latent_noise
from dcgan_keras.visualization import gif_bytes, tile, to_uint8, write_png

DEFAULTS = {
    "dataset": "digits",
    "steps": 1500,
    "seed": 0,
    "batch_size": BATCH_SIZE,
    "loop": "train_step",
    "recipe": "default",
    "image_size": None,
    "channels": None,
    "latent_dim": 100,
    "width": WIDTH,
}

RECIPES = {
    "default": SETTINGS,
    # The rest are the defaults of the builders and of the optimizers.
    "paper": {"update": "alternating", "average": False},
}


def train(options: argparse.Namespace) -> None:
    """``train``: make or continue the run folder ``options.output``."""
    run = RunFolder(options.output)
    config = _resumed(run, options) if options.resume else _new(options)
    images = _images(config)
    data.check_images(images, batch_size=config["batch_size"])
    if options.epochs is not None:
        config["steps"] = options.epochs * (len(images) // config["batch_size"])
    config["image_shape"] = [int(n) for n in images.shape[1:]]
    model = build_model(config)
    start_step = run.restore(state_of(model)) if options.resume else 0
    steps, batch_size = config["steps"], config["batch_size"]
    if start_step >= steps:
        print(f"{run.path}: {start_step} steps are made already", file=sys.stderr)
        return
    run.write_config(config | _provenance(), replace=options.resume)
    batches = data.training_batches(images, batch_size, config["seed"], start_step)
    recorder = RunRecorder(run, start_step, options.save_every, options.sample_every)
    progress = ProgressLine(steps, batch_size, start_step)
    with recorder.stopped_between_steps():
        _fit(model, batches, steps, start_step, [recorder, progress])
    write_training_gif(run)


def sample(options: argparse.Namespace) -> None:
    """``sample``: write samples of a run to ``options.output``."""
    path = Path(options.output)
    if path.suffix not in (".npy", ".png", ".gif"):
        raise ValueError(f"output: expected .npy, .png or .gif, got {path.name!r}")
    generator = load_generator(RunFolder(options.run))
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
    from dcgan_keras.evaluation import evaluate_images

    run = RunFolder(options.run)
    dataset = run.read_config()["dataset"]
    if dataset not in ("digits", "mnist"):
        raise ValueError(
            "run: the measures look through a classifier of digits, so they are for "
            f"runs on digits and mnist; this one is on {dataset!r}"
        )
    generator = load_generator(run)
    z = latent_noise((options.count, generator.input_shape[1]), options.seed, 0)
    real, training = (data.load_dataset(dataset, s).images for s in ("test", "train"))
    result = evaluate_images(generate(generator, z), real, training, dataset)
    print(result.to_json() if options.json else result.table())


def build_model(config: dict) -> DCGAN | CompositeLoop:
    """Both players and their loop, as a run's configuration says."""
    keras.utils.set_random_seed(config["seed"])
    settings, seed = config["settings"], config["seed"]
    shape, width = tuple(config["image_shape"]), config["width"]
    if config["recipe"] == "paper":
        players = (
            build_generator(shape, config["latent_dim"], width),
            build_discriminator(shape, width),
        )
        pair = default_optimizer(), default_optimizer()
    else:
        sizes = {name: settings[name] for name in ("extra_layers", "leaky_slope")}
        players = build_players(shape, config["latent_dim"], width, **sizes)
        pair = optimizers(settings)
    if config["loop"] == "composite":
        return CompositeLoop(*players, *pair, seed=seed)
    model = DCGAN(*players, seed=seed)
    model.compile(*pair, **compile_options(settings))
    return model


def load_generator(run: RunFolder) -> keras.Model:
    """The generator of a run with its newest weights, averaged if the run averages.

    Raises:
        FileNotFoundError: there is no run, or nothing has been saved in it.
    """
    config = _read_config(run)
    model = build_model(config)
    # The average is kept with G's optimizer.
    needed = ("generator", "generator_optimizer")[: 1 + config["settings"]["average"]]
    groups = {name: state_of(model)[name] for name in needed}
    if run.restore(groups) == 0:
        raise FileNotFoundError(f"run: no weights have been saved in {run.path} yet")
    return model.sampling_generator()


def generate(generator: keras.Model, z, batch_size: int = 250) -> np.ndarray:
    """Samples in inference mode.

    Args:
        generator: (N, latent_dim) -> (N, H, W, C).
        z: float32 (N, latent_dim).
        batch_size: images at a time.

    Returns:
        float32 (N, H, W, C) in [-1, 1].
    """
    step = tf.function(lambda z: generator(z, training=False), reduce_retracing=True)
    parts = range(0, len(z), batch_size)
    return np.concatenate([step(z[at : at + batch_size]).numpy() for at in parts])


def latent_walk(z, frames: int = 12) -> np.ndarray:
    """Points between each z and the next, at the length that normal noise has.

    Args:
        z: (N, latent_dim).
        frames: points from one to the next.

    Returns:
        float32 ((N - 1) * frames + 1, latent_dim); z itself if N is 1.
    """
    z = np.asarray(z, np.float32)
    walk = [
        ((1 - t) * a + t * b) / np.sqrt((1 - t) ** 2 + t**2)
        for a, b in zip(z[:-1], z[1:], strict=True)
        for t in np.linspace(0, 1, frames, endpoint=False)
    ]
    return np.stack([*walk, z[-1]]).astype(np.float32)


def write_training_gif(run: RunFolder) -> None:
    """training.gif in the run folder: its sample grids in the order of their steps."""
    import imageio.v3 as imageio

    frames = [imageio.imread(path) for path in run.sample_paths()]
    if len(frames) > 1:
        write_whole(run.path / "training.gif", gif_bytes(frames))


def _new(options: argparse.Namespace) -> dict:
    RunFolder(options.output).check_free()
    config = {name: _given(options, name, value) for name, value in DEFAULTS.items()}
    return config | {"settings": RECIPES[config["recipe"]]}


def _resumed(run: RunFolder, options: argparse.Namespace) -> dict:
    """The run's configuration; of what is asked for now only ``steps`` may differ."""
    config = _read_config(run)
    for name in DEFAULTS:
        asked = _given(options, name, config[name])
        if name != "steps" and asked != config[name]:
            raise ValueError(
                f"{name}: the run in {run.path} has {config[name]!r}, got {asked!r}; "
                "a resumed run keeps its settings"
            )
        config[name] = asked
    return config


def _read_config(run: RunFolder) -> dict:
    config = run.read_config()
    missing = [name for name in (*DEFAULTS, "settings") if name not in config]
    if not missing:
        known = RECIPES[config["recipe"]]
        missing = [name for name in known if name not in config["settings"]]
    if missing:
        raise ValueError(
            f"run: config.json in {run.path} has no {', '.join(missing)}: the run was "
            "made by an older version of this package, and has to be made anew"
        )
    return config


def _given(options: argparse.Namespace, name: str, otherwise):
    value = getattr(options, name)
    return otherwise if value is None else value


def _images(config: dict):
    sizes = {"image_size": config["image_size"], "channels": config["channels"]}
    return data.load_dataset(config["dataset"], "train", **sizes).images


def _fit(model, batches, steps: int, start_step: int, callbacks: list) -> None:
    if isinstance(model, CompositeLoop):
        model.fit(batches, steps, start_step, callbacks)
        return
    model.fit(
        batches,
        steps_per_epoch=steps - start_step,
        callbacks=callbacks,
        verbose=0,
        shuffle=False,
    )


def _provenance() -> dict:
    versions = {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    return {"versions": versions, "machine": platform.machine()}


def _npy_bytes(array: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
