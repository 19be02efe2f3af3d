"""Checks a run's config.json and builds its models; default settings: recipe.py.

config = read_config(run)    complete, possible, of the weights beside it
model = build_model(config)  both players and their loop, not trained yet
players = load_players(run)  both players with the weights of the run
"""

import contextlib
import math
import random
from pathlib import Path
from typing import NamedTuple

from dcgan_keras._tensorflow import keras
from dcgan_keras.data.clusters import Clusters, sides_of_centres
from dcgan_keras.files import UnreadableFile, decoding
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.sizes import is_int, stages
from dcgan_keras.training.callbacks import state_of
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.players import default_optimizer
from dcgan_keras.training.recipe import (
    BATCH_SIZE,
    COUNT,
    RECIPES,
    WIDTH,
    _is_count,
    build_players,
    check_values,
    compile_options,
    optimizers,
    settings_for,
)
from dcgan_keras.training.recipe import CHECKS as SETTING_CHECKS
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
    "conditional": False,
    "clusters": None,
}
# Steps from one writing to the next; no number hangs on them, and a resumed run may
# have others. Runs from before they were kept have none.
RHYTHM = {"save_every": 500, "sample_every": 100}
# Of runs made before there were such.
OLDER = {"conditional": False, "classes": None, "clusters": None}
LOOPS = ("train_step", "composite")
MOST_WEIGHTS = 2**29  # in one layer: 2 GiB; the paper's largest has 13 million


def _is_channels(value) -> bool:
    return is_int(value) and value in (1, 3)  # True == 1 and 3.0 == 3


def _is_image_shape(value) -> bool:
    return isinstance(value, list) and len(value) == 3 and _is_channels(value[2])


def _are_names(value) -> bool:
    is_list = isinstance(value, list) and all(isinstance(x, str) for x in value)
    return value is None or is_list


CHECKS = {  # what config.json and its settings may hold: by name (is it so, in words)
    "dataset": (lambda x: isinstance(x, str) and x and "\0" not in x, "a name"),
    "steps": (_is_count, COUNT),
    "save_every": (_is_count, COUNT),
    "sample_every": (_is_count, COUNT),
    "seed": (lambda x: _is_count(x, 0, 2**32), "a whole number, 0 to 2**32 - 1"),
    "batch_size": (_is_count, COUNT),
    "loop": (lambda x: x in LOOPS, f"one of {LOOPS}"),
    "recipe": (lambda x: x in (*RECIPES,), f"one of {(*RECIPES,)}"),
    "image_size": (lambda x: x is None or _is_count(x), "null or pixels"),
    "channels": (lambda x: x is None or _is_channels(x), "null, 1 or 3"),
    "image_shape": (_is_image_shape, "[height, width, 1 or 3]"),
    "conditional": (lambda x: isinstance(x, bool), "true or false"),
    "classes": (lambda x: x is None or _is_count(x, 2), "null or a whole number >= 2"),
    "clusters": (lambda x: x is None or _is_count(x, 2), "null or a whole number >= 2"),
    "class_names": (_are_names, "null or a list of names"),
    "resumed": (lambda x: isinstance(x, list), "a list"),
    "settings": (lambda x: isinstance(x, dict), "an object"),
    "latent_dim": (_is_count, COUNT),
    "width": (_is_count, COUNT),
} | SETTING_CHECKS


class Players(NamedTuple):
    """Both players of a run.

    Attributes:
        generator: (N, latent_dim) -> (N, H, W, C) in [-1, 1]; with the average of its
            weights, where the run keeps one. Of a conditional run it takes
            ``labels.with_labels(z, labels, classes)``.
        discriminator: (N, H, W, C) -> (N, 1), logits; of a conditional run
            (N, classes).
    """

    generator: keras.Model
    discriminator: keras.Model


def settings_of(config: dict) -> dict:
    """The settings of the recipe and the loop that a configuration names.

    Those of the default recipe hang on the pictures, once their shape is known. The
    composite loop knows neither the simultaneous update nor R1. A run that was given an
    augmentation has that beside them.
    """
    settings = RECIPES[config["recipe"]]
    if config["recipe"] == "default" and "image_shape" in config:
        settings = settings_for(config["image_shape"])
    if config["loop"] == "composite":
        settings = {k: v for k, v in settings.items() if not k.startswith("r1_")}
        settings = settings | {"update": "alternating"}
    return settings


