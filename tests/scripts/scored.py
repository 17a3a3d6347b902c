"""Pictures of three classes, a generator of just these, and a classifier of them, for the tests of the metrics."""

import contextlib
import warnings

import keras
import numpy as np
from keras import layers

import kerasgan as kg

SHAPE = (6, 6, 1)
NAMES = ("bar", "dot", "ring")
LATENT = 10
N = 300
CHEAP = tuple(name for name in kg.metrics.METRICS if name != "cas")
"""What `perfect` is scored by: how many pictures, and the metrics that train nothing."""


def _templates():
    return np.random.default_rng(7).normal(0.0, 0.8, (3, 36)).astype("float32")


def sampler(conditional=True, names=NAMES, noise=0.12):
    """A generator of the very distribution of `pictures`; without labels, one of the first class."""
    latent = keras.Input((LATENT,), name="latent")
    label = keras.Input((), name="label", dtype="int32")
    spread = layers.Dense(36, name="spread")
    pixels = spread(latent)
    inputs = latent
    if conditional:
        shown = layers.Embedding(3, 36, name="shown")
        pixels, inputs = layers.Add()([pixels, shown(label)]), [latent, label]
    model = keras.Model(inputs, layers.Reshape(SHAPE)(layers.Activation("tanh")(pixels)))
    kernel = np.random.default_rng(8).normal(0.0, noise, (LATENT, 36)).astype("float32")
    spread.set_weights([kernel, np.zeros(36, "float32") if conditional else _templates()[0]])
    if conditional:
        shown.set_weights([_templates()])
    spec = kg.SampleSpec(latent_dim=LATENT, image_shape=SHAPE, class_names=names if conditional else ())
    return kg.Sampler(model, spec)


def pictures(n=600, seed=100):
    """Labelled `Images` of the three classes, in random order."""
    labels = np.random.default_rng(seed).integers(0, 3, n)
    return kg.data.Images(sampler().generate(n, labels, seed=seed), labels, NAMES, "shapes")


def classifier(softmax=False, width=8):
    """Tells the classes by their nearest template; its layer `features` is a fixed projection."""
    image = keras.Input(SHAPE, name="image")
    flat = layers.Flatten()(layers.Rescaling(2 / 255.0, offset=-1.0)(image))
    features = layers.Dense(width, name="features")
    logits = layers.Dense(3, activation="softmax" if softmax else None, name="logits")
    model = keras.Model(image, logits(features(flat)), name="templates")
    basis = np.random.default_rng(9).normal(0.0, 0.4, (36, width)).astype("float32")
    features.set_weights([basis, np.zeros(width, "float32")])
    seen = np.tanh(_templates()) @ basis
    logits.set_weights([4.0 * seen.T, -2.0 * (seen**2).sum(axis=1)])
    return model


def evaluate(source, data, names="fid", **options):
    """The scores of few images by `classifier`."""
    options = {"n": 50, "extractor": classifier(), "floor": False, "progress": False, **options}
    return kg.metrics.evaluate(source, data, names, **options)


@contextlib.contextmanager
def warned(text):
    """A UserWarning with this text is given inside; others may be."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    assert any(text in str(warning.message) for warning in caught)
