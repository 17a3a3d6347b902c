"""The GAN of 2014: perceptrons (Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661).

As in the paper and its authors' code for MNIST: a uniform latent of 100; two layers of 1,200 ReLU units and a sigmoid
in the generator; two layers of 240 maxout units with 5 pieces and dropout 0.5 in the discriminator; the generator's
non-saturating loss of section 3; batches of 100. Differences: Adam in place of momentum with a schedule, which needs
no tuning; an average of the generator's weights; no dropout on the pixels, and one rate for all layers; for MNIST and
digits dropout 0.2 with a lazy R1 penalty. With classes, an embedding of the label is set beside both inputs (Mirza &
Osindero, 2014, https://arxiv.org/abs/1411.1784). CIFAR-10's generator has 1,200 units too, not 8,000, for a home
computer's sake, its discriminator 480; MNIST's generator has 800, for a small download; those of digits 256 and 96.
"""

import math
from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.parts import latent_and_label
from kerasgan.zoo.registry import register


def generator(image_shape, latent_dim=100, num_classes=0, width=1200, embedding_dim=32):
    """Latents to images in [0, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, a label is embedded and set beside the latent.
        width: units of both hidden layers.
        embedding_dim: length of the label's embedding.

    Returns:
        Functional `keras.Model` from `latent` or `[latent, label]` to float32 (batch, height, width, channels).
    """
    import keras
    from keras import layers

    inputs, x = latent_and_label(latent_dim, num_classes, embedding_dim)
    for _ in range(2):
        x = layers.Dense(width, activation="relu")(x)
    x = layers.Reshape(image_shape)(layers.Dense(math.prod(image_shape))(x))
    image = layers.Activation("sigmoid", dtype="float32", name="image")(x)
    return keras.Model(inputs if num_classes else inputs[0], image, name="generator")


def discriminator(image_shape, num_classes=0, width=240, pieces=5, dropout=0.5, embedding_dim=32):
    """Images to logits.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: above 0, a label is embedded and set beside the pixels.
        width: maxout units of both hidden layers.
        pieces: linear functions of which each takes the largest.
        dropout: rate after both.
        embedding_dim: length of the label's embedding.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    import keras
    from keras import layers, ops

    inputs = [keras.Input(image_shape, name="image")]
    x = layers.Flatten()(inputs[0])
    if num_classes:
        inputs.append(keras.Input((), dtype="int32", name="label"))
        x = layers.Concatenate()([x, layers.Embedding(num_classes, embedding_dim)(inputs[1])])
    for _ in range(2):
        x = layers.Reshape((width, pieces))(layers.Dense(width * pieces)(x))
        x = layers.Dropout(dropout)(ops.max(x, axis=2))
    logit = layers.Dense(1, dtype="float32")(x)
    return keras.Model(inputs if num_classes else inputs[0], logit, name="discriminator")


_SETTINGS: dict[str, Any] = {"family": "gan", "latent_dim": 100, "prior": "uniform", "loss": "non_saturating"}
# With the paper's dropout alone D soon knows generated images for certain (MNIST, within an epoch).
_PENALISED: dict[str, Any] = {
    "penalties": ({"name": "r1", "gamma": 1.0, "interval": 4},),
    "g_optimizer": adam(5e-4),
    "d_optimizer": adam(5e-4),
}

register(
    Recipe(
        "gan_digits",
        **{**DIGITS, "epochs": 150, "decay": 0.5},
        **_SETTINGS,
        **_PENALISED,
        generator={"width": 256},
        discriminator={"width": 96, "dropout": 0.2},
    )
)
register(
    Recipe(
        "gan_mnist",
        **{**MNIST, "epochs": 40},
        **_SETTINGS,
        **_PENALISED,
        batch_size=100,
        generator={"width": 800},
        discriminator={"dropout": 0.2},
    )
)
register(Recipe("gan_cifar10", **CIFAR10, **_SETTINGS, batch_size=100, discriminator={"width": 480}))
