"""WGAN-GP: a critic whose gradient is held at norm 1 (Gulrajani et al., 2017, https://arxiv.org/abs/1704.00028).

As in the paper: penalty 10 at points between real and generated images, five critic updates per generator update, Adam
with rate 1e-4 and betas 0 and 0.9, no batch normalization in the critic. The networks are DCGAN's, as in the authors'
code for MNIST, for CIFAR-10 too (the paper also has residual ones: see `kerasgan.zoo.sngan`). Differences: a higher
rate for MNIST and digits; an average of the generator's weights. With classes, the critic is a projection
discriminator.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.dcgan import discriminator, generator
from kerasgan.zoo.registry import register

__all__ = ["discriminator", "generator"]

_SETTINGS: dict[str, Any] = {
    "family": "wgan_gp",
    "latent_dim": 64,
    "loss": "wasserstein",
    "penalties": ({"name": "wgan_gp", "weight": 10.0},),
    "n_critic": 5,
}


def _adam(learning_rate):
    return adam(learning_rate, 0.0, 0.9)


register(
    Recipe(
        "wgan_gp_digits",
        **{**DIGITS, "epochs": 80},
        **_SETTINGS,
        generator={"width": 16},
        discriminator={"width": 24},
        g_optimizer=_adam(1e-3),
        d_optimizer=_adam(1e-3),
    )
)
register(
    Recipe(
        "wgan_gp_mnist",
        **{**MNIST, "epochs": 10, "batch_size": 32},
        **_SETTINGS,
        discriminator={"width": 32},
        g_optimizer=_adam(1e-3),
        d_optimizer=_adam(1e-3),
    )
)
register(
    Recipe(
        "wgan_gp_cifar10",
        **{**CIFAR10, "epochs": 250},
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
        g_optimizer=_adam(1e-4),
        d_optimizer=_adam(1e-4),
    )
)
