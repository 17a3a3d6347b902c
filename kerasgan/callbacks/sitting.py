"""Sitting: where, with what and for how long a training ran, one entry of `run.json` for every time it was started."""

import json
import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from kerasgan.callbacks.checkpoint import Checkpoint
from kerasgan.files import whole_file

LIBRARIES = ("kerasgan", "keras", "tensorflow", "jax", "torch", "numpy")


class Sitting(keras.callbacks.Callback):
    """Writes this sitting with every checkpoint: one that is killed is counted as far as anything is left of it.

    Args:
        path: of `run.json`.
        checkpoint: of the same training, before this one in the list of callbacks.
        of_steps: generator updates of the whole training.
        own_entries: name of the user's own file that registered the entry.
    """

    def __init__(self, path: Path, checkpoint: Checkpoint, of_steps: int, own_entries: str | None = None):
        super().__init__()
        self.path, self.checkpoint = path, checkpoint
        self.of_steps, self.own_entries = of_steps, own_entries

    def on_train_begin(self, logs=None):
        self.began, self.written_at = time.monotonic(), self.checkpoint.saved_at
        self.before = json.loads(self.path.read_text())["sittings"] if self.path.exists() else []
        self.place = {
            "backend": keras.backend.backend(),
            "machine": _machine(),
            "python": platform.python_version(),
            "commit": _commit(),
            "own_entries": self.own_entries,
            "libraries": {name: _version(name) for name in LIBRARIES if _version(name)},
        }

    def on_train_batch_end(self, batch, logs=None):
        self._write_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self._write_if_due()

    def on_train_end(self, logs=None):
        self._write()

    def _write_if_due(self):
        if self.checkpoint.saved_at != self.written_at:
            self._write()

    def _write(self):
        self.written_at = self.checkpoint.saved_at
        model: Any = self.model
        sitting = {
            "ended_at_step": model.step_count,
            "of_steps": self.of_steps,
            "epochs": self.params["epochs"],
            "seconds": round(time.monotonic() - self.began, 1),
            **self.place,
        }
        with whole_file(self.path) as temporary:
            temporary.write_text(json.dumps({"sittings": [*self.before, sitting]}, indent=2) + "\n")


def _machine():
    from kerasgan import backend

    words = [platform.machine(), f"{os.cpu_count()} processors", platform.system(), *backend.accelerators()]
    return ", ".join(words)


def _commit():
    """The git commit of kerasgan's own sources, with `+` if they were changed since; `None` outside a checkout."""
    git = ["git", "-C", str(Path(__file__).parents[1])]
    try:
        # Only a checkout of ours: installed elsewhere, some other repository may lie around site-packages.
        subprocess.run([*git, "ls-files", "--error-unmatch", "runs.py"], check=True, capture_output=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ".", "../zoo"], check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changed else "")


def _version(library):
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
