"""Run folders: what a training run leaves behind, written whole or not at all.

    config.json         how the run was made: data, models, seed, versions
    history.csv         one row a step
    weights.npz         both players and both optimizers at the newest saved step
    clusters.npz        with --clusters: the mean picture of each, and how many it has
    samples/            grids of the fixed noise, step_000200.png

Every file is written under another name and moved into place, so that a run that is
killed leaves the last complete file. Nothing is pickled. While a command trains it
holds a lock, .lock, against a second one.
"""

import contextlib
import csv
import io
import itertools
import json
import math
import os
import re
from pathlib import Path

import numpy as np

from dcgan_keras.data.archives import NpzArrays, open_npz
from dcgan_keras.data.clusters import CELL, DIRECTIONS, FAINT, Clusters
from dcgan_keras.files import (
    UnreadableFile,
    check_place,
    decoding,
    is_at,
    lock_file,
    read_json,
    read_rows,
    remove_leftovers,
    write_whole,
)

COLUMNS = (
    "step",
    "discriminator_loss",
    "generator_loss",
    "real_accuracy",
    "fake_accuracy",
)

MOST_NUMBERS = 2**24  # in clusters.npz
MOST_COUNTED = 2**32  # pictures of a group; so many have a sum
WRITTEN = ("config.json", "history.csv", "weights.npz", "clusters.npz", "training.gif")
GRIDS = re.compile(r"step_([0-9]{6,})\.png")


