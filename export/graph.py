"""The contract as a TensorFlow function: `latent`, `label`, `truncation` in; `image`, `image_uint8` out."""

import re
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from kerasgan.errors import InputError
from kerasgan.export.network import layers
from kerasgan.sampler import SampleSpec

# Scopes of what stands before the generator and behind it: arithmetic that must stay exact.
TRUNCATE, TO_UINT8 = "truncate", "to_uint8"

# Operations that give other images in every runtime, or work only beside this Python process.
_STAYS = {
    "draws random numbers inside the network; give the noise as part of the latent, or fix it as a weight": re.compile(
        "Random|TruncatedNormal|Multinomial"
    ),
    "calls back into Python": re.compile("PyFunc"),
}


def input_specs(spec: SampleSpec) -> list[tf.TensorSpec]:
    """`latent` float32 (batch, latent_dim), `label` int32 (batch,) if conditional, `truncation` float32 ()."""
    label = [tf.TensorSpec([None], tf.int32, name="label")] if spec.class_names else []
    latent = tf.TensorSpec([None, spec.latent_dim], tf.float32, name="latent")
    return [latent, *label, tf.TensorSpec([], tf.float32, name="truncation")]


def traced(generator: keras.Model, spec: SampleSpec) -> tf.types.experimental.PolymorphicFunction:
    """The function every format is made of, traced once.

    Args:
        generator: functional, float32.
        spec: its latents, classes and value range.

    Returns:
        a `tf.function` of the tensors of `input_specs` to a dictionary: `image` float32 (batch, *image_shape) in
        `spec.value_range`, and `image_uint8` of the same shape.

    Raises:
        InputError: a layer that TensorFlow cannot trace, that draws random numbers, or that calls back into Python.
    """
    function = tf.function(_images(generator, spec), input_signature=input_specs(spec), autograph=False)
    try:
        graph = function.get_concrete_function().graph
    except Exception as error:
        raise InputError(f"The generator cannot be exported: TensorFlow cannot trace it ({error}).") from error
    for name, operation in operations(graph):
        for reason, pattern in _STAYS.items():
            if pattern.search(operation):
                raise InputError(f"The layer {layer_of(name, generator)!r} cannot be exported: it {reason}.")
    return function


def sample_function(generate_uint8: Callable, spec: SampleSpec) -> tf.types.experimental.PolymorphicFunction:
    """A function that draws its own latents.

    Takes `n` int32 (), `seed` int32 (2,), for a conditional generator one class `label` int32 (), and `truncation`
    float32 (); gives `image_uint8` (n, *image_shape), the same for the same seed.
    """

    def latents(n, seed):
        shape = [n, spec.latent_dim]
        if spec.prior == "uniform":
            return tf.random.stateless_uniform(shape, seed, -1.0, 1.0)
        if spec.prior == "truncated_normal":
            return tf.random.stateless_truncated_normal(shape, seed)
        return tf.random.stateless_normal(shape, seed)

    def conditional(n, seed, label, truncation):
        return generate_uint8(latents(n, seed), tf.fill([n], label), truncation)

    def unconditional(n, seed, truncation):
        return generate_uint8(latents(n, seed), truncation)

    label = [tf.TensorSpec([], tf.int32, name="label")] if spec.class_names else []
    specs = [tf.TensorSpec([], tf.int32, name="n"), tf.TensorSpec([2], tf.int32, name="seed"), *label]
    specs.append(tf.TensorSpec([], tf.float32, name="truncation"))
    return tf.function(conditional if spec.class_names else unconditional, input_signature=specs)


def layer_of(operation: str, generator: keras.Model) -> str:
    """The innermost layer in whose scope an operation stands, or the operation's own name."""
    known = {layer.name for layer in layers(generator)}
    for scope in reversed(operation.split("/")):
        for name in (scope, re.sub(r"_\d+$", "", scope)):  # TensorFlow numbers a scope that is entered again
            if name in known:
                return name
    return operation


def _images(generator: keras.Model, spec: SampleSpec) -> Callable[..., dict[str, tf.Tensor]]:
    low, high = spec.value_range

    def outputs(inputs, latent, truncation):
        with tf.name_scope(TRUNCATE):
            if spec.mean_latent is None:
                latent = latent * truncation
            else:
                mean = tf.constant([spec.mean_latent], tf.float32)
                latent = mean + truncation * (latent - mean)
        image = tf.cast(generator([latent, *inputs] if inputs else latent, training=False), tf.float32)
        with tf.name_scope(TO_UINT8):
            scaled = tf.round((image - low) * (255.0 / (high - low)))
            image_uint8 = tf.cast(tf.clip_by_value(scaled, 0.0, 255.0), tf.uint8)
        return {"image": image, "image_uint8": image_uint8}

    def conditional(latent, label, truncation):
        return outputs([label], latent, truncation)

    def unconditional(latent, truncation):
        return outputs([], latent, truncation)

    return conditional if spec.class_names else unconditional


def operations(graph: tf.Graph) -> Iterator[tuple[str, str]]:
    """Name and kind of every operation, also of those inside functions."""
    definition = graph.as_graph_def()
    for node in definition.node:
        yield node.name, node.op
    for function in definition.library.function:
        for node in function.node_def:
            yield node.name, node.op
