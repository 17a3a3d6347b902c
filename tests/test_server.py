"""The reference server as a client meets it: over a real socket, in this process or in one of its own."""

import base64
import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pytest
from PIL import Image

import kerasgan as kg

if keras.backend.backend() != "tensorflow":
    pytest.skip("formats are written on TensorFlow", allow_module_level=True)

uvicorn = pytest.importorskip("uvicorn", reason='the server needs pip install "kerasgan[serve]"')
server = pytest.importorskip("kerasgan.export.server", reason='the server needs pip install "kerasgan[serve]"')
L = keras.layers
BEASTS = kg.SampleSpec(5, (8, 6, 3), class_names=("cat", "dog", "0"), mean_latent=(0.5, -0.5, 0.1, 0.0, 1.0))
CURVES = kg.SampleSpec(3, (12, 2), prior="truncated_normal")
JSON = {"Content-Type": "application/json"}


def make(spec):
    keras.utils.set_random_seed(0)
    latent, label = keras.Input((spec.latent_dim,)), keras.Input((), dtype="int32")
    x = L.Concatenate()([latent, L.Embedding(spec.num_classes, 3)(label)]) if spec.class_names else latent
    x = L.Reshape(spec.image_shape)(
        L.Dense(int(np.prod(spec.image_shape)), activation="tanh" if spec.class_names else None)(x)
    )
    generator = keras.Model([latent, label] if spec.class_names else latent, x)
    rng = np.random.default_rng(0)
    generator.set_weights([rng.normal(0, 0.5, w.shape).astype("float32") for w in generator.get_weights()])
    return kg.Sampler(generator, spec, {"name": "beasts <&>", "dataset": "noise"})


@pytest.fixture(scope="module")
def sampler():
    return make(BEASTS)


@pytest.fixture(scope="module")
def model(sampler, tmp_path_factory):
    return kg.export.to_onnx(sampler, tmp_path_factory.mktemp("model") / "beasts.onnx", about={"version": "1.20"}).path


