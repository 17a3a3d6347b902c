"""Draws: the random numbers of a training step, owned by the model and saved with it."""

import keras
from keras import ops

from kerasgan import backend


class Draws:
    """Random tensors from one seed generator, equal for one device and for many.

    Under a distribution strategy every replica draws for the whole global batch and keeps its own rows: replicas never
    share noise, and two devices see just what one device with the total batch would.

    Args:
        seed: of the `keras.random.SeedGenerator`, as `.seeds`.
    """

    def __init__(self, seed: int | None):
        self.seeds = keras.random.SeedGenerator(seed)

    def _rows(self, draw, shape):
        index, count = backend.replica()
        if count == 1:
            return draw(shape)
        n = shape[0]
        start = ops.cast(index * n, "int32")
        return draw((n * count, *shape[1:]))[start : start + n]

    def normal(self, shape):
        """N(0, 1), float32."""
        return self._rows(lambda s: keras.random.normal(s, dtype="float32", seed=self.seeds), shape)

    def uniform(self, shape):
        """U(0, 1), float32."""
        return self._rows(lambda s: keras.random.uniform(s, dtype="float32", seed=self.seeds), shape)

    def truncated_normal(self, shape):
        """N(0, 1) redrawn beyond two standard deviations, float32."""
        return self._rows(lambda s: keras.random.truncated_normal(s, dtype="float32", seed=self.seeds), shape)

    def labels(self, n, num_classes):
        """Class indices int32 (n,), uniform."""
        drawn = ops.cast(self.uniform((n,)) * num_classes, "int32")
        return ops.minimum(drawn, num_classes - 1)

    def latents(self, prior: str, n, latent_dim: int):
        """Latents float32 (n, latent_dim) from a prior of `kerasgan.priors`."""
        if prior == "uniform":
            return 2.0 * self.uniform((n, latent_dim)) - 1.0
        return getattr(self, prior)((n, latent_dim))
