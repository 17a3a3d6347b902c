"""Which images are scored against which: the reference, the held-out part, and the generated ones."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan import data
from kerasgan.data.images import Images
from kerasgan.data.sources import is_folder
from kerasgan.errors import InputError
from kerasgan.metrics.observation import Chunk
from kerasgan.sampler import Sampler

CHUNK = 256
"""Images held at once; a multiple of the batches they are computed in."""


@dataclasses.dataclass(frozen=True)
class Pick:
    """Rows of one or two image sets, in an order that is random within each.

    Args:
        pieces: (name of the part, images, rows).
    """

    pieces: tuple[tuple[str, Images, np.ndarray], ...]

    def __len__(self) -> int:
        return sum(len(rows) for _, _, rows in self.pieces)

    def __str__(self) -> str:
        return " + ".join(f"{len(rows):,} of {len(images):,} {part}" for part, images, rows in self.pieces)

    @property
    def test_fingerprint(self) -> str | None:
        """`Images.fingerprint` of the test part, where there is one."""
        return next((images.fingerprint for part, images, _ in self.pieces if part == "test"), None)

    def chunks(self) -> Iterator[Chunk]:
        """The images and their labels, `CHUNK` at a time."""
        for _, images, rows in self.pieces:
            for start in range(0, len(rows), CHUNK):
                some = rows[start : start + CHUNK]
                yield np.asarray(images.x[some]), None if images.y is None else images.y[some]

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """All images uint8 (n, height, width, channels) and their labels (n,)."""
        chunks = list(self.chunks())
        return np.concatenate([x for x, _ in chunks]), np.concatenate([np.asarray(y) for _, y in chunks])


def open_parts(
    source: Any, held_out: Images | None, image_shape: Sequence[int] | None, options: Mapping[str, Any]
) -> tuple[Images, Images | None]:
    """The training part and the held-out part, if there is one, of whatever names the data.

    Args:
        source: a name, folder or file for `kerasgan.data.open`, `Images`, or uint8 (n, height, width, channels).
        held_out: the held-out part, when `source` has none of its own.
        image_shape: to open them at; `None` keeps theirs.
        options: further arguments of `kerasgan.data.open`.

    Raises:
        InputError: no such data, data that are no pictures, or parts of different shapes.
    """
    if isinstance(source, str | Path):
        train = data.open(source, image_shape=image_shape, **options)
        if held_out is None and not is_folder(source):
            with contextlib.suppress(InputError):  # a set without a test part
                held_out = data.open(source, image_shape=train.image_shape, split="test", **options)
    else:
        train = source if isinstance(source, Images) else Images(_pictures(source), name="arrays")
    for images in (train, held_out):
        if images is not None and (images.x.dtype != np.uint8 or images.image_shape != train.image_shape):
            raise InputError(
                f"Expected uint8 pictures of one shape. Received: {images!r} beside {train!r}. "
                "Images.resized(shape) changes it."
            )
    if held_out is not None and held_out.class_names != train.class_names:
        raise InputError(
            f"Both parts must have the same classes. Received: {list(train.class_names)} and "
            f"{list(held_out.class_names)}."
        )
    return train, held_out


def choose(train: Images, test: Images | None, n: int, seed: int, hold_out: bool) -> tuple[Pick, Pick | None]:
    """The reference, n images of the training part, and n others that it does not hold.

    The others come from the test part and, where it is too small, from the rest of the training part. Where all
    together are too few, both have half of them; the caller compares their length with n.

    Args:
        train: the training part.
        test: the test part, or `None`.
        n: how many are wished for.
        seed: of the choice; the reference does not depend on `hold_out`.
        hold_out: whether the others are needed.
    """
    total = len(train) + (len(test) if test is not None else 0)
    used = min(n, len(train), total // 2 if hold_out else total)
    order = np.random.default_rng([seed, 1]).permutation(len(train))
    reference = Pick((("train", train, order[:used]),))
    if not hold_out:
        return reference, None
    pieces = []
    if test is not None:
        pieces.append(("test", test, np.random.default_rng([seed, 2]).permutation(len(test))[:used]))
    missing = used - sum(len(rows) for _, _, rows in pieces)
    if missing:
        pieces.append(("train (rows not in the reference)", train, order[used : used + missing]))
    return reference, Pick(tuple(pieces))


def subject(source: Any) -> str:
    """What a result calls it."""
    if isinstance(source, Sampler):
        return str(source.recipe.get("name") or source.generator.name)
    return source.name if isinstance(source, Images) else "images"


def image_shape(source: Any) -> tuple[int, ...]:
    """Shape of one image of what `generated` takes."""
    if isinstance(source, Sampler):
        return source.spec.image_shape
    return source.image_shape if isinstance(source, Images) else Images(_pictures(source)).image_shape


def generated(source: Any, train: Images, n: int, seed: int) -> Iterator[Chunk]:
    """Generated images and the classes, as the data number them, that they were asked to show.

    Args:
        source: a `Sampler`, `Images`, or uint8 (m, height, width, channels), m at least n, of which n are chosen.
        train: the data, whose class frequencies a conditional Sampler is asked for.
        n: how many.
        seed: of latents, labels and choice. The images do not depend on `CHUNK`.

    Raises:
        InputError: too few images, another image shape, other classes, or a Sampler that gives NaN.
    """
    if isinstance(source, Sampler):
        _check_shape(source.spec.image_shape, train)
        return _drawn(source, source.latents(n, seed), *_labels(source, train, n, seed))
    images = source if isinstance(source, Images) else Images(_pictures(source), name="generated")
    _check_shape(images.image_shape, train)
    if images.x.dtype != np.uint8:
        raise InputError(f"Generated pictures must be uint8. Received: {images!r}.")
    if len(images) < n:
        raise InputError(f"Expected at least n={n} generated images. Received: {len(images)}. Give a smaller n.")
    if images.y is not None and train.y is not None:
        images = _numbered_as(images, train)
    rows = np.random.default_rng([seed, 3]).permutation(len(images))[:n]
    return Pick((("generated", images, rows),)).chunks()


def _numbered_as(images: Images, train: Images) -> Images:
    """The same images, their classes numbered as the data's: by name, or as they are where they have no names."""
    if set(images.class_names) <= set(train.class_names):
        numbers = np.array([train.class_names.index(name) for name in images.class_names])
        return Images(images.x, numbers[images.y], train.class_names, images.name)
    if images.num_classes > train.num_classes:
        raise InputError(f"The data have {train.num_classes} classes. Received images of {images.num_classes}.")
    if images.class_names != tuple(map(str, range(images.num_classes))):
        raise InputError(
            f"The data have the classes {list(train.class_names)}. Received images of the classes "
            f"{list(images.class_names)}: give them those names, or numbers alone."
        )
    return images


