"""Conditional batch normalization, self-attention and grouped convolutions against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import layers

SHAPE = (3, 5, 4, 8)


def images(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numpy(x):
    return ops.convert_to_numpy(x)


def filled(layer, seed=1):
    rng = np.random.default_rng(seed)
    for v in layer.trainable_variables:
        v.assign(rng.normal(0.0, 0.5, v.shape).astype("float32"))
    return layer


def test_conditional_batch_normalization():
    layer = layers.ConditionalBatchNormalization(4, momentum=0.5, epsilon=1e-3)
    x, label = images() * 3.0 + 1.0, np.array([2, 0, 3], "int32")
    layer.build([SHAPE, (3,)])
    normal = (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + 1e-3)
    np.testing.assert_allclose(numpy(layer([x, label], training=True)), normal, atol=1e-5)
    filled(layer)
    scale, offset = (numpy(table.embeddings)[label][:, None, None] for table in (layer.scale, layer.offset))
    np.testing.assert_allclose(numpy(layer([x, label], training=True)), normal * scale + offset, atol=1e-4)
    mean, variance = 0.75 * x.mean(axis=(0, 1, 2)), 0.25 + 0.75 * x.var(axis=(0, 1, 2))  # after two steps
    expected = (x - mean) / np.sqrt(variance + 1e-3) * scale + offset
    np.testing.assert_allclose(numpy(layer([x, label], training=False)), expected, atol=1e-4)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_self_attention():
    layer = layers.SelfAttention(spectral=False)
    x = images((2, 4, 6, 16))
    np.testing.assert_array_equal(numpy(layer(x)), x)  # its factor starts at 0
    filled(layer)

    def through(part):
        return x @ numpy(part.kernel)[0, 0]

    def pooled(y):
        return y.reshape(2, 2, 2, 3, 2, -1).max(axis=(2, 4)).reshape(2, 6, -1)

    query = through(layer.query).reshape(2, 24, -1)
    key, value = pooled(through(layer.key)), pooled(through(layer.value))
    assert (query.shape[-1], key.shape[-1], value.shape[-1]) == (2, 2, 8)
    seen = softmax(query @ key.transpose(0, 2, 1)) @ value
    expected = x + float(numpy(layer.gain)) * (seen @ numpy(layer.out.kernel)[0, 0]).reshape(x.shape)
    np.testing.assert_allclose(numpy(layer(x)), expected, rtol=1e-4, atol=1e-4)


def test_self_attention_is_spectrally_normalised():
    layer = layers.SelfAttention()
    layer.build(SHAPE)
    before = numpy(layer.query.u).copy()
    layer(images(), training=False)
    np.testing.assert_array_equal(numpy(layer.query.u), before)
    layer(images(), training=True)
    for part in (layer.query, layer.key, layer.value, layer.out):
        assert part.u.shape == (part.filters,)
    assert not np.array_equal(numpy(layer.query.u), before) or layer.query.filters == 1
    assert not np.allclose(numpy(layer.out.u), 0)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_convolution(groups):
    layer = layers.GroupedConv2D(12, 3, padding="same", groups=groups)
    layer.build(SHAPE)
    filled(layer)
    x, kernel = images(), numpy(layer.kernel)
    assert kernel.shape == (3, 3, 8 // groups, 12)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    expected = np.zeros((*SHAPE[:3], 12))
    for g in range(groups):
        inside, outside = slice(g * 8 // groups, (g + 1) * 8 // groups), slice(g * 12 // groups, (g + 1) * 12 // groups)
        for i, j in np.ndindex(3, 3):
            patch = padded[:, i : i + 5, j : j + 4, inside]
            expected[..., outside] += patch @ kernel[i, j, :, outside]
    np.testing.assert_allclose(numpy(layer(x)), expected + numpy(layer.bias), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        layers.ConditionalBatchNormalization(3, momentum=0.7, epsilon=0.1),
        layers.SelfAttention(spectral=False),
        layers.GroupedConv2D(4, 3, groups=2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_built_again_from_its_config(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_mixed_precision():
    for layer, inputs in (
        (layers.SelfAttention(dtype="mixed_bfloat16"), images()),
        (layers.ConditionalBatchNormalization(3, dtype="mixed_bfloat16"), [images(), np.array([0, 1, 2])]),
    ):
        out = layer(inputs)
        assert keras.backend.standardize_dtype(out.dtype) == "bfloat16"
        assert {keras.backend.standardize_dtype(v.dtype) for v in layer.trainable_variables} == {"float32"}
