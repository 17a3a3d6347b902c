"""InfoGAN: codes that can be read off the image again (Chen et al., 2016, https://arxiv.org/abs/1606.03657).

As in the paper for MNIST: the latent is 62 values of noise and 2 continuous codes, all uniform, and a categorical code
of 10; the discriminator's body also feeds a layer of 128, from which the codes are recovered; both players minimise
that loss, with weight 1. The data's labels are never used. The categorical code is the generator's `label`, so that a
Sampler takes it as it takes a class ("code 0", "code 1" and so on); the continuous codes are the first values of its
latent. The training is `kerasgan.gans.infogan.InfoGAN`. Differences: the networks and the lazy R1 penalty are those of
`kerasgan.zoo.dcgan`; the category is embedded where the paper has a one-hot vector; a continuous code's loss is the
squared error, which is the likelihood of the paper's Gaussian with its deviation fixed, as in the authors' code.
"""

from typing import Any

from kerasgan.recipe import Recipe
from kerasgan.zoo import dcgan
from kerasgan.zoo.common import CIFAR10, DIGITS, FAST_RATES, MNIST
from kerasgan.zoo.registry import register


def model(*args, **kwargs):
    from kerasgan.gans.infogan import InfoGAN

    return InfoGAN(*args, **kwargs)


def generator(image_shape, latent_dim=64, num_classes=0, categories=10, width=32, embedding_dim=32):
    """Latents and categorical codes to images in [-1, 1].

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector, the continuous codes included.
        num_classes: above 0, in place of `categories`.
        categories: values of the categorical code.
        width: channels at full size; doubled at each halving of the size, up to 8 times.
        embedding_dim: length of the code's embedding.

    Returns:
        Functional `keras.Model` from `[latent, label]` to float32 (batch, height, width, channels).
    """
    return dcgan.generator(image_shape, latent_dim, num_classes or categories, width, embedding_dim)


def discriminator(image_shape, num_classes=0, categories=10, continuous=2, width=48):
    """Images to logits, and to the codes they were made of.

    Args:
        image_shape: (height, width, channels), any.
        num_classes: above 0, in place of `categories`.
        categories: values of the categorical code.
        continuous: number of continuous codes, at least 1.
        width: channels after the first convolution; doubled at each halving of the size, up to 8 times.

    Returns:
        Functional `keras.Model` from `image` to float32 [(batch, 1), (batch, categories), (batch, continuous)].
    """
    import keras
    from keras import layers

    image = keras.Input(image_shape, name="image")
    features = dcgan.features(image, width)
    logit = layers.Dense(1, dtype="float32", name="logit")(features)
    x = layers.LeakyReLU(0.2)(layers.Dense(128)(features))
    category = layers.Dense(num_classes or categories, dtype="float32", name="category")(x)
    codes = layers.Dense(continuous, dtype="float32", name="codes")(x)
    return keras.Model(image, [logit, category, codes], name="discriminator")


_SETTINGS: dict[str, Any] = {**dcgan.SETTINGS, "family": "infogan", "prior": "uniform"}

register(
    Recipe(
        "infogan_digits",
        **DIGITS,
        **_SETTINGS,
        generator={"width": 16},
        discriminator={"width": 32},
        **FAST_RATES,
    )
)
register(Recipe("infogan_mnist", **{**MNIST, "epochs": 6}, **_SETTINGS, **FAST_RATES, batch_size=32))
register(
    Recipe(
        "infogan_cifar10",
        **CIFAR10,
        **{**_SETTINGS, "latent_dim": 128},
        generator={"width": 64},
        discriminator={"width": 64},
    )
)
