"""Keras finds the course's classes in saved models, whatever was imported before.

A saved model names its classes, and Keras knows only those whose modules were imported.
They need TensorFlow, which ``import dcgan_keras`` is not to load. So they are imported
together with Keras: now, if it is loaded; else right after somebody imports it.
"""

import importlib
import sys

MODULES = (
    "composite",
    "fast.layers",
    "fast.optimizers",
    "training.dcgan",
    "training.composite_loop",
)


def when_keras_is_loaded() -> None:
    """Register the classes as soon as Keras is there."""
    if "keras" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def register() -> None:
    """Import the modules of ``MODULES``, if Keras is here and runs on TensorFlow."""
    backend = getattr(sys.modules.get("keras"), "backend", None)
    if backend is None or backend.backend() != "tensorflow":
        return
    if any(map(_is_being_imported, list(sys.modules))):
        return  # one of MODULES may wait for it; its importer comes here afterwards
    for name in MODULES:
        importlib.import_module(f"dcgan_keras.{name}")


def _is_being_imported(name: str) -> bool:
    if not name.startswith("dcgan_keras."):
        return False
    specification = getattr(sys.modules[name], "__spec__", None)
    return name != __name__ and getattr(specification, "_initializing", False)


class _AfterKeras:
    """A finder of modules that finds none, and sees when Keras is imported."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        import importlib.util  # loaded by Keras's own imports at the latest

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_register(module):
                load(module)
                register()

            spec.loader.exec_module = load_and_register
        return spec
