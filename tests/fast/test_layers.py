"""The fast layers give what Keras's layers give: fast where they can, else by Keras.

Each table of cases says which way a layer takes. Where it must hand over, a second test
takes the fast way nevertheless, and the comparison sees it.
"""

import numpy as np
import pytest
from other_versions import skip_if_other
from players import KERAS_SAVES

from dcgan_keras import keras, tf
from dcgan_keras.fast import layers
from dcgan_keras.fast.layers import (
    FastBatchNormalization,
    FastLeakyReLU,
    ImageConv2D,
    ImageConv2DTranspose,
    ResizeConv2D,
)


class RepeatedConv2D(keras.layers.Conv2D):
    """Two layers of Keras's as one."""

    def build(self, input_shape):
        self.repeat = keras.layers.UpSampling2D(
            2, self.data_format, dtype=self.dtype_policy
        )
        super().build(self.repeat.compute_output_shape(input_shape))

    def call(self, inputs):
        return super().call(self.repeat(inputs))


KERAS_LAYER = {
    ImageConv2D: keras.layers.Conv2D,
    ImageConv2DTranspose: keras.layers.Conv2DTranspose,
    ResizeConv2D: RepeatedConv2D,
    FastBatchNormalization: keras.layers.BatchNormalization,
    FastLeakyReLU: keras.layers.LeakyReLU,
}
TOLERANCES = {  # of the largest number: a few roundings
    "float64": 1e-14,
    "float32": 1e-5,
    "float16": 2e-3,
    "bfloat16": 2e-2,
}
DTYPES = ["float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"]


def random(shape, seed=0, mean=0.0, dtype="float32"):
    values = np.random.default_rng(seed).normal(mean, size=shape)
    return tf.cast(tf.constant(values), dtype)


def pair(kind, *args, **options):
    """A fast layer, and Keras's with the same arguments."""
    plain = of_keras(kind, args, options)
    return kind(*args, **options), plain


def of_keras(kind, args, options):
    """Keras's layer, unless this version of Keras knows no such arguments."""
    try:
        return KERAS_LAYER[kind](*args, **options)
    except (TypeError, ValueError) as error:
        skip_if_other("keras", error)


def share_weights(fast, plain, shape):
    for layer in (fast, plain):
        layer.build(shape)
    for seed, (ours, theirs) in enumerate(
        zip(fast.weights, plain.weights, strict=True)
    ):
        assert (ours.name, ours.dtype) == (theirs.name, theirs.dtype)
        if ours.trainable:  # else what it began as
            ours.assign(random(ours.shape, seed, mean=1.0) / 3)
        theirs.assign(ours)


def results(layer, inputs, **call):
    """Outputs, the gradients of a curved function of them, and what training moved."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, **call)
        scalar = tf.reduce_sum(tf.sin(outputs))
    weights = [weight.value for weight in layer.trainable_weights]
    gradients = tape.gradient(scalar, [inputs, *weights])
    moved = [weight.value for weight in layer.non_trainable_weights]
    return [outputs, *gradients, *moved]


def assert_same(fast, plain, inputs, **call):
    """Two steps of both; where Keras's layer fails, the fast one fails alike."""
    for _ in range(2):
        try:
            expected = results(plain, inputs, **call)
        except Exception as error:
            with pytest.raises(type(error)):
                results(fast, inputs, **call)
            return
        for ours, theirs in zip(results(fast, inputs, **call), expected, strict=True):
            if theirs is None:  # integers have no gradient
                assert ours is None
                continue
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            tolerance = TOLERANCES[ours.dtype.name]
            ours, theirs = (tf.cast(a, "float64").numpy() for a in (ours, theirs))
            scale = max(1.0, np.abs(theirs).max(initial=0.0))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)


@pytest.fixture
def ways(monkeypatch):
    """Which way the layers went: True where the fast one was taken."""
    taken = []
    for name in ("_is_by_blocks", "_is_transposed", "_is_by_kernel"):
        condition = getattr(layers, name)

        def noted(*args, condition=condition, **kwargs):
            taken.append(bool(condition(*args, **kwargs)))
            return taken[-1]

        monkeypatch.setattr(layers, name, noted)
    return taken


