"""The largest difference between halving convolutions and convolutions with means behind them, on this backend."""

import keras
import numpy as np

from kerasgan.layers import SpectralConv2D


def difference(height, breadth, layout):
    order = (0, 3, 1, 2) if layout == "channels_first" else (0, 1, 2, 3)
    values = np.random.default_rng(0).normal(size=(2, height, breadth, 3)).astype("float32").transpose(order)
    x = keras.ops.array(values)
    options = {"padding": "same", "data_format": layout}
    plain, halved = (SpectralConv2D(4, 3, halved=h, **options) for h in (False, True))
    means = keras.layers.AveragePooling2D(2, **options)(plain(x))
    halved.build(values.shape)
    halved.set_weights(plain.get_weights())
    assert halved.compute_output_shape(values.shape) == tuple(means.shape)
    return float(keras.ops.max(keras.ops.abs(halved(x) - means)))


if __name__ == "__main__":
    # TensorFlow convolves channels_first on GPUs only.
    layouts = ["channels_last"] + ["channels_first"] * (keras.backend.backend() != "tensorflow")
    print(max(difference(*size, layout) for size in ((8, 6), (7, 6), (5, 9)) for layout in layouts))
