"""Every public name stands in the reference, and has an example in its docstring that does what it says."""

import ast
import dataclasses
import doctest
import functools
import importlib
import inspect
import itertools
import re
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

import kerasgan as kg

DOCS = Path(__file__).parents[1] / "docs"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TRAINS_MANY = {"kerasgan.verdict.judge"}  # tracing eight classifiers takes a minute, two steps of each a second
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


PUBLIC = public()


def words(name):
    """The docstring of a class or function; of a constant the text below it."""
    if callable(PUBLIC[name]):
        return inspect.getdoc(PUBLIC[name]) or ""
    constant = name.rpartition(".")[2]
    modules = [module for known, module in sys.modules.items() if known.startswith("kerasgan.")]
    for module in [module for module in modules if getattr(module, constant, None) is PUBLIC[name]]:
        for line, below in itertools.pairwise(ast.parse(Path(module.__file__).read_text()).body):
            targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
                return inspect.cleandoc(ast.literal_eval(below.value)) if isinstance(below, ast.Expr) else ""
    return ""


@pytest.fixture(scope="module")
def shared():
    """What is made once. The first page of the reference lists the names that examples take as given."""
    images = kg.data.load("digits")
    x, y = images.x[:256], images.y[:256]
    sampler = kg.zoo.load("cdcgan_digits")
    features = kg.metrics.Extractor(kg.metrics.classifiers.load("digits"))
    return {
        "Path": Path,
        "dataclasses": dataclasses,
        "keras": keras,
        "kg": kg,
        "np": np,
        "images": images,
        "x": x,
        "y": y,
        "sampler": sampler,
        "conditional_generator": sampler.generator,
        "real": features(x[:200]).features,
        "fake": features(sampler.generate(200)).features,
    }


def untrained():
    """A model of its own for every example that asks for one, so that none depends on another."""
    keras.utils.set_random_seed(0)
    latent, image = keras.Input((16,)), keras.Input((28, 28, 1))
    pixels = keras.layers.Dense(784, "tanh")(latent)
    generator = keras.Model(latent, keras.layers.Reshape((28, 28, 1))(pixels))
    discriminator = keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
    gan = kg.GAN(generator, discriminator, seed=0)
    gan.compile(jit_compile=False)
    return {"generator": generator, "discriminator": discriminator, "gan": gan}


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


@pytest.mark.parametrize("name", PUBLIC)
def test_example(name, shared, folder, own_registry, own_determinism, monkeypatch):
    if name.startswith("kerasgan.export.") and keras.backend.backend() != "tensorflow":
        pytest.skip("formats are written on TensorFlow")
    text = words(name)
    names = {**shared, **(untrained() if re.search(r">>>.*\b(generator|discriminator|gan)\b", text) else {})}
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    assert test.examples, f"{name} has no example in its docstring"
    skipped = [line.source for line in test.examples if line.options.get(doctest.SKIP)]
    assert bool(skipped) == (name in NOT_RUN), f"{name} has examples that are not run: {skipped}"
    if name in TRAINS_MANY:
        monkeypatch.setattr(keras.Model, "compile", functools.partialmethod(keras.Model.compile, run_eagerly=True))
    said = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not said, "".join(said)


def test_every_public_module_says_what_is_public():
    modules = [importlib.import_module(f"kerasgan.{name}") for name in kg.__all__ if name.islower() and name != "train"]
    assert len(modules) > 10
    for module in modules:
        assert set(module.__all__) <= set(dir(module)), module.__name__


def test_first_page_lists_what_examples_take_as_given(shared):
    page = (DOCS / "index.md").read_text()
    missing = [
        name for name in (*shared, *untrained()) if not re.search(rf"\b{name}\b", page.split("take as given")[1])
    ]
    assert not missing


def test_reference_holds_every_public_name():
    shown = {}
    for page in DOCS.glob("reference/*.md"):
        for path, options in re.findall(r"^::: (\S+)\n((?: +.*\n)*)", page.read_text(), re.MULTILINE):
            if "members: false" not in options:  # a module's own words
                heading = re.search(r"heading: (\S+)", options)
                shown[heading[1] if heading else path] = path
    assert set(shown) == set(public())
    for name, member in public().items():
        module, _, attribute = shown[name].rpartition(".")
        assert getattr(importlib.import_module(module), attribute) is member, name
