"""The command ``playground``: serves the page to this machine."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from ..playground.building import build, policy
from .output import say
from .session import Session

__all__ = ["playground", "print_policy", "serve"]

#: where npm puts it, from the folder that it was called in
_INSTALLED = Path("node_modules/pyodide")


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder without a word, under the page's policy."""

    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".wat": "text/plain; charset=utf-8",
        ".py": "text/plain; charset=utf-8",
    }

    def end_headers(self) -> None:
        """Adds what every answer has."""
        self.send_header("Content-Security-Policy", policy())
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing of what was asked."""


class _Server(ThreadingHTTPServer):
    """Takes it well if a browser hangs up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says what went wrong, unless it is that."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def playground(
    session: Session, folder: Path | None, pyodide: Path | None, port: int, browse: bool
) -> None:
    """Serves a folder that was built, or builds one of Pyodide's files first."""
    if folder is not None:
        if not (folder / "python.zip").is_file():
            raise click.UsageError(f"{folder} is no folder of a playground: --pyodide makes one")
        _run(session, folder, port, browse)
        return
    place = pyodide or _INSTALLED
    if pyodide is None and not place.is_dir():
        raise click.UsageError(
            "Pyodide is not here: npm install pyodide fetches it, --pyodide FOLDER says where it is"
        )
    with tempfile.TemporaryDirectory() as made:
        build(Path(made), place)
        _run(session, Path(made), port, browse)


def print_policy(session: Session) -> None:
    """Prints the content policy that every answer should have."""
    if session.json:
        session.print_json({"policy": policy()})
    else:
        say(policy())


def _run(session: Session, folder: Path, port: int, browse: bool) -> None:
    def ready(address: str) -> None:
        if session.json:
            session.print_json({"address": address})
        else:
            say(f"{address} has the playground; Ctrl-C ends it")
        if browse:
            webbrowser.open(address)

    serve(folder, port, ready)


def serve(folder: Path, port: int, ready: Callable[[str], object]) -> None:
    """Serves a folder to this machine alone until Ctrl-C; ``ready`` is given the address."""
    handler = partial(_Handler, directory=str(folder))
    with _Server(("127.0.0.1", port), handler) as server:
        ready(f"http://127.0.0.1:{server.server_port}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            # that is how it is ended
            return
