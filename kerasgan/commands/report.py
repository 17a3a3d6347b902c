"""`kerasgan report`: a run folder as one page."""

from pathlib import Path
from typing import Annotated

import typer


def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a training, ended or not")]):
    """Write report.html of a run: curves, samples, health, scores, settings, in one file that needs no network.

    Every training leaves one when it ends; this renders it again, also for one still running.
    """
    from kerasgan.report import write

    typer.echo(f"The report lies in {write(folder)}")
