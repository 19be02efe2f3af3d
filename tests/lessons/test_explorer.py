"""The slider explorer, with a generator that shows where it is asked."""

import io

import imageio.v3 as imageio
import numpy as np
import pytest

from dcgan_keras.lessons.explorer import LIVE_VARIABLE, LatentExplorer, is_live

DIRECTIONS = np.eye(5)[[1, 3]]


def generate(z):
    """The first pixels are z itself, divided by 10."""
    images = np.zeros((len(z), 8, 8, 1), np.float32)
    images[:, 0, :5, 0] = z / 10
    return images


@pytest.fixture
def explorer():
    return LatentExplorer(generate, np.arange(5), DIRECTIONS, reach=3.0)


def seen(widget):
    """z as the picture shows it, every second pixel of the first row."""
    picture = widget.children[1].value
    pixels = imageio.imread(io.BytesIO(picture))[0, :10:2, 0]
    return pixels / 127.5 * 10 - 10


def test_positions_move_along_the_directions(explorer):
    (image,) = explorer.images([[2.0, -1.0]])
    np.testing.assert_allclose(image[0, :5, 0] * 10, [0, 3, 2, 2, 4], atol=1e-6)


def test_a_slider_moves_the_picture(explorer):
    widget = explorer.widget(scale=2)
    np.testing.assert_allclose(seen(widget), np.arange(5), atol=0.05)
    widget.children[0].children[1].value = -2.5
    np.testing.assert_allclose(seen(widget), [0, 1, 2, 0.5, 4], atol=0.05)
    assert [s.max for s in widget.children[0].children] == [3.0, 3.0]


def test_the_figure_has_a_row_for_each_slider(explorer):
    axis = explorer.figure(points=5).axes[0]
    assert [text.get_text() for text in axis.get_yticklabels()] == [
        "slider 1",
        "slider 2",
    ]
    grid = axis.images[0].get_array()
    assert grid.shape == (16, 40, 3)
    second = grid[0, 1::8, 0] / 127.5 * 10 - 10  # slider 1 moves coordinate 1
    np.testing.assert_allclose(second, 1 + np.linspace(-3, 3, 5), atol=0.05)
    still = grid[8, 1::8, 0] / 127.5 * 10 - 10
    np.testing.assert_allclose(still, 1, atol=0.05)


@pytest.mark.parametrize(
    ("variables", "live"),
    [
        ({}, False),
        ({"JPY_SESSION_NAME": "a.ipynb"}, True),
        ({"COLAB_RELEASE_TAG": "release"}, True),
        ({"JPY_SESSION_NAME": "a.ipynb", LIVE_VARIABLE: "0"}, False),
        ({LIVE_VARIABLE: "1"}, True),
    ],
)
def test_live_or_not(variables, live, monkeypatch):
    for name in (LIVE_VARIABLE, "JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_live() is live
