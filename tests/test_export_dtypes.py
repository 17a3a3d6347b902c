"""float16 and int8: the contract stays, files shrink, the loss is measured, and garbage is refused."""

import importlib
import json

import keras
import numpy as np
import pytest

import kerasgan as kg
from kerasgan import export
from kerasgan.export import loss, onnx, quantize
from kerasgan.export.parity import Case, Reference

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="formats are written on TensorFlow, elsewhere by a second process"
)
L = keras.layers
SPEC = kg.SampleSpec(8, (16, 16, 3), class_names=("a", "b", "c"), mean_latent=(0.5, -0.5, 0.1, 0, 1, 0, 0, 0.3))
FORMATS = {"onnx": (export.to_onnx, "generator.onnx"), "litert": (export.to_litert, "generator.tflite")}
SHARE = {"float16": (0.45, 0.6), "int8": (0.22, 0.4)}


def make(widest=0.0):
    keras.utils.set_random_seed(0)
    latent, label = keras.Input((8,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(3, 4)(label)])
    x = L.Reshape((4, 4, 64))(L.Dense(1024, activation="relu", name="first")(x))
    x = L.Conv2D(64, 3, padding="same", activation="relu")(L.UpSampling2D()(x))
    x = L.BatchNormalization()(L.Conv2DTranspose(32, 4, 2, padding="same")(x))
    x = L.Conv2D(3, 3, padding="same", activation="tanh")(L.LeakyReLU(0.2)(x))
    generator = keras.Model([latent, label], x)
    rng = np.random.default_rng(0)
    weights = [w + rng.normal(0, 0.05, w.shape).astype("float32") for w in generator.get_weights()]
    weights[1][0, 0] += widest
    generator.set_weights([np.abs(w) if "variance" in v.path else w for w, v in zip(weights, generator.weights)])
    return kg.Sampler(generator, SPEC, {"name": "tiny"})


@pytest.fixture(scope="module", params=[(f, d) for f in FORMATS for d in SHARE], ids="-".join)
def made(request, tmp_path_factory):
    name, dtype = request.param
    to_format, file = FORMATS[name]
    folder = tmp_path_factory.mktemp("-".join(request.param))
    run = importlib.import_module(to_format.__module__).load
    artifact = to_format(make(), folder / file, dtype=dtype)
    return artifact, dtype, run(artifact.path, SPEC), to_format


def psnr(image, expected):
    return 10 * np.log10(4 / np.mean(np.square(image.astype("float64") - expected)))


@on_tensorflow
def test_contract_and_loss(made):
    artifact, dtype, run, _ = made
    sampler = make()
    latent, label = sampler.latents(60, 12345), np.arange(60, dtype="int32") % 3
    image, image_uint8 = run(latent, label, 1.0)
    assert (image.shape, image.dtype) == ((60, 16, 16, 3), np.float32)
    assert (image_uint8.shape, image_uint8.dtype) == ((60, 16, 16, 3), np.uint8)
    assert np.abs(image_uint8 - (image + 1) * 127.5).max() < 0.51
    expected = sampler.generator([latent, label], training=False).numpy()
    assert expected.std() > 0.1
    measured = artifact.loss[0]
    assert artifact.parity == () and len(artifact.loss) == 1 and measured.images >= loss.IMAGES
    assert abs(psnr(image, expected) - measured.psnr) < 3.0
    assert measured.psnr > {"float16": 60, "int8": 30}[dtype]
    assert measured.psnr < {"float16": 110, "int8": 60}[dtype], "it is of that dtype indeed"
    assert measured.worst <= measured.psnr and 0 < measured.mean < measured.largest
    np.testing.assert_allclose(measured.lost, 4 * 10 ** (-measured.psnr / 10) / expected.var(axis=0).mean(), rtol=0.5)


@on_tensorflow
def test_truncation_stays_exact(made):
    """Calibration saw none, and the factor is no number to round."""
    _, dtype, run, _ = made
    sampler = make()
    latent, label = sampler.latents(6, 3), np.zeros(6, "int32")
    still = run(latent, label, 0.0)[0]
    np.testing.assert_array_equal(still, still[:1].repeat(6, axis=0))
    for truncation in (0.0, 0.37):
        expected = sampler.generator([sampler.truncated(latent, truncation), label], training=False).numpy()
        assert psnr(run(latent, label, truncation)[0], expected) > {"float16": 60, "int8": 30}[dtype]


