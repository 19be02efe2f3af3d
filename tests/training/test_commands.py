"""The command line: what it writes, the same twice, and how it says no."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import imageio.v3 as imageio
import numpy as np
import pytest
import tensorflow as tf
from players import contents

from dcgan_keras import __version__, _tensorflow, files, keras
from dcgan_keras.__main__ import build_parser, main
from dcgan_keras.data import image_folder
from dcgan_keras.data.datasets import Images
from dcgan_keras.data.image_folder import FolderImages
from dcgan_keras.evaluation.train_classifier import train_classifier
from dcgan_keras.labels import with_labels
from dcgan_keras.noise import latent_noise
from dcgan_keras.training import commands
from dcgan_keras.training.callbacks import SAMPLE_SEED, RunRecorder
from dcgan_keras.training.configuration import (
    DEFAULTS,
    build_model,
    load_generator,
    load_players,
    untrained_players,
)
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.fingerprint import WORDS, changes, circumstances
from dcgan_keras.training.recipe import SETTINGS
from dcgan_keras.training.runs import COLUMNS, RunFolder
from dcgan_keras.visualization import tile, write_png

STEPS = 6
SMALL = [
    "--dataset",
    "digits",
    "--batch-size",
    "8",
    "--latent-dim",
    "3",
    "--width",
    "2",
]


def train(output, *options):
    """In this process, on the digits, quietly."""
    return main(["train", "--output", str(output), *SMALL, *options])


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """One run of each loop: folder by the loop's name."""
    folder = tmp_path_factory.mktemp("runs")
    for loop in ("train_step", "composite"):
        options = ["--steps", str(STEPS), "--seed", "3", "--sample-every", "2"]
        assert train(folder / loop, *options, "--loop", loop) == 0
    return folder


def told(capsys, code, arguments):
    """What a command that fails says: one line, no traceback, nothing on stdout.

    A folder of images that was opened has said before what it holds.
    """
    assert main([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines(True) if " found, " not in line]
    err = "".join(lines)
    assert out == "" and len(lines) == 1 and "Traceback" not in err
    assert err.startswith(f"dcgan_keras {arguments[0]}: ")
    return err


# train -----------------------------------------------------------------------


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_a_run_folder_holds_what_is_promised(runs, loop):
    run = RunFolder(runs / loop)
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        *("config.json", "history.csv", "weights.npz", "samples", "training.gif")
    }
    config = run.read_config()
    assert config["dataset"] == "digits" and config["steps"] == STEPS
    assert config["seed"] == 3 and config["image_shape"] == [28, 28, 1]
    assert config["loop"] == loop and config["batch_size"] == 8
    assert set(config["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    history = run.read_history()
    assert [row["step"] for row in history] == list(range(1, STEPS + 1))
    assert all(set(row) == set(COLUMNS) for row in history)
    assert len(run.sample_paths()) == 1 + STEPS // 2
    assert len(imageio.imread(run.path / "training.gif")) == 1 + STEPS // 2


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_the_same_command_twice_is_the_same_to_the_last_bit(runs, loop, tmp_path):
    options = ["--steps", str(STEPS), "--seed", "3", "--loop", loop]
    assert train(tmp_path / "again", *options) == 0
    assert contents(tmp_path / "again") == contents(runs / loop)


def test_another_seed_is_another_run(runs, tmp_path):
    assert train(tmp_path / "a", "--steps", "1", "--seed", "4") == 0
    history = RunFolder(tmp_path / "a").read_history()
    assert history[0] != RunFolder(runs / "train_step").read_history()[0]


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_a_resumed_run_is_the_run_without_the_stop(runs, loop, tmp_path):
    options = ["--seed", "3", "--loop", loop]
    assert train(tmp_path / "a", "--steps", "2", *options) == 0
    resume = ["train", "--output", str(tmp_path / "a"), "--resume"]
    assert main([*resume, "--steps", str(STEPS)]) == 0
    assert contents(tmp_path / "a") == contents(runs / loop)


@pytest.mark.parametrize("size", [96, 128, 256])
@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_larger_pictures_train_from_a_folder(size, recipe, tmp_path):
    """RGBA of another size, in 2 steps; the samples are as large as asked for."""
    (tmp_path / "pictures").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(256, size=(40, 50, 4))
        imageio.imwrite(tmp_path / f"pictures/{number}.png", pixels.astype(np.uint8))
    options = ["--dataset", str(tmp_path / "pictures"), "--image-size", str(size)]
    options += ["--batch-size", "2", "--width", "2", "--steps", "2"]
    options += ["--recipe", recipe, "--output", str(tmp_path / "a")]
    assert main(["train", *options]) == 0
    players = load_players(tmp_path / "a")
    assert players.generator.output_shape == (None, size, size, 3)
    assert RunFolder(tmp_path / "a").read_config()["image_shape"] == [size, size, 3]


def test_epochs_are_passes_over_the_data(tmp_path):
    assert train(tmp_path / "a", "--epochs", "2", "--batch-size", "700") == 0
    assert len(RunFolder(tmp_path / "a").read_history()) == 2 * (1415 // 700)


def start(output, steps, *options):
    """The command in a process of its own, which hears Ctrl-C also under nohup."""
    command = [sys.executable, "-m", "dcgan_keras", "train", "--output", str(output)]
    command += [*SMALL, "--seed", "3", "--steps", str(steps), *options]
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=heard, **pipes)


def wait_for(path, process):
    deadline = time.monotonic() + 240
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("how", "more"),
    [
        (signal.SIGKILL, []),
        (signal.SIGKILL, ["--conditional"]),
        (signal.SIGINT, []),
        (signal.SIGTERM, []),
    ],
    ids=["SIGKILL", "SIGKILL-conditional", "SIGINT", "SIGTERM"],
)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, how, more):
    """Stopped at whatever step it has come to, far before its end.

    What SIGKILL leaves is the newest of the savings after each step; the others, which
    mostly fall into the middle of a step, save by themselves.
    """
    output, steps = tmp_path / "a", 100_000
    is_kill = how == signal.SIGKILL
    often = ["--save-every", "1"] if is_kill else ["--sample-every", "50"]
    process = start(output, steps, *often, *more)
    sign = "weights.npz" if is_kill else "samples/step_000050.png"
    try:
        wait_for(output / sign, process)
        time.sleep(np.random.default_rng().uniform(0, 0.3))
        os.kill(process.pid, how)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    if not is_kill:
        assert process.returncode == 128 + how
        assert err.endswith("\nstopped; go on with --resume\n")
        assert "Traceback" not in err
    stopped = RunFolder(output).restore({})
    assert 0 < stopped < steps
    last = str(stopped + 3)
    assert main(["train", "--output", str(output), "--resume", "--steps", last]) == 0
    assert train(tmp_path / "b", "--seed", "3", "--steps", last, *more) == 0
    assert contents(output) == contents(tmp_path / "b"), f"stopped at step {stopped}"
    RunFolder(output).read_config()
    assert not [path for path in output.rglob("*") if path.suffix in (".pkl", ".h5")]
    assert not list(output.rglob(".*"))  # what the kill left


def test_divergence_ends_with_1(tmp_path, capsys, monkeypatch):
    def diverge(*arguments, **options):
        raise FloatingPointError(
            "generator_loss is nan at step 7: the weights are lost"
        )

    monkeypatch.setattr(commands.RunRecorder, "on_train_batch_end", diverge)
    arguments = ["train", "--output", tmp_path / "a", "--steps", 9, *SMALL]
    err = told(capsys, 1, arguments)
    assert "nan at step 7" in err and "begin another run, with another --seed" in err
    assert "go on with --resume" not in err


# What train refuses ----------------------------------------------------------


def test_an_output_that_exists_is_not_overwritten(runs, capsys):
    before = contents(runs / "train_step")
    err = told(capsys, 2, ["train", "--output", runs / "train_step"])
    assert "holds a run already; add --resume" in err
    assert contents(runs / "train_step") == before


@pytest.mark.parametrize(
    "option",
    [
        ["--seed", 4],
        ["--batch-size", 9],
        ["--width", 3],
        ["--latent-dim", 4],
        ["--loop", "composite"],
        ["--dataset", "mnist"],
    ],
    ids=lambda option: option[0],
)
def test_a_resumed_run_keeps_its_settings(runs, capsys, option):
    before = (runs / "train_step" / "config.json").read_bytes()
    arguments = ["train", "--resume", "--output", runs / "train_step", *option]
    err = told(capsys, 2, arguments)
    name = option[0].removeprefix("--").replace("-", "_")
    assert f"{name}: the run in" in err and f"got {option[1]!r}" in err
    assert (runs / "train_step" / "config.json").read_bytes() == before


