"""Classifier score, histogram, precision and recall, against naive loops."""

import numpy as np
import pytest
from scipy import stats

from dcgan_keras import tf
from dcgan_keras.evaluation.coverage import (
    class_histogram,
    classifier_score,
    precision_recall,
)

RNG = np.random.default_rng


def random_probabilities(count, seed, classes=10, sharpness=2.0):
    exponentials = np.exp(sharpness * RNG(seed).normal(size=(count, classes)))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


class TestClassifierScore:
    def test_equals_a_naive_loop(self):
        p = random_probabilities(40, 0)
        marginal = [sum(row[k] for row in p) / 40 for k in range(10)]
        total = 0.0
        for row in p:
            total += sum(row[k] * np.log(row[k] / marginal[k]) for k in range(10))
        assert classifier_score(p) == pytest.approx(np.exp(total / 40), rel=1e-12)

    def test_extremes(self):
        assert classifier_score(np.eye(10)) == pytest.approx(10)
        assert classifier_score(np.eye(10)[[3] * 20]) == 1
        assert classifier_score(np.eye(10)[[3, 7] * 20]) == pytest.approx(2)
        for classes in range(2, 14):  # with 3 and 9 to 12 rounding went beyond
            assert 1 < classifier_score(np.eye(classes)) <= classes

    @pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-30])
    def test_what_hardly_ever_is_counts_for_nothing(self, tiny):
        assert classifier_score([[1.0, tiny], [1.0, 0.0]]) == pytest.approx(1)

    @pytest.mark.parametrize("kind", [np.float16, tf.bfloat16.as_numpy_dtype])
    def test_probabilities_of_16_bits_are_no_logits(self, kind):
        p = random_probabilities(300, 1)
        for given in (p.astype(kind), tf.constant(p.astype(kind))):
            found = classifier_score(given)
            assert found == pytest.approx(classifier_score(p), rel=2e-3)
            assert class_histogram(given).counts.sum() == 300
        with pytest.raises(ValueError, match="not logits"):
            classifier_score((1.1 * p).astype(kind))

    @pytest.mark.parametrize(
        ("bad", "said"), [(1j * np.eye(3), "complex128"), ([[1.0], [0.5, 0.5]], "list")]
    )
    def test_refuses_what_are_no_numbers(self, bad, said):
        with pytest.raises(ValueError, match=f"probabilities: .* real .* got {said}"):
            classifier_score(bad)

    @pytest.mark.parametrize(
        "bad", [np.ones((3, 10)), np.full((3, 10), np.nan), [[0.99, 0.0], [0.5, 0.5]]]
    )
    def test_refuses_what_are_no_probabilities(self, bad):
        with pytest.raises(ValueError, match="probabilities: expected rows >= 0"):
            classifier_score(bad)

    def test_refuses_no_images(self):
        with pytest.raises(ValueError, match="N > 0"):
            classifier_score(np.empty((0, 10)))


class TestClassHistogram:
    def test_counts_and_chi2_by_hand(self):
        labels = [0] * 30 + [1] * 10 + [2] * 20
        result = class_histogram(np.eye(3)[labels])
        assert result.counts.tolist() == [30, 10, 20]
        assert result.chi2 == pytest.approx((10**2 + 10**2 + 0) / 20)
        assert result.p_value == pytest.approx(np.exp(-result.chi2 / 2))  # 2 degrees

    def test_against_real_images_by_hand(self):
        samples, real = np.eye(2)[[0] * 30 + [1] * 10], np.eye(2)[[0] * 10 + [1] * 30]
        result = class_histogram(samples, real)
        assert result.chi2 == pytest.approx(4 * 10**2 / 20)  # 20 expected in each cell
        assert result.p_value == pytest.approx(2 * stats.norm.sf(np.sqrt(result.chi2)))

    def test_classes_that_nobody_has_or_one_has_once(self):
        samples, real = np.eye(4)[[0, 0, 1, 1]], np.eye(4)[[0, 0, 1, 3]]
        result = class_histogram(samples, real)  # class 2 says nothing, 3 says a little
        assert result.chi2 == pytest.approx(0 + 1 / 3 + 1)
        assert result.p_value == pytest.approx(np.exp(-result.chi2 / 2))

    def test_one_class_on_both_sides(self):
        alike = class_histogram(np.eye(3)[[1] * 5], np.eye(3)[[1] * 9])
        assert (alike.chi2, alike.p_value) == (0, 1)

    def test_one_class_in_all(self):
        for real in (None, np.ones((7, 1))):
            found = class_histogram(np.ones((5, 1)), real)
            assert (found.chi2, found.p_value) == (0, 1)

    def test_p_value_is_uniform_when_nothing_differs(self):
        p_values = []
        for seed in range(200):
            labels = RNG(seed).integers(0, 10, 700)
            real, samples = np.eye(10)[labels[:400]], np.eye(10)[labels[400:]]
            p_values.append(class_histogram(samples, real).p_value)
        assert stats.kstest(p_values, "uniform").pvalue > 0.01

    def test_one_digit_only(self):
        result = class_histogram(
            np.eye(10)[[1] * 500], np.eye(10)[list(range(10)) * 50]
        )
        assert result.covered == 1
        assert result.p_value < 1e-100

    def test_a_missing_digit(self):
        samples = np.eye(10)[[d for d in range(10) if d != 4] * 50]
        assert class_histogram(samples, np.eye(10)[list(range(10)) * 50]).covered == 9

    def test_covered_needs_a_tenth_of_the_real_share(self):
        for few, covered in (
            (9, 1),
            (10, 2),
            (11, 2),
        ):  # of 1,000, half of the reals: 50 needed
            samples = np.eye(2)[[0] * (1000 - 5 * few) + [1] * 5 * few]
            assert class_histogram(samples, np.eye(2)).covered == covered

    def test_doubtful_images_cover_nothing(self):
        doubtful = np.full((500, 10), 0.05)
        doubtful[np.arange(500), np.arange(500) % 10] = 0.55
        result = class_histogram(doubtful)
        assert result.counts.sum() == 500
        assert result.covered == 0 and result.confident.sum() == 0

    def test_confident_from_nine_tenths_on_and_of_all_images(self):
        p = [[0.9, 0.1]] * 2 + [[0.6, 0.4]] * 97 + [[0.0, 1.0]]
        found = class_histogram(p)
        assert found.confident.tolist() == [2, 1] and found.counts.tolist() == [99, 1]
        assert found.covered == 0  # 5 in 100 needed, as half of the reals are of each

    def test_a_class_that_nobody_has_is_not_covered(self):
        one = np.eye(3, dtype=bool)[[0, 0]]
        assert class_histogram(one, one).covered == 1

    def test_refuses_other_classes(self):
        with pytest.raises(ValueError, match="real_probabilities: expected 3 columns"):
            class_histogram(np.eye(3), np.eye(4))
        with pytest.raises(ValueError, match="^real_probabilities: expected rows"):
            class_histogram(np.eye(3), 2 * np.eye(3))


