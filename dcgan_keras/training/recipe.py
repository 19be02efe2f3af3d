"""The course's default: the networks and settings that make good digits soonest.

Still the DCGAN of the paper: strided and transposed convolutions, ReLU with batch
normalisation in G, leaky ReLU in D, tanh, Adam. What differs, and what each difference
is worth, is measured in benchmarks/README.md:

- G has two more layers next to z, D one more at the end, and both few channels: what
  is missing in small DCGANs is depth, and a small layer is cheap.
- D's leaky ReLU has a slope of 0.01 (as in C728's table), not 0.2: a D of nearly
  straight layers is nearly a straight map, and sees less.
- Adam without momentum (beta_1 = 0) and with a short memory (beta_2 = 0.95), at sixty
  times the paper's learning rate for G and twenty times for D, halved after 1,000
  steps and falling on: no end of training needs to be known.
- D has no BatchNormalization, so that both players can learn from one pass through it
  (``DCGAN.compile(update="simultaneous")``), and weights begin at Glorot's size.
- In one step of sixteen D is held flat at the real images (R1, Mescheder et al. 2018).
  This keeps the players from running away from each other: without it the distance
  stops falling after a minute, and the digits come less and less equally often.
- Samples come from an average of G's weights (Yazıcı et al. 2019), and BN's statistics
  are measured with them, not with the weights of the last step.
"""

from dcgan_keras._tensorflow import keras
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.sizes import stages
from dcgan_keras.training.dcgan import DCGAN

WIDTH = 16  # channels of the layer next to the image
BATCH_SIZE = 32
SETTINGS = {
    "extra_layers": 2,
    "leaky_slope": 0.01,
    "generator_learning_rate": 12e-3,
    "discriminator_learning_rate": 4e-3,
    "beta_1": 0.0,
    "beta_2": 0.95,
    "decay_steps": 1000,
    "update": "simultaneous",
    "r1_gamma": 1.0,
    "r1_interval": 16,
    "average": True,
}

RECIPES = {  # by the name that the command line gives them
    "default": SETTINGS,
    # The rest are the defaults of the builders and of ``default_optimizer``.
    "paper": {"update": "alternating", "average": False},
}


def build_players(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    latent_dim: int = 100,
    width: int = WIDTH,
    extra_layers: int = SETTINGS["extra_layers"],
    leaky_slope: float = SETTINGS["leaky_slope"],
    seed: int | None = None,
    classes: int | None = None,
) -> tuple[keras.Sequential, keras.Sequential]:
    """G and D of the default, for any size that the builders reach.

    Args:
        image_shape: (H, W, C), see ``models.build_generator``.
        latent_dim: length of z.
        width: channels of the layer next to the image; each layer away from it has
            twice as many.
        extra_layers: of stride 1, in G, next to z.
        leaky_slope: of D's leaky ReLU.
        seed: of the initial weights; None: Keras's global seed.
        classes: of conditional players; see ``DCGAN``.

    Returns:
        G: float32 (N, latent_dim) -> (N, H, W, C) in [-1, 1]; with classes from
        (N, latent_dim + classes).
        D: (N, H, W, C) -> (N, 1), logits; with classes (N, classes).

    Example:
        >>> generator, discriminator = build_players((32, 32, 3))
    """
    _, doublings = stages(image_shape)
    widths = [width * 2**number for number in range(doublings)]
    plan = {"kernel_size": 4, "weight_stddev": None, "fast": True, "classes": classes}
    generator = build_generator(
        image_shape,
        latent_dim,
        channels=[widths[-1]] * extra_layers + widths[::-1],
        extra_kernel_size=3,
        project_norm="channels",
        seed=seed,
        **plan,
    )
    discriminator = build_discriminator(
        image_shape,
        channels=[*widths, 2 * widths[-1]],
        batch_norm=None,
        leaky_slope=leaky_slope,
        seed=None if seed is None else seed + 1000,
        **plan,
    )
    return generator, discriminator


def compile_default(dcgan: DCGAN, **changes) -> DCGAN:
    """Compile with the default's optimizers and order of updates.

    Args:
        dcgan: with players as from ``build_players``.
        changes: to ``SETTINGS``.

    Returns:
        The same model, compiled.
    """
    settings = SETTINGS | changes
    dcgan.compile(*optimizers(settings), **compile_options(settings))
    return dcgan


def compile_options(settings: dict) -> dict:
    """Those of a recipe's settings that ``DCGAN.compile`` takes."""
    names = ("update", "r1_gamma", "r1_interval", "augmentation")
    return {name: settings[name] for name in names if name in settings}


def optimizers(settings: dict | None = None) -> tuple[FusedAdam, FusedAdam]:
    """One for G, which keeps the average of its weights, and one for D.

    Args:
        settings: None: ``SETTINGS``.
    """
    settings = settings or SETTINGS
    betas = {"beta_1": settings["beta_1"], "beta_2": settings["beta_2"]}
    g_rate, d_rate = (
        keras.optimizers.schedules.InverseTimeDecay(  # a / (1 + step / decay_steps)
            settings[f"{player}_learning_rate"], settings["decay_steps"], 1.0
        )
        for player in ("generator", "discriminator")
    )
    averaging = FusedAdam(g_rate, use_ema=settings["average"], **betas)
    return averaging, FusedAdam(d_rate, **betas)
