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

Pictures in colour are learned with smaller rates, which fall later, and large ones with
a flatter D: ``settings_for``.
"""

from dcgan_keras._tensorflow import keras
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.models import build_discriminator, build_generator
from dcgan_keras.sizes import is_int, is_number, stages
from dcgan_keras.training.augmentation import AUGMENTATIONS
from dcgan_keras.training.dcgan import DCGAN, UPDATES

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

# What suits other pictures better, each as measured in benchmarks/README.md, "Colour".
COLOUR = {
    "generator_learning_rate": 4.8e-3,
    "discriminator_learning_rate": 1.6e-3,
    "decay_steps": 4000,
}
LARGE, LARGE_SIDE = {"r1_gamma": 30.0}, 64  # and in colour; pixels

RECIPES = {  # by the name that the command line gives them
    "default": SETTINGS,
    # The rest are the defaults of the builders and of ``default_optimizer``.
    "paper": {"update": "alternating", "average": False},
}


# 1e30 is less than a float32 can hold, so that no number here becomes infinity.
def _is_number(value, low: float, below: float = 1e30) -> bool:
    return is_number(value) and low <= value < below


def _is_count(value, low: int = 1, below: int = 2**53) -> bool:
    return is_int(value) and low <= value < below


def _is_augmentation(value) -> bool:
    return isinstance(value, (list, tuple)) and all(x in AUGMENTATIONS for x in value)


COUNT = "a whole number, 1 to 2**53 - 1"
CHECKS = {  # what the settings may be: by name (is it so, in words)
    "extra_layers": (lambda x: _is_count(x, 0, 21), "a whole number, 0 to 20"),
    "leaky_slope": (lambda x: _is_number(x, 0), "a number >= 0"),
    "generator_learning_rate": (lambda x: _is_number(x, 0), "a number >= 0"),
    "discriminator_learning_rate": (lambda x: _is_number(x, 0), "a number >= 0"),
    "beta_1": (lambda x: _is_number(x, 0, 1), "a number in [0, 1)"),
    "beta_2": (lambda x: _is_number(x, 0, 1), "a number in [0, 1)"),
    "decay_steps": (_is_count, COUNT),
    "update": (lambda x: x in UPDATES, f"one of {UPDATES}"),
    "r1_gamma": (lambda x: _is_number(x, 0), "a number >= 0"),
    "r1_interval": (_is_count, COUNT),
    "average": (lambda x: isinstance(x, bool), "true or false"),
    "augmentation": (_is_augmentation, f"a list of {AUGMENTATIONS}"),
    "augmentation_share": (
        lambda x: _is_number(x, 0) and 0 < x <= 1,
        "a number above 0 and at most 1",
    ),
}


def check_values(values: dict, checks: dict = CHECKS, are_options=False) -> None:
    """Refuse what cannot be, with a ValueError that names it, and the option."""
    for name, value in values.items():
        is_so, words = checks.get(name, (lambda _: True, ""))
        if not is_so(value):
            option = f" (--{name.replace('_', '-')})" if are_options else ""
            raise ValueError(f"{name}{option}: expected {words}, got {value!r}")


def settings_for(image_shape: tuple[int, int, int]) -> dict:
    """``SETTINGS`` with what suits pictures of this kind better.

    Args:
        image_shape: (H, W, C).

    Returns:
        In colour four tenths of the rates, halved after 4,000 steps; where both sides
        have 64 pixels or more R1 has a weight of 30, too.

    Source: benchmarks/README.md, "Colour".
    """
    *sides, channels = image_shape
    settings = SETTINGS if channels == 1 else SETTINGS | COLOUR
    return settings | LARGE if channels > 1 and min(sides) >= LARGE_SIDE else settings


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
    check_values({"extra_layers": extra_layers, "leaky_slope": leaky_slope})
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
        changes: to ``settings_for(image_shape)``, where the model is compiled; or
            other options of ``DCGAN.compile``, such as jit_compile.

    Returns:
        The same model, compiled.

    Raises:
        ValueError: a value that a setting cannot have, an option that is none, or one
            that comes too late, since the players are built.
    """
    for name in ("extra_layers", "leaky_slope"):
        if name in changes:
            raise ValueError(
                f"{name}: expected none, for the players are built already; it belongs "
                f"to build_players; got {changes[name]!r}"
            )
    own = {name: value for name, value in changes.items() if name in CHECKS}
    others = {name: value for name, value in changes.items() if name not in CHECKS}
    settings = settings_for(dcgan.generator.output_shape[1:]) | own
    dcgan.compile(*optimizers(settings), **compile_options(settings), **others)
    return dcgan


def compile_options(settings: dict) -> dict:
    """Those of a recipe's settings that ``DCGAN.compile`` takes."""
    names = ("update", "r1_gamma", "r1_interval", "augmentation", "augmentation_share")
    return {name: settings[name] for name in names if name in settings}


def optimizers(settings: dict | None = None) -> tuple[FusedAdam, FusedAdam]:
    """One for G, which keeps the average of its weights, and one for D.

    Args:
        settings: what differs from ``SETTINGS``.

    Raises:
        ValueError: a value that a setting cannot have.
    """
    settings = SETTINGS | (settings or {})
    check_values(settings)
    betas = {"beta_1": settings["beta_1"], "beta_2": settings["beta_2"]}
    g_rate, d_rate = (
        keras.optimizers.schedules.InverseTimeDecay(  # a / (1 + step / decay_steps)
            settings[f"{player}_learning_rate"], settings["decay_steps"], 1.0
        )
        for player in ("generator", "discriminator")
    )
    averaging = FusedAdam(g_rate, use_ema=settings["average"], **betas)
    return averaging, FusedAdam(d_rate, **betas)
