"""What a run leaves behind while it trains: checkpoints, a log, sample grids, a progress line."""

import json
import time
from pathlib import Path
from typing import Any

import keras
from tqdm.auto import tqdm

from kerasgan import checkpoint, viz
from kerasgan.errors import InputError
from kerasgan.files import whole_file
from kerasgan.sampler import Sampler


class Checkpoint(keras.callbacks.Callback):
    """Saves everything a training needs to go on bit for bit, and makes `fit` go on from there.

    Saved are all weights, both optimizers, the average, noise states, running means, and the position in the data. Put
    it last among the callbacks, so that what the others wrote for an epoch is there when the checkpoint says so.

    Args:
        folder: where the checkpoints lie; the newest two are kept.
        every: seconds between two of them, at least; there is always one at the end of the training.

    Example:
        >>> gan.fit(images, epochs=50, callbacks=[kg.callbacks.Checkpoint("runs/faces/checkpoints")])
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
        then = {**meta["data"], **meta["settings"]}
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

    def _save(self):
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
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        self.position = {"epoch": epoch + 1, "step": 0, "order": self.batches.epoch + 1}
        if self._due():
            self._save()

    def on_train_end(self, logs=None):
        if self.position != self.saved:
            self._save()


class JsonLog(keras.callbacks.Callback):
    """One JSON line per epoch: `{"epoch": 1, "step": 28, "loss": ...}`; no clock times, so equal runs log equally.

    Lines beyond the step at which a training is taken up again are cut off.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)

    def on_train_begin(self, logs=None):
        model: Any = self.model
        steps = model.step_count
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [line for line in lines if _step_of(line) <= steps]
        with whole_file(self.path) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept))

    def on_epoch_end(self, epoch, logs=None):
        model: Any = self.model
        row = {"epoch": epoch + 1, "step": model.step_count, **{k: float(v) for k, v in (logs or {}).items()}}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _step_of(line: str) -> float:
    """The step of a log line; a line torn by a kill counts as beyond every step."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples after every epoch, always of the same latents, and an animation of all at the end.

    Args:
        folder: for `epoch-0001.png` and so on, and `training.gif`.
        n: number of samples; a conditional GAN shows its classes in turn.
        columns: samples in a row; `None` for a square grid, or one class per column.
        seed: of the latents.
        scale: each pixel is drawn this many times as large.
    """

    def __init__(self, folder: str | Path, n: int = 64, columns: int | None = None, seed: int = 0, scale: int = 1):
        super().__init__()
        self.folder = Path(folder)
        self.n, self.columns, self.seed, self.scale = n, columns, seed, scale

    def set_model(self, model):
        super().set_model(model)
        # Made once, around the average itself: a copy for each epoch would be compiled again each time.
        self.sampler = Sampler(model.ema_generator, model.spec)

    def on_epoch_end(self, epoch, logs=None):
        spec = self.sampler.spec
        columns = self.columns or (spec.num_classes if 1 < spec.num_classes <= 20 else None)
        images = self.sampler.generate(self.n, seed=self.seed)
        viz.save_grid(images, self.folder / f"epoch-{epoch + 1:04d}.png", columns, self.scale)

    def on_train_end(self, logs=None):
        frames = sorted(self.folder.glob("epoch-*.png"))
        if frames:
            viz.save_gif(frames, self.folder / "training.gif")


class Progress(keras.callbacks.Callback):
    """One progress bar over the whole training, in images: seen, per second, time left, both losses.

    Args:
        images_per_step: images in one batch of `fit`.
    """

    def __init__(self, images_per_step: int):
        super().__init__()
        self.images_per_step = images_per_step
        self.bar: tqdm | None = None
        self.shown_at = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.bar is None:
            images = self._images(batch)
            self.bar = tqdm(total=self._images(self.params["steps"], self.params["epochs"] - 1), initial=images,
                            unit=" images", unit_scale=True, dynamic_ncols=True)  # fmt: skip

    def on_train_batch_end(self, batch, logs=None):
        if self.bar is None:
            return
        # Reading a loss waits for the device, so it is read twice a second only.
        if time.monotonic() - self.shown_at > 0.5:
            self.shown_at = time.monotonic()
            losses = {name: f"{float((logs or {})[name]):.3f}" for name in ("d_loss", "g_loss")}
            self.bar.set_postfix(losses, refresh=False)
            self.bar.set_description(f"epoch {self.epoch + 1}/{self.params['epochs']}", refresh=False)
        self.bar.update(self._images(batch + 1) - self.bar.n)

    def on_train_end(self, logs=None):
        if self.bar is not None:
            self.bar.close()

    def _images(self, steps, epoch=None):
        epoch = self.epoch if epoch is None else epoch
        return (epoch * self.params["steps"] + steps) * self.images_per_step
