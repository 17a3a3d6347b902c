"""Observation: one pass over images, reduced to what the metrics ask of it."""

import functools
import hashlib
from collections.abc import Collection, Iterable

import numpy as np
from tqdm.auto import tqdm

from kerasgan.errors import InputError
from kerasgan.metrics.extractors import Extractor
from kerasgan.metrics.inception import InceptionScore, SplitScores
from kerasgan.metrics.manifold import Manifold
from kerasgan.metrics.statistics import Gaussian, Moments

Chunk = tuple[np.ndarray, np.ndarray | None]
"""Images uint8 (k, height, width, channels) and their labels (k,), if any."""
LOOKED = frozenset({"moments", "features", "scores", "classes"})
"""What an observation keeps that the extractor gives; the rest is of the images themselves."""


class Observation:
    """What n images look like to an extractor.

    Args:
        extractor: what looks at them.
        needs: what to keep: "moments", "features", "scores", "classes", "pictures", "copies".
        n: how many images will come.

    Attributes:
        labels: the labels that came with the images, int (n,), or empty.
        constant: all images are equal.
    """

    def __init__(self, extractor: Extractor, needs: Collection[str], n: int):
        self.extractor = extractor
        self.needs = set(needs)
        self.n = n
        self.constant = True
        self._first: np.ndarray | None = None
        self._moments = Moments()
        self._scores = SplitScores(n) if "scores" in self.needs else None
        self._kept: dict[str, list[np.ndarray]] = {"features": [], "classes": [], "labels": [], "pictures": []}
        self._manifolds: dict[int, Manifold] = {}
        self.digests: list[bytes] = []

    def add(self, images: np.ndarray, labels: np.ndarray | None) -> None:
        """Takes the next images."""
        if self._first is None:
            self._first = images[0].copy()
        self.constant = self.constant and bool((images == self._first).all())
        if labels is not None:
            self._kept["labels"].append(np.asarray(labels))
        if "pictures" in self.needs:
            self._kept["pictures"].append(images)
        if "copies" in self.needs:
            self.digests += [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        if not self.needs & LOOKED:
            return
        features, probabilities = self.extractor(images)
        if "moments" in self.needs:
            self._moments.add(features)
        if "features" in self.needs:
            self._kept["features"].append(features)
        if probabilities is not None and self._scores is not None:
            self._scores.add(probabilities)
        if probabilities is not None and "classes" in self.needs:
            self._kept["classes"].append(probabilities.argmax(axis=1))

    @functools.cached_property
    def gaussian(self) -> Gaussian:
        return self._moments.gaussian()

    def inception_score(self) -> InceptionScore:
        if self._scores is None:
            raise InputError("No scores were kept in this pass: ask for 'scores'.")
        return self._scores.score()

    @functools.cached_property
    def features(self) -> np.ndarray:
        """float32 (n, d)."""
        return np.concatenate(self._kept["features"])

    @functools.cached_property
    def classes(self) -> np.ndarray:
        """The class the extractor sees in each image, int (n,)."""
        return np.concatenate(self._kept["classes"])

    def manifold(self, k: int) -> Manifold:
        """The features with their k-th neighbours; made once for each k."""
        if k not in self._manifolds:
            self._manifolds[k] = Manifold(self.features, k)
        return self._manifolds[k]

    @property
    def labels(self) -> np.ndarray:
        return np.concatenate(self._kept["labels"]) if self._kept["labels"] else np.zeros(0, int)

    @property
    def pictures(self) -> np.ndarray:
        """uint8 (n, height, width, channels)."""
        return np.concatenate(self._kept["pictures"])


def observe(
    chunks: Iterable[Chunk], n: int, extractor: Extractor, needs: Collection[str], title: str, progress: bool
) -> Observation:
    """One pass, with a progress bar on a terminal."""
    observation = Observation(extractor, needs, n)
    with tqdm(total=n, desc=title, unit=" images", leave=False, disable=None if progress else True) as bar:
        for images, labels in chunks:
            observation.add(images, labels)
            bar.update(len(images))
    return observation
