"""This course's own default, as the benchmarks need it."""

from dcgan_keras import keras, tf
from dcgan_keras.training.dcgan import DCGAN
from dcgan_keras.training.recipe import BATCH_SIZE, build_players, compile_default


class Default:
    """What quality.py asks of a recipe."""

    batch_size = BATCH_SIZE

    def __init__(self, seed: int):
        keras.utils.set_random_seed(seed)
        self.dcgan = compile_default(DCGAN(*build_players(), seed=seed))
        self.latent_dim = self.dcgan.generator.input_shape[1]

    @property
    def generator(self) -> keras.Model:
        """As samples are drawn: with the averaged weights."""
        return self.dcgan.sampling_generator()

    def step(self, real_images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        losses = self.dcgan.train_step(real_images)
        return losses["discriminator_loss"], losses["generator_loss"]

    def images(self, outputs):
        """What G puts out is in [-1, 1] already."""
        return outputs
