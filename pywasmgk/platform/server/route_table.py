"""Which plugin's handler a request is for, by method and path."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from ...plugin.manifest import Route
from ...printable import printable
from ..catalog import Catalog
from ..registry import Owned

__all__ = ["METHODS", "RESERVED", "Found", "Refusal", "RouteTable"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: the server's own paths begin with it
RESERVED = "/-/"
#: a part of a path: itself, ``:name`` for one part, ``*name`` for the rest
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST, _MOST_PARTS = 1024, 32


class Refusal(NamedTuple):
    """A route that is not served."""

    plugin: str
    method: str
    path: str
    reason: str

    def __str__(self) -> str:
        what = printable(f"{self.method} {self.path}", longest=200)
        return f"route {what} of {self.plugin} is not served: {self.reason}"


class Found(NamedTuple):
    """A route that a path leads to, and what the path says for its parameters."""

    own: Owned[Route]
    parameters: dict[str, str]


class _Pattern(NamedTuple):
    """A path of a manifest."""

    parts: tuple[str, ...]

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters, if the parts of a path fit."""
        found: dict[str, str] = {}
        for number, own in enumerate(self.parts):
            if own.startswith("*"):
                found[own[1:]] = "/" + "/".join(parts[number:])
                return found
            if number >= len(parts):
                return None
            if own.startswith(":"):
                if not parts[number]:
                    return None
                found[own[1:]] = parts[number]
            elif own != parts[number]:
                return None
        return found if len(parts) == len(self.parts) else None

    @property
    def rank(self) -> tuple[tuple[int, str], ...]:
        """What is more definite comes first, part by part."""
        return tuple((":*".find(part[:1]) + 1 if part else 0, part) for part in self.parts)


class RouteTable:
    """The routes of the plugins in a catalog.

    A path of a manifest begins with ``/``; ``:name`` in it stands for one part, ``*name`` at its
    end for all that follows. Of several that fit, the one counts that is more definite, from the
    left. What cannot be served is in ``refusals``: unknown middleware above all, for a route
    without the guard that it asks for would be open. ``middleware`` are the names that are known.
    """

    def __init__(self, catalog: Catalog, *, middleware: Collection[str]) -> None:
        self.refusals: list[Refusal] = []
        self._routes: list[tuple[_Pattern, Owned[Route]]] = []
        taken: dict[tuple[str, tuple[str, ...]], str] = {}
        for own in catalog.routes():
            method, path = own.item.method.upper(), own.item.path
            parts = tuple(path.split("/")[1:])
            reason = _fault(own.item, method, parts, middleware)
            key = method, tuple(part[:1] if part[:1] in (":", "*") else part for part in parts)
            if reason is None and key in taken:
                reason = f"{taken[key]} has it already"
            if reason is not None:
                self.refusals.append(Refusal(own.plugin, own.item.method, path, reason))
                continue
            taken[key] = own.plugin
            self._routes.append((_Pattern(parts), own))
        self._routes.sort(key=lambda route: route[0].rank)

    def find(self, method: str, path: str) -> Found | None:
        """The route of a request. A ``HEAD`` for which there is none is a ``GET``."""
        parts = tuple(path.split("/")[1:])
        wanted = (method, "GET") if method == "HEAD" else (method,)
        for name in wanted:
            for pattern, own in self._routes:
                if own.item.method.upper() == name:
                    found = pattern.match(parts)
                    if found is not None:
                        return Found(own, found)
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that a path has, sorted."""
        parts = tuple(path.split("/")[1:])
        found = {
            own.item.method.upper()
            for pattern, own in self._routes
            if pattern.match(parts) is not None
        }
        return sorted(found | ({"HEAD"} if "GET" in found else set()))

    def all(self) -> list[Owned[Route]]:
        """All that are served, by path, method and plugin."""
        owned = [own for _, own in self._routes]
        return sorted(owned, key=lambda own: (own.item.path, own.item.method, own.plugin))


def _fault(
    route: Route, method: str, parts: tuple[str, ...], middleware: Collection[str]
) -> str | None:
    """Why a route cannot be served."""
    path = route.path
    if method not in METHODS:
        return f"no server has the method {printable(route.method, longest=20)!r}"
    if not path.startswith("/") or len(path) > _LONGEST or len(parts) > _MOST_PARTS:
        return f'a path begins with "/" and has at most {_MOST_PARTS} parts'
    if path.startswith(RESERVED) or path == RESERVED[:-1]:
        return f"{RESERVED} is the server's own"
    if not route.handler:
        return "it has no handler"
    for number, part in enumerate(parts):
        if part in (".", "..") or "?" in part or "#" in part or not part.isprintable():
            return "a part of the path could not be asked for"
        if part[:1] in (":", "*"):
            if not _PARAMETER.fullmatch(part[1:]):
                return f"{printable(part, longest=40)!r} is no parameter"
            if part[0] == "*" and number != len(parts) - 1:
                return "what takes the rest of the path stands at its end"
    unknown = [name for name in route.middleware if name not in middleware]
    if unknown:
        return f"the middleware {printable(unknown[0], longest=40)!r} is not known"
    return None
