"""Every entry's recipe, the networks of every family at odd sizes, and what cannot be built."""

import inspect
import math

import families
import keras
import numpy as np
import pytest

import kerasgan as kg
from kerasgan.zoo import cdcgan, dcgan, registry, sngan

SHAPES = [(8, 8, 1), (5, 7, 3), (33, 17, 3), (40, 24, 4)]
LARGE = [(28, 28, 1), (32, 32, 3), (48, 48, 3), (64, 96, 4), (96, 96, 3)]


def trainable(network):
    return sum(math.prod(v.shape) for v in network.trainable_variables)


def check_networks(family, num_classes, image_shape):
    recipe = families.recipe(family, image_shape, num_classes)
    generator, discriminator = kg.zoo.networks(recipe)
    z = keras.ops.array(np.random.default_rng(0).normal(size=(2, recipe.latent_dim)).astype("float32"))
    first, second = (keras.ops.array(labels, dtype="int32") for labels in ([0, 1], [1, 2]))
    takes_label = len(generator.inputs) == 2
    assert takes_label == bool(num_classes or family == "infogan")
    images = generator([z, first] if takes_label else z)
    assert images.shape == (2, *image_shape)
    assert keras.ops.max(keras.ops.abs(images)) <= 1.0
    if takes_label:
        if family.startswith(("sngan", "sagan")):  # theirs start with every class alike
            rng = np.random.default_rng(1)
            generator.set_weights([w + rng.uniform(0, 0.1, w.shape) for w in generator.get_weights()])
        assert not np.allclose(*(keras.ops.convert_to_numpy(generator([z, label])) for label in (first, second)))
    if len(discriminator.outputs) > 1:
        logit, classes, *_ = discriminator(images)
        assert classes.shape == (2, num_classes or 10)
    else:
        logit = discriminator([images, first] if num_classes else images)
    assert logit.shape == (2, 1)
    if len(discriminator.inputs) == 2:
        other = discriminator([images, second])
        assert not np.allclose(keras.ops.convert_to_numpy(logit), keras.ops.convert_to_numpy(other))


def classes_of(family):
    return [3] if family == "acgan" else [0, 3]


@pytest.mark.parametrize("family", families.NAMES)
@pytest.mark.parametrize("image_shape", SHAPES)
def test_networks_of_any_shape(family, image_shape):
    check_networks(family, classes_of(family)[-1 if image_shape[2] == 3 else 0], image_shape)


@pytest.mark.slow
@pytest.mark.parametrize("family", families.NAMES)
@pytest.mark.parametrize("image_shape", SHAPES + LARGE)
def test_networks_of_any_shape_and_classes(family, image_shape):
    for num_classes in classes_of(family):
        check_networks(family, num_classes, image_shape)


@pytest.mark.parametrize("name", kg.zoo.names())
def test_recipes_fit_what_they_name(name):
    recipe = kg.zoo.show(name)
    assert kg.Recipe.from_dict(recipe.to_dict()) == recipe
    assert name.startswith(recipe.family) and name.endswith(recipe.dataset)
    builders = registry.family(recipe.family)
    common = {"image_shape": recipe.image_shape, "num_classes": recipe.num_classes}
    inspect.signature(builders.generator).bind(**common, latent_dim=recipe.latent_dim, **recipe.generator)
    inspect.signature(builders.discriminator).bind(**common, **recipe.discriminator)


@pytest.mark.parametrize(
    "name", [n if n == "dcgan_digits" else pytest.param(n, marks=pytest.mark.slow) for n in kg.zoo.names()]
)
def test_recipes_build_compiled_models_with_their_settings(name):
    recipe = kg.zoo.show(name)
    gan = kg.zoo.build(name)
    assert gan.compiled
    assert gan.image_shape == recipe.image_shape
    assert gan.latent_dim == recipe.latent_dim
    assert gan.conditional == bool(recipe.num_classes or recipe.family == "infogan")
    assert gan.n_critic == recipe.n_critic
    assert gan.weight_clip == recipe.weight_clip
    assert [p.name for p in gan.penalties] == [p["name"] for p in recipe.penalties]
    assert float(gan.optimizer.d.learning_rate) == pytest.approx(recipe.d_optimizer["learning_rate"])


@pytest.mark.parametrize("data", ["digits", "mnist", "cifar10"])
def test_every_family_has_a_recipe_for_the_common_data(data):
    assert {kg.zoo.show(name).family for name in kg.zoo.names(f"*_{data}")} == set(families.NAMES)


