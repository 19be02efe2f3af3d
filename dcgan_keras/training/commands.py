"""What the commands of the command line do, as functions."""

import argparse
import contextlib
import io
import json
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as imageio
import numpy as np

from dcgan_keras._tensorflow import (
    check_no_limits,
    device,
    give_every_core,
    use_course_types,
)
from dcgan_keras.data.clusters import Clusters, find_clusters, nearest_centres
from dcgan_keras.data.datasets import (
    DATASETS,
    check_images,
    check_shares,
    load_dataset,
    training_batches,
)
from dcgan_keras.data.listing import class_names, has_split
from dcgan_keras.edge import MOST, read_whole, say, show
from dcgan_keras.files import (
    UnreadableFile,
    check_file,
    decoding,
    printable,
    remove_leftovers,
    write_whole,
)
from dcgan_keras.labels import label_grid, spread_labels, with_labels
from dcgan_keras.noise import latent_noise
from dcgan_keras.sizes import IMAGE_SIZES, check_seed
from dcgan_keras.training.augmentation import check_augmentation
from dcgan_keras.training.budget import decay_within, steps_within
from dcgan_keras.training.callbacks import (
    History,
    ProgressLine,
    RunRecorder,
    state_of,
)
from dcgan_keras.training.configuration import (
    DEFAULTS,
    RHYTHM,
    build_model,
    check_asked,
    load_generator,
    multiplications,
    read_clusters,
    read_config,
    settings_of,
)
from dcgan_keras.training.fingerprint import (
    WORDS,
    changes,
    circumstances,
    data_fingerprint,
    is_changed,
    is_same_data,
)
from dcgan_keras.training.recipe import RECIPES
from dcgan_keras.training.runs import RunFolder
from dcgan_keras.training.sampling import (
    generate,
    generate_parts,
    latent_walk,
    spread,
)
from dcgan_keras.training.workers import (
    Cluster,
    check_agreement,
    find_cluster,
    lost_workers_are_told,
    make_strategy,
    stopped_last,
    wait_for_all,
)
from dcgan_keras.visualization import gif_bytes, tile, to_uint8, write_png

FINGERPRINT = "data_fingerprint"  # in config.json
CLASSIFIED = ("digits", "mnist")  # data sets that a classifier here knows
LEAST = 10  # samples that are measured, and of each digit as many as have a covariance
LEAST_OF_DIGIT, CLASSES = 2, 10
MOST_GRIDS = 100  # frames of training.gif
MOST_SIDE = 2**16 - 1  # pixels of a .gif
MOST_STEPS = 1000  # frames of a walk
MOST_PIXELS = 2**26  # of a .png; of 89 million Pillow warns as of a bomb
SMALLEST_RATE = float(np.finfo(np.float32).tiny)
POINTS = 12  # of the walk from one sample to the next
LARGE = 12 * 10**8  # multiplications of a stage; see benchmarks/threads.py


