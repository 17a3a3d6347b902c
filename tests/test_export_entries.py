"""Every entry of the zoo in every format: each export is compared with Keras inside, or refused."""

import families
import keras
import pytest

from kerasgan import export

if keras.backend.backend() != "tensorflow":
    pytest.skip(
        "formats are written on TensorFlow; tests/test_export_backends.py covers the rest", allow_module_level=True
    )


MARKED = [pytest.param(name, marks=pytest.mark.slow) if name in families.FURTHER else name for name in families.ENTRIES]


@pytest.mark.parametrize("name", MARKED)
def test_every_entry_travels(name, tmp_path):
    sampler = families.sampler(name)
    artifacts = [
        export.to_onnx(sampler, tmp_path / "generator.onnx"),
        export.to_saved_model(sampler, tmp_path / "generator_savedmodel"),
        export.to_litert(sampler, tmp_path / "generator.tflite"),
        export.to_web(sampler, tmp_path / "page"),
    ]
    for artifact in artifacts:
        (parity,) = artifact.parity
        assert artifact.path.exists() and parity.largest <= parity.allowed < 1e-2
        assert parity.images >= max(1 + 2 + 7, sampler.spec.num_classes or 0)


# What int8 loses can be too much for weights nobody trained, and is then refused.
FEWER_BITS = [(name, "float16") for name in families.ENTRIES] + [(name, "int8") for name in families.PUBLISHED]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "dtype"), FEWER_BITS)
def test_every_entry_in_fewer_bits(name, dtype, tmp_path):
    sampler = families.sampler(name)
    for to_format, file in ((export.to_onnx, "generator.onnx"), (export.to_litert, "generator.tflite")):
        artifact = to_format(sampler, tmp_path / file, dtype=dtype)
        assert artifact.loss and artifact.path.exists()
