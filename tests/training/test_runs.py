"""Run folders: whole files or none, exact numbers, nothing pickled."""

import csv
import errno
import json
import os
import re
import zipfile

import numpy as np
import pytest

from dcgan_keras.data.clusters import Clusters
from dcgan_keras.files import UnreadableFile, write_whole
from dcgan_keras.training import runs
from dcgan_keras.training.runs import COLUMNS, RunFolder


class Variable:
    """As much of a Keras variable as a run folder needs."""

    def __init__(self, value):
        self.value = np.asarray(value)
        self.shape, self.dtype = self.value.shape, str(self.value.dtype)

    def assign(self, value):
        assert np.shape(value) == self.shape
        self.value = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


def variables(seed, shapes=((3, 2), (2,), ())):
    random = np.random.default_rng(seed)
    return [Variable(random.normal(size=shape).astype(np.float32)) for shape in shapes]


def rows(count):
    random = np.random.default_rng(count)
    return [
        dict(zip(COLUMNS, (step, *random.random(4).tolist()), strict=True))
        for step in range(1, count + 1)
    ]


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "runs" / "a")


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# Configuration ---------------------------------------------------------------


def test_configuration_reads_back(run):
    config = {"dataset": "digits", "seed": 0, "image_shape": [28, 28, 1], "x": None}
    run.write_config(config)
    assert run.read_config() == config
    text = (run.path / "config.json").read_text()
    assert json.loads(text) == config and text.endswith("\n")


def test_a_second_run_does_not_overwrite_the_first(run):
    run.check_free()
    run.write_config({"seed": 0})
    with pytest.raises(
        FileExistsError, match="output: .*holds a run already.*--resume"
    ):
        run.check_free()
    with pytest.raises(FileExistsError, match="output"):
        run.write_config({"seed": 1})
    assert run.read_config() == {"seed": 0}
    run.write_config({"seed": 2}, replace=True)
    assert run.read_config() == {"seed": 2}


def test_a_configuration_on_a_drive_that_is_unplugged_is_a_run(run):
    run.path.mkdir(parents=True)
    (run.path / "config.json").symlink_to(run.path / "unplugged")
    with pytest.raises(FileExistsError, match="holds a run already"):
        run.write_config({"seed": 0})
    assert (run.path / "config.json").is_symlink()


def test_a_missing_run_is_named(run):
    with pytest.raises(FileNotFoundError, match=f"no run in {run.path}"):
        run.read_config()
    assert run.restore({"generator": variables(0)}) == 0
    assert run.read_history() == [] and run.sample_paths() == []


# History ---------------------------------------------------------------------


def test_history_keeps_every_digit(run):
    written = rows(20)
    run.write_history(written)
    assert run.read_history() == written
    assert run.read_history(up_to=7) == written[:7]
    assert run.read_history(up_to=0) == []
    with (run.path / "history.csv").open(newline="") as file:
        table = list(csv.reader(file))
    assert tuple(table[0]) == COLUMNS and len(table) == 21
    assert b"\r" not in (run.path / "history.csv").read_bytes()


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\n1,1,1,1,1\n3,1,1,1,1\n", "place of step 2 .*'3,1,1,1,1'"),
        (f"{HEADER}\n2,1,1,1,1\n", "in place of step 1"),
        (f"{HEADER}\n1,1,1,1,1\n1,1,1,1,1\n", "in place of step 2"),
        (f"{HEADER}\n1.0,1,1,1,1\n", "in place of step 1"),
        (f"{HEADER}\n1,1,,1,1\n", "in place of step 1 .*'1,1,,1,1'"),
        (f"{HEADER}\n1,nan,1,1,1\n", "in place of step 1"),
        (f"{HEADER}\n1,1,1,inf,1\n", "in place of step 1"),
        (f"{HEADER}\n1,1,1,1,1\n2,1,1,1,0.", "line 3 is cut off"),
        (f"{HEADER}\n1,1,1,1,1\n2,1,1,1\n", "line 3 has 4 cells"),
        ("step,loss\n1,1\n", "its header is 'step,loss'"),
        ("", "its header is ''"),
    ],
    ids=[
        *("hole", "late", "twice", "float", "empty cell", "NaN", "infinity", "torn"),
        *("short", "other", "empty"),
    ],
)
def test_a_damaged_history_is_refused(run, text, said):
    write_whole(run.path / "history.csv", text.encode())
    with pytest.raises(UnreadableFile, match=rf"{run.path}/history\.csv: .*{said}"):
        run.read_history()


