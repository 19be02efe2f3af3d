"""python -m dcgan_keras.evaluation train-classifier --dataset mnist"""

import argparse
from pathlib import Path

import dcgan_keras
from dcgan_keras.evaluation.classifier import NAMES
from dcgan_keras.evaluation.train_classifier import save_classifier, train_classifier

DATA = Path(dcgan_keras.__file__).resolve().parent.parent / "data" / "classifier"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, train, store, and say how good the classifier is."""
    parser = argparse.ArgumentParser(prog="python -m dcgan_keras.evaluation")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train-classifier", help="train and store a classifier")
    train.add_argument("--dataset", choices=NAMES, default="mnist")
    train.add_argument("--epochs", type=int, help="default: 10 mnist, 60 digits")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--output", type=Path, default=DATA, help="default: %(default)s")
    options = parser.parse_args(arguments)
    classifier = train_classifier(
        options.dataset, options.epochs, options.seed, verbose=2
    )
    path = save_classifier(classifier, options.output)
    told = classifier.provenance
    print(
        f"{path}: {told['test_errors']} errors on {told['test_images']} test images, "
        f"accuracy {100 * told['test_accuracy']:.2f} %"
    )


if __name__ == "__main__":
    main()
