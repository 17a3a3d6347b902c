"""Extractor: a network that turns pictures into features and class probabilities, with its identity."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from scipy.special import softmax

from kerasgan.data.images import check_image_shape
from kerasgan.data.pixels import resize_array
from kerasgan.data.threads import ordered_map
from kerasgan.errors import InputError, unknown_name
from kerasgan.metrics import classifiers
from kerasgan.precision import built_in

INCEPTION = "inception_v3"
STACKED = "stacked_"
"""How the names of data begin whose channels are pictures of their own: see `kerasgan.data.stacked`."""


class Extracted(NamedTuple):
    """features float32 (n, d); probabilities float64 (n, classes), or `None` from a network without classes."""

    features: np.ndarray
    probabilities: np.ndarray | None


class Extractor:
    """Pictures to features and class probabilities, on any backend of Keras.

    Args:
        model: functional or sequential `keras.Model` from float32 (n, height, width, channels) to (n, classes): logits,
            or probabilities, which are known by their numbers.
        layer: name of the layer whose output (n, d) is the features. `None` takes the layer `features` or, where there
            is none, the model's own output, which then counts as features and not as classes.
        name: what the protocol calls it; `None` takes the model's.
        value_range: (low, high) that the model expects; 0..255 is mapped to it.
        per_channel: the model takes one channel, and is shown each by itself: features are laid side by side, and a
            class is one number of all channels' classes, the first channel's counting most.
        batch_size: images computed at once.

    Attributes:
        sha256: of the weights, in order, and the kinds of layers.
        file_sha256: of the file it came from, or `None`.

    Example:
        >>> extractor = kg.metrics.Extractor(kg.metrics.classifiers.load("digits"), layer="features")
        >>> features, probabilities = extractor(x)
        >>> features.shape, probabilities.shape
        ((256, 64), (256, 10))
        >>> result = kg.metrics.evaluate(sampler, "digits", ("fid",), n=200, floor=False, extractor=extractor)
    """

    def __init__(
        self,
        model: keras.Model,
        layer: str | None = None,
        *,
        name: str | None = None,
        value_range: Sequence[float] = (0.0, 255.0),
        per_channel: bool = False,
        batch_size: int = 64,
    ):
        self.input_shape = _input_shape(model)
        self.layer, features = _features(model, layer)
        self.has_classes = self.layer is not None
        self.name = name or model.name
        low, high = (float(value) for value in value_range)
        if not low < high:
            raise InputError(f"value_range must be (low, high), low below high. Received: {value_range}.")
        self.value_range = (low, high)
        self.per_channel = per_channel
        self.batch_size = batch_size
        self.sha256 = weights_sha256(model)
        self.file_sha256: str | None = None
        self.model = keras.Model(model.inputs[0], [features, model.outputs[0]])

    def num_classes(self, channels: int) -> int:
        """Number of classes for pictures of so many channels; 0 for a network without."""
        if not self.has_classes:
            return 0
        classes = int(self.model.outputs[1].shape[-1])
        return classes**channels if self.per_channel else classes

    def resize(self, image_shape: Sequence[int]) -> str:
        """How pictures (height, width, channels) are made to fit, in words."""
        wanted = self._wanted(image_shape)
        if wanted == tuple(image_shape):
            return "none"
        sizes = " -> ".join("x".join(str(n) for n in shape) for shape in (image_shape, wanted))
        return f"{sizes}, Pillow bicubic with antialiasing, stretched, rounded to uint8"

    def __call__(self, images: np.ndarray) -> Extracted:
        """Features and probabilities of uint8 (n, height, width, channels), n > 0.

        Raises:
            InputError: other arrays, or a network whose output is not finite.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
            raise InputError(f"Expected uint8 (n, height, width, channels). Received: {images.dtype} {images.shape}.")
        wanted = self._wanted(images.shape[1:])
        if wanted != images.shape[1:]:
            images = np.stack(list(ordered_map(lambda a: resize_array(a, wanted, "stretch"), images)))
        if not self.per_channel:
            return self._extract(images)
        parts = [self._extract(images[..., i : i + 1]) for i in range(images.shape[3])]
        together = np.concatenate([part.features for part in parts], axis=1)
        if not self.has_classes:
            return Extracted(together, None)
        p = np.ones((len(images), 1))
        for part in parts:
            p = (p[:, :, None] * np.asarray(part.probabilities)[:, None, :]).reshape(len(images), -1)
        return Extracted(together, p)

    def _wanted(self, image_shape: Sequence[int]) -> tuple[int, int, int]:
        height, width, channels = (own or given for own, given in zip(self.input_shape, image_shape, strict=True))
        return height, width, int(image_shape[2]) if self.per_channel else channels

    def _extract(self, images: np.ndarray) -> Extracted:
        low, high = self.value_range
        features, outputs = [], []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size].astype(np.float32) * ((high - low) / 255.0) + low
            # Whole batches only: compiled backends would compile again for the last, smaller one.
            missing = self.batch_size - len(batch)
            padded = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)]).astype(np.float32)
            found = [np.asarray(array, np.float32)[: len(batch)] for array in self.model.predict_on_batch(padded)]
            features.append(found[0])
            outputs.append(found[1])
        together, out = np.concatenate(features), np.concatenate(outputs).astype(np.float64)
        if not np.isfinite(together).all() or not np.isfinite(out).all():
            raise InputError(f"The extractor {self.name!r} gave NaN or infinity: its weights are damaged.")
        if not self.has_classes:
            return Extracted(together, None)
        return Extracted(together, out if _are_probabilities(out) else softmax(out, axis=1))


