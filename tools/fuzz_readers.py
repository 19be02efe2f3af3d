"""Feed damaged files to the package's readers, and count what they do.

    python tools/fuzz_readers.py --count 10000 --seed 0
    python tools/fuzz_readers.py --readers weights --only 123   # that input, traced

Each input is a valid file that was changed: bytes anywhere, or what is inside of a zip,
a tar, JSON or CSV, packed again so that the sums are right. A reader may accept it or
refuse it by its one documented exception, in one line that names the file, within 5
CPU-seconds and 1 GB. Everything else is a fault, and so is a file written elsewhere or
a variable changed before a refusal. Input number n of a seed is always the same.

Each reader runs in a process of its own, with limits (Linux).
"""

import argparse
import collections
import contextlib
import gzip
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np

from dcgan_keras.data.archives import ARRAYS, read_cifar10_binary
from dcgan_keras.data.datasets import DATA_VARIABLE, load_dataset
from dcgan_keras.files import UnreadableFile
from dcgan_keras.training.runs import COLUMNS, RunFolder

SECONDS, BYTES = 5, 2**30  # what one input may take
MOST_LINE = 1500  # characters of a message
NUMBERS = (-1, 0, 1, 2, 255, 999, 1e-9, 2**31, 2**32, 2**63, 10**12, 10**400, 0.5)
VALUES = (*NUMBERS, None, True, "", "x", "\0", "\ud800", [], {}, [1], float("nan"))
WORDS = (b"-1", b"1000000000000", b"nan", b"", b"\0", b"'", b"(", b"O", b"9" * 5000)


class TooLong(BaseException):
    """An input took more than ``SECONDS``; no reader may take it for its own error."""


# Changing bytes ---------------------------------------------------------------


def change_bytes(draw: random.Random, content: bytes) -> bytes:
    """One to four of: flip, overwrite, cut out, cut off, repeat, insert, zero."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        # Headers and tables stand at the ends.
        near = draw.choice((16, 200, max(1, len(content))))
        at = min(draw.randrange(near), len(content))
        at = at if draw.random() < 0.6 else len(content) - at
        to = at + draw.choice((1, 2, 4, 8, draw.randint(1, 600)))
        kind = draw.randrange(7)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            content[at:to] = draw.randbytes(min(to, len(content)) - at)
        elif kind == 2:
            del content[at:to]
        elif kind == 3:
            del content[at:]
        elif kind == 4:
            content[at:at] = content[at:to] * draw.choice((1, 2, 50))
        elif kind == 5:
            content[at:at] = draw.choice((*WORDS, draw.randbytes(9)))
        else:
            whole = draw.choice((b"\xff", b"\0"))
            content[at:to] = whole * (min(to, len(content)) - at)
    return bytes(content)


def change_zip(draw: random.Random, content: bytes) -> bytes:
    """Change what one member is called, holds, or is packed with."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    chosen = draw.randrange(len(members))
    name, inside = members[chosen]
    kind, method = draw.randrange(6), zipfile.ZIP_DEFLATED
    if kind == 0:
        inside = change_bytes(draw, inside)
    elif kind == 1:  # another claim in the header of the .npy, of the same length
        head, rest = inside[:128], inside[128:]
        head = head.replace(b"(", b"(" + draw.choice((b"9" * 12, b"-1", b"0")) + b", ")
        inside = head[:127].ljust(127) + b"\n" + rest
    elif kind == 2:  # other types, pickles among them
        types = ("O", "<U9", "S5", ">f4", "f8", "c16", "M8[s]", "?", "i8", "u1", "V3")
        shape = draw.choice(((), (0,), (1,), (5,), (5, 4), (5, 28, 28)))
        inside = _npy(np.zeros(shape, draw.choice(types)))
    elif kind == 3:
        name = draw.choice((name.upper(), "../" + name, "step.npy", "x", f"{name}.npy"))
    elif kind == 4:
        method = draw.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED))
    members[chosen] = name, inside
    if kind == 5:
        del members[chosen]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method, compresslevel=1) as archive:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that are there twice
            for name, inside in members:
                archive.writestr(name, inside)
    content = bytearray(packed.getvalue())
    if draw.random() < 0.1:  # encrypted, it says
        at = content.rfind(b"PK\1\2")
        content[at + 8] |= 1
    return bytes(content)