# arguments, options, inputs, is fast
CONVOLUTIONS = [
    *[((7, k), {}, (2, 12, 8, c), True) for k in (2, 3, 4, 5, 6, 7) for c in (1, 3)],
    ((6, 4, 2, "same"), {}, (2, 8, 6, 3), True),
    (
        (6, [5, 5], (2, 2), "SAME", "channels_last", 1, 1, "tanh"),
        {},
        (2, 8, 6, 3),
        True,
    ),
    ((6, 5), {"use_bias": False, "activation": "relu"}, (2, 2, 2, 3), True),
    ((6, 7), {}, (1, 2, 4, 1), True),  # a kernel larger than the image
    *[((6, 4), {"dtype": dtype}, (2, 8, 6, 3), True) for dtype in DTYPES],
    *[((6, k), {}, (2, *size, 3), False) for k in (3, 4) for size in [(7, 8), (8, 7)]],
    ((6, 4), {}, (2, 1, 1, 3), False),
    ((6, 4), {}, (0, 8, 6, 1), False),
    ((6, (4, 3)), {}, (2, 8, 6, 3), False),
    ((6, (3, 4), 2, "same"), {}, (2, 8, 6, 3), False),
    ((6, 1), {}, (2, 8, 6, 3), False),
    ((6, 4, 1), {}, (2, 8, 6, 3), False),
    ((6, 3, (2, 1)), {}, (2, 8, 6, 3), False),
    ((6, 3, 3), {}, (2, 6, 6, 3), False),
    ((6, 4, 2, "valid"), {}, (2, 8, 6, 3), False),
    ((6, 3), {"strides": 1, "padding": "valid"}, (2, 8, 6, 3), False),
    ((6, 3, 1), {"dilation_rate": 2}, (2, 8, 6, 3), False),
    ((6, 4), {"groups": 3}, (2, 8, 6, 3), False),
    ((6, 4, 2, "same", None, 1, 3), {}, (2, 8, 6, 3), False),
    ((6, 4), {"data_format": "channels_first"}, (2, 3, 8, 6), False),
]
TRANSPOSED = [
    *[((c, k), {}, (2, 6, 4, 5), True) for k in (2, 3, 4, 5, 6, 7) for c in (1, 3)],
    ((3, 4, 2, "same"), {}, (2, 5, 3, 4), True),
    ((3, 4, 2, "same", None, "channels_last", 1, "tanh"), {}, (2, 5, 3, 4), True),
    ((3, 5), {"use_bias": False, "activation": "sigmoid"}, (2, 1, 1, 4), True),
    ((1, 7), {}, (1, 1, 2, 3), True),
    *[((3, 4), {"dtype": dtype}, (2, 5, 3, 4), True) for dtype in DTYPES],
    ((3, 3, 2, "same", 0), {}, (2, 5, 3, 4), False),
    ((3, 4), {"output_padding": 1}, (2, 5, 3, 4), False),
    ((3, 3), {"output_padding": (1, 0)}, (2, 5, 3, 4), False),
    ((3, (4, 3)), {}, (2, 5, 3, 4), False),
    ((3, 1), {}, (2, 5, 3, 4), False),
    ((3, 4, 1), {}, (2, 5, 3, 4), False),
    ((3, 3, (2, 1)), {}, (2, 5, 3, 4), False),
    ((3, 4, 2, "valid"), {}, (2, 5, 3, 4), False),
    ((3, 3, 1), {"dilation_rate": 2}, (2, 5, 3, 4), False),
    ((3, 4), {"data_format": "channels_first"}, (2, 4, 5, 3), False),
]
RESIZED = [
    *[((7, k), {}, (2, 5, 4, c), True) for k in (1, 3, 5, 7) for c in (1, 3)],
    ((6, (3, 5)), {}, (2, 5, 4, 3), True),
    ((6, 3, 1, "same", "channels_last", 1, 1, "tanh"), {}, (2, 5, 4, 3), True),
    ((6, 3), {"use_bias": False, "activation": "relu"}, (2, 1, 1, 3), True),
    ((6, 7), {}, (1, 1, 2, 1), True),
    *[((6, 3), {"dtype": dtype}, (2, 5, 4, 3), dtype == "float64") for dtype in DTYPES],
    ((6, 4), {}, (2, 5, 4, 3), False),
    ((6, (3, 2)), {}, (2, 5, 4, 3), False),
    ((6, 3, 2, "same"), {}, (2, 5, 4, 3), False),
    ((6, 3, (1, 2)), {}, (2, 5, 4, 3), False),
    ((6, 3, 1, "valid"), {}, (2, 5, 4, 3), False),
    ((6, 3), {"dilation_rate": 2}, (2, 5, 4, 3), False),
    ((6, 3), {"groups": 3}, (2, 5, 4, 3), False),
    ((6, 3), {"data_format": "channels_first"}, (2, 3, 5, 4), False),
]
IMAGE_CASES = [(ImageConv2D, *case) for case in CONVOLUTIONS]
IMAGE_CASES += [(ImageConv2DTranspose, *case) for case in TRANSPOSED]
IMAGE_CASES += [(ResizeConv2D, *case) for case in RESIZED]