class Client:
    def __init__(self, port):
        self.port = port

    def __call__(self, path, body=None, method=None, headers=None):
        """(status, content type, bytes); a body that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            if body is not None and not isinstance(body, bytes):
                body, headers = json.dumps(body).encode(), JSON | (headers or {})
            connection.request(method or ("GET" if body is None else "POST"), path, body, headers or {})
            reply = connection.getresponse()
            self.headers = dict(reply.getheaders())
            return reply.status, reply.headers.get_content_type(), reply.read()

    def picture(self, *args):
        status, kind, data = self(*args)
        assert (status, kind) == (200, "image/png"), data
        return pixels(data)

    def reason(self, *args, status=400, **kwargs):
        found, kind, data = self(*args, **kwargs)
        assert (found, kind) == (status, "application/json"), (found, data)
        assert b"Traceback" not in data
        content = json.loads(data)
        assert list(content) == ["error"]
        return content["error"]


def pixels(data):
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture).astype(int)


@contextlib.contextmanager
def serving(app):
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Client(running.servers[0].sockets[0].getsockname()[1])
    finally:
        running.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def ask(model):
    with serving(server.app(model, max_batch=9)) as client:
        yield client


def close(got, expected):
    assert got.shape == expected.shape
    return np.abs(got.astype(int) - expected).max() <= 1


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


ROW = [0.0] * 5
BODIES = [
    ({"n": 0}, "n: input should be greater than or equal to 1, received 0"),
    ({"n": -3}, "n: input should be greater"),
    ({"n": 10}, "n: input should be less than or equal to 9, received 10"),
    ({"n": 10**4000}, "n: input should be less than or equal to 9, received 1000"),
    ({"n": "3"}, "n: input should be a valid integer, received '3'"),
    ({"n": 2.5}, "n: "),
    ({"n": True}, "n: "),
    ({"n": None}, "n: "),
    ({"n": [1]}, "n: "),
    ({"seed": -1}, "seed: "),
    ({"seed": 2**53}, "seed: "),
    ({"seed": 1.0}, "seed: "),
    ({"label": -1}, "whole number from 0 to 2. Received: -1"),
    ({"label": 3}, "whole number from 0 to 2. Received: 3"),
    ({"label": 10**300}, "whole number from 0 to 2"),
    ({"label": "cta"}, "Did you mean 'cat'"),
    ({"label": "c" * 201}, "label: expected a class number, a class name"),
    ({"label": True}, "label: expected a class number"),
    ({"label": 1.0}, "label: expected a class number"),
    ({"label": {"a": 1}}, "label: expected a class number"),
    ({"n": 2, "label": [1, None]}, "label: expected a class number"),
    ({"n": 3, "label": [0, 1]}, "Expected one label, or 3, one for each image. Received 2"),
    ({"label": []}, "Expected one label, or 1"),
    ({"truncation": 1.5}, "truncation: input should be less than or equal to 1, received 1.5"),
    ({"truncation": -0.1}, "truncation: "),
    ({"truncation": float("nan")}, "truncation: input should be a finite number, received nan"),
    ({"truncation": float("inf")}, "truncation: "),
    ({"truncation": "0.5"}, "truncation: "),
    ({"truncation": 10**4000}, "truncation: "),
    ({"format": "jpeg"}, "format: input should be 'png' or 'json', received 'jpeg'"),
    ({"latents": []}, "latents: "),
    ({"latents": [ROW] * 10}, "latents: "),
    ({"latents": [ROW[1:]]}, "latents[0]: list should have at least 5 items"),
    ({"latents": [ROW, [*ROW, 0]]}, "latents[1]: list should have at most 5 items"),
    ({"latents": ROW}, "latents[0]: input should be a valid list"),
    ({"latents": [[*ROW[1:], "x"]]}, "latents[0][4]: input should be a valid number, received 'x'"),
    ({"latents": [[*ROW[1:], True]]}, "latents[0][4]: "),
    ({"latents": [[*ROW[1:], float("nan")]]}, "latents[0][4]: input should be a finite number"),
    ({"latents": [[*ROW[1:], float("-inf")]]}, "latents[0][4]: "),
    ({"latents": [[*ROW[1:], 1e300]]}, "Latents must be finite"),
    ({"latents": [[*ROW[1:], 10**400]]}, "latents[0][4]: "),
    ({"latents": [ROW], "n": 1}, "give either latents, or n and seed"),
    ({"latents": [ROW], "label": [0, 1]}, "Expected one label, or 1"),
    ({"count": 3}, "count: no such field"),
    ([], "Expected a JSON object"),
    ("n=3", "Expected a JSON object"),
    (None, "Expected a JSON object"),
]


@pytest.mark.parametrize(("body", "reason"), BODIES, ids=lambda value: str(value)[:40])
def test_a_wrong_body_is_told_why(ask, body, reason):
    found = ask.reason("/generate", json.dumps(body).encode(), headers=JSON)
    assert reason in found and len(found) < 500


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Expected a JSON object"),
        (b"{", "The body is no JSON: "),
        (b'{"n": 1e}', "The body is no JSON: "),
        (b"\xff\xfe\x00", "parsing the body"),
        (b"[" * 30000, ""),
        (b'{"n": ' + b"9" * 5000 + b"}", "parsing the body"),
    ],
    ids=["nothing", "open", "number", "bytes", "deep", "huge"],
)
def test_a_body_that_is_no_json(ask, data, reason):
    assert reason in ask.reason("/generate", data, headers=JSON)


def test_other_content_is_not_json(ask):
    assert "Content-Type: application/json" in ask.reason("/generate", b'{"n": 1}')


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("n=0", "n: "),
        ("n=10", "n: "),
        ("n=", "n: "),
        ("n=" + "9" * 5000, "n: "),
        ("n=3&label=cat&label=dog", "Expected one label, or 3"),
        ("label=-1", "from 0 to 2. Received: -1"),
        ("label=3", "from 0 to 2. Received: 3"),
        ("label=owl", "Unknown class 'owl'"),
        ("label=" + "9" * 3000, "Unknown class"),
        ("truncation=nan", "truncation: "),
        ("truncation=2", "truncation: "),
        ("seed=x", "seed: "),
        ("format=json", "format: no such field"),
    ],
    ids=lambda value: value[:30],
)
def test_a_wrong_address_is_told_why(ask, query, reason):
    assert reason in ask.reason(f"/generate.png?{query}")


def test_too_large_a_body(ask):
    most = 65536 + 32 * 9 * 5
    whole = b'{"n": 1' + b" " * (most - 8) + b"}"
    assert ask("/generate", whole, headers=JSON)[0] == 200
    assert "bytes at most" in ask.reason("/generate", whole + b" ", headers=JSON, status=413)
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", "/generate", iter([b" " * 20000] * 4), JSON, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_other_paths_and_methods(ask):
    assert ask.reason("/nothing", status=404) == "Not Found"
    assert ask.reason("/generate", method="GET", status=405) and ask.headers["allow"] == "POST"
    assert ask.reason("/generate.png", {}, status=405)
    assert ask.reason("/health", method="DELETE", status=405)


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


@contextlib.contextmanager
def command(*args, before="", **options):
    """`kerasgan serve` in a process of its own, after some lines of Python."""
    program = (
        f"{before}\nimport sys\nfrom kerasgan.cli import main\nsys.argv[1:] = {['serve', *map(str, args)]!r}\nmain()"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        for line in process.stdout:
            if found := re.search(r"http://127.0.0.1:(\d+)/", line):
                yield process, Client(int(found[1]))
                break
        else:
            raise AssertionError(process.stderr.read())
    finally:
        process.kill()
        process.communicate()


NO_KERAS = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("keras", "tensorflow", "tf2onnx", "onnx", "jax", "torch", "sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def quickest(port):
    """Seconds of the quickest of a few requests over one connection."""
    times = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for _ in range(20):
            start = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            times.append(time.perf_counter() - start)
    return min(times)


def test_many_clients_of_a_server_without_keras(model, sampler):
    seeds = [k % 12 for k in range(150)]
    expected = [kg.viz.grid(sampler.generate(4, seed=seed)) for seed in range(12)]
    with command(model, "--port", 0, "--max-queue", 3, before=NO_KERAS) as (process, ask):
        assert quickest(ask.port) < 0.035, "Nagle's algorithm would hold every reply for 40 ms"

        def one(seed):
            mine, refused = Client(ask.port), 0
            while (reply := mine(f"/generate.png?n=4&seed={seed}"))[0] == 503:
                refused += 1
                time.sleep(0.01)
            assert reply[0] == 200, reply
            return close(pixels(reply[2]), expected[seed]), refused

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            right, refused = zip(*pool.map(one, seeds))
        assert all(right)
        counted = ask("/metrics")[2].decode()
        assert f'kerasgan_requests_total{{path="/generate.png",status="200"}} {len(seeds)}.0' in counted
        assert "kerasgan_queue 0.0" in counted
        if sum(refused):
            assert f'kerasgan_requests_total{{path="/generate.png",status="503"}} {sum(refused)}.0' in counted
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=20)
        assert process.returncode == 0 and printed.endswith("Stopped.\n") and errors == ""


SLOW = """
import time
from kerasgan.export.onnx_sampler import OnnxSampler
def images(self, *args, images=OnnxSampler.images):
    time.sleep(1)
    return images(self, *args)
