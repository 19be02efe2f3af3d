"""The edge of the process: every failure is one sentence and an exit status.

    0        done
    1        training diverged; or an error of the package's own, which should not be
    2        what was asked for or found is wrong: an option, a file, too little memory
    128 + n  stopped by signal n: 130 Ctrl-C, 143 SIGTERM, 129 a closed terminal, 138
             (SIGUSR1) and the like a batch queue; 141 if whoever read standard output
             has left

The sentence goes to standard error; a traceback comes with ``--debug`` alone. A failure
may carry what to do next in an attribute ``then``, which ends the sentence.
"""

import argparse
import codecs
import contextlib
import os
import re
import signal
import sys
import threading
import traceback
import unicodedata
import warnings
from collections.abc import Callable

from dcgan_keras.files import printable

MOST = 2**53 - 1  # of steps and the like: what a float counts
WHERE = " (--debug shows where)"
LARGEST_SEED = 2**60 - 1  # noise.SEEDS
STOPS = (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",  # a closed terminal; nohup ignores it
    "SIGUSR1",  # batch queues warn by these that the time is nearly over
    "SIGUSR2",
    "SIGXCPU",  # and by this that it was used up
)
# What a function of ours raised in a tf.data pipeline: the last line of its traceback,
# which TensorFlow puts into its own message.
_RAISED = re.compile(
    r"^[\w.]+(?:Error|Exception): (?:\[Errno \d+\] )?(.+)$", re.MULTILINE
)
_HEADS = (
    "Graph execution error",
    "Detected at node",
    'File "',
    "2 root error(s) found",
    "<stack traces",
    "[[",
    "Exception encountered when calling",
)
# What TensorFlow says when a GPU's memory is full, often of another process's making
# (tensorflow#7025, #24496, #45028); only the first kind is a ResourceExhaustedError.
_FULL_GPU = re.compile(
    "CUDA_ERROR_OUT_OF_MEMORY|out of memory|Dst tensor is not initialized|failed to "
    "allocate|(CUBLAS|CUDNN)_STATUS_(ALLOC_FAILED|NOT_INITIALIZED|INTERNAL_ERROR)|"
    "failed to get convolution algorithm|blas x?gem[mv]+ launch failed|"
    "no DNN in stream executor|DNN library (initialization failed|is not found)",
    re.IGNORECASE,
)
# Bold letters and a wrapper's name, which Keras and TensorFlow put before a message.
_DECORATION = re.compile(r"\x1b\[\d*m|\{\{function_node .*?\}\}")
# oneDNN's out of memory is 1, which TensorFlow passes on as an operation's end.
_FULL_MEMORY = re.compile(r"Status: 1, message: (could not \w+ \w+ \w+)")
_TENSOR = re.compile(r"OOM when allocating tensor with shape\[(.*?)\] and type (\w+)")


