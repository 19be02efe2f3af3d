"""One thread an operation or all cores: which is faster, by the size of the layers.

    python benchmarks/threads.py

Networks of growing work, each trained for a few steps in processes of its own, the two
choices in turn. What `train` chooses by the multiplications of a stage stands in
`dcgan_keras/training/commands.py`. Seconds are elapsed ones: the machine must do
nothing else. About 8 minutes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from measure import RESULTS, machine, markdown, write_json

NETWORKS = [  # recipe, size, width, batch size, timed steps
    ("default", 28, 16, 32, 400),
    ("default", 64, 16, 32, 60),
    ("default", 64, 32, 32, 20),
    ("default", 64, 64, 32, 6),
    ("paper", 28, 32, 128, 20),
    ("paper", 64, 32, 64, 4),
    ("paper", 64, 64, 64, 2),
    ("paper", 64, 128, 64, 1),
]
CHOICES = {"one": "1", "all cores": "0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        from sizes import measure

        print(json.dumps(measure(*NETWORKS[options.one])))
        return
    from dcgan_keras.training.configuration import multiplications

    rows = []
    for number, (recipe, size, width, batch_size, _) in enumerate(NETWORKS):
        row = {"recipe": recipe, "size": size, "width": width, "batch": batch_size}
        config = {"recipe": recipe, "image_shape": [size, size, 3], "width": width}
        row["multiplications"] = multiplications(config | {"batch_size": batch_size})
        seconds: dict[str, list[float]] = {choice: [] for choice in CHOICES}
        for _ in range(options.rounds):
            for choice, threads in CHOICES.items():
                environment = os.environ | {"TF_NUM_INTRAOP_THREADS": threads}
                command = [sys.executable, __file__, "--one", str(number)]
                said = subprocess.check_output(command, text=True, env=environment)
                seconds[choice].append(json.loads(said)["elapsed_seconds_a_step"])
        row["seconds"] = seconds
        one, every = (statistics.median(seconds[choice]) for choice in CHOICES)
        row["gain_of_all_cores"] = round(one / every, 2)
        print(row, flush=True)
        rows.append(row)
        write_json(RESULTS / "threads.json", {"rows": rows, "machine": machine()})
    header = ["recipe", "size", "width", "batch"]
    table = [
        [
            *(row[name] for name in header),
            f"{row['multiplications']:.2g}",
            row["gain_of_all_cores"],
        ]
        for row in rows
    ]
    print(markdown([*header, "multiplications", "all cores are × as fast"], table))


if __name__ == "__main__":
    main()
