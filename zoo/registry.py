"""Which entries there are. Plain values: nothing here imports Keras."""

import fnmatch
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kerasgan.errors import InputError, unknown_name
from kerasgan.recipe import Recipe
from kerasgan.zoo import manifest


class Family(NamedTuple):
    """What recipes of one family are built of.

    Args:
        generator: builder, called with `image_shape`, `latent_dim`, `num_classes` and the recipe's own arguments.
        discriminator: builder, called with `image_shape`, `num_classes` and the recipe's own arguments.
        model: called as `kerasgan.GAN` is, and `None` for that; a subclass where the structure differs.
    """

    generator: Callable
    discriminator: Callable
    model: Callable | None = None


_RECIPES: dict[str, Recipe] = {}
_FAMILIES: dict[str, Family | None] = {}
_FILES: dict[Path, list[str]] = {}


def register(
    recipe: Recipe, networks: tuple[Callable, Callable] | None = None, model: Callable | None = None
) -> Recipe:
    """Adds an entry.

    Args:
        recipe: its settings; the name must be new.
        networks: (generator, discriminator) builders of a family that is no module of the zoo. Both are called with
            `image_shape`, `num_classes` and the recipe's own arguments; the generator also with `latent_dim`.
        model: the class they are trained by, where it is not `kerasgan.GAN`; it goes with `networks`.

    Example:
        >>> def make_generator(image_shape, num_classes, latent_dim):
        ...     latent = keras.Input((latent_dim,))
        ...     pixels = keras.layers.Dense(int(np.prod(image_shape)), "tanh")(latent)
        ...     return keras.Model(latent, keras.layers.Reshape(image_shape)(pixels))
        >>> def make_discriminator(image_shape, num_classes):
        ...     image = keras.Input(image_shape)
        ...     return keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(image)))
        >>> recipe = kg.Recipe("mine_digits", family="mine", dataset="digits", image_shape=(28, 28, 1))
        >>> recipe = kg.zoo.register(recipe, networks=(make_generator, make_discriminator))
        >>> kg.zoo.build("mine_digits").sampler().generate(2).shape
        (2, 28, 28, 1)
    """
    if not isinstance(recipe, Recipe):
        raise InputError(f"register takes a kerasgan.Recipe. Received: {recipe!r}.")
    manifest.check_name(recipe.name)
    if networks is not None and (len(networks) != 2 or not all(map(callable, networks))):
        raise InputError(f"networks must be two functions: (generator, discriminator). Received: {networks!r}.")
    if recipe.name in _RECIPES:
        raise InputError(f"There is a zoo entry {recipe.name!r} already. Choose another name.")
    if model and not networks:
        raise InputError("model goes with networks: the zoo's own families have theirs.")
    family = Family(*networks, model) if networks else None
    if recipe.family in _FAMILIES and family and _FAMILIES[recipe.family] != family:
        raise InputError(f"There is a family {recipe.family!r} with other networks already. Choose another name.")
    if recipe.family not in _FAMILIES and not family and not _is_of_the_zoo(recipe.family):
        raise InputError(
            f"{unknown_name('family', recipe.family, _FAMILIES)} Or give networks=(generator, discriminator)."
        )
    _FAMILIES.setdefault(recipe.family, family)
    _RECIPES[recipe.name] = recipe
    return recipe


def _is_of_the_zoo(family):
    module = sys.modules.get(f"kerasgan.zoo.{family}")  # which is running: it registers its recipes at its end
    return hasattr(module, "generator") and hasattr(module, "discriminator")


def register_file(path: str | Path) -> list[str]:
    """Runs a Python file of one's own that calls `register`, once; returns the names of its entries.

    It is run as any program is, so take no file whose writer you do not trust. It may import what lies beside it.

    Raises:
        InputError: no such file, one that fails, or one that registers nothing; then nothing of it stays registered.

    Example:
        >>> entry = "kg.zoo.show('dcgan_digits').replace(name='dcgan_mine', loss='hinge')"
        >>> size = Path("my_entries.py").write_text(f"import kerasgan as kg; kg.zoo.register({entry})")
        >>> kg.zoo.register_file("my_entries.py")
        ['dcgan_mine']
    """
    path = Path(path).resolve()
    if path in _FILES:
        return _FILES[path]
    if not path.is_file() or path.suffix != ".py":
        raise InputError(f"Expected a Python file that calls kerasgan.zoo.register. Received: {str(path)!r}.")
    recipes, families = dict(_RECIPES), dict(_FAMILIES)
    spec = importlib.util.spec_from_file_location(f"kerasgan_entries_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[module.__name__] = module  # dataclasses and pickles look their module up there
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
        names = [name for name in _RECIPES if name not in recipes]
        if not names:
            raise InputError("it registers no entry: it must call kerasgan.zoo.register.")
    except (Exception, SystemExit) as error:
        sys.modules.pop(module.__name__, None)
        for now, before in ((_RECIPES, recipes), (_FAMILIES, families)):
            now.clear()
            now.update(before)  # type: ignore[arg-type]
        cause = error if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise InputError(f"{str(path)!r} cannot be used: {cause}") from error
    finally:
        sys.path.remove(str(path.parent))
    _FILES[path] = names
    return names


def file_of(entry: str) -> Path | None:
    """The file of the user's own that registered an entry, where one did."""
    return next((path for path, names in _FILES.items() if entry in names), None)


def names(pattern: str = "*", pretrained: bool | None = None) -> list[str]:
    """Names of the entries that match a shell pattern, sorted.

    Args:
        pattern: for instance `"*mnist*"`.
        pretrained: `True` for those with published weights only, `False` for those without.

    Example:
        >>> kg.zoo.names("dcgan_*")
        ['dcgan_cifar10', 'dcgan_digits', 'dcgan_mnist', 'dcgan_stacked_mnist']
    """
    found = sorted(fnmatch.filter(_RECIPES, pattern))
    if pretrained is None:
        return found
    published = {record["entry"] for record in manifest.read()}
    return [name for name in found if (name in published) == pretrained]


def show(name: str) -> Recipe:
    """The recipe of an entry; an unknown name lists close matches.

    Example:
        >>> recipe = kg.zoo.show("wgan_gp_digits")
        >>> recipe.loss, recipe.n_critic
        ('wasserstein', 5)
    """
    if name not in _RECIPES:
        raise unknown_name("zoo entry", name, _RECIPES)
    return _RECIPES[name]


def family(name: str) -> Family:
    """What a family is built of: a user's own, or the module of the zoo that bears its name."""
    if name not in _FAMILIES:
        raise unknown_name("family", name, _FAMILIES)
    known = _FAMILIES[name]
    if known is None:
        module = importlib.import_module(f"kerasgan.zoo.{name}")
        known = Family(module.generator, module.discriminator, getattr(module, "model", None))
    return known
