"""Files over HTTP by pooch: checked, repeated where a fault may pass, and bounded in size and in silence."""

import contextlib
import os
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kerasgan.errors import InputError

SILENCE = 30.0
"""Seconds without an answer, or without a kilobyte of it, after which a server counts as gone."""

UNKNOWN_SIZE = 2**31
"""Bytes that are accepted at most where nothing says how many a file has."""

MANIFEST_SIZE = 2**24
LEFT_OVER = 3600.0
"""Seconds after which a part of a download that nobody writes to any more is removed."""


def is_address(release: object) -> bool:
    return isinstance(release, str) and "://" in release


def address(text: str, name: str) -> str:
    """`text` as the address of a release folder, without a slash at its end."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise InputError(f"{name} must be an http:// or https:// address. Received: {text!r}.")
    return text.rstrip("/")


def cache_folder() -> Path:
    """Where downloaded weights are kept: `weights` below `KERASGAN_CACHE`, or below the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KERASGAN_CACHE") or platformdirs.user_cache_dir("kerasgan")).expanduser() / "weights"


def cached(name: str, sha256: str, folder: Path) -> Path | None:
    """The file of that name in a cache folder, if it is there and whole."""
    import pooch

    path = folder / name
    try:
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
        hosted = pooch.create(folder, base + "/", registry={name: f"sha256:{sha256}"}, retry_if_failed=2)
        path = Path(hosted.fetch(name, downloader=lambda url, file, _: _into(file, url, limit)))
        path.chmod(0o644)  # temporary files are their owner's alone, a cache may be several people's
    except requests.RequestException as error:
        raise InputError(
            f"Could not download {_shown(url)} ({_shown(error)}). Check the connection, {otherwise}, or put the file "
            f"into {str(folder)!r} yourself; once there it is used offline."
        ) from error
    except OSError as error:
        raise InputError(_cannot_use(folder, error)) from error
    except ValueError as error:
        raise InputError(
            f"What {_shown(url)} sent is not the published file: its SHA-256 differs. Nothing was kept. Try again, or "
            f"{otherwise}."
        ) from error
    return path


def text(url: str, copy: Path, check: Callable[[str], object]) -> str:
    """A small text file as the server has it now; where it cannot be reached, the copy kept of the last time.

    A server's fault may pass, so that it is asked three times; one that does not answer is asked once.

    Args:
        url: its address.
        copy: where it is kept.
        check: raises what is wrong with a text, which then is not kept.
    """
    import requests
    import urllib3

    from kerasgan.files import whole_file

    faults = urllib3.Retry(
        2,
        connect=0,
        read=0,
        status_forcelist=(500, 502, 503, 504),
        backoff_factor=0.5,
        raise_on_status=False,
        respect_retry_after_header=False,  # it may ask for hours
    )
    try:
        body = b"".join(_pieces(url, MANIFEST_SIZE, faults)).decode("utf-8", "replace")
    except requests.RequestException as error:
        if not copy.is_file():
            raise InputError(f"Could not read {_shown(url)} ({_shown(error)}). Check the address.") from error
        warnings.warn(f"Could not read {_shown(url)} ({_shown(error)}). Using the copy of the last time.", stacklevel=2)
        return copy.read_text("utf-8")
    check(body)
    try:
        with whole_file(copy) as temporary:
            temporary.write_text(body, "utf-8")
    except OSError as error:
        warnings.warn(f"Without a copy for use offline. {_cannot_use(copy.parent, error)}", stacklevel=2)
    return body


def _into(file: str, url: str, limit: int) -> None:
    with Path(file).open("wb") as opened:
        for piece in _pieces(url, limit):
            opened.write(piece)


def _pieces(url: str, limit: int, retries: Any = 0):
    """The body of an answer as it comes; any fault is a `requests.RequestException`."""
    import requests
    import urllib3
    from tqdm import tqdm

    session = requests.Session()
    session.mount(url, requests.adapters.HTTPAdapter(max_retries=retries))
    try:
        with (
            session,
            session.get(url, stream=True, timeout=SILENCE) as response,
            tqdm(desc=url.rpartition("/")[2], unit="B", unit_scale=True, leave=False) as progress,
        ):
            response.raise_for_status()
            progress.reset(_announced(response))
            heard, received, total = time.monotonic(), 0, 0
            while piece := response.raw.read1(2**16, decode_content=True):
                progress.update(len(piece))
                received += len(piece)
                total += len(piece)
                if total > limit:
                    raise requests.ConnectionError(f"it sends more than the {limit:,} bytes it should")
                if time.monotonic() - heard > SILENCE:
                    if received < 1024:
                        raise requests.ConnectionError(f"it sent {received} bytes in {SILENCE:.0f} seconds")
                    heard, received = time.monotonic(), 0
                yield piece
    except (urllib3.exceptions.HTTPError, UnicodeError) as error:  # which requests lets through in some places
        raise requests.ConnectionError(str(error)) from error


def _announced(response: Any) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _remove_left_over(folder):
    """Parts of downloads that were killed; pooch's own temporary files."""
    for path in folder.glob("tmp*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if path.is_file() and time.time() - path.stat().st_mtime > LEFT_OVER:
                path.unlink()


def _shown(text):
    """Without a user's name and password in an address."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", str(text))


def _cannot_use(folder, error):
    return (
        f"Could not use the cache folder {str(folder)!r} ({error}). Set KERASGAN_CACHE to one you may read and write."
    )
