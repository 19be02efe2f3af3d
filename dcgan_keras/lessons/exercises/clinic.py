"""Checks of notebook 07's exercises: labels, a ward of five, an alarm, a cure."""

import math
import warnings

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise
from dcgan_keras.lessons.recorded import recorded_arrays

# Label of the real images -> the logit at which D's loss for them is lowest.
LOWEST = {0.7: math.log(7 / 3), 0.8: math.log(4), 1.1: math.inf}
# Letter -> variant of data/tables/ablation.
PATIENTS = {
    "A": "no BN in D",
    "B": "sigmoid output",
    "C": "latent_dim 2",
    "D": "D untrained",
    "E": "real label 1.2",
    "F": "saturating loss",
}
WARD = {
    "G": "dropout 0.3 in D",
    "H": "BN everywhere",
    "I": "no BN in G",
    "J": "both rates x 10",
    "K": "BN at D's input",
}
HINTS = {
    "G": "D is less often right than in the healthy chart, its loss near 0.9",
    "H": "its ground is grey in all five runs, and every sample is taken for an 8",
    "I": "D is right in 99 of 100 cases, on a ground that is black as it should be",
    "J": "its ten classes come evenly and its samples are clean: is it ill at all?",
    "K": "one of its runs has a grey ground, its runs differ, and G's loss is near 3",
}
STEPS = 80  # of a cure's trial
LIMIT = 100.0  # a distance: after them the healthy have less, and the patient more


@exercise
def check_lowest(answer):
    """A dict from a label of real images to the logit where D's loss is lowest."""
    if not isinstance(answer, dict) or set(answer) != set(LOWEST):
        raise Wrong("give a dictionary with the keys 0.7, 0.8 and 1.1")
    if all(said is ... for said in answer.values()):
        raise NotImplementedError
    for label, right in LOWEST.items():
        said = answer[label]
        if hasattr(said, "__array__") and np.size(said) == 1:  # NumPy, TensorFlow
            said = np.asarray(said).item()
        if isinstance(said, bool) or not isinstance(said, int | float | np.number):
            raise Wrong(f"label {label}: expected a number, or np.inf; got {said!r}")
        if math.isclose(said, right, abs_tol=0.02):
            continue
        if math.isclose(said, label, abs_tol=1e-9):
            raise Wrong(f"label {label}: that is the label; which logit has it?")
        if label < 1 and math.isclose(said, -right, abs_tol=0.02):
            raise Wrong(f"label {label}: the sign; a positive logit is 'rather real'")
        if label > 1 and math.isfinite(said):
            raise Wrong(
                f"label 1.1: the slope at {said:g} is {_sigmoid(said) - 1.1:.2f}, and "
                "below 0 everywhere; a sigmoid never reaches 1.1"
            )
        if math.isnan(said):
            raise Wrong(f"label {label}: expected a number, or np.inf; got nan")
        if label > 1:
            raise Wrong("label 1.1: the loss rises there; it falls the other way")
        if math.isinf(said):
            raise Wrong(f"label {label}: the sigmoid does reach {label}, at a number")
        raise Wrong(
            f"label {label}: the slope at {said:g} is {_sigmoid(said) - label:.2f}, "
            "and it should be 0"
        )
    return "0.85 and 1.39; and for a label above 1 there is no lowest place"


def _sigmoid(logit: float) -> float:
    return 0.5 * (1 + math.tanh(logit / 2))


def patients() -> dict[str, list[dict]]:
    """The six of the main line: letter -> the charts of a variant, one a seed."""
    return _charts(PATIENTS)


def ward() -> dict[str, list[dict]]:
    """The five of the exercise, in the same way."""
    return _charts(WARD)


def _charts(variants: dict[str, str]) -> dict[str, list[dict]]:
    arrays = recorded_arrays("ablation")
    parts = ("curves", "counts", "samples")
    return {
        letter: [
            {part: arrays[f"{variant}/{seed}/{part}"] for part in parts}
            for seed in range(5)
            if f"{variant}/{seed}/curves" in arrays
        ]
        for letter, variant in variants.items()
    }


