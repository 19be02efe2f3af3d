"""Callbacks: what a run records, when, and what the screen shows."""

import io
import os
import signal
import threading

import imageio.v3 as imageio
import numpy as np
import pytest
from players import build_players, reals

from dcgan_keras.edge import Stopped
from dcgan_keras.training import callbacks
from dcgan_keras.training.callbacks import History, ProgressLine, RunRecorder, state_of
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.runs import COLUMNS, RunFolder
from dcgan_keras.visualization import tile

LOGS = dict(zip(COLUMNS[1:], (1.25, 0.5, 0.75, 1.0), strict=True))


@pytest.fixture(scope="module")
def dcgan():
    model = DCGAN(*build_players())
    model.compile()
    return model


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "a")


def composite_loop():
    loop = CompositeLoop(*build_players())
    loop.compile()
    return loop


def recorded(run, dcgan, steps, **options):
    recorder = RunRecorder(run, **options)
    recorder.set_model(dcgan)
    dcgan.steps_made.assign(recorder.step)
    recorder.on_train_begin()
    dcgan.steps_made.assign(0)  # nothing is trained
    for step in range(steps):
        recorder.on_train_batch_end(step, LOGS)
    return recorder


# History ---------------------------------------------------------------------


def test_history_keeps_one_row_a_step():
    history = History(start_step=4)
    for _ in range(3):
        history.on_train_batch_end(0, LOGS | {"another": 1.0})
    assert history.rows == [{"step": step} | LOGS for step in (5, 6, 7)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["discriminator_loss", "generator_loss"])
def test_the_first_number_that_is_lost_stops_the_run(name, value):
    history = History()
    history.on_train_batch_end(0, LOGS)
    with pytest.raises(FloatingPointError, match=f"{name} is .* at step 2.*learning"):
        history.on_train_batch_end(1, LOGS | {name: value})
    assert len(history.rows) == 1


# What a run folder gets ------------------------------------------------------


def test_state_is_everything_that_changes():
    """Both loops name the same owners; each holds both players' optimizers' slots."""
    generator, discriminator = build_players()
    dcgan = DCGAN(generator, discriminator)
    dcgan.compile()
    state = state_of(dcgan)
    assert list(state) == list(state_of(composite_loop()))
    for player, optimizer in (
        (generator, "generator_optimizer"),
        (discriminator, "discriminator_optimizer"),
    ):
        slots = [v for v in state[optimizer] if len(v.shape)]
        assert len(slots) == 2 * len(player.trainable_variables)  # Adam's m and v
    assert len(state["generator"]) == len(generator.weights)


def test_recorder_saves_and_draws_when_it_is_due(run, dcgan):
    recorder = recorded(run, dcgan, 7, save_every=3, sample_every=2)
    assert [path.stem for path in run.sample_paths()] == [
        f"step_{step:06d}" for step in (0, 2, 4, 6)
    ]
    assert run.restore({}) == 6
    assert [row["step"] for row in run.read_history()] == list(range(1, 7))
    recorder.on_train_end()
    assert run.restore({}) == 7 and len(run.read_history()) == 7