def test_sngan_has_the_size_of_its_paper():
    """Trainable parameters of the CIFAR-10 pair; moving averages and singular vectors come on top."""
    generator, discriminator = kg.zoo.networks(kg.zoo.show("sngan_cifar10"))
    assert (trainable(generator), trainable(discriminator)) == (4_276_739, 1_053_825)


def test_nothing_grows_beside_the_latent_in_sagans_generator():
    """Its first kernel's norm is held at 1, so a bias would in time drown the latent: digits collapsed by it."""
    generator, _ = kg.zoo.networks(families.recipe("sagan", (28, 28, 1)))
    weights = [np.abs(weight) + 1.0 for weight in generator.get_weights()]
    generator.set_weights(weights)
    first = next(layer for layer in generator.layers if layer.name.startswith("spectral_dense"))
    assert not np.any(first(np.zeros((1, first.input.shape[-1]), "float32")))


@pytest.mark.parametrize("num_classes", [0, 3])
def test_the_latent_also_goes_around_dcgans_mapping(num_classes):
    generator = dcgan.generator((9, 11, 3), 6, num_classes, width=4, mapping=2)
    dense = [layer for layer in generator.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in dense[:2]] == [256, 6 + (32 if num_classes else 0)]
    latents = [np.random.default_rng(seed).normal(size=(2, 6)).astype("float32") for seed in (0, 1)]
    label = [np.zeros(2, "int32")] if num_classes else []
    dense[0].set_weights([np.zeros_like(w) for w in dense[0].get_weights()])  # what is mapped is now constant
    one, other = (keras.ops.convert_to_numpy(generator([latent, *label] if label else latent)) for latent in latents)
    assert one.shape == (2, 9, 11, 3)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("module", [dcgan, cdcgan])
