"""dcgan_keras: a course on DCGANs in Keras, and the package behind its notebooks.

    import dcgan_keras as dk

    images, labels = dk.load_dataset("mnist")
    dcgan = dk.DCGAN(dk.build_generator(), dk.build_discriminator())
    dcgan.compile()
    dcgan.fit(dk.training_batches(images, 64), steps_per_epoch=400)

``import dcgan_keras`` loads nothing heavy; a name is loaded when it is first used.
TensorFlow and Keras come without TensorFlow's native start-up lines, and can be had
that way as ``dk.tf`` and ``dk.keras``.
"""

from importlib import import_module

from dcgan_keras import _registration

TYPE_CHECKING = False  # type checkers and editors take it for True; typing is slow
if TYPE_CHECKING:
    from dcgan_keras._tensorflow import keras, tf
    from dcgan_keras.composite import build_gan
    from dcgan_keras.convolution import (
        conv_output_size,
        convolution_matrix,
        transposed_conv_output_size,
    )
    from dcgan_keras.data.datasets import load_dataset, training_batches
    from dcgan_keras.evaluation.distances import frechet_distance
    from dcgan_keras.models import build_discriminator, build_generator
    from dcgan_keras.training.dcgan import DCGAN

__version__ = "1.0.0"

__all__ = [
    "DCGAN",
    "build_discriminator",
    "build_gan",
    "build_generator",
    "conv_output_size",
    "convolution_matrix",
    "frechet_distance",
    "keras",
    "load_dataset",
    "tf",
    "training_batches",
    "transposed_conv_output_size",
]

_HOMES = {
    "DCGAN": "training.dcgan",
    "build_discriminator": "models",
    "build_gan": "composite",
    "build_generator": "models",
    "conv_output_size": "convolution",
    "convolution_matrix": "convolution",
    "frechet_distance": "evaluation.distances",
    "keras": "_tensorflow",
    "load_dataset": "data.datasets",
    "tf": "_tensorflow",
    "training_batches": "data.datasets",
    "transposed_conv_output_size": "convolution",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # looked up once
    _registration.register()
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__", *(n for n in globals() if n[:2] == "__")})


_registration.when_keras_is_loaded()
