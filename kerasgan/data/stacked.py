"""stacked: three grey pictures as the red, green and blue of one, and the 1,000 modes of Stacked MNIST."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from kerasgan.data.images import Images, ImageShape, check_image_shape
from kerasgan.data.store import MEMORY_LIMIT, collect
from kerasgan.errors import InputError

COUNT = 26_000
MOST_CLASSES = 10


def stacked(
    images: Images,
    n: int = COUNT,
    seed: int = 0,
    *,
    image_shape: Sequence[int] | None = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Images:
    """Colour pictures of three grey ones each, drawn evenly and independently: of MNIST, Stacked MNIST.

    Its 1,000 classes are the modes that a generator without mode collapse reaches all (Metz et al., 2017; VEEGAN,
    Srivastava et al., 2017, and PacGAN, Lin et al., 2018, who count them among 26,000 samples).

    Args:
        images: grey uint8 pictures with labels and at most 10 classes.
        n: number of pictures.
        seed: of the draw. The result does not depend on the order of `images`: the same pictures from
            tensorflow-datasets and from an `.npz` file make the same set.
        image_shape: (height, width, 3) to scale to, cropped as in `from_directory`; `None` keeps the size.
        memory_limit: as in `from_directory`.

    Returns:
        uint8 (n, height, width, 3) with labels 100a + 10b + c for the digits a (red), b (green), c (blue), and class
        names "000" to "999"; of k classes in place of ten, labels (a k + b) k + c.

    Raises:
        InputError: pictures that are not grey, without labels or of too many classes, or n below 1.

    Example:
        >>> kg.data.stacked(images, n=100)  # of kg.data.load("mnist"): Stacked MNIST
        Images('stacked_digits': 100 of 28 x 28 x 3 uint8, 1000 classes)
    """
    k = images.num_classes
    if images.y is None or images.x.dtype != np.uint8 or images.image_shape[-1] != 1 or k > MOST_CLASSES:
        raise InputError(
            f"Expected grey uint8 pictures with labels of at most {MOST_CLASSES} classes. Received: {images!r}."
        )
    if n < 1:
        raise InputError(f"n must be at least 1. Received: {n}.")
    height, width, _ = images.image_shape
    shape = check_image_shape(image_shape or (height, width, 3))
    rows = _sorted_rows(images.x, images.y)[np.random.default_rng(seed).integers(0, len(images), (n, 3))]
    digits = images.y[rows]
    x, labels = collect(
        _pictures(images.x, rows, (digits[:, 0] * k + digits[:, 1]) * k + digits[:, 2], shape),
        n,
        shape,
        memory_limit=memory_limit,
        key=("stacked", images.fingerprint, n, seed),
    )
    separator = "" if all(len(name) == 1 for name in images.class_names) else "-"
    names = [separator.join(three) for three in itertools.product(images.class_names, repeat=3)]
    return Images(x, labels, names, f"stacked_{images.name}")


def _sorted_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Row numbers in an order that follows from the pictures (and, of equal ones, the labels) alone."""
    pixels = np.ascontiguousarray(x).reshape(len(x), -1)
    return np.lexsort((y, pixels.view(f"S{pixels.shape[1]}")[:, 0]))


def _pictures(
    x: np.ndarray, rows: np.ndarray, labels: np.ndarray, shape: ImageShape
) -> Iterator[tuple[np.ndarray, int]]:
    from kerasgan.data.pixels import resize_array

    for three, label in zip(rows, labels, strict=True):
        yield resize_array(np.concatenate(x[three], axis=-1), shape, "crop"), label