class RunData(NamedTuple):
    """What a run is trained on, or compared with.

    Attributes:
        images: see ``datasets.Images``.
        labels: int64 (N,), of a conditional run.
        clusters: that the labels are numbers of, of a run with ``--clusters``.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    clusters: Clusters | None = None

    @property
    def classes(self) -> int:
        """How many there are: groups, or labels up to the largest."""
        if self.clusters is not None:
            return len(self.clusters.counts)
        return int(self.labels.max()) + 1


def train(options: argparse.Namespace) -> None:
    """``train``: make or continue the run folder ``options.output``."""
    check_no_limits()
    cluster = find_cluster(options.workers, options.worker)
    run = RunFolder(options.output)
    if options.minutes is not None and (options.resume or cluster is not None):
        raise ValueError(
            "minutes (--minutes): expected a new run of one process, for which the "
            f"steps are chosen; got {'--resume' if options.resume else '--workers'}: "
            "give --steps"
        )
    config = _resumed(run, options) if options.resume else _new(options)
    if options.devices is not None:
        _check_shared(config, options.devices)
    data = _data(config)
    check_images(data.images, batch_size=config["batch_size"])
    if options.epochs is not None:
        config["steps"] = _steps_of(options.epochs, data.images, config["batch_size"])
    shape = [int(n) for n in data.images.shape[1:]]
    if options.resume and config.get("image_shape", shape) != shape:
        raise ValueError(
            f"dataset (--dataset): expected images of {config['image_shape']}, as the "
            f"run in {run.path} has them, got {shape}"
        )
    config["image_shape"] = shape
    if not options.resume:
        config["settings"] = _suited(config, options)
    data = _grouped(data, config, run if options.resume else None)
    if options.resume:
        _check_moved(run, config, data)
    if config["conditional"] and config["clusters"] is None:
        _name_classes(config, data, run)
    config["classes"] = data.classes if config["conditional"] else None
    _use_course_types()
    if multiplications(config) >= LARGE:
        give_every_core()
    strategy = make_strategy(cluster, options.devices)
    _check_shared(config, strategy.num_replicas_in_sync)
    if options.minutes is not None:
        config = _fitted(config, data, options, strategy)
    with lost_workers_are_told(cluster):
        with strategy.scope():
            model = build_model(config)
        if data.clusters is not None:
            model.class_shares = data.clusters.shares
        is_first = cluster is None or cluster.index == 0
        train_model = _train_and_write if is_first else _train_along
        train_model(run, config, data, model, cluster, options)


def _suited(config: dict, options: argparse.Namespace) -> dict:
    """The settings that suit the pictures, but for what was asked for; said."""
    before = config["settings"]  # of pictures of which nothing is known
    settings = settings_of(config) | _asked_settings(options, config)
    changed = {name: x for name, x in settings.items() if x != before[name]}
    chosen = []
    if rate := changed.get("generator_learning_rate"):
        factor = rate / before["generator_learning_rate"]
        chosen.append(f"--learning-rates {factor:g}")
    for name in ("decay_steps", "r1_gamma"):
        if name in changed:
            chosen.append(f"--{name.replace('_', '-')} {changed[name]:g}")
    if chosen:
        shape = "x".join(map(str, config["image_shape"]))
        say(f"pictures of {shape} are trained with {' '.join(chosen)}")
    return settings


def _steps_of(epochs: int, images, batch_size: int) -> int:
    each = len(images) // batch_size
    if epochs * each > MOST:
        raise ValueError(
            f"epochs (--epochs): expected at most {MOST // each:,} of {each:,} steps, "
            f"got {epochs:,}"
        )
    return epochs * each


def _fitted(config: dict, data: RunData, options, strategy) -> dict:
    """The configuration with as many steps as ``--minutes`` holds, which are said."""
    with strategy.scope():
        model = build_model(config)  # for the clock alone
    batches = _batches(model, data, config, 0)
    steps = steps_within(options.minutes, model, batches, config["sample_every"])
    settings, chosen = config["settings"], f"--steps {steps}"
    if "decay_steps" in settings and options.decay_steps is None:
        decay = decay_within(steps, settings["decay_steps"])
        settings = settings | {"decay_steps": decay}
        chosen += f" --decay-steps {decay}"
    say(f"--minutes {options.minutes:g} is, on this machine as it is now, {chosen}")
    return config | {"steps": steps, "settings": settings}


def _train_and_write(run, config, data, model, cluster, options) -> None:
    """What a process alone does, and of several workers the first."""
    with run.writing():
        if not options.resume:
            run.check_free()  # another may have come first, while this one looked
        start_step = _begin(run, config, data, model, cluster, options)
        if start_step >= config["steps"]:
            say(f"{run.path}: {start_step} steps are made already")
            if run.needs_gif():  # stopped between the last step and this
                write_training_gif(run)
            return
        # It reads the history; a run that cannot go on keeps its config.json.
        recorder = RunRecorder(run, start_step, **{n: config[n] for n in RHYTHM})
        replicas = model.distribute_strategy.num_replicas_in_sync
        config = _noted(run, config, data, start_step, replicas)
        if data.clusters is not None and not options.resume:
            run.write_clusters(data.clusters)
        elif not options.resume:  # those of one that was killed, see check_free
            (run.path / "clusters.npz").unlink(missing_ok=True)
        run.write_config(config, replace=options.resume)
        run.remove_samples_after(start_step)
        _fit(model, data, config, recorder, cluster)
        write_training_gif(run)


def _train_along(run, config, data, model, cluster, options) -> None:
    """What the other workers do: the same steps, and nothing is written."""
    start_step = _begin(run, config, data, model, cluster, options)
    if start_step >= config["steps"]:
        return
    say(f"{cluster.name} computes; worker 0 writes {run.path}")
    batches = _batches(model, data, config, start_step)
    steps = config["steps"] - start_step
    history = History(start_step)
    with stopped_last():
        model.fit(batches, steps_per_epoch=steps, callbacks=[history], verbose=0)
    wait_for_all(model.distribute_strategy)


def _begin(run, config, data, model, cluster, options) -> int:
    """Restore the model, see that it is the same in all workers; the steps made."""
    with model.distribute_strategy.scope():
        start_step = run.restore(state_of(model)) if options.resume else 0
        if not start_step and (lost := len(run.read_history())):
            say(f"{run.path}: {lost:,} steps without weights.npz; they are made again")
        model.steps_made.assign(start_step)
    if cluster is not None:
        state = {
            name: [variable.numpy().tobytes() for variable in variables]
            for name, variables in state_of(model).items()
        }
        now = circumstances(data.images, config, labels=data.labels)
        needed = (FINGERPRINT, "settings_fingerprint", "versions")
        facts = {WORDS[name]: now[name] for name in needed} | {
            # Its pictures count, not where they are.
            "options": {n: config[n] for n in DEFAULTS if n != "dataset"},
            "the saved step": start_step,
            "the saved weights": state,
        }
        check_agreement(model.distribute_strategy, facts)
    return start_step


def sample(options: argparse.Namespace) -> None:
    """``sample``: write samples of a run to ``options.output``."""
    path = Path(options.output)
    if path.suffix not in (".npy", ".png", ".gif"):
        raise ValueError(f"output: expected .npy, .png or .gif, got {path.name!r}")
    check_file(path)
    config = _trained(RunFolder(options.run))
    options.label = _label_of(options, config)
    if config["classes"] and options.label is None and path.suffix == ".gif":
        raise ValueError(
            "label (--label): expected one for the film of a conditional run, which "
            "walks through the styles of one class; got none"
        )
    _use_course_types()
    generator = load_generator(options.run)
    if path.suffix == ".png":
        _check_grid(options.count, *generator.output_shape[1:3])
    z = latent_noise((options.count, config["latent_dim"]), options.seed, 0)
    remove_leftovers(path.parent, path.name)
    if path.suffix == ".npy":
        shape = (options.count, *generator.output_shape[1:])
        told = {}
        if config["classes"] is not None:
            labels = _asked_labels(options.count, options, config)
            told = {"labels": labels, "classes": config["classes"]}
        write_whole(path, _npy_parts(shape, generate_parts(generator, z, **told)))
    elif path.suffix == ".png":
        columns = int(np.ceil(np.sqrt(options.count)))
        has_rows = config["conditional"] and config["clusters"] is None
        if not has_rows or options.label is not None:
            z = _asked(z, options, config)
        else:  # a row a class, a column a z
            columns = int(np.ceil(options.count / config["classes"]))
            z = label_grid(z[:columns], config["classes"])[: options.count]
        write_png(path, tile(generate(generator, z), columns, scale=2))
    else:
        walk = latent_walk(z, POINTS, most=MOST_STEPS)
        points = _asked(walk, options, config)
        frames = (
            tile(image[None], 1, 4)
            for part in generate_parts(generator, points)
            for image in part
        )
        write_whole(path, gif_bytes(frames, 0.08, len(walk)))
        points = (options.count - 1) * POINTS + 1
        if points > len(walk):
            say(
                f"{path}: a film has at most {MOST_STEPS} frames; they are spread "
                f"evenly over the {points} points of the walk"
            )
    say(f"device: {device()}")


def _label_of(options: argparse.Namespace, config: dict) -> int | None:
    """The number of the class that is asked for, by its name or by that number.

    Where folders are named by numbers, a number is the name of one.
    """
    label, classes = options.label, config["classes"]
    names = (config.get("class_names") or [])[:classes]
    if label is None:
        return None
    if classes is None:
        raise ValueError(
            f"label (--label): the run in {options.run} was trained without "
            f"--conditional and knows no classes; got {label}"
        )
    found = _composed(*names, label)
    if found[-1] in found[:-1]:
        number = names.index(label) if label in names else found.index(found[-1])
        say(f"label {printable(label)}: class {number} of {classes}")
        return number
    expected = f"a name of {_listed(names)}" if names else ""
    are_numbers = any(map(str.isdecimal, names))
    if not are_numbers:
        expected = f"0 to {classes - 1}" + (f" or {expected}" if expected else "")
    number = None if are_numbers else read_whole(label)
    if number is None or not 0 <= number < classes:
        raise ValueError(
            f"label (--label): expected {expected}, a class of the run in "
            f"{options.run}; got {printable(label)}"
        )
    if number < len(names):
        say(f"label {number}: class {printable(names[number])}")
    return number


def _composed(*names: str) -> list[str]:
    """Names as they are read: é may be stored as e and an accent, as by macOS."""
    return [unicodedata.normalize("NFC", name) for name in names]


def _asked(z, options: argparse.Namespace, config: dict):
    """What G takes: z, and of a conditional run the label, or all of them in turn."""
    if config["classes"] is None:
        return z
    return with_labels(z, _asked_labels(len(z), options, config), config["classes"])


def _asked_labels(count: int, options: argparse.Namespace, config: dict) -> np.ndarray:
    """The label that was asked for, or all in turn; of a run with groups without a
    label each as often as it has images."""
    if options.label is not None:
        return np.full(count, options.label)
    if config["clusters"] is not None:
        groups = read_clusters(RunFolder(options.run), config)
        return groups.draw(count, options.seed)
    return np.arange(count) % config["classes"]


def _trained(run: RunFolder) -> dict:
    """The configuration of a run; says if it is not that of the training any more."""
    config = read_config(run)
    if is_changed(config):
        say(
            f"{run.path}: not as it was in the training, so the samples may be others: "
            f"{WORDS['settings_fingerprint']}"
        )
    return config


def evaluate(options: argparse.Namespace) -> None:
    """``evaluate``: print the quality of a run's samples."""
    from dcgan_keras.evaluation.conditional import evaluate_labels
    from dcgan_keras.evaluation.picture_report import evaluate_pictures
    from dcgan_keras.evaluation.report import evaluate_images

    if sys.stdout is None:
        raise ValueError("standard output is closed: nobody would see the numbers")
    run = RunFolder(options.run)
    config = _trained(run)
    config["dataset"] = _resolved(options.dataset or config["dataset"])
    is_digits, is_told = config["dataset"] in CLASSIFIED, config["conditional"]
    by_digit = is_digits and is_told and config["clusters"] is None
    _check_enough(options.count, by_digit)
    if is_told:
        check_seed(options.seed, 0, 2**63)  # it also draws the labels
    _use_course_types()
    data, test = _data_to_compare(config, run)
    training, held_out = data.images, test and test.images
    generator = load_generator(run)
    z = latent_noise((options.count, config["latent_dim"]), options.seed, 0)
    if is_told:  # the classes as often as in the training
        labels = np.random.default_rng(options.seed).choice(data.labels, options.count)
        counts = np.bincount(labels, minlength=config["classes"])
        if by_digit and counts.min() < LEAST_OF_DIGIT:
            say(f"count: of {options.count} samples each digit is drawn as often")
            labels = spread_labels(options.count, config["classes"])
        z = with_labels(z, labels, config["classes"])
    images, found, tables = generate(generator, z), {}, []
    if is_digits:
        digits = evaluate_images(images, held_out, training, config["dataset"])
        found, tables = asdict(digits), [digits.table(), ""]
        if by_digit:
            asked = evaluate_labels(images, labels, *test[:2], config["dataset"])
            found["classes"] = asked.to_dict()
            tables += [asked.table(), ""]
    pictures = evaluate_pictures(images, training, held_out)
    found["pictures"] = pictures.to_dict()
    tables.append(pictures.table())
    show(json.dumps(found, indent=2) if options.json else "\n".join(tables))
    say(f"device: {device()}")


