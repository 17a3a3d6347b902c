"""The command line as a user meets it, in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasgan.zoo import manifest

FAST = ["--epochs", "1", "--no-export"]


@pytest.fixture
def kerasgan(tmp_path):
    def run(*args, ok=True, **env):
        process = subprocess.run(
            [sys.executable, "-m", "kerasgan", *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (process.returncode == 0) == ok, process.stdout + process.stderr
        assert "Traceback" not in process.stderr
        return process.stdout if ok else process.stderr

    return run


@pytest.fixture
def here(tmp_path, monkeypatch, capsys, own_determinism):
    """The same without a new process, for what is no first meeting."""
    from kerasgan import cli

    def run(*args, ok=True):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["kerasgan", *map(str, args)])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            warnings.simplefilter("default")
            cli.main()
        assert (ended.value.code in (None, 0)) == ok, ended.value.code
        printed = capsys.readouterr()
        return printed.out + printed.err if ok else ended.value.code

    return run


@pytest.fixture
def pictures(tmp_path):
    """Two classes of ten coloured pictures of several sizes."""
    rng = np.random.default_rng(0)
    for i in range(20):
        folder = tmp_path / "pictures" / ("cats" if i % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (16 + i % 3, 18, 3)).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "pictures"


def test_list_is_fast_and_loads_no_backend(kerasgan):
    printed = kerasgan("list", "*digits*")
    assert "dcgan_digits" in printed
    assert "mnist" not in printed
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        kerasgan("list")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_show_prints_the_recipe_and_knows_close_names(kerasgan):
    assert json.loads(kerasgan("show", "dcgan_mnist"))["dataset"] == "mnist"
    error = kerasgan("show", "dcgan_mnst", ok=False)
    assert error.startswith("Error: Unknown zoo entry 'dcgan_mnst'. Did you mean 'dcgan_mnist'")


def test_train_a_folder_of_classes_then_sample_one(kerasgan, here, pictures, tmp_path):
    printed = kerasgan("train", pictures, "--image-size", 12, "--batch-size", 512, *FAST)
    run = tmp_path / "runs" / "dcgan_pictures"
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["num_classes"] == 2
    assert recipe["image_shape"] == [12, 12, 3]
    for name in ("log.jsonl", "samples/epoch-0001.png", "samples/training.gif", "sampler.keras", "run.json"):
        assert (run / name).exists(), name
    assert "sampler.keras" in printed
    kerasgan("sample", run, "-n", 4, "--labels", "cats", "--scale", 1, "--out", "cats.png")
    with Image.open(tmp_path / "cats.png") as picture:
        assert picture.size == (25, 25)
    assert "Did you mean 'cats'" in here("sample", run, "--labels", "cat", ok=False)

    error = here("train", pictures, "--image-size", 12, "--batch-size", 256, *FAST, ok=False)
    assert "batch_size: 512 -> 256" in error, "another setting in the same folder is refused, and named"
    before = (run / "log.jsonl").read_text()
    here("train", pictures, "--image-size", 12, "--batch-size", 512, *FAST)
    assert (run / "log.jsonl").read_text() == before, "the same command again has nothing left to do"
    again = here("train", pictures, "--image-size", 12, "--batch-size", 512, "--no-resume", *FAST, ok=False)
    assert "already" in again


def test_dry_run_writes_nothing(kerasgan, pictures, tmp_path):
    plan = json.loads(kerasgan("train", pictures, "--dry-run"))
    assert plan["images"] >= 2048
    assert plan["steps"] > 1000
    assert plan["generator_parameters"] > 10_000
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "dcgan_digts"], "Did you mean 'dcgan_digits'"),
        (["train", "dcgan_digits", "--image-size", "big"], "--image-size must be like 64"),
        (["train", "dcgan_digits", "--epochs", "0"], "epochs must be at least 1"),
        (["sample", "dcgan_digts"], "Did you mean 'dcgan_digits'"),
    ],
)
def test_one_clear_line_at_once(kerasgan, args, message):
    start = time.perf_counter()
    error = kerasgan(*args, ok=False)
    assert time.perf_counter() - start < 4, "Keras was started for it"
    assert error.startswith("Error: ") and len(error.splitlines()) == 1
    assert message in error


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["train", "empty"], "No pictures"),
        (["train", "broken.npz"], "damaged"),
        (["sample", "nowhere.keras"], "No file 'nowhere.keras'"),
    ],
)
def test_one_clear_line(here, tmp_path, args, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    error = here(*args, ok=False)
    assert error.startswith("Error: ") and len(error.splitlines()) == 1
    assert message in error


def test_corrupt_picture_is_named_then_skipped(here, pictures):
    (pictures / "cats" / "torn.png").write_bytes((pictures / "cats" / "1.png").read_bytes()[:60])
    assert "torn.png" in here("train", pictures, "--dry-run", ok=False)
    plan, warning = here("train", pictures, "--dry-run", "--skip-corrupt").split("Warning: ")
    assert warning.startswith("Skipped 1 corrupt picture") and "torn.png" in warning
    assert json.loads(plan)["images"] >= 2048


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--walk", "--morph", "3", "8"], "One sequence at a time"),
        (["--gif"], "without --interpolate, --walk, --morph or --sweep takes no --gif"),
        (["--walk", "--out", "a.png", "--gif"], "--walk to a.png takes no --gif"),
        (["--interpolate", "1", "2", "--seed", "3"], "--interpolate to samples.gif takes no --seed"),
        (["--sweep", "--truncation", "0.5"], "--sweep to samples.png takes no --truncation"),
        (["--morph", "3", "8", "--labels", "3"], "--morph to samples.gif takes no --labels"),
        (["--stops", "3"], "takes no --stops"),
        (["--out", "a.xyz"], "A picture is written as .png"),
        (["--out", "a.mp4"], "A picture is written as .png"),
        (["--labels", "²"], "Unknown class '²'"),
        (["--labels", "12"], "from 0 to 9"),
        (["--truncation", "5"], "truncation must lie between 0 and 1"),
    ],
)
def test_what_sample_cannot_do_is_said(here, tmp_path, options, message):
    error = here("sample", "cdcgan_digits", *options, ok=False)
    assert error.startswith("Error: ") and message in error
    assert not list(tmp_path.iterdir())


@pytest.fixture
def two_versions(tmp_path_factory, monkeypatch):
    """A package with versions 2 and 3 of `cdcgan_digits`, of which the former is another entry's generator."""
    folder, package = tmp_path_factory.mktemp("package"), manifest.FOLDER
    monkeypatch.setattr(manifest, "FOLDER", folder)
    third, other = (manifest.find(entry, release=package) for entry in ("cdcgan_digits", "acgan_digits"))
    (folder / "weights").mkdir()
    for record in (third, other):
        shutil.copy(package / "weights" / record["file"], folder / "weights")
    manifest.write(folder, [{**other, "entry": "cdcgan_digits", "version": 2}, {**third, "version": 3}])


