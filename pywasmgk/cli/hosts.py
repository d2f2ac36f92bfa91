"""Hosts for ``pywasmgk call``: one from a Python file, and HTTP for the usual one."""

from __future__ import annotations

import importlib.util
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ..errors import HostError

__all__ = ["fetch", "host_at"]

#: bytes of an answer that a plugin is given
_MOST_BODY = 10 << 20
_PART = 1 << 16
#: seconds that a connection may be silent, where the call has no deadline
_PATIENCE = 30.0


def host_at(place: str) -> Any:
    """What ``FILE.py:NAME`` names; a class or function is called without arguments.

    Raises UsageError for what is not there.
    """
    file, colon, name = place.rpartition(":")
    if not colon or not name.isidentifier():
        raise click.UsageError(f"--host: expected FILE.py:NAME, found {place!r}")
    path = Path(file)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise click.UsageError(f"--host: there is no Python file {file!r}")
    module = importlib.util.module_from_spec(spec)
    # dataclasses and pickles ask for the module by its name
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if found is None:
        raise click.UsageError(f"--host: {file} has no {name!r}")
    return found() if isinstance(found, type) or not hasattr(found, "log") else found


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects to web addresses only."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """As usual, after a look at where it leads."""
        _require_web(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_web(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise HostError("only http and https addresses are fetched")


def fetch(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float | None
) -> tuple[int, bytes | None]:
    """Status and body of the answer to a request, errors of HTTP too.

    ``seconds`` is the time that the call has left. Raises HostError for other addresses than of the
    web, an answer of more than 10 MiB, and what keeps it from being had.
    """
    try:
        _require_web(url)
        request = urllib.request.Request(url, body, dict(headers), method=method or "GET")
        opener = urllib.request.build_opener(_SameScheme)
        try:
            answer = opener.open(request, timeout=_PATIENCE if seconds is None else seconds)
        except urllib.error.HTTPError as error:
            answer = error  # an answer like any other
        with answer:
            content = bytearray()
            while part := answer.read(_PART):
                content += part
                if len(content) > _MOST_BODY:
                    raise HostError(f"the answer has more than {_MOST_BODY:,} bytes")
            return int(answer.status), bytes(content)
    except (OSError, ValueError) as error:
        raise HostError(f"the request failed: {error}") from error
