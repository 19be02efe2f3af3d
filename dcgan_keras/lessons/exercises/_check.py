"""How an exercise's check speaks: not attempted, right, or what exactly is wrong."""

import functools
from collections.abc import Callable


class Wrong(Exception):
    """Raised inside a check; its message names what is wrong with the answer."""


def exercise(check: Callable) -> Callable:
    """Turn ``check(answer)`` into a check that prints one line and never raises.

    The decorated function raises ``Wrong`` with a message, or returns an optional
    remark for a right answer. An answer of ``...`` or ``None``, and a function that
    raises ``NotImplementedError``, count as not attempted. Any other exception of the
    learner's code is reported as a wrong answer, so that Run All goes on.
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
            print(f"not yet: {wrong}")
        except Exception as error:  # noqa: BLE001 - the learner's code may do anything
            print(f"not yet: your answer raised {type(error).__name__}: {error}")
        else:
            print("right" if remark is None else f"right: {remark}")

    return checked
