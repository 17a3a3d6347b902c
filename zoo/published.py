"""Trained generators: from the package where they ship with it, else downloaded once and checked."""

import os
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError
from kerasgan.zoo import download, manifest

HOST: str | None = None
"""Where files that do not ship with the package are fetched from; `KERASGAN_MIRROR` goes before it."""


def load(entry: str, version: int | None = None, release: str | Path | None = None):
    """A trained generator as a `kerasgan.Sampler`.

    Small ones ship with the package; others are downloaded once into the cache folder (`KERASGAN_CACHE`), checked by
    their SHA-256 and work offline from then on. No code in a file is executed: Keras' safe mode stays on.

    Args:
        entry: a name of `kerasgan.zoo.names(pretrained=True)`, or one that the release holds.
        version: of the published weights; `None` for the newest.
        release: a folder that `kerasgan zoo pack` wrote, or its http(s) address, in place of the package's own. Its
            checksums guard against faults on the way, not against its owner.

    Raises:
        InputError: nothing is published under that name, or it could not be fetched whole.

    Example:
        >>> sampler = kg.zoo.load("cdcgan_digits")
        >>> sampler.generate(4, labels=7, seed=0).shape
        (4, 28, 28, 1)
    """
    from kerasgan.sampler import Sampler

    record = manifest.find(entry, version, release)
    sampler = Sampler.load(fetch(record, release))
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


def fetch(record: dict[str, Any], release: str | Path | None = None) -> Path:
    """The checked file of a record: the one in the release folder, the one in the cache, or a fresh download."""
    name, sha256 = record["file"], record["sha256"]
    here = None if download.is_address(release) else Path(release or manifest.FOLDER) / "weights"
    if here and (release or (here / name).exists()):
        if not download.cached(name, sha256, here):
            again = "Pack the release again." if release else "Install the package again."
            raise InputError(f"{str(here / name)!r} is missing, or not the published file by its SHA-256. {again}")
        return here / name
    folder = manifest.cache_folder(release)
    kept = download.cached(name, sha256, folder)
    if kept:
        return kept
    host, source = (release, "release") if release else (os.environ.get("KERASGAN_MIRROR") or HOST, "KERASGAN_MIRROR")
    if not host:
        there = f"{str(folder / name)!r} is not the published file by its SHA-256. " if (folder / name).exists() else ""
        raise InputError(
            f"{there}{name!r} does not ship with the package and no host is known. Set KERASGAN_MIRROR to the address "
            f"of a release folder (the one that holds weights.json), or put the file into {str(folder)!r} yourself."
        )
    url = f"{download.address(str(host), source)}/weights/{name}"
    otherwise = "ask whoever publishes the release" if release else "set KERASGAN_MIRROR to another host"
    return download.fetch(url, sha256, record.get("bytes"), folder, otherwise)
