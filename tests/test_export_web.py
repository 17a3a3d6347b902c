"""What a page's folder holds, what is refused, and the command that serves it; the page itself: tests/test_web.py."""

import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import keras
import numpy as np
import pytest

import kerasgan as kg
from kerasgan.export import serving
from kerasgan.export.directions import main_directions

PAGE = Path(__file__).parents[1] / "export" / "page"
PINS = json.loads((PAGE / "ort" / "pins.json").read_text())

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="pages are written on TensorFlow, elsewhere by a second process"
)


SPEC = kg.SampleSpec(4, (8, 8, 1), class_names=("a", "b"))


def sampler(spec=SPEC):
    keras.utils.set_random_seed(0)
    L = keras.layers
    latent, label = keras.Input((spec.latent_dim,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(2, 3)(label)]) if spec.class_names else latent
    x = L.Reshape(spec.image_shape)(L.Dense(int(np.prod(spec.image_shape)), activation="tanh")(x))
    return kg.Sampler(keras.Model([latent, label] if spec.class_names else latent, x), spec, {"name": "tiny"})


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return kg.export.to_web(sampler(), tmp_path_factory.mktemp("web") / "page", about={"license": "CC0-1.0"})


def test_runtime_is_the_pinned_one():
    for name, expected in PINS["sha256"].items():
        data = gzip.decompress((PAGE / "ort" / f"{name}.gz").read_bytes()) if name.endswith(".wasm") else None
        data = data or (PAGE / "ort" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == expected
    assert f"v{PINS['version']}" in (PAGE / "ort" / "ort.wasm.bundle.min.mjs").read_text()[:100]
    assert "MIT License" in (PAGE / "ort" / "LICENSE").read_text()


@on_tensorflow
def test_folder_holds_everything(page):
    names = {file.relative_to(page.path).as_posix() for file in page.path.rglob("*") if file.is_file()}
    own = {file.relative_to(PAGE).as_posix() for file in PAGE.rglob("*") if file.is_file()}
    assert names == own | {"generator.onnx", "kerasgan.json", "self_test.bin", "README.md"}
    assert {"ort/LICENSE", "ort/ThirdPartyNotices.txt"} <= names
    assert sum(file.stat().st_size for file in page.path.rglob("*")) < 5e6
    text = (page.path / "index.html").read_text()
    assert "default-src 'none'" in text
    sources = "".join(file.read_text() for file in PAGE.iterdir() if file.suffix in (".js", ".css", ".html"))
    assert set(re.findall(r"https?://[^\s\"'`<>]+", sources)) == {
        "http://localhost:8000", "https://pypi.org/project/kerasgan/",
    }  # fmt: skip
    readme = page.readme.read_text()
    for part in (
        "# tiny, web page",
        "python -m http.server",
        "onnxruntime-web) 1.30.0",
        "Keras on tensorflow",
        "CC0-1.0",
    ):
        assert part in readme


@on_tensorflow
def test_self_test_holds_what_keras_draws(page):
    content = json.loads((page.path / "kerasgan.json").read_text())
    test, generator = content["self_test"], sampler()
    stored = np.fromfile(page.path / "self_test.bin", "<f4")
    latents, images = np.split(stored, [test["images"] * 4])
    drawn = generator.latents(test["images"], test["seed"])
    assert (latents.reshape(-1, 4) == drawn).all()
    expected = generator.generate(test["images"], test["labels"], test["seed"], test["truncation"])
    assert np.abs(generator.to_uint8(images.reshape(-1, 8, 8, 1)).astype(int) - expected).max() <= 1
    assert content["license"] == "CC0-1.0" and content["class_names"] == ["a", "b"] and content["prior"] == "normal"
    assert set(test["labels"]) == {0, 1}


@on_tensorflow
def test_only_a_page_is_replaced(page, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "index.html").write_text("my own")
    with pytest.raises(kg.InputError, match="is no web page"):
        kg.export.to_web(sampler(), mine, overwrite=True)
    with pytest.raises(kg.InputError, match="exists and is kept"):
        kg.export.to_web(sampler(), page.path)
    assert [file.name for file in mine.iterdir()] == ["index.html"]


@on_tensorflow
@pytest.mark.parametrize("shape", [(12, 2), (8, 8, 2)])
def test_only_pictures(shape, tmp_path):
    with pytest.raises(kg.InputError, match=r"A page shows pictures .* gives \("):
        kg.export.to_web(sampler(kg.SampleSpec(3, shape)), tmp_path / "page")
    assert not list(tmp_path.iterdir())


@on_tensorflow
def test_another_runtime_is_refused(tmp_path, monkeypatch):
    from kerasgan.export import web

    copy = tmp_path / "sources"
    shutil.copytree(PAGE, copy)
    packed = copy / "ort" / "ort-wasm-simd-threaded.wasm.gz"
    packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes())[:-1] + b"x", 1))
    monkeypatch.setattr(web, "PAGE", copy)
    with pytest.raises(kg.export.ParityError, match=r"ort-wasm-simd-threaded\.wasm, unpacked: not the bytes"):
        kg.export.to_web(sampler(), tmp_path / "page")
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_directions_are_those_of_the_largest_change(classes):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    strengths = np.geomspace(100, 0.1, 20)
    spec = kg.SampleSpec(20, (6, 6, 1), prior="uniform", class_names=classes)

    def run(latent, label, truncation):
        assert (label is None) == (not classes) and truncation == 1.0
        moved = (latent @ axes) * strengths + (0 if label is None else 7 * label[:, None])
        return np.pad(moved, ((0, 0), (0, 16))).reshape(-1, 6, 6, 1).astype("float32"), None

    vectors, shares = main_directions(run, spec)
    assert vectors.shape == (6, 20) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 3**-0.5, rtol=1e-5)
    cosines = np.abs(vectors @ axes[:, :6]) * 3**0.5
    np.testing.assert_allclose(cosines, np.eye(6), atol=1e-3)
    np.testing.assert_allclose(shares, (strengths**2 / (strengths**2).sum())[:6], rtol=1e-3)
    assert (vectors[np.arange(6), np.abs(vectors).argmax(axis=1)] > 0).all()