def test_a_history_that_is_short_or_missing_is_no_history_up_to_there(run):
    """A run that is resumed from it would have a hole, or begin in the middle."""
    with pytest.raises(UnreadableFile, match=r"history.csv: .* up to 5, .* it has 0"):
        run.read_history(up_to=5)
    run.write_history(rows(4))
    assert len(run.read_history(up_to=4)) == len(run.read_history()) == 4
    with pytest.raises(UnreadableFile, match=r"history.csv: .* up to 5, .* it has 4"):
        run.read_history(up_to=5)


def test_what_is_behind_the_saved_step_may_be_damaged(run):
    run.write_history(rows(4))
    text = (run.path / "history.csv").read_bytes()
    write_whole(run.path / "history.csv", text[:-9])
    assert run.read_history(up_to=3) == rows(4)[:3]
    with pytest.raises(UnreadableFile, match="cut off"):
        run.read_history()


# Weights ---------------------------------------------------------------------


def test_weights_read_back_bit_for_bit(run):
    saved = {"generator": variables(1), "generator_optimizer": variables(2)}
    run.save(40, saved, rows(40))
    fresh = {"generator": variables(3), "generator_optimizer": variables(4)}
    assert run.restore(fresh) == 40
    for owner, group in saved.items():
        for before, after in zip(group, fresh[owner], strict=True):
            assert before.value.tobytes() == after.value.tobytes()
            assert before.value.dtype == after.value.dtype
    assert len(run.read_history()) == 40


@pytest.mark.parametrize("count", [120, 1200])
def test_many_variables_keep_their_order(run, count):
    """Also beyond 999, where the numbers have a digit more; no two neighbours alike."""
    saved = [Variable(np.full(n % 3, n, np.float32)) for n in range(1, count)]
    run.save(1, {"generator": saved}, [])
    fresh = [Variable(np.zeros(variable.shape, np.float32)) for variable in saved]
    run.restore({"generator": fresh})
    for old, new in zip(saved, fresh, strict=True):
        assert np.array_equal(old.value, new.value)


def test_one_owner_can_be_restored_alone(run):
    saved = {"generator": variables(1), "generator_optimizer": variables(2, [(5,)])}
    run.save(3, saved, [])
    generator = variables(5)
    assert run.restore({"generator": generator}) == 3
    assert np.array_equal(generator[0].value, saved["generator"][0].value)


@pytest.mark.parametrize(
    "shapes",
    [((3, 2), (2,)), ((3, 2), (2,), (), (1,)), ((2, 3), (2,), ()), ((3, 2), (3,), ())],
    ids=["fewer", "more", "turned", "wider"],
)
def test_weights_of_other_models_are_refused_and_nothing_is_changed(run, shapes):
    saved = {"generator": variables(1), "discriminator": variables(2)}
    run.save(3, saved, [])
    generator, discriminator = variables(5), variables(6, shapes)
    before = generator[0].value
    with pytest.raises(ValueError, match="does not fit this discriminator"):
        run.restore({"generator": generator, "discriminator": discriminator})
    assert generator[0].value is before


def test_a_damaged_weights_file_is_named(run):
    run.save(3, {"generator": variables(1)}, [])
    path = run.path / "weights.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"weights\.npz"):
        run.restore({"generator": variables(1)})