def change_tar(draw: random.Random, content: bytes) -> bytes:
    """Change the tar inside of the gzip, above all its headers."""
    inside = bytearray(gzip.decompress(content))
    if draw.random() < 0.3:
        return gzip.compress(change_bytes(draw, bytes(inside)), 1)
    heads = [
        at for at in range(0, len(inside), 512) if inside[at + 257 :][:5] == b"ustar"
    ]
    at = draw.choice(heads)
    field, size = draw.choice(((0, 100), (124, 12), (156, 1), (257, 6), (148, 8)))
    kinds = (b"0", b"1", b"2", b"5", b"x", b"g", b"L", b"S", b"\xff" * size)
    new = draw.choice((draw.randbytes(size), *kinds, b"77777777777", b"00000006001\0"))
    inside[at + field : at + field + size] = new[:size].ljust(size, b"\0")
    if field != 148 and draw.random() < 0.8:  # the sum is right
        inside[at + 148 : at + 156] = b" " * 8
        total = sum(inside[at : at + 512])
        inside[at + 148 : at + 156] = b"%06o\0 " % total
    return gzip.compress(bytes(inside), 1)


def change_json(draw: random.Random, content: bytes) -> bytes:
    """Change one value, at any depth, or leave it out."""
    whole = json.loads(content)
    place, key = whole, draw.choice(list(whole))
    while draw.random() < 0.7 and isinstance(place[key], dict | list) and place[key]:
        place = place[key]
        key = draw.choice(list(place) if isinstance(place, dict) else range(len(place)))
    if draw.random() < 0.2:
        del place[key]
    elif draw.random() < 0.3 and isinstance(place[key], int | float):
        place[key] = place[key] * draw.choice((-1, 2, 1000, 10**9)) + draw.choice(
            (0, 1)
        )
    else:
        place[key] = draw.choice((*VALUES, whole.get("seed"), [[[[]]]], {"a": 1}))
    text = json.dumps(whole)
    if draw.random() < 0.05:
        text = draw.choice(
            ("[" * 50_000, "{}", "[]", "3", "", text * 2, "\ufeff" + text)
        )
    return text.encode()


def change_csv(draw: random.Random, content: bytes) -> bytes:
    """Change cells and rows."""
    rows = [line.split(b",") for line in content.splitlines()]
    for _ in range(draw.randint(1, 3)):
        row = draw.randrange(len(rows))
        cell = draw.randrange(len(rows[row])) if rows[row] else 0
        kind = draw.randrange(6)
        if kind < 2:
            text = str(draw.choice(NUMBERS)).encode()
            rows[row][cell : cell + 1] = [draw.choice((*WORDS, text, b'"', b'"\n"'))]
        elif kind == 2:
            rows.insert(row, rows[draw.randrange(len(rows))][:])
        elif kind == 3 and len(rows) > 1:
            del rows[row]
        elif kind == 4:
            draw.shuffle(rows[row])
        else:
            del rows[row][cell:]
    end = draw.choice((b"\n", b"\n", b"\r\n", b"\r"))
    return end.join(map(b",".join, rows)) + draw.choice((end, b""))


def _npy(array: np.ndarray) -> bytes:
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


# Readers ----------------------------------------------------------------------