def _interruptible():
    """What a shell runs in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def explore(tmp_path):
    """The command in a process of its own; gives its first line that holds an address."""
    processes = []

    def run(*args, **env):
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "kerasgan", "explore", *map(str, args)],
            cwd=tmp_path, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **env}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_interruptible,
        )  # fmt: skip
        processes.append(process)
        for line in process.stdout:
            if found := re.search(r"http://\S+/", line):
                return process, found[0]
        raise AssertionError(process.stderr.read())

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    """What the server needs to know a page by; its contents do not matter here."""
    shutil.copytree(PAGE, tmp_path / "page")
    (tmp_path / "page" / serving.SPEC).write_text("{}")
    return tmp_path / "page"


def ask(url, path=""):
    with urllib.request.urlopen(url + path) as reply:
        return reply.headers


def test_explore_serves_a_page_without_keras(explore, folder, tmp_path):
    opened = tmp_path / "opened"
    script = tmp_path / "browser.py"
    script.write_text(f"import pathlib, sys; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])")
    process, url = explore(folder, KERAS_BACKEND="none of them", BROWSER=f"{sys.executable} {script} %s")
    assert url.startswith("http://127.0.0.1:")
    headers = ask(url)
    assert headers["Content-Type"] == "text/html" and "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(url, "main.js")["Content-Type"] == "text/javascript"
    assert ask(url, "ort/ort.wasm.bundle.min.mjs")["Content-Type"] == "text/javascript"
    packed = ask(url, "ort/ort-wasm-simd-threaded.wasm.gz")
    assert packed["Content-Type"] == "application/gzip" and packed["Content-Encoding"] is None
    for path in ("ort/", "../folder", "%2e%2e/browser.py"):
        with pytest.raises(urllib.error.HTTPError) as error:
            ask(url, path)
        error.value.close()
        assert error.value.code == 404
    for _ in range(100):
        if opened.exists() and opened.read_text():
            break
        time.sleep(0.1)
    assert opened.read_text() == url
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=20)
    assert process.returncode == 0 and "Stopped." in printed and "Traceback" not in errors


def test_explore_ports(explore, folder):
    _, url = explore(folder, "--no-open")
    port = int(url.rstrip("/").rsplit(":", 1)[1])
    _, other = explore(folder, "--no-open")
    assert other != url, "the usual port is taken: another is found"
    done = subprocess.run(
        [sys.executable, "-m", "kerasgan", "explore", str(folder), "--port", str(port)], capture_output=True, text=True
    )
    assert done.returncode and done.stderr.startswith(f"Error: Port {port} cannot be used")


@pytest.mark.slow
@on_tensorflow
def test_explore_a_sampler(explore, tmp_path):
    sampler().save(tmp_path / "tiny.keras")
    before = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("kerasgan-*"))
    process, url = explore("tiny.keras", "--no-open")
    with urllib.request.urlopen(url + "kerasgan.json") as reply:
        assert json.load(reply)["name"] == "tiny"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert set(Path(os.environ.get("TMPDIR", "/tmp")).glob("kerasgan-*")) <= before, "the temporary page is gone"
    process, _ = explore("tiny.keras", "--no-open", "--out", "kept")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert "The page is in kept" in printed and serving.is_page(tmp_path / "kept")
    done = subprocess.run(
        [sys.executable, "-m", "kerasgan", "explore", "tiny.keras", "--out", "kept"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode and "exists and is kept" in done.stderr and "--force" in done.stderr
    process, _ = explore("tiny.keras", "--no-open", "--out", "kept", "--force")
    process.send_signal(signal.SIGINT)
    assert "The page is in kept" in process.communicate(timeout=20)[0]
