"""Diversity: what HealthMonitor measures of samples, and the real data it holds beside them."""

import health as tiny_run
import keras
import numpy as np
import pytest

import kerasgan as kg
from kerasgan.callbacks.diversity import Diversity
from kerasgan.callbacks.samples import real_data

RNG = np.random.default_rng(0)
POINTS = tiny_run.points(2048)
RING = Diversity(POINTS)


def on_modes(k, n=256):
    angles = RNG.integers(0, k, n) * np.pi / 4
    return np.stack([np.cos(angles), np.sin(angles)], 1) + 0.02 * RNG.normal(size=(n, 2))


@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_modes_are_counted_without_being_told_of(k):
    assert RING.clusters == 8
    measures = RING.measure(on_modes(k))
    assert measures["modes"] == pytest.approx(k / 8, abs=0.05)
    assert (measures["distance"] < 0.15) == (k == 8)


def test_a_single_point_has_no_spread_and_samples_far_away_a_distance():
    assert RING.measure(np.tile([1.0, 0.0], (256, 1)))["spread"] == pytest.approx(0.0, abs=1e-4)
    assert RING.measure(on_modes(8) + 10)["distance"] > 10


@pytest.mark.parametrize("shape", [(20, 28, 1), (8, 8, 3), (40, 40, 4), (3000,), (7, 2)])
def test_any_shape_is_measured_and_columns_may_have_units_of_their_own(shape):
    kinds = RNG.normal(size=(12, *shape)).astype("float32")
    x = kinds[RNG.integers(0, 12, 400)] + 0.1 * RNG.normal(size=(400, *shape)).astype("float32")
    if len(shape) < 3:
        x = x * np.geomspace(1e-3, 1e3, shape[-1]).astype("float32")
    yardstick = Diversity(x, n=128)
    alike, one_kind = yardstick.measure(x[:128]), yardstick.measure(np.repeat(x[:1], 128, axis=0))
    assert alike["modes"] == pytest.approx(1.0, abs=0.15)
    assert alike["spread"] == pytest.approx(1.0, abs=0.1)
    assert one_kind["modes"] < 0.2


def test_data_sorted_by_class_are_seen_whole():
    """As folders are: whoever looks at the first few sees all classes, with the labels they have."""
    x = np.repeat(np.arange(10, dtype="uint8"), 300)
    images = kg.data.Images(
        np.ascontiguousarray(np.broadcast_to(x[:, None, None, None], (3000, 4, 4, 1))), x.astype(int)
    )
    real, labels = real_data(images, 2048, (0.0, 255.0))
    assert len(real) == 2048 and (real[:, 0, 0, 0] == labels).all()
    assert np.bincount(labels[:256], minlength=10).min() > 10


def test_of_large_pictures_fewer_are_compared_with():
    images = kg.data.Images(np.zeros((60, 1024, 1024, 3), "uint8"))
    real, _ = real_data(images, 2048, (-1.0, 1.0))
    assert len(real) == 42 and real.nbytes <= 1 << 29


def test_noise_is_not_taken_for_diversity():
    kinds = np.repeat(np.repeat(RNG.uniform(-1, 1, (12, 4, 4, 1)), 8, axis=1), 8, axis=2)
    yardstick = Diversity(kinds[RNG.integers(0, 12, 600)].astype("float32"))
    assert yardstick.measure(kinds[[0] * 256] + 0.3 * RNG.normal(size=(256, 32, 32, 1)))["spread"] < 0.3


class Peeked(keras.utils.PyDataset):
    num_batches = 4

    def __getitem__(self, i):
        return POINTS[i * 8 : i * 8 + 8], np.arange(8)


@pytest.mark.parametrize(
    "make", [lambda: POINTS, lambda: keras.ops.convert_to_tensor(POINTS), Peeked, lambda: [(POINTS[:8], None)] * 4]
)
def test_real_data_of_any_kind(make):
    x, y = real_data(make(), 20, (-1.0, 1.0))
    assert x.shape == (20, 2)
    assert (y is not None) == (make is Peeked)
    assert set(map(tuple, x)) <= set(map(tuple, POINTS))
    assert real_data(iter([POINTS]), 20, (-1.0, 1.0)) is None, "what can be read once is left to the training"
