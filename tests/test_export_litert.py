"""What a `.tflite` file promises, by its effect, in LiteRT's own runtime."""

import json
import os
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tiny

import kerasgan as kg
from kerasgan import export
from kerasgan.export import litert

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )

ABOUT = {"name": "tiny", "version": "1.2", "dataset": "noise", "license": "CC0-1.0"}
SPECS = {
    "classes": kg.SampleSpec(4, (8, 8, 1), class_names=("a", "b", "c"), mean_latent=(0.5, -0.5, 0.1, 1)),
    "plain": kg.SampleSpec(4, (8, 8, 1), prior="uniform"),
}


def make(spec):
    generator = tiny.generator(num_classes=spec.num_classes)
    tiny.set_weights(generator, 1)
    return kg.Sampler(generator, spec, {"name": "from_recipe"})


@pytest.fixture(scope="module", params=SPECS)
def made(request, tmp_path_factory):
    sampler = make(SPECS[request.param])
    path = tmp_path_factory.mktemp(request.param) / "generator.tflite"
    return sampler, export.to_litert(sampler, path, about=ABOUT)


def interpreter_of(artifact):
    return litert._interpreter()(model_content=artifact.path.read_bytes())


def metadata_of(content):
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (held,) = [model.buffers[entry.buffer].data for entry in model.metadata if entry.name == b"kerasgan"]
    return json.loads(bytes(held))


@pytest.mark.filterwarnings("ignore::UserWarning:tensorflow")  # its interpreter, where LiteRT's is not installed
def test_contract(made):
    sampler, artifact = made
    interpreter = interpreter_of(artifact)
    names = ["latent", "truncation", *(["label"] if sampler.spec.class_names else [])]
    signature = {"inputs": sorted(names), "outputs": ["image", "image_uint8"]}
    assert interpreter.get_signature_list() == {"serving_default": signature}
    details = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    found = {d["name"]: (d["dtype"], d["shape_signature"].tolist()) for d in details}
    expected = {
        "latent": (np.float32, [-1, 4]),
        "truncation": (np.float32, []),
        "image": (np.float32, [-1, 8, 8, 1]),
        "image_uint8": (np.uint8, [-1, 8, 8, 1]),
    }
    if sampler.spec.class_names:
        expected["label"] = (np.int32, [-1])
    assert found == expected
    operations = {operation["op_name"] for operation in interpreter._get_ops_details()}
    assert not [name for name in operations if name.startswith(("Flex", "CUSTOM"))], operations


@pytest.mark.filterwarnings("ignore::UserWarning:tensorflow")
def test_gives_what_generate_gives(made):
    sampler, artifact = made
    generate = interpreter_of(artifact).get_signature_runner()
    for n in (11, 1, 3):  # larger, smaller, and no batch of the parity check
        label = {"label": sampler.labels(None, n)} if sampler.spec.class_names else {}
        outputs = generate(latent=sampler.latents(n, 5), truncation=np.float32(0.4), **label)
        expected = sampler.generate(n, seed=5, truncation=0.4)
        assert n == 1 or np.ptp(expected.astype(int)) > 20
        assert np.abs(outputs["image_uint8"].astype(int) - expected).max() <= 1
        assert np.abs(outputs["image"]).max() <= 1.0


def test_metadata_stand_inside(made):
    sampler, artifact = made
    held = metadata_of(artifact.path.read_bytes())
    for key, value in {
        **ABOUT,
        "latent_dim": 4,
        "prior": sampler.spec.prior,
        "class_names": list(sampler.spec.class_names),
        "image_shape": [8, 8, 1],
        "value_range": [-1.0, 1.0],
        "dtype": "float32",
        "recipe": {"name": "from_recipe"},
    }.items():
        assert held[key] == value
    assert len(held["weights_sha256"]) == 64 and held["libraries"].keys() == {"kerasgan", "keras", "tensorflow"}


def test_same_weights_same_bytes(made, tmp_path):
    """Though Keras counts up the names of its layers."""
    sampler, artifact = made
    again = export.to_litert(make(sampler.spec), tmp_path / "again.tflite", about=ABOUT)
    assert again.path.read_bytes() == artifact.path.read_bytes()


def test_readme_program_runs_elsewhere(made, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    sampler, artifact = made
    shutil.copy(artifact.path, tmp_path)
    text = artifact.readme.read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(program.splitlines()) <= 12
    guard = "import sys\nfor name in ('kerasgan', 'keras', 'tensorflow'): sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", guard + program], cwd=tmp_path, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    from PIL import Image

    with Image.open(tmp_path / "samples.png") as picture:
        got = np.asarray(picture).astype(int)
    expected = np.concatenate(sampler.generate(8, seed=0, truncation=0.7), axis=1)[..., 0]
    assert np.abs(got - expected).max() <= 1
    assert f"| {artifact.parity[0].against} | {artifact.parity[0].images} |" in text
    assert "CC0-1.0" in text and "metadata buffer `kerasgan`" in text


def test_tensorflows_own_interpreter_stands_in(made, monkeypatch, recwarn):
    sampler, artifact = made
    before = litert.load(artifact.path, sampler.spec)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    here = litert.load(artifact.path, sampler.spec)
    inputs = (sampler.latents(3, 8), np.array([2, 0, 1], "int32") if sampler.spec.class_names else None, 0.9)
    for mine, theirs in zip(here(*inputs), before(*inputs), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    assert not recwarn.list


@pytest.mark.filterwarnings("ignore::UserWarning:tensorflow")
def test_what_the_runtime_refuses(made):
    sampler, artifact = made
    generate = interpreter_of(artifact).get_signature_runner()
    label = {"label": np.array([0, 1, 2], "int32")} if sampler.spec.class_names else {}
    for size in (3, 5):
        with pytest.raises((RuntimeError, ValueError)):
            generate(latent=np.zeros((3, size), "float32"), truncation=np.float32(1), **label)
    text = artifact.readme.read_text()
    assert "an empty batch, and NaN" in text
    assert ("-1 was seen to draw the last class" in text) == bool(label)
    if label:
        with pytest.raises(RuntimeError, match="out of bounds"):
            label = np.array([0, 99, 2], "int32")
            generate(latent=np.zeros((3, 4), "float32"), truncation=np.float32(1), label=label)
