"""What cannot be exported, or not as it is: one clear error, nothing half-written, nothing of the user's changed."""

import dataclasses
import importlib

import keras
import numpy as np
import pytest

from kerasgan import export
from kerasgan.errors import InputError
from kerasgan.sampler import Sampler, SampleSpec

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )

L = keras.layers
FORMATS = {
    "onnx": (export.to_onnx, "generator.onnx"),
    "saved_model": (export.to_saved_model, "saved"),
    "litert": (export.to_litert, "generator.tflite"),
}
each = pytest.mark.parametrize("to_format, file", FORMATS.values(), ids=FORMATS)


class Noisy(L.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, x):
        return x + keras.random.normal((1, 16), seed=self.seed)


class Python(L.Layer):
    def call(self, x):
        import tensorflow as tf

        return tf.ensure_shape(tf.numpy_function(np.sin, [x], tf.float32), [None, 16])

    def compute_output_shape(self, shape):
        return shape


class Digamma(L.Layer):
    def call(self, x):
        import tensorflow as tf

        return tf.math.digamma(tf.abs(x) + 1.0)


class Stubborn(L.Layer):
    """Its get_config leaves out what its constructor needs."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def get_config(self):
        return {"name": self.name}

    def call(self, x):
        return x * self.factor


class Inner(L.Layer):
    """Makes a layer of its own, which takes the global dtype policy."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = L.Dense(16)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


def tiny(*between):
    keras.utils.set_random_seed(0)
    latent = keras.Input((4,))
    x = L.Dense(16, name="first")(latent)
    for layer in between:
        x = layer(x)
    x = L.Conv2D(1, 3, padding="same")(L.UpSampling2D()(L.Reshape((4, 4, 1))(x)))
    return Sampler(keras.Model(latent, L.Activation("tanh", dtype="float32")(x)), SampleSpec(4, (8, 8, 1)))


def is_empty(folder):
    return not list(folder.iterdir())


