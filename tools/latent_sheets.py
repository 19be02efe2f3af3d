"""Draw the digits between four corners, for the site's latent explorer.

    python tools/latent_sheets.py      # docs/_static/explorers/digits_*.png, digits.js

The corners are points of the noise of the recorded run's sample grid, four a sheet, in
their order: none is chosen. From a corner to its neighbour the way is an arc (slerp),
and the inside lies on the arcs between the left and the right edge.
"""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.files import write_whole
from dcgan_keras.lessons.recorded import recorded_run
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.callbacks import SAMPLE_SEED
from dcgan_keras.training.configuration import load_players
from dcgan_keras.training.sampling import generate, slerp
from dcgan_keras.visualization import tile

FOLDER = Path(__file__).parents[1] / "docs" / "_static" / "explorers"
SHEETS, SIDE = 3, 21


def between(corners: np.ndarray, across: float, down: float) -> np.ndarray:
    """A point between four.

    Args:
        corners: (4, latent_dim): upper left, upper right, lower left, lower right.
        across, down: from 0, left and above, to 1.

    Returns:
        (latent_dim,).
    """
    left = slerp(corners[0], corners[2], down)
    right = slerp(corners[1], corners[3], down)
    return slerp(left, right, across)


def sheet(corners: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The points of a sheet, row by row: float32 (side * side, latent_dim)."""
    steps = np.linspace(0, 1, side)
    points = [between(corners, across, down) for down in steps for across in steps]
    return np.stack(points).astype(np.float32)


def corners_of(number: int) -> np.ndarray:
    """The four corners of a sheet, counted from 0."""
    noise = latent_noise((64, 100), SAMPLE_SEED, 0).numpy()
    return noise[4 * number : 4 * number + 4]


def main() -> None:
    """Draw all sheets, and write what the classifier reads on each."""
    generator, _ = load_players(recorded_run("mnist"))
    classifier, sheets = load_classifier("mnist"), []
    for number in range(SHEETS):
        images = generate(generator, sheet(corners_of(number)))
        _, probabilities = classifier(images)
        stored = io.BytesIO()
        grey = tile(images, SIDE)[..., 0]
        Image.fromarray(grey).quantize(16).save(stored, "PNG", optimize=True)
        name = f"digits_{number + 1}.png"
        write_whole(FOLDER / name, stored.getvalue())
        digits = "".join(map(str, probabilities.argmax(axis=1)))
        percent = np.floor(100 * probabilities.max(axis=1)).astype(int).tolist()
        sheets.append({"picture": name, "digits": digits, "percent": percent})
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in sheets)
    script = "// Made by tools/latent_sheets.py: what the course's classifier reads.\n"
    script += f"const LATENT = {{ side: {SIDE}, sheets: [\n{lines}\n] }};\n"
    write_whole(FOLDER / "digits.js", script.encode())


if __name__ == "__main__":
    main()
