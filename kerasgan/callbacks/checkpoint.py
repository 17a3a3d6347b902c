"""Checkpoint: exact resume."""

import time
from pathlib import Path
from typing import Any

import keras

from kerasgan import checkpoint
from kerasgan.errors import InputError

YOUNGER = {"mismatched": 0.0}
"""Settings that older checkpoints do not name, and what those were trained with."""


class Checkpoint(keras.callbacks.Callback):
    """Saves everything a training needs to go on bit for bit, and makes `fit` go on from there.

    Saved are all weights, both optimizers, the average, noise states, running means, and the position in the data. Put
    it last among the callbacks, so that what the others wrote for an epoch is there when the checkpoint says so.

    Args:
        folder: where the checkpoints lie; the newest two are kept.
        every: seconds between two of them, at least; there is always one at the end of the training.

    Example:
        >>> checkpoint = kg.callbacks.Checkpoint("runs/mine/checkpoints")
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0, callbacks=[checkpoint])
        >>> checkpoint.position  # where the same call, with more epochs, would go on
        {'epoch': 1, 'step': 0, 'order': 1}
    """

    def __init__(self, folder: str | Path, every: float = 30.0):
        super().__init__()
        self.folder = Path(folder)
        self.every = every
        self.batches: Any = None
        self.position: dict | None = None
        self.saved: dict | None = None
        self.saved_at = 0.0

    def resume(self, model: keras.Model, batches: Any, position: dict) -> dict:
        """Restores the newest checkpoint into the model; returns where to go on, or `position` if there is none."""
        self.batches = batches
        found = checkpoint.read_newest(self.folder)
        if found is None:
            return position
        values, meta = found
        now = {**self._data_order(), **model.settings}
        younger = {name: value for name, value in YOUNGER.items() if name in now}
        then = {**younger, **meta["data"], **meta["settings"]}
        differences = [
            f"{k}: {then.get(k)!r} -> {now.get(k)!r}"
            for k in sorted({*then, *now})
            # An optimizer's argument that only one side knows comes from another version of Keras.
            if then.get(k) != now.get(k) and ("_optimizer." not in k or (k in then and k in now))
        ]
        if differences:
            raise InputError(
                f"The checkpoints in {str(self.folder)!r} were made with other data or settings "
                f"({'; '.join(differences)}). Use another folder, or the same data and settings."
            )
        variables = model.all_state
        checkpoint.restore(variables, values)
        by_id = {id(v): value for v, value in zip(variables, values, strict=True)}
        self.saved = self.position = meta["position"]
        return {**meta["position"], "metrics": [by_id[id(v)] for v in model.metrics_variables]}

    def _data_order(self):
        b = self.batches
        return {"data": b.images.fingerprint, "batch_size": b.batch_size, "seed": b.seed, "shuffle": b.shuffle}

    def save(self) -> None:
        """Writes one now, inside a training."""
        model: Any = self.model
        meta = {
            "steps": model.step_count,
            "position": self.position,
            "data": self._data_order(),
            "settings": model.settings,
        }
        checkpoint.write(self.folder, model.all_state, meta)
        self.saved, self.saved_at = self.position, time.monotonic()

    def _due(self):
        return time.monotonic() - self.saved_at >= self.every

    def on_train_begin(self, logs=None):
        if self.batches is None:
            raise InputError(
                "Checkpoint needs data whose order can be restored: give fit an array, kerasgan.data.Images or Batches."
            )
        self.saved_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.position = {"epoch": self.epoch, "step": batch + 1, "order": self.batches.epoch}
        # The end of an epoch is left to on_epoch_end, when the epoch's own records are written.
        if batch + 1 < self.batches.start + self.batches.num_batches and self._due():
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        # A callback may have stopped the training inside the epoch, which is then not over.
        if self.position is None or self.position["step"] in (0, self.batches.start + self.batches.num_batches):
            self.position = {"epoch": epoch + 1, "step": 0, "order": self.batches.epoch + 1}
        if self._due():
            self.save()

    def on_train_end(self, logs=None):
        if self.position != self.saved:
            self.save()