@each
def test_wrong_images_are_removed(to_format, file, tmp_path, monkeypatch):
    module = importlib.import_module(to_format.__module__)

    def corrupt(generator, spec, path, values):
        copy = keras.models.clone_model(generator)
        weights = generator.get_weights()
        weights[0][1, 3] += 0.05
        copy.set_weights(weights)
        module.write(copy, spec, path, values)

    sampler = tiny()
    to_format(sampler, tmp_path / file)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    monkeypatch.setattr(module, "FORMAT", dataclasses.replace(module.FORMAT, write=corrupt))
    with pytest.raises(export.ParityError, match="differ from Keras on tensorflow by"):
        to_format(sampler, tmp_path / file, overwrite=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    (tmp_path / "new").mkdir()
    with pytest.raises(export.ParityError, match="was removed"):
        to_format(sampler, tmp_path / "new" / file)
    assert is_empty(tmp_path / "new")


def test_a_damaged_file_is_removed(tmp_path, monkeypatch):
    from kerasgan.export import onnx as module

    def damage(generator, spec, path, values):
        module.write(generator, spec, path, values)
        path.write_bytes(path.read_bytes()[:-900])

    monkeypatch.setattr(module, "FORMAT", dataclasses.replace(module.FORMAT, write=damage))
    with pytest.raises(export.ParityError, match="its own runtime does not run it"):
        export.to_onnx(tiny(), tmp_path / "generator.onnx")
    assert is_empty(tmp_path)


@each
def test_another_type_is_no_match(to_format, file, tmp_path, monkeypatch):
    module = importlib.import_module(to_format.__module__)

    def load(path, spec):
        run = module.load(path, spec)
        return lambda *inputs: tuple(array.astype("float64") for array in run(*inputs))

    monkeypatch.setattr(module, "FORMAT", dataclasses.replace(module.FORMAT, load=load))
    with pytest.raises(export.ParityError, match="'image' is float64"):
        to_format(tiny(), tmp_path / file)
    assert is_empty(tmp_path)


@each
def test_existing_target_is_kept(to_format, file, tmp_path):
    first = to_format(tiny(), tmp_path / file)
    before = first.readme.read_text()
    with pytest.raises(InputError, match="exists and is kept"):
        to_format(tiny(Inner()), tmp_path / file)
    assert first.readme.read_text() == before
    assert to_format(tiny(Inner()), tmp_path / file, overwrite=True).readme.read_text() != before


def test_only_its_own_kind_is_replaced(tmp_path):
    holiday = tmp_path / "photos"
    holiday.mkdir()
    (holiday / "beach.jpg").write_text("sun")
    with pytest.raises(InputError, match="is no SavedModel, so it is not replaced"):
        export.to_saved_model(tiny(), holiday, overwrite=True)
    folder = tmp_path / "folder.onnx"
    folder.mkdir()
    with pytest.raises(InputError, match="is no ONNX, so it is not replaced"):
        export.to_onnx(tiny(), folder, overwrite=True)
    (tmp_path / "other.onnx.md").write_text("my notes")
    with pytest.raises(InputError, match=r"other.onnx.md' exists and is kept"):
        export.to_onnx(tiny(), tmp_path / "other.onnx")
    assert (holiday / "beach.jpg").read_text() == "sun"
    with pytest.raises(InputError, match=r"ends in .onnx. Received: .*generator'"):
        export.to_onnx(tiny(), tmp_path / "generator")


@each
def test_full_disk_leaves_nothing(to_format, file, tmp_path):
    resource = pytest.importorskip("resource")
    sampler = tiny(L.Dense(9_000), L.Dense(16))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            to_format(sampler, tmp_path / file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert is_empty(tmp_path)


@each
def test_a_file_where_a_folder_is_needed(to_format, file, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        to_format(tiny(), tmp_path / "taken" / file)


@each
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_diverged_weights(to_format, file, value, tmp_path):
    sampler = tiny()
    weights = sampler.generator.get_weights()
    weights[0][0, 0] = value
    sampler.generator.set_weights(weights)
    with pytest.raises(InputError, match="'first/kernel' holds NaN or infinity"):
        to_format(sampler, tmp_path / file)
    assert is_empty(tmp_path)


@each
@pytest.mark.parametrize(
    "layer, reason",
    [
        (Noisy, "'noisy' cannot be exported: it draws random numbers"),
        (Python, "'python' cannot be exported: it calls back into Python"),
        (lambda: Stubborn(2.0), r"'stubborn' \(Stubborn\) cannot be exported: it cannot be built again"),
    ],
    ids=["random", "python", "stubborn"],
)
def test_layers_that_stay_are_named(to_format, file, layer, reason, tmp_path):
    keras.backend.clear_session()
    with pytest.raises(InputError, match=reason):
        to_format(tiny(layer()), tmp_path / file)
    assert is_empty(tmp_path)


def test_images_that_are_not_what_the_spec_says(tmp_path):
    sampler = tiny()
    sampler.spec = SampleSpec(4, (8, 8, 3))  # which a new Sampler would refuse, where the shapes are known
    with pytest.raises(InputError, match=r"gives images \(8, 8, 1\), its spec says \(8, 8, 3\)"):
        export.to_onnx(sampler, tmp_path / "generator.onnx")
    sampler.spec = SampleSpec(5, (8, 8, 1))
    with pytest.raises(InputError, match="does not run on tensorflow"):
        export.to_onnx(sampler, tmp_path / "generator.onnx")
    broken = tiny(L.Lambda(lambda x: keras.ops.log(-1.0 - keras.ops.abs(x))))
    with pytest.raises(InputError, match="its images hold NaN"):
        export.to_onnx(broken, tmp_path / "generator.onnx")
    assert is_empty(tmp_path)


def test_operation_a_format_does_not_have(tmp_path):
    for name, title in (("onnx", "ONNX"), ("litert", "LiteRT")):
        to_format, file = FORMATS[name]
        with pytest.raises(InputError, match=f"'special' cannot be exported to {title}: it uses TensorFlow's Digamma"):
            to_format(tiny(Digamma(name="special")), tmp_path / file)
        assert is_empty(tmp_path)
    export.to_saved_model(tiny(Digamma()), tmp_path / "saved")


def test_about_takes_known_strings(tmp_path, monkeypatch):
    # The first work of an export: a wrong word is to be told before it.
    monkeypatch.setattr(importlib.import_module("kerasgan.export.network"), "in_float32", lambda sampler: pytest.fail())
    for about in ({"licence": "MIT"}, {"version": 2}):
        with pytest.raises(InputError, match="name, version, dataset, license"):
            export.to_onnx(tiny(), tmp_path / "generator.onnx", about=about)


@pytest.mark.parametrize(
    "to_format, file, policy",
    [(*FORMATS["onnx"], policy) for policy in ("mixed_bfloat16", "mixed_float16", "bfloat16", "float64")]
    + [(*FORMATS["saved_model"], "mixed_bfloat16")],
)
def test_other_precisions_become_float32(to_format, file, policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        sampler = tiny(Inner(), L.Activation("relu"))
        before = sampler.generate(7)
        artifact = to_format(sampler, tmp_path / file)
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    assert sampler.generator.get_layer("first").dtype_policy.name == policy
    np.testing.assert_array_equal(sampler.generate(7), before)
    assert artifact.parity[0].largest < 1e-5
    assert f"trained in {' and '.join(sorted(['float32', policy]))}\n" in artifact.readme.read_text()
    run = importlib.import_module(to_format.__module__).load(artifact.path, sampler.spec)
    image_uint8 = run(sampler.latents(7), None, 1.0)[1]
    assert np.abs(image_uint8.astype(int) - before).max() <= 4


@pytest.mark.parametrize(
    "to_format, file, options",
    [
        *((*pair, {}) for pair in FORMATS.values()),
        (*FORMATS["onnx"], {"dtype": "int8"}),
        (*FORMATS["litert"], {"dtype": "int8"}),
    ],
    ids=[*FORMATS, "onnx-int8", "litert-int8"],
)
def test_exports_are_quiet(to_format, file, options, tmp_path, capfd, recwarn):
    sampler = tiny()
    capfd.readouterr()
    to_format(sampler, tmp_path / file, **options)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