class RunFolder:
    """A folder with a run in it.

    Args:
        path: the folder; made if it is not there.

    Example:
        >>> run = RunFolder("runs/a")
        >>> run.write_config({"dataset": "digits", "seed": 0})
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._held: int | None = None  # the folder, open, while it is written

    def write_config(self, config: dict, replace: bool = False) -> None:
        """Start a run here, or change what is written of it.

        Args:
            config: what JSON can hold.
            replace: whether a run may be here already.

        Raises:
            FileExistsError: a run is here already, and was not expected.
        """
        if not replace:
            self._check_no_run()
        text = json.dumps(config, indent=2, sort_keys=True) + "\n"
        write_whole(self.path / "config.json", text.encode())

    def check_free(self) -> None:
        """Refuse a folder that holds a run, or files that a run would write over.

        Raises:
            FileExistsError: a run is here already, or what may be left of one.
            NotADirectoryError: a file is in the way of the folder.
            files.UnreadableFile: samples is there, and no folder.
        """
        check_place(self.path)
        self._check_no_run()
        left = [self.path / name for name in WRITTEN] + self.sample_paths()
        left = [path for path in left if os.path.lexists(path)]
        if [path.name for path in left] == ["clusters.npz"] and self._has_groups():
            return  # of a run that was killed before its config.json was written
        for path in left:
            raise FileExistsError(
                f"output: {path} is there without the config.json of a run, and a new "
                "run would write over it; name another folder, or remove the file"
            )

    def _has_groups(self) -> bool:
        """Whether clusters.npz holds the groups of a run."""
        path = self.path / "clusters.npz"
        try:
            with open_npz(path, "the groups of a run's images") as saved:
                return bool(_group_headers(saved)) and not path.is_symlink()
        except UnreadableFile:
            return False

    def _check_no_run(self) -> None:
        if self.is_there():
            raise FileExistsError(
                f"output: {self.path} holds a run already; add --resume to go on with "
                "it, or name another folder"
            )
        self._check_samples()

    def is_there(self) -> bool:
        """Whether a run is here: config.json alone says so.

        Raises:
            PermissionError: the folder may not be entered.
        """
        try:
            os.lstat(self.path / "config.json")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        return True

    def read_config(self) -> dict:
        """What config.json says of the run; ``configuration.read_config`` checks it.

        Raises:
            FileNotFoundError: there is no run here.
            PermissionError: the folder may not be entered.
            files.UnreadableFile: config.json holds no JSON object, or samples is no
                folder.
        """
        path = self.path / "config.json"
        if not self.is_there():
            raise FileNotFoundError(
                f"run: there is no run in {self.path} (no {path.name})"
            )
        self._check_samples()
        return read_json(path, "the configuration of a run")

    def save(self, step: int, groups: dict[str, list], history: list[dict]) -> None:
        """Write the history up to ``step``, then the weights at ``step``.

        Args:
            step: how many steps have been made.
            groups: variables by owner, for example {"generator": model.variables}.
            history: one dict of ``COLUMNS`` a step.

        Raises:
            FloatingPointError: a value is not finite; nothing has been written, so
                that the last good weights stay.
        """
        arrays = {"step": np.int64(step)}
        for owner, variables in groups.items():
            for number, variable in enumerate(variables):
                arrays[f"{owner}/{number:03d}"] = np.asarray(variable)
            _check_finite(owner, step, arrays)
        self.write_history(history)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_whole(self.path / "weights.npz", buffer.getvalue())

    def restore(self, groups: dict[str, list]) -> int:
        """Put the newest saved values into the variables.

        Args:
            groups: as for ``save``; owners that are not named are left alone.

        Returns:
            The step at which they were saved; 0 if nothing has been saved yet.

        Raises:
            FileNotFoundError: a run that came to its end has lost its weights. (One
                that was killed within its first saving never had any.)
            files.UnreadableFile: the saved weights are those of other models, or
                damaged; no variable has been changed.
        """
        path = self.path / "weights.npz"
        if not os.path.lexists(path):
            if os.path.lexists(self.path / "training.gif"):  # written at the end
                made = len(self.read_history())
                raise FileNotFoundError(
                    f"run: {path} is missing, and history.csv beside it has {made:,} "
                    "steps; put the file back, or begin a run in another folder"
                )
            return 0
        with open_npz(path, "the weights of a run") as saved:
            step = _read_step(saved)
            for owner, variables in groups.items():
                _check_shapes(owner, path, saved, variables)
            values = {
                owner: [
                    _read_like(variable, f"{owner}/{number:03d}", saved)
                    for number, variable in enumerate(variables)
                ]
                for owner, variables in groups.items()
            }
        for owner, variables in groups.items():
            for variable, value in zip(variables, values[owner], strict=True):
                variable.assign(value)
        return step

    def saved_shape(self, name: str) -> tuple[int, ...] | None:
        """The shape that a saved array has, such as "generator/000".

        Returns:
            None if nothing has been saved yet.

        Raises:
            files.UnreadableFile: weights.npz is damaged, or has no such array.
        """
        path = self.path / "weights.npz"
        if not os.path.lexists(path):
            return None
        with open_npz(path, "the weights of a run") as saved:
            return saved.header(name).shape

    def saved_answers(self) -> int | None:
        """How many answers the saved D gives an image: those of its last layer.

        Returns:
            None if nothing has been saved yet, or D has not been kept.

        Raises:
            files.UnreadableFile: weights.npz is damaged.
        """
        path = self.path / "weights.npz"
        if not os.path.lexists(path):
            return None
        with open_npz(path, "the weights of a run") as saved:
            names = _names_of("discriminator", saved)
            shape = saved.header(names[-1]).shape if names else ()
        return shape[-1] if shape else None

    def write_clusters(self, clusters: Clusters) -> None:
        """Write the groups that stand for labels in this run."""
        buffer = io.BytesIO()
        arrays = clusters._asdict()
        np.savez(buffer, **{n: x for n, x in arrays.items() if x is not None})
        write_whole(self.path / "clusters.npz", buffer.getvalue())

    def read_clusters(
        self, classes: int, channels: int, sides: tuple[int, int] | None = None
    ) -> Clusters:
        """The groups that stand for labels in this run.

        Args:
            classes: how many there have to be.
            channels: that their pictures have to have.
            sides: the height and width that they have to have; None: any.

        Raises:
            FileNotFoundError: clusters.npz is not there.
            files.UnreadableFile: it is damaged, or of another run.
        """
        path = self.path / "clusters.npz"
        if not os.path.lexists(path):
            raise FileNotFoundError(
                f"run: {path} is missing, which says how this run groups its images"
            )
        with open_npz(path, "the groups of a run's images") as saved:
            found = Clusters(*(saved.read(name) for name in _group_headers(saved)))
            shape, counts = found.centres.shape, found.counts
            if (shape[0], shape[3], len(counts)) != (classes, channels, classes):
                raise ValueError(
                    f"its groups are {shape} and {counts.shape}, for {classes} classes "
                    f"and {channels} channels"
                )
            if sides not in (None, shape[1:3]):
                raise ValueError(f"its pictures are {shape[1:3]}, those here {sides}")
            if counts.max() >= MOST_COUNTED:
                raise ValueError(f"a group has {counts.max():,} images")
            if not np.isfinite(found.centres).all() or counts.min() < 1:
                raise ValueError("a centre is not finite, or a group has no image")
            if found.edges is not None:
                _check_edges(found)
        return found

    def write_history(self, history: list[dict]) -> None:
        """Write one row a step, with every digit of the numbers."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
        write_whole(self.path / "history.csv", text.getvalue().encode())

    def read_history(self, up_to: int | None = None) -> list[dict]:
        """The history, a row for every step from the first on.

        Args:
            up_to: the step at which to end, which has to be there; None: all.

        Returns:
            Dicts of ``COLUMNS``; none if there is no history yet.

        Raises:
            files.UnreadableFile: a step is missing, a line is damaged, a number is
                not finite.
        """
        path, rows = self.path / "history.csv", []
        expected = "the history of a run, a row for every step"
        if os.path.lexists(path):
            lines = itertools.islice(read_rows(path, expected, COLUMNS), up_to)
            with decoding(path, expected):
                for step, row in enumerate(lines, 1):
                    rows.append(_history_row(step, row))
        if up_to is not None and len(rows) < up_to:
            raise UnreadableFile(
                f"{path}: expected {expected} up to {up_to}, the step of weights.npz; "
                f"it has {len(rows)}"
            )
        return rows

    @contextlib.contextmanager
    def writing(self):
        """Be the only one that writes here; what killed writes left is removed.

        The lock ends with the process, however that ends.

        Raises:
            BlockingIOError: another process writes here.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock_file(self.path / ".lock"))
            except BlockingIOError as error:
                raise BlockingIOError(
                    f"output: {self.path} is being written by another training "
                    f"({error}); wait for its end, or name another folder"
                ) from None
            self._remove_leftovers()
            stack.enter_context(self._holding())
            yield

    @contextlib.contextmanager
    def _holding(self):
        """Keep the folder open: no other gets its number in the file system.

        Not on Windows, nor where such numbers tell nothing.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError:
            yield
            return
        self._held = handle if is_at(handle, self.path) else None
        try:
            yield
        finally:
            self._held = None
            os.close(handle)

    def is_replaced(self) -> bool:
        """Whether another folder is in the place of the one that is being written."""
        return self._held is not None and not is_at(self._held, self.path)

    def _remove_leftovers(self) -> None:
        for name in WRITTEN:
            remove_leftovers(self.path, name)
        remove_leftovers(self.path / "samples", GRIDS)

    def remove_samples_after(self, step: int) -> None:
        """Remove the grids of later steps, which a resumed run draws anew."""
        for path in self.sample_paths():
            if _step_of(path) > step:
                path.unlink()

    def needs_gif(self) -> bool:
        """Whether training.gif is missing, or older than the newest grid."""
        gif, grids = self.path / "training.gif", self.sample_paths()
        if len(grids) < 2:
            return False
        newest = max(path.stat().st_mtime_ns for path in grids)
        return not gif.is_file() or gif.stat().st_mtime_ns < newest

    def sample_path(self, step: int) -> Path:
        """Where the grid of ``step`` is; the numbers sort as the steps do."""
        return self.path / "samples" / f"step_{step:06d}.png"

    def sample_paths(self) -> list[Path]:
        """The grids there are, in the order of their steps."""
        paths = (self.path / "samples").glob("step_*.png")
        return sorted((p for p in paths if _step_of(p) >= 0), key=_step_of)

    def _check_samples(self) -> None:
        """Before a training, not when the first grid is to be written."""
        path = self.path / "samples"
        if os.path.lexists(path) and not path.is_dir():
            raise UnreadableFile(f"{path}: expected a folder of grids; it is none")


