"""Kernel distance: KID, when the features are Inception's."""

from typing import NamedTuple

import numpy as np

from kerasgan.errors import InputError
from kerasgan.metrics.frechet import check_features

SUBSETS = 100
SUBSET_SIZE = 1000


class KernelDistance(NamedTuple):
    """Mean and standard deviation over the subsets."""

    mean: float
    std: float


def kernel_distance(
    real: np.ndarray, fake: np.ndarray, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = 0
) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y / d + 1)³ (KID: Bińkowski et al., 2018).

    Args:
        real: features (n, d).
        fake: features (m, d).
        subsets: how often a random part of both is compared.
        subset_size: images in such a part; at most n and m.
        seed: of the parts. They are drawn as torch-fidelity draws them, generated first, by NumPy's frozen generator.

    Returns:
        Mean, which is 0 in expectation for equal distributions and may fall below, and spread over the subsets.

    Raises:
        InputError: features of different lengths or not finite, or a subset size below 2 or above n or m.

    Example:
        >>> found = kg.metrics.kernel_distance(real, real + 1.0, subsets=10, subset_size=100)
        >>> found.mean > 0, found.std > 0
        (True, True)
    """
    real = check_features(real).astype(np.float64)
    fake = check_features(fake).astype(np.float64)
    if real.shape[1] != fake.shape[1]:
        raise InputError(f"Features must have one length. Received: {real.shape[1]} and {fake.shape[1]}.")
    if not 2 <= subset_size <= min(len(real), len(fake)) or subsets < 1:
        raise InputError(
            f"Expected at least one subset, of 2 to {min(len(real), len(fake))} images. "
            f"Received: {subsets} of {subset_size}."
        )
    rng = np.random.RandomState(seed)
    found = []
    for _ in range(subsets):
        part = fake[rng.choice(len(fake), subset_size, replace=False)]
        found.append(_squared_mmd(part, real[rng.choice(len(real), subset_size, replace=False)]))
    return KernelDistance(float(np.mean(found)), float(np.std(found)))


def _squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    m = len(x)
    both = np.concatenate([x, y])
    k = both @ both.T / x.shape[1] + 1.0
    k = k * k * k  # a power of floats is ten times as slow
    within = sum((part.sum() - np.trace(part)) / (m * (m - 1)) for part in (k[:m, :m], k[m:, m:]))
    return float(within - 2.0 * k[:m, m:].mean())
