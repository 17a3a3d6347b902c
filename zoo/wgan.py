"""WGAN: a critic with clipped weights (Arjovsky, Chintala, Bottou, 2017, https://arxiv.org/abs/1701.07875).

As in the paper: the networks are DCGAN's, with batch normalization in the critic too; the critic's weights are clipped
to [-0.01, 0.01]; five critic updates per generator update; RMSprop. Differences: where little time is to be spent,
RMSprop's rate is higher than the paper's 5e-5 and falls at the end, and for digits the bound is 0.05; an average of the
generator's weights. With classes, the critic is a projection discriminator.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo import dcgan
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST
from kerasgan.zoo.dcgan import generator
from kerasgan.zoo.registry import register

__all__ = ["discriminator", "generator"]


def discriminator(image_shape, num_classes=0, width=48, batch_norm=True):
    """Images to scores of any size; with classes, a projection discriminator.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: 0 for no label.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.
        batch_norm: after every convolution but the first.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    return dcgan.discriminator(image_shape, num_classes, width, batch_norm)


def _rmsprop(learning_rate):
    return {"name": "rmsprop", "learning_rate": learning_rate}


_SETTINGS: dict[str, Any] = {
    "family": "wgan",
    "latent_dim": 64,
    "loss": "wasserstein",
    "weight_clip": 0.01,
    "n_critic": 5,
}

register(
    Recipe(
        "wgan_digits",
        **{**DIGITS, "epochs": 120, "decay": 0.5},
        **{**_SETTINGS, "weight_clip": 0.05},
        generator={"width": 16},
        discriminator={"width": 24},
        g_optimizer=_rmsprop(1e-3),
        d_optimizer=_rmsprop(5e-4),
    )
)
register(
    Recipe("wgan_mnist", **{**MNIST, "epochs": 15}, **_SETTINGS, g_optimizer=_rmsprop(2e-4), d_optimizer=_rmsprop(2e-4))
)
register(
    Recipe(
        "wgan_cifar10",
        **{**CIFAR10, "epochs": 250},
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
        g_optimizer=_rmsprop(5e-5),
        d_optimizer=_rmsprop(5e-5),
    )
)