def test_sequences_and_versions(here, tmp_path, two_versions):
    here("sample", "cdcgan_digits@2", "--walk", "--stops", 2, "--frames", 3, "--labels", 7, "--out", "a.GIF")
    with Image.open(tmp_path / "a.GIF") as gif:
        assert gif.n_frames == 6
    here("sample", "cdcgan_digits", "--interpolate", 1, 2, "-n", 2, "--frames", 5, "--scale", 1, "--out", "row.png")
    with Image.open(tmp_path / "row.png") as picture:
        assert picture.size == (5 * 29 - 1, 2 * 29 - 1)
    for version in (2, 3):
        here("sample", f"cdcgan_digits@{version}", "-n", 4, "--out", f"{version}.png")
    assert (tmp_path / "2.png").read_bytes() != (tmp_path / "3.png").read_bytes()
    assert "published in version 2, 3. Received: 9" in here("sample", "cdcgan_digits@9", ok=False)
    assert "holds no sampler.keras" in here("sample", tmp_path, ok=False)
    assert "nothing" in here("list", "nothing*", ok=False)
    assert "dcgan_cifar10" not in here("list", "--pretrained") and "dcgan_cifar10" in here("list", "--untrained")


OWN_LAYER = """
import keras
import tiny
import kerasgan as kg


@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, x):
        return keras.ops.clip(2.0 * x, -1.0, 1.0)


def generator(**options):
    plain = tiny.generator(**options)
    return keras.Model(plain.inputs, Twice()(plain.outputs[0]))


kg.zoo.register(
    kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(8, 8, 1), latent_dim=4),
    networks=(generator, tiny.discriminator),
)
"""


def test_an_own_entry_from_training_to_release(kerasgan, here, own_registry, tmp_path):
    (tmp_path / "mine.py").write_text(OWN_LAYER)
    own = ("--from", "mine.py")
    here("train", "mine_digits", *own, "--out", "run", "--batch-size", 512, *FAST)
    path = os.pathsep.join([str(Path(__file__).parent / "scripts"), os.environ.get("PYTHONPATH", "")])
    error = kerasgan("sample", "run", ok=False, PYTHONPATH=path)
    assert "'Twice'" in error and "--from FILE.py" in error and len(error) < 800
    kerasgan("sample", "run", *own, "--out", "a.png", PYTHONPATH=path)
    here("zoo", "pack", "run", *own, "--to", "release", "-n", 0)
    assert "Seed 0 is there twice" in here("zoo", "pack", "run", *own, "--to", "no", "--seed-run", "run", ok=False)
    record = json.loads((tmp_path / "release" / "weights.json").read_text())["published"][0]
    assert record["command"] == "kerasgan train mine_digits --from mine.py --epochs 1 --batch-size 512"
    fetched = here("download", "mine_digits", "--release", "release").strip()
    assert fetched == "release/weights/mine_digits-1.keras"
    assert here("download", "mine_digits@1", "--release", "release").strip() == fetched
    assert "version 1. Received: 2" in here("download", "mine_digits@2", "--release", "release", ok=False)
    here("sample", fetched, *own, "--out", "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