FIRST, SECOND = np.ones((3, 2), np.float32), np.ones(2, np.float32)
SAVED = {"step": np.int64(3), "generator/000": FIRST, "generator/001": SECOND}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"step": None}, "it has no array step"),
        ({"step": np.int64(-3)}, "its step is no whole number above 0"),
        ({"step": np.int64(0)}, "its step"),
        ({"step": np.float64(3)}, "its step"),
        ({"step": np.array([3])}, "its step"),
        ({"step": np.array("3")}, "not numbers"),
        ({"generator/001": None}, "does not fit this generator"),
        ({"generator/001": None, "generator/002": SECOND}, "no array generator/001"),
        ({"generator/001": None, "generator/1": SECOND}, "generator"),
        ({"generator/002": SECOND}, "does not fit this generator: it holds 3 arrays"),
        ({"generator/001": np.array(["a", "b"])}, "not numbers"),
        ({"generator/001": np.array([1, None])}, "pickled"),
        ({"generator/001": np.ones(2)}, "expected float32, got <f8"),
        ({"generator/001": SECOND.astype(">f4")}, "expected float32, got >f4"),
        ({"generator/001": SECOND * np.float32(np.nan)}, "NaN or infinity"),
    ],
)
def test_weights_that_are_wrong_in_one_place_change_nothing(run, changes, said):
    saved = {k: v for k, v in (SAVED | changes).items() if v is not None}
    run.path.mkdir(parents=True)
    np.savez(run.path / "weights.npz", **saved)
    group = [Variable(np.zeros_like(FIRST)), Variable(np.zeros_like(SECOND))]
    before = [variable.value for variable in group]
    with pytest.raises(UnreadableFile, match=rf"{run.path}/weights\.npz.*{said}"):
        run.restore({"generator": group})
    assert all(v.value is b for v, b in zip(group, before, strict=True))
    np.savez(run.path / "weights.npz", **SAVED)  # and this would have been right
    assert run.restore({"generator": group}) == 3 and group[1].value[0] == 1


def test_a_claim_of_terabytes_is_refused_by_the_header(run):
    run.save(3, {"generator": variables(1), "other": variables(1)}, [])
    path = run.path / "weights.npz"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    shape, claim = b"(3, 2), }" + b" " * 12, b"(1000000, 1000000), }"
    damaged = members["generator/000.npy"].replace(shape, claim)
    members["generator/000.npy"] = damaged
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    said = "generator/000 has 24 bytes, .* asks for 4,000,000,000,000"
    with pytest.raises(UnreadableFile, match=said):
        run.restore({"generator": variables(1)})
    assert run.restore({"other": variables(2)}) == 3


@pytest.mark.parametrize("name", ["weights.npz", "config.json", "history.csv"])
@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_is_no_file_is_not_taken_for_missing(run, name, kind):
    """weights.npz a folder: the run would begin again, and write over its history."""
    run.path.mkdir(parents=True)
    if kind == "folder":
        (run.path / name).mkdir()
    elif kind == "link":
        (run.path / name).symlink_to(run.path / "unplugged")
    else:
        os.mkfifo(run.path / name)
    read = {
        "weights.npz": lambda: run.restore({}),
        "config.json": run.read_config,
        "history.csv": run.read_history,
    }
    with pytest.raises(UnreadableFile, match=rf"{name}: expected .*it is a.*{kind}"):
        read[name]()


@pytest.mark.parametrize("name", ["weights.npz", "clusters.npz"])
def test_what_is_on_a_drive_that_is_unplugged_is_not_taken_for_missing(run, name):
    run.path.mkdir(parents=True)
    (run.path / name).symlink_to(run.path / "unplugged")
    reads = [
        lambda: run.saved_shape("generator/000"),
        run.saved_answers,
        lambda: run.read_clusters(3, 1),
    ]
    for read in reads[:2] if name == "weights.npz" else reads[2:]:
        with pytest.raises(UnreadableFile, match=rf"{name}: expected .*link"):
            read()
    with pytest.raises(FileExistsError, match=f"{name} is there without"):
        run.check_free()


@pytest.mark.parametrize("text", ["", "[]", "nothing", '"{}"'])
def test_a_configuration_that_is_no_object_is_refused(run, text):
    write_whole(run.path / "config.json", text.encode())
    with pytest.raises(UnreadableFile, match=rf"{run.path}/config\.json: expected"):
        run.read_config()


def test_a_file_in_the_place_of_the_grids_is_named_before_a_training(run):
    write_whole(run.path / "samples", b"")
    with pytest.raises(UnreadableFile, match=f"{run.path}/samples: expected a folder"):
        run.check_free()
    with pytest.raises(UnreadableFile, match="samples"):
        run.write_config({"seed": 0})
    write_whole(run.path / "config.json", b"{}")
    with pytest.raises(UnreadableFile, match="samples"):
        run.read_config()


