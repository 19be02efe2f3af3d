"""The course's default: what it is for which pictures, and what it refuses."""

import imageio.v3 as imageio
import numpy as np
import pytest

from dcgan_keras import DCGAN
from dcgan_keras.__main__ import main
from dcgan_keras.training.configuration import build_model
from dcgan_keras.training.recipe import (
    CHECKS,
    COLOUR,
    LARGE,
    SETTINGS,
    build_players,
    compile_default,
    optimizers,
    settings_for,
)
from dcgan_keras.training.runs import RunFolder

RATES = ("generator_learning_rate", "discriminator_learning_rate")


def small(size=8, channels=1):
    return DCGAN(*build_players((size, size, channels), 4, width=2))


@pytest.mark.parametrize(
    ("shape", "changed"),
    [
        ((28, 28, 1), {}),
        ((128, 128, 1), {}),
        ((32, 32, 3), COLOUR),
        ((63, 64, 3), COLOUR),
        ((64, 64, 3), COLOUR | LARGE),
        ((256, 256, 3), COLOUR | LARGE),
    ],
)
def test_settings_hang_on_the_pictures(shape, changed):
    assert settings_for(shape) == SETTINGS | changed
    assert [settings_for(shape)[name] / SETTINGS[name] for name in RATES] == (
        pytest.approx([0.4 if shape[2] == 3 else 1] * 2)
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_the_model_is_compiled_for_its_pictures(channels):
    dcgan = compile_default(small(64, channels))
    assert dcgan.r1_gamma == (1 if channels == 1 else 30)
    for name in RATES:
        optimizer = getattr(dcgan, name.replace("learning_rate", "optimizer"))
        expected = settings_for((64, 64, channels))
        assert float(optimizer.learning_rate) == pytest.approx(expected[name])
        optimizer.iterations.assign(expected["decay_steps"])
        assert float(optimizer.learning_rate) == pytest.approx(expected[name] / 2)


def test_what_is_asked_for_comes_before_what_suits():
    dcgan = compile_default(small(64, 3), r1_gamma=2, generator_learning_rate=1e-3)
    rates = [
        float(x.learning_rate)
        for x in (dcgan.generator_optimizer, dcgan.discriminator_optimizer)
    ]
    assert rates == pytest.approx([1e-3, COLOUR["discriminator_learning_rate"]])
    assert dcgan.r1_gamma == 2


def test_options_of_compile_are_obeyed():
    asked = {"generator_loss": "minimax", "real_label": 0.9, "run_eagerly": True}
    dcgan = compile_default(small(), **asked)
    found = dcgan.generator_loss_name, dcgan.real_label, dcgan.run_eagerly
    assert found == tuple(asked.values())


@pytest.mark.parametrize("name", ["learning_rate", "gamma", "metrics"])
def test_what_is_no_option_is_refused(name):
    with pytest.raises((TypeError, ValueError), match=name):
        compile_default(small(), **{name: 1})


@pytest.mark.parametrize("name", ["extra_layers", "leaky_slope"])
def test_what_comes_too_late_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: expected none, for the players"):
        compile_default(small(), **{name: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("average", "no"),
        ("generator_learning_rate", "x"),
        ("discriminator_learning_rate", float("nan")),
        ("beta_2", 2.0),
        ("decay_steps", 0),
        ("augmentation_share", 0),
    ],
)
def test_a_value_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected "):
        compile_default(small(), **{name: value})
    with pytest.raises(ValueError, match=f"^{name}: expected "):
        optimizers({name: value})


@pytest.mark.parametrize(("name", "value"), [("extra_layers", -1), ("leaky_slope", -1)])
def test_players_that_cannot_be_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected "):
        build_players((8, 8, 1), 4, width=2, **{name: value})


def test_numbers_of_numpy_are_numbers():
    compile_default(small(), r1_gamma=np.float32(2), decay_steps=np.int64(7))
    assert {*SETTINGS} < {*CHECKS}


def test_optimizers_take_what_differs():
    generator, discriminator = optimizers({"beta_1": 0.5, "average": False})
    assert generator.beta_1 == discriminator.beta_1 == 0.5 and not generator.use_ema
    assert generator.beta_2 == SETTINGS["beta_2"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(4):
        pixels = np.random.default_rng(number).integers(256, size=(64, 64, 3))
        imageio.imwrite(tmp_path / f"pictures/{number}.png", pixels.astype(np.uint8))
    return tmp_path / "pictures"


def train(folder, output, *options):
    given = ["--dataset", str(folder), "--batch-size", "2", "--width", "2"]
    given += ["--latent-dim", "3", "--steps", "1", "--output", str(output)]
    return main(["train", *given, *options])


@pytest.mark.parametrize(
    ("options", "said", "changed"),
    [
        (
            ["--image-size", "64"],
            "pictures of 64x64x3 are trained with --learning-rates 0.4 "
            "--decay-steps 4000 --r1-gamma 30\n",
            COLOUR | LARGE,
        ),
        (
            ["--image-size", "16"],
            "pictures of 16x16x3 are trained with --learning-rates 0.4 "
            "--decay-steps 4000\n",
            COLOUR,
        ),
        (
            ["--image-size", "64", "--loop", "composite"],
            "pictures of 64x64x3 are trained with --learning-rates 0.4 "
            "--decay-steps 4000\n",
            COLOUR,
        ),
        (
            ["--image-size", "64", "--decay-steps", "9", "--r1-gamma", "2"],
            "pictures of 64x64x3 are trained with --learning-rates 0.4\n",
            COLOUR | {"decay_steps": 9, "r1_gamma": 2.0},
        ),
        (
            ["--image-size", "16", "--learning-rates", "1", "--decay-steps", "1000"],
            "",
            {},
        ),
        (["--image-size", "64", "--channels", "1"], "", {}),
        (["--image-size", "64", "--recipe", "paper"], "", None),
    ],
)
def test_a_run_has_what_suits_its_pictures_and_says_so(
    options, said, changed, folder, tmp_path, capsys
):
    assert train(folder, tmp_path / "a", *options) == 0
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert "".join(line for line in lines if "are trained with" in line) == said
    config = RunFolder(tmp_path / "a").read_config()
    if changed is not None:
        for name, value in (SETTINGS | changed).items():
            if name in config["settings"] and name != "update":
                assert config["settings"][name] == pytest.approx(value), name
    build_model(config)


def test_a_resumed_run_keeps_what_it_began_with(folder, tmp_path, capsys):
    given = ["--image-size", "16"]
    assert train(folder, tmp_path / "a", *given, "--learning-rates", "1") == 0
    before = RunFolder(tmp_path / "a").read_config()["settings"]
    again = ["train", "--resume", "--output", str(tmp_path / "a"), "--steps", "2"]
    capsys.readouterr()
    assert main(again) == 0
    assert "are trained with" not in capsys.readouterr().err
    assert RunFolder(tmp_path / "a").read_config()["settings"] == before
    assert main([*again, "--learning-rates", "0.4"]) == 2
    assert "a resumed run keeps its settings" in capsys.readouterr().err
