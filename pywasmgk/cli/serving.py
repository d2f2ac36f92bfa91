"""The command ``serve``: plugins over HTTP until Ctrl-C."""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import ConfigError
from ..platform import LogBuffer, LogEntry, PluginManager, PluginWatcher, Scheduler
from ..platform.log_buffer import is_shown
from .folders import opened, say_failures
from .options import PluginFolder
from .output import say
from .session import Session

if TYPE_CHECKING:
    from ..platform.server.app import ServerSettings

__all__ = ["Listening", "serve"]

_LEAST_TOKEN = 16
#: bytes of a request's first lines and headers, seconds for what runs at the end, and connections
_MOST_HEAD, _SECONDS_TO_END, _MOST_CONNECTIONS = 32 << 10, 5, 500


class Listening(NamedTuple):
    """What the line says of the server."""

    bind: str
    port: int
    names: tuple[str, ...]
    token_file: Path | None
    no_token: bool
    grant: str
    public: bool
    no_watch: bool
    no_jobs: bool
    log: str
    seconds: float | None


def serve(session: Session, folder: PluginFolder, listening: Listening) -> None:
    """Serves a folder's plugins. Raises UsageError for what would be open to all, and ConfigError
    without the extra."""
    loopback = _is_loopback(listening.bind)
    if listening.no_token and not loopback:
        raise click.UsageError("--no-token is for this machine alone, not --bind " + listening.bind)
    if listening.no_token and listening.token_file is not None:
        raise click.UsageError("--no-token and --token-file exclude each other")
    _require_extra()
    from ..platform.server.app import server_app

    settings = _settings(listening, loopback)
    log = LogBuffer(forward=False)
    log.follow(_shown(session, listening.log))
    with ExitStack() as stack:
        granted = _granted(folder, listening.grant)
        manager, loader, failures = stack.enter_context(opened(session, granted, log))
        say_failures(failures)
        app = server_app(manager, settings)
        socket_ = stack.enter_context(closing(_socket(listening)))
        if not listening.no_watch:
            stack.enter_context(PluginWatcher(loader))
        if not listening.no_jobs:
            _run_jobs(stack, manager)
        _announce(session, socket_, settings)
        _run(app, socket_, listening.seconds)


def _granted(folder: PluginFolder, grant: str) -> PluginFolder:
    """The folder with policies, for plugins for which the line has none."""
    from ..platform.policies import Policies

    policies = folder.host.policies
    if grant != "all":
        stored = None if policies is None else policies.all()
        policies = Policies(stored, mode="declared" if grant == "declared" else "default")
    return folder._replace(host=folder.host._replace(policies=policies))


def _settings(listening: Listening, loopback: bool) -> ServerSettings:
    from ..platform.server.access import LOOPBACK_NAMES, new_token
    from ..platform.server.app import ServerSettings

    token = None if listening.no_token else new_token()
    if listening.token_file is not None:
        token = _token_of(listening.token_file)
    names = (*listening.names, *LOOPBACK_NAMES) if loopback or listening.names else ()
    return ServerSettings(token, names, listening.public)


def _token_of(path: Path) -> str:
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--token-file {path}: {error}") from error
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable():
        raise click.UsageError(
            f"--token-file {path}: a token is one line of at least {_LEAST_TOKEN} ASCII characters"
        )
    return token


def _require_extra() -> None:
    missing = [
        name
        for name in ("starlette", "uvicorn", "jinja2", "sse_starlette")
        if find_spec(name) is None
    ]
    if missing:
        raise ConfigError(f"serving needs {', '.join(missing)}: pip install 'pywasmgk[server]'")


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _socket(listening: Listening) -> socket.socket:
    kind = socket.AF_INET6 if ":" in listening.bind else socket.AF_INET
    try:
        return socket.create_server((listening.bind, listening.port), family=kind)
    except OSError as error:
        raise click.UsageError(
            f"cannot listen at {listening.bind}, port {listening.port}: {error}"
        ) from error


def _announce(session: Session, listening: socket.socket, settings: ServerSettings) -> None:
    """Says where it is, with the token: for a person, or a program that has started it."""
    address, port = listening.getsockname()[:2]
    host = f"[{address}]" if ":" in address else address
    link = f"http://{host}:{port}/-/"
    if settings.token is not None:
        link += f"login?token={settings.token}"
    if session.json:
        session.print_json({"link": link, "port": port, "token": settings.token})
    else:
        say(f"Serving at {link}")


def _run_jobs(stack: ExitStack, manager: PluginManager) -> None:
    if find_spec("cronsim") is not None:
        stack.enter_context(Scheduler(manager))
    elif manager.catalog.jobs():
        say(
            "Warning: jobs do not run without cronsim: pip install 'pywasmgk[jobs]'",
            err=True,
        )


def _shown(session: Session, least: str) -> Any:
    def show(entry: LogEntry) -> None:
        if not is_shown(entry.level, least):
            return
        if session.json:
            session.print_json({"log": entry.form()})
        else:
            say(str(entry), err=True)

    return show


def _run(app: Any, listening: socket.socket, seconds: float | None) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_MOST_HEAD,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    server = uvicorn.Server(config)
    ending = threading.Timer(seconds or 0, setattr, (server, "should_exit", True))
    ending.daemon = True
    if seconds is not None:
        ending.start()
    try:
        server.run([listening])
    finally:
        ending.cancel()
