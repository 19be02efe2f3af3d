"""python -m dcgan_keras.evaluation train-classifier --dataset mnist"""

import argparse
import sys
from pathlib import Path

from dcgan_keras import edge
from dcgan_keras.evaluation.classifier import NAMES
from dcgan_keras.evaluation.train_classifier import save_classifier, train_classifier
from dcgan_keras.files import PACKAGE, check_file

DATA = PACKAGE.parent / "data" / "classifier"


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, train, store, and say how good the classifier is.

    Args:
        arguments: as typed after the module's name; None: those typed.

    Returns:
        The exit status, see ``edge``; what is wrong is one sentence.
    """
    parser = edge.Parser(prog="python -m dcgan_keras.evaluation")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train-classifier", help="train and store a classifier")
    train.add_argument("--dataset", choices=NAMES, default="mnist")
    train.add_argument(
        "--epochs", type=edge.positive, help="default: 10 mnist, 60 digits"
    )
    train.add_argument("--seed", type=edge.seed, default=0)
    train.add_argument(
        "--output", type=edge.path, default=DATA, help="default: %(default)s"
    )
    train.add_argument("--debug", action="store_true", help="show an error's traceback")
    options = parser.parse_args(arguments)
    name = f"dcgan_keras.evaluation {options.command}"
    return edge.run_command(name, lambda: _train(options), options.debug)


def _train(options: argparse.Namespace) -> None:
    folder = Path(options.output)
    for kind in (".npz", ".json"):
        check_file(folder / f"{options.dataset}{kind}")
    classifier = train_classifier(
        options.dataset, options.epochs, options.seed, verbose=2
    )
    path = save_classifier(classifier, folder)
    told = classifier.provenance
    edge.show(
        f"{path}: {told['test_errors']} errors on {told['test_images']} test images, "
        f"accuracy {100 * told['test_accuracy']:.2f} %"
    )


if __name__ == "__main__":
    sys.exit(main())
