"""Checks of notebook 01's exercises: shapes, a change of variables, two samplers,
counting a density, and the batch with which D is trained (NumPy and SciPy only)."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from dcgan_keras.lessons.exercises._check import Wrong, exercise

LATENT_DIM, IMAGE_SHAPE, BATCH = 100, (28, 28, 1), 64


@exercise
def check_shapes(answer):
    """Shapes of z, G(z) and D(G(z)) for a batch of 64 digits of 28×28, as a tuple."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise Wrong("give three shapes: (shape of z, shape of G(z), shape of D(G(z)))")
    if any(not isinstance(shape, tuple | list) for shape in answer):
        raise Wrong("each of the three is a tuple itself; one number is written (5,)")
    noise, images, verdicts = (tuple(shape) for shape in answer)
    _check_noise_shape(noise)
    _check_image_shape(images)
    _check_verdict_shape(verdicts)
    return "G turns 100 numbers into 784, D turns 784 into 1"


def _check_noise_shape(shape):
    if shape == (LATENT_DIM, BATCH):
        raise Wrong("z: the batch axis comes first in Keras, one row for each image")
    if shape == (LATENT_DIM,):
        raise Wrong("z: one vector makes one image; a batch of 64 needs 64 vectors")
    if shape in ((BATCH, *IMAGE_SHAPE), (BATCH, 784)):
        raise Wrong("z is noise of length 100, it does not have an image's shape")
    if shape != (BATCH, LATENT_DIM):
        raise Wrong(f"z has shape {shape}, but 64 vectors of 100 numbers are drawn")


def _check_image_shape(shape):
    if shape == (BATCH, 28, 28):
        raise Wrong("G(z): the channel axis is missing; grey images have one channel")
    if shape == (BATCH, 1, 28, 28):
        raise Wrong("G(z): channels come last in this course (height, width, channels)")
    if shape == IMAGE_SHAPE:
        raise Wrong("G(z): that is one image, and 64 were asked for")
    if shape != (BATCH, *IMAGE_SHAPE):
        raise Wrong(f"G(z) has shape {shape}, but 64 images of 28×28×1 come out")


def _check_verdict_shape(shape):
    if shape == (BATCH, 2):
        raise Wrong("D(G(z)): one number is enough, P(fake) is 1 - P(real)")
    if shape == (BATCH, 10):
        raise Wrong("D(G(z)): D tells real from fake, it does not name the digit")
    if shape == (BATCH, *IMAGE_SHAPE):
        raise Wrong("D(G(z)): D judges the whole image, not each pixel")
    if shape in ((1,), (), (1, 1)):
        raise Wrong("D(G(z)): every image of the batch gets a verdict of its own")
    if shape == (BATCH,):
        raise Wrong("D(G(z)): nearly; a Dense(1) keeps its axis, so (64, 1)")
    if shape != (BATCH, 1):
        raise Wrong(f"D(G(z)) has shape {shape}, but 64 images get one number each")


@exercise
def check_transformed_density(density: Callable):
    """``density(x)`` of x = 1 - 2z with z ~ N(0, 1): it is N(1, 2²)."""
    x = np.linspace(-5, 7, 25)
    found = _numbers(density(x), x.shape, "density(x)")
    normal, inverse = stats.norm.pdf, (1 - x) / 2
    mistakes = [
        (normal(inverse), "the height was not divided by |dx/dz| = 2: area 2, not 1"),
        (2 * normal(inverse), "multiplied by |dx/dz| where it must be divided: area 4"),
        (-normal(inverse) / 2, "negative: take |dx/dz|, the slope -2 flips the line"),
        (normal(x, 1, 4), "4 is the variance of x; SciPy's scale is the std, 2"),
        (normal(x, 1, np.sqrt(2)), "the std of -2z is 2, not the square root of 2"),
        (normal(x, -1, 2), "the mean is on the wrong side: z = 0 goes to x = 1"),
        (
            normal(1 - 2 * x),
            "z = (1 - x) / 2 goes in, not 1 - 2x; and it is not scaled",
        ),
        (normal(1 - 2 * x) / 2, "z = (1 - x) / 2 goes into phi, not 1 - 2x"),
        (normal(x), "that is the density of z itself; where did 1 - 2z go?"),
        (stats.norm.cdf(x, 1, 2), "that is the cumulative distribution, not a density"),
    ]
    _name_mistake(found, mistakes, atol=1e-6)
    if not np.allclose(found, normal(x, 1, 2), atol=1e-6):
        raise Wrong(
            f"at x = 1 it should be 0.1995 and is {found[12]:.4f}; solve x = 1 - 2z "
            "for z, put it into phi, and divide by |dx/dz|"
        )
    return "it is the density of N(1, 2²)"


