"""Sharpness against edges of known width."""

import numpy as np
import pytest

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.sharpness import blur, edge_steepness, equivalent_blur


def ramp(width, contrast=1.0):
    """A vertical edge from -contrast to contrast that takes `width` steps."""
    rise = np.clip((np.arange(20) - 8) / width, 0, 1) * 2 - 1
    return np.broadcast_to(contrast * rise[None, None, :, None], (1, 20, 20, 1))


@pytest.mark.parametrize("width", [1, 2, 4])
def test_an_edge_of_known_width(width):
    assert edge_steepness(ramp(width)) == pytest.approx([2 / width])


def test_the_length_of_the_edge_does_not_count():
    short = ramp(2).copy()
    short[:, 10:] = -1  # adds one horizontal edge of steepness 2
    turned = np.swapaxes(ramp(2), 1, 2)
    assert edge_steepness(turned) == pytest.approx(edge_steepness(ramp(2)))
    assert edge_steepness(ramp(2)[:, :5]) == pytest.approx(edge_steepness(ramp(2)))
    assert edge_steepness(short)[0] > 1


def test_a_flat_image_has_no_edge():
    assert edge_steepness(np.zeros((1, 8, 8, 1))).tolist() == [0.0]


def test_real_digits_are_the_ruler():
    digits = load_dataset("digits").images[:200]
    for sigma in (0.6, 1.0, 1.5):
        assert equivalent_blur(blur(digits, sigma), digits) == pytest.approx(sigma)
    assert equivalent_blur(digits, digits) == 0
    assert equivalent_blur(np.where(digits > 0, 1.0, -1.0), digits) == 0
    assert equivalent_blur(blur(digits, 5.0), digits) == 2.0


def test_blur_keeps_images_apart():
    images = np.zeros((3, 9, 9, 2), np.float32)
    images[1, 4, 4, 0] = 1
    blurred = blur(images, 1.0)
    assert blurred.dtype == np.float32
    assert blurred[1, ..., 0].sum() == pytest.approx(1, abs=1e-3)
    assert np.count_nonzero(blurred[[0, 2]]) == np.count_nonzero(blurred[..., 1]) == 0


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \(N, H, W, C\)"):
        edge_steepness(np.zeros((8, 8)))
