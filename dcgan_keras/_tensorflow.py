"""TensorFlow and Keras, imported without TensorFlow's native start-up lines.

The lines (absl, oneDNN, cuda_cudart) are written by C++ straight to file descriptor
2 and no log level removes them all (tensorflow#100442), so the descriptor is turned
away while TensorFlow loads and looks for devices. If loading fails, or a native
failure ends the process, everything that was written is replayed. Keras must run on
TensorFlow: another backend is refused.

On few cores each operation gets one thread: networks as small as the course's then
train in three quarters of the time, because the cores work at different operations and
do not share each one; and the numbers do not depend on how many of these cores there
are. Large layers lose by it, so ``train`` gives networks that have them every core: see
``give_every_core``. TF_NUM_INTRAOP_THREADS, set before Python starts, says otherwise,
as does tf.config.threading; 0 is TensorFlow's own choice, as many as there are cores.
"""

import contextlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings

from dcgan_keras import _registration

_READS_SETTINGS = os.path.join("keras", "src", "backend", "config.py")
THREADS = "TF_NUM_INTRAOP_THREADS"
MOST_THREADS = 1024  # of more, or of less than none, TensorFlow ends the process
FROZEN = "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"  # for servers: those met first are kept
FEW_CORES = 4  # beyond, operations of large networks would miss them


# Python runs nothing after a native failure: the end of its input tells the shell.
_REPLAY = 'trap "" INT; read -r _ || { cat "$0" >&2; rm -f "$0"; }'


@contextlib.contextmanager
def _replayed_after_a_native_end(held: str, stderr: int):
    """Let a shell replay the file ``held`` if the process ends inside."""
    try:
        shell = subprocess.Popen(
            ["sh", "-c", _REPLAY, held],
            stdin=subprocess.PIPE,
            stderr=stderr,
            cwd=os.path.dirname(held),  # the one here may be gone, and it would say so
        )
    except OSError:  # Windows
        yield
        return
    try:
        yield
    finally:
        shell.communicate(b"\n")


@contextlib.contextmanager
def quiet_native_stderr():
    """Hold back what is written to file descriptor 2; replay it on an exception, but
    not where somebody stops it.

    And where TensorFlow ends the process, as it does at an unknown TF_XLA_FLAGS.

    Where it is closed, or no file can be made for it, nothing is held back.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        try:
            saved = os.dup(2)
            stack.callback(os.close, saved)
            held = stack.enter_context(tempfile.NamedTemporaryFile())
        except OSError:
            yield
            return
        stack.enter_context(_replayed_after_a_native_end(held.name, saved))
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)


def _check_backend(name: str) -> None:
    if name != "tensorflow":
        raise ImportError(
            f"dcgan_keras runs Keras on TensorFlow; KERAS_BACKEND is {name!r}. Unset "
            "it, or set KERAS_BACKEND=tensorflow, before Python starts."
        )


def _check_threads() -> None:
    for variable in (THREADS, "TF_NUM_INTEROP_THREADS"):
        asked = os.environ.get(variable, "")
        with contextlib.suppress(ValueError):  # no number: TensorFlow's own choice
            if not 0 <= int(asked) <= MOST_THREADS:
                raise ImportError(
                    f"{variable}: expected 0 (TensorFlow's choice) to {MOST_THREADS}, "
                    f"got {asked}; unset it, or set another, before Python starts"
                )


def _check_weights_may_change() -> None:
    if (asked := os.environ.get(FROZEN, "")).lower() in ("1", "true"):
        raise ImportError(
            f"{FROZEN}: expected 0, as weights change in a training, which would go on "
            f"with the first ones; got {asked}; unset it before Python starts"
        )


@contextlib.contextmanager
def _settings_are_named():
    """Keras's error at a keras.json that it cannot take says nothing of the file."""
    try:
        yield
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        if not any(x.filename.endswith(_READS_SETTINGS) for x in frames):
            raise
        said = str(error) or frames[-1].line  # the assertion itself, before Keras 3.11
        home = os.path.expanduser("~")
        home = home if os.access(home, os.W_OK) else "/tmp"  # as Keras does
        folder = os.environ.get("KERAS_HOME", os.path.join(home, ".keras"))
        raise ImportError(
            f"{os.path.join(folder, 'keras.json')}: Keras does not start with these "
            f"settings ({type(error).__name__}: {said}); mend or remove the file"
        ) from error


def _gave_one_thread() -> bool:
    """Done, unless somebody has chosen before, or TensorFlow has computed already."""
    is_chosen = tf.config.threading.get_intra_op_parallelism_threads()
    if (os.cpu_count() or 1) > FEW_CORES or is_chosen or THREADS in os.environ:
        return False
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:
        return False
    return True


