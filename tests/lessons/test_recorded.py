"""What the course carries: its runs, and its sample of MNIST."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from dcgan_keras.files import UnreadableFile
from dcgan_keras.lessons import recorded
from dcgan_keras.lessons.recorded import (
    recorded_arrays,
    recorded_costs,
    recorded_run,
    recorded_table,
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
    with pytest.raises(FileNotFoundError, match="runs/none/config.json"):
        recorded_run("none")


def test_costs_are_read_by_row_and_quantity():
    folders = recorded_costs("folders")
    assert list(folders)[0] == "1000" and len(folders) == 4
    assert folders["1000"]["cpu_seconds_to_the_first_step"] > 0
    with pytest.raises(ValueError, match="^benchmark: expected one of folders, .*none"):
        recorded_costs("none")


def test_tables_are_read_and_damaged_ones_are_named(tmp_path, monkeypatch):
    rows, made = recorded_table("choices")
    assert rows[0]["seed"] == 0 and rows[0]["value"] == "paper" and "command" in made
    monkeypatch.setattr(recorded, "find_data", lambda _: tmp_path / "a.csv")
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2.5,\n")
    assert recorded_table("a")[0] == [{"a": 1, "b": "x"}, {"a": 2.5, "b": ""}]
    for text in ("a,b\n1\n", "a,b\n1,2,3\n", "a,b\n1,2", ""):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(UnreadableFile, match=r"a\.csv: expected a table"):
            recorded_table("a")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a.json").write_text("3")
    with pytest.raises(UnreadableFile, match=r"a\.json: expected how"):
        recorded_table("a")


def test_arrays_are_read_and_damaged_ones_are_named(tmp_path, monkeypatch):
    recorded_counts = recorded_arrays("ablation")["paper/0/counts"]
    assert (
        recorded_counts.shape == (12, 10)
        and (recorded_counts.sum(axis=1) == 1000).all()
    )
    with pytest.raises(FileNotFoundError, match=r"tables/none\.npz"):
        recorded_arrays("none")
    path = tmp_path / "a.npz"
    monkeypatch.setattr(recorded, "find_data", lambda _: path)
    written = {"G: a/0/counts": np.arange(6).reshape(2, 3), "b": np.ones(2, "f4")}
    np.savez_compressed(path, **written)
    found = recorded_arrays("a")
    assert list(found) == list(written)
    for key, array in written.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype
    whole = path.read_bytes()
    for content in (whole[:-30], whole[:40] + b"x" * 9 + whole[49:], b"", b"a,b\n"):
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=r"a\.npz: expected arrays beside"):
            recorded_arrays("a")
    np.savez(path, a=np.array([{}]))
    with pytest.raises(UnreadableFile, match="a is pickled"):
        recorded_arrays("a")
    np.savez_compressed(path, a=np.zeros(recorded.MOST_BYTES // 2, "u1"), b=np.zeros(9))
    assert len(recorded_arrays("a")["b"]) == 9
    np.savez_compressed(path, a=np.zeros(recorded.MOST_BYTES + 1, "u1"))
    with pytest.raises(UnreadableFile, match="50,000,001 bytes, over 50,000,000"):
        recorded_arrays("a")
