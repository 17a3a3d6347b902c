"""The largest difference between halving convolutions and convolutions with means behind them, on this backend."""

import keras
import numpy as np

from kerasgan.layers import SpectralConv2D


def difference(shape):
    x = keras.ops.array(np.random.default_rng(0).normal(size=shape).astype("float32"))
    plain, halved = (SpectralConv2D(4, 3, padding="same", halved=h) for h in (False, True))
    means = keras.layers.AveragePooling2D(2, padding="same")(plain(x))
    halved.build(shape)
    halved.set_weights(plain.get_weights())
    return float(keras.ops.max(keras.ops.abs(halved(x) - means)))


if __name__ == "__main__":
    print(max(difference((2, height, breadth, 3)) for height, breadth in ((8, 6), (7, 6), (5, 9))))