class NoExtractor(Extractor):
    """Stands where no metric asks what a network sees, so that none need be downloaded."""

    def __init__(self) -> None:
        self.name, self.layer, self.has_classes, self.per_channel = "none", "none", False, False
        self.input_shape, self.value_range = (None, None, None), (0.0, 255.0)
        self.sha256, self.file_sha256 = "", None


def get(
    extractor: "str | Path | keras.Model | Extractor | None",
    layer: str | None = None,
    *,
    data_name: str = "",
    channels: int = 3,
    weights: str | Path | None = None,
    needed: bool = True,
) -> Extractor:
    """The extractor that is meant.

    Args:
        extractor: an `Extractor`, a `keras.Model`, the path of one saved as `.keras`, "inception_v3", or a name of
            `kerasgan.metrics.classifiers`. `None` takes the classifier called like the data, else "inception_v3". One
            that takes grey pictures sees each channel of data called "stacked_..." by itself.
        layer: see `Extractor`.
        data_name: the data's name.
        channels: of the data.
        weights: file with the weights of "inception_v3".
        needed: whether a metric will ask it; where none does, `None` takes no network in place of "inception_v3".

    Raises:
        InputError: none of these, or a file that is no Keras model.
    """
    if isinstance(extractor, Extractor):
        return extractor
    stacked = data_name.startswith(STACKED) and channels > 1
    if isinstance(extractor, keras.Model):
        return Extractor(extractor, layer, per_channel=stacked and _input_shape(extractor)[2] == 1)
    if extractor is None:
        extractor = _for_data(data_name, channels)
        if extractor == INCEPTION and not needed:
            return NoExtractor()
    if extractor == INCEPTION:
        return inception_v3(weights, layer or "avg_pool")
    if weights is not None:
        raise InputError(f"A weights file goes with the extractor {INCEPTION!r}. Received: {str(extractor)!r}.")
    if extractor in classifiers.names():
        model: Any = classifiers.load(str(extractor))
        made = Extractor(model, layer, name=str(extractor), per_channel=stacked and _input_shape(model)[2] == 1)
        made.file_sha256 = classifiers.record(str(extractor))["sha256"]
        return made
    path = Path(extractor)
    if path.suffix != ".keras":
        raise unknown_name("extractor", str(extractor), [INCEPTION, *classifiers.names(), "FILE.keras"])
    if not path.is_file():
        raise InputError(f"No file {str(path)!r}. Expected a Keras model saved as .keras.")
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(f"{str(path)!r} cannot be read as a Keras model: {error}") from error
    made = Extractor(model, layer, name=path.stem, per_channel=stacked and _input_shape(model)[2] == 1)
    made.file_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return made