def _check_enough(count: int, by_digit: bool) -> None:
    """Refuse fewer samples than can be measured, before they are drawn."""
    least, why = LEAST, ""
    if by_digit:
        least, why = LEAST_OF_DIGIT * CLASSES, f", {LEAST_OF_DIGIT} of each digit"
    if count < least:
        raise ValueError(
            f"count (--count): expected at least {least} samples{why}; got {count}"
        )


def _data_to_compare(config: dict, run: RunFolder) -> tuple[RunData, RunData | None]:
    """The training images of a run's data set, and those held out or None.

    Pictures of a folder that came since, or are held out, may be of other sizes than
    the run's: they are brought to its own.
    """
    height, _, channels = config["image_shape"]
    is_folder = config["dataset"] not in DATASETS
    sizes = {"image_size": height, "channels": channels} if is_folder else {}
    try:
        training = _data(config)
    except ValueError:
        training = None
    if training is None or list(training.images.shape[1:]) != config["image_shape"]:
        training = _data(config | sizes)
    has_test = not is_folder or has_split(config["dataset"], "test")
    test = _data(config | sizes, "test") if has_test else None
    shape = list(training.images.shape[1:])
    if shape != config["image_shape"]:
        raise ValueError(
            f"dataset (--dataset): the run has images of {config['image_shape']}, got "
            f"{shape} in {config['dataset']!r}"
        )
    if config["conditional"] and config["clusters"] is None:
        _check_classes(config, training, run)
    training = _grouped(training, config, run)
    found = data_fingerprint(training.images, config["dataset"], training.labels)
    if not is_same_data(config.get(FINGERPRINT, found), found):
        say(
            f"{config['dataset']}: not the images of the training ({found}; were "
            f"{config[FINGERPRINT]})"
        )
    return training, test


