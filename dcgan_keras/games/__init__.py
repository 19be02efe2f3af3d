"""The small worlds of notebooks 01 and 02.

``games.theory``   densities, divergences, the ring, the bilinear game: NumPy and SciPy.
``games.toy_gan``  a small dense GAN on one- and two-dimensional data: TensorFlow.

Names are looked up when they are first used, so that ``dcgan_keras.games`` and
``dcgan_keras.games.theory`` are imported without TensorFlow:

    from dcgan_keras.games import ToyGAN
"""

from importlib import import_module

# Every other name is looked up in games.theory, which needs no TensorFlow.
_TOY_GAN_NAMES = {"Snapshot", "ToyGAN"}


def __getattr__(name: str):
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("theory", "toy_gan"):
        return import_module(f"{__name__}.{name}")
    module = "toy_gan" if name in _TOY_GAN_NAMES else "theory"
    return getattr(import_module(f"{__name__}.{module}"), name)
