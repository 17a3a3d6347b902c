"""`kerasgan serve`: a generator behind HTTP."""

import contextlib
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from kerasgan.commands.shared import EntriesFile, open_sampler, temporary_folder
from kerasgan.errors import InputError


def serve(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ENTRY[@VERSION]|RUN|FILE.keras|FILE.onnx",
            help="a zoo entry with weights, a run folder, a saved Sampler, or an ONNX file that kerasgan exported",
        ),
    ],
    host: Annotated[str, typer.Option(help="address to listen at; 0.0.0.0 lets everybody in")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free one")] = 8000,
    max_batch: Annotated[int, typer.Option(min=1, help="images in one request, at most")] = 64,
    max_queue: Annotated[int, typer.Option(min=0, help="requests that may wait; further ones are answered 503")] = 32,
    own: EntriesFile = None,
):
    """Serve a generator over HTTP: PNG or JSON, with health, metrics and an OpenAPI page.

    ONNX Runtime does the work; an ONNX file needs neither Keras nor TensorFlow. Runs until Ctrl-C.

    Examples:
    - `kerasgan serve dcgan_digits`
    - `kerasgan serve generator.onnx --port 8080 --max-batch 16`
    - `curl 'http://127.0.0.1:8000/generate.png?n=16&seed=7' -o digits.png`
    """
    try:
        import uvicorn

        from kerasgan.export import server
    except ImportError as error:
        raise InputError(f'Serving needs more packages ({error}): pip install "kerasgan[serve]".') from error

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(temporary_folder()))  # also lets SIGTERM end in order
        listener = stack.enter_context(_bound(host, port))
        model = Path(source) if Path(source).suffix == ".onnx" else _exported(source, own, folder)
        app = server.app(model, max_batch, max_queue)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=10)
        listener.listen(2048)  # whoever comes from now on is let in as soon as the server runs
        shown = f"[{host}]" if ":" in host else host
        typer.echo(
            f"Serving {source} at http://{shown}:{listener.getsockname()[1]}/ until Ctrl-C. "
            "/docs says what may be asked."
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
        typer.echo("Stopped.")


def _bound(host: str, port: int) -> socket.socket:
    """Bound before the long work, so that a port that is taken is known at once; nobody is let in yet."""
    # asyncio turns Nagle's algorithm off, which costs 40 ms a reply, only where the protocol is named.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just given up is free
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise InputError(
            f"Port {port} of {host} cannot be used ({error}). Choose another by --port; 0 takes any free one."
        ) from error
    return bound


def _exported(source: str, own: Path | None, folder: Path) -> Path:
    sampler = open_sampler(source, own)
    from kerasgan import export

    typer.echo("Writing ONNX and comparing it with Keras ...")
    return export.to_onnx(sampler, folder / "generator.onnx").path
