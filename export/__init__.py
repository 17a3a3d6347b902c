"""A Sampler written for places without Keras, always loaded again and compared with Keras before it may stay."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasgan.export.job import Artifact as Artifact
    from kerasgan.export.litert import to_litert as to_litert
    from kerasgan.export.loss import Loss as Loss
    from kerasgan.export.onnx import to_onnx as to_onnx
    from kerasgan.export.parity import ParityError as ParityError
    from kerasgan.export.saved_model import to_saved_model as to_saved_model
    from kerasgan.export.web import to_web as to_web

_HOMES = {
    "Artifact": "kerasgan.export.job",
    "Loss": "kerasgan.export.loss",
    "ParityError": "kerasgan.export.parity",
    "to_litert": "kerasgan.export.litert",
    "to_onnx": "kerasgan.export.onnx",
    "to_saved_model": "kerasgan.export.saved_model",
    "to_web": "kerasgan.export.web",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
