"""BestGenerator: the best generator of a training, by its score and not by its date."""

import contextlib
import math
import warnings
from pathlib import Path
from typing import Any

import keras

from kerasgan import jsonl
from kerasgan.errors import DivergedError, InputError
from kerasgan.sampler import Sampler


class BestGenerator(keras.callbacks.Callback):
    """Scores the averaged generator every so often, on a small protocol, and keeps the best as a `Sampler`.

    The score serves to compare moments of one training; for figures to show others use `kerasgan.metrics.evaluate`.
    Put it before `Checkpoint`.

    Args:
        path: of the Sampler, `.keras`.
        metric: a name of `kerasgan.metrics.METRICS`.
        data: real images, see `kerasgan.metrics.Evaluator`; by default what `fit` is given, where that is an array or
            `Images`.
        n: number of real and of generated images.
        every: epochs between two scores.
        log: of a file with one JSON line per score, `{"epoch": 1, "step": 28, "fid": 30.1, "best": true}`, cut where a
            training is taken up again; `None` for "scores.jsonl" beside `path`.
        recipe: written into the Sampler.
        **options: further arguments of `kerasgan.metrics.Evaluator`: `extractor`, `layer`, `seed`.

    Attributes:
        best: the best line of the log so far, `None` before the first.

    Example:
        >>> best = kg.callbacks.BestGenerator("runs/mine/best_sampler.keras", n=100)
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0, callbacks=[best])
        >>> best.best
        {'epoch': 1, 'step': 23, 'fid': ..., 'best': True}
    """

    def __init__(
        self,
        path: str | Path,
        metric: str = "fid",
        *,
        data: Any = None,
        n: int = 1000,
        every: int = 1,
        log: str | Path | None = None,
        recipe: dict[str, Any] | None = None,
        **options: Any,
    ):
        super().__init__()
        if every < 1:
            raise InputError(f"every must be at least 1. Received: {every}.")
        self.path = Path(path)
        self.metric, self.data, self.n, self.every = metric, data, n, every
        self.log = Path(log) if log else self.path.with_name("scores.jsonl")
        self.recipe, self.options = recipe, options
        self.best: dict[str, Any] | None = None

    def set_data(self, data: Any) -> None:
        """What `fit` trains on."""
        self.data = data if self.data is None else self.data

    def on_train_begin(self, logs=None):
        from kerasgan import metrics

        model: Any = self.model
        if self.data is None:
            raise InputError("BestGenerator needs real images to score against. Give data.")
        self.evaluator = self._quietly(
            lambda: metrics.Evaluator(
                self.data, (self.metric,), n=self.n, floor=False, progress=False,
                image_shape=model.image_shape, **self.options,
            )
        )  # fmt: skip
        # Some metrics give several values: the first that has a better and a worse.
        self.score, sign = next((name, sign) for name, sign in metrics.METRICS[self.metric].values.items() if sign)
        self.higher = sign > 0
        self.sampler = Sampler(model.ema_generator, model.spec)
        self.best = None
        for row in jsonl.cut(self.log, model.step_count):
            self._compare(row)

    def on_epoch_end(self, epoch, logs=None):
        model: Any = self.model
        if (epoch + 1) % self.every:
            return
        row = {"epoch": epoch + 1, "step": model.step_count}
        # A generator that gives NaN is none of the best, and no reason to end a training either.
        with contextlib.suppress(DivergedError):
            row[self.score] = float(self._quietly(lambda: self.evaluator.score(self.sampler)[self.score]))
        row["best"] = self._compare(row)
        if row["best"]:
            model.sampler(self.recipe).save(self.path)
        jsonl.append(self.log, row)

    def _compare(self, row):
        """Keeps the row if it is the best so far, and says whether it is."""
        value, best = row.get(self.score, math.nan), (self.best or {}).get(self.score)
        better = math.isfinite(value) and (best is None or (value > best if self.higher else value < best))
        if better:
            self.best = row
        return better

    @staticmethod
    def _quietly(function):
        # The protocol is small on purpose; its warnings say so at every score.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return function()