def _step_of(path: Path) -> int:
    """The number in a grid's name; -1 if it is none."""
    found = GRIDS.fullmatch(path.name)
    return int(found[1]) if found else -1


def _check_finite(owner: str, step: int, arrays: dict[str, np.ndarray]) -> None:
    bad = [
        name
        for name, value in arrays.items()
        if name.startswith(f"{owner}/") and not np.isfinite(value).all()
    ]
    if bad:
        raise FloatingPointError(
            f"{owner}: {len(bad)} of its arrays hold NaN or infinity after step "
            f"{step}, and are not saved"
        )


def _history_row(step: int, row: dict[str, str]) -> dict:
    try:
        numbers = {name: float(row[name]) for name in COLUMNS[1:]}
    except ValueError:
        numbers = {"": math.nan}
    if row["step"] != str(step) or not all(map(math.isfinite, numbers.values())):
        raise ValueError(
            f"in place of step {step} and four numbers there is "
            f"{','.join(row.values())!r}"
        )
    return {"step": step} | numbers


def _group_headers(saved: NpzArrays) -> tuple[str, ...]:
    """The names of the arrays, after a look at their headers."""
    expected = {"centres": (4, "<f4"), "counts": (1, "<i8")}
    if {"edges", "spreads"} & {*saved.names}:  # not of groups by pixels alone
        expected |= {"edges": (4, "<f4"), "spreads": (1, "<f4")}
    for name, (dimensions, dtype) in expected.items():
        shape, found = saved.header(name)
        if (
            len(shape) != dimensions
            or found != dtype
            or math.prod(shape) > MOST_NUMBERS
        ):
            raise ValueError(f"{name} is {found.str} {shape}")
    return tuple(expected)


