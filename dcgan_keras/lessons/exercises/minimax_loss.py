"""Checks for the exercises of notebook 02, the minimax loss."""

from collections.abc import Callable

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise, number

REAL_LOGITS = np.array([2.0, -1.0, 0.5])
FAKE_LOGITS = np.array([-3.0, 0.25])
# Recorded on the ring of eight, one run each, every 100 of 2,000 steps: the modes
# covered (of 8) and the share of good points. A: a D with two layers of 8 units. B: ten
# steps of G for each step of D. C: D's rate a tenth of G's. D: equal rates.
FOUR_RUNS = {
    "A": (
        [2, 5, 3, 1, 3, 1, 6, 4, 8, 6, 8, 7, 8, 8, 8, 7, 8, 8, 8, 8],
        [
            0.08,
            0.2,
            0.14,
            0.08,
            0.12,
            0.05,
            0.42,
            0.42,
            0.5,
            0.38,
            0.43,
            0.52,
            0.53,
            0.62,
            0.59,
            0.62,
            0.61,
            0.62,
            0.63,
            0.63,
        ],
    ),
    "B": (
        [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [
            0.14,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    "C": (
        [0, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0],
        [
            0.01,
            0.03,
            0.03,
            0.75,
            0.99,
            0.99,
            0.99,
            0.93,
            0.54,
            1.0,
            0.88,
            1.0,
            0.0,
            1.0,
            1.0,
            1.0,
            0.0,
            1.0,
            0.32,
            0.0,
        ],
    ),
    "D": (
        [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8],
        [
            0.5,
            0.79,
            0.89,
            0.89,
            0.92,
            0.92,
            0.94,
            0.94,
            0.94,
            0.94,
            0.89,
            0.96,
            0.96,
            0.94,
            0.96,
            0.97,
            0.96,
            0.97,
            0.96,
            0.97,
        ],
    ),
}


def _softplus(logits: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, logits)


def _reject(answer, mistakes: dict[str, float | np.ndarray]) -> None:
    """Raise Wrong with the message whose value equals the answer."""
    for message, value in mistakes.items():
        if np.shape(answer) == np.shape(value) and np.allclose(
            answer, value, rtol=1e-4, atol=1e-6, equal_nan=True
        ):
            raise Wrong(message)


def _same(answer, right, tolerance: float = 1e-6) -> bool:
    return np.shape(answer) == np.shape(right) and bool(
        np.allclose(answer, right, rtol=tolerance, atol=tolerance)
    )


@exercise
def check_value_at_the_end(answer: float) -> str:
    """V(D, G), in nats, of a finished game: p_G = p_data and the best D."""
    answer = number(answer, "the value")
    mistakes = {
        "that is one of the two terms, log(1/2); V adds two of them": -np.log(2),
        "that is D's loss, -V: a logarithm of a probability is negative": np.log(4),
        "that is one term, with its sign lost: log(1/2) is negative": np.log(2),
        "that is in bits: we use the natural logarithm, nats": -2.0,
        "that is one term, in bits: V adds two, in nats": -1.0,
        "that would be a D that is never wrong; at the end it can only guess": 0.0,
        "that is D's answer, not yet the value V": 0.5,
    }
    if not abs(answer + np.log(4)) <= 0.005:  # nan is wrong too
        _reject(np.round(answer, 2), {m: np.round(v, 2) for m, v in mistakes.items()})
        raise Wrong(
            f"{answer:g} is not V; put D = 1/2 into both terms of V and add them"
        )
    return "-log 4 = -1.386, whatever the data are"


def _written(answer):
    """The answer; what a stub returns, nothing, counts as not attempted."""
    if answer is None or answer is ...:
        raise NotImplementedError
    return answer


def _loss(answer) -> np.ndarray:
    """A loss as an array; one number in a list is still one number."""
    array = np.asarray(_written(answer), dtype=float)
    return array.reshape(()) if array.size == 1 else array


@exercise
def check_losses(discriminator_loss: Callable, generator_loss: Callable) -> str:
    """Both losses in NumPy, from logits: D's, and G's non-saturating one."""
    real, fake = REAL_LOGITS, FAKE_LOGITS
    measured = _loss(discriminator_loss(real, fake))
    right = _softplus(-real).mean() + _softplus(fake).mean()
    _reject_discriminator_loss(measured, real, fake)
    if not _same(measured, right):
        raise Wrong(
            f"D's loss: for real {real.tolist()} and fake {fake.tolist()} it gives "
            f"{np.round(measured, 4)}, not {right:.4f}"
        )
    measured = _loss(generator_loss(fake))
    _reject_generator_loss(measured, fake)
    right = _softplus(-fake).mean()
    if not _same(measured, right):
        raise Wrong(
            f"G's loss: for fake {fake.tolist()} it gives {np.round(measured, 4)}, "
            f"not {right:.4f}"
        )
    _check_extremes(discriminator_loss, generator_loss)
    return "and both stand at logits of ±1000"


def _check_extremes(discriminator_loss: Callable, generator_loss: Callable) -> None:
    low, high = np.array([-1000.0]), np.array([1000.0])
    with np.errstate(all="ignore"):
        extremes = [
            ("D's loss", discriminator_loss(low, high), 2000.0),
            ("D's loss", discriminator_loss(high, low), 0.0),
            ("G's loss", generator_loss(low), 1000.0),
            ("G's loss", generator_loss(high), 0.0),
        ]
    for name, said, right in extremes:
        value = number(said, f"{name} where D is certain")
        if not abs(value - right) <= 1e-3:  # nan is wrong too
            raise Wrong(
                f"{name} is right for small logits, but where D is certain (logits of "
                f"±1000) it gives {value:g}, not {right:g}: use a softplus that cannot "
                "overflow"
            )


def _reject_discriminator_loss(measured, real, fake) -> None:
    both = np.concatenate([_softplus(-real), _softplus(fake)])
    right = _softplus(-real).mean() + _softplus(fake).mean()
    mistakes = {
        "the labels are swapped: D wants 1 for real images, 0 for generated": (
            _softplus(real).mean() + _softplus(-fake).mean()
        ),
        "the sign: that is V, which D maximises; a loss is minimised": -right,
        "a sum where a mean belongs: V is in nats per image": both.sum(),
        "one mean over all images: V adds one mean per side": both.mean(),
        "half of V's: the two means are added, not averaged": right / 2,
        "in bits: use the natural logarithm": right / np.log(2),
        "the term of the generated images is missing": _softplus(-real).mean(),
        "the term of the real images is missing": _softplus(fake).mean(),
        "the fake term is G's non-saturating loss; D wants log(1 - D) there": (
            _softplus(-real).mean() + _softplus(-fake).mean()
        ),
        "one number for the batch is wanted: the mean is missing": _softplus(-real),
    }
    _reject(measured, {f"D's loss: {text}": value for text, value in mistakes.items()})


def _reject_generator_loss(measured, fake) -> None:
    right = _softplus(-fake).mean()
    mistakes = {
        "that is the saturating loss, log(1 - D); -log D is wanted": (
            -_softplus(fake).mean()
        ),
        "that is what D minimises on fakes, -log(1 - D): G would help D": (
            _softplus(fake).mean()
        ),
        "the sign: that is log D, which G wants large": -right,
        "one number for the batch is wanted: the mean is missing": _softplus(-fake),
        "a sum where a mean belongs": _softplus(-fake).sum(),
        "in bits: use the natural logarithm": right / np.log(2),
    }
    _reject(measured, {f"G's loss: {text}": value for text, value in mistakes.items()})


@exercise
def check_optimal_with_share(answer: Callable) -> str:
    """A function best(p_data, p_g, share): D* if a share of the batch is real."""
    p, q, share = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5]), 0.8
    right = share * p / (share * p + (1 - share) * q)
    said = _written(answer(p.copy(), q.copy(), share))
    measured = np.asarray(said, dtype=float)
    _reject(
        measured,
        {
            "the share has no effect: that is p / (p + q), right for 1/2 only": (
                p / (p + q)
            ),
            "that is the probability of a generated image: 1 - D": 1 - right,
            "share and 1 - share are swapped": (
                (1 - share) * p / ((1 - share) * p + share * q)
            ),
            "the share is missing below the fraction's line": share * p / (p + q),
            "the generated images need their share too: 1 - share": (
                share * p / (share * p + q)
            ),
            "that is the densities' ratio; a probability is real / (real + fake)": (
                share * p / ((1 - share) * q)
            ),
        },
    )
    if not _same(measured, right):
        raise Wrong(
            f"for p = {p}, q = {q}, share = {share} it gives {np.round(measured, 3)}, "
            f"not {right.round(3)}; weigh the two densities by their shares"
        )
    if not _same(np.asarray(answer(p, q, 0.5), dtype=float), p / (p + q)):
        raise Wrong("right for a share of 0.8, and not for 0.5: use share, p and q")
    return "with share 1/2 it is p / (p + q)"


@exercise
def check_collapse(answer: str) -> str:
    """The letter of the one run among FOUR_RUNS that shows mode collapse."""
    letter = str(answer).strip().upper()
    if letter not in FOUR_RUNS:
        raise Wrong(
            f"expected one of the letters {', '.join(FOUR_RUNS)}, got {answer!r}"
        )
    modes, good = (np.array(column)[-8:] for column in FOUR_RUNS[letter])
    if good.mean() < 0.2:
        raise Wrong(
            f"in run {letter} hardly any point is good: this G has not learned to draw "
            "at all; collapse means good points without variety"
        )
    if modes.mean() > 6 and good.mean() > 0.8:
        raise Wrong(f"run {letter} covers the modes with good points: it is healthy")
    if modes.mean() > 6:
        raise Wrong(
            f"run {letter} covers the modes, but many of its points lie between them: "
            "variety without quality, the reverse of collapse"
        )
    return "few modes at any time, and good points wherever it sits"


@exercise
def check_cured_step(answer: Callable) -> str:
    """A function cured_step(d, g, rate): one extragradient step of V = d * g."""
    d, g, rate = 1.0, -0.5, 0.3
    right = np.array([d + rate * (g - rate * d), g - rate * (d + rate * g)])
    measured = np.asarray(_written(answer(d, g, rate)), dtype=float)
    ahead_d, ahead_g = d + rate * g, g - rate * d
    _reject(
        measured,
        {
            "that is the simultaneous step, which spirals outward": np.array(
                [ahead_d, ahead_g]
            ),
            "that is the alternating step, which circles": np.array(
                [ahead_d, g - rate * ahead_d]
            ),
            "two whole steps: look ahead, but step from where you stand": np.array(
                [ahead_d + rate * ahead_g, ahead_g - rate * ahead_d]
            ),
            "both players climb: g must descend": np.array(
                [d + rate * (g + rate * d), g + rate * (d + rate * g)]
            ),
            "both players descend: d must climb": np.array(
                [d - rate * (g - rate * d), g - rate * (d - rate * g)]
            ),
            "d and g are exchanged in the result": right[::-1],
            "the slopes are crossed: dV/dd is g, dV/dg is d": np.array(
                [d + rate * ahead_d, g - rate * ahead_g]
            ),
        },
    )
    if not _same(measured, right):
        raise Wrong(
            f"from ({d}, {g}) with rate {rate} it goes to {np.round(measured, 4)}, "
            f"not {right.round(4)}"
        )
    if not _same(np.asarray(answer(2.0, 1.0, 0.5), dtype=float), [2.0, -0.25]):
        raise Wrong(
            f"right from ({d}, {g}) with rate {rate}, and not from (2.0, 1.0) with "
            "rate 0.5: use d, g and rate"
        )
    return "the radius shrinks by sqrt(1 - rate² + rate⁴)"
