"""Batches: what `model.fit` iterates, in an order that can be made again."""

import keras
import numpy as np

from kerasgan.data.images import Images
from kerasgan.errors import InputError


class Batches(keras.utils.PyDataset):
    """Whole batches of `Images`; each is a pure function of the seed, the epoch and its number.

    The images left over when the batches are full are dropped, others in each epoch because the order changes; with
    `remainder` they are one smaller batch more.

    `GAN.fit` sets `epoch` and `start`. With any other Keras model the order stays that of epoch 0 until someone sets
    `epoch`, for instance in a `LambdaCallback(on_epoch_begin=...)`; give its `fit` also `shuffle=False`, or Keras
    shuffles the batches once more, from a seed of its own.

    Args:
        images: the data.
        batch_size: images per batch.
        seed: of the order.
        shuffle: `False` keeps the order of the data.
        remainder: whether the images left over are given, too.

    Attributes:
        epoch: the epoch whose order is given; settable.
        start: number of batches of the epoch that are already done; settable. Item i is then batch i + start, and
            `num_batches` is less by as many. Keras reads `num_batches` when `fit` starts and not again.

    Raises:
        InputError: a batch size below 1 or above the number of images.

    Example:
        >>> batches = kg.data.load("digits").batches(64, seed=1)
        >>> batches.epoch = 3
        >>> x, y = batches[0]  # uint8 (64, 28, 28, 1), int32 (64,)
    """

    def __init__(self, images: Images, batch_size: int, seed: int = 0, shuffle: bool = True, remainder: bool = False):
        super().__init__()
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1. Received: {batch_size}.")
        if batch_size > len(images):
            raise InputError(
                f"batch_size {batch_size} is larger than the data set: {images.name!r} has {len(images)} images. "
                "Give a smaller batch_size or more images."
            )
        self.images = images
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.shuffle = shuffle
        self.remainder = remainder
        self.epoch = 0
        self.start = 0
        self._cached_order = (-1, np.empty(0, np.int64))

    @property
    def num_batches(self) -> int:
        whole, left = divmod(len(self.images), self.batch_size)
        return whole + bool(left and self.remainder) - self.start

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Batch `start + index` of the epoch.

        Returns:
            `(x,)` or `(x, y)`: x as in `Images`, (batch_size, ...); y int32 (batch_size,).
        """
        rows = self.rows(index)
        # A plain copy: of a memory map, only these images are read.
        x = np.asarray(self.images.x[rows])
        return (x,) if self.images.y is None else (x, self.images.y[rows])

    def rows(self, index: int) -> np.ndarray:
        """Which images batch `start + index` of the epoch holds: int64 (batch_size,)."""
        if not 0 <= index < self.num_batches:
            raise IndexError(f"Batch {index} of {self.num_batches}.")
        first = (self.start + index) * self.batch_size
        return self._order(self.epoch)[first : first + self.batch_size]

    def _order(self, epoch: int) -> np.ndarray:
        # Keras may read ahead from another thread: the pair is replaced as a whole, so a reader sees one or the other.
        cached_epoch, order = self._cached_order
        if cached_epoch != epoch:
            count = len(self.images)
            order = np.random.default_rng([self.seed, epoch]).permutation(count) if self.shuffle else np.arange(count)
            self._cached_order = (epoch, order)
        return order
