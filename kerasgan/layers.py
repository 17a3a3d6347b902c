"""Layers that Keras lacks: spectral and conditional batch normalization, self-attention, as in their papers."""

from typing import Any

import keras
from keras import ops

from kerasgan.errors import InputError

__all__ = [
    "ConditionalBatchNormalization",
    "GroupedConv2D",
    "SelfAttention",
    "SpectralConv2D",
    "SpectralDense",
    "SpectralEmbedding",
    "spectral_norm",
]


def spectral_norm(kernel, u, update: bool):
    """The kernel divided by its largest singular value (Miyato et al., 2018, algorithm 1).

    Keras' own `SpectralNormalization` overwrites the kernel with the normalised one, so that gradients never see the
    division; here the gradient goes through it, as in equation 12 of the paper.

    Args:
        kernel: float (..., outputs), seen as a matrix (everything else, outputs).
        u: variable float (outputs,), the running left singular vector, of any length; moved by one power iteration if
            `update`.
        update: True in training.

    Returns:
        The normalised kernel, same shape.

    Example:
        >>> kernel, u = keras.ops.diag([4.0, 2.0]), keras.Variable([1.0, 0.0])
        >>> keras.ops.convert_to_numpy(kg.layers.spectral_norm(kernel, u, update=True)).tolist()
        [[1.0, 0.0], [0.0, 0.5]]
    """
    dtype = kernel.dtype
    # float32 whatever the policy: a half-precision singular value would jitter from step to step.
    matrix = ops.cast(ops.reshape(kernel, (-1, kernel.shape[-1])), "float32")
    fixed = ops.stop_gradient(matrix)  # u and v are constants to the gradient, sigma is not
    u_now = _unit(ops.cast(u, "float32"))
    v = _unit(ops.matmul(fixed, u_now[:, None])[:, 0])
    if update:
        u_now = _unit(ops.matmul(v[None], fixed)[0])
        u.assign(ops.cast(u_now, u.dtype))
    sigma = ops.sum(v * ops.matmul(matrix, u_now[:, None])[:, 0])
    return ops.cast(ops.reshape(matrix / ops.maximum(sigma, 1e-12), kernel.shape), dtype)


def _unit(vector):
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + 1e-12)


class _Spectral(keras.layers.Layer):
    """What the three layers share: their `u`, and saving it (Keras' layers save only the variables they know)."""

    def _add_u(self, outputs):
        self.u = self.add_weight(
            shape=(outputs,),
            initializer="random_normal",
            trainable=False,
            autocast=False,
            name="u",
            # Every replica computes the same u from the same kernel.
            aggregation="only_first_replica",
        )

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


@keras.saving.register_keras_serializable("kerasgan")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel is divided by its spectral norm in every call (SNGAN).

    Args:
        *args: of `keras.layers.Conv2D`.
        halved: means over 2x2 positions follow, before the bias and the activation, as `AveragePooling2D(2,
            padding="same")` takes them: SNGAN's way down, at about half the cost where height and width are even.
        **kwargs: of `keras.layers.Conv2D`.

    Raises:
        InputError: `halved` with strides, dilation or another padding than "same".

    Example:
        >>> layer = kg.layers.SpectralConv2D(8, 3, strides=2, padding="same")
        >>> tuple(layer(x[:4] / 255.0, training=True).shape)
        (4, 14, 14, 8)
    """

    def __init__(self, *args: Any, halved: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.halved = halved
        if halved and (self.padding, *self.strides, *self.dilation_rate) != ("same", 1, 1, 1, 1):
            raise InputError(
                "halved needs padding='same', strides=1 and dilation_rate=1. Received: "
                f"padding={self.padding!r}, strides={self.strides}, dilation_rate={self.dilation_rate}."
            )

    def build(self, input_shape):
        super().build(input_shape)
        self._add_u(self.filters)

    def call(self, inputs, training=False):
        kernel = spectral_norm(self.kernel, self.u, update=bool(training))
        outputs = (self._halved if self.halved else self.convolution_op)(inputs, kernel)
        if self.use_bias:
            outputs = outputs + (self.bias if self.data_format == "channels_last" else self.bias[:, None, None])
        return self.activation(outputs)

    def _halved(self, inputs, kernel):
        layout = {"padding": "same", "data_format": self.data_format}
        if any(n is None or n % 2 for n in self._sizes(inputs.shape)):
            return ops.average_pool(self.convolution_op(inputs, kernel), 2, strides=2, **layout)
        # A mean of neighbours is a convolution, too: both at once are one of stride 2 by the kernel's mean over shifts.
        shifts = [ops.pad(kernel, ((i, 1 - i), (j, 1 - j), (0, 0), (0, 0))) for i in (0, 1) for j in (0, 1)]
        return ops.conv(inputs, sum(shifts) / 4, strides=2, **layout)

    def _sizes(self, shape):
        return shape[1:3] if self.data_format == "channels_last" else shape[2:]

    def compute_output_shape(self, input_shape):
        shape = super().compute_output_shape(input_shape)
        if not self.halved:
            return shape
        sizes = [None if n is None else -(-n // 2) for n in self._sizes(shape)]
        return (shape[0], *sizes, shape[3]) if self.data_format == "channels_last" else (*shape[:2], *sizes)

    def get_config(self):
        return {**super().get_config(), "halved": self.halved}


@keras.saving.register_keras_serializable("kerasgan")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`keras.layers.Dense` whose kernel is divided by its spectral norm in every call (SNGAN).

    Example:
        >>> layer = kg.layers.SpectralDense(1, use_bias=False)
        >>> for _ in range(3):
        ...     logits = layer(np.eye(4), training=True)
        >>> round(float(np.linalg.norm(keras.ops.convert_to_numpy(logits))), 3)
        1.0
    """

    def build(self, input_shape):
        super().build(input_shape)
        self._add_u(self.units)

    def call(self, inputs, training=False):
        outputs = ops.matmul(inputs, spectral_norm(self.kernel, self.u, update=bool(training)))
        if self.use_bias:
            outputs = outputs + self.bias
        return self.activation(outputs)


@keras.saving.register_keras_serializable("kerasgan")
class SpectralEmbedding(_Spectral, keras.layers.Embedding):
    """`keras.layers.Embedding` whose table is divided by its spectral norm (projection discriminators).

    Example:
        >>> tuple(kg.layers.SpectralEmbedding(10, 16)(y[:4], training=True).shape)
        (4, 16)
    """

    def build(self, input_shape=None):
        super().build(input_shape)
        self._add_u(self.output_dim)

    def call(self, inputs, training=False):
        table = spectral_norm(self.embeddings, self.u, update=bool(training))
        return ops.take(table, ops.cast(inputs, "int32"), axis=0)

    def compute_output_spec(self, inputs, training=False):
        return super().compute_output_spec(inputs)  # Keras' own knows no `training`


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
