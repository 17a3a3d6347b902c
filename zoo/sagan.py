"""SAGAN: self-attention (Zhang et al., 2019, https://arxiv.org/abs/1805.08318).

From the paper: spectral normalization in both players, self-attention in both, conditional batch normalization and a
projection discriminator, hinge loss, Adam with betas 0 and 0.9 and rates 1e-4 for the generator, 4e-4 for the
discriminator, updated in turn. Attention stands where the feature maps are 32x32, the paper's best, or at half the
size of smaller images (nowhere if a side is below 8). Differences: the residual networks are those for 32x32 images of
`kerasgan.zoo.sngan`, of one width, where the paper's for 128x128 narrow towards the image; no bias beside the latent's
kernel; an average of the generator's weights; for MNIST and digits higher rates, the same for both.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo import residual
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.registry import register


def generator(image_shape, latent_dim=128, num_classes=0, width=256):
    """Latents to images in [-1, 1]; arguments and result as `kerasgan.zoo.sngan.generator`."""
    return residual.generator(image_shape, latent_dim, num_classes, width, spectral=True, attention=True)


def discriminator(image_shape, num_classes=0, width=128):
    """Images to logits; arguments and result as `kerasgan.zoo.sngan.discriminator`."""
    return residual.discriminator(image_shape, num_classes, width, attention=True)


_SETTINGS: dict[str, Any] = {"family": "sagan", "loss": "hinge", "num_classes": 10}

register(
    Recipe(
        "sagan_digits",
        **DIGITS,
        **_SETTINGS,
        latent_dim=64,
        generator={"width": 24},
        discriminator={"width": 24},
        g_optimizer=adam(1e-3, 0.0, 0.9),
        d_optimizer=adam(1e-3, 0.0, 0.9),
    )
)
register(
    Recipe(
        "sagan_mnist",
        **{**MNIST, "epochs": 6, "batch_size": 32},
        **_SETTINGS,
        latent_dim=64,
        generator={"width": 32},
        discriminator={"width": 32},
        g_optimizer=adam(1e-3, 0.0, 0.9),
        d_optimizer=adam(1e-3, 0.0, 0.9),
    )
)
register(
    Recipe(
        "sagan_cifar10",
        **CIFAR10,
        **_SETTINGS,
        latent_dim=128,
        g_optimizer=adam(1e-4, 0.0, 0.9),
        d_optimizer=adam(4e-4, 0.0, 0.9),
        ema=0.9999,
    )
)
