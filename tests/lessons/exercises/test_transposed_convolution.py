"""Each check of notebook 03: the stub, the notebook's solution, wrong answers."""

import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from dcgan_keras.convolution import convolution_matrix
from dcgan_keras.lessons.exercises import transposed_convolution as exercises

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "03_transposed_convolution.ipynb"
NAMES = ["output_sizes", "matrix_1d", "stamp", "layers_7_to_28"]


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
        (14, "four sizes are asked for, like"),
    ],
)
def test_wrong_sizes(capsys, answer, message):
    output = said(capsys, "output_sizes", answer)
    assert output.startswith("not yet: ") and message in output


def stamped(maps, kernel, strides, add=True, crop=0):
    k = len(kernel)
    height, width = (n * strides - strides + k for n in maps.shape[:2])
    result = np.zeros((height, width, kernel.shape[2]))
    for row, column in np.ndindex(maps.shape[:2]):
        top, left = row * strides, column * strides
        window = result[top : top + k, left : left + k]
        window[:] = add * window + kernel @ maps[row, column]
    return result[crop:, crop:]


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda x, k, s: stamped(x, k[::-1, ::-1], s), "kernel is flipped"),
        (lambda x, k, s: stamped(x, k, s, add=False), "must be added"),
        (lambda x, k, s: stamped(x, k, 1), "the stride is ignored"),
        (lambda x, k, s: stamped(x, k.swapaxes(0, 1), s), "rows and columns are swap"),
        (lambda x, k, s: stamped(x, k, s).swapaxes(0, 1), "height and width swapped"),
        (lambda x, k, s: stamped(x, k, s).sum(axis=-1), "channels are missing"),
        (
            lambda x, k, s: stamped(x[..., :1], k[..., :1], s),
            "only input channel 0 is stamped",
        ),
        (
            lambda x, k, s: stamped(x[..., 1:], k[..., 1:], s),
            "only input channel 1 is stamped",
        ),
        (lambda x, k, s: stamped(x, k, s, crop=1), "on each axis; yours"),
        (lambda x, k, s: x[:1, :2], "on each axis; yours is (1, 2, 2)"),
        (lambda x, k, s: -stamped(x, k, s), "the numbers are not"),
        (lambda x, k, s: stamped(x, k[:3, :3], s), "a kernel of 4x4x5x2"),
        (lambda x, k, s: k @ x, "raised ValueError"),
        (lambda x, k, s: x.nothing, "raised AttributeError"),
    ],
)
def test_wrong_stamps(capsys, answer, message):
    output = said(capsys, "stamp", answer)
    assert output.startswith("not yet: ") and message in output


def test_the_stamp_is_keras_own():
    """What the check takes for right is what Keras computes."""
    from dcgan_keras import keras

    random = np.random.default_rng(1)
    maps, kernel = random.normal(size=(3, 4, 2)), random.normal(size=(3, 3, 5, 2))
    for strides in (1, 2):
        by_keras = keras.ops.conv_transpose(maps[None], kernel, strides=strides)[0]
        np.testing.assert_allclose(stamped(maps, kernel, strides), by_keras, atol=1e-5)


@pytest.mark.parametrize(
    "answer", [[(4, 2), (4, 2)], [(8, 4)], [(6, 2), (4, 2)], [(4, 2), (3, 1), (4, 2)]]
)
def test_right_layers(capsys, answer):
    assert said(capsys, "layers_7_to_28", answer).startswith("right: 28 pixels")


@pytest.mark.parametrize(
    "answer, message",
    [
        ([(5, 2), (5, 2)], "layer 1: kernel size 5 and stride 2 put 2 or 3 stamps"),
        ([(4, 2), (5, 2)], "layer 2: kernel size 5 and stride 2 put 2 or 3 stamps"),
        ([(4, 3), (4, 2)], "kernel size 4 and stride 3 put 1 or 2 stamps"),
        ([(3, 4)], "some pixels get no stamp at all"),
        ([(2, 2), (2, 2)], "stamps of 2 at stride 2 do not overlap"),
        ([(4, 2), (4, 2), (1, 1)], "stamps of 1 at stride 1 do not overlap"),
        ([(4, 2)], "7 becomes 14, not 28"),
        ([(4, 2), (4, 2), (4, 2)], "7 becomes 56, not 28"),
        ([], "7 becomes 7, not 28"),
        ([(4, 2, 2)], "give (kernel_size, strides)"),
        ([(4.0, 2)], "two whole numbers, not (4.0, 2)"),
        ([((4, 4), (2, 2))], "two whole numbers, not ((4, 4), (2, 2))"),
        ([(4, (2, 2))], "two whole numbers, not (4, (2, 2))"),
        ([...], "two whole numbers, not Ellipsis"),
        ((4, 2), "two whole numbers, not 4"),
        ([(4, 0)], "can't be checked: ValueError: strides must be"),
    ],
)
def test_wrong_layers(capsys, answer, message):
    output = said(capsys, "layers_7_to_28", answer)
    assert output.startswith("not yet: ") and message in output


def matrix(kernel, size, strides, rows=None, step=None):
    rows = (size - len(kernel)) // strides + 1 if rows is None else rows
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
            "one row too many for 3 weights, size=8, strides=2",
        ),
        (
            lambda k, n, s: matrix(k, n, s, rows=(n - 3) // s),
            "the formula ends with + 1",
        ),
        (lambda k, n, s: matrix(k, n, s, step=1), "places of the weights"),
        (lambda k, n, s: np.ones((2, 2)), "yours is (2, 2)"),
        (lambda k, n, s: matrix(k[:3], n, s), "one row too many for 4 weights"),
    ],
)
def test_wrong_matrices(capsys, answer, message):
    output = said(capsys, "matrix_1d", answer)
    assert output.startswith("not yet: ") and message in output


def test_a_sparse_matrix_is_right(capsys):
    def sparse(kernel, size, strides):
        return convolution_matrix(kernel[None], (1, size), (1, strides))

    assert said(capsys, "matrix_1d", sparse).startswith("right: ")
