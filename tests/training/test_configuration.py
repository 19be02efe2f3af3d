"""config.json: complete, possible, of the weights beside it, before it is built."""

import json
import re
import shutil

import numpy as np
import pytest

from dcgan_keras.__main__ import main
from dcgan_keras.files import UnreadableFile
from dcgan_keras.lessons.recorded import recorded_run
from dcgan_keras.training.configuration import (
    CHECKS,
    DEFAULTS,
    build_model,
    first_layer,
    load_generator,
    load_players,
    multiplications,
    read_config,
    settings_of,
    untrained_players,
)
from dcgan_keras.training.recipe import RECIPES, SETTINGS
from dcgan_keras.training.runs import RunFolder

SMALL = {"latent_dim": 3, "width": 2, "image_shape": [28, 28, 1], "classes": None}


def config_of(**changes):
    config = DEFAULTS | SMALL | changes
    return {"settings": settings_of(config)} | config


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "a")
    run.write_config(config_of())
    return run


@pytest.mark.parametrize("loop", ["train_step", "composite"])
@pytest.mark.parametrize("recipe", list(RECIPES))
def test_what_the_commands_write_is_read(run, recipe, loop):
    config = config_of(recipe=recipe, loop=loop) | {"versions": {"keras": "3"}}
    run.write_config(config, replace=True)
    assert read_config(run) == config


@pytest.mark.parametrize("name", ["mnist", "digits", "cifar", "paper"])
def test_recorded_runs_are_read(name):
    assert read_config(recorded_run(name))["recipe"] in RECIPES
    steps = [row["step"] for row in recorded_run(name).read_history()]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) >= 1500


