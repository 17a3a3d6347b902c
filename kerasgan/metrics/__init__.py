"""Scores of generators, each with the protocol it was taken by."""

from kerasgan.metrics import classifiers
from kerasgan.metrics.conditional import class_agreement, classifier_accuracy_score
from kerasgan.metrics.duplicates import find_duplicates
from kerasgan.metrics.evaluator import Evaluator, evaluate
from kerasgan.metrics.extractors import Extractor, inception_v3
from kerasgan.metrics.frechet import frechet_distance
from kerasgan.metrics.inception import inception_score
from kerasgan.metrics.kernel import kernel_distance
from kerasgan.metrics.manifold import Manifold, density_coverage, precision_recall
from kerasgan.metrics.measures import METRICS, directions
from kerasgan.metrics.modes import mode_coverage
from kerasgan.metrics.protocol import Protocol, Result
from kerasgan.metrics.statistics import Gaussian, Moments

__all__ = [
    "METRICS",
    "Evaluator",
    "Extractor",
    "Gaussian",
    "Manifold",
    "Moments",
    "Protocol",
    "Result",
    "class_agreement",
    "classifier_accuracy_score",
    "classifiers",
    "density_coverage",
    "directions",
    "evaluate",
    "find_duplicates",
    "frechet_distance",
    "inception_score",
    "inception_v3",
    "kernel_distance",
    "mode_coverage",
    "precision_recall",
]
