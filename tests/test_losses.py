"""Every loss against the equation of its paper, written out in NumPy and float64."""

import json
import math

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import backend, losses
from kerasgan.errors import InputError

SMOOTHED = ("minimax", "non_saturating", "least_squares")
SHIFT_FREE = ("wasserstein", "relativistic")


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


def cross_entropy_game(real, fake, target):
    """Goodfellow et al., 2014, equation 1, negated; Salimans et al., 2016, lower the target of real samples only."""
    on_real = target * np.log(logistic(real)) + (1.0 - target) * np.log(1.0 - logistic(real))
    return -np.mean(on_real) - np.mean(np.log(1.0 - logistic(fake)))


DISCRIMINATOR = {
    "minimax": cross_entropy_game,
    "non_saturating": cross_entropy_game,
    "least_squares": lambda real, fake, t: 0.5 * np.mean((real - t) ** 2) + 0.5 * np.mean(fake**2),
    "wasserstein": lambda real, fake, t: -(np.mean(real) - np.mean(fake)),
    "hinge": lambda real, fake, t: -np.mean(np.minimum(0, -1 + real)) - np.mean(np.minimum(0, -1 - fake)),
    "relativistic": lambda real, fake, t: -np.mean(np.log(logistic(real - fake))),
}
GENERATOR = {
    "minimax": lambda real, fake: np.mean(np.log(1.0 - logistic(fake))),
    "non_saturating": lambda real, fake: -np.mean(np.log(logistic(fake))),
    "least_squares": lambda real, fake: 0.5 * np.mean((fake - 1.0) ** 2),
    "wasserstein": lambda real, fake: -np.mean(fake),
    "hinge": lambda real, fake: -np.mean(fake),
    "relativistic": lambda real, fake: -np.mean(np.log(logistic(fake - real))),
}
# Derivatives by hand, times the number of logits: of D's loss by real and by fake logits, of G's loss by fake logits.
SLOPES = {
    "minimax": (lambda r, f, t: logistic(r) - t, lambda r, f: logistic(f), lambda r, f: -logistic(f)),
    "non_saturating": (lambda r, f, t: logistic(r) - t, lambda r, f: logistic(f), lambda r, f: logistic(f) - 1.0),
    "least_squares": (lambda r, f, t: r - t, lambda r, f: f, lambda r, f: f - 1.0),
    "wasserstein": (lambda r, f, t: 0 * r - 1.0, lambda r, f: 0 * f + 1.0, lambda r, f: 0 * f - 1.0),
    "hinge": (lambda r, f, t: -1.0 * (r < 1), lambda r, f: 1.0 * (f > -1), lambda r, f: 0 * f - 1.0),
    "relativistic": (
        lambda r, f, t: -logistic(f - r),
        lambda r, f: logistic(f - r),
        lambda r, f: -logistic(r - f),
    ),
}
PAIRS = [(name, s) for name in losses.LOSSES for s in ((0.0, 0.1) if name in SMOOTHED else (0.0,))]


def logits(shape=(7, 3), seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0.5, 2.0, shape), rng.normal(-0.5, 2.0, shape)


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def slopes(loss, real, fake):
    """What training sees: D's loss derived by real and by fake logits, G's by fake logits."""
    real, fake = tensor(real), tensor(fake)
    by_hand = (
        backend.input_gradient(lambda r: loss.discriminator(r, fake), real, []),
        backend.input_gradient(lambda f: loss.discriminator(real, f), fake, []),
        backend.input_gradient(lambda f: loss.generator(f, real), fake, []),
    )
    return [ops.convert_to_numpy(s) for s in by_hand]


def test_the_oracle_knows_every_loss():
    assert set(losses.LOSSES) == set(DISCRIMINATOR) == set(GENERATOR) == set(SLOPES)


@pytest.mark.parametrize("shape", [(7, 3), (5,), (2, 3, 3, 1)])
@pytest.mark.parametrize(("name", "smoothing"), PAIRS)
def test_values_follow_the_paper(name, smoothing, shape):
    real, fake = logits(shape)
    loss = losses.get(name, smoothing)
    for value, expected in (
        (loss.discriminator(tensor(real), tensor(fake)), DISCRIMINATOR[name](real, fake, 1.0 - smoothing)),
        (loss.generator(tensor(fake), tensor(real)), GENERATOR[name](real, fake)),
    ):
        assert (tuple(value.shape), keras.backend.standardize_dtype(value.dtype)) == ((), "float32")
        np.testing.assert_allclose(float(value), expected, rtol=1e-5)