def test_nothing_is_pickled(run):
    run.write_config({"seed": 0})
    run.save(3, {"generator": variables(1)}, rows(3))
    assert files(run.path) == ["config.json", "history.csv", "weights.npz"]
    with np.load(run.path / "weights.npz", allow_pickle=False) as saved:
        assert all(saved[name].dtype != object for name in saved.files)
        assert int(saved["step"]) == 3


def test_a_crash_between_history_and_weights_loses_no_step(run, monkeypatch):
    """The history is written first; what is beyond the weights is left out."""
    run.save(3, {"generator": variables(1)}, rows(3))
    write = runs.write_whole

    def crash(path, content):
        if path.name == "weights.npz":
            raise OSError("killed")
        write(path, content)

    monkeypatch.setattr(runs, "write_whole", crash)
    with pytest.raises(OSError, match="killed"):
        run.save(6, {"generator": variables(2)}, rows(6))
    step = run.restore({"generator": variables(9)})
    assert step == 3 and len(run.read_history()) == 6
    assert [row["step"] for row in run.read_history(up_to=step)] == [1, 2, 3]


def test_sample_grids_sort_as_their_steps(run):
    for step in (1000, 20, 0, 300):
        write_whole(run.sample_path(step), b"")
    assert [int(p.stem[5:]) for p in run.sample_paths()] == [0, 20, 300, 1000]
    for step in (1_000_000, 200_000):
        write_whole(run.sample_path(step), b"")
    (run.path / "samples" / "step_best.png").write_bytes(b"")
    steps = [int(p.stem[5:]) for p in run.sample_paths()]
    assert steps == [0, 20, 300, 1000, 200_000, 1_000_000]
    run.remove_samples_after(300)
    assert [int(p.stem[5:]) for p in run.sample_paths()] == [0, 20, 300]


# What outlives a run ---------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("owner", ["generator", "generator_optimizer"])
def test_weights_that_are_lost_are_not_written_over_good_ones(run, owner, value):
    groups = {"generator": variables(1), "generator_optimizer": variables(2)}
    run.save(3, groups, rows(3))
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    groups[owner][1].value[0] = value
    said = f"{owner}: 1 of its arrays hold NaN or infinity after step 6"
    with pytest.raises(FloatingPointError, match=said):
        run.save(6, groups, rows(6))
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


def test_whole_numbers_are_finite(run):
    run.save(1, {"generator_optimizer": [Variable(np.int64(7))]}, rows(1))
    assert run.restore({}) == 1


LEFT = [".config.json.07f2ab1c", ".weights.npz.12345678", ".history.csv.abcdef01"]
LEFT += [".training.gif.00000000", "samples/.step_000200.png.a1b2c3d4"]


def test_what_kills_left_is_removed_and_nothing_else(run):
    run.save(3, {"generator": variables(1)}, rows(3))
    write_whole(run.sample_path(0), b"")
    others = [".notes", ".weights.npy.12345678", "samples/.hidden.png.12345678"]
    for name in LEFT + others:
        (run.path / name).write_bytes(b"half")
    with run.writing():
        found = {str(p.relative_to(run.path)) for p in run.path.rglob(".*")}
        assert found == {".lock", *others}
    assert not (run.path / ".lock").exists()
    assert run.restore({}) == 3 and len(run.sample_paths()) == 1


def test_a_folder_that_may_not_be_entered_is_not_without_a_run(run, monkeypatch):
    def refused(path, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "lstat", refused)  # as for whoever is not root
    name = re.escape(str(run.path / "config.json"))
    for look in (run.is_there, run.read_config, run.check_free):
        with pytest.raises(PermissionError, match=f"Permission denied: '{name}'"):
            look()


def test_two_cannot_write_one_run(run):
    with run.writing():
        (run.path / LEFT[1]).write_bytes(b"half")
        with pytest.raises(BlockingIOError, match="another training .*name another"):
            with RunFolder(run.path).writing():
                pass
        assert (run.path / LEFT[1]).exists()
    with pytest.raises(BlockingIOError, match="^mine$"), run.writing():
        raise BlockingIOError("mine")  # of another thing than the lock
    with run.writing():
        assert not (run.path / LEFT[1]).exists()


