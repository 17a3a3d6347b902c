"""`kerasgan list` and `kerasgan show`: what the zoo holds."""

import json
from typing import Annotated

import typer

from kerasgan import zoo
from kerasgan.commands.shared import EntriesFile, register_own
from kerasgan.errors import InputError
from kerasgan.zoo import manifest


def entries(
    pattern: Annotated[str, typer.Argument(help="shell pattern, for instance '*mnist*'")] = "*",
    pretrained: Annotated[
        bool | None, typer.Option("--pretrained/--untrained", help="only those with, or without, published weights")
    ] = None,
    own: EntriesFile = None,
):
    """List the zoo's entries.

    Example: `kerasgan list '*digits*' --pretrained`
    """
    register_own(own)
    found = zoo.names(pattern, pretrained)
    if not found:
        raise InputError(f"No entry matches {pattern!r}. `kerasgan list` shows all there are.")
    rows = [("entry", "family", "data", "image", "classes", "trained weights")]
    published = {record["entry"]: str(record["version"]) for record in manifest.read()}
    for name in found:
        recipe = zoo.show(name)
        shape = "x".join(str(n) for n in recipe.image_shape)
        rows.append(
            (name, recipe.family, recipe.dataset, shape, str(recipe.num_classes or "-"), published.get(name, "-"))
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(
    entry: Annotated[str, typer.Argument(help="a name that `kerasgan list` prints")],
    own: EntriesFile = None,
):
    """Print an entry's recipe as JSON.

    Example: `kerasgan show dcgan_digits`
    """
    register_own(own)
    typer.echo(json.dumps(zoo.show(entry).to_dict(), indent=2))
