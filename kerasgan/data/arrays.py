"""from_arrays: NumPy arrays as Images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasgan.data.images import CHANNELS, Images, check_finite
from kerasgan.errors import InputError

# A value this far outside the range, as a part of it, is a rounding error: a grey level is 0.4 % wide.
TOLERANCE = 1e-4


def from_arrays(
    x: Any,
    y: Any = None,
    *,
    class_names: Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
    image_shape: Sequence[int] | None = None,
    name: str = "arrays",
) -> Images:
    """Pictures in arrays, with or without labels.

    Args:
        x: pictures (n, height, width, channels) or, for grey ones, (n, height, width). uint8 is taken as it is; any
            other dtype needs `value_range`.
        y: whole numbers (n,) from 0 upwards, or `None`.
        class_names: one name per class; `None` stands for "0", "1", ...
        value_range: (lowest, highest) value that x can take, for instance (0, 1) or (-1, 1); mapped to 0..255.
        image_shape: (height, width, channels) to resize to; `None` keeps the size.
        name: what messages call the set.

    Raises:
        InputError: values that are not finite or outside `value_range`, a wrong rank, or labels that do not fit.

    Example:
        >>> kg.data.from_arrays(np.random.rand(100, 32, 32, 3), value_range=(0, 1))
        Images('arrays': 100 of 32 x 32 x 3 uint8, no labels)
    """
    x = np.asanyarray(x)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4:
        raise InputError(
            "Pictures must have shape (n, height, width) or (n, height, width, channels). "
            f"Received: {x.shape}. For data that are no pictures use Images(x) with float32 x."
        )
    if x.shape[3] not in CHANNELS and x.shape[1] in CHANNELS:
        raise InputError(
            f"Channels come last: (n, height, width, channels). Received: {x.shape}. Use np.moveaxis(x, 1, -1)."
        )
    if x.size == 0:
        raise InputError(f"The data set is empty: x has shape {x.shape}.")
    if x.dtype != np.uint8 or value_range is not None:
        x = _to_uint8(x, value_range)
    images = Images(x, y, class_names, name)
    return images if image_shape is None else images.resized(image_shape)


def _to_uint8(x: np.ndarray, value_range: tuple[float, float] | None) -> np.ndarray:
    if x.dtype.kind not in "fiub":
        raise InputError(f"Pictures must be numbers. Received dtype {x.dtype}.")
    check_finite(x)
    found = float(x.min()), float(x.max())
    if value_range is None:
        raise InputError(
            f"Pictures of dtype {x.dtype} need value_range=(lowest, highest), for instance (0, 1) or (-1, 1). "
            f"The values found lie between {found[0]:g} and {found[1]:g}. (The command line takes uint8 alone.)"
        )
    low, high = (float(value) for value in value_range)
    if not low < high:
        raise InputError(f"value_range must be (lowest, highest). Received: {value_range}.")
    slack = TOLERANCE * (high - low)
    if found[0] < low - slack or found[1] > high + slack:
        raise InputError(
            f"The values of x must lie in value_range ({low:g}, {high:g}). "
            f"Received values between {found[0]:g} and {found[1]:g}."
        )
    out = np.empty(x.shape, np.uint8)
    for i, picture in enumerate(x):  # one by one: a float copy of the whole set may not fit in memory
        out[i] = np.clip(np.rint((picture - low) * (255.0 / (high - low))), 0, 255)
    return out
