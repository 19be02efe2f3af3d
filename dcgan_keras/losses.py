"""The losses of the two players, as pure functions of D's logits.

The logit is D's output before the sigmoid: D(x) = sigmoid(logit). All losses are
computed from logits with softplus(a) = log(1 + exp(a)), because

    -log D       = -log sigmoid(logit)       = softplus(-logit)
    -log (1 - D) = -log (1 - sigmoid(logit)) = softplus(logit)

stays exact where log(sigmoid(logit)) is already -inf. All values are in nats per image
(natural logarithm, mean over the batch).
"""

import reprlib

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.composite import batch_norm_layers
from dcgan_keras.sizes import check_not_negative


def discriminator_loss(real_logits, fake_logits, real_label: float = 1.0):
    """What D minimises: -V(D, G), the sum of two means.

    Args:
        real_logits: float tensor of any shape, D's logits for real images.
        fake_logits: float tensor of any shape, D's logits for generated images.
        real_label: the label of real images: 1 in the game; 0.9 for one-sided label
            smoothing (Salimans et al. 2016). Above 1 the loss has no lower bound, and
            D's logits run away: notebook 07.

    Returns:
        A scalar tensor in [0, inf), nats per image: mean(softplus(-real)) +
        mean(softplus(fake)). 2 log 2 = 1.386 when D answers 1/2 everywhere. Another
        label r adds (1 - r) mean(real).

    Raises:
        ValueError: logits that are no floats, or none, or a label that is no number >=
            0.

    Example:
        >>> float(discriminator_loss([0.0], [0.0]))  # doctest: +ELLIPSIS
        1.38629...

    Source: Goodfellow et al. 2014, equation 1; notebook 02.
    """
    check_not_negative(real_label=real_label)
    real_logits = _floats(real_logits, "real_logits")
    fake_logits = _floats(fake_logits, "fake_logits")
    real_term = keras.ops.mean(keras.ops.softplus(-real_logits))  # -log D(x)
    if real_label != 1:  # -r log D(x) - (1 - r) log(1 - D(x))
        real_term += (1 - real_label) * keras.ops.mean(real_logits)
    fake_term = keras.ops.mean(keras.ops.softplus(fake_logits))  # -log(1 - D(G(z)))
    return keras.ops.add(real_term, fake_term)  # of two types in the finer one


def minimax_generator_loss(fake_logits):
    """What G minimises in the minimax game: mean(log(1 - D(G(z)))), saturating.

    Its gradient with respect to the logit is -sigmoid(logit): it vanishes where D is
    sure that the image is fake, which is where G has most to learn.

    Args:
        fake_logits: float tensor of any shape, D's logits for generated images.

    Returns:
        A scalar tensor in (-inf, 0], nats per image.

    Raises:
        ValueError: logits that are no floats.

    Source: Goodfellow et al. 2014, equation 1; notebook 02.
    """
    fake_logits = _floats(fake_logits, "fake_logits")
    return -keras.ops.mean(keras.ops.softplus(fake_logits))


def non_saturating_generator_loss(fake_logits):
    """What G minimises in practice: mean(-log D(G(z))).

    Same fixed point as the minimax loss, another path to it: the gradient with
    respect to the logit is sigmoid(logit) - 1, close to -1 where D is sure that the
    image is fake.

    Args:
        fake_logits: float tensor of any shape, D's logits for generated images.

    Returns:
        A scalar tensor in [0, inf), nats per image.

    Raises:
        ValueError: logits that are no floats.

    Source: Goodfellow et al. 2014, section 3; notebook 02.
    """
    fake_logits = _floats(fake_logits, "fake_logits")
    return keras.ops.mean(keras.ops.softplus(-fake_logits))


def r1_penalty(discriminator, real_images):
    """How steep D is at the real images: the mean of ``|dlogit/dx|^2``.

    Without it the two players circle or run away from each other near the end of
    training; a D that is flat at the reals lets them come to rest.

    Args:
        discriminator: (N, H, W, C) -> (N, 1), logits, with no BatchNormalization.
        real_images: float32 (N, H, W, C).

    Returns:
        A scalar tensor in [0, inf), nats squared per unit of grey value squared.

    Raises:
        ValueError: images that are no floats, a D with BatchNormalization, or one
            without a slope.

    Source: Mescheder, Geiger & Nowozin 2018, section 4.1, regularizer R1 (there with
    gamma / 2 before it); in one step of many: Karras et al. 2020, appendix B.
    """
    real_images = _floats(real_images, "real_images")
    if real_images.shape.rank not in (None, 4):
        shape = tuple(real_images.shape)
        raise ValueError(f"real_images: expected shape (N, H, W, C), got {shape}")
    is_model = isinstance(discriminator, keras.Model)
    names = ", ".join(batch_norm_layers(discriminator)) if is_model else ""
    if names:
        raise ValueError(
            "discriminator: expected an answer to each image that depends on that "
            f"image alone, got a model with BatchNormalization ({names})"
        )
    with tf.GradientTape() as tape:
        tape.watch(real_images)
        logits = tf.reduce_sum(discriminator(real_images, training=True))
    slopes = tape.gradient(logits, real_images)
    if slopes is None:
        raise ValueError("discriminator: expected a slope at the images, got none")
    return tf.reduce_mean(tf.reduce_sum(tf.square(slopes), axis=[1, 2, 3]))


def _floats(values, name: str):
    try:
        values = keras.ops.convert_to_tensor(values)
    except (ValueError, TypeError):
        got = reprlib.repr(values)
        raise ValueError(f"{name}: expected an array of floats, got {got}") from None
    dtype = keras.backend.standardize_dtype(values.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(f"{name}: expected floats, got {dtype}")
    has_rank = getattr(values.shape, "rank", 0) is not None  # a graph's may have none
    if has_rank and 0 in values.shape:
        raise ValueError(f"{name}: expected at least one, got shape {values.shape}")
    return values


GENERATOR_LOSSES = {
    "non_saturating": non_saturating_generator_loss,
    "minimax": minimax_generator_loss,
}
