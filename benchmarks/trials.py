"""One change to the default, and what it is worth at equal CPU time.

    python benchmarks/trials.py mnist NAME key=value ... --seeds 0 1 2
    python benchmarks/trials.py 64=FOLDER NAME key=value ...

A key is one of the recipe's settings (``decay_steps=8000``), or width, d_width (of D
alone), latent_dim, batch_size, clusters (as ``train --clusters``), by (what makes
pictures alike for that, "pixels" or "edges"; the trials of before 28 November 2026 are
by pixels, and looked among all of these, not among 100 components), shuffled (1: each
picture gets the group of another one, as a control), paired (1: relativistic pairing
with R1 and R2, Huang et al. 2024: each fake is compared with the real image beside it),
plain_after (the CPU-seconds after which nothing is augmented any more, one of POINTS),
or spread (N: D's last layers see how much N images differ, Karras et al. 2018; with
update=alternating and r1_gamma=0, for the other step needs each image's answer alone).
MNIST is judged as in quality.py, pictures in a folder as in colour.py, in inference
mode alone. A run is one file in results/trials, and is not repeated; --report makes the
table of all that are there. The samples in colour stay in build/trials, for kinds.py.
"""

import argparse
import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from measure import RESULTS, SAMPLES, CpuClock, floor, machine, markdown, write_json
from quality import trained

FOLDER = RESULTS / "trials"
KEPT = Path(__file__).resolve().parent.parent / "build" / "trials"  # all samples
POINTS = (60.0, 200.0, 400.0, 600.0)
OWN = {
    "width": 16,
    "d_width": 0,
    "latent_dim": 100,
    "batch_size": 32,
    "clusters": 0,
    "by": None,
    "shuffled": 0,
    "paired": 0,
    "spread": 0,
    "plain_after": 0,
}
PICTURES = 2000  # samples of colour


class Trial:
    """The default's players with some changes, and pictures to train on.

    Args:
        pixels: uint8 (N, H, W, C).
        changes: to ``OWN`` and to the recipe's settings.
        seed: of everything.
    """

    def __init__(self, pixels: np.ndarray, changes: dict, seed: int):
        from dcgan_keras import keras, tf
        from dcgan_keras.data.clusters import find_clusters
        from dcgan_keras.training.dcgan import DCGAN
        from dcgan_keras.training.recipe import (
            SETTINGS,
            build_players,
            compile_options,
            optimizers,
        )

        own = OWN | {key: value for key, value in changes.items() if key in OWN}
        settings = {key: value for key, value in changes.items() if key not in OWN}
        if unknown := settings.keys() - {
            *SETTINGS,
            "augmentation",
            "augmentation_share",
        }:
            raise SystemExit(f"not a setting: {', '.join(sorted(unknown))}")
        settings = SETTINGS | settings
        self.seed, self.batch_size = seed, own["batch_size"]
        self.classes = own["clusters"] or None
        self.labels = np.zeros(len(pixels), np.int32)
        if self.classes:
            images = (pixels / np.float32(127.5)) - 1
            found, labels = find_clusters(images, self.classes, seed, own["by"])
            changes["by"] = "pixels" if found.edges is None else "edges"
            if own["shuffled"]:
                labels = np.random.default_rng(seed).permutation(labels)
            self.classes, self.labels = len(found.counts), labels.astype(np.int32)
        keras.utils.set_random_seed(seed)

        def players_of(width):
            return build_players(
                pixels.shape[1:],
                own["latent_dim"],
                width,
                settings["extra_layers"],
                settings["leaky_slope"],
                classes=self.classes,
            )

        players = players_of(own["width"])
        if own["d_width"]:
            players = players[0], players_of(own["d_width"])[1]
        if own["spread"]:
            players = players[0], with_spread(players[1], own["spread"])
        pair = optimizers(settings)
        kind = paired() if own["paired"] else DCGAN
        self.dcgan = kind(*players, seed=seed, classes=self.classes)
        if self.classes:
            self.dcgan.class_shares = found.shares
        self.dcgan.compile(*pair, **compile_options(settings))
        self._data = tf.constant(pixels), tf.constant(self.labels)
        self._plain_after = own["plain_after"]
        self._trace()

    def _trace(self):
        from dcgan_keras import tf

        self.loop = tf.function(
            self._steps, input_signature=[tf.TensorSpec((), tf.int32)]
        )

    def change_at(self, cpu_seconds: float):
        """What is asked to change then, does."""
        if self._plain_after and cpu_seconds >= self._plain_after:
            self._plain_after, self.dcgan.augmentation = 0, ()
            self._trace()

    def _steps(self, n):
        from dcgan_keras import tf

        images, labels = self._data
        losses = tf.zeros(2)
        for _ in tf.range(n):
            index = tf.random.uniform((self.batch_size,), 0, len(images), tf.int32)
            real = tf.cast(tf.gather(images, index), tf.float32) / 127.5 - 1.0
            batch = (real, tf.gather(labels, index)) if self.classes else real
            logs = self.dcgan.train_step(batch)
            losses = tf.stack([logs["discriminator_loss"], logs["generator_loss"]])
        return losses

    def samples(self, count: int) -> np.ndarray:
        """Of the averaged weights; clusters come as often as among the pictures."""
        from dcgan_keras.labels import with_labels

        random = np.random.default_rng(1)
        z = random.normal(size=(count, self.dcgan.latent_dim)).astype(np.float32)
        if self.classes:
            asked = random.choice(self.labels, count)
            z = np.asarray(with_labels(z, asked, self.classes))
        generator = self.dcgan.sampling_generator()
        parts = [
            generator(z[start : start + 500], training=False).numpy()
            for start in range(0, count, 500)
        ]
        return np.clip(np.concatenate(parts), -1, 1)


