"""Checks of notebook 04's exercises: the numbers in a BN layer, a kernel that
averages, dropout, batch normalization in both modes, and an experiment (NumPy only)."""

from collections.abc import Callable

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers

MOMENTUM, EPSILON = 0.9, 1e-5
LINEAR_RATIO = 1.04  # of the distances without and with ReLU in G, at least
MOST_RATIO = 1.35  # here it is 1.17; a linear D is worth 1.58, no BN 1.49


@exercise
def check_batch_norm_counts(answer):
    """(numbers in one mean, trained, not trained) for BN on (32, 14, 14, 64)."""
    names = ("numbers in one mean", "trained", "not trained")
    averaged, trained, moving = numbers(
        answer, names, f"give three numbers: ({', '.join(names)})"
    )
    mistakes = {
        32: "one mean is taken over all positions too, not over the batch alone",
        14 * 14: "one mean is taken over the batch too; 14 * 14 is one image",
        64: "64 is how many means there are, not how many numbers are in one",
        32 * 14 * 14 * 64: "each channel has a mean of its own, so divide by 64",
        14 * 14 * 64: "the means are over the batch and the positions, not one image",
        32 * 64: "a channel's mean does not mix channels, but does mix positions",
    }
    if averaged != 32 * 14 * 14:
        raise Wrong(
            f"one mean: {mistakes.get(averaged, '32 images of 14 * 14 places')}"
        )
    _check_parameters(trained, "trained", "gamma and beta")
    _check_parameters(moving, "not trained", "the moving mean and variance")
    return "6,272 numbers in each mean; 128 weights learn and 128 are averages"


def _check_parameters(count, name, which):
    if count == 64:
        raise Wrong(f"{name}: there are two for each channel, {which}")
    if count == 256:
        raise Wrong(f"{name}: 256 is both kinds together; here only {which}")
    if count == 0:
        raise Wrong(f"{name}: {which} are weights of the layer as well")
    if count == 2:
        raise Wrong(f"{name}: {which} exist once for each of the 64 channels")
    if count == 2 * 14 * 14 * 64:
        raise Wrong(f"{name}: {which} belong to a channel, not to a pixel")
    if count != 128:
        raise Wrong(f"{name}: {which}, for 64 channels; you say {count}")


@exercise
def check_average_kernel(kernel):
    """A (2, 2, 3, 3) kernel: with stride 2 it averages each colour of an RGB image."""
    kernel = np.asarray(kernel, dtype=float)
    if kernel.shape in ((2, 2), (2, 2, 1, 1)):
        raise Wrong("one 2×2 kernel is for one channel; RGB to RGB needs (2, 2, 3, 3)")
    if kernel.shape in ((2, 2, 3), (2, 2, 3, 1), (2, 2, 1, 3)):
        raise Wrong("Keras wants (height, width, channels in, channels out)")
    if kernel.shape == (3, 3, 2, 2):
        raise Wrong("the channels come last: (2, 2, 3, 3), not (3, 3, 2, 2)")
    if kernel.shape != (2, 2, 3, 3):
        raise Wrong(f"the kernel has shape {kernel.shape}, expected (2, 2, 3, 3)")
    own = np.eye(3)
    mistakes = [
        (np.ones((3, 3)), "that sums, and it mixes the colours"),
        (np.full((3, 3), 1 / 4), "the colours are mixed: red must see red alone"),
        (np.full((3, 3), 1 / 12), "that makes it grey: every colour sees all three"),
        (own, "that is the sum of the four pixels; the mean has weights of 1/4"),
        (own / 2, "the weights of a mean of four pixels add up to 1, not to 2"),
        (own / 12, "divide by the 4 pixels, not by the 12 numbers in the window"),
        (own / 9, "divide by the 4 pixels of the window, not by 9"),
    ]
    for weights, message in mistakes:
        if np.allclose(kernel, weights):
            raise Wrong(message)
    if not np.allclose(kernel, own / 4):
        raise Wrong(_describe_kernel(kernel))
    return "three colours, each averaged alone: 12 of the 36 weights are 1/4"


def _describe_kernel(kernel):
    if np.allclose(kernel.sum(axis=(0, 1)), np.eye(3)):
        return "the weights add up to 1, but the four pixels do not count the same"
    leak = np.abs(kernel[:, :, ~np.eye(3, dtype=bool)]).max()
    if leak > 0:
        return "a colour sees another colour: kernel[:, :, i, j] is 0 unless i == j"
    return "each colour's own four weights should be 1/4"


