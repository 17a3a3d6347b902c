"""Every entry, at its own size and at odd ones; and a user's own."""

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan.zoo import registry

SHAPES = [None, (8, 8, 1), (33, 17, 3), (40, 24, 4), (64, 96, 3)]


@pytest.fixture
def own_registry(monkeypatch):
    """Entries registered in a test are gone after it."""
    monkeypatch.setattr(registry, "_RECIPES", dict(registry._RECIPES))
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))


@pytest.mark.parametrize("name", kg.zoo.names())
@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("image_shape", SHAPES)
def test_networks_of_any_shape(name, num_classes, image_shape):
    recipe = kg.zoo.show(name).replace(num_classes=num_classes)
    recipe = recipe.replace(image_shape=image_shape or recipe.image_shape)
    generator, discriminator = kg.zoo.networks(recipe)
    z = np.random.default_rng(0).normal(size=(2, recipe.latent_dim)).astype("float32")
    label = [keras.ops.array([0, 1], dtype="int32")] if num_classes else []
    images = generator([keras.ops.array(z), *label] if label else z)
    assert images.shape == (2, *recipe.image_shape)
    assert keras.ops.max(keras.ops.abs(images)) <= 1.0
    logits = discriminator([images, *label] if label else images)
    assert logits.shape == (2, 1)
    if num_classes:
        other = discriminator([images, keras.ops.array([1, 2], dtype="int32")])
        assert not np.allclose(keras.ops.convert_to_numpy(logits), keras.ops.convert_to_numpy(other))


@pytest.mark.parametrize("name", kg.zoo.names())
def test_recipes_build_compiled_models_with_their_settings(name):
    recipe = kg.zoo.show(name)
    gan = kg.zoo.build(name)
    assert gan.compiled
    assert gan.image_shape == recipe.image_shape
    assert gan.latent_dim == recipe.latent_dim
    assert [p.name for p in gan.penalties] == [p["name"] for p in recipe.penalties]
    assert float(gan.optimizer.d.learning_rate) == pytest.approx(recipe.d_optimizer["learning_rate"])
    assert kg.Recipe.from_dict(recipe.to_dict()) == recipe


def test_equal_seeds_give_equal_networks():
    first, again, other = (
        kg.zoo.build(kg.zoo.show("dcgan_digits").replace(seed=seed)).generator.get_weights() for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other))


def test_precision_is_the_recipes_and_leaves_the_global_policy_alone():
    gan = kg.zoo.build(kg.zoo.show("dcgan_digits").replace(precision="mixed_float16"))
    assert isinstance(gan.optimizer.d, keras.optimizers.LossScaleOptimizer)
    assert gan.generator.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_a_family_of_ones_own(own_registry):
    recipe = kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1), latent_dim=4)
    kg.zoo.register(recipe, networks=(tiny.generator, tiny.discriminator))
    assert "mine_digits" in kg.zoo.names("mine*")
    gan = kg.zoo.build("mine_digits", class_names=["zero", "one"])
    assert gan.class_names == ("zero", "one")
    with pytest.raises(kg.InputError, match="already"):
        kg.zoo.register(recipe)
    with pytest.raises(kg.InputError, match="other networks"):
        kg.zoo.register(recipe.replace(name="mine_other"), networks=(tiny.generator, tiny.generator))


def test_unknown_family_is_named(own_registry):
    with pytest.raises(kg.InputError, match="Did you mean 'dcgan'"):
        kg.zoo.build(kg.zoo.show("dcgan_digits").replace(family="dcgn"))
