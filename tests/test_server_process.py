"""`kerasgan serve` in a process of its own: many clients, signals, no Keras."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import keras
import pytest
from serving import BEASTS, Client, close, make, pixels

import kerasgan as kg

if keras.backend.backend() != "tensorflow":
    pytest.skip("formats are written on TensorFlow", allow_module_level=True)

pytest.importorskip("uvicorn", reason='the server needs pip install "kerasgan[serve]"')


@pytest.fixture(scope="module")
def sampler():
    return make(BEASTS)


@pytest.fixture(scope="module")
def model(sampler, tmp_path_factory):
    return kg.export.to_onnx(sampler, tmp_path_factory.mktemp("model") / "beasts.onnx", about={"version": "1.20"}).path


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
