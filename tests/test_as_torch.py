"""bench/as_torch.py: the networks that PyTorch's contenders train are the zoo's."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasgan import zoo

torch = pytest.importorskip("torch", reason="torch is not installed")
LATENTS = np.random.default_rng(0).standard_normal((4, 16)).astype("float32")


@pytest.fixture(scope="module")
def as_torch():
    path = Path(__file__).parents[1] / "bench" / "as_torch.py"
    spec = importlib.util.spec_from_file_location("as_torch", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.as_torch


def networks(entry, width):
    """The entry's two, with noise on weights that start at 0 or 1, where exchanged ones would look alike."""
    recipe = zoo.show(entry)
    narrow = {player: {**getattr(recipe, player), "width": width} for player in ("generator", "discriminator")}
    pair = zoo.networks(recipe.replace(latent_dim=LATENTS.shape[1], **narrow))
    rng = np.random.default_rng(1)
    for variable in [v for network in pair for v in network.weights]:
        noise = rng.uniform(0 if variable.path.endswith("variance") else -0.2, 0.2, variable.shape)
        variable.assign(keras.ops.convert_to_numpy(variable) + noise.astype("float32"))
    return pair


def images(network):
    return np.random.default_rng(2).uniform(-1, 1, (4, *network.input_shape[1:])).astype("float32")


def outputs(twin, x, training):
    """The twin's, for an input and as an output with channels last."""
    twin.train(training)
    with torch.no_grad():
        out = twin(torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim == 4 else x)).numpy()
    return np.moveaxis(out, 1, -1) if out.ndim == 4 else out


def assert_equal(network, twin, x, training):
    expected = keras.ops.convert_to_numpy(network(x, training=training))
    assert expected.std() > 1e-2, "outputs so alike would agree with anything"
    np.testing.assert_allclose(outputs(twin, x, training), expected, rtol=1e-4, atol=1e-4)


def size(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize("entry, width", [("dcgan_mnist", 8), ("sngan_cifar10", 8), ("r3gan_cifar10", 16)])
def test_twins_compute_what_the_networks_compute(as_torch, entry, width):
    generator, discriminator = networks(entry, width)
    for network, x in ((generator, LATENTS), (discriminator, images(discriminator))):
        twin = as_torch(network)
        assert sum(p.numel() for p in twin.parameters()) == size(network)
        assert_equal(network, twin, x, training=False)
        if "u" not in {v.name for v in network.weights}:
            assert_equal(network, twin, x, training=True)


def test_spectral_norms_agree_in_training_once_converged(as_torch):
    """PyTorch's iteration is half a step ahead, so they differ before."""
    _, discriminator = networks("sngan_cifar10", 8)
    for layer in discriminator.layers:
        if hasattr(layer, "u"):
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            layer.u.assign(np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]))[2][0])
    twin, x = as_torch(discriminator), images(discriminator)
    assert_equal(discriminator, twin, x, training=True)


def test_uneven_padding(as_torch):
    image = keras.Input((9, 8, 3))
    x = keras.layers.Conv2D(4, (3, 2), strides=(1, 2), padding="same")(image)
    x = keras.layers.Conv2D(4, 4, padding="same")(x)
    x = keras.layers.AveragePooling2D(2, padding="same")(x)
    model = keras.Model(image, keras.layers.Conv2D(2, 3, strides=2, padding="same")(x))
    assert_equal(model, as_torch(model), images(model), training=False)


def test_channels_are_set_side_by_side(as_torch):
    image = keras.Input((5, 6, 3))
    both = [image, keras.layers.Conv2D(2, 3, padding="same")(image)]
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(keras.layers.Concatenate()(both)))
    assert_equal(model, as_torch(model), images(model), training=False)
    below = keras.Model(image, keras.layers.Concatenate(axis=1, name="odd")([image, image]))
    with pytest.raises(NotImplementedError, match=r"Concatenate with axis=1 \('odd'\)"):
        as_torch(below)


@pytest.mark.parametrize(
    "layer, message",
    [
        (keras.layers.MaxPooling2D(2, name="odd"), r"no layer MaxPooling2D \('odd'\)"),
        (keras.layers.Activation("sigmoid", name="odd"), r"no layer Activation\(sigmoid\) \('odd'\)"),
        (keras.layers.Conv2D(4, 3, dilation_rate=2, name="odd"), r"Conv2D with dilation_rate=\(2, 2\) \('odd'\)"),
        (keras.layers.Reshape((4, 16, 3), name="odd"), r"Reshape after Dense only \('odd'\)"),
    ],
)
def test_unknown_layers_are_named(as_torch, layer, message):
    image = keras.Input((8, 8, 3))
    with pytest.raises(NotImplementedError, match=message):
        as_torch(keras.Model(image, layer(image)))