@on_tensorflow
def test_far_latents_are_clipped_not_wrapped(made):
    _, _, run, _ = made
    latent = np.concatenate([np.zeros((1, 8)), np.full((1, 8), 8.0), np.full((1, 8), -8.0)]).astype("float32")
    image, _ = run(latent, np.array([0, 1, 2], "int32"), 1.0)
    expected = make().generator([latent, np.array([0, 1, 2])], training=False).numpy()
    assert np.isfinite(image).all()
    correlations = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(image, expected)]
    assert min(correlations) > 0.8, correlations


@on_tensorflow
def test_files_shrink_and_say_so(made, tmp_path):
    artifact, dtype, _, _ = made
    share = artifact.path.stat().st_size / (4 * make().generator.count_params())
    low, high = SHARE[dtype]
    assert low < share < high
    text, measured = artifact.readme.read_text(), artifact.loss[0]
    title = text.splitlines()[0]
    assert title.endswith(f", {dtype}") and title.startswith("# tiny, ")
    assert f"| Keras on tensorflow | {measured.images} | {measured.psnr:.1f} dB | {measured.worst:.1f} dB |" in text
    assert "## Parity" not in text and f"Below {loss.LEAST_PSNR[dtype]:.0f} dB" in text
    if artifact.path.suffix == ".onnx":
        import onnx

        model = onnx.load(artifact.path)
        assert {p.key: p.value for p in model.metadata_props}["dtype"] == dtype
        onnx.checker.check_model(model, full_check=True)
        assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
        kinds = [w.data_type for w in model.graph.initializer if len(w.dims) > 1 and np.prod(w.dims) >= 1024]
        kind = {"float16": onnx.TensorProto.FLOAT16, "int8": onnx.TensorProto.UINT8}[dtype]
        assert len(kinds) == 3 and set(kinds) == {kind}


@on_tensorflow
def test_same_weights_same_bytes(made, tmp_path):
    artifact, dtype, _, to_format = made
    again = to_format(make(), tmp_path / artifact.path.name, dtype=dtype)
    assert again.path.read_bytes() == artifact.path.read_bytes()


@on_tensorflow
@pytest.mark.parametrize("name", ["onnx", pytest.param("litert", marks=pytest.mark.slow)])
def test_calibration_that_misses_the_latents_is_refused(name, tmp_path, monkeypatch):
    before = quantize.calibration

    def narrow(spec):
        for batch in before(spec):
            yield {**batch, "latent": batch["latent"] * np.float32(0.001)}

    monkeypatch.setattr(quantize, "calibration", narrow)
    to_format, file = FORMATS[name]
    with pytest.raises(export.ParityError, match="As int8 this generator loses too much: PSNR"):
        to_format(make(), tmp_path / file, dtype="int8")
    assert not list(tmp_path.iterdir())


@on_tensorflow
@pytest.mark.parametrize("name", FORMATS)
def test_dtypes_refused(name, tmp_path):
    to_format, file = FORMATS[name]
    with pytest.raises(kg.InputError, match=r"Unknown dtype 'float61'. Did you mean 'float16'"):
        to_format(make(), tmp_path / file, dtype="float61")
    with pytest.raises(kg.InputError, match=r"'first/kernel' holds values beyond float16's range, \+-65,504"):
        to_format(make(widest=7e4), tmp_path / file, dtype="float16")
    assert not list(tmp_path.iterdir())


def test_calibration_holds_the_prior_and_every_class():
    spec = kg.SampleSpec(3, (4, 4, 1), prior="uniform", class_names=tuple(map(str, range(300))))
    batches = list(quantize.calibration(spec))
    assert {label for batch in batches for label in batch["label"]} == set(range(300))
    latents = np.concatenate([batch["latent"] for batch in batches])
    assert len(np.unique(latents, axis=0)) == len(latents) >= 300 and np.abs(latents).max() <= 1.0
    assert latents.std() == pytest.approx(3**-0.5, rel=0.1)
    assert "label" not in next(quantize.calibration(kg.SampleSpec(3, (4, 4, 1))))


def reference(images):
    images = images.astype("float32")
    case = Case(np.zeros((len(images), 2), "float32"), None, 1.0, images, np.rint((images + 1) * 127.5).astype("uint8"))
    return Reference("Keras", [case], 0.0)


def giving(image):
    image = image.astype("float32")
    return lambda *_: (image, np.clip(np.rint((np.nan_to_num(image) + 1) * 127.5), 0, 255).astype("uint8"))


IMAGES = 0.5 * np.sin(np.arange(20 * 64).reshape(20, 8, 8, 1) ** 1.3)


