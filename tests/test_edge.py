"""The edge of the process: one sentence and the right status, whatever goes wrong."""

import argparse
import errno
import io
import os
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from PIL import UnidentifiedImageError

from dcgan_keras.edge import (
    Stopped,
    above_0,
    describe,
    path,
    read_number,
    read_whole,
    run_command,
    say,
    stop_signals,
)
from dcgan_keras.files import check_place


def fails(error, debug=False):
    def command():
        raise error

    return run_command("dcgan_keras do", command, debug)


def with_then(error, then):
    error.then = then
    return error


def with_cause(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("steps: expected 1"), 2, "steps: expected 1"),
        (ValueError(" \n first\nsecond\n"), 2, "first\n"),
        (ValueError("a" * 600), 2, "a" * 500 + "\n"),
        (OSError("made by us"), 2, "made by us"),
        (OSError(errno.ENOSPC, "No space left", "a/b"), 2, "a/b: No space left"),
        (OSError(errno.EROFS, "Read-only"), 2, "Read-only"),
        (OSError(errno.EACCES, "Denied", b"a/\xff"), 2, "a/?: Denied"),
        (OSError(errno.EBADF, "Bad file", 9), 2, "Bad file"),
        (FloatingPointError("loss is nan"), 1, "loss is nan"),
        (ImportError("KERAS_BACKEND is 'jax'"), 2, "KERAS_BACKEND is 'jax'"),
        (
            ModuleNotFoundError("x", name="tensorflow"),
            2,
            "no tensorflow here: pip install 'dcgan-keras[tensorflow]'",
        ),
        (
            ModuleNotFoundError("x", name="keras"),
            2,
            "no keras here: pip install 'dcgan-keras[tensorflow]'",
        ),
        (ModuleNotFoundError("no pandas", name="pandas"), 2, "no pandas\n"),
        (OverflowError("too large"), 2, "too large"),
        (KeyError("step"), 1, "unexpected KeyError: 'step' (--debug shows where)"),
        (RuntimeError(), 1, "unexpected RuntimeError: RuntimeError (--debug"),
        (RuntimeError("can't start new thread"), 2, "the system gives this process no"),
        (
            MemoryError(),
            2,
            "not enough memory (MemoryError); ask for less: a smaller --width, "
            "--batch-size, --image-size or --count\n",
        ),
        (
            with_then(ValueError("no file"), "go on with --resume"),
            2,
            "no file; go on with --resume",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failure_is_one_sentence(error, status, said, capsys):
    assert fails(error) == status
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"dcgan_keras do: {said}") and "Traceback" not in err


def test_an_error_that_nobody_has_raised_is_described():
    assert describe(ValueError("steps: expected 1")) == (2, "steps: expected 1")


def test_memory_that_numpy_lacks_is_named(capsys):
    def command():
        np.zeros(2**60, np.int8)

    assert run_command("do", command) == 2
    assert "not enough memory (Unable to allocate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), 130),
        (Stopped(), 130),
        (Stopped(signal.SIGTERM), 143),
        (Stopped(signal.SIGHUP), 129),
    ],
)
def test_what_stops_it_is_its_status(error, status, capsys):
    assert fails(error) == status
    assert capsys.readouterr().err == "\nstopped\n"
    error.then = "go on with --resume"
    assert fails(error) == status
    assert capsys.readouterr().err == "\nstopped; go on with --resume\n"


def test_what_is_no_failure_passes():
    before = [warnings.formatwarning, *map(signal.getsignal, stop_signals())]
    with pytest.raises(SystemExit):
        fails(SystemExit(3))
    assert [warnings.formatwarning, *map(signal.getsignal, stop_signals())] == before
    assert run_command("do", lambda: None) == 0


def test_a_name_cuts_no_sentence_and_commands_no_terminal(tmp_path, capsys):
    strange = tmp_path / "fi\nle\x1b[31m"
    strange.touch()
    assert run_command("do", lambda: check_place(strange)) == 2
    said = f"expected a folder, {tmp_path}/fi le?[31m is none\n"
    assert capsys.readouterr().err == f"do: output (--output): {said}"
    assert fails(OSError(errno.EACCES, "Denied", "a\nb")) == 2
    assert capsys.readouterr().err == "dcgan_keras do: a?b: Denied\n"


