"""Residual networks of SNGAN for 32x32 images (Miyato et al., 2018, appendix B.4), and of SAGAN on top of them.

The generator goes up from a dense layer by blocks that double the size, all of one width; the discriminator goes down
by blocks that halve it, until the shorter side is 8 or less, has two more, and sums over positions, or does not.
"""

from kerasgan.zoo.parts import cropped, judged, label_planes, latent_and_label
from kerasgan.zoo.sizes import halvings


def generator(image_shape, latent_dim, num_classes, width, spectral=False, attention=False, embedding_dim=0):
    """Latents to images in [-1, 1]; see `kerasgan.zoo.sngan.generator`.

    Args:
        image_shape: (height, width, channels), any.
        latent_dim: length of the latent vector.
        num_classes: above 0, the batch normalizations are conditional.
        width: channels throughout.
        spectral: spectral normalization in the generator too.
        attention: self-attention at the size of `attention_size`.
        embedding_dim: above 0, the label is embedded and set beside the latent, in place of the dense layer's bias.
    """
    import keras
    from keras import layers

    from kerasgan.layers import ConditionalBatchNormalization, SelfAttention, SpectralConv2D, SpectralDense

    embedded = bool(num_classes and embedding_dim)
    if embedded:
        (latent, label), vector = latent_and_label(latent_dim, num_classes, embedding_dim)
    else:
        latent = vector = keras.Input((latent_dim,), name="latent")
        label = keras.Input((), dtype="int32", name="label") if num_classes else None
    convolution = SpectralConv2D if spectral else layers.Conv2D

    def activated(x, label=label):
        if label is None:
            return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=2e-5)(x))
        return layers.ReLU()(ConditionalBatchNormalization(num_classes, momentum=0.9, epsilon=2e-5)([x, label]))

    def up(x, size):
        return cropped(layers.UpSampling2D(2)(x), size)

    def block(x, size):
        # A 1x1 convolution and the doubling of positions commute.
        shortcut = up(convolution(width, 1, kernel_initializer=_start(1.0))(x), size)
        x = convolution(width, 3, padding="same", kernel_initializer=_start())(up(activated(x), size))
        x = convolution(width, 3, padding="same", kernel_initializer=_start())(activated(x))
        return layers.Add()([x, shortcut])

    *larger, (height, breadth) = halvings(image_shape, until=8)
    # A bias that may grow can drown the latent. Beside a kernel whose norm is held at 1 the digits collapsed; a label's
    # embedding gives each class what a bias gives all.
    dense = SpectralDense if spectral else layers.Dense
    x = dense(height * breadth * width, use_bias=not (spectral or embedded), kernel_initializer=_start(1.0))(vector)
    x = layers.Reshape((height, breadth, width))(x)
    attentive = attention_size(image_shape) if attention else None
    if (height, breadth) == attentive:
        x = SelfAttention(spectral=spectral)(x)
    for size in reversed(larger):
        x = block(x, size)
        if size == attentive:
            x = SelfAttention(spectral=spectral)(x)
    # The last normalization is the same for all classes, unless the image is too small for blocks that know them.
    x = activated(x, None if larger else label)
    x = convolution(image_shape[2], 3, padding="same", kernel_initializer=_start(1.0))(x)
    image = layers.Activation("tanh", dtype="float32", name="image")(x)
    return keras.Model([latent, label] if num_classes else latent, image, name="generator")


def discriminator(image_shape, num_classes, width, attention=False, pooled=True, planes=0):
    """Images to logits; see `kerasgan.zoo.sngan.discriminator`."""
    import keras
    from keras import layers, ops

    from kerasgan.layers import SelfAttention, SpectralConv2D, SpectralDense, SpectralEmbedding

    def convolution(x, size, halved=False):
        start = _start(1.0 if size == 1 else 2.0)
        return SpectralConv2D(width, size, padding="same", kernel_initializer=start, halved=halved)(x)

    def shortcut(x):
        # Means of 2x2 and a 1x1 convolution commute.
        return convolution(layers.AveragePooling2D(2, padding="same")(x), 1)

    image = pixels = keras.Input(image_shape, name="image")
    label = None
    if num_classes and planes:
        label = keras.Input((), dtype="int32", name="label")
        pixels = layers.Concatenate()([image, label_planes(label, num_classes, image_shape, planes)])
    x = convolution(layers.ReLU()(convolution(pixels, 3)), 3, halved=True)
    x = layers.Add()([x, shortcut(pixels)])
    sizes = halvings(image_shape, until=9)
    attentive = attention_size(image_shape) if attention else None
    for i in range(max(1, len(sizes) - 1) + 1):
        if x.shape[1:3] == attentive:
            x = SelfAttention()(x)
            attentive = None
        halved = i < len(sizes) - 2
        y = convolution(layers.ReLU()(convolution(layers.ReLU()(x), 3)), 3, halved=halved)
        x = layers.Add()([y, shortcut(x) if halved else x])
    x = layers.ReLU()(x)
    features = ops.sum(x, axis=(1, 2)) if pooled else layers.Flatten()(x)
    return judged(image, features, num_classes, SpectralDense, SpectralEmbedding, label)


def attention_size(image_shape):
    """(height, width) of the feature maps self-attention sees: the largest below the image's, of up to 32 pixels.

    `None` for images with a side below 8, which the generator does not grow.
    """
    smaller = halvings(image_shape, until=8)[1:]
    return next((size for size in smaller if min(size) <= 32), None)


def _start(scale=2.0):
    """Glorot's uniform distribution, in the blocks with a gain of sqrt(2), as the authors' code has it."""
    from keras import initializers

    return initializers.VarianceScaling(scale, "fan_avg", "uniform")
