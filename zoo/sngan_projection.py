"""SNGAN with classes: a projection discriminator (Miyato & Koyama, 2018, https://arxiv.org/abs/1802.05637).

As in the paper for CIFAR-10: the networks of `kerasgan.zoo.sngan`, the generator's batch normalizations conditional on
the class but for the last one, the inner product of the discriminator's features and a spectrally normalised embedding
of the class added to its logit. Differences: those of `kerasgan.zoo.sngan`; for MNIST both networks have the label at
their inputs, too, as in `kerasgan.zoo.cdcgan`, the discriminator is shown some wrong labels (Reed et al., 2016,
https://arxiv.org/abs/1605.05396) and has two updates per generator update, and Adam's beta_2 is 0.999.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.registry import register
from kerasgan.zoo.sngan import CIFAR10_NETWORKS, DIGITS_NETWORKS, MNIST_NETWORKS, discriminator, generator

__all__ = ["discriminator", "generator"]

_FAMILY: dict[str, Any] = {"family": "sngan_projection", "num_classes": 10}
_MNIST: dict[str, Any] = {
    **MNIST,
    **MNIST_NETWORKS,
    "epochs": 48,
    "generator": {**MNIST_NETWORKS["generator"], "embedding_dim": 32},
    "discriminator": {**MNIST_NETWORKS["discriminator"], "planes": 1},
    "g_optimizer": adam(5e-4, 0.0),
    "d_optimizer": adam(1e-3, 0.0),
    "n_critic": 2,
    "mismatched": 0.01,
}

register(Recipe("sngan_projection_digits", **_FAMILY, **DIGITS, **DIGITS_NETWORKS))
register(Recipe("sngan_projection_mnist", **_FAMILY, **_MNIST))
register(Recipe("sngan_projection_cifar10", **_FAMILY, **{**CIFAR10, "epochs": 640}, **CIFAR10_NETWORKS))
