"""Every public name has an example in its docstring, and the example does what it says."""

import doctest
import importlib
import inspect
import os
import types

import keras
import numpy as np
import pytest

import kerasgan as kg

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NOT_RUN = {"kerasgan.metrics.inception_v3": "its weights are downloaded"}


def public(module=kg):
    """Names to objects: everything in `__all__` of kerasgan, of its public modules, and of theirs."""
    found = {}
    for name in module.__all__:
        member = getattr(module, name)
        if isinstance(member, types.ModuleType):
            found |= public(member)
        else:
            found[f"{module.__name__}.{name}"] = member
    return found


PUBLIC = {name: member for name, member in public().items() if callable(member)}


@pytest.fixture(scope="module")
def shared():
    """What is made once. The first page of the reference lists the names that examples take as given."""
    images = kg.data.load("digits")
    x, y = images.x[:256], images.y[:256]
    sampler = kg.zoo.load("cdcgan_digits")
    features = kg.metrics.Extractor(kg.metrics.classifiers.load("digits"))
    return {
        "keras": keras,
        "kg": kg,
        "np": np,
        "os": os,
        "images": images,
        "x": x,
        "y": y,
        "sampler": sampler,
        "conditional_generator": sampler.generator,
        "real": features(x[:200]).features,
        "fake": features(sampler.generate(200)).features,
    }


@pytest.fixture
def given(shared):
    """The names every example may use; a model of its own, so that none depends on another."""
    keras.utils.set_random_seed(0)
    latent, image = keras.Input((16,)), keras.Input((28, 28, 1))
    pixels = keras.layers.Dense(784, "tanh")(latent)
    generator = keras.Model(latent, keras.layers.Reshape((28, 28, 1))(pixels))
    discriminator = keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
    gan = kg.GAN(generator, discriminator, seed=0)
    gan.compile(jit_compile=False)
    return {**shared, "generator": generator, "discriminator": discriminator, "gan": gan}


@pytest.fixture
def folder(tmp_path, shared, monkeypatch):
    """The working folder; `pictures` in it has two sub-folders of eight."""
    for label, name in ((7, "sevens"), (3, "threes")):
        for i, image in enumerate(shared["x"][shared["y"] == label][:8]):
            path = tmp_path / "pictures" / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            kg.viz.to_pillow(image).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def example(name, names):
    member = PUBLIC[name]
    return doctest.DocTestParser().get_doctest(inspect.getdoc(member) or "", dict(names), name, None, 0)


@pytest.mark.parametrize("name", PUBLIC)
def test_example(name, given, folder, own_registry):
    if name.startswith("kerasgan.export.") and keras.backend.backend() != "tensorflow":
        pytest.skip("formats are written on TensorFlow")
    test = example(name, given)
    assert test.examples, f"{name} has no example in its docstring"
    skipped = [line.source for line in test.examples if line.options.get(doctest.SKIP)]
    assert bool(skipped) == (name in NOT_RUN), f"{name} has examples that are not run: {skipped}"
    said = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not said, "".join(said)


def test_every_public_module_says_what_is_public():
    modules = [importlib.import_module(f"kerasgan.{name}") for name in kg.__all__ if name.islower() and name != "train"]
    assert len(modules) > 10
    for module in modules:
        assert set(module.__all__) <= set(dir(module)), module.__name__
