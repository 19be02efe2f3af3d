"""Differentiable augmentation: D sees reals and fakes alike through random changes.

A discriminator that meets the same few thousand pictures for hours learns them by
heart, and G gets nothing more from it. Changing the real images alone would teach G the
changes; here both kinds are changed in the same ways, and G's gradient goes back
through the changes, so that D can tell apart only what is drawn.
"""

from collections.abc import Iterable, Sequence

from dcgan_keras._tensorflow import tf
from dcgan_keras.sizes import check_choice, is_number

AUGMENTATIONS = ("flip", "translation", "colour", "cutout")
MOVED = 1 / 8  # of the side, at most, each way
CUT = 1 / 2  # of the side
DRAWS = 8  # random numbers an image; with a share below 1 one more


def check_augmentation(names: Sequence[str]) -> tuple[str, ...]:
    """The names in their own order, or a ValueError that says which there are."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError(
            f"augmentation: expected a sequence of names, as ('flip',), got {names!r}"
        )
    names = tuple(names)
    for name in names:
        check_choice("augmentation", name, AUGMENTATIONS)
    return tuple(name for name in AUGMENTATIONS if name in names)


def check_share(share: float) -> float:
    """As a Python number, or a ValueError."""
    if not is_number(share) or not 0 < share <= 1:
        raise ValueError(
            "augmentation_share: expected a number above 0 and at most 1, the share of "
            f"the images that are changed; got {share!r}"
        )
    return float(share)


def augment(images, names: Sequence[str], draws, share: float = 1.0):
    """Change each image by itself, at random; differentiable in the images.

    Args:
        images: float32 (N, H, W, C).
        names: of what is done, from ``AUGMENTATIONS``: "flip" mirrors every other
            image; "translation" moves by up to an eighth of the side, and what comes in
            repeats the edge; "colour" changes brightness (by up to 0.5), saturation
            (0 to 2 times; of colour images) and contrast (0.5 to 1.5 times); "cutout"
            sets a square of half the side to 0.
        draws: float32 (N, DRAWS), uniform in [0, 1), with a share below 1
            (N, DRAWS + 1); the changes of an image follow from its row alone.
        share: of the images that are changed, in (0, 1]; the others stay as they are.

    Returns:
        The same shape; after "colour" values may lie beyond [-1, 1].

    Raises:
        ValueError: an unknown name, or a share that is none.

    Example:
        >>> draws = tf.random.stateless_uniform((len(images), DRAWS), seed=[0, step])
        >>> seen = augment(images, ("flip", "translation"), draws)

    Source: Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN
        training", section 3 and its code; there 0 comes in at a moved edge. A share:
        Karras et al. 2020, "Training generative adversarial networks with limited
        data", section 2.
    """
    names, share = check_augmentation(names), check_share(share)
    if not names:
        return images
    as_they_are = images
    _, height, width, channels = images.shape
    draws = tf.transpose(draws)
    if "flip" in names or "translation" in names:
        moved = MOVED if "translation" in names else 0.0
        rows = _moved_places(height, moved, draws[0])
        columns = _moved_places(width, moved, draws[1])
        if "flip" in names:
            columns = tf.where(draws[2][:, None] < 0.5, columns, width - 1 - columns)
        if moved:
            images = tf.gather(images, rows, axis=1, batch_dims=1)
        images = tf.gather(images, columns, axis=2, batch_dims=1)
    if "colour" in names:
        brightness, saturation, contrast = tf.unstack(draws[3:6, :, None, None, None])
        images += brightness - 0.5
        if channels > 1:
            grey = tf.reduce_mean(images, axis=3, keepdims=True)
            images = grey + 2 * saturation * (images - grey)
        mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
        images = mean + (0.5 + contrast) * (images - mean)
    if "cutout" in names:
        down = _is_cut(height, draws[6])[:, :, None, None]
        right = _is_cut(width, draws[7])[:, None, :, None]
        images = tf.where(down & right, 0.0, images)
    if share < 1:
        images = tf.where(
            draws[DRAWS, :, None, None, None] < share, images, as_they_are
        )
    return images


def _moved_places(size: int, share: float, draw):
    """Which row (or column) comes into which place: int32 (N, size)."""
    most = int(size * share + 0.5)
    move = tf.cast(draw * (2 * most + 1), tf.int32) - most  # -most to most, evenly
    return tf.clip_by_value(tf.range(size) + move[:, None], 0, size - 1)


def _is_cut(size: int, draw):
    """Which rows (or columns) the square covers: bool (N, size).

    Its centre lies anywhere in the image, so that a part of it may lie outside.
    """
    length = int(size * CUT + 0.5)
    first = tf.cast(draw * (size + 1 - length % 2), tf.int32) - length // 2
    places = tf.range(size)
    return (places >= first[:, None]) & (places < first[:, None] + length)
