"""Five published GAN recipes for 28x28 images, written anew from their layer lists.

Each recipe is a table: the layers of both players, the optimizer, the batch size and
the order of the updates. The parameter counts are those of the originals (a wrong one
raises). All recipes run in the same compiled loop (quality.py), so
that none is slowed down by the code it was published with.
"""

from collections.abc import Callable
from typing import NamedTuple

from dcgan_keras import keras, tf

layers = keras.layers


class Recipe(NamedTuple):
    """One published way to train a GAN on 28x28 grey images."""

    generator: str  # layers, see `_layer`
    discriminator: str
    optimizer: Callable[[], keras.optimizers.Optimizer]  # one for each player
    batch_size: int
    latent_dim: int
    update: str  # "together", "joined" or "separate", see `make_step`
    parameters: tuple[int, int]  # of generator and discriminator, as published
    tanh: bool = True  # images in [-1, 1]; otherwise in [0, 1]
    label_noise: float = 0.0
    fakes_in_training_mode: bool = True  # False: D sees fakes made with moving averages
    image_shape: tuple[int, int, int] = (28, 28, 1)


# dense N · convT F K S · conv F K S · bn [momentum] · leaky SLOPE · nb = no bias
RECIPES = {
    "TF tutorial": Recipe(
        "dense 12544 nb, bn, leaky .3, shape 7 7 256, convT 128 5 1 nb, bn, leaky .3,"
        "convT 64 5 2 nb, bn, leaky .3, convT 1 5 2 nb, tanh",
        "conv 64 5 2, leaky .3, drop .3, conv 128 5 2, leaky .3, drop .3,flat, dense 1",
        lambda: keras.optimizers.Adam(1e-4),
        256,
        100,
        "together",
        (2_330_944, 212_865),
    ),
    "handson-ml3, as published": Recipe(
        "dense 6272, shape 7 7 128, bn, convT 64 5 2, relu, bn, convT 1 5 2, tanh",
        "conv 64 5 2, leaky .2, drop .4, conv 128 5 2, leaky .2, drop .4,flat, dense 1",
        lambda: keras.optimizers.RMSprop(1e-3),
        32,
        100,
        "joined",
        (840_705, 212_865),
        fakes_in_training_mode=False,
    ),
    "Keras-GAN": Recipe(
        "dense 6272, relu, shape 7 7 128, up, conv 128 3 1, bn .8, relu,"
        "up, conv 64 3 1, bn .8, relu, conv 1 3 1, tanh",
        "conv 32 3 2, leaky .2, drop .25, conv 64 3 2, pad, bn .8, leaky .2, drop .25,"
        "conv 128 3 2, bn .8, leaky .2, drop .25,"
        "conv 256 3 1, bn .8, leaky .2, drop .25, flat, dense 1",
        lambda: keras.optimizers.Adam(2e-4, beta_1=0.5),
        32,
        100,
        "separate",
        (856_193, 393_729),
    ),
    "GANs in Action": Recipe(
        "dense 12544, shape 7 7 256, convT 128 3 2, bn, leaky .01,"
        "convT 64 3 1, bn, leaky .01, convT 1 3 2, tanh",
        "conv 32 3 2, leaky .01, conv 64 3 2, bn, leaky .01,"
        "conv 128 3 2, bn, leaky .01, flat, dense 1",
        lambda: keras.optimizers.Adam(1e-3),
        128,
        100,
        "separate",
        (1_637_121, 95_489),
    ),
    "keras.io 2020": Recipe(
        "dense 6272, leaky .2, shape 7 7 128, convT 128 4 2, leaky .2,"
        "convT 128 4 2, leaky .2, conv 1 7 1, sigmoid",
        "conv 64 3 2, leaky .2, conv 128 3 2, leaky .2, maxpool, dense 1",
        lambda: keras.optimizers.Adam(3e-4),
        64,
        128,
        "joined",
        (1_339_905, 74_625),
        tanh=False,
        label_noise=0.05,
    ),
}

# The mode of `generator(noise)` put right, so that nobody is beaten by a slip.
RECIPES["handson-ml3, mended"] = RECIPES["handson-ml3, as published"]._replace(
    fakes_in_training_mode=True
)


