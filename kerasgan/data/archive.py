"""from_npz: a NumPy archive as Images."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kerasgan.data.arrays import from_arrays
from kerasgan.data.images import Images, check_on_corrupt
from kerasgan.data.store import MEMORY_LIMIT
from kerasgan.errors import InputError

Arrays = Mapping[str, np.ndarray]
SPLITS = {"train": ("_train",), "test": ("_test",), "all": ("_train", "_test")}


def from_npz(
    path: str | Path,
    *,
    split: str = "train",
    image_shape: Sequence[int] | None = None,
    value_range: tuple[float, float] | None = None,
    memory_limit: int = MEMORY_LIMIT,
    on_corrupt: str = "raise",
) -> Images:
    """Pictures in an `.npz` file. Nothing in the file is executed (no pickles).

    The keys are `x_train`, `x_test` with labels `y_train`, `y_test`; or `x` with `y` for a file without splits, which
    "train" and "all" both give. Labels may be missing. In place of `x_...` there may be encoded pictures: `jpeg_...`,
    uint8, their files laid end to end, and `size_...`, the bytes of each.

    Args:
        path: the file.
        split: "train", "test" or "all".
        image_shape: (height, width, channels) to resize to; `None` keeps the size (for encoded pictures: the rule of
            `from_directory`).
        value_range: as in `from_arrays`, for pictures that are not uint8.
        memory_limit: as in `from_directory`, for encoded pictures.
        on_corrupt: the same.

    Raises:
        InputError: no such file, a damaged one, keys missing, or data that `from_arrays` refuses.

    Example:
        >>> np.savez("mine.npz", x_train=x, y_train=y, x_test=x[:50], y_test=y[:50])
        >>> kg.data.from_npz("mine.npz", split="test")
        Images('mine': 50 of 28 x 28 x 1 uint8, 10 classes)
    """
    check_on_corrupt(on_corrupt)
    path = Path(path).expanduser()
    if split not in SPLITS:
        raise InputError(f"split must be one of {', '.join(SPLITS)}. Received: {split!r}.")
    arrays = _read(path, split)
    y = _joined(arrays, "y")
    x = _joined(arrays, "x")
    if x is not None:
        return from_arrays(x, y, value_range=value_range, image_shape=image_shape, name=path.stem)
    from kerasgan.data.decoding import decode_all

    files = [file for suffix in _suffixes(arrays) for file in _unpacked(arrays, suffix, path)]
    if y is not None and len(y) != len(files):
        raise InputError(f"{str(path)!r} has {len(files)} pictures and {len(y)} labels: each needs its own.")
    state = path.stat()
    x, kept = decode_all(
        files,
        [f"{i} of {path}" for i in range(len(files))],
        image_shape=image_shape,
        fit="crop",
        skip_corrupt=on_corrupt == "skip",
        memory_limit=memory_limit,
        key=(str(path.resolve()), state.st_size, state.st_mtime_ns, split),
    )
    return Images(x, None if y is None else y[kept], name=path.stem)


def _read(path: Path, split: str) -> Arrays:
    """The arrays of the split, and no others."""
    if not path.is_file():
        raise InputError(f"No file {str(path)!r}.")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{str(path)!r} is damaged or no .npz file.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            suffixes = [s for s in SPLITS[split] if s in _suffixes(archive)]
            if not suffixes and split != "test" and "" in _suffixes(archive):
                suffixes = [""]
            if not suffixes:
                raise InputError(
                    f"{str(path)!r} has no {split!r} pictures. Expected the keys x{SPLITS[split][0]} and "
                    f"y{SPLITS[split][0]}{'' if split == 'test' else ', or x and y'}. "
                    f"The keys there are: {', '.join(archive.files) or 'none'}."
                )
            wanted = {f"{kind}{s}" for kind in ("x", "jpeg", "size", "y") for s in suffixes}
            return {key: archive[key] for key in archive.files if key in wanted}
    except InputError:
        raise
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError) as error:
        raise InputError(f"{str(path)!r} is damaged or no .npz file of plain arrays ({error}).") from error


def _suffixes(arrays: Arrays) -> list[str]:
    return [s for s in ("_train", "_test", "") if f"x{s}" in arrays or f"jpeg{s}" in arrays]


def _joined(arrays: Arrays, kind: str) -> np.ndarray | None:
    suffixes = _suffixes(arrays)
    parts = [arrays[f"{kind}{s}"] for s in suffixes if f"{kind}{s}" in arrays]
    return np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else None


def _unpacked(arrays: Arrays, suffix: str, path: Path) -> list[bytes]:
    packed, sizes = arrays[f"jpeg{suffix}"], arrays.get(f"size{suffix}")
    if sizes is None or int(sizes.sum()) != packed.size or packed.dtype != np.uint8:
        raise InputError(
            f"jpeg{suffix} in {str(path)!r} must be uint8, with the bytes of each picture in size{suffix}, which "
            "together give its length."
        )
    ends = np.cumsum(sizes, dtype=np.int64)
    return [packed[end - size : end].tobytes() for end, size in zip(ends, sizes, strict=True)]
