"""Where the time of one training step goes, by operation.

    python benchmarks/operations.py

Uses TensorFlow's own profiler on one thread, so that times add up.
"""

import argparse
import collections
import re
import tempfile
from pathlib import Path

from measure import RESULTS, markdown

STEPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--way", default="fused step", help="as in speed.py")
    options = parser.parse_args()
    from speed import CHANNELS, KERNEL, LATENT
    from speed_keras import make_step

    from dcgan_keras import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    sizes = options.batch_size, CHANNELS, KERNEL, LATENT
    step = make_step(options.way, options.precision, *sizes)
    step(5)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        step(STEPS)
        tf.profiler.experimental.stop()
        (path,) = Path(folder).rglob("*.xplane.pb")
        text = _table(_read(path))
    RESULTS.mkdir(exist_ok=True)
    name = f"profile_{options.way.replace(' ', '_')}_{options.precision}.md"
    (RESULTS / name).write_text(text + "\n")
    print(text)


def _read(path: Path) -> dict[str, tuple[float, float]]:
    """Operation -> (milliseconds, calls), both a step."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(path.read_bytes())
    time, calls = collections.Counter(), collections.Counter()
    for plane in space.planes:
        if "host:CPU" not in plane.name:
            continue
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            # Operations are "name:Kind"; the runtime's own functions "Class::Function".
            _, _, operation = name.rpartition(":")
            if "::" in name or not re.fullmatch(r".*[^:]:_?[A-Za-z]\w*", name):
                continue
            time[operation] += event.duration_ps / 1e9 / STEPS
            calls[operation] += 1 / STEPS
    return {name: (time[name], calls[name]) for name, _ in time.most_common()}


def _table(operations: dict[str, tuple[float, float]], rows: int = 20) -> str:
    total = sum(time for time, _ in operations.values())
    lines = [
        [name, f"{time:.3f}", f"{time / total:.1%}", f"{calls:.0f}"]
        for name, (time, calls) in list(operations.items())[:rows]
    ]
    header = ["operation", "ms a step", "share", "calls a step"]
    return markdown(header, [*lines, ["all", f"{total:.2f}", "", ""]])


if __name__ == "__main__":
    main()