@pytest.mark.parametrize("command", ["sample", "evaluate", "train"])
@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"recipe": "other"}'])
def test_a_damaged_configuration_is_one_sentence(run, capsys, command, text):
    (run.path / "config.json").write_text(text)
    arguments = {
        "sample": ["--run", run.path, "--output", run.path / "a.npy"],
        "evaluate": ["--run", run.path],
        "train": ["--resume", "--output", run.path],
    }
    assert main([command, *map(str, arguments[command])]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "config.json" in err
    assert str(run.path) in err


BAD = {
    "dataset": [None, 3, "", "a\0b", ["mnist"]],
    "steps": [0, -5, 1.5, "10", None, True, 10**400],
    "save_every": [0, None, 2.5],
    "sample_every": [0, None, "100"],
    "seed": [-1, 2**32, 0.5, None, "0"],
    "batch_size": [0, None, 32.0],
    "loop": ["both", None, {}, []],
    "recipe": ["other", None, {}, ["default"]],
    "image_size": [0, "28", True],
    "channels": [2, "3", [1], True, 1.0],
    "image_shape": [5, [], [28, 28], [28, 28, 10**9], "abc", [27, 27, 1], [28, 32, 1]]
    + [[28, 28, True], [28, 28, 1.0], [28.0, 28, 1]],
    "latent_dim": [0, -1, 10**12, 10**400, "100", None, 3.0],
    "width": [0, 10**6, 10**12, None, "16"],
    "conditional": [None, 1, "true"],
    "classes": [0, 1, 2.5, "10", 10**400],
    "clusters": [0, 1, 7, "7", 10**400],  # 7: of an unconditional run
    "class_names": ["cat", 5, ["cat", 1], {}],
    "resumed": [5, None, "x", {}],
    "settings": [None, [], 3, "x"],
}
BAD_SETTINGS = {
    "extra_layers": [-1, 10**12, 2.5, None],
    "leaky_slope": [-0.1, None, "0.2", 10**400],
    "generator_learning_rate": [-1, float("nan"), float("inf"), None],
    "discriminator_learning_rate": ["fast", 10**400],
    "beta_1": [1, -0.1, None],
    "beta_2": [1.5, [0.9]],
    "decay_steps": [0, 10**400, 0.5],
    "update": ["both", None, {}],
    "r1_gamma": [-1, "1"],
    "r1_interval": [0, 1.5],
    "average": [1, None, "true"],
    "augmentation": [["rotation"], "flip", None, [["flip"]]],
    "augmentation_share": [0, -0.5, 1.01, True, "1", None, float("nan")],
}


def each(values):
    return [(name, value) for name, bad in values.items() for value in bad]


def test_every_check_is_tried():
    assert {*BAD, *BAD_SETTINGS} == set(CHECKS)
    optional = {"augmentation", "augmentation_share"}
    assert set(BAD_SETTINGS) == set(SETTINGS) | optional and set(DEFAULTS) <= set(BAD)


@pytest.mark.parametrize(("name", "value"), each(BAD), ids=lambda x: str(x)[:20])
def test_what_no_run_has_is_refused(run, name, value):
    run.write_config(config_of() | {name: value}, replace=True)
    where = re.escape(str(run.path / "config.json"))
    with pytest.raises(UnreadableFile, match=f"{where}: .*{name}|{where}: .*integer"):
        read_config(run)


@pytest.mark.parametrize(
    ("name", "value"), each(BAD_SETTINGS), ids=lambda x: str(x)[:20]
)
def test_settings_that_no_run_has_are_refused(run, name, value):
    run.write_config(config_of(settings=SETTINGS | {name: value}), replace=True)
    with pytest.raises(UnreadableFile, match=f"config.json: .*{name}"):
        read_config(run)


@pytest.mark.parametrize(
    ("name", "value"),
    [("extra_layers", 0), ("extra_layers", 20), ("beta_1", 0), ("r1_gamma", 0.0)],
)
def test_the_ends_of_a_range_are_within_it(run, name, value):
    run.write_config(config_of(settings=SETTINGS | {name: value}), replace=True)
    assert read_config(run)["settings"][name] == value


@pytest.mark.parametrize(("clusters", "is_so"), [(6, True), (9, True), (5, False)])
def test_there_are_no_more_groups_than_were_asked_for(run, clusters, is_so):
    """Fewer there may be, where pictures are equal."""
    config = config_of(conditional=True, classes=6, clusters=clusters)
    run.write_config(config, replace=True)
    if is_so:
        assert read_config(run) == config
        return
    with pytest.raises(UnreadableFile, match="as many as classes .* are 6; got 5"):
        read_config(run)


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_the_seed_is_that_of_the_weights_and_of_the_noise(run, loop):
    run.write_config(config_of(seed=5, loop=loop), replace=True)
    assert build_model(read_config(run)).seed == 5
    own, five, zero = (
        untrained_players(run, seed).generator.variables[0] for seed in (None, 5, 0)
    )
    np.testing.assert_array_equal(own, five)
    assert np.any(own != zero)


@pytest.mark.parametrize(
    "change", [{"update": "simultaneous"}, {"r1_gamma": 1.0}, {"average": True}]
)
def test_the_papers_recipe_has_no_other_settings(run, change):
    settings = RECIPES["paper"] | change
    run.write_config(config_of(recipe="paper", settings=settings), replace=True)
    with pytest.raises(UnreadableFile, match=f"config.json: .*{[*change][0]}"):
        read_config(run)


def test_sizes_that_no_memory_holds_are_refused_before_building(run):
    """A new run, too: this hung, or took all memory."""
    for changes in ({"latent_dim": 10**12}, {"width": 3000}, {"width": 10**9}):
        with pytest.raises(ValueError, match="latent_dim, width: expected layers of"):
            build_model(config_of(**changes))
    command = ["train", "--dataset", "digits", "--output", str(run.path / "new")]
    assert main([*command, "--latent-dim", str(10**12)]) == 2
    assert not (run.path / "new").exists()


def test_sizes_of_two_gigabytes_are_the_largest():
    """32 channels^2 of D's last layer: 4,096 channels, and not one more each."""
    shape = [16, 16, 1]
    assert first_layer(config_of(image_shape=shape, width=2048)) == (3, 65536)
    with pytest.raises(ValueError, match="at most 536,870,912 weights, got 3 and 2049"):
        first_layer(config_of(image_shape=shape, width=2049))


@pytest.mark.parametrize(("recipe", "kernel"), [("default", 4), ("paper", 5)])
def test_a_stage_makes_as_many_multiplications_as_its_layer(recipe, kernel):
    """Of one batch: at each pixel of half the size, from 3 channels to 6."""
    config = config_of(recipe=recipe, image_shape=[28, 28, 1], width=3, batch_size=5)
    assert multiplications(config) == 5 * 14 * 14 * kernel * kernel * 3 * 6


@pytest.mark.parametrize("size", [8, 28, 40])
@pytest.mark.parametrize("recipe", list(RECIPES))
def test_the_first_layer_is_known_before_it_is_built(recipe, size):
    config = config_of(recipe=recipe, image_shape=[size, size, 3])
    generator = build_model(config).generator
    assert tuple(generator.variables[0].shape) == first_layer(config)


@pytest.mark.parametrize(
    "change", [{"latent_dim": 4}, {"width": 3}, {"image_shape": [32, 32, 1]}]
)
def test_a_configuration_of_other_weights_is_refused_before_building(run, change):
    """A million times as wide, it would take the memory before it is refused."""
    kernel = np.zeros(first_layer(config_of()), np.float32)
    np.savez(run.path / "weights.npz", **{"step": np.int64(3), "generator/000": kernel})
    assert read_config(run) == config_of()
    run.write_config(config_of() | change, replace=True)
    for read in (read_config, load_players, load_generator, untrained_players):
        with pytest.raises(UnreadableFile, match="config.json does not fit weights"):
            read(run)


def test_what_the_checks_do_not_know_is_kept(run):
    text = json.dumps(config_of() | {"note": "a", "settings": SETTINGS | {"x": 1}})
    (run.path / "config.json").write_text(text)
    assert read_config(run)["note"] == "a" and read_config(run)["settings"]["x"] == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Three steps on the digits, by the command line."""
    path = tmp_path_factory.mktemp("runs") / "a"
    small = ["--latent-dim", "3", "--width", "2", "--batch-size", "8", "--steps", "3"]
    assert main(["train", "--dataset", "digits", "--output", str(path), *small]) == 0
    return path


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("history.csv", lambda path: path.unlink(), "history.csv: .* it has 0"),
        (
            "history.csv",
            lambda path: path.write_text(path.read_text()[:-3]),
            "line 4 is cut off",
        ),
        (
            "history.csv",
            lambda path: path.write_text(
                "".join(path.read_text().splitlines(True)[:3])
            ),
            "history.csv: .* up to 3, the step of weights.npz; it has 2",
        ),
        ("weights.npz", lambda path: path.write_bytes(b"x"), "weights.npz: expected"),
        ("weights.npz", lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
    ],
)
def test_a_run_with_a_hole_is_not_resumed(
    trained, tmp_path, capsys, name, damage, said
):
    path = tmp_path / "a"
    shutil.copytree(trained, path)
    damage(path / name)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    assert main(["train", "--resume", "--output", str(path), "--steps", "5"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and re.search(said, err)
    after = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    assert after == before


def test_of_a_run_with_g_alone_g_is_read_in_half_the_bits(trained, tmp_path):
    """As recorded runs are stored; the same to the last digit that was kept."""
    shutil.copytree(trained, tmp_path / "a")
    run, generator = RunFolder(tmp_path / "a"), load_generator(trained)
    ours, theirs = (x.variables for x in (generator, load_players(trained).generator))
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    config = run.read_config()
    config["settings"]["average"] = False
    run.write_config(config, replace=True)
    halves = [x.numpy().astype(np.float16) for x in generator.variables]
    run.save(3, {"generator": halves}, run.read_history())
    stored = load_generator(run).variables
    assert all(np.array_equal(a, b) for a, b in zip(stored, halves, strict=True))
    with pytest.raises(UnreadableFile, match="does not fit this discriminator"):
        load_players(run)
    integers = [x.astype(np.int32) for x in halves]
    run.save(3, {"generator": integers}, run.read_history())
    with pytest.raises(UnreadableFile, match="expected float32, got <i4"):
        load_generator(run)


def test_settings_that_no_run_has_are_not_built():
    """They would be trained with, and refused when the run is read."""
    for value in (0, 2**53):
        with pytest.raises(ValueError, match=r"decay_steps: expected .* 2\*\*53 - 1"):
            build_model(config_of(settings=SETTINGS | {"decay_steps": value}))
