"""`kerasgan explore`: a trained generator in the browser."""

import contextlib
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import EntriesFile, open_sampler, temporary_folder
from kerasgan.errors import InputError


def explore(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ENTRY[@VERSION]|RUN|FILE.keras|PAGE",
            help="a zoo entry with weights, a run folder, a saved Sampler, or a page written before",
        ),
    ],
    port: Annotated[int | None, typer.Option(help="of this machine [default: 8017, or a free one]")] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="open the page in a browser")] = True,
    out: Annotated[Path | None, typer.Option(help="keep the page in this folder, for any static host")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a page that lies there")] = False,
    own: EntriesFile = None,
):
    """Play with a generator in the browser: seeds, classes, directions, interpolation.

    The page is served to this machine only, until Ctrl-C.

    Examples:
    - `kerasgan explore runs/dcgan_digits`
    - `kerasgan explore runs/dcgan_digits --out page`
    """
    from kerasgan.export import serving

    with contextlib.ExitStack() as stack:
        page = serving.is_page(Path(source))
        if page:
            if out is not None:
                raise InputError(f"{source!r} is a page already. Leave --out out, or copy the folder.")
            folder = Path(source)
        else:
            folder = out or Path(stack.enter_context(temporary_folder())) / "page"
        server = stack.enter_context(serving.Server(folder, port))  # before the long work: a port may be taken
        if not page:
            _write(source, own, folder, force)
        typer.echo(f"Serving {source} at {server.url} until Ctrl-C.")
        if open_browser:
            _open(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
        typer.echo(
            "Stopped." if out is None else f"Stopped. The page is in {out}; `kerasgan explore {out}` opens it again."
        )


def _write(source: str, own: Path | None, folder: Path, force: bool) -> None:
    sampler = open_sampler(source, own)
    from kerasgan import export

    typer.echo("Writing the page and comparing it with Keras ...")
    export.to_web(sampler, folder, overwrite=force)


def _open(url: str) -> None:
    """Opens a browser, but none that would run inside the terminal."""
    graphical = not sys.platform.startswith("linux") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if (graphical or os.environ.get("BROWSER")) and webbrowser.open(url):
        return
    typer.echo("No browser was found to open it in: visit the address yourself.")
