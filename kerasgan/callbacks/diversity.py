"""Diversity: how varied samples are beside real data, without any trained network. Pure NumPy, no Keras.

Samples are looked at coarsely: pictures shrunk to 16 x 16 or less, then everything turned to the real data's 32 main
directions, where noise and fine detail do not count.
"""

import math
import warnings
from typing import Any

import numpy as np

SIDE = 16
DIRECTIONS = 32
CLUSTERS = 64
LARGEST = 1024
"""More values than this per sample are first folded to so many by a random projection."""

SAME_CLUSTER = 0.25
"""Centres closer than this share of the data's mean distance are one cluster: few, tight modes stay few."""


class Diversity:
    """Real data as a yardstick for samples.

    Args:
        real: float32 (n, ...), at least 32 samples that are not all alike.
        n: samples that will be measured at once.
        seed: of clusters and projections.

    Attributes:
        clusters: how many clusters were found in the real data, 64 at most.
    """

    def __init__(self, real: np.ndarray, n: int = 256, seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.picture = real.ndim == 4
        values = self._values(real)
        self.centre = values.mean(axis=0)
        # Pictures keep the weight of each pixel; columns of other data may be in different units.
        deviation = values.std(axis=0)
        self.scale = np.sqrt(np.mean(deviation**2)) if self.picture else np.maximum(deviation, 1e-6 * deviation.max())
        values = (values - self.centre) / np.maximum(self.scale, 1e-12)
        self.directions = _main_directions(values)
        points = values @ self.directions
        self.n = min(n, len(points))
        self.distance = _mean_distance(points[: self.n])
        self.centres, self.cluster_of = _clusters(points, self.distance, seed)
        self.clusters = int(self.cluster_of.max()) + 1
        draws = [points[self.rng.permutation(len(points))[: self.n]] for _ in range(8)]
        self.modes = float(np.mean([self._modes(d) for d in draws]))
        slices = self.rng.normal(size=(points.shape[1], DIRECTIONS))
        self.slices = slices / np.linalg.norm(slices, axis=0)
        self.quantiles = _quantiles(points @ self.slices, self.n)
        self.breadth = float(np.mean(np.abs(self.quantiles - self.quantiles.mean(axis=0))))

    def measure(self, samples: np.ndarray) -> dict[str, float]:
        """Measures as many samples as `n` says, float (n, ...), the range and shape of the real data.

        Returns:
            `spread`: mean distance between two samples, over that of real data; 1 is alike, 0 one point.
            `modes`: the number of clusters of the real data that the samples reach, counted by the exponential of the
            entropy, over that of as many real ones.
            `distance`: sliced Wasserstein distance to the real data, over their own deviation; 0 is alike.
        """
        points = ((self._values(samples) - self.centre) / np.maximum(self.scale, 1e-12)) @ self.directions
        quantiles = _quantiles(points @ self.slices, self.n)
        return {
            "spread": _mean_distance(points) / self.distance,
            "modes": self._modes(points) / self.modes,
            "distance": float(np.mean(np.abs(quantiles - self.quantiles))) / self.breadth,
        }

    def _modes(self, points):
        nearest = np.argmin(_squares(points, self.centres), axis=1)
        return effective_number(np.bincount(self.cluster_of[nearest], minlength=self.clusters))

    def _values(self, samples):
        """float32 (n, values): shrunk pictures, or whatever it is, flat."""
        if self.picture:
            samples = _shrunk(samples)
        flat = np.reshape(samples, (len(samples), -1)).astype("float32")
        if flat.shape[1] <= LARGEST:
            return flat
        if not hasattr(self, "folding"):
            self.folding = self.rng.normal(size=(flat.shape[1], LARGEST)).astype("float32") / math.sqrt(LARGEST)
        return flat @ self.folding


def effective_number(counts: Any) -> float:
    """Exponential of the entropy of a histogram: k equally full bins count k."""
    share = np.asarray(counts, float)
    share = share[share > 0] / max(share.sum(), 1)
    return float(np.exp(-np.sum(share * np.log(share)))) if len(share) else 0.0


def _shrunk(pictures):
    """float32 pictures at `SIDE` pixels or less, each the mean of the pixels under it."""
    for axis in (1, 2):
        size = pictures.shape[axis]
        if size > SIDE:
            edges = np.linspace(0, size, SIDE + 1)
            reach = np.minimum(edges[1:, None], np.arange(1, size + 1)) - np.maximum(edges[:-1, None], np.arange(size))
            weights = (np.maximum(reach, 0) * (SIDE / size)).astype("float32")
            pictures = np.moveaxis(np.tensordot(weights, pictures.astype("float32"), (1, axis)), 0, axis)
    return pictures


def _main_directions(values):
    """(values, k): the k directions of largest variance, in which nearly all of it lies."""
    if values.shape[1] <= 2:
        return np.eye(values.shape[1], dtype="float32")
    _, directions = np.linalg.eigh(values.T @ values)
    return directions[:, ::-1][:, :DIRECTIONS].astype("float32")


def _clusters(points, distance, seed):
    """(centres, cluster of each centre): k-means, its centres merged where they stand close."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    count = max(1, min(CLUSTERS, len(points) // 16))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different points than clusters: those merge below
        centres = KMeans(count, n_init=1, random_state=seed).fit(points).cluster_centers_
    if count == 1:
        return centres, np.zeros(1, int)
    return centres, fcluster(linkage(centres, "average"), SAME_CLUSTER * distance, "distance") - 1


def _squares(a, b):
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * a @ b.T, 0.0)


def _mean_distance(points):
    n = len(points)
    return float(np.sqrt(_squares(points, points)).sum() / max(n * (n - 1), 1))


def _quantiles(projected, n):
    """(n, directions): each direction's values in order, `n` of them evenly spaced."""
    ordered = np.sort(projected, axis=0)
    rows = (np.arange(n) + 0.5) / n * len(ordered)
    return ordered[np.minimum(rows.astype(int), len(ordered) - 1)]