def test_a_finished_run_stays_as_it_is(runs, capsys):
    """Also its configuration, where fewer steps are asked for than were made."""
    before = contents(runs / "train_step")
    arguments = ["train", "--resume", "--output", str(runs / "train_step")]
    for steps in ([], ["--steps", "2"]):
        assert main([*arguments, *steps]) == 0
        assert f"{STEPS} steps are made already" in capsys.readouterr().err
        assert RunFolder(runs / "train_step").read_config()["steps"] == STEPS
    assert contents(runs / "train_step") == before


def test_a_run_without_weights_yet_begins_at_its_beginning(runs, tmp_path):
    """Killed before anything was saved: --resume starts it."""
    config = RunFolder(runs / "train_step").read_config()
    RunFolder(tmp_path / "a").write_config(config)
    assert main(["train", "--resume", "--output", str(tmp_path / "a")]) == 0
    assert contents(tmp_path / "a") == contents(runs / "train_step")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dataset", "mnits"], "digits, mnist, fashion_mnist, cifar10"),
        (["--dataset", "no/such/folder"], "no folder no/such/folder"),
        (["--batch-size", "60001"], "batch_size: expected 1 to 60000"),
        (["--image-size", "14"], "'mnist' has a size of its own"),
        (["--resume"], "there is no run in"),
        (
            ["--seed", "-1"],
            "seed (--seed): expected a whole number, 0 to 2**32 - 1, got -1",
        ),
    ],
    ids=lambda value: value[0].removeprefix("--") if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_refused(tmp_path, capsys, options, said):
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *options])
    assert said in err
    assert not (tmp_path / "a").exists()


def test_a_folder_of_a_size_that_no_layers_reach_leaves_nothing(tmp_path, capsys):
    imageio.imwrite(tmp_path / "a.png", np.zeros((9, 9), np.uint8))
    arguments = ["train", "--output", tmp_path / "run", "--dataset", tmp_path]
    assert "8, 10, 12" in told(capsys, 2, [*arguments, "--batch-size", 1])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("size", "near"), [(100, "96 or 112"), (512, "256"), (7, "8")])
def test_a_size_that_no_layers_reach_names_the_option(tmp_path, capsys, size, near):
    """As it is asked for, and as the images have it."""
    folder = tmp_path / "images"
    folder.mkdir()
    imageio.imwrite(folder / "a.png", np.zeros((size, size), np.uint8))
    command = ["train", "--output", tmp_path / "run", "--dataset", folder]
    for options in ([], ["--image-size", size]):
        said = told(capsys, 2, [*command, *options])
        assert "--image-size" in said and f"the nearest is {near}\n" in said
    assert not (tmp_path / "run").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "a").write_text("")
    told(capsys, 2, ["train", "--output", tmp_path / "a", "--steps", 1, *SMALL])


# sample ----------------------------------------------------------------------


def test_samples_are_uint8_images(runs, tmp_path):
    """More than one batch of them, and a last one that is smaller."""
    path = tmp_path / "new" / "samples.npy"
    command = ["sample", "--run", str(runs / "train_step"), "--output", str(path)]
    assert main([*command, "--count", "501", "--seed", "1"]) == 0
    samples = np.load(path, allow_pickle=False)
    assert samples.shape == (501, 28, 28, 1) and samples.dtype == np.uint8
    assert len({image.tobytes() for image in samples}) == 501
    assert main([*command, "--count", "501", "--seed", "1"]) == 0
    assert np.array_equal(np.load(path), samples)
    assert main([*command, "--count", "501", "--seed", "2"]) == 0
    assert not np.array_equal(np.load(path), samples)


@pytest.mark.parametrize(
    ("suffix", "shape"), [(".png", (3 * 56, 3 * 56, 3)), (".gif", (73, 112, 112, 3))]
)
def test_pictures_by_suffix(runs, tmp_path, capsys, suffix, shape):
    path = tmp_path / f"samples{suffix}"
    command = ["sample", "--run", str(runs / "composite"), "--count", "7"]
    assert main([*command, "--output", str(path)]) == 0
    read = imageio.imread(path)
    assert read.shape[-3:] == shape[-3:]
    assert suffix == ".png" or 60 < len(read) <= shape[0]  # identical frames merge
    assert suffix == ".png" or imageio.immeta(path)["duration"] == 80
    assert capsys.readouterr().err == f"device: {_tensorflow.device()}\n"


def test_a_line_of_z_is_walked_too(tmp_path):
    """Among 7 samples some have another sign than the one before."""
    assert train(tmp_path / "a", "--latent-dim", "1", "--steps", "1") == 0
    path = tmp_path / "a.gif"
    command = ["sample", "--run", str(tmp_path / "a"), "--count", "7"]
    assert main([*command, "--output", str(path)]) == 0
    assert imageio.imread(path).shape[-3:] == (112, 112, 3)


def test_one_sample_makes_a_gif_too(runs, tmp_path):
    path = tmp_path / "one.gif"
    command = ["sample", "--run", str(runs / "composite"), "--count", "1"]
    assert main([*command, "--output", str(path)]) == 0
    assert imageio.imread(path).shape[-3:] == (112, 112, 3)


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.npz"])
def test_another_suffix_is_refused(runs, tmp_path, capsys, name):
    arguments = ["sample", "--run", runs / "composite", "--output", tmp_path / name]
    assert f"output: expected .npy, .png or .gif, got '{name}'" in told(
        capsys, 2, arguments
    )


def test_a_missing_run_and_one_without_weights_are_named(tmp_path, capsys):
    arguments = ["sample", "--run", tmp_path / "a", "--output", tmp_path / "a.npy"]
    assert f"there is no run in {tmp_path / 'a'}" in told(capsys, 2, arguments)
    config = DEFAULTS | {"image_shape": [28, 28, 1], "width": 2, "settings": SETTINGS}
    RunFolder(tmp_path / "a").write_config(config)
    assert "no weights have been saved" in told(capsys, 2, arguments)
    assert not (tmp_path / "a.npy").exists()


@pytest.mark.parametrize("missing", [["recipe", "settings"], ["leaky_slope"]])
def test_a_run_of_an_older_version_is_named(runs, tmp_path, capsys, missing):
    config = RunFolder(runs / "train_step").read_config()
    for name in missing:
        del (config if name in config else config["settings"])[name]
    RunFolder(tmp_path / "a").write_config(config)
    said = f"config.json in {tmp_path / 'a'} has no {', '.join(missing)}"
    output = "--output", tmp_path / "a.npy"
    assert said in told(capsys, 2, ["sample", "--run", tmp_path / "a", *output])
    assert said in told(capsys, 2, ["train", "--resume", "--output", tmp_path / "a"])


def test_an_output_that_is_a_folder_is_refused(runs, tmp_path, capsys):
    (tmp_path / "a.npy").mkdir()
    arguments = ["sample", "--run", runs / "composite", "--output", tmp_path / "a.npy"]
    told(capsys, 2, [*arguments, "--count", 1])


# What argparse refuses -------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "command"),
        (["paint"], "paint"),
        (["train"], "--output"),
        (["train", "--output", "a", "--steps", "0"], "expected a whole number >= 1"),
        (["train", "--output", "a", "--steps", "many"], "expected a whole number >= 1"),
        (["train", "--output", "a", "--steps", "1", "--epochs", "1"], "not allowed"),
        (["train", "--output", "a", "--loop", "both"], "composite"),
        (["train", "--output", ""], "--output: expected a path, got an empty text"),
        (["train", "--output", "a", "--dataset", ""], "--dataset: expected a path"),
        (["evaluate", "--run", ""], "--run: expected a path, got an empty text"),
        (["sample", "--run", "a", "--output", "b.npy", "--count", "-1"], ">= 1"),
        (["evaluate", "--run", "a", "--seed", "1_000"], "--seed: expected a whole"),
        (["evaluate", "--run", "a", "--seed", " 7"], "--seed: expected a whole number"),
        (
            ["evaluate", "--run", "a", "--count", "٣"],
            "--count: expected a whole number",
        ),
        (["train", "--output", "a", "--worker", "1_0"], "--worker: expected a whole"),
        (
            ["train", "--output", "a", "--channels", " 1"],
            "--channels: expected a whole",
        ),
        (["train", "--output", "a", "--channels", "2"], "--channels: invalid choice"),
        (["train", "--output", "a", "--learning-rates", "1_0"], "a number above 0"),
        (["train", "--output", "a", "--minutes", "1_0"], "a number above 0"),
    ],
)
def test_arguments_that_make_no_sense_end_with_2(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "a", "--steps", "4\r"], "number >= 1, got 4\\r\n"),
        (["--output", "a\r"], "got 'a\\r': a script with the line ends of Windows\n"),
        (["--output", "a", "b\x1b[31m"], "unrecognized arguments: b\\x1b[31m\n"),
        (["--output", "a", "--loop", "both\r"], "invalid choice: 'both\\r' "),
    ],
)
def test_what_argparse_refuses_is_shown_as_it_is(
    arguments, said, capsys, monkeypatch, tmp_path
):
    """A script that was written on Windows ends its lines, for other shells, in \\r."""
    monkeypatch.chdir(tmp_path)  # where a run would go, should one be made
    with pytest.raises(SystemExit):
        main(["train", *arguments])
    err = capsys.readouterr().err
    assert said in err and err.replace("\n", "").isprintable()


