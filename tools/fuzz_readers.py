"""Feed damaged files to the package's readers, and count what they do.

    python tools/fuzz_readers.py --count 10000 --seed 0
    python tools/fuzz_readers.py --readers weights --only 123   # that input, traced

Each input is a valid file that was changed: bytes anywhere, or what is inside of a zip,
JSON or CSV, packed again so that the sums are right. A reader may accept it, or refuse
it by its one documented exception, in one line that names the file, within 20 seconds
and 1 GB. Everything else is a fault. Input number n of a seed is always the same.
"""

import argparse
import collections
import contextlib
import dataclasses
import gzip
import io
import json
import os
import random
import resource
import signal
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dcgan_keras.data.archives import ARRAYS, read_cifar10_binary
from dcgan_keras.data.clusters import Clusters
from dcgan_keras.data.datasets import DATA_VARIABLE, load_dataset
from dcgan_keras.files import UnreadableFile
from dcgan_keras.training.runs import COLUMNS, RunFolder

SECONDS, BYTES = 20, 2**30  # what one input, and all together, may take
MOST_LINE = 1500  # characters of a message
NUMBERS = (-1, 0, 1, 2, 255, 999, 1e-9, 2**31, 2**63, 10**12, 10**400, 0.5)
VALUES = (*NUMBERS, None, True, "", "x", "\0", "\ud800", [], {}, [[1]], float("nan"))
WORDS = (b"-1", b"1000000000000", b"nan", b"", b"\0", b"'", b"(", b"O", b"9" * 5000)
CELLS = (*WORDS, b'"', b'"\n"', *(str(number).encode() for number in NUMBERS))


class TooLong(BaseException):
    """An input took more than ``SECONDS``; no reader may take it for its own error."""


# Changing bytes ---------------------------------------------------------------


