"""The reference server as a client meets it: what it draws and tells, over a real socket."""

import base64
import concurrent.futures
import json
import re
import threading
import time

import keras
import numpy as np
import pytest
from serving import BEASTS, CURVES, Client, close, make, pixels, serving

import kerasgan as kg

if keras.backend.backend() != "tensorflow":
    pytest.skip("formats are written on TensorFlow", allow_module_level=True)

pytest.importorskip("uvicorn", reason='the server needs pip install "kerasgan[serve]"')
server = pytest.importorskip("kerasgan.export.server", reason='the server needs pip install "kerasgan[serve]"')


@pytest.fixture(scope="module")
def sampler():
    return make(BEASTS)


@pytest.fixture(scope="module")
def model(sampler, tmp_path_factory):
    return kg.export.to_onnx(sampler, tmp_path_factory.mktemp("model") / "beasts.onnx", about={"version": "1.20"}).path


@pytest.fixture(scope="module")
def ask(model):
    with serving(server.app(model, max_batch=9)) as client:
        yield client


def test_a_seed_draws_what_it_draws_in_python(ask, sampler):
    def expected(n, *args, **kwargs):
        return kg.viz.grid(sampler.generate(n, *args, **kwargs))

    many = ask.picture("/generate", {"n": 5, "seed": 3, "label": ["dog", 0, "0", 2, 1], "truncation": 0.4})
    assert close(many, expected(5, [1, 0, 2, 2, 1], 3, 0.4)) and np.ptp(many) > 100
    assert close(ask.picture("/generate", {}), sampler.generate(1)[0])
    assert close(ask.picture("/generate", {"n": 4, "seed": 2**53 - 1}), expected(4, None, 2**53 - 1))
    assert close(ask.picture("/generate.png?n=5&seed=3&label=1&truncation=0.4"), expected(5, 1, 3, 0.4))
    named = ask.picture("/generate.png?n=3&seed=1&label=dog&label=0&label=1")
    assert close(named, expected(3, ["dog", "0", 1], 1)), "a number that is a class name is that class"
    assert close(ask.picture("/generate.png?n=3&label="), expected(3))


def test_json_holds_each_image(ask, sampler):
    status, kind, data = ask("/generate", {"n": 4, "seed": 8, "format": "json"})
    content = json.loads(data)
    assert (status, kind, content["labels"]) == (200, "application/json", [0, 1, 2, 0])
    images = np.stack([pixels(base64.b64decode(text)) for text in content["images"]])
    assert close(images, sampler.generate(4, seed=8))


def test_latents_of_ones_own(ask, sampler):
    latents = np.random.default_rng(5).normal(size=(2, 5)).astype("float32")
    got = ask.picture("/generate", {"latents": latents.tolist(), "label": "cat", "truncation": 0.5})
    assert close(got, kg.viz.grid(sampler.images(sampler.truncated(latents, 0.5), "cat")))
    whole = ask.picture("/generate", {"latents": [[0, 1, -1, 2, 0]], "label": 0})
    assert close(whole, sampler.images(np.array([[0, 1, -1, 2, 0]]), 0)[0])


def test_what_is_no_picture_comes_as_numbers(tmp_path):
    sampler = make(CURVES)
    with serving(server.app(kg.export.to_onnx(sampler, tmp_path / "curves.onnx").path)) as ask:
        content = json.loads(ask("/generate", {"n": 3, "seed": 4, "format": "json"})[2])
        assert content["labels"] is None and close(np.array(content["images"]), sampler.generate(3, seed=4))
        assert b"generate.png" not in ask("/")[2]
        for wrong in (("/generate", {}), ("/generate.png",)):
            assert "are no pictures" in ask.reason(*wrong)
        assert "NaN or infinity" in ask.reason("/generate", {"latents": [[3e38] * 3], "format": "json"})
        assert "takes no labels" in ask.reason("/generate", {"label": 0, "format": "json"})


