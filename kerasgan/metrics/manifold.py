"""Precision, recall, density, coverage: whether images lie where the others lie, by nearest neighbours."""

import functools
from typing import NamedTuple

import numpy as np
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

from kerasgan.errors import InputError
from kerasgan.metrics.frechet import check_features


class PrecisionRecall(NamedTuple):
    """Share of generated images among the real ones, and of real images among the generated."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Mean number of real neighbourhoods around a generated image, by k; share of them that hold one."""

    density: float
    coverage: float


class Manifold:
    """Features and, around each, the ball that reaches to its k-th nearest neighbour among them.

    Args:
        features: float (n, d), n > k.
        k: which neighbour the ball reaches to.

    Raises:
        InputError: fewer than k + 1 features, or not finite ones.

    Example:
        >>> kg.metrics.Manifold(np.array([[0.0], [1.0], [3.0]]), k=1).radii
        array([1., 1., 2.])
    """

    def __init__(self, features: np.ndarray, k: int):
        if k < 1:
            raise InputError(f"k must be at least 1. Received: {k}.")
        self.features = check_features(features, at_least=k + 1).astype(np.float64)
        self.k = k

    @functools.cached_property
    def radii(self) -> np.ndarray:
        """Distance to the k-th nearest other, float64 (n,)."""
        # The nearest of all is the point itself.
        parts = pairwise_distances_chunked(
            self.features, reduce_func=lambda rows, _: np.partition(rows, self.k, axis=1)[:, self.k].copy()
        )
        return np.concatenate(list(parts))


def precision_recall(real: Manifold, fake: Manifold) -> PrecisionRecall:
    """Improved precision and recall (Kynkäänniemi et al., 2019; k = 3 there).

    Returns:
        Share of generated images within the ball of some real one, and share of real ones within the ball of some
        generated one.

    Example:
        >>> everything, half = kg.metrics.Manifold(real, k=3), kg.metrics.Manifold(real[y[:200] < 5], k=3)
        >>> found = kg.metrics.precision_recall(everything, half)  # the digits below 5 alone
        >>> found.precision, found.recall < 0.9
        (1.0, True)
    """
    inside_fake = _chunks(real, fake, lambda rows, _: (rows <= fake.radii).any(axis=1))
    inside_real = _chunks(fake, real, lambda rows, _: (rows <= real.radii).any(axis=1))
    return PrecisionRecall(float(inside_real.mean()), float(inside_fake.mean()))


def density_coverage(real: Manifold, fake: Manifold) -> DensityCoverage:
    """Density and coverage (Naeem et al., 2020; k = 5 there): only balls around real images, so outliers count less.

    Returns:
        Mean number of real balls that a generated image lies in, divided by k, which may exceed 1; and the share of
        real balls that hold a generated image.

    Example:
        >>> everything, half = kg.metrics.Manifold(real, k=5), kg.metrics.Manifold(real[y[:200] < 5], k=5)
        >>> kg.metrics.density_coverage(everything, half).coverage < 0.9  # the digits below 5 alone
        True
    """

    def held(rows: np.ndarray, start: int) -> np.ndarray:
        return (rows < real.radii[start : start + len(rows), None]).sum(axis=1)

    counts = _chunks(real, fake, held)
    return DensityCoverage(float(counts.sum() / (real.k * len(fake.features))), float((counts > 0).mean()))


def _chunks(x: Manifold, y: Manifold, reduce_func) -> np.ndarray:
    if x.features.shape[1] != y.features.shape[1]:
        raise InputError(f"Features must have one length. Received: {x.features.shape[1]} and {y.features.shape[1]}.")
    return np.concatenate(list(pairwise_distances_chunked(x.features, y.features, reduce_func=reduce_func)))


def nearest(features: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    """Distances to the k nearest of `among`, ascending, float64 (n, k)."""
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(np.asarray(among, np.float64))
    return index.kneighbors(np.asarray(features, np.float64))[0]
