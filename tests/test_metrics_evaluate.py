"""evaluate: what the scores answer to."""

import itertools
import json

import numpy as np
import pytest
import scored

import kerasgan as kg
from kerasgan import metrics
from kerasgan.data import Images
from kerasgan.errors import InputError
from kerasgan.metrics import classifiers, conditional, extractors, parts

MARGINAL = ("fid", "kid", "precision_recall", "density_coverage")
N = scored.N


def test_a_perfect_generator_scores_like_real_images(perfect):
    assert perfect["fid"] < 2.5 * perfect.floor["fid"]
    assert abs(perfect["kid"]) < 5 * perfect["kid_std"]
    for name in ("precision", "recall", "density", "coverage", "class_agreement"):
        assert perfect[name] == pytest.approx(perfect.floor[name], abs=0.08)
        assert perfect[name] > 0.85
    assert (perfect["modes"], perfect["repeated"]) == (3, 0)
    assert perfect["duplicates"] < 0.02
    assert perfect["nearest_train"] == pytest.approx(perfect.floor["nearest_train"], rel=0.15)


def worse(previous, found, names):
    for name in names:
        better = metrics.directions()[name]
        assert better * found[name] <= better * previous[name] + 1e-9, name


def test_growing_noise_makes_every_score_worse(evaluator, others):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=others.x.shape)
    found = [
        evaluator.score(Images(np.clip(others.x + sigma * noise, 0, 255).astype("uint8"), others.y))
        for sigma in (0, 40, 120)
    ]
    for before, after in itertools.pairwise(found):
        worse(before, after, ("fid", "kid", "density", "coverage", "class_agreement", "inception_score"))
    worse(found[0], found[-1], ("precision", "mode_kl"))
    assert found[-1]["fid"] > 10 * found[0]["fid"]


def test_dropped_classes_are_seen(evaluator, others):
    kept = [
        others,
        *(Images(np.repeat(others.x[others.y < k], 3, 0), np.repeat(others.y[others.y < k], 3)) for k in (2, 1)),
    ]
    found = [evaluator.score(images) for images in kept]
    assert [r["modes"] for r in found] == [3, 2, 2]  # a single image taken for another class counts
    for before, after in itertools.pairwise(found):
        worse(before, after, ("fid", "kid", "recall", "coverage", "inception_score", "mode_kl"))
    assert found[-1]["mode_kl"] == pytest.approx(np.log(3), rel=0.1)
    assert found[-1]["precision"] > 0.85


