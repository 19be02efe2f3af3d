"""``import dcgan_keras as dk``: what is there, how light it is, what Keras finds."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dcgan_keras as dk
from dcgan_keras import _registration

PUBLIC = {
    "DCGAN",
    "build_discriminator",
    "build_gan",
    "build_generator",
    "conv_output_size",
    "convolution_matrix",
    "frechet_distance",
    "load_dataset",
    "training_batches",
    "transposed_conv_output_size",
}
RUNTIME = {"keras", "tf"}  # quietly imported, for notebooks


def python(code, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | environment,
    )


def test_these_names_are_there_and_no_others():
    assert set(dk.__all__) == PUBLIC | RUNTIME
    shown = {name for name in dir(dk) if not name.startswith("__")}
    assert shown == PUBLIC | RUNTIME


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_names_are_documented_and_typed(name):
    public = getattr(dk, name)
    documented = inspect.getdoc(public)
    assert len(documented.splitlines()[0]) > 20
    for part in ("Returns:" if inspect.isfunction(public) else "Args:", "Source"):
        assert part in documented, part
    signature = inspect.signature(public)
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter


def test_type_checkers_are_told_the_homes_that_names_really_have():
    tree = ast.parse(Path(dk.__file__).read_text())
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        for alias in node.names
    }
    homes = {name: f"dcgan_keras.{home}" for name, home in dk._HOMES.items()}
    assert told == homes
    for name in PUBLIC:
        assert getattr(dk, name).__module__ == homes[name]


IMPORT = """
import sys, time
began = time.process_time()
import dcgan_keras
seconds = time.process_time() - began
heavy = {"tensorflow", "keras", "numpy", "scipy", "matplotlib"} & set(sys.modules)
print(f"{seconds:.4f}", sorted(heavy))
"""


def test_the_import_is_light():
    """Below 10 ms of this process's own time; the best of five."""
    found = [python(IMPORT).stdout.split(maxsplit=1) for _ in range(5)]
    assert {heavy.strip() for _, heavy in found} == {"[]"}
    assert min(float(seconds) for seconds, _ in found) < 0.010


COMPLETION = """
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import dcgan_keras as dk")
with provisionalcompleter():
    print(*sorted(c.text for c in shell.Completer.completions("dk.build_", 9)))
"""


def test_jupyter_completes_the_names(tmp_path):
    done = python(COMPLETION, IPYTHONDIR=str(tmp_path))
    assert done.stdout.split() == [
        "build_discriminator",
        "build_gan",
        "build_generator",
    ]


# What Keras finds in saved models --------------------------------------------

SAVE = """
import sys
import numpy as np
import dcgan_keras as dk
from dcgan_keras.fast.optimizers import FusedAdam
from dcgan_keras.training.composite_loop import CompositeLoop

def players(seed):
    small = {"image_shape": (16, 16, 1), "channels": 4, "fast": True, "seed": seed}
    generator = dk.build_generator(latent_dim=3, **small)
    return generator, dk.build_discriminator(batch_norm=None, **small)

folder, images = sys.argv[1], np.full((8, 16, 16, 1), 0.5, np.float32)
for kind in (dk.DCGAN, CompositeLoop):
    model = kind(*players(0), seed=3)
    model.compile(FusedAdam(1e-2, use_ema=True), FusedAdam(1e-2))
    model.fit(images, batch_size=4, verbose=0)
    model.save(f"{folder}/{model.name}.keras")
    model.fit(images, batch_size=4, verbose=0)
    np.savez(f"{folder}/{model.name}.npz", *[w.numpy() for w in model.weights])
    z = np.ones((2, 3), np.float32)
    np.save(f"{folder}/{model.name}.npy", model.predict(z, verbose=0))
gan = dk.build_gan(*players(0))
gan.save(f"{folder}/gan.keras")
"""
LOAD = """
import sys
import numpy as np
{imports}
folder, images = sys.argv[1], np.full((8, 16, 16, 1), 0.5, np.float32)
for name in ("dcgan", "composite_loop"):
    model = keras.models.load_model(f"{{folder}}/{{name}}.keras")
    model.fit(images, batch_size=4, verbose=0)
    with np.load(f"{{folder}}/{{name}}.npz") as file:
        expected = [file[key] for key in file.files]
    apart = max(
        abs(w.numpy() - e).max() for w, e in zip(model.weights, expected, strict=True)
    )
    z = np.ones((2, 3), np.float32)
    drawn = model.predict(z, verbose=0) - np.load(f"{{folder}}/{{name}}.npy")
    print(type(model).__name__, float(apart), abs(drawn).max())
print(type(keras.models.load_model(f"{{folder}}/gan.keras")).__name__)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    done = python(SAVE, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    "imports",
    [
        "import dcgan_keras; import keras",
        "import keras; import dcgan_keras",
        "import dcgan_keras as dk; keras = dk.keras",
    ],
)
def test_a_fresh_process_loads_and_goes_on_as_without_the_stop(saved, imports):
    done = python(LOAD.format(imports=imports), saved)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "DCGAN 0.0 0.0",
        "CompositeLoop 0.0 0.0",
        "Composite",
    ]


def test_every_registered_class_is_in_a_module_that_is_imported_with_keras():
    package = Path(dk.__file__).parent
    registering = {
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if "@keras.saving.register_keras_serializable" in path.read_text("utf-8")
        and "lessons" not in path.parts
    }
    assert registering == set(_registration.MODULES)


def test_another_backend_is_left_alone():
    code = "import sys; import keras; import dcgan_keras; print('fine')"
    fake = "class backend:\n    backend = staticmethod(lambda: 'jax')\n"
    done = python(
        f"import sys, types; k = types.ModuleType('keras'); exec({fake!r}, "
        f"k.__dict__); sys.modules['keras'] = k; {code}"
    )
    assert done.stdout == "fine\n", done.stderr
