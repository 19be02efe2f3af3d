"""What the course carries with it: recorded runs, and a small sample of MNIST.

generator, discriminator = load_players(recorded_run("mnist"))
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dcgan_keras.archives import read_npz
from dcgan_keras.data import Images
from dcgan_keras.evaluation.classifier import find_data
from dcgan_keras.runs import RunFolder

if TYPE_CHECKING:
    from dcgan_keras._tensorflow import keras


class Players(NamedTuple):
    """Both players of a run.

    generator: (N, latent_dim) -> (N, H, W, C) in [-1, 1]; with the average of its
        weights, where the run keeps one.
    discriminator: (N, H, W, C) -> (N, 1), logits.
    """

    generator: "keras.Model"
    discriminator: "keras.Model"


def recorded_run(name: str = "mnist") -> RunFolder:
    """A run that was recorded for the course.

    Args:
        name: its folder in data/runs/.

    Returns:
        Its ``RunFolder``, in a clone or in an installed package.

    Raises:
        FileNotFoundError: no such run in the places looked in; the message names them.

    Example:
        >>> recorded_run("digits").read_config()["dataset"]
        'digits'

    Source: data/README.md.
    """
    return RunFolder(find_data(f"runs/{name}/config.json").parent)


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
    from dcgan_keras.commands import load_generator

    run = _folder(run)
    generator = load_generator(run)
    discriminator = untrained_players(run).discriminator
    run.restore({"discriminator": discriminator.variables})
    return Players(generator, discriminator)


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
    from dcgan_keras.commands import build_model

    config = _folder(run).read_config()
    model = build_model(config if seed is None else config | {"seed": seed})
    return Players(model.generator, model.discriminator)


def read_evaluation(run: RunFolder | str | Path) -> dict:
    """What ``python -m dcgan_keras evaluate --json`` said about a run.

    Args:
        run: with a file evaluation.json, or one of several seeds (the first is read).

    Returns:
        The fields of an ``evaluation.Evaluation``.

    Raises:
        FileNotFoundError: no such file.

    Source: data/README.md; notebook 08.
    """
    path = _folder(run).path
    paths = sorted(path.glob("evaluation*.json"))
    if not paths:
        raise FileNotFoundError(f"run: {path} has not been evaluated")
    return json.loads(paths[0].read_text("utf-8"))


def load_mnist_sample(split: str = "test") -> Images:
    """4,000 real MNIST digits of a split, drawn at random, carried by the course.

    Args:
        split: "train" (of the 60,000 that the recorded run was trained on) or "test".

    Returns:
        ``Images(images, labels)`` in random order: float32 (4000, 28, 28, 1) in
        [-1, 1]; int64 (4000,).

    Raises:
        ValueError: another split.
        FileNotFoundError: the file is in none of the places looked in.

    Example:
        >>> load_mnist_sample("train").images.shape
        (4000, 28, 28, 1)

    Source: data/README.md; made by tools/make_mnist_sample.py.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split: expected 'train' or 'test', got {split!r}")
    arrays = read_npz(find_data("mnist_sample.npz"))
    pixels = arrays[f"x_{split}"].astype(np.float32)[..., np.newaxis]
    images = pixels / np.float32(127.5) - np.float32(1)
    return Images(images, arrays[f"y_{split}"].astype(np.int64))


def _folder(run: RunFolder | str | Path) -> RunFolder:
    return run if isinstance(run, RunFolder) else RunFolder(run)
