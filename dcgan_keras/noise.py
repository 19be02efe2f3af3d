"""The noise of a step, which a resumed run meets again."""

from dcgan_keras._tensorflow import tf

# Which of a step's two draws of z; and z for a look in between. The first two count
# seeds by twos, so the third stands far away from all of theirs.
D_NOISE, G_NOISE, TEST_NOISE = 0, 1, 2**40


def latent_noise(shape, seed: int, step, draw: int = D_NOISE):
    """z ~ N(0, I) that follows from (seed, step, draw) alone.

    A run that is resumed at a step meets the noise that it would have met.

    Args:
        shape: (batch_size, latent_dim).
        seed: any integer.
        step: integer or integer tensor, how many steps have been made.
        draw: ``D_NOISE`` or ``G_NOISE``; ``TEST_NOISE`` for ``evaluate``.

    Returns:
        float32 tensor of that shape.
    """
    state = tf.stack([tf.constant(2 * seed + draw, tf.int64), tf.cast(step, tf.int64)])
    return tf.random.stateless_normal(shape, seed=state)
