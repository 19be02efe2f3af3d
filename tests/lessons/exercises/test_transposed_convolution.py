"""Each check of notebook 03: the stub, the notebook's solution, wrong answers."""

import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from dcgan_keras.lessons.exercises import transposed_convolution as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "03_transposed_convolution.ipynb"
NAMES = ["output_sizes", "stamp", "even_overlap", "matrix_1d"]


def cells(tag):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [
        cell.source for cell in notebook.cells if tag in cell.metadata.get("tags", [])
    ]


def said(capsys, name, answer):
    getattr(exercises, f"check_{name}")(answer)
    return capsys.readouterr().out


def test_the_notebook_has_each_exercise_once():
    assert len(cells("exercise")) == len(cells("solution")) == len(NAMES)
    calls = [f"exercises.check_{name}({name})" for name in NAMES]
    assert cells("check") == calls


@pytest.mark.parametrize("index, name", list(enumerate(NAMES)))
def test_the_stub_is_not_attempted(capsys, index, name):
    namespace = {}
    exec(cells("exercise")[index], namespace)
    assert said(capsys, name, namespace[name]) == "not attempted\n"


@pytest.mark.parametrize("index, name", list(enumerate(NAMES)))
def test_the_solution_is_right(capsys, index, name):
    namespace = {"np": np}
    code = re.search(r"```python\n(.*?)```", cells("solution")[index], re.DOTALL)
    exec(code.group(1), namespace)
    assert said(capsys, name, namespace[name]).startswith("right")


@pytest.mark.parametrize(
    "answer, message",
    [
        ((4, 14, 9, 14), "+ 1 is missing"),
        ((6, 14, 9, 14), "round down, not up"),
        ((5, 13, 9, 14), "SAME rounds 27 / 2 up"),
        ((5, 12, 9, 14), "that is the valid size"),
        ((5, 14, 1, 14), "a transposed convolution grows"),
        ((5, 14, 8, 14), "size times stride is the rule for SAME"),
        ((5, 14, 9, 17), "SAME crops it"),
        ((5, 14, 9, 4), "that is the convolution's size"),
        ((9, 14, 5, 14), "the two convolutions come first"),
        ((5, 14, 9), "four sizes are asked for, you gave 3"),
        ((5, 14, 9, 99), "work it out"),
        (14, "raised TypeError"),
    ],
)
def test_wrong_sizes(capsys, answer, message):
    output = said(capsys, "output_sizes", answer)
    assert output.startswith("not yet: ") and message in output


def stamped(image, kernel, strides, add=True, crop=0):
    height, width = (n * strides - strides + 3 for n in image.shape)
    result = np.zeros((height, width))
    for row, column in np.ndindex(image.shape):
        top, left = row * strides, column * strides
        window = result[top : top + 3, left : left + 3]
        window[:] = add * window + image[row, column] * kernel
    return result[crop:, crop:]


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda x, k, s: stamped(x, k[::-1, ::-1], s), "kernel is flipped"),
        (lambda x, k, s: stamped(x, k, s, add=False), "must be added"),
        (lambda x, k, s: stamped(x, k, 1), "the stride is ignored"),
        (lambda x, k, s: stamped(x, k.T, s), "rows and columns are swapped"),
        (lambda x, k, s: stamped(x, k, s).T, "height and width swapped"),
        (lambda x, k, s: stamped(x, k, s, crop=1), "(i - 1) s + k; yours"),
        (lambda x, k, s: x[:1, :2], "(i - 1) s + k; yours is (1, 2)"),
        (lambda x, k, s: -stamped(x, k, s), "the numbers are not"),
        (lambda x, k, s: x.nothing, "raised AttributeError"),
    ],
)
def test_wrong_stamps(capsys, answer, message):
    output = said(capsys, "stamp", answer)
    assert output.startswith("not yet: ") and message in output


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda k, s: k % s != 0, "upside down"),
        (lambda k, s: k % 2 == 1, "an odd kernel is centred"),
        (lambda k, s: k % 2 == 0, "not for stride 3"),
        (lambda k, s: k >= s, "leaves no gaps"),
        (lambda k, s: k == s, "not only k = s"),
        (lambda k, s: s % k == 0, "the wrong way round"),
        (lambda k, s: True, "kernel_size=1, strides=2 gives True"),
    ],
)
def test_wrong_overlaps(capsys, answer, message):
    output = said(capsys, "even_overlap", answer)
    assert output.startswith("not yet: ") and message in output


def matrix(kernel, size, strides, rows=None, step=None):
    rows = (size - 3) // strides + 1 if rows is None else rows
    result = np.zeros((rows, size))
    for row in range(rows):
        for tap, weight in enumerate(kernel):
            result[row, (row * (step or strides) + tap) % size] = weight
    return result


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda k, n, s: matrix(k, n, s).T, "that is the transpose"),
        (lambda k, n, s: matrix(k[::-1], n, s), "kernel is flipped"),
        (lambda k, n, s: matrix(k, n, 1), "the stride is ignored"),
        (lambda k, n, s: matrix(k, n, s, rows=n), "must fit inside"),
        (
            lambda k, n, s: matrix(k, n, s, rows=math.ceil((n - 3) / s) + 1),
            "one row too many for size=8, strides=2",
        ),
        (
            lambda k, n, s: matrix(k, n, s, rows=(n - 3) // s),
            "the formula ends with + 1",
        ),
        (lambda k, n, s: matrix(k, n, s, step=1), "places of the weights"),
        (lambda k, n, s: np.ones((2, 2)), "yours is (2, 2)"),
    ],
)
def test_wrong_matrices(capsys, answer, message):
    output = said(capsys, "matrix_1d", answer)
    assert output.startswith("not yet: ") and message in output
