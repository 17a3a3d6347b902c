"""Progress: one bar over the whole training."""

import time

import keras
from tqdm.auto import tqdm

from kerasgan.callbacks.health import HealthMonitor


class Progress(keras.callbacks.Callback):
    """One progress bar over the whole training, in images: seen, per second, time left, both losses.

    Args:
        images_per_step: images in one batch of `fit`.
        health: a monitor whose verdict is shown, too.

    Example:
        >>> progress = kg.callbacks.Progress(images_per_step=64)
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0, callbacks=[progress])
        >>> progress.bar.n, progress.bar.total
        (1472, 1472)
    """

    def __init__(self, images_per_step: int, health: HealthMonitor | None = None):
        super().__init__()
        self.health = health
        self.images_per_step = images_per_step
        self.bar: tqdm | None = None
        self.shown_at = 0.0
        self.before = 0  # images of the epochs before, where nobody knows how many one has

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.bar is None:
            images = self._images(batch)
            known = self.params.get("steps")  # not of data of unknown length
            self.bar = tqdm(total=self._images(known, self.params["epochs"] - 1) if known else None, initial=images,
                            unit=" images", unit_scale=True, dynamic_ncols=True)  # fmt: skip

    def on_train_batch_end(self, batch, logs=None):
        if self.bar is None:
            return
        # Reading a loss waits for the device, so it is read twice a second only.
        if time.monotonic() - self.shown_at > 0.5:
            self.shown_at = time.monotonic()
            losses = {name: f"{float((logs or {})[name]):.3f}" for name in ("d_loss", "g_loss")}
            if self.health:
                losses["health"] = self.health.status
            self.bar.set_postfix(losses, refresh=False)
            self.bar.set_description(f"epoch {self.epoch + 1}/{self.params['epochs']}", refresh=False)
        self.bar.update(self._images(batch + 1) - self.bar.n)

    def on_train_end(self, logs=None):
        if self.bar is not None:
            self.bar.close()

    def on_epoch_end(self, epoch, logs=None):
        if not self.params.get("steps") and self.bar is not None:
            self.before = self.bar.n

    def _images(self, steps, epoch=None):
        if not self.params.get("steps"):
            return self.before + steps * self.images_per_step
        epoch = self.epoch if epoch is None else epoch
        return (epoch * self.params["steps"] + steps) * self.images_per_step
