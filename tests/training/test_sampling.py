"""Walks and parts: bounded, in order, and the same as all at once."""

import numpy as np
import pytest
from players import build_players

from dcgan_keras.noise import latent_noise
from dcgan_keras.training.sampling import (
    generate,
    generate_parts,
    latent_walk,
    slerp,
    spread,
)

Z = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 99, 100, 101, 1000])
def test_places_are_spread_from_end_to_end(count):
    places = spread(count, 100)
    assert len(places) == min(count, 100)
    assert places[0] == 0 and places[-1] == count - 1
    gaps = np.diff(places)
    assert (gaps >= 1).all() and (len(gaps) == 0 or gaps.max() - gaps.min() <= 1)


def test_a_walk_goes_along_the_arcs():
    walk = latent_walk(Z, frames=3)
    assert walk.shape == (10, 5) and walk.dtype == np.float32
    for leg in range(3):
        for step in range(3):
            point = slerp(Z[leg], Z[leg + 1], step / 3)
            np.testing.assert_allclose(walk[3 * leg + step], point, rtol=1e-6)
    assert np.array_equal(walk[-1], Z[-1])
    assert np.array_equal(latent_walk(Z[:1]), Z[:1])


def test_a_bounded_walk_is_chosen_from_the_whole_one():
    walk = latent_walk(Z, frames=3)
    for most in (2, 4, 7, 10, 11):
        chosen = latent_walk(Z, frames=3, most=most)
        assert np.array_equal(chosen, walk[spread(10, most)])


def test_between_opposite_points_the_walk_is_straight():
    line = latent_walk([[-1.0], [3.0], [1.0]], frames=4)
    np.testing.assert_allclose(line[:, 0], [-1, 0, 1, 2, 3, 2.5, 2, 1.5, 1], atol=1e-6)
    walk = latent_walk(np.stack([Z[0], -2 * Z[0]]), frames=3)
    np.testing.assert_allclose(walk, np.outer([1, 0, -1, -2], Z[0]), atol=1e-6)
    nearly = latent_walk([[1.0, 0.0], [-1.0, 3e-5]], frames=2)  # an arc by rounding
    np.testing.assert_allclose(nearly[1], [0, 1.5e-5], atol=1e-7)
    with pytest.raises(ValueError, match="^a, b: expected points away from 0"):
        latent_walk([[0.0], [1.0]])


def test_a_walk_on_the_spot_stays_there():
    """Of unit vectors the square may be above 1 by a rounding."""
    points = np.random.default_rng(1).normal(size=(50, 7))
    np.testing.assert_allclose(slerp(points, points, 0.3), points)


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (1.0, 2.0, r"^a: expected points \(\.\.\., latent_dim\), got the number 1.0$"),
        ([1.0, np.nan], [1.0, 0.0], "^a, b: expected finite numbers, got NaN or inf"),
        ([1.0, 0.0], [np.inf, 1.0], "^a, b: expected finite numbers, got NaN or inf"),
    ],
)
def test_no_arc_without_points(a, b, said):
    with pytest.raises(ValueError, match=said):
        slerp(a, b, 0.5)


@pytest.mark.parametrize(
    ("z", "options", "said"),
    [
        (Z, {"frames": 0}, "^frames: expected a whole number >= 1, got 0"),
        (Z, {"frames": 2.5}, "^frames: expected a whole number >= 1, got 2.5"),
        (Z, {"most": 0}, "^most: expected a whole number >= 1, got 0"),
        (Z[0], {}, r"^z: expected shape \(N, latent_dim\), N > 0; got \(5,\)"),
        (Z[:0], {}, r"^z: expected .* got \(0, 5\)"),
        (Z[..., None], {}, r"^z: expected .* got \(4, 5, 1\)"),
    ],
)
def test_what_is_no_walk_is_refused(z, options, said):
    with pytest.raises(ValueError, match=said):
        latent_walk(z, **options)


def test_parts_are_the_whole():
    generator, _ = build_players()
    z = latent_noise((7, generator.input_shape[1]), 0, 0)
    parts = list(generate_parts(generator, z, batch_size=3))
    assert [len(part) for part in parts] == [3, 3, 1]
    whole = generate(generator, z)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert np.abs(whole[0] - whole[1]).max() > 1e-4