def write_training_gif(run: RunFolder) -> None:
    """training.gif in the run folder: its sample grids in the order of their steps.

    Of more than ``MOST_GRIDS`` so many are taken, evenly, the first and the last too.
    One that cannot be read, or is not as large as the last of them, is named on
    standard error and left out.
    """
    paths = run.sample_paths()
    if len(paths) < 2:
        return
    chosen = [paths[place] for place in spread(len(paths), MOST_GRIDS)]
    chosen = _of_one_size(chosen)
    if chosen:
        frames = map(imageio.imread, chosen)
        write_whole(run.path / "training.gif", gif_bytes(frames, count=len(chosen)))


def _of_one_size(grids: list[Path]) -> list[Path]:
    """Those that can be read, and are of the size of the last that can."""
    size, found = None, []
    for grid in reversed(grids):
        try:
            with decoding(grid, "a grid of samples"):
                shape = imageio.imread(grid).shape
                if max(shape) > MOST_SIDE:
                    raise ValueError(f"a film has {MOST_SIDE:,} pixels a side at most")
                size = size or shape
                if shape != size:
                    raise ValueError(f"it is {shape}, and a later one {size}")
        except UnreadableFile as error:
            say(f"{error}; training.gif goes without it")
        else:
            found.append(grid)
    return found[::-1]


