"""R3GAN: a modern baseline (Huang et al., 2024, https://arxiv.org/abs/2501.05441).

From the paper: the relativistic pairing loss with R1 and R2; residual networks without any normalization, of inverted
bottlenecks (1x1, grouped 3x3 with 16 channels a group, 1x1 that starts at zero), LeakyReLU 0.2, weights started as
fix-up asks; Adam with betas 0 and 0.99; the class beside the latent and projected in the discriminator. Differences:
narrower; the smallest map comes from a dense layer; a tanh at the end of the generator, so that its images keep to
[-1, 1]; bilinear up-sampling and average pooling for its resampling filter; a constant gamma and beta_2 where it lets
both fall and rise; for MNIST and digits one block a stage where the paper has two, and lazy penalties.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo.common import CIFAR10, DIGITS, MNIST, adam
from kerasgan.zoo.parts import cropped, judged, latent_and_label
from kerasgan.zoo.registry import register
from kerasgan.zoo.sizes import halvings

_GROUP = 16


def generator(image_shape, latent_dim=64, num_classes=0, width=64, blocks=1, embedding_dim=32):
    """Latents to images in [-1, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, a label is embedded and set beside the latent.
        width: channels throughout, a multiple of 8.
        blocks: residual blocks at each size.
        embedding_dim: length of the label's embedding.

    Returns:
        Functional `keras.Model` from `latent` or `[latent, label]` to float32 (batch, height, width, channels).
    """
    import keras
    from keras import layers

    *larger, (height, breadth) = halvings(image_shape, until=8)
    total = blocks * (len(larger) + 1)
    inputs, x = latent_and_label(latent_dim, num_classes, embedding_dim)
    x = layers.Reshape((height, breadth, width))(layers.Dense(height * breadth * width)(x))
    for size in (None, *reversed(larger)):
        if size:
            x = cropped(layers.UpSampling2D(2, interpolation="bilinear")(x), size)
        for _ in range(blocks):
            x = _block(x, total)
    x = layers.Conv2D(image_shape[2], 1)(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model(inputs if num_classes else inputs[0], image, name="generator")


def discriminator(image_shape, num_classes=0, width=64, blocks=1):
    """Images to logits; with classes, a projection discriminator.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: 0 for no label.
        width: channels throughout, a multiple of 8.
        blocks: residual blocks at each size.

    Returns:
        Functional `keras.Model` from `image` or `[image, label]` to float32 (batch, 1).
    """
    import keras
    from keras import layers

    sizes = halvings(image_shape, until=8)
    image = keras.Input(image_shape, name="image")
    x = layers.Conv2D(width, 1)(image)
    for i in range(len(sizes)):
        if i:
            x = layers.AveragePooling2D(2, padding="same")(x)
        for _ in range(blocks):
            x = _block(x, blocks * len(sizes))
    # The paper's: one value of every channel, by a filter of the whole map's size.
    features = layers.Flatten()(layers.DepthwiseConv2D(sizes[-1])(x))
    return judged(image, features, num_classes)


def _block(x, blocks):
    """An inverted bottleneck of a network of so many blocks, by which fix-up scales its first weights."""
    from keras import initializers, layers

    from kerasgan.layers import GroupedConv2D

    width = x.shape[-1]
    start = initializers.VarianceScaling(2.0 / (1.04 * blocks**0.5))
    y = layers.LeakyReLU(0.2)(layers.Conv2D(2 * width, 1, kernel_initializer=start)(x))
    groups = max(1, 2 * width // _GROUP)
    y = GroupedConv2D(2 * width, 3, padding="same", groups=groups, kernel_initializer=start)(y)
    y = layers.LeakyReLU(0.2)(y)
    y = layers.Conv2D(width, 1, kernel_initializer="zeros", use_bias=False)(y)
    return layers.Add()([x, y])


def _penalties(gamma, interval):
    return tuple({"name": name, "gamma": gamma, "interval": interval} for name in ("r1", "r2"))


_SETTINGS: dict[str, Any] = {"family": "r3gan", "loss": "relativistic"}

register(
    Recipe(
        "r3gan_digits",
        **{**DIGITS, "epochs": 25, "decay": 0.5},
        **_SETTINGS,
        penalties=_penalties(0.1, 4),
        generator={"width": 32},
        discriminator={"width": 32},
        g_optimizer=adam(1e-3, 0.0, 0.99),
        d_optimizer=adam(1e-3, 0.0, 0.99),
    )
)
register(
    Recipe(
        "r3gan_mnist",
        **{**MNIST, "epochs": 7, "batch_size": 32},
        **_SETTINGS,
        penalties=_penalties(0.1, 8),
        generator={"width": 32},
        discriminator={"width": 32},
        g_optimizer=adam(1e-3, 0.0, 0.99),
        d_optimizer=adam(1e-3, 0.0, 0.99),
    )
)
register(
    Recipe(
        "r3gan_cifar10",
        **CIFAR10,
        **_SETTINGS,
        penalties=_penalties(0.05, 1),
        generator={"width": 128, "blocks": 2},
        discriminator={"width": 128, "blocks": 2},
        g_optimizer=adam(2e-4, 0.0, 0.99),
        d_optimizer=adam(2e-4, 0.0, 0.99),
    )
)
