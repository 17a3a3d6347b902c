"""ACGAN and InfoGAN: what their players minimise beyond GAN's, and what they are given."""

import families
import keras
import numpy as np
import pytest

import kerasgan as kg

SHAPE = (8, 8, 1)
HEADS = {"acgan": "classes", "infogan": "category"}


def build(family, **changes):
    known = families.recipe(family, SHAPE, 3, **changes).replace(penalties=())
    return kg.zoo.build(known, run_eagerly=True)


def numpy(x):
    return keras.ops.convert_to_numpy(x).astype("float64")


def cross_entropy(labels, logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels])


def softplus(x):
    return np.mean(np.logaddexp(0.0, x))


def pictures(n, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, *SHAPE)).astype("float32")


def without_dropout(network):
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return network


def test_acgan_losses_are_the_papers():
    gan = build("acgan")
    without_dropout(gan.discriminator)
    gan.class_weight = 0.7
    real, fake = (keras.ops.array(pictures(5, seed)) for seed in (0, 1))
    labels = np.array([0, 2, 1, 1, 0], "int32")
    (real_logit, real_class), (fake_logit, fake_class) = (
        [numpy(x) for x in gan.discriminator(images)] for images in (real, fake)
    )
    parts = cross_entropy(labels, real_class), cross_entropy(labels, fake_class)
    loss, report = gan.discriminator_loss(real, fake, keras.ops.array(labels))
    expected = softplus(-real_logit) + softplus(fake_logit) + 0.7 * sum(parts)
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert [float(report[f"{which}_class_loss"]) for which in ("real", "fake")] == pytest.approx(parts, rel=1e-4)
    hits = np.mean(real_class.argmax(axis=1) == labels)
    assert float(report["real_class_accuracy"]) == pytest.approx(hits)
    loss, _ = gan.generator_loss(fake, real, keras.ops.array(labels))
    assert float(loss) == pytest.approx(softplus(-fake_logit) + 0.7 * parts[1], rel=1e-4)


def test_infogan_losses_are_the_papers():
    gan = build("infogan")
    gan.category_weight, gan.code_weight = 0.7, 0.3
    real, fake = (keras.ops.array(pictures(5, seed)) for seed in (0, 1))
    category = np.array([0, 2, 1, 1, 0], "int32")
    codes = np.random.default_rng(2).uniform(-1, 1, (5, 2)).astype("float32")
    real_logit = numpy(gan.discriminator(real)[0])
    fake_logit, logits, found = (numpy(x) for x in gan.discriminator(fake))
    recovery = 0.7 * cross_entropy(category, logits) + 0.3 * np.mean((found - codes) ** 2)
    condition = (keras.ops.array(category), keras.ops.array(codes))
    loss, _ = gan.discriminator_loss(real, fake, condition)
    assert float(loss) == pytest.approx(softplus(-real_logit) + softplus(fake_logit) + recovery, rel=1e-4)
    loss, _ = gan.generator_loss(fake, real, condition)
    assert float(loss) == pytest.approx(softplus(-fake_logit) + recovery, rel=1e-4)


@pytest.mark.parametrize("family", HEADS)
@pytest.mark.parametrize("share_fakes", [True, False])
def test_the_generator_learns_what_the_second_output_reads(family, share_fakes):
    """The adversarial loss left out, a step must still move G, through that output alone."""
    gan = build(family, share_fakes=share_fakes)
    for v in gan.discriminator.get_layer("logit").trainable_variables:
        v.assign(keras.ops.zeros(v.shape))
    gan.optimizer.d.learning_rate = 0.0
    before = gan.generator.get_weights()
    gan.train_on_batch(*families.data(families.recipe(family, SHAPE, 3), steps=1))
    moved = [not np.array_equal(a, b) for a, b in zip(before, gan.generator.get_weights())]
    assert sum(moved) > len(moved) // 2


@pytest.mark.slow
def test_infogan_recovers_its_codes_without_labels():
    gan = kg.zoo.build(kg.zoo.show("infogan_digits"))
    history = gan.fit(kg.data.load("digits", image_shape=(28, 28, 1)), batch_size=64, epochs=6, verbose=0).history
    assert history["category_accuracy"][-1] > 0.9
    assert history["code_loss"][-1] < 0.5 * history["code_loss"][0]


def test_infogan_codes_are_the_label_and_the_first_latents():
    gan = build("infogan")
    assert not gan.needs_labels
    real, (category, codes) = gan.unpack((pictures(50), np.full(50, 9)))
    assert real.shape == (50, *SHAPE)
    assert set(numpy(category)) == {0, 1, 2}
    assert np.abs(numpy(codes)).max() <= 1.0 and codes.shape == (50, 2)
    latent, label = gan.generator_inputs(50, (category, codes))
    assert latent.shape == (50, gan.latent_dim)
    np.testing.assert_array_equal(numpy(latent)[:, :2], numpy(codes))
    np.testing.assert_array_equal(numpy(label), numpy(category))
    assert gan.class_names == ("code 0", "code 1", "code 2")
    sampler = gan.sampler()
    np.testing.assert_array_equal(sampler.generate(3, labels="code 2"), sampler.generate(3, labels=[2, 2, 2]))


def test_batches_are_cut_with_the_codes_drawn_for_them():
    known = families.recipe("infogan", SHAPE, 3)
    for changes in ({"n_critic": 2}, {"gradient_accumulation": 2}):
        gan = build("infogan", **changes)
        gan.fit(*families.data(known), batch_size=4, epochs=1, verbose=0)
        assert gan.step_count == 2 // changes.get("n_critic", 1)


def test_taken_up_again_bit_for_bit(tmp_path):
    data = families.data(families.recipe("infogan", SHAPE, 3), steps=2)

    def fitted(folder, epochs):
        gan = build("infogan")
        last = kg.callbacks.Checkpoint(tmp_path / folder, every=0)
        gan.fit(*data, batch_size=4, epochs=epochs, verbose=0, callbacks=[last])
        return gan

    whole = fitted("whole", 2)
    fitted("cut", 1)
    for a, b in zip(whole.variables, fitted("cut", 2).variables, strict=True):
        np.testing.assert_array_equal(numpy(a), numpy(b), err_msg=a.path)


@pytest.mark.parametrize("family", HEADS)
def test_other_discriminators_are_refused(family):
    gan, plain = build(family), kg.zoo.build(families.recipe("cdcgan", SHAPE, 3))
    with pytest.raises(kg.InputError, match="Received one with 1"):
        type(gan)(gan.generator, plain.discriminator)
    with pytest.raises(kg.InputError, match="has 1 output"):
        kg.GAN(gan.generator, gan.discriminator)
    with pytest.raises(kg.InputError, match=r"takes \[latent, label\]"):
        type(gan)(kg.zoo.build(families.recipe("dcgan", SHAPE, 0)).generator, gan.discriminator)
    with pytest.raises(kg.InputError, match=r"(Received names for 4|^4 class_names|Received 3)"):
        type(gan)(gan.generator, gan.discriminator, class_names=["a", "b", "c", "d"])
    label = keras.Input((), dtype="int32")
    image = keras.Input(SHAPE)
    both = keras.Model([image, label], gan.discriminator(image))
    with pytest.raises(kg.InputError, match="samples alone"):
        type(gan)(gan.generator, both)


def test_acgan_needs_labels():
    with pytest.raises(kg.InputError, match="needs labels"):
        build("acgan").fit(pictures(8), epochs=1, verbose=0)
