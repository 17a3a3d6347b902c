"""The command line: one module of `kerasgan.commands` for each word or two. Heavy imports stand inside the commands."""

import os
import sys
import warnings

import typer

from kerasgan.commands import augment, evaluate, explore, export, look, report, sample, serve, train, zoo
from kerasgan.errors import InputError, ParityError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="GANs for Keras 3: train, sample, look around.\n\nTry `kerasgan train dcgan_digits`.",
)
app.command("list")(look.entries)
app.command()(look.show)
app.command()(train.train)
app.command()(sample.sample)
app.command()(zoo.download)
app.add_typer(zoo.app, name="zoo")
app.command()(export.export)
app.command()(explore.explore)
app.command()(serve.serve)
app.command()(augment.augment)
app.command()(evaluate.evaluate)
app.command()(report.report)


def main():
    """Runs the command line; an error the user can mend is one line, without a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.showwarning = lambda message, *_, **__: print(f"Warning: {message}", file=sys.stderr)
    try:
        app()
    except (InputError, ParityError, OSError) as error:
        if os.environ.get("KERASGAN_DEBUG"):
            raise
        sys.exit(f"Error: {error}")
