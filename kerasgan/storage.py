"""Weights of a `.keras` archive in half precision: Keras casts them back to each variable's dtype as it loads them."""

import io
import zipfile
from pathlib import Path

import numpy as np

from kerasgan.errors import InputError

WEIGHTS = "model.weights.h5"


def halve_weights(path: Path) -> None:
    """Rewrites the archive with its float32 weights as float16.

    Raises:
        InputError: a weight beyond float16's range, +-65,504.
    """
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members.items():
            archive.writestr(info, _halved(content) if info.filename == WEIGHTS else content)


def _halved(content: bytes) -> bytes:
    import h5py

    out = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(out, "w") as new:
        _copy(old, new)
    return out.getvalue()


def _copy(old, new):
    import h5py

    new.attrs.update(old.attrs)
    for name, item in old.items():
        if isinstance(item, h5py.Group):
            _copy(item, new.create_group(name))
            continue
        value = item[()]
        if value.dtype == np.float32:
            with np.errstate(over="ignore"):
                half = value.astype("float16")
            if not np.isfinite(half).all():
                raise InputError(f"A weight of {item.name!r} is too large for float16. Use storage='float32'.")
            value = half
        new.create_dataset(name, data=value).attrs.update(item.attrs)