class Stopped(KeyboardInterrupt):
    """Stopped by a signal.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int = signal.SIGINT):
        super().__init__()
        self.number = number


def run_command(
    name: str, command: Callable[[], int | None], debug: bool | None = False
) -> int:
    """Run a command; say what is wrong in one sentence.

    Args:
        name: of the command, with which the sentence begins.
        command: does the work; prints what was asked for to standard output; may
            return a status of its own.
        debug: whether a failure also shows its traceback; None, of a command without
            ``--debug``: one of the package's own does.

    Returns:
        The exit status, see this module's first lines.

    Example:
        >>> run_command("double", lambda: print(2 * 3))
        6
        0
    """
    _open_streams()
    with _signals_raise(), _warnings_are_lines(name):
        try:
            status = command()
            show()
            return status or 0
        except (Exception, KeyboardInterrupt) as error:
            _ignore_stop_signals()  # it ends already
            status, sentence = describe(error)
            is_ours = sentence.endswith(WHERE)
            if debug or (debug is None and is_ours):
                _show_traceback()
                sentence = sentence.removesuffix(WHERE)
            is_stop = isinstance(error, KeyboardInterrupt)
            if sentence:
                then = getattr(error, "then", "")
                sentence += f"; {then}" if then else ""
                if is_stop:
                    say("")  # the line after the terminal's ^C
                say(sentence if is_stop else f"{name}: {sentence}")
            return status
        finally:
            _let_go_of_broken_streams()


def describe(error: BaseException) -> tuple[int, str]:
    """The exit status of a failure, and its sentence; "" where nobody would read it.

    Args:
        error: what was raised.
    """
    tensorflow = sys.modules.get("tensorflow")
    if isinstance(error, KeyboardInterrupt):
        return 128 + getattr(error, "number", signal.SIGINT), "stopped"
    if isinstance(error, BrokenPipeError):
        return 141, ""
    if isinstance(error, MemoryError):
        return 2, _too_little_memory(_one_line(error))
    if isinstance(error, FloatingPointError):
        return 1, _one_line(error)
    if isinstance(error, ModuleNotFoundError) and error.name in ("tensorflow", "keras"):
        return 2, f"no {error.name} here: pip install 'dcgan-keras[tensorflow]'"
    if isinstance(error, OSError) and error.strerror:
        name = "" if isinstance(error.filename, int) else error.filename  # an open file
        return 2, f"{os.fsdecode(name)}: {error.strerror}" if name else error.strerror
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return 2, "the system gives this process no more threads (see ulimit -u)"
    if isinstance(error, ValueError | OSError | ImportError | OverflowError):
        return 2, _one_line(error)
    if tensorflow is not None and isinstance(error, tensorflow.errors.OpError):
        return _tensorflows(error, tensorflow.errors)
    kind = type(error).__name__
    return 1, f"unexpected {kind}: {_one_line(error)}{WHERE}"


def say(text: str) -> None:
    """A line on standard error, if somebody reads it; names in it stay in it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(_printable(text), file=sys.stderr, flush=True)


def _show_traceback() -> None:
    """That of the error at hand, on standard error, if somebody reads it."""
    if sys.stderr is not None:  # or it would go to standard output
        with contextlib.suppress(OSError, ValueError):
            traceback.print_exc()


def show(text: str = "") -> None:
    """A result on standard output; what cannot be written is noticed here.

    Args:
        text: some lines; "": only what has been printed before is written out.

    Raises:
        OSError: standard output takes it no more; the error names it.
    """
    try:
        print(text, end="\n" if text else "", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = "standard output"
        raise


def read_whole(text: str) -> int | None:
    """A whole number as it is usually written: digits, and a sign before them.

    Returns:
        None if it is another text, such as the "1_000", " 7" or other scripts' digits
        that ``int`` takes; or longer than anybody means it.
    """
    return int(text) if re.fullmatch("[+-]?[0-9]{1,999}", text) else None


def read_number(text: str) -> float | None:
    """A number as it is usually written: 0.4, .4, -4 or 4e-1.

    Returns:
        None if it is another text, such as the "1_0" or "nan" that ``float`` takes.
    """
    usual = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?"
    return float(text) if re.fullmatch(usual, text, re.IGNORECASE) else None


def positive(text: str) -> int:
    """For argparse: a whole number from 1 to ``MOST``."""
    number = read_whole(text)
    if number is None or number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    if number > MOST:
        raise argparse.ArgumentTypeError(
            f"expected a whole number, 1 to {MOST:,}; got {text}"
        )
    return number


class Parser(argparse.ArgumentParser):
    """What it refuses is shown as it is, "4\\r" too, and commands no terminal."""

    def error(self, message: str):
        super().error(printable(message))


def whole(text: str) -> int:
    """For argparse: a whole number."""
    number = read_whole(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text}")
    return number


def seed(text: str) -> int:
    """For argparse: a seed that ``noise.latent_noise`` takes."""
    number = read_whole(text)
    if number is None or abs(number) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at most {LARGEST_SEED:,} on either side of 0, "
            f"got {text}"
        )
    return number


def above_0(most: int, told: str = "") -> Callable[[str], float]:
    """For argparse: a number above 0 and up to ``most``."""

    def number_of(text: str) -> float:
        number = read_number(text)
        if number is None or not 0 < number <= most:
            raise argparse.ArgumentTypeError(
                f"expected a number above 0 and up to {most:,}{told}; got {text}"
            )
        return number

    return number_of