class Reader:
    """A reader on trial: valid files, how to change them, how to read.

    Args:
        folder: where the input is written; nothing else may be.
        with_bombs: whether ``bombs`` are among the inputs; they take seconds to make.

    Attributes:
        path: the input.
        valid: files that the reader accepts.
        refuses: the exception that it may raise.
    """

    refuses = UnreadableFile

    def __init__(self, folder: Path, with_bombs: bool = False):
        self.folder = folder
        self.prepare()
        self.made_bombs = self.bombs() if with_bombs else ()

    def prepare(self) -> None:
        """Set ``path`` and ``valid``."""
        raise NotImplementedError

    def bombs(self) -> tuple[bytes, ...]:
        """Files that claim, or unpack to, far more than they are."""
        return ()

    def change_inside(self, draw: random.Random, content: bytes) -> bytes:
        raise NotImplementedError

    def read(self) -> None:
        raise NotImplementedError

    def input(self, seed: int, number: int) -> bytes:
        """Input number 0 is a valid one; every hundredth or so is a bomb."""
        draw = random.Random(f"{type(self).__name__} {seed} {number}")
        content = draw.choice(self.valid)
        if number == 0:
            return content
        if draw.random() < 0.01 and self.made_bombs:
            return draw.choice(self.made_bombs)
        kind = draw.randrange(3)  # inside, outside or both
        if kind < 2:
            content = self.change_inside(draw, content)
        if kind > 0:
            content = change_bytes(draw, content)
        return content


class Cifar(Reader):
    """The binary version of CIFAR-10, in a .tar.gz."""

    def prepare(self):
        self.path = self.folder / "cifar-10-binary.tar.gz"
        self.change_inside = change_tar
        batch = bytes([7]) + bytes(range(256)) * 12
        names = ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
        members = [(name, batch * 2) for name in names]
        self.valid = [self.tar(members, kind) for kind in (0, 1, 2)]

    def bombs(self):
        zeros = bytes(3073 * 100_000)
        return (
            gzip.compress(zeros, 1),
            self.tar([("data_batch_1.bin", zeros)]),
            self.tar([("x" * 10**8, b"")], tarfile.PAX_FORMAT),
            self.tar([(str(number), b"") for number in range(20_000)]),
        )

    @staticmethod
    def tar(members, kind: int = tarfile.USTAR_FORMAT) -> bytes:
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=kind) as tar:
            for name, content in members:
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return gzip.compress(written.getvalue(), 1)

    def read(self):
        read_cifar10_binary(self.path)


class Npz(Reader):
    """A data set such as Keras's mnist.npz."""

    def prepare(self):
        self.path = self.folder / "mnist.npz"
        self.change_inside = change_zip
        os.environ[DATA_VARIABLE] = str(self.folder)
        pixels, labels = np.zeros((5, 28, 28), "u1"), np.arange(5, dtype="u1")
        self.arrays = dict(zip(ARRAYS, (pixels, labels) * 2, strict=True))
        self.valid = [_savez(f, self.arrays) for f in (np.savez, np.savez_compressed)]

    def bombs(self):
        many = np.zeros((400_000, 28, 28), "u1")
        return (
            _savez(np.savez_compressed, self.arrays | {"x_train": many}),
            _savez(np.savez_compressed, self.arrays | {"other": many}),
        )

    def read(self):
        load_dataset("mnist")


