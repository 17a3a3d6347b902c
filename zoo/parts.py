"""What the networks of several families have in common. Keras is imported inside: `kerasgan list` must not."""


def latent_and_label(latent_dim, num_classes, embedding_dim=32):
    """The inputs of a generator, and one vector of both: the latent, with classes beside the label's embedding.

    Returns:
        `[latent]` or `[latent, label]`, and float (batch, latent_dim) or (batch, latent_dim + embedding_dim).
    """
    import keras
    from keras import layers

    latent = keras.Input((latent_dim,), name="latent")
    if not num_classes:
        return [latent], latent
    label = keras.Input((), dtype="int32", name="label")
    return [latent, label], layers.Concatenate()([latent, layers.Embedding(num_classes, embedding_dim)(label)])


def label_planes(label, num_classes, image_shape, planes=1):
    """The label as learned pictures (batch, height, width, planes), to be set beside an image as further channels.

    As strong as pixels from the start: with Keras' small first values D would see no label for long.
    """
    from keras import initializers, layers

    height, breadth = image_shape[:2]
    start = initializers.RandomNormal(stddev=1.0)
    picture = layers.Embedding(num_classes, height * breadth * planes, embeddings_initializer=start)(label)
    return layers.Reshape((height, breadth, planes))(picture)


def cropped(x, size):
    """The upper left of `x` (batch, height, width, channels), as large as `size` (height, width)."""
    from keras import layers

    if x.shape[1:3] == tuple(size):
        return x
    return layers.Cropping2D(((0, x.shape[1] - size[0]), (0, x.shape[2] - size[1])))(x)


def judged(image, features, num_classes, dense=None, embedding=None, label=None):
    """A discriminator from the image's input to a logit float32 (batch, 1).

    With classes its logit is that of a projection discriminator (Miyato & Koyama, 2018,
    https://arxiv.org/abs/1802.05637): an inner product of the features and the label's embedding is added.

    Args:
        image: `keras.Input`.
        features: (batch, n) made of it.
        num_classes: 0 for no label.
        dense: layer class of the logit; `keras.layers.Dense` by default.
        embedding: layer class of the label; `keras.layers.Embedding` by default.
        label: `keras.Input` of the label, where the features are made of it too; its own by default.
    """
    import keras
    from keras import layers

    logit = (dense or layers.Dense)(1, dtype="float32")(features)
    if not num_classes:
        return keras.Model(image, logit, name="discriminator")
    label = keras.Input((), dtype="int32", name="label") if label is None else label
    embedded = (embedding or layers.Embedding)(num_classes, features.shape[1])(label)
    projected = layers.Dot(axes=1, dtype="float32")([features, embedded])
    return keras.Model([image, label], layers.Add(dtype="float32")([logit, projected]), name="discriminator")
