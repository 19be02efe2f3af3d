"""Fréchet distance and memorisation, against closed forms and planted copies."""

from unittest.mock import Mock

import numpy as np
import pytest
import scipy.linalg

from dcgan_keras.evaluation import distances
from dcgan_keras.evaluation.distances import frechet_distance, real_against_real_floor
from dcgan_keras.evaluation.novelty import (
    _nearest_other,
    closest,
    memorisation,
    nearest_images,
    share_nearer,
)

RNG = np.random.default_rng


def exact_gaussian(mean, covariance, count, seed):
    """Points whose sample mean and covariance are the given ones to rounding."""
    points = RNG(seed).normal(size=(count, len(mean)))
    points -= points.mean(axis=0)
    points = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T
    return points @ np.linalg.cholesky(covariance).T + mean


def random_covariance(size, seed):
    root = RNG(seed).normal(size=(size, size))
    return root @ root.T / size + 0.1 * np.eye(size)


class TestFrechetDistance:
    @pytest.mark.parametrize("size", [2, 7, 64])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_scipys_square_root_in_float64(self, size, seed):
        mean_a, mean_b = RNG(seed).normal(size=(2, size))
        cov_a, cov_b = random_covariance(size, seed), random_covariance(size, seed + 9)
        root = scipy.linalg.sqrtm(cov_a @ cov_b)
        expected = np.sum((mean_a - mean_b) ** 2) + np.trace(cov_a + cov_b - 2 * root)
        a = exact_gaussian(mean_a, cov_a, 200, seed)
        b = exact_gaussian(mean_b, cov_b, 150, seed + 1)
        assert frechet_distance(a, b) == pytest.approx(np.real(expected), rel=1e-6)

    @pytest.mark.parametrize("seed", range(4))
    def test_equals_the_closed_form_where_covariances_commute(self, seed):
        rng = RNG(seed)
        axes, _ = np.linalg.qr(rng.normal(size=(5, 5)))
        variances_a, variances_b = rng.uniform(0.1, 4, size=(2, 5))
        shift = rng.normal(size=5)
        expected = shift @ shift + np.sum(
            (np.sqrt(variances_a) - np.sqrt(variances_b)) ** 2
        )
        a = exact_gaussian(np.zeros(5), axes * variances_a @ axes.T, 60, seed)
        b = exact_gaussian(shift, axes * variances_b @ axes.T, 90, seed + 1)
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)

    def test_one_feature(self):
        a = np.array([[0.0], [2.0]])  # mean 1, standard deviation sqrt(2)
        b = np.array([[10.0], [14.0]])  # mean 12, standard deviation sqrt(8)
        assert frechet_distance(a, b) == pytest.approx(11**2 + 2, rel=1e-12)

    def test_is_symmetric_and_zero_on_itself(self):
        a, b = RNG(0).normal(size=(50, 8)), RNG(1).normal(size=(70, 8)) * 3
        assert frechet_distance(a, b) == pytest.approx(
            frechet_distance(b, a), rel=1e-12
        )
        for seed in range(9):  # of which 2 and 8 would be below 0 by rounding
            c = RNG(seed).normal(size=(50, 8))
            assert 0 <= frechet_distance(c, c[::-1]) < 1e-12
        assert frechet_distance(a, a[::-1]) < 1e-12

    def test_does_not_see_a_common_shift_or_rotation(self):
        a, b = RNG(0).normal(size=(40, 6)), RNG(1).uniform(size=(50, 6))
        axes, _ = np.linalg.qr(RNG(2).normal(size=(6, 6)))
        moved = frechet_distance(a @ axes + 1e4, b @ axes + 1e4)
        assert moved == pytest.approx(frechet_distance(a, b), rel=1e-6)

    def test_singular_covariances_need_no_jitter(self):
        line = RNG(0).normal(size=(10, 1)) * np.array([[3.0, 0.0, 4.0]])
        shifted = 2 * line + np.array([0.0, 1.0, 0.0])
        spread = 25 * np.var(line[:, 0] / 3, ddof=1)  # (2 - 1)^2 times the variance
        shift = np.sum((shifted.mean(axis=0) - line.mean(axis=0)) ** 2)
        assert frechet_distance(line, shifted) == pytest.approx(
            shift + spread, rel=1e-9
        )

    def test_fewer_images_than_features_and_constant_features(self):
        few, many = RNG(0).normal(size=(5, 64)), RNG(1).normal(size=(6, 64))
        assert np.isfinite(frechet_distance(few, many))
        constant = np.ones((9, 64), np.float32)
        assert frechet_distance(constant, constant + 1) == pytest.approx(64)

    def test_takes_float32_and_computes_in_float64(self):
        a = (RNG(0).normal(size=(500, 16)) + 100).astype(np.float32)
        b = (RNG(1).normal(size=(500, 16)) + 100).astype(np.float32)
        in_float64 = frechet_distance(a.astype(np.float64), b.astype(np.float64))
        assert frechet_distance(a, b) == in_float64

    def test_the_bias_falls_like_one_over_n(self):
        pool = RNG(0).normal(size=(6400, 16))
        floor = [real_against_real_floor(pool, count=n)[0] for n in (200, 400, 800)]
        assert floor[0] / floor[1] == pytest.approx(2, rel=0.2)
        assert floor[1] / floor[2] == pytest.approx(2, rel=0.2)

    @pytest.mark.parametrize(
        ("a", "b", "message"),
        [
            (np.ones((1, 3)), np.ones((5, 3)), "features_a: .* N >= 2 .* got .1, 3."),
            (np.ones((5, 3)), np.ones(5), "features_b: expected shape"),
            (np.ones((5, 0)), np.ones((5, 3)), "features_a: expected shape"),
            (np.ones((5, 3)), np.ones((5, 4)), "features_b: expected 3 columns .* 4"),
            (np.full((5, 3), np.nan), np.ones((5, 3)), "features_a: 5 of 5 rows"),
            (np.diag([1, 1, np.nan]), np.eye(3), "features_a: 1 of 3 rows"),
            (np.ones((5, 3)), np.full((5, 3), np.inf), "features_b: 5 of 5 rows"),
            (np.ones((5, 3)), np.ones((5, 3)) * 1j, "features_b: .* real .* complex"),
            (np.ma.ones((5, 3)), np.ones((5, 3)), "features_a: .* a masked one"),
            (np.ones((5, 3)), np.full((5, 3), 1e160), "features_b: .* got 1e.160 to"),
        ],
    )
    def test_refuses(self, a, b, message):
        with pytest.raises(ValueError, match=message):
            frechet_distance(a, b)