def test_version_and_help(capsys):
    for option, said in (("--version", __version__), ("--help", "evaluate")):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0
        assert said in capsys.readouterr().out


def test_what_is_not_asked_for_is_what_the_help_says(capsys):
    for command, count in (["sample", "--output", "a.npy"], 64), (["evaluate"], 5000):
        options = build_parser().parse_args([*command, "--run", "a"])
        assert (options.count, options.seed) == (count, 0)
        with pytest.raises(SystemExit):
            main([command[0], "--help"])
        assert f"samples ({count})" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [["sample", "--output", "a.npy", "--run"], ["evaluate", "--run"]]
    + [["train", "--resume", "--output"]],
    ids=lambda command: command[0],
)
def test_every_command_shows_where_an_error_comes_from(tmp_path, capsys, command):
    for debug in ([], ["--debug"]):
        assert main([*command, str(tmp_path / "a"), *debug]) == 2
        err = capsys.readouterr().err
        assert "there is no run in" in err and ("Traceback" in err) == bool(debug)


def test_the_papers_recipe_is_the_builders_defaults(tmp_path):
    """BN in D, alternating updates, no average; and it goes on after a stop."""
    assert train(tmp_path / "a", "--steps", "1", "--recipe", "paper") == 0
    resume = ["train", "--output", str(tmp_path / "a"), "--resume"]
    assert main([*resume, "--steps", "2"]) == 0
    config = RunFolder(tmp_path / "a").read_config()
    assert config["recipe"] == "paper" and config["settings"]["average"] is False
    model = build_model(config)
    assert model.update == "alternating"
    assert "down2_bn" in [layer.name for layer in model.discriminator.layers]


# What outlives a run ---------------------------------------------------------


def resumed(output, *options):
    return main(["train", "--resume", "--output", str(output), *map(str, options)])


def test_the_film_that_a_kill_prevented_is_made_good(runs, tmp_path, capsys):
    copy = tmp_path / "a"
    shutil.copytree(runs / "train_step", copy)
    wanted = (copy / "training.gif").read_bytes()
    (copy / "training.gif").unlink()
    (copy / ".training.gif.abcdef01").write_bytes(wanted[:100])
    assert resumed(copy) == 0
    assert "6 steps are made already" in capsys.readouterr().err
    assert (copy / "training.gif").read_bytes() == wanted
    assert contents(copy) == contents(runs / "train_step")
    assert not list(copy.rglob(".*"))


def grids(folder):
    return {path.name: path.read_bytes() for path in RunFolder(folder).sample_paths()}


def test_a_killed_run_gets_all_its_grids(tmp_path):
    """After step 5 of 6: the grids of the steps behind its saving are drawn again."""
    often = ["--save-every", "3", "--sample-every", "1"]
    assert train(tmp_path / "whole", "--steps", "6", *often) == 0
    run = RunFolder(shutil.copytree(tmp_path / "whole", tmp_path / "killed"))
    (run.path / "training.gif").unlink()
    run.sample_path(6).unlink()
    assert train(tmp_path / "saved", "--steps", "3") == 0
    shutil.copy(tmp_path / "saved" / "weights.npz", run.path)
    assert resumed(run.path) == 0
    assert grids(run.path) == grids(tmp_path / "whole") and len(grids(run.path)) == 7
    for name in ("training.gif", "history.csv", "weights.npz"):
        whole = tmp_path / "whole" / name
        assert (run.path / name).read_bytes() == whole.read_bytes()
    config = run.read_config()
    assert (config["save_every"], config["sample_every"]) == (3, 1)
    assert "resumed" not in config
    write_png(run.sample_path(9), np.zeros((8, 8, 3), np.uint8))  # drawn before a kill
    assert resumed(run.path, "--steps", 10, "--sample-every", 2) == 0
    assert [*grids(run.path)][7:] == ["step_000008.png", "step_000010.png"]
    config = run.read_config()
    assert (config["save_every"], config["sample_every"]) == (3, 2)
    del config["save_every"], config["sample_every"]  # of an earlier version
    run.write_config(config, replace=True)
    assert resumed(run.path, "--steps", 11) == 0
    config = run.read_config()
    assert (config["save_every"], config["sample_every"]) == (500, 100)


