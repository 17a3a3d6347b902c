"""Which entries there are. Plain values: nothing here imports Keras."""

import fnmatch
import importlib
from collections.abc import Callable

from kerasgan.errors import InputError, unknown_name
from kerasgan.recipe import Recipe

Networks = tuple[Callable, Callable]
_RECIPES: dict[str, Recipe] = {}
_FAMILIES: dict[str, Networks | None] = {}


def register(recipe: Recipe, networks: Networks | None = None) -> Recipe:
    """Adds an entry.

    Args:
        recipe: its settings; the name must be new.
        networks: (generator, discriminator) builders of a family that is no module of the zoo. Both are called with
            `image_shape`, `num_classes` and the recipe's own arguments; the generator also with `latent_dim`.

    Example:
        >>> kg.zoo.register(
        ...     kg.Recipe("mine_faces", family="mine", dataset="faces/", image_shape=(64, 64, 3)),
        ...     networks=(my_generator, my_discriminator),
        ... )
    """
    if recipe.name in _RECIPES:
        raise InputError(f"There is a zoo entry {recipe.name!r} already. Choose another name.")
    known = _FAMILIES.get(recipe.family)
    if networks and known and known != networks:
        raise InputError(f"There is a family {recipe.family!r} with other networks already. Choose another name.")
    _RECIPES[recipe.name] = recipe
    _FAMILIES.setdefault(recipe.family, networks)
    return recipe


def names(pattern: str = "*") -> list[str]:
    """Names of the entries that match a shell pattern, sorted.

    Example:
        >>> kg.zoo.names("dcgan_*")
        ['dcgan_cifar10', 'dcgan_digits', 'dcgan_mnist']
    """
    return sorted(fnmatch.filter(_RECIPES, pattern))


def show(name: str) -> Recipe:
    """The recipe of an entry; an unknown name lists close matches."""
    if name not in _RECIPES:
        raise unknown_name("zoo entry", name, _RECIPES)
    return _RECIPES[name]


def family_networks(family: str) -> Networks:
    """(generator, discriminator) builders of a family."""
    if family not in _FAMILIES:
        raise unknown_name("family", family, _FAMILIES)
    networks = _FAMILIES[family]
    if networks is None:
        module = importlib.import_module(f"kerasgan.zoo.{family}")
        networks = (module.generator, module.discriminator)
    return networks
