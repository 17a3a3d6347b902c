"""The verdict on generated data: who is trained on what, the interval, the words, and the command."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tiny
from scipy import stats

from kerasgan import verdict
from kerasgan.data.images import Images
from kerasgan.errors import InputError
from kerasgan.verdict import arms, result

NAMES = ("a", "b", "c")


def images(n=60, name="set", names=NAMES, shape=tiny.SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    return Images(rng.integers(0, 256, (n, *shape)).astype(np.uint8), np.arange(n) % len(names), names, name)


@pytest.fixture(scope="module")
def sampler():
    return tiny.gan(num_classes=3, class_names=list(NAMES)).sampler()


@pytest.fixture
def trainings(monkeypatch):
    """Every training asked for, in place of training; `right` says how many test pictures an arm gets right."""
    asked = []

    def hits(x, y, augment, test, steps, seed):
        asked.append({"x": x, "y": y, "augment": augment, "steps": steps, "seed": seed})
        n = {0: 30, 1: 30, 2: 36, 3: 9}[(len(asked) - 1) % 4]
        return np.arange(len(test)) < n

    monkeypatch.setattr(arms, "hits", hits)
    return asked


class TestArms:
    def test_what_each_arm_is_trained_on(self, sampler, trainings):
        train = images()
        seen = []
        found = verdict.judge(
            sampler, train, images(40, seed=1), 0.2, seeds=2, generated=7, report=lambda *line: seen.append(line)
        )
        assert [line[:2] for line in seen] == [(seed, arm) for seed in (0, 1) for arm in result.ARMS]
        for seed, (real, classic, both, generated) in enumerate([trainings[:4], trainings[4:]]):
            assert {arm["seed"] for arm in (real, classic, both, generated)} == {seed}
            assert len({arm["steps"] for arm in trainings}) == 1
            assert [arm["augment"] for arm in (real, classic, both, generated)] == [None, "classic", None, None]
            assert np.bincount(real["y"]).tolist() == [4, 4, 4], "every class in proportion"
            pool = {(p.tobytes(), int(k)) for p, k in zip(train.x, train.y)}
            drawn = {(p.tobytes(), int(k)) for p, k in zip(real["x"], real["y"])}
            assert len(drawn) == 12, "drawn without repetition"
            assert drawn < pool
            assert (classic["x"] == real["x"]).all()
            assert (both["x"] == np.concatenate([real["x"], generated["x"]])).all()
            assert (both["y"] == np.concatenate([real["y"], generated["y"]])).all()
            expected = sampler.generate(7, [NAMES[k] for k in generated["y"]], seed=seed)
            np.testing.assert_allclose(generated["x"].astype(int), expected.astype(int), atol=1)
        assert (trainings[0]["x"] != trainings[4]["x"]).any(), "each seed draws its own"
        assert found.protocol["pictures"] == {
            "real": 12, "real + classic": 12, "real + generated": 19, "generated": 7,
        }  # fmt: skip
        assert found.accuracies["real + generated"] == [0.9, 0.9]

    def test_numbers_by_default(self, sampler, trainings):
        found = verdict.judge(sampler, images(), images(40), 0.2, seeds=2)
        assert found.protocol["pictures"]["generated"] == 60
        assert found.protocol["steps"] == 600
        assert np.bincount(trainings[3]["y"]).tolist() == [20, 20, 20], "in the proportions of the real ones"

    def test_classes_in_another_order_are_matched_by_name(self, sampler, trainings):
        train, test = images(names=("c", "a", "b")), images(40, names=("c", "a", "b"))
        verdict.judge(sampler, train, test, 0.2, seeds=2, generated=3)
        expected = sampler.generate(3, [("c", "a", "b")[k] for k in trainings[3]["y"]], seed=0)
        np.testing.assert_allclose(trainings[3]["x"].astype(int), expected.astype(int), atol=1)

    def test_retrain_uses_the_real_pictures_alone(self, sampler, trainings, monkeypatch):
        seen = []
        other = tiny.gan(num_classes=3, class_names=list(NAMES)).sampler()
        tiny.set_weights(other.generator, 9)

        def retrained(sampler, real, n_train, steps, seed):
            seen.append((real, n_train, steps, seed))
            return other

        monkeypatch.setattr(arms, "retrained", retrained)
        known = type(sampler)(sampler.generator, sampler.spec, RECIPE)
        found = verdict.judge(known, images(), images(40), 0.2, seeds=2, retrain=True, retrain_steps=5)
        assert len(seen) == 2
        shown = other.generate(60, [NAMES[k] for k in trainings[3]["y"]], seed=0)
        np.testing.assert_allclose(trainings[3]["x"].astype(int), shown.astype(int), atol=1)
        for i, (real, n_train, steps, seed) in enumerate(seen):
            assert (real.x == trainings[4 * i]["x"]).all()
            assert (n_train, steps, seed) == (60, 5, i)
        assert found.caveats[:2] == (result.NO_LEAK, result.SCOPE_RETRAINED)
        assert found.protocol["retrain_steps"] == 5

    def test_a_generator_not_retrained_may_leak(self, sampler, trainings):
        found = verdict.judge(sampler, images(), images(40), 0.2, seeds=2)
        assert found.caveats[:2] == (result.LEAK, result.SCOPE)
        assert "--retrain" in found.to_dict()["caveats"][0]

    def test_draws_that_overlap_are_told(self, sampler, trainings):
        fewer, more = (verdict.judge(sampler, images(), images(40), f, seeds=2).caveats for f in (0.1, 0.5))
        assert len(fewer) == 3 and more[:2] == fewer[:2]
        assert "50 % of them each, so that their draws overlap" in more[2]

    def test_few_seeds_are_told(self, sampler, trainings):
        fewer, enough = (verdict.judge(sampler, images(), images(40), 0.1, seeds=s).caveats for s in (3, 4))
        assert fewer[:2] == enough and "Over 3 seeds the interval may be too short" in fewer[2]

    def test_the_training_pictures_are_no_test(self, sampler):
        with pytest.raises(InputError, match="Training and test pictures are the same"):
            verdict.judge(sampler, images(), images(), 0.2, seeds=2)

    def test_few_pictures_are_trained_on_as_many_are(self, monkeypatch):
        """In batches of the same size, each picture as often as any other."""
        asked = []
        fit = arms.classifiers.fit
        monkeypatch.setattr(
            arms.classifiers, "fit", lambda x, y, *args, **o: (asked.append((x, y)), fit(x, y, *args, **o))[1]
        )
        few = images(15)
        arms.hits(few.x, few.y, None, images(4), 1, 0)
        ((x, y),) = asked
        assert len(x) == len(y) == 75
        assert sorted(p.tobytes() for p in x) == sorted(p.tobytes() for p in few.x for _ in range(5))
        assert (x[:15] == x[15:30]).all() and (y[:15] == y[15:30]).all()


RECIPE = {
    "name": "dcgan_tiny",
    "family": "dcgan",
    "dataset": "digits",
    "image_shape": [8, 8, 1],
    "num_classes": 3,
    "latent_dim": 4,
    "generator": {"width": 2},
    "discriminator": {"width": 2},
    "batch_size": 16,
    "epochs": 3,
    "n_critic": 2,
}


class TestRetrain:
    @pytest.fixture
    def fits(self, monkeypatch):
        from kerasgan.gans.gan import GAN

        asked = []
        monkeypatch.setattr(GAN, "fit", lambda self, x, **options: asked.append((self, x, options)))
        return asked

    def test_as_many_updates_as_the_recipe_has_on_all_pictures(self, sampler, fits):
        known = type(sampler)(sampler.generator, sampler.spec, RECIPE)
        real = images(50)
        found = arms.retrained(known, real, 6400, None, seed=3)
        ((gan, shown, options),) = fits
        assert gan.seed == 3
        assert gan.class_names == NAMES
        assert {p.tobytes() for p in shown.x} == {p.tobytes() for p in real.x}
        per_epoch = len(shown) // 32
        assert options["epochs"] * per_epoch == pytest.approx(3 * 200, rel=0.1)
        assert found.spec.image_shape == (8, 8, 1)
        arms.retrained(known, real, 6400, 128, seed=3)
        assert fits[1][2]["epochs"] * per_epoch == 128

    def test_needs_a_recipe(self, sampler):
        with pytest.raises(InputError, match=r"carries no recipe"):
            verdict.judge(sampler, images(), images(40), 0.2, retrain=True)


class TestInterval:
    def test_equals_a_paired_t_test_where_only_seeds_vary(self):
        by_seed = np.array([0.1, 0.3, 0.2, 0.6, 0.5])
        found = verdict.compare("real", np.repeat(by_seed[:, None], 7, 1), 0.9)
        expected = stats.ttest_1samp(by_seed, 0).confidence_interval(0.9)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert found.mean == pytest.approx(by_seed.mean())

    def test_equals_a_paired_t_test_where_only_pictures_vary(self):
        by_picture = np.random.default_rng(0).integers(-1, 2, 50).astype(float)
        found = verdict.compare("real", np.repeat(by_picture[None], 3, 0))
        expected = stats.ttest_1samp(by_picture, 0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))

    def test_is_rarely_wrong_where_both_vary(self):
        rng, wrong = np.random.default_rng(0), 0
        for _ in range(1000):
            by_seed, by_picture = rng.normal(0, 0.1, (5, 1)), rng.normal(0, 0.4, (1, 60))
            found = verdict.compare("real", by_seed + by_picture + rng.normal(0, 0.3, (5, 60)))
            wrong += found.answer != "not shown"
        assert 15 < wrong < 60, "5 % of a thousand, or fewer where seeds and pictures share"

    @pytest.mark.parametrize(("seeds", "right"), [(2, 87), (3, 92), (4, 94), (5, 95)])
    def test_is_too_short_over_few_seeds_by_what_the_caveat_says(self, seeds, right):
        rng, held = np.random.default_rng(0), 0
        for _ in range(1000):  # seeds' means vary ten times as much as pictures' do
            by_seed, by_picture = rng.normal(0, 0.2 * seeds**0.5, (seeds, 1)), rng.normal(0, 0.5, (1, 60))
            found = verdict.compare("real", by_seed + by_picture + rng.normal(0, 0.3, (seeds, 60)))
            held += found.answer == "not shown"
        assert held / 10 == pytest.approx(right, abs=2)

    @pytest.mark.parametrize(("shift", "answer"), [(0.5, "yes"), (-0.5, "no"), (0.0, "not shown")])
    def test_answers(self, shift, answer):
        differences = shift + np.random.default_rng(0).normal(0, 0.1, (5, 40))
        assert verdict.compare("real", differences - differences.mean() + shift).answer == answer

    def test_no_difference_at_all(self):
        found = verdict.compare("real", np.zeros((3, 10)))
        assert (found.mean, found.low, found.high, found.answer) == (0, 0, 0, "not shown")


def made(real, classic):
    def comparison(rival, answer):
        low, high = {"yes": (0.01, 0.03), "no": (-0.03, -0.01), "not shown": (-0.01, 0.02)}[answer]
        return verdict.Comparison(rival, (low + high) / 2, low, high, 0.95)

    both = (comparison("real", real), comparison("real + classic", classic))
    return verdict.Verdict({arm: [0.5, 0.75] for arm in result.ARMS}, both, {"retrained": False, "pictures": PICTURES})


PICTURES = {"real": 10, "real + classic": 10, "real + generated": 1010, "generated": 1000}


class TestWords:
    @pytest.mark.parametrize(
        ("real", "classic", "answer"),
        [
            ("yes", "yes", "yes"),
            ("yes", "not shown", "not shown"),
            ("not shown", "yes", "not shown"),
            ("yes", "no", "no"),
            ("no", "not shown", "no"),
            ("not shown", "not shown", "not shown"),
        ],
    )
    def test_yes_takes_both(self, real, classic, answer):
        assert made(real, classic).answer == answer

    def test_sentence(self):
        assert made("yes", "no").sentence == (
            "No: generated pictures did not help. Against real pictures alone: yes, +2.00 points of accuracy (95 % "
            "interval +1.00 to +3.00). Against real pictures with classic augmentation: no, -2.00 points of accuracy "
            "(95 % interval -3.00 to -1.00)."
        )

    def test_table(self):
        lines = made("yes", "yes").table().splitlines()
        assert lines[0].split() == ["trained", "on", "pictures", "accuracy", "std", "min", "max"]
        assert lines[3] == "real + generated     1,010     62.50  17.68  50.00  75.00"
        assert len({len(line) for line in lines}) == 1


class TestRefusals:
    def refused(self, message, sampler, train=None, test=None, fraction=0.2, **options):
        with pytest.raises(InputError, match=message):
            verdict.judge(sampler, train or images(), test or images(40), fraction, **options)

    def test_data(self, sampler):
        self.refused(r"generator's classes. Expected: a, b, c. .*'set': a, b\.$", sampler,
                     images(names=("a", "b")))  # fmt: skip
        unlabelled = Images(images().x, name="plain")
        self.refused(r"generator's classes. .*'plain': no labels", sampler, test=unlabelled)
        self.refused(r"image shape \(8, 8, 1\). Received in 'set': \(8, 8, 3\)", sampler, images(shape=(8, 8, 3)))
        self.refused(r"same order", sampler, test=images(40, names=("b", "a", "c")))

    def test_settings(self, sampler):
        self.refused(r"above 0 and at most 1. Received: 0", sampler, fraction=0)
        self.refused(r"above 0 and at most 1. Received: 1.5", sampler, fraction=1.5)
        self.refused(r"0.01 leaves no picture of the class 'a', which has 20. Give at least 0.05", sampler,
                     fraction=0.01)  # fmt: skip
        self.refused(r"at least 2 seeds. Received: 1", sampler, seeds=1)
        self.refused(r"generated must be at least 1. Received: 0", sampler, generated=0)
        self.refused(r"steps must be at least 1. Received: 0", sampler, steps=0)
        self.refused(r"retrain_steps must be at least 1. Received: -1", sampler, retrain_steps=-1)
        self.refused(r"confidence must lie between 0 and 1", sampler, confidence=95)

    def test_unconditional(self):
        self.refused(r"unconditional: its pictures have no labels", tiny.gan().sampler())


@pytest.fixture
def command(tmp_path):
    def run(*args):
        return subprocess.run(
            [sys.executable, "-m", "kerasgan", "augment", *map(str, args)],
            cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.slow
def test_command_says_no_of_an_untrained_generator(command, tmp_path, sampler):
    """Two classes that real pictures teach at once, and labels that noise knows nothing of."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.integers(0, 60, (300, 8, 8)).astype(np.uint8)
    for k in range(3):
        x[y == k, 2 * k : 2 * k + 3] += 120
    np.savez(tmp_path / "bars.npz", x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    plain = tiny.gan(num_classes=3).sampler()
    plain.save(tmp_path / "noise.keras")
    options = ("--data", "bars.npz", "--real-fraction", 0.1, "--generated", 400, "--seeds", 3, "--steps", 60)
    process = command("noise.keras", *options)
    assert process.returncode == 0, process.stderr
    found = json.loads((tmp_path / "verdict.json").read_text())
    assert found["answer"] in ("no", "not shown")
    assert found["sentence"] in process.stdout
    assert found["caveats"] == [result.LEAK, result.SCOPE]
    assert all(caveat in process.stdout for caveat in found["caveats"])
    assert np.mean(found["accuracies"]["real"]) > np.mean(found["accuracies"]["generated"]) + 0.2
    assert found["protocol"]["seeds"] == [0, 1, 2]
    assert found["protocol"]["libraries"]["keras"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("plain.keras", "--data", "digits"), "unconditional"),
        (("three.keras",), "give --data"),
        (("three.keras", "--data", "digits"), "generator's classes"),
        (("three.keras", "--data", "grey.npz", "--real-fraction", "0.001"), "leaves no picture of the class"),
    ],
)
def test_one_clear_line(command, tmp_path, args, message):
    if args[0] == "plain.keras":
        tiny.gan().sampler().save(tmp_path / "plain.keras")
    else:
        tiny.gan(num_classes=3).sampler().save(tmp_path / "three.keras")
    np.savez(tmp_path / "grey.npz", x=images().x, y=images().y)
    process = command(*args)
    assert process.returncode == 1
    lines = [line for line in process.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in process.stderr
    assert not (tmp_path / "verdict.json").exists()
