"""Spectral normalization against algorithm 1 and equation 12 of Miyato et al., 2018, in NumPy."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import backend, layers
from kerasgan.errors import InputError

# Layer class, its arguments, what it is called with.
KINDS = {
    "dense": (layers.SpectralDense, {"units": 5}, (4, 7)),
    "dense_to_one": (layers.SpectralDense, {"units": 1}, (4, 7)),
    "dense_of_sequence": (layers.SpectralDense, {"units": 6}, (2, 3, 4)),
    "conv": (layers.SpectralConv2D, {"filters": 6, "kernel_size": 3}, (2, 5, 7, 3)),
    "conv_to_one": (layers.SpectralConv2D, {"filters": 1, "kernel_size": (3, 1)}, (1, 4, 4, 2)),
    "conv_strided": (
        layers.SpectralConv2D,
        {"filters": 4, "kernel_size": 4, "strides": 2, "padding": "same"},
        (2, 9, 6, 3),
    ),
    "embedding": (layers.SpectralEmbedding, {"input_dim": 9, "output_dim": 4}, (5,)),
}
PLAIN = {
    layers.SpectralDense: keras.layers.Dense,
    layers.SpectralConv2D: keras.layers.Conv2D,
    layers.SpectralEmbedding: keras.layers.Embedding,
}


def inputs(shape, seed=0):
    if len(shape) == 1:
        return ops.arange(shape[0], dtype="int32")
    return ops.convert_to_tensor(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def built(kind, **changes):
    """A linear layer without bias, and inputs for it."""
    cls, arguments, shape = KINDS[kind]
    if cls is not layers.SpectralEmbedding:
        changes = {"use_bias": False, **changes}
    keras.utils.set_random_seed(1)
    layer = cls(**arguments, **changes)
    layer.build(shape)
    return layer, inputs(shape)


def kernel(layer):
    return layer.embeddings if isinstance(layer, layers.SpectralEmbedding) else layer.kernel


def matrix(layer):
    """The weight as the paper's W^T, float64."""
    values = ops.convert_to_numpy(kernel(layer)).astype("float64")
    return values.reshape(-1, values.shape[-1])


def u_of(layer):
    return ops.convert_to_numpy(layer.u).astype("float64")


def sigma(layer, x, training=False):
    """What the layer divided its kernel by: Keras' own layer of the same weights over its output."""
    plain = ops.convert_to_numpy(PLAIN[type(layer)].call(layer, x))
    ratio = plain / ops.convert_to_numpy(layer(x, training=training))
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-3)
    return np.median(ratio)


def unit(vector):
    return vector / np.linalg.norm(vector)


def power_iteration(M, u):
    v = unit(M @ u)
    return v, unit(M.T @ v)


@pytest.mark.parametrize("kind", KINDS)
def test_each_training_call_is_one_power_iteration(kind):
    layer, x = built(kind)
    u = u_of(layer)
    for _ in range(3):
        v, u = power_iteration(matrix(layer), u)
        assert sigma(layer, x, training=True) == pytest.approx(v @ matrix(layer) @ u, rel=1e-4)
        np.testing.assert_allclose(u_of(layer), u, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_many_training_calls_find_the_largest_singular_value(kind):
    layer, x = built(kind)
    for _ in range(40):
        layer(x, training=True)
    assert sigma(layer, x) == pytest.approx(np.linalg.svd(matrix(layer), compute_uv=False)[0], rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_inference_leaves_u_alone_and_uses_it(kind):
    layer, x = built(kind)
    layer(x, training=True)
    u = ops.convert_to_numpy(layer.u)
    layer(x, training=True)
    assert (ops.convert_to_numpy(layer.u) != u).any() or len(u) == 1
    layer.u.assign(u)
    for _ in range(2):
        assert sigma(layer, x) == pytest.approx(np.linalg.norm(matrix(layer) @ u), rel=1e-4)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.u), u)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_never_trained_divides_by_a_stretch_its_kernel_can_make(kind):
    layer, x = built(kind)
    singular = np.linalg.svd(matrix(layer), compute_uv=False)
    assert singular[-1] * 0.999 <= sigma(layer, x) <= singular[0] * 1.001