@exercise
def check_ward(answer):
    """A dict from the letters of ``WARD`` to its variants."""
    if not isinstance(answer, dict) or set(answer) != set(WARD):
        raise Wrong(f"give a dictionary with the keys {', '.join(WARD)}")
    if all(said is ... for said in answer.values()):
        raise NotImplementedError
    names = sorted(WARD.values())
    for letter, said in answer.items():
        if said not in names:
            raise Wrong(f"{letter}: expected one of {'; '.join(names)}; got {said!r}")
    for letter, right in WARD.items():
        if answer[letter] != right:
            raise Wrong(f"{letter}: {HINTS[letter]}")
    return "all five; and J is not ill, its samples are better than the baseline's"


def _looks(*classes: int) -> np.ndarray:
    """Counts of 1,000 samples at some looks, spread over so many classes each."""
    counts = np.zeros((len(classes), 10), int)
    for row, number in zip(counts, classes, strict=True):
        row[:number] = 1000 // number
        row[0] += 1000 - row.sum()
    return counts


def _few(smallest: int) -> np.ndarray:
    """Ten classes at first; at the end one has so many of 1,000 samples."""
    counts = _looks(10, 10)
    counts[1, 9], counts[1, 0] = smallest, counts[1, 0] + 100 - smallest
    return counts


def _relay() -> np.ndarray:
    """At look 1 the last class is missing; at look 2 it is back, and another is."""
    counts = _looks(10, 10, 10)
    for look, missing in ((1, 9), (2, 8)):
        counts[look, 0] += counts[look, missing]
        counts[look, missing] = 0
    return counts


# Counts -> the look from which on a class is missing, and what a wrong answer forgot.
TRIALS = (
    (_looks(1, 4, 10, 10), None, "a run that begins with one class and recovers"),
    (_looks(1, 10, 10, 6, 5), 3, "a run that loses classes at look 3"),
    (_looks(1, 3, 2), 0, "a run that never has all classes"),
    (_looks(10, 4, 10, 9), 3, "a run that loses classes twice: at look 1 and for good"),
    (_looks(10, 10, 10), None, "a run with all classes at every look"),
    (_few(10), None, "10 samples of 1,000 are 1 %, which is not below 1 %"),
    (_few(9), 1, "9 samples of 1,000 are below 1 %, although the class is not empty"),
    (_few(9)[:, ::-1], 1, "the missing class may be any of the ten"),
    (_few(10) * 5, None, "with 5,000 samples 1 % is 50"),
    (_few(9) * 5, 1, "with 5,000 samples 45 are below 1 %"),
    (_relay(), 1, "from look 1 on one class or another is missing"),
)


@exercise
def check_lost_class(answer):
    """A function: counts (looks, 10) -> the look from which on a class is missing."""
    everything = [answer(counts.copy()) for counts, *_ in TRIALS]
    if all(said is None for said in everything):
        raise NotImplementedError
    for said, (_, right, what) in zip(everything, TRIALS, strict=True):
        is_number = isinstance(said, int | np.integer) and not isinstance(said, bool)
        if said is not None and not is_number:
            raise Wrong(f"return a look's number or None; you return {said!r}")
        if said != right:
            raise Wrong(f"{what}: you return {said}, expected {right}")
    arrays = recorded_arrays("ablation")
    alarms, healthy = (
        [answer(arrays[f"{name}/{seed}/counts"]) for seed in range(5)]
        if f"{name}/4/counts" in arrays
        else [answer(arrays[f"{name}/0/counts"])]
        for name in ("latent_dim 2", "paper")
    )
    return (
        f"in the recorded runs with latent_dim 2 it says {alarms}, in the healthy ones "
        f"{healthy}"
    )


def patient(seed: int):
    """A compiled DCGAN of small networks, with one thing wrong."""
    from dcgan_keras import keras

    dcgan = _small(seed, "sigmoid")
    # The same function, which DCGAN doesn't know: it would say what is wrong.
    dcgan.generator.layers[-1].activation = keras.ops.sigmoid
    return dcgan


