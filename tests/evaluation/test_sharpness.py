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
    assert edge_steepness(ramp(width).astype(np.float32)).dtype == np.float64


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


def test_the_widest_blur_that_is_tried_is_the_one_asked_for():
    edges = ramp(1)
    assert equivalent_blur(blur(edges, 5.0), edges, largest=3) == 3
    assert equivalent_blur(blur(edges, 5.0), edges, largest=0.5) == 0.5


def test_flat_images_are_as_steep_as_flat_ones():
    flat = np.zeros((3, 8, 8, 1))
    assert equivalent_blur(flat, flat) == equivalent_blur(ramp(2), flat) == 0


@pytest.mark.parametrize("largest", [-1, 0, 0.2, np.nan, np.inf, "2"])
def test_a_widest_blur_that_is_none_is_refused(largest):
    with pytest.raises(ValueError, match="largest: expected a finite number >= 0.3"):
        equivalent_blur(ramp(2), ramp(1), largest)


@pytest.mark.parametrize("sigma", [-1, np.nan, np.inf])
def test_a_blur_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma: expected a number >= 0"):
        blur(ramp(2), sigma)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.full((2, 8, 8, 1), np.nan), "finite values in .*, got nan"),
        (np.full((2, 8, 8, 1), np.inf), "finite values in .*, got inf"),
        (np.zeros((2, 8, 8, 1), np.uint8), "floats, got uint8"),
        (np.zeros((0, 8, 8, 1)), r"shape \(N, H, W, C\), N > 0"),
        (np.full((2, 8, 8, 1), 1e16), r"finite values in .*1e.15\], got 1e.16 to"),
    ],
)
def test_what_are_no_images_is_refused(images, said):
    for function in (
        edge_steepness,
        lambda x: blur(x, 1),
        lambda x: equivalent_blur(x, x),
    ):
        with pytest.raises(ValueError, match=f"images: expected {said}"):
            function(images)
    with pytest.raises(ValueError, match=f"real_images: expected {said}"):
        equivalent_blur(ramp(1), images)


def test_floats_of_16_bits_are_blurred_in_32():
    found = blur(ramp(1).astype(np.float16), 1.0)
    np.testing.assert_array_equal(found, blur(ramp(1).astype(np.float32), 1.0))


def test_blur_keeps_images_apart():
    images = np.zeros((3, 9, 9, 2), np.float32)
    images[1, 4, 4, 0] = 1
    blurred = blur(images, 1.0)
    assert blurred.dtype == np.float32
    assert blurred[1, ..., 0].sum() == pytest.approx(1, abs=1e-3)
    assert np.count_nonzero(blurred[[0, 2]]) == np.count_nonzero(blurred[..., 1]) == 0


def test_blur_repeats_the_pixels_of_the_edge():
    images = np.random.default_rng(0).normal(size=(2, 9, 7, 3))
    wide = np.pad(images, ((0, 0), (9, 9), (9, 9), (0, 0)), "edge")
    expected = blur(wide, 1.3)[:, 9:-9, 9:-9]
    np.testing.assert_allclose(blur(images, 1.3), expected, atol=1e-12)
    far = blur(images + 9, 1.3)  # of any unit, beyond [-1, 1]
    np.testing.assert_allclose(far, expected + 9, atol=1e-12)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \(N, H, W, C\)"):
        edge_steepness(np.zeros((8, 8)))
    with pytest.raises(ValueError, match="H and W at least 2"):
        edge_steepness(np.zeros((3, 8, 1, 1)))
