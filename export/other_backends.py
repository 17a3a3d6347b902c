"""Weights trained on JAX or PyTorch: a second process on TensorFlow exports them and answers to this one."""

import contextlib
import dataclasses
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.export import network
from kerasgan.export.loss import Loss
from kerasgan.export.parity import Case, Parity, ParityError, Reference
from kerasgan.sampler import Sampler

if TYPE_CHECKING:
    from kerasgan.export.job import Artifact, Format

_SAMPLER, _REQUEST, _REPLY, _WITNESS = "sampler.keras", "request.json", "reply.json", "witness.npz"
_ERRORS = {error.__name__: error for error in (InputError, ParityError)}


def export(
    format: "Format", sampler: Sampler, path: Path, overwrite: bool, about: Mapping[str, str], dtype: str
) -> "Artifact":
    """`job.export` for a process whose Keras does not run on TensorFlow; compared with this backend's images too.

    Raises:
        InputError: TensorFlow is missing, or what `job.export` raises.
        ParityError: see `job.export`.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise InputError(
            f"{format.name} is written through TensorFlow, which is not installed: pip install tensorflow. "
            f"Training goes on running on {keras.backend.backend()}."
        )
    from kerasgan.export import job

    witness = job.reference_for(network.in_float32(sampler), dtype)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            sampler.save(folder / _SAMPLER)
        except NotImplementedError as error:  # a layer without get_config
            raise InputError(f"The generator cannot be exported: Keras cannot save it ({error}).") from error
        _write_witness(folder / _WITNESS, witness)
        request = {"path": str(path.absolute()), "overwrite": overwrite, "about": about, "dtype": dtype}
        request |= {"module": format.write.__module__, "own": _own_modules()}
        (folder / _REQUEST).write_text(json.dumps(request), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", __name__, name], env=_environment(), cwd=name, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"The export on TensorFlow ended with status {done.returncode}:\n{done.stderr[-4000:]}")
        reply = json.loads((folder / _REPLY).read_text(encoding="utf-8"))
    if "error" in reply:
        raise _ERRORS[reply["error"]](reply["message"])
    parity = tuple(Parity(**figures) for figures in reply["parity"])
    loss = tuple(Loss(**figures) for figures in reply["loss"])
    return job.Artifact(path, job.readme_path(format, path), parity, loss)


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold the whole GPU
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),  # custom layers' modules
    }


def _own_modules() -> dict[str, str]:
    """{name: file} of the user's modules that have registered layers and functions with Keras."""
    found = {}
    for thing in keras.saving.get_custom_objects().values():
        module = sys.modules.get(getattr(thing, "__module__", ""))
        file = getattr(module, "__file__", None)
        if module and file and module.__name__.partition(".")[0] not in ("kerasgan", "keras", "__main__"):
            found[module.__name__] = str(Path(file).absolute())
    return found


def _import(name: str, file: str) -> None:
    """A module by its name, or by its file where no path leads to it, as to a file of a user's own entries."""
    try:
        importlib.import_module(name)
    except ImportError:
        sys.path.insert(0, str(Path(file).parent))
        spec: Any = importlib.util.spec_from_file_location(name, file)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


def _serve(folder: Path) -> None:
    from kerasgan.export import job

    request = json.loads((folder / _REQUEST).read_text(encoding="utf-8"))
    for name, file in request.pop("own").items():
        with contextlib.suppress(Exception):  # what cannot run here may not be needed, or the generator says what is
            _import(name, file)
    format = importlib.import_module(request.pop("module")).FORMAT
    reply: dict[str, Any]
    try:
        artifact = job.export(format, _load(folder / _SAMPLER), witness=_read_witness(folder / _WITNESS), **request)
        reply = {name: [*map(dataclasses.asdict, getattr(artifact, name))] for name in ("parity", "loss")}
    except tuple(_ERRORS.values()) as error:
        kind = next(name for name, known in _ERRORS.items() if isinstance(error, known))
        reply = {"error": kind, "message": str(error)}
    (folder / _REPLY).write_text(json.dumps(reply), encoding="utf-8")


def _write_witness(path: Path, witness: Reference) -> None:
    arrays: dict[str, Any] = {"name": witness.name, "noise": witness.noise, "cases": len(witness.cases)}
    for i, case in enumerate(witness.cases):
        arrays |= {f"{field}{i}": value for field, value in vars(case).items() if value is not None}  # no label
    np.savez(path, **arrays)


def _read_witness(path: Path) -> Reference:
    with np.load(path, allow_pickle=False) as file:
        cases = [
            Case(
                latent=file[f"latent{i}"],
                label=file.get(f"label{i}"),
                truncation=float(file[f"truncation{i}"]),
                image=file[f"image{i}"],
                image_uint8=file[f"image_uint8{i}"],
            )
            for i in range(int(file["cases"]))
        ]
        return Reference(str(file["name"]), cases, float(file["noise"]))


def _load(path: Path) -> Sampler:
    try:
        return Sampler.load(path)
    except Exception as error:
        raise InputError(
            "The generator cannot be exported: TensorFlow, in a process of its own, cannot load it. Custom layers must "
            "be registered with keras.saving.register_keras_serializable in a module, not in a script or a notebook's "
            f"cell. ({error})"
        ) from error


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
