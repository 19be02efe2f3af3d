"""What a run's numbers depend on, written beside them, so that a change is noticed."""

import functools
import hashlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dcgan_keras._tensorflow import device, keras, tf, threads
from dcgan_keras.training.sampling import spread

FILES_READ = 100  # of a folder's, for its fingerprint: evenly spread
MOST_READ = 2**20  # bytes of each
WORDS = {  # of what is compared, for the line that says what has changed
    "data_fingerprint": "the images",
    "settings_fingerprint": "the settings in config.json",
    "threads": "threads an operation",
    "replicas": "devices that share a batch",
    "device": "the device",
    "machine": "the machine",
    "versions": "versions",
    "arithmetic": "how sums are rounded (by the processor, its threads, or variables "
    "such as TF_ENABLE_ONEDNN_OPTS)",
    "compiled": "how TensorFlow compiles a step (variables such as TF_XLA_FLAGS)",
}


def circumstances(images, config: dict, replicas: int = 1, labels=None) -> dict:
    """What the numbers of a run depend on beside its options.

    Args:
        images: those of training, an array or ``FolderImages``.
        config: of the run.
        replicas: devices that share a batch, of all workers together.
        labels: int64 (N,), of a conditional run.

    Returns:
        For config.json: ``WORDS`` as keys.
    """
    return {
        "data_fingerprint": data_fingerprint(images, config["dataset"], labels),
        "settings_fingerprint": settings_fingerprint(config),
        "threads": threads(),
        "replicas": replicas,
        "device": device().split()[0],
        "machine": platform.machine(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "arithmetic": arithmetic(),
        "compiled": compiled(),
    }


@functools.cache  # TensorFlow reads its variables once
def arithmetic() -> str:
    """A short text that is another one where the CPU rounds other sums.

    TensorFlow adds in an order that hangs on the processor's vector registers, and on
    variables that no version tells.
    """
    return _digest(_sums(4, 8, 8, 8))


@functools.cache
def compiled() -> str:
    """The same for sums in a graph, as a step is one: XLA may compile it unasked.

    They are large enough for the kernels that large layers get there.
    """
    return _digest(tf.function(_sums)(16, 14, 16, 32))


def _sums(count: int, size: int, channels: int, filters: int) -> list:
    """A convolution, a product, and their gradients, computed by the CPU."""
    with tf.device("CPU"), tf.GradientTape() as tape:
        shape = (count, size, size, channels)
        images = tf.random.stateless_normal(shape, (0, 0))
        kernel = tf.random.stateless_normal((4, 4, channels, filters), (0, 1))
        tape.watch([images, kernel])
        features = tf.tanh(tf.nn.conv2d(images, kernel, 2, "SAME"))
        features = tf.reshape(features, (-1, 16 * channels))
        outputs = features @ tf.reshape(kernel, (16 * channels, filters))
    return [outputs, *tape.gradient(outputs, [images, kernel])]


def _digest(found: list) -> str:
    content = b"".join(values.numpy().tobytes() for values in found)
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def data_fingerprint(images, folder: str | Path = "", labels=None) -> str:
    """A short text that is another one for other images.

    Args:
        images: float32 (N, H, W, C); or ``FolderImages``, of which names and sizes of
            the files count, and the bytes of ``FILES_READ``, so that none has to be
            decoded.
        folder: in which its files are, so that it may be moved.
        labels: int64 (N,), where they are learned from.

    Returns:
        "1415 images, 1a2b3c4d5e6f"; of ``FolderImages`` a second digest follows, see
        ``is_same_data``.
    """
    read = ""
    digest = hashlib.blake2b(repr(tuple(images.shape)).encode(), digest_size=6)
    if isinstance(images, np.ndarray):
        digest.update(np.ascontiguousarray(images).data)
    else:
        for path in images.paths:
            name = os.path.relpath(path, folder or None)
            digest.update(f"{name} {os.path.getsize(path)}\n".encode(errors="replace"))
        read = f" {_digest_of_bytes(images.paths)}"
    if labels is not None:
        digest.update(np.ascontiguousarray(labels).data)
    return f"{len(images)} images, {digest.hexdigest()}{read}"


def _digest_of_bytes(paths: Sequence[str | Path]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for place in spread(len(paths), FILES_READ):
        with open(paths[place], "rb") as file:
            digest.update(file.read(MOST_READ))
    return digest.hexdigest()


def is_same_data(before: str, now: str) -> bool:
    """Whether two data sets are the same by their fingerprints.

    An older one has no digest of the bytes.

    Example:
        >>> now = "9 images, 1a2b3c4d5e6f 0123456789ab"
        >>> is_same_data("9 images, 1a2b3c4d5e6f", now)
        True
    """
    return before in (now, now.rpartition(" ")[0])


def settings_fingerprint(config: dict) -> str:
    """A short text that is another one for a configuration that was changed by hand."""
    names = ["seed", "batch_size", "loop", "recipe", "latent_dim", "width", "settings"]
    if config.get("classes") is not None:
        names.append("classes")
    text = json.dumps({name: config[name] for name in names}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def is_changed(config: dict) -> bool:
    """Whether a run's settings are not those whose fingerprint stands beside them.

    The average of the weights may have become G's own weights since: a recorded run
    has it so.
    """
    kept, settings = config.get("settings_fingerprint"), config["settings"]
    averaged = config | {"settings": settings | {"average": True}}
    found = [settings_fingerprint(config), settings_fingerprint(averaged)]
    return kept is not None and kept not in found


def changes(before: dict, now: dict) -> list[str]:
    """What is not as it was, in words; what was not noted then is left out.

    Example:
        >>> changes({"threads": 1}, {"threads": 2, "device": "CPU"})
        ['threads an operation (2, were 1)']
    """
    found = []
    for name, word in WORDS.items():
        old, new = before.get(name), now[name]
        if old is None or old == new:
            continue
        if name == "data_fingerprint" and is_same_data(old, new):
            continue
        if isinstance(new, dict) and isinstance(old, dict):
            parts = [n for n in new if old.get(n) != new[n]]
            old, new = ({n: x.get(n) for n in parts} for x in (old, new))
            old, new = (" ".join(f"{n} {v}" for n, v in x.items()) for x in (old, new))
        says_nothing = name in ("settings_fingerprint", "arithmetic", "compiled")
        found.append(word if says_nothing else f"{word} ({new}, were {old})")
    return found
