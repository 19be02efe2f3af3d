"""Keras callbacks that record a run and show its progress, for either loop."""

import contextlib
import signal
import sys
import time
from typing import TextIO

import numpy as np

from dcgan_keras._tensorflow import keras
from dcgan_keras.edge import Stopped, stop_signals
from dcgan_keras.labels import spread_labels, with_labels
from dcgan_keras.noise import latent_noise
from dcgan_keras.sizes import check_count, check_not_negative, check_positive
from dcgan_keras.training.runs import COLUMNS, RunFolder
from dcgan_keras.training.sampling import spread
from dcgan_keras.visualization import tile, write_png

# TensorFlow's operation that gets the next batch: where it fails, no step has begun.
READING = "IteratorGetNext"
SCALE = 2  # pixels of a grid for one of a sample, each way
MOST_ROWS = 100  # of a grid with a row a class
MOST_PIXELS = 17 * 10**7  # of a grid; of 179 million Pillow takes it for a bomb
SAMPLE_SEED = 2026  # of the fixed noise; a draw of its own, unlike any of training's


def state_of(model) -> dict[str, list]:
    """Everything that the next step depends on, by owner; see ``RunFolder.save``.

    Args:
        model: a ``DCGAN`` or a ``CompositeLoop``.
    """
    return {
        "generator": model.generator.variables,
        "discriminator": model.discriminator.variables,
        "generator_optimizer": model.generator_optimizer.variables,
        "discriminator_optimizer": model.discriminator_optimizer.variables,
    }


class History(keras.callbacks.Callback):
    """Keeps the losses and accuracies of every step, and stops on NaN.

    Args:
        start_step: how many steps have been made before.

    Attributes:
        rows: one dict of ``runs.COLUMNS`` a step.

    Raises:
        FloatingPointError: in training, at the first loss that is not finite.
    """

    def __init__(self, start_step: int = 0):
        super().__init__()
        check_count(start_step=start_step)
        self.step = int(start_step)
        self.rows: list[dict] = []

    def on_train_begin(self, logs=None):
        _check_every_step(self)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        row = {"step": self.step} | {name: float(logs[name]) for name in COLUMNS[1:]}
        for name, value in row.items():
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"{name} is {value} at step {self.step}: the weights are lost. "
                    "Lower the learning rates, or look for such values in the images."
                )
        self.rows.append(row)