class Variable:
    """As much of a Keras variable as a run folder needs."""

    def __init__(self, value: np.ndarray):
        self.value, self.shape, self.dtype = value, value.shape, value.dtype

    def assign(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return self.value


class Weights(Reader):
    """weights.npz of a run; a refusal changes no variable."""

    def prepare(self):
        self.path, self.run = self.folder / "weights.npz", RunFolder(self.folder)
        self.change_inside = change_zip
        self.run.save(30, self.groups(1.5), [])
        self.valid = [self.path.read_bytes()]

    def bombs(self):
        zeros = np.zeros(3 * 10**8, "u1")
        bomb = {"step": np.int64(3), "generator/000": zeros}
        return (_savez(np.savez_compressed, bomb),)

    @staticmethod
    def groups(value: float) -> dict[str, list[Variable]]:
        shapes = (5, 4), (4,), ()
        players = [Variable(np.full(shape, value, "f4")) for shape in shapes]
        return {"generator": players, "optimizer": [Variable(np.array(3, "i8"))]}

    def read(self):
        groups = self.groups(0.25)
        before = [v.value for group in groups.values() for v in group]
        try:
            step = self.run.restore(groups)
        except UnreadableFile:
            after = [v.value for group in groups.values() for v in group]
            assert all(a is b for a, b in zip(after, before, strict=True))
            raise
        assert step > 0


class History(Reader):
    """history.csv of a run, whose weights are of step 30."""

    def prepare(self):
        self.path, self.run = self.folder / "history.csv", RunFolder(self.folder)
        self.change_inside = change_csv
        numbers = random.Random(0)
        rows = [
            dict(zip(COLUMNS, (n, *(numbers.random() for _ in range(4))), strict=True))
            for n in range(1, 31)
        ]
        self.run.write_history(rows)
        self.valid = [self.path.read_bytes()]

    def bombs(self):
        return (self.valid[0] + b"31," + b"1" * 3 * 10**7,)

    def read(self):
        rows = self.run.read_history(up_to=30)
        assert [row["step"] for row in rows] == [*range(1, 31)]
        self.run.read_history()


class Config(Reader):
    """config.json of a run with weights; what is accepted is built and restored."""

    def prepare(self):
        from dcgan_keras.training import configuration as c

        self.path, self.run, self.c = (
            self.folder / "config.json",
            RunFolder(self.folder),
            c,
        )
        self.change_inside, self.built = change_json, set()
        sizes = {"width": 2, "latent_dim": 3, "image_shape": [28, 28, 1]}
        self.valid = []
        for changes in ({}, {"recipe": "paper"}, {"loop": "composite"}):
            config = c.DEFAULTS | sizes | changes
            config |= {"settings": c.settings_of(config), "versions": {"keras": "3"}}
            self.valid.append(json.dumps(config).encode())
            self.run.write_config(config, replace=True)
        model = c.build_model(json.loads(self.valid[0]))
        self.run.save(30, {"generator": model.generator.variables}, [])

    def bombs(self):
        return (self.valid[0] + b" " * 10**7, b"9" * 60_000)

    def read(self):
        config = self.c.read_config(self.run)
        names = ("settings", "image_shape", "width", "latent_dim", "recipe", "loop")
        if (key := str([config[name] for name in names])) not in self.built:
            self.built.add(key)
            model = self.c.build_model(config)
            self.run.restore({"generator": model.generator.variables})


class Pictures(Reader):
    """A folder with one picture."""

    refuses = ValueError

    def prepare(self):
        from PIL import Image

        self.path = self.folder / "a.png"
        self.change_inside = change_bytes
        pixels = np.arange(8 * 8 * 3, dtype="u1").reshape(8, 8, 3)
        kinds = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
        self.valid = [_saved(Image.fromarray(pixels), kind) for kind in kinds]

    def bombs(self):
        from PIL import Image

        large = (Image.new("P", (side, side)) for side in (9_000, 20_000))
        return tuple(_saved(picture, "PNG") for picture in large)

    def read(self):
        with contextlib.redirect_stderr(None):  # what it says of each folder
            load_dataset(self.folder, image_size=8, channels=3)


READERS = {
    "cifar": Cifar,
    "npz": Npz,
    "weights": Weights,
    "history": History,
    "config": Config,
    "pictures": Pictures,
}


def _saved(picture, kind: str) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind)
    return written.getvalue()


def _savez(save, arrays: dict) -> bytes:
    written = io.BytesIO()
    save(written, **arrays)
    return written.getvalue()


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
        where = (str(reader.path), str(reader.folder))
        return "refused" if any(place in text for place in where) else "no file named"
    except Exception as error:
        return type(error).__name__
    return "accepted"


@contextlib.contextmanager
def limited(seconds: float):
    """Raise ``TooLong`` after CPU-seconds, and after a minute of mere waiting."""

    def stop(*_):
        raise TooLong

    clocks = {
        (signal.SIGPROF, signal.ITIMER_PROF): seconds,
        (signal.SIGALRM, signal.ITIMER_REAL): 12 * seconds,
    }
    before = {number: signal.signal(number, stop) for number, _ in clocks}
    for (_, clock), value in clocks.items():
        signal.setitimer(clock, value)
    try:
        yield
    finally:
        for number, clock in clocks:
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])


