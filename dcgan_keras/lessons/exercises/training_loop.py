"""Checks of notebook 06's exercises: counting steps, reading curves, k updates of D,
and noise that a resumed run meets again (NumPy only)."""

from collections.abc import Callable, Iterator

import numpy as np

from dcgan_keras.lessons.exercises._check import Wrong, exercise

IMAGES, BATCH_SIZE, STEPS = 1415, 32, 400
DIAGNOSES = ("healthy", "D has won", "D is not trained", "mixed batches")
# Means over the last 50 of 150 steps on digits, seed 0: D's loss, G's loss (nats per
# image), D's accuracy on reals, on fakes. Made as notebook 06 makes its runs.
RUNS = {
    "A": (0.00, 7.25, 1.00, 1.00),
    "B": (1.32, 0.77, 0.62, 0.62),
    "C": (0.00, 0.01, 1.00, 1.00),
    "D": (3.07, 0.09, 1.00, 0.00),
}
ANSWERS = {
    "A": "D has won",
    "B": "healthy",
    "C": "mixed batches",
    "D": "D is not trained",
}
HINTS = {
    "A": "D is always right and G's loss is high: both say that D is ahead",
    "B": "D is right on 62 of 100 of either kind, and neither loss is near 0",
    "C": "D is always right, yet G's loss is 0: both cannot win in one game",
    "D": "every fake passes for real, and D does nothing about it",
}


