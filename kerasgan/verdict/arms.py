"""The four kinds of data, and the classifier trained on each."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasgan import zoo
from kerasgan.data.images import Images
from kerasgan.errors import InputError
from kerasgan.metrics import classifiers
from kerasgan.plan import SHORTEST_EPOCH
from kerasgan.recipe import Recipe
from kerasgan.sampler import Sampler

BATCH = 64
WIDTH = 16


def draw(train: Images, fraction: float, seed: int) -> np.ndarray:
    """Rows of the fraction of every class, at random."""
    if not 0 < fraction <= 1:
        raise InputError(f"real_fraction must be above 0 and at most 1. Received: {fraction}.")
    rng, rows, labels = np.random.default_rng([seed, 0]), [], np.asarray(train.y)
    for k, name in enumerate(train.class_names):
        (of_class,) = np.nonzero(labels == k)
        count = round(fraction * len(of_class))
        if not count:
            raise InputError(
                f"A real fraction of {fraction:g} leaves no picture of the class {name!r}, which has {len(of_class)}. "
                + (f"Give at least {1 / len(of_class):.2g}." if len(of_class) else "Give data with every class.")
            )
        rows.append(rng.choice(of_class, count, replace=False))
    return np.concatenate(rows)


def kinds(
    sampler: Sampler, real: Images, generated: int, seed: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray, str | None]]:
    """(arm, images, labels, augmentation) of each kind of data."""
    y = np.asarray(real.y)
    # Labels in the proportions of the real ones; by name, so that another order of classes does no harm.
    labels = np.resize(np.random.default_rng([seed, 1]).permutation(y), generated)
    fakes = sampler.generate(generated, [real.class_names[k] for k in labels], seed=seed, batch_size=256)
    yield "real", real.x, y, None
    yield "real + classic", real.x, y, "classic"
    yield "real + generated", np.concatenate([real.x, fakes]), np.concatenate([y, labels]), None
    yield "generated", fakes, labels, None


def hits(images, labels, augment, test: Images, steps: int, seed: int) -> np.ndarray:
    """Trains the classifier; bool (pictures,), which test pictures it gets right."""
    options: dict[str, Any] = {"steps": steps, "batch_size": BATCH, "seed": seed, "augment": augment, "width": WIDTH}
    times = math.ceil(BATCH / len(images))  # of few pictures `fit` would make smaller batches, at a smaller rate
    images, labels = np.concatenate([images] * times), np.concatenate([labels] * times)
    model = classifiers.fit(images, labels, test.num_classes, **options)
    return classifiers.predicted(model, test.x) == test.y


def steps_of_retraining(sampler: Sampler, n_train: int, steps: int | None) -> int:
    """Updates of a retraining: those asked for, or as many as the recipe has on all `n_train` pictures."""
    recipe = Recipe.from_dict(sampler.recipe)
    return steps or recipe.epochs * max(1, n_train // (recipe.batch_size * recipe.n_critic))


def retrained(sampler: Sampler, real: Images, n_train: int, steps: int | None, seed: int) -> Sampler:
    """A sampler of the same recipe, trained on the real pictures alone."""
    recipe = Recipe.from_dict(sampler.recipe).replace(seed=seed)
    images = real.repeated(math.ceil(max(SHORTEST_EPOCH, recipe.batch_size * recipe.n_critic) / len(real)))
    per_epoch = len(images) // (recipe.batch_size * recipe.n_critic)
    epochs = max(1, round(steps_of_retraining(sampler, n_train, steps) / per_epoch))
    gan = zoo.build(recipe, class_names=real.class_names, steps=epochs * per_epoch)
    gan.fit(images, batch_size=recipe.batch_size, epochs=epochs, verbose=0)
    return gan.sampler(sampler.recipe)