def fuzz(
    name: str, count: int, seed: int, folder: Path, with_bombs: bool = False
) -> dict:
    """Try ``count`` inputs in this process.

    Args:
        name: one of ``READERS``.
        count: inputs.
        seed: any integer.
        folder: an empty one.
        with_bombs: see ``Reader``.

    Returns:
        "verdicts": how often each was reached; "faults": the number of the first
        input for each that is neither "accepted" nor "refused"; "seconds": CPU time
        of the slowest.
    """
    reader = READERS[name](folder, with_bombs)
    verdicts, faults, slowest = collections.Counter(), {}, 0.0
    for number in range(count):
        reader.path.write_bytes(reader.input(seed, number))
        began = time.process_time()
        said = verdict(reader)
        slowest = max(slowest, time.process_time() - began)
        verdicts[said] += 1
        if said not in ("accepted", "refused"):
            faults.setdefault(said, number)
        if number == 0:
            assert said == "accepted", f"{name}: a valid file is {said}"
    return {"verdicts": verdicts, "faults": faults, "seconds": slowest}


def guard_files(folder: Path, written: list) -> None:
    """From now on note every file that is opened for writing outside of a folder."""
    inside = (str(folder), "/dev/null")

    def note(event, arguments):
        if event == "open" and isinstance(arguments[0], str):
            path, _, flags = arguments
            is_written = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if is_written and not os.path.abspath(path).startswith(inside):
                written.append(path)
        elif event in ("os.remove", "os.rename", "os.mkdir", "os.rmdir"):
            if not os.path.abspath(os.fsdecode(arguments[0])).startswith(inside):
                written.append(arguments[0])

    sys.addaudithook(note)


def child(name: str, count: int, seed: int) -> None:
    """One reader in a process of its own, under limits; the result as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        READERS[name](Path(folder), with_bombs=True)  # what is imported once
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        written = []
        guard_files(Path(folder), written)
        found = fuzz(name, count, seed, Path(folder), with_bombs=True)
        found["written"] = sorted(set(map(str, written)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(found | {"start": start, "peak": peak}))


def line(name: str, count: int, found: dict) -> str:
    verdicts = collections.Counter(found["verdicts"])
    accepted, refused = verdicts.pop("accepted", 0), verdicts.pop("refused", 0)
    numbers = {k: f"{v} (first: {found['faults'][k]})" for k, v in verdicts.items()}
    text = (
        f"{name:9}{count:8,}{accepted:10,}{refused:9,}{verdicts.total():8,}"
        f"{found['seconds']:8.2f} s{found['peak'] / 1e6:7.0f} MB"
        f"{found['start'] / 1e6:7.0f} MB"
    )
    for word, value in [*numbers.items(), *((p, "written") for p in found["written"])]:
        text += f"\n          {word}: {value}"
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="inputs a reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readers", nargs="+", choices=READERS, default=[*READERS])
    parser.add_argument("--only", type=int, help="this input alone, with its traceback")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    (first, *_), count, seed = options.readers, options.count, options.seed
    if options.child:
        child(first, count, seed)
        return 0
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            reader = READERS[first](Path(folder), with_bombs=True)
            reader.path.write_bytes(reader.input(seed, options.only))
            try:
                reader.read()
                print("accepted")
            except Exception:
                traceback.print_exc()
        return 0
    print(
        f"{'reader':9}{'inputs':>8}{'accepted':>10}{'refused':>9}{'faults':>8}", end=""
    )
    print(f"{'slowest':>10}{'memory':>10}{'at start':>10}")
    faults = 0
    for name in options.readers:
        command = [sys.executable, __file__, "--child", "--readers", name]
        command += ["--count", str(count), "--seed", str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{name:9}ended with {done.returncode}")
            faults += 1
            continue
        found = json.loads(done.stdout)
        print(line(name, count, found), flush=True)
        faults += len(found["faults"]) + len(found["written"])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
