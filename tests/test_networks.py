"""Anyone's networks in the canonical form: same outputs, and refusals that say what to do."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import backend
from kerasgan.errors import InputError
from kerasgan.gans.networks import canonical_discriminator, canonical_generator, known_classes, last_activation

CLASSES = 5
LABELS = np.array([0, 4, 2, 2], "int32")
LATENTS = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
IMAGES = np.random.default_rng(1).normal(size=(4, 3, 4, 2)).astype("float32")


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


# Each player's first input, the layers behind it, and what it is called with.
PLAYERS = {
    "generator": (canonical_generator, (6,), (3, 4, 2), LATENTS),
    "discriminator": (canonical_discriminator, (3, 4, 2), (1,), IMAGES),
}
# Label inputs as people make them: (input, its embedding, what the label is given as).
LABEL_INPUTS = {
    "int": (lambda: keras.Input((), dtype="int32"), lambda: keras.layers.Embedding(CLASSES, 8), LABELS),
    "int64": (lambda: keras.Input((), dtype="int64"), lambda: keras.layers.Embedding(CLASSES, 8), LABELS),
    "float": (lambda: keras.Input(()), lambda: keras.layers.Embedding(CLASSES, 8), LABELS),
    "int_column": (
        lambda: keras.Input((1,), dtype="int32"),
        lambda: keras.layers.Embedding(CLASSES, 8),
        LABELS[:, None],
    ),
    "float_column": (lambda: keras.Input((1,)), lambda: keras.layers.Embedding(CLASSES, 8), LABELS[:, None]),
    "one_hot": (lambda: keras.Input((CLASSES,)), lambda: keras.layers.Dense(8), np.eye(CLASSES)[LABELS]),
    "int_one_hot": (
        lambda: keras.Input((CLASSES,), dtype="int32"),
        lambda: keras.layers.Dense(8),
        np.eye(CLASSES)[LABELS],
    ),
}


def head(shape):
    """Layers that end in a shape."""
    return [keras.layers.Dense(int(np.prod(shape))), keras.layers.Reshape(shape)]


def unconditional(shape_in, shape_out):
    first = keras.Input(shape_in)
    x = keras.layers.Flatten()(first)
    for layer in head(shape_out):
        x = layer(x)
    return keras.Model(first, x)


def conditional(shape_in, shape_out, kind="int"):
    make_input, embed, _ = LABEL_INPUTS[kind]
    first, label = keras.Input(shape_in), make_input()
    vector = keras.layers.Flatten()(embed()(label))
    x = keras.layers.Concatenate()([keras.layers.Flatten()(first), vector])
    for layer in head(shape_out):
        x = layer(x)
    return keras.Model([first, label], x)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, shape_out, **kwargs):
        super().__init__(**kwargs)
        self.shape_out = shape_out
        self.all = [keras.layers.Flatten(), *head(shape_out)]

    def call(self, inputs):
        for layer in self.all:
            inputs = layer(inputs)
        return inputs

    def get_config(self):
        return {**super().get_config(), "shape_out": self.shape_out}


def run(network, *inputs):
    tensors = [ops.cast(i, x.dtype) for i, x in zip(inputs, network.inputs, strict=True)]
    return ops.convert_to_numpy(network(tensors if len(tensors) > 1 else tensors[0]))


def is_canonical(network, name, shape_in, with_label):
    assert isinstance(network, keras.Model)
    assert not isinstance(network, keras.Sequential)
    inputs = [(tuple(i.shape), i.dtype) for i in network.inputs]
    assert inputs == [((None, *shape_in), "float32")] + [((None,), "int32")] * with_label
    # A plain functional model: it can be cloned, and saved without its author's classes beside those it holds.
    assert type(keras.models.clone_model(network)) is type(network)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("kind", LABEL_INPUTS)
def test_any_label_input_becomes_an_index(player, kind):
    if (backend.NAME, kind) == ("jax", "int64"):
        pytest.skip("JAX has no int64 unless asked for")
    canonical, shape_in, shape_out, first = PLAYERS[player]
    network = conditional(shape_in, shape_out, kind)
    made = canonical(network)
    is_canonical(made, player, shape_in, with_label=True)
    out = run(made, first, LABELS)
    np.testing.assert_allclose(out, run(network, first, LABEL_INPUTS[kind][2]), rtol=1e-6)
    assert np.abs(out - run(made, first, (LABELS + 1) % CLASSES)).max(axis=tuple(range(1, out.ndim))).min() > 1e-5


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("style", ["functional", "sequential", "subclassed", "nested", "sequential_in_functional"])
def test_any_style_of_network_becomes_functional(player, style):
    canonical, shape_in, shape_out, first = PLAYERS[player]
    start = keras.Input(shape_in)
    if style == "functional":
        network = unconditional(shape_in, shape_out)
    elif style == "sequential":
        network = keras.Sequential([start, keras.layers.Flatten(), *head(shape_out)])
    elif style == "subclassed":
        network = keras.Model(start, Subclassed(shape_out)(start))
    elif style == "nested":
        inner = unconditional(shape_in, (9,))
        network = keras.Model(start, unconditional((9,), shape_out)(inner(start)))
    else:
        network = keras.Model(start, keras.Sequential([keras.layers.Flatten(), *head(shape_out)])(start))
    made = canonical(network)
    is_canonical(made, player, shape_in, with_label=False)
    np.testing.assert_allclose(run(made, first), run(network, first), rtol=1e-6)


@pytest.mark.parametrize("player", PLAYERS)
def test_a_canonical_network_shares_the_weights_it_was_made_of(player):
    canonical, shape_in, shape_out, first = PLAYERS[player]
    network = conditional(shape_in, shape_out, "one_hot")
    made = canonical(network)
    assert {id(w) for w in made.trainable_weights} == {id(w) for w in network.trainable_weights}
    network.set_weights([w * 2 for w in network.get_weights()])
    np.testing.assert_allclose(run(made, first, LABELS), run(network, first, np.eye(CLASSES)[LABELS]), rtol=1e-6)


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("kind", [None, "int"])
def test_a_canonical_network_is_taken_as_it_is(player, kind):
    canonical, shape_in, shape_out, _ = PLAYERS[player]
    network = conditional(shape_in, shape_out) if kind else unconditional(shape_in, shape_out)
    assert canonical(network) is network


@pytest.mark.parametrize("player", PLAYERS)
def test_a_network_without_known_inputs_is_refused(player):
    canonical, _, shape_out, _ = PLAYERS[player]
    for network in (Subclassed(shape_out), keras.Sequential(head(shape_out))):
        with pytest.raises(InputError, match=f"The {player} has no known inputs.*keras.Input"):
            canonical(network)


@pytest.mark.parametrize("player", PLAYERS)
def test_a_network_of_three_inputs_is_refused(player):
    canonical, shape_in, shape_out, _ = PLAYERS[player]
    network = conditional(shape_in, shape_out)
    more = keras.Input((2,))
    three = keras.Model([*network.inputs, more], [network.outputs[0], more])
    with pytest.raises(InputError, match=rf"The {player} must take .*label\]. Received one with 3 inputs"):
        canonical(three)


@pytest.mark.parametrize("player", PLAYERS)
def test_a_label_input_of_another_shape_is_refused(player):
    canonical, shape_in, _, _ = PLAYERS[player]
    first, label = keras.Input(shape_in), keras.Input((2, 3))
    network = keras.Model([first, label], [keras.layers.Flatten()(first), label])
    with pytest.raises(InputError, match=r"label input must have shape .*Received \(None, 2, 3\)"):
        canonical(network)


@pytest.mark.parametrize("shape", [(None,), (3, 4), ()])
def test_a_generator_that_takes_no_vector_is_refused(shape):
    x = keras.Input(shape)
    with pytest.raises(InputError, match="first input must be the latent vector, of shape"):
        canonical_generator(keras.Model(x, keras.layers.Activation("tanh")(x)))


@pytest.mark.parametrize("shape", [(None, None, 3), (8, None, 3), (8, 8, None)])
def test_a_discriminator_of_unknown_image_size_is_refused(shape):
    x = keras.Input(shape)
    with pytest.raises(InputError, match="first input must be the image, of known shape"):
        canonical_discriminator(keras.Model(x, keras.layers.Activation("relu")(x)))


def ending_in(activation, style):
    x = keras.Input((4,))
    if style == "argument":
        return keras.Model(x, keras.layers.Dense(1, activation=activation)(x))
    if style == "layer":
        return keras.Model(x, keras.layers.Activation(activation)(keras.layers.Dense(1)(x)))
    if style == "sequential":
        return keras.Sequential([x, keras.layers.Dense(1), keras.layers.Activation(activation)])
    return keras.Model(x, ending_in(activation, "argument")(x))


@pytest.mark.parametrize("style", ["argument", "layer", "sequential", "nested"])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "tanh"])
def test_a_discriminator_of_probabilities_is_refused(activation, style):
    with pytest.raises(InputError, match=f"must return logits.*ends in {activation}: remove that activation"):
        canonical_discriminator(ending_in(activation, style))


@pytest.mark.parametrize("style", ["argument", "layer", "sequential", "nested"])
@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_other_endings_are_let_through(activation, style):
    network = ending_in(activation, style)
    assert last_activation(network) == activation
    canonical_discriminator(network)


def test_a_sigmoid_inside_a_discriminator_is_let_through():
    x = keras.Input((4,))
    canonical_discriminator(keras.Model(x, keras.layers.Dense(1)(keras.layers.Dense(3, activation="sigmoid")(x))))


@pytest.mark.parametrize("kind", LABEL_INPUTS)
def test_known_classes_are_read_off_the_label_input_or_the_embedding(kind):
    assert known_classes(conditional((6,), (2,), kind)) == CLASSES


def test_known_classes_are_found_inside_nested_networks():
    latent, label = keras.Input((6,)), keras.Input((), dtype="int32")
    embed = keras.Sequential([keras.layers.Embedding(CLASSES, 6), keras.layers.Dense(6)])
    assert known_classes(keras.Model([latent, label], latent + embed(label))) == CLASSES


def test_classes_that_cannot_be_told_are_none():
    latent, label = keras.Input((6,)), keras.Input((1,))
    assert known_classes(keras.Model([latent, label], keras.layers.Concatenate()([latent, label]))) is None
    two = keras.layers.Embedding(3, 6)(label) + keras.layers.Embedding(4, 6)(label)
    assert known_classes(keras.Model([latent, label], [latent, two])) is None


def test_endings_written_with_ops_are_seen():
    x = keras.Input((8, 8, 1))
    y = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    assert last_activation(keras.Model(x, keras.ops.sigmoid(y))) == "sigmoid"
    assert last_activation(keras.Model(x, keras.ops.reshape(keras.layers.Dense(4, "tanh")(y), (-1, 2, 2)))) == "tanh"
    assert last_activation(keras.Model(x, keras.ops.sum(keras.layers.Dense(4, "tanh")(y), axis=1))) == "sum"
    assert last_activation(keras.Model(x, y)) == "linear"
    with pytest.raises(InputError, match="logits"):
        canonical_discriminator(keras.Model(x, keras.ops.sigmoid(y)))
