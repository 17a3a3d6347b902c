"""`kerasgan augment`: whether a generator's pictures help a classifier that has few real ones."""

import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import EntriesFile, SkipCorrupt, data_options, open_sampler
from kerasgan.errors import InputError


def augment(
    source: Annotated[str, typer.Argument(metavar="ENTRY[@VERSION]|RUN|FILE.keras", help="a conditional generator")],
    real_fraction: Annotated[float, typer.Option(help="part of the real training pictures to use, 0 to 1")] = 0.01,
    seeds: Annotated[int, typer.Option(help="repetitions, each with real pictures of its own")] = 5,
    data: Annotated[
        str | None, typer.Option(help="FOLDER, FILE.npz or data set [default: what the generator was trained on]")
    ] = None,
    test_data: Annotated[
        str | None,
        typer.Option(
            help="FOLDER, FILE.npz or data set, of which the test part [default: that, or a fifth, of the data]"
        ),
    ] = None,
    generated: Annotated[int | None, typer.Option(help="generated pictures [default: 5 for each real one]")] = None,
    steps: Annotated[int | None, typer.Option(help="updates of each classifier [default: by the size]")] = None,
    confidence: Annotated[float, typer.Option(help="of the intervals")] = 0.95,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="train the generator anew on each seed's real pictures alone")
    ] = False,
    retrain_steps: Annotated[
        int | None, typer.Option(help="updates of each such training [default: the recipe's]")
    ] = None,
    out: Annotated[Path, typer.Option(help="JSON file with everything")] = Path("verdict.json"),
    skip_corrupt: SkipCorrupt = False,
    own: EntriesFile = None,
):
    """Say, with a confidence interval, whether generated pictures help a classifier.

    The same classifier is trained on real pictures, real + classic augmentation, real + generated, and generated ones,
    with the same number of updates, over several seeds.

    Example: `kerasgan augment runs/cdcgan_digits --real-fraction 0.1`
    """
    sampler = open_sampler(source, own)
    from kerasgan import verdict
    from kerasgan.files import whole_file

    train, test = _parts(sampler, data, test_data, data_options(skip_corrupt))
    typer.echo(f"Real: {train!r}\nTest: {test!r}")
    found = verdict.judge(
        sampler,
        train,
        test,
        real_fraction,
        seeds=seeds,
        generated=generated,
        steps=steps,
        confidence=confidence,
        retrain=retrain,
        retrain_steps=retrain_steps,
        report=lambda seed, arm, accuracy: typer.echo(f"seed {seed}  {arm:16}  {100 * accuracy:6.2f}", err=True),
    )
    with whole_file(out) as temporary:
        temporary.write_text(json.dumps(found.to_dict(), indent=2) + "\n")
    typer.echo(f"\n{found.table()}\n\n{found.sentence}\n")
    for caveat in found.caveats:
        typer.echo(f"- {caveat}")
    typer.echo(f"Wrote {out}")


def _parts(sampler, source: str | None, test_source: str | None, options: dict[str, str]):
    """Training and test pictures, of the generator's shape."""
    from kerasgan import data
    from kerasgan.data.images import Images
    from kerasgan.data.sources import is_folder

    source = source or sampler.recipe.get("dataset")
    if not source:
        raise InputError("This generator does not say what data it was trained on: give --data.")
    shape = sampler.spec.image_shape
    train = data.open(source, image_shape=shape, **options)
    if not is_folder(test_source or source):
        with contextlib.suppress(InputError):  # there is no test part
            return train, data.open(test_source or source, image_shape=shape, split="test", **options)
    if test_source:
        return train, data.open(test_source, image_shape=shape, **options)
    if train.y is None:
        raise InputError(f"{train.name!r} has no labels. Give data with classes.")
    import numpy as np

    order = np.random.default_rng(0).permutation(len(train))
    cut = len(train) // 5
    typer.echo(f"{train.name!r} has no test part: a fifth, {cut} pictures, is held out. The generator may know them.")
    return (
        Images(np.asarray(train.x[order[cut:]]), train.y[order[cut:]], train.class_names, train.name),
        Images(np.asarray(train.x[order[:cut]]), train.y[order[:cut]], train.class_names, f"{train.name}, held out"),
    )
