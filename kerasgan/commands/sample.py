"""`kerasgan sample`: pictures from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import open_sampler


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
    sampler = open_sampler(source)
    from kerasgan import viz

    images = sampler.generate(n, labels=_labels(labels, sampler.spec.class_names), seed=seed, truncation=truncation)
    typer.echo(f"Wrote {viz.save_grid(images, out, columns, scale)}")


def _labels(text: str | None, class_names: tuple[str, ...]):
    """Class names, or class numbers where no class is called so; one alone stands for all images."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    labels = [int(part) if part.isdigit() and part not in class_names else part for part in parts]
    return labels if len(labels) > 1 else labels[0]