def read_config(run: RunFolder) -> dict:
    """The configuration of a run: complete, possible, and of the weights beside it.

    Raises:
        FileNotFoundError: there is no run.
        files.UnreadableFile: config.json is damaged, something is missing in it, out
            of its range, or not what the weights of the run were made with.
    """
    config, path = OLDER | run.read_config(), run.path / "config.json"
    missing = [n for n in (*DEFAULTS, "image_shape", "settings") if n not in config]
    with decoding(path, "the configuration of a run"):
        if not missing:
            _check(config)
            missing = [n for n in settings_of(config) if n not in config["settings"]]
        if not missing:
            _check(config["settings"])
            _check_together(config)
    if missing:
        raise UnreadableFile(
            f"run: config.json in {run.path} has no {', '.join(missing)}: the run was "
            "made by an older version of this package, and has to be made anew"
        )
    shape, saved = first_layer(config), run.saved_shape("generator/000")
    if saved not in (None, shape):
        raise UnreadableFile(
            f"{path} does not fit weights.npz beside it: latent_dim "
            f"{config['latent_dim']}, classes {config['classes']} and width "
            f"{config['width']} make a first layer of {shape}, and the one saved is "
            f"{saved}"
        )
    answers, saved = config["classes"] or 1, run.saved_answers()
    if saved not in (None, answers):
        raise UnreadableFile(
            f"{path} does not fit weights.npz beside it: classes {config['classes']} "
            f"make a D of {answers} answers, and the one saved gives {saved}"
        )
    return config


def read_clusters(run: RunFolder, config: dict) -> Clusters:
    """The groups of a run that has some, see ``RunFolder.read_clusters``."""
    height, width, channels = config["image_shape"]
    sides = sides_of_centres(height, width)
    return run.read_clusters(config["classes"], channels, sides)


def first_layer(config: dict) -> tuple[int, int]:
    """The shape of G's first weights, inputs and units, before anything is built.

    Raises:
        ValueError: an image_shape that is not reached, or sizes that no memory holds.
    """
    start, doublings = stages(config["image_shape"])
    channels = config["width"] * 2 ** (doublings - 1)
    inputs = config["latent_dim"] + (config.get("classes") or 0)
    shape = inputs, start * start * channels
    # D's last convolution: 4x4, from these channels to twice as many
    most = max(math.prod(shape), 32 * channels**2)
    if most > MOST_WEIGHTS:
        raise ValueError(
            f"latent_dim, width: expected layers of at most {MOST_WEIGHTS:,} weights, "
            f"got {config['latent_dim']} and {config['width']}, which make one of "
            f"{most:,}"
        )
    return shape


def multiplications(config: dict) -> int:
    """About how many one stage of the networks makes for one batch, forward.

    Every stage makes as many: where the picture has half the height and half the width,
    there are twice the channels on both sides.
    """
    height, width, _ = config["image_shape"]
    kernel = 5 if config["recipe"] == "paper" else 4
    pixels = config["batch_size"] * height * width // 4
    return pixels * kernel**2 * 2 * config["width"] ** 2


def check_asked(config: dict) -> None:
    """Refuse what is asked for on the command line and no run can have.

    Args:
        config: of a new run, before its images are known.

    Raises:
        ValueError: naming the option.
    """
    known = {name: value for name, value in config.items() if name != "clusters"}
    _check(known, are_options=True)  # how many groups there may be, the images say
    _check(config["settings"])


def _check(values: dict, are_options: bool = False) -> None:
    check_values(values, CHECKS, are_options)


def _check_together(config: dict) -> None:
    settings, given = settings_of(config), dict(config["settings"])
    augmentation = given.pop("augmentation", [])
    share = given.pop("augmentation_share", 1)
    if config["recipe"] == "paper" and given != settings:
        raise ValueError(
            f"settings: expected those of the paper's recipe, {settings}, got {given}"
        )
    if augmentation and config["loop"] == "composite":
        raise ValueError(
            "augmentation (--augment): expected none with the composite loop, which "
            f"shows D the images as they are; got {augmentation}"
        )
    if share < 1 and not augmentation:
        raise ValueError(
            "augmentation_share: expected none, or 1, where there is no augmentation; "
            f"got {share}"
        )
    if config.get("conditional", False) != (config.get("classes") is not None):
        raise ValueError(
            "classes: expected a number of them where conditional is true, and else "
            f"null; got {config['classes']} with conditional {config['conditional']}"
        )
    clusters = config.get("clusters")
    if clusters is not None and not 2 <= (config.get("classes") or 0) <= clusters:
        raise ValueError(
            f"clusters: expected null, or as many as classes at least, which are "
            f"{config.get('classes')}; got {clusters}"
        )
    first_layer(config)