def test_a_film_is_missing_or_older_than_the_newest_grid(run):
    gif = run.path / "training.gif"
    write_whole(run.sample_path(0), b"")
    assert not run.needs_gif()  # one picture is no film
    write_whole(run.sample_path(10), b"")
    assert run.needs_gif()
    write_whole(gif, b"")
    os.utime(gif, ns=(10**18, run.sample_path(10).stat().st_mtime_ns + 1))
    assert not run.needs_gif()
    os.utime(gif, ns=(10**18, run.sample_path(10).stat().st_mtime_ns - 1))
    assert run.needs_gif()


def test_groups_come_back_as_they_were_written(tmp_path):
    centres = np.random.default_rng(0).normal(size=(3, 5, 5, 1)).astype(np.float32)
    run = RunFolder(tmp_path)
    run.write_clusters(Clusters(centres, np.array([7, 2, 1])))
    found = run.read_clusters(3, 1)
    np.testing.assert_array_equal(found.centres, centres)
    np.testing.assert_array_equal(found.counts, [7, 2, 1])  # one image is a group
    assert found.edges is None and found.spreads is None  # as in older runs
    edges = np.random.default_rng(1).random((3, 1, 1, 8), np.float32)
    spreads = np.array([2, 0.5], np.float32)
    whole = Clusters(centres, np.array([7, 2, 1]), edges, spreads)
    run.write_clusters(whole)
    for one, other in zip(run.read_clusters(3, 1), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    run.write_clusters(Clusters(centres, np.array([7, 2, 0])))
    with pytest.raises(UnreadableFile, match="a group has no image"):
        run.read_clusters(3, 1)


def test_groups_of_more_numbers_than_there_are_are_refused_by_the_header(
    tmp_path, monkeypatch
):
    run, centres = RunFolder(tmp_path), np.zeros((3, 5, 5, 1), np.float32)
    run.write_clusters(Clusters(centres, np.array([7, 2, 1])))
    monkeypatch.setattr(runs, "MOST_NUMBERS", centres.size)
    assert run.read_clusters(3, 1).centres.size == centres.size
    monkeypatch.setattr(runs, "MOST_NUMBERS", centres.size - 1)
    with pytest.raises(UnreadableFile, match=r"centres is <f4 \(3, 5, 5, 1\)"):
        run.read_clusters(3, 1)


def test_the_names_in_a_configuration_are_sorted(tmp_path):
    run = RunFolder(tmp_path)
    run.write_config({"seed": 0, "dataset": "digits"})
    text = (tmp_path / "config.json").read_text()
    assert text.index("dataset") < text.index("seed")


@pytest.mark.parametrize(
    "name",
    [
        "weights.npz",
        "history.csv",
        "clusters.npz",
        "training.gif",
        "samples/step_000007.png",
    ],
)
def test_files_of_a_runs_names_without_a_run_are_kept(run, name):
    write_whole(run.path / name, b"somebody's own")
    with pytest.raises(FileExistsError, match=f"{name} is there without"):
        run.check_free()
    write_whole(run.path / "samples/mine.png", b"")
    (run.path / name).unlink()
    run.check_free()


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path):
    (tmp_path / "mk.py").write_text("")
    for path in (tmp_path / "mk.py", tmp_path / "mk.py" / "a" / "b"):
        with pytest.raises(NotADirectoryError, match=r"--output.*mk\.py is none"):
            RunFolder(path).check_free()


def test_weights_that_have_gone_are_not_taken_for_a_beginning(run):
    run.save(3, {"generator": variables(1)}, rows(3))
    (run.path / "weights.npz").unlink()
    assert run.restore({"generator": variables(2)}) == 0  # killed in its first saving
    (run.path / "training.gif").write_bytes(b"")  # which comes at the end
    with pytest.raises(FileNotFoundError, match=r"weights\.npz is missing.* 3 steps"):
        run.restore({"generator": variables(2)})
