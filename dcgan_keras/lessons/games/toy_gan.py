"""A small dense GAN on one- and two-dimensional data, trained live in seconds.

    gan = ToyGAN(data_dim=1, seed=0)
    snapshots = gan.train(sample_real, steps=2000, grid=grid, snapshot_every=100)

All the noise and all the real points come from one NumPy generator, and the steps
between two snapshots run inside one compiled function.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dcgan_keras._tensorflow import keras, tf
from dcgan_keras.losses import GENERATOR_LOSSES, discriminator_loss
from dcgan_keras.sizes import (
    check_below_one,
    check_choice,
    check_count,
    check_not_negative,
    check_positive,
    units_of,
)


class Snapshot(NamedTuple):
    """What stood after ``step`` steps; the noise and the grid are always the same.

    Attributes:
        step: number of steps done (a step is one update of D, or k, and one of G).
        samples: float32 array (N, data_dim), G's output for the fixed noise.
        probabilities: float32 array (M,), D's answers in (0, 1) on the grid.
        discriminator_loss, generator_loss: nats per point, of the last step.
    """

    step: int
    samples: np.ndarray
    probabilities: np.ndarray
    discriminator_loss: float
    generator_loss: float


def dense_network(
    input_dim: int, output_dim: int, hidden: Sequence[int], seed: int
) -> keras.Sequential:
    """Build dense layers with leaky ReLU and a linear output.

    Args:
        input_dim, output_dim: numbers of inputs and outputs of one point.
        hidden: widths of the hidden layers.
        seed: of the initial weights.

    Returns:
        A keras.Sequential from (batch, input_dim) to (batch, output_dim), float32.

    Raises:
        ValueError: a number that is no whole one, or below 1.
    """
    check_positive(input_dim=input_dim, output_dim=output_dim)
    hidden = units_of("hidden", hidden)
    check_count(seed=seed)
    network = keras.Sequential([keras.Input((input_dim,))])
    for index, width in enumerate([*hidden, int(output_dim)]):
        weights = keras.initializers.GlorotUniform(seed=1000 * int(seed) + index)
        network.add(keras.layers.Dense(width, kernel_initializer=weights))
        if index < len(hidden):
            network.add(keras.layers.LeakyReLU(negative_slope=0.2))
    return network


class ToyGAN:
    """Two small dense networks that play the game on points of the line or plane.

    Args:
        data_dim: numbers that make up one data point, 1 or 2 in the course.
        latent_dim: length of the noise vector z ~ N(0, I).
        hidden: widths of the hidden layers, the same in both networks.
        generator_loss: "non_saturating" or "minimax", or any function from D's
            logits for generated points to a scalar that G minimises.
        learning_rate: Adam's for G; 0 leaves G as it is.
        discriminator_learning_rate: Adam's for D, 0 leaves D as it is; None for the
            same as G's.
        beta_1: Adam's memory of past gradients, 0.5 as in the DCGAN paper.
        seed: of the weights, the noise and the real points that are drawn, >= 0.

    Attributes:
        generator, discriminator: keras.Sequential; D's output is a logit.

    Raises:
        ValueError: an unknown loss, or a number out of range.

    Example:
        >>> gan = ToyGAN(data_dim=2, latent_dim=2)
        >>> gan.sample(5).shape
        (5, 2)

    Source: Goodfellow et al. 2014, algorithm 1; notebooks 01 and 02.
    """

    def __init__(
        self,
        data_dim: int = 1,
        latent_dim: int = 1,
        hidden: Sequence[int] = (32, 32),
        generator_loss: str | Callable = "non_saturating",
        learning_rate: float = 1e-3,
        discriminator_learning_rate: float | None = None,
        beta_1: float = 0.5,
        seed: int = 0,
    ):
        check_positive(data_dim=data_dim, latent_dim=latent_dim)
        d_rate = discriminator_learning_rate
        d_rate = learning_rate if d_rate is None else d_rate
        check_not_negative(
            learning_rate=learning_rate, discriminator_learning_rate=d_rate
        )
        check_below_one(beta_1=beta_1)
        check_count(seed=seed)
        self.data_dim, self.latent_dim, self.hidden = data_dim, latent_dim, hidden
        self.generator_loss = _loss_named(generator_loss)
        self.generator, self.discriminator = self._new_networks(seed)
        self.generator_optimizer = keras.optimizers.Adam(learning_rate, beta_1)
        self.discriminator_optimizer = keras.optimizers.Adam(d_rate, beta_1)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        # Compiled for this object and not for the class: each has its own variables.
        self._compiled_play = tf.function(self._play)
        self._start(seed)

    def restart(self, seed: int) -> "ToyGAN":
        """Begin again with another seed, without compiling again; return self."""
        check_count(seed=seed)
        for network, new in zip(
            (self.generator, self.discriminator), self._new_networks(seed), strict=True
        ):
            network.set_weights(new.get_weights())
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for variable in optimizer.variables:
                if variable is not optimizer._learning_rate:
                    variable.assign(keras.ops.zeros_like(variable))
        self._start(seed)
        return self

    def draw_noise(self, *count: int) -> np.ndarray:
        """Draw z ~ N(0, I): float32 array ``(*count, latent_dim)``."""
        return self.rng.standard_normal((*count, self.latent_dim)).astype("float32")

    def sample(self, noise_or_count: int | np.ndarray = 1000) -> np.ndarray:
        """Push noise through G.

        Args:
            noise_or_count: how many points to draw, or noise (N, latent_dim).

        Returns:
            float32 array (N, data_dim).
        """
        noise = noise_or_count
        if np.ndim(noise) == 0:
            check_count(noise_or_count=noise)
            noise = self.draw_noise(noise)
        return self.generator(np.asarray(noise, "float32"), training=False).numpy()

    def discriminate(self, points: np.ndarray) -> np.ndarray:
        """Ask D: for points (M, data_dim), probabilities of "real", float32 (M,)."""
        logits = self.discriminator(np.asarray(points, "float32"), training=False)
        return keras.ops.sigmoid(logits).numpy()[:, 0]

    def train(
        self,
        sample_real: Callable[[int, np.random.Generator], np.ndarray],
        steps: int,
        batch_size: int = 128,
        discriminator_steps: int = 1,
        grid: np.ndarray | None = None,
        snapshot_every: int = 100,
    ) -> list[Snapshot]:
        """Play the game; call it again to go on from where it stood.

        Args:
            sample_real: ``sample_real(count, rng)`` draws count real points, an array
                (count, data_dim), with the numpy Generator ``rng``.
            steps: how many updates of G, a multiple of snapshot_every, >= 0.
            batch_size: real points, and as many generated ones, in one update, >= 1.
            discriminator_steps: k, updates of D before each update of G, >= 1.
            grid: points (M, data_dim) on which each snapshot records D; None for none.
            snapshot_every: a snapshot before the first step and after each so many,
                >= 1.

        Returns:
            The snapshots, in order; the first one is from before these steps.

        Raises:
            ValueError: if steps is no multiple of snapshot_every, a number is out of
                range, or sample_real gives points of another shape.
        """
        check_count(steps=steps)
        check_positive(
            batch_size=batch_size,
            discriminator_steps=discriminator_steps,
            snapshot_every=snapshot_every,
        )
        if steps % snapshot_every:
            raise ValueError(
                "steps: expected a multiple of snapshot_every, "
                f"got {steps} and {snapshot_every}"
            )
        grid = np.zeros((0, self.data_dim)) if grid is None else grid
        snapshots = [self.snapshot(grid)]
        shape = (snapshot_every, discriminator_steps, batch_size)
        for _ in range(steps // snapshot_every):
            real = self._real_points(sample_real, np.prod(shape))
            real = real.reshape(*shape, self.data_dim)
            losses = self.play(real, self.draw_noise(*shape))
            snapshots.append(self.snapshot(grid, *losses))
        return snapshots

    def _real_points(self, sample_real, count: int) -> np.ndarray:
        points = np.asarray(sample_real(count, self.rng))
        is_line = self.data_dim == 1 and points.shape == (count,)
        if points.shape != (count, self.data_dim) and not is_line:
            raise ValueError(
                f"sample_real: expected points ({count}, {self.data_dim}), got "
                f"{points.shape}"
            )
        return points

    def snapshot(self, grid, d_loss=np.nan, g_loss=np.nan) -> Snapshot:
        """Record G's samples for the fixed noise, and D on the grid (M, data_dim)."""
        samples, answers = self.sample(self.fixed_noise), self.discriminate(grid)
        return Snapshot(self.step, samples, answers, d_loss, g_loss)

    def play(self, real: np.ndarray, noise: np.ndarray) -> tuple[float, float]:
        """Do several steps on given real points and given noise for D's updates.

        Args:
            real: array (steps, k, batch, data_dim).
            noise: array (steps, k, batch, latent_dim); G's own noise is drawn here.

        Returns:
            D's and G's loss in the last step, nats per point.
        """
        steps, _, batch_size = np.shape(real)[:3]
        generator_noise = self.draw_noise(steps, batch_size)
        arrays = [np.asarray(a, "float32") for a in (real, noise, generator_noise)]
        d_loss, g_loss = self._compiled_play(*map(tf.constant, arrays))
        self.step += steps
        return float(d_loss), float(g_loss)

    def _play(self, real, noise, generator_noise):
        d_loss = g_loss = tf.constant(0.0)
        for step in tf.range(tf.shape(real)[0]):
            for k in tf.range(tf.shape(real)[1]):
                d_loss = self.discriminator_step(real[step, k], noise[step, k])
            g_loss = self.generator_step(generator_noise[step])
        return d_loss, g_loss

    def discriminator_step(self, real, noise):
        """Update D once, G untouched: D's loss on real points and on G's."""
        fake = self.generator(noise, training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(real, training=True)
            fake_logits = self.discriminator(fake, training=True)
            loss = discriminator_loss(real_logits, fake_logits)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def generator_step(self, noise):
        """Update G once, D untouched: G's loss on new noise."""
        with tf.GradientTape() as tape:
            fake = self.generator(noise, training=True)
            loss = self.generator_loss(self.discriminator(fake, training=True))
        variables = self.generator.trainable_variables
        self.generator_optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _new_networks(self, seed):
        generator = dense_network(self.latent_dim, self.data_dim, self.hidden, 2 * seed)
        discriminator = dense_network(self.data_dim, 1, self.hidden, 2 * seed + 1)
        return generator, discriminator

    def _start(self, seed):
        self.step = 0
        self.rng = np.random.default_rng(seed)
        self.fixed_noise = self.draw_noise(2000)


def _loss_named(loss: str | Callable) -> Callable:
    if callable(loss):
        return loss
    check_choice("generator_loss", loss, GENERATOR_LOSSES)
    return GENERATOR_LOSSES[loss]
