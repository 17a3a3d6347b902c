"""Mean and covariance of features that come in batches."""

import dataclasses
import functools

import numpy as np

from kerasgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """The normal distribution with a sample's mean and covariance.

    Args:
        mean: float64 (d,).
        covariance: float64 (d, d), divided by n - 1.
        n: size of the sample.

    Example:
        >>> normal = kg.metrics.Gaussian(mean=np.zeros(2), covariance=np.diag([4.0, 9.0]), n=100)
        >>> normal.root.round(6)
        array([[2., 0.],
               [0., 3.]])
    """

    mean: np.ndarray
    covariance: np.ndarray
    n: int

    @functools.cached_property
    def root(self) -> np.ndarray:
        """The symmetric square root of the covariance, float64 (d, d)."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


class Moments:
    """Adds up batches of features to a `Gaussian`, in float64 (Chan, Golub and LeVeque, 1979).

    Example:
        >>> moments = kg.metrics.Moments()
        >>> for batch in np.split(real, 4):
        ...     moments.add(batch)
        >>> bool(np.allclose(moments.gaussian().mean, real.mean(axis=0), atol=1e-5))
        True
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean: np.ndarray = np.zeros(0)
        self.scatter: np.ndarray = np.zeros((0, 0))

    def add(self, features: np.ndarray) -> None:
        """Takes float (k, d), k > 0; every batch with the same d."""
        batch = np.asarray(features, np.float64)
        if not self.n:
            self.mean, self.scatter = np.zeros(batch.shape[1]), np.zeros((batch.shape[1],) * 2)
        mean = batch.mean(axis=0)
        centred = batch - mean
        apart = mean - self.mean
        n = self.n + len(batch)
        self.scatter += centred.T @ centred + np.outer(apart, apart) * (self.n * len(batch) / n)
        self.mean = self.mean + apart * (len(batch) / n)
        self.n = n

    def gaussian(self) -> Gaussian:
        """The distribution of all that was added.

        Raises:
            InputError: fewer than two items: one has no covariance.
        """
        if self.n < 2:
            raise InputError(f"A covariance needs at least 2 images. Received: {self.n}.")
        return Gaussian(self.mean, self.scatter / (self.n - 1), self.n)