def naive_share_inside(points, support, k):
    radii = [sorted(np.linalg.norm(support - s, axis=1))[k] for s in support]
    inside = 0
    for point in points:
        gaps = [np.linalg.norm(point - s) for s in support]
        inside += any(gap <= radius for gap, radius in zip(gaps, radii, strict=True))
    return inside / len(points)


class TestPrecisionRecall:
    @pytest.mark.parametrize("k", [1, 3, 5])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_a_naive_loop(self, k, seed):
        real = RNG(seed).normal(size=(60, 4))
        fake = RNG(seed + 50).normal(size=(45, 4)) * 1.2 + 1.0
        result = precision_recall(real, fake, neighbours=k)
        assert result.precision == pytest.approx(naive_share_inside(fake, real, k))
        assert result.recall == pytest.approx(naive_share_inside(real, fake, k))
        assert 0 < result.precision < 1 and 0 < result.recall

    @pytest.mark.parametrize("far", [1e7, -1e9, 1e9 * np.array([0, 1, 0, 0])])
    def test_features_far_from_0_lose_nothing(self, far):
        real, fake = RNG(0).normal(size=(60, 4)), RNG(1).normal(size=(45, 4)) * 0.6
        near = precision_recall(real, fake)
        assert precision_recall(real + far, fake + far) == near
        assert precision_recall(np.full((9, 2), 7e9), np.full((9, 2), 7e9)) == (1, 1)

    def test_copies_lie_within_balls_of_radius_0(self):
        """Products would put some of them 1e-13 outside."""
        for seed in range(10):
            once = RNG(seed).normal(size=(40, 64)) * 30 + 9
            copies = np.repeat(once, 5, axis=0), np.tile(once, (7, 1))
            assert precision_recall(*copies) == (1, 1)

    def test_two_groups_far_apart_lose_nothing(self):
        """No middle lies near both, and a product there is wrong by 0.1."""
        for seed in range(5):
            real, fake = RNG(seed).normal(size=(2, 60, 3))
            real[30:] += 1e7
            fake[30:] += 1e7
            result = precision_recall(real, fake)
            assert result.precision == pytest.approx(naive_share_inside(fake, real, 3))
            assert result.recall == pytest.approx(naive_share_inside(real, fake, 3))

    def test_more_rows_than_one_block(self):
        real, fake = RNG(0).normal(size=(1300, 3)), RNG(1).normal(size=(1100, 3))
        swapped = precision_recall(fake, real)
        assert precision_recall(real, fake) == (swapped.recall, swapped.precision)
        assert precision_recall(real, real) == (1, 1)

    def test_one_mode_only_keeps_precision_and_loses_recall(self):
        modes = 10.0 * np.arange(10)[:, np.newaxis]
        real = (modes[:, np.newaxis] + RNG(0).normal(size=(10, 50, 2))).reshape(-1, 2)
        one = RNG(1).normal(size=(500, 2))
        result = precision_recall(real, one)
        assert result.precision > 0.9
        assert result.recall == pytest.approx(0.1, abs=0.02)

    def test_noise_has_no_precision(self):
        real = RNG(0).normal(size=(200, 8))
        assert precision_recall(real, real + 100).precision == 0

    def test_repeated_samples_have_no_recall(self):
        real = RNG(0).normal(size=(200, 8))
        repeated = np.repeat(real[:4], 50, axis=0)
        assert precision_recall(real, repeated).recall <= 4 / 200

    @pytest.mark.parametrize(
        ("real", "fake", "message"),
        [
            (np.ones((3, 2)), np.ones((9, 2)), "real_features: .* neighbours = 3"),
            (np.ones((9, 2)), np.ones((9, 3)), "features: expected 2 columns"),
            (np.ones((9, 3)), np.ones((9, 2)), "features: expected 3 columns"),
            (np.ones((9, 2)), np.full((9, 2), np.nan), "features: expected finite"),
            (np.full((9, 2), 1e160), np.ones((9, 2)), "^real_features: .* got 1e.160"),
        ],
    )
    def test_refuses(self, real, fake, message):
        with pytest.raises(ValueError, match=message):
            precision_recall(real, fake)

    @pytest.mark.parametrize("neighbours", [0, -1, 2.5, True])
    def test_refuses_neighbours_that_are_none(self, neighbours):
        with pytest.raises(
            ValueError, match="neighbours: expected a whole number >= 1"
        ):
            precision_recall(np.eye(9), np.eye(9), neighbours)
