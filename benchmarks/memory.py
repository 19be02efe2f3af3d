"""Memory of a training run: the peak, and whether it grows.

    python benchmarks/memory.py

Trains the default on MNIST for 5,000 steps and reads the resident set size of the
process, in megabytes, every 500 steps.
"""

import argparse
import resource
from pathlib import Path

from measure import RESULTS, machine, markdown, write_json
from quality import OURS, compiled_loop, players


def resident() -> float:
    """Resident set size now, in MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("VmRSS: not found in /proc/self/status; this needs Linux")


def main() -> None:
    import numpy as np

    from dcgan_keras.data.datasets import load_dataset

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5000)
    steps = parser.parse_args().steps
    images = load_dataset("mnist").images
    loop = compiled_loop(players(OURS, 0), ((images + 1) * 127.5).astype(np.uint8))
    del images
    before, sizes = resident(), {}
    for step in range(500, steps + 1, 500):
        loop(500)
        sizes[step] = round(resident(), 1)
        print(step, sizes[step], flush=True)
    first = sizes.get(1000, sizes[min(sizes)])
    growth = sizes[max(sizes)] / first - 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        ["before the first step", f"{before:.0f} MB"],
        ["after step 1,000", f"{first:.0f} MB"],
        [f"after step {steps:,}", f"{sizes[max(sizes)]:.0f} MB"],
        ["growth between the two", f"{growth:.2%}"],
        ["peak", f"{peak:.0f} MB"],
    ]
    text = markdown(["resident memory", ""], rows)
    numbers = {"before": before, "sizes": sizes, "growth": growth, "peak": peak}
    write_json(RESULTS / "memory.json", {**numbers, "machine": machine()})
    (RESULTS / "memory.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