def test_what_is_known_of_the_model(ask):
    content = json.loads(ask("/model")[2])
    assert content["class_names"] == ["cat", "dog", "0"] and content["max_batch"] == 9
    assert len(content["weights_sha256"]) == 64 and content["name"] == "beasts <&>"
    assert content["version"] == "1.20" and content["image_shape"] == [8, 6, 3]
    page = ask("/")[2].decode()
    assert "<h1>beasts &lt;&amp;&gt;</h1>" in page and "<option>dog</option>" in page
    shown = re.search('img src="(.*?)"', page)[1]
    assert ask.picture(f"/{shown}").any()


def test_metrics_count_what_happened(ask):
    def value(line):
        found = re.search(rf"^{re.escape(line)} (\S+)$", ask("/metrics")[2].decode(), re.M)
        return float(found[1]) if found else 0.0

    def values():
        return [
            value(line)
            for line in (
                "kerasgan_images_total",
                'kerasgan_requests_total{path="/generate",status="200"}',
                'kerasgan_requests_total{path="/generate",status="400"}',
                'kerasgan_requests_total{path="other",status="404"}',
                "kerasgan_generate_seconds_count",
                "kerasgan_queue",
            )
        ]

    before = values()
    ask("/generate", {"n": 7})
    ask("/generate", {"n": 0})
    ask("/a-path-that-nobody-should-count")
    assert np.subtract(values(), before).tolist() == [7, 1, 1, 1, 1, 0]
    text = ask("/metrics")[2].decode()
    assert "a-path-that-nobody" not in text and 'name="beasts <&>"' in text


def test_openapi_says_the_limits_and_docs_need_nobody_else(ask):
    schema = json.loads(ask("/openapi.json")[2])
    assert set(schema["paths"]) == {"/generate", "/generate.png", "/model", "/health", "/metrics"}
    fields = schema["components"]["schemas"]["Generate"]["properties"]
    assert fields["n"]["maximum"] == 9 and fields["seed"]["maximum"] == 2**53 - 1
    assert "422" not in json.dumps(schema) and "400" in schema["paths"]["/generate"]["post"]["responses"]
    page = ask("/docs")[2].decode()
    needed = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(needed) >= 2 and all(address.startswith("/") for address in needed)
    assert all(ask(address)[0] == 200 for address in needed)


@pytest.fixture
def slow(model, monkeypatch):
    """An app whose generator waits for an event."""
    go = threading.Event()
    go.set()
    images = server.OnnxSampler.images

    def wait(self, *args):
        assert go.wait(30)
        return images(self, *args)

    monkeypatch.setattr(server.OnnxSampler, "images", wait)
    with serving(server.app(model, max_queue=2)) as ask:
        go.clear()
        yield ask, go
        go.set()


def test_a_full_queue_says_when_to_come_again(slow):
    ask, go = slow
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(Client(ask.port), "/generate", {"seed": k}) for k in range(3)]
        while json.loads(ask("/health")[2])["queue"] < 3:
            time.sleep(0.01)
        assert "queue is full" in ask.reason("/generate", {}, status=503)
        assert int(ask.headers["retry-after"]) >= 1
        assert ask.reason("/generate.png", status=503)
        assert ask.reason("/generate", {"n": 0}), "what is wrong is told so at once"
        go.set()
        assert [future.result()[0] for future in waiting] == [200] * 3
    assert ask("/generate", {})[0] == 200
    assert json.loads(ask("/health")[2]) == {"status": "ok", "queue": 0}


def test_a_fault_shows_nothing_of_the_inside(model, monkeypatch):
    with serving(server.app(model)) as ask:
        monkeypatch.setattr(server.OnnxSampler, "images", lambda *_: [][0])
        assert ask.reason("/generate", {}, status=500) == "The server failed; its own log says how."
        monkeypatch.undo()
        assert ask("/generate", {})[0] == 200


def test_what_cannot_be_served(model, tmp_path):
    import onnx

    proto = onnx.load(model)
    del proto.metadata_props[:]
    onnx.save(proto, tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(kg.InputError, match="is no ONNX file that ONNX Runtime runs"):
        server.app(tmp_path / "text.onnx")
    with pytest.raises(kg.InputError, match="No file"):
        server.app(tmp_path / "absent.onnx")
    with pytest.raises(kg.InputError, match="was not written by kerasgan's to_onnx"):
        server.app(tmp_path / "other.onnx")
    with pytest.raises(kg.InputError, match="max_batch must be at least 1"):
        server.app(model, max_batch=0)