def test_a_recorder_that_counts_otherwise_than_the_model_is_refused(run):
    model = DCGAN(*build_players())
    model.compile()
    recorder = RunRecorder(run)
    for _ in range(2):
        model.fit(reals(), callbacks=[recorder], verbose=0)
    assert recorder.step == model.steps_made.numpy() == 2
    model.fit(reals(), verbose=0)
    said = "^start_step: expected 3, the steps that the model has made, got "
    for late, step in ((recorder, 2), (RunRecorder(run), 0)):
        with pytest.raises(ValueError, match=f"{said}{step}; a run is recorded from"):
            model.fit(reals(), callbacks=[late], verbose=0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: History(-1), "start_step: expected a whole number >= 0, got -1"),
        (lambda: History("3"), "start_step: expected a whole number >= 0, got '3'"),
        (lambda: ProgressLine(0, 8), "steps: expected a whole number >= 1, got 0"),
        (lambda: ProgressLine(3, "8"), "batch_size: expected a whole number >= 1"),
        (lambda: ProgressLine(3, 8, -1), "start_step: expected a whole number >= 0"),
        (lambda: ProgressLine(3, 8, seconds=np.nan), "seconds: expected a number >= 0"),
    ],
)
def test_numbers_that_are_none_are_refused(make, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        make()


def test_recorder_does_not_write_the_same_step_twice(run, dcgan, monkeypatch):
    recorder = recorded(run, dcgan, 3, save_every=3)
    monkeypatch.setattr(run, "save", lambda *arguments: pytest.fail("saved again"))
    recorder.on_train_end()


def test_recorder_goes_on_where_the_weights_were_saved(run, dcgan):
    recorded(run, dcgan, 4, save_every=2)
    before = run.read_history()
    recorder = recorded(run, dcgan, 2, start_step=2, save_every=2)
    assert run.read_history() == before and recorder.step == 4
    assert [path.stem for path in run.sample_paths()] == ["step_000000"]


def test_sample_grids_are_64_of_one_fixed_noise_in_inference_mode(run, dcgan):
    recorder = recorded(run, dcgan, 2, save_every=2, sample_every=2)
    first, second = (imageio.imread(path) for path in run.sample_paths())
    assert np.array_equal(first, second)  # nothing was trained in between
    assert first.shape == (8 * 16 * 2, 8 * 16 * 2, 3)
    images = dcgan.generator(recorder.fixed_noise, training=False)
    assert np.array_equal(first, tile(images, scale=2))
    for start_step in (0, 2):  # a new run, and this one resumed
        again = recorded(run, dcgan, 0, start_step=start_step)
        assert np.array_equal(again.fixed_noise, recorder.fixed_noise)


def test_saved_state_restores_into_other_models(run, dcgan):
    recorded(run, dcgan, 1).on_train_end()
    other = DCGAN(*build_players(seed=33))
    other.compile()
    assert run.restore(state_of(other)) == 1
    for owner, variables in state_of(dcgan).items():
        for one, same in zip(variables, state_of(other)[owner], strict=True):
            assert np.array_equal(one, same), owner


# Stopped ---------------------------------------------------------------------


@pytest.fixture
def handlers():
    """Those of Python, also where the tests were started with signals ignored."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1],
    ids=lambda n: n.name,
)
def test_a_signal_waits_for_the_end_of_the_step_and_saves(run, dcgan, number):
    before = signal.getsignal(number)
    recorder = recorded(run, dcgan, 2)
    with pytest.raises(Stopped) as stopped, recorder.stopped_between_steps():
        recorder.on_train_batch_begin(2)
        os.kill(os.getpid(), number)
        assert run.restore({}) == 0  # nothing was saved in the middle
        assert signal.getsignal(number) == before  # the second does not wait
        recorder.on_train_batch_end(2, LOGS)
    assert stopped.value.number == number and run.restore({}) == 3
    assert signal.getsignal(number) == before


def failed(recorder, error, in_step):
    with pytest.raises(type(error)), recorder.stopped_between_steps():
        recorder.on_train_batch_begin(2)
        if not in_step:
            recorder.on_train_batch_end(2, LOGS)
        raise error


@pytest.mark.parametrize(
    ("error", "in_step", "saved"),
    [
        (OSError("a grid cannot be written"), False, 3),
        (RuntimeError("FileNotFoundError: a.png [[IteratorGetNext]]"), True, 2),
        (RuntimeError("out of memory in the step"), True, 0),
        (KeyboardInterrupt(), True, 0),  # the second Ctrl-C
        (FloatingPointError("nan"), False, 0),
    ],
    ids=["callback", "reading", "step", "Ctrl-C twice", "nan"],
)
def test_an_error_saves_what_is_whole(run, dcgan, error, in_step, saved):
    failed(recorded(run, dcgan, 2), error, in_step)
    assert run.restore({}) == saved and len(run.read_history()) == saved


def test_a_full_disk_is_the_error_that_is_told(run, dcgan, monkeypatch):
    def full(*arguments):
        raise OSError("disk full, saving")

    recorder = recorded(run, dcgan, 2)
    monkeypatch.setattr(run, "save", full)
    error = OSError("disk full, drawing")
    with pytest.raises(OSError, match="drawing"), recorder.stopped_between_steps():
        raise error
    assert recorder.saved_step == 0


def test_a_thread_trains_without_signals(run, dcgan):
    recorder, found = recorded(run, dcgan, 1), []

    def work():
        with recorder.stopped_between_steps():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_weights_that_are_lost_in_the_step_that_saves_are_not_kept(run):
    """The loss of a step is that before its update: finite, and the weights are not."""
    dcgan = DCGAN(*build_players())
    dcgan.compile()
    recorder = recorded(run, dcgan, 4, save_every=2)
    weight = dcgan.generator.trainable_variables[0]
    good, grid = weight.numpy(), run.sample_paths()
    weight.assign(good * np.nan)
    with pytest.raises(FloatingPointError, match="generator: 1 of .* after step 6"):
        for step in (4, 5):
            recorder.on_train_batch_end(step, LOGS)
    assert recorder.saved_step == 4 and run.sample_paths() == grid
    with pytest.raises(FloatingPointError, match="the samples hold NaN .* after step"):
        recorder.write_samples()
    assert run.sample_paths() == grid
    weight.assign(good * 0)
    assert run.restore(state_of(dcgan)) == 4
    assert np.array_equal(weight, good)
    assert len(run.read_history()) == 4


# The line on the screen ------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Every look at the clock is a quarter of a second after the last one."""
    ticks = iter(np.arange(0, 1e6, 0.25))
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: float(next(ticks)))


