"""The formulas of the metrics: against other people's code, against what is known exactly, and on broken input."""

import sys
from unittest import mock

import numpy as np
import pytest
from scipy import stats

from kerasgan import metrics
from kerasgan.errors import InputError


def features(n=400, d=12, seed=0, shift=0.0, scale=1.0):
    rng = np.random.default_rng(seed)
    return shift + scale * rng.normal(size=(n, d)) @ np.random.default_rng(99).normal(size=(d, d))


@pytest.fixture(scope="module")
def fidelity():
    """torch-fidelity's functions from features to scores. Its pictures need torchvision, which these do not."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    pytest.importorskip("PIL")
    absent = [f"torchvision{end}" for end in ("", ".datasets", ".transforms", ".transforms.functional")]
    with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in absent}):
        pytest.importorskip("torch_fidelity", reason="pip install --no-deps torch-fidelity, for the comparison with it")
        from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

    class Fidelity:
        @staticmethod
        def fid(x, y):
            of = [metric_fid.fid_features_to_statistics(torch.from_numpy(a)) for a in (x, y)]
            return metric_fid.fid_statistics_to_metric(*of, False)["frechet_inception_distance"]

        @staticmethod
        def kid(fake, real, **options):
            out = metric_kid.kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **options)
            return out["kernel_inception_distance_mean"], out["kernel_inception_distance_std"]

        @staticmethod
        def prc(fake, real, k):
            options = {"prc_neighborhood": k, "verbose": False}
            out = metric_prc.prc_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **options)
            return out["precision"], out["recall"]

        @staticmethod
        def isc(logits, splits):
            out = metric_isc.isc_features_to_metric(torch.from_numpy(logits), splits, shuffle=False)
            return out["inception_score_mean"], out["inception_score_std"]

    return Fidelity


PAIRS = [(400, 400, 12), (400, 250, 12), (60, 80, 200)]


@pytest.mark.parametrize(("n", "m", "d"), PAIRS)
def test_fid_is_that_of_torch_fidelity(fidelity, n, m, d):
    real, fake = features(n, d, 1), features(m, d, 2, shift=0.2, scale=1.1)
    assert metrics.frechet_distance(real, fake) == pytest.approx(fidelity.fid(real, fake), rel=1e-3)


@pytest.mark.parametrize(("n", "m", "d"), PAIRS)
@pytest.mark.parametrize("size", [20, 60])
def test_kid_is_that_of_torch_fidelity(fidelity, n, m, d, size):
    real, fake = features(n, d, 1), features(m, d, 2, shift=0.2, scale=1.1)
    ours = metrics.kernel_distance(real, fake, subsets=7, subset_size=size, seed=2020)
    theirs = fidelity.kid(fake, real, kid_subsets=7, kid_subset_size=size, rng_seed=2020, verbose=False)
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_those_of_torch_fidelity(fidelity, k):
    real, fake = features(300, 6, 1), features(200, 6, 2, shift=0.5, scale=0.6)
    ours = metrics.precision_recall(metrics.Manifold(real, k), metrics.Manifold(fake, k))
    assert ours == pytest.approx(fidelity.prc(fake, real, k), rel=1e-6)
    assert 0.01 < ours.recall < ours.precision <= 1


@pytest.mark.parametrize("splits", [1, 3, 10])
def test_inception_score_is_that_of_torch_fidelity(fidelity, splits):
    logits = 3 * features(203, 10, 1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    whole = metrics.inception_score(probabilities, splits)
    assert whole == pytest.approx(fidelity.isc(logits, splits), rel=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("copies", [False, True])
def test_all_four_are_those_of_prdc(k, copies):
    prdc = pytest.importorskip("prdc", reason="pip install prdc, for the comparison with it")
    real, fake = features(300, 4, 1), features(200, 4, 2, shift=0.3, scale=0.8)
    if copies:
        fake[:100] = real[:100]
    theirs = prdc.compute_prdc(real, fake, k)
    manifolds = metrics.Manifold(real, k), metrics.Manifold(fake, k)
    ours = {**metrics.precision_recall(*manifolds)._asdict(), **metrics.density_coverage(*manifolds)._asdict()}
    assert ours == pytest.approx(theirs, rel=1e-6)


# What is known exactly.


def gaussian(mean, covariance):
    return metrics.Gaussian(np.array(mean, float), np.array(covariance, float), 1000)


def test_the_distance_of_normal_distributions_is_the_known_one():
    one = gaussian([0, 0], np.eye(2))
    assert metrics.frechet_distance(one, gaussian([3, 4], np.eye(2))) == pytest.approx(25)
    assert metrics.frechet_distance(one, gaussian([0, 0], np.diag([4, 9]))) == pytest.approx(1 + 4)
    assert metrics.frechet_distance(one, gaussian([0, 0], np.zeros((2, 2)))) == pytest.approx(2)
    assert metrics.frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    # Covariances that do not commute: of A and B in two dimensions tr (AB)^½ = sqrt(tr AB + 2 sqrt(det AB)).
    a, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[5.0, -2.0], [-2.0, 1.0]])
    root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a @ b)))
    known = np.trace(a) + np.trace(b) - 2 * root
    assert metrics.frechet_distance(gaussian([0, 0], a), gaussian([0, 0], b)) == pytest.approx(known)


def test_large_samples_approach_the_distance_of_their_distributions():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (50_000, 3)), rng.normal(1, 2, (50_000, 3))
    assert metrics.frechet_distance(a, b) == pytest.approx(3 * 1 + 3 * 1, rel=0.02)


def test_kid_is_unbiased_and_its_spread_is_that_of_its_subsets():
    found = [
        metrics.kernel_distance(features(40, 3, 2 * i), features(40, 3, 2 * i + 1), 1, 40).mean for i in range(400)
    ]
    assert abs(np.mean(found)) < 4 * stats.sem(found)
    assert min(found) < 0
    many = metrics.kernel_distance(features(1000, 3, 1), features(1000, 3, 2), subsets=50, subset_size=40)
    assert 0.3 < many.std / np.std(found) < 3


def test_inception_score_of_sure_and_even_classes_is_their_number():
    sure = np.eye(5)[np.arange(100) % 5]
    assert metrics.inception_score(sure, 4) == pytest.approx((5, 0))
    assert metrics.inception_score(np.full((100, 5), 0.2), 4) == pytest.approx((1, 0))
    assert metrics.inception_score(sure[np.zeros(100, int)], 4) == pytest.approx((1, 0))


def test_mode_coverage_counts_classes_and_their_balance():
    real = np.arange(1000)
    assert metrics.mode_coverage(real, real, 1000) == (1000, pytest.approx(0))
    assert metrics.mode_coverage(np.arange(10), real, 1000) == (10, pytest.approx(np.log(100)))
    assert metrics.mode_coverage(np.zeros(5, int), real, 1000) == (1, pytest.approx(np.log(1000)))
    absent = metrics.mode_coverage(np.array([0, 1]), np.array([0, 0]), 2)
    assert absent == (2, pytest.approx(0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2)))


def test_moments_of_batches_are_those_of_the_whole_also_far_from_zero():
    whole = 1e6 + features(501, 7)
    moments = metrics.Moments()
    for part in np.split(whole, [1, 100, 250, 251]):
        moments.add(part)
    found = moments.gaussian()
    np.testing.assert_allclose(found.mean, whole.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(whole, rowvar=False), rtol=1e-6)
    np.testing.assert_allclose(found.root @ found.root, found.covariance, atol=1e-9 * found.covariance.max())


def test_duplicates_are_copies_and_near_copies_and_nothing_else():
    train, others = features(300, 20, 1), features(100, 20, 2)
    assert metrics.find_duplicates(others, train).duplicates == 0
    near = train[:100] + 0.01 * others
    mixed = metrics.find_duplicates(np.concatenate([near[:30], others[:70]]), train)
    assert mixed.duplicates == pytest.approx(0.3)
    assert metrics.find_duplicates(near, train).nearest < 0.05 * metrics.find_duplicates(others, train).nearest
    twice = np.concatenate([train, train])
    assert metrics.find_duplicates(train[:10], twice).duplicates == 1
    digests = [b"a", b"b", b"b", b"c"]
    found = metrics.find_duplicates(others[:4], train, digests, [b"c", b"d"])
    assert (found.duplicates, found.repeated) == (0.25, 0.25)


# Broken input.


def test_features_that_cannot_be_scored_are_refused():
    good, nan = features(20, 4), features(20, 4)
    nan[3, 2] = np.nan
    for score in (metrics.frechet_distance, lambda a, b: metrics.kernel_distance(a, b, 1, 10)):
        with pytest.raises(InputError, match=r"must be finite. Received NaN"):
            score(good, nan)
        with pytest.raises(InputError, match=r"one length. Received: 4 and 3"):
            score(good, features(20, 3))
        with pytest.raises(InputError, match=r"at least 2 images. Received: 1"):
            score(good[:1], good)
        with pytest.raises(InputError, match=r"shape \(n, d\). Received: \(20,\)"):
            score(good[:, 0], good)
    with pytest.raises(InputError, match="must be finite"):
        metrics.Manifold(nan, 3)
    with pytest.raises(InputError, match=r"at least 4 images. Received: 3"):
        metrics.Manifold(good[:3], 3)
    with pytest.raises(InputError, match=r"Received: 1 of 21"):
        metrics.kernel_distance(good, good, 1, 21)
    with pytest.raises(InputError, match=r"Expected 1 to 3 splits of 3 images. Received: 10"):
        metrics.inception_score(np.full((3, 2), 0.5))
    with pytest.raises(InputError, match="from 0 to 2"):
        metrics.mode_coverage(np.array([3]), np.array([0]), 3)


def test_fid_of_low_rank_features_is_finite_and_exact():
    flat = np.ones((50, 30))
    assert metrics.frechet_distance(flat, flat) == 0
    assert metrics.frechet_distance(flat, flat + 1) == pytest.approx(30)
    few = features(10, 30)
    assert metrics.frechet_distance(few, few) == pytest.approx(0, abs=1e-4 * np.trace(np.cov(few.T)))
