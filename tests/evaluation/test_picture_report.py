"""Random features, and all numbers about pictures of any kind at once."""

import json
from unittest.mock import Mock

import imageio.v3 as imageio
import numpy as np
import pytest

from dcgan_keras import tf
from dcgan_keras.__main__ import main
from dcgan_keras.evaluation import picture_report, sliced_wasserstein
from dcgan_keras.evaluation import random_features as module
from dcgan_keras.evaluation.picture_report import evaluate_pictures
from dcgan_keras.evaluation.random_features import random_features
from dcgan_keras.evaluation.sharpness import blur
from tests.pictures import discs

RNG = np.random.default_rng
FIRST = (0.12624241, 0.063175552, -0.075232685)
OTHER_RANGES = [
    (np.full((20, 16, 16, 3), 200, np.uint8), "floats, got uint8; scale pixels by"),
    (np.full((20, 16, 16, 3), 255, np.float32), "finite values .* got 255 to 255"),
    (np.full((20, 16, 16, 3), np.nan, np.float32), "finite values in .*, got nan"),
]


@pytest.fixture(autouse=True)
def few_patches(monkeypatch):
    """Sixteen times fewer than in use: the same numbers, noisier, sooner."""
    monkeypatch.setattr(sliced_wasserstein, "PATCHES", 2**12)


