"""Images: a data set as arrays, in memory or memory-mapped."""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasgan.errors import InputError

if TYPE_CHECKING:
    from kerasgan.data.batches import Batches

ImageShape = tuple[int, int, int]
CHANNELS = (1, 3, 4)
FITS = ("crop", "pad", "stretch")
# Beyond this many bytes a fingerprint reads evenly spaced images instead of all.
FINGERPRINT_BYTES = 256 * 1024**2
FINGERPRINT_IMAGES = 256


class Images:
    """A data set: pictures as uint8, or other data as float32, with or without labels.

    Args:
        x: uint8 (n, height, width, channels), or float32 (n, ...) for data that are no pictures, which reach the
            networks as they are. An `np.memmap` stays one: training then reads only the batches it needs.
        y: whole numbers (n,) or (n, 1), from 0 to the number of classes less one; `None` for a set without labels.
        class_names: one name per class; `None` stands for "0", "1", ... up to the largest label.
        name: what messages and run folders call the set.

    Attributes:
        x: the array given.
        y: int32 (n,) or `None`.
        class_names: `()` without labels.

    Raises:
        InputError: no images, a wrong rank or dtype, NaN, labels that do not fit the images or the class names.

    Example:
        >>> images = kg.data.Images(x, y, name="mine")
        >>> images.resized((64, 64, 3))
        Images('mine': 256 of 64 x 64 x 3 uint8, 10 classes)
        >>> pixels, labels = images.batches(64, seed=1)[0]
        >>> pixels.shape, labels.shape
        ((64, 28, 28, 1), (64,))
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray | Sequence[int] | None = None,
        class_names: Sequence[str] | None = None,
        name: str = "arrays",
    ):
        _check_data(x)
        if y is None and class_names:
            raise InputError(f"class_names need labels y. Received {len(class_names)} class names and y=None.")
        self.x = x
        self.y = None if y is None else _whole_labels(y, len(x))
        self.class_names = () if self.y is None else _names(self.y, class_names)
        self.name = name

    def __len__(self) -> int:
        return len(self.x)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one item; (height, width, channels) for pictures."""
        return tuple(self.x.shape[1:])

    @property
    def num_classes(self) -> int:
        """0 without labels."""
        return len(self.class_names)

    @property
    def memory_mapped(self) -> bool:
        """Whether the images stay on disk until a batch needs them."""
        return isinstance(self.x, np.memmap)

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that follow from shape, dtype, class names, labels and pixels.

        Beyond 256 MiB, in memory or memory-mapped, 256 evenly spaced images stand for all pixels.
        """
        digest = hashlib.sha256(repr((self.x.shape, self.x.dtype.str, self.class_names)).encode())
        if self.y is not None:
            digest.update(self.y.tobytes())
        if self.x.nbytes <= FINGERPRINT_BYTES:
            digest.update(np.ascontiguousarray(self.x).data)
        else:
            for i in np.linspace(0, len(self) - 1, FINGERPRINT_IMAGES).astype(int):
                digest.update(self.x[i].tobytes())
        return digest.hexdigest()[:16]

    def batches(self, batch_size: int, seed: int = 0, shuffle: bool = True) -> "Batches":
        """What `fit` iterates: whole batches, in an order that follows from `seed` and the epoch. See `Batches`."""
        import keras  # noqa: F401  before `Batches`: importing Keras imports our models, which import `Batches`

        from kerasgan.data.batches import Batches

        return Batches(self, batch_size, seed=seed, shuffle=shuffle)

    def resized(self, image_shape: Sequence[int], fit: str = "crop") -> "Images":
        """The same pictures at another size and number of channels, in memory.

        Args:
            image_shape: (height, width, channels) with 1 (grey), 3 (RGB) or 4 (RGBA) channels; (height, width) keeps
                the channels.
            fit: as in `from_directory`.

        Returns:
            New `Images`, or these where the shape is theirs already.
        """
        if len(image_shape) == 2:
            image_shape = (*image_shape, self.image_shape[-1])
        check_fit(fit)
        if self.image_shape == tuple(image_shape):
            return self
        image_shape = check_image_shape(image_shape)
        if self.x.dtype != np.uint8 or self.image_shape[-1] not in CHANNELS:
            raise InputError(
                "Only uint8 pictures with 1, 3 or 4 channels can be resized. "
                f"Received: {self.x.dtype} {self.image_shape}."
            )
        from kerasgan.data.pixels import resize_array
        from kerasgan.data.threads import ordered_map

        x = np.empty((len(self), *image_shape), np.uint8)
        for i, picture in enumerate(ordered_map(lambda a: resize_array(a, image_shape, fit), self.x)):
            x[i] = picture
        return Images(x, self.y, self.class_names or None, self.name)

    def repeated(self, times: int) -> "Images":
        """The same pictures `times` times over, in memory: a longer epoch for a small set."""
        y = None if self.y is None else np.tile(self.y, times)
        return Images(np.concatenate([self.x] * times), y, self.class_names or None, self.name)

    def __repr__(self) -> str:
        classes = f"{self.num_classes} classes" if self.class_names else "no labels"
        where = ", memory-mapped" if self.memory_mapped else ""
        shape = " x ".join(str(n) for n in self.image_shape)
        return f"Images({self.name!r}: {len(self):,} of {shape} {self.x.dtype}, {classes}{where})"


def check_image_shape(image_shape: Iterable[Any]) -> ImageShape:
    """(height, width, channels) as whole numbers.

    Raises:
        InputError: not three numbers, a size below 1, or channels other than 1, 3 or 4.
    """
    shape = tuple(image_shape)
    whole = len(shape) == 3 and all(isinstance(n, int | np.integer) and n > 0 for n in shape)
    if not whole or shape[2] not in CHANNELS:
        raise InputError(
            "image_shape must be (height, width, channels) with 1 (grey), 3 (RGB) or 4 (RGBA) channels. "
            f"Received: {shape}."
        )
    return int(shape[0]), int(shape[1]), int(shape[2])


def check_fit(fit: str) -> None:
    """Raises InputError for an unknown way to make pictures of other proportions fit."""
    if fit not in FITS:
        raise InputError(f"fit must be one of {', '.join(FITS)}. Received: {fit!r}.")


def check_on_corrupt(on_corrupt: str) -> None:
    """Raises InputError for an unknown way to treat pictures that cannot be read."""
    if on_corrupt not in ("raise", "skip"):
        raise InputError(f'on_corrupt must be "raise" or "skip". Received: {on_corrupt!r}.')


def check_finite(x: np.ndarray) -> None:
    """Raises InputError where float data hold NaN or infinity, with how many items do and the first of them."""
    # min and max carry NaN along, and need no temporary array.
    if not np.issubdtype(x.dtype, np.floating) or (np.isfinite(x.min()) and np.isfinite(x.max())):
        return
    bad = [i for i, item in enumerate(x) if not np.isfinite(item).all()]
    raise InputError(
        f"x holds NaN or infinity in {len(bad)} of {len(x)} items, the first at index {bad[0]}. "
        "Remove these items or mend their values."
    )


def _check_data(x: Any) -> None:
    if not isinstance(x, np.ndarray):
        raise InputError(f"x must be a NumPy array. Received: {type(x).__name__}.")
    if x.dtype == np.uint8:
        if x.ndim != 4:
            raise InputError(f"uint8 pictures must have shape (n, height, width, channels). Received: {x.shape}.")
    elif x.dtype != np.float32 or x.ndim < 2:
        raise InputError(
            "x must be uint8 (n, height, width, channels), or float32 (n, ...) for data that are no pictures. "
            f"Received: {x.dtype} {x.shape}. kerasgan.data.from_arrays converts pictures."
        )
    if x.size == 0:
        raise InputError(f"The data set is empty: x has shape {x.shape}.")
    check_finite(x)


def _whole_labels(y: Any, count: int) -> np.ndarray:
    labels = np.asarray(y)
    if labels.shape not in ((count,), (count, 1)):
        raise InputError(
            f"Labels must be one whole number per image, shape ({count},). Received shape {labels.shape}. "
            "One-hot labels become whole numbers by y.argmax(-1)."
        )
    if labels.dtype.kind not in "iu":
        how = "y.astype('int32')" if labels.dtype.kind in "fb" else "class_names, y = np.unique(y, return_inverse=True)"
        raise InputError(f"Labels must be whole numbers. Received dtype {labels.dtype}. Convert with {how}.")
    return labels.reshape(-1).astype(np.int32)


def _names(labels: np.ndarray, class_names: Sequence[str] | None) -> tuple[str, ...]:
    low, high = int(labels.min()), int(labels.max())
    if class_names is None:
        # A gap this wide is an identifier, not a class number, and would make as many output units.
        if low < 0 or high >= max(len(labels), 1000):
            raise InputError(
                f"Labels must count the classes from 0 upwards. Received labels from {low} to {high} for "
                f"{len(labels)} images. Renumber them with np.unique(y, return_inverse=True)."
            )
        return tuple(str(k) for k in range(high + 1))
    if low < 0 or high >= len(class_names):
        raise InputError(
            f"Labels must lie between 0 and {len(class_names) - 1}, for {len(class_names)} class names. "
            f"Received labels from {low} to {high}, the first out of range at index "
            f"{int(np.argmax((labels < 0) | (labels >= len(class_names))))}."
        )
    return tuple(str(name) for name in class_names)
