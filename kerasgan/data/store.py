"""Where decoded pictures go: into memory or, when there are too many, into a memory-mapped file of the cache."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from kerasgan.data.images import ImageShape
from kerasgan.files import whole_folder

MEMORY_LIMIT = 2 * 1024**3
# Part of every key: raise it when decoding changes, so that files of older versions are not used again.
FORMAT = 1
# Fewer pictures than this are decoded in a moment, and need no progress bar.
MANY = 2000

Pictures = Iterable[tuple[np.ndarray, int]]


def cache_folder() -> Path:
    """Where decoded pictures are kept: "data" in `$KERASGAN_CACHE` or, without it, in the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KERASGAN_CACHE") or platformdirs.user_cache_dir("kerasgan")).expanduser() / "data"


def collect(
    pictures: Pictures, count: int, image_shape: ImageShape, *, memory_limit: int, key: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Takes decoded pictures out of a stream, or finds them in the cache.

    Args:
        pictures: gives (uint8 of `image_shape`, a whole number that goes with it: a label or a position); it is not
            started when the cache holds the result.
        count: how many there are; fewer may come, but at least one.
        image_shape: (height, width, channels).
        memory_limit: bytes; when all pictures take more they go to a file.
        key: names the source and its state; anything with a stable `repr`.

    Returns:
        uint8 (n, height, width, channels), a read-only `np.memmap` beyond the limit, and the numbers, int64 (n,).

    Raises:
        OSError: the disk is too small or full; nothing is left on it.
    """
    size = count * int(np.prod(image_shape))
    if size <= memory_limit:
        return _in_memory(_with_progress(pictures, count), count, image_shape)
    folder = cache_folder() / hashlib.sha256(repr((FORMAT, image_shape, key)).encode()).hexdigest()[:32]
    if not (folder / "x.npy").is_file():
        try:
            _write(_with_progress(pictures, count), folder, size, image_shape)
        except OSError as error:
            raise OSError(
                f"Cannot keep {size / 1e9:.3g} GB of decoded pictures in {folder.parent}: {error.strerror or error}. "
                "Free some space, set KERASGAN_CACHE to a folder on a larger disk, choose a smaller image_shape, or "
                "raise memory_limit."
            ) from error
    return np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "numbers.npy")


def _with_progress(pictures: Pictures, count: int) -> Pictures:
    from tqdm import tqdm

    # disable=None: none where the output is no terminal.
    return tqdm(pictures, "Decoding", count, leave=False, unit=" pictures", disable=None if count >= MANY else True)


def _in_memory(pictures: Pictures, count: int, image_shape: ImageShape) -> tuple[np.ndarray, np.ndarray]:
    x = np.empty((count, *image_shape), np.uint8)
    numbers = np.empty(count, np.int64)
    filled = 0
    for picture, number in pictures:
        x[filled], numbers[filled] = picture, number
        filled += 1
    return x[:filled], numbers[:filled]


def _write(pictures: Pictures, folder: Path, size: int, image_shape: ImageShape) -> None:
    with whole_folder(folder) as temporary:
        temporary.mkdir()
        free = shutil.disk_usage(temporary).free
        if free < size:
            raise OSError(f"only {free / 1e9:.3g} GB are free")
        with (temporary / "x.npy").open("wb") as file:
            numbers = _write_pictures(file, pictures, image_shape)
        np.save(temporary / "numbers.npy", np.array(numbers, np.int64))


def _write_pictures(file: BinaryIO, pictures: Pictures, image_shape: ImageShape) -> list[int]:
    # One after the other: a full disk raises here, where filling a sparse memory map would kill the process.
    numbers: list[int] = []
    _write_header(file, 0, image_shape)
    for picture, number in pictures:
        file.write(picture.tobytes())
        numbers.append(number)
    file.seek(0)
    _write_header(file, len(numbers), image_shape)  # as long as the first: NumPy leaves room for the count to grow
    return numbers


def _write_header(file: BinaryIO, count: int, image_shape: ImageShape) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *image_shape)}
    np.lib.format.write_array_header_1_0(file, header)
