"""Is it any good? Numbers for generated digits, each with what it cannot see.

Everything is looked at through a digit classifier of our own (``load_classifier``);
``evaluate_images`` computes it all at once.
"""

from dcgan_keras.evaluation.classifier import DigitClassifier, load_classifier
from dcgan_keras.evaluation.coverage import (
    ClassHistogram,
    PrecisionRecall,
    class_histogram,
    classifier_score,
    precision_recall,
)
from dcgan_keras.evaluation.distances import frechet_distance, real_against_real_floor
from dcgan_keras.evaluation.novelty import (
    Memorisation,
    memorisation,
    nearest_images,
)
from dcgan_keras.evaluation.report import Evaluation, Scores, evaluate_images

__all__ = [
    "ClassHistogram",
    "DigitClassifier",
    "Evaluation",
    "Memorisation",
    "PrecisionRecall",
    "Scores",
    "class_histogram",
    "classifier_score",
    "evaluate_images",
    "frechet_distance",
    "load_classifier",
    "memorisation",
    "nearest_images",
    "precision_recall",
    "real_against_real_floor",
]
