"""games.theory and games.ring against quadrature, closed forms and brute force."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from dcgan_keras.lessons.games import ring, sampling, theory

GRID = np.linspace(-20, 20, 40_001)
CELL = GRID[1] - GRID[0]


def random_probabilities(seed, count=6):
    return np.random.default_rng(seed).dirichlet(np.ones(count))


def test_normal_density_equals_scipy():
    expected = stats.norm(1.3, 0.7).pdf(GRID)
    np.testing.assert_allclose(theory.normal_density(GRID, 1.3, 0.7), expected)
    with pytest.raises(ValueError, match="^std: expected numbers > 0, got 0.0"):
        theory.normal_density(0.0, 0.0, 0.0)
    for std in (np.nan, np.inf):
        with pytest.raises(ValueError, match="^std: expected numbers > 0"):
            theory.normal_density(0.0, 0.0, std)


def test_mixture_density_equals_the_sum_of_its_parts():
    expected = 0.2 * stats.norm(-2, 0.5).pdf(GRID) + 0.8 * stats.norm(1, 2).pdf(GRID)
    density = theory.mixture_density(GRID, [-2, 1], [0.5, 2], [0.2, 0.8])
    np.testing.assert_allclose(density, expected, atol=1e-15)
    equal = theory.mixture_density(GRID, [-2, 1], [0.5, 2])
    assert np.sum(equal) * CELL == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("stds", "weights", "message"),
    [
        ([1.0], None, "means, stds, weights: expected lists of one length"),
        ([1.0] * 3, None, r"one length >= 1, got shapes \(2,\), \(3,\) and \(2,\)"),
        ([1.0, 1.0], [0.5, 0.6], "weights: expected numbers >= 0 with the sum 1"),
        ([1.0, 1.0], [-0.5, 1.5], "weights: expected numbers >= 0"),
        ([1.0, -1.0], None, "stds?: expected numbers >"),
        ([1.0, np.inf], None, "stds?: expected numbers >"),
    ],
)
def test_mixture_density_refuses(stds, weights, message):
    """So does the sampler, which took stds without a mean, and negative ones."""
    with pytest.raises(ValueError, match=message):
        theory.mixture_density(0.0, [0.0, 1.0], stds, weights)
    with pytest.raises(ValueError, match=message):
        rng = np.random.default_rng(0)
        sampling.sample_mixture(9, rng, [0.0, 1.0], stds, weights)
    with pytest.raises(ValueError, match="expected lists of one length >= 1"):
        theory.mixture_density(0.0, [], [])


@pytest.mark.parametrize("seed", range(5))
def test_kl_of_finite_sets_equals_scipy(seed):
    p, q = random_probabilities(seed), random_probabilities(seed + 100)
    assert theory.kl_divergence(p, q) == pytest.approx(stats.entropy(p, q), rel=1e-12)


def test_kl_of_normals_equals_the_closed_form():
    mean, a, b = 1.5, 0.8, 2.0
    closed = np.log(b / a) + (a**2 + mean**2) / (2 * b**2) - 0.5
    p, q = stats.norm(mean, a).pdf(GRID), stats.norm(0, b).pdf(GRID)
    assert theory.kl_divergence(p, q, CELL) == pytest.approx(closed, abs=1e-9)


def test_kl_at_the_edges():
    assert theory.kl_divergence([1, 0], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert theory.kl_divergence([0.5, 0.5], [1, 0]) == np.inf
    assert theory.kl_divergence([0.3, 0.7], [0.3, 0.7]) == 0
    assert np.isfinite(theory.kl_divergence([1e-300, 1], [1e300, 1]))


def test_js_is_symmetric_bounded_and_equals_quadrature():
    p, q = stats.norm(0, 1), stats.norm(2, 0.5)

    def integrand(x):
        m = (p.pdf(x) + q.pdf(x)) / 2
        return 0.5 * (
            p.pdf(x) * (p.logpdf(x) - np.log(m)) + q.pdf(x) * (q.logpdf(x) - np.log(m))
        )

    expected = integrate.quad(integrand, -12, 12, limit=200)[0]
    measured = theory.js_divergence(p.pdf(GRID), q.pdf(GRID), CELL)
    assert measured == pytest.approx(expected, abs=1e-8)
    assert theory.js_divergence(q.pdf(GRID), p.pdf(GRID), CELL) == measured
    assert theory.js_divergence([1, 0], [0, 1]) == pytest.approx(np.log(2))


@pytest.mark.parametrize("name", ["kl_divergence", "js_divergence"])
def test_divergences_refuse(name):
    with pytest.raises(ValueError, match="^p, q: expected one shape"):
        getattr(theory, name)([1.0], [0.5, 0.5])
    with pytest.raises(ValueError, match="^q: expected finite .*got -0.5 to 1.5"):
        getattr(theory, name)([0.5, 0.5], [1.5, -0.5])


@pytest.mark.parametrize("cell", [-1, 0, np.nan, np.inf, "1", None])
def test_a_cell_has_a_size(cell):
    """A negative one gave a negative divergence."""
    p, q = [0.5, 0.5], [0.75, 0.25]
    for given in (
        lambda: theory.kl_divergence(p, q, cell),
        lambda: theory.js_divergence(p, q, cell),
        lambda: theory.game_value(p, q, p, cell),
    ):
        with pytest.raises(ValueError, match="^cell: expected a number > 0, got"):
            given()


@pytest.mark.parametrize("seed", range(3))
def test_optimal_discriminator_is_found_by_a_search_too(seed):
    p, q = random_probabilities(seed), random_probabilities(seed + 50)
    found = [
        optimize.minimize_scalar(
            lambda d, a=a, b=b: -(a * np.log(d) + b * np.log1p(-d)),
            bounds=(1e-9, 1 - 1e-9),
            method="bounded",
            options={"xatol": 1e-10},
        ).x
        for a, b in zip(p, q, strict=True)
    ]
    np.testing.assert_allclose(theory.optimal_discriminator(p, q), found, atol=1e-6)


def test_optimal_discriminator_knows_nothing_where_there_is_no_mass():
    answer = theory.optimal_discriminator([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    assert np.isnan(answer[0])
    assert list(answer[1:]) == [1.0, 0.0]


@pytest.mark.parametrize("seed", range(5))
def test_value_of_the_best_d_is_two_js_minus_two_log_two(seed):
    p, q = random_probabilities(seed), random_probabilities(seed + 100)
    best = theory.game_value(p, q, theory.optimal_discriminator(p, q))
    middle = (p + q) / 2
    by_entropy = stats.entropy(p, middle) + stats.entropy(q, middle) - 2 * np.log(2)
    assert best == pytest.approx(by_entropy, rel=1e-12)
    assert theory.game_value(p, q, np.full(6, 0.4)) < best
    at_equality = theory.game_value(p, p, theory.optimal_discriminator(p, p))
    assert at_equality == pytest.approx(-np.log(4), rel=1e-12)


def test_game_value_by_a_loop_and_its_refusals():
    p, q, d = [0.2, 0.8], [0.5, 0.5], [0.3, 0.6]
    expected = sum(
        a * np.log(c) + b * np.log(1 - c) for a, b, c in zip(p, q, d, strict=True)
    )
    assert theory.game_value(p, q, d) == pytest.approx(expected, rel=1e-12)
    assert theory.game_value(p, q, [1.0, 0.5]) == -np.inf
    assert theory.game_value([1, 0], [1, 0], [0.5, np.nan]) == -np.log(4)
    for wrong in ([0.3, 1.2], [0.3], [-0.1, 0.5], [0.3, np.nan], [np.nan, np.nan]):
        with pytest.raises(ValueError, match="^d: expected"):
            theory.game_value(p, q, wrong)


def one_step_matrix(method, rate):
    """The linear map of one step, from the two players' rules written out."""
    move = rate * np.array([[0.0, 1.0], [-1.0, 0.0]])
    if method == "simultaneous":
        return np.eye(2) + move
    if method == "alternating":
        g_first = np.array([[1.0, 0.0], [-rate, 1.0]])
        return g_first @ np.array([[1.0, rate], [0.0, 1.0]])
    return np.eye(2) + move @ (np.eye(2) + move)  # extragradient


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("method", ["simultaneous", "alternating", "extragradient"])
def test_bilinear_play_is_a_power_of_one_matrix(method, rate):
    start = np.array([0.6, -1.1])
    path = theory.play_bilinear(start, rate, 30, method)
    step = one_step_matrix(method, rate)
    powers = [np.linalg.matrix_power(step, n) @ start for n in range(31)]
    np.testing.assert_allclose(path, powers, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_bilinear_radius_grows_stays_or_shrinks_as_predicted(rate):
    def radii(method):
        return np.linalg.norm(theory.play_bilinear((1, 0.5), rate, 200, method), axis=1)

    out, back = radii("simultaneous"), radii("extragradient")
    np.testing.assert_allclose(out[1:] / out[:-1], np.sqrt(1 + rate**2))
    np.testing.assert_allclose(
        back[1:] / back[:-1], np.sqrt(1 - rate**2 + rate**4), rtol=1e-9
    )
    d, g = theory.play_bilinear((1, 0.5), rate, 200, "alternating").T
    np.testing.assert_allclose(d**2 + g**2 + rate * d * g, 1.25 + rate * 0.5)


def test_play_bilinear_refuses():
    with pytest.raises(ValueError, match="^method: expected one of .*got 'magic'"):
        theory.play_bilinear((1, 0), 0.1, 3, "magic")
    for rate in (0.0, np.nan, "0.1"):
        with pytest.raises(ValueError, match="^learning_rate: expected a number > 0"):
            theory.play_bilinear((1, 0), rate, 3)
    for steps in (-1, 2.5):
        with pytest.raises(ValueError, match="^steps: expected a whole number >= 0"):
            theory.play_bilinear((1, 0), 0.1, steps)
    for start in ((1, 0, 2), (1,), 1):
        with pytest.raises(ValueError, match="^start: expected two numbers"):
            theory.play_bilinear(start, 0.1, 0)


def test_ring_samples_have_the_rings_moments():
    samples = ring.sample_ring(80_000, np.random.default_rng(0))
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples.mean(axis=0), 0, atol=0.03)
    # E|x|^2 = radius^2 + 2 std^2, whatever the number of modes.
    assert np.mean(np.sum(samples**2, axis=1)) == pytest.approx(4.02, abs=0.02)
    centres = ring.ring_centres(5, 3.0)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 3.0)
    gaps = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 6 * np.sin(np.pi / 5))


