"""Sliders through the latent space; the same as one figure where nothing can slide."""

import io
import os
from collections.abc import Callable, Sequence

import numpy as np

from dcgan_keras.visualization import COLOURS, tile

LIVE_VARIABLE = "DCGAN_KERAS_LIVE"  # 1: sliders; 0: the figure; not set: find out


def is_live() -> bool:
    """Is somebody there to move a slider?

    Returns:
        What the environment variable DCGAN_KERAS_LIVE says (1 or 0). Where it is not
        set: whether the kernel was started by Jupyter's server, by Colab or by VS Code,
        and not by a program that runs notebooks and looks at none.
    """
    asked = os.environ.get(LIVE_VARIABLE)
    if asked is not None:
        return asked != "0"
    signs = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID")
    return any(name in os.environ for name in signs)


def live_picture(controls: Sequence, pixels: Callable[..., np.ndarray]):
    """A picture that is drawn anew whenever a control is moved.

    Args:
        controls: of ``ipywidgets``, with a ``value``.
        pixels: from their values, in their order, to uint8 (H, W) or (H, W, 3).

    Returns:
        An ``ipywidgets.Image``.

    Example:
        >>> slider = ipywidgets.IntSlider(3)
        >>> ipywidgets.VBox([slider, live_picture([slider], draw)])
    """
    import ipywidgets

    picture = ipywidgets.Image(format="png")

    def draw(_=None):
        picture.value = _png(pixels(*(control.value for control in controls)))

    for control in controls:
        control.observe(draw, names="value")
    draw()
    return picture


class LatentExplorer:
    """Moves z along some directions and draws what the generator makes of it.

    Args:
        generate: float32 (N, latent_dim) -> images (N, H, W, C) in [-1, 1].
        start: z where all sliders stand at 0, (latent_dim,).
        directions: unit vectors, (K, latent_dim); see ``latent.main_directions``.
        reach: how far a slider goes to either side, in standard deviations of z.

    Example:
        >>> explorer = LatentExplorer(draw, z[0], directions)
        >>> explorer.widget()  # in a notebook

    Source: notebook 08.
    """

    def __init__(
        self,
        generate: Callable,
        start: np.ndarray,
        directions: np.ndarray,
        reach: float = 4.0,
    ):
        self.generate, self.reach = generate, reach
        self.start = np.asarray(start, np.float32)
        self.directions = np.asarray(directions, np.float32)

    def images(self, positions: np.ndarray) -> np.ndarray:
        """What the generator draws.

        Args:
            positions: of the sliders, (N, K).

        Returns:
            float32 (N, H, W, C) in [-1, 1].
        """
        moves = np.asarray(positions, np.float32) @ self.directions
        return np.asarray(self.generate(self.start + moves))

    def figure(self, points: int = 9):
        """A row for each slider, from one end to the other, the others at 0."""
        import matplotlib.pyplot as plt

        places = np.linspace(-self.reach, self.reach, points)
        rows = np.eye(len(self.directions))[:, np.newaxis] * places[:, np.newaxis]
        grid = tile(self.images(rows.reshape(-1, len(self.directions))), points)
        side = grid.shape[1] / points
        height = 0.6 * len(rows) + 0.8
        figure, axis = plt.subplots(figsize=(0.6 * points + 1.2, height))
        axis.imshow(grid, interpolation="nearest")
        axis.set_xticks(side * (np.arange(points) + 0.5), [f"{x:+g}" for x in places])
        names = [f"slider {number}" for number in range(1, len(rows) + 1)]
        axis.set_yticks(side * (np.arange(len(rows)) + 0.5), names)
        axis.set(xlabel="position of the slider (standard deviations of z)")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        middle = side * np.array([points // 2, points // 2 + 1]) - 0.5
        axis.vlines(middle, -0.5, grid.shape[0] - 0.5, color=COLOURS["highlight"])
        return figure

    def widget(self, scale: int = 8):
        """Sliders beside the image that they make.

        Args:
            scale: screen pixels a pixel.

        Returns:
            An ``ipywidgets.HBox``.
        """
        import ipywidgets

        reach = {"min": -self.reach, "max": self.reach, "step": 0.1}
        sliders = [
            ipywidgets.FloatSlider(value=0.0, description=f"slider {number}", **reach)
            for number in range(1, len(self.directions) + 1)
        ]

        def pixels(*position):
            return tile(self.images([position]), 1, scale)

        picture = live_picture(sliders, pixels)
        return ipywidgets.HBox([ipywidgets.VBox(sliders), picture])


def _png(pixels: np.ndarray) -> bytes:
    import imageio.v3 as imageio

    buffer = io.BytesIO()
    imageio.imwrite(buffer, pixels, extension=".png")
    return buffer.getvalue()
