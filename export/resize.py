"""Nearest up-sampling as one resize operation, bit-identical to Keras' own."""

import keras
import tensorflow as tf


class NearestResize(keras.layers.Layer):
    """Repeats every pixel `size` times, as `keras.layers.UpSampling2D` does.

    Args:
        size: (rows, columns), the whole factors.

    Input float32 (batch, height, width, channels); output (batch, height * rows, width * columns, channels).
    """

    def __init__(self, size: tuple[int, int], **kwargs):
        super().__init__(**kwargs)
        self.size = size

    @staticmethod
    def replaces(layer: keras.layers.Layer) -> bool:
        """Whether this does what `layer` does."""
        up = isinstance(layer, keras.layers.UpSampling2D)
        return up and layer.interpolation == "nearest" and layer.data_format == "channels_last"

    def call(self, x):
        known = tf.shape(x)[1:3] if None in x.shape[1:3] else x.shape[1:3]
        size = [known[0] * self.size[0], known[1] * self.size[1]]
        return tf.raw_ops.ResizeNearestNeighbor(images=x, size=size, half_pixel_centers=False)

    def compute_output_shape(self, shape):
        height, width = (None if n is None else n * k for n, k in zip(shape[1:3], self.size, strict=True))
        return (shape[0], height, width, shape[3])
