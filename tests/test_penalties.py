"""Every gradient penalty against its equation in NumPy: with a discriminator whose gradient is known, and for real."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import backend, penalties
from kerasgan.errors import InputError

SHAPES = [(6, 5), (4, 3, 2, 3)]
NAMES = list(penalties.PENALTIES)


class GivenDraws:
    """Draws whose numbers NumPy makes, and which keeps what it gave."""

    def __init__(self, seed=1):
        self.rng = np.random.default_rng(seed)
        self.given = []

    def _give(self, kind, values):
        self.given.append((kind, values))
        return ops.convert_to_tensor(values)

    def normal(self, shape):
        return self._give("normal", self.rng.standard_normal(tuple(map(int, shape))).astype("float32"))

    def uniform(self, shape):
        return self._give("uniform", self.rng.uniform(size=tuple(map(int, shape))).astype("float32"))


def batch(shape, seed=0):
    """Real samples of a deviation other than 1, and fakes elsewhere."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.2, 0.6, shape).astype("float32"), rng.normal(-0.4, 0.3, shape).astype("float32")


def tensors(*arrays):
    return [ops.convert_to_tensor(a) for a in arrays]


def expected_points(name, real, fake, given, deviation=0.5):
    """Where each paper takes the gradient, from the random numbers that were drawn."""
    if name == "r1":
        return real
    if name == "r2":
        return fake
    ((kind, noise),) = given
    if name == "wgan_gp":  # algorithm 1, line 6: one number for each sample
        assert (kind, noise.shape) == ("uniform", (len(real),) + (1,) * (real.ndim - 1))
        return np.stack([e.item() * x + (1 - e.item()) * g for e, x, g in zip(noise, real, fake, strict=True)])
    assert (kind, noise.shape) == ("normal", real.shape)
    return real + deviation * np.sqrt(np.mean((real - real.mean()) ** 2)) * noise


def expected_value(name, norms, strength, target=1.0):
    """The penalty's equation from the gradient norms of the samples."""
    if name in ("r1", "r2"):
        return strength / 2 * np.mean(norms**2)
    return strength * np.mean((norms - target) ** 2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [10.0, 0.3])
@pytest.mark.parametrize("name", NAMES)
def test_value_follows_the_paper_for_a_quadratic_discriminator(name, strength, shape):
    # D(x) = sum(a x + b x^2 / 2), so dD/dx = a + b x.
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, *shape[1:])).astype("float32")
    real, fake = batch(shape)
    draws = GivenDraws()
    slope, curvature = tensors(a, b)
    value = penalties.PENALTIES[name](strength)(lambda x: slope + curvature * x, *tensors(real, fake), draws)
    points = expected_points(name, real, fake, draws.given)
    norms = np.array([np.linalg.norm(gradient) for gradient in (a + b * points).reshape(len(points), -1)])
    assert (tuple(value.shape), keras.backend.standardize_dtype(value.dtype)) == ((), "float32")
    np.testing.assert_allclose(float(value), expected_value(name, norms, strength), rtol=1e-5)


@pytest.mark.parametrize("name", ["wgan_gp", "dragan"])
@pytest.mark.parametrize("length", [0.0, 0.25, 1.0, 3.0])
def test_norm_penalties_are_least_at_norm_one(name, length):
    real, fake = batch((4, 9))
    slope = np.full((4, 9), length / 3.0, "float32")
    value = penalties.get(name)(lambda x: ops.convert_to_tensor(slope), *tensors(real, fake), GivenDraws())
    assert float(value) == pytest.approx(10.0 * (length - 1.0) ** 2, rel=1e-5, abs=1e-6)


def test_dragan_goes_where_its_arguments_say():
    real, fake = batch((5, 4))
    draws = GivenDraws()
    penalty = penalties.DRAGAN(weight=2.0, deviation=0.1, target=0.5)
    value = penalty(lambda x: 3.0 * x, *tensors(real, fake), draws)
    points = expected_points("dragan", real, fake, draws.given, deviation=0.1)
    norms = np.linalg.norm(3.0 * points, axis=1)
    np.testing.assert_allclose(float(value), expected_value("dragan", norms, 2.0, target=0.5), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_is_left_to_the_training_step(name):
    real, fake = tensors(*batch((4, 3)))
    often, rarely = (penalties.get({"name": name, "interval": k}) for k in (1, 16))
    values = [float(p(lambda x: 2.0 * x, real, fake, GivenDraws())) for p in (often, rarely)]
    assert values[0] == values[1]
    assert rarely.interval == 16


# The same through a real network and the engine's own gradient: D(x) = v . tanh(W x + c).


def network(seed=3):
    keras.utils.set_random_seed(seed)
    x = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="tanh", bias_initializer="random_normal")(x)
    return keras.Model(x, keras.layers.Dense(1)(hidden))


