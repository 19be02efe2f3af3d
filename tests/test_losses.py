"""losses against extended precision, closed forms, Keras's BCE and differences."""

import re

import numpy as np
import pytest

from dcgan_keras import keras, losses, tf

LOGITS = [-100.0, -30.0, -3.0, -0.1, 0.0, 0.1, 3.0, 30.0, 100.0]
REAL, FAKE = [2.0, -1.0, 0.5], [-3.0, 0.25]


def exact_softplus(logits):
    """log(1 + exp(l)) in extended precision, written without softplus's own tricks."""
    return np.log1p(np.exp(np.asarray(logits, dtype=np.longdouble)))


def gradient(loss, logits):
    variable = tf.Variable(logits, dtype="float32")
    with tf.GradientTape() as tape:
        value = loss(variable)
    return tape.gradient(value, variable).numpy()


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, dtype=np.longdouble)))


@pytest.mark.parametrize("logit", LOGITS)
def test_each_loss_of_one_logit_equals_extended_precision(logit):
    real_term, fake_term = exact_softplus(-logit), exact_softplus(logit)
    assert float(losses.non_saturating_generator_loss([logit])) == pytest.approx(
        float(real_term), rel=1e-6, abs=1e-30
    )
    assert float(losses.minimax_generator_loss([logit])) == pytest.approx(
        -float(fake_term), rel=1e-6, abs=1e-30
    )
    assert float(losses.discriminator_loss([logit], [logit])) == pytest.approx(
        float(real_term + fake_term), rel=1e-6
    )


def test_values_are_nats_per_image():
    assert float(losses.discriminator_loss([0.0], [0.0])) == pytest.approx(np.log(4))
    assert float(losses.minimax_generator_loss([0.0])) == pytest.approx(-np.log(2))
    assert float(losses.non_saturating_generator_loss([0.0])) == pytest.approx(
        np.log(2)
    )


def test_batches_of_different_size_are_averaged_each_by_itself():
    expected = exact_softplus(-np.array(REAL)).mean() + exact_softplus(FAKE).mean()
    once = float(losses.discriminator_loss(REAL, FAKE))
    assert once == pytest.approx(float(expected), rel=1e-6)
    assert float(losses.discriminator_loss(REAL * 7, FAKE)) == pytest.approx(once)
    for loss in losses.GENERATOR_LOSSES.values():
        assert float(loss(FAKE * 7)) == pytest.approx(float(loss(FAKE)))
        column = np.array(FAKE)[:, None]
        assert float(loss(column)) == pytest.approx(float(loss(FAKE)))


def test_discriminator_loss_is_keras_binary_cross_entropy():
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = float(bce(np.ones((3, 1)), np.array(REAL)[:, None]))
    expected += float(bce(np.zeros((2, 1)), np.array(FAKE)[:, None]))
    assert float(losses.discriminator_loss(REAL, FAKE)) == pytest.approx(
        expected, rel=1e-6
    )


@pytest.mark.parametrize("label", [0.0, 0.9, 1.2])
def test_another_label_of_reals_is_keras_binary_cross_entropy(label):
    bce = keras.losses.BinaryCrossentropy(from_logits=True)
    expected = float(bce(np.full((3, 1), label), np.array(REAL)[:, None]))
    expected += float(bce(np.zeros((2, 1)), np.array(FAKE)[:, None]))
    found = losses.discriminator_loss(REAL, FAKE, real_label=label)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_the_two_players_disagree_about_the_fake_term_alone():
    difference = losses.discriminator_loss(REAL, FAKE) + losses.minimax_generator_loss(
        FAKE
    )
    expected = exact_softplus(-np.array(REAL)).mean()
    assert float(difference) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("logit", LOGITS)
def test_gradients_equal_their_formulas(logit):
    d = float(sigmoid(logit))
    of_real = gradient(lambda v: losses.discriminator_loss(v, [0.0]), [logit])
    of_fake = gradient(lambda v: losses.discriminator_loss([0.0], v), [logit])
    saturating = gradient(losses.minimax_generator_loss, [logit])
    non_saturating = gradient(losses.non_saturating_generator_loss, [logit])
    np.testing.assert_allclose(of_real, d - 1, atol=1e-6)
    np.testing.assert_allclose(of_fake, d, atol=1e-6)
    np.testing.assert_allclose(saturating, -d, atol=1e-6)
    np.testing.assert_allclose(non_saturating, d - 1, atol=1e-6)


@pytest.mark.parametrize("name", losses.GENERATOR_LOSSES)
def test_gradients_equal_finite_differences(name):
    def mean_loss(logits):  # in float64, by the definition of the loss
        d = sigmoid(logits)
        return float(np.mean(np.log(1 - d) if name == "minimax" else -np.log(d)))

    logits, step = np.array([-4.0, -0.5, 0.0, 2.0]), 1e-4
    moves = step * np.eye(4)
    slopes = [
        (mean_loss(logits + m) - mean_loss(logits - m)) / (2 * step) for m in moves
    ]
    measured = gradient(losses.GENERATOR_LOSSES[name], logits)
    np.testing.assert_allclose(measured, slopes, atol=1e-6)


