"""The noise of a step: the same for the same numbers, and for no others."""

import itertools

import numpy as np
import pytest

from dcgan_keras import noise, tf

DRAWS = (
    *(noise.D_NOISE, noise.G_NOISE, noise.TEST_NOISE),
    *(noise.REALS, noise.D_FAKES, noise.G_FAKES),
)


@pytest.mark.parametrize("draw_from", [noise.latent_noise, noise.uniform_noise])
def test_each_step_seed_and_draw_has_noise_of_its_own(draw_from):
    asked = list(itertools.product((0, 1, 5, -1), (0, 1), DRAWS))
    found = {draw_from((2,), *one).numpy().tobytes() for one in asked}
    assert len(found) == len(asked)
    again = {draw_from((2,), *one).numpy().tobytes() for one in asked}
    assert again == found


def test_a_seed_of_8_bits_is_the_same_seed():
    found = noise.latent_noise((2,), np.uint8(200), np.uint8(3))
    np.testing.assert_array_equal(found, noise.latent_noise((2,), 200, 3))


@pytest.mark.parametrize("seed", [1.5, "3"])
def test_what_is_no_seed_is_not_read_as_one(seed):
    with pytest.raises(TypeError, match="integer"):
        noise.latent_noise((2,), seed, 0)


def test_no_seed_meets_the_noise_of_another():
    """Of 10,000 seeds on either side of 0, in none of the draws."""
    seeds = np.arange(-(10**4), 10**4)
    states = np.concatenate([2 * seeds + draw for draw in DRAWS])
    assert len(np.unique(states)) == len(seeds) * len(DRAWS)


def test_seeds_go_as_far_as_64_bits_do():
    low, below = noise.SEEDS
    assert low == 1 - below == 1 - 2**60
    for seed, draw in itertools.product((low, below - 1), DRAWS):
        assert np.isfinite(noise.latent_noise((2,), seed, 3, draw)).all()


def test_recorded_runs_keep_their_noise():
    """It is TensorFlow's own, of twice the seed and the draw, and of the step."""
    draws = ((), 6), ((noise.G_NOISE,), 7), ((noise.TEST_NOISE,), 6 + 2**40)
    for step, (draw, own) in itertools.product((5, 2**33), draws):
        found = noise.latent_noise((4,), 3, step, *draw)
        expected = tf.random.stateless_normal((4,), (own, step), alg="philox")
        np.testing.assert_array_equal(found, expected)
    found = noise.uniform_noise((4,), 3, 5, noise.REALS)
    state = 6 + 2**41, 5
    expected = tf.random.stateless_uniform((4,), state, alg="philox")
    np.testing.assert_array_equal(found, expected)