@exercise
def check_sample_exponential(sampler: Callable):
    """``sampler(count, rng)``: points with density exp(-x / 2) / 2, x >= 0 (mean 2)."""
    count = 4000
    points = _numbers(sampler(count, np.random.default_rng(0)), (count,), "the answer")
    again = np.asarray(sampler(count, np.random.default_rng(1)))
    if np.array_equal(points, again):
        raise Wrong("two generators gave the same points: draw u from the rng given")
    if np.all(points <= 0):
        raise Wrong("all points are negative: log(1 - u) is, so the minus is missing")
    if np.min(points) < 0:
        raise Wrong(
            "some points are negative: start from u = rng.uniform(...), not N(0, 1)"
        )
    mistakes = [
        (stats.expon(scale=0.5), "the mean is 1/2: 2 is the mean here, not the rate"),
        (stats.expon(scale=1), "the mean is 1: the factor 2 is missing"),
        (
            stats.uniform(0, 0.5),
            "those are heights of the density, not samples from it",
        ),
        (stats.uniform(0, 1), "those are still uniform: F goes from x to u, invert it"),
        (stats.expon(scale=4), "the mean is 4: multiply by the mean 2 once"),
    ]
    for law, message in mistakes:
        if stats.kstest(points, law.cdf).pvalue > 1e-3:
            raise Wrong(message)
    if stats.kstest(points, stats.expon(scale=2).cdf).pvalue < 1e-4:
        raise Wrong(
            f"the mean is {points.mean():.2f} (2 expected) and the median "
            f"{np.median(points):.2f} (1.39 expected)"
        )
    return f"mean {points.mean():.2f}, median {np.median(points):.2f}"


@exercise
def check_estimate_density(estimate: Callable):
    """``estimate(sampler, x, width, count, rng)``: a density counted from samples."""
    counts = np.array([_estimate_at(estimate, x) for x in (0.5, -0.25)])
    right = np.array([0.6, 1.4])  # the heights of a law made of two flat steps
    if not np.allclose(counts, right, atol=0.05):
        _explain_estimate(counts[0], counts[1])
    return f"{counts[0]:.2f} and {counts[1]:.2f}, where the truth is 0.60 and 1.40"


def _two_steps(count, rng):
    """Draw from heights 0.7 / 0.5 on [-0.5, 0) and 0.3 / 0.5 on [0.25, 0.75)."""
    left = rng.random(count) < 0.7
    u = rng.random(count) / 2
    return np.where(left, u - 0.5, u + 0.25)[:, None]


def _estimate_at(estimate, x, width=0.2, count=20_000):
    value = estimate(_two_steps, x, width, count, np.random.default_rng(0))
    return float(_numbers(value, (), "the estimate"))


def _explain_estimate(at_right, at_left):
    found = np.array([at_right, at_left])
    truth, width, count = np.array([0.6, 1.4]), 0.2, 20_000
    mistakes = [
        (truth * width, "that is a share: divide it by the width to get a density"),
        (truth * width * count, "that is a count: divide by count and by the width"),
        (truth * count, "divide by count as well: a density does not grow with N"),
        (truth * width**2, "divided by the width where multiplied, or the reverse"),
        (truth * 2, "the window is twice too wide: x ± width / 2, not x ± width"),
        (truth / 2, "the window is half as wide as the width that you divide by"),
        ([0.85 / width, 0.35 / width], "count a window, not all samples below x"),
        ([0.15 / width, 0.65 / width], "count a window, not all samples above x"),
    ]
    for value, message in mistakes:
        if np.allclose(found, value, rtol=0.05):
            raise Wrong(message)
    raise Wrong(
        f"at x = 0.5 the density is 0.60 and you say {at_right:.3g}: the share of the "
        "samples within x ± width / 2, divided by the width"
    )


@exercise
def check_discriminator_batch(make_batch: Callable):
    """``make_batch(real, fake)`` -> (points, labels) with which D is trained."""
    real, fake = np.full((3, 2), 5.0), np.full((4, 2), -5.0)
    answer = make_batch(real, fake)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong("return two arrays: points, labels")
    points = np.asarray(answer[0], dtype=float)
    labels = np.asarray(answer[1], dtype=float)
    if points.shape in ((7, 4), (3, 4), (14,), (2, 7)):
        raise Wrong(f"points has shape {points.shape}: stack the rows, along axis 0")
    if points.shape != (7, 2) or not np.array_equal(
        np.sort(points, axis=0), np.sort(np.r_[real, fake], axis=0)
    ):
        raise Wrong("points must hold all 3 real rows and all 4 fake rows: (7, 2) here")
    _check_labels(labels, truth=(points[:, 0] > 0).astype(float))
    return "D sees both piles, and its labels say which row came from which"


def _check_labels(labels, truth):
    if labels.shape == (7,):
        raise Wrong("labels: nearly; give them D's shape, a column (7, 1)")
    if labels.shape != (7, 1):
        raise Wrong(f"labels has shape {labels.shape}: one for each row, (7, 1) here")
    labels = labels[:, 0]
    if np.array_equal(labels, 1 - truth):
        raise Wrong("labels are swapped: 1 stands for real, 0 for fake")
    if np.all(labels == 1):
        raise Wrong("all labels are 1: that is what G wishes; D is told the truth")
    if not set(np.unique(labels)) <= {0.0, 1.0}:
        raise Wrong("labels must be 0 or 1: the log-loss knows no other labels")
    if not np.array_equal(labels, truth):
        raise Wrong("labels and points are in another order: real rows need the 1s")


def _numbers(value, shape, name):
    """The answer as floats of the shape expected, or a Wrong that says so."""
    array = np.asarray(value, dtype=float)
    if array.shape != shape:
        raise Wrong(f"{name} has shape {array.shape}, expected {shape}")
    if not np.all(np.isfinite(array)):
        raise Wrong(f"{name} holds values that are not finite")
    return array


def _name_mistake(found, mistakes, atol):
    for value, message in mistakes:
        if np.allclose(found, value, atol=atol):
            raise Wrong(message)
