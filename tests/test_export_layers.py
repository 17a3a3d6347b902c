"""Layers and ways to put networks together that must travel. SavedModel keeps TensorFlow's own operations."""

import keras
import numpy as np
import pytest

from kerasgan import export
from kerasgan.export import parity
from kerasgan.sampler import Sampler, SampleSpec

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )

L = keras.layers
FORMATS = {
    "onnx": (export.to_onnx, "generator.onnx"),
    "saved_model": (export.to_saved_model, "saved"),
    "litert": (export.to_litert, "generator.tflite"),
}


def attention(x):
    query, key, value = (L.Conv2D(4, 1)(x) for _ in range(3))
    query, key, value = (L.Reshape((64, 4))(part) for part in (query, key, value))
    weights = L.Softmax()(keras.ops.matmul(query, keras.ops.transpose(key, (0, 2, 1))))
    return L.Add()([x, L.Reshape((8, 8, 4))(keras.ops.matmul(weights, value))])


def heads(x):
    flat = L.Reshape((64, 4))(x)
    return L.Reshape((8, 8, 4))(L.MultiHeadAttention(2, 3)(flat, flat))


def modulation(x):
    style = L.Dense(4)(L.GlobalAveragePooling2D()(x))
    return x * (1.0 + keras.ops.expand_dims(keras.ops.expand_dims(style, 1), 1))


def shared(x):
    layer = L.Conv2D(4, 3, padding="same", activation="relu")
    return layer(layer(x))


def recurrent(layer):
    """A loop, whose body is a graph of its own."""
    return lambda x: L.Reshape((8, 8, 4))(layer(L.Reshape((64, 4))(x)))


LOOPS = ("simple_rnn", "lstm")  # of a free batch, which TensorFlow's converter to LiteRT does not take


def residual(x):
    return L.Concatenate()([L.AveragePooling2D(2)(L.UpSampling2D()(x)), x])


LAYERS = {
    "simple_rnn": recurrent(L.SimpleRNN(4, return_sequences=True)),
    "lstm": recurrent(L.LSTM(4, return_sequences=True)),
    "transposed": L.Conv2DTranspose(4, 4, 2, padding="same"),
    "nearest": L.UpSampling2D((2, 3)),
    "nearest_channels_first": L.UpSampling2D(data_format="channels_first"),
    "bilinear": L.UpSampling2D(interpolation="bilinear"),
    "batch_normalization": L.BatchNormalization(),
    "layer_normalization": L.LayerNormalization(),
    "group_normalization": L.GroupNormalization(2),
    "unit_normalization": L.UnitNormalization(),
    "spectral_normalization": lambda x: L.SpectralNormalization(L.Conv2D(4, 3))(x, training=False),
    "leaky_relu": L.LeakyReLU(0.3),
    "prelu": L.PReLU(shared_axes=[1, 2]),
    "silu": L.Activation("silu"),
    "tanh_gelu": L.Activation(lambda x: keras.activations.gelu(x, approximate=True)),
    "depthwise": L.SeparableConv2D(4, 3),
    "dropout": L.Dropout(0.5),
    "noise_in_training": L.GaussianNoise(1.0),
    "padding": lambda x: L.Cropping2D(1)(L.ZeroPadding2D(2)(x)),
    "reshape": lambda x: keras.ops.reshape(x, (-1, 16, 16, 1)),
    "attention": attention,
    "multi_head_attention": heads,
    "modulation": modulation,
    "shared": shared,
    "residual": residual,
}


def sampler_of(generator, **spec):
    """With weights that matter: Keras starts biases and moving means at zero."""
    rng = np.random.default_rng(0)
    generator.set_weights([w + rng.uniform(0, 0.3, w.shape).astype("float32") for w in generator.get_weights()])
    latent_dim = generator.inputs[0].shape[-1]
    return Sampler(generator, SampleSpec(latent_dim, generator.outputs[0].shape[1:], **spec))


LITERT = ("transposed", "nearest", "multi_head_attention")
"""Layers that the default tests write as LiteRT too."""


