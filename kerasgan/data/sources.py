"""load and open: data by name, or by whatever a user typed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasgan.data.archive import from_npz
from kerasgan.data.catalog import load_tfds
from kerasgan.data.digits import load_digits
from kerasgan.data.folder import from_directory
from kerasgan.data.images import Images
from kerasgan.data.stacked import stacked
from kerasgan.data.store import MEMORY_LIMIT
from kerasgan.errors import InputError

NAMES = ("digits", "mnist", "stacked_mnist", "cifar10")
"""Data sets of the zoo's recipes: such a text never means a folder that happens to be called so; `"./mnist"` would."""


def load(
    name: str, *, split: str = "train", image_shape: Sequence[int] | None = None, memory_limit: int = MEMORY_LIMIT
) -> Images:
    """A data set by name: "digits", "stacked_mnist", or any image set of tensorflow-datasets.

    Args:
        name: "digits" for scikit-learn's 1,797 handwritten digits, which need no download. "stacked_mnist" for
            26,000 stacks of three digits of tensorflow-datasets' "mnist", see `stacked`. Any other name goes to
            `tfds.builder`, also as "name:version" or "name/config"; sets that `TFDS_DATA_DIR` (by default
            ~/tensorflow_datasets) does not hold are downloaded.
        split: "train", "test", "all", or what the data set has; of tensorflow-datasets also parts: "train[:50%]". Of
            digits, "test" is a fixed sample of 297 and "train" the other 1,500.
        image_shape: (height, width, channels) to scale to, cropped as in `from_directory`. `None` keeps the set's own,
            and is refused where sizes vary; digits become (28, 28, 1).
        memory_limit: bytes; a larger set is decoded once into a file, as in `from_directory`.

    Raises:
        InputError: an unknown name (with close matches), split or version, a set without pictures, TensorFlow or
            tensorflow-datasets missing, or a download that failed.

    Example:
        >>> kg.data.load("digits")  # or "mnist", "cifar10", ...
        Images('digits': 1,500 of 28 x 28 x 1 uint8, 10 classes)
    """
    if name == "digits":
        return load_digits(split, image_shape)
    if name == "stacked_mnist":
        mnist = load_tfds("mnist", split, None, memory_limit)
        return stacked(mnist, image_shape=image_shape, memory_limit=memory_limit)
    return load_tfds(name, split, image_shape, memory_limit)


def open(source: str | Path, image_shape: Sequence[int] | None = None, **options: Any) -> Images:
    """Data from whatever `source` names: an existing folder, an existing `.npz` file, or else a data set.

    Args:
        source: for `from_directory`, `from_npz` or `load`, in this order; but `"digits"`, `"mnist"`, `"stacked_mnist"`
            and `"cifar10"` are data sets, also beside a folder called so, which is `"./mnist"` or a `Path`.
        image_shape: (height, width, channels), or `None` for what that function chooses.
        options: further arguments of that function; `on_corrupt` is for all three.

    Raises:
        InputError: it is none of the three, or that function's own.

    Example:
        >>> kg.data.open("pictures", (64, 64, 3), on_corrupt="skip")
        Images('pictures': 16 of 64 x 64 x 3 uint8, 2 classes)
    """
    if source in NAMES:
        return _load(str(source), image_shape, options)
    path = Path(source).expanduser()
    if is_folder(source):
        return from_directory(path, image_shape=image_shape, **options)
    if path.is_file() and path.suffix == ".npz":
        return from_npz(path, image_shape=image_shape, **options)
    three = "Expected a folder of pictures, an .npz file, or the name of a data set such as 'digits'"
    if path.is_file():
        raise InputError(f"The file {str(source)!r} is no .npz. {three}.")
    if isinstance(source, os.PathLike) or path.is_absolute() or path.suffix == ".npz" or source.startswith((".", "~")):
        raise InputError(f"No folder and no file at {str(source)!r}. {three}.")
    try:
        return _load(source, image_shape, options)
    except InputError as error:
        raise InputError(f"No folder and no .npz file {source!r}, and as the name of a data set: {error}") from error


def _load(name, image_shape, options):
    # A data set has no pictures that cannot be read.
    return load(name, image_shape=image_shape, **{k: v for k, v in options.items() if k != "on_corrupt"})


def is_folder(source: str | Path) -> bool:
    """Whether `open` takes it for a folder."""
    return source not in NAMES and Path(source).expanduser().is_dir()
