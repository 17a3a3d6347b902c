"""Sampler, SampleSpec and the priors: what is drawn and what is refused."""

import dataclasses

import numpy as np
import pytest
from samplers import NAMES, conditional, passing_through
from scipy import stats

from kerasgan import Sampler, SampleSpec, priors
from kerasgan.errors import DivergedError, InputError

# Priors.


@pytest.mark.parametrize("prior", priors.PRIORS)
def test_the_first_latents_do_not_depend_on_how_many_follow(prior):
    many = priors.sample(prior, 100, 6, seed=3)
    np.testing.assert_array_equal(many[:7], priors.sample(prior, 7, 6, seed=3))
    assert (many.shape, many.dtype) == ((100, 6), np.float32)
    assert (many != priors.sample(prior, 100, 6, seed=4)).all()


@pytest.mark.parametrize(
    ("prior", "distribution"),
    [("normal", stats.norm()), ("uniform", stats.uniform(-1, 2)), ("truncated_normal", stats.truncnorm(-2, 2))],
)
def test_latents_follow_their_distribution(prior, distribution):
    values = priors.sample(prior, 20_000, 3, seed=0)
    assert abs(np.corrcoef(values.T)[np.triu_indices(3, 1)]).max() < 0.03
    assert stats.kstest(values.ravel()[:30_000], distribution.cdf).pvalue > 0.001
    low, high = distribution.support()
    assert low <= values.min()
    assert values.max() <= high
    assert prior == "normal" or (values.min() < low + 0.01 and values.max() > high - 0.01)


def test_an_unknown_prior_is_named():
    with pytest.raises(InputError, match=r"Unknown prior 'gausian'.*normal, truncated_normal, uniform"):
        priors.sample("gausian", 1, 1, seed=0)
    with pytest.raises(InputError, match=r"Unknown prior 'unifrm'. Did you mean 'uniform'"):
        SampleSpec(latent_dim=2, image_shape=(4, 4, 1), prior="unifrm")


def test_latents_of_a_sampler_come_from_its_prior_and_seed():
    sampler = passing_through(prior="uniform")
    np.testing.assert_array_equal(sampler.latents(5, seed=9), priors.sample("uniform", 5, 64, 9))


@pytest.mark.parametrize("seed", [-1, 1.5, "7"])
def test_a_seed_that_is_no_natural_number_is_refused(seed):
    with pytest.raises(InputError, match="seed must be a whole number from 0"):
        passing_through().generate(1, seed=seed)


# Drawing.


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 1.0), (-2.0, 6.0)])
def test_each_of_256_levels_of_the_value_range_becomes_its_byte(value_range):
    low, high = value_range
    sampler = passing_through((16, 16, 1), value_range=value_range)
    levels = low + (high - low) * np.arange(256) / 255
    step = (high - low) / 255
    for offset in (-0.45 * step, 0.0, 0.45 * step):
        np.testing.assert_array_equal(sampler.images([levels + offset])[0].ravel(), np.arange(256))


def test_values_outside_the_range_are_clipped():
    values = np.array([[-1.5, -1.0, 1.0, 1.003, 50.0, -1e9, 1e9, 0.9999]])
    made = passing_through((2, 4, 1)).images(values).ravel()
    np.testing.assert_array_equal(made, [0, 0, 255, 255, 255, 0, 255, 255])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_generator_that_has_diverged_is_named(bad):
    sampler = conditional()
    kernel = next(weight for weight in reversed(sampler.generator.trainable_variables) if len(weight.shape) == 2)
    kernel.assign(np.full(kernel.shape, bad))
    with pytest.raises(DivergedError, match="its training has diverged"):
        sampler.generate(3)


@pytest.mark.parametrize("shape", [(4, 8, 2), (3, 5, 1), (7,)])
def test_generate_gives_uint8_of_the_image_shape_and_of_the_seed(shape):
    sampler = passing_through(shape)
    first = sampler.generate(5, seed=1)
    assert (first.shape, first.dtype) == ((5, *shape), np.uint8)
    np.testing.assert_array_equal(first, sampler.images(sampler.latents(5, seed=1)))
    np.testing.assert_array_equal(first, sampler.generate(5, seed=1))
    assert (first != sampler.generate(5, seed=2)).any()
    np.testing.assert_array_equal(sampler.generate(2, seed=1), first[:2])