class RunRecorder(History):
    """Writes a run folder: history, sample grids of a fixed noise, newest weights.

    Args:
        run: where to write.
        start_step: how many steps have been made; earlier rows are read from the run.
        save_every: steps between two savings of history and weights.
        sample_every: steps between two grids of 64 samples; of a conditional run of 8
            noises a class, the same in each row, and of more than 100 classes so many,
            evenly spread; of one with groups of 64 samples, each group as often as it
            has images.

    Raises:
        ValueError: in training, where the model has made another number of steps.
        FileNotFoundError: in training, where the run's config.json has gone, or another
            folder is in the place of the run's: it was moved or removed.
    """

    def __init__(
        self,
        run: RunFolder,
        start_step: int = 0,
        save_every: int = 500,
        sample_every: int = 100,
    ):
        super().__init__(start_step)
        check_positive(save_every=save_every, sample_every=sample_every)
        self.run, self.saved_step = run, self.step
        self.stopped_by = None  # the number of a signal, from its arrival on
        self.is_run = False  # until the training begins: whether config.json is there
        self.is_whole = True  # no step has begun that has not ended
        self.save_every, self.sample_every = int(save_every), int(sample_every)
        self.rows = run.read_history(up_to=start_step)

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        made = int(self.model.steps_made.numpy())
        if self.step != made:  # a resumed run would meet noise that it has met
            raise ValueError(
                f"start_step: expected {made}, the steps that the model has made, got "
                f"{self.step}; a run is recorded from its first step on"
            )
        latent_dim, classes = self.model.latent_dim, self.model.classes
        shares = self.model.class_shares
        has_rows = classes is not None and shares is None
        self.fixed_noise = latent_noise(
            (8 if has_rows else 64, latent_dim), SAMPLE_SEED, 0
        )
        if has_rows:
            height, width = self.model.generator.output_shape[1:3]
            most = min(MOST_ROWS, MOST_PIXELS // (8 * height * width * SCALE**2))
            asked = np.repeat(spread(classes, most), len(self.fixed_noise))
            tiled = np.tile(self.fixed_noise, (len(asked) // 8, 1))
            self.fixed_noise = with_labels(tiled, asked, classes)
        elif shares is not None:
            labels = spread_labels(len(self.fixed_noise), classes, shares)
            self.fixed_noise = with_labels(self.fixed_noise, labels, classes)
        self.is_run = self.run.is_there()
        if self.step == 0:
            self.write_samples()

    def on_train_batch_begin(self, batch, logs=None):
        self.is_whole = False

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        self.is_whole = True
        if self.step % self.sample_every == 0:
            self.write_samples()
        if self.step % self.save_every == 0 or self.stopped_by:
            self.save()
        if self.stopped_by:
            raise Stopped(self.stopped_by)

    @contextlib.contextmanager
    def stopped_between_steps(self):
        """Let Ctrl-C and SIGTERM wait for the end of a step, and save.

        Between the update of the weights and the count of the steps there is no state
        from which a run could be resumed exactly. The second signal does not wait. An
        error that left a whole step behind, as that of a file that has vanished, saves
        too.
        """

        def stop(number, frame):
            self.stopped_by = number
            restore()

        def restore():
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)

        before = {number: signal.getsignal(number) for number in stop_signals()}
        for number in before:
            signal.signal(number, stop)
        try:
            yield
        except FloatingPointError:
            raise
        except Exception as error:
            if self.model is None:  # refused before the first step
                raise
            # Of several devices one may have made its part when another could not read.
            is_shared = self.model.distribute_strategy.num_replicas_in_sync > 1
            if self.is_whole or (READING in str(error) and not is_shared):
                with contextlib.suppress(OSError, FloatingPointError):
                    self.save()
            raise
        finally:
            restore()

    def on_train_end(self, logs=None):
        self.save()

    def write_samples(self) -> None:
        """The grid of the fixed noise, as the generator is in use: inference mode."""
        self.check_run()
        generator = self.model._sampling_generator(shared=True)  # one copy a run
        images = np.asarray(generator(self.fixed_noise, training=False))
        if not np.isfinite(images).all():
            raise FloatingPointError(
                f"the samples hold NaN or infinity after step {self.step}"
            )
        write_png(self.run.sample_path(self.step), tile(images, scale=SCALE))

    def save(self) -> None:
        """Write history and weights, unless these have been written already."""
        if self.step > self.saved_step:
            self.check_run()
            self.run.save(self.step, state_of(self.model), self.rows)
            self.saved_step = self.step

    def check_run(self) -> None:
        """Refuse to write into a folder that is no longer that of the run.

        Raises:
            FileNotFoundError: its config.json has gone, or another folder is there.
        """
        is_gone = self.is_run and not self.run.is_there()
        if is_gone or self.run.is_replaced():
            why = "its config.json has gone" if is_gone else "another is in its place"
            raise FileNotFoundError(
                f"output: {self.run.path} is no longer the folder of this run, {why}; "
                f"nothing is written after step {self.step}: go on with --resume from "
                "where it is now"
            )


def _check_every_step(callback) -> None:
    """Refuse what would show a callback one step in so many."""
    at_once = getattr(callback.model, "steps_per_execution", 1)
    if at_once != 1:
        raise ValueError(
            f"steps_per_execution: expected 1 with {type(callback).__name__}, which "
            f"looks at every step, got {at_once}"
        )


class ProgressLine(keras.callbacks.Callback):
    """One line on the screen: step, losses, images a second, time left.

    Args:
        steps: the step at which the run ends.
        batch_size: images a step.
        start_step: how many steps have been made.
        stream: where to write; None: standard error. A terminal's line is written
            over; elsewhere there is a new line each tenth of the run. If it is closed,
            or closes, training goes on without the line.
        seconds: between two updates on a terminal.
        heading: a line before the first.
    """

    def __init__(
        self,
        steps: int,
        batch_size: int,
        start_step: int = 0,
        stream: TextIO | None = None,
        seconds: float = 0.5,
        heading: str = "",
    ):
        super().__init__()
        check_positive(steps=steps, batch_size=batch_size)
        check_count(start_step=start_step)
        check_not_negative(seconds=seconds)
        self.steps, self.batch_size = int(steps), int(batch_size)
        self.step = int(start_step)
        self.stream, self.seconds = stream or sys.stderr, seconds
        self.heading = heading + "\n" if heading else ""
        with self._listened():
            self.is_terminal = self.stream.isatty()

    def on_train_begin(self, logs=None):
        _check_every_step(self)
        self.shown = self.began = time.monotonic()
        self.first = None  # (time, step) after the first step, which is compiled

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        now = time.monotonic()
        self.first = self.first or (now, self.step)
        if self.stream and (self.step == self.steps or self._is_due(now)):
            self.shown = now
            with self._listened():
                self.stream.write(self.heading + self._line(now, logs))
                self.stream.flush()
            self.heading = ""

    @contextlib.contextmanager
    def _listened(self):
        try:
            yield
        except (AttributeError, OSError, ValueError):  # None, closed, a broken pipe
            self.stream = None

    def _is_due(self, now: float) -> bool:
        if self.is_terminal:
            return now - self.shown >= self.seconds
        return self.step % max(1, self.steps // 10) == 0

    def _line(self, now: float, logs: dict) -> str:
        rate = (self.step - self.first[1]) / max(now - self.first[0], 1e-9)
        left = (self.steps - self.step) / rate if rate else 0.0
        text = (
            f"step {self.step}/{self.steps}  D {logs['discriminator_loss']:.3f}  "
            f"G {logs['generator_loss']:.3f}  {rate * self.batch_size:,.0f} images/s  "
            f"{int(left) // 60}:{int(left) % 60:02d} left"
        )
        is_last = self.step == self.steps
        if not self.is_terminal:
            return text + "\n"
        return f"\r{text:<78}" + ("\n" if is_last else "")
