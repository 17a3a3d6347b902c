"""`kerasgan evaluate`: scores of a trained generator."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kerasgan.commands.shared import (
    EntriesFile,
    ExtractorWeights,
    SkipCorrupt,
    data_options,
    extractor_of,
    open_sampler,
)


def evaluate(
    source: Annotated[
        str,
        typer.Argument(metavar="ENTRY[@VERSION]|RUN|FILE.keras", help="a zoo entry, a run folder or a saved Sampler"),
    ],
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="data set, folder or FILE.npz [default: what it was trained on]"),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            help="comma-separated: fid, kid, inception_score, precision_recall, density_coverage, class_agreement, "
            "cas, mode_coverage, duplicates"
        ),
    ] = "fid,kid,precision_recall",
    n: Annotated[int, typer.Option("-n", "--n", help="real images, and generated ones")] = 10_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same scores")] = 0,
    extractor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.keras",
            help="inception_v3, a classifier of ours, or your own [default: the one called like the data, else "
            "inception_v3]",
        ),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="layer whose output is the features")] = None,
    extractor_weights: ExtractorWeights = None,
    floor: Annotated[bool, typer.Option(help="also score real images against real ones")] = True,
    skip_corrupt: SkipCorrupt = False,
    out: Annotated[Path | None, typer.Option(help="JSON file to write scores and protocol to")] = None,
    against: Annotated[Path | None, typer.Option(help="JSON file of earlier scores to compare with")] = None,
    own: EntriesFile = None,
):
    """Score a trained generator, with the protocol the scores were taken by.

    Examples:
    - `kerasgan evaluate runs/dcgan_digits`
    - `kerasgan evaluate runs/cdcgan_mnist --metrics fid,class_agreement --out scores.json`
    - `kerasgan evaluate runs/dcgan_mnist --against scores.json`
    """
    sampler = open_sampler(source, own)
    from kerasgan.metrics import Result, evaluate

    before = None if against is None else Result.load(against)
    options: dict[str, Any] = {"floor": floor, "data_options": data_options(skip_corrupt)}
    judge = extractor_of(extractor, layer, extractor_weights)
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    result = evaluate(sampler, data, names, n=n, seed=seed, subject=source, extractor=judge, layer=layer, **options)
    typer.echo(result)
    if out is not None:
        typer.echo(f"Wrote {result.save(out)}")
    if before is not None:
        typer.echo(f"\nCompared with {before.subject}")
        for name, ratio in result.compare(before).items():
            typer.echo(f"  {name:<22}{ratio:.4g} times")