def test_a_normalised_dense_layer_does_not_stretch_distances():
    layer, _ = built("dense", kernel_initializer=keras.initializers.RandomNormal(stddev=3.0))
    a, b = inputs((50, 7)), inputs((50, 7), seed=1)
    for _ in range(40):
        layer(a, training=True)
    stretched = np.linalg.norm(ops.convert_to_numpy(layer(a) - layer(b)), axis=1)
    given = np.linalg.norm(ops.convert_to_numpy(a - b), axis=1)
    assert (stretched <= given * 1.001).all()
    assert (stretched > 0.5 * given).any()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", ["dense", "embedding"])
def test_gradient_goes_through_the_division_with_u_and_v_fixed(kind, training):
    layer, x = built(kind)
    u, M = u_of(layer), matrix(layer)
    taken = np.eye(9)[:5] if kind == "embedding" else ops.convert_to_numpy(x).astype("float64")
    upstream = np.random.default_rng(2).normal(size=(len(taken), M.shape[1]))
    v, new_u = power_iteration(M, u)
    u = new_u if training else unit(u)

    def oracle(M):
        return np.sum(upstream * (taken @ M)) / (v @ M @ u)

    wanted = np.zeros(M.shape)
    for index in np.ndindex(M.shape):
        step = np.zeros(M.shape)
        step[index] = 1e-6
        wanted[index] = (oracle(M + step) - oracle(M - step)) / 2e-6

    def loss():
        return ops.sum(ops.convert_to_tensor(upstream.astype("float32")) * layer(x, training=training)), {}

    _, _, (slope,) = backend.value_and_grad(loss, layer.trainable_variables, layer.variables)
    np.testing.assert_allclose(ops.convert_to_numpy(slope), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_bias_and_activation_come_after_the_division(kind):
    plain, x = built(kind)
    layer, _ = built(kind, use_bias=True, activation="relu")
    bias = np.linspace(-1, 1, layer.bias.shape[0])
    layer.bias.assign(bias)
    layer.u.assign(plain.u)
    wanted = np.maximum(ops.convert_to_numpy(plain(x)) + bias, 0)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), wanted, atol=1e-6)


@pytest.mark.skipif(backend.NAME == "tensorflow", reason="TensorFlow convolves channels_first on GPUs only")
def test_bias_of_channels_first_images_lies_on_their_channels():
    last, x = built("conv", use_bias=True, bias_initializer="random_normal")
    first = layers.SpectralConv2D(6, 3, data_format="channels_first")
    first.build((2, 3, 5, 7))
    first.set_weights(last.get_weights())
    out = ops.transpose(first(ops.transpose(x, (0, 3, 1, 2))), (0, 2, 3, 1))
    np.testing.assert_allclose(ops.convert_to_numpy(out), ops.convert_to_numpy(last(x)), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 8, 6, 3), (2, 7, 6, 3), (2, 8, 5, 3), (1, 2, 2, 3)])
@pytest.mark.parametrize("size", [1, 2, 3, (4, 3)])
def test_halving_takes_means_of_2x2(shape, size):
    options = {"filters": 4, "kernel_size": size, "padding": "same", "bias_initializer": "random_normal"}
    x = inputs(shape)
    keras.utils.set_random_seed(0)
    plain = layers.SpectralConv2D(**options)
    means = keras.layers.AveragePooling2D(2, padding="same")(plain(x))
    layer = layers.SpectralConv2D(**options, activation="relu", halved=True)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *means.shape[1:])
    layer.build(shape)
    layer.set_weights(plain.get_weights())
    assert layer(x).shape == means.shape
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), np.maximum(ops.convert_to_numpy(means), 0), atol=1e-6)


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_halving_on_every_backend(run_script, name):
    assert float(run_script("halved.py", backend=name)) < 1e-5


