"""`weights.json`: one record per published file, written by `kerasgan zoo pack` and never by hand."""

import json
import re
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError, unknown_name

FOLDER = Path(__file__).parent
"""The release folder that travels with the package: `weights.json`, `weights/*.keras`."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.keras")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read(folder: Path | None = None) -> list[dict[str, Any]]:
    """All records of a release folder (the package's own by default), oldest version first.

    Raises:
        InputError: a file name that could lead out of the folder, or a checksum that is none.
    """
    path = (folder or FOLDER) / "weights.json"
    if not path.exists():
        return []
    records = json.loads(path.read_text())["published"]
    for record in records:
        if not _FILE_NAME.fullmatch(record["file"]):
            raise InputError(
                f"{path} names an unsafe file: {record['file']!r}. Expected a plain name ending in .keras."
            )
        if not _SHA256.fullmatch(record["sha256"]):
            raise InputError(f"{path} has no SHA-256 for {record['file']!r}. Received: {record['sha256']!r}.")
    return sorted(records, key=lambda record: (record["entry"], record["version"]))


def find(entry: str, version: int | None = None, folder: Path | None = None) -> dict[str, Any]:
    """The record of an entry's version, the newest by default.

    Raises:
        InputError: nothing published under that name, or not in that version.

    Example:
        >>> record = kg.zoo.record("cdcgan_digits", version=1)
        >>> record["version"], record["file"], record["dataset"]
        (1, 'cdcgan_digits-1.keras', 'digits')
    """
    records = {r["version"]: r for r in read(folder) if r["entry"] == entry}
    if not records:
        published = sorted({r["entry"] for r in read(folder)})
        reason = unknown_name("pretrained entry", entry, published)
        raise InputError(f"{reason} Train it yourself with `kerasgan train {entry}`, or choose one of: "
                         f"{', '.join(published) or 'none so far'}.")  # fmt: skip
    if version is None:
        version = max(records)
    if version not in records:
        raise InputError(f"{entry!r} was published in version {', '.join(map(str, records))}. Received: {version}.")
    return records[version]


def write(folder: Path, records: list[dict[str, Any]]) -> None:
    """Writes `weights.json`."""
    from kerasgan.files import whole_file

    with whole_file(folder / "weights.json") as temporary:
        temporary.write_text(json.dumps({"published": records}, indent=1) + "\n")
