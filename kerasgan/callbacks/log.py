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
        rows = jsonl.cut(self.path, model.step_count)
        # A training that was stopped inside an epoch has told of it, and goes on in it.
        inside = self.params.get("steps") and model.step_count % self.params["steps"]
        if inside and rows and rows[-1]["step"] == model.step_count:
            jsonl.cut(self.path, model.step_count - 1)

    def on_epoch_end(self, epoch, logs=None):
        model: Any = self.model
        row = {"epoch": epoch + 1, "step": model.step_count, **{k: float(v) for k, v in (logs or {}).items()}}
        jsonl.append(self.path, row)
