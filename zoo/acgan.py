"""ACGAN: the discriminator also names the class (Odena, Olah, Shlens, 2017, https://arxiv.org/abs/1610.09585).

From the paper: a class and a latent in the generator; a discriminator that sees the image alone and gives a logit and
the classes' logits; both players add the cross entropy of the class, on real and on generated images. The training is
`kerasgan.gans.acgan.ACGAN`. Differences: the networks and the lazy R1 penalty are those of `kerasgan.zoo.dcgan`, which
are smaller than the paper's for 32x32 images and need no batch normalization in the discriminator; its dropout is 0.3,
0.5 there; a learned embedding of the class stands beside the latent.
"""

from typing import Any

from kerasgan.errors import InputError
from kerasgan.recipe import Recipe
from kerasgan.zoo import dcgan
from kerasgan.zoo.common import CIFAR10, DIGITS, FAST_RATES, MNIST
from kerasgan.zoo.dcgan import generator
from kerasgan.zoo.registry import register

__all__ = ["discriminator", "generator", "model"]


def model(*args, **kwargs):
    from kerasgan.gans.acgan import ACGAN

    return ACGAN(*args, **kwargs)


def discriminator(image_shape, num_classes=0, width=48, dropout=0.3):
    """Images to logits and class logits.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: at least 1.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.
        dropout: rate, after every convolution.

    Returns:
        Functional `keras.Model` from `image` to float32 [(batch, 1), (batch, num_classes)].
    """
    import keras
    from keras import layers

    if not num_classes:
        raise InputError("An ACGAN needs classes. Give num_classes, or data with labels.")
    image = keras.Input(image_shape, name="image")
    features = dcgan.features(image, width, dropout=dropout)
    logit = layers.Dense(1, dtype="float32", name="logit")(features)
    classes = layers.Dense(num_classes, dtype="float32", name="classes")(features)
    return keras.Model(image, [logit, classes], name="discriminator")


_SETTINGS: dict[str, Any] = {**dcgan.SETTINGS, "family": "acgan", "num_classes": 10}

register(
    Recipe(
        "acgan_digits",
        **DIGITS,
        **_SETTINGS,
        generator={"width": 16},
        discriminator={"width": 32},
        **FAST_RATES,
    )
)
register(Recipe("acgan_mnist", **{**MNIST, "epochs": 6}, **_SETTINGS, **FAST_RATES, batch_size=32))
register(
    Recipe(
        "acgan_cifar10",
        **CIFAR10,
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
    )
)
