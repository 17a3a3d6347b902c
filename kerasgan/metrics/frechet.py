"""Fréchet distance: FID, when the features are Inception's."""

import numpy as np

from kerasgan.errors import InputError
from kerasgan.metrics.statistics import Gaussian, Moments


def frechet_distance(real: Gaussian | np.ndarray, fake: Gaussian | np.ndarray) -> float:
    """Squared Fréchet (2-Wasserstein) distance of two normal distributions (FID: Heusel et al., 2017).

    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), where the trace of the root is that of (R C2 R)^½ with R² = C1: symmetric,
    so that covariances of low rank, of few images or of a collapsed generator, do no harm.

    Args:
        real: features (n, d), or their `Gaussian`, whose root is computed once.
        fake: the same.

    Returns:
        0 or more; biased upwards, the more so the fewer images (Chong and Forsyth, 2020).

    Raises:
        InputError: features of different lengths, that are not finite, or fewer than two.

    Example:
        >>> kg.metrics.frechet_distance(real, fake) > kg.metrics.frechet_distance(real, real)
        True
        >>> rng = np.random.default_rng(0)
        >>> round(kg.metrics.frechet_distance(rng.normal(0, 1, (5000, 2)), rng.normal(3, 1, (5000, 2))))  # 3^2 + 3^2
        18
    """
    real, fake = _gaussian(real), _gaussian(fake)
    if real.mean.shape != fake.mean.shape:
        raise InputError(f"Features must have one length. Received: {len(real.mean)} and {len(fake.mean)}.")
    product = real.root @ fake.covariance @ real.root
    root_trace = np.sqrt(np.clip(np.linalg.eigvalsh((product + product.T) / 2), 0.0, None)).sum()
    apart = real.mean - fake.mean
    distance = apart @ apart + np.trace(real.covariance) + np.trace(fake.covariance) - 2.0 * root_trace
    return max(0.0, float(distance))


def _gaussian(given: Gaussian | np.ndarray) -> Gaussian:
    if isinstance(given, Gaussian):
        return given
    moments = Moments()
    moments.add(check_features(given))
    return moments.gaussian()


def check_features(features: np.ndarray, at_least: int = 2) -> np.ndarray:
    """Features as they came, float (n, d).

    Raises:
        InputError: another shape, NaN or infinity, or fewer than `at_least`.
    """
    features = np.asarray(features)
    if features.ndim != 2 or not features.shape[1]:
        raise InputError(f"Features must have shape (n, d). Received: {features.shape}.")
    if len(features) < at_least:
        raise InputError(f"Expected features of at least {at_least} images. Received: {len(features)}.")
    if not np.isfinite(features).all():
        raise InputError("Features must be finite. Received NaN or infinity.")
    return features
