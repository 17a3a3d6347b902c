"""DiffAugment against its description (Zhao et al., 2020, and the ranges of the authors' TensorFlow code) in NumPy."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import augment, backend
from kerasgan.errors import InputError
from kerasgan.gans.draws import Draws

SIZES = [(16, 16), (8, 24), (28, 17), (5, 3)]


class GivenDraws:
    """Gives the arrays it was made of, in turn, and insists on their shapes."""

    def __init__(self, *uniforms):
        self.uniforms = [np.asarray(u, "float32") for u in uniforms]

    def uniform(self, shape):
        values = self.uniforms.pop(0)
        assert tuple(map(int, shape)) in [(len(values),) + (1,) * k for k in range(4)]
        return ops.reshape(ops.convert_to_tensor(values), shape)


def images(n, height, width, channels, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, height, width, channels)).astype("float32")


def augmented(policy, x, *uniforms):
    draws = GivenDraws(*uniforms)
    out = ops.convert_to_numpy(augment.DiffAugment(policy)(ops.convert_to_tensor(x), draws))
    assert not draws.uniforms
    assert (out.shape, out.dtype) == (x.shape, np.float32)
    return out


def every(count):
    """Uniform numbers that choose, one after the other, each of `count` equally likely whole numbers."""
    return (np.arange(count) + 0.5) / count


def pairs(height_count, width_count):
    """Uniform numbers for all combinations of two choices, and the combinations."""
    rows, columns = np.meshgrid(np.arange(height_count), np.arange(width_count), indexing="ij")
    rows, columns = rows.ravel(), columns.ravel()
    return every(height_count)[rows], every(width_count)[columns], rows, columns


def shifted(image, down, right):
    out = np.zeros_like(image)
    height, width = image.shape[:2]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                out[i, j] = image[i - down, j - right]
    return out


def cut(image, row, column):
    """A window of half the sides about (row, column) set to 0, as far as it lies inside."""
    out = image.copy()
    height, width = image.shape[:2]
    top, left = row - height // 2 // 2, column - width // 2 // 2
    for i in range(top, top + height // 2):
        for j in range(left, left + width // 2):
            if 0 <= i < height and 0 <= j < width:
                out[i, j] = 0
    return out


def cut_positions(size):
    """The authors draw the centre from 0..size for windows of even length and from 0..size - 1 for odd ones."""
    return size + 1 if size // 2 % 2 == 0 else size


def coloured(image, brightness, saturation, contrast):
    """Of an image without alpha: +-0.5, then 0 to 2 about each pixel's grey, then 0.5 to 1.5 about the image's mean."""
    image = image.astype("float64") + (brightness - 0.5)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * 2 * saturation
    return image.mean() + (image - image.mean()) * (0.5 + contrast)


@pytest.mark.parametrize("size", SIZES)
def test_translation_makes_every_shift_up_to_an_eighth_and_fills_with_zeros(size):
    height, width = size
    most = height // 8, width // 8
    u_rows, u_columns, rows, columns = pairs(2 * most[0] + 1, 2 * most[1] + 1)
    x = images(len(rows), height, width, 3)
    out = augmented("translation", x, u_rows, u_columns)
    for image, result, row, column in zip(x, out, rows, columns, strict=True):
        np.testing.assert_allclose(result, shifted(image, row - most[0], column - most[1]), rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_cutout_clears_half_the_sides_wherever_its_centre_lies(size):
    height, width = size
    u_rows, u_columns, rows, columns = pairs(cut_positions(height), cut_positions(width))
    x = images(len(rows), height, width, 2)
    out = augmented("cutout", x, u_rows, u_columns)
    for image, result, row, column in zip(x, out, rows, columns, strict=True):
        np.testing.assert_array_equal(result, cut(image, row, column))


@pytest.mark.parametrize("policy", ["translation", "cutout"])
def test_the_ends_of_the_uniform_numbers_are_the_ends_of_the_range(policy):
    ends = np.array([0.0, np.nextafter(np.float32(1), np.float32(0))])
    x = images(2, 16, 24, 1)
    counts = (5, 7) if policy == "translation" else (17, 25)
    inside = [every(count)[[0, -1]] for count in counts]
    np.testing.assert_array_equal(augmented(policy, x, ends, ends), augmented(policy, x, *inside))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_color_follows_its_formulas(size, channels):
    uniforms = np.random.default_rng(1).uniform(size=(3, 6))
    x = images(6, *size, channels)
    wanted = [coloured(image, *u) for image, u in zip(x, uniforms.T, strict=True)]
    np.testing.assert_allclose(augmented("color", x, *uniforms), wanted, atol=1e-5)


@pytest.mark.parametrize("channels", [2, 4])
def test_color_leaves_alpha_alone_and_takes_no_colour_from_it(channels):
    uniforms = np.random.default_rng(1).uniform(size=(3, 6))
    x = images(6, 6, 9, channels)
    out = augmented("color", x, *uniforms)
    np.testing.assert_array_equal(out[..., -1], x[..., -1])
    np.testing.assert_array_equal(out[..., :-1], augmented("color", x[..., :-1], *uniforms))


@pytest.mark.parametrize("policy", ["translation,cutout", "cutout,translation"])
def test_policies_apply_in_their_order(policy):
    x = images(1, 16, 16, 3)
    down_right, corner = ([0.99], [0.99]), ([0.0], [0.0])
    moved, opened = (lambda image: shifted(image, 2, 2)), (lambda image: cut(image, 0, 0))
    if policy.startswith("translation"):
        wanted, uniforms = opened(moved(x[0])), [*down_right, *corner]
    else:
        wanted, uniforms = moved(opened(x[0])), [*corner, *down_right]
    np.testing.assert_allclose(augmented(policy, x, *uniforms)[0], wanted, rtol=1e-6)


def slope(policy, x, upstream, *uniforms):
    diff_augment = augment.DiffAugment(policy)
    return ops.convert_to_numpy(
        backend.input_gradient(
            lambda x: ops.convert_to_tensor(upstream) * diff_augment(x, GivenDraws(*uniforms)),
            ops.convert_to_tensor(x),
            [],
        )
    )


def test_gradient_flows_past_a_cut_but_not_through_it():
    x, upstream = images(1, 8, 12, 3), images(1, 8, 12, 3, seed=1)
    np.testing.assert_array_equal(slope("cutout", x, upstream, [0.4], [0.4])[0], cut(upstream[0], 3, 5))


def test_gradient_is_moved_back_by_a_translation():
    x, upstream = images(1, 16, 24, 3), images(1, 16, 24, 3, seed=1)
    np.testing.assert_allclose(
        slope("translation", x, upstream, [0.99], [0.0])[0], shifted(upstream[0], -2, 3), rtol=1e-6
    )


def test_gradient_of_color_goes_through_its_means():
    x, other, upstream = (images(1, 5, 6, 3, seed=s).astype("float64") for s in range(3))
    uniforms = [0.9], [0.8], [0.1]
    gradient = slope("color", x.astype("float32"), upstream.astype("float32"), *uniforms)
    # Colour is affine in the image, so a difference is an exact derivative.
    change = coloured(other[0], 0.9, 0.8, 0.1) - coloured(x[0], 0.9, 0.8, 0.1)
    np.testing.assert_allclose((gradient * (other - x)).sum(), (upstream * change).sum(), rtol=1e-4)


def test_draws_of_a_training_translate_evenly():
    n = 3000
    x = np.zeros((n, 16, 24, 1), "float32")
    x[:, 8, 12] = 1.0
    out = ops.convert_to_numpy(augment.DiffAugment("translation")(ops.convert_to_tensor(x), Draws(7)))[..., 0]
    for axis, middle, most in ((2, 8, 2), (1, 12, 3)):
        share = out.sum(axis=axis).mean(axis=0)
        allowed = slice(middle - most, middle + most + 1)
        np.testing.assert_allclose(share[allowed], 1 / (2 * most + 1), atol=0.03)
        assert share[allowed].sum() == pytest.approx(1.0)


def test_draws_of_a_training_cut_as_often_as_the_positions_say():
    n, size = 3000, 8
    out = augment.DiffAugment("cutout")(ops.ones((n, size, size, 1)), Draws(7))
    cut_share = 1.0 - ops.convert_to_numpy(out)[..., 0].mean(axis=0)
    lines = np.array([[abs(i + 0.5 - c) < 2 for c in range(size + 1)] for i in range(size)]).mean(axis=1)
    np.testing.assert_allclose(cut_share, np.outer(lines, lines), atol=0.03)


def test_draws_of_a_training_differ_between_images_and_colour_evenly():
    out = augment.DiffAugment("color")(ops.zeros((3000, 2, 2, 3)), Draws(7))
    brightness = ops.convert_to_numpy(out).mean(axis=(1, 2, 3))
    assert abs(brightness.mean()) < 0.02
    assert brightness.std() == pytest.approx(1 / np.sqrt(12), abs=0.01)
    assert -0.5 <= brightness.min() < -0.49
    assert 0.49 < brightness.max() <= 0.5


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("color,cutot", "Unknown augmentation 'cutot'. Did you mean 'cutout'"),
        ("", "must name at least one of color, translation, cutout"),
        (" , ", "must name at least one"),
    ],
)
def test_an_unusable_policy_is_refused(policy, message):
    with pytest.raises(InputError, match=message):
        augment.DiffAugment(policy)


def test_data_that_are_no_images_are_refused():
    with pytest.raises(InputError, match=r"needs images \(batch, height, width, channels\). Received: .*4, 7"):
        augment.DiffAugment("cutout")(ops.zeros((4, 7)), Draws(0))


def test_get_takes_a_policy_an_object_or_nothing():
    own = augment.DiffAugment("cutout")
    assert augment.get(own) is own
    assert augment.get("color, cutout").steps == ["color", "cutout"]
    assert augment.get("") is augment.get(None) is None


def test_an_augmentation_survives_serialization():
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(augment.DiffAugment("translation, color"))))
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, augment.DiffAugment)
    assert again.steps == ["translation", "color"]
