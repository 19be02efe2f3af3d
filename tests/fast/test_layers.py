"""The fast image layers: the same map as the plain ones, forward and backward."""

import numpy as np
import pytest
from players import KERAS_SAVES

from dcgan_keras import keras, tf
from dcgan_keras.fast.layers import (
    FastBatchNormalization,
    FastLeakyReLU,
    ImageConv2D,
    ImageConv2DTranspose,
)

CASES = [(k, channels) for k in (2, 3, 4, 5, 6, 7) for channels in (1, 3)]
BIAS = {"bias_initializer": "random_normal"}


def same_map(fast, plain, inputs):
    """Outputs, and the gradients of a curved function of them, agree."""
    fast(inputs)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        ours, theirs = fast(inputs), plain(inputs, *fast.weights)
        scalars = [tf.reduce_sum(tf.sin(outputs)) for outputs in (ours, theirs)]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    sources = [inputs, *[weight.value for weight in fast.weights]]
    gradients = [tape.gradient(scalar, sources) for scalar in scalars]
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("kernel_size", "channels"), CASES)
def test_convolution_is_that_of_tensorflow(kernel_size, channels):
    def plain(x, kernel, bias):
        return tf.nn.conv2d(x, kernel.value, 2, "SAME") + bias.value

    images = tf.random.stateless_normal((2, 12, 8, channels), (kernel_size, 1))
    same_map(ImageConv2D(7, kernel_size, **BIAS), plain, images)


@pytest.mark.parametrize(("kernel_size", "channels"), CASES)
def test_transposed_convolution_is_that_of_tensorflow(kernel_size, channels):
    def plain(x, kernel, bias):
        shape = (2, 12, 8, channels)
        outputs = tf.nn.conv2d_transpose(x, kernel.value, shape, 2, "SAME")
        return outputs + bias.value

    features = tf.random.stateless_normal((2, 6, 4, 5), (kernel_size, 1))
    same_map(ImageConv2DTranspose(channels, kernel_size, **BIAS), plain, features)


@pytest.mark.parametrize("shape", [(8, 5), (4, 3, 2, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_normalisation_is_that_of_keras(shape, training):
    """Outputs, gradients and moving statistics, after two different batches."""
    options = {"momentum": 0.9, "gamma_initializer": "random_normal"}
    layers = [FastBatchNormalization(**options), keras.layers.BatchNormalization()]
    layers[1].momentum = 0.9
    for layer in layers:
        layer.build(shape)
    for ours, theirs in zip(*(layer.weights for layer in layers), strict=True):
        theirs.assign(ours)
    for seed in range(2):
        inputs = 3 + 2 * tf.random.stateless_normal(shape, (seed, 0))
        found = []
        for layer in layers:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = layer(inputs, training=training)
                scalar = tf.reduce_sum(tf.sin(outputs))
            weights = [weight.value for weight in layer.trainable_weights]
            found.append([outputs, *tape.gradient(scalar, [inputs, *weights])])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)
    for ours, theirs in zip(*(layer.weights for layer in layers), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    moved = np.abs(layers[0].moving_mean.numpy()).max() > 0.1
    assert moved == training


@pytest.mark.parametrize("slope", [0.01, 0.3])
def test_leaky_relu_is_that_of_keras(slope):
    """Outputs and gradients, also the gradient of a gradient, which R1 needs."""
    inputs = tf.constant([-3.0, -1e-6, 0.0, 1e-6, 2.0])
    found = []
    for kind in (FastLeakyReLU, keras.layers.LeakyReLU):
        layer = kind(negative_slope=slope)
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(inputs)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = layer(inputs)
                curved = tf.reduce_sum(tf.sin(outputs))
            gradient = tape.gradient(curved, inputs)
        found.append([outputs, gradient, outer.gradient(gradient, inputs)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_slope_that_loses_the_sign_is_refused():
    with pytest.raises(ValueError, match="negative_slope: expected above 0, got 0"):
        FastLeakyReLU(negative_slope=0.0)


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
def test_other_layers_are_refused(kind):
    with pytest.raises(ValueError, match="kernel_size: expected 2 or more, got 1"):
        kind(4, 1)
    with pytest.raises(ValueError, match="strides: expected 2, got 1"):
        kind(4, 4, strides=1)
    with pytest.raises(ValueError, match="padding: expected 'same', got 'valid'"):
        kind(4, 4, padding="valid")


@KERAS_SAVES
def test_model_with_fast_layers_is_saved_and_cloned(tmp_path):
    model = keras.Sequential([keras.Input((8, 8, 1)), ImageConv2D(3, 4)])
    model.add(FastLeakyReLU(negative_slope=0.01))
    model.add(ImageConv2DTranspose(1, 4))
    images = np.ones((1, 8, 8, 1), np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images), model(images))
    clone = keras.models.clone_model(model)
    assert [type(layer) for layer in clone.layers] == [
        ImageConv2D,
        FastLeakyReLU,
        ImageConv2DTranspose,
    ]
