"""Ways through the latent space, against closed forms."""

import numpy as np
import pytest

from dcgan_keras.lessons.latent import lerp, main_directions, path
from dcgan_keras.training.sampling import slerp

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 100))


def angle(a, b):
    return np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("between", [lerp, slerp])
def test_the_ends_are_the_ends(between):
    np.testing.assert_allclose(between(A, B, 0.0), A)
    np.testing.assert_allclose(between(A, B, 1.0), B, atol=1e-12)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.8])
def test_slerp_divides_the_angle(t):
    point = slerp(A, B, t)
    assert angle(A, point) == pytest.approx(t * angle(A, B))
    assert angle(point, B) == pytest.approx((1 - t) * angle(A, B))


def test_slerp_keeps_the_length():
    b = B * np.linalg.norm(A) / np.linalg.norm(B)
    lengths = [np.linalg.norm(slerp(A, b, t)) for t in np.linspace(0, 1, 9)]
    np.testing.assert_allclose(lengths, np.linalg.norm(A))


def test_slerp_works_on_rows():
    a, b = RNG.normal(size=(2, 5, 7))
    rows = [slerp(one, other, 0.3) for one, other in zip(a, b, strict=True)]
    np.testing.assert_allclose(slerp(a, b, 0.3), rows)


def test_slerp_between_parallel_points():
    np.testing.assert_allclose(slerp(A, 2 * A, 0.25), 1.25 * A)


@pytest.mark.parametrize(
    ("b", "message"),
    [(B[:5], "the shape of a"), (0 * B, "no direction"), (-2 * A, "not opposite a")],
)
def test_slerp_refuses(b, message):
    with pytest.raises(ValueError, match=message):
        slerp(A, b, 0.5)


def test_a_path_has_both_ends():
    way = path(A, B, 5)
    assert way.shape == (5, 100)
    assert way.dtype == np.float32
    np.testing.assert_allclose(way[[0, -1]], [A, B], rtol=1e-6)
    np.testing.assert_allclose(path(A, B, 3, lerp)[1], (A + B) / 2, rtol=1e-5)
    np.testing.assert_allclose(path(A, B, 3)[1], slerp(A, B, 0.5), rtol=1e-5)
    for points in (1, -1, 2.5):
        with pytest.raises(ValueError, match="at least 2"):
            path(A, B, points)


def test_main_directions_find_what_was_planted():
    z = RNG.normal(size=(500, 6))
    strong, weak = np.eye(6)[2], np.eye(6)[4]
    ink, edge = np.zeros((2, 4, 4, 1))
    ink[1], edge[3] = 5.0, 1.0
    images = np.einsum("n,hwc->nhwc", z @ strong, -ink)
    images = images + np.einsum("n,hwc->nhwc", z @ weak, edge)
    found = main_directions(z, images, 2)
    np.testing.assert_allclose(found, [-strong, weak], atol=1e-6)
    assert found.dtype == np.float32


def test_main_directions_refuses_too_few_points():
    with pytest.raises(ValueError, match="more than 6 points"):
        main_directions(np.zeros((6, 6)), np.zeros((6, 4, 4, 1)))


@pytest.mark.parametrize("count", [9, 4, 0, -1, 2.5, True])
@pytest.mark.parametrize(("latent_dim", "size"), [(3, 4), (7, 1)])
def test_main_directions_refuses_a_count_that_there_are_not(count, latent_dim, size):
    z = RNG.normal(size=(50, latent_dim))
    images = RNG.normal(size=(50, size, size, 3))
    with pytest.raises(ValueError, match="count: expected a whole number 1 to 3, got"):
        main_directions(z, images, count)
    assert main_directions(z, images, 3).shape == (3, latent_dim)


@pytest.mark.parametrize("place", [0, 1])
def test_main_directions_refuses_what_is_not_finite(place):
    given = [RNG.normal(size=(50, 3)), RNG.normal(size=(50, 4, 4, 1))]
    given[place][7] = np.nan
    with pytest.raises(ValueError, match=f"^{('z', 'images')[place]}: expected finite"):
        main_directions(*given, 2)


def test_main_directions_refuses_other_shapes():
    with pytest.raises(ValueError, match="z, images: expected shapes"):
        main_directions(np.zeros((50, 3)), np.zeros((50, 16)), 2)
