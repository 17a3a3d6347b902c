"""DCGAN: strided convolutions on both sides (Radford, Metz, Chintala, 2016, https://arxiv.org/abs/1511.06434).

From the paper: dense + batch normalization + ReLU + transposed convolutions with stride 2 and tanh in the generator,
LeakyReLU 0.2 in the discriminator, Adam with beta_1 0.5. Differences, each for quality at small sizes: a lazy R1
penalty, an average of the generator's weights; the last layers are 3x3 convolutions; for CIFAR-10 no batch
normalization in the discriminator, and images shifted before it (DiffAugment: Zhao et al., 2020,
https://arxiv.org/abs/2006.10738); a mapping in the generators of `dcgan_digits` and `dcgan_mnist`; batches of 32
and rates of 1e-3 for digits and both MNIST sets (128 and 2e-4 there). For the latter the rates fall to 0 in the second
half.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, FAST_RATES, MNIST
from kerasgan.zoo.parts import cropped, judged, latent_and_label
from kerasgan.zoo.registry import register
from kerasgan.zoo.sizes import halvings


def generator(image_shape, latent_dim=64, num_classes=0, width=32, embedding_dim=32, mapping=0):
    """Latents to images in [-1, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, a label is embedded and set beside the latent.
        width: channels at full size; doubled at each halving of the size, up to 8 times.
        embedding_dim: length of the label's embedding.
        mapping: fully connected layers before all others, whose output, as long as their input, is set beside it.
            They can fold a normal prior into classes, between which fewer pictures then lie (a mapping network:
            Karras et al., 2019, which has no way around it).

    Returns:
        Functional `keras.Model` from `latent` or `[latent, label]` to float32 (batch, height, width, channels).
    """
    import keras
    from keras import layers

    inputs, x = latent_and_label(latent_dim, num_classes, embedding_dim)
    if mapping:
        mapped = x
        for units in [256] * (mapping - 1) + [x.shape[1]]:
            mapped = layers.BatchNormalization(momentum=0.9)(layers.Dense(units, use_bias=False)(mapped))
            mapped = layers.LeakyReLU(0.2)(mapped)
        x = layers.Concatenate()([x, mapped])
    return keras.Model(inputs if num_classes else inputs[0], image(x, image_shape, width), name="generator")


def image(x, image_shape, width):
    """The generator's way from a vector (batch, n) to an image in [-1, 1]."""
    from keras import layers

    def normalized(x):
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    *larger, (height, breadth) = halvings(image_shape, until=9)
    channels = width * 2 ** min(len(larger), 3)
    x = layers.Dense(height * breadth * channels, use_bias=False)(x)
    x = normalized(layers.Reshape((height, breadth, channels))(x))
    for i, size in reversed(list(enumerate(larger))):
        channels = width * 2 ** min(i, 3)
        x = normalized(layers.Conv2DTranspose(channels, 4, strides=2, padding="same", use_bias=False)(x))
        x = cropped(x, size)
    x = layers.Conv2D(image_shape[2], 3, padding="same")(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def discriminator(image_shape, num_classes=0, width=48, batch_norm=False):
    """Images to logits; with classes, a projection discriminator (Miyato & Koyama, 2018).

    Args:
        image_shape: (height, width, channels), any.
        num_classes: above 0, the label's embedding is projected on the features.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.
        batch_norm: after every convolution but the first, as in the paper.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    import keras

    picture = keras.Input(image_shape, name="image")
    return judged(picture, features(picture, width, batch_norm), num_classes)


def features(x, width, batch_norm=False, dropout=0.0, unstrided=0):
    """The discriminator's way from an image (batch, height, width, channels) to features (batch, n).

    Args:
        x: the image.
        width: as in `discriminator`.
        batch_norm: after every convolution but the first.
        dropout: rate, after every convolution that halves.
        unstrided: number of 3x3 convolutions after those, at the smallest size.
    """
    from keras import layers

    for i in range(max(1, len(halvings(x.shape[1:])) - 1)):
        kernel = 4 if i < 2 else 3
        x = layers.Conv2D(width * 2 ** min(i, 3), kernel, strides=2, padding="same")(x)
        if batch_norm and i:
            x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.LeakyReLU(0.2)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    for _ in range(unstrided):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(x.shape[-1], 3, padding="same")(x))
    return layers.Flatten()(x)


SETTINGS: dict[str, Any] = {
    "family": "dcgan",
    "latent_dim": 64,
    "loss": "non_saturating",
    "penalties": ({"name": "r1", "gamma": 0.1, "interval": 16},),
}
# The embedded default: narrow and with quick optimizers, so that two cores need a minute or two.
register(
    Recipe(
        "dcgan_digits",
        **DIGITS,
        **SETTINGS,
        generator={"width": 16, "mapping": 2},
        discriminator={"width": 32, "batch_norm": True},
        **FAST_RATES,
    )
)
register(
    Recipe(
        "dcgan_mnist",
        **{**MNIST, "epochs": 22},
        **SETTINGS,
        batch_size=32,
        generator={"mapping": 2},
        discriminator={"batch_norm": True},
        **FAST_RATES,
    )
)
register(
    Recipe(
        "dcgan_stacked_mnist",
        **{**MNIST, "dataset": "stacked_mnist", "image_shape": (28, 28, 3), "epochs": 40, "batch_size": 32},
        **{**SETTINGS, "latent_dim": 128},
        discriminator={"batch_norm": True},
        **FAST_RATES,
    )
)
register(
    Recipe(
        "dcgan_cifar10",
        **CIFAR10,
        **{**SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
        augment="translation",
    )
)
