"""Trained generators: from the package where they ship with it, else downloaded once and checked."""

import os
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError
from kerasgan.zoo import manifest

HOST: str | None = None
"""Where files that do not ship with the package are fetched from; `KERASGAN_MIRROR` goes before it."""


def load(entry: str, version: int | None = None):
    """A trained generator as a `kerasgan.Sampler`.

    Small ones ship with the package; others are downloaded once into the cache folder (`KERASGAN_CACHE`), checked by
    their SHA-256 and work offline from then on. No code in a file is executed: Keras' safe mode stays on.

    Args:
        entry: a name of `kerasgan.zoo.names(pretrained=True)`.
        version: of the published weights; `None` for the newest.

    Raises:
        InputError: nothing is published under that name, or it could not be fetched whole.

    Example:
        >>> sampler = kg.zoo.load("cdcgan_digits")
        >>> sampler.generate(4, labels=7, seed=0).shape
        (4, 28, 28, 1)
    """
    from kerasgan.sampler import Sampler

    record = manifest.find(entry, version)
    sampler = Sampler.load(fetch(record))
    sampler.about = about(record)
    return sampler


def about(record: dict[str, Any]) -> dict[str, str]:
    """What exports of a published generator say of it."""
    fields = {
        "name": "entry",
        "version": "version",
        "dataset": "dataset",
        "dataset_license": "dataset_license",
        "license": "weights_license",
    }
    return {key: str(record[field]) for key, field in fields.items() if record.get(field) is not None}


def fetch(record: dict[str, Any]) -> Path:
    """The checked file of a record: the one in the package, the one in the cache, or a fresh download."""
    shipped = manifest.FOLDER / "weights" / record["file"]
    if shipped.exists():
        _check(shipped, record)
        return shipped
    return _cached(record)


def _cached(record):
    import pooch

    folder = cache_folder()
    path = folder / record["file"]
    if path.exists() and pooch.file_hash(str(path)) == record["sha256"]:
        return path
    host = os.environ.get("KERASGAN_MIRROR") or HOST
    if not host:
        raise InputError(
            f"{record['file']!r} does not ship with the package and no host is known. Set KERASGAN_MIRROR to the "
            "address of a release folder (the one that holds weights.json), or put the file into "
            f"{str(folder)!r} yourself."
        )
    url = f"{host.rstrip('/')}/weights/"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # pooch downloads beside the file's place, checks, and only then renames: two processes at once do no harm.
        hosted = pooch.create(folder, url, registry={record["file"]: f"sha256:{record['sha256']}"}, retry_if_failed=2)
        return Path(hosted.fetch(record["file"], downloader=pooch.HTTPDownloader(progressbar=True, timeout=30)))
    except OSError as error:  # requests' own errors are OSErrors too
        raise InputError(_advice(url + record["file"], folder, error)) from error
    except ValueError as error:
        raise InputError(
            f"What {url}{record['file']} sent is not the published file: its SHA-256 differs. Nothing was kept. Try "
            "again, or set KERASGAN_MIRROR to another host."
        ) from error


def _advice(url, folder, error):
    import requests

    if isinstance(error, requests.RequestException):
        return (
            f"Could not download {url} ({error}). Check the connection, set KERASGAN_MIRROR to another host, or put "
            f"the file into {str(folder)!r} yourself; once there it is used offline."
        )
    return f"Could not write to the cache folder {str(folder)!r} ({error}). Set KERASGAN_CACHE to one you may write to."


def cache_folder() -> Path:
    """Where downloaded weights are kept: `weights` below `KERASGAN_CACHE`, or below the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KERASGAN_CACHE") or platformdirs.user_cache_dir("kerasgan")) / "weights"


def _check(path, record):
    import pooch

    if pooch.file_hash(str(path)) != record["sha256"]:
        raise InputError(f"{str(path)!r} is not the published file: its SHA-256 differs. Install the package again.")
