"""D's features and the linear classifier on them."""

from unittest.mock import Mock

import numpy as np
import pytest

from dcgan_keras import keras, tf
from dcgan_keras.evaluation.discriminator_features import (
    discriminator_features,
    draw_labelled,
    probe_accuracy,
)
from dcgan_keras.models import build_discriminator, build_generator

RNG = np.random.default_rng(0)


def test_features_are_the_pooled_activations():
    model = build_discriminator((16, 16, 1), 3, seed=0)
    images = RNG.uniform(-1, 1, (5, 16, 16, 1)).astype(np.float32)
    found = discriminator_features(model, images, batch_size=2)
    expected, x = [], images
    for layer in model.layers:
        x = layer(x, training=False)
        if "activation" in layer.name:
            size = x.shape[1] // 4
            blocks = np.reshape(x, (5, 4, size, 4, size, -1))
            expected.append(blocks.max(axis=(2, 4)).reshape(5, -1))
    assert found.shape == (5, 16 * (3 + 6))
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), atol=1e-6)


def test_28_pixels_are_pooled_to_4_places():
    model = build_discriminator((28, 28, 1), 2, seed=0)
    assert discriminator_features(model, np.zeros((1, 28, 28, 1))).shape == (1, 96)


def test_maps_as_large_as_the_image_are_left_out():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(5, 3, padding="same"),
            layers.Conv2D(2, 3, strides=2, padding="same"),
        ]
    )
    assert discriminator_features(model, np.zeros((1, 8, 8, 1))).shape == (1, 4 * 4 * 2)


def test_a_dense_discriminator_is_refused():
    layers = keras.layers
    dense = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="got none"):
        discriminator_features(dense, np.zeros((1, 8, 8, 1)))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.full((3, 16, 16, 1), np.nan), r"finite values in \[-1, 1\], got nan"),
        (np.full((3, 16, 16, 1), 2.0), r"finite values in \[-1, 1\], got 2 to 2"),
        (np.zeros((3, 16, 16, 1), np.uint8), "floats, got uint8"),
        (np.zeros((0, 16, 16, 1)), r"shape \(N, H, W, C\), N > 0"),
    ],
)
def test_what_are_no_images_is_refused(images, said):
    model = build_discriminator((16, 16, 1), 2, seed=0)
    with pytest.raises(ValueError, match=f"^images: expected {said}"):
        discriminator_features(model, images)


def test_a_batch_size_of_8_bits_counts_as_any_other():
    images = np.zeros((300, 16, 16, 1), np.float32)
    discriminator = build_discriminator((16, 16, 1), channels=2)
    assert len(discriminator_features(discriminator, images, np.uint8(200))) == 300


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_a_batch_size_that_is_none_is_refused(batch_size):
    model = build_discriminator((16, 16, 1), 2, seed=0)
    with pytest.raises(ValueError, match="batch_size: expected a whole number >= 1"):
        discriminator_features(model, np.zeros((3, 16, 16, 1)), batch_size)


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        (lambda: build_generator((16, 16, 1), 7, 2), r"\(7,\)"),
        (lambda: build_discriminator((32, 32, 1), 2), r"\(32, 32, 1\)"),
        (lambda: build_discriminator((16, 16, 3), 2), r"\(16, 16, 3\)"),
        (keras.Sequential, r"\(\)"),
    ],
    ids=["generator", "other images", "colours", "not built"],
)
def test_a_model_of_something_else_is_refused(model, takes):
    said = r"discriminator: expected a model that takes images \(16, 16, 1\), got one "
    with pytest.raises(ValueError, match=f"{said}that takes {takes}"):
        discriminator_features(model(), np.zeros((3, 16, 16, 1)))


def test_as_many_of_each_class():
    labels = RNG.integers(0, 5, 400)
    chosen = draw_labelled(labels, 50, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [10] * 5
    assert len(set(chosen.tolist())) == 50
    assert (np.diff(labels[chosen]) >= 0).all()  # class by class
    assert chosen.tolist() != draw_labelled(labels, 50, seed=2).tolist()


@pytest.mark.parametrize("count", [0, -5, 7, 5000, 50.0])
def test_a_count_that_does_not_go_round(count):
    with pytest.raises(ValueError, match="count: expected a multiple of 5"):
        draw_labelled(np.arange(400) % 5, count, seed=0)


def test_the_smallest_class_says_how_many_there_may_be():
    labels = [0] * 10 + [1] * 2
    assert len(draw_labelled(labels, 4, seed=0)) == 4
    with pytest.raises(ValueError, match="count: .* every class has enough .* got 6"):
        draw_labelled(labels, 6, seed=0)


@pytest.mark.parametrize("seed", [-1, "a", 1.5, None])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueError, match="^seed .*expected a whole number, 0 to"):
        draw_labelled(np.arange(400) % 5, 50, seed=seed)


