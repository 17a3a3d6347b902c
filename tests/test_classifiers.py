"""The classifiers of the metrics: built for any shape, trained well from little, and those in the package."""

import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from kerasgan import data
from kerasgan.errors import InputError
from kerasgan.metrics import classic, classifiers

ROOT = Path(__file__).parents[1]
SHIPPED = ("cifar10", "digits", "mnist")


def pattern(n, seed=0, size=8, channels=1):
    """Two classes told apart by where the bright half is, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 120, (n, size, size, channels)).astype(np.uint8)
    y = rng.integers(0, 2, n)
    x[y == 0, : size // 2] += 100
    x[y == 1, size // 2 :] += 100
    return x, y


@pytest.fixture(scope="module")
def trained():
    return classifiers.fit(*pattern(200), 2, steps=40, batch_size=32, width=4, features=6)


class TestBuild:
    @pytest.mark.parametrize("shape", [(28, 28, 1), (5, 7, 4), (48, 33, 3), (1, 1, 2)])
    def test_any_shape(self, shape):
        model = classifiers.build(shape, 7, width=4, features=5)
        assert model.input.name == "image"
        assert model.input_shape == (None, *shape)
        assert model.output_shape == (None, 7)
        layer = model.get_layer("features")
        assert layer.output.shape == (None, 5)
        assert layer.output.dtype == "float32"
        assert model.layers[-1].input is layer.output, "the features are what the logits are computed from"

    def test_values_are_0_to_255_and_scaled_inside(self):
        scaling = classifiers.build((8, 8, 1), 2).layers[1]
        assert np.ptp(scaling(np.array([0.0, 255.0]))) == pytest.approx(4, abs=0.02)

    def test_first_weights_follow_from_the_seed(self):
        first, same, other = (classifiers.build((8, 8, 1), 2, 4, seed=seed).get_weights() for seed in (1, 1, 2))
        assert all((a == b).all() for a, b in zip(first, same, strict=True))
        assert (first[0] != other[0]).any()
        assert np.abs(first[-2]).max() > 0


class TestFit:
    def test_learns_and_is_not_compiled(self, trained):
        assert classifiers.accuracy(trained, *pattern(300, seed=1)) > 0.97
        assert not trained.compiled

    def test_accuracy_counts(self, trained):
        x, _ = pattern(50, seed=2)
        predicted = trained.predict(x, verbose=0).argmax(-1)
        assert classifiers.accuracy(trained, x, predicted) == 1
        predicted[:10] = 1 - predicted[:10]
        assert classifiers.accuracy(trained, x, predicted) == pytest.approx(0.8)

    def test_same_seed_same_weights(self, monkeypatch):
        eager = functools.partialmethod(keras.Model.compile, run_eagerly=True)
        monkeypatch.setattr(keras.Model, "compile", eager)
        first, same = (
            classifiers.fit(*pattern(20), 2, steps=2, batch_size=8, width=2, features=3, seed=3, augment="shift")
            for _ in range(2)
        )
        for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)

    def test_every_picture_once_per_epoch_in_other_orders(self):
        x = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
        stream = classifiers._Stream(x, np.arange(12), 5, 12, 0, None)
        seen = np.concatenate([labels for _, labels in (stream[i] for i in range(12))])
        assert len(stream) == 12
        epochs = seen.reshape(5, 12)
        assert all(sorted(epoch) == list(range(12)) for epoch in epochs.tolist())
        assert (epochs[0] != epochs[1]).any()
        images, labels = stream[3]
        assert (images[:, 0, 0, 0] == labels).all()

    def test_number_of_updates(self, monkeypatch):
        asked = []
        monkeypatch.setattr(classifiers, "_Stream", lambda *args: asked.append(args[2:4]))
        monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: None)
        x, y = np.zeros((1000, 4, 4, 1), np.uint8), np.zeros(1000, int)
        for options in ({"epochs": 5}, {"steps": 7}, {"batch_size": 2000, "epochs": 3}, {}, {"batch_size": 10}):
            classifiers.fit(x, y, 2, width=1, features=1, **options)
        assert asked == [(128, 39), (128, 7), (1000, 3), (128, 781), (10, 3000)]

    def test_rate_rises_then_falls_to_zero(self):
        rate = classifiers.OneCycle(0.5, 100)
        values = [float(rate(step)) for step in range(101)]
        assert values[0] == pytest.approx(0.05)
        assert max(values) == pytest.approx(0.5) == values[20]
        assert values[60] == pytest.approx(0.25)
        assert values[100] == 0

    @pytest.mark.parametrize(
        ("images", "labels", "message"),
        [
            (np.zeros((2, 4, 4, 1), "float32"), [0, 1], r"Expected images uint8 .* Received: float32 \(2, 4, 4, 1\)"),
            (np.zeros((0, 4, 4, 1), "uint8"), [], r"n > 0. Received: uint8 \(0, 4, 4, 1\)"),
            (np.zeros((2, 4, 4, 1), "uint8"), [0], r"labels of whole numbers \(2,\).* Received: int64 \(1,\)"),
            (np.zeros((2, 4, 4, 1), "uint8"), [0.0, 1.0], r"Received: float64"),
            (np.zeros((2, 4, 4, 1), "uint8"), [0, 3], r"between 0 and 2. Received labels from 0 to 3"),
        ],
    )
    def test_bad_data(self, images, labels, message):
        with pytest.raises(InputError, match=message):
            classifiers.fit(images, labels, 3)

    @pytest.mark.parametrize("options", [{"steps": 0}, {"batch_size": 0}])
    def test_no_updates(self, options):
        with pytest.raises(InputError, match=f"{next(iter(options))} must be at least 1. Received: 0"):
            classifiers.fit(*pattern(4), 2, **options)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_learn_the_same(run_script, tmp_path, backend):
    x, y = pattern(200)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    found = {
        name: np.array(json.loads(run_script("fit_classifier.py", tmp_path / "data.npz", backend=name)))
        for name in ("tensorflow", backend)
    }
    np.testing.assert_allclose(found[backend], found["tensorflow"], rtol=1e-3, atol=1e-3)


class TestShipped:
    @pytest.fixture(params=SHIPPED)
    def name(self, request):
        return request.param

    def test_record_describes_the_file(self, name):
        record = classifiers.record(name)
        content = (classifiers.WEIGHTS / record["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == record["sha256"]
        assert len(content) == record["bytes"] < 3e6
        model = classifiers.load(name)
        assert model.count_params() == record["parameters"]
        assert model(np.zeros((2, *record["image_shape"]), "uint8")).shape == (2, record["num_classes"])
        assert list(model.input_shape[1:]) == record["image_shape"]
        assert model.output_shape[-1] == record["num_classes"] == len(record["class_names"])
        assert model.get_layer(record["feature_layer"]).output.shape[-1] == record["feature_size"]
        assert "/" not in record["command"].replace("scripts/", "")
        assert f"{record['accuracy']:.2%}" in (classifiers.WEIGHTS / "README.md").read_text()

    def test_all_are_listed(self):
        assert classifiers.names() == sorted(SHIPPED)

    def test_digits_has_the_accuracy_of_its_card(self):
        test = data.load("digits", split="test")
        found = classifiers.accuracy(classifiers.load("digits"), test.x, test.y)
        assert found == pytest.approx(classifiers.record("digits")["accuracy"], abs=0.004)
        assert found > 0.98

    def test_unknown_name(self):
        with pytest.raises(InputError, match=r"Unknown classifier 'mnst'. Did you mean 'mnist'"):
            classifiers.load("mnst")

    def test_another_file_is_refused(self, tmp_path, monkeypatch):
        content = bytearray((classifiers.WEIGHTS / "digits.keras").read_bytes())
        content[5000] ^= 1
        (tmp_path / "digits.keras").write_bytes(content)
        monkeypatch.setattr(classifiers, "WEIGHTS", tmp_path)
        with pytest.raises(InputError, match=r"Expected SHA-256 [0-9a-f]{64}. Received: [0-9a-f]{64}"):
            classifiers.load("digits")
        (tmp_path / "digits.keras").unlink()
        with pytest.raises(InputError, match=r"Received: no file"):
            classifiers.load("digits")


@pytest.mark.slow
def test_script_writes_file_record_and_card(tmp_path):
    script = [sys.executable, ROOT / "scripts" / "train_classifiers.py", "digits", "--out", tmp_path, "--steps", "2"]
    subprocess.run(script, check=True, capture_output=True)
    records = json.loads((tmp_path / "classifiers.json").read_text())
    assert records["digits"]["sha256"] == hashlib.sha256((tmp_path / "digits.keras").read_bytes()).hexdigest()
    assert records["digits"]["settings"]["steps"] == 2
    assert records["digits"]["sha256"] in (tmp_path / "README.md").read_text()
    (tmp_path / "classifiers.json").write_text(json.dumps({**records, "other": {**records["digits"], "name": "other"}}))
    subprocess.run(script, check=True, capture_output=True)
    assert set(json.loads((tmp_path / "classifiers.json").read_text())) == {"digits", "other"}, "others stay"


class TestClassicAugmentation:
    def pictures(self, channels=1):
        x = np.zeros((64, 17, 17, channels), np.uint8)
        x[:, 6:9, 4:13] = 200
        return x

    def augmented(self, policy, x):
        return classic.get(policy, x.shape[1:])(x, np.random.default_rng(0))

    def centre(self, x):
        mass = x[..., 0].astype(float)
        total = mass.sum((1, 2))
        return np.stack([(mass.sum(axis) * np.arange(17)).sum(-1) / total for axis in (2, 1)])

    def test_shift_moves_by_an_eighth(self):
        x = self.pictures()
        moved = self.augmented("shift", x)
        assert (moved.sum((1, 2, 3)) == x.sum((1, 2, 3))).all()
        by = self.centre(moved) - self.centre(x)
        assert set(np.round(by).astype(int).ravel().tolist()) == {-2, -1, 0, 1, 2}

    def test_shift_repeats_the_border(self):
        assert (self.augmented("shift", np.full((9, 16, 16, 3), 7, np.uint8)) == 7).all()

    def test_flip_mirrors_about_half(self):
        x = self.pictures()
        x[..., :5, :] = 90
        flipped = self.augmented("flip", x)
        mirrored = (flipped == x[:, :, ::-1]).all((1, 2, 3))
        assert 20 < mirrored.sum() < 44
        assert (flipped[~mirrored] == x[~mirrored]).all()

    def test_affine_moves_turns_and_scales_within_bounds(self):
        x = self.pictures()
        changed = self.augmented("affine", x)
        assert changed.dtype == np.uint8
        by = self.centre(changed) - self.centre(x)
        assert 1 < np.abs(by).max() < 3.2
        mass = changed.sum((1, 2, 3)) / x.sum((1, 2, 3))
        assert 0.78 < mass.min() < 0.9
        assert 1.1 < mass.max() < 1.28
        tilt = [np.polyfit(columns, rows, 1)[0] for rows, columns in (np.nonzero(p[..., 0] > 100) for p in changed)]
        assert 0.1 < np.abs(tilt).max() < 0.25

    def test_identity_where_nothing_is_drawn(self):
        class Middle:
            def uniform(self, low, high, size):
                return np.full(size, (low + high) / 2)

        x = np.random.default_rng(0).integers(0, 256, (3, 9, 6, 3)).astype(np.uint8)
        assert (classic.affine(x, Middle()) == x).all()

    def test_classic_mirrors_colour_alone(self):
        one_sided = np.zeros((64, 16, 16, 1), np.uint8)
        one_sided[:, :, :4] = 255
        grey = self.augmented("classic", one_sided)
        colour = self.augmented("classic", one_sided.repeat(3, -1))
        assert not (grey[:, 8, 13] > 200).any()
        assert (colour[:, 8, 13] > 200).any()

    def test_functions_and_names(self):
        def own(images, rng):
            return images

        assert classic.get(own, (8, 8, 1)) is own
        assert classic.get(None, (8, 8, 1)) is None
        assert classic.get("", (8, 8, 1)) is None
        with pytest.raises(InputError, match=r"Unknown augmentation 'shft'. Did you mean 'shift'"):
            classic.get("flip,shft", (8, 8, 1))
