"""What the course carries: its runs, and its sample of MNIST."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dcgan_keras.lessons.recorded import (
    read_evaluation,
    recorded_run,
)
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.configuration import load_players, untrained_players
from dcgan_keras.training.sampling import generate
from dcgan_keras.visualization import to_uint8


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Five steps on digits, made by the command line."""
    path = tmp_path_factory.mktemp("run") / "a"
    command = [sys.executable, "-m", "dcgan_keras", "train", "--steps", "5"]
    command += ["--dataset", "digits"]
    environment = os.environ | {"PYTHONWARNINGS": "default"}
    subprocess.run(
        [*command, "--width", "4", "--output", str(path)],
        check=True,
        capture_output=True,
        env=environment,
    )
    return path


def weights(player):
    return np.concatenate([w.ravel() for w in player.get_weights()])


def test_players_are_those_of_the_run(run):
    generator, discriminator = load_players(run)
    start = untrained_players(run)
    with np.load(run / "weights.npz") as file:
        names = sorted(key for key in file.files if key.startswith("discriminator/"))
        saved = np.concatenate([file[key].ravel() for key in names])
    np.testing.assert_array_equal(weights(discriminator), saved)
    assert np.any(saved != weights(start.discriminator))
    assert np.any(weights(generator) != weights(start.generator))


def test_the_generator_is_that_of_the_command_line(run, tmp_path):
    output = tmp_path / "a.npy"
    command = [sys.executable, "-m", "dcgan_keras", "sample", "--run", str(run)]
    subprocess.run(
        [*command, "--count", "4", "--seed", "3", "--output", str(output)],
        check=True,
        capture_output=True,
    )
    generator = load_players(run).generator
    z = latent_noise((4, generator.input_shape[1]), 3, 0)
    images = to_uint8(generate(generator, z))
    np.testing.assert_allclose(images.astype(int), np.load(output), atol=1)


def test_the_start_follows_from_the_seed(run):
    first, same, other = (
        weights(untrained_players(run, seed).discriminator) for seed in (None, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)


def test_a_run_without_weights_is_named(run, tmp_path):
    shutil.copy(run / "config.json", tmp_path)
    with pytest.raises(FileNotFoundError, match="no weights"):
        load_players(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no run"):
        load_players(tmp_path / "none")


def test_recorded_runs_are_found():
    assert recorded_run("digits").read_config()["dataset"] == "digits"
    assert read_evaluation(recorded_run("digits"))["generated"]["classes_covered"] == 10
    with pytest.raises(FileNotFoundError, match="runs/none/config.json"):
        recorded_run("none")


def test_an_unevaluated_run_is_named(run):
    with pytest.raises(FileNotFoundError, match="has not been evaluated"):
        read_evaluation(run)