def give_every_core() -> None:
    """Let each operation use every core, as large layers need, before TensorFlow runs.

    What somebody else has chosen stays.
    """
    if _IS_CHOSEN_HERE:
        with contextlib.suppress(RuntimeError):  # TensorFlow has computed already
            tf.config.threading.set_intra_op_parallelism_threads(os.cpu_count() or 1)


os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "tensorflow"
_check_backend(os.environ["KERAS_BACKEND"])  # before Keras imports what may not be here
_check_threads()
_check_weights_may_change()
with quiet_native_stderr():
    # Its graph optimizer also reports, as an error, a fusion it could not make.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _settings_are_named():
        import keras  # it reads its settings before it loads TensorFlow
    import tensorflow as tf

    tf.config.list_physical_devices()
    _IS_CHOSEN_HERE = _gave_one_thread()
    # Before 2.21 no level hides that report, so there the fusion is not tried.
    if tuple(map(int, tf.__version__.split(".")[:2])) < (2, 21):
        tf.config.optimizer.set_experimental_options({"remapping": False})
    # A course builds many models; its "retracing" warning takes them for one.
    tf.get_logger().setLevel("ERROR")

_check_backend(keras.backend.backend())  # it may have been loaded before

_registration.register()


def use_course_types() -> str:
    """Let Keras compute as the course does, whatever its keras.json says.

    For a process that belongs to the course alone, such as a command.

    Returns:
        What had to be changed, "" if nothing.
    """
    config, changed = keras.config, []
    if config.image_data_format() != "channels_last":
        changed.append(config.image_data_format())
        config.set_image_data_format("channels_last")
    if config.floatx() != "float32" or config.dtype_policy().name != "float32":
        changed.append(config.floatx())
        config.set_floatx("float32")
        config.set_dtype_policy("float32")
    return ", ".join(changed)


def check_no_limits(epochs: int = 1) -> None:
    """Refuse limits of Keras's own, which may end a training before its time.

    Args:
        epochs: of the training; their steps may be any number.

    Raises:
        ValueError: naming the limit.
    """
    # Only newer versions of Keras have them.
    for name, most in (("max_epochs", epochs), ("max_steps_per_epoch", math.inf)):
        limit = getattr(keras.config, name, lambda: None)()
        if limit is not None and limit < most:
            raise ValueError(
                f"{name}: expected no limit in keras.json, nor as KERAS_"
                f"{name.upper()}, which may stop the training early; got {limit}"
            )


def check_course_types() -> None:
    """Say that the builders' networks are not for what Keras is set to.

    For a process that is not the course's own, where nothing is changed.

    Raises:
        ValueError: Keras is set to channels_first.
    """
    config, call = keras.config, "call keras.config."
    found = config.image_data_format()
    if found != "channels_last":
        raise ValueError(
            "image_data_format: expected Keras to be set to 'channels_last', as images "
            f"are (N, H, W, C); got {found!r} (from keras.json, or set before); "
            f"{call}set_image_data_format('channels_last')"
        )
    kept = config.dtype_policy().variable_dtype
    if kept in ("float16", "bfloat16"):
        warnings.warn(
            f"floatx: Keras is set to keep weights in {kept} (from keras.json, or set "
            f"before), in which a GAN's small steps are lost; {call}set_dtype_policy("
            "'float32'), or 'mixed_float16', which keeps them in 32 bits",
            stacklevel=3,
        )


def device() -> str:
    """The device that TensorFlow uses, and of a CPU the reason: why no GPU."""
    gpus = tf.config.get_visible_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    if gpus:
        return f"GPU ({', '.join(n.get('device_name', 'unknown') for n in names)})"
    return f"CPU ({_why_no_gpu()})"


def threads() -> int:
    """How many threads an operation gets; other numbers may be other sums."""
    set_here = tf.config.threading.get_intra_op_parallelism_threads()
    asked = os.environ.get(THREADS, "0")
    asked = int(asked) if asked.isdecimal() else 0
    return set_here or asked or os.cpu_count() or 1


def _why_no_gpu() -> str:
    if tf.config.list_physical_devices("GPU"):
        return "a GPU is there, and hidden by set_visible_devices"
    variable = "CUDA_VISIBLE_DEVICES"
    if os.environ.get(variable, "0").strip() in ("", "-1"):
        return f"{variable}={os.environ[variable]!r} hides every GPU"
    drivers = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
    if not (any(map(os.path.exists, drivers)) or shutil.which("nvidia-smi")):
        return "no GPU: no NVIDIA driver was found"
    if not tf.test.is_built_with_cuda():
        return "a GPU is there, but this TensorFlow was built without CUDA"
    return (
        "a GPU is there, but TensorFlow could not load CUDA: "
        "pip install 'dcgan-keras[gpu]'"
    )
