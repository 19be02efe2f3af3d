"""The checks of arguments: what each lets through, and the sentence of each refusal."""

from fractions import Fraction

import numpy as np
import pytest

from dcgan_keras import sizes

NO_NUMBERS = [np.nan, np.inf, -np.inf, np.float32(np.inf), None, "0.2", True, [0.2], 1j]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (sizes.check_not_negative, "a number >= 0"),
        (sizes.check_above_zero, "a number > 0"),
        (sizes.check_below_one, "0 <= rate < 1"),
    ],
)
def test_what_is_no_finite_number_is_refused(check, expected, value):
    with pytest.raises(ValueError) as caught:
        check(rate=value)
    assert str(caught.value) == f"rate: expected {expected}, got {value!r}"


def test_numbers_in_range_are_let_through_and_others_are_not():
    zero, below, whole, beyond = 0, np.float32(0.5), np.int64(1), Fraction(5, 2)
    for check, good, bad in (
        (sizes.check_not_negative, (zero, below, whole, beyond), (-1e-9,)),
        (sizes.check_above_zero, (below, whole, beyond), (zero, -below)),
        (sizes.check_below_one, (zero, below), (whole, beyond, -1e-9)),
        (sizes.check_count, (zero, whole), (below, beyond, -1, "1", True, None)),
        (sizes.check_flag, (True, np.False_), (zero, whole, None, "no")),
    ):
        for value in good:
            check(given=value)
        for value in bad:
            with pytest.raises(ValueError, match="^given: expected .* got"):
                check(given=value)


@pytest.mark.parametrize("value", [["relu"], {"relu": 1}, np.array(["relu", "tanh"])])
def test_a_choice_is_a_word(value):
    with pytest.raises(ValueError, match="^activation: expected one of 'relu', 'tanh'"):
        sizes.check_choice("activation", value, {"relu": 1, "tanh": 2})


@pytest.mark.parametrize("shape", [28, None, np.array(28)], ids=repr)
def test_an_image_shape_has_three_numbers(shape):
    with pytest.raises(ValueError, match=r"^image_shape: expected \(height, width"):
        sizes.stages(shape)


@pytest.mark.parametrize("size", ["8", 8.0, None, True], ids=repr)
def test_an_image_size_is_a_whole_number(size):
    with pytest.raises(ValueError, match=f"^image_size: expected .* got {size!r}"):
        sizes.check_image_size(size)


@pytest.mark.parametrize(
    ("size", "near"), [(30, "28 or 32"), (4, "8"), (1000, "256"), (9, "8 or 10")]
)
def test_of_a_size_that_no_network_has_the_nearest_is_named(size, near):
    with pytest.raises(ValueError, match=f"got {size}, and the nearest is {near}$"):
        sizes.check_image_size(size)


def test_of_the_sizes_that_are_allowed_the_nearest_is_named():
    sizes.check_image_size(33, allowed=(33, 66))
    with pytest.raises(ValueError, match="one of 33, 66 pixels; got 64, .* 33 or 66$"):
        sizes.check_image_size(64, allowed=(33, 66))


@pytest.mark.parametrize(("seed", "is_one"), [(0, 1), (9, 1), (10, 0), (-1, 0)])
def test_seeds_lie_between_two_numbers(seed, is_one):
    if is_one:
        return sizes.check_seed(seed, 0, 10)
    with pytest.raises(ValueError, match=f"expected a whole .*, 0 to 9, got {seed}"):
        sizes.check_seed(seed, 0, 10)


def test_bytes_are_no_list_of_channels():
    with pytest.raises(ValueError, match="^channels: expected a whole number"):
        sizes.widths_of(b"ab", 2)


def test_widths_are_whole_numbers_of_python():
    assert sizes.units_of("hidden", iter((128, np.uint8(64)))) == [128, 64]
    found = sizes.widths_of([np.uint8(200), 3], 2)
    assert found == [200, 3] and {type(width) for width in found} == {int}
    assert sizes.widths_of(np.uint8(100), 3) == [100, 200, 400]


@pytest.mark.parametrize("seed", [1.5, "1", True, 2**60, -(2**60), [1]], ids=repr)
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="^seed: expected None or a whole number"):
        sizes.seed_of(seed)


def test_seeds_of_numpy_are_keras_seeds():
    assert sizes.seed_of(None) is None
    for seed in (3, np.int64(3), np.uint8(3)):
        assert type(sizes.seed_of(seed)) is int and sizes.seed_of(seed) == 3