def change_bytes(draw: random.Random, content: bytes) -> bytes:
    """One to four of: flip, overwrite, cut out, cut off, repeat, insert, blank."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        # Headers and tables stand at the ends.
        near = draw.choice((16, 200, max(1, len(content))))
        at = min(draw.randrange(near), len(content))
        at = at if draw.random() < 0.6 else len(content) - at
        to = min(at + draw.choice((1, 2, 4, 8, draw.randint(1, 600))), len(content))
        kind = draw.randrange(7)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content[at:to] = draw.randbytes(to - at)
        elif kind == 2:
            del content[at:to]
        elif kind == 3:
            del content[at:]
        elif kind == 4:
            content[at:at] = content[at:to] * draw.choice((1, 2, 50))
        elif kind == 5:
            content[at:at] = draw.choice((*WORDS, draw.randbytes(9)))
        else:
            content[at:to] = draw.choice((b"\xff", b"\0")) * (to - at)
    return bytes(content)


def change_zip(draw: random.Random, content: bytes) -> bytes:
    """Change what one array is called or holds, or leave it out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(list(members))
    inside = members.pop(name)
    kind = draw.randrange(5)
    if kind == 0:
        members[name] = change_bytes(draw, inside)
    elif kind == 1:  # another claim in the header of the .npy, of the same length
        claim = b"(" + draw.choice((b"9" * 12, b"-1", b"0")) + b", "
        head = inside[:128].replace(b"(", claim)[:127].ljust(127) + b"\n"
        members[name] = head + inside[128:]
    elif kind == 2:
        types = ("O", "<U9", "S5", ">f4", "f8", "c16", "M8[s]", "?", "i8", "u1", "V3")
        shape = draw.choice(((), (0,), (1,), (5,), (5, 4), (5, 28, 28)))
        members[name] = saved(np.save, np.zeros(shape, draw.choice(types)))
    elif kind == 3:
        name = draw.choice((name.upper(), "../" + name, "step.npy", "x", f"{name}.npy"))
        members[name] = inside
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inside in members.items():
            entry = zipfile.ZipInfo(name)  # of no day: the seed alone counts
            archive.writestr(entry, inside, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def change_json(draw: random.Random, content: bytes) -> bytes:
    """Change one value, at any depth, or leave it out."""
    whole = json.loads(content)
    place, key = whole, draw.choice(list(whole))
    while place[key] and isinstance(place[key], dict | list) and draw.random() < 0.7:
        place = place[key]
        key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
    if draw.random() < 0.2:
        del place[key]
    else:
        place[key] = draw.choice(VALUES)
    return json.dumps(whole).encode()


def change_csv(draw: random.Random, content: bytes) -> bytes:
    """Change cells and rows."""
    rows = [line.split(b",") for line in content.splitlines()]
    for _ in range(draw.randint(1, 3)):
        row = draw.choice(rows)
        cell, kind = draw.randint(0, len(row)), draw.randrange(5)
        if kind == 0:
            row[cell : cell + 1] = [draw.choice(CELLS)]
        elif kind == 1:
            rows.insert(draw.randrange(len(rows)), row[:])
        elif kind == 2 and len(rows) > 1:
            rows.remove(row)
        elif kind == 3:
            draw.shuffle(row)
        else:
            del row[cell:]
    end = draw.choice((b"\n", b"\n", b"\r\n", b"\r"))
    return end.join(map(b",".join, rows)) + draw.choice((end, b""))


def saved(save: Callable, *arguments, **options) -> bytes:
    """What ``save`` writes into a file."""
    written = io.BytesIO()
    save(written, *arguments, **options)
    return written.getvalue()


# Readers ----------------------------------------------------------------------


@dataclasses.dataclass
class Reader:
    """A reader on trial.

    Attributes:
        path: the input.
        valid: files that the reader accepts.
        change: changes what is inside of one.
        read: reads ``path``.
        refuses: the exception that it may raise.
    """

    path: Path
    valid: list[bytes]
    change: Callable[[random.Random, bytes], bytes]
    read: Callable[[], None]
    refuses: type[Exception] = UnreadableFile

    def input(self, seed: int, number: int) -> bytes:
        """Input number 0 is a valid one."""
        draw = random.Random(f"{self.path.name} {seed} {number}")
        content = draw.choice(self.valid)
        if number == 0:
            return content
        kind = draw.randrange(3)  # inside, outside or both
        if kind < 2:
            content = self.change(draw, content)
        if kind > 0:
            content = change_bytes(draw, content)
        return content


def npz(folder: Path) -> Reader:
    """A data set such as Keras's mnist.npz."""
    os.environ[DATA_VARIABLE] = str(folder)
    pixels, labels = np.zeros((5, 28, 28), "u1"), np.arange(5, dtype="u1")
    arrays = dict(zip(ARRAYS, (pixels, labels) * 2, strict=True))
    valid = [saved(save, **arrays) for save in (np.savez, np.savez_compressed)]
    return Reader(
        folder / "mnist.npz", valid, change_zip, lambda: load_dataset("mnist")
    )


class Variable(np.ndarray):
    """As much of a Keras variable as a run folder needs."""

    def assign(self, value):
        self[...] = value


def weights(folder: Path) -> Reader:
    """weights.npz of a run; a refusal changes no variable."""
    run, path = RunFolder(folder), folder / "weights.npz"

    def groups(value):
        shapes = (5, 4), (4,), ()
        players = [np.full(shape, value, "f4").view(Variable) for shape in shapes]
        return {"generator": players, "optimizer": [np.array(3).view(Variable)]}

    def read():
        variables = groups(0.25)
        try:
            assert run.restore(variables) > 0
        except UnreadableFile:
            assert all((v == 0.25).all() for v in variables["generator"])
            assert variables["optimizer"][0] == 3
            raise

    run.save(30, groups(1.5), [])
    return Reader(path, [path.read_bytes()], change_zip, read)


def history(folder: Path) -> Reader:
    """history.csv of a run, whose weights are of step 30."""
    run, path = RunFolder(folder), folder / "history.csv"
    losses = np.random.default_rng(0).random((30, len(COLUMNS) - 1)).tolist()
    rows = [dict(zip(COLUMNS, (n, *r), strict=True)) for n, r in enumerate(losses, 1)]

    def read():
        found = run.read_history(up_to=30)
        assert [row["step"] for row in found] == [*range(1, 31)]
        run.read_history()

    run.write_history(rows)
    return Reader(path, [path.read_bytes()], change_csv, read)


def config(folder: Path) -> Reader:
    """config.json of a run with weights; what is accepted is built and restored."""
    from dcgan_keras.training import configuration as c

    run, valid, built = RunFolder(folder), [], set()
    # As many inputs as of the others: 1 and 2 labels.
    groups = {"latent_dim": 1, "conditional": True, "classes": 2, "clusters": 4}
    for changes in ({"loop": "composite"}, groups, {}):
        made = c.DEFAULTS | {"width": 2, "latent_dim": 3, "image_shape": [28, 28, 1]}
        made |= changes
        made |= {"settings": c.settings_of(made), "versions": {"keras": "3"}}
        valid.append(json.dumps(made).encode())
    run.save(30, {"generator": c.build_model(made).generator.variables}, [])

    def read():
        found = c.read_config(run)
        names = ("settings", "image_shape", "width", "latent_dim", "recipe", "loop")
        if (key := str([found[name] for name in names])) not in built:
            built.add(key)
            run.restore({"generator": c.build_model(found).generator.variables})

    return Reader(folder / "config.json", valid, change_json, read)


def clusters(folder: Path) -> Reader:
    """clusters.npz of a run that has five groups of images."""
    run, path = RunFolder(folder), folder / "clusters.npz"

    def read():
        found = run.read_clusters(5, 1)
        assert found.centres.shape[::3] == (5, 1) and np.isfinite(found.centres).all()
        if found.edges is not None:
            assert found.edges.shape == (5, 1, 1, 8) and found.spreads.min() > 0
        assert found.counts.shape == (5,) and found.draw(9, 0).max() < 5

    random, counts = np.random.default_rng(0), np.arange(9, 4, -1)
    centres = random.random((5, 7, 7, 1), np.float32)
    edges, spreads = random.random((5, 1, 1, 8), np.float32), np.ones(2, np.float32)
    run.write_clusters(Clusters(centres, counts, edges, spreads))
    return Reader(path, [path.read_bytes()], change_zip, read)


def pictures(folder: Path) -> Reader:
    """A folder with one picture."""
    from PIL import Image

    picture = Image.fromarray(np.arange(192, dtype="u1").reshape(8, 8, 3))
    kinds = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")

    def read():
        with contextlib.redirect_stderr(None):  # what it says of each folder
            load_dataset(folder, image_size=8, channels=3)

    valid = [saved(picture.save, kind) for kind in kinds]
    return Reader(folder / "a.png", valid, change_bytes, read, ValueError)


def cifar10(folder: Path) -> Reader:
    """CIFAR-10's binary archive; what is accepted has labels from 0 to 9."""
    path, draw = folder / "cifar-10-binary.tar.gz", np.random.default_rng(0)

    def packed(mode):
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode=mode) as archive:
            for name in ("data_batch_1.bin", "test_batch.bin"):
                records = draw.integers(0, 256, (3, 3073), np.uint8)
                records[:, 0] %= 10
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = records.size
                archive.addfile(member, io.BytesIO(records.tobytes()))
        return written.getvalue()

    def change(draw, content):
        """What is inside, packed again."""
        return gzip.compress(change_bytes(draw, gzip.decompress(content)), 1)

    def read():
        found = read_cifar10_binary(path)
        assert found["x_test"].shape[1:] == (32, 32, 3)
        assert found["y_train"].max() < 10 and found["y_test"].max() < 10

    return Reader(path, [packed("w:gz")], change, read)


