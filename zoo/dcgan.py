"""DCGAN: strided convolutions on both sides (Radford, Metz, Chintala, 2016, https://arxiv.org/abs/1511.06434).

From the paper: dense + batch normalization + ReLU + transposed convolutions with stride 2 and tanh in the generator,
LeakyReLU 0.2 in the discriminator, Adam 2e-4 with beta_1 0.5. Differences, each for quality at small sizes: no batch
normalization in the discriminator, a lazy R1 penalty in its place, an average of the generator's weights; the last
layers are 3x3 convolutions.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.registry import register
from kerasgan.zoo.sizes import halvings


def generator(image_shape, latent_dim=64, num_classes=0, width=32, embedding_dim=32):
    """Latents to images in [-1, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, a label is embedded and set beside the latent.
        width: channels at full size; doubled at each halving of the size, up to 8 times.
        embedding_dim: length of the label's embedding.

    Returns:
        Functional `keras.Model` from `latent` or `[latent, label]` to float32 (batch, height, width, channels).
    """
    import keras
    from keras import layers

    latent = x = keras.Input((latent_dim,), name="latent")
    inputs = [latent]
    if num_classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs.append(label)
        x = layers.Concatenate()([latent, layers.Embedding(num_classes, embedding_dim)(label)])

    def normalized(x):
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    *larger, (height, breadth) = halvings(image_shape, smallest=5)
    channels = width * 2 ** min(len(larger), 3)
    x = layers.Dense(height * breadth * channels, use_bias=False)(x)
    x = normalized(layers.Reshape((height, breadth, channels))(x))
    for i, (height, breadth) in reversed(list(enumerate(larger))):
        channels = width * 2 ** min(i, 3)
        x = normalized(layers.Conv2DTranspose(channels, 4, strides=2, padding="same", use_bias=False)(x))
        if x.shape[1:3] != (height, breadth):
            x = layers.Cropping2D(((0, x.shape[1] - height), (0, x.shape[2] - breadth)))(x)
    x = layers.Conv2D(image_shape[2], 3, padding="same")(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs if num_classes else latent, image, name="generator")


def discriminator(image_shape, num_classes=0, width=48):
    """Images to logits; with classes, a projection discriminator (Miyato & Koyama, 2018).

    Args:
        image_shape: (height, width, channels), any.
        num_classes: above 0, the label's embedding is projected on the features.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    import keras
    from keras import layers

    image = x = keras.Input(image_shape, name="image")
    for i in range(max(1, len(halvings(image_shape)) - 1)):
        kernel = 4 if i < 2 else 3
        x = layers.Conv2D(width * 2 ** min(i, 3), kernel, strides=2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
    features = layers.Flatten()(x)
    logit = layers.Dense(1, dtype="float32")(features)
    if not num_classes:
        return keras.Model(image, logit, name="discriminator")
    label = keras.Input((), dtype="int32", name="label")
    embedded = layers.Embedding(num_classes, features.shape[1])(label)
    projected = layers.Dot(axes=1, dtype="float32")([features, embedded])
    return keras.Model([image, label], layers.Add(dtype="float32")([logit, projected]), name="discriminator")


_SETTINGS: dict[str, Any] = {
    "family": "dcgan",
    "latent_dim": 64,
    "loss": "non_saturating",
    "penalties": ({"name": "r1", "gamma": 0.1, "interval": 16},),
}

# The embedded default: narrow and with quick optimizers, so that two cores need a minute or two.
_QUICK = {"name": "adam", "learning_rate": 1e-3, "beta_1": 0.5}
register(
    Recipe(
        "dcgan_digits",
        dataset="digits",
        image_shape=(28, 28, 1),
        epochs=30,
        ema=0.99,
        generator={"width": 16},
        discriminator={"width": 32},
        g_optimizer=_QUICK,
        d_optimizer=_QUICK,
        **_SETTINGS,
    )
)
register(Recipe("dcgan_mnist", dataset="mnist", image_shape=(28, 28, 1), epochs=25, **_SETTINGS))
register(
    Recipe(
        "dcgan_cifar10",
        dataset="cifar10",
        image_shape=(32, 32, 3),
        epochs=100,
        generator={"width": 64},
        discriminator={"width": 64},
        augment="translation",
        **{**_SETTINGS, "latent_dim": 128},
    )
)