def test_halving_is_one_power_iteration_and_known_to_a_saved_layer():
    layer = layers.SpectralConv2D(4, 3, padding="same", halved=True)
    layer.build((2, 6, 6, 3))
    u = u_of(layer)
    layer(inputs((2, 6, 6, 3)), training=True)
    np.testing.assert_allclose(u_of(layer), power_iteration(matrix(layer), u)[1], atol=1e-5)
    assert layers.SpectralConv2D.from_config(layer.get_config()).halved


def test_even_sizes_are_halved_in_one_convolution(monkeypatch):
    monkeypatch.setattr(ops, "average_pool", None)
    layer = layers.SpectralConv2D(4, 3, padding="same", halved=True)
    assert layer(inputs((2, 6, 4, 3))).shape == (2, 3, 2, 4)
    with pytest.raises(TypeError, match="NoneType"):
        layer(inputs((2, 5, 4, 3)))


def test_halving_images_of_unknown_size():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.SpectralConv2D(4, 3, padding="same", halved=True)(image))
    assert model.output_shape == (None, None, None, 4)
    assert [model(inputs((2, n, 6, 3))).shape[1:3] for n in (5, 8)] == [(3, 3), (4, 3)]


@pytest.mark.parametrize("wrong", [{"padding": "valid"}, {"strides": 2}, {"dilation_rate": 2}])
def test_what_cannot_be_halved_is_refused(wrong):
    with pytest.raises(InputError, match="halved needs padding='same', strides=1"):
        layers.SpectralConv2D(4, 3, **{"padding": "same", **wrong}, halved=True)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", ["dense", "conv", "embedding"])
def test_mixed_precision_keeps_u_and_sigma_in_full(kind, policy):
    half, x = built(kind, dtype=policy)
    full, _ = built(kind)
    # Weights that half precision can hold, so that whatever differs was computed in it.
    coarse = ops.convert_to_numpy(ops.cast(ops.cast(kernel(full), half.compute_dtype), "float32"))
    for layer in (half, full):
        kernel(layer).assign(coarse)
        layer.u.assign(np.linspace(0.1, 1, layer.u.shape[0]))
        for _ in range(3):
            out = layer(x, training=True)
        assert keras.backend.standardize_dtype(out.dtype) == layer.compute_dtype
    np.testing.assert_allclose(ops.convert_to_numpy(half.u), ops.convert_to_numpy(full.u), atol=1e-6)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(half(x), "float32")), ops.convert_to_numpy(full(x)), rtol=0.05, atol=0.03
    )


def test_u_is_no_weight_of_the_optimizer():
    layer, _ = built("conv")
    assert [w.path for w in layer.trainable_weights] == [kernel(layer).path]
    assert [w.path for w in layer.non_trainable_weights] == [layer.u.path]


def test_a_saved_model_loads_in_a_new_process_without_custom_objects(tmp_path):
    image, label = keras.Input((6, 5, 2)), keras.Input((), dtype="int32")
    features = keras.layers.Flatten()(layers.SpectralConv2D(3, 3, padding="same", activation="relu")(image))
    class_vector = layers.SpectralEmbedding(4, 90)(label)
    judged = keras.layers.Dot(1)([features, class_vector])
    model = keras.Model([image, label], judged + layers.SpectralDense(1)(features))
    given = [np.random.default_rng(0).normal(size=(3, 6, 5, 2)).astype("float32"), np.array([0, 3, 1], "int32")]
    for _ in range(3):
        model([ops.convert_to_tensor(g) for g in given], training=True)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "given.npz", *given)
    script = """
import sys; from pathlib import Path; import keras, numpy as np; import kerasgan
folder = Path(sys.argv[1])
model = keras.models.load_model(folder / "model.keras")
out = model.predict_on_batch(list(np.load(folder / "given.npz").values()))
np.savez(folder / "made.npz", out, *model.get_weights())
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, timeout=120)
    out, *weights = np.load(tmp_path / "made.npz").values()
    np.testing.assert_allclose(out, model.predict_on_batch(given), rtol=1e-5)
    for loaded, kept in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, kept)
