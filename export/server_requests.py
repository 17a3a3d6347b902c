"""What the server may be asked for, and in which words it refuses."""

import reprlib
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from starlette.exceptions import HTTPException as AnyHTTPException

from kerasgan.errors import InputError
from kerasgan.spec import SampleSpec

_LARGEST_SEED = 2**53 - 1  # what every reader of JSON holds exactly
_Class = Annotated[int, Field(strict=True)] | Annotated[str, Field(max_length=200)]
_WORDS = {  # where pydantic's own are of no use to who asked
    "label": "expected a class number, a class name, or a list of them with one for each image",
    "extra_forbidden": "no such field",
    "missing": "it is missing",
}


class Asked(BaseModel):
    """What both ways of asking have in common; `limited` adds what depends on the generator."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    n: int = 1
    seed: int = Field(0, ge=0, le=_LARGEST_SEED, description="The same seed gives the same images, here and in Python.")
    truncation: float = Field(1.0, ge=0, le=1, description="1 leaves the latents, less gives more typical images.")


class AskedByBody(Asked):
    """The body of `POST /generate`."""

    model_config = ConfigDict(strict=True)

    label: _Class | list[_Class] | None = Field(
        None, description="Class number or name for all images, or a list with one for each. None: every class in turn."
    )
    latents: list[list[float]] | None = None
    format: Literal["png", "json"] = Field(
        "png", description="`png`: one picture, a grid of all images. `json`: each image by itself."
    )

    @model_validator(mode="after")
    def _one_source(self) -> "AskedByBody":
        if self.latents is not None and self.model_fields_set & {"n", "seed"}:
            raise ValueError("give either latents, or n and seed")
        return self


class AskedByAddress(Asked):
    """The query of `GET /generate.png`."""

    label: list[str] = Field([], description="Class number or name; once for all images, or once for each of them.")


class Images(BaseModel):
    """The reply to `"format": "json"`."""

    images: list[Any] = Field(description="PNG files as base64; nested lists of 0 to 255 where they are no pictures.")
    labels: list[int] | None = Field(description="Class number of each image; null for an unconditional generator.")


class Refusal(BaseModel):
    """The reply to whatever cannot be answered."""

    error: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "A request that cannot be answered, and why."},
    503: {"model": Refusal, "description": "The queue is full; Retry-After says in how many seconds to come again."},
    "default": {"model": Refusal, "description": "Anything else that went wrong."},
}


def limited(spec: SampleSpec, max_batch: int) -> tuple[type[AskedByBody], type[AskedByAddress]]:
    """Both ways of asking with this generator's limits, which their schemas then say."""
    row = Annotated[list[float], Field(min_length=spec.latent_dim, max_length=spec.latent_dim)]
    latents = Field(None, min_length=1, max_length=max_batch, description="In place of n and seed.")
    n = (int, Field(1, ge=1, le=max_batch, description="How many images."))
    rows: Any = list[row] | None
    body = create_model("Generate", __base__=AskedByBody, n=n, latents=(rows, latents))
    return body, create_model("GeneratePng", __base__=AskedByAddress, n=n)


def labels_of_query(given: list[str], class_names: tuple[str, ...]) -> Any:
    """Class names, or class numbers where no class is called so; one alone stands for all images."""
    labels = [_number(text) if text not in class_names else text for text in given if text]
    return None if not labels else labels[0] if len(labels) == 1 else labels


def _number(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else text


def refuse(app: FastAPI) -> None:
    """Every error leaves as `{"error": reason}`: what the client can mend as 400, and no traceback ever."""

    @app.exception_handler(InputError)
    async def input_error(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        reasons = dict.fromkeys(_reason(found) for found in error.errors())
        return JSONResponse({"error": "; ".join(list(reasons)[:3])}, 400)

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "The server failed; its own log says how."}, 500)


def _reason(error: Any) -> str:
    place = error["loc"][1:]
    if error["type"] == "json_invalid":
        return f"The body is no JSON: {error['ctx']['error']}, at character {place[0]}"
    if not place:
        if error["type"] == "value_error":
            return str(error["ctx"]["error"])
        return "Expected a JSON object as body, with Content-Type: application/json"
    name = "".join(f"[{part}]" if isinstance(part, int) else str(part)[:50] for part in place)
    if place[0] == "label":
        name, words = "label", _WORDS["label"]
    else:
        words = _WORDS.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])
    given = error["input"]
    scalar = isinstance(given, str | int | float) and error["type"] != "extra_forbidden" and place[0] != "label"
    return f"{name}: {words}" + (f", received {reprlib.repr(given)}" if scalar else "")