def image_pair(kind, args, options, shape):
    """Both layers with equal weights; Keras's is told the fast one's defaults."""
    strides = 1 if kind is ResizeConv2D else 2
    defaults = dict([("strides", strides), ("padding", "same")][len(args) - 2 :])
    plain = of_keras(kind, args, defaults | options)
    fast = kind(*args, **options)
    share_weights(fast, plain, shape)
    return fast, plain


@pytest.mark.parametrize(("kind", "args", "options", "shape", "is_fast"), IMAGE_CASES)
def test_image_layer_is_that_of_keras(kind, args, options, shape, is_fast, ways):
    fast, plain = image_pair(kind, args, options, shape)
    assert_same(fast, plain, random(shape, dtype=fast.compute_dtype))
    assert set(ways) == {is_fast}


@pytest.mark.skipif(
    tf.__version__.startswith("2.19"),
    reason="TensorFlow 2.19 ends the process where later ones raise an error",
)
@pytest.mark.parametrize(
    ("kind", "args", "options", "shape"), [c[:4] for c in IMAGE_CASES if not c[4]]
)
def test_image_layer_must_hand_over(kind, args, options, shape, monkeypatch):
    """Taken all the same, the fast way gives something else, or fails."""
    for name in ("_is_by_blocks", "_is_transposed"):
        monkeypatch.setattr(layers, name, lambda *args, **options: True)
    fast, plain = image_pair(kind, args, options, shape)
    with pytest.raises(Exception):  # noqa: B017
        assert_same(fast, plain, random(shape))


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
@pytest.mark.parametrize("bug", ["rolled", "another kernel gradient"])
def test_comparison_sees_a_bug_in_the_fast_way(kind, bug, monkeypatch):
    name = "to_image" if bug == "rolled" else "_kernel_gradient"
    right = getattr(layers, name)

    def wrong(*args):
        return tf.roll(right(*args), 1, axis=1 if bug == "rolled" else 0)

    monkeypatch.setattr(layers, name, wrong)
    fast, plain = image_pair(kind, (3, 4), {}, (2, 8, 6, 3))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(fast, plain, random((2, 8, 6, 3)))


@pytest.mark.parametrize("size", [(4, 4), (3, 2), (2, 3)])
def test_an_even_kernel_is_not_smoothed(size):
    """It gave the kernel of another map, whose padding lies elsewhere."""
    with pytest.raises(ValueError, match="^kernel: expected odd height and width, got"):
        layers.smoothed(tf.ones((*size, 2, 5)))


