"""GANs for Keras 3: adversarial training through `model.fit`, a model zoo, exports that run elsewhere.

Everything public hangs here and is imported when it is first used, so `import kerasgan` costs nothing.
"""

import importlib
import sys

import wrapt

__version__ = "0.1.0"

_LIGHT = {
    "InputError": "kerasgan.errors",
    "Recipe": "kerasgan.recipe",
    "SampleSpec": "kerasgan.spec",
    "data": None,
    "export": None,
    "train": "kerasgan.runs",
    "viz": None,
    "zoo": None,
}
_WITH_KERAS = {
    "ACGAN": "kerasgan.gans.acgan",
    "AdversarialModel": "kerasgan.gans.adversarial",
    "GAN": "kerasgan.gans.gan",
    "InfoGAN": "kerasgan.gans.infogan",
    "Sampler": "kerasgan.sampler",
    "augment": None,
    "callbacks": None,
    "layers": None,
    "losses": None,
    "metrics": None,
    "penalties": None,
    "verdict": None,
    "walks": None,
}

__all__ = sorted([*_LIGHT, *_WITH_KERAS])


def __getattr__(name: str):
    if name in _WITH_KERAS:
        importlib.import_module("keras")  # first, so that the hook below is not reached from within a module of ours
    elif name not in _LIGHT:
        raise AttributeError(f"module 'kerasgan' has no attribute {name!r}")
    module = {**_LIGHT, **_WITH_KERAS}[name]
    return getattr(importlib.import_module(module), name) if module else importlib.import_module(f"kerasgan.{name}")


def __dir__():
    return __all__


def _register_with_keras(keras):
    """Imports our layers and models, so that `keras.models.load_model` finds them without `custom_objects`."""
    ours = [module for name, module in list(sys.modules.items()) if name.startswith("kerasgan.")]
    if any(getattr(module.__spec__, "_initializing", False) for module in ours):
        return  # one of ours is being imported right now and is what brought Keras in; it cannot be imported twice
    importlib.import_module("kerasgan.layers")
    if keras.backend.backend() in ("tensorflow", "jax", "torch"):
        for model in ("gan", "acgan", "infogan"):
            importlib.import_module(f"kerasgan.gans.{model}")


# Importing Keras here would cost seconds where nobody needs it (`kerasgan list`): ours are imported when Keras is.
wrapt.register_post_import_hook(_register_with_keras, "keras")
