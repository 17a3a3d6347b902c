"""Spectral normalization of kernels (Miyato et al., 2018), and layers that have it."""

from typing import Any

import keras
from keras import ops

from kerasgan.errors import InputError


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
            name="u",  # of no aggregation: every replica computes the same from the same kernel
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
            padding="same")` takes them: SNGAN's way down. Where height and width are even it is one convolution, with
            4/9 of the products for a 3x3 kernel.
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
