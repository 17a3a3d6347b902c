"""Sampler: a trained generator with what one must know to draw from it. One `.keras` file."""

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.errors import DivergedError, InputError
from kerasgan.files import check_zip, whole_file
from kerasgan.spec import Labels, SampleSpec, check_truncation
from kerasgan.storage import halve_weights

SPEC_MEMBER = "kerasgan_sampler.json"


class Sampler:
    """A trained generator and its `SampleSpec`: what a run leaves, the zoo loads, metrics score and exports emit.

    Args:
        generator: functional `keras.Model` from `latent` float32 (batch, latent_dim), and for a conditional one
            also `label` int32 (batch,), to images float32 (batch, height, width, channels) in `spec.value_range`.
        spec: what the generator takes and gives.
        recipe: `Recipe.to_dict()` of the training that made it, or empty.
        about: what exports say of it: any of `name`, `version`, `dataset`, `license` and `dataset_license`, as strings;
            the zoo fills it from its records.

    Example:
        >>> sampler = gan.sampler()  # or kg.zoo.load("dcgan_digits")
        >>> path = sampler.save("mine.keras")
        >>> kg.Sampler.load("mine.keras").generate(4, seed=0).shape
        (4, 28, 28, 1)
    """

    def __init__(
        self,
        generator: keras.Model,
        spec: SampleSpec,
        recipe: dict[str, Any] | None = None,
        about: Mapping[str, str] | None = None,
    ):
        self.generator = generator
        self.spec = spec
        self.recipe = dict(recipe or {})
        self.about = dict(about or {})
        _check_ends(generator)
        expected = 2 if spec.class_names else 1
        if len(generator.inputs) != expected:
            raise InputError(
                f"A generator with {spec.num_classes} classes takes {expected} input(s). "
                f"Received one that takes {len(generator.inputs)}."
            )
        _check_shape("takes latents", generator.inputs[0].shape[1:], (spec.latent_dim,))
        _check_shape("gives images", generator.outputs[0].shape[1:], spec.image_shape)

    def latents(self, n: int, seed: int = 0) -> np.ndarray:
        """Latents from the spec's prior, float32 (n, latent_dim); the same on every backend for the same seed."""
        return self.spec.latents(n, seed)

    def labels(self, labels: Labels, n: int) -> np.ndarray | None:
        """Class indices int32 (n,) from an index, a class name, a sequence of either, or `None` (every class in turn).

        Raises:
            InputError: a label out of range, an unknown class name, the wrong number of labels, or labels for an
                unconditional generator.
        """
        return self.spec.labels(labels, n)

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

        Raises:
            InputError: n, labels, seed or truncation out of range; `DivergedError` where the generator gives NaN.
        """
        if n < 1:
            raise InputError(f"n must be at least 1. Received: {n}.")
        latents = self.truncated(self.latents(n, seed), truncation)
        return self.images(latents, self.labels(labels, n), batch_size)

    def truncated(self, latents: np.ndarray, truncation: float) -> np.ndarray:
        """Latents float32 (n, latent_dim) pulled towards the mean latent by a factor from 0 to 1, see `generate`."""
        mean = np.asarray(self.spec.mean_latent or np.zeros(self.spec.latent_dim), "float32")
        return mean + np.float32(check_truncation(truncation)) * (latents - mean)

    def spread(self, factor: float) -> "Sampler":
        """A Sampler whose generator draws from latents pushed from the mean latent by a factor: truncation backwards.

        Above 1 it gives more of what is rare in its data, and more that is wrong; measure both. A layer before the
        generator multiplies the latents, so that every export does the same. The weights are shared, not copied.

        Args:
            factor: above 0; below 1 it is a truncation that stays.

        Raises:
            InputError: a factor that is not a finite number above 0.

        Example:
            >>> sampler, latents = gan.sampler(), np.ones((2, gan.latent_dim), "float32")
            >>> bool((sampler.spread(1.5).images(latents) == sampler.images(1.5 * latents)).all())
            True
        """
        if not 0 < factor < float("inf"):
            raise InputError(f"factor must be a finite number above 0. Received: {factor!r}.")
        inputs = [keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in self.generator.inputs]
        mean = (1.0 - factor) * np.asarray(self.spec.mean_latent or 0.0)
        pushed = keras.layers.Rescaling(float(factor), mean.tolist(), dtype="float32", name="spread")(inputs[0])
        image = self.generator([pushed, *inputs[1:]] if len(inputs) > 1 else pushed)
        generator = keras.Model(inputs if len(inputs) > 1 else inputs[0], image, name="generator")
        return Sampler(generator, self.spec, self.recipe, self.about)

    def images(self, latents: np.ndarray, labels: Labels = None, batch_size: int = 64) -> np.ndarray:
        """Images uint8 (n, height, width, channels) of given latents float32 (n, latent_dim)."""
        latents = self.spec.check_latents(latents)
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1. Received: {batch_size}.")
        values = self._outputs(latents, self.labels(labels, len(latents)), batch_size)
        if not np.isfinite(values).all():
            raise DivergedError(
                "The Sampler gives NaN or infinity: its training has diverged. Take an earlier checkpoint."
            )
        return self.to_uint8(values)

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
        return self.spec.to_uint8(values)

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
            content = {"spec": dataclasses.asdict(self.spec), "recipe": self.recipe}
            if self.about:
                content["about"] = self.about
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(SPEC_MEMBER, json.dumps(content))
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Sampler":
        """Reads what `save` wrote; nothing in the file is executed (Keras' safe mode stays on).

        Raises:
            InputError: no such file, a damaged one, not a Keras archive, one without a spec, or one that holds code.
        """
        from kerasgan import layers  # noqa: F401  registers our layers with Keras

        path = Path(path)
        try:
            there = path.is_file()
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be read ({error}).") from error
        if not there:
            raise InputError(f"No file {str(path)!r}. Expected a Sampler written by Sampler.save().")
        spec, recipe, about = _content(path)
        try:
            generator = keras.models.load_model(path, compile=False)
        # A layer that is unknown or would run code from the file; weights or a structure that are none.
        except Exception as error:
            raise InputError(f"The generator in {str(path)!r} cannot be loaded: {_brief(error)}") from error
        return cls(generator, spec, recipe, about)


def _content(path: Path) -> tuple[SampleSpec, dict[str, Any], dict[str, str]]:
    """What a `.keras` file holds beside the network."""
    try:
        check_zip(path)
        with zipfile.ZipFile(path) as archive:
            if SPEC_MEMBER not in archive.namelist():
                raise InputError(
                    f"{str(path)!r} is a Keras model without a sample spec. Load it with keras.models.load_model and "
                    "give it to kerasgan.Sampler(generator, SampleSpec(...)), or use GAN.sampler()."
                )
            content = json.loads(archive.read(SPEC_MEMBER))
            return SampleSpec(**content["spec"]), dict(content["recipe"]), dict(content.get("about") or {})
    except zipfile.BadZipFile as error:
        raise InputError(f"{str(path)!r} is damaged or not a .keras file ({error}).") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r} is damaged: its {SPEC_MEMBER} is none ({_brief(error)}).") from error


def _brief(error: Exception) -> str:
    """What went wrong, without the layer's configuration and without Keras' advice to turn its safe mode off."""
    text = str(error).rpartition("Exception encountered: ")[2]
    for rest in ("If you trust", "Full object config", "config={"):
        text = text.partition(rest)[0]
    own = " On the command line --from FILE.py runs a file that defines it." if "Could not locate" in text else ""
    return f"{type(error).__name__}: {text.strip()}{own}"


def _check_ends(generator: Any) -> None:
    """What takes and gives dictionaries or several images cannot be called as all that draws and exports calls it."""
    try:
        # A Sequential has no `input` and no `output` before it is called.
        sequential = isinstance(generator, keras.Sequential)
        taken = generator.inputs if sequential else generator.input
        given = generator.compute_output_spec(generator.inputs[0]) if sequential else generator.output
    except AttributeError:  # it was never built
        taken = given = None
    functional = isinstance(generator, keras.Model) and hasattr(generator, "inputs")
    tensors = [given, *(taken if isinstance(taken, list | tuple) else [taken])]
    if not functional or not all(isinstance(tensor, keras.KerasTensor) for tensor in tensors):
        raise InputError(
            "A generator is a functional keras.Model from one tensor, or a list of them, to one tensor. Received: "
            f"{type(generator).__name__} that is not built so."
        )


def _check_shape(what: str, found: Any, expected: tuple[int, ...]) -> None:
    if len(found) != len(expected) or any(n not in (None, m) for n, m in zip(found, expected, strict=True)):
        raise InputError(f"The generator {what} of shape {tuple(found)}, and its spec says {tuple(expected)}.")
