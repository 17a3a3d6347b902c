"""Anyone's networks in the one form the rest of the library knows.

A generator takes `latent` float32 (batch, latent_dim), a conditional one also `label` int32 (batch,). A discriminator
takes `image` float32 (batch, ...), a conditional one also that label. Both are functional models. A network whose label
input is (batch, 1) or one-hot (batch, classes), a `Sequential` or a subclassed one is wrapped, not changed.
"""

import keras
from keras import ops

from kerasgan.errors import InputError

_MOVES_VALUES_ONLY = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Permute, keras.layers.Cropping2D)


def canonical_generator(generator: keras.Model) -> keras.Model:
    """The generator as a functional model of `latent`, or of `[latent, label]`."""
    latent, *label = _inputs(generator, "generator", "latent")
    if len(latent.shape) != 2 or latent.shape[1] is None:
        raise InputError(
            "The generator's first input must be the latent vector, of shape (batch, latent_dim). "
            f"Received an input of shape {tuple(latent.shape)}."
        )
    return _canonical(generator, keras.Input((latent.shape[1],), name="latent", dtype="float32"), label)


def canonical_discriminator(discriminator: keras.Model) -> keras.Model:
    """The discriminator as a functional model of `image`, or of `[image, label]`."""
    image, *label = _inputs(discriminator, "discriminator", "image")
    if any(size is None for size in image.shape[1:]):
        raise InputError(
            "The discriminator's first input must be the image, of known shape. "
            f"Received an input of shape {tuple(image.shape)}."
        )
    ending = last_activation(discriminator)
    if ending in ("sigmoid", "softmax", "tanh"):
        raise InputError(
            "The discriminator must return logits, because the losses contain the sigmoid. "
            f"Received one that ends in {ending}: remove that activation."
        )
    return _canonical(discriminator, keras.Input(image.shape[1:], name="image", dtype="float32"), label)


def _inputs(network, player, first):
    inputs = getattr(network, "inputs", None)
    if not inputs:
        raise InputError(
            f"The {player} has no known inputs. Give a functional model or a Sequential with an Input, or wrap a "
            f"subclassed one: keras.Model(inputs, network(inputs)) with inputs = keras.Input(...)."
        )
    if len(inputs) > 2:
        raise InputError(
            f"The {player} must take {first}, or [{first}, label]. Received one with {len(inputs)} inputs."
        )
    return inputs


def _canonical(network, first, label):
    if not label:
        if not _is_functional(network) or network.inputs[0].dtype != first.dtype:
            return keras.Model(first, network(first), name=network.name)
        return network
    (label,) = label
    if tuple(label.shape) == (None,) and label.dtype == "int32" and _is_functional(network):
        return network
    index = keras.Input((), name="label", dtype="int32")
    if tuple(label.shape) == (None,):
        given = ops.cast(index, label.dtype)
    elif len(label.shape) == 2 and label.shape[1] == 1:
        given = ops.cast(ops.expand_dims(index, -1), label.dtype)
    elif len(label.shape) == 2 and label.shape[1]:
        given = ops.one_hot(index, label.shape[1], dtype=label.dtype)
    else:
        raise InputError(
            "A label input must have shape (batch,), (batch, 1) or one-hot (batch, classes). "
            f"Received {tuple(label.shape)}. The label comes second: [latent, label] and [image, label]."
        )
    return keras.Model([first, index], network([first, given]), name=network.name)


def _is_functional(network) -> bool:
    return isinstance(network, keras.src.models.functional.Functional) and not isinstance(network, keras.Sequential)


def last_activation(network) -> str | None:
    """Name of the activation a network ends in, `None` where there is none or it cannot be told."""
    parts = getattr(network, "operations", None) or getattr(network, "layers", None) or [network]
    for part in reversed(parts):
        if getattr(part, "layers", None):
            return last_activation(part)
        if not isinstance(part, keras.Layer):
            name = type(part).__name__.lower()  # a function of keras.ops, as in `outputs = ops.sigmoid(x)`
            if name in ("reshape", "squeeze", "transpose", "cast"):
                continue
            return name
        if not isinstance(part, _MOVES_VALUES_ONLY):
            return getattr(getattr(part, "activation", None), "__name__", None)
    return None


def known_classes(network: keras.Model) -> int | None:
    """How many classes a conditional network is made for: its one-hot label's width, or its only embedding's rows."""
    width = network.inputs[1].shape[1:]
    if width and width[0] and width[0] > 1:
        return width[0]
    sizes = {layer.input_dim for layer in network._flatten_layers() if isinstance(layer, keras.layers.Embedding)}
    return sizes.pop() if len(sizes) == 1 else None
