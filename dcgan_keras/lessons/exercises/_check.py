"""How an exercise's check speaks: not attempted, right, or what exactly is wrong."""

import functools
import traceback
from collections.abc import Callable

import numpy as np


class Wrong(Exception):
    """Raised inside a check; its message names what is wrong with the answer."""


def exercise(check: Callable) -> Callable:
    """Turn ``check(answer)`` into a check that prints one line and never raises.

    The decorated function raises ``Wrong`` with a message, or returns an optional
    remark for a right answer. An answer of ``...`` or ``None``, and a function that
    raises ``NotImplementedError``, count as not attempted. Any other exception of the
    learner's code is reported as a wrong answer, so that Run All goes on; and so is an
    answer with which the check itself can do nothing.
    """

    @functools.wraps(check)
    def checked(*answers) -> None:
        if any(answer is ... or answer is None for answer in answers):
            print("not attempted")
            return
        try:
            remark = check(*answers)
        except NotImplementedError:
            print("not attempted")
        except Wrong as wrong:
            print(_in_one_line(f"not yet: {wrong}"))
        except (Exception, SystemExit) as error:  # the learner's code may do anything
            is_theirs = any(map(callable, answers)) and not _is_raised_here(error)
            what = "raised" if is_theirs else "can't be checked:"
            told = f"not yet: your answer {what} {type(error).__name__}: {error}"
            print(_in_one_line(told))
        else:
            print("right" if remark is None else f"right: {remark}")

    return checked


def _is_raised_here(error: BaseException) -> bool:
    """Whether no code but the package's ran; packed checks have no file of theirs."""
    frames = traceback.walk_tb(error.__traceback__)
    names = [frame.f_globals.get("__name__", "") for frame, _ in frames]
    return all(name.partition(".")[0] == "dcgan_keras" for name in names)


def _in_one_line(text: str) -> str:
    """The marks of a class are read from the last line; an error may have several."""
    return " ".join(text.split())


def number(value, name: str) -> float:
    """One number, of whatever kind; what is none is a Wrong that names it."""
    comma = "," in str(value) and isinstance(value, str | tuple)
    hint = "; a number has no comma in Python" if comma else ""
    try:
        if value is None or np.iscomplexobj(value):
            raise TypeError
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise Wrong(f"{name} should be a number; yours is {value!r}{hint}") from None
    if array.size != 1:
        raise Wrong(f"{name} should be one number; yours has shape {array.shape}{hint}")
    return array.item()


def numbers(values, names: tuple[str, ...], what: str) -> list[int | float]:
    """Some numbers in a tuple, list or array; ``what`` tells which, if they are not."""
    is_list = isinstance(values, tuple | list) or np.ndim(values) == 1
    if not is_list or len(values) != len(names):
        raise Wrong(what)
    if all(value is ... for value in values):
        raise NotImplementedError
    found = [number(value, name) for value, name in zip(values, names, strict=True)]
    return [int(value) if value.is_integer() else value for value in found]
