"""What all checks have in common: how numbers may be written, and one true sentence."""

import numpy as np
import pytest

from dcgan_keras.lessons.exercises import (
    bigger,
    conditional,
    evaluating,
    layers,
    training_loop,
    transposed_convolution,
)
from dcgan_keras.lessons.exercises._check import exercise

COUNTS = [
    (transposed_convolution.check_output_sizes, (5, 14, 9, 14)),
    (layers.check_batch_norm_counts, (6272, 128, 128)),
    (training_loop.check_counts, (468, 3, 256)),
    (evaluating.check_scores, (3, 1, 5)),
    (bigger.check_four_devices, (24, 625, 4, 4)),
    (conditional.check_letters, (126, 26, 40768)),
]


@pytest.mark.parametrize(("check", "right"), COUNTS)
def test_numbers_may_be_of_any_kind(check, right, capsys):
    for answer in (list(right), np.array(right), [float(n) for n in right]):
        check(answer)
        assert capsys.readouterr().out.startswith("right")
    check(tuple(map(str, right)))
    assert capsys.readouterr().out.startswith("right")


@pytest.mark.parametrize(("check", "right"), COUNTS)
def test_what_is_no_number_is_said(check, right, capsys):
    check((...,) * len(right))
    assert capsys.readouterr().out == "not attempted\n"
    for odd in (..., None, "a", [1, 2], {}, 1j, 10**400, float("nan"), float("inf")):
        check((*right[:-1], odd))
        said = capsys.readouterr().out
        assert said.startswith("not yet: ") and "Error" not in said
    check((*right[:-1], "40,768"))
    assert "a number has no comma in Python" in capsys.readouterr().out


def test_an_error_of_several_lines_is_told_in_one(capsys):
    def answer():
        raise ValueError("this\nright: and that")

    exercise(lambda answer: answer())(answer)
    said = "not yet: your answer raised ValueError: this right: and that\n"
    assert capsys.readouterr().out == said


def test_an_answer_that_ends_the_program_is_wrong(capsys):
    bigger.check_device_loss(lambda losses, devices: exit())
    assert "your answer raised SystemExit" in capsys.readouterr().out


def test_an_answer_raises_nothing_where_the_check_cannot_read_it(capsys):
    bigger.check_device_loss(lambda losses, devices: "much")
    assert "your answer can't be checked: ValueError" in capsys.readouterr().out
