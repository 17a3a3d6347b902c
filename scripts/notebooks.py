"""Runs the notebooks of `colab/`, each in a fresh kernel and an empty folder, and stores what they print and draw.

    python scripts/notebooks.py                    # run all, store their outputs
    python scripts/notebooks.py 01 05              # only these
    python scripts/notebooks.py --quick --dry-run  # as CI does: few epochs (KERASGAN_QUICK=1), nothing stored

An error or a warning, Python's or a log's, in any cell ends it with the cell's text. A notebook keeps the SHA-256 of
the code its outputs belong to; `tests/test_notebooks.py` compares it with the code that stands there.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "colab"
WARNING = re.compile(r"^(.*\b\w*Warning: .*|WARNING:\w+:.*)$", re.MULTILINE)
MONITOR = re.compile(r"^Step [\d,]+, .*\n", re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of file names; all where none is given")
    parser.add_argument("--quick", action="store_true", help="with KERASGAN_QUICK=1")
    parser.add_argument("--dry-run", action="store_true", help="store nothing")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at once")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.quick:
        os.environ["KERASGAN_QUICK"] = "1"
    with ThreadPoolExecutor(options.jobs) as pool:
        for line in pool.map(lambda path: run_file(path, not options.dry_run), notebooks(options.names)):
            print(line, flush=True)


def run_file(path, store):
    """Runs one notebook, and says how long it took."""
    began = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    run(notebook)
    if store:
        notebook.metadata["kerasgan"] = {"code_sha256": code_sha256(notebook)}
        nbformat.write(notebook, path)
    return f"{path.name}: {time.monotonic() - began:.0f} s"


def notebooks(names=()):
    return sorted(path for path in FOLDER.glob("*.ipynb") if not names or path.name.startswith(tuple(names)))


def code_sha256(notebook):
    """Of all code cells whose outputs are stored, in their order."""
    code = "\n\0\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code" and not installs(cell))
    return hashlib.sha256(code.encode()).hexdigest()


def installs(cell):
    return '"pip", "install"' in cell.source


def run(notebook):
    """Runs all cells and leaves their outputs in place; ends the process at an error or a warning."""
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": folder}}).execute()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        errors = "".join(output.text for output in cell.outputs if output.get("name") == "stderr")
        warning = WARNING.search(errors)
        if warning:
            sys.exit(f"A cell warns:\n\n{cell.source}\n\n{warning[0]}")
        cell.outputs = [] if installs(cell) else _worth_showing(cell.outputs, "".join(MONITOR.findall(errors)))
        cell.metadata.pop("execution", None)  # clock times, which would change with every run
        for output in cell.outputs:
            _forget(folder, output)


def _worth_showing(outputs, said):
    """Of stderr what HealthMonitor said: the rest is TensorFlow's C++ code on the machine it finds."""
    spoken = [nbformat.v4.new_output("stream", name="stderr", text=said)] if said else []
    return spoken + [output for output in outputs if output.get("name") != "stderr"]


def _forget(folder, output):
    """Leaves the temporary folder out of what is shown, in place."""
    for where, key in ((output, "text"), (output.get("data", {}), "text/plain"), (output.get("data", {}), "text/html")):
        if key in where:
            where[key] = where[key].replace(f"{folder}/", "")


if __name__ == "__main__":
    main()
