"""dcgan_keras: the package behind the course's notebooks.

``import dcgan_keras`` loads nothing heavy. TensorFlow and Keras come, without
TensorFlow's native start-up lines, with the first module that needs them, or with

    from dcgan_keras import keras, tf
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    if name in ("keras", "tf"):
        from dcgan_keras import _tensorflow

        return getattr(_tensorflow, name)
    raise AttributeError(f"module 'dcgan_keras' has no attribute {name!r}")