class TestFeatures:
    @pytest.mark.parametrize("size", [16, 14])
    def test_are_a_strided_convolution_with_numpys_numbers(self, size):
        images = RNG(0).uniform(-1, 1, (2, size, size, 3)).astype(np.float32)
        drawn = RNG(module.SEED).standard_normal((4, 4, 3, 32)) * np.sqrt(2 / 48)
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), (1, 2))
        maps = np.einsum("nhwcij,ijcf->nhwf", windows[:, ::2, ::2], drawn)
        maps = np.maximum(maps, 0)  # 8x8 or 7x7: no further layer
        halves = slice(size // 4), slice(size // 4, None)  # of 7 the second has 4
        expected = [maps[:, a, b].mean(axis=(1, 2)) for a in halves for b in halves]
        found = random_features(images)
        np.testing.assert_allclose(found, np.concatenate(expected, 1), atol=1e-5)

    def test_weights_are_those_that_are_documented(self):
        # NumPy promises the stream of PCG64; a change would change every number told.
        first = module._weights(module.SEED)[0].ravel()[:3]
        np.testing.assert_allclose(first, FIRST, rtol=1e-6)

    @pytest.mark.parametrize(("size", "length"), [(8, 128), (28, 256), (256, 2048)])
    def test_sizes(self, size, length):
        assert random_features(np.zeros((1, size, size, 1), "f")).shape == (1, length)

    def test_pictures_are_looked_at_each_by_itself_whatever_their_number(self):
        images = RNG(2).uniform(-1, 1, (7, 8, 8, 3)).astype(np.float32)
        many = random_features(np.tile(images, (60, 1, 1, 1)))  # 250 and 170
        expected = np.tile(random_features(images), (60, 1))
        np.testing.assert_allclose(many, expected, atol=1e-6)

    def test_weights_of_another_seed_see_other_things(self):
        images = RNG(2).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
        found = [random_features(images, seed) for seed in (5, 6, 5)]
        assert np.array_equal(found[0], found[2])
        assert np.abs(found[0] - found[1]).max() > 0.1

    def test_grey_is_colour_with_equal_channels(self):
        grey = RNG(1).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
        both = random_features(grey), random_features(np.repeat(grey, 3, axis=3))
        np.testing.assert_array_equal(*both)

    @pytest.mark.parametrize("shape", [(2, 4, 4, 3), (2, 8, 8, 4), (0, 8, 8, 3)])
    def test_other_shapes_are_refused(self, shape):
        with pytest.raises(ValueError, match="images: expected"):
            random_features(np.zeros(shape, np.float32))

    @pytest.mark.parametrize(("images", "said"), OTHER_RANGES)
    def test_another_range_is_refused(self, images, said):
        with pytest.raises(ValueError, match=f"^images: expected {said}"):
            random_features(images)

    @pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
    def test_a_seed_that_is_none_is_refused(self, seed):
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            random_features(np.zeros((1, 8, 8, 1), np.float32), seed)

    def test_images_in_0_to_1_are_warned_of(self):
        images = RNG(0).uniform(0, 1, (10, 8, 8, 1)).astype(np.float32)
        with pytest.warns(UserWarning, match="^images: all values are in .0, 1."):
            random_features(images)
        random_features(images[:9])  # a few may well be bright
        random_features(np.full_like(images, 0.5))


class TestReport:
    training, held_out = discs(400, seed=1), discs(200, seed=2)

    def judge(self, images, held_out=None):
        return evaluate_pictures(images, self.training, held_out)

    def test_new_pictures_of_the_same_kind_are_at_the_floor(self):
        for held_out in (None, self.held_out):
            found = self.judge(discs(200, seed=3), held_out)
            ours, real = found.generated, found.floor
            assert found.count == 200 and found.held_out == (held_out is not None)
            assert ours.sliced_wasserstein_mean < 1.5 * real.sliced_wasserstein_mean
            assert min(ours.precision, ours.recall) > 0.75
            assert ours.distance_ratio == pytest.approx(1, abs=0.15)
            assert max(ours.near_training, ours.near_each_other) < 0.06

    def test_each_fault_is_seen_by_the_number_that_is_for_it(self):
        good = discs(200, seed=3)
        soft = self.judge(blur(good, 1.5)).generated
        noise = RNG(5).normal(0, 0.6, good.shape).astype(np.float32)
        grainy = self.judge((good + noise).clip(-1, 1)).generated
        few = self.judge(good[RNG(4).integers(5, size=200)]).generated
        copies = self.judge(self.training[:200]).generated
        floor = self.judge(good).floor
        for bad in (soft, grainy):
            assert bad.sliced_wasserstein["32"] > 3 * floor.sliced_wasserstein["32"]
        assert grainy.precision < 0.6 and soft.recall < floor.recall
        assert few.recall < 0.1 and few.near_each_other > 0.9
        assert copies.near_training > 0.9 and copies.distance_ratio < 0.1

    def test_pictures_are_not_those_on_the_other_side_of_the_floor(self):
        # Two halves of the same pictures twice: an overlap would be a distance of 0.
        twice = np.concatenate([self.training[:50]] * 2)
        assert evaluate_pictures(twice, twice).floor.sliced_wasserstein_mean > 1
        assert self.judge(self.training).floor.precision < 1

    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ((13, 60, None), (13, 40)),  # as many as there are samples
            ((90, 60, None), (25, 40)),  # no more than are looked at
            ((90, 46, None), (23, 40)),  # half of the training pictures
            ((19, 60, 17), (17, 40)),
            ((16, 60, 17), (16, 40)),
            ((30, 18, 24), (18, 18)),
        ],
    )
    def test_counts_are_of_what_there_is_least_of(self, monkeypatch, counts, expected):
        monkeypatch.setattr(picture_report, "MOST", 25)
        monkeypatch.setattr(picture_report, "MOST_TRAINING", 40)
        sets = [None if n is None else discs(n, size=8, seed=n) for n in counts]
        found = evaluate_pictures(*sets)
        assert (found.count, found.training_count) == expected

    def test_the_draws_follow_from_the_seed(self):
        given = discs(40, size=8, seed=3), discs(90, size=8, seed=1)
        found = [evaluate_pictures(*given, seed=seed) for seed in (0, 3, 3)]
        assert found[0] != found[1] == found[2]

    @pytest.mark.parametrize("held_out", [None, discs(25, size=8, seed=5)])
    def test_both_sides_are_compared_with_the_same_pictures(
        self, monkeypatch, held_out
    ):
        levels, shares = Mock(return_value={8: 1.0}), Mock(return_value=(0.5, 0.25))
        monkeypatch.setattr(picture_report, "pyramid_distances", levels)
        monkeypatch.setattr(picture_report, "precision_recall", shares)
        images, training = discs(20, size=8, seed=3), discs(50, size=8, seed=1)
        evaluate_pictures(images, training, held_out, seed=4)
        (ours, real, seed), (other, again, as_well) = (
            one.args for one in levels.call_args_list
        )
        assert (seed, as_well) == (4, 4) and real is again
        (seen_real, seen, k), (seen_again, seen_other, _) = (
            one.args for one in shares.call_args_list
        )
        assert seen_again is seen_real and k == 3
        for pictures, features in (
            (ours, seen),
            (real, seen_real),
            (other, seen_other),
        ):
            np.testing.assert_array_equal(random_features(pictures), features)
        sets = images, training if held_out is None else held_out, training
        for found, given in zip((ours, real, other), sets, strict=True):
            assert pictures_in(found) <= pictures_in(given) and len(found) == 20
        assert not pictures_in(real) & pictures_in(other)

    def test_the_table_has_samples_first_and_real_pictures_beside(self):
        ours = picture_report._scores({64: 1.0, 32: 2.0, 16: 6.0}, (0.4, 0.5), 6, 7, 8)
        real = picture_report._scores({64: 0.1, 32: 0.2, 16: 0.6}, (0.9, 0.8), 1, 2, 3)
        assert ours.sliced_wasserstein == {"64": 1.0, "32": 2.0, "16": 6.0}
        found = picture_report.PictureEvaluation(ours, real, 20, 30, True)
        rows = [line[38:].split() for line in found.table().splitlines()[1:10]]
        assert np.array(rows, float).tolist() == [
            *([1, 0.1], [2, 0.2], [6, 0.6], [3, 0.3]),
            *([0.4, 0.9], [0.5, 0.8], [6, 1], [7, 2], [8, 3]),
        ]
        assert "20 samples against 20 images held out" in found.table()
        assert "training: 30 images" in found.table()

    def test_too_few_and_other_shapes_are_refused(self):
        with pytest.raises(ValueError, match="at least 10 a side, got 9 samples"):
            self.judge(self.training[:9])
        with pytest.raises(
            ValueError, match="training_images: expected images of shape"
        ):
            self.judge(discs(20, size=16))
        said = r"training_images: .* \(8, 8, 1\) as in images, got \(8, 8, 3\)"
        with pytest.raises(ValueError, match=said):
            evaluate_pictures(discs(20, size=8)[..., :1], discs(20, size=8))

    def test_many_copies_among_the_training_pictures_leave_no_ratio(self):
        found = evaluate_pictures(self.held_out, np.repeat(self.training[:3], 30, 0))
        assert found.generated.distance_ratio is None
        assert "ratio" not in found.table()

    @pytest.mark.parametrize("samples", ["training", "held_out"])
    def test_held_out_pictures_that_were_trained_on_are_no_measure(self, samples):
        known = self.training[:60]
        found = evaluate_pictures(getattr(self, samples)[:40], known, known)
        for scores in (found.generated, found.floor):
            assert scores.distance_ratio is None and scores.near_training is None
        assert found.floor.near_each_other == 0.01
        table = found.table()
        assert "ratio" not in table and "nearer to training" not in table
        assert "among the real images are copies" in table
        assert max(map(len, table.splitlines())) <= 80
        json.loads(json.dumps(found.to_dict()), parse_constant=pytest.fail)

    def test_pictures_computed_another_way_are_copies_still(self):
        points = RNG(0).uniform(1, 2, (50, 400))
        other = (points * (1 + 1e-7 * RNG(1).choice([-1, 1], points.shape))).astype("f")
        assert not picture_report._nearest(other, points).any()
        near = points * (1 + 1e-5 * RNG(1).choice([-1, 1], points.shape))
        assert picture_report._nearest(near, points).all()

    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize(("images", "said"), OTHER_RANGES)
    def test_another_range_is_refused(self, place, images, said):
        given = [discs(20, size=16, seed=seed) for seed in range(3)]
        given[place] = images
        name = ("images", "training_images", "held_out_images")[place]
        with pytest.raises(ValueError, match=f"^{name}: expected {said}"):
            evaluate_pictures(*given)

    def test_samples_in_0_to_1_are_warned_of(self):
        given = discs(20, size=16, seed=1), discs(40, size=16, seed=2)
        with pytest.warns(
            UserWarning, match="^images: all values are in .0, 1."
        ) as told:
            evaluate_pictures(given[0] / 2 + 0.5, given[1])
        assert len(told) == 1 and told[0].filename == __file__
        with pytest.warns(UserWarning) as told:
            evaluate_pictures(*(discs(20, 8, seed) / 2 + 0.5 for seed in (1, 2)))
        assert [str(one.message).split(":")[0] for one in told] == [
            "images",
            "training_images",
        ]
        grey = evaluate_pictures(np.full_like(given[0], 0.5), given[1])
        assert grey.generated.near_each_other == 1

    def test_takes_tensors(self):
        given = [discs(20, size=16, seed=seed) for seed in range(3)]
        tensors = map(tf.constant, given)
        assert evaluate_pictures(*tensors) == evaluate_pictures(*given)