@pytest.mark.parametrize("debug", [False, True])
def test_a_traceback_comes_with_debug_alone(debug, capsys):
    assert fails(ValueError("wrong"), debug) == 2
    err = capsys.readouterr().err
    assert ("Traceback" in err) is debug
    assert err.endswith("dcgan_keras do: wrong\n")


def test_whoever_sees_a_traceback_hears_nothing_of_debug(capsys):
    assert fails(KeyError("cells"), True) == 1
    assert capsys.readouterr().err.endswith("do: unexpected KeyError: 'cells'\n")


def test_without_a_word_on_debug_there_is_no_traceback(capsys):
    assert run_command("do", {}.popitem) == 1
    err = capsys.readouterr().err
    assert err.startswith("do: unexpected KeyError: ") and err.count("\n") == 1


def test_where_there_is_no_debug_a_fault_of_ours_shows_where(capsys):
    assert fails(ValueError("wrong"), None) == 2
    assert capsys.readouterr().err == "dcgan_keras do: wrong\n"
    assert fails(KeyError("cells"), None) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err and err.endswith("do: unexpected KeyError: 'cells'\n")


def test_a_name_in_what_is_said_commands_no_terminal(capsys):
    say("a\nb\x1b[31m: 4 steps are made already")
    assert capsys.readouterr().err == "a?b?[31m: 4 steps are made already\n"


def test_a_command_may_have_a_status_of_its_own():
    assert run_command("do", lambda: 1) == 1


def test_a_warning_is_a_line():
    code = "import warnings\ndef command():\n    warnings.warn('left\\n out\\x1b[31m')"
    assert python(code).stderr == b"do: left out?[31m\n"
    before = warnings.formatwarning
    run_command("do", lambda: None)
    assert warnings.formatwarning is before


# TensorFlow's failures -------------------------------------------------------


def tensorflow_error(raised):
    """What TensorFlow makes of an exception in a pipeline's function."""
    from dcgan_keras._tensorflow import tf

    def fetch(index):
        raise raised

    data = tf.data.Dataset.range(3).map(
        lambda i: tf.numpy_function(fetch, [i], tf.float32)
    )

    @tf.function
    def step(iterator):
        return next(iterator)

    with pytest.raises(tf.errors.OpError) as caught:
        step(iter(data))
    return caught.value


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "faces/7.png"),
            "images: No such file or directory: 'faces/7.png'",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "faces/8.png"),
            "images: Permission denied: 'faces/8.png'",
        ),
        (OSError("image file is truncated"), "images: image file is truncated"),
        (ValueError("faces/9.png: no picture"), "images: faces/9.png: no picture"),
        (UnidentifiedImageError("faces/6.png"), "images: faces/6.png"),
        (with_cause(ValueError("faces/5.png"), OSError("cut")), "images: faces/5.png"),
    ],
    ids=["vanished", "denied", "truncated", "changed", "unknown", "caused"],
)
def test_a_file_that_a_pipeline_cannot_read_is_named(raised, said):
    error = tensorflow_error(raised)
    assert describe(error) == (2, said)
    assert "IteratorGetNext" in str(error)  # by which callbacks.RunRecorder knows it


@pytest.mark.parametrize(
    "message",
    ["XlaError: no such device", "Traceback (most recent call last), of nothing"],
)
def test_what_no_pipeline_has_raised_blames_no_images(message):
    from dcgan_keras._tensorflow import tf

    error = tf.errors.InternalError(None, None, message)
    said = f"unexpected InternalError: {message} (--debug shows where)"
    assert describe(error) == (1, said)


def test_too_little_memory_for_a_tensor_is_named():
    from dcgan_keras._tensorflow import tf

    with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
        tf.zeros((2**20, 2**30))
    status, said = describe(caught.value)
    assert status == 2 and "(float values of shape (1048576,1073741824))" in said
    assert "--width" in said
    status, said = describe(tensorflow_error(MemoryError("picture")))
    assert status == 2 and said.startswith("not enough memory (")