def test_a_long_training_has_a_short_film(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    for step in range(7):
        write_png(run.sample_path(step), np.full((8, 8, 3), 30 * step, np.uint8))
    for most, steps in ((7, range(7)), (4, (0, 2, 4, 6))):
        monkeypatch.setattr(commands, "MOST_GRIDS", most)
        commands.write_training_gif(run)
        frames = imageio.imread(tmp_path / "training.gif")
        assert [round(f.mean() / 30) for f in frames] == list(steps)


def test_a_grid_that_cannot_be_read_is_left_out_of_the_film(runs, tmp_path, capsys):
    """As what synchronises folders may tear one: the run is whole without it."""
    shutil.copytree(runs / "train_step", tmp_path / "a")
    (tmp_path / "a" / "training.gif").unlink()
    frames = len(list((tmp_path / "a" / "samples").iterdir()))
    torn = tmp_path / "a" / "samples" / "step_000002.png"
    torn.write_bytes(torn.read_bytes()[:200])
    assert resumed(tmp_path / "a") == 0
    said = capsys.readouterr().err
    assert f"{torn}: expected a grid of samples; " in said and "goes without it" in said
    assert len(imageio.imread(tmp_path / "a" / "training.gif")) == frames - 1


def test_a_long_walk_is_cut_and_says_so(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(commands, "MOST_STEPS", 5)
    path = tmp_path / "a.gif"
    command = ["sample", "--run", str(runs / "composite"), "--output", str(path)]
    assert main([*command, "--count", "3"]) == 0
    assert "at most 5 frames; they are spread evenly over the 25" in (
        capsys.readouterr().err
    )
    assert len(imageio.imread(path)) <= 5


def test_a_grid_that_nothing_opens_is_refused(runs, tmp_path, capsys, monkeypatch):
    arguments = ["sample", "--run", runs / "composite", "--output", tmp_path / "a.png"]
    said = told(capsys, 2, [*arguments, "--count", 10**12])
    assert "count: expected at most 21,399 samples of 28x28 in a .png" in said
    monkeypatch.setattr(commands, "MOST_PIXELS", 4 * 4 * 28 * 28)
    assert "at most 4 samples" in told(capsys, 2, [*arguments, "--count", 5])
    assert main([str(x) for x in arguments] + ["--count", "4"]) == 0
    assert imageio.imread(tmp_path / "a.png").shape == (112, 112, 3)


def test_samples_are_the_bytes_that_numpy_writes(runs, tmp_path):
    path = tmp_path / "a.npy"
    (tmp_path / ".a.npy.abcdef01").write_bytes(b"left by a kill")
    command = ["sample", "--run", str(runs / "composite"), "--output", str(path)]
    assert main([*command, "--count", "251"]) == 0
    np.save(tmp_path / "b.npy", np.load(path))
    assert path.read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_what_others_hide_in_a_run_folder_stays(runs, tmp_path):
    run = shutil.copytree(runs / "train_step", tmp_path / "a")
    others = ".config.json.swp", ".weights.npz.Xy12Za", ".history.csv.backup"
    others += "samples/.step_000000.png.mine", "samples/step_9.png", ".s.png.mine1234"
    for other in others:
        (run / other).write_bytes(b"")
    left = ".config.json.0123abcd", "samples/.step_000000.png.0123abcd"
    for name in left:
        (run / name).write_bytes(b"")
    assert resumed(run, "--steps", STEPS + 1) == 0
    draw = ["sample", "--run", run, "--count", 1, "--output", run / "s.png"]
    assert main([str(part) for part in draw]) == 0
    assert [x for x in (*others, *left) if (run / x).exists()] == list(others)


def test_who_comes_second_writes_nothing_over_the_first(grouped, capsys, monkeypatch):
    """Both found the folder free; the other made its run before this one's lock."""
    groups = grouped / "clusters.npz"
    before = groups.read_bytes()
    monkeypatch.setattr(commands, "_new", lambda options: asked)
    asked = RunFolder(grouped).read_config() | {"clusters": 2, "seed": 1}
    assert main(["train", "--output", str(grouped), "--steps", "1"]) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert groups.read_bytes() == before


def test_the_groups_of_a_run_are_there_before_the_run(tmp_path, capsys, monkeypatch):
    """A run that is killed between them would have groups that nobody can read."""

    def full(*arguments, **options):
        raise OSError(28, "No space left on device", "config.json")

    monkeypatch.setattr(RunFolder, "write_config", full)
    assert train(tmp_path / "a", "--clusters", "2") == 2
    assert "No space left on device" in capsys.readouterr().err
    assert (tmp_path / "a" / "clusters.npz").exists()
    assert not RunFolder(tmp_path / "a").is_there()


def test_images_of_another_size_are_named_before_the_weights(
    runs, tmp_path, capsys, monkeypatch
):
    path = shutil.copytree(runs / "train_step", tmp_path / "a")
    images = np.random.default_rng(0).uniform(-1, 1, (20, 16, 16, 1))
    data = Images(images.astype(np.float32), None)
    monkeypatch.setattr(commands, "load_dataset", lambda *_, **__: data)
    err = told(capsys, 2, ["train", "--resume", "--output", path, "--steps", 9])
    assert "dataset (--dataset): expected images of [28, 28, 1], as the run in" in err
    assert "got [16, 16, 1]" in err


def test_a_run_without_a_fingerprint_keeps_its_folder(runs, tmp_path, capsys):
    """Nothing says whether another one holds the same images."""
    run = RunFolder(shutil.copytree(runs / "train_step", tmp_path / "a"))
    config = run.read_config()
    del config["data_fingerprint"]
    run.write_config(config, replace=True)
    pictures(tmp_path / "b", 9)
    command = ["train", "--resume", "--output", run.path, "--dataset", tmp_path / "b"]
    err = told(capsys, 2, command)
    assert "dataset: the run in" in err and "a resumed run keeps its settings" in err


def test_every_change_on_the_way_is_kept(runs, tmp_path, capsys):
    run = RunFolder(shutil.copytree(runs / "train_step", tmp_path / "a"))
    config, first = run.read_config(), {"step": 2, "changed": ["the device"]}
    config |= {"resumed": [first], "machine": "another"}
    run.write_config(config, replace=True)
    noted = commands._noted(run, config, commands._data(config), STEPS, 1)
    assert [entry["step"] for entry in noted["resumed"]] == [2, STEPS]
    assert noted["resumed"][0] == first
    assert f"not as it was before step {STEPS}" in capsys.readouterr().err


def test_a_data_set_is_none_the_less_where_a_folder_has_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("digits", "faces"):
        (tmp_path / name).mkdir()
    assert commands._resolved("digits") == "digits"
    assert commands._resolved("faces") == str(tmp_path / "faces")


def test_one_grid_is_no_film(tmp_path):
    """A film says that the run has come to its end."""
    run = RunFolder(tmp_path)
    write_png(run.sample_path(0), np.zeros((8, 8, 3), np.uint8))
    commands.write_training_gif(run)
    assert not (tmp_path / "training.gif").exists()


def test_workers_agree_on_all_that_makes_a_step_and_on_no_folder(runs, monkeypatch):
    run, facts = RunFolder(runs / "train_step"), []
    config = run.read_config()
    data = commands._data(config)
    monkeypatch.setattr(commands, "check_agreement", lambda _, told: facts.append(told))
    other = data._replace(labels=np.zeros(len(data.images), np.int64))
    for changed, its, resume in (
        ({}, data, False),
        ({"dataset": "elsewhere"}, data, False),
        ({"steps": 7}, data, False),
        ({}, other, False),
        ({}, data, True),
    ):
        asked, model = argparse.Namespace(resume=resume), build_model(config)
        commands._begin(run, config | changed, its, model, object(), asked)
    differing = [{n for n in facts[0] if x[n] != facts[0][n]} for x in facts[1:]]
    options, resumed = {"options"}, {"the saved step", "the saved weights"}
    assert differing == [set(), options, {WORDS["data_fingerprint"]}, resumed]


def test_workers_share_batches_evenly_too(tmp_path, capsys, monkeypatch):
    two = argparse.Namespace(num_replicas_in_sync=2)
    monkeypatch.setattr(commands, "find_cluster", lambda *_: object())
    monkeypatch.setattr(commands, "make_strategy", lambda *_: two)
    command = ["train", "--output", tmp_path / "a", *SMALL, "--batch-size", 9]
    assert "a number that 2 devices can share evenly, got 9" in told(capsys, 2, command)


def test_a_second_training_is_refused(runs, tmp_path, capsys):
    shutil.copytree(runs / "train_step", tmp_path / "a")
    with RunFolder(tmp_path / "a").writing():
        err = told(capsys, 2, ["train", "--resume", "--output", tmp_path / "a"])
    assert "is being written by another training (process " in err


def pictures(folder, count, first=0, suffix="png"):
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        imageio.imwrite(folder / f"{number}.{suffix}", pixels)


def test_the_same_folder_is_the_same_and_a_changed_one_is_named(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    faces, run = tmp_path / "faces", tmp_path / "a"
    pictures(faces, 9)
    options = [*SMALL, "--steps", "1", "--dataset", "faces/", "--batch-size", "4"]
    assert main(["train", "--output", "a", *options]) == 0
    assert RunFolder(run).read_config()["dataset"] == str(faces)
    (tmp_path / "link").symlink_to(faces)
    monkeypatch.chdir(tmp_path / "link")
    assert resumed(run, "--steps", 2, "--dataset", ".") == 0
    faces.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    assert resumed(run, "--steps", 3, "--dataset", "moved") == 0
    assert "not as it was" not in capsys.readouterr().err
    pictures(tmp_path / "moved", 1, first=9)
    monkeypatch.setattr("dcgan_keras.training.fingerprint.threads", lambda: 77)
    assert resumed(run, "--steps", 4) == 0
    err = capsys.readouterr().err
    assert "not as it was before step 3" in err and "(10 images, " in err
    assert "were 9 images, " in err and "threads an operation (77, were " in err
    config = RunFolder(run).read_config()
    assert [entry["step"] for entry in config["resumed"]] == [3]
    assert changes(config, circumstances(commands._data(config).images, config)) == []
    pictures(tmp_path / "others", 9, first=50)
    arguments = ["train", "--resume", "--output", run, "--steps", 9]
    err = told(capsys, 2, [*arguments, "--dataset", "others"])
    assert "a resumed run keeps its images" in err
    finished = ["train", "--resume", "--output", run, "--dataset", "others"]
    assert "a resumed run keeps its images" in told(capsys, 2, finished)
    assert RunFolder(run).read_config()["steps"] == 4
    (
        run / "weights.npz"
    ).unlink()  # as of a run that was killed before its first saving
    assert "a resumed run keeps its images" in told(capsys, 2, finished)


def test_images_made_again_are_told_and_an_older_run_is_not(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(image_folder, "MAX_BYTES_IN_MEMORY", 0)  # streamed
    faces, run = tmp_path / "faces", tmp_path / "a"
    pictures(faces, 9, suffix="bmp")
    options = ["--steps", 1, "--dataset", faces, "--batch-size", 4]
    command = ["train", "--output", run, *SMALL, *options]
    assert main([str(argument) for argument in command]) == 0
    config = RunFolder(run).read_config()
    count, word, names, read = config["data_fingerprint"].split()
    config["data_fingerprint"] = f"{count} {word} {names}"
    RunFolder(run).write_config(config, replace=True)
    faces.rename(tmp_path / "moved")
    assert resumed(run, "--steps", 2, "--dataset", tmp_path / "moved") == 0
    assert "not as it was" not in capsys.readouterr().err
    for path in (tmp_path / "moved").iterdir():
        imageio.imwrite(path, 255 - imageio.imread(path))
    assert resumed(run, "--steps", 3) == 0
    assert "not as it was before step 2" in capsys.readouterr().err


def test_the_users_random_numbers_go_on(runs):
    def draws():
        numbers = np.random.normal(), random.random()  # noqa: NPY002
        return *numbers, float(tf.random.normal([])), float(keras.random.normal([]))

    def begin():
        keras.utils.clear_session()  # older versions keep their generator's place
        keras.utils.set_random_seed(5)

    begin()
    wanted = [draws(), draws()]
    begin()
    found = [draws()]  # Keras's own generator is there from the first draw on
    load_players(runs / "train_step")
    load_generator(runs / "train_step")
    untrained_players(runs / "composite")
    assert [*found, draws()] == wanted


def test_the_composite_loop_claims_only_what_it_does(runs):
    settings = RunFolder(runs / "composite").read_config()["settings"]
    assert settings["update"] == "alternating"
    assert not [name for name in settings if name.startswith("r1_")]
    assert "r1_gamma" in RunFolder(runs / "train_step").read_config()["settings"]


@pytest.mark.parametrize("recipe", ["paper", "default"])
def test_a_batch_of_one_gets_a_word_where_it_takes_z_away(tmp_path, capsys, recipe):
    options = ["--steps", "1", "--recipe", recipe, "--batch-size", "1"]
    with pytest.warns(UserWarning, match="a batch has 1 image, and G normalises"):
        assert train(tmp_path / "a", *options) == 0
    assert "1 image a batch" not in capsys.readouterr().err  # it is said once
    generator = untrained_players(tmp_path / "a").generator
    z = np.random.default_rng(0).normal(size=(2, 1, 3)).astype(np.float32)
    one, other = (np.asarray(generator(x, training=True)) for x in z)
    assert bool(np.abs(one - other).max() < 1e-5) is (recipe == "paper")


# The edge --------------------------------------------------------------------


def test_the_device_is_named_before_the_first_step(tmp_path, capsys):
    assert train(tmp_path / "a", "--steps", "1") == 0
    assert capsys.readouterr().err.startswith(f"device: {_tensorflow.device()}\nstep 1")


class Vanishing(FolderImages):
    """Streamed images of which one vanishes when so many have been read."""

    dtype, shape, paths = np.dtype(np.float32), (40, 8, 8, 3), ()

    def __init__(self, reads, error):
        self.reads, self.error = reads, error

    def __len__(self):
        return 40

    def __getitem__(self, index):
        self.reads -= 1
        if self.reads < 0:
            raise self.error
        return np.zeros((len(index), 8, 8, 3), np.float32)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file", "f/7.png"), "images: No such file: 'f/7"),
        (PermissionError(13, "Denied", "f/8.png"), "images: Denied: 'f/8.png'"),
        (MemoryError("8.png"), "not enough memory ("),
    ],
    ids=["vanished", "denied", "memory"],
)
def test_a_file_that_vanishes_loses_no_step(tmp_path, capsys, monkeypatch, error, said):
    data = commands.RunData(Vanishing(5, error))
    monkeypatch.setattr(commands, "_data", lambda config: data)
    output = tmp_path / "a"
    assert train(output, "--steps", "30", "--sample-every", "50") == 2
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"dcgan_keras train: {said}")
    step = RunFolder(output).restore({})
    assert 0 < step <= 5 and len(RunFolder(output).read_history()) == step
    assert err.endswith(f"{output} is saved up to step {step}: go on with --resume")


def test_a_full_disk_is_one_sentence_and_loses_nothing(
    runs, tmp_path, capsys, monkeypatch
):
    copy = tmp_path / "a"
    shutil.copytree(runs / "train_step", copy)
    before = contents(copy)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    err = told(capsys, 2, ["train", "--resume", "--output", copy, "--steps", 9])
    assert (
        err == f"dcgan_keras train: {copy / 'config.json'}: No space left on device\n"
    )
    assert contents(copy) == before
    assert not list(copy.rglob(".*"))


@pytest.mark.parametrize(
    "change",
    [
        lambda: keras.config.set_image_data_format("channels_first"),
        lambda: keras.config.set_floatx("float16"),
        lambda: keras.config.set_dtype_policy("mixed_bfloat16"),
    ],
    ids=["channels_first", "float16", "mixed"],
)
def test_a_foreign_keras_json_changes_no_number(runs, tmp_path, capsys, change):
    change()
    try:
        assert train(tmp_path / "a", "--steps", "1", "--seed", "3") == 0
        first = RunFolder(tmp_path / "a").read_history()[0]
        assert first == RunFolder(runs / "train_step").read_history()[0]
        assert "the course computes with channels_last" in capsys.readouterr().err
        assert _tensorflow.use_course_types() == ""
    finally:
        _tensorflow.use_course_types()


@pytest.mark.parametrize("command", [["sample", "--output"], ["evaluate", "--dataset"]])
def test_a_foreign_keras_json_changes_no_sample(
    runs, tmp_path, capsys, monkeypatch, command
):
    def load_generator(run):
        raise ValueError(_tensorflow.use_course_types() or "as it has to be")

    monkeypatch.setattr(commands, "load_generator", load_generator)
    keras.config.set_image_data_format("channels_first")
    what = tmp_path / "a.npy" if command[0] == "sample" else "digits"
    try:
        assert main([*command, str(what), "--run", str(runs / "composite")]) == 2
        err = capsys.readouterr().err
        assert "the course computes with channels_last" in err
        assert err.endswith(": as it has to be\n")
    finally:
        _tensorflow.use_course_types()


@pytest.fixture(params=["max_epochs", "max_steps_per_epoch"])
def limit(request):
    """A limit of Keras's own, of 16."""
    if not hasattr(keras.config, f"set_{request.param}"):
        pytest.skip("of newer versions of Keras")
    set_limit = getattr(keras.config, f"set_{request.param}")
    set_limit(16)
    yield request.param
    set_limit(None)


def test_a_keras_that_stops_too_early_is_refused(tmp_path, capsys, limit):
    with pytest.raises(ValueError, match=limit):  # its provenance names the epochs
        train_classifier("digits", epochs=17)
    if limit == "max_epochs":
        return _tensorflow.check_no_limits()  # a run of the command is one epoch
    for length in ("--steps", "--minutes"):
        command = ["train", "--output", tmp_path / "a", "--dataset", "digits"]
        said = told(capsys, 2, [*command, length, "3"])
        assert f"{limit}: expected no limit" in said and not (tmp_path / "a").exists()


def test_numbers_that_nobody_would_see_are_not_computed(runs, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["evaluate", "--run", str(runs / "train_step")]) == 2
    assert "standard output is closed" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["1" * 30, "x", "1.5"])
