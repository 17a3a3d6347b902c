"""Small networks and fixed noise for the engine's tests; the scripts beside this file use them in other processes."""

import keras
import numpy as np
from keras import layers, ops

import kerasgan as kg

SHAPE = (8, 8, 1)
LATENT = 4


def generator(image_shape=SHAPE, latent_dim=LATENT, num_classes=0, batch_norm=True, dropout=0.0):
    latent = x = keras.Input((latent_dim,))
    inputs = latent
    if num_classes:
        label = keras.Input((), dtype="int32")
        inputs = [latent, label]
        x = layers.Concatenate()([latent, layers.Embedding(num_classes, 3)(label)])
    x = layers.Dense(image_shape[0] // 4 * (image_shape[1] // 4) * 6)(x)
    x = layers.Reshape((image_shape[0] // 4, image_shape[1] // 4, 6))(x)
    x = layers.BatchNormalization(momentum=0.8)(x) if batch_norm else x
    x = layers.LeakyReLU(0.2)(layers.Conv2DTranspose(5, 4, strides=2, padding="same")(x))
    x = layers.Dropout(dropout, seed=11)(x) if dropout else x
    x = layers.Conv2DTranspose(image_shape[2], 4, strides=2, padding="same")(x)
    return keras.Model(inputs, layers.Activation("tanh", dtype="float32")(x), name="generator")


def discriminator(image_shape=SHAPE, num_classes=0, dropout=0.0):
    image = keras.Input(image_shape)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(6, 3, strides=2, padding="same")(image))
    x = layers.Dropout(dropout, seed=12)(x) if dropout else x
    # Smooth, so that no finite difference and no rounding error falls on a kink.
    x = layers.Flatten()(ops.softplus(layers.Conv2D(7, 3, strides=2, padding="same")(x)))
    logit = layers.Dense(1, dtype="float32")(x)
    if not num_classes:
        return keras.Model(image, logit, name="discriminator")
    label = keras.Input((), dtype="int32")
    logit = logit + ops.sum(x * layers.Embedding(num_classes, x.shape[1])(label), axis=1, keepdims=True)
    return keras.Model([image, label], logit, name="discriminator")


def set_weights(network, seed):
    """The same weights on every backend, large enough for gradients of every size."""
    rng = np.random.default_rng(seed)
    for v in network.trainable_variables:
        v.assign(rng.normal(0.0, 0.3, v.shape).astype("float32"))


def gan(num_classes=0, compile_options=None, generator_options=None, discriminator_options=None, **options):
    g = generator(num_classes=num_classes, **(generator_options or {}))
    d = discriminator(num_classes=num_classes, **(discriminator_options or {}))
    set_weights(g, 1)
    set_weights(d, 2)
    model = kg.GAN(g, d, **{"seed": 0, "num_classes": num_classes or None, **options})
    sgd = {"name": "sgd", "learning_rate": 0.1}
    model.compile(**{"g_optimizer": sgd, "d_optimizer": sgd, **(compile_options or {})})
    return model


def batch(n=8, num_classes=0, image_shape=SHAPE, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, *image_shape)).astype("uint8")
    return (x, rng.integers(0, num_classes, n).astype("int32")) if num_classes else (x,)


class FixedDraws:
    """Stands in for `Draws`: rows of one stream of numbers, in the order they are asked for, equal on all backends."""

    def __init__(self, seed=5):
        self.rngs = {}
        self.seed = seed

    def _take(self, kind, shape):
        key = (kind, tuple(shape[1:]))
        rng = self.rngs.setdefault(key, np.random.default_rng(self.seed))
        return ops.convert_to_tensor(getattr(rng, kind)(size=tuple(int(n) for n in shape)).astype("float32"))

    def normal(self, shape):
        return self._take("standard_normal", shape)

    def uniform(self, shape):
        return self._take("uniform", shape)

    def labels(self, n, num_classes):
        return ops.cast(self.uniform((n,)) * num_classes, "int32")

    def latents(self, prior, n, latent_dim):
        return self.normal((n, latent_dim))


def weights(model):
    """{name: array} of both players and the average."""
    networks = {"g": model.generator, "d": model.discriminator, "ema": model.ema_generator}
    return {
        f"{name}{i}": keras.ops.convert_to_numpy(v)
        for name, network in networks.items()
        for i, v in enumerate(network.weights)
    }