@exercise
def check_dropout(dropout: Callable):
    """``dropout(x, rate, training, rng)`` as Keras does it: scaled in training."""
    x = np.full((200, 50), 2.0)
    rng = np.random.default_rng
    _written(dropout(x.copy(), 0.2, False, rng(0)))
    at_test = _same_shape(dropout(x, 0.2, False, rng(0)), x.shape, "the answer")
    _check_dropout_at_test(at_test, x)
    out = _same_shape(dropout(x, 0.2, True, rng(0)), x.shape, "the answer")
    if np.any(x != 2):
        raise Wrong("your function changes x itself: return a new array")
    again = np.asarray(dropout(x, 0.2, True, rng(1)))
    zeroed = np.mean(out == 0)
    if zeroed == 0:
        raise Wrong("nothing is zeroed in training")
    if np.array_equal(out, again):
        raise Wrong("two generators drop the same units: draw the mask from rng")
    if not np.array_equal(out, dropout(x, 0.2, True, rng(0))):
        raise Wrong("the same rng gives two masks: draw from rng, not from np.random")
    if np.all(out == out[:1]) or np.all(out == out[:, :1]):
        raise Wrong("whole rows or columns fall together: draw one number per entry")
    if abs(zeroed - 0.8) < 0.03:
        raise Wrong("80 % are zeroed at rate 0.2: rate is the share dropped, not kept")
    if abs(zeroed - 0.2) > 0.03:
        raise Wrong(f"{zeroed:.0%} are zeroed at rate 0.2")
    _check_dropout_scale(np.max(out) / 2)
    half = np.asarray(dropout(x, 0.5, True, rng(0)))
    if abs(np.mean(half == 0) - 0.5) > 0.03 or np.max(half) != 4:
        raise Wrong("right for a rate of 0.2, and not for 0.5: use rate")
    other = np.linspace(1, 3, 60).reshape(5, 4, 3)
    half = _same_shape(dropout(other.copy(), 0.5, True, rng(0)), other.shape, "it")
    if not np.allclose(half, np.where(half == 0, 0, 2 * other)):
        raise Wrong("right where all entries are 2, and not where they differ")
    return f"{zeroed:.0%} zeroed, the mean stays {out.mean():.2f} where x is 2"


def _check_dropout_at_test(at_test, x):
    if np.any(at_test == 0):
        raise Wrong("with training=False it still drops: return x as it is")
    if np.allclose(at_test, 0.8 * x):
        raise Wrong("scaled at test time, as in C728; Keras scales in training")
    if np.allclose(at_test, x / 0.8):
        raise Wrong("with training=False nothing is dropped, so nothing is scaled")
    if not np.allclose(at_test, x):
        raise Wrong("with training=False the answer should be x, unchanged")


def _check_dropout_scale(scale):
    """scale: what a survivor is multiplied by at rate 0.2; 1.25 is right."""
    mistakes = [
        (1, "survivors are not scaled: the mean falls to 80 %"),
        (0.8, "survivors are multiplied by 1 - rate; divide by it"),
        (1 / 0.2, "survivors are divided by rate; divide by 1 - rate"),
        (0.2, "survivors are multiplied by rate; divide by 1 - rate"),
        (1.2, "1 + rate is near 1 / (1 - rate), but not equal to it"),
    ]
    for wrong, message in mistakes:
        if np.isclose(scale, wrong):
            raise Wrong(message)
    if not np.isclose(scale, 1.25):
        raise Wrong(f"survivors are scaled by {scale:.3g}, expected 1.25 at rate 0.2")


@exercise
def check_batch_norm(batch_norm: Callable):
    """``batch_norm(x, mean, variance, training)`` -> (y, mean, variance), two modes."""
    x = np.random.default_rng(0).normal([2, -3, 5], [1, 2, 0.01], (16, 4, 5, 3))
    # The last channel is nearly constant: there epsilon counts, and where it stands.
    mean, variance = np.array([1.0, 0.0, 5.0]), np.array([4.0, 1.0, 1e-4])
    _written(batch_norm(x.copy(), mean.copy(), variance.copy(), False))
    batch = x.mean((0, 1, 2)), x.var((0, 1, 2))
    answer = batch_norm(x.copy(), mean.copy(), variance.copy(), False)
    y, *averages = _three(answer, x.shape)
    _check_output(y, x, right=(mean, variance), other=batch, mode="training=False")
    if not (np.allclose(averages[0], mean) and np.allclose(averages[1], variance)):
        raise Wrong("training=False must not change the moving averages")
    answer = batch_norm(x.copy(), mean.copy(), variance.copy(), True)
    y, *averages = _three(answer, x.shape)
    _check_output(y, x, right=batch, other=(mean, variance), mode="training=True")
    _check_averages(averages, (mean, variance), batch, x.size // 3)
    constant, _, _ = batch_norm(np.ones((4, 1, 1, 3)), mean, variance, True)
    if not np.all(np.isfinite(constant)):
        raise Wrong("a constant channel gives 0/0: epsilon is missing")
    return "it is Algorithm 1, and Keras's moving averages"


def _three(answer, shape):
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise Wrong("return three things: y, moving mean, moving variance")
    y = _same_shape(answer[0], shape, "y")
    averages = [np.asarray(part, dtype=float) for part in answer[1:]]
    for array in averages:
        if array.size == np.prod(shape[1:]):
            raise Wrong("one mean a pixel: average over axes (0, 1, 2), not 0 alone")
        if array.size == shape[0] * shape[-1]:
            raise Wrong("one mean an image: average over the batch axis as well")
        if array.size != shape[-1]:
            raise Wrong(f"the averages have shape {array.shape}, expected (3,)")
    return y, averages[0].ravel(), averages[1].ravel()


def _check_output(y, x, right, other, mode):
    """y against (mean, variance) that is right in this mode, and likely mistakes."""
    mean, variance = right
    mixed = [
        MOMENTUM * o + (1 - MOMENTUM) * r for o, r in zip(other, right, strict=True)
    ]
    kind, wrong_kind = ("batch", "moving averages")[:: 1 if "True" in mode else -1]
    centred = x - mean
    mistakes = [
        (_normalize(x, *other), f"uses the {wrong_kind}; that mode uses the {kind}"),
        (_normalize(x, *mixed), "normalizes by the averages after their update"),
        (centred / (variance + EPSILON), "divides by the variance, not its root"),
        (centred, "subtracts the mean, but does not divide"),
        (centred / np.sqrt(variance), "epsilon is missing"),
        (centred / (np.sqrt(variance) + EPSILON), "epsilon belongs under the root"),
        (x / np.sqrt(variance + EPSILON), "divides, but does not subtract the mean"),
        (centred * np.sqrt(variance + EPSILON), "multiplies where it should divide"),
        (_normalize(x, x.mean(0), x.var(0)), "averages over axis 0 alone"),
        (
            _normalize(x, x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)),
            "averages each image alone: that is instance normalization",
        ),
        (_normalize(x, x.mean(), x.var()), "one mean for all: keep channels apart"),
    ]
    for value, message in mistakes:
        if np.allclose(y, value, atol=1e-4):
            raise Wrong(f"{mode}: {message}")
    if not np.allclose(y, _normalize(x, mean, variance), atol=1e-4):
        raise Wrong(f"{mode}: y is not (x - mean) / sqrt(variance + epsilon)")


