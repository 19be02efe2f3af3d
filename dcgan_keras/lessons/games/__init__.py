"""The small worlds of notebooks 01 and 02.

``games.theory``    densities, divergences, the optimal D, the bilinear game
``games.ring``      the ring of Gaussians, on which mode collapse can be counted
``games.sampling``  distributions as samplers: mixtures, a figure eight, pushforward
``games.toy_gan``   a small dense GAN on one- and two-dimensional data

Only ``toy_gan`` needs TensorFlow, so names are looked up when they are first used:

    from dcgan_keras.games import ToyGAN, mixture_density
"""

from importlib import import_module

_TOY_GAN_NAMES = ("Snapshot", "ToyGAN", "dense_network")
_MODULES_WITHOUT_TENSORFLOW = ("theory", "ring", "sampling")


def __getattr__(name: str):
    if name in ("toy_gan", *_MODULES_WITHOUT_TENSORFLOW):
        return import_module(f"{__name__}.{name}")
    if name in _TOY_GAN_NAMES:
        return getattr(import_module(f"{__name__}.toy_gan"), name)
    if not name.startswith("_"):
        for module_name in _MODULES_WITHOUT_TENSORFLOW:
            module = import_module(f"{__name__}.{module_name}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
