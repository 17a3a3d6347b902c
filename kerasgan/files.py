"""Files that are either whole or not there."""

import contextlib
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; on success it is synced to disk and renamed, on any error removed.

    The suffix is kept, for writers that choose their format by it.

    Example:
        >>> with whole_file("model.keras") as temporary:
        ...     model.save(temporary)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """The same for a folder; an existing `path` is replaced."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_zip(path: str | Path) -> None:
    """Raises `zipfile.BadZipFile` unless every member of a zip archive can be read and has its checksum.

    Readers that take a member in parts, or only some of it, do not look at its checksum.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile:
        raise
    except Exception as error:  # each of its decompressors has errors of its own
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error
    if damaged:
        raise zipfile.BadZipFile(f"wrong checksum of {damaged!r}")


def sync_folder(folder: Path) -> None:
    """Makes a rename inside `folder` survive a power cut, where the system can (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
