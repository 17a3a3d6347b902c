"""Grouped convolutions that can be exported."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasgan")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, of operations that every runtime takes.

    On TensorFlow Keras' own compiles grouped convolutions with XLA, which no export format knows.

    Example:
        >>> layer = kg.layers.GroupedConv2D(16, 3, padding="same", groups=4)
        >>> tuple(layer(np.ones((2, 7, 7, 8), "float32")).shape), tuple(layer.kernel.shape)
        ((2, 7, 7, 16), (3, 3, 2, 16))
    """

    def convolution_op(self, inputs, kernel):
        if keras.backend.backend() != "tensorflow" or self.groups == 1:
            return super().convolution_op(inputs, kernel)
        axis = -1 if self.data_format == "channels_last" else 1
        parts = zip(ops.split(inputs, self.groups, axis=axis), ops.split(kernel, self.groups, axis=-1), strict=True)
        convolved = super().convolution_op
        return ops.concatenate([convolved(x, k) for x, k in parts], axis=axis)