@pytest.mark.parametrize("num_classes", [0, 3])
def test_batch_normalization_after_every_convolution_of_d_but_the_first(module, num_classes):
    def kinds(batch_norm):
        discriminator = module.discriminator((28, 28, 1), num_classes, width=4, batch_norm=batch_norm)
        return [type(layer).__name__ for layer in discriminator.layers]

    normalized = [kind for kind in kinds(True) if kind in ("Conv2D", "BatchNormalization")]
    assert normalized == ["Conv2D", *["Conv2D", "BatchNormalization"] * (len(normalized) // 2)]
    assert "BatchNormalization" not in kinds(False)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_unstrided_convolutions_after_those_that_halve(num_classes):
    for unstrided in (0, 2):
        discriminator = cdcgan.discriminator((28, 28, 1), num_classes, width=4, unstrided=unstrided)
        convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
        assert [layer.strides[0] for layer in convolutions] == [2, 2, 2] + [1] * unstrided
        assert {layer.output.shape[1:] for layer in convolutions[2:]} == {(4, 4, 16)}


@pytest.mark.parametrize("num_classes", [0, 3])
def test_sngan_judges_the_sum_over_positions_or_each_position(num_classes):
    def judge(pooled):
        discriminator = sngan.discriminator((28, 28, 1), num_classes, width=4, pooled=pooled)
        (dense,) = [layer for layer in discriminator.layers if isinstance(layer, kg.layers.SpectralDense)]
        embeddings = [layer for layer in discriminator.layers if isinstance(layer, kg.layers.SpectralEmbedding)]
        assert len(embeddings) == bool(num_classes)
        return [tuple(layer.weights[0].shape) for layer in (dense, *embeddings)]

    for pooled, features in ((True, 4), (False, 7 * 7 * 4)):
        assert judge(pooled) == [(features, 1), (num_classes, features)][: 1 + bool(num_classes)]


@pytest.mark.parametrize("embedding_dim", [0, 5])
def test_a_fresh_sngan_generator_draws_by_label_where_it_is_embedded(embedding_dim):
    """Without, nothing but the conditional batch normalizations tells classes apart, and these begin alike."""
    options = {"latent_dim": 3, "width": 4, "embedding_dim": embedding_dim}
    generator = sngan.generator((28, 28, 1), num_classes=2, **options)
    one, other = generator.predict([np.ones((2, 3), "float32"), np.array([0, 1])], verbose=0)
    assert np.array_equal(one, other) != bool(embedding_dim)
    dense = next(layer for layer in generator.layers if isinstance(layer, keras.layers.Dense))
    assert dense.use_bias != bool(embedding_dim)  # the embedding is in its place
    plain = sngan.generator((28, 28, 1), **{**options, "embedding_dim": 0})
    assert sngan.generator((28, 28, 1), **options).count_params() == plain.count_params()


@pytest.mark.parametrize("planes", [0, 2])
def test_sngan_sees_the_label_beside_the_pixels_where_it_has_planes(planes):
    discriminator = sngan.discriminator((28, 28, 3), num_classes=2, width=4, planes=planes)
    features = next(layer for layer in discriminator.layers if isinstance(layer, kg.layers.SpectralDense)).input
    seen = keras.Model(discriminator.inputs, features)
    one, other = seen.predict([np.zeros((2, 28, 28, 3), "float32"), np.array([0, 1])], verbose=0)
    assert np.array_equal(one, other) != bool(planes)
    plain, with_planes = (sngan.discriminator((28, 28, 3), width=4, planes=n) for n in (0, planes))
    assert plain.count_params() == with_planes.count_params()


def test_sagan_attends_at_half_the_size_or_32():
    from kerasgan.zoo.residual import attention_size

    sizes = [attention_size((n, n, 3)) for n in (28, 32, 48, 64, 96)]
    assert sizes == [(14, 14), (16, 16), (24, 24), (32, 32), (24, 24)]
    seen = {(32, 32): (16, 16), (16, 16): (8, 8), (12, 12): (6, 6), (9, 12): (5, 6), (8, 30): (4, 15)}
    for size, half in seen.items():
        for network in kg.zoo.networks(families.recipe("sagan", (*size, 3))):
            (attention,) = [layer for layer in network.layers if isinstance(layer, kg.layers.SelfAttention)]
            assert attention.input.shape[1:3] == half, (network.name, size)
    for network in kg.zoo.networks(families.recipe("sagan", (7, 20, 3))):
        assert not [layer for layer in network.layers if isinstance(layer, kg.layers.SelfAttention)]


def test_equal_seeds_give_equal_networks():
    first, again, other = (
        kg.zoo.build(families.recipe("dcgan", seed=seed)).generator.get_weights() for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other))


def test_precision_is_the_recipes_and_leaves_the_global_policy_alone():
    gan = kg.zoo.build(kg.zoo.show("dcgan_digits").replace(precision="mixed_float16"))
    assert isinstance(gan.optimizer.d, keras.optimizers.LossScaleOptimizer)
    assert gan.generator.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_classes": -1}, "num_classes must be at least 0"),
        ({"num_classes": 2.5}, "num_classes must be a whole number"),
        ({"num_classes": "3"}, "num_classes must be a whole number"),
        ({"image_shape": 28}, "image_shape must be"),
        ({"image_shape": "28x28x1"}, "image_shape must be"),
        ({"image_shape": (None, None, 1)}, "image_shape must be"),
        ({"image_shape": (0, 8, 1)}, "image_shape must be"),
        ({"class_names": "cat"}, "class_names must be"),
        ({"class_names": ["cat", "cat"]}, "none twice"),
        ({"class_names": ["cat", "dog"], "num_classes": 7}, "num_classes is 7, and there are 2"),
    ],
)
def test_what_cannot_be_built_is_refused(options, message):
    with pytest.raises(kg.InputError, match=message):
        kg.zoo.build("cdcgan_digits", **options)


def test_a_misspelt_argument_of_a_network_is_named():
    with pytest.raises(kg.InputError, match=r"generator of family 'dcgan' cannot be called so: .*'widht'"):
        kg.zoo.build(kg.zoo.show("dcgan_digits").replace(generator={"widht": 3}))


@pytest.mark.parametrize("given", [{"name": "adm"}, {"learning_rate": 1e-3}, {"name": "adam", "lr": 1.0}, "adm", 3])
def test_an_optimizer_nobody_knows_is_named(given):
    networks = kg.zoo.networks(families.recipe("gan", (8, 8, 1)))
    with pytest.raises(kg.InputError, match=r"g_optimizer must be a name or an object of keras.optimizers"):
        kg.GAN(*networks).compile(g_optimizer=given)


def test_channels_first_is_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(kg.InputError, match="channels last"):
            kg.zoo.build("dcgan_digits")
    finally:
        keras.config.set_image_data_format("channels_last")


def test_acgan_needs_classes():
    with pytest.raises(kg.InputError, match="needs classes"):
        kg.zoo.build("acgan_digits", num_classes=0)