def _batches(model, data: RunData, config: dict, start_step: int):
    """The batches from a step on; of several devices each gets its part."""
    strategy, order = model.distribute_strategy, (config["seed"], start_step)

    def batches(context=None):
        parts = (data.images, config["batch_size"], *order, context, data.labels)
        return training_batches(*parts)

    if strategy.num_replicas_in_sync == 1:
        return batches()
    return strategy.distribute_datasets_from_function(batches)


def _fit(
    model, data: RunData, config: dict, recorder: RunRecorder, cluster: Cluster | None
) -> None:
    """Make the steps that are missing; what stops them carries what to do next."""
    start_step, path = recorder.step, recorder.run.path
    steps, batch_size = config["steps"], config["batch_size"]
    batches = _batches(model, data, config, start_step)
    heading = f"device: {device()}"
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        heading += f"; {replicas} devices share each batch of {batch_size}"
    progress = ProgressLine(steps, batch_size, start_step, heading=heading)
    try:
        with lost_workers_are_told(cluster), recorder.stopped_between_steps():
            model.fit(
                batches,
                steps_per_epoch=steps - start_step,
                callbacks=[recorder, progress],
                verbose=0,
            )
        if cluster is not None:
            wait_for_all(model.distribute_strategy)
    except KeyboardInterrupt as error:
        error.then = "go on with --resume"
        raise
    except FloatingPointError as error:
        error.then = (
            f"{path} keeps step {recorder.saved_step}, from which --resume would "
            "come to the same: begin another run, with another --seed or --recipe paper"
        )
        raise
    except ConnectionError as error:
        error.then = (
            f"{path} is saved up to step {recorder.saved_step}: {error.then}"
            if recorder.saved_step
            else error.then
        )
        raise
    except Exception as error:
        recorder.check_run()  # moved in the middle of a writing
        error.then = (
            f"{path} is saved up to step {recorder.saved_step}: go on with --resume"
        )
        raise