def inception_v3(weights: str | Path | None = None, layer: str = "avg_pool", batch_size: int = 32) -> Extractor:
    """Inception v3 of `keras.applications`, trained on ImageNet (Szegedy et al., 2016): 2,048 features, 1,000 classes.

    These are not the weights of the first FID implementation (a TensorFlow graph of 2015), so scores are not those of
    papers: compare only what carries the same SHA-256.

    Args:
        weights: a file with the weights of the whole network, its classification layer included; `None` lets Keras
            download them, once.
        layer: whose output is the features.
        batch_size: images computed at once.

    Raises:
        InputError: no such file, one that does not fit, or weights that cannot be downloaded.

    Example:
        >>> extractor = kg.metrics.inception_v3()  # 96 MB are downloaded  # doctest: +SKIP
        >>> result = kg.metrics.evaluate(sampler, "cifar10", extractor=extractor)  # doctest: +SKIP
    """
    if weights is not None and not Path(weights).is_file():
        raise InputError(f"No weights file {str(weights)!r}.")
    given = "imagenet" if weights is None else str(weights)
    try:
        with built_in("float32"):  # scores do not depend on what a user trains in
            model = keras.applications.InceptionV3(weights=given, classifier_activation=None)
    except Exception as error:  # urllib, h5py and Keras each have errors of their own
        reason = " ".join(str(error).split())[:300]
        if weights is None:
            raise InputError(
                f"Keras could not download the weights of {INCEPTION} ({reason}). Give a local file of them "
                "(weights=..., or --extractor-weights), or another extractor."
            ) from error
        raise InputError(
            f"{str(weights)!r} does not hold the weights of the whole {INCEPTION}, its classification layer included "
            f"({reason}). Keras calls its own file inception_v3_weights_tf_dim_ordering_tf_kernels.h5."
        ) from error
    extractor = Extractor(model, layer, name=INCEPTION, value_range=(-1.0, 1.0), batch_size=batch_size)
    if weights is not None:
        extractor.file_sha256 = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    return extractor


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 over the kinds of layers and the shape, dtype and bytes of every weight, in the model's order."""
    digest = hashlib.sha256(repr([type(layer).__name__ for layer in model.layers]).encode())
    for weight in model.weights:
        value = np.ascontiguousarray(keras.ops.convert_to_numpy(weight.value))
        digest.update(repr((value.shape, value.dtype.str)).encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _for_data(name: str, channels: int) -> str:
    known = classifiers.names()
    if name.removeprefix(STACKED) in known:
        name, channels = name.removeprefix(STACKED), 1 if name.startswith(STACKED) else channels
    if name in known and classifiers.record(name)["image_shape"][2] == channels:
        return name
    return INCEPTION


def _input_shape(model: keras.Model) -> tuple[int | None, int | None, int | None]:
    inputs = getattr(model, "inputs", None) or []
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or len(model.outputs) != 1:
        raise InputError(
            "An extractor must be a functional or sequential keras.Model with one input (n, height, width, channels) "
            f"and one output. Received: {len(inputs)} input(s) of shapes {[tuple(i.shape) for i in inputs]}."
        )
    height, width, channels = inputs[0].shape[1:]
    if height and width and channels:
        check_image_shape((height, width, channels))
    return height, width, channels


def _features(model: keras.Model, layer: str | None) -> tuple[str | None, Any]:
    names = [own.name for own in model.layers]
    if layer is not None and layer not in names:
        raise unknown_name(f"layer of {model.name!r}", layer, names)
    if layer is None and classifiers.FEATURES in names:
        layer = classifiers.FEATURES
    tensor = model.outputs[0] if layer is None else model.get_layer(layer).output
    if not hasattr(tensor, "shape") or len(tensor.shape) != 2:
        shape = getattr(tensor, "shape", None)
        raise InputError(
            f"Features must be (n, d). The output of {layer or model.name!r} has shape {shape}. Give the name of a "
            "layer after the pooling: layer=..."
        )
    return layer, tensor


def _are_probabilities(outputs: np.ndarray) -> bool:
    """Seen by the numbers: a softmax may stand anywhere at a model's end."""
    return bool((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-2))
