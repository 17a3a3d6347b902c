"""Logs of one JSON object per line, each with its step, so that they can be cut where a training is taken up again."""

import json
from pathlib import Path
from typing import Any

from kerasgan.files import whole_file


def cut(path: Path, steps: int) -> list[dict[str, Any]]:
    """Removes lines beyond a step, and lines torn by a kill; returns the others."""
    rows = [row for row in read(path) if row["step"] <= steps]
    with whole_file(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    """Adds a line."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a log that are whole; none where there is no file."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # torn by a kill
        if isinstance(row, dict) and "step" in row:
            rows.append(row)
    return rows
