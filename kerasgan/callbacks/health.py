"""HealthMonitor: sees a training fail while it runs, says so, and may stop it or go back."""

import math
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from tqdm.auto import tqdm

from kerasgan import jsonl
from kerasgan.callbacks.advice import TITLES, advice
from kerasgan.callbacks.diversity import Diversity, effective_number
from kerasgan.callbacks.samples import FEWEST, generated, real_data
from kerasgan.callbacks.snapshots import Snapshots
from kerasgan.callbacks.verdicts import WINDOWED, Verdicts
from kerasgan.errors import InputError, unknown_name

ACTIONS = ("warn", "stop", "rollback")
REAL = 2048


class HealthMonitor(keras.callbacks.Callback):
    """Watches a training for mode collapse, a dead or perfect discriminator, vanishing or exploding gradients, NaN.

    Every so many steps the generator's samples are compared with real data (how far apart they lie, how many of the
    data's clusters they reach), and losses, accuracies and gradient norms with what they were. NaN is seen at its step.
    Nothing it does changes the training unless it goes back. Put it before `Checkpoint`.

    Args:
        path: of a log with one JSON line per check and per event, `None` for none. It is cut and read again when a
            training is taken up again, so that the monitor goes on as if it had never stopped.
        on_collapse: what follows any trouble: `"warn"` says what was seen and what to try; `"stop"` also ends the
            training; `"rollback"` goes back to the last state known to be healthy, with lower learning rates.
            Data order, noise and step count go on, and files stay; a schedule of the rates goes back with the weights.
        every: steps between two checks.
        n: samples per check.
        warmup: steps before which only NaN counts, for every generator begins undiverse.
        patience: checks in a row that must agree.
        classifier: `keras.Model` from real samples float32 (0..255 for pictures) to logits (batch, classes), by which
            the entropy of the classes is compared, too.
        data: real data; by default what `fit` is given. Of data sets that are not ours, `fit`'s first batches are read
            once more, which moves the order of a shuffled one; of a generator, nothing can be.
        factor: of both learning rates at a rollback.
        max_rollbacks: then the training ends.

    Attributes:
        events: the events so far: `{"step", "event", "saw", "try", "did"}`.
        status: "starting", "healthy", or what is wrong.

    Example:
        >>> monitor = kg.callbacks.HealthMonitor("runs/mine/health.jsonl", on_collapse="rollback")
        >>> history = gan.fit(images, batch_size=64, epochs=1, verbose=0, callbacks=[monitor])
        >>> monitor.status, monitor.events
        ('starting', [])
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        on_collapse: str = "warn",
        every: int = 50,
        n: int = 256,
        warmup: int = 300,
        patience: int = 4,
        classifier: keras.Model | None = None,
        data: Any = None,
        factor: float = 0.5,
        max_rollbacks: int = 3,
    ):
        super().__init__()
        if on_collapse not in ACTIONS:
            raise unknown_name("on_collapse", on_collapse, ACTIONS)
        for name, value, least in (("every", every, 1), ("n", n, FEWEST), ("patience", patience, 1)):
            if value < least:
                raise InputError(f"{name} must be at least {least}. Received: {value}.")
        if not 0.0 < factor <= 1.0:
            raise InputError(f"factor must lie above 0 and be at most 1. Received: {factor}.")
        self.path = Path(path) if path else None
        self.on_collapse = on_collapse
        self.every, self.n = every, n
        self.verdicts = Verdicts(warmup, patience)
        self.classifier = classifier
        self.data, self.given = data, data is not None
        self.factor, self.max_rollbacks = factor, max_rollbacks
        self.events: list[dict[str, Any]] = []
        self.diversity: Diversity | None = None
        self.labels: np.ndarray | None = None
        self.classes = 0.0
        self.step = self.first = self.epoch = 0

    def set_data(self, data: Any) -> None:
        """What `fit` trains on: `Images`, or whatever else Keras takes."""
        if not self.given:
            self.data = data

    @property
    def status(self) -> str:
        if self.verdicts.active:
            return ", ".join(sorted(TITLES[kind] for kind in self.verdicts.active))
        return "starting" if self.step < self.verdicts.warmup else "healthy"

    def on_train_begin(self, logs=None):
        model: Any = self.model
        self.step = model.step_count
        self._replay()
        self._meet_data(model)
        self.snapshots = Snapshots(2 * self.verdicts.patience * self.every)
        if self.on_collapse == "rollback" and not self.verdicts.doubtful:
            self.snapshots.take(model, self.step)

    def _replay(self):
        """Judges the checks of a training that is taken up again once more, to know what was known."""
        self.verdicts = Verdicts(self.verdicts.warmup, self.verdicts.patience)
        rows = jsonl.cut(self.path, self.step) if self.path else []
        self.events = [row for row in rows if "event" in row]
        for row in rows:
            if row.get("did", "").startswith("rolled back"):
                self.verdicts.restart(row["step"])
            elif "event" not in row:
                self.verdicts.observe(row)
        if self.on_collapse != "warn":
            self.verdicts.active.clear()  # what is still wrong will be seen, and acted upon

    def _meet_data(self, model):
        found = real_data(self.data, REAL, model.value_range) if hasattr(model, "spec") else None
        if found is None or len(found[0]) < FEWEST or not np.ptp(found[0]):
            return
        real, labels = found
        self.labels = labels if model.needs_labels else None  # an InfoGAN's are codes of its own
        self.diversity = Diversity(real, self.n)
        if self.classifier:
            self.classes = effective_number(self._class_counts(self.classifier, model, real))

    @staticmethod
    def _class_counts(classifier, model, samples):
        low, high = model.value_range
        if samples.ndim == 4:
            samples = np.clip((samples - low) * (255.0 / (high - low)), 0.0, 255.0)
        logits = np.asarray(classifier.predict(samples, verbose=0))
        return np.bincount(logits.argmax(axis=-1), minlength=logits.shape[-1])

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self.first = batch

    def on_train_batch_end(self, batch, logs=None):
        before, self.step = self.step, self.step + batch + 1 - self.first
        logs = logs or {}
        # Keras has made these numbers already, so looking at them costs nothing.
        bad = not all(math.isfinite(value) for value in logs.values())
        if self.step // self.every > before // self.every or (bad and "nan" not in self.verdicts.active):
            self._check(logs)

    def _check(self, logs):
        model: Any = self.model  # on JAX this fetches the state, so only now
        row: dict[str, Any] = {
            "step": self.step,
            "epoch": self.epoch + 1,
            "over": int(_number(model.trackers["loss"].count)),
        }
        row |= {name: _finite(logs[name]) for name in WINDOWED if name in logs}
        if self.diversity:
            row |= self._compare(model, self.diversity)
        self._log(row)
        troubles = self.verdicts.observe(row)
        if troubles:
            self._respond(model, troubles)
        elif self.on_collapse == "rollback" and not self.verdicts.doubtful:
            self.snapshots.take_if_due(model, self.step)

    def _compare(self, model, diversity):
        samples = generated(model, self.n, self.labels)
        if not np.isfinite(samples).all():
            return {"spread": None}
        measures = diversity.measure(samples)
        if self.classes:
            measures["classes"] = effective_number(self._class_counts(self.classifier, model, samples)) / self.classes
        return {name: _finite(value) for name, value in measures.items()}

    def _respond(self, model, troubles):
        tries = [advice(trouble.kind, model) for trouble in troubles]  # before a rollback moves the rates
        did = self._act(model, troubles)
        for trouble, what in zip(troubles, tries, strict=True):
            event = {"step": self.step, "event": trouble.kind, "saw": trouble.saw, "try": what, "did": did}
            self.events.append(event)
            self._log(event)
            said = f"Step {self.step:,}, {TITLES[trouble.kind]}: {trouble.saw}. Try: {what}. ({did})"
            tqdm.write(said, file=sys.stderr)

    def _act(self, model, troubles):
        """Does what `on_collapse` asks for, and says what that was."""
        if self.on_collapse == "warn":
            return "warned"
        why = "as asked"
        if self.on_collapse == "rollback":
            done = len({event["step"] for event in self.events if event["did"].startswith("rolled back")})
            # NaN comes at once; anything else brews before it shows, so what was kept just before may be ill already.
            sudden = any(trouble.kind == "nan" for trouble in troubles)
            healthy = self.snapshots.before(self.step - (0 if sudden else 2 * self.verdicts.patience * self.every))
            if done < self.max_rollbacks and healthy is not None:
                rates = self.snapshots.restore(model, healthy, self.factor)
                self.verdicts.restart(self.step)
                return f"rolled back to step {healthy}, learning rates {rates}"
            why = f"after {done} rollbacks" if done else "there is no healthy state to go back to"
        model.stop_training = True
        return f"stopped, {why}"

    def _log(self, row):
        if self.path:
            jsonl.append(self.path, row)


def _number(variable) -> float:
    return float(keras.ops.convert_to_numpy(variable))


def _finite(value: float) -> float | None:
    """Rounded for the log; `None` for NaN and infinity, which JSON does not know."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