@pytest.mark.parametrize("option", ["--seed", "--count"])
def test_numbers_out_of_all_bounds_are_refused_by_name(option, number, capsys):
    arguments = ["sample", "--run", "a", "--output", "b.npy", option, number]
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert f"argument {option}: expected a whole number" in capsys.readouterr().err


@pytest.mark.parametrize(("width", "given"), [(16, 0), (80, 1)])
def test_large_layers_get_every_core(width, given, tmp_path, monkeypatch):
    """The settings alone decide; nothing is built before the choice."""
    calls = []
    monkeypatch.setattr(commands, "give_every_core", lambda: calls.append("cores"))
    monkeypatch.setattr(commands, "build_model", lambda config: calls.append("model"))
    monkeypatch.setattr(commands, "_train_and_write", lambda *given: None)
    output = ["--output", str(tmp_path / "a")]
    assert main(["train", "--dataset", "digits", "--width", str(width), *output]) == 0
    assert calls == ["cores"] * given + ["model"]


# What is left of a run, or gone ----------------------------------------------


def stored(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_has_lost_its_weights_is_not_begun_anew(runs, tmp_path, capsys):
    shutil.copytree(runs / "train_step", tmp_path / "a")
    (tmp_path / "a" / "weights.npz").unlink()
    before = stored(tmp_path / "a")
    err = told(capsys, 2, ["train", "--resume", "--output", tmp_path / "a"])
    assert f"{tmp_path / 'a' / 'weights.npz'} is missing" in err
    assert f"history.csv beside it has {STEPS} steps" in err
    assert stored(tmp_path / "a") == before


def test_a_run_that_was_killed_within_its_first_saving_is_begun_anew(
    runs, tmp_path, capsys
):
    whole = runs / "train_step"
    shutil.copytree(whole, tmp_path / "a")
    for name in ("weights.npz", "training.gif"):  # written after history.csv
        (tmp_path / "a" / name).unlink()
    assert main(["train", "--resume", "--output", str(tmp_path / "a")]) == 0
    said = capsys.readouterr().err
    assert f"{STEPS} steps without weights.npz; they are made" in said
    for name in ("history.csv", "weights.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (whole / name).read_bytes()


def test_a_run_killed_before_its_config_is_begun_anew(tmp_path, capsys):
    """Then its groups alone are there; another file of that name is not touched."""
    made = ["--steps", "1", "--clusters", "5"]
    assert train(tmp_path / "a", *made) == 0
    whole = (tmp_path / "a" / "weights.npz").read_bytes()
    groups = (tmp_path / "a" / "clusters.npz").read_bytes()
    for name, content, status in (("b", groups, 0), ("c", b"else", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clusters.npz").write_bytes(content)
        assert train(tmp_path / name, *made) == status
    assert (tmp_path / "b" / "weights.npz").read_bytes() == whole
    assert (tmp_path / "c" / "clusters.npz").read_bytes() == b"else"
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "clusters.npz").symlink_to(tmp_path / "a" / "clusters.npz")
    assert train(tmp_path / "d", *made) == 2
    (tmp_path / "d" / "clusters.npz").unlink()
    (tmp_path / "d" / "clusters.npz").write_bytes(groups)
    assert train(tmp_path / "d", "--steps", "1") == 0  # a run without groups
    assert not (tmp_path / "d" / "clusters.npz").exists()


def test_a_new_run_takes_over_nothing(runs, tmp_path, capsys):
    shutil.copytree(runs / "train_step", tmp_path / "a")
    (tmp_path / "a" / "config.json").unlink()
    before = stored(tmp_path / "a")
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *SMALL])
    assert "history.csv is there without the config.json" in err
    assert stored(tmp_path / "a") == before
    for name in ("history.csv", "weights.npz", "training.gif"):
        (tmp_path / "a" / name).unlink()
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *SMALL])
    assert "step_000000.png is there" in err
    assert (tmp_path / "a" / "samples" / "step_000006.png").exists()


