"""The whole state of a training on disk: one `.npz` per moment, whole or not there, checked by its own checksums."""

import json
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.errors import InputError
from kerasgan.files import check_zip, whole_file

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, ValueError)


def write(folder: Path, variables: list, meta: dict[str, Any], keep: int = 2) -> Path:
    """Writes the variables' values and JSON-safe `meta["steps"]`, ...; removes all but the newest `keep` files."""
    arrays = values(variables)
    # NumPy has no bfloat16 of its own: such values travel as their bits.
    dtypes = [str(a.dtype) for a in arrays]
    packed: dict[str, Any] = {
        f"v{i:05d}": a.view("uint16") if a.dtype == "bfloat16" else a for i, a in enumerate(arrays)
    }
    path = folder / f"checkpoint-{meta['steps']:09d}.npz"
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, meta=np.array(json.dumps({**meta, "dtypes": dtypes})), **packed)
    # A process killed while it wrote leaves its temporary file.
    for old in [*_newest_first(folder)[keep:], *folder.glob(".checkpoint-*.part.npz")]:
        old.unlink(missing_ok=True)
    return path


def values(variables: list) -> list[np.ndarray]:
    """The variables' values, copied."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def read_newest(folder: Path) -> tuple[list[np.ndarray], dict[str, Any]] | None:
    """(values, meta) of the newest file that is whole; damaged ones are named in a warning.

    Returns:
        `None` if there is no file at all.

    Raises:
        InputError: there are files and all of them are damaged.
    """
    paths = _newest_first(folder)
    for path in paths:
        try:
            check_zip(path)
            with np.load(path, allow_pickle=False) as file:
                meta = json.loads(str(file["meta"]))
                return [_value(file, i, dtype) for i, dtype in enumerate(meta["dtypes"])], meta
        except DAMAGE as error:
            warnings.warn(
                f"Checkpoint {str(path)!r} is damaged ({error}); trying the one before it.",
                RuntimeWarning,
                stacklevel=2,
            )
    if paths:
        raise InputError(f"Every checkpoint in {str(folder)!r} is damaged. Delete that folder to start again.")
    return None


def _value(file, index, dtype):
    value = file[f"v{index:05d}"]
    if dtype != "bfloat16":
        return value
    import ml_dtypes

    return value.view(ml_dtypes.bfloat16)


def restore(variables: list, values: list[np.ndarray]) -> None:
    """Assigns the values read to the variables they were written from."""
    found = [tuple(v.shape) for v in values]
    expected = [tuple(v.shape) for v in variables]
    if found != expected:
        raise InputError(
            f"The checkpoint was written by another model: it holds {len(found)} variables, this one has "
            f"{len(expected)}, or their shapes differ. Use another folder, or the settings it was made with."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.npz"), reverse=True)