def pictures_in(images):
    return {image.tobytes() for image in images}


@pytest.fixture(scope="module")
def colour_run(tmp_path_factory):
    """A run on 100 colour pictures, and where they are."""
    folder = tmp_path_factory.mktemp("colour")
    (folder / "pictures").mkdir()
    for number, image in enumerate(discs(100, size=20, seed=7)):
        pixels = ((image + 1) * 127.5).astype(np.uint8)
        imageio.imwrite(folder / "pictures" / f"{number}.png", pixels)
    options = ["--image-size", "16", "--steps", "2", "--batch-size", "8"]
    options += ["--width", "2", "--latent-dim", "3", "--output", str(folder / "run")]
    assert main(["train", "--dataset", str(folder / "pictures"), *options]) == 0
    return folder


def test_a_folder_in_colour_through_the_command_line(colour_run, capsys):
    command = ["evaluate", "--run", str(colour_run / "run"), "--count", "60"]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "sliced Wasserstein x 1000, 16 pixels" in table
    assert "50 samples against 50 half of the training images" in table
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["pictures"] and found["pictures"]["count"] == 50
    generated, floor = (found["pictures"][name] for name in ("generated", "floor"))
    distance = "sliced_wasserstein_mean"
    assert generated[distance] > 3 * floor[distance]  # after two steps


