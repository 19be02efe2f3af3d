"""D's features and the linear classifier on them."""

import numpy as np
import pytest

from dcgan_keras import keras
from dcgan_keras.evaluation.discriminator_features import (
    discriminator_features,
    draw_labelled,
    probe_accuracy,
)
from dcgan_keras.models import build_discriminator

RNG = np.random.default_rng(0)


def test_features_are_the_pooled_activations():
    model = build_discriminator((16, 16, 1), 3, batch_norm=None, seed=0)
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


def test_a_dense_discriminator_is_refused():
    layers = keras.layers
    dense = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="got none"):
        discriminator_features(dense, np.zeros((1, 8, 8, 1)))


def test_as_many_of_each_class():
    labels = RNG.integers(0, 5, 400)
    chosen = draw_labelled(labels, 50, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [10] * 5
    assert len(set(chosen.tolist())) == 50
    assert chosen.tolist() != draw_labelled(labels, 50, seed=2).tolist()


@pytest.mark.parametrize("count", [0, 7, 5000])
def test_a_count_that_does_not_go_round(count):
    with pytest.raises(ValueError, match="count: expected a multiple of 5"):
        draw_labelled(np.arange(400) % 5, count, seed=0)


def test_probe_learns_what_is_there_and_nothing_else():
    labels, others = RNG.integers(0, 4, (2, 400))
    seen, unseen = np.eye(4)[labels] + 7, np.eye(4)[others] + 7
    noise, more = RNG.normal(size=(2, 400, 4))
    assert probe_accuracy(seen, labels, unseen, others) == 1
    assert probe_accuracy(100 * seen, labels, 100 * unseen, others) == 1
    assert probe_accuracy(noise, labels, more, others) < 0.4