@pytest.mark.parametrize("shape", [(1, 1, 3, 4), (3, 4, 3, 4), (3, 3, 4)])
@pytest.mark.parametrize("map_of", [layers.from_image, layers.to_image])
def test_a_kernel_that_makes_no_blocks_is_refused(map_of, shape):
    """One of a single pixel made an image without height."""
    inputs = tf.ones((1, 4, 4, 3 if map_of is layers.from_image else 4))
    with pytest.raises(ValueError, match=r"^kernel: expected shape \(k, k, .* k >= 2"):
        map_of(inputs, tf.ones(shape))


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_unknown_sizes_are_handed_over(kind, size, ways):
    """Graphs that do not know height and width, and models built without them."""
    fast, plain = image_pair(kind, (3, 4), {}, (None, None, None, 2))
    unknown = tf.function(
        lambda inputs: results(fast, inputs),
        input_signature=[tf.TensorSpec((None, None, None, 2))],
    )
    inputs = random((2, *size, 2))
    for ours, theirs in zip(unknown(inputs), results(plain, inputs), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert set(ways) == {False}
    model = keras.Sequential([keras.Input((None, None, 2)), fast])
    assert model.output_shape == (None, None, None, 3)
    np.testing.assert_allclose(
        model.predict(inputs, verbose=0), plain(inputs), atol=1e-5
    )


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
def test_unknown_batch_size_is_fast(kind, ways):
    fast, plain = image_pair(kind, (3, 4), {}, (None, 8, 6, 2))
    spec = [tf.TensorSpec((None, 8, 6, 2))]
    inputs = random((2, 8, 6, 2))
    outputs = tf.function(fast, input_signature=spec)(inputs)
    np.testing.assert_allclose(outputs, plain(inputs), atol=1e-5)
    assert set(ways) == {True}


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_inputs_of_another_dtype_are_treated_as_by_keras(kind, dtype):
    """Integers reach a layer as they are: its kernel must not be rounded to them."""
    fast, plain = image_pair(kind, (3, 4), {"autocast": False}, (2, 8, 6, 2))
    inputs = tf.cast(10 * random((2, 8, 6, 2)), dtype)
    with pytest.raises(Exception) as theirs:
        plain(inputs)
    with pytest.raises(type(theirs.value)):
        fast(inputs)


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
def test_gradient_of_the_gradient_is_that_of_keras(kind):
    """R1 needs it: how the gradient at the images changes with the weights."""
    inputs, found = random((2, 8, 6, 2)), []
    for layer in image_pair(kind, (3, 4, 2, "same"), {}, inputs.shape):
        kernel = layer.kernel.value
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                scalar = tf.reduce_sum(tf.sin(layer(inputs)))
            penalty = tf.reduce_sum(tape.gradient(scalar, inputs) ** 2)
        found.append(outer.gradient(penalty, kernel))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-3)
    assert np.abs(found[0]).max() > 1  # far above what is tolerated


def test_lora_is_that_of_keras(ways):
    fast, plain = image_pair(ImageConv2D, (6, 4), {}, (2, 8, 6, 3))
    inputs = random((2, 8, 6, 3))
    without = fast(inputs)
    for layer in (fast, plain):
        layer.enable_lora(2, lora_alpha=3)
        layer.lora_kernel_a.assign(random(layer.lora_kernel_a.shape, 1))
        layer.lora_kernel_b.assign(random(layer.lora_kernel_b.shape, 2))
    assert len(fast.trainable_weights) == 3  # bias, a and b
    assert_same(fast, plain, inputs)
    assert np.abs(fast(inputs) - without).max() > 1
    assert set(ways) == {True}
    assert fast.get_config()["lora_rank"] == 2


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
def test_quantization_is_refused_by_keras(kind):
    for layer in image_pair(kind, (3, 4), {}, (2, 8, 6, 3)):
        with pytest.raises(NotImplementedError, match="does not have a `quantize"):
            layer.quantize("int8")


@pytest.mark.parametrize("kind", [ImageConv2D, ImageConv2DTranspose])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "filters"),
        ({"kernel_size": (4, 0)}, "kernel_size"),
        ({"kernel_size": (4, 4, 4)}, "kernel_size"),
        ({"strides": 0}, "strides"),
        ({"padding": "reflect"}, "padding"),
        ({"dilation_rate": 2}, "dilation_rate"),
        ({"slope": 1}, "slope"),
    ],
)
def test_what_keras_refuses_is_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**{"filters": 3, "kernel_size": 4} | options)