@contextlib.contextmanager
def _random_state_kept():
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


@_random_state_kept()
def build_model(config: dict) -> DCGAN | CompositeLoop:
    """Both players and their loop, compiled, as a run's configuration says.

    The user's random numbers, of whatever library, go on as if nothing had been drawn.

    Raises:
        ValueError: a value that no run can have, such as a negative seed; sizes that
            the networks do not reach, or that no memory holds.
    """
    _check(config)
    _check(config["settings"])
    _check_together(config)
    random.seed(config["seed"])  # from which Keras draws the seeds of the weights
    settings, seed = config["settings"], config["seed"]
    shape, width = tuple(config["image_shape"]), config["width"]
    classes = config.get("classes")
    if config["recipe"] == "paper":
        players = (
            build_generator(shape, config["latent_dim"], width, classes=classes),
            build_discriminator(shape, width, classes=classes),
        )
        pair = default_optimizer(), default_optimizer()
    else:
        sizes = {name: settings[name] for name in ("extra_layers", "leaky_slope")}
        sizes["classes"] = classes
        players = build_players(shape, config["latent_dim"], width, **sizes)
        pair = optimizers(settings)
    own = {"seed": seed, "classes": classes}
    if config["loop"] == "composite":
        model, options = CompositeLoop(*players, **own), {}
    else:
        model, options = DCGAN(*players, **own), compile_options(settings)
    model.compile(*pair, **options)
    return model


@_random_state_kept()
def load_players(run: RunFolder | str | Path) -> Players:
    """Both players of a run with its newest weights.

    Args:
        run: a run, or the path of its folder.

    Returns:
        ``Players``, built as the run's configuration says.

    Raises:
        FileNotFoundError: there is no run, or no weights have been saved in it.
        files.UnreadableFile: config.json or weights.npz is damaged, or the weights are
            those of other models.

    Example:
        >>> generator, discriminator = load_players("runs/a")

    Source: notebook 08.
    """
    model = _restored(_folder(run), ["generator", "discriminator"])
    return Players(model.sampling_generator(), model.discriminator)


@_random_state_kept()
def load_generator(run: RunFolder | str | Path) -> keras.Model:
    """G of a run with its newest weights, where D may not have been kept.

    Args:
        run: a run, or the path of its folder.

    Returns:
        (N, latent_dim) -> (N, H, W, C) in [-1, 1], as ``load_players`` gives it; of a
        conditional run its input is ``labels.with_labels(z, labels, classes)``.

    Raises:
        FileNotFoundError: there is no run, or no weights have been saved in it.
        files.UnreadableFile: as from ``load_players``.

    Source: notebook 09.
    """
    return _restored(_folder(run), ["generator"]).sampling_generator()


def _restored(run: RunFolder, needed: list[str]) -> DCGAN | CompositeLoop:
    config = read_config(run)
    model = build_model(config)
    if config["clusters"] is not None:
        model.class_shares = read_clusters(run, config).shares
    # The average is kept with G's optimizer.
    needed = needed + (["generator_optimizer"] if config["settings"]["average"] else [])
    if run.restore({name: state_of(model)[name] for name in needed}) == 0:
        raise FileNotFoundError(f"run: no weights have been saved in {run.path} yet")
    return model


def untrained_players(run: RunFolder | str | Path, seed: int | None = None) -> Players:
    """Both players of a run as they were before the first step.

    Args:
        run: a run, or the path of its folder.
        seed: of the weights; None: the run's own.

    Returns:
        ``Players``, built as the run's configuration says.

    Raises:
        FileNotFoundError: there is no run.
        files.UnreadableFile: config.json is damaged.

    Source: notebook 08, the baseline for D's features.
    """
    config = read_config(_folder(run))
    model = build_model(config if seed is None else config | {"seed": seed})
    return Players(model.generator, model.discriminator)


def _folder(run: RunFolder | str | Path) -> RunFolder:
    return run if isinstance(run, RunFolder) else RunFolder(run)
