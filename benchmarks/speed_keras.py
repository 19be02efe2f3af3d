"""The network of speed.py in Keras: this course's ways, and two plain ones."""

from collections.abc import Callable

from recipes import build

from dcgan_keras import keras, tf
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.training.composite_loop import CompositeLoop
from dcgan_keras.training.dcgan import DCGAN


def make_step(way, precision, batch_size, channels, kernel, latent) -> Callable:
    """A function that makes n steps."""
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if precision == "bfloat16" else "float32"
    )
    real = tf.random.uniform((batch_size, 28, 28, 1), -1.0, 1.0)
    if way in ("two tapes", "keras fit"):
        model = Plain(*plain_players(channels, kernel, latent), latent)
        model.compile(jit_compile=False)
        return _fit(model, real) if way == "keras fit" else _function(model, real)
    players = fast_players(channels, kernel, latent)
    pair = FusedAdam(2e-3, beta_1=0.5), FusedAdam(5e-4, beta_1=0.5)
    if way == "fused step":
        dcgan = DCGAN(*players)
        dcgan.compile(*pair, update="simultaneous")
        return _function(dcgan, real)
    loop = CompositeLoop(*players)
    loop.compile(*pair)
    return _function(loop, real)


def _function(model, real) -> Callable:
    step = tf.function(model.train_step)
    return lambda n: [step(real) for _ in range(n)]


def _fit(model, real) -> Callable:
    batches = tf.data.Dataset.from_tensors(real).repeat()
    return lambda n: model.fit(batches, steps_per_epoch=n, verbose=0)


def fast_players(channels: int, kernel: int, latent: int):
    """The same G and D from this course's builders, with its fast layers."""
    options = {"channels": channels, "kernel_size": kernel, "fast": True}
    generator = build_generator(latent_dim=latent, **options)
    return generator, build_discriminator(batch_norm=None, **options)


def plain_players(channels: int, kernel: int, latent: int):
    """G and D from stock Keras layers: what anybody would write."""
    c, k = channels, kernel
    generator = build(
        f"dense {49 * 2 * c} nb, shape 7 7 {2 * c}, bn, relu,"
        f"convT {c} {k} 2 nb, bn, relu, convT 1 {k} 2, tanh",
        (latent,),
    )
    discriminator = build(
        f"conv {c} {k} 2, leaky .2, conv {2 * c} {k} 2, leaky .2, flat, dense 1",
        (28, 28, 1),
    )
    return generator, discriminator


class Plain(keras.Model):
    """The straightforward train_step: D from two tapes' worth of work, then G."""

    def __init__(self, generator, discriminator, latent):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent = latent
        self.built = True

    def compile(self, **options):
        super().compile(optimizer=None, **options)
        rates = {self.generator: 2e-3, self.discriminator: 5e-4}
        self.optimizers = []
        for model, rate in rates.items():
            optimizer = keras.optimizers.Adam(rate, beta_1=0.5)
            optimizer.build(model.trainable_variables)
            self.optimizers.append(optimizer)

    def train_step(self, real_images):
        noise = tf.random.normal((real_images.shape[0], self.latent))
        with tf.GradientTape() as tape_g, tf.GradientTape() as tape_d:
            fake_images = self.generator(noise, training=True)
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            real_logits = tf.cast(real_logits, tf.float32)
            fake_logits = tf.cast(fake_logits, tf.float32)
            loss_d = tf.reduce_mean(tf.nn.softplus(-real_logits))
            loss_d += tf.reduce_mean(tf.nn.softplus(fake_logits))
            loss_g = tf.reduce_mean(tf.nn.softplus(-fake_logits))
        pairs = ((self.generator, tape_g, loss_g), (self.discriminator, tape_d, loss_d))
        for (model, tape, loss), optimizer in zip(pairs, self.optimizers, strict=True):
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
        return {"generator_loss": loss_g, "discriminator_loss": loss_d}