def _new(options: argparse.Namespace) -> dict:
    RunFolder(options.output).check_free()
    names = (DEFAULTS | RHYTHM).items()
    config = {name: _given(options, name, value) for name, value in names}
    if config["clusters"] is not None:
        if config["conditional"]:
            raise ValueError(
                "clusters (--clusters): expected none with --conditional, which takes "
                f"the labels that there are; got {config['clusters']}"
            )
        config["conditional"] = True
    settings = settings_of(config) | _asked_settings(options, config)
    config["settings"] = settings
    check_asked(config)
    return config


def _resumed(run: RunFolder, options: argparse.Namespace) -> dict:
    """The run's configuration; of what is asked for now only ``steps`` may differ.

    And how often it writes; and the folder of the images, if these are the same: see
    ``_check_moved``.
    """
    config = read_config(run)
    if options.conditional and config["clusters"] is not None:
        raise ValueError(
            f"conditional (--conditional): the run in {run.path} has groups in place "
            f"of labels, --clusters {config['clusters']}; a resumed run keeps its "
            "settings"
        )
    config["dataset"] = _resolved(config["dataset"])
    for name in DEFAULTS:
        asked = _given(options, name, config[name])
        is_moved = name == "dataset" and FINGERPRINT in config and Path(asked).is_dir()
        if name != "steps" and asked != config[name] and not is_moved:
            raise ValueError(
                f"{name}: the run in {run.path} has {config[name]!r}, got {asked!r}; "
                "a resumed run keeps its settings"
            )
        config[name] = asked
    for name, steps in RHYTHM.items():
        config[name] = _given(options, name, config.get(name, steps))
    kept = {"augmentation_share": 1.0} | config["settings"]
    for name, asked in _asked_settings(options, config).items():
        if asked != kept.get(name):
            raise ValueError(
                f"{name}: the run in {run.path} has {kept.get(name)!r}, "
                f"got {asked!r}; a resumed run keeps its settings"
            )
    return config


