"""GANs for Keras 3: adversarial training through `model.fit`, a model zoo, exports that run elsewhere.

Everything public hangs here and is imported when it is first used, so `import kerasgan` costs nothing.
"""

import importlib

import wrapt

__version__ = "0.1.0"

_MODULES = ("augment", "callbacks", "data", "export", "layers", "losses", "penalties", "viz", "zoo")
_NAMES = {
    "AdversarialModel": "kerasgan.gans.adversarial",
    "GAN": "kerasgan.gans.gan",
    "InputError": "kerasgan.errors",
    "Recipe": "kerasgan.recipe",
    "SampleSpec": "kerasgan.sampler",
    "Sampler": "kerasgan.sampler",
    "train": "kerasgan.runs",
}

__all__ = [*_MODULES, *_NAMES]  # noqa: PLE0604


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"kerasgan.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'kerasgan' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)


def _register_with_keras(keras):
    """Our layers and models, for `keras.models.load_model` without `custom_objects`."""
    importlib.import_module("kerasgan.layers")
    if keras.backend.backend() in ("tensorflow", "jax", "torch"):
        importlib.import_module("kerasgan.gans.gan")


# `keras.models.load_model` finds only classes that were imported. Importing Keras here would cost seconds where nobody
# needs it (`kerasgan list`), so ours are imported at the moment that Keras is.
wrapt.register_post_import_hook(_register_with_keras, "keras")