def test_a_file_in_the_way_is_named_before_the_work(runs, tmp_path, capsys):
    (tmp_path / "mk.py").write_text("")
    for output in (tmp_path / "mk.py", tmp_path / "mk.py" / "a"):
        err = told(capsys, 2, ["train", "--output", output, "--clusters", 3, *SMALL])
        assert f"--output): expected a folder, {tmp_path / 'mk.py'} is none" in err
    arguments = ["sample", "--run", runs / "composite", "--output"]
    err = told(capsys, 2, [*arguments, tmp_path / "mk.py" / "x.npy"])
    assert f"--output): expected a folder, {tmp_path / 'mk.py'} is none" in err


def classes(folder, names, count=2, size=8):
    """A picture of its own for each, grey, in the subfolders of these names."""
    random = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (size, size), np.uint8)
            imageio.imwrite(folder / name / f"{number}.png", pixels)
    return folder


def conditional(output, folder, *options):
    options = ["--dataset", str(folder), "--conditional", "--steps", "2", *options]
    return main(["train", "--output", str(output), *SMALL, *options])


@pytest.mark.parametrize(("count", "rows"), [(5, 5), (123, 100)])
def test_a_grid_has_a_row_for_each_of_at_most_100_classes(tmp_path, count, rows):
    folder = classes(tmp_path / "data", [f"{n:04d}" for n in range(count)])
    assert conditional(tmp_path / "a", folder, "--sample-every", "1") == 0
    for step in range(3):
        grid = imageio.imread(RunFolder(tmp_path / "a").sample_path(step))
        assert grid.shape == (rows * 8 * 2, 8 * 8 * 2, 3)
    z = np.tile(np.asarray(latent_noise((8, 3), SAMPLE_SEED, 0)), (rows, 1))
    labels = np.repeat(np.linspace(0, count - 1, rows).round().astype(int), 8)
    generator = load_players(tmp_path / "a").generator
    images = generator(with_labels(z, labels, count), training=False)
    np.testing.assert_array_equal(grid, tile(images, scale=2))
    assert len(imageio.imread(tmp_path / "a" / "training.gif")) == 3


def test_grids_of_another_size_are_left_out_of_the_film(
    runs, tmp_path, capsys, monkeypatch
):
    """As of a run from before grids had a largest size."""
    run = RunFolder(shutil.copytree(runs / "train_step", tmp_path / "a"))
    (run.path / "training.gif").unlink()
    write_png(run.sample_path(2), np.zeros((20, 448, 3), np.uint8))
    write_png(run.sample_path(STEPS), np.zeros((500, 448, 3), np.uint8))
    monkeypatch.setattr(commands, "MOST_SIDE", 499)
    assert resumed(run.path) == 0
    said = capsys.readouterr().err
    assert f"{run.sample_path(2)}: expected a grid of samples; it is (20, 448, 3)" in (
        said
    )
    assert "a film has 499 pixels a side at most; training.gif goes without it" in said
    assert len(imageio.imread(run.path / "training.gif")) == STEPS // 2 - 1


@pytest.mark.parametrize("at", ["the next grid", "the next saving", "a saving"])
def test_a_run_that_is_moved_or_removed_ends(tmp_path, capsys, monkeypatch, at):
    every = "--sample-every" if at == "the next grid" else "--save-every"
    after, write = RunRecorder.on_train_batch_end, RunFolder.write_history

    def move(self, batch, logs=None):
        after(self, batch, logs)
        if self.step == 3 and at != "a saving":
            (tmp_path / "a").rename(tmp_path / "b")

    def move_and_write(self, history):
        if len(history) == 4 and at == "a saving":
            (tmp_path / "a").rename(tmp_path / "b")
            raise FileNotFoundError(2, "No such file or directory", "history.csv")
        write(self, history)

    monkeypatch.setattr(RunRecorder, "on_train_batch_end", move)
    monkeypatch.setattr(RunFolder, "write_history", move_and_write)
    arguments = ["train", "--output", tmp_path / "a", *SMALL, "--steps", 9, every, 2]
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"output: {tmp_path / 'a'} is no longer the folder of this run" in said
    assert "after step 4" in said and "is saved up to" not in said
    assert not (tmp_path / "a" / "samples").exists()
    assert not (tmp_path / "a" / "history.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps what is open")
def test_a_run_writes_nothing_into_another_of_its_name(tmp_path, capsys, monkeypatch):
    after = RunRecorder.on_train_batch_end

    def begin_another(self, batch, logs=None):
        after(self, batch, logs)
        if self.step == 3:
            shutil.rmtree(tmp_path / "a")
            other = RunFolder(tmp_path / "a")
            other.write_config({"seed": 1})
            (other.path / ".lock").write_text("another's")

    monkeypatch.setattr(RunRecorder, "on_train_batch_end", begin_another)
    arguments = ["train", "--output", tmp_path / "a", *SMALL, "--steps", 9]
    arguments += ["--save-every", 2]
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"output: {tmp_path / 'a'} is no longer the folder of this run" in said
    assert "another is in its place; nothing is written after step 4" in said
    left = {path.name for path in (tmp_path / "a").iterdir()}
    assert left == {"config.json", ".lock"}


# Classes ---------------------------------------------------------------------


def test_a_class_without_a_picture_to_learn_from_is_named(tmp_path, capsys):
    folder = classes(tmp_path / "data" / "train", ["cat", "dog"]).parent
    classes(folder / "test", ["bird", "cat", "wolf"])
    assert conditional(tmp_path / "a", folder, "--batch-size", "2") == 0
    said = f"{folder}: 2 of 4 classes have no picture for training: bird, wolf; G"
    assert said in capsys.readouterr().err
    config = RunFolder(tmp_path / "a").read_config()
    assert config["class_names"] == ["bird", "cat", "dog", "wolf"]


def test_labels_that_do_not_begin_at_0_are_named_too(tmp_path, capsys, monkeypatch):
    images = np.random.default_rng(0).uniform(-1, 1, (9, 8, 8, 1)).astype(np.float32)
    data = Images(images, np.array([1, 2, 4] * 3))
    monkeypatch.setattr(commands, "load_dataset", lambda *_, **__: data)
    assert train(tmp_path / "a", "--steps", "1", "--conditional") == 0
    said = "digits: 2 of 5 classes have no picture for training: 0, 3; G"
    assert said in capsys.readouterr().err
    assert "class_names" not in RunFolder(tmp_path / "a").read_config()


