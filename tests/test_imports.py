"""What an import loads, and what it leaves on the screen."""

import functools
import os
import subprocess
import sys

import pytest

LIGHT = [
    "dcgan_keras",
    "dcgan_keras.__main__",
    "dcgan_keras.convolution",
    "dcgan_keras.data.datasets",
    "dcgan_keras.data.image_folder",
    "dcgan_keras.data.listing",
    "dcgan_keras.data.pictures",
    "dcgan_keras.training.runs",
    "dcgan_keras.files",
    "dcgan_keras.visualization",
]
REPORT = """
import sys
import {name}
heavy = {{"tensorflow", "keras", "torch", "jax"}} & set(sys.modules)
print(sorted(heavy), "matplotlib.pyplot" in sys.modules)
"""

# This process has loaded TensorFlow and chosen its threads already.
CLEAN = {k: v for k, v in os.environ.items() if k != "TF_NUM_INTRAOP_THREADS"}


@functools.lru_cache
def warnings_option() -> str:
    """Errors, where the libraries do not warn of each other, as old ones on new do."""
    alone = [sys.executable, "-W", "error", "-c", "import keras, matplotlib.pyplot"]
    is_quiet = subprocess.run(alone, env=CLEAN, capture_output=True).returncode == 0
    return "error" if is_quiet else "ignore"


def python(code, **environment):
    """Run code in a fresh interpreter, with warnings as errors where that can be."""
    return subprocess.run(
        [sys.executable, "-W", warnings_option(), "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**CLEAN, **environment},
    )


@pytest.mark.parametrize("name", LIGHT)
def test_import_loads_no_tensorflow(name):
    done = python(REPORT.format(name=name))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "[] False\n"


def test_models_load_without_a_line_on_the_screen():
    """TensorFlow's own start-up lines are held back at every level of its logging."""
    code = """
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("default")
    from dcgan_keras import keras, models, tf
print(models.keras is keras, keras.backend.backend(), tf.add(1, 1).numpy())
"""
    done = python(code, TF_CPP_MIN_LOG_LEVEL="")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "True tensorflow 2\n"


@pytest.fixture
def stubs(tmp_path):
    """A folder with a TensorFlow and a Keras that load at once, and are refused."""
    (tmp_path / "tensorflow.py").write_text(
        "__version__, set_to = '2.21.0', []\n"
        "class threading:\n"
        "    get_intra_op_parallelism_threads = staticmethod(lambda: 0)\n"
        "    set_intra_op_parallelism_threads = staticmethod(set_to.append)\n"
        "class config:\n    list_physical_devices = staticmethod(list)\n"
        "config.threading = threading\n"
        "from logging import getLogger as get_logger\n"
    )
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = staticmethod(lambda: 'other')\n"
    )
    return str(tmp_path)


THREADS = """
import os
os.cpu_count = lambda: {cores}
try:
    import dcgan_keras._tensorflow
except ImportError:
    import tensorflow
    print(tensorflow.set_to)
"""


@pytest.mark.parametrize(("cores", "threads"), [(2, [1]), (4, [1]), (16, [])])
def test_operations_get_one_thread_where_cores_are_few(cores, threads, stubs):
    done = python(THREADS.format(cores=cores), PYTHONPATH=stubs)
    assert done.stdout == f"{threads}\n"


def test_threads_are_the_users_to_choose(stubs):
    code = THREADS.format(cores=2)
    done = python(code, TF_NUM_INTRAOP_THREADS="0", PYTHONPATH=stubs)
    assert done.stdout == "[]\n"


def test_stderr_works_again_after_the_import():
    code = (
        "import dcgan_keras._tensorflow, os, sys; os.write(2, b'raw '); sys.exit('py')"
    )
    done = python(code)
    assert done.stderr == "raw py\n"


