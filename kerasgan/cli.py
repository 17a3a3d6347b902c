"""The command line: `kerasgan list | show | train | sample`. Everything heavy is imported inside a command."""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from kerasgan import zoo
from kerasgan.errors import InputError
from kerasgan.quiet import without_native_log

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="GANs for Keras 3: train, sample, look around.\n\nTry `kerasgan train dcgan_digits`.",
)


@app.command("list")
def list_entries(pattern: Annotated[str, typer.Argument(help="shell pattern, for instance '*mnist*'")] = "*"):
    """List the zoo's entries.

    Example: `kerasgan list '*digits*'`
    """
    rows = [("entry", "family", "data", "image", "classes")]
    for name in zoo.names(pattern):
        recipe = zoo.show(name)
        shape = "x".join(str(n) for n in recipe.image_shape)
        rows.append((name, recipe.family, recipe.dataset, shape, str(recipe.num_classes or "-")))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def show(entry: Annotated[str, typer.Argument(help="a name that `kerasgan list` prints")]):
    """Print an entry's recipe as JSON.

    Example: `kerasgan show dcgan_digits`
    """
    typer.echo(json.dumps(zoo.show(entry).to_dict(), indent=2))


@app.command()
def train(
    source: Annotated[str, typer.Argument(metavar="ENTRY|FOLDER|FILE.npz", help="what to train, or on what")],
    out: Annotated[Path | None, typer.Option(help="run folder [default: runs/<name>]")] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over the data")] = None,
    batch_size: Annotated[int | None, typer.Option(help="images per update of the discriminator")] = None,
    image_size: Annotated[
        str | None, typer.Option(help="size to train at: 64, 48x64 (height x width) or 48x64x3 (with channels)")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of weights, data order and noise")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, mixed_bfloat16 or mixed_float16")] = None,
    skip_corrupt: Annotated[
        bool, typer.Option("--skip-corrupt", help="leave out pictures that cannot be read")
    ] = False,
    resume: Annotated[bool, typer.Option(help="go on where the same command stopped")] = True,
    checkpoint_every: Annotated[float, typer.Option(help="seconds between checkpoints")] = 30.0,
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
    """
    _start_keras()
    from kerasgan import runs

    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "image_shape": _image_shape(image_size),
        "seed": seed,
        "precision": precision,
    }
    data_options = {"on_corrupt": "skip"} if skip_corrupt else {}
    options = {"steps_per_execution": steps_per_execution, **({"jit_compile": True} if jit_compile else {})}
    if dry_run:
        plan = runs.rehearse(source, data_options=data_options, compile_options=options, **changes)
        typer.echo(json.dumps(plan, indent=2))
        return
    try:
        folder = runs.train(
            source,
            out,
            data_options=data_options,
            resume=resume,
            checkpoint_every=checkpoint_every,
            exports=("onnx", "saved_model") if export else (),
            compile_options=options,
            **changes,
        )
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command goes on from the last checkpoint.", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"The run lies in {folder}:")
    for path, what in runs.contents(folder):
        typer.echo(f"  {path}  {what}")


@app.command()
def sample(
    source: Annotated[Path, typer.Argument(metavar="RUN|FILE.keras", help="a run folder or a saved Sampler")],
    out: Annotated[Path, typer.Option(help="picture to write")] = Path("samples.png"),
    n: Annotated[int, typer.Option("-n", help="number of images")] = 16,
    labels: Annotated[str | None, typer.Option(help="class, or comma-separated classes, one per image")] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same images")] = 0,
    truncation: Annotated[float, typer.Option(help="0 to 1: less is more typical, less varied")] = 1.0,
    columns: Annotated[int | None, typer.Option(help="images in a row [default: a square]")] = None,
    scale: Annotated[int, typer.Option(help="draw each pixel this many times as large")] = 2,
):
    """Draw a grid of images from a trained generator.

    Example: `kerasgan sample runs/dcgan_digits --seed 7 --out digits.png`
    """
    _start_keras()
    from kerasgan import viz
    from kerasgan.sampler import Sampler

    sampler = Sampler.load(source / "sampler.keras" if source.is_dir() else source)
    images = sampler.generate(n, labels=_labels(labels, sampler.spec.class_names), seed=seed, truncation=truncation)
    typer.echo(f"Wrote {viz.save_grid(images, out, columns, scale)}")


def _start_keras():
    """Imports Keras and wakes its backend, without the lines TensorFlow's C++ code prints on its way."""
    # TensorFlow turns oneDNN's convolutions on by itself only where a processor has AVX-512.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with without_native_log():
        import keras

        keras.ops.zeros(1)


def _image_shape(text: str | None) -> tuple[int, ...] | None:
    """`"64"`, `"48x64"` or `"48x64x3"` as (height, width) or (height, width, channels)."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(part.isdigit() and int(part) > 0 for part in parts) or len(parts) > 3:
        raise InputError(f"--image-size must be like 64, 48x64 or 48x64x3. Received: {text}.")
    sizes = tuple(int(part) for part in parts)
    return sizes * 2 if len(sizes) == 1 else sizes


def _labels(text: str | None, class_names: tuple[str, ...]):
    """Class names, or class numbers where no class is called so; one alone stands for all images."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    labels = [int(part) if part.isdigit() and part not in class_names else part for part in parts]
    return labels if len(labels) > 1 else labels[0]


def main():
    """Runs the command line; an error the user can mend is one line, without a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = lambda message, *_, **__: print(f"Warning: {message}", file=sys.stderr)
    try:
        app()
    except (InputError, OSError) as error:
        if os.environ.get("KERASGAN_DEBUG"):
            raise
        sys.exit(f"Error: {error}")
