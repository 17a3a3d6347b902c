"""JsonLog: one line per epoch."""

from pathlib import Path
from typing import Any

import keras

from kerasgan import jsonl


class JsonLog(keras.callbacks.Callback):
    """One JSON line per epoch: `{"epoch": 1, "step": 28, "loss": ...}`; no clock times, so equal runs log equally.

    Lines beyond the step at which a training is taken up again are cut off.

    Example:
        >>> log = kg.callbacks.JsonLog("runs/mine/log.jsonl")
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0, callbacks=[log])
        >>> Path("runs/mine/log.jsonl").read_text()[:23]
        '{"epoch": 1, "step": 23'
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)

    def on_train_begin(self, logs=None):
        model: Any = self.model
        jsonl.cut(self.path, model.step_count)

    def on_epoch_end(self, epoch, logs=None):
        model: Any = self.model
        jsonl.cut_epoch(self.path, epoch + 1)
        row = {"epoch": epoch + 1, "step": model.step_count, **{k: float(v) for k, v in (logs or {}).items()}}
        jsonl.append(self.path, row)
