"""Ways through latent space: their ends, their middles, and the files they become."""

import keras
import numpy as np
import pytest
import tiny
from PIL import Image

import kerasgan as kg
from kerasgan import viz, walks


@pytest.fixture(scope="module")
def sampler():
    return tiny.gan().sampler()


@pytest.fixture(scope="module")
def conditional():
    return tiny.gan(num_classes=3).sampler()


def test_slerp_keeps_the_length_and_meets_its_ends():
    rng = np.random.default_rng(0)
    a, b = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 50)))
    t = np.linspace(0, 1, 7)[:, None]
    path = walks.slerp(a, b, t)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(path[[0, -1]], [a, b], atol=1e-6)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)
    np.testing.assert_allclose(walks.slerp(a, a, 0.3), a, atol=1e-6)  # no angle, no division by zero
    assert np.isfinite(walks.slerp(a, -a, 0.5)).all()


def test_interpolation_begins_and_ends_with_the_images_of_its_seeds(sampler):
    path = walks.interpolate(sampler, (3, 7), n=2, frames=5)
    assert path.shape == (5, 2, 8, 8, 1) and path.dtype == np.uint8
    np.testing.assert_array_equal(path[0], sampler.generate(2, seed=3))
    np.testing.assert_array_equal(path[-1], sampler.generate(2, seed=7))
    middle = walks.slerp(sampler.latents(2, 3), sampler.latents(2, 7), 0.5)
    np.testing.assert_array_equal(path[2], sampler.images(middle))


def test_uniform_latents_are_mixed_on_a_line():
    sampler = tiny.gan(prior="uniform").sampler()
    path = walks.interpolate(sampler, (3, 7), frames=3)
    np.testing.assert_array_equal(path[1], sampler.images((sampler.latents(1, 3) + sampler.latents(1, 7)) / 2))


def test_a_walk_is_a_round_trip(sampler):
    path = walks.walk(sampler, stops=3, n=2, frames=4, seed=5)
    assert path.shape == (12, 2, 8, 8, 1)
    stops = sampler.latents(6, 5).reshape(3, 2, -1)
    for i in range(3):
        np.testing.assert_array_equal(path[4 * i], sampler.images(stops[i]))
    back = walks.slerp(stops[2], stops[0], 0.75)
    np.testing.assert_array_equal(path[-1], sampler.images(back))


def test_truncation_ends_at_the_mean_and_at_the_images_themselves(sampler):
    path = walks.truncations(sampler, n=4, seed=2)
    assert (path[0] == path[0][:1]).all()
    np.testing.assert_array_equal(path[-1], sampler.generate(4, seed=2))


@pytest.mark.parametrize("kind", ["embedding", "batch norm", "nested"])
def test_a_morph_leads_from_class_to_class(conditional, kind):
    others = {"batch norm": normalized_by_class(), "nested": conditional.spread(1.05)}
    sampler = others.get(kind, conditional)
    path = walks.morph(sampler, (0, 2), n=3, frames=5, seed=4)
    assert path.shape[:2] == (5, 3)
    for frame, label in ((0, 0), (-1, 2)):
        difference = path[frame].astype(int) - sampler.generate(3, labels=label, seed=4)
        assert np.abs(difference).max() <= 1
    assert not np.array_equal(path[0], path[-1])
    between = np.abs(path[2].astype(int) - path[0]).mean() + np.abs(path[2].astype(int) - path[-1]).mean()
    assert 0 < between < 2 * np.abs(path[0].astype(int) - path[-1]).mean()


def normalized_by_class():
    latent, label = keras.Input((4,)), keras.Input((), dtype="int32")
    x = keras.layers.Reshape((2, 2, 4))(keras.layers.Dense(16)(latent))
    layer = kg.layers.ConditionalBatchNormalization(3)
    x = keras.layers.Conv2D(1, 1, activation="tanh")(layer([x, label]))
    generator = keras.Model([latent, label], x)
    tiny.set_weights(generator, 1)
    return kg.Sampler(generator, kg.SampleSpec(4, (2, 2, 1), class_names=("a", "b", "c")))


def test_what_cannot_be_walked_is_refused(sampler, conditional):
    with pytest.raises(kg.InputError, match="unconditional"):
        walks.morph(sampler, (0, 1))
    with pytest.raises(kg.InputError, match="0 to 2"):
        walks.morph(conditional, (0, 3))
    with pytest.raises(kg.InputError, match="at least 2 stops"):
        walks.walk(sampler, stops=1)
    with pytest.raises(kg.InputError, match="frames"):
        walks.interpolate(sampler, (1, 2), frames=1)
    with pytest.raises(kg.InputError, match="truncation"):
        walks.interpolate(sampler, (1, 2), truncation=2.0)


def test_animations_hold_every_frame(sampler, tmp_path):
    path = walks.interpolate(sampler, (3, 7), n=4, frames=5)
    with Image.open(viz.save_animation(path, tmp_path / "walk.gif", scale=2)) as gif:
        assert (gif.n_frames, gif.size) == (5, (34, 34))
        gif.seek(2)
        shown = np.asarray(gif.convert("L"))
    expected = np.kron(viz.grid(path[2])[..., 0], np.ones((2, 2)))
    assert np.abs(shown - expected).max() <= 2
    with pytest.raises(kg.InputError, match=r"\.gif or \.mp4"):
        viz.save_animation(path, tmp_path / "walk.avi")


def test_video(sampler, tmp_path):
    pytest.importorskip("av", reason="av is not installed")
    imageio = pytest.importorskip("imageio.v3", reason="imageio is not installed")
    path = walks.interpolate(sampler, (3, 7), n=1, frames=7)
    shown = imageio.imread(viz.save_animation(path, tmp_path / "walk.mp4", scale=8), plugin="pyav")
    assert shown.shape == (7, 64, 64, 3)
    expected = np.kron(path[-1, 0, :, :, 0], np.ones((8, 8)))
    assert np.abs(shown[-1].mean(-1) - expected).mean() < 12  # a lossy codec