def test_a_resumed_run_keeps_the_names_of_its_classes(tmp_path, capsys):
    folder = classes(tmp_path / "data", ["cat", "dog"])
    assert conditional(tmp_path / "a", folder, "--batch-size", "2") == 0
    assert "have no picture" not in capsys.readouterr().err
    before = stored(tmp_path / "a")
    (folder / "cat").rename(folder / "zcat")
    arguments = ["train", "--resume", "--output", tmp_path / "a", "--steps", 4]
    err = told(capsys, 2, arguments)
    assert "has the classes cat, dog; got dog, zcat in" in err
    assert stored(tmp_path / "a") == before
    (folder / "zcat").rename(folder / "cat")
    config = RunFolder(tmp_path / "a").read_config()
    del config["class_names"]  # a run from before they were kept
    RunFolder(tmp_path / "a").write_config(config, replace=True)
    assert resumed(tmp_path / "a", "--steps", 4) == 0
    assert RunFolder(tmp_path / "a").read_config()["class_names"] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("names", "label", "number", "unknown", "said"),
    [
        (["cat", "dog"], "dog", 1, "cow", "0 to 1 or a name of cat, dog"),
        (["1", "2", "10"], "10", 1, "0", "a name of 1, 10, 2"),
    ],
)
def test_a_class_is_drawn_by_the_name_of_its_folder(
    names, label, number, unknown, said, tmp_path, capsys
):
    folder = classes(tmp_path / "data", names)
    assert conditional(tmp_path / "a", folder, "--batch-size", "2") == 0
    options = argparse.Namespace(run=tmp_path / "a", label=label)
    config = RunFolder(tmp_path / "a").read_config()
    assert sorted(names)[number] == label
    assert commands._label_of(options, config) == number
    ask = ["sample", "--run", tmp_path / "a", "--output", tmp_path / "a.npy"]
    assert main([*map(str, ask), "--label", label]) == 0
    assert f"label {label}: class {number}" in capsys.readouterr().err
    err = told(capsys, 2, [*ask, "--label", unknown])
    assert f"expected {said}, a class of the run in" in err


@pytest.mark.parametrize(
    ("names", "count", "label", "said"),
    [
        (["bird", "cat", "dog", "wolf"], 3, "wolf", "0 to 2 or a name of bird, cat, d"),
        (["bird", "cat", "dog", "wolf"], 3, "3", "0 to 2 or a name of bird, cat, dog,"),
        (["1", "cat"], 2, "0", "a name of 1, cat, a class of"),
        (None, 2, "2", "0 to 1, a class of"),
    ],
)
def test_a_class_that_g_has_not_learned_is_not_drawn(names, count, label, said):
    """The last folders may have had no picture for training."""
    config = {"classes": count, "class_names": names}
    options = argparse.Namespace(run="a", label=label)
    with pytest.raises(ValueError, match=rf"\(--label\): expected {said}"):
        commands._label_of(options, config)
    options.label = names[1] if names else "0"
    assert commands._label_of(options, config) == (1 if names else 0)


def test_a_name_is_the_same_however_its_accents_are_stored(monkeypatch):
    """macOS may store é as e and an accent; the keyboard types one letter."""
    typed, stored = "caf\u00e9", "cafe\u0301"
    options = argparse.Namespace(run="a", label=typed)
    config = {"classes": 2, "class_names": [stored, "tea"], "dataset": "x"}
    assert commands._label_of(options, config) == 0
    both = config | {"class_names": [stored, typed]}  # two folders: each its own
    assert commands._label_of(options, both) == 1
    data = commands.RunData(None, np.array([0, 1]))
    for found, is_same in ((typed, True), ("cafe", False)):
        monkeypatch.setattr(commands, "class_names", lambda *_, f=found: [f, "tea"])
        with contextlib.nullcontext() if is_same else pytest.raises(ValueError):
            assert commands._check_classes(config, data, RunFolder("a")) == [
                found,
                "tea",
            ]


def test_pictures_that_are_held_out_need_no_classes(tmp_path):
    folder = classes(tmp_path / "data" / "train", ["cat", "dog"]).parent
    pictures(folder / "test", 3)
    config = {"dataset": str(folder), "conditional": True, "clusters": None}
    config |= {"image_size": 8, "channels": 1}
    held_out = commands._data(config, "test")
    assert len(held_out.images) == 3 and held_out.labels is None


def test_names_of_many_classes_are_shortened_and_fit(tmp_path, capsys):
    run = RunFolder(tmp_path / "a")
    run.write_config({"class_names": [f"n{number:08d}" for number in range(20_000)]})
    assert len(run.read_config()["class_names"]) == 20_000
    config = {"dataset": str(classes(tmp_path / "data", "abcdefg"))}
    config["class_names"] = list("abcdefh")
    data = commands.RunData(np.zeros((7, 8, 8, 1)), np.arange(7))
    with pytest.raises(ValueError, match=r"a, b, c, d, e, \.\.\. \(7\); got a, b, c"):
        commands._name_classes(config, data, run)


# Seeds, counts and names that cannot be ---------------------------------------


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    path = tmp_path_factory.mktemp("grouped") / "a"
    assert train(path, "--clusters", "3", "--steps", "1") == 0
    return path


def test_evaluate_draws_by_the_seed_and_groups_as_often_as_they_are(
    grouped, capsys, monkeypatch
):
    drawn = []

    def generate(generator, z):
        drawn.append(np.asarray(z))
        raise ValueError("as far as this")

    monkeypatch.setattr(commands, "generate", generate)
    for seed in (5, 5, 6):
        command = ["evaluate", "--run", grouped, "--count", 2000, "--seed", seed]
        assert "as far as this" in told(capsys, 2, command)
        z = latent_noise((2000, 3), seed, 0)
        np.testing.assert_array_equal(drawn[-1][:, :3], z)
    labels = [z[:, 3:].argmax(axis=1) for z in drawn]
    np.testing.assert_array_equal(labels[0], labels[1])
    assert (labels[0] != labels[2]).any()
    shares = RunFolder(grouped).read_clusters(3, 1).shares
    np.testing.assert_allclose(np.bincount(labels[0]) / 2000, shares, atol=0.03)
    assert np.ptp(shares) > 0.1


@pytest.mark.parametrize("seed", ["-1", "5000000000"])
def test_a_seed_that_no_training_has_is_named_before_the_groups(tmp_path, capsys, seed):
    arguments = ["train", "--output", tmp_path / "a", *SMALL, "--clusters", 3]
    err = told(capsys, 2, [*arguments, "--seed", seed])
    said = f"seed (--seed): expected a whole number, 0 to 2**32 - 1, got {seed}"
    assert said in err and not (tmp_path / "a").exists()


def test_a_seed_that_draws_no_labels_is_named(grouped, tmp_path, capsys):
    output = "--output", tmp_path / "a.npy"
    said = "seed (--seed): expected a whole number, 0 to 9,223,372,036,854,775,807, "
    for command in (["sample", *output], ["evaluate"]):
        err = told(capsys, 2, [*command, "--run", grouped, "--seed", -1])
        assert f"{said}got -1" in err
    assert not (tmp_path / "a.npy").exists()


@pytest.mark.parametrize("seed", [2**60, -(2**60), 2**63])
def test_the_largest_seed_is_said_and_works(runs, tmp_path, capsys, seed):
    ask = ["sample", "--run", str(runs / "composite"), "--count", "1"]
    ask += ["--output", str(tmp_path / "a.npy"), "--seed"]
    with pytest.raises(SystemExit, match="2"):
        main([*ask, str(seed)])
    said = "of at most 1,152,921,504,606,846,975 on either side of 0"
    assert f"--seed: expected a whole number {said}, got" in capsys.readouterr().err
    assert main([*ask, str(2**60 - 1)]) == 0
    assert main([*ask, str(1 - 2**60)]) == 0


def test_a_label_is_read_as_other_numbers_are():
    config = {"classes": 12}
    for label in ("7", "07"):
        options = argparse.Namespace(run="a", label=label)
        assert commands._label_of(options, config) == 7
    for label in (" 1", "1_0", "-1", "٣"):
        options = argparse.Namespace(run="a", label=label)
        with pytest.raises(ValueError, match=r"--label\): expected 0 to 11"):
            commands._label_of(options, config)


def test_epochs_of_too_many_steps_are_named(tmp_path, capsys):
    arguments = ["train", "--output", tmp_path / "a", *SMALL, "--epochs"]
    err = told(capsys, 2, [*arguments, 2**53 - 1])
    said = (
        "epochs (--epochs): expected at most 51,177,268,492,846 of 176 steps, got 9,0"
    )
    assert said in err and not (tmp_path / "a").exists()


def test_devices_that_cannot_share_are_refused_before_they_are_made(
    tmp_path, capsys, monkeypatch
):
    for slow in ("make_strategy", "load_dataset"):
        monkeypatch.setattr(commands, slow, None)
    arguments = ["train", "--output", tmp_path / "a", *SMALL, "--devices", 20000]
    assert "a number that 20000 devices can share" in told(capsys, 2, arguments)


def test_an_output_in_the_place_of_a_folder_is_refused_before_drawing(
    runs, tmp_path, capsys, monkeypatch
):
    (tmp_path / "d.png").mkdir()
    monkeypatch.setattr(commands, "load_generator", None)
    ask = ["sample", "--run", runs / "composite", "--output"]
    err = told(capsys, 2, [*ask, tmp_path / "d.png"])
    assert f"--output): expected a file, {tmp_path / 'd.png'} is a folder" in err
    assert "File name too long" in told(
        capsys, 2, [*ask, tmp_path / f"{'n' * 252}.npy"]
    )


