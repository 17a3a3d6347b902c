"""Small classifiers: extractors of features, and judges of labels.

`load` gives those that come with the package (digits, mnist, cifar10), trained by `scripts/train_classifiers.py`; `fit`
trains one for any labelled pictures.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.errors import InputError, unknown_name
from kerasgan.metrics import classic
from kerasgan.precision import built_in

__all__ = ["accuracy", "build", "fit", "load", "names", "predicted", "record"]

WEIGHTS = Path(__file__).parent / "weights"
RECORDS = WEIGHTS / "classifiers.json"
FEATURES = "features"
"""Name of the layer whose output is taken as features."""

BATCH = 128
UPDATES = 3000
"""By default a training has about this many updates: few images are seen more often than many."""
EPOCHS = (8, 100)
PEAK = 0.1
"""Learning rate at its highest, for a batch of 128."""


def build(
    image_shape: tuple[int, int, int], num_classes: int, width: int = 24, features: int = 64, seed: int = 0
) -> keras.Model:
    """An untrained classifier: 3x3 convolutions, halved in size until the shorter side is 8 or less.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: number of classes.
        width: channels at full size; doubled at each halving, up to 4 times.
        features: length of the features.
        seed: of the first weights.

    Returns:
        Functional `keras.Model` from `image` float32 (n, height, width, channels), 0 to 255, to logits float32
        (n, num_classes). Its layer `features`, float32 (n, features), is what the logits are computed from.

    Example:
        >>> model = kg.metrics.classifiers.build((32, 32, 3), num_classes=5)
        >>> model.output_shape, model.get_layer("features").output.shape
        ((None, 5), (None, 64))
    """
    drawn = iter(range(1000))

    def convolved(x, channels):
        start = keras.initializers.HeNormal(seed=1000 * seed + next(drawn))
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer=start)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    image = keras.Input(image_shape, name="image")
    x = convolved(layers.Rescaling(1 / 64.0, offset=-2.0)(image), width)
    size, channels = min(image_shape[:2]), width
    while size > 8 or channels == width:
        size, channels = -(-size // 2), min(2 * channels, 4 * width)
        x = convolved(layers.MaxPooling2D(2, padding="same")(x), channels)
    x = layers.Add()([x, convolved(x, channels)])
    x = convolved(layers.MaxPooling2D(2, padding="same")(x), features)
    x = layers.GlobalAveragePooling2D(name=FEATURES, dtype="float32")(x)
    start = keras.initializers.GlorotUniform(seed=1000 * seed + next(drawn))
    logits = layers.Dense(num_classes, kernel_initializer=start, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="classifier")


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    *,
    epochs: float | None = None,
    steps: int | None = None,
    batch_size: int = BATCH,
    seed: int = 0,
    augment: str | classic.Augment | None = None,
    width: int = 24,
    features: int = 64,
    verbose: int = 0,
) -> keras.Model:
    """Trains a classifier: SGD with Nesterov momentum, one cycle of the learning rate, decoupled weight decay.

    Args:
        images: uint8 (n, height, width, channels).
        labels: whole numbers (n,) from 0 to `num_classes - 1`.
        num_classes: number of classes, also of those that no label names.
        epochs: passes over the images; `None` makes it about `UPDATES` updates, within `EPOCHS`.
        steps: number of updates, in place of `epochs`.
        batch_size: images per update; all of them where there are fewer.
        seed: of the first weights, the order and the augmentation.
        augment: see `kerasgan.metrics.classic.get`.
        width: see `build`.
        features: see `build`.
        verbose: 1 shows Keras' progress bar.

    Returns:
        The model of `build`, trained and not compiled.

    Raises:
        InputError: images or labels of another dtype or shape, labels out of range, or less than 1 of something.

    Example:
        >>> model = kg.metrics.classifiers.fit(x, y, num_classes=10, steps=30, width=4)
        >>> kg.metrics.classifiers.accuracy(model, x, y) > 0.2  # of so short a training
        True
    """
    images, labels = _checked(images, labels, num_classes)
    for name, value in (("steps", steps), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1. Received: {value}.")
    batch_size = min(batch_size, len(images))
    if epochs is None:
        epochs = float(np.clip(UPDATES * batch_size / len(images), *EPOCHS))
    if steps is None:
        steps = max(1, round(epochs * len(images) / batch_size))
    with built_in("float32"):  # scores do not depend on what a user trains in
        model = build(images.shape[1:], num_classes, width, features, seed)
    optimizer = keras.optimizers.SGD(
        OneCycle(PEAK * batch_size / BATCH, steps), momentum=0.9, nesterov=True, weight_decay=5e-3
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    stream = _Stream(images, labels, batch_size, steps, seed, classic.get(augment, images.shape[1:]))
    model.fit(stream, epochs=1, shuffle=False, verbose=verbose)
    return keras.Model(
        model.inputs[0], model.outputs[0], name=model.name
    )  # the same layers, without the optimizer's state


def predicted(model: keras.Model, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """The class of the largest logit for each of the images uint8 (n, height, width, channels): int64 (n,).

    Example:
        >>> kg.metrics.classifiers.predicted(kg.metrics.classifiers.load("digits"), x[:100]).shape
        (100,)
    """
    # Without `predict`, which on every new model traces a function that is called a few times only.
    parts = (images[i : i + batch_size] for i in range(0, len(images), batch_size))
    return np.concatenate([ops.convert_to_numpy(model(part, training=False)).argmax(-1) for part in parts])


def accuracy(model: keras.Model, images: np.ndarray, labels: np.ndarray, batch_size: int = 500) -> float:
    """Share of the images, uint8 (n, height, width, channels), whose largest logit is that of their label.

    Example:
        >>> test = kg.data.load("digits", split="test")
        >>> round(kg.metrics.classifiers.accuracy(kg.metrics.classifiers.load("digits"), test.x, test.y), 2)
        0.99
    """
    images, labels = _checked(images, labels, model.output_shape[-1])
    return float(np.mean(predicted(model, images, batch_size) == labels))


def names() -> list[str]:
    """Names of the classifiers that come with the package.

    Example:
        >>> kg.metrics.classifiers.names()
        ['cifar10', 'digits', 'mnist']
    """
    return sorted(_records())


def record(name: str) -> dict[str, Any]:
    """What is known of a classifier: file, SHA-256, sizes, data set, accuracy, command, seed, seconds, versions.

    Raises:
        InputError: an unknown name, with close matches.

    Example:
        >>> kg.metrics.classifiers.record("digits")["image_shape"]
        [28, 28, 1]
    """
    records = _records()
    if name not in records:
        raise unknown_name("classifier", name, records)
    return records[name]


def load(name: str) -> keras.Model:
    """A classifier that comes with the package; its file must have the SHA-256 of its record.

    Raises:
        InputError: an unknown name, or a file that is missing or not the one recorded.

    Example:
        >>> model = kg.metrics.classifiers.load("digits")
        >>> features = keras.Model(model.input, model.get_layer("features").output)
        >>> features.predict(x[:4], verbose=0).shape
        (4, 64)
    """
    entry = record(name)
    path = WEIGHTS / entry["file"]
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != entry["sha256"]:
        raise InputError(
            f"{str(path)!r} is not the classifier that was recorded. Expected SHA-256 {entry['sha256']}. "
            f"Received: {found}. Install kerasgan again."
        )
    model = keras.models.load_model(path, compile=False)
    # The files hold lists of one input and one output: a model called with a plain tensor would warn.
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _records() -> dict[str, dict[str, Any]]:
    return json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.is_file() else {}


def _checked(images: np.ndarray, labels: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    images, labels = np.asanyarray(images), np.asarray(labels)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise InputError(
            f"Expected images uint8 (n, height, width, channels), n > 0. Received: {images.dtype} {images.shape}."
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"Expected labels of whole numbers ({len(images)},), one for each image. "
            f"Received: {labels.dtype} {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f"Labels must lie between 0 and {num_classes - 1}. Received labels from {labels.min()} to {labels.max()}."
        )
    return images, labels


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Linear from a tenth of the peak up over a fifth of the steps, then linear down to zero (Smith, 2018)."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        done = ops.cast(step, "float32") / self.steps
        up, down = 0.1 + 0.9 * done / 0.2, (1.0 - done) / 0.8
        return self.peak * ops.clip(ops.minimum(up, down), 0.0, 1.0)

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


class _Stream(keras.utils.PyDataset):
    """Every update's batch, a function of the seed and its number: epoch after epoch, each in an order of its own."""

    def __init__(self, images, labels, batch_size, steps, seed, augment):
        super().__init__()
        self.images, self.labels = images, labels
        self.batch_size, self.steps, self.seed, self.augment = batch_size, steps, seed, augment
        self._orders: dict[int, np.ndarray] = {}

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        n = len(self.images)
        first = index * self.batch_size
        places = range(first, first + self.batch_size)
        chosen = np.array([self._order(place // n)[place % n] for place in places])
        images = self.images[chosen]
        if self.augment:
            images = self.augment(images, np.random.default_rng([self.seed, 1, index]))
        return images, self.labels[chosen]

    def _order(self, epoch):
        if epoch not in self._orders:
            order = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.images))
            self._orders = {k: v for k, v in self._orders.items() if k == epoch - 1} | {epoch: order}
        return self._orders[epoch]
