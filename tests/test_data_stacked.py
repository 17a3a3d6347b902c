"""Stacked MNIST: three grey pictures as one coloured one."""

import numpy as np
import pytest

from kerasgan import data
from kerasgan.data.images import Images
from kerasgan.errors import InputError


@pytest.fixture
def digits():
    """40 grey pictures whose every pixel tells which picture it is of, 4 of each class."""
    x = np.arange(40, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 1), np.uint8)
    return Images(x, np.arange(40) % 10, name="mnist")


def test_channels_are_pictures_and_the_label_spells_their_classes(digits):
    images = data.stacked(digits, 500)
    assert repr(images) == "Images('stacked_mnist': 500 of 4 x 6 x 3 uint8, 1000 classes)"
    assert images.class_names[0] == "000"
    assert images.class_names[123] == "123"
    assert images.class_names[999] == "999"
    for picture, label in zip(images.x, images.y, strict=True):
        assert (picture == picture[0, 0]).all()
        a, b, c = (int(value) % 10 for value in picture[0, 0])
        assert label == 100 * a + 10 * b + c


def test_the_draw_is_even_over_all_pictures_and_independent_between_channels(digits):
    values = data.stacked(digits, 20_000).x[:, 0, 0].astype(int)
    for channel in range(3):
        counts = np.bincount(values[:, channel], minlength=40)
        assert counts.min() > 400
        assert counts.max() < 600
    assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 0.03
    assert len(np.unique(data.stacked(digits).y)) == 1000, "every mode is there"


def test_it_follows_from_the_seed_and_not_from_the_order(digits):
    order = np.random.default_rng(1).permutation(40)
    other = Images(digits.x[order], digits.y[order], name="mnist")
    first = data.stacked(digits, 50)
    assert first.fingerprint == data.stacked(other, 50).fingerprint
    assert first.fingerprint != data.stacked(digits, 50, seed=1).fingerprint
    assert len(data.stacked(digits)) == 26_000


def test_size_and_streaming(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASGAN_CACHE", str(tmp_path))
    assert data.stacked(digits, 3, image_shape=(8, 8, 3)).image_shape == (8, 8, 3)
    streamed = data.stacked(digits, 30, memory_limit=0)
    assert streamed.memory_mapped
    assert (streamed.x == data.stacked(digits, 30).x).all()
    assert (data.stacked(digits, 30, seed=1, memory_limit=0).x != streamed.x).any(), "a cached set of its own"


def test_names_of_other_classes(digits):
    fashion = Images(digits.x[:4], [0, 1, 1, 0], ["shirt", "shoe"], "fashion")
    images = data.stacked(fashion, 20)
    assert images.class_names == tuple(
        f"{a}-{b}-{c}" for a in ("shirt", "shoe") for b in ("shirt", "shoe") for c in ("shirt", "shoe")
    )
    first = {0: 0, 1: 1, 2: 1, 3: 0}
    assert all(
        label == 4 * first[r] + 2 * first[g] + first[b]
        for (r, g, b), label in zip(images.x[:, 0, 0].tolist(), images.y, strict=True)
    )


def test_what_cannot_be_stacked(digits):
    grey = r"Expected grey uint8 pictures with labels of at most 10 classes. Received: Images"
    with pytest.raises(InputError, match=grey):
        data.stacked(Images(digits.x))
    with pytest.raises(InputError, match=grey):
        data.stacked(Images(digits.x.repeat(3, -1), digits.y))
    with pytest.raises(InputError, match=grey):
        data.stacked(Images(digits.x, np.arange(40)))
    with pytest.raises(InputError, match=r"n must be at least 1. Received: 0"):
        data.stacked(digits, 0)


def test_load_stacks_the_split_of_mnist(digits, monkeypatch):
    asked = []

    def load_tfds(name, split, image_shape, memory_limit):
        asked.append((name, split, image_shape))
        return digits

    monkeypatch.setattr("kerasgan.data.sources.load_tfds", load_tfds)
    images = data.load("stacked_mnist", split="test", image_shape=(4, 6, 3))
    assert asked == [("mnist", "test", None)]
    assert repr(images) == "Images('stacked_mnist': 26,000 of 4 x 6 x 3 uint8, 1000 classes)"
