"""Checks of notebook 06's exercises: counting steps, reading curves, k updates of D,
and a variant of one's own, which is trained for five CPU-seconds."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise, numbers
from dcgan_keras.lessons.recorded import recorded_table

IMAGES, BATCH_SIZE, STEPS = 60_000, 128, 1500
DIAGNOSES = ("healthy", "D is too strong", "D is not trained", "mixed batches")
# Means over the last 30 of 100 steps on MNIST, seed 1: D's loss, G's loss (nats per
# image), D's accuracy on reals, on fakes. Made as notebook 06 makes its small runs.
RUNS = {
    1: (0.59, 3.04, 0.87, 0.90),
    2: (1.30, 0.82, 0.65, 0.59),
    3: (0.00, 0.01, 1.00, 1.00),
    4: (2.47, 0.18, 0.86, 0.00),
}
ANSWERS = {
    1: "D is too strong",
    2: "healthy",
    3: "mixed batches",
    4: "D is not trained",
}
HINTS = {
    1: "D is nearly always right and G's loss is high: both say that D is ahead",
    2: "D is right on about six of ten of either kind, and neither loss is near 0",
    3: "D is always right, yet G's loss is 0: both cannot win in one game",
    4: "every fake passes for real, and D does nothing about it",
}
LOOK = 5.0  # CPU-seconds that a variant trains, as at the first look of the table
GREY = 150.0  # a Fréchet distance that samples without any digit have


@exercise
def check_counts(answer):
    """(steps an epoch, whole epochs in 1,500 steps, fakes in one step), batch 128."""
    names = ("steps an epoch", "whole epochs", "fakes a step")
    steps, epochs, fakes = numbers(
        answer, names, f"give three numbers: ({', '.join(names)})"
    )
    if steps == -(-IMAGES // BATCH_SIZE):
        raise Wrong("steps: the 469th batch would hold 96 images; it is left out")
    if steps == IMAGES:
        raise Wrong("steps: a step takes a batch of 128 images, not one image")
    if steps == BATCH_SIZE:
        raise Wrong("steps: 128 is how many images are in one batch")
    if not isinstance(steps, int):
        raise Wrong("steps: a batch is whole or left out, so it is a whole number")
    if steps != IMAGES // BATCH_SIZE:
        raise Wrong(f"steps: 60,000 images in batches of 128; you say {steps}")
    _check_epochs(epochs)
    _check_fakes(fakes)
    return "468 steps an epoch, 3 whole epochs, and two batches of fakes in each step"


def _check_epochs(epochs):
    if epochs == STEPS:
        raise Wrong("epochs: a step is not an epoch, which is a pass over the data")
    if epochs == STEPS * (IMAGES // BATCH_SIZE):
        raise Wrong("epochs: divide 1,500 by the steps of an epoch, not multiply")
    if epochs == 4:
        raise Wrong("epochs: the fourth is begun, after 1,404 steps, but not completed")
    if not isinstance(epochs, int):
        raise Wrong("epochs: only whole ones; the last one is not completed")
    if epochs != STEPS // (IMAGES // BATCH_SIZE):
        raise Wrong(f"epochs: 1,500 steps, 468 an epoch; you say {epochs}")


def _check_fakes(fakes):
    if fakes == BATCH_SIZE:
        raise Wrong("fakes: 128 for D's update (line 3), and new ones for G's (line 7)")
    if fakes == 3 * BATCH_SIZE:
        raise Wrong("fakes: three batches go through D, but one of them is real")
    if fakes in (1, 2):
        raise Wrong("fakes: count images, not batches")
    if fakes != 2 * BATCH_SIZE:
        raise Wrong(f"fakes: a batch of 128 for each player's update; you say {fakes}")


def mystery_runs() -> str:
    """Four runs on MNIST, as a table: the means of their last 30 steps."""
    lines = ["run  D's loss  G's loss  right on reals  right on fakes"]
    for name, (d_loss, g_loss, reals, fakes) in RUNS.items():
        lines.append(f"{name:3}{d_loss:10.2f}{g_loss:10.2f}{reals:16.2f}{fakes:16.2f}")
    return "\n".join(lines)


@exercise
def check_diagnoses(answer):
    """A dict from 1, 2, 3, 4 to one of ``DIAGNOSES``, for ``mystery_runs``."""
    if not isinstance(answer, dict) or set(answer) != set(RUNS):
        raise Wrong("give a dictionary with the keys 1, 2, 3 and 4")
    if all(said is ... for said in answer.values()):
        raise NotImplementedError
    for run, said in answer.items():
        if said not in DIAGNOSES:
            raise Wrong(
                f"run {run}: expected one of {', '.join(DIAGNOSES)}; got {said!r}"
            )
    if answer[4] == "healthy":
        raise Wrong("run 4: a low loss of G is no success; fakes are never recognised")
    if answer[2] == "D is not trained":
        raise Wrong("run 2: D is right more often than a coin, so it has learned")
    for run, right in ANSWERS.items():
        if answer[run] != right:
            raise Wrong(f"run {run} is not {answer[run]!r}: {HINTS[run]}")
    return "no single number told you: each diagnosis took two of them"


class _Game:
    """Writes down who was updated with what; notes a batch or noise used again."""

    def __init__(self, k: int, steps: int):
        self.k, self.steps, self.calls, self.drawn = k, steps, [], 0
        self.batches = iter([f"batch {n}" for n in range(k * steps + k + steps)])

    def noise(self) -> str:
        self.drawn += 1
        return f"noise {self.drawn}"

    def update_d(self, reals, z) -> None:
        if not (str(reals).startswith("batch") and str(z).startswith("noise")):
            raise Wrong("update_d takes a batch of reals, then noise, in this order")
        self.calls.append(("D", reals, z))

    def update_g(self, z) -> None:
        if not str(z).startswith("noise"):
            raise Wrong("update_g takes noise: G sees no real image")
        self.calls.append(("G", None, z))

    def used(self, player: str, place: int) -> list:
        return [call[place] for call in self.calls if call[0] == player]


@exercise
def check_train_k(train_k: Callable):
    """``train_k(k, steps, batches, noise, update_d, update_g)``: algorithm 1."""
    for k, steps in ((1, 2), (3, 2), (2, 5)):
        game = _Game(k, steps)
        batches: Iterator = game.batches
        train_k(k, steps, batches, game.noise, game.update_d, game.update_g)
        _check_order(game)
        _check_freshness(game)
    return "with k = 1 it is the loop of this notebook"


def _check_order(game: _Game) -> None:
    k, steps = game.k, game.steps
    order = "".join(call[0] for call in game.calls)
    mistakes = [
        ("", "nobody was updated"),
        ("G" + "D" * k, "G comes before D; the lines 2 to 6 are D's"),
        ("G" * k + "D", "G comes before D, and k belongs to D"),
        ("DG" * k, "G is updated inside the inner loop; it ends at line 6"),
        ("D" + "G" * k, "k is how often D is updated, not G"),
        ("D" * k + "G" * k, "G is updated k times as well; line 8 comes once a step"),
        ("D" * k, "G is never updated"),
        ("G", "D is never updated"),
    ]
    if k > 1:
        mistakes.append(("DG", f"D is updated once a step, but k = {k}"))
    if order == ("D" * k + "G") * steps:
        return
    for pattern, message in mistakes:
        if order == pattern * steps:
            raise Wrong(message)
    if order == "D" * k * steps + "G" * steps:
        raise Wrong("first all of D's updates, then all of G's: they must alternate")
    made = order.count("G")
    if made != steps and order.count("D") == k * made:
        raise Wrong(f"{made} steps were made, not the {steps} asked for")
    raise Wrong(f"with k = {k} the updates of {steps} steps come as {order}")


def _check_freshness(game: _Game) -> None:
    images, z_of_d, z_of_g = game.used("D", 1), game.used("D", 2), game.used("G", 2)
    if len(set(images)) < len(images):
        raise Wrong("a batch of reals is used twice: line 4 is inside the inner loop")
    if len(set(z_of_d)) < len(z_of_d):
        raise Wrong("D's noise is used twice: line 3 is inside the inner loop")
    if len(set(z_of_g)) < len(z_of_g):
        raise Wrong("G's noise is the same in two steps: draw it in each")
    if set(z_of_g) & set(z_of_d):
        raise Wrong("G is updated with D's noise: line 7 draws new noise")


@exercise
def check_variant(make: Callable):
    """``make(seed)`` -> (a compiled ``DCGAN`` for MNIST, batch size): train, place it.

    It is trained for ``LOOK`` CPU-seconds, after a first step that is compiled, and its
    samples are judged as those of the recorded bridge. The course's default is trained
    beside it in the same way, because this loop is not the one of the record.
    """
    made = make(0)
    if made is None:
        raise NotImplementedError
    dcgan, batch_size = _checked_variant(made)
    steps, distance = _trained(dcgan, batch_size)
    if not np.isfinite(distance) or distance > GREY:
        raise Wrong(
            f"after {steps} steps the distance is {distance:.0f}, as of grey squares: "
            "are both players trained, and is the learning rate not too high?"
        )
    default_steps, default_distance = _trained(*_default())
    return (
        f"distance {distance:.1f} after {steps} steps; the default, trained here in "
        f"the same way: {default_distance:.1f} after {default_steps}; "
        f"{_place(distance)}"
    )


def _default():
    from dcgan_keras import keras
    from dcgan_keras.training import recipe
    from dcgan_keras.training.dcgan import DCGAN

    keras.utils.set_random_seed(0)
    dcgan = DCGAN(*recipe.build_players(), seed=0)
    return recipe.compile_default(dcgan), recipe.BATCH_SIZE


def _checked_variant(made):
    from dcgan_keras.training.players import TwoPlayers

    if not isinstance(made, tuple | list) or len(made) != 2:
        raise Wrong("return two things: the compiled model and its batch size")
    dcgan, batch_size = made
    if not isinstance(dcgan, TwoPlayers):
        raise Wrong(f"the first is a {type(dcgan).__name__}, expected a dk.DCGAN")
    if not dcgan.compiled:
        raise Wrong("the model is not compiled: call its compile, or compile_default")
    if dcgan.generator.output_shape[1:] != (28, 28, 1):
        raise Wrong(f"G makes {dcgan.generator.output_shape[1:]}, MNIST is (28, 28, 1)")
    is_whole = isinstance(batch_size, int | np.integer)
    if not is_whole or not 2 <= batch_size <= 1024:
        raise Wrong(
            f"the batch size is {batch_size!r}, expected a whole number, 2 to 1,024"
        )
    return dcgan, int(batch_size)


def _trained(dcgan, batch_size: int) -> tuple[int, float]:
    """How many steps the CPU-seconds were enough for, and the distance after them."""
    from dcgan_keras.data.datasets import load_dataset, training_batches
    from dcgan_keras.evaluation.classifier import load_classifier
    from dcgan_keras.evaluation.distances import frechet_distance
    from dcgan_keras.noise import latent_noise
    from dcgan_keras.training.sampling import generate

    batches = iter(training_batches(load_dataset("mnist").images, batch_size))
    dcgan.train_on_batch(next(batches))  # builds the graph, which does not count
    steps, start = 1, time.process_time()
    while time.process_time() - start < LOOK:
        dcgan.train_on_batch(next(batches))
        steps += 1
    generator = dcgan.sampling_generator()
    z = latent_noise((5000, generator.input_shape[1]), seed=-2, step=0)
    images = generate(generator, z)
    if not np.isfinite(images).all():
        return steps, np.inf
    classifier = load_classifier("mnist")
    real = classifier(load_dataset("mnist", split="test").images)[0]
    return steps, frechet_distance(real, classifier(images)[0])


def _place(distance: float) -> str:
    """Between which steps of the recorded bridge, by the medians of their seeds."""
    rows = [row for row in recorded_table("bridge")[0] if row["look"] == LOOK]
    names = dict.fromkeys(row["variant"] for row in rows)
    medians = {
        name: float(np.median([r["frechet"] for r in rows if r["variant"] == name]))
        for name in names
    }
    better = [name for name, median in medians.items() if median < distance]
    if not better:
        return "nothing on the staircase is nearer after five CPU-seconds"
    if len(better) == len(medians):
        return "every step of the staircase is nearer after five CPU-seconds"
    above = max(better, key=medians.get)
    below = min(set(medians) - set(better), key=medians.get)
    return (
        f"on the staircase between '{below}' ({medians[below]:.1f}) and "
        f"'{above}' ({medians[above]:.1f})"
    )