@pytest.mark.parametrize(("name", "smoothing"), PAIRS)
def test_slopes_follow_the_paper(name, smoothing):
    real, fake = logits()
    of_d_by_real, of_d_by_fake, of_g_by_fake = SLOPES[name]
    expected = of_d_by_real(real, fake, 1.0 - smoothing), of_d_by_fake(real, fake), of_g_by_fake(real, fake)
    for slope, wanted in zip(slopes(losses.get(name, smoothing), real, fake), expected, strict=True):
        np.testing.assert_allclose(slope, wanted / real.size, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_an_undecided_discriminator_lifts_real_and_lowers_fake_and_the_generator_lifts_fake(name):
    undecided = np.array([0.3, 0.5, 0.7])
    of_d_by_real, of_d_by_fake, of_g_by_fake = slopes(losses.get(name), undecided, undecided[::-1])
    assert (of_d_by_real < 0).all()
    assert (of_d_by_fake > 0).all()
    assert (of_g_by_fake < 0).all()


@pytest.mark.parametrize(("name", "smoothing"), PAIRS)
@pytest.mark.parametrize("size", [1e2, 1e6])
def test_extreme_logits_stay_finite(name, smoothing, size):
    loss = losses.get(name, smoothing)
    for real, fake in ((size, -size), (-size, size), (size, size)):
        real, fake = np.full((4, 1), real), np.full((4, 1), fake)
        assert math.isfinite(float(loss.discriminator(tensor(real), tensor(fake))))
        assert math.isfinite(float(loss.generator(tensor(fake), tensor(real))))
        assert all(np.isfinite(s).all() for s in slopes(loss, real, fake))


def test_a_wholly_wrong_discriminator_still_feels_its_error():
    wrong = tensor([[-1e4]]), tensor([[1e4]])
    assert float(losses.get("minimax").discriminator(*wrong)) == pytest.approx(2e4)
    assert float(losses.get("relativistic").discriminator(*wrong)) == pytest.approx(2e4)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_boundary_divides_real_from_fake(name):
    real, fake = logits()
    expected = {"least_squares": 0.5, **dict.fromkeys(SHIFT_FREE, (real.mean() + fake.mean()) / 2)}.get(name, 0.0)
    assert float(losses.get(name).boundary(tensor(real), tensor(fake))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", SHIFT_FREE)
def test_a_boundary_moves_with_logits_whose_level_means_nothing(name):
    loss = losses.get(name)
    real, fake = (tensor(x) for x in logits())
    assert float(loss.discriminator(real + 100.0, fake + 100.0)) == pytest.approx(
        float(loss.discriminator(real, fake)), abs=1e-4
    )
    moved = float(loss.boundary(real + 100.0, fake + 100.0)) - float(loss.boundary(real, fake))
    assert moved == pytest.approx(100.0, abs=1e-3)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_only_losses_that_ask_for_real_logits_need_them(name):
    loss = losses.get(name)
    fake = tensor([0.5, -0.5])
    if loss.generator_needs_real:
        assert float(loss.generator(fake, tensor([0.0, 3.0]))) != float(loss.generator(fake, tensor([0.0, 0.0])))
    else:
        assert math.isfinite(float(loss.generator(fake)))


def test_get_by_name_gives_that_loss_and_an_object_gives_itself():
    assert [type(losses.get(name)) for name in losses.LOSSES] == list(losses.LOSSES.values())
    own = losses.LeastSquares(0.2)
    assert losses.get(own) is own


def test_an_unknown_name_lists_close_matches_and_all_names():
    with pytest.raises(InputError, match=r"Unknown loss 'hnge'. Did you mean 'hinge'\?.*wasserstein"):
        losses.get("hnge")
    with pytest.raises(InputError, match="Unknown loss None"):
        losses.get(None)


@pytest.mark.parametrize("smoothing", [-0.1, 0.5, 1.0, float("nan")])
def test_label_smoothing_outside_its_range_is_refused(smoothing):
    with pytest.raises(InputError, match=r"label_smoothing must be at least 0 and below 0.5. Received: "):
        losses.get("minimax", smoothing)


@pytest.mark.parametrize("name", sorted(set(losses.LOSSES) - set(SMOOTHED)))
def test_a_loss_without_a_target_refuses_label_smoothing(name):
    with pytest.raises(InputError, match=f"'{name}' has no target.*goes with: minimax, non_saturating, least_squares"):
        losses.get(name, 0.1)


@pytest.mark.parametrize(("name", "smoothing"), PAIRS)
def test_a_loss_survives_serialization(name, smoothing):
    loss = losses.get(name, smoothing)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    real, fake = (tensor(x) for x in logits())
    assert float(again.discriminator(real, fake)) == float(loss.discriminator(real, fake))
