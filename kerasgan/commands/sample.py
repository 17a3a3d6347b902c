"""`kerasgan sample`: pictures and animations from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import open_sampler
from kerasgan.errors import InputError


def sample(
    source: Annotated[str, typer.Argument(metavar="ENTRY|RUN|FILE.keras", help="where the generator comes from")],
    out: Annotated[
        Path | None, typer.Option(help="file to write: .png, .gif or .mp4 [default: samples.png, or samples.gif]")
    ] = None,
    n: Annotated[int | None, typer.Option("-n", help="number of images [default: 16; 1 in an animation]")] = None,
    labels: Annotated[str | None, typer.Option(help="class, or comma-separated classes, one per image")] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same images")] = 0,
    truncation: Annotated[float, typer.Option(help="0 to 1: less is more typical, less varied")] = 1.0,
    columns: Annotated[
        int | None, typer.Option("--grid", "--columns", help="images in a row [default: a square]")
    ] = None,
    scale: Annotated[int, typer.Option(help="draw each pixel this many times as large")] = 2,
    interpolate: Annotated[
        tuple[int, int] | None, typer.Option(metavar="SEED SEED", help="from the images of one seed to another's")
    ] = None,
    walk: Annotated[int | None, typer.Option(metavar="STOPS", help="a round trip through random latents")] = None,
    morph: Annotated[
        tuple[str, str] | None, typer.Option(metavar="CLASS CLASS", help="from one class to another")
    ] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="the same latents under truncation 0, 0.25, ... 1")] = False,
    frames: Annotated[int, typer.Option(help="frames from one end, or stop, to the next")] = 24,
    gif: Annotated[bool, typer.Option("--gif", help="an animation, also where --out says nothing")] = False,
):
    """Draw images from a trained generator.

    `--interpolate`, `--walk`, `--morph` and `--sweep` give a sequence: an animation as .gif or .mp4, or, as .png, one
    row for each image with the frames side by side.

    Examples:
    - `kerasgan sample runs/dcgan_digits --seed 7 --out digits.png`
    - `kerasgan sample runs/dcgan_digits --interpolate 3 7 --frames 8 --out row.png`
    - `kerasgan sample cdcgan_digits --morph 3 8 -n 9 --out morph.gif`
    - `kerasgan sample dcgan_digits --walk 6 -n 16 --gif`
    """
    ways = {"--interpolate": interpolate, "--walk": walk, "--morph": morph, "--sweep": sweep}
    asked = [name for name, given in ways.items() if given]
    if len(asked) > 1:
        raise InputError(f"One sequence at a time. Received: {', '.join(asked)}.")
    if gif and not asked:
        raise InputError("--gif goes with --interpolate, --walk, --morph or --sweep.")
    if morph and labels:
        raise InputError("--morph says the classes itself. Leave --labels out.")
    sampler = open_sampler(source)
    from kerasgan import viz, walks

    chosen = _labels(labels, sampler.spec.class_names)
    if not asked:
        images = sampler.generate(16 if n is None else n, labels=chosen, seed=seed, truncation=truncation)
        typer.echo(f"Wrote {viz.save_grid(images, out or Path('samples.png'), columns, scale)}")
        return
    n = n or 1
    if interpolate:
        sequence = walks.interpolate(sampler, interpolate, n, frames, chosen, truncation)
    elif walk:
        sequence = walks.walk(sampler, walk, n, frames, chosen, seed, truncation)
    elif morph:
        ends = [_labels(name, sampler.spec.class_names) for name in morph]
        sequence = walks.morph(sampler, (ends[0], ends[1]), n, frames, seed, truncation)
    else:
        sequence = walks.truncations(sampler, n=n, labels=chosen, seed=seed)
    out = out or Path("samples.gif" if gif or not sweep else "samples.png")
    if out.suffix in (".gif", ".mp4"):
        typer.echo(f"Wrote {viz.save_animation(sequence, out, columns, scale)}")
        return
    rows = sequence.swapaxes(0, 1).reshape(-1, *sequence.shape[2:])
    typer.echo(f"Wrote {viz.save_grid(rows, out, len(sequence), scale)}")


def _labels(text: str | None, class_names: tuple[str, ...]):
    """Class names, or class numbers where no class is called so; one alone stands for all images."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    labels = [int(part) if part.isdigit() and part not in class_names else part for part in parts]
    return labels if len(labels) > 1 else labels[0]
