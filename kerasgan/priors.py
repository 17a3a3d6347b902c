"""Latent priors, drawn by NumPy so that one seed gives the same latents on every backend and machine."""

import numpy as np

from kerasgan.errors import InputError, unknown_name

PRIORS = ("normal", "uniform", "truncated_normal")


def check(prior: str) -> str:
    """The prior's name, or an error naming the known ones."""
    if prior not in PRIORS:
        raise unknown_name("prior", prior, PRIORS)
    return prior


def sample(prior: str, n: int, latent_dim: int, seed: int) -> np.ndarray:
    """Draws latents.

    Args:
        prior: `"normal"` N(0, 1), `"uniform"` U(-1, 1), or `"truncated_normal"` N(0, 1) redrawn beyond 2 sigma.
        n: number of latents.
        latent_dim: length of each.
        seed: non-negative integer.

    Returns:
        float32 (n, latent_dim). The first k rows do not depend on n.
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed must be a whole number from 0 up. Received: {seed!r}.")
    rng = np.random.default_rng(seed)
    shape = (n, latent_dim)
    if check(prior) == "uniform":
        return rng.uniform(-1.0, 1.0, shape).astype("float32")
    if prior == "normal":
        return rng.standard_normal(shape).astype("float32")
    # Inverse transform sampling: one draw per value, where rejection would let rows depend on n.
    from scipy.special import ndtr, ndtri

    return ndtri(rng.uniform(ndtr(-2.0), ndtr(2.0), shape)).astype("float32")
