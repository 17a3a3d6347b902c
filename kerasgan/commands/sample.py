"""`kerasgan sample`: pictures and animations from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import EntriesFile, open_sampler
from kerasgan.errors import InputError


def sample(
    source: Annotated[
        str, typer.Argument(metavar="ENTRY[@VERSION]|RUN|FILE.keras", help="where the generator comes from")
    ],
    out: Annotated[
        Path | None, typer.Option(help="file to write: .png, .gif or .mp4 [default: samples.png, or samples.gif]")
    ] = None,
    n: Annotated[int | None, typer.Option("-n", min=1, help="number of images [default: 16; 1 in a sequence]")] = None,
    labels: Annotated[str | None, typer.Option(help="class, or comma-separated classes, one per image")] = None,
    seed: Annotated[int | None, typer.Option(help="the same seed gives the same images [default: 0]")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="0 to 1: less is more typical, less varied [default: 1]")
    ] = None,
    columns: Annotated[
        int | None, typer.Option("--grid", "--columns", min=1, help="images in a row [default: a square]")
    ] = None,
    scale: Annotated[int, typer.Option(min=1, help="draw each pixel this many times as large")] = 2,
    interpolate: Annotated[
        tuple[int, int] | None, typer.Option(metavar="SEED SEED", help="from the images of one seed to another's")
    ] = None,
    walk: Annotated[bool, typer.Option("--walk", help="a round trip through random latents")] = False,
    stops: Annotated[int | None, typer.Option(min=2, help="latents on the walk [default: 6]")] = None,
    morph: Annotated[
        tuple[str, str] | None, typer.Option(metavar="CLASS CLASS", help="from one class to another")
    ] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="the same latents under truncation 0, 0.25, ... 1")] = False,
    frames: Annotated[
        int | None, typer.Option(min=2, help="frames from one end, or stop, to the next [default: 24]")
    ] = None,
    gif: Annotated[bool, typer.Option("--gif", help="an animation, also where --out says nothing")] = False,
    own: EntriesFile = None,
):
    """Draw images from a trained generator.

    `--interpolate`, `--walk`, `--morph` and `--sweep` give a sequence: an animation as .gif or .mp4, or, as .png, one
    row for each image with the frames side by side.

    Examples:
    - `kerasgan sample runs/dcgan_digits --seed 7 --out digits.png`
    - `kerasgan sample runs/dcgan_digits --interpolate 3 7 --frames 8 --out row.png`
    - `kerasgan sample cdcgan_digits --morph 3 8 -n 9 --out morph.gif`
    - `kerasgan sample dcgan_digits --walk --stops 4 -n 16`
    """
    given = {"--seed": seed, "--truncation": truncation, "--labels": labels, "--frames": frames, "--stops": stops,
             "--gif": gif or None, "--grid": columns}  # fmt: skip
    sequences = {"--interpolate": interpolate, "--walk": walk, "--morph": morph, "--sweep": sweep}
    asked = [name for name, value in sequences.items() if value]
    if len(asked) > 1:
        raise InputError(f"One sequence at a time. Received: {', '.join(asked)}.")
    out = out or Path("samples.png" if not asked or (sweep and not gif) else "samples.gif")
    animated = out.suffix.lower() in (".gif", ".mp4")
    without = set(_WITHOUT[asked[0] if asked else ""])
    if asked and not animated:
        without |= {"--gif", "--grid"}  # frames side by side
    unused = [name for name, value in given.items() if value is not None and name in without]
    if unused:
        what = f"{asked[0]} to {out.name}" if asked else "A picture without --interpolate, --walk, --morph or --sweep"
        raise InputError(f"{what} takes no {', '.join(unused)}.")
    seed, frames = seed or 0, frames or 24
    truncation = 1.0 if truncation is None else truncation
    sampler = open_sampler(source, own)
    from kerasgan import viz, walks

    chosen = _labels(labels, sampler.spec.class_names)
    if not asked:
        images = sampler.generate(n or 16, labels=chosen, seed=seed, truncation=truncation)
        typer.echo(f"Wrote {viz.save_grid(images, out, columns, scale)}")
        return
    n = n or 1
    if interpolate:
        sequence = walks.interpolate(sampler, interpolate, n, frames, chosen, truncation)
    elif walk:
        sequence = walks.walk(sampler, stops or 6, n, frames, chosen, seed, truncation)
    elif morph:
        first, last = (_labels(name, sampler.spec.class_names) for name in morph)
        sequence = walks.morph(sampler, (first, last), n, frames, seed, truncation)
    else:
        sequence = walks.truncations(sampler, n=n, labels=chosen, seed=seed)
    if animated:
        typer.echo(f"Wrote {viz.save_animation(sequence, out, columns, scale, endless=walk)}")
        return
    rows = sequence.swapaxes(0, 1).reshape(-1, *sequence.shape[2:])
    typer.echo(f"Wrote {viz.save_grid(rows, out, len(sequence), scale)}")


_WITHOUT = {
    "": ("--frames", "--stops", "--gif"),
    "--interpolate": ("--seed", "--stops"),
    "--walk": (),
    "--morph": ("--labels", "--stops"),
    "--sweep": ("--truncation", "--frames", "--stops"),
}
"""What does not go with a sequence, or with none."""


def _labels(text: str | None, class_names: tuple[str, ...]):
    """Class names, or class numbers where no class is called so; one alone stands for all images."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    labels = [int(part) if part.isdecimal() and part not in class_names else part for part in parts]
    return labels if len(labels) > 1 else labels[0]