OnnxSampler.images = images
"""


def test_sigterm_lets_the_last_reply_out(model):
    with command(model, "--port", 0, before=SLOW) as (process, ask):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            last = pool.submit(Client(ask.port), "/generate", {})
            while json.loads(ask("/health")[2])["queue"] == 0:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            assert last.result()[0] == 200
        process.communicate(timeout=20)
        assert process.returncode == 0


@pytest.mark.slow
def test_a_saved_sampler_is_exported_first(sampler, tmp_path):
    sampler.save(tmp_path / "beasts.keras")
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": str(tmp_path / "tmp")}
    with command("beasts.keras", "--port", 0, cwd=tmp_path, env=env) as (process, ask):
        assert close(ask.picture("/generate.png?seed=4&label=2"), sampler.generate(1, 2, 4)[0])
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0 and not list((tmp_path / "tmp").glob("kerasgan-*"))


def refused(*args, before=""):
    with pytest.raises(AssertionError) as raised, command(*args, before=before):
        pass
    return str(raised.value)


def test_commands_that_cannot_serve(model):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        found = refused(model, "--port", taken.getsockname()[1])
    assert "Error: Port" in found and "cannot be used" in found and "Traceback" not in found
    without = NO_KERAS.replace('"keras"', '"fastapi"')
    found = refused(model, "--port", 0, before=without)
    assert found.startswith("Error: Serving needs more packages") and 'pip install "kerasgan[serve]"' in found


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
