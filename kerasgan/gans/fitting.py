"""What `fit` does around Keras' own loop: check the data, give it an order, and go on where a checkpoint stopped."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerasgan import backend
from kerasgan.callbacks import Checkpoint
from kerasgan.data.batches import Batches
from kerasgan.data.images import Images
from kerasgan.errors import InputError

NO_WEIGHTS = "Samples have no weights here: give fit neither class_weight nor sample_weight."


def fit(
    model: Any,
    keras_fit: Callable,
    x: Any,
    y: Any = None,
    *,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool | None = None,
    initial_epoch: int = 0,
    **kwargs: Any,
):
    """Trains `model`; arguments not named here are those of `keras.Model.fit`.

    Args:
        model: the `AdversarialModel`.
        keras_fit: Keras' `fit`, bound to it.
        x: `kerasgan.data.Images`, or an array (uint8 0..255, or float in the model's `value_range`): shuffled from the
            model's seed, every epoch differently, without the incomplete last batch. Also `Batches`, or whatever else
            Keras takes, in the order it comes.
        y: labels int (n,) for a conditional model, where `x` is an array.
        batch_size: samples per update of the discriminator (64 by default, or all if there are fewer): with
            `n_critic` 5 every step takes 5 times as many. Not with `Batches` or foreign data sets, whose batches hold
            the samples of a whole step.
        epochs: passes over the data, those before `initial_epoch` or a resume included.
        verbose: as in Keras.
        callbacks: with a `kerasgan.callbacks.Checkpoint` among them, training goes on where its folder's newest
            checkpoint stopped, bit for bit, the order of the data included.
        validation_split: part of an array, from its end, to evaluate on and not to train on.
        validation_data: as in Keras.
        shuffle: `False` keeps the order of arrays and Images.
        initial_epoch: as in Keras.
        **kwargs: as in Keras.

    Returns:
        `keras.callbacks.History` of the epochs run now.
    """
    if not model.compiled:
        raise InputError("Call compile() before fit().")
    if kwargs.get("class_weight") is not None or kwargs.get("sample_weight") is not None:
        raise InputError(NO_WEIGHTS)
    callbacks = list(callbacks or [])
    if validation_split and validation_data is None:
        if not isinstance(x, np.ndarray):
            raise InputError("validation_split goes with arrays only. Give validation_data.")
        cut = int(len(x) * (1.0 - validation_split))
        validation_data = (x[cut:],) if y is None else (x[cut:], y[cut:])
        x, y = x[:cut], None if y is None else y[:cut]
    batches = _batches(model, x, y, batch_size, shuffle is not False)
    for callback in callbacks:
        if hasattr(callback, "set_data"):
            callback.set_data(x if batches is None else batches.images)
    options: dict[str, Any] = {
        **kwargs,
        "validation_data": evaluable(model, validation_data, kwargs.get("validation_batch_size") or batch_size),
    }
    if batches is None:
        options |= {"batch_size": batch_size, "shuffle": bool(shuffle)}
        return keras_fit(
            x, y, epochs=epochs, initial_epoch=initial_epoch, verbose=verbose, callbacks=callbacks, **options
        )
    if options.pop("steps_per_epoch", None) is not None:
        raise InputError("steps_per_epoch does not go with arrays or Images: an epoch is one pass over them.")
    options["shuffle"] = False  # Keras would shuffle the order of our batches once more, from a seed of its own

    position = {"epoch": initial_epoch, "step": 0, "order": model.step_count // batches.num_batches}
    for checkpoint in callbacks:
        if isinstance(checkpoint, Checkpoint):
            position = checkpoint.resume(model, batches, position)
    training = _Training(
        callbacks, batches, position, model=model, verbose=verbose, epochs=epochs, steps=batches.num_batches
    )
    first = position["epoch"]
    if position["step"] and first < epochs:
        # Keras cannot begin inside an epoch, so the rest of the interrupted one is an epoch of its own to it.
        batches.start = position["step"]
        feed = backend.feed(batches, model)
        training.continues = first + 1 < epochs
        history = keras_fit(feed, initial_epoch=first, epochs=first + 1, callbacks=training, **options)
        batches.start = 0
        if model.stop_training or not training.continues:
            return history
        first += 1
    training.continues = False
    return keras_fit(backend.feed(batches, model), initial_epoch=first, epochs=epochs, callbacks=training, **options)


class _Training(keras.callbacks.CallbackList):
    """All callbacks of one training, which see one training though a resumed one takes two calls of Keras' fit."""

    def __init__(self, callbacks, batches, position, *, verbose, **params):
        super().__init__(callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, **params)
        self.batches = batches
        self.position = position
        self.began = False
        self.continues = False

    def on_train_begin(self, logs=None):
        if not self.began:
            self.began = True
            super().on_train_begin(logs)

    def on_train_end(self, logs=None):
        if not self.continues or self.model.stop_training:
            super().on_train_end(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = self.position["order"] + epoch - self.position["epoch"]
        if self.batches.start:
            # After Keras' reset: the interrupted epoch's means go on from where they were.
            for variable, value in zip(self.model.metrics_variables, self.position["metrics"], strict=True):
                variable.assign(value)
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(self.batches.start + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        # Keras counts the last execution of several steps as a full one, though the epoch may end before.
        super().on_train_batch_end(self.batches.start + min(batch, self.batches.num_batches - 1), logs)


def evaluable(model, data, batch_size=None):
    """`validation_data`, or the x of `evaluate`, as Keras takes it: `Images` in batches, anything else as it is."""
    if not isinstance(data, Images):
        return data
    model.check_data(data)
    # Several devices share each batch, and could not share a smaller last one.
    whole = backend.several_devices(model)
    return backend.feed(Batches(data, min(batch_size or 64, len(data)), shuffle=False, remainder=not whole))


def _batches(model, x, y, batch_size, shuffle) -> Batches | None:
    """Batches of whole steps, or `None` for a data set whose order is not ours."""
    parts = model.n_critic * model.gradient_accumulation
    if isinstance(x, Batches):
        if x.batch_size % parts:
            raise InputError(
                f"Every step cuts its batch into {parts} parts (n_critic {model.n_critic}, gradient_accumulation "
                f"{model.gradient_accumulation}). Received batches of {x.batch_size}."
            )
        model.check_data(x.images)
        return x
    if not isinstance(x, Images | np.ndarray):
        if parts > 1:
            raise InputError(
                f"Every step cuts its batch into {parts} equal parts (n_critic {model.n_critic}, gradient_accumulation "
                f"{model.gradient_accumulation}), which needs an array, kerasgan.data.Images or Batches. "
                f"Received: {type(x).__name__}."
            )
        return None
    if isinstance(x, Images):
        if y is not None:
            raise InputError("Images carry their labels. Received y beside them.")
    else:
        x = Images(x, y)
    model.check_data(x)
    if batch_size is None:
        batch_size = min(64, len(x) // model.n_critic)
        batch_size -= batch_size % model.gradient_accumulation
        if not batch_size:
            raise InputError(f"{len(x)} samples are too few for a step that takes {parts} parts.")
    if batch_size % model.gradient_accumulation:
        raise InputError(
            f"batch_size must be a multiple of gradient_accumulation={model.gradient_accumulation}. "
            f"Received: {batch_size}."
        )
    return x.batches(batch_size * model.n_critic, seed=model.seed or 0, shuffle=shuffle)
