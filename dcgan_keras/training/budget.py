"""How many steps fit into some minutes on this machine.

A model of the same kind is trained for a moment and thrown away, so that a run of
``--minutes`` is, bit for bit, the run of the ``--steps`` that it chose.
"""

import time

import numpy as np

from dcgan_keras.noise import latent_noise
from dcgan_keras.training.callbacks import History

ROUND = 16  # steps; in one of them D's gradient at the real images is held flat (R1)
LEAST_SECONDS = 2.0  # of the steps that are timed; one round at least
GRID = 64  # samples


def steps_within(minutes: float, model, batches, sample_every: int) -> int:
    """How many steps, and the grids between them, the machine makes in some minutes.

    Args:
        minutes: of wall time, more than 0.
        model: a compiled ``DCGAN`` or ``CompositeLoop``, which is trained: one that is
            not needed any more.
        batches: of the training, without end.
        sample_every: steps from one grid of samples to the next.

    Returns:
        At least 1. Taken off the minutes is what the clock took, and once more its
        first round, in which the step is compiled, as it will be again.
    """
    began = time.perf_counter()
    watch = _Stopwatch(began)
    model.fit(batches, steps_per_epoch=10**6, callbacks=[watch], verbose=0)
    compiling, *rounds = watch.rounds
    a_step = np.median(rounds) / ROUND + _grid_seconds(model) / sample_every
    spent = time.perf_counter() - began + compiling
    return max(1, int((minutes * 60 - spent) / a_step))


def decay_within(steps: int, least: int) -> int:
    """The step at which the learning rates are halved, for a run of so many steps.

    Args:
        steps: of the run.
        least: the recipe's own, right for a run of up to six times as many steps.

    Returns:
        A sixth of the steps, or ``least``: see "Longer runs" in benchmarks/README.md.
    """
    return max(least, steps // 6)


class _Stopwatch(History):
    """Times rounds of steps, of which the first is compiled, then stops.

    Args:
        began: the time at which ``fit`` was called.
    """

    def __init__(self, began: float):
        super().__init__()
        self.last, self.rounds = began, []

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.step % ROUND:
            return
        now = time.perf_counter()
        self.rounds.append(now - self.last)
        self.last = now
        if sum(self.rounds[1:]) >= LEAST_SECONDS:
            self.model.stop_training = True


def _grid_seconds(model) -> float:
    length = model.latent_dim + (model.classes or 0)
    noise = latent_noise((GRID, length), 0, 0)
    for _ in range(2):  # the first is compiled
        began = time.perf_counter()
        generator = model._sampling_generator(shared=True)  # as the run's own grids
        np.asarray(generator(noise, training=False))
    return time.perf_counter() - began
