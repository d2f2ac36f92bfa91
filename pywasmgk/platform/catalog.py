"""What the plugins in service bring along, in an order that does not change (contract 5.1, W47)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ..plugin import GKRegistration
from ..plugin.manifest import UI, Cascade, CustomField, Job, MCPTool, MenuItem, Route, Widget
from .registry import Owned

__all__ = ["Catalog"]

T = TypeVar("T")


class Catalog:
    """Lists over manifests, each entry with the name of its plugin. ``manifests`` are those of the
    enabled plugins by name, at one moment."""

    def __init__(self, manifests: Mapping[str, GKRegistration]) -> None:
        self.manifests = dict(sorted(manifests.items()))

    def _all(self, part: Callable[[GKRegistration], Iterable[T]]) -> list[Owned[T]]:
        """Parts of all manifests, by plugin, each plugin's in its own order."""
        return [
            Owned(plugin, item)
            for plugin, manifest in self.manifests.items()
            for item in part(manifest)
        ]

    def routes(self) -> list[Owned[Route]]:
        """Routes by path, method and plugin."""
        found = self._all(lambda manifest: manifest.routes)
        return sorted(found, key=lambda own: (own.item.path, own.item.method, own.plugin))

    def menu_items(self, location: str | None = None) -> list[Owned[MenuItem]]:
        """Items of a menu by order, plugin and id; without a location those of all."""
        return _at(location, self._all(lambda manifest: manifest.menu_items))

    def widgets(self, location: str | None = None) -> list[Owned[Widget]]:
        """Widgets of a place by order, plugin and id; without a location those of all."""
        return _at(location, self._all(lambda manifest: manifest.widgets))

    def jobs(self) -> list[Owned[Job]]:
        """Jobs that are enabled, by plugin and id."""
        found = self._all(lambda manifest: (job for job in manifest.jobs if job.enabled))
        return sorted(found, key=lambda own: (own.plugin, own.item.id))

    def mcp_tools(self) -> list[Owned[MCPTool]]:
        """Tools for agents by plugin and name."""
        found = self._all(lambda manifest: manifest.mcp_tools)
        return sorted(found, key=lambda own: (own.plugin, own.item.name))

    def custom_fields(self) -> list[Owned[CustomField]]:
        """Custom fields by kind of entity, order, plugin and name."""
        found = self._all(lambda manifest: manifest.custom_fields)
        return sorted(
            found,
            key=lambda own: (own.item.entity_type, own.item.order, own.plugin, own.item.name),
        )

    def cascades(self) -> list[Owned[Cascade]]:
        """What is to be called when entities are deleted, by kind of entity and plugin."""
        found = self._all(lambda manifest: manifest.cascades)
        return sorted(found, key=lambda own: (own.item.entity_type, own.plugin))

    def uis(self) -> list[Owned[UI]]:
        """Applications of pages by plugin and id."""
        found = self._all(lambda manifest: manifest.uis)
        return sorted(found, key=lambda own: (own.plugin, own.item.id))

    def hidden_menu_items(self) -> list[str]:
        """Ids of the host's own menu items that some plugin hides, each once, sorted."""
        return sorted({own.item for own in self._all(lambda manifest: manifest.hide_menu_items)})

    def landing_page(self) -> str:
        """Where users begin: that of the first plugin by name that has one, or nothing."""
        pages = (manifest.landing_page for manifest in self.manifests.values())
        return next((page for page in pages if page), "")


def _at(location: str | None, found: list[Owned[Any]]) -> list[Owned[Any]]:
    placed = [own for own in found if location is None or own.item.location == location]
    return sorted(placed, key=lambda own: (own.item.order, own.plugin, own.item.id))
