"""`kerasgan zoo pack` and `kerasgan download`: publishing trained generators, and fetching them."""

from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import (
    EntriesFile,
    ExtractorWeights,
    SkipCorrupt,
    data_options,
    entry_and_version,
    extractor_of,
    register_own,
    start_keras,
)

app = typer.Typer(no_args_is_help=True, help="Publish trained generators.")


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="run folder of a finished training")],
    to: Annotated[Path, typer.Option(help="release folder, which any static host can serve")] = Path("release"),
    n: Annotated[int, typer.Option("-n", help="images of each kind for the scores; 0 for none")] = 10_000,
    data: Annotated[str | None, typer.Option(help="to score on [default: the recipe's]")] = None,
    extractor: Annotated[
        str | None, typer.Option(metavar="NAME|FILE.keras", help="for the scores, as of `kerasgan evaluate`")
    ] = None,
    extractor_weights: ExtractorWeights = None,
    skip_corrupt: SkipCorrupt = False,
    float16: Annotated[bool, typer.Option("--float16", help="store the weights in half precision")] = False,
    spread: Annotated[
        float, typer.Option(help="factor of the latents, above 1 for more of what is rare in the data, and more errors")
    ] = 1.0,
    entry: Annotated[str | None, typer.Option(help="name to publish under [default: the run's]")] = None,
    own: EntriesFile = None,
    command: Annotated[str | None, typer.Option(help="that trained it [default: read off the recipe]")] = None,
    seeds: Annotated[
        list[Path] | None,
        typer.Option("--seed-run", metavar="RUN", help="the same recipe with another seed, to be scored; repeatable"),
    ] = None,
    weights_license: Annotated[str, typer.Option(help="under which you publish the weights")] = "not stated",
    data_license: Annotated[
        str | None, typer.Option(help="of the data [default: known for those of the zoo's recipes]")
    ] = None,
):
    """Publish a run: its weights, their record in weights.json, scores, a model card and a picture.

    Examples:
    - `kerasgan zoo pack runs/dcgan_digits --to release --weights-license CC-BY-4.0`
    - `kerasgan zoo pack runs/seed0 --seed-run runs/seed1 --seed-run runs/seed2`, with the spread over three seeds
    """
    register_own(own)
    start_keras()
    from kerasgan import publish

    storage = "float16" if float16 else "float32"
    record = publish.pack(
        run,
        to,
        data=data,
        data_options=data_options(skip_corrupt),
        n=n,
        extractor=extractor_of(extractor, None, extractor_weights),
        storage=storage,
        spread=spread,
        entry=entry,
        command=command,
        seeds=seeds or (),
        weights_license=weights_license,
        data_license=data_license,
    )
    typer.echo(f"Published {record['entry']} version {record['version']} in {to}: {record['bytes']:,} bytes.")


def download(
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY[@VERSION]", help="a name that `kerasgan list` shows as published")
    ],
    release: Annotated[
        str | None, typer.Option(help="folder of `kerasgan zoo pack`, or its http(s) address [default: the package's]")
    ] = None,
):
    """Fetch an entry's trained generator now, to work offline later; prints where it lies.

    Examples:
    - `kerasgan download dcgan_digits`
    - `kerasgan download dcgan_digits@2`
    - `kerasgan download mine --release https://example.org/release`, whose file every other command takes
    """
    from kerasgan.zoo import manifest, published

    typer.echo(published.fetch(manifest.find(*entry_and_version(entry), release), release))
