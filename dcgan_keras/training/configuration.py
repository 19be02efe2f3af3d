"""From what config.json says to the models: the configuration of a run.

config = run.read_config()  ->  build_model(config)  ->  load_players(run)
"""

from pathlib import Path
from typing import NamedTuple

from dcgan_keras._tensorflow import keras
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.training.callbacks import state_of
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.players import default_optimizer
from dcgan_keras.training.recipe import (
    BATCH_SIZE,
    RECIPES,
    WIDTH,
    build_players,
    compile_options,
    optimizers,
)
from dcgan_keras.training.runs import RunFolder

DEFAULTS = {  # of the command line's options, by their names in config.json
    "dataset": "mnist",
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


class Players(NamedTuple):
    """Both players of a run.

    Attributes:
        generator: (N, latent_dim) -> (N, H, W, C) in [-1, 1]; with the average of its
            weights, where the run keeps one.
        discriminator: (N, H, W, C) -> (N, 1), logits.
    """

    generator: keras.Model
    discriminator: keras.Model


def settings_of(config: dict) -> dict:
    """The settings of the recipe and the loop that a configuration names.

    The composite loop knows neither the simultaneous update nor R1.
    """
    settings = RECIPES[config["recipe"]]
    if config["loop"] == "composite":
        settings = {k: v for k, v in settings.items() if not k.startswith("r1_")}
        settings = settings | {"update": "alternating"}
    return settings


def read_config(run: RunFolder) -> dict:
    """The configuration of a run, complete.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: something is missing in it.
    """
    config = run.read_config()
    missing = [name for name in (*DEFAULTS, "settings") if name not in config]
    if not missing:
        known = settings_of(config)
        missing = [name for name in known if name not in config["settings"]]
    if missing:
        raise ValueError(
            f"run: config.json in {run.path} has no {', '.join(missing)}: the run was "
            "made by an older version of this package, and has to be made anew"
        )
    return config


def build_model(config: dict) -> DCGAN | CompositeLoop:
    """Both players and their loop, compiled, as a run's configuration says.

    The seed of the weights becomes Keras's global seed.
    """
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
        model, options = CompositeLoop(*players, seed=seed), {}
    else:
        model, options = DCGAN(*players, seed=seed), compile_options(settings)
    model.compile(*pair, **options)
    return model


def load_players(run: RunFolder | str | Path) -> Players:
    """Both players of a run with its newest weights.

    Args:
        run: a run, or the path of its folder.

    Returns:
        ``Players``, built as the run's configuration says.

    Raises:
        FileNotFoundError: there is no run, or no weights have been saved in it.
        ValueError: the weights are those of other models.

    Example:
        >>> generator, discriminator = load_players("runs/a")

    Source: notebook 08.
    """
    run = _folder(run)
    config = read_config(run)
    model = build_model(config)
    needed = ["generator", "discriminator"]  # the average is kept with G's optimizer
    needed += ["generator_optimizer"] if config["settings"]["average"] else []
    if run.restore({name: state_of(model)[name] for name in needed}) == 0:
        raise FileNotFoundError(f"run: no weights have been saved in {run.path} yet")
    return Players(model.sampling_generator(), model.discriminator)


def untrained_players(run: RunFolder | str | Path, seed: int | None = None) -> Players:
    """Both players of a run as they were before the first step.

    Args:
        run: a run, or the path of its folder.
        seed: of the weights; None: the run's own. It becomes Keras's global seed.

    Returns:
        ``Players``, built as the run's configuration says.

    Raises:
        FileNotFoundError: there is no run.

    Source: notebook 08, the baseline for D's features.
    """
    config = read_config(_folder(run))
    model = build_model(config if seed is None else config | {"seed": seed})
    return Players(model.generator, model.discriminator)


def _folder(run: RunFolder | str | Path) -> RunFolder:
    return run if isinstance(run, RunFolder) else RunFolder(run)
