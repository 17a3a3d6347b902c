"""Duplicates: generated images that repeat the training set, or each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kerasgan.errors import InputError
from kerasgan.metrics.manifold import nearest

RATIO = 1 / 3
"""An image repeats its nearest training image when the second-nearest is more than three times as far."""


class Duplicates(NamedTuple):
    """Shares of images that repeat a training image or an earlier generated one, and the median distance."""

    duplicates: float
    nearest: float
    repeated: float


def find_duplicates(
    features: np.ndarray,
    train: np.ndarray,
    digests: Sequence[bytes] = (),
    train_digests: Sequence[bytes] = (),
) -> Duplicates:
    """How much of the training set is repeated (the ratio test of Yoon et al., 2023, in feature space).

    Args:
        features: of generated images (n, d).
        train: of all images of the training set (m, d), m at least 2.
        digests: one for each generated image, equal for images equal in every pixel; may be left out.
        train_digests: the same for the training set.

    Returns:
        `duplicates`: share of images equal to a training image, or nearer to one than a third of the distance to the
        second-nearest. `nearest`: median distance to the nearest training image; of a generator that memorises it lies
        far below that of real images. `repeated`: share equal in every pixel to an earlier generated image.

    Raises:
        InputError: fewer than two training images.

    Example:
        >>> found = kg.metrics.find_duplicates(np.concatenate([real[:50], fake[:50]]), train=real)
        >>> 0.5 <= found.duplicates < 1.0  # the first half are copies
        True
    """
    if len(train) < 2:
        raise InputError(f"Duplicates are sought among at least 2 training images. Received: {len(train)}.")
    first, second = nearest(features, train, 2).T
    spread = float(np.sqrt(train.var(axis=0, dtype=np.float64).sum()))
    # The second line: a training set that holds the image twice.
    copied = (first < RATIO * second) | (first <= 1e-4 * spread)
    if len(digests):
        known = set(train_digests)
        copied |= np.array([digest in known for digest in digests])
    repeated = 1.0 - len(set(digests)) / len(digests) if len(digests) else 0.0
    return Duplicates(float(copied.mean()), float(np.median(first)), repeated)
