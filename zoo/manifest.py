"""`weights.json` of a release folder: one record per published file, written by `kerasgan zoo pack`, never by hand."""

import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError, unknown_name
from kerasgan.zoo import download

FOLDER = Path(__file__).parent
"""The release folder that travels with the package: `weights.json`, `weights/*.keras`."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,150}")
_FILE = re.compile(r"(?!(?i:con|prn|aux|nul|com\d|lpt\d)\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.keras")
"""A plain name that every file system takes; Windows' devices are none."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def read(release: str | Path | None = None) -> list[dict[str, Any]]:
    """All records of a release (the package's own by default), oldest version first.

    Args:
        release: a folder, or the http(s) address of one.

    Raises:
        InputError: it cannot be read, or a record names no entry, version, safe file name or checksum.
    """
    if download.is_address(release):
        url = f"{download.address(str(release), 'release')}/weights.json"
        where = download.shown(url)
        copy = cache_folder(release) / "weights.json"
        return _parse(download.text(url, copy, lambda text: _parse(text, where)), where)
    path = Path(release or FOLDER) / "weights.json"
    try:
        return _parse(path.read_text("utf-8", "replace"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        if release is None:
            return []
        raise InputError(
            f"There is no {path}: expected a folder that `kerasgan zoo pack` wrote, or its address."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}).") from error


def _parse(text, where):
    try:
        records = json.loads(text)["published"]
        if not isinstance(records, list):
            raise TypeError(f"its records are no list but {type(records).__name__}")
        for record in records:
            _check(record, where)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{where} is damaged or no list of published files ({type(error).__name__}: {error}). Expected what "
            "`kerasgan zoo pack` writes."
        ) from error
    records.sort(key=lambda record: (record["entry"], record["version"]))
    for one, two in itertools.pairwise(records):
        if (one["entry"], one["version"]) == (two["entry"], two["version"]):
            raise InputError(f"{where} has version {one['version']} of {one['entry']!r} twice.")
    return records


def _check(record, where):
    if not isinstance(record["entry"], str):
        raise InputError(f"{where} has a record whose entry is no name: {record['entry']!r}.")
    if type(record["version"]) is not int or record["version"] < 1:
        raise InputError(
            f"{where} has a version of {record['entry']!r} that is no number from 1: {record['version']!r}."
        )
    if not _FILE.fullmatch(record["file"]):
        raise InputError(
            f"{where} names an unsafe file: {record['file']!r}. Expected a plain name ending in "
            ".keras, of at most 207 letters, that is no device of Windows."
        )
    if not _SHA256.fullmatch(record["sha256"]):
        raise InputError(f"{where} has no SHA-256 for {record['file']!r}. Received: {record['sha256']!r}.")
    if type(record.get("bytes", 1)) is not int or record.get("bytes", 1) < 1:
        raise InputError(f"{where} gives {record['file']!r} a size that is no number from 1: {record['bytes']!r}.")


def check_name(name: Any) -> None:
    """Raises `InputError` unless an entry of that name can be published: it becomes the name of its files."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or not _FILE.fullmatch(f"{name}-1.keras"):
        raise InputError(
            f"An entry's name cannot be {name!r}: it has letters A to Z, digits and any of _.- alone, at most 151, "
            "begins with none of .- and is no device of Windows."
        )


def find(entry: str, version: int | None = None, release: str | Path | None = None) -> dict[str, Any]:
    """The record of an entry's version, the newest by default.

    Args:
        entry: its name.
        version: 1, 2, ...; `None` for the newest.
        release: a folder that `kerasgan zoo pack` wrote, or its http(s) address; the package's own by default.

    Raises:
        InputError: nothing published under that name, or not in that version.

    Example:
        >>> record = kg.zoo.record("cdcgan_digits", version=3)
        >>> record["version"], record["file"], record["dataset"]
        (3, 'cdcgan_digits-3.keras', 'digits')
    """
    published = read(release)
    records = {record["version"]: record for record in published if record["entry"] == entry}
    if not records:
        unknown = unknown_name("pretrained entry", entry, {record["entry"] for record in published})
        raise InputError(f"{unknown} `kerasgan list` shows what can be trained besides.")
    if version is None:
        return records[max(records)]
    if version not in records:
        raise InputError(f"{entry!r} was published in version {', '.join(map(str, records))}. Received: {version!r}.")
    return records[version]


def cache_folder(release: str | Path | None = None) -> Path:
    """Where what is downloaded of a release is kept; each has a folder of its own."""
    folder = download.cache_folder()
    if release is None:
        return folder
    return folder.with_name("releases") / hashlib.sha256(str(release).strip().rstrip("/").encode()).hexdigest()[:12]


def write(folder: Path, records: list[dict[str, Any]]) -> None:
    """Writes `weights.json`."""
    from kerasgan.files import whole_file

    with whole_file(folder / "weights.json") as temporary:
        temporary.write_text(json.dumps({"published": records}, indent=1) + "\n")