def _check_edges(clusters: Clusters) -> None:
    """Refuse edges that do not belong to the groups' pictures."""
    groups, height, width, _ = clusters.centres.shape
    expected = (groups, height // CELL, width // CELL, DIRECTIONS)
    shapes = clusters.edges.shape, clusters.spreads.shape
    if shapes != (expected, (2,)):
        raise ValueError(f"its edges and spreads are {shapes[0]} and {shapes[1]}")
    finite = all(np.isfinite(x).all() for x in (clusters.edges, clusters.spreads))
    if not finite or clusters.spreads.min() <= FAINT:
        raise ValueError("an edge is not finite, or a spread is not, or nothing")


def _read_step(saved: NpzArrays) -> int:
    shape, dtype = saved.header("step")
    if shape != () or dtype != np.int64 or (step := int(saved.read("step"))) < 1:
        raise ValueError("its step is no whole number above 0")
    return step


def _read_like(variable, name: str, saved: NpzArrays) -> np.ndarray:
    """A saved array, if it is what the variable can take.

    Numbers of a float32 variable may have been stored in half as many bits, which is
    done with recorded runs.
    """
    dtype = saved.header(name).dtype
    is_half = (dtype.name, variable.dtype) == ("float16", "float32")
    if (dtype.name != variable.dtype and not is_half) or not dtype.isnative:
        raise ValueError(f"{name}: expected {variable.dtype}, got {dtype.str}")
    value = saved.read(name).astype(variable.dtype, copy=False)
    if not np.isfinite(value).all():
        raise ValueError(f"{name} holds NaN or infinity: the run was lost")
    return value


def _names_of(owner: str, saved: NpzArrays) -> list[str]:
    names = (name for name in saved.names if name.startswith(f"{owner}/"))
    return sorted(names, key=lambda name: (len(name), name))  # 1000 after 999


def _check_shapes(owner: str, path: Path, saved: NpzArrays, variables: list) -> None:
    found = [saved.header(name).shape for name in _names_of(owner, saved)]
    expected = [tuple(variable.shape) for variable in variables]
    if found != expected:
        raise UnreadableFile(
            f"{path} does not fit this {owner}: it holds {len(found)} arrays "
            f"{found[:3]}..., expected {len(expected)} {expected[:3]}..."
        )