def test_any_whole_numbers_are_labels_and_nothing_else_is():
    found = draw_labelled([-1, 7, -1, 7], 2, seed=0)
    assert found[0] in (0, 2) and found[1] in (1, 3)
    with pytest.raises(ValueError, match="labels: expected whole numbers"):
        draw_labelled(np.array([0.5, 1.0]), 2, seed=0)
    with pytest.raises(ValueError, match="labels: expected at least one"):
        draw_labelled(np.array([], int), 2, seed=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": np.full((8, 3), np.nan)}, "^features: expected finite"),
        ({"test_features": np.full((4, 3), np.inf)}, "^test_features: expected finite"),
        ({"test_features": np.ones((4, 2))}, "test_features: expected 3 columns as in"),
        ({"test_features": np.ones((4, 4))}, "test_features: expected 3 columns as in"),
        ({"features": np.ones(8)}, r"features: expected shape \(N, F\), N > 0"),
        ({"features": np.ones((8, 0))}, r"features: expected shape \(N, F\), N > 0"),
        ({"test_labels": np.ones(5, int)}, "test_features: labels: .* for 4 images"),
        ({"labels": np.ones(8)}, "^features: labels: expected whole numbers"),
        ({"features": np.ones((8, 3))}, "features: expected rows that differ"),
        ({"strength": -1}, "strength: expected a number >= 0, got -1"),
    ],
)
def test_probe_refuses_in_one_sentence(change, said):
    right = {
        "features": np.eye(8)[:, :3],
        "labels": np.arange(8) % 2,
        "test_features": np.eye(4)[:, :3],
        "test_labels": np.arange(4) % 2,
    }
    assert 0 <= probe_accuracy(**right) <= 1
    with pytest.raises(ValueError, match=said):
        probe_accuracy(**(right | change))


def test_probe_learns_what_is_there_and_nothing_else():
    labels, others = RNG.integers(0, 4, (2, 400))
    seen, unseen = np.eye(4)[labels] + 7, np.eye(4)[others] + 7
    noise, more = RNG.normal(size=(2, 400, 4))
    assert probe_accuracy(seen, labels, unseen, others) == 1
    assert probe_accuracy(100 * seen, labels, 100 * unseen, others) == 1
    assert probe_accuracy(noise, labels, more, others) < 0.4
    ones = others == 1
    assert probe_accuracy(seen, labels, unseen[ones], others[ones]) == 1


@pytest.mark.parametrize(("given", "alpha"), [({}, 1.0), ({"strength": 0.25}, 0.25)])
def test_the_penalty_is_relative_to_the_mean_squared_length(monkeypatch, given, alpha):
    ridge = Mock()
    ridge.return_value.score.return_value = 0.5
    monkeypatch.setattr("sklearn.linear_model.RidgeClassifier", ridge)
    features, labels = RNG.normal(7, 3, (40, 4)), np.arange(40) % 2
    assert probe_accuracy(features, labels, features[:9], labels[:9], **given) == 0.5
    assert ridge.call_args.kwargs == {"alpha": alpha}
    fitted, tested = (
        call.args[0] for call in (ridge().fit.call_args, ridge().score.call_args)
    )
    np.testing.assert_allclose(fitted.mean(axis=0), 0, atol=1e-12)
    assert np.mean(np.sum(fitted**2, axis=1)) == pytest.approx(1)
    np.testing.assert_array_equal(tested, fitted[:9])


@pytest.mark.parametrize("dtype", [np.float16, tf.bfloat16.as_numpy_dtype])
def test_features_of_16_bits_are_probed_in_32(dtype):
    """Their squares, added up, are beyond float16, which would leave only 0."""
    labels = np.arange(200) % 2
    features = RNG.normal(size=(200, 50)) * 300 + 180 * labels[:, np.newaxis]
    short = features.astype(dtype)
    found = probe_accuracy(short, labels, short, labels)
    long = short.astype(np.float64)
    assert found == probe_accuracy(long, labels, long, labels) > 0.9
