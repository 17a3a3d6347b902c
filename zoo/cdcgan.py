"""Conditional DCGAN: the label at both inputs (Mirza & Osindero, 2014, https://arxiv.org/abs/1411.1784).

The networks of `kerasgan.zoo.dcgan`. The paper sets a one-hot label beside the latent and beside the pixels of
perceptrons; here the generator has a learned embedding beside the latent, the discriminator a learned picture of each
class beside the image, as a further channel, which is the same for convolutions. Differences, for quality: its logit is
also that of a projection discriminator (Miyato & Koyama, 2018, https://arxiv.org/abs/1802.05637); for MNIST it is shown
some wrong labels, too (Reed et al., 2016, https://arxiv.org/abs/1605.05396), for CIFAR-10 shifted images (DiffAugment:
Zhao et al., 2020, https://arxiv.org/abs/2006.10738).
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo import dcgan
from kerasgan.zoo.common import CIFAR10, DIGITS, FAST_RATES, MNIST, adam
from kerasgan.zoo.dcgan import generator
from kerasgan.zoo.parts import judged, label_planes
from kerasgan.zoo.registry import register

__all__ = ["discriminator", "generator"]


def discriminator(image_shape, num_classes=0, width=48, planes=1, projection=True, batch_norm=False, unstrided=0):
    """Images and labels to logits.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: 0 for no label.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.
        planes: channels of a class's picture.
        projection: whether the label is projected on the features, too; versions published before that say False.
        batch_norm: after every convolution but the first.
        unstrided: number of 3x3 convolutions after those that halve, at the smallest size.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    import keras
    from keras import layers

    image = x = keras.Input(image_shape, name="image")
    if not num_classes:
        return judged(image, dcgan.features(image, width, batch_norm, unstrided=unstrided), 0)
    label = keras.Input((), dtype="int32", name="label")
    x = layers.Concatenate()([image, label_planes(label, num_classes, image_shape, planes)])
    features = dcgan.features(x, width, batch_norm, unstrided=unstrided)
    if projection:
        return judged(image, features, num_classes, label=label)
    return keras.Model([image, label], layers.Dense(1, dtype="float32")(features), name="discriminator")


_SETTINGS: dict[str, Any] = {**dcgan.SETTINGS, "family": "cdcgan", "num_classes": 10}

register(
    Recipe(
        "cdcgan_digits",
        **DIGITS,
        **_SETTINGS,
        generator={"width": 16},
        discriminator={"width": 32},
        **FAST_RATES,
    )
)
register(
    Recipe(
        "cdcgan_mnist",
        **{**MNIST, "epochs": 36},
        **_SETTINGS,
        discriminator={"unstrided": 1},
        mismatched=0.01,
        g_optimizer=adam(2e-4),
        d_optimizer=adam(2e-4),
    )
)
register(
    Recipe(
        "cdcgan_cifar10",
        **CIFAR10,
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
        augment="translation",
    )
)
