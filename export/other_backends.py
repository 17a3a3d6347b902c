"""Weights trained on JAX or PyTorch: a second process on TensorFlow exports them and answers to this one."""

import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from kerasgan.errors import InputError
from kerasgan.export import network
from kerasgan.export.parity import ParityError
from kerasgan.sampler import Sampler

if TYPE_CHECKING:
    from kerasgan.export.job import Artifact, Format

_SAMPLER, _REQUEST, _REPLY = "sampler.keras", "request.pickle", "reply.pickle"


def export(
    format: "Format", sampler: Sampler, path: Path, overwrite: bool, about: Mapping[str, str] | None, dtype: str
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
        request = (format, path.absolute(), overwrite, about, witness, dtype)
        (folder / _REQUEST).write_bytes(pickle.dumps(request))
        done = subprocess.run(
            [sys.executable, "-m", __name__, name], env=_environment(), cwd=name, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"The export on TensorFlow ended with status {done.returncode}:\n{done.stderr[-4000:]}")
        reply = pickle.loads((folder / _REPLY).read_bytes())
    if isinstance(reply, Exception):
        raise reply
    return reply


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold the whole GPU
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),  # custom layers' modules
    }


def _serve(folder: Path) -> None:
    from kerasgan.export import job

    format, path, *rest = pickle.loads((folder / _REQUEST).read_bytes())
    reply: Artifact | Exception
    try:
        reply = job.export(format, _load(folder / _SAMPLER), path, *rest)
    except (InputError, ParityError) as error:
        reply = error
    (folder / _REPLY).write_bytes(pickle.dumps(reply))


def _load(path: Path) -> Sampler:
    try:
        return Sampler.load(path)
    except Exception as error:
        raise InputError(
            "The generator cannot be exported: TensorFlow, in a process of its own, cannot load it. Custom layers must "
            f"be registered with keras.saving.register_keras_serializable in a module that can be imported. ({error})"
        ) from error


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