def test_a_failure_within_a_layer_is_told_by_its_cause():
    """As from ``ulimit -v`` and as from a wrong shape."""
    from dcgan_keras._tensorflow import tf

    head = "Exception encountered when calling A.call().\n\n\x1b[1m{{function_node b}} "
    full = (
        "Status: 1, message: could not create a primitive, in file c.cc [Op:D]\x1b[0m"
    )
    status, said = describe(tf.errors.AbortedError(None, None, head + full))
    assert status == 2
    assert said.startswith("not enough memory (could not create a primitive); ask for")
    status, said = describe(tf.errors.InternalError(None, None, head + "it broke"))
    assert (status, said.partition(" (")[0]) == (
        1,
        "unexpected InternalError: it broke",
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("InternalError", "Dst tensor is not initialized. [Op:_EagerConst]"),
        ("InternalError", "Blas xGEMM launch failed : a.shape=[1,64,100]"),
        ("InternalError", "Failed call to cudaGetRuntimePtr: CUDA_ERROR_OUT_OF_MEMORY"),
        ("UnknownError", "Failed to get convolution algorithm. This is probably"),
        ("FailedPreconditionError", "DNN library initialization failed."),
        ("UnimplementedError", "DNN library is not found. [[{{node a/Conv2D}}]]"),
        ("InternalError", "No DNN in stream executor."),
        ("InternalError", "Blas xGEMV launch failed : a.shape=[1,1,512]"),
        ("InternalError", "failed to allocate 3.91G (4202692608 bytes) from device"),
        ("InternalError", "cublas handle: CUBLAS_STATUS_NOT_INITIALIZED"),
        ("InternalError", "cuDNN launch failure : CUDNN_STATUS_INTERNAL_ERROR"),
        ("InternalError", "initialization on GPU:0 failed. Status: out of memory"),
    ],
)
def test_a_gpu_without_memory_is_known_by_its_many_words(kind, message):
    from dcgan_keras._tensorflow import tf

    status, said = describe(getattr(tf.errors, kind)(None, None, message))
    assert status == 2 and said.startswith(f"not enough memory on the GPU ({message}")
    assert said.endswith(
        "another process may hold it (nvidia-smi shows which): end that, ask for less "
        "by --batch-size or --width, or hide the GPU by CUDA_VISIBLE_DEVICES=-1"
    )


def test_another_failure_of_tensorflow_is_no_ones_fault():
    from dcgan_keras._tensorflow import tf

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.reshape(tf.zeros(3), (2, 2))
    status, said = describe(caught.value)
    assert status == 1 and said.startswith("unexpected InvalidArgumentError: ")


def test_a_failure_within_a_graph_is_told_by_its_cause():
    """TensorFlow says first where the graph was built, in many lines."""
    from dcgan_keras._tensorflow import tf

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def square(values):
        return tf.reshape(values, (2, 2))

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        square(tf.zeros(3))
    said = "unexpected InvalidArgumentError: Input to reshape is a tensor with 3 values"
    assert describe(caught.value)[1].startswith(said)


@pytest.mark.parametrize(
    "head",
    ["<stack traces unavailable>\n", "\t [[{{node a}}]]\n", "2 root error(s) found.\n"],
)
@pytest.mark.parametrize("cause", ["it broke", ""])
def test_a_failure_of_tensorflow_without_a_cause_has_its_kind(head, cause):
    from dcgan_keras._tensorflow import tf

    error = tf.errors.InternalError(None, None, head + cause)
    said = f"unexpected InternalError: {cause or 'InternalError'} (--debug shows where)"
    assert describe(error) == (1, said)


# Streams and signals, in a process of their own ------------------------------

HEAD = """
import sys, os, signal, time
from dcgan_keras.edge import run_command, say, show
"""


