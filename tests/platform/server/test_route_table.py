"""Which route a request is for, and which routes are not served."""

from __future__ import annotations

from typing import Any

import pytest

from pywasmgk.platform.catalog import Catalog
from pywasmgk.platform.server.route_table import RouteTable
from pywasmgk.plugin.gojson import encode
from pywasmgk.plugin.manifest import parse_manifest


def table_of(**plugins: list[tuple[str, str] | dict[str, Any]]) -> RouteTable:
    manifests = {}
    for name, routes in plugins.items():
        forms = [
            route
            if isinstance(route, dict)
            else {"method": route[0], "path": route[1], "handler": route[1]}
            for route in routes
        ]
        manifests[name] = parse_manifest(
            encode({"name": name, "version": "1.0.0", "routes": forms})
        )
    return RouteTable(Catalog(manifests), middleware=("auth",))


def where(table: RouteTable, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    found = table.find(method, path)
    return None if found is None else (found.own.item.handler, found.parameters)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tickets", ("/tickets", {})),
        ("/tickets/", None),
        ("/tickets/new", ("/tickets/new", {})),
        ("/tickets/7", ("/tickets/:id", {"id": "7"})),
        ("/tickets/7/notes/2", ("/tickets/:id/notes/:note", {"id": "7", "note": "2"})),
        ("/files/a/b/c.txt", ("/files/*rest", {"rest": "/a/b/c.txt"})),
        ("/files/", ("/files/*rest", {"rest": "/"})),
        ("/tickets/new/notes/2", ("/tickets/:id/notes/:note", {"id": "new", "note": "2"})),
        ("/Tickets", None),
        ("/tickets/..", ("/tickets/:id", {"id": ".."})),
    ],
)
def test_the_more_definite_path_counts(path: str, expected: Any) -> None:
    table = table_of(
        desk=[
            ("GET", "/files/*rest"),
            ("GET", "/tickets/:id"),
            ("GET", "/tickets/:id/notes/:note"),
            ("GET", "/tickets/new"),
            ("GET", "/tickets"),
        ]
    )
    assert where(table, "GET", path) == expected


def test_methods() -> None:
    table = table_of(desk=[("GET", "/a"), ("post", "/a"), ("DELETE", "/b")])
    assert where(table, "HEAD", "/a") == ("/a", {})
    assert where(table, "POST", "/a") == ("/a", {})
    assert where(table, "DELETE", "/a") is None
    assert table.methods("/a") == ["GET", "HEAD", "POST"]
    assert table.methods("/none") == []


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ({"method": "GET", "path": "/a", "handler": "a", "middleware": ["auth", "queue"]}, "queue"),
        ({"method": "GET", "path": "a", "handler": "a"}, "begins"),
        ({"method": "GET", "path": "", "handler": "a"}, "begins"),
        ({"method": "GET", "path": "/a", "handler": ""}, "handler"),
        ({"method": "TRACE", "path": "/a", "handler": "a"}, "method"),
        ({"method": "GET", "path": "/-/plugins", "handler": "a"}, "own"),
        ({"method": "GET", "path": "/-", "handler": "a"}, "own"),
        ({"method": "GET", "path": "/a/../-/", "handler": "a"}, "asked for"),
        ({"method": "GET", "path": "/a?b", "handler": "a"}, "asked for"),
        ({"method": "GET", "path": "/a/\r\nx", "handler": "a"}, "asked for"),
        ({"method": "GET", "path": "/*all/b", "handler": "a"}, "end"),
        ({"method": "GET", "path": "/:", "handler": "a"}, "parameter"),
        ({"method": "GET", "path": "/" + "a/" * 40, "handler": "a"}, "parts"),
    ],
)
def test_what_is_not_served_says_why(route: dict[str, Any], reason: str) -> None:
    table = table_of(desk=[route])
    (refusal,) = table.refusals
    assert reason in refusal.reason and table.all() == []
    assert "\r" not in str(refusal)


def test_a_route_with_known_middleware_is_served() -> None:
    route = {"method": "GET", "path": "/a", "handler": "a", "middleware": ["auth"]}
    assert table_of(desk=[route]).refusals == []


def test_of_two_plugins_with_a_route_the_first_has_it() -> None:
    table = table_of(b=[("GET", "/a/:x")], a=[("GET", "/a/:y")])
    assert [str(refusal) for refusal in table.refusals] == [
        "route GET /a/:x of b is not served: a has it already"
    ] or [refusal.plugin for refusal in table.refusals] == ["a"]
    assert len(table.all()) == 1
