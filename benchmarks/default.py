"""This course's own default, as the benchmarks need it."""

from dcgan_keras import keras, tf
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.training import DCGAN, CompositeLoop

BATCH_SIZE = 64


def fused_model(**sizes) -> DCGAN:
    """The compiled default model; sizes: channels, kernel_size, latent_dim."""
    latent = {key: sizes.pop(key) for key in ("latent_dim",) if key in sizes}
    dcgan = DCGAN(build_generator(**latent, **sizes), build_discriminator(**sizes))
    dcgan.compile()
    return dcgan


def composite_loop(**sizes) -> CompositeLoop:
    """The same players in the composite loop."""
    dcgan = fused_model(**sizes)
    return CompositeLoop(dcgan.generator, dcgan.discriminator)


class Default:
    """What quality.py asks of a recipe."""

    batch_size = BATCH_SIZE

    def __init__(self, seed: int):
        keras.utils.set_random_seed(seed)
        self.dcgan = fused_model()
        self.generator = self.dcgan.generator
        self.latent_dim = self.generator.input_shape[1]

    def step(self, real_images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        losses = self.dcgan.train_step(real_images)
        return losses["discriminator_loss"], losses["generator_loss"]

    def sample(self, noise: tf.Tensor, training: bool) -> tf.Tensor:
        return self.generator(noise, training=training)
