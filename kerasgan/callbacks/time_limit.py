"""TimeLimit: a training in sittings of so many minutes."""

import time
from typing import Any

import keras

from kerasgan.callbacks.checkpoint import Checkpoint


class TimeUp(Exception):  # noqa: N818  no error
    """The time of this sitting is over; a checkpoint was written after the last step."""


class TimeLimit(keras.callbacks.Callback):
    """Raises `TimeUp` after so many minutes: unlike a training told to stop, an interrupted one leaves its epoch open.

    Args:
        checkpoint: of the same training, before this one in the list of callbacks.
        minutes: from the beginning of `fit`, its compilation included.
    """

    def __init__(self, checkpoint: Checkpoint, minutes: float):
        super().__init__()
        self.checkpoint, self.minutes = checkpoint, minutes
        self.end = float("inf")

    def on_train_begin(self, logs=None):
        self.end = time.monotonic() + 60.0 * self.minutes

    def on_train_batch_end(self, batch, logs=None):
        batches: Any = self.checkpoint.batches
        # The end of an epoch is left to on_epoch_end, when the epoch's own records are written.
        if batch + 1 < batches.start + batches.num_batches:
            self._end_if_due()

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self.params["epochs"]:
            self._end_if_due()

    def _end_if_due(self):
        if time.monotonic() >= self.end:
            self.checkpoint.save()
            raise TimeUp