# options, inputs, is fast
NORMALIZATIONS = [
    *[
        ({}, shape, True)
        for shape in [(8, 5), (4, 3, 5), (4, 3, 2, 5), (2, 3, 2, 2, 5)]
    ],
    *[({}, shape, True) for shape in [(1, 5), (1, 1, 1, 5), (1, 3, 2, 5)]],
    *[({"axis": 3, "momentum": m}, (4, 3, 2, 5), True) for m in (0.0, 0.9, 1.0)],
    *[({"axis": 1, "epsilon": e}, (8, 5), True) for e in (1e-7, 0.3)],
    *[({"dtype": d}, (4, 3, 2, 5), True) for d in ("mixed_float16", "mixed_bfloat16")],
    *[({"dtype": d}, (4, 3, 2, 5), False) for d in ("float64", "float16", "bfloat16")],
    ({"axis": 1}, (4, 5, 3, 2), False),
    ({"axis": -2}, (4, 3, 5, 2), False),
    ({"center": False}, (8, 5), False),
    ({"scale": False}, (4, 3, 2, 5), False),
    ({"center": False, "scale": False}, (8, 5), False),
    ({"renorm": True}, (8, 5), False),
    (
        {"renorm": True, "renorm_clipping": {"rmax": 1.5, "dmax": 0.1}},
        (4, 3, 2, 5),
        False,
    ),
    ({"synchronized": True}, (8, 5), False),
]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("options", "shape", "is_fast"), NORMALIZATIONS)
def test_normalization_is_that_of_keras(options, shape, is_fast, training, ways):
    """Outputs, gradients, and the moving averages after each of two batches."""
    fast, plain = pair(FastBatchNormalization, **options)
    share_weights(fast, plain, shape)
    start = fast.moving_mean.numpy().copy()
    inputs = random(shape, mean=3.0, dtype=fast.compute_dtype)
    assert_same(fast, plain, inputs, training=training)
    assert set(ways) == ({is_fast} if training else set())
    has_moved = np.abs(fast.moving_mean.numpy() - start).max() > 0.01
    assert has_moved == (training and options.get("momentum") != 1.0)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        case[:2]
        for case in NORMALIZATIONS
        if not (case[2] or "synchronized" in case[0])  # one replica has all statistics
    ],
)
def test_normalization_must_hand_over(options, shape, monkeypatch):
    monkeypatch.setattr(layers, "_is_by_kernel", lambda *_: True)
    fast, plain = pair(FastBatchNormalization, **options)
    share_weights(fast, plain, shape)
    inputs = random(shape, mean=3.0, dtype=fast.compute_dtype)
    with pytest.raises(Exception):  # noqa: B017
        assert_same(fast, plain, inputs, training=True)


@pytest.mark.parametrize("other", [{"momentum": 0.98}, {"epsilon": 1.01e-3}])
def test_comparison_sees_another_normalization(other):
    fast, plain = FastBatchNormalization(), keras.layers.BatchNormalization(**other)
    share_weights(fast, plain, (8, 5))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(fast, plain, random((8, 5), mean=3.0), training=True)


@pytest.mark.parametrize("shape", [(2, 1), (2, 1, 1, 1)])
def test_moving_variance_is_the_batchs_own(shape):
    """Of 1 and 3: mean 2, variance 1; n - 1 in place of n would make it 2."""
    layer = FastBatchNormalization(momentum=0.75)
    layer(tf.reshape([1.0, 3.0], shape), training=True)
    np.testing.assert_allclose(layer.moving_mean, [0.25 * 2], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [0.75 + 0.25], rtol=1e-6)


def test_without_momentum_the_average_is_the_batch():
    """However far away it was before: the difference would lose a mean of 3."""
    layer = FastBatchNormalization(momentum=0.0, moving_mean_initializer=_far)
    layer(tf.constant([[2.0], [4.0]]), training=True)
    assert layer.moving_mean.numpy() == [3.0]


def _far(shape, dtype=None):
    return 1e9 * tf.ones(shape, dtype)


@pytest.mark.parametrize("shape", [(8, 3, 5), (4, 3, 2, 5)])
def test_mask_is_obeyed(shape, ways, monkeypatch):
    mask = tf.constant(np.random.default_rng(0).random(shape[:-1]) < 0.5)
    fast, plain = pair(FastBatchNormalization)
    share_weights(fast, plain, shape)
    inputs = random(shape, mean=3.0)
    assert_same(fast, plain, inputs, training=True, mask=mask)
    assert set(ways) == {False}
    monkeypatch.setattr(layers, "_is_by_kernel", lambda *_: True)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(fast, plain, inputs, training=True, mask=mask)


def test_mask_of_a_layer_before_is_obeyed():
    """Two of four time steps are left out: mean and variance are those of 1 and 3."""
    inputs = tf.constant([[[1.0], [3.0], [0.0], [0.0]]] * 2)
    layer = FastBatchNormalization(momentum=0.0)
    layer(keras.layers.Masking()(inputs), training=True)
    np.testing.assert_allclose(layer.moving_mean, [2.0], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [1.0], rtol=1e-6)


def test_frozen_normalization_uses_its_moving_averages(ways):
    fast, plain = pair(FastBatchNormalization, trainable=False)
    share_weights(fast, plain, (8, 5))
    inputs = random((8, 5), mean=3.0)
    assert_same(fast, plain, inputs, training=True)
    assert ways == []
    fast.trainable = plain.trainable = True
    assert_same(fast, plain, inputs, training=True)
    assert set(ways) == {True}


