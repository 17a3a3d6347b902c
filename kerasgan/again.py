"""The command that trains a recipe again: what a record and a card say trained it."""

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from kerasgan import zoo
from kerasgan.plan import OTHER_DATA, entry_of, own_pictures_recipe
from kerasgan.recipe import Recipe

OPTIONS = ("image_shape", "epochs", "batch_size", "seed", "precision")
"""Fields of a recipe that `kerasgan train` has an option for."""


def command(recipe: Recipe, own_entries: str | None = None, skip_corrupt: bool = False) -> str:
    """`kerasgan train ...`, or a call of `kerasgan.train` where no option says what was changed.

    Args:
        recipe: of the run; data that are a folder or a file begin with "./".
        own_entries: the user's file that registered the entry, if one did.
        skip_corrupt: whether pictures that cannot be read were left out.
    """
    known = entry_of(recipe.name)
    made_from = f"{recipe.family}_{recipe.dataset}"
    renamed = not (known or own_entries) and made_from in zoo.names()
    known = made_from if renamed else known
    usual = zoo.show(known) if known else None
    # An own file's may be unknown here.
    entry = known or (recipe.name.partition(OTHER_DATA)[0] if own_entries else recipe.name)
    other_data = entry != recipe.name and not renamed
    own_pictures = recipe.dataset.startswith("./") and not other_data and not own_entries
    source = entry
    if own_pictures:
        source = recipe.dataset
        usual = own_pictures_recipe(Path(source), recipe.image_shape, recipe.batch_size)
    options: dict[str, Any] = {"data": recipe.dataset} if other_data else {}
    if usual and not own_pictures and recipe.num_classes and not usual.num_classes:
        options["conditional"] = True
    fields = _fields(recipe)
    # What own pictures take by themselves depends on how many they are, so that all of it is written out.
    by_itself = {} if own_pictures or not usual else _fields(usual)
    options |= {field: fields[field] for field in OPTIONS if fields[field] != by_itself.get(field)}
    if skip_corrupt:
        options["skip_corrupt"] = True
    expected = _fields((usual or recipe).for_images(recipe.image_shape, recipe.num_classes))
    told = (*OPTIONS, "dataset") if renamed else (*OPTIONS, "name", "dataset")
    more = {field: value for field, value in fields.items() if field not in told and value != expected[field]}
    arrays = bool(by_itself) and not (other_data or own_entries) and recipe.dataset != by_itself["dataset"]
    if more or arrays:
        return _call(source, {**options, **more}, arrays, own_entries)
    return _line(source, options, own_entries)


def _fields(recipe):
    return {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}


def _line(source, options, own_entries):
    words = ["kerasgan", "train", source, *(["--from", own_entries] if own_entries else [])]
    for name, value in options.items():
        if name == "image_shape":
            words += ["--image-size", "x".join(map(str, value))]
        else:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(words)


def _call(source, options, arrays, own_entries):
    register = f"kerasgan.zoo.register_file({own_entries!r}); " if own_entries else ""
    words = [repr(source), *(["images=..."] if arrays else [])]
    if options.pop("skip_corrupt", False):
        options["data_options"] = {"on_corrupt": "skip"}
    words += [f"{'dataset' if name == 'data' else name}={value!r}" for name, value in options.items()]
    return f"{register}kerasgan.train({', '.join(words)})"