def test_images_do_not_depend_on_the_batch_size():
    sampler = conditional()
    labels = [0, 1, 2, 2, 1, 0, 1]
    at_once = sampler.generate(7, labels, batch_size=64)
    assert len(np.unique(at_once, axis=0)) == 7
    for batch_size in (1, 3, 7):
        np.testing.assert_array_equal(sampler.generate(7, labels, batch_size=batch_size), at_once)


def test_all_batches_have_one_size_so_that_nothing_is_compiled_twice(monkeypatch):
    sampler, sizes = passing_through(), []
    predict = sampler.generator.predict_on_batch
    monkeypatch.setattr(sampler.generator, "predict_on_batch", lambda x: sizes.append(len(x)) or predict(x))
    for n, batch_size, expected in ((7, 3, [3, 3, 3]), (6, 3, [3, 3]), (2, 64, [2])):
        sizes.clear()
        assert len(sampler.generate(n, batch_size=batch_size)) == n
        assert sizes == expected


def test_truncation_zero_leaves_one_image_for_each_class():
    made = conditional().generate(6, labels=[0, 1, 2, 0, 1, 2], truncation=0.0)
    np.testing.assert_array_equal(made[:3], made[3:])
    assert len(np.unique(made, axis=0)) == 3


def test_truncation_pulls_linearly_to_the_mean_latent():
    mean = np.linspace(-0.5, 0.5, 8)
    sampler = passing_through((2, 4, 1), mean_latent=mean, value_range=(-4, 4))
    z = sampler.latents(9, seed=5)
    for truncation in (0.0, 0.3, 1.0):
        pulled = (1 - truncation) * mean + truncation * z
        made = sampler.generate(9, seed=5, truncation=truncation).reshape(9, 8)
        np.testing.assert_allclose(made, np.clip((pulled + 4) * 255 / 8, 0, 255), atol=0.501)
    np.testing.assert_array_equal(passing_through().generate(3, truncation=0.0), 128)


@pytest.mark.parametrize("mean", [None, np.linspace(-0.5, 0.5, 8)], ids=["centred", "mean_latent"])
def test_spread_pushes_linearly_from_the_mean_latent(mean, tmp_path):
    sampler = passing_through((2, 4, 1), mean_latent=mean, value_range=(-4, 4))
    centre = 0.0 if mean is None else mean
    z = sampler.latents(9, seed=5)
    for factor in (0.5, 1.25):
        path = sampler.spread(factor).save(tmp_path / "wide.keras")
        made = Sampler.load(path).generate(9, seed=5).reshape(9, 8)
        np.testing.assert_allclose(made, np.clip((centre + factor * (z - centre) + 4) * 255 / 8, 0, 255), atol=0.501)
    twice = sampler.spread(4.0).generate(9, seed=5, truncation=0.25)
    np.testing.assert_allclose(twice.astype(int), sampler.generate(9, seed=5).astype(int), atol=1)


def test_spread_leaves_labels_and_the_sampler_itself_alone():
    sampler = conditional()
    z, before = sampler.latents(6), sampler.generate(6, labels=[0, 1, 2, 0, 1, 2])
    wide = sampler.spread(2.0)
    np.testing.assert_array_equal(wide.images(z, [2, 1, 0, 2, 1, 0]), sampler.images(2 * z, [2, 1, 0, 2, 1, 0]))
    np.testing.assert_array_equal(sampler.generate(6, labels=[0, 1, 2, 0, 1, 2]), before)
    assert (wide.spec, wide.recipe) == (sampler.spec, sampler.recipe)


@pytest.mark.parametrize("factor", [0, -1.0, float("nan"), float("inf")])
def test_spread_by_no_positive_number_is_refused(factor):
    with pytest.raises(InputError, match=r"factor must be a finite number above 0\. Received: "):
        passing_through().spread(factor)


@pytest.mark.parametrize("truncation", [-0.01, 1.01, float("nan")])
def test_truncation_outside_zero_to_one_is_refused(truncation):
    with pytest.raises(InputError, match=r"truncation must lie between 0 and 1. Received: "):
        passing_through().generate(1, truncation=truncation)


