"""Small samplers, one of which gives back its latents, for the tests of drawing and of files."""

import keras
import numpy as np

from kerasgan import Sampler, SampleSpec

NAMES = ("cat", "dog", "owl")


def passing_through(shape=(4, 8, 2), **spec):
    """A sampler whose float output is its latents, so that tests choose the output."""
    size = int(np.prod(shape))
    latent = keras.Input((size,), name="latent")
    return Sampler(
        keras.Model(latent, keras.layers.Reshape(shape)(latent)), SampleSpec(latent_dim=size, image_shape=shape, **spec)
    )


def conditional(seed=0, **spec):
    keras.utils.set_random_seed(seed)
    latent, label = keras.Input((8,), name="latent"), keras.Input((), name="label", dtype="int32")
    of_class = keras.layers.Embedding(3, 75, embeddings_initializer="random_normal")(label)
    pixels = keras.layers.Dense(75, use_bias=False)(latent) + 20.0 * of_class
    image = keras.layers.Reshape((5, 5, 3))(keras.layers.Activation("tanh")(pixels))
    return Sampler(
        keras.Model([latent, label], image),
        SampleSpec(**{"latent_dim": 8, "image_shape": (5, 5, 3), "class_names": NAMES, **spec}),
        recipe={"name": "dcgan_pets"},
    )