def _asked_settings(options: argparse.Namespace, config: dict) -> dict:
    """Of the recipe's settings those that were given on the command line."""
    asked = {}
    for name in ("decay_steps", "learning_rates"):
        given = getattr(options, name)
        if given is not None and config["recipe"] == "paper":
            raise ValueError(
                f"{name} (--{name.replace('_', '-')}): the paper's recipe has one "
                f"learning rate, and it stays; expected none, got {given}"
            )
    if options.learning_rates is not None:
        recipe = RECIPES[config["recipe"]]
        for name in ("generator_learning_rate", "discriminator_learning_rate"):
            asked[name] = recipe[name] * options.learning_rates
            if asked[name] < SMALLEST_RATE:
                raise ValueError(
                    "learning_rates (--learning-rates): expected a factor that leaves "
                    f"rates above 0 in float32, got {options.learning_rates}"
                )
    if options.decay_steps is not None:
        asked["decay_steps"] = options.decay_steps
    if options.r1_gamma is not None:
        for name, without in (("recipe", "paper"), ("loop", "composite")):
            if config[name] == without:
                raise ValueError(
                    "r1_gamma (--r1-gamma): expected none with "
                    f"--{name} {without}, which knows no R1; got {options.r1_gamma:g}"
                )
        asked["r1_gamma"] = options.r1_gamma
    if options.augment is not None:
        asked["augmentation"] = list(check_augmentation(options.augment))
    if options.augment_share is not None:
        if not (asked | config.get("settings", {})).get("augmentation"):
            raise ValueError(
                "augmentation_share (--augment-share): expected none without --augment,"
                f" which names what is done; got {options.augment_share:g}"
            )
        asked["augmentation_share"] = options.augment_share
    return asked


def _given(options: argparse.Namespace, name: str, otherwise):
    value = getattr(options, name)
    if value is None:
        return otherwise
    return _resolved(value) if name == "dataset" else value


def _resolved(dataset: str) -> str:
    """A folder by its whole path, for a run that is resumed from another folder."""
    is_folder = dataset not in DATASETS and Path(dataset).is_dir()
    return str(Path(dataset).resolve()) if is_folder else dataset


def _data(config: dict, split: str = "train") -> RunData:
    """The run's images; with their labels if it is told these."""
    sizes = {"image_size": config["image_size"], "channels": config["channels"]}
    sizes["allowed_sizes"] = IMAGE_SIZES if split == "train" else None
    try:
        # Keras tells of a download on standard output, where the numbers belong.
        with contextlib.redirect_stdout(sys.stderr or io.StringIO()):
            data = load_dataset(config["dataset"], split, **sizes)
    except (ValueError, FileNotFoundError) as error:
        name, _, said = str(error).partition(": ")
        if name == "name":
            raise type(error)(f"dataset (--dataset): {said}") from error
        if name in ("image_size", "channels") and "image_shape" in config:  # a run's
            said, shape = said.partition("; pass")[0], config["image_shape"]
            raise ValueError(
                f"dataset (--dataset): expected images of {shape}, as the run has; "
                f"{said}"
            ) from error
        raise
    if not config["conditional"] or config["clusters"] is not None:
        return RunData(data.images)
    if data.labels is None and split == "train":
        if config.get("classes"):  # of a run that there is
            raise ValueError(
                f"dataset (--dataset): expected images of {config['classes']} classes, "
                f"as the run has; {config['dataset']!r} has none"
            )
        raise ValueError(
            "conditional (--conditional): expected images with labels, from "
            f"{', '.join(DATASETS)} or a folder with a sub-folder a class; "
            f"{config['dataset']!r} has none; --clusters looks for groups in them"
        )
    return RunData(*data)


def _grouped(data: RunData, config: dict, run: RunFolder | None) -> RunData:
    """With the numbers of their groups as labels, if the run has groups.

    Args:
        run: which has them already; None: they are looked for.
    """
    if config["clusters"] is None:
        return data
    if run is None:
        groups, labels = find_clusters(data.images, config["clusters"], config["seed"])
        sizes = f"{groups.counts.min():,} to {groups.counts.max():,}"
        say(f"clusters: {len(groups.counts)} groups of {sizes} images")
        return RunData(data.images, labels, groups)
    groups = read_clusters(run, config)
    return RunData(data.images, nearest_centres(data.images, groups), groups)


