"""Mode coverage: how many of the data's classes a generator shows, and how evenly."""

from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr

from kerasgan.errors import InputError


class ModeCoverage(NamedTuple):
    """Number of classes shown, and KL divergence in nats of their shares from the data's."""

    modes: int
    kl: float


def mode_coverage(classes: np.ndarray, real_labels: np.ndarray, num_classes: int) -> ModeCoverage:
    """Modes and their balance (Che et al., 2017; with the 1,000 modes of Stacked MNIST: Srivastava et al., 2017).

    Args:
        classes: the class a classifier sees in each generated image, int (n,).
        real_labels: labels of the data (m,).
        num_classes: how many classes there are.

    Returns:
        Number of classes seen at least once, and KL(generated || real). Classes that the data have no image of get half
        an image, so that the divergence stays finite.

    Raises:
        InputError: no images, or classes out of range.

    Example:
        >>> found = kg.metrics.mode_coverage(np.array([0, 0, 1, 1]), real_labels=np.array([0, 1, 2, 3]), num_classes=4)
        >>> found.modes, round(found.kl, 4)  # half of the classes: log 2
        (2, 0.6931)
    """
    for name, numbers in (("classes", classes), ("real_labels", real_labels)):
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= num_classes:
            raise InputError(f"{name} must hold numbers from 0 to {num_classes - 1}. Received: {numbers!r}.")
    found = np.bincount(classes, minlength=num_classes)
    real = np.maximum(np.bincount(real_labels, minlength=num_classes), 0.5)
    return ModeCoverage(int((found > 0).sum()), float(rel_entr(found / found.sum(), real / real.sum()).sum()))