def paired():
    """DCGAN with the paired loss, for the simultaneous update."""
    from dcgan_keras import tf
    from dcgan_keras.training.dcgan import DCGAN

    class Paired(DCGAN):
        def _game_of_d(self, real_logits, fake_logits):
            return tf.reduce_mean(tf.nn.softplus(fake_logits - real_logits))

        def _slopes(self, real_logits, fake_logits):
            gap = (fake_logits - real_logits)[:, :, None, None]
            return tf.sigmoid(gap), -tf.sigmoid(-gap)  # both divided by the images

        def _discriminator_losses(self, real_images, fake_images, labels):
            self._fakes = tf.stop_gradient(fake_images)
            return super()._discriminator_losses(real_images, fake_images, labels)

        def _with_penalty(self, gradients, images, labels, step):
            """R1 at the reals, and R2: the same at the fakes."""
            gradients = super()._with_penalty(gradients, images, labels, step)
            return super()._with_penalty(gradients, self._fakes, labels, step)

    return Paired


def with_spread(discriminator, count: int):
    """D with one more channel before its flatten layer: how much ``count`` images of a
    batch differ there, the mean of the deviations of all features (Karras et al. 2018,
    section 3, in groups as in StyleGAN)."""
    from dcgan_keras import keras, tf

    class Spread(keras.layers.Layer):
        def call(self, features):
            n, *shape = tf.unstack(tf.shape(features))
            together = tf.minimum(count, n)
            groups = tf.reshape(features, (-1, together, *shape))
            spread = tf.sqrt(tf.math.reduce_variance(groups, axis=1) + 1e-8)
            spread = tf.repeat(tf.reduce_mean(spread, axis=(1, 2, 3)), together)
            plane = tf.broadcast_to(spread[:, None, None, None], (n, *shape[:2], 1))
            return tf.concat([features, plane], axis=-1)

        def compute_output_shape(self, shape):
            return (*shape[:-1], shape[-1] + 1)

    layers = []
    for layer in discriminator.layers:
        if isinstance(layer, keras.layers.Flatten):
            layers.append(Spread())
        layers.append(type(layer).from_config(layer.get_config()))
    return keras.Sequential([keras.Input(discriminator.input_shape[1:]), *layers])