MAKERS = (npz, weights, history, config, clusters, pictures, cifar10)
READERS = {make.__name__: make for make in MAKERS}


# Trying -----------------------------------------------------------------------


def verdict(reader: Reader) -> str:
    """ "accepted", "refused", or what is wrong in a word or two."""
    try:
        with limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pictures that are left out
            reader.read()
    except TooLong:
        return f"more than {SECONDS} s"
    except reader.refuses as error:
        text = str(error)
        if isinstance(error.__cause__, MemoryError):
            return "MemoryError"
        if "\n" in text or len(text) > MOST_LINE:
            return "more than a line"
        return "refused" if str(reader.path.parent) in text else "no file named"
    except Exception as error:
        return type(error).__name__
    return "accepted"


@contextlib.contextmanager
def limited(seconds: float):
    """Raise ``TooLong`` after so many seconds."""

    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(reader: Reader, count: int, seed: int) -> tuple[dict, dict, float]:
    """Try ``count`` inputs.

    Returns:
        How often each verdict was reached; the number of the first input for each
        that is neither "accepted" nor "refused"; the CPU-seconds of the slowest.
    """
    verdicts, faults, slowest = collections.Counter(), {}, 0.0
    for number in range(count):
        reader.path.write_bytes(reader.input(seed, number))
        began = time.process_time()
        said = verdict(reader)
        slowest = max(slowest, time.process_time() - began)
        verdicts[said] += 1
        if said not in ("accepted", "refused"):
            faults.setdefault(said, number)
        assert number or said == "accepted", f"{reader.path}: a valid file is {said}"
    return verdicts, faults, slowest


def limit_memory() -> None:
    """No more than ``BYTES`` beyond what is loaded now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="inputs a reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="+", choices=READERS, default=[*READERS])
    parser.add_argument("--only", type=int, help="this input alone, with its traceback")
    options = parser.parse_args(arguments)
    any_fault = False
    with tempfile.TemporaryDirectory() as folder:
        readers = {}
        for name in options.readers:
            (Path(folder) / name).mkdir()
            readers[name] = READERS[name](Path(folder) / name)
        limit_memory()
        if options.only is not None:
            reader = readers[options.readers[0]]
            reader.path.write_bytes(reader.input(options.seed, options.only))
            reader.read()
            print("accepted")
            return 0
        print("reader     inputs  accepted   refused   slowest")
        for name, reader in readers.items():
            verdicts, faults, slowest = fuzz(reader, options.count, options.seed)
            counts = f"{verdicts['accepted']:10,}{verdicts['refused']:10,}"
            print(f"{name:9}{options.count:8,}{counts}{slowest:8.2f} s", flush=True)
            for word, number in faults.items():
                print(f"    {word}: {verdicts[word]:,}, the first of them {number}")
            any_fault = any_fault or bool(faults)
    return int(any_fault)


if __name__ == "__main__":
    sys.exit(main())
