"""Sliced Wasserstein distance: closed forms, SciPy, and what it must see."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage, stats

from dcgan_keras.evaluation import sliced_wasserstein as module
from dcgan_keras.evaluation.sharpness import blur
from dcgan_keras.evaluation.sliced_wasserstein import (
    doubled,
    halved,
    laplacian_level,
    level_sizes,
    pyramid_distances,
    sliced_wasserstein_distance,
)
from tests.pictures import discs

RNG = np.random.default_rng


@pytest.fixture(autouse=True)
def few_patches(monkeypatch):
    """Sixteen times fewer than in use: the same numbers, noisier, sooner."""
    monkeypatch.setattr(module, "PATCHES", 2**12)


class TestPoints:
    def test_the_same_points_in_any_order_are_0_apart(self):
        points = RNG(0).normal(size=(50, 4))
        assert sliced_wasserstein_distance(points, RNG(1).permutation(points)) == 0

    def test_is_scipys_distance_along_each_direction(self):
        a, b = RNG(2).normal(size=(40, 3)), RNG(3).exponential(size=(40, 3))
        ways = np.linalg.qr(RNG(4).normal(size=(3, 3)))[0]
        expected = np.mean([stats.wasserstein_distance(a @ w, b @ w) for w in ways])
        found = sliced_wasserstein_distance(a, b, directions=ways)
        assert found == pytest.approx(expected, rel=1e-5)
        short = ways.astype(np.float16)  # whose lengths are 1 to three digits
        found = sliced_wasserstein_distance(a, b, directions=short)
        assert found == pytest.approx(expected, rel=1e-2)

    def test_a_shift_counts_by_its_mean_share_along_a_direction(self):
        # On a sphere in three dimensions the mean of |cos| is a half.
        points = RNG(5).normal(size=(30, 3))
        shifted = points + np.array([0, 2.0, 0])
        found = sliced_wasserstein_distance(shifted, points, directions=20_000)
        assert found == pytest.approx(1.0, rel=0.01)

    def test_more_directions_than_are_taken_at_once(self):
        a, b = RNG(6).normal(size=(2, 20, 5))
        count = module.DIRECTIONS_AT_ONCE
        ways = module._directions(3 * count // 2, 5, seed=0)
        parts = [
            sliced_wasserstein_distance(a, b, part) * len(part)
            for part in (ways[:count], ways[count:])
        ]
        whole = sliced_wasserstein_distance(a, b, ways)
        assert whole == pytest.approx(sum(parts) / len(ways))

    def test_the_directions_follow_from_the_seed(self):
        a, b = RNG(7).normal(size=(2, 20, 5))
        found = [sliced_wasserstein_distance(a, b, 9, seed) for seed in (0, 3, 3)]
        assert found[0] != found[1] == found[2]
        usual = sliced_wasserstein_distance(a, b)
        assert usual == sliced_wasserstein_distance(a, b, 512, 0)

    @pytest.mark.parametrize(
        ("points", "said"),
        [
            (np.zeros((3, 2)), r"\(3, 2\) and \(4, 2\)"),
            (np.zeros((4, 3)), r"\(4, 3\) and \(4, 2\)"),
            (np.full((4, 2), np.nan), "points: expected finite"),
            (np.full((4, 2), 1e300), "points: expected finite values .*1e.300"),
            (np.full((4, 2), 1j), "points: expected .* real numbers, got complex128"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, points, said):
        with pytest.raises(ValueError, match=said):
            sliced_wasserstein_distance(points, np.zeros((4, 2)))

    @pytest.mark.parametrize("far", [1e9, -1e9, 1e6 * np.array([0, 1, 0])])
    def test_points_far_from_0_lose_nothing(self, far):
        points = RNG(8).normal(size=(40, 3))
        expected = sliced_wasserstein_distance(points, points + 3)
        found = sliced_wasserstein_distance(points + far, points + far + 3)
        assert found == pytest.approx(expected, rel=1e-5)

    def test_a_column_far_from_0_beside_a_wide_one_loses_nothing(self):
        points = RNG(9).normal(size=(300, 2)) * [1e4, 1e-3] + [0, 1e6]
        found = sliced_wasserstein_distance(points, points + [0, 0.01], [[0.0, 1.0]])
        assert found == pytest.approx(0.01, rel=1e-4)

    @pytest.mark.parametrize("unit", [1e-46, 1e-300, 1e10])
    def test_the_unit_is_that_of_the_points(self, unit):
        a, b = RNG(9).normal(size=(2, 40, 3))
        expected = sliced_wasserstein_distance(a, b)
        found = sliced_wasserstein_distance(a * unit, b * unit)
        assert found / unit == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
    def test_a_seed_that_is_none_is_refused(self, seed):
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            sliced_wasserstein_distance(np.eye(3), np.eye(3), seed=seed)
        images = np.zeros((1, 16, 16, 1), np.float32)
        with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
            pyramid_distances(images, images, seed)

    @pytest.mark.parametrize(
        ("directions", "said"),
        [
            (0, "a whole number >= 1, got 0"),
            (2.5, "a whole number >= 1, got 2.5"),
            (True, "a whole number >= 1, got True"),
            (2 * np.eye(2), "vectors of length 1, got lengths 2 to 2"),
            (np.full((3, 2), np.nan), "vectors of length 1, got lengths nan"),
            (np.eye(3), r"a number of them or vectors \(D, 2\), .* got shape \(3, 3\)"),
            (np.zeros((0, 2)), r"a number of them or vectors .* got shape \(0, 2\)"),
        ],
    )
    def test_directions_that_are_none_are_refused(self, directions, said):
        points = np.zeros((4, 2))
        with pytest.raises(ValueError, match=f"directions: expected {said}"):
            sliced_wasserstein_distance(points, points, directions)

    def test_the_other_points_are_looked_at_too(self):
        with pytest.raises(ValueError, match="expected finite"):
            sliced_wasserstein_distance(np.zeros((4, 2)), np.full((4, 2), np.nan))


class TestPyramid:
    def test_levels_end_at_16_pixels(self):
        sizes = {64: [64, 32, 16], 28: [28], 96: [96, 48, 24], 256: [256, 128, 64, 32]}
        sizes[256].append(16)
        assert {size: level_sizes(size) for size in sizes} == sizes

    def test_levels_add_up_to_the_picture(self):
        images = RNG(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
        built = laplacian_level(images, 2, is_last=True)
        for level in (1, 0):
            built = doubled(built) + laplacian_level(images, level, is_last=False)
        np.testing.assert_allclose(built, images, atol=1e-5)

    def test_halving_is_a_two_dimensional_blur_and_every_other_pixel(self):
        image = RNG(1).normal(size=(8, 8)).astype(np.float32)
        kernel = np.outer(module.BLUR, module.BLUR)
        expected = ndimage.convolve(image, kernel, mode="mirror")[::2, ::2]
        found = halved(image[None, :, :, None])[0, :, :, 0]
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_a_flat_picture_stays_flat(self):
        flat = np.full((1, 16, 16, 3), 0.7, np.float32)
        np.testing.assert_allclose(doubled(halved(flat)), flat, atol=1e-6)


class TestPictures:
    real, others = discs(300, seed=1), discs(300, seed=2)

    def test_identical_sets_are_0_apart(self):
        assert pyramid_distances(self.real, self.real) == {32: 0.0, 16: 0.0}

    def test_one_level_is_the_distance_of_its_normalised_patches(self):
        # 7x7 pictures have one place for a patch: the whole, of one level.
        a, b = RNG(0).normal(size=(2, 60, 7, 7, 3)).astype(np.float32)
        flat = [
            ((x - x.mean((0, 1, 2))) / x.std((0, 1, 2))).reshape(60, -1) for x in (a, b)
        ]
        expected = 1000 * sliced_wasserstein_distance(*flat)
        patches = [np.repeat(x, 68, axis=0) for x in flat]  # 4096 // 60 of each
        assert sliced_wasserstein_distance(*patches) * 1000 == pytest.approx(expected)
        assert pyramid_distances(a, b)[7] == pytest.approx(expected, rel=1e-4)

    def test_a_tint_and_a_lower_contrast_are_not_seen(self):
        """On either side."""
        for changed in (self.real - 0.3, 0.5 * self.real):
            for pair in ((changed, self.real), (self.real, changed)):
                assert max(pyramid_distances(*pair).values()) < 0.1

    @pytest.mark.parametrize(("unit", "far"), [(1, 1e8), (1e-23, 0), (1e-5, 1)])
    def test_neither_the_unit_nor_the_middle_counts(self, unit, far):
        pair = self.real[:100].astype(float), self.others[:100].astype(float)
        expected = pyramid_distances(*pair)
        found = pyramid_distances(*(unit * x + far for x in pair))
        assert found == pytest.approx(expected, rel=1e-3)

    def test_the_patches_follow_from_the_seed(self, monkeypatch):
        ways = module._directions  # the same for all seeds here, so that patches tell
        monkeypatch.setattr(
            module, "_directions", lambda n, size, seed: ways(n, size, 0)
        )
        some = self.real[:50], self.others[:50]
        found = [pyramid_distances(*some, seed) for seed in (0, 3, 3)]
        assert found[0] != found[1] == found[2]

    def test_the_directions_follow_from_the_seed_too(self, monkeypatch):
        monkeypatch.setattr(module, "_patches", lambda x, *_: x.reshape(len(x), -1))
        some = self.real[:20, :7, :7], self.others[:20, 9:16, 9:16]
        found = [pyramid_distances(*some, seed) for seed in (0, 3, 3)]
        assert found[0] != found[1] == found[2]

    def test_patches_are_128_of_a_picture_at_most_and_come_from_all_places(self):
        images = np.zeros((2, 8, 8, 1), np.float32)
        images[0, 0, 0] = images[1, 7, 7] = 1
        patches = module._patches(images, level=0, levels=1, seed=0)
        assert patches.shape == (256, 49)
        first, second = patches.reshape(2, 128, 49)
        assert first[:, 0].max() == second[:, -1].max() == patches.max()

    def test_more_pictures_than_patches_are_refused(self, monkeypatch):
        monkeypatch.setattr(module, "PATCHES", 5)
        assert pyramid_distances(self.real[:5], self.real[:5])
        with pytest.raises(ValueError, match="images: expected at most 5, got 6"):
            pyramid_distances(self.real[:6], self.real[:6])

    def test_blur_noise_and_collapse_are_seen_each_where_it_is(self):
        floor = pyramid_distances(self.others, self.real)
        soft = pyramid_distances(blur(self.others, 0.7), self.real)
        softer = pyramid_distances(blur(self.others, 1.5), self.real)
        assert 2 * floor[32] < soft[32] < softer[32]
        noise = RNG(3).normal(size=self.others.shape)
        grainy, worse = (
            pyramid_distances((self.others + s * noise).astype("f"), self.real)
            for s in (0.1, 0.3)
        )
        assert 3 * floor[32] < grainy[32] < worse[32]
        assert grainy[16] < 2 * floor[16]  # the grain is gone at half the size
        few = self.others[RNG(4).integers(10, size=300)]
        assert pyramid_distances(few, self.real)[16] > 2 * floor[16]

    def test_a_black_set_has_a_distance(self):
        found = pyramid_distances(np.zeros_like(self.real), self.real)
        assert all(np.isfinite(x) and x > 100 for x in found.values())

    def test_memory_does_not_grow_with_the_pictures(self, monkeypatch):
        monkeypatch.setattr(module, "PATCHES", 2048)
        peaks = []
        for count in (500, 2000):
            images = np.zeros((count, 32, 32, 3), np.float32)
            tracemalloc.start()
            pyramid_distances(images, images)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.2 * peaks[0]

    @pytest.mark.parametrize(
        ("images", "said"),
        [
            (np.zeros((4, 6, 6, 3)), "H >= 7"),
            (np.zeros((4, 16, 8, 3)), "squares"),
            (np.zeros((3, 16, 16, 3)), "one shape for both"),
            (np.full((4, 16, 16, 3), np.inf), "images: expected finite"),
            (np.full((4, 16, 16, 3), 1j), "images: .* real numbers, got complex128"),
            (np.zeros((4, 16, 16, 0)), "squares of shape"),
        ],
    )
    def test_what_is_no_set_of_pictures_is_refused(self, images, said):
        with pytest.raises(ValueError, match=said):
            pyramid_distances(images, np.zeros((4, 16, 16, 3)))
        with pytest.raises(ValueError, match=said):
            pyramid_distances(np.zeros((4, 16, 16, 3)), images)
