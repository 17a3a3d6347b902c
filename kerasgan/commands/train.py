"""`kerasgan train`: from a recipe or one's own pictures to a run folder."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from kerasgan.commands.shared import (
    EntriesFile,
    ExtractorWeights,
    SkipCorrupt,
    data_options,
    extractor_of,
    register_own,
    start_keras,
)
from kerasgan.errors import InputError


def train(
    source: Annotated[str, typer.Argument(metavar="ENTRY|FOLDER|FILE.npz", help="what to train, or on what")],
    own: EntriesFile = None,
    data: Annotated[
        str | None, typer.Option(help="data for an entry in place of its own: a folder, an .npz file or a data set")
    ] = None,
    conditional: Annotated[
        bool, typer.Option("--conditional", help="have an entry without classes learn those of the data")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="run folder [default: runs/<name>]")] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over the data")] = None,
    batch_size: Annotated[int | None, typer.Option(help="images per update of the discriminator")] = None,
    image_size: Annotated[
        str | None, typer.Option(help="size to train at: 64, 48x64 (height x width) or 48x64x3 (with channels)")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of weights, data order and noise")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, mixed_bfloat16 or mixed_float16")] = None,
    skip_corrupt: SkipCorrupt = False,
    resume: Annotated[bool, typer.Option(help="go on where the same command stopped")] = True,
    checkpoint_every: Annotated[float, typer.Option(help="seconds between checkpoints")] = 30.0,
    on_collapse: Annotated[
        str, typer.Option(help="when a training fails: warn, stop, or rollback to the last healthy state")
    ] = "warn",
    keep_best: Annotated[bool, typer.Option("--keep-best", help="score every epoch, keep the best generator")] = False,
    extractor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.keras",
            help="for these scores, as of `kerasgan evaluate` [default: the classifier called like the data, else "
            "inception_v3, 96 MB]",
        ),
    ] = None,
    extractor_weights: ExtractorWeights = None,
    minutes: Annotated[
        float | None, typer.Option(help="stop after so many, with a checkpoint; the same command goes on", min=0)
    ] = None,
    jit_compile: Annotated[bool, typer.Option("--jit-compile", help="compile the step with XLA")] = False,
    steps_per_execution: Annotated[int, typer.Option(help="steps per call into the backend")] = 1,
    export: Annotated[bool, typer.Option(help="write ONNX and SavedModel at the end")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print the recipe and the time it would take; write nothing")
    ] = False,
):
    """Train a zoo entry, or a GAN on your own pictures (sub-folders are classes).

    Stopped at any moment, the same command goes on where it stopped, to the same result.

    Examples:
    - `kerasgan train dcgan_digits`
    - `kerasgan train ./pictures --image-size 64`
    - `kerasgan train dcgan_mnist --epochs 5 --out runs/try`
    - `kerasgan train sngan_projection_cifar10 --data ./pictures --minutes 90`
    - `kerasgan train wgan_gp_mnist --conditional`
    - `kerasgan train mine_faces --from my_entries.py`
    """
    register_own(own)
    from kerasgan import plan, report, runs

    changes: dict[str, Any] = {
        "dataset": data,
        "epochs": epochs,
        "batch_size": batch_size,
        "image_shape": _image_shape(image_size),
        "seed": seed,
        "precision": precision,
        "conditional": conditional or None,
    }
    plan.check(source, **changes)
    if not keep_best and (extractor or extractor_weights):
        raise InputError("--extractor and --extractor-weights are for the scores of --keep-best: give that as well.")
    start_keras()
    of_data = data_options(skip_corrupt)
    options = {"steps_per_execution": steps_per_execution, **({"jit_compile": True} if jit_compile else {})}
    if dry_run:
        rehearsal = runs.rehearse(source, data_options=of_data, compile_options=options, **changes)
        typer.echo(json.dumps(rehearsal, indent=2))
        return
    try:
        folder = runs.train(
            source,
            out,
            data_options=of_data,
            resume=resume,
            checkpoint_every=checkpoint_every,
            exports=("onnx", "saved_model") if export else (),
            on_collapse=on_collapse,
            keep_best=keep_best,
            extractor=extractor_of(extractor, None, extractor_weights) if keep_best else None,
            minutes=minutes,
            compile_options=options,
            **changes,
        )
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from the last checkpoint.", err=True)
        raise typer.Exit(130) from None
    sitting = json.loads((folder / "run.json").read_text())["sittings"][-1]
    if minutes is not None and sitting["ended_at_step"] < sitting["of_steps"]:
        typer.echo(f"At step {sitting['ended_at_step']:,} of {sitting['of_steps']:,}; the same command goes on.")
    typer.echo(f"The run lies in {folder}:")
    for path, what in report.contents(folder):
        typer.echo(f"  {path}  {what}")


def _image_shape(text: str | None) -> tuple[int, ...] | None:
    """`"64"`, `"48x64"` or `"48x64x3"` as (height, width) or (height, width, channels)."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(part.isdigit() and int(part) > 0 for part in parts) or len(parts) > 3:
        raise InputError(f"--image-size must be like 64, 48x64 or 48x64x3. Received: {text}.")
    sizes = tuple(int(part) for part in parts)
    return sizes * 2 if len(sizes) == 1 else sizes
