"""Conditional batch normalization."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("kerasgan")
class ConditionalBatchNormalization(keras.layers.Layer):
    """Batch normalization with a scale and an offset for every class (Dumoulin et al., 2017; Miyato & Koyama, 2018).

    Args:
        num_classes: how many.
        momentum: of the moving averages.
        epsilon: added to the variance.

    Input `[x, label]`: float (batch, ..., channels) and int32 (batch,); output as x.

    Example:
        >>> layer = kg.layers.ConditionalBatchNormalization(num_classes=10)
        >>> out = keras.ops.convert_to_numpy(layer([x / 255.0, y], training=True))
        >>> abs(round(float(out.mean()), 3)), round(float(out.std()), 3)
        (0.0, 1.0)
    """

    def __init__(self, num_classes: int, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, center=False, scale=False, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        shape, label_shape = input_shape
        self.normalization.build(shape)
        self.scale, self.offset = (
            keras.layers.Embedding(
                self.num_classes, shape[-1], embeddings_initializer=start, dtype=self.dtype_policy, name=name
            )
            for start, name in (("ones", "scale"), ("zeros", "offset"))
        )
        for table in (self.scale, self.offset):
            table.build(label_shape)

    def call(self, inputs, training=False):
        x, label = inputs
        each = (-1, *[1] * (len(x.shape) - 2), x.shape[-1])  # one value for all positions
        scale, offset = (ops.reshape(table(label), each) for table in (self.scale, self.offset))
        return self.normalization(x, training=training) * scale + offset

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        options = {"momentum": self.normalization.momentum, "epsilon": self.normalization.epsilon}
        return {**super().get_config(), "num_classes": self.num_classes, **options}