def _small(seed: int, output_activation: str):
    from dcgan_keras import keras
    from dcgan_keras.fast.optimizers import FusedAdam
    from dcgan_keras.models import build_discriminator, build_generator
    from dcgan_keras.training.dcgan import DCGAN

    keras.utils.set_random_seed(seed)
    same = {"kernel_size": 4, "weight_stddev": None, "fast": True}
    generator = build_generator(
        channels=(16, 16, 16, 8),
        extra_kernel_size=3,
        project_norm="channels",
        output_activation=output_activation,
        **same,
    )
    discriminator = build_discriminator(
        channels=(8, 16, 32), leaky_slope=0.01, batch_norm=None, **same
    )
    dcgan = DCGAN(generator, discriminator, seed=seed)
    dcgan.compile(*(FusedAdam(rate, beta_1=0.0, beta_2=0.95) for rate in (4e-3, 2e-3)))
    return dcgan


@exercise
def check_cured(answer):
    """A function: seed -> a compiled DCGAN of the patient's sizes that learns."""
    models = [answer(seed) for seed in (0, 1)]
    if models == [None, None]:
        raise NotImplementedError
    if models[0] is models[1]:
        raise Wrong("both seeds give the same model: build a new one in each call")
    distances = [_distance_of_cure(model, seed) for seed, model in enumerate(models)]
    sick = _trained(patient(0))[0]
    return (
        f"distances {distances[0]:.0f} and {distances[1]:.0f} after {STEPS} steps; the "
        f"patient's, trained here in the same way: {sick:.0f}"
    )


def _distance_of_cure(dcgan, seed: int) -> float:
    from dcgan_keras.training.players import TwoPlayers

    if not isinstance(dcgan, TwoPlayers):
        raise Wrong(f"return a dk.DCGAN; you return a {type(dcgan).__name__}")
    if not dcgan.compiled:
        raise Wrong("the model is not compiled")
    sick = _players(patient(seed))
    for name, player in _players(dcgan).items():
        if player.count_params() != sick[name].count_params():
            raise Wrong(
                f"the {name} has {player.count_params():,} weights, the patient's "
                f"{sick[name].count_params():,}: change one thing at a time"
            )
    if dcgan.real_label > 1:
        raise Wrong("a label above 1 is a new illness")
    distance, low, moved = _trained(dcgan)
    if low > -0.5:
        raise Wrong(
            f"after {STEPS} steps the darkest pixel of its samples is {low:.2f}, and "
            "black is -1: D needs to look at nothing else"
        )
    for name, most in moved.items():
        if most == 0:
            raise Wrong(f"no weight of the {name} moved in {STEPS} steps")
    if not distance < LIMIT:
        raise Wrong(f"the distance after {STEPS} steps is {distance:.0f}: still ill")
    return distance


def _players(dcgan) -> dict:
    return {"generator": dcgan.generator, "discriminator": dcgan.discriminator}


def _trained(dcgan) -> tuple[float, float, dict[str, float]]:
    """Train; distance and darkest pixel of 500 samples, and how far weights moved."""
    from dcgan_keras.data.datasets import load_dataset, training_batches
    from dcgan_keras.evaluation.classifier import load_classifier
    from dcgan_keras.evaluation.distances import frechet_distance
    from dcgan_keras.noise import latent_noise

    before = {name: player.get_weights() for name, player in _players(dcgan).items()}
    batches = training_batches(load_dataset("mnist").images, 32, seed=0)
    with warnings.catch_warnings():  # the check says by itself what is still wrong
        warnings.filterwarnings("ignore", "images: some values are below 0")
        for _, reals in zip(range(STEPS), batches, strict=False):
            dcgan.train_on_batch(reals)
    moved = {
        name: max(
            float(np.abs(new - old).max())
            for new, old in zip(player.get_weights(), before[name], strict=True)
        )
        for name, player in _players(dcgan).items()
    }
    z = latent_noise((500, dcgan.generator.input_shape[1]), seed=7, step=0)
    images = dcgan.generator(z, training=True).numpy()
    if not np.isfinite(images).all():
        return math.inf, -1.0, moved
    if abs(images).max() > 1:
        raise Wrong(
            f"its samples run from {images.min():.2f} to {images.max():.2f}, and "
            "images from -1 to 1"
        )
    classifier = load_classifier("mnist")
    real = classifier(load_dataset("mnist", split="test").images)[0]
    return frechet_distance(real, classifier(images)[0]), float(images.min()), moved
