"""Notebook 03's sliders: which pixels are lit, and that moving one draws anew."""

import IPython.display
import numpy as np
import pytest

from dcgan_keras.lessons.figures.transposed_convolution import draw_layer, slide_layer
from dcgan_keras.visualization import figure_pixels


def panels(*settings):
    """The cells of image, matrix and outputs: 0, 1 or 2."""
    figure = draw_layer(*settings)
    cells = [np.asarray(axis.images[0].get_array()) for axis in figure.axes]
    figure_pixels(figure)  # it can be drawn, and is closed
    return cells


@pytest.mark.parametrize(
    ("settings", "rows", "columns", "count"),
    [
        ((5, 3, 2, "same", 1), slice(0, 2), slice(0, 2), 9),
        ((5, 3, 2, "same", 6), slice(1, 4), slice(3, 5), 9),
        ((4, 3, 1, "valid", 2), slice(0, 3), slice(1, 4), 4),
        ((4, 3, 1, "valid", 6), slice(0, 3), slice(1, 4), 4),  # begins again
        ((8, 2, 3, "valid", 9), slice(6, 8), slice(6, 8), 9),
    ],
)
def test_a_window_and_its_row_are_lit(settings, rows, columns, count) -> None:
    image, matrix, outputs = panels(*settings)
    window = np.zeros((settings[0], settings[0]))
    window[rows, columns] = 2
    np.testing.assert_array_equal(image, window)
    lit = (settings[-1] - 1) % count
    assert np.flatnonzero(outputs).tolist() == [lit] and outputs.size == count
    np.testing.assert_array_equal(matrix[lit], window.ravel())
    assert np.delete(matrix, lit, axis=0).max() == 1


def test_the_sliders_move_the_picture(monkeypatch) -> None:
    """A window that does not fit says so, and does not fail."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    slide_layer(live=True)
    controls, picture = shown[0].children
    seen = [bytes(picture.value)]
    for control, value in zip(controls.children, (3, 5, 2, "same", 4), strict=True):
        control.value = value
        seen.append(bytes(picture.value))
    assert seen[2] == seen[3]  # 5x5 into 3x3, with any stride
    assert len(set(seen)) == 5