def path(text: str) -> str:
    """For argparse: a path that is not empty."""
    if not text:  # as from "$RUN" where RUN is not set; "" would be the folder here
        raise argparse.ArgumentTypeError("expected a path, got an empty text")
    if text.endswith("\r"):
        raise argparse.ArgumentTypeError(
            f"expected a path, got {text!r}: a script with the line ends of Windows"
        )
    return os.path.expanduser(text)  # the shell leaves the ~ of --output=~/runs as is


def stop_signals() -> list[int]:
    """The signals that end a process in an orderly way, of those not ignored."""
    numbers = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        return []  # Python lets the main thread alone handle signals
    return [n for n in numbers if signal.getsignal(n) != signal.SIG_IGN]


def _tensorflows(error, kinds) -> tuple[int, str]:
    """TensorFlow's failures: memory, a file that a pipeline reads, and others."""
    plain = _DECORATION.sub("", error.message)
    lines = [line.strip() for line in plain.splitlines()]
    told = [line for line in lines if line and not line.startswith(_HEADS)]
    text = _shorten(told[0] if told else type(error).__name__)
    raised = _RAISED.findall(error.message)
    if isinstance(error, kinds.ResourceExhaustedError):
        tensor = _TENSOR.search(error.message)
        if tensor:
            text = f"{tensor[2]} values of shape ({tensor[1]})"
        return 2, _too_little_memory(text)
    if full := _FULL_MEMORY.search(error.message):
        return 2, _too_little_memory(full[1])
    if _FULL_GPU.search(error.message):
        return 2, (
            f"not enough memory on the GPU ({text}); another process may hold it "
            "(nvidia-smi shows which): end that, ask for less by --batch-size or "
            "--width, or hide the GPU by CUDA_VISIBLE_DEVICES=-1"
        )
    if raised and "Traceback (most recent call last)" in error.message:
        return 2, f"images: {_shorten(raised[-1])}"
    return 1, f"unexpected {type(error).__name__}: {text}{WHERE}"


def _too_little_memory(what: str) -> str:
    return (
        f"not enough memory ({what or 'none left'}); ask for less: a smaller --width, "
        "--batch-size, --image-size or --count"
    )


def _one_line(error: BaseException) -> str:
    """The first line that says something; all where the package says it.

    Its own sentences have one line, or the name of a file has more.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return _shorten(" ".join(lines) if _is_ours(error) else lines[0])


def _is_ours(error: BaseException) -> bool:
    """Whether the package itself raised it."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and frames[-1][0].f_globals.get("__name__", "").startswith(
        "dcgan_keras."
    )


def _printable(text: str) -> str:
    """In one line, and without what would command a terminal: it is in names."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _shorten(line: str, longest: int = 500) -> str:
    return " ".join(line.split())[:longest]


def _open_streams() -> None:
    """Closed streams lead nowhere; odd consoles get the letters that they can write.

    Without it the next file that is opened would become standard output or error, and
    get what is written there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    codecs.register_error("plain_letters", _plain_letters)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain_letters")


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    """What a console cannot write: é as e, and a question mark for the rest."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = (
        unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
        for letter in error.object[error.start : error.end]
    )
    return "".join(plain), error.end


def _let_go_of_broken_streams() -> None:
    """Python flushes both at its end, and would complain of what is left in them."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)


@contextlib.contextmanager
def _signals_raise():
    """SIGTERM and a closed terminal unwind the process, as Ctrl-C does."""

    def stop(number, frame):
        raise Stopped(number)

    before = {number: signal.getsignal(number) for number in stop_signals()}
    for number in before:
        if number != signal.SIGINT:  # Python's own handler raises
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _ignore_stop_signals() -> None:
    """Until ``_signals_raise`` ends: an impatient Ctrl-C would end in a traceback."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def _warnings_are_lines(name: str):
    """A warning is one line, without the place in the code."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_, **__: (
        f"{name}: {_printable(' '.join(str(message).split()))}\n"
    )
    try:
        yield
    finally:
        warnings.formatwarning = before
