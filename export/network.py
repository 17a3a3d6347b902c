"""The generator made ready to travel: float32, finite, and of layers that every runtime takes."""

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.precision import built_in
from kerasgan.sampler import Sampler

_LARGEST = 2**31 - 1  # bytes
_OTHER_FLOATS = re.compile(r"(mixed_)?b?float16|float64")


def layers(generator: keras.Model) -> list[keras.layers.Layer]:
    """Every layer, also those inside nested models and custom layers, but no input layers."""
    found = generator._flatten_layers(include_self=False)
    return [layer for layer in found if not isinstance(layer, keras.layers.InputLayer)]


def precisions(generator: keras.Model) -> set[str]:
    """Names of the layers' dtype policies, as `"float32"` or `"mixed_bfloat16"`."""
    return {layer.dtype_policy.name for layer in layers(generator)}


def in_float32(sampler: Sampler) -> Sampler:
    """The sampler itself where all of it computes in float32, else a copy that does, with the same weights.

    Raises:
        InputError: weights that are NaN or infinite, or a layer that cannot be built again from its own config.
    """
    for weight in sampler.generator.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight).astype("float32")).all():
            raise InputError(
                f"The weight {weight.path!r} holds NaN or infinity: the training diverged, and there is nothing to "
                "export. Take an earlier checkpoint."
            )
    if not any(map(_OTHER_FLOATS.fullmatch, precisions(sampler.generator))):
        return sampler
    generator = _rebuilt(sampler.generator, lambda layer: type(layer).from_config(_float32(layer.get_config())))
    return Sampler(generator, sampler.spec, sampler.recipe, sampler.about)


def check_size(generator: keras.Model, format_name: str) -> None:
    """Raises `InputError` where the weights do not fit into one file: protobuf and flatbuffers count in 31 bits."""
    size = 4 * generator.count_params()
    if size > _LARGEST:
        raise InputError(
            f"One {format_name} file holds at most 2 GiB. This generator's weights take {size / 2**30:.1f} GiB."
        )


def with_resizes(generator: keras.Model) -> keras.Model:
    """The generator with nearest `UpSampling2D` as one resize, where Keras' own doubles the graph. TensorFlow only."""
    from kerasgan.export.resize import NearestResize

    def change(layer: Any) -> Any:
        if NearestResize.replaces(layer):
            return NearestResize(layer.size, name=layer.name)
        return type(layer).from_config(layer.get_config())

    if not any(map(NearestResize.replaces, layers(generator))):
        return generator
    return _rebuilt(generator, change)


def _rebuilt(generator: keras.Model, change: Callable[[Any], Any]) -> keras.Model:
    """A copy made of changed layers, nested models included; the generator and its layers stay as they are."""

    def checked(layer):
        try:
            return change(layer)
        except Exception as error:
            raise InputError(
                f"The layer {layer.name!r} ({type(layer).__name__}) cannot be exported: it cannot be built again "
                f"from its own get_config() ({type(error).__name__}: {error})."
            ) from error

    # Layers that a custom layer makes for itself take the global policy, not one from a config.
    with built_in("float32"):
        copy = keras.models.clone_model(generator, clone_function=checked, recursive=True)
    weights = generator.get_weights()
    if [weight.shape for weight in weights] != [tuple(weight.shape) for weight in copy.weights]:
        raise InputError(
            f"The generator {generator.name!r} cannot be exported: built again from its config it has other weights."
        )
    copy.set_weights([value.astype(weight.dtype) for value, weight in zip(weights, copy.weights, strict=True)])
    return copy


def _float32(config: Any) -> Any:
    """The config with every other floating point policy in it, also those of wrapped layers, turned into float32."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return _float32(config["config"]["name"])
        return {key: _float32(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(map(_float32, config))
    if isinstance(config, str) and _OTHER_FLOATS.fullmatch(config):
        return "float32"
    return config
