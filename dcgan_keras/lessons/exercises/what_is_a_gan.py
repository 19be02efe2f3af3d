"""Checks of notebook 01's exercises: an arrow, G's update, a GAN on three bumps, and a
change of variables."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from dcgan_keras.lessons.exercises._check import Wrong, exercise, number

CENTRES, STD = (-2.0, 0.0, 2.0), 0.3  # the three bumps, each with a third of the data


@exercise
def check_arrow(arrow):
    """The arrow that D(x) = sigmoid(2x) sends to the fake at x = 0.5."""
    arrow = number(arrow, "the arrow")
    answer = 1 / (1 + np.exp(-1.0))  # D(0.5)
    right = 2 * (1 - answer)
    mistakes = [
        (-right, "the length is right; to look more real it moves right, towards +"),
        (1 - answer, "that is 1 - D; the logit 2x rises by 2 for each unit of x"),
        (answer, "that is D's answer at x = 0.5; the arrow is (1 - D) times the slope"),
        (2 * answer, "the factor is 1 - D(x), how unconvinced D is, and not D(x)"),
        (2 * answer * (1 - answer), "that is the slope of D, not of log D"),
        (1.0, "D(0.5) is 0.73 and not 0.5: the logit is 2 · 0.5 = 1"),
        (right / 4, "one arrow for one fake: no mean over the four here"),
        (2 * (1 - 0.6225), "the logit at x = 0.5 is 2 · 0.5 = 1, not 0.5"),
    ]
    for value, message in mistakes:
        if abs(arrow - value) < 0.012:
            raise Wrong(message)
    if not abs(arrow - right) <= 0.012:  # nan is wrong too
        raise Wrong(f"{arrow:.2f} is not (1 - D(0.5)) · 2; first find D(0.5)")
    return f"(1 - {answer:.2f}) · 2 = {right:.2f}, to the right"


@exercise
def check_generator_update(update: Callable):
    """``update(G, D, optimizer, z)``: one step of G alone, which returns its loss."""
    from dcgan_keras._tensorflow import keras, tf

    generator, discriminator = (_small_network(keras, seed) for seed in (1, 2))
    noise = np.random.default_rng(0).standard_normal((64, 1)).astype("float32")
    before, d_before = generator.get_weights(), discriminator.get_weights()
    with tf.GradientTape(persistent=True) as tape:
        logits = discriminator(generator(noise, training=True), training=True)
        losses = {
            "right": -tf.reduce_mean(tf.math.log_sigmoid(logits)),
            "saturating": tf.reduce_mean(tf.math.log_sigmoid(-logits)),
            "discriminator's": -tf.reduce_mean(tf.math.log_sigmoid(-logits)),
            "sum": -tf.reduce_sum(tf.math.log_sigmoid(logits)),
        }
    slopes = {
        name: tape.gradient(loss, generator.trainable_variables)
        for name, loss in losses.items()
    }
    optimizer = keras.optimizers.SGD(0.1)
    said = update(generator, discriminator, optimizer, noise)
    moved = [b - a for a, b in zip(before, generator.get_weights(), strict=True)]
    stands = all(np.all(m == 0) for m in moved)
    if said is None and stands:
        raise NotImplementedError
    d_after = discriminator.get_weights()
    if any(not np.array_equal(a, b) for a, b in zip(d_before, d_after, strict=True)):
        raise Wrong("D has moved: give the optimizer G's weights alone")
    if stands:
        raise Wrong("G has not moved: apply the gradients to G's trainable_variables")
    if (steps := int(optimizer.iterations)) != 1:
        raise Wrong(f"one update is one step of the optimizer given; it made {steps}")
    if not discriminator.trainable_variables:
        raise Wrong("D is left frozen: its next update would train nothing")
    _name_the_loss(moved, slopes)
    if said is None:
        raise Wrong("G moves as it should; now return the loss as well")
    said = number(said, "the loss returned")
    if not np.isclose(said, float(losses["right"]), atol=1e-4):
        raise Wrong(
            f"G moves as it should, but the number returned is {said:.3f} and "
            f"the mean of -log D(G(z)) was {float(losses['right']):.3f}"
        )
    return f"G's loss was {float(said):.3f}, G moved, D stood still"


def _small_network(keras, seed):
    initial = [keras.initializers.GlorotUniform(seed=10 * seed + k) for k in (0, 1)]
    dense = keras.layers.Dense
    return keras.Sequential(
        [
            keras.Input((1,)),
            dense(8, "tanh", kernel_initializer=initial[0]),
            dense(1, kernel_initializer=initial[1], bias_initializer="ones"),
        ]
    )


def _name_the_loss(moved, slopes):
    """Which loss did G follow? A plain gradient step is -0.1 times its slope."""

    def followed(name, sign=1):
        return all(
            np.allclose(m, -0.1 * sign * s.numpy(), atol=1e-6)
            for m, s in zip(moved, slopes[name], strict=True)
        )

    if followed("right"):
        return
    if followed("right", -1):
        raise Wrong("G moves uphill on its loss: the loss is minus the mean of log D")
    if followed("saturating"):
        raise Wrong(
            "that is the loss log(1 - D) of the minimax game, which notebook 02 "
            "discusses; here G minimises -log D(G(z))"
        )
    if followed("discriminator's"):
        raise Wrong("that is D's loss on the fakes: G wants the opposite of D")
    if followed("sum"):
        raise Wrong("the step is 64 times too long: take the mean over the batch")
    raise Wrong("G moves, but not along -log D(G(z)) for the noise z that was given")


@exercise
def check_three_bumps(sample_real: Callable, passes: Callable, generator: Callable):
    """A sampler of three bumps, a test of samples, and a G that passes the test."""
    _check_three_sampler(sample_real)
    _check_own_test(passes)
    noise = np.random.default_rng(5).standard_normal((5000, 1)).astype("float32")
    samples = _numbers(generator(noise), (5000, 1), "G(z) for 5,000 z")
    if not np.allclose(generator(noise), samples, atol=1e-3):
        raise Wrong("your G gives other points for the same z: only z may be drawn")
    if np.allclose(generator(noise[::-1]), samples, atol=1e-3):
        raise Wrong("your G gives the same points for other z: it doesn't look at z")
    near = [np.mean(np.abs(samples - centre) < 3 * STD) for centre in CENTRES]
    shares = ", ".join(f"{100 * share:.0f} %" for share in near)
    if not passes(samples):
        raise Wrong(
            f"G does not pass your test yet: {shares} of its points lie near -2, 0, 2. "
            "Train on; or try another seed"
        )
    if min(near) < 0.1:
        raise Wrong(f"only {shares} of G's points lie near -2, 0, 2: ask more of it")
    return f"{shares} of G's points lie near -2, 0 and 2 (real data: 33 % each)"


def _check_three_sampler(sample_real):
    rng = np.random.default_rng(3)
    points, again = sample_real(6000, rng), sample_real(6000, rng)
    if points is None:
        raise NotImplementedError
    points = _numbers(points, (6000, 1), "sample_three(6000, rng)")
    if np.array_equal(points, again):
        raise Wrong("sample_three gives the same points twice: draw from the rng given")
    if not np.array_equal(points, sample_real(6000, np.random.default_rng(3))):
        raise Wrong("sample_three draws from another rng than the one given")
    for centre in CENTRES:
        near = points[np.abs(points - centre) < 1]
        if len(near) < 500:
            raise Wrong(f"sample_three puts almost no point near {centre:g}")
        if not 0.27 < len(near) / 6000 < 0.40:
            raise Wrong(
                f"sample_three puts {100 * len(near) / 6000:.0f} % of the points near "
                f"{centre:g}; each bump holds a third"
            )
        if abs(near.std() - STD) > 0.05:
            raise Wrong(
                f"the bump at {centre:g} has standard deviation {near.std():.2f}, "
                "not 0.30"
            )
        if abs(near.mean() - centre) > 0.1:
            raise Wrong(f"the bump at {centre:g} has its mean at {near.mean():.2f}")
    far = np.mean([np.abs(points - centre) > 1 for centre in CENTRES], axis=0) == 1
    if far.mean() > 0.01:
        raise Wrong(f"sample_three puts {far.mean():.0%} of the points near no bump")


def _check_own_test(passes):
    rng = np.random.default_rng(4)

    def bumps(shares):
        centre = rng.choice(CENTRES, size=5000, p=shares)
        return (centre + STD * rng.standard_normal(5000))[:, None]

    first = passes(bumps([1 / 3] * 3))
    if first is None:
        raise NotImplementedError
    if not first or not passes(bumps([1 / 3] * 3)):
        raise Wrong("your test refuses real data: it asks too much")
    cheats = {
        "a sampler that leaves out the bump at -2": bumps([0, 0.5, 0.5]),
        "a sampler that leaves out the bump at 0": bumps([0.5, 0, 0.5]),
        "a sampler that leaves out the bump at 2": bumps([0.5, 0.5, 0]),
        "a sampler that knows the bump at 0 alone": bumps([0, 1, 0]),
        "a sampler with 90 % of its points at 2": bumps([0.05, 0.05, 0.9]),
        "points spread evenly from -3 to 3": rng.uniform(-3, 3, (5000, 1)),
        "three single points, 1,667 times each": rng.choice(CENTRES, size=(5000, 1)),
        "one broad bell": 1.66 * rng.standard_normal((5000, 1)),  # the data's spread
    }
    for name, samples in cheats.items():
        if passes(samples):
            raise Wrong(f"your test accepts {name}")


@exercise
def check_transformed_density(density: Callable):
    """``density(x)`` of x = 1 - 2z with z ~ N(0, 1): it is N(1, 2²)."""
    x = np.linspace(-5, 7, 25)
    answer = density(x.copy())
    if answer is None:
        raise NotImplementedError
    found = _numbers(answer, x.shape, "density(x)")
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
    for value, message in mistakes:
        if np.allclose(found, value, atol=1e-6):
            raise Wrong(message)
    right = normal(x, 1, 2)
    if not np.allclose(found, right, atol=1e-6):
        at = 12 if abs(found[12] - right[12]) > 1e-4 else np.argmax(abs(found - right))
        raise Wrong(
            f"at x = {x[at]:g} it should be {right[at]:.4f} and is {found[at]:.4f}; "
            "solve x = 1 - 2z for z, put it into phi, and divide by |dx/dz|"
        )
    return "it is the density of N(1, 2²)"


def _numbers(value, shape, name):
    """The answer as floats of the shape expected, or a Wrong that says so."""
    array = np.asarray(value, dtype=float)
    if array.shape != shape:
        raise Wrong(f"{name} has shape {array.shape}, expected {shape}")
    if not np.all(np.isfinite(array)):
        raise Wrong(f"{name} holds values that are not finite")
    return array