@pytest.mark.parametrize("n", [0, -3])
def test_fewer_than_one_image_is_refused(n):
    with pytest.raises(InputError, match=f"n must be at least 1. Received: {n}"):
        passing_through().generate(n)


@pytest.mark.parametrize("batch_size", [0, -2])
def test_a_batch_size_below_one_is_refused(batch_size):
    with pytest.raises(InputError, match=f"batch_size must be at least 1. Received: {batch_size}"):
        passing_through().generate(2, batch_size=batch_size)


@pytest.mark.parametrize("shape", [(3, 63), (64,), (0, 64), (1, 4, 16)])
def test_latents_of_the_wrong_shape_are_refused(shape):
    with pytest.raises(InputError, match=r"Latents must have shape \(n, 64\), n > 0. Received: "):
        passing_through().images(np.zeros(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_latents_that_are_not_finite_are_refused(bad):
    latents = np.zeros((2, 64))
    latents[1, 5] = bad
    with pytest.raises(InputError, match="Latents must be finite"):
        passing_through().images(latents)


# Labels.


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, [0, 1, 2, 0]),
        (2, [2, 2, 2, 2]),
        (np.int64(1), [1, 1, 1, 1]),
        (np.array(1), [1, 1, 1, 1]),
        ("owl", [2, 2, 2, 2]),
        (["dog", 0, np.uint8(2), "cat"], [1, 0, 2, 0]),
        (np.array([2, 0, 1, 1]), [2, 0, 1, 1]),
    ],
)
def test_labels_in_every_documented_form(labels, expected):
    sampler = conditional()
    found = sampler.labels(labels, 4)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(sampler.generate(4, labels), sampler.generate(4, expected))


def test_labels_decide_what_is_drawn():
    made = conditional().generate(3, labels=["cat", "dog", "owl"], truncation=0.0)
    for index, name in enumerate(NAMES):
        np.testing.assert_array_equal(conditional().generate(1, labels=name, truncation=0.0)[0], made[index])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (3, "whole number from 0 to 2. Received: 3"),
        (-1, "whole number from 0 to 2. Received: -1"),
        (1.0, "whole number from 0 to 2. Received: 1.0"),
        ([0, 1, 2, 3], "Received: 3"),
        ([0, 1, 2, 1.5], "Received: 1.5"),
        ("oul", "Unknown class 'oul'. Did you mean 'owl'"),
        ([0, 1], "Expected one label, or 4, one for each image. Received 2"),
        ([], "Received 0"),
    ],
)
def test_labels_that_fit_no_class_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        conditional().labels(labels, 4)


def test_an_unconditional_generator_takes_no_labels():
    assert passing_through().labels(None, 3) is None
    with pytest.raises(InputError, match="unconditional: it takes no labels"):
        passing_through().generate(2, labels=1)


# What a sampler is made of.


def test_classes_and_inputs_must_agree():
    with pytest.raises(InputError, match=r"with 3 classes takes 2 input\(s\).*takes 1"):
        passing_through(class_names=NAMES)
    with pytest.raises(InputError, match=r"with 0 classes takes 1 input\(s\).*takes 2"):
        conditional(class_names=())


def test_a_mean_latent_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"mean_latent must have 8 values. Received: 3"):
        SampleSpec(latent_dim=8, image_shape=(2, 2, 1), mean_latent=(0.0, 0.0, 0.0))


def test_a_spec_counts_its_classes_and_compares_by_value():
    lists = SampleSpec(latent_dim=3, image_shape=[2, 2, 1], class_names=list(NAMES), value_range=[0, 1])
    assert lists.num_classes == 3
    assert lists == SampleSpec(latent_dim=3, image_shape=(2, 2, 1), class_names=NAMES, value_range=(0.0, 1.0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        lists.latent_dim = 4


@pytest.mark.parametrize("changes", [{"latent_dim": 5}, {"image_shape": (3, 3, 1)}, {"image_shape": (8, 8)}])
def test_a_spec_of_another_generator_is_refused(changes):
    whole = conditional()
    spec = SampleSpec(**{**vars(whole.spec), **changes})
    with pytest.raises(InputError, match=r"The generator (takes latents|gives images) of shape .*its spec says"):
        Sampler(whole.generator, spec)
