"""Generators trained on JAX and PyTorch: exported by a second process, compared with the first one's images."""

import dataclasses
import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan.export import job, onnx, other_backends, parity

PROGRAM = """
import importlib.util, json, sys
import keras, numpy as np
import kerasgan as kg

L = keras.layers
latent, label = keras.Input((5,)), keras.Input((), dtype="int32")
x = L.Concatenate()([latent, keras.ops.one_hot(label, 3)])
x = L.UpSampling2D()(L.Reshape((6, 4, 2))(L.Dense(48)(x)))
x = L.Conv2DTranspose(3, 4, 2, padding="same", activation="tanh")(L.BatchNormalization()(x))
spec = kg.SampleSpec(5, (24, 16, 3), class_names=("a", "b", "c"))
sampler = kg.Sampler(keras.Model([latent, label], x), spec, {"name": "elsewhere"})
"""
EXPORT = """
find, refusal = importlib.util.find_spec, ""
importlib.util.find_spec = lambda name, *rest: None if name == "tensorflow" else find(name, *rest)
try:
    kg.export.to_onnx(sampler, "generator.onnx")
except kg.InputError as error:
    refusal = str(error)
importlib.util.find_spec = find

sampler.save("sampler.keras")
artifact = getattr(kg.export, sys.argv[1])(sampler, sys.argv[2], about={"license": "CC0-1.0"})
np.save("expected.npy", sampler.generate(9, seed=4, truncation=0.8))
figures = [[figure.against, figure.largest] for figure in artifact.parity]
print(json.dumps([refusal, str(artifact.path), artifact.readme.read_text(), figures]))
"""
LOCAL_LAYER = """
@keras.saving.register_keras_serializable("elsewhere")
class Local(L.Layer):
    def call(self, x):
        return x

sampler = kg.Sampler(keras.Model([latent, label], Local()(x)), spec)
try:
    kg.export.to_onnx(sampler, "generator.onnx")
except kg.InputError as error:
    print(error)
"""
OWN_LAYER = """
import keras
import kerasgan as kg

@keras.saving.register_keras_serializable("elsewhere")
class Halved(keras.layers.Layer):
    def call(self, x):
        return x / 2

kg.zoo.register(kg.zoo.show("dcgan_digits").replace(name="mine"))
"""
OWN_EXPORT = """
layer = keras.saving.get_registered_object("elsewhere>Halved")
kg.export.to_onnx(kg.Sampler(keras.Model([latent, label], layer()(x)), spec), "generator.onnx")
print("exported")
"""
ABOUT = {"license": "CC0-1.0"}
FORMATS = [
    ("to_onnx", "generator.onnx", "onnx"),
    ("to_saved_model", "saved", "saved_model"),
    ("to_web", "page", "web"),
]


def run(backend, program, *arguments, folder):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", PROGRAM + program, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "backend, name, target, module",
    [("jax", *FORMATS[0])]
    + [
        pytest.param(*case, marks=pytest.mark.slow)
        for case in (("jax", *FORMATS[1]), ("torch", *FORMATS[0]), ("torch", *FORMATS[2]))
    ],
)
def test_other_backends_export(backend, name, target, module, tmp_path):
    refusal, path, readme, parity = json.loads(run(backend, EXPORT, name, target, folder=tmp_path))
    assert "TensorFlow, which is not installed: pip install tensorflow" in refusal
    assert path == target
    assert [against for against, _ in parity] == ["Keras on tensorflow", f"Keras on {backend}"]
    assert all(largest < 1e-5 for _, largest in parity)
    assert f"| Keras on {backend} | 30 |" in readme and "elsewhere" in readme and "CC0-1.0" in readme
    load = importlib.import_module(f"kerasgan.export.{module}").load
    spec = kg.SampleSpec(5, (24, 16, 3), class_names=("a", "b", "c"))
    latent = np.random.default_rng(4).standard_normal((9, 5)).astype("float32")
    image_uint8 = load(tmp_path / target, spec)(latent, np.arange(9, dtype="int32") % 3, 0.8)[1]
    assert np.abs(image_uint8.astype(int) - np.load(tmp_path / "expected.npy")).max() <= 1

    if name == "to_onnx" and keras.backend.backend() == "tensorflow":
        here = kg.export.to_onnx(kg.Sampler.load(tmp_path / "sampler.keras"), tmp_path / "here.onnx", about=ABOUT)
        assert here.path.read_bytes() == (tmp_path / target).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["import", "file"])