def test_both_generator_losses_fall_when_d_is_fooled():
    for loss in losses.GENERATOR_LOSSES.values():
        values = [float(loss([logit])) for logit in (-5.0, -1.0, 0.0, 1.0, 5.0)]
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nothing_overflows_in_any_precision(dtype):
    logits = tf.constant([-100.0, 100.0], dtype)
    for value in (
        losses.discriminator_loss(logits, logits),
        losses.minimax_generator_loss(logits),
        losses.non_saturating_generator_loss(logits),
    ):
        assert np.isfinite(float(value))


@pytest.mark.parametrize("logits", [[0, 1], np.array([True]), tf.constant([1])])
def test_logits_are_floats(logits):
    for loss, name in (
        (losses.minimax_generator_loss, "fake_logits"),
        (losses.non_saturating_generator_loss, "fake_logits"),
        (lambda x: losses.discriminator_loss([0.0], x), "fake_logits"),
        (lambda x: losses.discriminator_loss(x, [0.0]), "real_logits"),
        (lambda x: losses.r1_penalty(lambda images: images, x), "real_images"),
    ):
        with pytest.raises(ValueError, match=f"^{name}: expected floats, got (int|b)"):
            loss(logits)


@pytest.mark.parametrize("logits", [None, [None], [[0.0], [0.0, 1.0]], {"a": 0.0}])
def test_what_makes_no_array_is_named(logits):
    said = f"^fake_logits: expected an array of floats, got {re.escape(repr(logits))}$"
    for loss in losses.GENERATOR_LOSSES.values():
        with pytest.raises(ValueError, match=said):
            loss(logits)


@pytest.mark.parametrize(
    ("real", "fake", "finer"),
    [
        ("float64", "float32", "float64"),
        ("float16", "float32", "float32"),
        ("bfloat16", "float16", "float32"),
    ],
)
def test_logits_of_two_types_make_a_loss_of_the_finer(real, fake, finer):
    for types in ((real, fake), (fake, real)):
        logits = [tf.constant([0.0], dtype) for dtype in types]
        for label in (1.0, 0.9):
            found = losses.discriminator_loss(*logits, label)
            assert found.dtype == finer
            assert float(found) == pytest.approx(np.log(4), abs=4e-3)


def test_the_mean_of_no_logits_is_refused():
    none, said = np.zeros((0, 1), np.float32), "expected at least one, got shape"
    for name, loss in (
        ("fake_logits", lambda: losses.minimax_generator_loss(none)),
        ("fake_logits", lambda: losses.discriminator_loss([0.0], none)),
        ("real_logits", lambda: losses.discriminator_loss(none, [0.0])),
        ("real_images", lambda: losses.r1_penalty(abs, none)),
    ):
        with pytest.raises(ValueError, match=f"^{name}: {said}"):
            loss()
    of_any_rank = tf.function(
        losses.minimax_generator_loss, input_signature=[tf.TensorSpec(None)]
    )
    assert float(of_any_rank([0.0])) == pytest.approx(-np.log(2))
    with pytest.raises(ValueError, match=r"^real_images: .* \(N, H, W, C\), got \(8,"):
        losses.r1_penalty(abs, np.ones((8, 8, 1), np.float32))


@pytest.mark.parametrize("label", [np.nan, np.inf, -0.1, "1", None], ids=repr)
def test_a_label_is_a_number(label):
    with pytest.raises(ValueError, match="^real_label: expected a number >= 0, got"):
        losses.discriminator_loss(REAL, FAKE, real_label=label)


def test_the_penalty_is_the_mean_of_the_squared_slopes_of_each_image():
    images = np.random.default_rng(0).normal(size=(3, 2, 2, 1)).astype(np.float32)

    def discriminator(x, training):
        assert training
        return tf.reduce_sum(x**2, axis=(1, 2, 3))[:, tf.newaxis]  # of slope 2 x

    found = float(losses.r1_penalty(discriminator, images))
    assert found == pytest.approx(np.mean(np.sum(4 * images**2, axis=(1, 2, 3))))


def judge(*layers):
    layers = [*layers, keras.layers.Flatten(), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input((2, 2, 1)), *layers])


@pytest.mark.parametrize(
    ("discriminator", "said"),
    [
        (judge(keras.layers.BatchNormalization(name="bn")), "each image .* \\(bn\\)"),
        (judge(keras.layers.Lambda(tf.stop_gradient)), "a slope .* got none"),
        (lambda images, training: tf.zeros((3, 1)), "a slope .* got none"),
    ],
    ids=["BatchNormalization", "no slope", "a function without one"],
)
def test_the_penalty_of_what_has_no_slope_of_its_own_is_refused(discriminator, said):
    images = np.ones((3, 2, 2, 1), np.float32)
    with pytest.raises(ValueError, match=f"^discriminator: expected .*{said}$"):
        losses.r1_penalty(discriminator, images)
    assert float(losses.r1_penalty(judge(), images)) > 0
