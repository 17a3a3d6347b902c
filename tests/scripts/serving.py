"""A small model, a server of it in this process, and a client over a real socket."""

import contextlib
import http.client
import io
import json
import threading
import time

import keras
import numpy as np
from PIL import Image

import kerasgan as kg

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
    import uvicorn

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


def close(got, expected):
    assert got.shape == expected.shape
    return np.abs(got.astype(int) - expected).max() <= 1