def test_real_samples_cover_the_ring():
    samples = ring.sample_ring(50_000, np.random.default_rng(1))
    coverage = ring.mode_coverage(samples, ring.ring_centres(), 0.1)
    assert coverage.modes_covered == 8
    expected = 1 - np.exp(-4.5)  # a 2-D normal within three standard deviations
    assert coverage.high_quality_share == pytest.approx(expected, abs=0.002)
    np.testing.assert_allclose(coverage.counts / 50_000, expected / 8, atol=0.006)


def test_collapse_strays_and_rubbish_are_counted():
    centres = ring.ring_centres()
    one_mode = np.repeat(centres[:1], 100, axis=0)
    assert ring.mode_coverage(one_mode, centres, 0.1)[:2] == (1, 1.0)
    # One stray among 100: a tenth of the fair share is 1.25 samples.
    stray = np.vstack([one_mode[:99], centres[3:4]])
    assert ring.mode_coverage(stray, centres, 0.1).modes_covered == 1
    assert ring.mode_coverage(np.zeros((100, 2)), centres, 0.1)[:2] == (0, 0.0)
    edge = centres[:1] * (1 + np.array([[0.29], [0.31]]) / 2)
    assert ring.mode_coverage(edge, centres, 0.1).high_quality_share == 0.5
    with pytest.raises(ValueError, match=r"^samples: expected \(count, dim\) with"):
        ring.mode_coverage(np.zeros((5, 3)), centres, 0.1)


