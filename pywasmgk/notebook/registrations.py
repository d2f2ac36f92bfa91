"""Registrations of plugins: their routes, menus and widgets, as a host will show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .parts import Card, Cards, Cell, Facts, Heading, Item, Part, Table, Text, Tree, View

if TYPE_CHECKING:
    from ..plugin.manifest import GKRegistration, MenuItem

__all__ = ["view"]

#: rows of a table, entries of a menu, levels of it
_MOST, _DEEPEST = 40, 6
#: columns of four that a widget takes, by its size
_WIDTHS = {"small": 1, "medium": 2, "large": 4, "full": 4}


def view(registration: GKRegistration) -> View:
    """What a plugin says of itself."""
    title = f"Plugin {registration.name} {registration.version}"
    return View(title, registration.description, [*_parts(registration)])


def _parts(registration: GKRegistration) -> Iterator[Part]:
    facts: list[tuple[str, Text]] = [
        (name, value)
        for name, value in (
            ("author", registration.author),
            ("license", registration.license),
            ("homepage", registration.homepage),
            ("landing page", registration.landing_page),
        )
        if value
    ]
    if facts:
        yield Facts(facts)
    if registration.menu_items:
        yield Heading("menu")
        yield Tree(_entries(registration.menu_items), max(len(registration.menu_items) - _MOST, 0))
    if registration.widgets:
        yield Heading("dashboard")
        yield _dashboard(registration)
    yield from _tables(registration)


def _entries(items: Sequence[MenuItem], depth: int = 0) -> list[Item]:
    """Entries in their order, with those below them."""
    ordered = sorted(items, key=lambda item: item.order)[:_MOST]
    return [
        Item(
            f"{item.icon} {item.label}".strip(),
            f"{item.path} ({item.location})" if item.location else item.path,
            _entries(item.children, depth + 1) if depth < _DEEPEST else (),
        )
        for item in ordered
    ]


def _dashboard(registration: GKRegistration) -> Cards:
    ordered = sorted(registration.widgets, key=lambda widget: widget.order)
    cards = [
        Card(
            widget.title,
            widget.description or f"what {widget.handler} gives",
            f"{widget.location}{_refreshed(widget.refresh_sec)}",
            _WIDTHS.get(widget.size, 2),
        )
        for widget in ordered[:_MOST]
    ]
    return Cards(cards, max(len(ordered) - _MOST, 0))


def _refreshed(seconds: int) -> str:
    return f", every {seconds:,} s" if seconds else ""


def _tables(registration: GKRegistration) -> Iterator[Part]:
    for name, columns, rows in (
        (
            "routes",
            ("method", "path", "handler", "description"),
            [(one.method, one.path, one.handler, one.description) for one in registration.routes],
        ),
        (
            "jobs",
            ("id", "schedule", "handler", "description"),
            [(one.id, one.schedule, one.handler, one.description) for one in registration.jobs],
        ),
        (
            "tools for agents",
            ("name", "handler", "description"),
            [(one.name, one.handler, one.description) for one in registration.mcp_tools],
        ),
        (
            "error codes",
            ("code", "status", "message"),
            [(one.code, str(one.http_status), one.message) for one in registration.error_codes],
        ),
    ):
        if rows:
            yield Heading(name)
            cells = [[Cell(text, "code") for text in row] for row in rows[:_MOST]]
            yield Table(columns, cells, max(len(rows) - _MOST, 0))
