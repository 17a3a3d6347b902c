"""What a training trains, and on what: the recipe and the data that `kerasgan train`'s words name."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasgan import data, zoo
from kerasgan.data.images import Images
from kerasgan.data.sources import NAMES
from kerasgan.errors import InputError, unknown_name
from kerasgan.recipe import Recipe

FOLDER_IMAGES = 320_000
"""Images shown, by default, in a training on one's own pictures: 5,000 steps of 64."""

OTHER_DATA = "_on_"
"""Between the entry and the data in the name of an entry's recipe on other data."""

SHORTEST_EPOCH = 2048
"""Smaller sets are repeated within an epoch: the work around one would outlast it."""

REPEATED_BYTES = 2**30
"""Repeated pictures lie in memory, so that no more of them are made."""


def recipe_for(
    source: str, images: Images | None = None, data_options: dict[str, Any] | None = None, **changes: Any
) -> tuple[Recipe, Images]:
    """The recipe and the data of a training.

    Args:
        source: a zoo entry, a folder of pictures, or an `.npz` file.
        images: data in place of what `source` names.
        data_options: for `kerasgan.data.open`, for instance `{"on_corrupt": "skip"}`.
        **changes: recipe fields to set; `None` leaves them. `image_shape` may be (height, width) alone; `dataset` is
            whatever `kerasgan.data.open` takes, and gives the recipe a name of its own; `conditional=True` has an entry
            learn the data's classes that knows none by itself.

    Returns:
        The recipe with `image_shape` and `num_classes` as the data have them, and the data.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    shape = changes.pop("image_shape", None)
    dataset = changes.pop("dataset", None)
    conditional = changes.pop("conditional", False)
    own = source not in zoo.names()
    if own:
        if dataset:
            raise InputError(f"Other data go with a zoo entry. Received: {source!r}, and the data {str(dataset)!r}.")
        images = _fitted(images, shape) if images else _own_images(source, shape, data_options or {})
        recipe = own_pictures_recipe(Path(source), images.image_shape, len(images))
    else:
        recipe = zoo.show(source)
        if dataset:
            path = Path(dataset).expanduser()
            where = str(path.resolve()) if dataset not in NAMES and path.exists() else str(dataset)
            recipe = recipe.replace(dataset=where, name=f"{source}{OTHER_DATA}{_slug(path)}")
        elif images:
            recipe = recipe.replace(dataset=images.name)
        given, shape = shape, (*shape, recipe.image_shape[2])[:3] if shape else recipe.image_shape
        images = (
            _fitted(images, given) if images else data.open(recipe.dataset, image_shape=shape, **(data_options or {}))
        )
    if not own and recipe.num_classes and not images.num_classes and not recipe.finds_codes:
        raise InputError(
            f"{source!r} is conditional, and the data {images.name!r} have no labels. Give data with labels "
            "(sub-folders are classes), or an unconditional entry."
        )
    if conditional and recipe.finds_codes:
        raise InputError(f"{source!r} finds codes of its own and learns no labels. Leave out conditional.")
    if conditional and not images.num_classes:
        raise InputError(f"{recipe.dataset!r} has no labels to learn (sub-folders are classes). Leave out conditional.")
    if (own or dataset) and len(images) < SHORTEST_EPOCH:
        times = _times(len(images), images.image_shape)
        images = images.repeated(times) if times > 1 else images
    classes = images.num_classes if own or recipe.num_classes or conditional else 0
    if recipe.finds_codes:
        classes = recipe.num_classes
    recipe = recipe.for_images(images.image_shape, classes).replace(**changes)
    return recipe, images


def entry_of(name: str) -> str | None:
    """The zoo entry whose recipe, on its own data or on others, has this name; `None` for that of own pictures."""
    known = (entry for entry in zoo.names() if name == entry or name.startswith(entry + OTHER_DATA))
    return max(known, key=len, default=None)


def check(source: str, **changes: Any) -> None:
    """Refuses what can be refused without the seconds Keras takes to start: an unknown source, impossible values."""
    if source in zoo.names():
        of_data = ("image_shape", "conditional")
        fields = {name: value for name, value in changes.items() if value is not None and name not in of_data}
        zoo.show(source).replace(**fields)
    elif not Path(source).exists():
        known = unknown_name("zoo entry", source, zoo.names())
        raise InputError(f"{known} There is no folder or .npz file of that name either.")


def _fitted(images: Images, shape: tuple[int, ...] | None) -> Images:
    """Images that were given, at the size that was asked for, if any."""
    return images.resized((*shape, images.image_shape[2])[:3]) if shape else images


def _own_images(source: str, shape: tuple[int, ...] | None, options: dict[str, Any]) -> Images:
    check(source)
    return data.open(Path(source), image_shape=shape, **options)


def own_pictures_recipe(source: Path, image_shape: Sequence[int], count: int) -> Recipe:
    """DCGAN with differentiable augmentation for a set nobody tuned a recipe for, conditional where it has classes.

    Args:
        source: where the pictures lie.
        image_shape: (height, width, channels).
        count: of the pictures.
    """
    name = f"dcgan_{_slug(source)}"
    return zoo.show("dcgan_cifar10").replace(
        name=f"dcgan_pictures_{_slug(source)}" if entry_of(name) else name,
        dataset=str(source.resolve()),
        augment="color,translation,cutout" if image_shape[2] > 1 else "translation,cutout",
        generator={},
        discriminator={},
        batch_size=min(64, count),
        epochs=max(1, round(FOLDER_IMAGES / (count * _times(count, image_shape)))),
    )


def _times(count: int, image_shape: Sequence[int]) -> int:
    """How often so many images are repeated within an epoch."""
    return max(1, min(math.ceil(SHORTEST_EPOCH / count), REPEATED_BYTES // (count * math.prod(image_shape))))


def _slug(source: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "_", source.stem.lower()).strip("_") or "pictures"
