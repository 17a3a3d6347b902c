"""A web page: one static folder in which the generator runs in the visitor's browser, and nowhere else."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan import viz
from kerasgan.errors import InputError
from kerasgan.export import onnx, serving
from kerasgan.export.directions import main_directions
from kerasgan.export.job import Artifact, Format, export
from kerasgan.export.parity import TRUNCATIONS, Case, Reference, Run, reference_of, tolerance
from kerasgan.sampler import Sampler, SampleSpec

PAGE = Path(__file__).with_name("page")  # what is the same in every folder; page/ort is onnxruntime-web
SPEC = serving.SPEC
MODEL = "generator.onnx"
SELF_TEST = "self_test.bin"
_RUNTIME = "ort"
_PINS = "pins.json"
_SELF_TEST_VALUES = 100_000  # of images, so that a visitor of a page with large ones does not wait for its test


def to_web(
    sampler: Sampler, folder: str | Path, *, overwrite: bool = False, about: Mapping[str, str] | None = None
) -> Artifact:
    """Writes a page that draws images in the browser, for any static host; `kerasgan explore` serves it here.

    Everything it needs lies in the folder: `generator.onnx` as `to_onnx` writes it, onnxruntime-web with its licence,
    the page, and `kerasgan.json` with the sampler's spec, the latent's main directions and the self-test, which
    compares the visitor's browser with Keras. A seed gives the images that `Sampler.generate` gives for it.

    Args:
        sampler: what to export, trained on any backend; half precision policies are exported as float32.
        folder: the folder to write.
        overwrite: replace an existing page.
        about: any of `name`, `version`, `dataset` and `license`, for the metadata; otherwise from the recipe.

    Returns:
        the folder, its README, and how closely ONNX Runtime's images follow Keras'.

    Raises:
        InputError: images that are no pictures, an existing folder, a full disk, weights that are not finite, or a
            layer that cannot travel.
        ParityError: ONNX Runtime gives other images than Keras.

    Example:
        >>> kg.export.to_web(gan.sampler(), "page").path  # then: cd page && python -m http.server
        PosixPath('page')
    """
    shape = sampler.spec.image_shape
    if len(shape) != 3 or shape[-1] not in viz.MODES:
        raise InputError(f"A page shows pictures (height, width, 1, 3 or 4 channels). This generator gives {shape}.")
    return export(FORMAT, sampler, folder, overwrite, about)


def write(generator: keras.Model, spec: SampleSpec, path: Path, values: Mapping[str, Any]) -> None:
    """Copies the page beside the ONNX file, and writes what it must know."""
    shutil.copytree(PAGE, path)
    onnx.write(generator, spec, path / MODEL, values)
    reference = reference_of(Sampler(generator, spec))
    seed, case = _self_test_case(reference)
    images = [case.latent, case.image]
    (path / SELF_TEST).write_bytes(b"".join(array.astype("<f4").tobytes() for array in images))
    allowed, allowed_uint8 = tolerance(reference, spec.value_range)
    vectors, shares = main_directions(onnx.load(path / MODEL, spec), spec)
    content = {
        **values,
        "mean_latent": spec.mean_latent,
        "directions": [
            {"vector": np.round(vector.astype(float), 6).tolist(), "share": round(float(share), 4)}
            for vector, share in zip(vectors, shares, strict=True)
        ],
        "self_test": {
            "seed": seed,
            "images": len(case.latent),
            "labels": None if case.label is None else case.label.tolist(),
            "truncation": case.truncation,
            "allowed": allowed,
            "allowed_uint8": allowed_uint8,
        },
        "runtime": {key: _pins()[key] for key in ("package", "version")},
        "files": {
            file.relative_to(path).as_posix(): {"bytes": file.stat().st_size, "sha256": _sha256(file.read_bytes())}
            for file in sorted(path.rglob("*"))
            if file.is_file()
        },
    }
    (path / SPEC).write_text(json.dumps(content, sort_keys=True) + "\n", encoding="utf-8")


def load(path: Path, spec: SampleSpec) -> Run:
    """The folder's ONNX file as ONNX Runtime runs it, once every file was read again and found to be what it must be.

    Raises:
        ValueError: a file that changed on its way, or that is not the pinned onnxruntime-web.
    """
    content = json.loads((path / SPEC).read_text(encoding="utf-8"))
    expected = {name: file["sha256"] for name, file in content["files"].items()}
    found = {name: _sha256((path / name).read_bytes()) for name in expected}
    for name, pinned in _pins()["sha256"].items():
        file, packed = path / _RUNTIME / name, path / _RUNTIME / f"{name}.gz"
        expected[f"{name}, unpacked"] = pinned
        data = gzip.decompress(packed.read_bytes()) if packed.exists() else file.read_bytes()
        found[f"{name}, unpacked"] = _sha256(data)
    wrong = [name for name in expected if found[name] != expected[name]]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: not the bytes that were to be written")
    return onnx.load(path / MODEL, spec)


def program(values: Mapping[str, Any], name: str) -> str:
    """The README's chapter on opening it."""
    pins = _pins()
    return (
        "## Open it\n\nBrowsers run it only from a web server, so a double click on `index.html` is not enough. "
        "Inside this folder:\n\n```\npython -m http.server\n```\n\nthen open <http://localhost:8000>. "
        "`kerasgan explore .` does both. To show it to others, put the folder on any static host; it needs no special "
        "headers, loads nothing from elsewhere and sends nothing anywhere.\n\n"
        f"The table above is that of `{MODEL}`. `{SPEC}` holds the spec, the latent's main directions and the "
        f"self-test, whose latents and images (float32, little-endian) are `{SELF_TEST}`. A seed gives the images of "
        "`Sampler.generate(n, seed=seed)`: the page draws its latents as NumPy does.\n\n"
        f"`{_RUNTIME}/` is [{pins['package']}](https://www.npmjs.com/package/{pins['package']}) {pins['version']}, "
        f"unchanged but for gzip, under the {pins['licence']} licence that lies beside it. Browsers from Chrome 91, "
        "Firefox 114 and Safari 16.4 on run it."
    )


def _self_test_case(reference: Reference) -> tuple[int, Case]:
    """The largest truncated batch that stays small, and its seed: `reference_of` draws case k from seed k."""
    truncated = [(k, case) for k, case in enumerate(reference.cases) if case.truncation == TRUNCATIONS[1]]
    small = [(k, case) for k, case in truncated if case.image.size <= _SELF_TEST_VALUES]
    return max(small or truncated[:1], key=lambda pair: len(pair[1].latent))


def _pins() -> dict[str, Any]:
    return json.loads((PAGE / _RUNTIME / _PINS).read_text(encoding="utf-8"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FORMAT = Format("web page", "", SPEC, ("tensorflow", "tf2onnx", "onnx"), write, load, program)
