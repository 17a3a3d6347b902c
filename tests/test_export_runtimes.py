"""ONNX files in other hands: ONNX's own reference evaluator and OpenVINO, on inputs that no export saw."""

import families
import keras
import numpy as np
import pytest

from kerasgan import export

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )

BRIEF = ("dcgan_digits", "sagan", "sagan_digits")
MARKED = [name if name in BRIEF else pytest.param(name, marks=pytest.mark.slow) for name in families.ENTRIES]


@pytest.fixture(scope="module", params=MARKED)
def exported(request, tmp_path_factory):
    """The ONNX file; inputs far outside the prior and at its middle, last class first; what Keras draws for them."""
    sampler = families.sampler(request.param)
    path = export.to_onnx(sampler, tmp_path_factory.mktemp(request.param) / "generator.onnx").path
    far = 8.0 * np.sign(sampler.latents(1, 1234))
    latent = np.concatenate([far, np.zeros_like(far), -far])
    inputs = {"latent": latent, "truncation": np.array(1.0, "float32")}
    if sampler.spec.class_names:
        inputs["label"] = np.array([sampler.spec.num_classes - 1, 0, 1], "int32")
    images = sampler.generator([latent, inputs["label"]] if "label" in inputs else latent, training=False)
    return path, inputs, images.numpy(), sampler.to_uint8(images.numpy())


def check(outputs, images, expected):
    image, image_uint8 = outputs
    assert (image.shape, image.dtype, image_uint8.dtype) == (images.shape, np.float32, np.uint8)
    np.testing.assert_allclose(image, images, atol=5e-4)
    assert np.abs(image_uint8.astype(int) - expected).max() <= 1


def test_reference_evaluator(exported):
    import onnx.reference

    path, inputs, *images = exported
    check(onnx.reference.ReferenceEvaluator(str(path)).run(["image", "image_uint8"], inputs), *images)


def test_openvino(exported):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed")
    path, inputs, *images = exported
    # Otherwise it computes in bfloat16 where a processor can.
    model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    outputs = model(inputs)
    check([outputs["image"], outputs["image_uint8"]], *images)
