"""What the reference server refuses: 400 with a reason, and never a traceback."""

import contextlib
import http.client
import json

import keras
import pytest
from serving import BEASTS, JSON, make, serving

import kerasgan as kg

if keras.backend.backend() != "tensorflow":
    pytest.skip("formats are written on TensorFlow", allow_module_level=True)

pytest.importorskip("uvicorn", reason='the server needs pip install "kerasgan[serve]"')
server = pytest.importorskip("kerasgan.export.server", reason='the server needs pip install "kerasgan[serve]"')


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    model = kg.export.to_onnx(make(BEASTS), tmp_path_factory.mktemp("model") / "beasts.onnx").path
    with serving(server.app(model, max_batch=9)) as client:
        yield client


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