def python(code, env=(), **options):
    """A command that is run at the edge, as a process; its streams have buffers."""
    code = HEAD + code + "\nsys.exit(run_command('do', command))\n"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    options["env"] = os.environ | {"PYTHONUNBUFFERED": ""} | dict(env)
    return subprocess.run([sys.executable, "-c", code], timeout=60, **options)


PRINTS = "def command():\n    say('note é')\n    show('Fréchet éΔé')"


@pytest.mark.parametrize(
    ("encoding", "note", "out"),
    [
        ("utf-8", "note é", "Fréchet éΔé"),
        ("cp932", "note e", "Frechet eΔe"),
        ("ascii", "note e", "Frechet e?e"),
    ],
)
def test_a_console_gets_the_letters_it_has(encoding, note, out):
    done = python(PRINTS, env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 0
    assert done.stdout.decode(encoding) == f"{out}\n"
    assert done.stderr.decode(encoding) == f"{note}\n"


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1)])
def test_a_closed_stream_is_no_failure_and_gets_into_no_file(closed, tmp_path):
    code = f"""
def command():
    with open({str(tmp_path / "a")!r}, "w") as file:
        os.write({closed[-1]}, b"native line")
        print("result"), say("note")
"""
    done = python(code, preexec_fn=lambda: [os.close(number) for number in closed])
    assert done.returncode == 0
    assert (tmp_path / "a").read_text() == ""
    assert (done.stdout if 2 in closed else done.stderr) == (
        b"result\n" if 2 in closed else b"note\n"
    )


class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("kind", ["none", "closed", "full"])
@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_can_be_told_changes_nothing(kind, debug, monkeypatch, capsys):
    closed = io.TextIOWrapper(io.BytesIO())
    stream = {"none": None, "closed": closed, "full": Full()}[kind]
    monkeypatch.setattr(sys, "stderr", stream)

    def command():
        closed.close()
        raise ValueError("wrong")

    assert run_command("do", command, debug) == 2
    assert capsys.readouterr().out == ""


def test_a_fault_before_tensorflow_is_loaded_is_a_fault():
    done = python("def command():\n    {}['step']")
    said = b"do: unexpected KeyError: 'step' (--debug shows where)\n"
    assert (done.returncode, done.stderr) == (1, said)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a Linux device")
@pytest.mark.parametrize("code", [PRINTS, PRINTS.replace("show", "print")])
def test_results_that_cannot_be_written_are_noticed(code):
    with open("/dev/full", "w") as full:
        done = python(code, stdout=full)
    assert done.returncode == 2
    said = done.stderr.decode().splitlines()
    assert said[1:] == ["do: standard output: No space left on device"]


@pytest.mark.parametrize(("stream", "status"), [("stdout", 141), ("stderr", 0)])
def test_a_reader_that_has_left(stream, status):
    read, write = os.pipe()
    os.close(read)
    done = python(PRINTS, **{stream: write})
    os.close(write)
    assert done.returncode == status
    other = done.stderr if stream == "stdout" else done.stdout
    assert other.decode().count("\n") == 1  # nothing of Python's own


def test_what_is_left_for_a_reader_that_has_left_is_dropped():
    """Python would flush it at the end, complain, and leave with 120."""
    read, write = os.pipe()
    os.close(read)
    code = "def command():\n    print('not flushed')\n    raise ValueError('x: no')"
    done = python(code, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (2, b"do: x: no\n")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
    + [(signal.SIGUSR1, 138), (signal.SIGUSR2, 140), (signal.SIGXCPU, 152)],
)
def test_a_signal_unwinds_the_process(number, status, tmp_path):
    code = f"""
def command():
    try:
        os.kill(os.getpid(), {int(number)})
        time.sleep(20)
    finally:
        open({str(tmp_path / "unwound")!r}, "w").close()
"""
    heard = lambda: signal.signal(number, signal.SIG_DFL)  # noqa: E731 also under nohup
    done = python(code, preexec_fn=heard)
    assert (done.returncode, done.stderr) == (status, b"\nstopped\n")
    assert (tmp_path / "unwound").exists()