class TestFloor:
    def test_two_halves_are_disjoint(self):
        # Were an image on both sides, the mean of the differences would be 0.
        pairs = np.array([[0.0], [1.0], [2.0], [4.0]])
        mean, deviation = real_against_real_floor(pairs, repeats=20)
        assert mean > 0 and deviation > 0

    def test_against_others_is_the_plain_distance_when_all_are_taken(self):
        a, b = RNG(0).normal(size=(30, 4)), RNG(1).normal(size=(30, 4))
        mean, deviation = real_against_real_floor(a, b, repeats=3)
        assert mean == pytest.approx(frechet_distance(a, b))
        assert deviation == pytest.approx(0, abs=1e-9)

    def test_is_the_mean_and_the_deviation_of_all_draws(self, monkeypatch):
        values = Mock(side_effect=[1.0, 2.0, 6.0])
        monkeypatch.setattr(distances, "frechet_distance", values)
        found = real_against_real_floor(np.eye(8), repeats=3)
        assert found == (3, pytest.approx(np.sqrt((4 + 1 + 9) / 3)))

    @pytest.mark.parametrize("others", [None, np.arange(20, 50.0)[:, np.newaxis]])
    def test_both_sides_are_drawn_anew_from_everywhere(self, monkeypatch, others):
        distance = Mock(return_value=1.0)
        monkeypatch.setattr(distances, "frechet_distance", distance)
        features = np.arange(20.0)[:, np.newaxis]
        real_against_real_floor(features, others, count=5, repeats=40)
        for side, given in ((0, features), (1, features if others is None else others)):
            draws = [one.args[side] for one in distance.call_args_list]
            assert {draw.shape for draw in draws} == {(5, 1)} and len(draws) == 40
            assert set(np.ravel(draws)) == set(given.ravel())

    def test_the_seed_decides(self):
        pool = RNG(0).normal(size=(100, 4))
        assert real_against_real_floor(pool, seed=1) == real_against_real_floor(
            pool, seed=1
        )
        assert real_against_real_floor(pool, seed=1) != real_against_real_floor(
            pool, seed=2
        )

    @pytest.mark.parametrize("count", [1, 51])
    def test_refuses_a_count_that_does_not_fit(self, count):
        with pytest.raises(
            ValueError, match=f"count: expected 2 to 50, .* got {count}"
        ):
            real_against_real_floor(np.eye(100), count=count)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"repeats": 0}, "repeats: expected a whole number >= 1, got 0"),
            ({"repeats": -1}, "repeats: expected a whole number >= 1, got -1"),
            ({"repeats": 2.5}, "repeats: expected a whole number >= 1, got 2.5"),
            ({"count": 2.5}, "count: expected 2 to 4, .* got 2.5"),
            ({"others": np.ones((8, 3))}, "others: expected 8 columns as in features"),
            ({"others": np.full((8, 8), np.nan)}, "others: 8 of 8 rows hold NaN"),
            ({"features": np.full((8, 8), np.inf)}, "^features: 8 of 8 rows hold NaN"),
        ],
    )
    def test_refuses_what_gives_no_number(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            real_against_real_floor(**({"features": np.eye(8)} | arguments))

    @pytest.mark.parametrize("seed", [-1, "a", 1.5, None, True])
    def test_refuses_a_seed_that_is_none(self, seed):
        images = smooth_images(5, 0)
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            real_against_real_floor(np.eye(8), seed=seed)
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            memorisation(images, images, images, seed=seed)

    def test_takes_tensors(self):
        from dcgan_keras import tf

        pool = RNG(0).normal(size=(20, 4))
        found = real_against_real_floor(tf.constant(pool))
        assert found == real_against_real_floor(pool)


def smooth_images(count, seed):
    """Images of 12 x 12 with something in common, so that distances vary."""
    mixing = RNG(99).normal(size=(6, 144))
    values = RNG(seed).normal(size=(count, 6)) @ mixing
    return np.tanh(values).reshape(count, 12, 12, 1).astype(np.float32)


class TestMemorisation:
    def test_nearest_equals_a_naive_loop(self):
        images, candidates = smooth_images(20, 0), smooth_images(300, 1)
        distances, indices = nearest_images(images, candidates)
        for image, distance, index in zip(images, distances, indices, strict=True):
            gaps = [np.sqrt(np.sum((image - c) ** 2)) for c in candidates]
            assert index == np.argmin(gaps)
            assert distance == pytest.approx(min(gaps), rel=1e-5)

    def test_a_copy_is_exactly_zero_away(self):
        candidates = smooth_images(300, 1)
        distances, indices = nearest_images(candidates[40:45], candidates)
        assert distances.tolist() == [0] * 5
        assert indices.tolist() == list(range(40, 45))

    def test_a_copy_is_found_among_images_that_are_nearly_it(self):
        """Of a size and contrast where float32 rounds by more than they differ."""
        images = np.where(RNG(0).uniform(size=(20, 64, 64, 3)) < 0.5, -1, 1)
        images = (images * RNG(1).uniform(0.8, 1, images.shape)).astype(np.float32)
        near = np.stack([images] * 3)
        for number, copies in enumerate(near):
            copies[:, number::8, 5, 0] *= 1 - 1 / 128
        candidates = np.concatenate([near[0], near[1], images, near[2]])
        distances, indices = nearest_images(images, candidates)
        assert distances.tolist() == [0] * 20
        assert indices.tolist() == list(range(40, 60))
        others = np.concatenate([images, near[0], images])
        found = _nearest_other(others)
        assert found[:20].tolist() == found[40:].tolist() == [0] * 20
        assert (found[20:40] > 0).all()

    def test_many_copies_go_to_the_first(self):
        images = np.repeat(smooth_images(2, 0), 300, axis=0)
        distances, indices = nearest_images(images[298:302], images)
        assert distances.tolist() == [0] * 4
        assert (indices < 300).tolist() == [True, True, False, False]

    def test_the_first_of_copies_is_the_one_also_where_another_is_rounded_down(self):
        copies, distances = np.ones((3, 4), np.float32), np.array([3e-7, 2e-7, 1e-7])
        assert closest(np.zeros(4, np.float32), copies, distances, 1e-6) == 0

    def test_as_near_is_not_nearer(self):
        assert share_nearer(np.ones(5), np.ones(200)) == 0

    def test_as_many_of_each_are_drawn_by_the_seed_from_everywhere(self):
        train, pairs = smooth_images(300, 1), smooth_images(200, 2).repeat(2, axis=0)
        images = smooth_images(200, 3).repeat(2, axis=0)
        images[:60] = train[:60]
        found = memorisation(images, train, pairs, count=12)
        assert found.count == 12 and found.near_training < 0.5
        assert found.near_each_other is not None  # few pairs are drawn whole
        assert found.near_each_other < 0.5
        again, other = (memorisation(images, train, pairs, 12, seed) for seed in (0, 1))
        assert found == again != other

    def test_new_images_look_new(self):
        train, held_out = smooth_images(3000, 1), smooth_images(900, 2)
        result = memorisation(smooth_images(900, 3), train, held_out)
        assert result.count == 900
        assert result.ratio == pytest.approx(1, abs=0.1)
        assert result.near_training < 0.03 and result.near_each_other < 0.03

    def test_planted_copies_are_found(self):
        train, held_out = smooth_images(1000, 1), smooth_images(500, 2)
        images = smooth_images(500, 3)
        images[:150] = train[:150]
        result = memorisation(images, train, held_out)
        assert result.near_training == pytest.approx(0.3 + 0.7 * 0.01, abs=0.03)
        assert result.near_each_other < 0.03
        faded = train[:500] * np.float32(0.999)
        assert memorisation(faded, train, held_out).ratio < 0.05

    def test_planted_repeats_are_found(self):
        train, held_out = smooth_images(1000, 1), smooth_images(500, 2)
        images = smooth_images(500, 3)
        images[:200] = images[300:]
        result = memorisation(images, train, held_out)
        assert result.near_each_other == pytest.approx(0.8 + 0.2 * 0.01, abs=0.03)
        assert result.near_training < 0.04

    def test_refuses(self):
        images = smooth_images(5, 0)
        with pytest.raises(ValueError, match="candidates: expected images of shape"):
            nearest_images(images, images[:, :6])
        with pytest.raises(ValueError, match="images: expected finite values"):
            nearest_images(np.full_like(images, np.nan), images)
        with pytest.raises(ValueError, match="at least 2 of each, got 1 and 5"):
            memorisation(images[:1], images, images)

    @pytest.mark.parametrize("change", [(0, 1, 3, 2), (0, 3, 1, 2)])
    def test_as_many_pixels_are_not_the_same_shape(self, change):
        images = smooth_images(30, 0)[:, :6]  # 6x12, turned, or channels first
        others = np.transpose(images, change)
        said = r"expected images of shape \(6, 12, 1\) as in images, got"
        with pytest.raises(ValueError, match=f"candidates: {said}"):
            nearest_images(images, others)
        with pytest.raises(ValueError, match=f"training_images: {said}"):
            memorisation(images, others, images)
        with pytest.raises(ValueError, match=f"held_out_images: {said}"):
            memorisation(images, images, others)

    @pytest.mark.parametrize("count", [1, 0, -3, 2.5, True])
    def test_refuses_a_count_that_is_none(self, count):
        images = smooth_images(30, 0)
        with pytest.raises(ValueError, match="count: expected a whole number >= 2"):
            memorisation(images, images, images, count=count)

    def test_another_range_is_refused_or_warned_of(self):
        images = smooth_images(30, 0)
        with pytest.raises(ValueError, match="held_out_images: .* got -2 to"):
            memorisation(images, images, 2 * images)
        with pytest.raises(ValueError, match="candidates: expected floats, got uint8"):
            nearest_images(images, (images > 0).astype(np.uint8))
        with pytest.warns(UserWarning, match="^images: all values are in .0, 1."):
            memorisation(images / 2 + 0.5, images, images)

    def test_copies_among_held_out_images_leave_no_measure(self):
        train = smooth_images(200, 1)
        held_out = np.concatenate([train[:60], smooth_images(40, 2)])
        found = memorisation(train[:100], train, held_out)
        assert (found.ratio, found.near_training) == (None, None)
        assert found.near_each_other is not None
        few = np.concatenate([train[:10], smooth_images(90, 2)])
        found = memorisation(smooth_images(100, 3), train, few)
        assert found.ratio == pytest.approx(1, abs=0.3)
        assert found.near_training is None
        twice = np.repeat(smooth_images(50, 2), 2, axis=0)
        assert memorisation(train[:100], train, twice).near_each_other is None

    def test_takes_tensors(self):
        from dcgan_keras import tf

        sets = [smooth_images(30, seed) for seed in range(3)]
        assert memorisation(*map(tf.constant, sets)) == memorisation(*sets)


def test_a_count_of_8_bits_counts_as_any_other():
    """Twice 150 was 44, and one side was empty."""
    features = RNG(0).normal(size=(400, 3))
    small, plain = (
        real_against_real_floor(features, count=count, repeats=2)
        for count in (np.uint8(150), 150)
    )
    assert small == plain