def _layer(text: str) -> keras.layers.Layer:
    """One layer from its word and numbers, e.g. ``"convT 64 5 2 nb"``."""
    word, *rest = text.split()
    bias = "nb" not in rest
    n = [float(value) for value in rest if value != "nb"]
    size = [int(value) for value in n]
    if word in ("conv", "convT"):
        kind = layers.Conv2D if word == "conv" else layers.Conv2DTranspose
        return kind(*size[:2], strides=size[2], padding="same", use_bias=bias)
    return {
        "dense": lambda: layers.Dense(size[0], use_bias=bias),
        "shape": lambda: layers.Reshape(size),
        "bn": lambda: layers.BatchNormalization(momentum=n[0] if n else 0.99),
        "leaky": lambda: layers.LeakyReLU(negative_slope=n[0]),
        "drop": lambda: layers.Dropout(n[0]),
        "up": lambda: layers.UpSampling2D(),
        "pad": lambda: layers.ZeroPadding2D(((0, 1), (0, 1))),
        "flat": lambda: layers.Flatten(),
        "maxpool": lambda: layers.GlobalMaxPooling2D(),
        "relu": lambda: layers.ReLU(),
        "tanh": lambda: layers.Activation("tanh"),
        "sigmoid": lambda: layers.Activation("sigmoid"),
    }[word]()


def build(text: str, shape: tuple[int, ...]) -> keras.Sequential:
    """A `keras.Sequential` from a list of layers as in `RECIPES`."""
    return keras.Sequential([keras.Input(shape), *map(_layer, text.split(","))])


def _loss(logits: tf.Tensor, label: float, noise: float = 0.0) -> tf.Tensor:
    """Mean binary cross-entropy of logits against one label (plus uniform noise)."""
    labels = label + noise * tf.random.uniform(tf.shape(logits))
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
    )


class Players:
    """Both players of a recipe and its step, ready to be traced once."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.batch_size, self.latent_dim = recipe.batch_size, recipe.latent_dim
        self.generator = build(recipe.generator, (recipe.latent_dim,))
        self.discriminator = build(recipe.discriminator, recipe.image_shape)
        counts = self.generator.count_params(), self.discriminator.count_params()
        if counts != recipe.parameters:
            raise ValueError(f"parameters: expected {recipe.parameters}, got {counts}")
        self.optimizers = recipe.optimizer(), recipe.optimizer()
        for optimizer, model in zip(self.optimizers, self._models(), strict=True):
            optimizer.build(model.trainable_variables)

    def _models(self) -> tuple[keras.Sequential, keras.Sequential]:
        return self.generator, self.discriminator

    def _noise(self) -> tf.Tensor:
        return tf.random.normal((self.recipe.batch_size, self.recipe.latent_dim))

    def step(self, real_images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One update of each player, in the order the recipe was published with."""
        if not self.recipe.tanh:
            real_images = (real_images + 1) / 2
        return getattr(self, f"_{self.recipe.update}")(real_images)

    def _together(self, real_images):
        """Both players from one forward pass."""
        with tf.GradientTape() as tape_g, tf.GradientTape() as tape_d:
            fake_images = self.generator(self._noise(), training=True)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            loss_d = _loss(real_logits, 1.0) + _loss(fake_logits, 0.0)
            loss_g = _loss(fake_logits, 1.0)
        self._apply(0, tape_g, loss_g)
        self._apply(1, tape_d, loss_d)
        return loss_d, loss_g

    def _joined(self, real_images):
        """D on one batch of reals and fakes; then G with new noise."""
        mode = self.recipe.fakes_in_training_mode
        fake_images = self.generator(self._noise(), training=mode)
        noise = self.recipe.label_noise
        with tf.GradientTape() as tape:
            both = tf.concat([fake_images, real_images], 0)
            fake, real = tf.split(self.discriminator(both, training=True), 2)
            # Half the sum: the mean over the joined batch.
            loss_d = (_loss(real, 1.0, -noise) + _loss(fake, 0.0, noise)) / 2
        self._apply(1, tape, loss_d)
        return loss_d, self._generator_step()

    def _separate(self, real_images):
        """D on the reals, D on the fakes (two updates); then G with new noise."""
        fake_images = self.generator(self._noise(), training=True)
        total = 0.0
        for images, label in ((real_images, 1.0), (fake_images, 0.0)):
            with tf.GradientTape() as tape:
                loss = _loss(self.discriminator(images, training=True), label)
            self._apply(1, tape, loss)
            total += loss
        return total, self._generator_step()

    def _generator_step(self):
        with tf.GradientTape() as tape:
            fake_images = self.generator(self._noise(), training=True)
            loss = _loss(self.discriminator(fake_images, training=True), 1.0)
        self._apply(0, tape, loss)
        return loss

    def images(self, outputs):
        """G's outputs as images in [-1, 1]."""
        return outputs if self.recipe.tanh else outputs * 2 - 1

    def _apply(self, player: int, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        variables = self._models()[player].trainable_variables
        self.optimizers[player].apply(tape.gradient(loss, variables), variables)