def _normalize(x, mean, variance):
    return (x - mean) / np.sqrt(variance + EPSILON)


def _check_averages(found, old, batch, count):
    def moved(weight, value):
        return [weight * o + (1 - weight) * b for o, b in zip(old, value, strict=True)]

    mistakes = [
        (old, "the moving averages were not updated"),
        (batch, "the averages were replaced by the batch's, not moved towards them"),
        (moved(1 - MOMENTUM, batch), "momentum belongs to the old average (0.9 old)"),
        (moved(0.99, batch), "the momentum is 0.99, Keras's default; here it is 0.9"),
        (
            moved(MOMENTUM, (batch[0], batch[1] * count / (count - 1))),
            "the variance is divided by m - 1; Keras averages the one with 1 / m",
        ),
        (
            moved(MOMENTUM, (batch[0], np.sqrt(batch[1]))),
            "the average moved towards the deviation, not the variance",
        ),
    ]
    for value, message in mistakes:
        if np.allclose(found, value, rtol=1e-5):
            raise Wrong(f"training=True: {message}")
    if not np.allclose(found, moved(MOMENTUM, batch), rtol=1e-5):
        raise Wrong("training=True: new average = 0.9 * old + 0.1 * the batch's")


def _same_shape(value, shape, name):
    """The answer as floats of the shape expected, or a Wrong that says so."""
    array = np.asarray(value, dtype=float)
    if array.shape != tuple(shape):
        raise Wrong(f"{name} has shape {array.shape}, expected {tuple(shape)}")
    return array


@exercise
def check_experiment(answer):
    """(five distances of the control, five without an activation in G)."""
    if not isinstance(answer, tuple | list | np.ndarray) or len(answer) != 2:
        raise Wrong("give two lists: (the control's distances, those without ReLU)")
    if all(values is ... for values in answer):
        raise NotImplementedError
    control, without = (np.asarray(values, dtype=float) for values in answer)
    for values, name in ((control, "the control"), (without, "without ReLU")):
        if values.ndim > 1:
            raise Wrong(f"{name}: those are images; take distance(images) of each seed")
        if values.shape != (5,):
            raise Wrong(f"{name}: expected five distances, one a seed")
        if not np.all(np.isfinite(values) & (values > 0)):
            raise Wrong(f"{name}: a distance is a positive number")
    if np.allclose(control, without):
        raise Wrong("both lists are the same: nothing was removed")
    ratio = without.mean() / control.mean()
    if ratio < 1 / LINEAR_RATIO:
        raise Wrong("the control comes first; you may have swapped the two")
    if ratio < LINEAR_RATIO:
        raise Wrong(
            f"the means differ by a factor of {ratio:.2f} only: slope 1 is the "
            "identity, slope 0.2 still bends"
        )
    if ratio > MOST_RATIO:
        raise Wrong(
            f"{ratio:.2f} times is more than ReLU in G is worth here: g_slope is G's, "
            "d_slope is D's; change nothing else"
        )
    return f"without ReLU in G the mean distance is {ratio:.2f} times the control's"


def _written(value):
    """A body of ``...`` returns None: the exercise was not attempted."""
    if value is None:
        raise NotImplementedError
