"""Samplers and the toy GAN against closed forms, SciPy and a step-by-step replay."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from dcgan_keras.lessons.games import sampling
from dcgan_keras.lessons.games.toy_gan import ToyGAN, dense_network

MEANS, STDS, WEIGHTS = (-1.5, 1.5), (0.5, 0.7), (0.6, 0.4)
GRID = np.linspace(-3, 3, 13)[:, None]


def sample_real(count, rng):
    return sampling.sample_mixture(count, rng, MEANS, STDS, WEIGHTS)


def weights_of(network):
    return np.concatenate([w.ravel() for w in network.get_weights()])


@pytest.fixture(scope="module")
def gan():
    return ToyGAN(data_dim=1, latent_dim=1, hidden=(8, 8))


# Samplers


def test_mixture_has_the_mixture_s_distribution():
    points = sample_real(20_000, np.random.default_rng(0))
    assert points.shape == (20_000, 1)

    def cdf(x):
        parts = zip(MEANS, STDS, WEIGHTS, strict=True)
        return sum(w * stats.norm(m, s).cdf(x) for m, s, w in parts)

    assert stats.kstest(points[:, 0], cdf).statistic < 0.012


def test_figure_eight_without_blur_lies_on_gerono_s_lemniscate():
    x, y = sampling.sample_figure_eight(500, np.random.default_rng(0), std=0.0).T
    np.testing.assert_allclose((x / 1.2) ** 2, y**2 * (1 - y**2), atol=1e-12)
    assert np.ptp(y) > 1.9


def test_figure_eight_is_blurred_by_a_standard_deviation():
    sharp = sampling.sample_figure_eight(9000, np.random.default_rng(1), std=0.0)
    blurred = sampling.sample_figure_eight(9000, np.random.default_rng(1), std=0.3)
    assert np.std(blurred - sharp) == pytest.approx(0.3, rel=0.03)


def test_normal_quantiles_are_scipy_s():
    expected = stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9])
    np.testing.assert_allclose(sampling.normal_quantiles(5)[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize(
    "transform, target",
    [
        (lambda z: z, stats.norm()),
        (lambda z: 1 - 2 * z, stats.norm(1, 2)),  # a falling function
        (np.exp, stats.lognorm(1)),
        (np.abs, stats.halfnorm()),  # a fold: two z for one x
        (np.square, stats.chi2(1)),
    ],
)
def test_pushforward_density_is_the_closed_form(transform, target):
    edges = np.linspace(-4, 5, 61)
    expected = np.diff(target.cdf(edges)) / np.diff(edges)
    found = sampling.pushforward_density(transform, edges)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_transformation_may_give_its_numbers_without_a_column():
    edges = np.linspace(-1, 1, 5)
    flat = sampling.pushforward_density(lambda z: z[:, 0], edges, 100)
    np.testing.assert_array_equal(
        flat, sampling.pushforward_density(lambda z: z, edges, 100)
    )


def test_a_component_may_have_no_width_and_no_share():
    points = sampling.sample_mixture(
        9, np.random.default_rng(0), [1, 2], [0, 0], [0, 1]
    )
    assert points.tolist() == [[2.0]] * 9


def test_pushforward_density_refuses_falling_edges():
    for edges in ([1.0, 0.0], [0.0, 0.0], [0.0, np.nan], [0.0]):
        with pytest.raises(ValueError, match="^edges: expected at least two that asc"):
            sampling.pushforward_density(np.exp, np.array(edges))


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (lambda z: z[:10], r"one number for each of 100 points, got shape \(10, 1\)"),
        (lambda z: np.hstack([z, z]), r"each of 100 points, got shape \(100, 2\)"),
        (lambda z: z.T, r"each of 100 points, got shape \(1, 100\)"),
        (lambda z: z * np.nan, "expected numbers, got NaN"),
    ],
)
def test_pushforward_density_wants_a_number_for_each_point(transform, said):
    """Ten outputs were counted as those of a hundred thousand points."""
    with pytest.raises(ValueError, match=f"^transform: .*{said}"):
        sampling.pushforward_density(transform, np.linspace(-1, 1, 5), 100)


@pytest.mark.parametrize("count", [-1, 2.5, "3"])
def test_samplers_refuse_what_is_no_count(count):
    rng = np.random.default_rng(0)
    for sample in (
        lambda: sampling.sample_mixture(count, rng, MEANS, STDS),
        lambda: sampling.sample_figure_eight(count, rng),
        lambda: sampling.normal_quantiles(count),
    ):
        with pytest.raises(ValueError, match="^count: expected a whole number >= "):
            sample()


@pytest.mark.parametrize("std", [-0.1, np.nan])
def test_a_figure_eight_is_blurred_by_no_less_than_nothing(std):
    with pytest.raises(ValueError, match="^std: expected a number >= 0"):
        sampling.sample_figure_eight(9, np.random.default_rng(0), std)


def test_the_games_without_a_network_need_no_tensorflow():
    code = (
        "import sys; from dcgan_keras.lessons.games import ring, sampling, theory;"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The networks


def test_dense_network_is_leaky_relu_layers_by_hand():
    network = dense_network(2, 1, hidden=(5, 4), seed=3)
    value = points = np.random.default_rng(0).standard_normal((7, 2)).astype("float32")
    *hidden, last = np.arange(6).reshape(3, 2)
    weights = network.get_weights()
    for w, b in hidden:
        value = value @ weights[w] + weights[b]
        value = np.where(value > 0, value, 0.2 * value)
    value = value @ weights[last[0]] + weights[last[1]]
    np.testing.assert_allclose(network(points, training=False), value, atol=1e-6)


def test_the_players_begin_at_different_weights(gan):
    """Both have the same shapes here."""
    pairs = zip(
        gan.generator.get_weights()[::2],
        gan.discriminator.get_weights()[::2],
        strict=True,
    )
    assert not any(np.array_equal(g, d) for g, d in pairs)
    first, second = dense_network(3, 3, hidden=(3,), seed=0).get_weights()[::2]
    assert not np.array_equal(first, second)


def test_both_optimizers_have_the_memory_that_is_asked_for():
    gan = ToyGAN(hidden=(2,), beta_1=0.25)
    assert gan.generator_optimizer.beta_1 == 0.25
    assert gan.discriminator_optimizer.beta_1 == 0.25


def test_networks_have_the_layers_asked_for():
    gan = ToyGAN(data_dim=2, latent_dim=3, hidden=(8, 6))
    assert gan.generator.count_params() == 3 * 8 + 8 + 8 * 6 + 6 + 6 * 2 + 2
    assert gan.discriminator.count_params() == 2 * 8 + 8 + 8 * 6 + 6 + 6 + 1
    assert gan.sample(5).shape == (5, 2)
    assert gan.discriminate(gan.sample(5)).shape == (5,)


def test_discriminate_is_the_sigmoid_of_the_logit(gan):
    logits = np.asarray(gan.discriminator(GRID, training=False))[:, 0]
    np.testing.assert_allclose(
        gan.discriminate(GRID), 1 / (1 + np.exp(-logits)), atol=1e-6
    )


# The game


def test_each_step_changes_its_own_player_alone(gan):
    gan.restart(0)
    real, noise = np.ones((4, 1), "float32"), gan.draw_noise(4)
    g, d = weights_of(gan.generator), weights_of(gan.discriminator)
    gan.discriminator_step(real, noise)
    assert np.array_equal(weights_of(gan.generator), g)
    assert not np.array_equal(weights_of(gan.discriminator), d)
    d = weights_of(gan.discriminator)
    gan.generator_step(noise)
    assert not np.array_equal(weights_of(gan.generator), g)
    assert np.array_equal(weights_of(gan.discriminator), d)


def test_losses_are_those_of_the_answers(gan):
    gan.restart(1)
    real, noise = sample_real(64, np.random.default_rng(2)), gan.draw_noise(64)
    on_real, on_fake = gan.discriminate(real), gan.discriminate(gan.sample(noise))
    expected = -np.log(on_real).mean() - np.log(1 - on_fake).mean()
    found = float(gan.discriminator_step(real.astype("float32"), noise))
    assert found == pytest.approx(expected, abs=1e-5)
    on_fake = gan.discriminate(gan.sample(noise))
    assert float(gan.generator_step(noise)) == pytest.approx(
        -np.log(on_fake).mean(), abs=1e-5
    )


def test_the_compiled_loop_is_the_steps_one_by_one(gan):
    gan.restart(4)
    real = sample_real(3 * 2 * 8, gan.rng).reshape(3, 2, 8, 1).astype("float32")
    noise = gan.draw_noise(3, 2, 8)
    state = gan.rng.bit_generator.state
    gan.play(real, noise)
    compiled = weights_of(gan.generator), weights_of(gan.discriminator)
    gan.restart(4)
    gan.rng.bit_generator.state = state
    generator_noise = gan.draw_noise(3, 8)
    for step in range(3):
        for k in range(2):
            gan.discriminator_step(real[step, k], noise[step, k])
        gan.generator_step(generator_noise[step])
    np.testing.assert_allclose(weights_of(gan.generator), compiled[0], atol=1e-5)
    np.testing.assert_allclose(weights_of(gan.discriminator), compiled[1], atol=1e-5)


def test_restart_equals_a_new_gan_with_that_seed(gan):
    again = gan.restart(7).train(sample_real, 20, grid=GRID, snapshot_every=20)[-1]
    new = ToyGAN(hidden=(8, 8), seed=7)
    first = new.train(sample_real, 20, grid=GRID, snapshot_every=20)[-1]
    np.testing.assert_allclose(again.samples, first.samples, atol=1e-5)
    np.testing.assert_allclose(again.probabilities, first.probabilities, atol=1e-5)
    assert (again.step, first.step) == (20, 20)
    assert not np.allclose(gan.restart(8).sample(9), new.restart(7).sample(9))


def test_snapshots_count_steps_and_training_goes_on(gan):
    gan.restart(0)
    steps = [s.step for s in gan.train(sample_real, 6, snapshot_every=3)]
    more = gan.train(sample_real, 3, discriminator_steps=2, snapshot_every=3)
    assert steps == [0, 3, 6]
    assert [s.step for s in more] == [6, 9]
    assert int(gan.generator_optimizer.iterations) == 9
    assert int(gan.discriminator_optimizer.iterations) == 12
    assert more[-1].samples.shape == (2000, 1)


def test_the_generator_minimises_the_loss_it_was_given():
    def push_to_the_right(fake_logits):
        return -3.0 * fake_logits[0, 0]

    gan = ToyGAN(hidden=(4,), generator_loss=push_to_the_right)
    noise = gan.draw_noise(1)
    logit = gan.discriminator(gan.sample(noise), training=False)
    assert float(gan.generator_step(noise)) == pytest.approx(-3 * float(logit[0, 0]))


def test_it_learns_where_the_data_are(gan):
    gan.restart(0)
    shifted = lambda count, rng: rng.normal(2.0, 0.5, (count, 1))  # noqa: E731
    last = gan.train(shifted, 500, snapshot_every=500)[-1]
    assert abs(last.samples.mean() - 2.0) < 0.5


def test_an_unknown_loss_is_named():
    for loss in ("hinge", ["minimax"]):
        with pytest.raises(ValueError, match="^generator_loss: expected one of 'non_s"):
            ToyGAN(generator_loss=loss)


def test_steps_that_do_not_fit_the_snapshots_are_refused(gan):
    with pytest.raises(ValueError, match="multiple of snapshot_every, got 5 and 2"):
        gan.train(sample_real, 5, snapshot_every=2)


def test_a_rate_of_0_is_a_rate():
    """It was taken for none given, and D learned at G's."""
    gan = ToyGAN(hidden=(4,), discriminator_learning_rate=0.0)
    before = weights_of(gan.generator), weights_of(gan.discriminator)
    gan.train(sample_real, 2, snapshot_every=2)
    assert not np.array_equal(weights_of(gan.generator), before[0])
    assert np.array_equal(weights_of(gan.discriminator), before[1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"learning_rate": -1e-3}, "learning_rate: expected a number >= 0"),
        ({"learning_rate": np.nan}, "learning_rate: expected a number >= 0"),
        ({"discriminator_learning_rate": -1}, "discriminator_learning_rate: expected"),
        ({"beta_1": 1.0}, "beta_1: expected 0 <= beta_1 < 1, got 1.0"),
        ({"data_dim": 0}, "data_dim: expected a whole number >= 1, got 0"),
        ({"latent_dim": 1.5}, "latent_dim: expected a whole number >= 1, got 1.5"),
        ({"hidden": 32}, "hidden: expected a list of widths, got 32"),
        ({"hidden": (32, 0)}, "hidden: expected a whole number >= 1, got 0"),
        ({"seed": 1.5}, "seed: expected a whole number >= 0, got 1.5"),
        ({"seed": -1}, "seed: expected a whole number >= 0, got -1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        ToyGAN(**options)


def test_seeds_of_numpy_are_seeds():
    plain, other = (ToyGAN(hidden=(4,), seed=seed) for seed in (3, np.int64(3)))
    assert np.array_equal(weights_of(plain.generator), weights_of(other.generator))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"snapshot_every": -10}, "snapshot_every: expected a whole number >= 1"),
        ({"snapshot_every": 0}, "snapshot_every: expected a whole number >= 1"),
        ({"steps": -10}, "steps: expected a whole number >= 0, got -10"),
        ({"steps": 10.0}, "steps: expected a whole number >= 0, got 10.0"),
        ({"batch_size": 0}, "batch_size: expected a whole number >= 1, got 0"),
        ({"discriminator_steps": 0}, "discriminator_steps: expected a whole number"),
    ],
)
def test_numbers_of_steps_are_whole(gan, options, said):
    """With -10 nothing was done, and nothing said."""
    with pytest.raises(ValueError, match=f"^{said}"):
        gan.train(sample_real, **{"steps": 10, "snapshot_every": 10} | options)
    with pytest.raises(ValueError, match="^noise_or_count: expected a whole number"):
        gan.sample(-1)


@pytest.mark.parametrize(
    "shape", [(2, 128), (256,), (128,), (128, 3)], ids=["turned", "flat", "1-D", "3-D"]
)
def test_points_of_another_shape_are_refused(shape):
    """Those that lie in columns were cut into others."""
    gan = ToyGAN(data_dim=2, hidden=(4,))
    with pytest.raises(ValueError, match=r"^sample_real: expected points \(128, 2\), "):
        gan.train(lambda count, rng: np.ones(shape), 1, snapshot_every=1)
