"""The REST requests in a SavedModel's README, read as it reads them, answered by the loaded SavedModel."""

import json
import re
import shlex

import keras
import numpy as np
import pytest

import kerasgan as kg

if keras.backend.backend() != "tensorflow":
    pytest.skip("formats are written on TensorFlow", allow_module_level=True)

import tensorflow as tf

L = keras.layers
SPECS = {
    "conditional": kg.SampleSpec(5, (8, 6, 3), class_names=("cat", "dog"), mean_latent=(0.5, -0.5, 0.1, 0.0, 1.0)),
    "unconditional": kg.SampleSpec(70, (12, 2), prior="truncated_normal"),
}


@pytest.fixture(scope="module", params=SPECS)
def made(request, tmp_path_factory):
    spec = SPECS[request.param]
    keras.utils.set_random_seed(0)
    latent, label = keras.Input((spec.latent_dim,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(2, 3)(label)]) if spec.class_names else latent
    x = L.Reshape(spec.image_shape)(L.Dense(int(np.prod(spec.image_shape)), activation="tanh")(x))
    generator = keras.Model([latent, label] if spec.class_names else latent, x)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in generator.get_weights()])
    sampler = kg.Sampler(generator, spec)
    return sampler, kg.export.to_saved_model(sampler, tmp_path_factory.mktemp("served") / "saved")


def requests(readme):
    """{signature: inputs} of the curl commands, as a shell and then TensorFlow Serving take them apart."""
    commands = [shlex.split(line) for line in re.findall(r"^curl .*$", readme, re.M)]
    for command in commands:
        assert command[1] == "http://localhost:8501/v1/models/generator:predict" and command[2] == "-d"
    bodies = [json.loads(command[3]) for command in commands]
    assert all(set(body) == {"signature_name", "inputs"} for body in bodies)
    return {body["signature_name"]: body["inputs"] for body in bodies}


def predict(signature, inputs):
    """As json_tensor.cc does: shape from the nesting, type from the signature, whole numbers only where it says int."""
    _, specs = signature.structured_input_signature
    assert set(inputs) == set(specs), "every named input, and no other"
    tensors = {}
    for name, value in inputs.items():
        flat = np.ravel(value).tolist()
        if specs[name].dtype.is_integer:
            assert all(type(number) is int for number in flat)
        tensors[name] = tf.constant(value, specs[name].dtype)
        assert specs[name].is_compatible_with(tensors[name]), name
    (output,) = signature(**tensors).values()  # alone, so `outputs` is the list itself
    return json.loads(json.dumps(output.numpy().tolist()))


def test_the_documented_requests_are_answered(made):
    sampler, artifact = made
    readme = artifact.readme.read_text()
    signatures = tf.saved_model.load(str(artifact.path)).signatures
    assert '-e MODEL_NAME=generator -v "$PWD:/models/generator/1:ro" tensorflow/serving' in readme
    asked = requests(readme)
    assert set(asked) == {"sample", "generate_uint8"}

    images = np.array(predict(signatures["generate_uint8"], asked["generate_uint8"]))
    given = asked["generate_uint8"]
    latents = sampler.truncated(np.array(given["latent"], "float32"), given["truncation"])
    expected = sampler.images(latents, given.get("label"))
    assert images.shape == expected.shape and np.abs(images - expected).max() <= 1 and np.ptp(images) > 20

    drawn = np.array(predict(signatures["sample"], asked["sample"]))
    assert drawn.shape == (8, *sampler.spec.image_shape) and (drawn[0] != drawn[1]).any()
    assert (drawn == predict(signatures["sample"], asked["sample"])).all()
    assert (drawn != predict(signatures["sample"], {**asked["sample"], "seed": [8, 0]})).any()
    still = {**asked["sample"], "truncation": 0}
    assert (
        np.abs(predict(signatures["sample"], still) - sampler.generate(1, given.get("label"), truncation=0)).max() <= 1
    )


def test_rows_do_not_fit_the_scalar(made):
    """Why the README says `inputs`: `instances` stacks a value of each row for every input."""
    artifact = made[1]
    signature = tf.saved_model.load(str(artifact.path)).signatures["generate_uint8"]
    given = requests(artifact.readme.read_text())["generate_uint8"]
    with pytest.raises(AssertionError, match="truncation"):
        predict(signature, {**given, "truncation": [given["truncation"]]})