def test_what_was_held_back_is_replayed_when_the_import_fails(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'native: no such library\\n')\nraise ImportError('x')"
    )
    done = python("from dcgan_keras import tf", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("native: no such library") == 1
    assert done.stderr.index("native") < done.stderr.index("ImportError: x")


@pytest.mark.parametrize(
    ("content", "said"),
    [("[1]", "list"), ('{"floatx": "float8"}', "float")],
)
def test_a_keras_json_that_keras_cannot_take_is_named(tmp_path, content, said):
    (tmp_path / "keras.json").write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "dcgan_keras", "evaluate", "--run", "a"],
        env={**CLEAN, "KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"{tmp_path / 'keras.json'}: Keras does not start" in done.stderr
    assert said in done.stderr


def test_another_backend_is_refused_in_one_clear_sentence(stubs):
    done = python("import dcgan_keras.models", PYTHONPATH=stubs)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "KERAS_BACKEND is 'other'" in last and "tensorflow" in last


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_another_backend_is_refused_before_anything_is_loaded(backend):
    code = (
        "import sys\ntry:\n    import dcgan_keras.models\n"
        "except ImportError as error:\n    print(error, end=' ')\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = python(code, KERAS_BACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"KERAS_BACKEND is {backend!r}" in done.stdout
    assert done.stdout.endswith(" set()\n")
    done = subprocess.run(
        [sys.executable, "-m", "dcgan_keras", "sample", "--run", "a", "--output", "b"],
        env={**CLEAN, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "dcgan_keras sample: dcgan_keras runs Keras on TensorFlow" in done.stderr


@pytest.mark.parametrize("kind", ["None", "closed", "no temporary folder"])
def test_models_load_where_standard_error_cannot_be_held_back(kind, stubs):
    prepare = {
        "None": "sys.stderr = None",
        "closed": "os.close(2)",
        "no temporary folder": "tempfile.tempdir = '/no/such/folder'",
    }[kind]
    code = f"""
import os, sys, tempfile
{prepare}
try:
    import dcgan_keras._tensorflow
except ImportError as error:
    print(error)
"""
    done = python(code, PYTHONPATH=stubs, KERAS_BACKEND="")  # as if it were not set
    assert "KERAS_BACKEND is 'other'" in done.stdout


@pytest.mark.parametrize(
    ("there", "cuda", "said"),
    [
        ((), True, "CPU (no GPU: no NVIDIA driver was found)"),
        (("/dev/nvidiactl",), True, "pip install 'dcgan-keras[gpu]')"),
        (("/dev/dxg",), False, "this TensorFlow was built without CUDA)"),
    ],
)
def test_why_no_gpu_is_used(there, cuda, said, monkeypatch):
    from dcgan_keras import _tensorflow

    if _tensorflow.tf.config.list_physical_devices("GPU"):
        pytest.skip("a GPU is used")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(_tensorflow.os.path, "exists", lambda path: path in there)
    monkeypatch.setattr(_tensorflow.shutil, "which", lambda name: None)
    monkeypatch.setattr(_tensorflow.tf.test, "is_built_with_cuda", lambda: cuda)
    assert _tensorflow.device().endswith(said)
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert (
            f"CUDA_VISIBLE_DEVICES={hidden!r} hides every GPU" in _tensorflow.device()
        )


def test_a_gpu_is_named(monkeypatch):
    from dcgan_keras import _tensorflow

    config = _tensorflow.tf.config
    monkeypatch.setattr(config, "get_visible_devices", lambda kind: ["gpu"])
    details = {"device_name": "NVIDIA A100"}
    monkeypatch.setattr(config.experimental, "get_device_details", lambda gpu: details)
    assert _tensorflow.device() == "GPU (NVIDIA A100)"


@pytest.mark.parametrize(("asked", "found"), [("3", 3), ("0", 8), ("", 8), ("x", 8)])
def test_threads_are_those_an_operation_gets(asked, found, monkeypatch):
    from dcgan_keras import _tensorflow

    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", asked)
    monkeypatch.setattr(_tensorflow.os, "cpu_count", lambda: 8)
    threading = _tensorflow.tf.config.threading
    for chosen, number in ((0, found), (5, 5)):  # TensorFlow's settings go first
        monkeypatch.setattr(
            threading, "get_intra_op_parallelism_threads", lambda n=chosen: n
        )
        assert _tensorflow.threads() == number


OWN_THREADS = """
import warnings
warnings.simplefilter("ignore")  # of TensorFlow on other libraries
import tensorflow as tf
{before}
import dcgan_keras
from dcgan_keras._tensorflow import give_every_core, threads
print(threads())
give_every_core()
print(threads())
"""


@pytest.mark.parametrize(
    ("before", "variable", "found"),
    [
        ("", None, "1 cores"),
        ("tf.config.threading.set_intra_op_parallelism_threads(3)", None, "3 3"),
        ("", "3", "3 3"),
        ("float(tf.ones(()))", None, "cores cores"),  # too late to choose
    ],
)
def test_an_import_chooses_the_threads_of_its_own_process(before, variable, found):
    code = "import os; os.cpu_count = lambda: 2\n" + OWN_THREADS.format(before=before)
    given = {} if variable is None else {"TF_NUM_INTRAOP_THREADS": variable}
    done = python(code + "print('TF_NUM_INTRAOP_THREADS' in os.environ)", **given)
    wanted = found.replace("cores", "2").split()
    assert done.stdout.split() == [*wanted, str(variable is not None)]


@pytest.mark.parametrize("asked", ["-5", "1025", " -1 "])
@pytest.mark.parametrize(
    "variable", ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"]
)
def test_a_number_of_threads_that_ends_tensorflow_is_one_sentence(
    monkeypatch, variable, asked
):
    from dcgan_keras import _tensorflow

    monkeypatch.setenv(variable, asked)
    with pytest.raises(ImportError, match=rf"{variable}: expected 0 .*, got {asked};"):
        _tensorflow._check_threads()


def test_other_numbers_of_threads_are_taken(monkeypatch):
    from dcgan_keras import _tensorflow

    for asked in ("", "0", "1024", "many"):
        monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", asked)
        _tensorflow._check_threads()


@pytest.mark.parametrize("asked", ["1", "true", "True"])
def test_weights_that_are_taken_for_frozen_are_refused(monkeypatch, asked):
    """oneDNN would keep those of the first step, and the losses would look usual."""
    from dcgan_keras import _tensorflow

    variable = "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"
    monkeypatch.setenv(variable, asked)
    with pytest.raises(ImportError, match=f"{variable}: expected 0, .*got {asked};"):
        _tensorflow._check_weights_may_change()
    done = python("import dcgan_keras.models", **{variable: asked})
    assert done.returncode == 1 and variable in done.stderr.splitlines()[-1]
    for other in ("0", "false", "", "yes"):  # of which TensorFlow takes none for 1
        monkeypatch.setenv(variable, other)
        _tensorflow._check_weights_may_change()


def test_a_working_directory_that_is_gone_adds_no_line(stubs, tmp_path):
    """The shell that waits for a native end would complain of it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, dcgan_keras\n"
        f"os.chdir({str(gone)!r})\nos.rmdir({str(gone)!r})\n"
        "import dcgan_keras._tensorflow"
    )
    done = python(code, PYTHONPATH=stubs)
    assert "KERAS_BACKEND is 'other'" in done.stderr
    assert "getcwd" not in done.stderr


def test_unknown_names_are_refused_as_python_does():
    import dcgan_keras

    with pytest.raises(AttributeError, match="dcgan_keras.*torch"):
        dcgan_keras.torch  # noqa: B018
    assert dcgan_keras.__version__.count(".") == 2


def test_where_the_fusion_cannot_be_silenced_it_is_not_tried() -> None:
    """On TensorFlow before 2.21 its failures would stand in a notebook's cells."""
    from dcgan_keras import tf

    old = tf.__version__.startswith(("2.19.", "2.20."))
    options = tf.config.optimizer.get_experimental_options()
    assert options.get("remapping", True) is not old
