"""--minutes: the steps that a machine makes in them, and then a run like any other."""

from types import SimpleNamespace

import pytest
from players import contents

from dcgan_keras.__main__ import main
from dcgan_keras.training import budget, commands
from dcgan_keras.training.runs import RunFolder

COMPILING = 4.0  # seconds of a first step
SMALL = "--dataset digits --batch-size 8 --latent-dim 3 --width 2".split()


def train(output, *options):
    return main(["train", "--output", str(output), *SMALL, *options])


class Clockwork:
    """A model whose step and whose grid take the time that it is told, on its clock."""

    latent_dim, classes, stop_training = 3, None, False

    def __init__(self, monkeypatch, step, grid=0.0):
        self.step, self.grid, self.made, self.now = step, grid, 0, 0.0
        self.pauses = {}  # seconds, by the step
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr(budget, "time", clock)

    def fit(self, batches, steps_per_epoch, callbacks, verbose):
        (watch,) = callbacks
        watch.set_model(self)
        watch.on_train_begin()
        logs = dict.fromkeys(
            ("discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy"),
            0.5,
        )
        while not self.stop_training:
            self.now += self.step if self.made else COMPILING
            self.made += 1
            self.now += self.pauses.get(self.made, 0.0)
            watch.on_train_batch_end(self.made, logs)

    def _sampling_generator(self, shared):
        def draw(noise, training):
            self.now += self.grid
            return noise

        return draw


@pytest.mark.parametrize(
    "step, grid, every, expected",
    [
        (0.01, 0.0, 100, 6000),  # 60 s in steps of 10 ms
        (0.02, 0.0, 100, 3000),
        (0.01, 0.5, 50, 3000),  # the grids take as long as the steps
    ],
)
def test_the_steps_fill_the_minutes(monkeypatch, step, grid, every, expected):
    model = Clockwork(monkeypatch, step, grid)
    found = budget.steps_within(1.0, model, None, every)
    spent = model.now + COMPILING + 15 * step  # with what the run compiles again
    assert abs(found - expected * (1 - spent / 60)) <= 1


def test_a_slow_step_is_timed_for_one_round_alone(monkeypatch):
    model = Clockwork(monkeypatch, 1.0)
    assert budget.steps_within(2.0, model, None, 100) == 120 - 2 * (COMPILING + 15) - 16
    assert model.made == 2 * budget.ROUND


def test_one_long_round_is_no_slow_step(monkeypatch):
    """As where the machine has paused: the middle one of the rounds counts."""
    monkeypatch.setattr(budget, "LEAST_SECONDS", 4.0)
    model = Clockwork(monkeypatch, 0.1)
    model.pauses = {4 * budget.ROUND: 9.0}
    found = budget.steps_within(1.0, model, None, 100)
    assert model.made == 4 * budget.ROUND
    spent = model.now + COMPILING + 15 * 0.1
    assert abs(found - (60 - spent) / 0.1) <= 1


def test_there_is_one_step_at_least(monkeypatch):
    """Also where compiling takes more than there is."""
    for minutes in (1e-6, COMPILING / 60):
        model = Clockwork(monkeypatch, 0.01)
        assert budget.steps_within(minutes, model, None, 100) == 1


@pytest.mark.parametrize("steps, decay", [(1, 1000), (6000, 1000), (48_000, 8000)])
def test_the_rates_fall_with_the_length(steps, decay):
    assert budget.decay_within(steps, 1000) == decay


@pytest.mark.parametrize("loop", ["train_step", "composite"])
def test_it_is_the_run_of_the_steps_that_it_names(monkeypatch, tmp_path, loop, capsys):
    monkeypatch.setattr(commands, "steps_within", lambda *_: 9)
    monkeypatch.setattr(commands, "decay_within", lambda *_: 4)
    assert train(tmp_path / "a", "--minutes", "2", "--loop", loop) == 0
    assert "--steps 9 --decay-steps 4" in capsys.readouterr().err
    options = ["--steps", "9", "--decay-steps", "4", "--loop", loop]
    assert train(tmp_path / "b", *options) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_clock_leaves_no_trace(monkeypatch, tmp_path, capsys):
    """The model that is timed is another: the same weights as without it."""
    monkeypatch.setattr(budget, "LEAST_SECONDS", 0.01)
    assert train(tmp_path / "a", "--minutes", "0.002") == 0
    config = RunFolder(tmp_path / "a").read_config()
    options = ["--steps", str(config["steps"])]
    options += ["--decay-steps", str(config["settings"]["decay_steps"])]
    assert train(tmp_path / "b", *options) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_a_decay_that_was_asked_for_stays(monkeypatch, tmp_path, recipe, capsys):
    given = []
    monkeypatch.setattr(commands, "steps_within", lambda *x: given.append(x) or 60_000)
    monkeypatch.setattr(commands, "_train_and_write", lambda *given: None)
    asked = ["--decay-steps", "70"] if recipe == "default" else []
    options = ["--minutes", "9", "--recipe", recipe, "--sample-every", "7", *asked]
    assert train(tmp_path / "a", *options) == 0
    said = capsys.readouterr().err
    assert "--steps 60000" in said and "--decay-steps" not in said
    assert [(x[0], x[-1]) for x in given] == [(9, 7)]  # grids take time too


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "50000", "soon", ""])
def test_what_is_no_time_is_refused(minutes, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train(tmp_path / "a", f"--minutes={minutes}")
    said = capsys.readouterr().err
    assert "expected a number above 0" in said and not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "options, named",
    [
        (["--resume"], "--resume"),
        (["--workers", "localhost:5001,localhost:5002", "--worker", "0"], "--workers"),
    ],
)
def test_a_run_that_is_not_new_or_not_alone_is_refused(
    options, named, tmp_path, capsys
):
    assert train(tmp_path / "a", "--minutes", "1", *options) == 2
    said = capsys.readouterr().err
    assert "--minutes" in said and named in said and said.count("\n") == 1
    assert not (tmp_path / "a").exists()