def _drawn(
    sampler: Sampler, latents: np.ndarray, wanted: np.ndarray | None, asked: np.ndarray | None
) -> Iterator[Chunk]:
    for start in range(0, len(latents), CHUNK):
        part = slice(start, start + CHUNK)
        images = sampler.images(latents[part], None if asked is None else asked[part])
        yield images, None if wanted is None else wanted[part]


def _labels(sampler: Sampler, train: Images, n: int, seed: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Classes drawn by their frequency in the data, as the data number them and as the Sampler does.

    Of data without labels, and codes that are no classes, drawn evenly and known to the Sampler alone.
    """
    theirs = sampler.spec.class_names
    if not theirs:
        return None, None
    rng = np.random.default_rng([seed, 4])
    if train.y is None or not sampler.spec.classes:
        return None, rng.integers(0, len(theirs), n)
    wanted = rng.choice(train.y, n)
    if set(theirs) == set(train.class_names):
        return wanted, np.array([theirs.index(name) for name in train.class_names])[wanted]
    unnamed = train.class_names == tuple(str(k) for k in range(len(theirs)))
    if not unnamed:
        raise InputError(
            f"The Sampler's classes are {list(theirs)}. Received data with the classes {list(train.class_names)}."
        )
    return wanted, wanted


def _check_shape(image_shape: Sequence[int], train: Images) -> None:
    if tuple(image_shape) != train.image_shape:
        raise InputError(
            f"Generated images have shape {tuple(image_shape)}, the data {train.image_shape}. They must have one "
            "shape: name the data by a string, or give data.resized(shape)."
        )


def _pictures(source: Any) -> np.ndarray:
    if not isinstance(source, np.ndarray):
        raise InputError(
            "Expected a Sampler, kerasgan.data.Images or a NumPy array uint8 (n, height, width, channels). "
            f"Received: {type(source).__name__}."
        )
    if source.dtype != np.uint8:
        raise InputError(
            f"Pictures must be uint8. Received: {source.dtype}. Use kerasgan.data.from_arrays(x, value_range=...)."
        )
    return source
