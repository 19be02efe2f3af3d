"""Notebook 02's slider, as it is where somebody can move it."""

import io

import IPython.display
import numpy as np
from PIL import Image

from dcgan_keras.lessons.figures.minimax_loss import slide_generator


def pixels(picture) -> np.ndarray:
    """What the widget's picture shows, (H, W, 3)."""
    with Image.open(io.BytesIO(picture.value)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_slider_moves_the_picture(monkeypatch) -> None:
    """Another place of G is another picture, and the way back gives the first one."""
    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    shifts = np.linspace(-2, 5, 141)
    slide_generator(shifts, shifts**2 / 5 - 1.386, live=True)
    slider, picture = shown[0].children
    first = pixels(picture)
    assert first.std() > 10
    slider.value = 2.5
    second = pixels(picture)
    assert second.shape == first.shape and (second != first).any()
    slider.value = 3.0
    np.testing.assert_array_equal(pixels(picture), first)