def _name_classes(config: dict, data: RunData, run: RunFolder) -> None:
    """Keep the names of a folder's classes, and say which have no picture.

    Raises:
        ValueError: a resumed run has other classes.
    """
    used, names = set(data.labels.tolist()), _check_classes(config, data, run)
    count = data.classes
    if names:
        config["class_names"], count = names, len(names)
    empty = [names[n] if names else str(n) for n in range(count) if n not in used]
    if empty:
        say(
            f"{config['dataset']}: {len(empty):,} of {count:,} classes have no picture "
            f"for training: {_listed(empty)}; G learns nothing of them"
        )


def _check_classes(config: dict, data: RunData, run: RunFolder) -> list[str] | None:
    """The names of a folder's classes, if they are known.

    Raises:
        ValueError: the run that there is has other classes.
    """
    is_folder, count = config["dataset"] not in DATASETS, data.classes
    names = class_names(config["dataset"], count) if is_folder else None
    before, number = config.get("class_names"), config.get("classes") or count
    is_same = before is None or _composed(*before) == _composed(*(names or []))
    if not is_same or number != count:
        had = _listed(before) if before else f"0 to {number - 1}"
        raise ValueError(
            f"dataset (--dataset): the run in {run.path} has the classes {had}; got "
            f"{_listed(names) if names else f'0 to {count - 1}'} in "
            f"{config['dataset']}; a run keeps its classes"
        )
    return names


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(printable, names[:5]))
    return f"{shown}, ... ({len(names):,})" if len(names) > 5 else shown


def _check_shared(config: dict, replicas: int) -> None:
    """Refuse what several devices cannot do."""
    check_shares(config["batch_size"], replicas)
    if replicas > 1 and config["loop"] == "composite":
        raise ValueError(
            f"loop: expected train_step for {replicas} devices, got composite; the "
            "losses that Keras compiles into the composite are for one device"
        )


def _check_moved(run: RunFolder, config: dict, data: RunData) -> None:
    """Refuse a folder that was named anew and does not hold the run's images."""
    before = run.read_config()
    if before["dataset"] == config["dataset"]:
        return
    found = data_fingerprint(data.images, config["dataset"], data.labels)
    if not is_same_data(before.get(FINGERPRINT, found), found):
        raise ValueError(
            f"dataset (--dataset): the run in {run.path} has {before['dataset']!r} "
            f"({before[FINGERPRINT]}), got {config['dataset']!r} ({found}); a resumed "
            "run keeps its images"
        )


def _noted(
    run: RunFolder, config: dict, data: RunData, start_step: int, replicas: int
) -> dict:
    """The configuration with what else the numbers depend on; says what has changed."""
    now = circumstances(data.images, config, replicas, data.labels)
    if start_step:
        before = run.read_config()
        changed = changes(before, now)
        if changed:
            say(
                f"{run.path}: not as it was before step {start_step}, so the numbers "
                f"will be others than without the stop: {'; '.join(changed)}"
            )
            resumed = before.get("resumed", [])
            now["resumed"] = [*resumed, {"step": start_step, "changed": changed}]
    return config | now


def _use_course_types() -> None:
    changed = use_course_types()
    if changed:
        say(
            f"keras.json asks for {changed}; the course computes with channels_last "
            "and float32"
        )


def _check_grid(count: int, height: int, width: int) -> None:
    """Refuse a grid that few programs would open, and that takes much memory."""
    most = MOST_PIXELS // (4 * height * width)
    if count > most:
        raise ValueError(
            f"count: expected at most {most:,} samples of {height}x{width} in a .png, "
            f"got {count:,}; a .npy has no such limit"
        )


def _npy_parts(shape: tuple, parts) -> Iterator[bytes]:
    """A .npy file of samples in pieces: the header, then the pixels of each part."""
    header = io.BytesIO()
    kind = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, kind)
    yield header.getvalue()
    for part in parts:
        yield to_uint8(part).tobytes()
