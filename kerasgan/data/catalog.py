"""Image sets of tensorflow-datasets."""

import contextlib
import difflib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kerasgan.data.images import Images, ImageShape, check_image_shape
from kerasgan.data.store import collect
from kerasgan.data.threads import ordered_map
from kerasgan.errors import InputError

# Pictures of equal size leave TensorFlow this many at a time: one by one MNIST takes six times as long.
CHUNK = 32
# A failed download is tried this often, over some 12 seconds; tensorflow-datasets' own 10 times take over 3 minutes.
RETRIES = 5


def load_tfds(name: str, split: str, image_shape: Sequence[int] | None, memory_limit: int) -> Images:
    """An image set of tensorflow-datasets, downloaded when `TFDS_DATA_DIR` does not hold it; see `load`."""
    tf, tfds = _import()
    builder = _builder(tfds, name)
    features = builder.info.features
    supervised = builder.info.supervised_keys or ()
    image_key = _key_of_type(features, tfds.features.Image, supervised)
    label_key = _key_of_type(features, tfds.features.ClassLabel, supervised)
    if image_key is None or features[image_key].np_dtype != np.uint8:
        raise InputError(f"{name!r} has no 8-bit pictures; its features are: {', '.join(features or ['unknown'])}.")
    own_shape = features[image_key].shape
    shape = _chosen(name, own_shape) if image_shape is None else check_image_shape(image_shape)
    _prepare(tfds, builder, name)
    count = _count(builder, name, split)
    keys = [key for key in (image_key, label_key) if key is not None]
    x, labels = collect(
        _pictures(tf, tfds, builder, split, keys, CHUNK if None not in own_shape else 1, shape),
        count,
        shape,
        memory_limit=memory_limit,
        key=(builder.info.full_name, str(builder.data_dir), split, count),
    )
    short_name = builder.info.full_name.rsplit("/", 1)[0]
    if label_key is None:
        return Images(x, name=short_name)
    return Images(x, labels, features[label_key].names or None, short_name)


def _import() -> tuple[Any, Any]:
    try:
        import tensorflow as tf
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError(
            f"Data sets other than 'digits' are read by tensorflow-datasets, which cannot be imported ({error}). "
            "Run: pip install tensorflow tensorflow-datasets importlib_resources. "
            "Arrays, .npz files and folders of pictures work without it."
        ) from error
    import keras

    if keras.backend.backend() != "tensorflow":
        # TensorFlow only reads files here; left alone it would take the memory of every GPU from JAX or PyTorch.
        with contextlib.suppress(RuntimeError):  # too late: the user's own code has started it already
            tf.config.set_visible_devices([], "GPU")
    return tf, tfds


def _builder(tfds: Any, name: str) -> Any:
    try:
        with _calm(tfds):
            # Read here: tensorflow-datasets itself reads the variable once, when it is imported.
            return tfds.builder(name, data_dir=os.environ.get("TFDS_DATA_DIR") or None)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise _unknown(tfds, name) from error
    except Exception as error:  # a version or configuration that is not there, or a package the set needs
        raise InputError(f"tensorflow-datasets cannot open {name!r}: {_one_line(error)}") from error


def _unknown(tfds: Any, name: str) -> InputError:
    known = ["digits", "stacked_mnist", *tfds.list_builders(with_community_datasets=False)]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
    return InputError(
        f"Unknown data set {name!r}.{hint} Expected 'digits' or an image set of tensorflow-datasets "
        "(https://www.tensorflow.org/datasets/catalog)."
    )


def _key_of_type(features: Any, kind: type, supervised: Iterable[str]) -> str | None:
    keys = [key for key, feature in (features or {}).items() if isinstance(feature, kind)]
    return next((key for key in (*supervised, *keys) if key in keys), None)


def _chosen(name: str, shape: tuple[int | None, ...]) -> ImageShape:
    if None in shape:
        raise InputError(f"The pictures of {name!r} have many sizes: give image_shape, for instance (64, 64, 3).")
    return check_image_shape(shape)


def _prepare(tfds: Any, builder: Any, name: str) -> None:
    try:
        with _calm(tfds):
            if builder.is_prepared():
                return
            print(f"Downloading {name!r} to {builder.data_dir} ...", file=sys.stderr)
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # requests, its own checks, the disk, or a package missing: each has an error of its own
        raise InputError(
            f"{name!r} is not in {builder.data_dir} and could not be downloaded: {type(error).__name__}: "
            f"{_one_line(error)} If you have it elsewhere, set TFDS_DATA_DIR."
        ) from error


@contextlib.contextmanager
def _calm(tfds: Any) -> Iterator[None]:
    """Few retries, no log lines for them, nothing on stdout, and progress bars on a terminal alone."""
    from tensorflow_datasets.core.download import downloader

    retries, downloader.MAX_RETRIES = downloader.MAX_RETRIES, RETRIES
    levels = {log: log.level for log in map(logging.getLogger, ("absl", "urllib3.connectionpool"))}
    for log in levels:
        log.setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        downloader.MAX_RETRIES = retries
        for log, level in levels.items():
            log.setLevel(level)


def _count(builder: Any, name: str, split: str) -> int:
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{name!r} has no split {split!r}. Its splits are: {', '.join(builder.info.splits)}; parts of one are "
            "written train[:50%]."
        ) from error
    if not count:
        raise InputError(f"The split {split!r} of {name!r} is empty.")
    return count


def _pictures(
    tf: Any, tfds: Any, builder: Any, split: str, keys: Sequence[str], chunk: int, shape: ImageShape
) -> Iterator[tuple[np.ndarray, int]]:
    from kerasgan.data.pixels import resize_array

    def converted(batch: tuple[np.ndarray, ...]) -> list[tuple[np.ndarray, int]]:
        labels = batch[1] if len(batch) > 1 else np.zeros(len(batch[0]), np.int64)
        pictures = [resize_array(picture, shape, "crop") for picture in batch[0]]
        return list(zip(pictures, labels, strict=True))

    stream = builder.as_dataset(split=split, shuffle_files=False, read_config=tfds.ReadConfig(try_autocache=False))
    stream = stream.map(lambda example: tuple(example[key] for key in keys)).batch(chunk).prefetch(tf.data.AUTOTUNE)
    for batch in ordered_map(converted, stream.as_numpy_iterator()):
        yield from batch


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
