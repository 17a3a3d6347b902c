"""What stands inside every artifact: whose generator it is, what it takes and gives, and where it comes from."""

import hashlib
import importlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from kerasgan.errors import InputError
from kerasgan.export.network import precisions
from kerasgan.recipe import without_place
from kerasgan.sampler import Sampler

ABOUT = ("name", "version", "dataset", "license", "dataset_license")


def checked_about(sampler: Sampler, about: Mapping[str, str] | None) -> dict[str, str]:
    """The sampler's own `about`, with the given one's values in their place.

    Raises:
        InputError: a key that is not in `ABOUT`, or a value that is no string.
    """
    about = {**sampler.about, **(about or {})}
    wrong = [key for key, value in about.items() if key not in ABOUT or not isinstance(value, str)]
    if wrong:
        raise InputError(f"`about` takes the strings {', '.join(ABOUT)}. Received: {about!r}.")
    return about


def metadata(
    sampler: Sampler, about: Mapping[str, str], libraries: Iterable[str], dtype: str = "float32"
) -> dict[str, Any]:
    """JSON-safe values, the same for the same sampler: no time, no machine.

    Args:
        sampler: what is exported.
        about: from `checked_about`; what it leaves out comes from the recipe, or is an empty string.
        libraries: the modules whose versions matter, besides kerasgan and Keras.
        dtype: of `quantize.DTYPES`.
    """
    spec, recipe = sampler.spec, without_place(sampler.recipe)
    return {
        "name": about.get("name") or recipe.get("name") or "generator",  # never Keras' name for it, which counts up
        "version": about.get("version", ""),
        "dataset": about.get("dataset") or recipe.get("dataset", ""),
        "dataset_license": about.get("dataset_license", ""),
        "license": about.get("license", ""),
        "latent_dim": spec.latent_dim,
        "prior": spec.prior,
        "class_names": list(spec.class_names),
        "image_shape": list(spec.image_shape),
        "value_range": list(spec.value_range),
        "dtype": dtype,
        "trained_in": " and ".join(sorted(precisions(sampler.generator))),
        "parameters": sampler.generator.count_params(),
        "weights_sha256": weights_sha256(sampler),
        "recipe": recipe,
        "libraries": {
            "kerasgan": importlib.metadata.version("kerasgan"),
            **{name: importlib.import_module(name).__version__ for name in ("keras", *libraries)},
        },
    }


def as_strings(values: Mapping[str, Any]) -> dict[str, str]:
    """The same for formats that hold strings only: anything else as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v, sort_keys=True) for k, v in sorted(values.items())}


def weights_sha256(sampler: Sampler) -> str:
    """Of shapes and float32 values in the generator's order; layer names, which count up per process, stay out."""
    digest = hashlib.sha256()
    for weight in sampler.generator.weights:
        values = keras.ops.convert_to_numpy(weight).astype("float32")
        digest.update(str(values.shape).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()
