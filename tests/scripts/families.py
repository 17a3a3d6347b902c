"""Small models of every family of the zoo; as a script: two steps of each of the named ones, on this backend."""

import itertools
import sys

import numpy as np

import kerasgan as kg

WIDTHS = {"r3gan": 16}  # the others' is 4
NAMES = sorted({kg.zoo.show(name).family for name in kg.zoo.names("*_digits")})
PUBLISHED = kg.zoo.names(pretrained=True)
ENTRIES = [*PUBLISHED, *NAMES]
"""What there is to export: every published entry, and every family at odd sizes."""
FURTHER = {b for a, b in itertools.pairwise(PUBLISHED) if kg.zoo.show(a).family == kg.zoo.show(b).family}
"""Published entries whose family another one can stand for."""


def sampler(name):
    """A published entry's, or a family's at an odd size with weights that matter: factors begin at 0 or 1."""
    if name in PUBLISHED:
        return kg.zoo.load(name)
    made = kg.zoo.build(recipe(name)).sampler()
    rng = np.random.default_rng(0)
    made.generator.set_weights([w + rng.uniform(0, 0.3, w.shape) for w in made.generator.get_weights()])
    return made


def recipe(family, image_shape=(9, 12, 3), num_classes=None, **changes):
    """The family's recipe for digits, made narrow; with classes where the recipe has them, unless told otherwise."""
    known = kg.zoo.show(f"{family}_digits")
    if num_classes is None:
        num_classes = 3 if known.num_classes else 0
    width = {"width": WIDTHS.get(family, 4)}
    networks = {"generator": {**known.generator, **width}, "discriminator": {**known.discriminator, **width}}
    return known.replace(image_shape=image_shape, num_classes=num_classes, batch_size=4, **networks, **changes)


def data(recipe, steps=2):
    rng = np.random.default_rng(0)
    n = steps * recipe.batch_size * recipe.n_critic
    x = rng.integers(0, 256, (n, *recipe.image_shape)).astype("uint8")
    return (x, rng.integers(0, recipe.num_classes, n).astype("int32")) if recipe.num_classes else (x,)


def trained(family, **changes):
    """(model, logs) after two steps, without the time compilation takes."""
    known = recipe(family, **changes)
    gan = kg.zoo.build(known, run_eagerly=True)
    history = gan.fit(*data(known), batch_size=known.batch_size, epochs=1, verbose=0)
    return gan, {name: values[-1] for name, values in history.history.items()}


if __name__ == "__main__":
    for family in sys.argv[1:] or NAMES:
        model, logs = trained(family)
        assert model.step_count == 2, family
        assert all(np.isfinite(value) for value in logs.values()), (family, logs)
        assert len(np.unique(model.sampler().generate(4))) > 1, family
        print(family, logs)
