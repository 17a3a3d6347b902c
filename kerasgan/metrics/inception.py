"""Inception Score."""

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from kerasgan.errors import InputError

SPLITS = 10


class InceptionScore(NamedTuple):
    """Mean and standard deviation over the splits."""

    mean: float
    std: float


class SplitScores:
    """Adds up class probabilities, in batches, to an Inception Score (Salimans et al., 2016).

    exp of the mean over images of KL(p(class | image) || p(class)), in `splits` consecutive parts of the n images.

    Raises:
        InputError: fewer images than splits.
    """

    def __init__(self, n: int, splits: int = SPLITS):
        if not 1 <= splits <= n:
            raise InputError(f"Expected 1 to {n} splits of {n} images. Received: {splits}.")
        self.n = n
        self.ends = np.array([(i + 1) * n // splits for i in range(splits)])
        self.counts = np.zeros(splits, int)
        self.negative_entropy = np.zeros(splits)
        self.marginals: np.ndarray | None = None
        self.seen = 0

    def add(self, probabilities: np.ndarray) -> None:
        """Takes float (k, classes), the next k images."""
        p = np.asarray(probabilities, np.float64)
        if self.marginals is None:
            self.marginals = np.zeros((len(self.ends), p.shape[1]))
        split = np.searchsorted(self.ends, np.arange(self.seen, self.seen + len(p)), side="right")
        np.add.at(self.counts, split, 1)
        np.add.at(self.negative_entropy, split, xlogy(p, p).sum(axis=1))
        for i in np.unique(split):
            self.marginals[i] += p[split == i].sum(axis=0)
        self.seen += len(p)

    def score(self) -> InceptionScore:
        """The score of all n images.

        Raises:
            InputError: not n images were added.
        """
        if self.seen != self.n or self.marginals is None:
            raise InputError(f"Expected the probabilities of {self.n} images. Received: {self.seen}.")
        marginal = self.marginals / self.counts[:, None]
        divergence = self.negative_entropy / self.counts - xlogy(marginal, marginal).sum(axis=1)
        scores = np.exp(divergence)
        return InceptionScore(float(scores.mean()), float(scores.std()))


def inception_score(probabilities: np.ndarray, splits: int = SPLITS) -> InceptionScore:
    """The score of class probabilities float (n, classes), in the order given; see `SplitScores`.

    Example:
        >>> certain = np.eye(4)[[0, 1, 2, 3]]  # four images, each clearly of another class
        >>> round(kg.metrics.inception_score(certain, splits=1).mean, 4)
        4.0
    """
    scores = SplitScores(len(probabilities), splits)
    scores.add(probabilities)
    return scores.score()