def shown(stream, steps=20, start_step=0, **options):
    line = ProgressLine(steps, 8, start_step, stream=stream, **options)
    line.on_train_begin()
    for step in range(start_step, steps):
        line.on_train_batch_end(step, LOGS)
    return stream.getvalue()


def test_a_file_gets_a_line_each_tenth_of_the_run(clock):
    lines = shown(io.StringIO()).splitlines()
    assert [line.split()[1] for line in lines] == [f"{n}/20" for n in range(2, 21, 2)]
    assert all("\r" not in line for line in lines)
    # a step each quarter of a second is 32 images a second; 10 steps take 2.5 s
    assert lines[4] == "step 10/20  D 1.250  G 0.500  32 images/s  0:02 left"
    assert lines[-1].endswith("0:00 left")


def test_a_run_of_no_round_number_of_steps_ends_with_a_line(clock):
    lines = shown(io.StringIO(), steps=25).splitlines()
    assert [line.split()[1] for line in lines[-2:]] == ["24/25", "25/25"]


def test_the_rate_of_less_than_a_second_is_none_of_a_second(clock):
    lines = shown(io.StringIO()).splitlines()
    assert "32 images/s" in lines[0]  # after a quarter of a second


def test_a_terminal_line_is_written_over_and_ended_once(clock):
    text = shown(Terminal(), seconds=1.0)
    assert text.count("\n") == 1 and text.endswith("\n")
    parts = text.rstrip("\n").split("\r")
    assert parts[0] == "" and len(parts) == 1 + 5  # each fourth step
    assert {len(part) for part in parts[1:]} == {78}
    assert parts[-1].startswith("step 20/20")


def test_a_resumed_run_counts_on(clock):
    lines = shown(io.StringIO(), steps=20, start_step=15).splitlines()
    assert [line.split()[1] for line in lines] == ["16/20", "18/20", "20/20"]
    assert "32 images/s" in lines[-1]


def test_a_run_of_one_step_has_its_line(clock):
    assert shown(io.StringIO(), steps=1).startswith("step 1/1  D 1.250  G 0.500")


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


@pytest.mark.parametrize("kind", ["none", "closed", "broken"])
def test_training_goes_on_where_nobody_reads_the_line(kind, clock, monkeypatch):
    stream = Broken() if kind == "broken" else io.StringIO()
    stream.isatty = lambda: False
    if kind == "closed":
        stream.close()
    if kind == "none":
        monkeypatch.setattr(callbacks.sys, "stderr", None)
        stream = None
    line = ProgressLine(20, 8, stream=stream)
    line.on_train_begin()
    for step in range(20):
        line.on_train_batch_end(step, LOGS)
    assert line.step == 20 and line.stream is None


def test_the_heading_comes_once_and_first(clock):
    lines = shown(io.StringIO(), heading="device: CPU").splitlines()
    assert lines[0] == "device: CPU" and lines[1].startswith("step 2/20")
    assert len(lines) == 11
