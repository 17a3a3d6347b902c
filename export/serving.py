"""A page of `to_web` served on this machine, for nobody else. Imports nothing heavy."""

import http.server
import os
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kerasgan.errors import InputError

SPEC = "kerasgan.json"  # what every page holds
PORT = 8017  # tried first, so that a copied link works the next time too
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
# As in index.html; a worker takes its policy from its own reply.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_page(folder: Path) -> bool:
    """Whether a folder is one that `to_web` wrote."""
    return (folder / SPEC).is_file() and (folder / "index.html").is_file()


class Server(http.server.ThreadingHTTPServer):
    """Serves one folder on 127.0.0.1.

    Args:
        folder: of `to_web`.
        port: to listen at; `None` takes `PORT`, or any free one where that is taken.

    Raises:
        InputError: the port is taken, or not this user's to take.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere two servers would share a port

    def __init__(self, folder: Path, port: int | None = None):
        self.folder = folder
        try:
            super().__init__(("127.0.0.1", PORT if port is None else port), _Handler)
        except (OSError, OverflowError) as error:
            if port is not None:
                raise InputError(
                    f"Port {port} cannot be used ({error}). Choose another, or leave --port out."
                ) from error
            super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who closes the page in the middle of a file is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Not left to the system's table: on Windows any program may change what .js is, and browsers then refuse it.
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, **_TYPES}  # noqa: RUF012

    def __init__(self, request: Any, address: Any, server: Server):
        super().__init__(request, address, server, directory=str(server.folder))

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""
