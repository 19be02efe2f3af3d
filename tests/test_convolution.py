"""convolution.py against naive loops, TensorFlow, Keras and the adjoint identity."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from dcgan_keras.convolution import (
    conv_output_size,
    convolution_matrix,
    insert_zeros,
    overlap_counts,
    padding_amounts,
    transposed_conv_output_size,
)

# (image size, kernel size, strides, padding, (input channels, output channels))
CASES = [
    (size, kernel_size, strides, padding, channels)
    for size, kernel_size, strides, padding, channels in itertools.product(
        (4, 5, 7, 8), (1, 2, 3, 4, 5), (1, 2, 3), ("valid", "same"), ((1, 1), (2, 3))
    )
    if padding == "same" or kernel_size <= size
]

# The discriminators' layers, and the generators' layers read from output to input:
# (height and width of the larger side, its channels, channels of the smaller side).
LAYERS_28 = [(28, 1, 32), (14, 32, 64)]
LAYERS_64 = [(64, 3, 128), (32, 128, 256), (16, 256, 512), (8, 512, 1024)]


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def apply(matrix, image, shape):
    return (matrix @ np.ravel(image)).reshape(shape)


def naive_convolution(image, kernel, strides, before, outputs):
    """Seven nested loops over what a convolution is; out-of-range pixels are 0."""
    result = np.zeros((*outputs, kernel.shape[3]))
    for oh, ow, a, b in itertools.product(
        range(outputs[0]),
        range(outputs[1]),
        range(kernel.shape[0]),
        range(kernel.shape[1]),
    ):
        row, column = oh * strides[0] + a - before[0], ow * strides[1] + b - before[1]
        if not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
            continue
        for ci, co in itertools.product(range(kernel.shape[2]), range(kernel.shape[3])):
            result[oh, ow, co] += kernel[a, b, ci, co] * image[row, column, ci]
    return result


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((4, 3), 2),
        ((5, 3, 1, "same"), 5),
        ((5, 3, 2, "same"), 3),
        ((28, 5, 2, "same"), 14),
        ((6, 3, 2), 2),  # the floor: the last column is never read
        ((5, 3, 2, 1), 3),
        ((5, 4, 1, 2), 6),
        ((1, 5, 2, "same"), 1),
    ],
)
def test_output_sizes_worked_out_by_hand(arguments, expected):
    assert conv_output_size(*arguments) == expected


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((2, 3), 4),
        ((2, 3, 2), 5),
        ((7, 5, 2, "same"), 14),
        ((4, 5, 2, "same"), 8),
        ((4, 4, 2, 1), 8),
        ((5, 1, 3), 15),  # Keras, not (i - 1) s + k = 13
        ((5, 1, 3, 0), 13),
    ],
)
def test_transposed_sizes_worked_out_by_hand(arguments, expected):
    assert transposed_conv_output_size(*arguments) == expected


def test_sizes_equal_keras():
    from dcgan_keras import keras

    for size, taps, strides, padding in itertools.product(
        (1, 5, 28), (1, 3, 4), (1, 2, 6), ("valid", "same")
    ):
        options = {"strides": strides, "padding": padding}
        shape = keras.layers.Conv2DTranspose(1, taps, **options).compute_output_shape(
            (1, size, size, 1)
        )
        assert transposed_conv_output_size(size, taps, strides, padding) == shape[1]
        if padding == "same" or taps <= size:
            shape = keras.layers.Conv2D(1, taps, **options).compute_output_shape(
                (1, size, size, 1)
            )
            assert conv_output_size(size, taps, strides, padding) == shape[1]


def test_numeric_padding_equals_padding_the_image():
    for size, taps, strides, p in itertools.product(
        (4, 5), (1, 2, 3), (1, 2), (0, 1, 3)
    ):
        assert conv_output_size(size, taps, strides, p) == conv_output_size(
            size + 2 * p, taps, strides
        )
        kernel, image = normal((taps, taps)), normal((size, size), 1)
        expected = convolution_matrix(kernel, (size + 2 * p,) * 2, strides)
        padded = expected @ np.pad(image, p).ravel()
        actual = convolution_matrix(kernel, image.shape, strides, p) @ image.ravel()
        np.testing.assert_allclose(actual, padded, atol=1e-12)


def test_same_padding_is_asymmetric_where_it_must_be():
    assert padding_amounts(28, 5, 2, "same") == (1, 2)
    assert padding_amounts(5, 3, 1, "same") == (1, 1)  # 5 x 5 becomes 7 x 7
    assert padding_amounts(4, 4, 1, "same") == (1, 2)
    assert padding_amounts(4, 1, 2, "same") == (0, 0)
    small = np.uint8(255), np.uint8(5), np.uint8(2)  # 127 strides and 5 are 259
    assert padding_amounts(*small, "same") == (2, 2)
    assert padding_amounts(6, 3, 2, "valid") == (0, 0)
    assert padding_amounts(6, 3, 2, 4) == (4, 4)


def test_the_matrix_written_by_hand():
    a, b, c, d = 1.0, 2.0, 3.0, 4.0
    by_hand = [[a, b, 0, c, d, 0, 0, 0, 0], [0, a, b, 0, c, d, 0, 0, 0],
               [0, 0, 0, a, b, 0, c, d, 0], [0, 0, 0, 0, a, b, 0, c, d]]  # fmt: skip
    W = convolution_matrix([[a, b], [c, d]], (3, 3))
    assert sparse.issparse(W)
    np.testing.assert_array_equal(W.toarray(), by_hand)


@pytest.mark.parametrize("padding", ["valid", "same", 1])
def test_rectangles_equal_a_naive_loop(padding):
    kernel, image = normal((3, 2, 2, 3)), normal((6, 5, 2), 1)
    strides = (2, 3)
    sides = list(zip(image.shape, kernel.shape, strides, strict=False))
    outputs = [conv_output_size(*side, padding) for side in sides]
    before = [padding_amounts(*side, padding)[0] for side in sides]
    expected = naive_convolution(image, kernel, strides, before, outputs)
    W = convolution_matrix(kernel, image.shape, strides, padding)
    np.testing.assert_allclose(apply(W, image, expected.shape), expected, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_equals_conv2d(padding):
    from dcgan_keras import keras

    for size, taps, strides, word, (cin, cout) in CASES:
        if word != padding:
            continue
        kernel = normal((taps, taps, cin, cout)).astype("float32")
        image = normal((size, size, cin), 1).astype("float32")
        layer = keras.layers.Conv2D(cout, taps, strides, padding, use_bias=False)
        layer.build((None, *image.shape))
        layer.set_weights([kernel])
        expected = np.asarray(layer(image[None]))[0]
        W = convolution_matrix(kernel, image.shape, strides, padding)
        np.testing.assert_allclose(apply(W, image, expected.shape), expected, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_transpose_equals_conv2d_transpose(padding):
    from dcgan_keras import keras

    for size, taps, strides, word, (cin, cout) in CASES:
        if word != padding:
            continue
        kernel = normal((taps, taps, cout, cin)).astype("float32")  # Keras's layout
        image = normal((size, size, cin), 1).astype("float32")
        layer = keras.layers.Conv2DTranspose(
            cout, taps, strides, padding, use_bias=False
        )
        layer.build((None, *image.shape))
        layer.set_weights([kernel])
        expected = np.asarray(layer(image[None]))[0]
        W = convolution_matrix(kernel, expected.shape, strides, padding)
        actual = apply(W.T, image, expected.shape)
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_adjoint_identity_in_every_case():
    assert len(CASES) >= 200
    for size, taps, strides, padding, (cin, cout) in CASES:
        W = convolution_matrix(
            normal((taps, taps, cin, cout)), (size, size, cin), strides, padding
        )
        x, y = normal(W.shape[1], 1), normal(W.shape[0], 2)
        assert abs((W @ x) @ y - x @ (W.T @ y)) < 1e-10


@pytest.mark.parametrize("size, cin, cout", LAYERS_28 + LAYERS_64)
def test_every_layer_of_the_models(size, cin, cout):
    """5x5, stride 2, SAME. Wide layers in slices of output and of input channels.

    The rows of W that belong to some output channels are the matrix of the kernel
    with these channels alone; so are the columns, for the layer's transpose.
    """
    from dcgan_keras import tf

    random = np.random.default_rng(0)
    limit = np.sqrt(6 / (25 * (cin + cout)))  # Keras's default, Glorot uniform
    kernel = random.uniform(-limit, limit, (5, 5, cin, cout)).astype("float32")
    image = random.uniform(-1, 1, (size, size, cin)).astype("float32")
    code = random.uniform(-1, 1, (size // 2, size // 2, cout)).astype("float32")
    forward = tf.nn.conv2d(image[None], kernel, 2, "SAME")[0].numpy()
    shape = (1, *image.shape)
    back = tf.nn.conv2d_transpose(code[None], kernel, shape, 2, "SAME")[0].numpy()
    kernel = kernel.astype("float64")  # sums of up to 25,600 products
    whole = cin * cout <= 2048
    for some in [slice(None)] if whole else [slice(0, 8), slice(cout - 8, cout)]:
        expected = forward[..., some]
        W = convolution_matrix(kernel[..., some], image.shape, 2, "same")
        actual = apply(W, image, expected.shape)
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    for some in [slice(None)] if whole else [slice(0, 2), slice(cin - 2, cin)]:
        expected = back[..., some]
        W = convolution_matrix(kernel[:, :, some], expected.shape, 2, "same")
        np.testing.assert_allclose(
            apply(W.T, code, expected.shape), expected, atol=1e-5
        )


def test_non_zeros_of_the_papers_first_layer():
    W = convolution_matrix(np.ones((5, 5, 3, 128), "float32"), (64, 64, 3), 2, "same")
    assert W.shape == (32 * 32 * 128, 64 * 64 * 3)
    taps_on_pixels = 32 * 5 - 1 - 2  # SAME adds one zero before, two after
    assert W.nnz == taps_on_pixels**2 * 3 * 128
    assert W.dtype == np.float32


def test_small_print_of_the_matrix():
    assert convolution_matrix(np.zeros((2, 2)), (3, 3)).nnz == 16  # zeros keep places
    assert convolution_matrix([[1, 2], [3, 4]], (3, 3)).dtype == np.float64
    short = np.ones((2, 2), np.float16)
    assert convolution_matrix(short, (3, 3)).dtype == np.float64
    W = convolution_matrix(np.ones((1, 1)), (1, 1), strides=20, padding=5)
    np.testing.assert_array_equal(W.toarray(), [[0.0]])  # a window that sees no pixel


def test_zero_insertion_then_the_flipped_kernel_is_the_transpose():
    kernel, image = normal((3, 4)), normal((4, 3), 1)
    strides = (2, 3)
    sides = list(zip(image.shape, kernel.shape, strides, strict=True))
    outputs = [transposed_conv_output_size(*side) for side in sides]
    spread = np.pad(insert_zeros(image, strides), [(2, 2), (3, 3)])
    expected = naive_convolution(
        spread[..., None], kernel[::-1, ::-1, None, None], (1, 1), (0, 0), outputs
    )
    W = convolution_matrix(kernel, outputs, strides)
    np.testing.assert_allclose(W.T @ image.ravel(), expected.ravel(), atol=1e-12)


def test_zero_insertion_keeps_channels_and_dtype():
    spread = insert_zeros(np.ones((2, 3, 4), np.int8), 3)
    assert spread.shape == (4, 7, 4) and spread.dtype == np.int8
    assert spread.sum() == 2 * 3 * 4 and spread[::3, ::3].all()


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_overlap_counts_equal_a_layer_of_ones(padding):
    from dcgan_keras import keras

    for taps, strides in itertools.product((1, 2, 3, 4, 5), (1, 2, 3)):
        layer = keras.layers.Conv2DTranspose(
            1, taps, strides, padding, kernel_initializer="ones"
        )
        expected = np.asarray(layer(np.ones((1, 4, 5, 1), "float32")))[0, :, :, 0]
        counts = overlap_counts((4, 5), taps, strides, padding)
        np.testing.assert_array_equal(counts, expected)


def test_overlap_counts_with_a_crop():
    np.testing.assert_array_equal(
        overlap_counts((3, 3), 4, 2, 1), overlap_counts((3, 3), 4, 2)[1:-1, 1:-1]
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((5.0, 3), "size must be an integer >= 1, got 5.0"),
        ((0, 3), "size must be"),
        ((True, 1), "size must be"),
        ((5, -3), "kernel_size must be"),
        ((5, 3, 0), "strides must be"),
        ((5, 3, 1, -1), "padding must be an integer >= 0, got -1"),
        ((5, 3, 1, 0.5), "padding must be"),
        ((5, 3, 1, "full"), "'valid' or 'same', got 'full'"),
        ((5, 3, 1, None), "padding must be"),
    ],
)
def test_sizes_refuse(arguments, message):
    for function in (conv_output_size, transposed_conv_output_size):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


def test_sizes_refuse_what_leaves_nothing():
    with pytest.raises(ValueError, match="at most the padded input, 4"):
        conv_output_size(4, 5)
    with pytest.raises(ValueError, match="padding must leave an output"):
        transposed_conv_output_size(2, 3, 1, 2)


@pytest.mark.parametrize(
    "kernel, input_shape, options, message",
    [
        (np.ones((5, 5)), (4, 4), {}, "at most the padded input"),
        (np.ones((3, 3, 2, 1)), (5, 5, 3), {}, "the kernel's 2 channels"),
        (np.ones((3, 3, 2, 1)), (5, 5), {}, "the kernel's 2 channels"),
        (np.ones((3, 3)), (5, 5, 2), {}, "the kernel's 1 channels"),
        (np.ones((3, 3, 1)), (5, 5), {}, "kernel must have 2 or 4 dimensions"),
        (np.ones((0, 3)), (5, 5), {}, "kernel must have"),
        (np.ones((3, 3), complex), (5, 5), {}, "kernel must hold real numbers"),
        (np.ones((3, 3)), (1, 5, 5, 1), {}, "input_shape must have 2 or 3"),
        (np.ones((3, 3)), 5, {}, "input_shape must have 2 or 3"),
        (np.ones((3, 3)), (5, 5.5), {}, "input_shape must be an integer"),
        (np.ones((3, 3)), (5, 5), {"padding": "SAME"}, "'valid' or 'same'"),
        (np.ones((3, 3)), (5, 5), {"strides": (1, 2, 3)}, "strides must be one"),
        (np.ones((3, 3)), (5, 5), {"strides": 1.5}, "strides must be an integer"),
    ],
)
def test_the_matrix_refuses(kernel, input_shape, options, message):
    with pytest.raises(ValueError, match=message):
        convolution_matrix(kernel, input_shape, **options)


def test_zero_insertion_refuses():
    with pytest.raises(ValueError, match="image must have 2 or 3 dimensions"):
        insert_zeros(np.ones((1, 2, 2, 1)), 2)
    with pytest.raises(ValueError, match=r"image must have .* shape \(0, 2\)"):
        insert_zeros(np.ones((0, 2)), 2)
    with pytest.raises(ValueError, match="strides must be"):
        insert_zeros(np.ones((2, 2)), 0)


def test_importing_it_does_not_load_tensorflow():
    code = "import sys, dcgan_keras.convolution; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
