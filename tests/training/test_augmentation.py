"""Differentiable augmentation: what it does to an image, and to a step."""

import json

import numpy as np
import pytest

from dcgan_keras import DCGAN, build_discriminator, build_generator, tf
from dcgan_keras.__main__ import main
from dcgan_keras.noise import D_FAKES, G_FAKES, REALS, uniform_noise
from dcgan_keras.training.augmentation import (
    AUGMENTATIONS,
    DRAWS,
    augment,
    check_augmentation,
)
from dcgan_keras.training.configuration import build_model
from dcgan_keras.training.recipe import SETTINGS, build_players, compile_default
from dcgan_keras.training.runs import RunFolder

RNG = np.random.default_rng
IMAGES = RNG(0).uniform(-1, 1, (40, 16, 16, 3)).astype(np.float32)
UNIFORM = RNG(1).uniform(0, 1, (40, DRAWS)).astype(np.float32)


def of(names, images=IMAGES, draws=UNIFORM):
    return augment(tf.constant(images), names, draws).numpy()


class TestImages:
    def test_flip_mirrors_about_half_of_them_and_no_pixel_is_lost(self):
        found = of(("flip",))
        same = (found == IMAGES).all(axis=(1, 2, 3))
        mirrored = (found == IMAGES[:, :, ::-1]).all(axis=(1, 2, 3))
        assert (same ^ mirrored).all() and 10 <= mirrored.sum() <= 30

    def test_flip_mirrors_from_half_of_its_own_number_on(self):
        for number, step in ((0.4999, 1), (0.5, -1)):
            draws = UNIFORM.copy()
            draws[:, 2] = number
            assert (of(("flip",), draws=draws) == IMAGES[:, :, ::step]).all()

    def test_translation_moves_by_up_to_an_eighth_and_repeats_the_edge(self):
        found, moves = of(("translation",)), set()
        for image, moved in zip(IMAGES, found, strict=True):
            padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
            windows = np.lib.stride_tricks.sliding_window_view(padded, (16, 16), (0, 1))
            same = (np.moveaxis(windows, 2, -1) == moved).all(axis=(2, 3, 4))
            assert same.sum() == 1
            moves.add(tuple(np.argwhere(same)[0]))
        assert (
            {row for row, _ in moves} == {column for _, column in moves} == {*range(5)}
        )

    def test_translation_by_each_number_of_pixels_is_as_likely(self):
        """Of 28 pixels an eighth is 3.5, which is 4."""
        draws = np.zeros((900, DRAWS), np.float32)
        draws[:, 1] = (np.arange(900) + 0.5) / 900
        images = np.tile(np.arange(28, dtype=np.float32)[:, None], (900, 28, 1, 1))
        moves = np.repeat(np.arange(-4, 5), 100)[:, None]
        expected = np.clip(np.arange(28) + moves, 0, 27)
        found = of(("translation",), images, draws)
        np.testing.assert_array_equal(found[:, 9, :, 0], expected)

    def test_colour_keeps_the_grey_of_a_flat_picture_but_for_the_brightness(self):
        flat = np.full((40, 8, 8, 3), 0.2, np.float32)
        change = of(("colour",), flat) - flat
        expected = UNIFORM[:, 3] - 0.5
        np.testing.assert_allclose(change[:, 0, 0, 0], expected, atol=1e-6)
        assert np.ptp(change.reshape(40, -1), axis=1).max() < 1e-6

    def test_colour_is_brightness_then_saturation_then_contrast(self):
        draws = np.full((40, DRAWS), 0.5, np.float32)  # none of the three
        np.testing.assert_allclose(of(("colour",), draws=draws), IMAGES, atol=1e-6)
        grey = draws.copy()
        grey[:, 4] = 0
        mean = IMAGES.mean(axis=3, keepdims=True) * np.ones(3)
        np.testing.assert_allclose(of(("colour",), draws=grey), mean, atol=1e-6)
        flatter = draws.copy()
        flatter[:, 5] = 0
        mean = IMAGES.mean(axis=(1, 2, 3), keepdims=True)
        half = (IMAGES + mean) / 2
        np.testing.assert_allclose(of(("colour",), draws=flatter), half, atol=1e-6)

    def test_cutout_is_a_square_of_half_the_side_or_what_of_it_is_inside(self):
        ones = np.ones((40, 16, 16, 3), np.float32)
        for image in of(("cutout",), ones):
            rows, columns = np.nonzero(image[..., 0] == 0)
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert len(rows) == height * width
            assert 4 <= height <= 8 and 4 <= width <= 8

    @pytest.mark.parametrize("size", [8, 10])
    def test_cutouts_centre_lies_anywhere_in_the_image(self, size):
        """From one edge to the other: there about half of the square is left."""
        draws = np.zeros((2, DRAWS), np.float32)
        draws[1, 6:] = 0.9999
        images = np.ones((2, size, size, 1), np.float32)
        cut = augment(images, ("cutout",), draws).numpy()[..., 0] == 0
        first, last = (np.flatnonzero(one.any(axis=0)).tolist() for one in cut)
        half = size // 4
        assert first == [*range(half + size // 2 % 2)]
        assert last == [*range(size - half - size // 2 % 2, size)]

    @pytest.mark.parametrize("height", [10, 16])
    def test_rows_are_to_columns_as_columns_are_to_rows(self, height):
        """Also of pictures that are no squares: one could be taken for the other."""
        images, draws = IMAGES[:, :height], UNIFORM.copy()
        turned = draws[:, [1, 0, 2, 3, 4, 5, 7, 6]]
        for name in ("translation", "colour", "cutout"):
            found = of((name,), images, draws)
            other = of((name,), images.swapaxes(1, 2), turned).swapaxes(1, 2)
            assert found.shape == images.shape
            np.testing.assert_allclose(found, other, atol=1e-6)
            if name != "colour":  # the fixture tells them apart
                other = of((name,), images.swapaxes(1, 2), draws).swapaxes(1, 2)
                assert np.abs(found - other).max() > 0.1

    def test_several_come_one_after_another(self):
        expected = IMAGES
        for name in AUGMENTATIONS:
            expected = of((name,), expected)
        np.testing.assert_allclose(of(AUGMENTATIONS), expected, atol=1e-6)

    def test_each_image_hangs_on_itself_and_its_own_numbers_alone(self):
        whole = of(AUGMENTATIONS)
        part = of(AUGMENTATIONS, IMAGES[7:9], UNIFORM[7:9])
        np.testing.assert_allclose(whole[7:9], part, atol=1e-6)

    def test_gradients_are_those_of_finite_differences(self):
        images = tf.constant(IMAGES[:3, :8, :8])
        ways = [RNG(n).normal(size=images.shape).astype(np.float32) for n in (2, 3)]
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = tf.reduce_sum(augment(images, AUGMENTATIONS, UNIFORM[:3]) * ways[0])
        slope = np.sum(tape.gradient(value, images) * ways[1])
        ends = [of(AUGMENTATIONS, images + s * ways[1], UNIFORM[:3]) for s in (-1, 1)]
        # It is linear in the images, so that a step of any size will do.
        found = np.sum((ends[1] - ends[0]) * ways[0]) / 2
        assert slope == pytest.approx(found, rel=1e-3)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_share_of_the_images_is_changed_and_the_others_are_as_they_were(
        self, share
    ):
        draws = RNG(5).uniform(0, 1, (40, DRAWS + 1)).astype(np.float32)
        found = augment(tf.constant(IMAGES), AUGMENTATIONS, draws, share).numpy()
        changed = draws[:, DRAWS] < share
        assert 0 < changed.sum() < 40
        np.testing.assert_array_equal(found[~changed], IMAGES[~changed])
        np.testing.assert_array_equal(
            found[changed], of(AUGMENTATIONS, draws=draws)[changed]
        )
        assert (found != IMAGES).any(axis=(1, 2, 3))[changed].all()

    def test_g_learns_of_those_that_are_not_changed_as_well(self):
        draws = np.full((2, DRAWS + 1), 0.5, np.float32)
        draws[:, DRAWS] = 0.2, 0.7
        images = tf.constant(IMAGES[:2])
        with tf.GradientTape() as tape:
            tape.watch(images)
            seen = tf.reduce_sum(augment(images, ("cutout",), draws, 0.5))
        slope = tape.gradient(seen, images).numpy()
        assert (slope[0] == 0).any() and (slope[1] == 1).all()

    @pytest.mark.parametrize("share", [0, -0.1, 1.01, True, "0.5", None, float("nan")])
    def test_what_is_no_share_is_refused(self, share):
        said = "augmentation_share: expected a number above 0 and at most 1"
        with pytest.raises(ValueError, match=said):
            augment(IMAGES, ("flip",), UNIFORM, share)
        with pytest.raises(ValueError, match=said):
            dcgan("alternating", ("flip",), share=share)

    def test_none_is_the_images_themselves(self):
        assert augment(IMAGES, (), UNIFORM) is IMAGES

    def test_names_in_any_order_are_one_augmentation_and_others_are_refused(self):
        names = ["translation", "flip", "translation"]
        assert check_augmentation(names) == ("flip", "translation")
        with pytest.raises(ValueError, match="augmentation: expected one of 'flip'"):
            check_augmentation(["rotation"])
        with pytest.raises(ValueError, match="augmentation: expected one of 'flip'"):
            augment(IMAGES, ["rotation"], UNIFORM)


def dcgan(update, augmentation, seed=0, share=1):
    own = {"augmentation": augmentation, "augmentation_share": share}
    if update == "simultaneous":
        players = build_players((8, 8, 3), 4, width=2, seed=1)
        model = DCGAN(*players, seed=seed)
        return compile_default(model, decay_steps=10, **own)
    shape = {"image_shape": (8, 8, 3), "channels": 2, "seed": 1}
    players = build_generator(latent_dim=4, **shape), build_discriminator(**shape)
    model = DCGAN(*players, seed=seed)
    model.compile(**own)
    return model


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
class TestStep:
    reals = RNG(4).uniform(-1, 1, (6, 8, 8, 3)).astype(np.float32)

    def test_without_one_nothing_changes_and_with_one_d_sees_other_images(self, update):
        logs = [
            dcgan(update, names).train_on_batch(self.reals, return_dict=True)
            for names in ((), [], ("translation", "colour"))
        ]
        assert logs[0] == logs[1] != logs[2]

    @pytest.mark.parametrize("share", [1, 0.5])
    def test_reals_and_fakes_are_changed_by_numbers_of_their_own(self, update, share):
        seen, count = [], DRAWS + (share < 1)
        model = dcgan(update, ("colour",), seed=3, share=share)
        if update == "simultaneous":
            model.r1_gamma = 0.0
        discriminator = model.discriminator
        call = type(discriminator).call
        discriminator.call = lambda images, **k: (
            seen.append(images) or call(discriminator, images, **k)
        )
        model.steps_made.assign(2)
        z = model._noise(tf.constant(self.reals), tf.constant(2, tf.int64), 0)
        fakes = model.generator(z, training=True).numpy()
        model.train_step(tf.constant(self.reals))
        draws = uniform_noise((6, count), 3, 2, REALS)
        expected = augment(self.reals, ("colour",), draws, share)
        np.testing.assert_allclose(seen[0], expected, atol=1e-6)
        for seed, step in ((0, 2), (3, 0)):  # neither may be left out
            draws_of_others = uniform_noise((6, count), seed, step, REALS)
            others = augment(self.reals, ("colour",), draws_of_others, share)
            assert np.max(abs(others - expected)) > 0.01
        assert np.max(abs(seen[1] - fakes)) > 0.01
        if share < 1:  # of either kind some, and of the two kinds not the same
            kept = [
                np.isclose(a, b, atol=1e-6).all(axis=(1, 2, 3))
                for a, b in ((seen[0], self.reals), (seen[1], fakes))
            ]
            assert all(0 < one.sum() < 6 for one in kept) and any(kept[0] != kept[1])
        unlike = augment(fakes, ("colour",), draws, share)
        assert np.max(abs(seen[1] - unlike)) > 0.01
        assert len(seen) == (2 if update == "simultaneous" else 3)

    def test_g_learns_through_the_changes(self, update):
        """G's gradient is that of its loss at the changed fakes."""
        model = dcgan(update, ("flip", "translation", "colour"), seed=5)
        model.steps_made.assign(3)
        taken = {}
        for name in ("generator", "discriminator"):
            optimizer = getattr(model, f"{name}_optimizer")
            optimizer.apply = lambda g, v, name=name: taken.update({name: g})
        model.train_step(tf.constant(self.reals))
        step = tf.constant(3, tf.int64)
        draw = 0 if update == "simultaneous" else 1
        z = model._noise(tf.constant(self.reals), step, draw)
        stream = D_FAKES if update == "simultaneous" else G_FAKES
        draws = uniform_noise((6, DRAWS), 5, 3, stream)
        with tf.GradientTape() as tape:
            fakes = augment(
                model.generator(z, training=True), model.augmentation, draws
            )
            loss = model.generator_loss(model.discriminator(fakes, training=True))
        expected = tape.gradient(loss, model.generator.trainable_variables)
        for ours, theirs in zip(taken["generator"], expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-5)

    def test_is_kept_with_how_it_was_compiled(self, update):
        model = dcgan(update, ("flip",), share=0.25)
        text = json.dumps(model.get_compile_config())
        again = dcgan(update, ())
        again.compile_from_config(json.loads(text))
        assert again.augmentation == ("flip",) and again.augmentation_share == 0.25

    def test_a_share_of_nothing_is_refused(self, update):
        with pytest.raises(ValueError, match="^augmentation_share: expected 1 where"):
            dcgan(update, (), share=0.5)


SMALL = ["--dataset", "digits", "--batch-size", "8", "--latent-dim", "3"]
SMALL += ["--width", "2", "--seed", "3"]


def train(output, *options):
    return main(["train", "--output", str(output), *SMALL, *options])


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_a_run_keeps_it_through_a_stop(recipe, tmp_path, capsys):
    given = ["--augment", "translation", "flip", "--recipe", recipe]
    assert train(tmp_path / "whole", "--steps", "3", *given) == 0
    assert train(tmp_path / "plain", "--steps", "3", "--recipe", recipe) == 0
    assert train(tmp_path / "a", "--steps", "1", *given) == 0
    again = ["train", "--output", str(tmp_path / "a"), "--resume"]
    assert main([*again, "--steps", "3"]) == 0
    histories = [
        RunFolder(tmp_path / x).read_history() for x in ("whole", "plain", "a")
    ]
    assert histories[0] == histories[2] != histories[1]
    settings = RunFolder(tmp_path / "a").read_config()["settings"]
    assert settings["augmentation"] == ["flip", "translation"]
    assert "augmentation" not in RunFolder(tmp_path / "plain").read_config()["settings"]
    capsys.readouterr()
    assert main([*again, "--augment", "flip"]) == 2
    assert "a resumed run keeps its settings" in capsys.readouterr().err


def test_a_share_is_kept_through_a_stop(tmp_path, capsys):
    given = ["--augment", "translation", "--augment-share", "0.5"]
    assert train(tmp_path / "whole", "--steps", "3", *given) == 0
    assert train(tmp_path / "all", "--steps", "3", *given[:2]) == 0
    assert train(tmp_path / "a", "--steps", "1", *given) == 0
    again = ["train", "--resume", "--steps", "3", "--output"]
    assert main([*again, str(tmp_path / "a")]) == 0
    histories = [RunFolder(tmp_path / x).read_history() for x in ("whole", "all", "a")]
    assert histories[0] == histories[2] != histories[1]
    assert (
        RunFolder(tmp_path / "a").read_config()["settings"]["augmentation_share"] == 0.5
    )
    capsys.readouterr()
    for name, share in (("a", "1"), ("all", "0.5")):
        assert main([*again, str(tmp_path / name), "--augment-share", share]) == 2
        assert "a resumed run keeps its settings" in capsys.readouterr().err
    assert main([*again, str(tmp_path / "all"), "--augment-share", "1"]) == 0
    assert main([*again, str(tmp_path / "a"), "--augment-share", "0.5"]) == 0


@pytest.mark.parametrize("share", ["0", "1.01", "-1", "nan", "half"])
def test_what_is_no_share_is_refused(share, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train(tmp_path / "a", "--augment", "flip", f"--augment-share={share}")
    assert "--augment-share: expected a number above 0" in capsys.readouterr().err


def test_the_fall_of_the_rates_is_obeyed(tmp_path, capsys):
    for name, fall in (("a", "1"), ("b", "100")):
        assert train(tmp_path / name, "--steps", "3", "--decay-steps", fall) == 0
    histories = [RunFolder(tmp_path / x).read_history() for x in "ab"]
    assert histories[0][0] == histories[1][0] and histories[0][2] != histories[1][2]
    assert RunFolder(tmp_path / "a").read_config()["settings"]["decay_steps"] == 1


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_a_factor_of_the_rates_is_obeyed(loop, tmp_path, capsys):
    given = ["--loop", loop, "--learning-rates", "0.25"]
    assert train(tmp_path / "a", "--steps", "2", *given) == 0
    run = RunFolder(tmp_path / "a")
    settings = run.read_config()["settings"]
    for name in ("generator_learning_rate", "discriminator_learning_rate"):
        assert settings[name] == SETTINGS[name] / 4
    model = build_model(run.read_config())
    for player in ("generator", "discriminator"):
        rate = float(getattr(model, f"{player}_optimizer").learning_rate)
        assert rate == pytest.approx(SETTINGS[f"{player}_learning_rate"] / 4)
    assert train(tmp_path / "b", "--steps", "2", "--loop", loop) == 0
    histories = [RunFolder(tmp_path / x).read_history() for x in "ab"]
    losses = [[row["discriminator_loss"] for row in rows] for rows in histories]
    assert losses[0][0] == losses[1][0] and losses[0][1] != losses[1][1]
    again = ["train", "--output", str(tmp_path / "a"), "--resume", "--steps", "3"]
    capsys.readouterr()
    assert main([*again, "--learning-rates", "0.5"]) == 2
    assert "a resumed run keeps its settings" in capsys.readouterr().err
    assert main([*again, "--learning-rates", "0.25"]) == 0


def test_the_weight_of_r1_is_obeyed(tmp_path, capsys):
    for name, given in (("a", []), ("b", ["--r1-gamma", "10"])):
        assert train(tmp_path / name, "--steps", "2", *given) == 0
    runs = [RunFolder(tmp_path / x) for x in "ab"]
    assert [x.read_config()["settings"]["r1_gamma"] for x in runs] == [1, 10]
    losses = [[x["discriminator_loss"] for x in r.read_history()] for r in runs]
    assert losses[0][0] == losses[1][0] and losses[0][1] != losses[1][1]
    again = ["train", "--output", str(tmp_path / "b"), "--resume", "--steps", "3"]
    assert main([*again, "--r1-gamma", "9"]) == 2
    assert "a resumed run keeps its settings" in capsys.readouterr().err
    assert main([*again, "--r1-gamma", "10"]) == 0


@pytest.mark.parametrize("factor", ["0", "-1", "nan", "101", "", "fast"])
def test_what_is_no_factor_is_refused(factor, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train(tmp_path / "a", f"--learning-rates={factor}")
    assert "expected a number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--recipe", "paper", "--learning-rates", "2"],
            "learning_rates (--learning-rates): ",
        ),
        (["--learning-rates", "1e-40"], "learning_rates (--learning-rates): "),
        (["--loop", "composite", "--augment", "flip"], "augmentation (--augment): "),
        (["--augment-share", "0.5"], "augmentation_share (--augment-share): "),
        (["--recipe", "paper", "--decay-steps", "9"], "decay_steps (--decay-steps): "),
        (["--recipe", "paper", "--r1-gamma", "9"], "r1_gamma (--r1-gamma): "),
        (["--loop", "composite", "--r1-gamma", "9"], "r1_gamma (--r1-gamma): "),
    ],
)
def test_what_could_not_be_obeyed_is_refused(options, said, tmp_path, capsys):
    assert train(tmp_path / "a", "--steps", "1", *options) == 2
    assert f"dcgan_keras train: {said}" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
