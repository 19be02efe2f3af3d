"""TensorFlow and Keras, imported without TensorFlow's native start-up lines.

The lines (absl, oneDNN, cuda_cudart) are written by C++ straight to file descriptor
2 and no log level removes them all (tensorflow#100442), so the descriptor is turned
away while TensorFlow loads and looks for devices. If loading fails, everything that
was written is replayed. Keras must run on TensorFlow: another backend is refused.

On few cores each operation gets one thread: networks as small as the course's then
train in three quarters of the time, because the cores work at different operations and
do not share each one; and the numbers do not depend on how many of these cores there
are. Measured on two; the paper's widths lose by it (a sixth to a third fewer images a
second). TF_NUM_INTRAOP_THREADS, set before Python starts, says otherwise; 0 is
TensorFlow's own choice, as many as there are cores.
"""

import contextlib
import os
import sys
import tempfile

from dcgan_keras import _registration

FEW_CORES = 4  # beyond, operations of large networks would miss them


@contextlib.contextmanager
def quiet_native_stderr():
    """Hold back what is written to file descriptor 2; replay it on an exception."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


with quiet_native_stderr():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # Its graph optimizer also reports, as an error, a fusion it could not make.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if (os.cpu_count() or 1) <= FEW_CORES:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    import tensorflow as tf

    tf.config.list_physical_devices()
    # A course builds many models; its "retracing" warning takes them for one.
    tf.get_logger().setLevel("ERROR")
    import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "dcgan_keras runs Keras on TensorFlow; KERAS_BACKEND is "
        f"{keras.backend.backend()!r}. Unset it, or set KERAS_BACKEND=tensorflow, "
        "before Python starts."
    )

_registration.register()