@pytest.mark.parametrize("dtype", ["int32", "float64", "float16"])
def test_normalization_of_another_dtype(dtype):
    fast, plain = pair(FastBatchNormalization, autocast=False)
    share_weights(fast, plain, (8, 5))
    inputs = tf.cast(random((8, 5), mean=30.0), dtype)
    assert_same(fast, plain, inputs, training=True)


@pytest.mark.parametrize("dtype", [*DTYPES, "float32"])
@pytest.mark.parametrize("slope", [0, 0.01, 0.3, 1, 2.5])
def test_leaky_relu_is_that_of_keras(slope, dtype):
    fast, plain = pair(FastLeakyReLU, slope, dtype=dtype)
    values = [-3.0, -1e-6, -0.0, 0.0, 1e-6, 2.0, -1e-40, np.inf, -np.inf, np.nan]
    assert_same(fast, plain, tf.constant(values[:7], fast.compute_dtype))
    inputs = tf.constant(values, fast.compute_dtype)
    ours, theirs = (tf.cast(layer(inputs), "float64") for layer in (fast, plain))
    np.testing.assert_array_equal(ours, theirs)


def test_comparison_sees_another_slope():
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same(FastLeakyReLU(0.2), keras.layers.LeakyReLU(0.20001), random((4, 5)))


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3])
def test_leaky_relu_has_the_second_gradient_of_keras(slope):
    inputs, found = tf.constant([-3.0, -1e-6, 0.0, 1e-6, 2.0]), []
    for layer in pair(FastLeakyReLU, negative_slope=slope):
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                curved = tf.reduce_sum(tf.sin(layer(inputs)))
            gradient = tape.gradient(curved, inputs)
        found.append(outer.gradient(gradient, inputs))
    np.testing.assert_allclose(*found, rtol=1e-6)
    assert np.abs(found[0]).max() > 0.5


