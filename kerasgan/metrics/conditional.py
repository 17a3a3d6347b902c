"""Scores of conditional generators: whether images show the class they were asked for."""

import numpy as np

from kerasgan.errors import InputError
from kerasgan.metrics import classifiers

STEPS = 600
WIDTH = 16
"""Updates and channels of the classifier of the classifier accuracy score."""


def class_agreement(labels: np.ndarray, classes: np.ndarray) -> float:
    """Share of images whose class, as a classifier sees it, is the one asked for.

    Raises:
        InputError: no labels, or not one for each image.

    Example:
        >>> kg.metrics.class_agreement(labels=np.array([3, 1, 4, 1]), classes=np.array([3, 1, 4, 7]))
        0.75
    """
    if not len(labels) or labels.shape != classes.shape:
        raise InputError(f"Expected one label for each of {len(classes)} images. Received: {len(labels)}.")
    return float(np.mean(labels == classes))


def classifier_accuracy_score(
    images: np.ndarray,
    labels: np.ndarray,
    real_images: np.ndarray,
    real_labels: np.ndarray,
    num_classes: int,
    *,
    steps: int = STEPS,
    width: int = WIDTH,
    seed: int = 0,
) -> float:
    """Accuracy on real images of a classifier trained on generated ones (CAS: Ravuri and Vinyals, 2019).

    A generator scores low when its images do not show their class and when they lack variety.

    Args:
        images: what it is trained on, uint8 (n, height, width, channels).
        labels: the classes these were asked to show (n,).
        real_images: what it is tested on, uint8 (m, height, width, channels).
        real_labels: their classes (m,).
        num_classes: number of classes.
        steps: updates of the classifier, which is `kerasgan.metrics.classifiers.build`'s.
        width: its channels at full size.
        seed: of the classifier's training.

    Raises:
        InputError: no labels, or images and labels that `classifiers.fit` refuses.

    Example:
        >>> labels = np.arange(200) % 10
        >>> made = sampler.generate(200, labels=labels)
        >>> kg.metrics.classifier_accuracy_score(made, labels, x, y, num_classes=10, steps=30, width=4) > 0.2
        True
    """
    if len(labels) != len(images):
        raise InputError(f"Expected one label for each of {len(images)} images. Received: {len(labels)}.")
    model = classifiers.fit(images, labels, num_classes, steps=steps, width=width, seed=seed)
    return classifiers.accuracy(model, real_images, real_labels)
