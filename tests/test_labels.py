"""Labels in both players: each belongs to one image, and is a class that there is."""

import numpy as np
import pytest

from dcgan_keras import tf
from dcgan_keras.labels import (
    asked_logits,
    check_labels,
    label_grid,
    spread_labels,
    with_labels,
)

Z = np.arange(6, dtype=np.float32).reshape(2, 3)
LOGITS = np.arange(8, dtype=np.float32).reshape(2, 4)
WRONG = {  # of two images and four classes
    "beyond": ([0, 4], "labels: expected whole numbers 0 to 3, .*; got 0 to 4$"),
    "below": ([-1, 0], "; got -1 to 0$"),
    "floats": ([1.0, 0.0], "; got float"),
    "one for two": ([1], r"; got shape \(1,\) for 2 images$"),
    "rows": ([[0, 1, 0, 0], [1, 0, 0, 0]], r"; got shape \(2, 4\) for 2 images$"),
}


def draw(labels):
    return with_labels(Z, labels, 4)


def ask(labels):
    return asked_logits(LOGITS, labels)


@pytest.mark.parametrize("way", [draw, ask])
@pytest.mark.parametrize("name", WRONG)
def test_labels_of_tensors_are_looked_at_as_those_of_arrays(way, name):
    """A class that there is not was an empty row, and 1.7 was class 1."""
    labels, said = WRONG[name]
    for kind in (tf.constant, tf.Variable) if way is draw else (list, tf.constant):
        with pytest.raises(ValueError, match=said):
            way(kind(labels))


@pytest.mark.parametrize("way", [draw, ask])
@pytest.mark.parametrize("name", ["floats", "one for two", "rows"])
def test_labels_of_a_graph_are_looked_at_by_type_and_shape(way, name):
    with pytest.raises(ValueError, match=f"^labels: .*{WRONG[name][1]}"):
        traced = tf.function(way, autograph=False)  # which would add where it was
        traced.get_concrete_function(tf.constant(WRONG[name][0]))


def test_what_fits_is_the_same_in_every_form():
    rows = np.concatenate([Z, np.eye(4)[[3, 1]]], axis=1)
    for kind in (list, np.array, tf.constant, tf.Variable, np.uint8, tf.function):
        if kind is tf.function:
            some = tf.TensorSpec((None,), tf.int32)
            found = [
                tf.function(way, [some])(tf.constant([3, 1])) for way in (draw, ask)
            ]
        else:
            found = [way(kind([3, 1])) for way in (draw, ask)]
        np.testing.assert_array_equal(found[0], rows)
        np.testing.assert_array_equal(found[1], [[3], [5]])
    unknown = tf.function(lambda z: with_labels(z, [3, 1], 4))
    spec = tf.TensorSpec((None, 3))
    np.testing.assert_array_equal(unknown.get_concrete_function(spec)(Z), rows)


def test_noise_of_another_precision_is_taken():
    found = with_labels(Z.astype(np.float64), [3, 1], 4)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, with_labels(Z, [3, 1], 4))


def test_no_labels_are_labels_of_no_images():
    found = check_labels(np.zeros(0, np.uint8), 3, 0)
    assert found.shape == (0,) and found.dtype == np.int64


def test_classes_of_8_bits_are_as_many():
    found = label_grid(Z, np.uint8(200))
    np.testing.assert_array_equal(found, label_grid(Z, 200))


@pytest.mark.parametrize(
    ("shares", "labels"),
    [
        ([0.5, 0.5], [0, 0, 1, 1]),
        ([1, 0], [0, 0, 0, 0]),
        ([0, 1.0], [1, 1, 1, 1]),
        ([0.25, 0.75], [0, 1, 1, 1]),
        ([0.1, 0.9], [1, 1, 1, 1]),  # the middles of four equal parts of the shares
        ([0.2, 0.3, 0.5], [0, 1, 2, 2]),
    ],
)
def test_labels_are_as_frequent_as_their_shares(shares, labels):
    np.testing.assert_array_equal(spread_labels(4, len(shares), shares), labels)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: with_labels(Z[0], [0, 1, 2], 4), r"z: expected shape .*got \(3,\)"),
        (lambda: with_labels(Z, [0, 1], 2.5), "classes: expected a whole .* got 2.5"),
        (lambda: asked_logits(LOGITS[0], [0]), r"logits: expected .*got \(4,\)"),
        (lambda: label_grid(Z[0], 2), r"z: expected .*got \(3,\)"),
        (lambda: label_grid(Z, 0), "classes: expected a whole number >= 1, got 0"),
        (lambda: spread_labels(9, 2, [0.5, 0.4, 0.1]), "shares: expected 2 numbers"),
        (lambda: spread_labels(9, 2, [1.5, -0.5]), "shares: expected 2 numbers >= 0"),
        (lambda: spread_labels(9, 2, [1.0, 1.0]), "shares: .*sum 1, got"),
        (lambda: spread_labels(9, 2, [1, 3]), r"shares: .*sum 1, got \[1 3\]"),
        (lambda: spread_labels(-1, 2), "count: expected a whole number >= 0, got -1"),
        (lambda: spread_labels(9, 0), "classes: expected a whole number >= 1, got 0"),
        (lambda: check_labels(np.ma.array([0, 1], mask=[0, 1])), "a masked array"),
    ],
)
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
