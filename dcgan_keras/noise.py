"""The noise of a step, which a resumed run meets again."""

import operator

from dcgan_keras._tensorflow import tf

# Which of a step's two draws of z; and z for a look in between. The first two count
# seeds by twos, so the third stands far away from all of theirs.
D_NOISE, G_NOISE, TEST_NOISE = 0, 1, 2**40
# Of what changes the images that D sees: the reals, and the fakes of either step.
REALS, D_FAKES, G_FAKES = 2**41, 2**41 + 1, 2**42
# By name: left to itself TensorFlow takes another one on another device, or with XLA.
ALGORITHM = "philox"
SEEDS = 1 - 2**60, 2**60  # from, and below: twice one and a draw are of 64 bits


def latent_noise(shape, seed: int, step, draw: int = D_NOISE):
    """z ~ N(0, I) that follows from (seed, step, draw) alone.

    A run that is resumed at a step meets the noise that it would have met.

    Args:
        shape: (batch_size, latent_dim).
        seed: a whole number, less than 2^60 on either side of 0.
        step: integer or integer tensor, how many steps have been made.
        draw: ``D_NOISE`` or ``G_NOISE``; ``TEST_NOISE`` for ``evaluate``.

    Returns:
        float32 tensor of that shape.
    """
    state = _state(seed, step, draw)
    return tf.random.stateless_normal(shape, seed=state, alg=ALGORITHM)


def uniform_noise(shape, seed: int, step, draw: int):
    """As ``latent_noise``, uniform in [0, 1): for ``augmentation.augment``."""
    state = _state(seed, step, draw)
    return tf.random.stateless_uniform(shape, seed=state, alg=ALGORITHM)


def _state(seed: int, step, draw: int):
    own = tf.constant(2 * operator.index(seed) + draw, tf.int64)
    return tf.stack([own, tf.cast(step, tf.int64)])