def test_layers_of_a_users_own_module_travel(tmp_path, way):
    """One that can be imported, and a file of entries, to which no path leads."""
    elsewhere = tmp_path if way == "import" else tmp_path / "entries"
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "my_layers.py").write_text(OWN_LAYER)
    load = {"import": "import my_layers", "file": "kg.zoo.register_file('entries/my_layers.py')"}[way]
    printed = run("jax", f"{load}\n{OWN_EXPORT}", folder=tmp_path)
    assert "exported" in printed and (tmp_path / "generator.onnx").is_file()


@pytest.mark.slow
def test_errors_come_back_as_they_are(tmp_path):
    printed = run("jax", LOCAL_LAYER, folder=tmp_path)
    assert "TensorFlow, in a process of its own, cannot load it" in printed and "Local" in printed
    assert not list(tmp_path.iterdir())


class TestTheOtherProcess:
    """Both halves in this process, where it runs on TensorFlow."""

    @pytest.fixture(autouse=True)
    def in_this_process(self, monkeypatch):
        if keras.backend.backend() != "tensorflow":
            pytest.skip("the second half runs on TensorFlow")

        def serve(command, **options):
            other_backends._serve(Path(command[-1]))
            assert {path.suffix for path in Path(command[-1]).iterdir()} == {".keras", ".json", ".npz"}
            return subprocess.CompletedProcess(command, 0)

        monkeypatch.setattr(other_backends.subprocess, "run", serve)

    @pytest.fixture(params=[0, 3], ids=["unlabelled", "labelled"])
    def sampler(self, request):
        names = tuple("abc"[: request.param])
        return kg.Sampler(tiny.generator(num_classes=request.param), kg.SampleSpec(4, (8, 8, 1), class_names=names))

    def test_gets_the_witness_as_it_is_and_gives_every_figure(self, sampler, tmp_path, monkeypatch):
        compare, seen = job.compare, []

        def watched(run, reference, value_range):
            seen.append(reference)
            return compare(run, reference, value_range)

        monkeypatch.setattr(job, "compare", watched)
        path = tmp_path / "generator.onnx"
        artifact = other_backends.export(onnx.FORMAT, sampler, path, False, {"license": "CC0-1.0"}, "float32")
        here, witness = seen
        assert (witness.name, witness.noise, len(witness.cases)) == (here.name, here.noise, len(here.cases))
        for ours, theirs in zip(here.cases, witness.cases, strict=True):
            assert ours.truncation == theirs.truncation and type(theirs.truncation) is float
            for field in ("latent", "label", "image", "image_uint8"):
                expected, got = getattr(ours, field), getattr(theirs, field)
                np.testing.assert_array_equal(got, expected)
                assert getattr(got, "dtype", None) == getattr(expected, "dtype", None)
        assert artifact.path == path and artifact.readme.read_text().count("CC0-1.0") and artifact.loss == ()
        assert artifact.parity[0] == artifact.parity[1] and isinstance(artifact.parity[0], parity.Parity)

    def test_gives_what_a_smaller_dtype_loses(self, sampler, tmp_path):
        path = tmp_path / "generator.onnx"
        artifact = other_backends.export(onnx.FORMAT, sampler, path, False, {}, "float16")
        assert artifact.parity == () and artifact.loss[0] == artifact.loss[1]
        assert artifact.loss[0] == kg.export.to_onnx(sampler, path, overwrite=True, dtype="float16").loss[0]

    def test_images_that_differ_are_a_parity_error(self, sampler, tmp_path, monkeypatch):
        case, *_ = job.reference_for(sampler, "float32").cases
        moved = dataclasses.replace(case, image=case.image + np.float32(0.5))
        monkeypatch.setattr(other_backends, "_read_witness", lambda path: parity.Reference("another", [moved], 0.0))
        with pytest.raises(kg.export.ParityError, match=r"differ from another by 0\.5"):
            other_backends.export(onnx.FORMAT, sampler, tmp_path / "generator.onnx", False, {}, "float32")
        assert not list(tmp_path.iterdir())

    def test_what_the_user_can_mend_is_an_input_error(self, sampler, tmp_path):
        (tmp_path / "generator.onnx").write_bytes(b"mine")
        with pytest.raises(kg.InputError, match=r"generator\.onnx' exists and is kept"):
            other_backends.export(onnx.FORMAT, sampler, tmp_path / "generator.onnx", False, {}, "float32")
        assert (tmp_path / "generator.onnx").read_bytes() == b"mine"