def test_loss_is_what_it_says():
    off = np.where(np.arange(64).reshape(8, 8, 1) % 2, 0.02, -0.02) * np.ones((20, 1, 1, 1))
    off[3] *= 2
    found = loss.measure(giving(IMAGES + off), reference(IMAGES), (-1.0, 1.0), "int8")
    assert found.psnr == pytest.approx(10 * np.log10(4 / np.mean(off**2)), abs=0.01)
    assert found.worst == pytest.approx(10 * np.log10(4 / 0.0016), abs=0.01)
    assert found.largest == pytest.approx(0.04, abs=1e-4) and found.mean == pytest.approx(0.021, abs=1e-4)
    assert found.mean_uint8 == pytest.approx(0.021 * 127.5, abs=0.2)
    assert found.lost == pytest.approx(np.mean(off**2) / IMAGES.var(axis=0).mean(), rel=0.01)
    assert loss.measure(giving(IMAGES), reference(IMAGES), (-1.0, 1.0), "float16").psnr > 100


@pytest.mark.parametrize(
    "image, dtype, reason",
    [
        (IMAGES + 0.2, "int8", "PSNR 20.0 dB"),
        (IMAGES + 0.03, "float16", "PSNR 36.5 dB"),
        (IMAGES * np.nan, "int8", "holds NaN"),
        (IMAGES[:, :4], "int8", r"float32 \(20, 4, 8, 1\)"),
    ],
    ids=["far", "half", "nan", "shape"],
)
def test_garbage_is_refused(image, dtype, reason):
    with pytest.raises(export.ParityError, match=reason):
        loss.measure(giving(image), reference(IMAGES), (-1.0, 1.0), dtype)


def test_low_contrast_is_no_excuse():
    """One picture for all latents: near each of them in decibels, and worth nothing."""
    pale = 0.1 * IMAGES
    mean = pale.mean(axis=0, keepdims=True).repeat(20, axis=0)
    with pytest.raises(export.ParityError, match=r"of the variation between images \(at most 25%\)"):
        loss.measure(giving(mean), reference(pale), (-1.0, 1.0), "int8")


def test_uint8_must_show_the_image():
    def run(*_):
        return IMAGES.astype("float32"), np.zeros(IMAGES.shape, "uint8")

    with pytest.raises(export.ParityError, match="grey levels from its own 'image'"):
        loss.measure(run, reference(IMAGES), (-1.0, 1.0), "int8")


@on_tensorflow
def test_products_of_activations_stay_float(tmp_path):
    """Attention: both sides of the product are computed, none is a weight."""
    import onnx as package

    keras.utils.set_random_seed(0)
    latent = keras.Input((6,))
    x = L.Reshape((16, 64))(L.Dense(1024)(latent))
    x = L.Softmax()(keras.ops.matmul(L.Dense(64)(x), keras.ops.transpose(L.Dense(64)(x), (0, 2, 1))))
    generator = keras.Model(latent, L.Reshape((16, 16, 1))(keras.ops.tanh(4.0 * x)))
    path = onnx.to_onnx(kg.Sampler(generator, kg.SampleSpec(6, (16, 16, 1))), tmp_path / "g.onnx", dtype="int8").path
    graph = package.load(path).graph
    producers = {name: node for node in graph.node for name in node.output}
    inputs = [[producers.get(name) for name in node.input] for node in graph.node if node.op_type == "MatMul"]
    quantized = [all(node and node.op_type == "DequantizeLinear" for node in nodes) for nodes in inputs]
    assert sorted(quantized) == [False, True, True, True]


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_other_backends(run_script, tmp_path, name):
    to_format, file = FORMATS[name]
    (tmp_path / "script.py").write_text(f"""
import dataclasses, json, sys
sys.path[:0] = {[*map(str, [__file__.rsplit("/", 1)[0] + "/scripts"])]}
import tiny, kerasgan as kg
generator = tiny.generator(num_classes=3)
tiny.set_weights(generator, 1)
sampler = kg.Sampler(generator, kg.SampleSpec(4, (8, 8, 1), class_names=("a", "b", "c")), about={{"version": "7"}})
artifact = kg.export.{to_format.__name__}(sampler, {str(tmp_path / file)!r}, dtype="int8")
print(json.dumps([artifact.readme.read_text(), str(artifact.path), *map(dataclasses.asdict, artifact.loss)]))
""")
    printed = run_script(tmp_path / "script.py", backend="jax").splitlines()[-1]
    readme, path, *losses = json.loads(printed)
    assert path == str(tmp_path / file) and readme.startswith("# generator 7, ")
    assert [figures["against"] for figures in losses] == ["Keras on tensorflow", "Keras on jax"]
    assert all(25 < figures["psnr"] < 70 for figures in losses)
