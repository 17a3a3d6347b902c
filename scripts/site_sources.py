"""What mkdocs reads: the package as it installs, in one folder, for `zoo/` and `export/` stand beside `kerasgan/`.

The pages are made from the text of the sources; nothing of the package is imported.
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "build" / "site_sources"
FOLDERS = {"kerasgan": "kerasgan", "zoo": "kerasgan/zoo", "export": "kerasgan/export"}


def on_startup(**_) -> None:
    """Called by mkdocs before anything else."""
    shutil.rmtree(SOURCES, ignore_errors=True)
    for folder, package in FOLDERS.items():
        shutil.copytree(ROOT / folder, SOURCES / package, ignore=_all_but_python, dirs_exist_ok=True)
    for path in SOURCES.rglob("*.py"):
        # The only name under which mkdocstrings shows doctests as code.
        path.write_text(re.sub(r"^( *)Example:$", r"\1Examples:", path.read_text(), flags=re.MULTILINE))


def _all_but_python(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (name.endswith(".py") or Path(folder, name).is_dir())}
