"""Classic augmentation of labelled pictures, in NumPy: the same on every backend, from a random generator given."""

from collections.abc import Callable

import numpy as np

from kerasgan.errors import unknown_name

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
POLICIES = ("shift", "flip", "affine")


def get(augment: str | Augment | None, image_shape: tuple[int, ...]) -> Augment | None:
    """The augmentation of a name, the given function itself, or `None` for `None` and `""`.

    Args:
        augment: comma-separated names of `POLICIES`, or "classic": "affine" for grey pictures, whose left and right
            often matter (digits, letters), "affine,flip" for colour; or a function from uint8 (n, height, width,
            channels) and a `np.random.Generator` to the same.
        image_shape: (height, width, channels) of the pictures.

    Raises:
        InputError: an unknown name.
    """
    if not augment or not isinstance(augment, str):
        return augment or None
    if augment == "classic":
        augment = "affine" if image_shape[-1] == 1 else "affine,flip"
    names = [name.strip() for name in augment.split(",")]
    for name in names:
        if name not in POLICIES:
            raise unknown_name("augmentation", name, ("classic", *POLICIES))
    steps: list[Augment] = [globals()[name] for name in names]

    def chain(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for step in steps:
            images = step(images, rng)
        return images

    return chain


def shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to 1/8 of each side; its border is repeated."""
    n, height, width, _ = images.shape
    rows = np.arange(height) + _whole(rng, n, height // 8)
    columns = np.arange(width) + _whole(rng, n, width // 8)
    rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
    return images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def flip(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the pictures mirrored left to right."""
    mirrored = rng.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def affine(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture turned by up to 10 degrees, scaled by 0.9 to 1.1 and moved by up to 1/10 of each side.

    Bilinear; the border is repeated.
    """
    n, height, width, _ = images.shape
    angle, scale = np.deg2rad(rng.uniform(-10, 10, n)), rng.uniform(0.9, 1.1, n)
    cos, sin = (scale * np.cos(angle))[:, None, None], (scale * np.sin(angle))[:, None, None]
    y, x = np.arange(height)[None, :, None] - (height - 1) / 2, np.arange(width)[None, None, :] - (width - 1) / 2
    rows = cos * y - sin * x + (height - 1) / 2 + rng.uniform(-height / 10, height / 10, (n, 1, 1))
    columns = sin * y + cos * x + (width - 1) / 2 + rng.uniform(-width / 10, width / 10, (n, 1, 1))
    return _bilinear(images, rows.clip(0, height - 1), columns.clip(0, width - 1))


def _whole(rng: np.random.Generator, n: int, most: int) -> np.ndarray:
    return rng.integers(-most, most + 1, (n, 1))


def _bilinear(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Pixels at fractional (row, column) inside the picture, each (n, height, width)."""
    n, height, width, channels = images.shape
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = (rows - top).astype(np.float32)[..., None], (columns - left).astype(np.float32)[..., None]
    flat = images.reshape(-1, channels)
    start = (np.arange(n) * (height * width))[:, None, None]
    above, below = start + top * width, start + np.minimum(top + 1, height - 1) * width
    beside = np.minimum(left + 1, width - 1)
    upper = flat[above + left] * (1 - right) + flat[above + beside] * right
    lower = flat[below + left] * (1 - right) + flat[below + beside] * right
    return np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