class Impatient(io.StringIO):
    """A terminal at which somebody stops the command again while it says so."""

    number = signal.SIGINT

    def write(self, text):
        os.kill(os.getpid(), self.number)
        return super().write(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_twice_sees_no_traceback(number, monkeypatch):
    if number not in stop_signals():
        pytest.skip("ignored here, as under nohup")
    stream = Impatient()
    stream.number = number
    monkeypatch.setattr(sys, "stderr", stream)
    stopped = run_command("do", lambda: os.kill(os.getpid(), number))
    assert (stopped, stream.getvalue()) == (128 + number, "\nstopped\n")


def test_nohup_is_obeyed():
    code = f"def command():\n    os.kill(os.getpid(), {int(signal.SIGHUP)})"
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    assert python(code, preexec_fn=ignore).returncode == 0


def test_signals_are_as_they_were_afterwards_and_left_alone_in_a_thread():
    before = [signal.getsignal(n) for n in stop_signals()]
    assert fails(Stopped(signal.SIGTERM)) == 143
    assert [signal.getsignal(n) for n in stop_signals()] == before
    found = []
    thread = threading.Thread(
        target=lambda: found.append((stop_signals(), run_command("do", int)))
    )
    thread.start()
    thread.join()
    assert found == [([], 0)]


def test_the_edge_is_light():
    code = "import dcgan_keras.edge, sys; print('numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"False\n"


@pytest.mark.parametrize(
    ("error", "seen"), [(KeyboardInterrupt, b""), (ValueError, b"loading\n")]
)
def test_who_stops_the_loading_hears_nothing_of_it(error, seen):
    code = f"""
import contextlib
def command():
    from dcgan_keras._tensorflow import quiet_native_stderr
    with contextlib.suppress({error.__name__}), quiet_native_stderr():
        os.write(2, b"loading\\n")
        raise {error.__name__}
"""
    assert python(code).stderr == seen


@pytest.mark.parametrize("end", ["os._exit(1)", "os.abort()"])
def test_what_a_native_failure_says_is_seen(end, tmp_path):
    """TensorFlow ends the process while its start-up lines are held back."""
    (tmp_path / "tensorflow.py").write_text(
        f"import os\nos.write(2, b'F0000 unknown flag --typo\\n')\n{end}\n"
    )
    (tmp_path / "held").mkdir()
    environment = {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / "held")}
    done = python("import dcgan_keras._tensorflow", env=environment)
    assert done.returncode not in (0, 2)
    assert done.stderr.count(b"unknown flag --typo") == 1
    assert not os.listdir(tmp_path / "held")


# Numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0", "7", "-7", "+7", "007", "9" * 30])
def test_whole_numbers_are_read(text):
    assert read_whole(text) == int(text) and read_number(text) == float(text)


ODD = [
    "",
    " 7",
    "7 ",
    "7\n",
    "1_000",
    "1,000",
    "0x7",
    "٣",
    "７",
    "²",
    "--7",
    "- 7",
    "x",
]


@pytest.mark.parametrize("text", [*ODD, "7.0", "7e0", "9" * 5000])
def test_other_texts_are_no_whole_numbers(text):
    assert read_whole(text) is None


@pytest.mark.parametrize("text", ["0.4", ".4", "4.", "-4", "+4e-1", "4E2", "1e-400"])
def test_numbers_are_read(text):
    assert read_number(text) == float(text)


@pytest.mark.parametrize("text", [*ODD, "1_0", "nan", "inf", "-inf", ".", "e5", "4e"])
def test_other_texts_are_no_numbers(text):
    assert read_number(text) is None


def test_the_largest_number_is_taken_and_a_larger_one_told_of_it():
    number_of = above_0(44_640, " (a month)")
    assert number_of("44640") == 44_640
    said = r"above 0 and up to 44,640 \(a month\); got 44641"
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        number_of("44641")


def test_a_path_may_begin_at_home_and_have_odd_letters(monkeypatch):
    monkeypatch.setenv("HOME", os.sep + "ada")
    assert path("~/runs") == os.path.join(os.sep + "ada", "runs")
    assert path("a\rb") == "a\rb"
