"""SNGAN: spectral normalization (Miyato et al., 2018, https://arxiv.org/abs/1802.05957).

As in the paper for CIFAR-10: residual networks, 256 channels in the generator and 128 in the discriminator, so
4,276,739 and 1,053,825 trainable parameters at 32x32x3; spectral normalization of every layer of the discriminator;
hinge loss; Adam with rate 2e-4 and betas 0 and 0.9; five discriminator updates per generator update. Of the latter
there are 99,840 (640 epochs), where mimicry makes 100,000. Differences: an average of the generator's weights; for
MNIST and digits narrower networks, one discriminator update, and other rates, so that two cores suffice; for MNIST the
discriminator does not sum its features over positions.
`kerasgan.zoo.sngan_projection` is the same with classes.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo import residual
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.registry import register


def generator(image_shape, latent_dim=128, num_classes=0, width=256, embedding_dim=0):
    """Latents to images in [-1, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, the batch normalizations are conditional (Dumoulin et al., 2017).
        width: channels throughout.
        embedding_dim: above 0, the label is embedded and set beside the latent, too, as in `kerasgan.zoo.cdcgan`,
            in place of the dense layer's bias.

    Returns:
        Functional `keras.Model` from `latent` or `[latent, label]` to float32 (batch, height, width, channels).
    """
    return residual.generator(image_shape, latent_dim, num_classes, width, embedding_dim=embedding_dim)


def discriminator(image_shape, num_classes=0, width=128, pooled=True, planes=0):
    """Images to logits; with classes, a projection discriminator.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: 0 for no label.
        width: channels throughout.
        pooled: whether the features are summed over positions, as in the paper; or each position keeps its own.
        planes: above 0, channels of a learned picture of each class beside the image, as in `kerasgan.zoo.cdcgan`.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    return residual.discriminator(image_shape, num_classes, width, pooled=pooled, planes=planes)


SETTINGS: dict[str, Any] = {"latent_dim": 128, "loss": "hinge"}
NARROW: dict[str, Any] = {"latent_dim": 64, "loss": "hinge"}
DIGITS_NETWORKS: dict[str, Any] = {
    **NARROW,
    "generator": {"width": 24},
    "discriminator": {"width": 24},
    "g_optimizer": adam(1e-3, 0.0, 0.9),
    "d_optimizer": adam(1e-3, 0.0, 0.9),
}
MNIST_NETWORKS: dict[str, Any] = {
    **NARROW,
    "batch_size": 32,
    "epochs": 30,
    "generator": {"width": 48},
    "discriminator": {"width": 40, "pooled": False},
    "g_optimizer": adam(5e-4, 0.0, 0.9),
    "d_optimizer": adam(1e-3, 0.0, 0.9),
}
CIFAR10_NETWORKS: dict[str, Any] = {
    **SETTINGS,
    "g_optimizer": adam(2e-4, 0.0, 0.9),
    "d_optimizer": adam(2e-4, 0.0, 0.9),
    "decay": 1.0,
    "n_critic": 5,
    "ema": 0.9999,
}

register(Recipe("sngan_digits", "sngan", **DIGITS, **DIGITS_NETWORKS))
register(Recipe("sngan_mnist", "sngan", **{**MNIST, **MNIST_NETWORKS}))
register(Recipe("sngan_cifar10", "sngan", **{**CIFAR10, "epochs": 640}, **CIFAR10_NETWORKS))
