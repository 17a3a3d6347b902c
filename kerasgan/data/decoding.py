"""Many picture files, or their bytes: decoded by all cores into one array."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerasgan.data.images import ImageShape, check_image_shape
from kerasgan.data.pixels import Header, Source, choose_shape, decode, read_header
from kerasgan.data.store import collect
from kerasgan.data.threads import ordered_map
from kerasgan.errors import InputError

NAMED = 20


def decode_all(
    sources: Sequence[Source],
    names: Sequence[str],
    *,
    image_shape: Sequence[int] | None,
    fit: str,
    skip_corrupt: bool,
    memory_limit: int,
    key: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Decodes pictures, or takes what an earlier call left in the cache; see `from_directory` for the rules.

    Args:
        sources: paths, or contents of files.
        names: what messages call each of them.
        image_shape: (height, width, channels); `None`, or (height, width) alone, lets the pictures choose the rest.
        fit: how other proportions are made to fit.
        skip_corrupt: leave damaged pictures out, with a warning, instead of raising.
        memory_limit: bytes in memory; more goes to a file.
        key: names the sources and their state, with a stable `repr`.

    Returns:
        uint8 (n, height, width, channels) and the positions in `sources` of the pictures kept, int64 (n,).

    Raises:
        InputError: a damaged picture, or none that can be read.
    """
    if image_shape is None or len(image_shape) == 2:
        chosen = _chosen(sources, names, skip_corrupt)
        image_shape = chosen if image_shape is None else (*image_shape, chosen[2])
    shape = check_image_shape(image_shape)
    pictures = _decoded(sources, names, shape, fit, skip_corrupt)
    x, kept = collect(
        pictures, len(sources), shape, memory_limit=memory_limit, key=(key, fit, "skip" if skip_corrupt else "raise")
    )
    if len(kept) < len(sources):
        _warn_skipped([names[i] for i in np.setdiff1d(np.arange(len(sources)), kept)])
    return x, kept


def _chosen(sources: Sequence[Source], names: Sequence[str], skip_corrupt: bool) -> ImageShape:
    def attempt(source: Source) -> Header | Exception:
        try:
            return read_header(source)
        except Exception as error:
            return error

    headers = []
    for name, header in zip(names, ordered_map(attempt, sources), strict=True):
        if not isinstance(header, Exception):
            headers.append(header)
        elif not skip_corrupt:
            raise _corrupt(name, header) from header
    if not headers:
        raise _none_readable(names)
    return choose_shape(headers)


def _decoded(
    sources: Sequence[Source], names: Sequence[str], shape: ImageShape, fit: str, skip_corrupt: bool
) -> Iterator[tuple[np.ndarray, int]]:
    def attempt(source: Source) -> np.ndarray | Exception:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more for a damaged file.
        try:
            return decode(source, shape, fit)
        except Exception as error:
            return error

    readable = 0
    for position, picture in enumerate(ordered_map(attempt, sources)):
        if not isinstance(picture, Exception):
            readable += 1
            yield picture, position
        elif not skip_corrupt:
            raise _corrupt(names[position], picture) from picture
    if not readable:
        raise _none_readable(names)


def _corrupt(name: str, error: Exception) -> InputError:
    return InputError(
        f"The picture {name} cannot be read ({error}). Remove or replace it, or leave such pictures out with "
        'on_corrupt="skip" (--skip-corrupt).'
    )


def _none_readable(names: Sequence[str]) -> InputError:
    return InputError(f"None of the {len(names)} pictures can be read; the first is {names[0]}.")


def _warn_skipped(names: Sequence[str]) -> None:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    # The level of whoever called from_directory.
    warnings.warn(f"Skipped {len(names)} corrupt picture(s): {', '.join(names[:NAMED])}{more}.", stacklevel=4)