@exercise
def check_counts(answer):
    """(steps an epoch, whole epochs in 400 steps, fakes in one step): 1,415 images."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        raise Wrong("give three numbers: (steps an epoch, whole epochs, fakes a step)")
    steps, epochs, fakes = answer
    if steps == -(-IMAGES // BATCH_SIZE):
        raise Wrong("steps: the 45th batch would hold 7 images; it is left out")
    if steps == IMAGES:
        raise Wrong("steps: a step takes a batch of 32 images, not one image")
    if steps == BATCH_SIZE:
        raise Wrong("steps: 32 is how many images are in one batch")
    if steps != int(steps):
        raise Wrong("steps: a batch is whole or left out, so it is a whole number")
    if steps != IMAGES // BATCH_SIZE:
        raise Wrong(f"steps: 1,415 images in batches of 32; you say {steps}")
    _check_epochs(epochs)
    _check_fakes(fakes)
    return "44 steps an epoch, 9 whole epochs, and two batches of fakes in each step"


def _check_epochs(epochs):
    if epochs == STEPS:
        raise Wrong("epochs: a step is not an epoch, which is a pass over the data")
    if epochs == STEPS * (IMAGES // BATCH_SIZE):
        raise Wrong("epochs: divide 400 by the steps of an epoch, not multiply")
    if epochs == 10:
        raise Wrong("epochs: the tenth is begun, after 396 steps, but not completed")
    if epochs != int(epochs):
        raise Wrong("epochs: only whole ones; the last one is not completed")
    if epochs != STEPS // (IMAGES // BATCH_SIZE):
        raise Wrong(f"epochs: 400 steps of 44 an epoch; you say {epochs}")


def _check_fakes(fakes):
    if fakes == BATCH_SIZE:
        raise Wrong("fakes: 32 for D's update (line 3), and new ones for G's (line 7)")
    if fakes == 3 * BATCH_SIZE:
        raise Wrong("fakes: three batches go through D, but one of them is real")
    if fakes in (1, 2):
        raise Wrong("fakes: count images, not batches")
    if fakes != 2 * BATCH_SIZE:
        raise Wrong(f"fakes: a batch of 32 for each player's update; you say {fakes}")


def mystery_runs() -> str:
    """Four runs on digits, as a table: the means of their last 50 steps."""
    lines = ["run  D's loss  G's loss  right on reals  right on fakes"]
    for name, (d_loss, g_loss, reals, fakes) in RUNS.items():
        lines.append(f"{name:3}{d_loss:10.2f}{g_loss:10.2f}{reals:16.2f}{fakes:16.2f}")
    return "\n".join(lines)


@exercise
def check_diagnoses(answer):
    """A dict from "A", "B", "C", "D" to one of ``DIAGNOSES``, for ``mystery_runs``."""
    if not isinstance(answer, dict) or set(answer) != set(RUNS):
        raise Wrong('give a dictionary with the keys "A", "B", "C" and "D"')
    if all(said is ... for said in answer.values()):
        raise NotImplementedError
    for run, said in answer.items():
        if said not in DIAGNOSES:
            raise Wrong(f"{run}: expected one of {', '.join(DIAGNOSES)}; got {said!r}")
    if answer["D"] == "healthy":
        raise Wrong("D: a low G loss is no success; fakes are never recognised")
    if answer["B"] == "D is not trained":
        raise Wrong("B: D is right more often than a coin, so it has learned")
    for run, right in ANSWERS.items():
        if answer[run] != right:
            raise Wrong(f"{run} is not {answer[run]!r}: {HINTS[run]}")
    return "no single number told you: each diagnosis took two of them"


class _Game:
    """Writes down who was updated with what; notes a batch or noise used again."""

    def __init__(self, k: int, steps: int):
        self.k, self.steps, self.calls, self.drawn = k, steps, [], 0
        self.batches = iter([f"batch {n}" for n in range(k * steps + k + steps)])

    def noise(self) -> str:
        self.drawn += 1
        return f"noise {self.drawn}"

    def update_d(self, images, z) -> None:
        if not (str(images).startswith("batch") and str(z).startswith("noise")):
            raise Wrong("update_d takes a batch of reals, then noise, in this order")
        self.calls.append(("D", images, z))

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
def check_noise(noise: Callable):
    """``noise(seed, step, draw, shape)``: N(0, I) that follows from its arguments."""
    shape = (200, 50)
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - to see whether it is used
    z = np.array(noise(0, 3, 0, shape), dtype=float)  # a copy
    if z.shape != shape:
        raise Wrong(f"the noise has shape {z.shape}, expected {shape}")
    _check_normal(z)
    again = np.asarray(noise(0, 3, 0, shape))
    if not np.array_equal(z, again):
        raise Wrong("the same arguments give other noise: a resumed run would differ")
    if not np.array_equal(np.random.get_state()[1], state):  # noqa: NPY002
        raise Wrong("it changes NumPy's global generator: make one of its own inside")
    _check_distinct(noise, shape)
    return "resume where you like: step 3 has the noise of step 3"


def _check_normal(z: np.ndarray) -> None:
    if z.min() >= 0:
        raise Wrong("no number is negative: that is uniform noise, not N(0, I)")
    if abs(z.std() - 1) > 0.05 or abs(z.mean()) > 0.05:
        raise Wrong(f"mean {z.mean():.2f}, deviation {z.std():.2f}; expected 0 and 1")
    if abs(z).max() < 2:
        raise Wrong("no number beyond 2: that is uniform noise, not N(0, I)")
    if len(np.unique(z[0])) < z.shape[1] or len(np.unique(z[:, 0])) < len(z):
        raise Wrong("numbers repeat: draw one for each entry of the shape")


def _check_distinct(noise: Callable, shape) -> None:
    def equal(*keys) -> bool:
        first, second = (np.asarray(noise(*key, shape)) for key in keys)
        return np.array_equal(first, second)

    if equal((0, 3, 0), (0, 4, 0)):
        raise Wrong("every step has the same noise: G would learn a few points of z")
    if equal((0, 3, 0), (0, 3, 1)):
        raise Wrong("both draws of a step are equal: G would meet D's noise again")
    if equal((0, 3, 0), (1, 3, 0)):
        raise Wrong("another seed gives the same noise")
    for other in ((0, 4, 0), (1, 3, 0), (3, 0, 0), (0, 2, 1), (1, 2, 0), (2, 2, 1)):
        for key in ((0, 3, 1), (0, 3, 0), (1, 2, 1), (2, 3, 0)):
            if key != other and equal(key, other):
                raise Wrong(
                    f"(seed, step, draw) = {key} and {other} give the same noise: "
                    "keep the three apart instead of mixing them into one number"
                )
