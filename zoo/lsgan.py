"""LSGAN: least squares in place of cross entropy (Mao et al., 2017, https://arxiv.org/abs/1611.04076).

From the paper: the loss of its equation 9, targets 1 for real, 0 for generated, 1 for the generator; convolutional
networks with batch normalization in both players. Differences: the networks are DCGAN's rather than the deeper ones for
112x112 rooms; an average of the generator's weights; for digits, the mapping and the R1 penalty of `dcgan_digits`, so
that the two differ by their loss alone. With classes, the discriminator is a projection discriminator (the paper sets a
one-hot vector beside the features of many classes).
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, FAST_RATES, MNIST
from kerasgan.zoo.dcgan import generator
from kerasgan.zoo.registry import register
from kerasgan.zoo.wgan import discriminator

__all__ = ["discriminator", "generator"]

_SETTINGS: dict[str, Any] = {"family": "lsgan", "latent_dim": 64, "loss": "least_squares"}

register(
    Recipe(
        "lsgan_digits",
        **DIGITS,
        **_SETTINGS,
        penalties=({"name": "r1", "gamma": 0.1, "interval": 16},),
        generator={"width": 16, "mapping": 2},
        discriminator={"width": 32},
        **FAST_RATES,
    )
)
register(Recipe("lsgan_mnist", **MNIST, **_SETTINGS, **FAST_RATES, batch_size=32))
register(
    Recipe(
        "lsgan_cifar10",
        **CIFAR10,
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
    )
)