def norms_of_network(weights, points):
    W, c, v, _ = weights
    slopes = ((1.0 - np.tanh(points @ W + c) ** 2) * v[:, 0]) @ W.T
    return np.linalg.norm(slopes, axis=1)


def value_and_weight_slopes(penalty, discriminator, real, fake, draws):
    def judge(points):
        return discriminator(points, training=True)

    def gradient(points):
        return backend.input_gradient(judge, points, discriminator.variables)

    def loss():
        return penalty(gradient, *tensors(real, fake), draws), {}

    value, _, slopes = backend.value_and_grad(loss, discriminator.trainable_variables, discriminator.variables)
    return float(ops.convert_to_numpy(value)), [ops.convert_to_numpy(s) for s in slopes]


@pytest.mark.parametrize("name", NAMES)
def test_value_and_second_derivative_through_a_network(name):
    discriminator = network()
    real, fake = batch((6, 5))
    draws = GivenDraws()
    value, slopes = value_and_weight_slopes(penalties.get(name), discriminator, real, fake, draws)
    points = expected_points(name, real, fake, draws.given).astype("float64")
    weights = [w.astype("float64") for w in discriminator.get_weights()]

    def oracle(changed):
        return expected_value(name, norms_of_network(changed, points), 10.0)

    np.testing.assert_allclose(value, oracle(weights), rtol=1e-5)
    for i, slope in enumerate(slopes):
        wanted = np.zeros(weights[i].shape)
        for index in np.ndindex(wanted.shape):
            ends = []
            for step in (1e-5, -1e-5):
                changed = [w.copy() for w in weights]
                changed[i][index] += step
                ends.append(oracle(changed))
            wanted[index] = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(slope, wanted, rtol=1e-3, atol=1e-4)
    assert sum(np.abs(s).sum() for s in slopes) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_discriminator_gives_finite_slopes(name):
    discriminator = network()
    discriminator.set_weights([np.zeros_like(w) for w in discriminator.get_weights()])
    value, slopes = value_and_weight_slopes(penalties.get(name), discriminator, *batch((6, 5)), GivenDraws())
    assert value == pytest.approx({"wgan_gp": 10.0, "dragan": 10.0}.get(name, 0.0), rel=1e-4)
    assert all(np.isfinite(s).all() for s in slopes)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan")])
def test_a_weight_that_is_not_positive_is_refused(name, strength):
    with pytest.raises(InputError, match="weight of a penalty must be positive"):
        penalties.PENALTIES[name](strength)


@pytest.mark.parametrize("interval", [0, -4])
def test_an_interval_below_one_is_refused(interval):
    with pytest.raises(InputError, match=f"interval of a penalty must be at least 1. Received: {interval}"):
        penalties.R1(interval=interval)


def test_get_takes_a_name_a_mapping_or_an_object():
    assert [type(penalties.get(name)) for name in NAMES] == list(penalties.PENALTIES.values())
    given = {"name": "r1", "gamma": 0.1, "interval": 16}
    lazy = penalties.get(given)
    assert (lazy.weight, lazy.interval) == (0.05, 16)
    assert given == {"name": "r1", "gamma": 0.1, "interval": 16}
    assert penalties.get(lazy) is lazy


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        ("wgan", "Unknown penalty 'wgan'. Did you mean 'wgan_gp'"),
        ({"gamma": 1.0}, "Unknown penalty None.*dragan, r1, r2, wgan_gp"),
        ({"name": "r1", "weight": 1.0}, "'r1' does not take these arguments: {'weight': 1.0}"),
        (10.0, "Unknown penalty 10.0"),
    ],
)
def test_what_get_cannot_use_is_named(penalty, message):
    with pytest.raises(InputError, match=message):
        penalties.get(penalty)


@pytest.mark.parametrize(
    "penalty",
    [
        penalties.WGANGP(3.0, interval=2),
        penalties.DRAGAN(4.0, deviation=0.2, target=0.7, interval=3),
        penalties.R1(0.2, interval=16),
        penalties.R2(7.0, interval=5),
    ],
    ids=lambda p: p.name,
)
def test_a_penalty_survives_serialization(penalty):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(penalty)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(penalty)
    assert vars(again) == vars(penalty)