def data_of(where: str):
    """uint8 pictures of "mnist" or of "SIZE=FOLDER", and how samples are judged."""
    from dcgan_keras.data.datasets import load_dataset

    if where == "mnist":
        from measure import quality

        images, judge, real = load_dataset("mnist").images, quality, floor
        count = SAMPLES
    else:
        from colour import loaded

        from dcgan_keras.evaluation.picture_report import evaluate_pictures

        size, folder = where.split("=", 1)
        images, held_out = loaded(folder, int(size))
        count = PICTURES

        def judge(made):
            return evaluate_pictures(made, images, held_out).to_dict()["generated"]

        def real():
            found = evaluate_pictures(images[:count], images, held_out)
            return found.to_dict()["floor"]

    pixels = np.round((images + 1) * 127.5).astype(np.uint8)
    return pixels, judge, real, count


def run(where: str, name: str, changes: dict, seed: int, budget: float) -> None:
    """Train to the budget; write the curve, and of colour a grid, at the end."""
    from dcgan_keras import tf
    from dcgan_keras.visualization import tile, write_png

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    pixels, judge, real, count = data_of(where)
    clock, curve = CpuClock(), []
    with clock:
        trial = Trial(pixels, changes, seed)
        trial.loop(1)
    path = result_path(where, name, seed)
    points = [x for x in POINTS if x <= budget]
    for step, losses in trained(lambda n: trial.loop(n), clock, points):
        trial.change_at(clock.seconds)
        images = trial.samples(count)
        one = {"cpu_seconds": round(clock.seconds, 1), "step": step}
        one["losses"] = [round(float(x), 4) for x in losses]
        curve.append(one | judge(images))
        print(f"{where}, {name}, seed {seed}: {curve[-1]}", flush=True)
    content = {"data": where.split("=")[0], "name": name, "changes": changes}
    content |= {"seed": seed, "samples": count, "floor": real(), "curve": curve}
    write_json(path, content | {"machine": machine()})
    if where != "mnist":
        write_png(path.with_suffix(".png"), tile(images[:32], scale=2))
        KEPT.mkdir(parents=True, exist_ok=True)
        kept = images.astype(np.float16)
        np.savez_compressed(KEPT / f"{path.stem}.npz", images=kept)


def result_path(where: str, name: str, seed: int) -> Path:
    return FOLDER / f"{where.split('=')[0]}-{name}-{seed}.json"


def report() -> str:
    """A row for each run that is there: its last point."""
    rows = []
    for path in sorted(FOLDER.glob("*.json")):
        one = json.loads(path.read_text())
        last, changes = one["curve"][-1], one["changes"]
        asked = ", ".join(f"{key} {value}" for key, value in changes.items())
        row = [one["data"], one["name"], asked, one["seed"], last["step"]]
        shown = (
            "frechet",
            "confident",
            "sliced_wasserstein_mean",
            "precision",
            "recall",
        )
        rows.append([*row, ", ".join(f"{x} {last[x]:.3g}" for x in shown if x in last)])
    header = ["data", "name", "changes", "seed", "steps", "after the budget"]
    return markdown(header, rows)


def value_of(word: str):
    """3, 0.5, ("flip",) or a plain word."""
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", help="mnist, or SIZE=FOLDER")
    parser.add_argument("name", nargs="?", help="of the trial")
    parser.add_argument("changes", nargs="*", help="key=value")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--budget", type=float, default=POINTS[-1])
    parser.add_argument("--one", action="store_true", help="in this very process")
    parser.add_argument("--report", action="store_true", help="only the table")
    options = parser.parse_args()
    if options.report or not options.name:
        return print(report())
    if options.budget < POINTS[0]:
        parser.error(f"--budget: expected at least {POINTS[0]}, got {options.budget}")
    pairs = (word.split("=", 1) for word in options.changes)
    changes = {key: value_of(value) for key, value in pairs}
    for seed in options.seeds:
        if options.one:
            run(options.data, options.name, changes, seed, options.budget)
        elif not result_path(options.data, options.name, seed).exists():
            own = [options.data, options.name, *options.changes, "--one"]
            own += ["--seeds", str(seed), "--budget", str(options.budget)]
            subprocess.run([sys.executable, __file__, *own], check=True)


if __name__ == "__main__":
    main()
