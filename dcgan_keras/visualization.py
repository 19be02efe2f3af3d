"""Pictures for the course: arrays in, a matplotlib Figure or a file out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's colour-blind palette; one colour for one thing in the whole course.
COLOURS = {
    "real": "#0072B2",  # blue: data, p_data
    "fake": "#D55E00",  # vermilion: generated, p_G, the generator
    "discriminator": "#009E73",  # green: D and what it says
    "accent": "#CC79A7",
    "highlight": "#E69F00",
    "neutral": "#666666",
}
CYCLE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666"]


def use_style() -> None:
    """Set the course's matplotlib style: call it once at the top of a notebook."""
    matplotlib.rcParams.update(
        {
            "axes.prop_cycle": matplotlib.cycler(color=CYCLE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.figsize": (7.0, 3.2),
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 11,
            "image.cmap": "gray",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook with alternative text, and close it.

    Args:
        figure: the matplotlib Figure.
        alt: one sentence for who cannot see the picture: what it shows.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)
