"""The server's own pages: what is on them, as plain data for the templates in ``templates``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from ...plugin.manifest import MenuItem
from ..catalog import Catalog
from ..registry import Owned
from .inert import inert_json

__all__ = ["MenuGroup", "data_block", "is_own_path", "menu_groups", "page"]

_LONGEST_LABEL = 80


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("pywasmgk.platform.server"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class MenuLink(NamedTuple):
    """An entry of a menu; without a path it is only text."""

    label: str
    path: str
    depth: int


class MenuGroup(NamedTuple):
    """A menu."""

    location: str
    links: list[MenuLink]


def menu_groups(catalog: Catalog) -> list[MenuGroup]:
    """The menus that plugins have, by their places."""
    groups: dict[str, list[MenuLink]] = {}
    for own in catalog.menu_items():
        groups.setdefault(own.item.location or "menu", []).extend(_links(own, own.item, 0))
    return [MenuGroup(location, links) for location, links in sorted(groups.items())]


def _links(own: Owned[Any], item: MenuItem, depth: int) -> Iterable[MenuLink]:
    label = (item.label or item.id)[:_LONGEST_LABEL]
    # no scheme, no other host, whatever way it is written
    path = item.path if is_own_path(item.path) else ""
    yield MenuLink(label, path, min(depth, 3))
    for child in item.children:
        yield from _links(own, child, depth + 1)


def is_own_path(path: str) -> bool:
    """Whether a path can only lead to this server."""
    return path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()


def shown_json(value: Any) -> str:
    """A JSON value for people."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def line_of(value: Any) -> str:
    """A JSON value on one line."""
    return json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)


def data_block(value: Any) -> Markup:
    """A JSON value inside of a script element that is data: nothing in it can end that."""
    return Markup(inert_json(value))


def page(template: str, **values: Any) -> str:
    """A page; all values are escaped by the templates."""
    text: str = (
        _environment()
        .get_template(template)
        .render(data_block=data_block, line_of=line_of, shown_json=shown_json, **values)
    )
    return text