def test_samples_have_a_name_as_long_as_a_disk_takes(runs, tmp_path):
    path = tmp_path / f"{'n' * 249}.npy"
    ask = ["sample", "--run", str(runs / "composite"), "--count", "1", "--output"]
    assert main([*ask, str(path)]) == 0 and path.exists()


@pytest.mark.parametrize("option", ["--steps", "--decay-steps", "--batch-size"])
@pytest.mark.parametrize("number", [2**53, 9999999999999999999, 10**30])
def test_the_largest_number_is_said(tmp_path, capsys, option, number):
    with pytest.raises(SystemExit, match="2"):
        train(tmp_path / "a", option, str(number))
    said = (
        f"{option}: expected a whole number, 1 to 9,007,199,254,740,991; got {number}"
    )
    assert said in capsys.readouterr().err


def test_a_dataset_that_is_nowhere_is_named_by_its_option(tmp_path, capsys):
    arguments = ["train", "--output", tmp_path / "a", "--dataset"]
    for name in ("nosuch", tmp_path / "nosuch"):
        assert "train: dataset (--dataset): " in told(capsys, 2, [*arguments, name])


def evaluated(capsys, run, *options):
    """The numbers, and what was said beside them."""
    command = ["evaluate", "--run", run, "--count", 12, "--json", *options]
    assert main([str(part) for part in command]) == 0
    told = capsys.readouterr()
    return json.loads(told.out), told.err


def test_pictures_of_other_sizes_are_brought_to_the_runs(tmp_path, capsys, monkeypatch):
    """Those that are held out, and those that came since; no numbers but theirs."""
    folder = classes(tmp_path / "data" / "train", ["cat", "dog"], count=12).parent
    classes(folder / "test", ["cat", "dog"], count=6)
    assert train(tmp_path / "a", "--dataset", str(folder), "--steps", "1") == 0
    capsys.readouterr()
    before, loaded = evaluated(capsys, tmp_path / "a")[0], []
    load = commands.load_dataset

    def as_in_the_training(name, split, **options):
        loaded.append(load(name, split, **options).images)
        return load(name, split, allowed_sizes=options["allowed_sizes"])

    with monkeypatch.context() as patched:
        patched.setattr(commands, "load_dataset", as_in_the_training)
        assert evaluated(capsys, tmp_path / "a")[0] == before
    colour = np.zeros((30, 31, 3), np.uint8)
    imageio.imwrite(folder / "test" / "cat" / "9.png", colour)
    after, said = evaluated(capsys, tmp_path / "a")
    assert "13 used, as 8x8x1" in said and "not the images" not in said
    assert after != before
    imageio.imwrite(folder / "train" / "cat" / "99.png", colour)
    _, said = evaluated(capsys, tmp_path / "a")
    assert "25 used, as 8x8x1" in said
    assert "not the images of the training (25 images, " in said
    err = told(capsys, 2, ["train", "--resume", "--output", tmp_path / "a"])
    assert "dataset (--dataset): expected images of [8, 8, 1], as the run has" in err
    assert "not of one square size: 8x8 (24), 31x30 (1)\n" in err


def test_evaluate_names_other_classes_by_the_option(tmp_path, capsys):
    folder = classes(tmp_path / "data", ["a", "b", "c"], count=4)
    assert conditional(tmp_path / "run", folder) == 0
    others = classes(tmp_path / "others", "abcde"), classes(tmp_path / "two", "bc")
    (tmp_path / "flat").mkdir()
    imageio.imwrite(tmp_path / "flat" / "0.png", np.zeros((8, 8), np.uint8))
    for command in (
        ["evaluate", "--run", tmp_path / "run"],
        ["train", "--resume", "--output", tmp_path / "run"],
    ):
        capsys.readouterr()
        for other, found in zip(others, ("a, b, c, d, e", "b, c"), strict=True):
            options = [*command, "--dataset", other]
            if command[0] == "evaluate":
                err = told(capsys, 2, options)
                assert "dataset (--dataset): the run in" in err
                assert f"has the classes a, b, c; got {found} in {other}" in err
        err = told(capsys, 2, [*command, "--dataset", tmp_path / "flat"])
        assert "dataset (--dataset): expected images of 3 classes, as the run" in err
    config = RunFolder(tmp_path / "run").read_config()
    del config["class_names"]  # a run from before they were kept
    RunFolder(tmp_path / "run").write_config(config, replace=True)
    err = told(
        capsys, 2, ["evaluate", "--run", tmp_path / "run", "--dataset", "digits"]
    )
    assert "expected images of" in err or "the run has images of" in err
    err = told(
        capsys, 2, ["evaluate", "--run", tmp_path / "run", "--dataset", others[0]]
    )
    assert "has the classes 0 to 2; got a, b, c, d, e in" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x._replace(centres=x.centres[:, :5, :5]), "(5, 5), those here (28,"),
        (lambda x: x._replace(counts=x.counts * 0 + 2**62), "images"),
    ],
    ids=["size", "counts"],
)
def test_groups_of_other_pictures_are_refused(grouped, tmp_path, capsys, change, said):
    run = RunFolder(shutil.copytree(grouped, tmp_path / "a"))
    run.write_clusters(change(run.read_clusters(3, 1)))
    for command in (
        ["sample", "--run", run.path, "--output", tmp_path / "a.npy"],
        ["train", "--resume", "--output", run.path, "--steps", 2],
    ):
        err = told(capsys, 2, command)
        assert f"{run.path / 'clusters.npz'}: expected" in err and said in err


def test_a_full_disk_is_named_by_the_lock_too(runs, tmp_path, capsys, monkeypatch):
    run = shutil.copytree(runs / "train_step", tmp_path / "a")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    arguments = ["train", "--resume", "--output", run, "--steps", 9]
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "ftruncate", full)
        err = told(capsys, 2, arguments)
    assert f"{run / '.lock'}: No space left on device" in err
    assert not (run / ".lock").exists()


def test_a_worker_whose_number_is_a_word_is_refused(tmp_path, capsys, monkeypatch):
    text = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", '
    monkeypatch.setenv("TF_CONFIG", text + '"index": "zwei"}}')
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *SMALL])
    assert "TF_CONFIG: expected {" in err and "zwei" in err


def test_an_augmentation_that_is_asked_for_twice_is_both(tmp_path):
    twice = ["--augment", "flip", "--augment", "cutout", "colour"]
    assert train(tmp_path, "--steps", "1", *twice) == 0
    settings = RunFolder(tmp_path).read_config()["settings"]
    assert settings["augmentation"] == ["flip", "colour", "cutout"]


def test_a_notebooks_backend_that_is_not_here_stops_nothing():
    """Colab's MPLBACKEND, in an environment of its own (colabtools#5148)."""
    there = os.environ | {"MPLBACKEND": "not_installed"}
    command = [sys.executable, "-m", "dcgan_keras", "sample", "--run", "a"]
    command += ["--output", "a.npy"]
    done = subprocess.run(command, env=there, capture_output=True, text=True)
    said = "dcgan_keras sample: run: there is no run in a (no config.json)\n"
    assert done.stderr == said


def test_what_is_said_of_a_download_is_no_result(runs, monkeypatch, capsys):
    def load_dataset(*arguments, **options):
        print("Downloading data from")
        return commands_load(*arguments, **options)

    commands_load = commands.load_dataset
    monkeypatch.setattr(commands, "load_dataset", load_dataset)
    run = ["--run", str(runs / "train_step"), "--count", "10"]
    assert main(["evaluate", *run, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) and err.startswith("Downloading data from\n")


def test_workers_that_are_lost_before_a_saving_begin_again(
    tmp_path, capsys, monkeypatch
):
    def lost(*arguments, **options):
        error = ConnectionError("workers: worker 0 of 2 has lost another one")
        error.then = "start all again"
        raise error

    monkeypatch.setattr(DCGAN, "fit", lost)
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *SMALL])
    assert err.endswith("lost another one; start all again\n")


def test_what_keras_refuses_before_the_first_step_is_what_is_said(
    tmp_path, capsys, monkeypatch
):
    def refused(*arguments, **options):
        raise ValueError("batch_size: expected another")

    monkeypatch.setattr(DCGAN, "fit", refused)
    err = told(capsys, 2, ["train", "--output", tmp_path / "a", *SMALL])
    assert "train: batch_size: expected another; " in err
