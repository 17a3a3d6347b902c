"""The reference server: a `.onnx` file of `to_onnx` behind HTTP. Needs neither Keras nor TensorFlow.

What it needs besides comes by `pip install "kerasgan[serve]"`; `kerasgan serve` runs it.
"""

import base64
import contextlib
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import Body, FastAPI, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi_offline import FastAPIOffline

from kerasgan import viz
from kerasgan.errors import InputError
from kerasgan.export.onnx_sampler import OnnxSampler
from kerasgan.export.server_limits import LimitedBody, Measured, Metrics, Queue
from kerasgan.export.server_requests import (
    REFUSALS,
    AskedByAddress,
    AskedByBody,
    Images,
    labels_of_query,
    limited,
    refuse,
)

_ABOUT = ("name", "version", "license", "dataset", "dataset_license", "dtype", "weights_sha256")
_SPEC = ("latent_dim", "prior", "image_shape", "class_names")
_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "The images."}}


def app(path: str | Path, max_batch: int = 64, max_queue: int = 32) -> FastAPI:
    """The ASGI application, for uvicorn or any other server.

    Args:
        path: what `to_onnx` wrote; it is read once, and may go away afterwards.
        max_batch: images in one request, at most.
        max_queue: requests that may wait while another one is worked on; further ones are answered 503.

    Raises:
        InputError: a file that cannot be served, or a limit below its least.

    Example:
        >>> uvicorn.run(kerasgan.export.server.app("generator.onnx"), port=8000)
    """
    if max_batch < 1 or max_queue < 0:
        raise InputError(
            f"max_batch must be at least 1, and max_queue at least 0. Received: {max_batch} and {max_queue}."
        )
    sampler = OnnxSampler(path)
    sampler.generate(1)  # the first run allocates; and what does not run is better known now
    about: dict[str, Any] = {key: sampler.metadata.get(key, "") for key in _ABOUT}
    metrics = Metrics()
    metrics.model.info({key: about[key] for key in ("name", "version", "weights_sha256")})
    queue = Queue(max_queue, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI):
        yield
        queue.close()

    made = FastAPIOffline(
        title=f"{about['name']} {about['version']}".strip(),
        version=about["version"] or "0",
        description="An image generator trained with kerasgan, run by ONNX Runtime. A seed gives the images that "
        "`kerasgan.Sampler.generate` gives for it.",
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/static",
        responses=REFUSALS,
        generate_unique_id_function=lambda route: route.name,
    )
    # No number of a latent takes more than 25 characters.
    made.add_middleware(LimitedBody, most=65536 + 32 * max_batch * sampler.spec.latent_dim)
    made.add_middleware(Measured, metrics=metrics)
    refuse(made)
    _generation(made, sampler, queue, metrics, max_batch)
    about |= {key: getattr(sampler.spec, key) for key in _SPEC} | {"max_batch": max_batch, "max_queue": max_queue}
    _pages(made, about, queue, metrics)
    return made


def _generation(made: FastAPI, sampler: OnnxSampler, queue: Queue, metrics: Metrics, max_batch: int) -> None:
    spec = sampler.spec
    is_picture = _is_picture(spec.image_shape)
    by_body, by_address = limited(spec, max_batch)
    example = {"n": min(16, max_batch), "seed": 7, "truncation": 0.9, "format": "png" if is_picture else "json"}
    if spec.class_names:
        example["label"] = 0

    def grid(images: np.ndarray, label: np.ndarray | None) -> Response:
        return Response(_png(viz.grid(images)), media_type="image/png")

    def each(images: np.ndarray, label: np.ndarray | None) -> Response:
        encoded = [base64.b64encode(_png(image)).decode() for image in images] if is_picture else images.tolist()
        return JSONResponse({"images": encoded, "labels": None if label is None else label.tolist()})

    async def answer(latents: np.ndarray, labels: Any, truncation: float, encode: Callable) -> Response:
        """Checked here and now; generated and encoded by the other thread, in its turn."""
        if encode is grid and not is_picture:
            raise InputError(
                f'Arrays of shape {spec.image_shape} are no pictures. POST /generate with "format": "json".'
            )
        label = spec.labels(labels, len(latents))
        reply = await queue.run(lambda: encode(sampler.images(latents, label, truncation), label))
        metrics.images.inc(len(latents))
        return reply

    async def generate(asked: AskedByBody):
        """Images of a seed, or of latents of your own."""
        given = asked.latents
        latents = spec.latents(asked.n, asked.seed) if given is None else spec.check_latents(given)
        return await answer(latents, asked.label, asked.truncation, grid if asked.format == "png" else each)

    async def generate_png(asked: AskedByAddress):
        """One picture by its address alone: a link that shows the same images again."""
        labels = labels_of_query(asked.label, spec.class_names)
        return await answer(spec.latents(asked.n, asked.seed), labels, asked.truncation, grid)

    # FastAPI reads from the annotations what may be asked: here that depends on the generator.
    generate.__annotations__["asked"] = Annotated[by_body, Body(examples=[example])]
    generate_png.__annotations__["asked"] = Annotated[by_address, Query()]
    made.post("/generate", response_model=Images, responses=_PNG)(generate)
    made.get("/generate.png", response_class=Response, responses=_PNG)(generate_png)


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[-1] in viz.MODES


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    viz.to_pillow(image).save(file, "PNG")
    return file.getvalue()


def _pages(made: FastAPI, about: dict[str, Any], queue: Queue, metrics: Metrics) -> None:
    page = _index(about)

    @made.get("/", include_in_schema=False)
    async def index():
        return HTMLResponse(page)

    @made.get("/model")
    async def model() -> dict[str, Any]:
        """What is served, and its limits."""
        return about

    @made.get("/health")
    async def health() -> dict[str, Any]:
        """Whether the server answers, and how many requests are in its queue."""
        return {"status": "ok", "queue": queue.length}

    @made.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus():
        """Counts and times for Prometheus."""
        return Response(metrics.text(), media_type=metrics.media_type)


def _index(about: dict[str, Any]) -> str:
    """A page without scripts: a form whose fields are those of `GET /generate.png`."""
    name, most = html.escape(about["name"]), about["max_batch"]
    classes = "".join(f"<option>{html.escape(name)}</option>" for name in about["class_names"])
    label = f"<label>label <select name=label><option value=''>all</option>{classes}</select></label>"
    form = f"""<form action=generate.png>
<label>n <input name=n type=number min=1 max={most} value={min(16, most)}></label>
<label>seed <input name=seed type=number min=0 value=0></label>
{label if classes else ""}
<label>truncation <input name=truncation type=number min=0 max=1 step=any value=1></label>
<button>generate</button></form>
<p><img src="generate.png?n={min(16, most)}" alt="images of seed 0"></p>"""
    return f"""<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>
<meta name=viewport content="width=device-width">
<style>body{{font:16px/1.6 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}}input{{width:5rem}}</style>
<h1>{name}</h1>
{form if _is_picture(about["image_shape"]) else ""}
<p><a href=docs>docs</a> · <a href=openapi.json>openapi.json</a> · <a href=model>model</a> ·
<a href=health>health</a> · <a href=metrics>metrics</a></p></html>"""