def test_repeated_images_are_seen(evaluator, others):
    few = [(others.x[: N // k].repeat(k, axis=0), others.y[: N // k].repeat(k)) for k in (1, 5, 50)]
    found = [evaluator.score(Images(x, y, scored.NAMES)) for x, y in few]
    for before, after in itertools.pairwise(found):
        worse(before, after, ("fid", "kid", "recall", "coverage", "repeated"))
    assert [round(r["repeated"], 2) for r in found] == [0, 0.8, 0.98]


def test_memorised_images_are_seen(evaluator, real, others):
    shifted = np.clip(real.x[:N].astype(int) + 1, 0, 255).astype("uint8")
    half = np.concatenate([shifted[: N // 2], others.x[: N // 2]])
    labels = np.concatenate([real.y[: N // 2], others.y[: N // 2]])
    assert evaluator.score(Images(shifted, real.y[:N]))["duplicates"] > 0.95
    found = evaluator.score(Images(half, labels))
    assert found["duplicates"] == pytest.approx(0.5, abs=0.05)
    assert found.floor["duplicates"] < 0.02


def test_wrong_labels_lower_class_agreement(evaluator, others):
    wrong = np.where(np.arange(len(others)) % 2, others.y, (others.y + 1) % 3)
    assert evaluator.score(Images(others.x, wrong))["class_agreement"] == pytest.approx(0.5, abs=0.06)


def test_classes_are_matched_by_name(evaluator, perfect):
    renamed = scored.sampler(names=("bar", "ring", "dot"))
    assert evaluator.score(renamed)["class_agreement"] < 0.5
    with pytest.raises(InputError, match=r"classes are \['a', 'b', 'c'\]. Received data with the classes \['bar'"):
        evaluator.score(scored.sampler(names=("a", "b", "c")))


def test_labels_are_drawn_as_often_as_the_data_have_them(extractor, real):
    rare = Images(real.x[real.y < 2][:300], np.arange(300) // 270, scored.NAMES, "rare")
    wanted = np.concatenate([y for _, y in parts.generated(scored.sampler(), rare, 1000, seed=0)])
    assert np.bincount(wanted, minlength=3) == pytest.approx([900, 100, 0], abs=30)


def test_cas_trains_on_what_was_generated_and_tests_on_held_out_images(monkeypatch, real, others):
    seen = []
    monkeypatch.setattr(classifiers, "fit", lambda x, y, k, **_: seen.append((x, y, k)) or scored.classifier())
    found = scored.evaluate(Images(others.x[:50], 2 - others.y[:50]), real, "cas", n=50, held_out=others, floor=True)
    (x, y, k), (floor_x, floor_y, _) = sorted(
        seen, key=lambda given: (given[0][:, None] == real.x).all((2, 3, 4)).any()
    )
    assert k == 3
    assert {image.tobytes() for image in x} == {image.tobytes() for image in others.x[:50]}
    rows = [np.flatnonzero((others.x[:50] == image).all((1, 2, 3)))[0] for image in x]
    np.testing.assert_array_equal(y, 2 - others.y[rows])
    rows = [np.flatnonzero((real.x == image).all((1, 2, 3)))[0] for image in floor_x]
    np.testing.assert_array_equal(floor_y, real.y[rows])
    assert found["cas"] == found.floor["cas"] > 0.9


def test_cas_asks_no_extractor_so_that_none_is_downloaded(monkeypatch, real, others):
    def download(*_):
        raise InputError("downloaded")

    monkeypatch.setattr(classifiers, "fit", lambda *_, **__: scored.classifier())
    monkeypatch.setattr(extractors, "inception_v3", download)
    options = {"n": 100, "held_out": others, "progress": False}
    found = metrics.evaluate(others, real, "cas", **options)
    assert found["cas"] > 0.9
    assert "extractor             none" in str(found)
    with pytest.raises(InputError, match="downloaded"):
        metrics.evaluate(others, real, ("cas", "fid"), **options)
    seen = metrics.evaluate(others, real, ("cas", "fid"), extractor=scored.classifier(), **options)
    assert found.compare(seen) == seen.compare(found) == {"cas": 1.0}


@pytest.mark.slow
def test_cas_tells_labels_that_fit_from_labels_that_do_not(monkeypatch, real, others):
    monkeypatch.setattr(conditional, "STEPS", 60)
    monkeypatch.setattr(conditional, "WIDTH", 4)
    options = {"n": 200, "held_out": others, "extractor": scored.classifier(), "progress": False}
    found = metrics.evaluate(scored.sampler(), real, "cas", **options)
    shuffled = Images(others.x, np.random.default_rng(0).permutation(others.y), scored.NAMES)
    wrong = metrics.evaluate(shuffled, real, "cas", floor=False, **options)
    assert found["cas"] > 0.85
    assert found.floor["cas"] > 0.85
    assert wrong["cas"] < 0.7
    assert found.protocol.settings["cas"]["steps"] == 60


# Seeds, streaming, extractors.


def test_the_same_seed_gives_the_same_scores_and_another_seed_others(real, others, extractor, perfect):
    again = metrics.evaluate(
        scored.sampler(),
        real,
        scored.CHEAP,
        n=N,
        extractor=extractor,
        held_out=others,
        progress=False,
        subject=perfect.subject,
    )
    assert again == perfect
    other = metrics.evaluate(scored.sampler(), real, "fid", n=N, seed=1, extractor=extractor, floor=False)
    assert other["fid"] != perfect["fid"]


def test_images_come_in_chunks_whose_size_changes_nothing(monkeypatch, real):
    sampler, sizes = scored.sampler(), []
    monkeypatch.setattr(parts, "CHUNK", 64)
    images = sampler.images
    monkeypatch.setattr(sampler, "images", lambda z, labels: sizes.append(len(z)) or images(z, labels))
    made = list(parts.generated(sampler, real, 300, seed=5))
    assert sizes == [64, 64, 64, 64, 44]
    whole = images(sampler.latents(300, 5), np.concatenate([y for _, y in made]))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in made]), whole)


def test_the_reference_does_not_depend_on_the_floor(real, others):
    with_floor, held_out = parts.choose(real, others, 350, seed=3, hold_out=True)
    without, none = parts.choose(real, others, 350, seed=3, hold_out=False)
    np.testing.assert_array_equal(with_floor.pieces[0][2], without.pieces[0][2])
    assert none is None
    assert str(held_out) == "350 of 400 test"


def test_a_small_test_part_is_filled_up_with_what_the_reference_left(real, others):
    few = Images(others.x[:50], others.y[:50], scored.NAMES)
    reference, held_out = parts.choose(real, few, 250, seed=0, hold_out=True)
    assert str(held_out) == "50 of 50 test + 200 of 600 train (rows not in the reference)"
    assert not set(reference.pieces[0][2]) & set(held_out.pieces[1][2])
    reference, held_out = parts.choose(real, few, 9999, seed=0, hold_out=True)
    assert (len(reference), len(held_out)) == (325, 325)


def test_too_few_images_halve_n_and_say_so(real, extractor):
    with scored.warned("n is 300 instead of the 5000 asked for: 'shapes' has no more images"):
        found = metrics.evaluate(scored.sampler(), real, "fid", n=5000, extractor=extractor)
    assert (found.protocol.n_requested, found.protocol.n_real, found.protocol.n_fake) == (5000, 300, 300)
    assert "n is 300 instead of the 5000" in str(found)
    with scored.warned("100 generated images were given"):
        found = metrics.evaluate(real.x[:100], real, "fid", n=300, extractor=extractor)
    assert (found.protocol.n_requested, found.protocol.n_real) == (300, 100)


def test_a_softmax_at_the_end_is_no_logit(others):
    logits, sure = (metrics.Extractor(scored.classifier(softmax=s))(others.x[:70]) for s in (False, True))
    np.testing.assert_allclose(logits.probabilities, sure.probabilities, atol=1e-6)
    np.testing.assert_allclose(logits.probabilities.sum(axis=1), 1, atol=1e-6)


def test_stacked_channels_are_seen_one_by_one():
    grey = scored.pictures(300, seed=4)
    stacked = kg.data.stacked(grey, 200)
    extractor = extractors.get(scored.classifier(), data_name=stacked.name, channels=3)
    features, probabilities = extractor(stacked.x)
    assert features.shape == (200, 24)
    assert probabilities.shape == (200, 27)
    assert np.mean(probabilities.argmax(axis=1) == stacked.y) > 0.9
    found = metrics.evaluate(stacked, stacked, "mode_coverage", n=100, extractor=scored.classifier(), floor=False)
    assert 20 < found["modes"] <= 27


def test_pictures_of_another_size_are_scaled_and_the_protocol_says_how(real, others):
    large, large_others = real.resized((12, 12, 3)), others.resized((12, 12, 3))
    found = metrics.evaluate(
        large_others, large, "class_agreement", n=N, extractor=scored.classifier(), held_out=large_others
    )
    assert found["class_agreement"] > 0.85
    assert found.protocol.resize.startswith("12x12x3 -> 6x6x1, Pillow bicubic")


def test_the_hash_is_of_the_weights():
    one, same = scored.classifier(), scored.classifier()
    assert extractors.weights_sha256(one) == extractors.weights_sha256(same)
    same.get_layer("logits").bias.assign([0.0, 0.0, 1e-6])
    assert extractors.weights_sha256(one) != extractors.weights_sha256(same)


def test_an_extractor_from_a_file_is_the_same_extractor(tmp_path, others):
    model = scored.classifier()
    model.save(tmp_path / "mine.keras")
    read = extractors.get(tmp_path / "mine.keras")
    assert (read.sha256, read.name, read.layer) == (extractors.weights_sha256(model), "mine", "features")
    assert len(read.file_sha256) == 64
    np.testing.assert_array_equal(read(others.x[:5]).features, metrics.Extractor(model)(others.x[:5]).features)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_backend_gives_the_same_scores(run_script, real, others, perfect, tmp_path, backend):
    np.savez(tmp_path / "shapes.npz", x_train=real.x, y_train=real.y, x_test=others.x, y_test=others.y)
    found = json.loads(run_script("score_once.py", tmp_path / "shapes.npz", N, backend=backend).splitlines()[-1])
    assert found.pop("backend") == backend
    for name, value in found.items():
        assert value == pytest.approx(perfect[name], rel=1e-3, abs=1e-3), name


# The command.


def test_the_command_scores_saves_and_compares(tmp_path, real, others):
    from typer.testing import CliRunner

    from kerasgan.cli import app

    np.savez(tmp_path / "shapes.npz", x_train=real.x, y_train=real.y, x_test=others.x, y_test=others.y)
    sampler = scored.sampler(names=("0", "1", "2"))
    sampler.recipe = {"name": "shapes", "dataset": str(tmp_path / "shapes.npz")}
    sampler.save(tmp_path / "sampler.keras")
    scored.classifier().save(tmp_path / "judge.keras")

    def command(*args):
        options = ["--metrics", "fid, class_agreement", "--extractor", tmp_path / "judge.keras", *args]
        return CliRunner().invoke(app, [str(arg) for arg in ("evaluate", tmp_path, *options)])

    first = command("--n", 200, "--out", tmp_path / "scores.json")
    assert first.exit_code == 0, first.output
    saved = metrics.Result.load(tmp_path / "scores.json")
    assert str(saved) in first.output
    assert (saved.protocol.n_fake, saved.protocol.extractor, saved.subject) == (200, "judge", str(tmp_path))
    assert saved["class_agreement"] > 0.9
    again = command("--n", 200, "--no-floor", "--against", tmp_path / "scores.json")
    assert again.output.split()[-6:] == ["fid", "1", "times", "class_agreement", "1", "times"]
    other = command("--n", 100, "--against", tmp_path / "scores.json")
    assert isinstance(other.exception, InputError)
    assert "n_fake: 100 -> 200" in str(other.exception)
