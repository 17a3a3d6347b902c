"""SampleSpec: what a generator takes and gives, and what follows from that alone. Needs no Keras."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasgan import priors
from kerasgan.errors import InputError, unknown_name

Labels = int | str | Sequence[int | str] | np.ndarray | None


@dataclasses.dataclass(frozen=True)
class SampleSpec:
    """What a generator takes and gives.

    Args:
        latent_dim: length of the latent vector.
        image_shape: (height, width, channels) of the output; any shape for data that are no pictures.
        prior: distribution of the latents, see `kerasgan.priors`.
        value_range: (low, high) of the generator's float output; mapped to 0..255.
        class_names: one name per class; empty for an unconditional generator.
        mean_latent: the point truncation pulls to; `None` stands for the origin.

    Example:
        >>> spec = kg.SampleSpec(latent_dim=16, image_shape=(28, 28, 1), class_names=("cat", "dog"))
        >>> spec.labels("dog", n=3)
        array([1, 1, 1], dtype=int32)
        >>> spec.to_uint8(np.array([-1.0, 0.0, 1.0]))
        array([  0, 128, 255], dtype=uint8)
    """

    latent_dim: int
    image_shape: tuple[int, ...]
    prior: str = "normal"
    value_range: tuple[float, float] = (-1.0, 1.0)
    class_names: tuple[str, ...] = ()
    mean_latent: tuple[float, ...] | None = None

    def __post_init__(self):
        # Plain Python values: NumPy's cannot be written as JSON.
        for field, kind in (("image_shape", int), ("value_range", float), ("class_names", str), ("mean_latent", float)):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, tuple(kind(value) for value in getattr(self, field)))
        whole = isinstance(self.latent_dim, int | np.integer) and not isinstance(self.latent_dim, bool)
        if not whole or self.latent_dim < 1:
            raise InputError(f"latent_dim must be a whole number from 1. Received: {self.latent_dim!r}.")
        object.__setattr__(self, "latent_dim", int(self.latent_dim))
        if self.mean_latent is not None and len(self.mean_latent) != self.latent_dim:
            raise InputError(f"mean_latent must have {self.latent_dim} values. Received: {len(self.mean_latent)}.")
        priors.check(self.prior)
        check_value_range(self.value_range)

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    @property
    def classes(self) -> tuple[str, ...]:
        """`class_names`, or none where they are codes that a generator found for itself and nobody has named."""
        return () if self.class_names == code_names(self.num_classes) else self.class_names

    def latents(self, n: int, seed: int = 0) -> np.ndarray:
        """Latents from the prior, float32 (n, latent_dim); the same on every backend for the same seed."""
        return priors.sample(self.prior, n, self.latent_dim, seed)

    def labels(self, labels: Labels, n: int) -> np.ndarray | None:
        """Class indices int32 (n,) from an index, a class name, a sequence of either, or `None` (every class in turn).

        Raises:
            InputError: a label out of range, an unknown class name, the wrong number of labels, or labels for an
                unconditional generator.
        """
        if not self.class_names:
            if labels is not None:
                raise InputError("This generator is unconditional: it takes no labels.")
            return None
        if labels is None:
            return np.arange(n, dtype="int32") % self.num_classes
        given: Any = labels.tolist() if isinstance(labels, np.ndarray) else labels
        if isinstance(given, str) or not hasattr(given, "__len__"):
            given = [given] * n
        if len(given) != n:
            raise InputError(f"Expected one label, or {n}, one for each image. Received {len(given)}.")
        return np.array([self._class_index(label) for label in given], dtype="int32")

    def _class_index(self, label: int | str | np.integer) -> int:
        if isinstance(label, str):
            if label not in self.class_names:
                raise unknown_name("class", label, self.class_names)
            return self.class_names.index(label)
        if not isinstance(label, int | np.integer) or not 0 <= label < self.num_classes:
            raise InputError(f"A label must be a whole number from 0 to {self.num_classes - 1}. Received: {label!r}.")
        return int(label)

    def check_latents(self, latents: Any) -> np.ndarray:
        """Latents as float32 (n, latent_dim), or an `InputError`: another shape, none at all, NaN or infinity."""
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinity, and refused
            latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not len(latents):
            raise InputError(f"Latents must have shape (n, {self.latent_dim}), n > 0. Received: {latents.shape}.")
        if not np.isfinite(latents).all():
            raise InputError("Latents must be finite. Received NaN or infinity.")
        return latents

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """Float outputs of the generator, any shape, as uint8: `value_range` becomes 0..255, the rest is clipped."""
        low, high = self.value_range
        return np.clip(np.rint((values - low) * (255.0 / (high - low))), 0, 255).astype("uint8")


def code_names(count: int) -> tuple[str, ...]:
    """Names of labels that stand for nothing known beforehand, as InfoGAN's do."""
    return tuple(f"code {i}" for i in range(count))


def check_value_range(value_range: tuple[float, ...]) -> None:
    """Raises `InputError` unless it is (low, high), both finite, with low below high."""
    if len(value_range) != 2 or not -np.inf < value_range[0] < value_range[1] < np.inf:
        raise InputError(f"value_range must be (low, high), finite, low below high. Received: {value_range}.")


def check_truncation(truncation: float) -> float:
    """The factor itself, or an `InputError` where it does not lie between 0 and 1."""
    if not 0.0 <= truncation <= 1.0:
        raise InputError(f"truncation must lie between 0 and 1. Received: {truncation}.")
    return truncation
