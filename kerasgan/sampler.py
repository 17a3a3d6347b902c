"""Sampler: a trained generator with what one must know to draw from it. One `.keras` file."""

import dataclasses
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan import priors
from kerasgan.errors import InputError, unknown_name
from kerasgan.files import check_zip, whole_file
from kerasgan.storage import halve_weights

SPEC_MEMBER = "kerasgan_sampler.json"
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
        if self.mean_latent is not None and len(self.mean_latent) != self.latent_dim:
            raise InputError(f"mean_latent must have {self.latent_dim} values. Received: {len(self.mean_latent)}.")
        priors.check(self.prior)
        check_value_range(self.value_range)

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


def check_value_range(value_range: tuple[float, ...]) -> None:
    """Raises `InputError` unless it is (low, high) with low below high."""
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise InputError(f"value_range must be (low, high), low below high. Received: {value_range}.")


class Sampler:
    """A trained generator and its `SampleSpec`: what a run leaves, the zoo loads, metrics score and exports emit.

    Args:
        generator: functional `keras.Model` from `latent` float32 (batch, latent_dim), and for a conditional one
            also `label` int32 (batch,), to images float32 (batch, height, width, channels) in `spec.value_range`.
        spec: what the generator takes and gives.
        recipe: `Recipe.to_dict()` of the training that made it, or empty.

    Example:
        >>> sampler = kg.Sampler.load("runs/dcgan_digits/sampler.keras")
        >>> sampler.generate(4, seed=0).shape
        (4, 28, 28, 1)
    """

    def __init__(self, generator: keras.Model, spec: SampleSpec, recipe: dict[str, Any] | None = None):
        self.generator = generator
        self.spec = spec
        self.recipe = dict(recipe or {})
        expected = 2 if spec.class_names else 1
        if len(generator.inputs) != expected:
            raise InputError(
                f"A generator with {spec.num_classes} classes takes {expected} input(s). "
                f"Received one that takes {len(generator.inputs)}."
            )

    def latents(self, n: int, seed: int = 0) -> np.ndarray:
        """Latents from the spec's prior, float32 (n, latent_dim); the same on every backend for the same seed."""
        return priors.sample(self.spec.prior, n, self.spec.latent_dim, seed)

    def labels(self, labels: Labels, n: int) -> np.ndarray | None:
        """Class indices int32 (n,) from an index, a class name, a sequence of either, or `None` (every class in turn).

        Raises:
            InputError: a label out of range, an unknown class name, the wrong number of labels, or labels for an
                unconditional generator.
        """
        names = self.spec.class_names
        if not names:
            if labels is not None:
                raise InputError("This generator is unconditional: it takes no labels.")
            return None
        if labels is None:
            return np.arange(n, dtype="int32") % len(names)
        given: Any = labels.tolist() if isinstance(labels, np.ndarray) else labels
        if isinstance(given, str) or not hasattr(given, "__len__"):
            given = [given] * n
        if len(given) != n:
            raise InputError(f"Expected one label, or {n}, one for each image. Received {len(given)}.")
        return np.array([self._class_index(label) for label in given], dtype="int32")

    def _class_index(self, label: int | str | np.integer) -> int:
        names = self.spec.class_names
        if isinstance(label, str):
            if label not in names:
                raise unknown_name("class", label, names)
            return names.index(label)
        if not isinstance(label, int | np.integer) or not 0 <= label < len(names):
            raise InputError(f"A label must be a whole number from 0 to {len(names) - 1}. Received: {label!r}.")
        return int(label)

    def generate(
        self, n: int, labels: Labels = None, seed: int = 0, truncation: float = 1.0, batch_size: int = 64
    ) -> np.ndarray:
        """Draws n images.

        Args:
            n: number of images, at least 1.
            labels: see `Sampler.labels`.
            seed: of the latents; the same seed gives the same images.
            truncation: 0 to 1; latents are pulled towards the mean latent by this factor: 1 leaves them, less gives
                more typical and less varied images (truncation trick: Brock et al., 2019, in the linear form of
                Karras et al., 2019).
            batch_size: images computed at once.

        Returns:
            uint8 (n, height, width, channels).
        """
        if n < 1:
            raise InputError(f"n must be at least 1. Received: {n}.")
        latents = self.truncated(self.latents(n, seed), truncation)
        return self.images(latents, self.labels(labels, n), batch_size)

    def truncated(self, latents: np.ndarray, truncation: float) -> np.ndarray:
        """Latents float32 (n, latent_dim) pulled towards the mean latent by a factor from 0 to 1, see `generate`."""
        if not 0.0 <= truncation <= 1.0:
            raise InputError(f"truncation must lie between 0 and 1. Received: {truncation}.")
        mean = np.asarray(self.spec.mean_latent or np.zeros(self.spec.latent_dim), "float32")
        return mean + np.float32(truncation) * (latents - mean)

    def images(self, latents: np.ndarray, labels: Labels = None, batch_size: int = 64) -> np.ndarray:
        """Images uint8 (n, height, width, channels) of given latents float32 (n, latent_dim)."""
        latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.spec.latent_dim or not len(latents):
            raise InputError(f"Latents must have shape (n, {self.spec.latent_dim}), n > 0. Received: {latents.shape}.")
        if not np.isfinite(latents).all():
            raise InputError("Latents must be finite. Received NaN or infinity.")
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1. Received: {batch_size}.")
        return self.to_uint8(self._outputs(latents, self.labels(labels, len(latents)), batch_size))

    def _outputs(self, latents: np.ndarray, labels: np.ndarray | None, batch_size: int) -> np.ndarray:
        parts = []
        for start in range(0, len(latents), batch_size):
            part = [a[start : start + batch_size] for a in (latents, labels) if a is not None]
            missing = min(batch_size, len(latents)) - len(part[0])
            # Whole batches only: compiled backends would compile again for the last, smaller one.
            padded = [np.concatenate([a, np.repeat(a[:1], missing, axis=0)]) for a in part]
            out = self.generator.predict_on_batch(padded if len(padded) > 1 else padded[0])
            parts.append(np.asarray(out, "float32")[: len(part[0])])
        return np.concatenate(parts)

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """Float outputs of the generator, any shape, as uint8: `value_range` becomes 0..255, the rest is clipped."""
        low, high = self.spec.value_range
        return np.clip(np.rint((values - low) * (255.0 / (high - low))), 0, 255).astype("uint8")

    def save(self, path: str | Path, storage: str = "float32") -> Path:
        """Writes one `.keras` file: a plain Keras archive (also for `keras.models.load_model`) with the spec inside.

        Args:
            path: ends in `.keras`.
            storage: `"float16"` halves the file and rounds the weights to 11 bits; they are float32 again once loaded.
        """
        path = Path(path)
        if path.suffix != ".keras":
            raise InputError(f"A Sampler is saved as .keras. Received: {path.name!r}.")
        if storage not in ("float32", "float16"):
            raise InputError(f"storage must be 'float32' or 'float16'. Received: {storage!r}.")
        with whole_file(path) as temporary:
            self.generator.save(temporary)
            if storage == "float16":
                halve_weights(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(
                    SPEC_MEMBER, json.dumps({"spec": dataclasses.asdict(self.spec), "recipe": self.recipe})
                )
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Sampler":
        """Reads what `save` wrote; nothing in the file is executed (Keras' safe mode stays on).

        Raises:
            InputError: no such file, not a Keras archive, or one without a spec.
        """
        from kerasgan import layers  # noqa: F401  registers our layers with Keras

        path = Path(path)
        if not path.is_file():
            raise InputError(f"No file {str(path)!r}. Expected a Sampler written by Sampler.save().")
        try:
            check_zip(path)
            with zipfile.ZipFile(path) as archive:
                content = json.loads(archive.read(SPEC_MEMBER))
        except zipfile.BadZipFile as error:
            raise InputError(f"{str(path)!r} is damaged or not a .keras file ({error}).") from error
        except KeyError as error:
            raise InputError(
                f"{str(path)!r} is a Keras model without a sample spec. Load it with keras.models.load_model and give "
                "it to kerasgan.Sampler(generator, SampleSpec(...)), or use GAN.sampler()."
            ) from error
        try:
            generator = keras.models.load_model(path, compile=False)
        except (ValueError, TypeError) as error:  # an unknown layer, or one that would run code from the file
            raise InputError(f"The generator in {str(path)!r} cannot be loaded: {error}") from error
        return cls(generator, SampleSpec(**content["spec"]), content["recipe"])
