"""What every artifact promises, by its effect: names, types, free batch, metadata, README program, bytes."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from kerasgan import export
from kerasgan.sampler import Sampler, SampleSpec

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )

L = keras.layers
ABOUT = {"name": "tiny", "version": "1.2", "dataset": "noise", "license": "CC0-1.0"}
CASES = {
    "digits": SampleSpec(6, (28, 28, 1), class_names=("zero", "one", "two"), mean_latent=(0.5, -0.5, 0.1, 0, 1, 0)),
    "rgba": SampleSpec(5, (40, 24, 4), prior="uniform", value_range=(0.0, 1.0)),
    "faces": SampleSpec(4, (48, 48, 3), prior="truncated_normal", class_names=tuple("0123456789")),
    "curves": SampleSpec(3, (12, 2)),
}


def make(name):
    spec = CASES[name]
    keras.utils.set_random_seed(0)
    latent, label = keras.Input((spec.latent_dim,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(spec.num_classes, 3)(label)]) if spec.class_names else latent
    if len(spec.image_shape) == 3:
        height, width, channels = spec.image_shape
        x = L.Reshape((height // 4, width // 4, 2))(L.Dense(height * width // 8)(x))
        x = L.LeakyReLU(0.2)(L.BatchNormalization()(L.UpSampling2D()(x)))
        x = L.Conv2DTranspose(channels, 4, 2, padding="same")(x)
    else:
        x = L.Reshape(spec.image_shape)(L.Dense(int(np.prod(spec.image_shape)))(x))
    x = L.Activation("sigmoid" if spec.value_range[0] == 0 else "tanh")(x)
    generator = keras.Model([latent, label] if spec.class_names else latent, x)
    rng = np.random.default_rng(0)
    generator.set_weights([w + rng.uniform(-0.1, 0.4, w.shape).astype("float32") for w in generator.get_weights()])
    return Sampler(generator, spec, {"name": "from_recipe", "dataset": "recipe_data", "seed": 3})


@pytest.fixture(scope="module", params=CASES)
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    sampler = make(request.param)
    onnx = export.to_onnx(sampler, folder / "generator.onnx", about=ABOUT)
    saved = export.to_saved_model(sampler, folder / "saved", about=ABOUT)
    return sampler, onnx, saved


def inputs(sampler, n=5):
    label = None if not sampler.spec.class_names else sampler.labels(None, n)
    values = {"latent": sampler.latents(n, 99), "label": label, "truncation": np.array(0.4, "float32")}
    return {name: value for name, value in values.items() if value is not None}


def test_onnx_keeps_the_contract(made):
    import onnx

    sampler, artifact, _ = made
    spec, model = sampler.spec, onnx.load(artifact.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    found = {
        v.name: (v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in [*model.graph.input, *model.graph.output]
    }
    kind, shape = onnx.TensorProto, ["batch", *spec.image_shape]
    expected = {
        "latent": (kind.FLOAT, ["batch", spec.latent_dim]),
        "truncation": (kind.FLOAT, []),
        "image": (kind.FLOAT, shape),
        "image_uint8": (kind.UINT8, shape),
    }
    if spec.class_names:
        expected["label"] = (kind.INT32, ["batch"])
    assert found == expected
    assert [v.name for v in model.graph.output] == ["image", "image_uint8"]


def test_onnx_gives_what_generate_gives(made):
    import onnx.reference
    import onnxruntime

    sampler, artifact, _ = made
    n = 11  # no batch that the parity check saw
    values = {**inputs(sampler, n), "latent": sampler.latents(n, 5)}
    session = onnxruntime.InferenceSession(artifact.path, providers=["CPUExecutionProvider"])
    image, image_uint8 = session.run(["image", "image_uint8"], values)
    expected = sampler.generate(n, seed=5, truncation=0.4)
    assert np.ptp(expected.astype(int)) > 20
    assert np.abs(image_uint8.astype(int) - expected).max() <= 1
    low, high = sampler.spec.value_range
    assert low <= image.min() and image.max() <= high

    reference = onnx.reference.ReferenceEvaluator(str(artifact.path)).run(["image", "image_uint8"], values)
    np.testing.assert_allclose(reference[0], image, atol=1e-5)
    assert np.abs(reference[1].astype(int) - image_uint8).max() <= 1


def test_saved_model_gives_what_generate_gives(made):
    import tensorflow as tf

    sampler, _, artifact = made
    signatures = tf.saved_model.load(str(artifact.path)).signatures
    assert set(signatures) == {"serving_default", "generate_uint8", "sample"}
    values = {name: tf.constant(value) for name, value in {**inputs(sampler, 11)}.items()}
    values["latent"] = tf.constant(sampler.latents(11, 5))
    both = signatures["serving_default"](**values)
    only = signatures["generate_uint8"](**values)
    assert set(both) == {"image", "image_uint8"} and set(only) == {"image_uint8"}
    expected = sampler.generate(11, seed=5, truncation=0.4)
    assert np.abs(only["image_uint8"].numpy().astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(both["image_uint8"], only["image_uint8"])


def test_saved_model_sample_is_seeded(made):
    import tensorflow as tf

    sampler, _, artifact = made
    sample = tf.saved_model.load(str(artifact.path)).signatures["sample"]
    label = {"label": tf.constant(2)} if sampler.spec.class_names else {}

    def draw(seed, truncation=1.0):
        seed = tf.constant([seed, 0])
        return sample(n=tf.constant(6), seed=seed, truncation=tf.constant(truncation), **label)["image_uint8"].numpy()

    first = draw(1)
    assert first.shape == (6, *sampler.spec.image_shape) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw(1))
    assert (first != draw(2)).any() and (first[0] != first[1]).any()
    still = sampler.generate(1, labels=2 if label else None, truncation=0.0)
    assert np.abs(draw(1, 0.0).astype(int) - still).max() <= 1


def test_saved_model_stores_the_weights_once(tmp_path):
    latent = keras.Input((64,))
    generator = keras.Model(latent, L.Reshape((32, 32, 1))(L.Dense(1024)(L.Dense(512)(latent))))
    folder = export.to_saved_model(Sampler(generator, SampleSpec(64, (32, 32, 1))), tmp_path / "saved").path
    size = sum(file.stat().st_size for file in folder.rglob("*"))
    assert size < 1.1 * 4 * generator.count_params()


def test_metadata_stand_inside(made):
    import onnx

    sampler, file, folder = made
    held = {p.key: p.value for p in onnx.load(file.path).metadata_props}
    other = json.loads((folder.path / "metadata.json").read_text())
    digest = hashlib.sha256()
    for weight in sampler.generator.get_weights():
        digest.update(str(weight.shape).encode() + weight.tobytes())
    for key, value in {
        **ABOUT,
        "latent_dim": sampler.spec.latent_dim,
        "prior": sampler.spec.prior,
        "class_names": list(sampler.spec.class_names),
        "image_shape": list(sampler.spec.image_shape),
        "value_range": list(sampler.spec.value_range),
        "weights_sha256": digest.hexdigest(),
        "recipe": sampler.recipe,
    }.items():
        assert other[key] == value
        assert (held[key] if isinstance(value, str) else json.loads(held[key])) == value
    assert {"kerasgan", "keras", "tensorflow", "tf2onnx", "onnx"} <= set(json.loads(held["libraries"]))


def test_recipe_fills_the_metadata(tmp_path):
    artifact = export.to_saved_model(make("curves"), tmp_path / "saved")
    values = json.loads((artifact.path / "metadata.json").read_text())
    assert (values["name"], values["dataset"], values["license"]) == ("from_recipe", "recipe_data", "")


@pytest.mark.parametrize("which", ["onnx", pytest.param("saved", marks=pytest.mark.slow)])
def test_readme_program_runs_elsewhere(made, which, tmp_path):
    sampler, *artifacts = made
    artifact = artifacts[which == "saved"]
    moved = tmp_path / "moved"
    if artifact.path.is_dir():
        shutil.copytree(artifact.path, moved)
    else:
        moved.mkdir()
        shutil.copy(artifact.path, moved)
    text = artifact.readme.read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(program.split("\n\n")[0].splitlines()) + len(program.split("\n\n")[1].splitlines()) <= 12
    guard = "import sys\nsys.modules['kerasgan'] = sys.modules['keras'] = None\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", guard + program],
        cwd=moved,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    expected = sampler.generate(8, seed=0, truncation=0.7)
    if len(sampler.spec.image_shape) == 3:
        from PIL import Image

        with Image.open(moved / "samples.png") as picture:
            got = np.asarray(picture)
        expected = np.concatenate(expected, axis=1)
        expected = expected[..., 0] if expected.shape[-1] == 1 else expected
    else:
        got = np.load(moved / "samples.npy")
    assert np.abs(got.astype(int) - expected).max() <= 1
    for figure in artifact.parity:
        assert f"| {figure.against} | {figure.images} |" in text
    assert sampler.spec.prior in text and "from_recipe" in text and "CC0-1.0" in text


def test_same_weights_same_bytes(tmp_path):
    """In one process; tests/test_export_backends.py has it across two, and across two backends."""
    first = export.to_onnx(make("digits"), tmp_path / "first.onnx").path.read_bytes()
    make("faces")  # Keras counts up the names of its layers
    assert export.to_onnx(make("digits"), tmp_path / "second.onnx").path.read_bytes() == first


def test_both_formats_live_in_one_folder(made):
    _, file, folder = made
    assert file.path.parent == folder.path.parent
    assert sorted(p.name for p in file.path.parent.iterdir()) == ["generator.onnx", "generator.onnx.md", "saved"]
    assert file.readme.name == "generator.onnx.md" and folder.readme == folder.path / "README.md"


def test_import_is_light():
    program = "import sys, kerasgan.export; print({'tensorflow', 'keras', 'onnx', 'tf2onnx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
