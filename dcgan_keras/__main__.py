"""The command line: python -m dcgan_keras train | sample | evaluate."""

import argparse
import os
import sys

from dcgan_keras import __version__, edge


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as typed after ``python -m dcgan_keras``; None: those typed.

    Returns:
        0; 1 if training diverged; 2 if something asked for is wrong; 130 if stopped
        by Ctrl-C, 143 by SIGTERM: see ``edge``. What is wrong is one sentence on
        standard error.
    """
    options = build_parser().parse_args(arguments)

    def command():
        from dcgan_keras.training import commands  # TensorFlow is loaded from here on

        getattr(commands, options.command)(options)

    return edge.run_command(f"dcgan_keras {options.command}", command, options.debug)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the three commands."""
    parser = edge.Parser(
        prog="python -m dcgan_keras", description="Train, sample and evaluate DCGANs."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(commands)
    _add_sample(commands)
    _add_evaluate(commands)
    for command in commands.choices.values():
        command.add_argument(
            "--debug", action="store_true", help="show where an error comes from"
        )
    return parser


def _add_train(commands) -> None:
    train = commands.add_parser(
        "train",
        help="train a DCGAN into a run folder",
        description="Train a DCGAN into a run folder: config, history, sample grids, "
        "newest weights. Typed again with --resume it goes on where it was saved.",
    )
    train.add_argument(
        "--dataset",
        type=edge.path,
        help="mnist (default), digits, fashion_mnist, cifar10 or a folder",
    )
    length = train.add_mutually_exclusive_group()
    length.add_argument("--steps", type=edge.positive, help="steps in all (1500)")
    length.add_argument(
        "--epochs", type=edge.positive, help="passes over the data in all"
    )
    length.add_argument(
        "--minutes",
        type=edge.above_0(44_640, " (a month)"),
        help="as many steps as this machine makes in so many minutes, and the fall of "
        "the learning rates that goes with them; said, and kept in the run's config",
    )
    train.add_argument("--seed", type=edge.seed, help="of weights, noise and order (0)")
    _add_path(train, "--output", "the run folder")
    train.add_argument("--resume", action="store_true", help="go on with the run there")
    train.add_argument("--batch-size", type=edge.positive, help="images a step")
    train.add_argument(
        "--loop",
        choices=("train_step", "composite"),
        help="one train_step (default), or the classic loop over the composite model",
    )
    train.add_argument(
        "--conditional",
        action="store_true",
        default=None,
        help="both players are told the class of each image, so that one can be asked "
        "for: sample --label 7; of a folder its sub-folders are the classes",
    )
    train.add_argument(
        "--clusters",
        type=edge.positive,
        metavar="K",
        help="as --conditional, where there are no labels: both players are told to "
        "which of K groups each image belongs, which k-means finds before the first "
        "step, by their pixels and edges; 400 for the 60,000 images of mnist",
    )
    train.add_argument("--image-size", type=edge.positive, help="of a folder's images")
    train.add_argument(
        "--channels", type=edge.whole, choices=(1, 3), help="of a folder's"
    )
    train.add_argument("--latent-dim", type=edge.positive, help="length of z (100)")
    train.add_argument(
        "--recipe",
        choices=("default", "paper"),
        help="this course's networks and settings, or those of the DCGAN paper (which "
        "has --batch-size 128 and more channels: --width)",
    )
    train.add_argument("--width", type=edge.positive, help="channels next to the image")
    train.add_argument(
        "--decay-steps",
        type=edge.positive,
        help="steps after which the default recipe's learning rates are halved (1000, "
        "in colour 4000; with --minutes a sixth of the steps, if that is more)",
    )
    train.add_argument(
        "--learning-rates",
        type=edge.above_0(100),
        metavar="FACTOR",
        help="both of the default recipe's, times this (1, in colour 0.4)",
    )
    train.add_argument(
        "--r1-gamma",
        type=edge.above_0(1000),
        metavar="WEIGHT",
        help="of R1, which holds D flat at the real images (1; in colour, from 64 "
        "pixels on, 30)",
    )
    train.add_argument(
        "--augment",
        action="extend",  # --augment flip --augment cutout are both
        nargs="+",
        choices=("flip", "translation", "colour", "cutout"),
        help="change at random all that D sees, reals and fakes; for few images",
    )
    train.add_argument(
        "--augment-share",
        type=edge.above_0(1),
        metavar="SHARE",
        help="of the images that --augment changes, each by a draw of its own (1)",
    )
    train.add_argument(
        "--devices",
        type=edge.positive,
        help="of this machine, which share each batch: GPUs, or where there is none "
        "parts of the CPU (1)",
    )
    train.add_argument(
        "--workers",
        metavar="HOST:PORT,HOST:PORT",
        help="processes that share each batch, on one or several machines: typed in "
        "each, with the same options, and --worker. Or set TF_CONFIG. Each uses the "
        "GPUs that it sees, or its CPU. Worker 0 writes --output; for --resume it has "
        "to be a folder that all can read",
    )
    train.add_argument(
        "--worker",
        type=edge.whole,
        metavar="N",
        help="which of --workers this is, from 0",
    )
    for name, steps in (("--save-every", 500), ("--sample-every", 100)):
        told = f"steps ({steps}, or as before with --resume)"
        train.add_argument(name, type=edge.positive, help=told)


def _add_sample(commands) -> None:
    sample = commands.add_parser(
        "sample",
        help="draw samples from a run's generator",
        description="Draw samples: .npy (uint8, N x H x W x C), .png (a grid) or .gif "
        "(a walk in the latent space from each of --count samples to the next).",
    )
    _add_path(sample, "--run", "the run folder")
    sample.add_argument("--count", type=edge.positive, default=64, help="samples (64)")
    sample.add_argument("--seed", type=edge.seed, default=0, help="of the noise (0)")
    sample.add_argument(
        "--label",
        help="the class to draw, of a run that was trained with --conditional, by its "
        "folder's name or its number, or the group of one with --clusters; without it "
        "all classes in turn, in a .png a row a class and a column a noise, and groups "
        "as often as they have images",
    )
    _add_path(sample, "--output", ".npy, .png or .gif")


def _add_evaluate(commands) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a run's samples against real images",
        description="Print the sample quality of a run as a table, with what real "
        "images get beside it: against held-out images, or half of those of the "
        "training where none are held out.",
    )
    _add_path(evaluate, "--run", "the run folder")
    evaluate.add_argument(
        "--dataset",
        type=edge.path,
        help="where the run's images are now, if they have moved",
    )
    evaluate.add_argument(
        "--count", type=edge.positive, default=5000, help="samples (5000)"
    )
    evaluate.add_argument("--seed", type=edge.seed, default=0, help="of the noise (0)")
    evaluate.add_argument("--json", action="store_true", help="for machines")


def _add_path(command, name: str, told: str) -> None:
    command.add_argument(name, required=True, type=edge.path, help=told)


if __name__ == "__main__":
    # Nothing is shown. A notebook's MPLBACKEND, which what it calls inherits, may name
    # what is not installed here, and Keras imports Matplotlib.
    os.environ["MPLBACKEND"] = "agg"
    sys.exit(main())
