"""Files over HTTP, by pooch: checked, asked for again where a fault may pass, and kept."""

import contextlib
import os
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from kerasgan.errors import InputError
from kerasgan.zoo import transfer
from kerasgan.zoo.transfer import shown

UNKNOWN_SIZE = 2**31
"""Bytes that are accepted at most where nothing says how many a file has."""

MANIFEST_SIZE = 2**24
LEFT_OVER = 3600.0
"""Seconds after which a part of a download that nobody writes to any more is removed."""


def is_address(release: object) -> bool:
    return isinstance(release, str) and "://" in release


def address(text: str, name: str) -> str:
    """`text` as the address of a release folder, without a slash at its end."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        valid = valid and not re.search(r"\s", parts.netloc) and parts.port != 0
    except ValueError:  # also of a port that is none
        valid = False
    if not valid:
        received = re.sub(r".*@|(?<=\?).*", "...", text, flags=re.DOTALL)  # which may be a password
        raise InputError(f"{name} must be an http:// or https:// address of a folder. Received: {received!r}.")
    return text.rstrip("/")


def cache_folder() -> Path:
    """Where downloaded weights are kept: `weights` below `KERASGAN_CACHE`, or below the user's cache folder."""
    import platformdirs

    folder = Path(os.environ.get("KERASGAN_CACHE") or platformdirs.user_cache_dir("kerasgan"))
    try:
        return folder.expanduser() / "weights"
    except RuntimeError as error:
        raise InputError(f"KERASGAN_CACHE must name a folder. Received: {str(folder)!r} ({error}).") from error


def cached(name: str, sha256: str, folder: Path) -> Path | None:
    """The file of that name in a cache folder, if it is there and whole."""
    import pooch

    path = folder / name
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{str(path)!r} is no file. Remove it.")
        return path if path.is_file() and pooch.file_hash(str(path)) == sha256 else None
    except OSError as error:
        raise InputError(_cannot_use(folder, error)) from error


def fetch(url: str, sha256: str, size: int | None, folder: Path, otherwise: str) -> Path:
    """Downloads a file into a cache folder, checks it, and only then gives it its name.

    Args:
        url: its address.
        sha256: its checksum.
        size: its bytes, if known.
        folder: where it is kept.
        otherwise: what a user may do where this host does not give it.

    Raises:
        InputError: it could not be had whole, or the folder cannot be used; nothing of it is kept.
    """
    import pooch
    import requests

    base, _, name = url.rpartition("/")
    limit = size or UNKNOWN_SIZE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_left_over(folder)
        # pooch writes beside the file's place, checks, and only then renames: two processes at once do no harm.
        # It writes the address it is given to the log, which is nobody's place to read a password.
        hosted = pooch.create(folder, shown(base) + "/", registry={name: f"sha256:{sha256}"}, retry_if_failed=2)
        path = Path(hosted.fetch(name, downloader=lambda _, file, __: _into(file, url, limit)))
        path.chmod(0o644)  # temporary files are their owner's alone, a cache may be several people's
    except requests.RequestException as error:
        raise InputError(
            f"Could not download {shown(url)} ({shown(error)}). Check the connection, {otherwise}, or put the file "
            f"into {str(folder)!r} yourself; once there it is used offline."
        ) from error
    except OSError as error:
        raise InputError(_cannot_use(folder, error)) from error
    except ValueError as error:
        raise InputError(
            f"What {shown(url)} sent is not the published file: its SHA-256 differs. Nothing was kept. Try again, or "
            f"{otherwise}."
        ) from error
    return path


def text(url: str, copy: Path, check: Callable[[str], object]) -> str:
    """A small text file as the server has it now; where it gives none, the copy kept of the last time.

    A fault that may pass is met by asking again, three times in all; a server that does not answer is asked once.

    Args:
        url: its address.
        copy: where it is kept.
        check: raises what is wrong with a text, which then is not kept.
    """
    from kerasgan.files import whole_file

    try:
        body = _asked_for(url, check)
    except InputError as fault:
        body = _kept(copy, check, fault)
        warnings.warn(f"{fault} Using the copy of the last time.", stacklevel=2)
        return body
    try:
        with whole_file(copy) as temporary:
            temporary.write_text(body, "utf-8")
    except OSError as error:
        warnings.warn(f"Without a copy for use offline. {_cannot_use(copy.parent, error)}", stacklevel=2)
    return body


def _asked_for(url, check):
    import requests

    waits = [0.5, 1.0]
    while True:
        try:
            body = b"".join(transfer.pieces(url, MANIFEST_SIZE)).decode("utf-8", "replace")
            check(body)
            return body
        except (requests.RequestException, InputError) as error:
            if not waits or not transfer.may_pass(error):
                if isinstance(error, InputError):
                    raise
                raise InputError(
                    f"Could not read {shown(url)} ({shown(error)}). Check the connection and the address."
                ) from error
        time.sleep(waits.pop(0))


def _kept(copy, check, fault):
    try:
        body = copy.read_text("utf-8")
        check(body)
    except (FileNotFoundError, NotADirectoryError):
        raise fault from fault.__cause__
    except (OSError, ValueError) as error:
        raise InputError(f"{fault} The copy of the last time, {str(copy)!r}, is of no use ({error}).") from error
    return body


def _into(file: str, url: str, limit: int) -> None:
    with Path(file).open("wb") as opened:
        for piece in transfer.pieces(url, limit):
            opened.write(piece)


def _remove_left_over(folder):
    """Parts of downloads that were killed; pooch's own temporary files, whose names have no suffix."""
    for path in folder.glob("tmp*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if not path.suffix and path.is_file() and time.time() - path.stat().st_mtime > LEFT_OVER:
                path.unlink()


def _cannot_use(folder, error):
    return (
        f"Could not use the cache folder {str(folder)!r} ({error}). Set KERASGAN_CACHE to one you may read and write."
    )
