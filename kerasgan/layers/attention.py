"""Self-attention over the positions of an image."""

import keras
from keras import ops

from kerasgan.layers.spectral import SpectralConv2D


@keras.saving.register_keras_serializable("kerasgan")
class SelfAttention(keras.layers.Layer):
    """Self-attention over positions, added to the input by a learned factor that starts at 0 (SAGAN, section 3).

    Zhang et al., 2019. Keys and values are max-pooled to a quarter of the positions, as in the authors' code.

    Args:
        spectral: spectral normalization of its 1x1 convolutions.

    Input and output float (batch, height, width, channels).

    Example:
        >>> layer = kg.layers.SelfAttention()
        >>> features = np.ones((2, 8, 8, 16), "float32")
        >>> bool((keras.ops.convert_to_numpy(layer(features)) == features).all())  # its factor starts at 0
        True
    """

    def __init__(self, spectral: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.spectral = spectral
        self.pool = keras.layers.MaxPooling2D(2, padding="same", dtype=self.dtype_policy)
        self.softmax = keras.layers.Softmax(dtype="float32")

    def build(self, input_shape):
        channels = input_shape[-1]
        layer = SpectralConv2D if self.spectral else keras.layers.Conv2D

        def convolution(outputs, name):
            return layer(outputs, 1, use_bias=False, dtype=self.dtype_policy, name=name)

        self.query = convolution(max(1, channels // 8), "query")
        self.key = convolution(max(1, channels // 8), "key")
        self.value = convolution(max(1, channels // 2), "value")
        self.out = convolution(channels, "out")
        for part in (self.query, self.key, self.value):
            part.build(input_shape)
        self.out.build((*input_shape[:-1], max(1, channels // 2)))
        self.gain = self.add_weight(shape=(), initializer="zeros", name="gain")

    def call(self, inputs, training=False):
        options = {"training": training} if self.spectral else {}
        query = _positions(self.query(inputs, **options))
        key = _positions(self.pool(self.key(inputs, **options)))
        value = _positions(self.pool(self.value(inputs, **options)))
        weights = self.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))))
        seen = ops.matmul(ops.cast(weights, value.dtype), value)
        seen = ops.reshape(seen, (-1, *inputs.shape[1:3], value.shape[-1]))
        return inputs + ops.cast(self.gain, inputs.dtype) * self.out(seen, **options)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "spectral": self.spectral}


def _positions(x):
    """(batch, height, width, channels) as (batch, positions, channels)."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
