"""What the benchmarks share: the clock, the machine, and the quality of samples."""

import json
import platform
import time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from dcgan_keras.data.datasets import load_dataset
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.evaluation.coverage import class_histogram
from dcgan_keras.evaluation.distances import frechet_distance

SAMPLES = 10_000
RESULTS = Path(__file__).parent / "results"


class CpuClock:
    """Counts the CPU-seconds of this process, all threads, only while it runs."""

    def __init__(self):
        self.seconds = 0.0

    def __enter__(self):
        self._start = time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds += time.process_time() - self._start


@lru_cache(maxsize=1)
def _real():
    return load_classifier("mnist")(load_dataset("mnist", split="test").images)


def quality(images: np.ndarray) -> dict:
    """Judge samples against MNIST's 10,000 test images.

    Args:
        images: float32 (N, 28, 28, 1) in [-1, 1].

    Returns:
        frechet: Fréchet distance on the course's classifier; classes: how many of
        ten are covered; smallest_class: images of the rarest; confident: share of
        images whose class has a probability of at least 0.9.
    """
    classifier, (real_features, real_probabilities) = load_classifier("mnist"), _real()
    features, probabilities = classifier(images)
    histogram = class_histogram(probabilities, real_probabilities)
    return {
        "frechet": round(frechet_distance(real_features, features), 4),
        "classes": histogram.covered,
        "smallest_class": int(np.min(histogram.counts)),
        "confident": round(float((probabilities.max(axis=1) >= 0.9).mean()), 4),
    }


def floor() -> float:
    """The same distance for 10,000 real training images in the samples' place."""
    return quality(load_dataset("mnist").images[:SAMPLES])["frechet"]


def machine() -> dict:
    """Versions and processor, to be written beside every result."""
    import os

    names = [
        line.split(":", 1)[1].strip()
        for line in _lines("/proc/cpuinfo")
        if line.startswith("model name")
    ]
    flags = next((x for x in _lines("/proc/cpuinfo") if x.startswith("flags")), "")
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    return {
        "processor": names[0] if names else platform.processor(),
        "instructions": [flag for flag in wanted if flag in flags.split()],
        "cores": len(os.sched_getaffinity(0)) if names else os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "date": time.strftime("%Y-%m-%d"),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def write_json(path: Path, content: dict) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)


def markdown(header: list[str], rows: list[list]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)