@pytest.mark.parametrize(
    "format, name",
    [("onnx", name) for name in LAYERS]
    + [
        pytest.param("litert", name, marks=() if name in LITERT else pytest.mark.slow)
        for name in LAYERS
        if name not in LOOPS
    ],
)
def test_layer_travels(format, name, tmp_path):
    latent = keras.Input((6,))
    x = LAYERS[name](L.Reshape((8, 8, 4))(L.Dense(256)(latent)))
    sampler = sampler_of(keras.Model(latent, L.Conv2D(3, 3, activation="tanh")(x)))
    to_format, file = FORMATS[format]
    to_format(sampler, tmp_path / file)


def wrapped(classes=3):
    """As the engine wraps users' networks: a network of latent and one-hot label inside one of latent and index."""
    latent, one_hot = keras.Input((4,)), keras.Input((classes,))
    x = L.Reshape((4, 4, 3))(L.Dense(48)(L.Concatenate()([latent, one_hot])))
    block_in = keras.Input((4, 4, 3))
    block = keras.Model(block_in, L.Conv2D(3, 3, padding="same")(L.UpSampling2D()(block_in)))
    inner = keras.Model([latent, one_hot], L.Activation("tanh")(block(x)))
    latent, label = keras.Input((4,)), keras.Input((), dtype="int32")
    vector = keras.ops.squeeze(keras.ops.expand_dims(keras.ops.one_hot(label, classes), 1), 1)
    return keras.Model([latent, label], inner([latent, vector])), inner


@pytest.mark.parametrize("to_format, file", FORMATS.values(), ids=FORMATS)
def test_nested_networks_travel(to_format, file, tmp_path):
    generator, inner = wrapped()
    sampler = sampler_of(generator, class_names=("a", "b", "c"))
    before = sampler.generate(6)
    to_format(sampler, tmp_path / file)
    np.testing.assert_array_equal(sampler.generate(6), before)
    assert sum(isinstance(layer, L.UpSampling2D) for layer in inner._flatten_layers()) == 1


def test_nearest_upsampling_is_one_operation(tmp_path):
    import onnx

    sampler = sampler_of(wrapped()[0], class_names=("a", "b", "c"))
    graph = onnx.load(export.to_onnx(sampler, tmp_path / "generator.onnx").path).graph
    operations = [node.op_type for node in graph.node]
    assert operations.count("Resize") == 1 and "Tile" not in operations


def test_restless_networks_are_not_refused(tmp_path):
    """What a network makes of float32's rounding, as large attention logits do, is no fault of the conversion.

    Some machines round alike in both runtimes, so the other rounding is made here.
    """
    keras.utils.set_random_seed(0)
    latent = keras.Input((32,))
    x = keras.ops.sin(5000.0 * L.Dense(64)(latent))
    sampler = sampler_of(keras.Model(latent, L.Reshape((8, 8, 1))(x)))
    export.to_onnx(sampler, tmp_path / "generator.onnx")

    def otherwise_rounded(latent, label, truncation):
        image = keras.ops.convert_to_numpy(sampler.generator(latent * truncation * np.float32(1 + 2e-7)))
        return image, sampler.to_uint8(image)

    figures = parity.compare(otherwise_rounded, parity.reference_of(sampler), sampler.spec.value_range)
    assert 1e-4 < figures.largest < figures.allowed < 0.06


def test_sequential_travels(tmp_path):
    generator = keras.Sequential([keras.Input((5,)), L.Dense(32), L.Reshape((4, 4, 2)), L.UpSampling2D()])
    for to_format, file in FORMATS.values():
        to_format(sampler_of(generator), tmp_path / file)


def test_label_may_be_ignored_by_the_network(tmp_path):
    """The contract's inputs stay, whatever the network does with them."""
    import onnxruntime

    latent, label = keras.Input((4,)), keras.Input((), dtype="int32")
    generator = keras.Model([latent, label], L.Reshape((4, 4, 1))(L.Dense(16)(latent)))
    sampler = sampler_of(generator, class_names=("a", "b"))
    export.to_saved_model(sampler, tmp_path / "saved")
    path = export.to_onnx(sampler, tmp_path / "generator.onnx").path
    names = [value.name for value in onnxruntime.InferenceSession(path).get_inputs()]
    assert names == ["latent", "label", "truncation"]
