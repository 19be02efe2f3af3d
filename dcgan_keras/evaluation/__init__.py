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
from dcgan_keras.evaluation.discriminator_features import (
    discriminator_features,
    draw_labelled,
    probe_accuracy,
)
from dcgan_keras.evaluation.distances import frechet_distance, real_against_real_floor
from dcgan_keras.evaluation.novelty import (
    Memorisation,
    memorisation,
    nearest_images,
)
from dcgan_keras.evaluation.report import Evaluation, Scores, evaluate_images
from dcgan_keras.evaluation.sharpness import blur, edge_steepness, equivalent_blur

__all__ = [
    "ClassHistogram",
    "DigitClassifier",
    "Evaluation",
    "Memorisation",
    "PrecisionRecall",
    "Scores",
    "blur",
    "class_histogram",
    "classifier_score",
    "discriminator_features",
    "draw_labelled",
    "edge_steepness",
    "equivalent_blur",
    "evaluate_images",
    "frechet_distance",
    "load_classifier",
    "memorisation",
    "nearest_images",
    "precision_recall",
    "probe_accuracy",
    "real_against_real_floor",
]
