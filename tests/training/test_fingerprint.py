"""What a run's numbers depend on: another text for each thing that is another one."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from dcgan_keras import keras
from dcgan_keras.training.configuration import DEFAULTS, settings_of
from dcgan_keras.training.fingerprint import (
    WORDS,
    changes,
    circumstances,
    data_fingerprint,
    is_same_data,
    settings_fingerprint,
)

IMAGES = np.random.default_rng(0).uniform(-1, 1, (5, 4, 4, 1)).astype(np.float32)


class Streamed:
    """As much of ``FolderImages`` as is looked at: nothing is decoded."""

    dtype = np.dtype(np.float32)

    def __init__(self, folder, **contents):
        folder.mkdir()
        self.paths = [folder / f"{name}.png" for name in contents]
        self.shape = (len(self.paths), 8, 8, 3)
        for path, content in zip(self.paths, contents.values(), strict=True):
            path.write_bytes(content)

    def __len__(self):
        return len(self.paths)


def test_other_images_are_noticed():
    one_pixel = IMAGES.copy()
    one_pixel[3, 2, 1, 0] += 1e-6
    others = [IMAGES[:4], IMAGES[::-1], one_pixel, IMAGES.reshape(5, 2, 8, 1)]
    found = {data_fingerprint(images) for images in (IMAGES, *others)}
    assert len(found) == 5 and data_fingerprint(IMAGES.copy()) in found
    assert data_fingerprint(IMAGES).startswith("5 images, ")
    every_second = np.concatenate([IMAGES, IMAGES])[::2]
    assert data_fingerprint(every_second) == data_fingerprint(every_second.copy())


def test_a_streamed_folder_is_the_same_wherever_it_is(tmp_path):
    files = {"a": b"123", "b": b"45"}
    first = data_fingerprint(Streamed(tmp_path / "x", **files), tmp_path / "x")
    moved = data_fingerprint(Streamed(tmp_path / "y", **files), tmp_path / "y")
    assert first == moved and first.startswith("2 images, ")
    for number, other in enumerate(
        [{"a": b"123"}, {"a": b"123", "c": b"45"}, {"a": b"12", "b": b"45"}]
    ):
        folder = tmp_path / str(number)
        assert data_fingerprint(Streamed(folder, **other), folder) != first


def test_files_made_again_under_their_names_are_noticed(tmp_path):
    """As the pixels of BMP, which have one size; at both ends of many, and between."""
    files = {f"{number:04d}": b"1234" for number in range(300)}
    first = data_fingerprint(Streamed(tmp_path / "x", **files), tmp_path / "x")
    for number, name in enumerate(("0000", "0299")):
        other = Streamed(tmp_path / str(number), **files | {name: b"1243"})
        found = data_fingerprint(other, tmp_path / str(number))
        assert found.split()[:3] == first.split()[:3] and found != first
    other = Streamed(tmp_path / "y", **dict.fromkeys(files, b"4321"))
    now = circumstances(other, config() | {"dataset": tmp_path / "y"})
    (said,) = changes({"data_fingerprint": first}, now)
    assert said.startswith("the images (300 images, ") and not is_same_data(first, said)
    older = now["data_fingerprint"].rpartition(" ")[0]  # of names and sizes alone
    assert is_same_data(older, now["data_fingerprint"])
    assert changes({"data_fingerprint": older}, now) == []


def config(**options):
    options = DEFAULTS | {"dataset": "digits"} | options
    return options | {"settings": settings_of(options)}


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 1), ("batch_size", 8), ("width", 2), ("latent_dim", 9)]
    + [("loop", "composite"), ("recipe", "paper")],
)
def test_a_setting_that_was_changed_by_hand_is_noticed(name, value):
    assert settings_fingerprint(config()) != settings_fingerprint(
        config() | {name: value}
    )
    assert settings_fingerprint(config(steps=7)) == settings_fingerprint(config())
    by_hand = config()
    by_hand["settings"] = by_hand["settings"] | {"beta_2": 0.5}
    assert settings_fingerprint(by_hand) != settings_fingerprint(config())


def test_what_was_read_back_from_a_file_is_no_change():
    """Equal, in another order, and nothing of it the same object."""
    first = config()
    read = json.loads(json.dumps(first, sort_keys=True))
    assert list(read["settings"]) != list(first["settings"])
    assert settings_fingerprint(read) == settings_fingerprint(first)
    now = circumstances(IMAGES, first)
    assert changes(json.loads(json.dumps(now)), circumstances(IMAGES, first)) == []


@pytest.mark.skipif(platform.machine() != "x86_64", reason="oneDNN's variables")
def test_another_processor_is_noticed():
    """As one without wide registers, or TensorFlow without its kernels, would add."""
    code = "from dcgan_keras.training.fingerprint import arithmetic as f; print(f())"
    changes = [{}, {}, {"TF_ENABLE_ONEDNN_OPTS": "0"}, {"ONEDNN_MAX_CPU_ISA": "SSE41"}]
    one, same, *others = (
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | change)
        for change in changes
    )
    assert one == same and one not in others


@pytest.mark.skipif(platform.machine() != "x86_64", reason="oneDNN's kernels")
def test_a_compiler_that_is_asked_for_is_noticed():
    """XLA, asked for by a variable, compiles a step and no operation by itself."""
    code = "from dcgan_keras.training.fingerprint import arithmetic, compiled\n"
    code += "print(arithmetic(), compiled())"
    xla = {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"}
    one, same, other = (
        subprocess.check_output([sys.executable, "-c", code], env=os.environ | change)
        for change in ({}, {}, xla)
    )
    assert one == same
    assert one.split()[0] == other.split()[0] and one.split()[1] != other.split()[1]


def test_what_has_changed_is_said_in_words():
    now = circumstances(IMAGES, config())
    assert set(now) == set(WORDS)
    assert changes(now, now) == [] and changes({}, now) == []
    before = now | {"threads": 9, "settings_fingerprint": "x", "device": "GPU"}
    before |= {"arithmetic": "y", "compiled": "z"}
    before["versions"] = now["versions"] | {"keras": "3.0", "numpy": "1.0"}
    assert changes(before, now) == [
        "the settings in config.json",
        f"threads an operation ({now['threads']}, were 9)",
        "the device (CPU, were GPU)",
        f"versions (keras {now['versions']['keras']} numpy {np.__version__}, "
        "were keras 3.0 numpy 1.0)",
        WORDS["arithmetic"],
        WORDS["compiled"],
    ]
    assert changes({"versions": None, "threads": now["threads"]}, now) == []
    (said,) = changes({"versions": 3}, now)
    assert said.endswith(", were 3)") and keras.__version__ in said
