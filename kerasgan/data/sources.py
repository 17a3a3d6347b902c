"""load and open: data by name, or by whatever a user typed."""

from collections.abc import Sequence

from kerasgan.data.digits import load_digits
from kerasgan.data.images import Images
from kerasgan.data.store import MEMORY_LIMIT


def load(
    name: str, *, split: str = "train", image_shape: Sequence[int] | None = None, memory_limit: int = MEMORY_LIMIT
) -> Images:
    if name == "digits":
        return load_digits(split, image_shape)
    raise NotImplementedError