def test_what_is_just_enough_is_counted():
    """Three standard deviations away, and the whole of a fair share."""
    samples, centres = [[0, 3], [9, 0]], [[0, 0], [9, 0]]
    covered, share, counts = ring.mode_coverage(samples, centres, 1, fair_part=1)
    assert (covered, share, counts.tolist()) == (2, 1.0, [1, 1])
    coverage = ring.mode_coverage(samples, [*centres, [99, 0]], 1)
    assert coverage.counts.tolist() == [1, 1, 0]  # a number for each mode


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"std": 0}, "std: expected a number > 0, got 0"),
        ({"std": -0.1}, "std: expected a number > 0, got -0.1"),
        ({"std": np.nan}, "std: expected a number > 0, got nan"),
        ({"fair_part": 1.5}, "fair_part: expected 0 < fair_part <= 1, got 1.5"),
        ({"fair_part": 0}, "fair_part: expected 0 < fair_part <= 1, got 0"),
        ({"samples": np.zeros((0, 2))}, r"samples: expected samples .*got \(0, 2\)"),
        ({"centres": np.zeros((0, 2))}, r"samples: .*and centres, got .*\(0, 2\)"),
        ({"centres": np.zeros((8, 2, 1))}, r"samples: expected \(count, dim\) with"),
    ],
)
def test_coverage_refuses(options, said):
    given = {"samples": np.zeros((5, 2)), "centres": ring.ring_centres(), "std": 0.1}
    with pytest.raises(ValueError, match=f"^{said}"):
        ring.mode_coverage(**given | options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": -1}, "count: expected a whole number >= 0"),
        ({"modes": 0}, "modes: expected a whole number >= 1"),
        ({"modes": 2.5}, "modes: expected a whole number >= 1"),
        ({"radius": np.inf}, "radius: expected a number > 0"),
        ({"std": -0.1}, "std: expected a number >= 0, got -0.1"),
        ({"std": np.nan}, "std: expected a number >= 0, got nan"),
    ],
)
def test_a_ring_refuses(options, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        ring.sample_ring(**{"count": 4, "rng": np.random.default_rng(0)} | options)


def test_theory_does_not_load_tensorflow():
    code = (
        "import sys; from dcgan_keras.lessons.games import ring, theory; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
