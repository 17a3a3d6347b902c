"""The embedded default data: 1,797 real handwritten digits that come with scikit-learn."""

from collections.abc import Sequence

import numpy as np

from kerasgan.data.images import Images
from kerasgan.errors import InputError

TEST_IMAGES = 297


def load_digits(split: str = "train", image_shape: Sequence[int] | None = None) -> Images:
    """Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998), in scikit-learn's 8x8 copy.

    Args:
        split: "test" is 297 images spread evenly over the file, "train" the 1,500 others, "all" both in file order.
        image_shape: `None` stands for (28, 28, 1), to which the 8x8 originals are scaled bicubically.

    Returns:
        uint8 white-on-black digits with labels 0 to 9.
    """
    from sklearn import datasets

    x, y = datasets.load_digits(return_X_y=True)
    test = np.linspace(0, len(x) - 1, TEST_IMAGES).astype(int)
    rows = {"train": np.setdiff1d(np.arange(len(x)), test), "test": test, "all": np.arange(len(x))}
    if split not in rows:
        raise InputError(f"'digits' has the splits {', '.join(rows)}. Received: {split!r}.")
    pixels = np.rint(x[rows[split]] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    names = [str(k) for k in range(10)]
    return Images(pixels, y[rows[split]], names, "digits").resized(image_shape or (28, 28, 1))