@pytest.mark.parametrize(
    ("kind", "kept"),
    [(FastLeakyReLU, "LeakyRelu"), (keras.layers.LeakyReLU, "Placeholder")],
)
def test_leaky_relu_keeps_its_outputs_alone(kind, kept):
    """What the gradient needs of the forward pass stays in memory until then."""
    layer = kind(0.2)

    @tf.function(input_signature=[tf.TensorSpec((4,))])
    def slope(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
        return tape.gradient(outputs, inputs)

    every = slope.get_concrete_function().graph.get_operations()
    gradient = next(one for one in every if one.type == "LeakyReluGrad")
    source = gradient.inputs[1].op
    while source.type == "Identity":
        source = source.inputs[0].op
    assert source.type == kept


def test_leaky_relu_takes_integers_and_arrays_as_keras_does():
    fast, plain = pair(FastLeakyReLU, 0.5)
    for inputs in (tf.constant([-4, 0, 3]), np.array([-4.0, 3.0])):
        np.testing.assert_array_equal(fast(inputs), plain(inputs))
        assert fast(inputs).dtype == plain(inputs).dtype


def test_leaky_relu_takes_the_old_name_with_keras_s_warning():
    with pytest.warns(UserWarning, match="`alpha` is deprecated"):
        assert FastLeakyReLU(alpha=0.1).negative_slope == 0.1


@pytest.mark.parametrize("slope", [None, -0.1])
def test_slopes_that_keras_refuses_are_refused(slope):
    with pytest.raises(ValueError, match="negative_slope"):
        FastLeakyReLU(slope)


def test_leaky_relu_hands_its_mask_on():
    masked = keras.layers.Masking()(tf.zeros((2, 3, 1)))
    assert not FastLeakyReLU(0.2)(masked)._keras_mask.numpy().any()


CONFIGURED = [
    (ImageConv2D, (6, 4), {}, (2, 8, 6, 3)),
    (ImageConv2D, (6, (4, 3), 1, "valid"), {"groups": 3}, (2, 8, 6, 3)),
    (ImageConv2D, (6, 4), {"use_bias": False, "activation": "tanh"}, (2, 7, 6, 3)),
    (ImageConv2DTranspose, (6, 4), {}, (2, 8, 6, 3)),
    (ImageConv2DTranspose, (6, 3, 3, "valid", 1), {}, (2, 4, 3, 3)),
    (FastBatchNormalization, (1, 0.5, 0.1), {"scale": False}, (2, 4, 3)),
    (FastBatchNormalization, (), {"dtype": "float64"}, (2, 4, 3)),
    (FastLeakyReLU, (0.7,), {}, (2, 3)),
]


@KERAS_SAVES
@pytest.mark.parametrize(("kind", "args", "options", "shape"), CONFIGURED)
def test_layer_survives_its_configuration_and_a_file(
    kind, args, options, shape, tmp_path
):
    of_keras(kind, args, options)
    fast = kind(*args, name="layer", **options)
    again = kind.from_config(fast.get_config())
    assert again.get_config() == fast.get_config()
    model = keras.Sequential([keras.Input(shape[1:]), fast])
    for seed, weight in enumerate(fast.weights):
        weight.assign(random(weight.shape, seed, mean=5.0))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    assert type(loaded.layers[0]) is type(clone.layers[0]) is kind
    inputs = random(shape)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    # Keras's layer reads the same configuration, and the same weights
    plain = KERAS_LAYER[kind].from_config(fast.get_config())
    plain.build(shape)
    plain.set_weights(fast.get_weights())
    np.testing.assert_allclose(plain(inputs), fast(inputs), atol=1e-5)
    if fast.weights:
        fast.set_weights([2 * weight for weight in fast.get_weights()])
        assert np.abs(plain(inputs) - fast(inputs)).max() > 1e-2


RULES = {
    "kernel_constraint": keras.constraints.NonNeg(),
    "bias_constraint": keras.constraints.MaxNorm(0.01),
    "kernel_regularizer": keras.regularizers.L2(0.1),
    "bias_regularizer": keras.regularizers.L1(0.1),
    "activity_regularizer": keras.regularizers.L2(0.01),
}
NORM_RULES = {
    "gamma_constraint": keras.constraints.MaxNorm(0.1),
    "beta_constraint": keras.constraints.MaxNorm(0.1),
    "gamma_regularizer": keras.regularizers.L2(0.1),
    "beta_regularizer": keras.regularizers.L1(0.1),
}
RULED = [
    *[(ImageConv2D, (3, 4, 2, "same"), {k: RULES[k]}, (4, 8, 6, 2)) for k in RULES],
    *[
        (ImageConv2DTranspose, (3, 4, 2, "same"), {k: RULES[k]}, (4, 4, 3, 2))
        for k in RULES
    ],
    *[(FastBatchNormalization, (), {k: NORM_RULES[k]}, (8, 4)) for k in NORM_RULES],
]


def fitted(layer, shape):
    """The weights after three steps of training."""
    model = keras.Sequential([keras.Input(shape[1:]), layer])
    for seed, weight in enumerate(layer.trainable_weights):
        weight.assign(random(weight.shape, seed) / 5)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    targets = random((shape[0], *model.output_shape[1:]), 9)
    for seed in range(3):
        model.train_on_batch(random(shape, seed), targets)
    return np.concatenate([weight.numpy().ravel() for weight in layer.weights])


@KERAS_SAVES
@pytest.mark.parametrize(("kind", "args", "rule", "shape"), RULED)
def test_constraints_and_regularizers_are_obeyed(kind, args, rule, shape):
    fast, plain = pair(kind, *args, **rule)
    ours = fitted(fast, shape)
    np.testing.assert_allclose(ours, fitted(plain, shape), atol=1e-5)
    assert np.abs(ours - fitted(kind(*args), shape)).max() > 1e-4


@pytest.mark.parametrize(
    ("kind", "args", "shape"),
    [
        (ImageConv2D, (3, 4), (2, 8, 6, 2)),
        (ImageConv2DTranspose, (3, 4), (2, 8, 6, 2)),
        (FastBatchNormalization, (), (8, 5)),
        (FastLeakyReLU, (), (8, 5)),
    ],
)
def test_compiled_layers_give_the_same(kind, args, shape):
    layer = kind(*args)
    layer.build(shape)
    call = {"training": True} if kind is FastBatchNormalization else {}
    inputs = random(shape, mean=1.0)
    moving = len(layer.non_trainable_weights)  # the last ones, which move in each call

    def step(inputs):
        found = results(layer, inputs, **call)
        return found[: len(found) - moving]

    compiled = tf.function(step, jit_compile=True)(inputs)
    for ours, theirs in zip(step(inputs), compiled, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)
