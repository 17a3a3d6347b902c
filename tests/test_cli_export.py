"""`kerasgan export`: entries, runs and files to every format, and one line for what cannot be."""

import json

import keras
import pytest
import tiny
from typer.testing import CliRunner

import kerasgan as kg
from kerasgan.cli import app

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="formats are written on TensorFlow, elsewhere by a second process"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    """A run folder, as far as an export looks at it."""
    generator = tiny.generator()
    tiny.set_weights(generator, 1)
    (folder / "runs" / "mine").mkdir(parents=True)
    sampler = kg.Sampler(generator, kg.SampleSpec(4, (8, 8, 1)), {"name": "dcgan_mine", "dataset": "pictures"})
    sampler.save(folder / "runs" / "mine" / "sampler.keras")
    return "runs/mine"


def kerasgan(*args, ok=True):
    result = CliRunner().invoke(app, ["export", *map(str, args)])
    if ok:
        assert result.exit_code == 0, repr(result.exception) + result.output
        return result.output
    # Which `main` prints as one line.
    assert isinstance(result.exception, kg.InputError | kg.export.ParityError), result.output
    return str(result.exception)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@on_tensorflow
def test_a_published_entry_as_two_formats(folder):
    import onnx

    printed = kerasgan("dcgan_digits", "--format", "onnx,litert", "--out", "deploy")
    files = ["dcgan_digits.onnx", "dcgan_digits.onnx.md", "dcgan_digits.tflite", "dcgan_digits.tflite.md"]
    assert names(folder / "deploy") == files
    record = kg.zoo.load("dcgan_digits").about
    held = {p.key: p.value for p in onnx.load(folder / "deploy" / files[0]).metadata_props}
    assert {key: held[key] for key in record} == record
    assert record["license"] == "Apache-2.0" and record["version"] == "2" and "CC BY 4.0" in record["dataset_license"]
    for name in files:
        assert f"deploy/{name}" in printed
    assert f"{(folder / 'deploy' / files[0]).stat().st_size:,} bytes" in printed
    assert printed.count("30 images: largest difference") == 2
    text = (folder / "deploy" / files[3]).read_text()
    assert text.startswith("# dcgan_digits 2, LiteRT\n") and "licence: Apache-2.0" in text and "CC BY 4.0" in text


@on_tensorflow
def test_a_run_beside_itself_in_other_dtypes(folder, run):
    printed = kerasgan(run, "--dtype", "int8")
    assert "dcgan_mine_int8.onnx" in printed and "PSNR" in printed and "of the variation lost" in printed
    before = (folder / "dcgan_mine_int8.onnx").read_bytes()
    assert "'dcgan_mine_int8.onnx' exists and is kept" in kerasgan(run, "--dtype", "int8", ok=False)
    kerasgan(run)
    assert names(folder) == [
        "dcgan_mine.onnx", "dcgan_mine.onnx.md", "dcgan_mine_int8.onnx", "dcgan_mine_int8.onnx.md", "runs",
    ]  # fmt: skip
    kerasgan(run, "--dtype", "float16", "--out", "dcgan_mine_int8.onnx", "--force")
    assert (folder / "dcgan_mine_int8.onnx").read_bytes() != before
    assert "pictures" in (folder / "dcgan_mine.onnx.md").read_text()


@on_tensorflow
@pytest.mark.slow
def test_a_file_as_folders(folder, run):
    printed = kerasgan(f"{run}/sampler.keras", "--format", "saved_model", "--format", "web")
    assert (folder / "dcgan_mine_savedmodel" / "saved_model.pb").exists()
    assert json.loads((folder / "dcgan_mine_page" / "kerasgan.json").read_text())["name"] == "dcgan_mine"
    assert "How to run it: dcgan_mine_page/README.md" in printed


@pytest.mark.parametrize(
    "args, message",
    [
        (["--format", "web", "--dtype", "int8"], "An export as web page knows float32 alone. Received dtype 'int8'"),
        (["--format", "onnx,saved_model", "--dtype", "float16"], "An export as SavedModel knows float32 alone"),
        (["--format", "onx"], "Unknown format 'onx'. Did you mean 'onnx'"),
        (["--format", ","], "--format must name one of: onnx, saved_model, litert, web"),
        (["--dtype", "int4"], "Unknown dtype 'int4'"),
        (["--out", "generator.pb"], "An export as ONNX is a file that ends in .onnx"),
        (["--format", "onnx,litert", "--out", "taken"], "dcgan_mine.tflite' exists and is kept"),
    ],
)
def test_refused_before_anything_is_written(folder, run, args, message):
    (folder / "taken").mkdir()
    (folder / "taken" / "dcgan_mine.tflite").write_text("mine")
    assert message in kerasgan(run, *args, ok=False)
    assert names(folder) == ["runs", "taken"] and names(folder / "taken") == ["dcgan_mine.tflite"]


@on_tensorflow
def test_a_folder_with_an_entrys_exports_does_not_hide_the_entry(folder):
    (folder / "dcgan_digits").mkdir()
    kerasgan("dcgan_digits", "--out", "dcgan_digits/dcgan_digits.onnx")
    (folder / "mine").mkdir()
    assert "holds no sampler.keras" in kerasgan("mine", ok=False)


@on_tensorflow
def test_where_the_pictures_lie_is_nobodys_business(folder):
    import onnx

    place = str(folder / "clients" / "acme")
    sampler = kg.Sampler(tiny.generator(), kg.SampleSpec(4, (8, 8, 1)), {"name": "mine", "dataset": place})
    sampler.save(folder / "mine.keras")
    kerasgan("mine.keras", "--out", "mine.onnx")
    held = {p.key: p.value for p in onnx.load(folder / "mine.onnx").metadata_props}
    assert held["dataset"] == json.loads(held["recipe"])["dataset"] == "./acme"
    for file in ("mine.onnx", "mine.onnx.md"):
        assert str(folder).encode() not in (folder / file).read_bytes()
    assert kg.Sampler.load(folder / "mine.keras").recipe["dataset"] == place, "where `evaluate` finds them"


@on_tensorflow
def test_too_much_loss_is_one_line(folder, run, monkeypatch):
    from kerasgan.export import loss

    monkeypatch.setitem(loss.LEAST_PSNR, "int8", 200.0)
    assert "As int8 this generator loses too much: PSNR" in kerasgan(run, "--dtype", "int8", ok=False)
    assert names(folder) == ["runs"]
    assert "Unknown pretrained entry 'dcgan_digts'" in kerasgan("dcgan_digts", ok=False)
