"""What HealthMonitor compares: real data as the networks see it, and fresh samples that leave no trace in the model."""

import math
from typing import Any

import keras
import numpy as np

from kerasgan import priors
from kerasgan.data.images import Images

MOST_BYTES = 1 << 29
"""Of real data that are compared with, as float32; large pictures are fewer, but at least `FEWEST`."""

FEWEST = 32

AT_ONCE = 1 << 20
"""Values generated at once; the rest of the samples follow in further calls."""


def real_data(data: Any, n: int, value_range: tuple[float, float]) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Up to n samples, float32 in `value_range`, and their labels.

    Args:
        data: `Images`, an array, or a data set that can be read more than once: a `PyDataset`, a `tf.data.Dataset`, a
            PyTorch `DataLoader`, a list of batches.
        n: how many.
        value_range: to which uint8 is scaled.

    Returns:
        `None` for data that can be read only once.
    """
    if isinstance(data, np.ndarray):
        data = Images(data)
    if isinstance(data, Images):
        n = min(n, max(FEWEST, MOST_BYTES // (4 * math.prod(data.image_shape))))
        chosen = np.random.default_rng(0).permutation(len(data))[:n]
        # Read in the data's order, given in a random one: folders are sorted by class, and some look at the first only.
        order = np.argsort(chosen)
        back = np.argsort(order)
        x = np.asarray(data.x[chosen[order]])[back]
        y = None if data.y is None else data.y[chosen]
    elif hasattr(data, "shape"):
        x, y = keras.ops.convert_to_numpy(data[:n]), None
    else:
        batches = _first_batches(data, n)
        if not batches:
            return None
        columns = [np.concatenate(column)[:n] for column in zip(*batches, strict=True)]
        x, y = columns[0], columns[1] if len(columns) > 1 else None
    if x.dtype == np.uint8:
        low, high = value_range
        x = x.astype("float32") * ((high - low) / 255.0) + low
    if y is not None:
        y = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    return x.astype("float32", copy=False), y


def _first_batches(data, n):
    if isinstance(data, keras.utils.PyDataset):
        iterator = (data[i] for i in range(data.num_batches or 0))
    elif data is None or iter(data) is data:
        return []
    else:
        iterator = iter(data)
    batches: list[list[np.ndarray]] = []
    for batch in iterator:
        parts = batch if isinstance(batch, list | tuple) else (batch,)
        batches.append([keras.ops.convert_to_numpy(part) for part in parts[:2] if part is not None])
        if sum(len(b[0]) for b in batches) >= n:
            break
    return batches


def generated(model: Any, n: int, labels: np.ndarray | None, seed: int = 0) -> np.ndarray:
    """Makes n samples float32 with the generator as it is while it trains; always of the same latents.

    It runs as in a training step, with the statistics of the batch, but neither those nor noise states are kept.
    """
    spec = model.spec
    latents = priors.sample(spec.prior, n, spec.latent_dim, seed)
    wanted = np.resize(np.arange(max(spec.num_classes, 1)) if labels is None else labels, n).astype("int32")
    size = int(np.clip(AT_ONCE // math.prod(spec.image_shape), 16, n))
    parts = []
    with keras.StatelessScope():
        for i in range(0, n, size):
            part = latents[i : i + size]
            inputs = [part, wanted[i : i + size]] if spec.num_classes else part
            parts.append(keras.ops.convert_to_numpy(model.generator(inputs, training=True)))
    return np.concatenate(parts).astype("float32")
