"""Layers that Keras lacks: spectral normalization as in its paper."""

import keras
from keras import ops


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
    """`keras.layers.Conv2D` whose kernel is divided by its spectral norm in every call (SNGAN)."""

    def build(self, input_shape):
        super().build(input_shape)
        self._add_u(self.filters)

    def call(self, inputs, training=False):
        outputs = self.convolution_op(inputs, spectral_norm(self.kernel, self.u, update=bool(training)))
        if self.use_bias:
            outputs = outputs + (self.bias if self.data_format == "channels_last" else self.bias[:, None, None])
        return self.activation(outputs)


@keras.saving.register_keras_serializable("kerasgan")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`keras.layers.Dense` whose kernel is divided by its spectral norm in every call (SNGAN)."""

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
    """`keras.layers.Embedding` whose table is divided by its spectral norm (projection discriminators)."""

    def build(self, input_shape=None):
        super().build(input_shape)
        self._add_u(self.output_dim)

    def call(self, inputs, training=False):
        table = spectral_norm(self.embeddings, self.u, update=bool(training))
        return ops.take(table, ops.cast(inputs, "int32"), axis=0)

    def compute_output_spec(self, inputs, training=False):
        return super().compute_output_spec(inputs)  # Keras' own knows no `training`