def test_pictures_that_were_moved_are_named_and_others_told(colour_run, capsys):
    moved = colour_run / "moved"
    (colour_run / "pictures").rename(moved)
    command = ["evaluate", "--run", str(colour_run / "run")]
    assert main(command) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert main([*command, "--dataset", str(moved)]) == 0
    assert "not the images of the training" not in capsys.readouterr().err
    (moved / "0.png").unlink()
    assert main([*command, "--dataset", str(moved)]) == 0
    assert "not the images of the training" in capsys.readouterr().err
    moved.rename(colour_run / "pictures")


def test_held_out_pictures_are_found_in_the_folder(colour_run, tmp_path, capsys):
    paths = sorted((colour_run / "pictures").iterdir())
    for split, some in (("train", paths[:60]), ("test", paths[60:])):
        (tmp_path / split).mkdir()
        for path in some:
            (tmp_path / split / path.name).hardlink_to(path)
    command = ["evaluate", "--run", str(colour_run / "run"), "--json"]
    assert main([*command, "--dataset", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)["pictures"]
    assert found["held_out"] and found["count"] == len(paths) - 60


def test_digits_keep_their_table_and_get_the_other(tmp_path, capsys):
    options = ["--dataset", "digits", "--steps", "1", "--width", "2"]
    assert main(["train", *options, "--output", str(tmp_path / "a")]) == 0
    command = ["evaluate", "--run", str(tmp_path / "a"), "--count", "100"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classifier"] == "digits"
    assert list(found["pictures"]["generated"]["sliced_wasserstein"]) == ["28"]
