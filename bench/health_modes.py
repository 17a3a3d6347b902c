"""Data whose modes are known: points on a ring and on a grid, scikit-learn's digits, Stacked MNIST."""

import numpy as np

import kerasgan as kg
from kerasgan.data.images import Images

RNG = np.random.default_rng


class Points:
    """A mixture of narrow Gaussians in the plane, its centres known."""

    def __init__(self, centres, deviation):
        self.centres, self.deviation = np.asarray(centres, "float32"), deviation
        self.modes = len(self.centres)

    def images(self, n=20_000):
        rng = RNG(0)
        points = self.centres[rng.integers(0, self.modes, n)] + self.deviation * rng.normal(size=(n, 2))
        return Images(points.astype("float32"), name="points")

    def scaled(self, x):
        return x

    def mode_of(self, x):
        """The nearest centre's number; -1 for points farther from it than its neighbour is."""
        distances = np.sqrt(((x[:, None] - self.centres[None]) ** 2).sum(-1))
        between = np.sqrt(((self.centres[:, None] - self.centres[None]) ** 2).sum(-1))
        reach = np.min(between[between > 0])
        return np.where(distances.min(axis=1) < reach, distances.argmin(axis=1), -1)


def ring():
    angles = np.arange(8) * np.pi / 4
    return Points(np.stack([np.cos(angles), np.sin(angles)], 1), 0.02)


def grid():
    axis = np.linspace(-1, 1, 5)
    return Points(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), 0.025)


class Digits:
    """scikit-learn's digits: ten modes, known by a classifier."""

    channels = 1

    def __init__(self):
        self.data = kg.data.load("digits", split="all", image_shape=(12, 12, 1))
        self.classifier = nearest(self.data)

    def images(self, n=8192):
        rows = RNG(0).integers(0, len(self.data), n)
        return Images(self.data.x[rows], self.data.y[rows], name="digits")

    def scaled(self, x):
        return x / 127.5 - 1.0

    def mode_of(self, x):
        x = np.clip((x + 1) * 127.5, 0, 255).reshape(len(x), -1, self.channels)
        return sum(10**c * self.classifier.predict(x[..., c]).astype(int) for c in range(self.channels))


class StackedMnist(Digits):
    """A thousand modes: three digits known by the same means."""

    channels = 3

    def __init__(self, mnist):
        self.data = kg.data.open(mnist, image_shape=(12, 12, 1))
        self.classifier = nearest(self.data, 8000)

    def images(self, n=8192):
        stacked = kg.data.stacked(self.data, n)
        return Images(stacked.x, name=stacked.name)


def nearest(data, n=None):
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(3).fit(data.x[:n].reshape(len(data.x[:n]), -1).astype("float32"), data.y[:n])
