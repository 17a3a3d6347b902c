"""Differentiable augmentation: what the discriminator sees of real and of generated images alike."""

import keras
from keras import ops

from kerasgan.errors import InputError, unknown_name

__all__ = ["POLICIES", "DiffAugment", "get"]

POLICIES = ("color", "translation", "cutout")
"""What `DiffAugment` can do, by name.

Example:
    >>> augment = kg.augment.DiffAugment(",".join(kg.augment.POLICIES))
    >>> augment.steps
    ['color', 'translation', 'cutout']
"""


@keras.saving.register_keras_serializable("kerasgan")
class DiffAugment:
    """Zhao et al., 2020: random changes, through which gradients reach the generator, of every image D is shown.

    - `color`: brightness +-0.5 of the unit [-1, 1] scale, saturation 0 to 2 times, contrast 0.5 to 1.5 times;
    - `translation`: by up to 1/8 of each side, the rest filled with 0;
    - `cutout`: a rectangle of half the sides set to 0.

    An alpha channel (the last of 2 or 4) keeps its values under `color`.

    Args:
        policy: comma-separated names, applied in that order.

    Example:
        >>> augment = kg.augment.DiffAugment("cutout")
        >>> seen = augment(keras.ops.ones((2, 8, 8, 1)), gan.draws)
        >>> float(keras.ops.mean(seen)) < 1.0  # a part of each is 0 now
        True
        >>> gan.compile(augment="color,translation,cutout")
    """

    def __init__(self, policy: str = "color,translation,cutout"):
        self.policy = policy
        self.steps = [name.strip() for name in policy.split(",") if name.strip()]
        for name in self.steps:
            if name not in POLICIES:
                raise unknown_name("augmentation", name, POLICIES)
        if not self.steps:
            raise InputError(f"policy must name at least one of {', '.join(POLICIES)}. Received: {policy!r}.")

    def __call__(self, images, draws):
        """Augmented images of the same shape and dtype float32 (batch, height, width, channels).

        Args:
            images: float32 in [-1, 1] or near it.
            draws: `kerasgan.gans.draws.Draws`, or anything with its `uniform`.
        """
        if len(images.shape) != 4:
            raise InputError(f"Augmentation needs images (batch, height, width, channels). Received: {images.shape}.")
        for name in self.steps:
            images = getattr(self, f"_{name}")(images, draws)
        return images

    def _color(self, images, draws):
        channels = images.shape[-1]
        colours = channels - 1 if channels in (2, 4) else channels
        x, alpha = images[..., :colours], images[..., colours:]
        shape = (ops.shape(images)[0], 1, 1, 1)
        x = x + (draws.uniform(shape) - 0.5)
        grey = ops.mean(x, axis=-1, keepdims=True)
        x = grey + (x - grey) * (2.0 * draws.uniform(shape))
        mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        x = mean + (x - mean) * (draws.uniform(shape) + 0.5)
        return ops.concatenate([x, alpha], axis=-1) if colours < channels else x

    def _translation(self, images, draws):
        n, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]
        rows = _shift_matrix(height, _whole(draws.uniform((n, 1, 1)), -(height // 8), height // 8))
        columns = _shift_matrix(width, _whole(draws.uniform((n, 1, 1)), -(width // 8), width // 8))
        # A shift as a product with a 0/1 matrix: zero filling, any backend, differentiable twice.
        return ops.einsum("nij,njkc,nlk->nilc", rows, images, columns)

    def _cutout(self, images, draws):
        n, height, width = ops.shape(images)[0], images.shape[1], images.shape[2]
        rows = _outside(height, draws.uniform((n, 1)))
        columns = _outside(width, draws.uniform((n, 1)))
        keep = ops.logical_or(rows[:, :, None, None], columns[:, None, :, None])
        return images * ops.cast(keep, images.dtype)

    def get_config(self):
        return {"policy": self.policy}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _whole(uniform, low, high):
    """Whole numbers low..high, both included, as floats, from U(0, 1)."""
    return ops.floor(uniform * (high - low + 1)) + low


def _shift_matrix(size, shift):
    """(n, size, size) matrices that move a row by `shift` (n, 1, 1)."""
    index = ops.arange(size, dtype="float32")
    return ops.cast(ops.equal(index[None, :, None] - index[None, None, :], shift), "float32")


def _outside(size, uniform):
    """(n, size) True outside a window of half the size whose centre lies anywhere on the side."""
    half = max(size // 2, 1)
    centre = _whole(uniform, 0, size - half % 2)
    index = ops.arange(size, dtype="float32")[None]
    start = centre - half // 2
    return ops.logical_or(index < start, index >= start + half)


def get(augment: "str | DiffAugment | None") -> "DiffAugment | None":
    """The augmentation of a policy string, the given object itself, or `None` for `None` and `""`.

    Example:
        >>> kg.augment.get("translation,cutout").steps
        ['translation', 'cutout']
    """
    return DiffAugment(augment) if isinstance(augment, str) and augment else (augment or None)
