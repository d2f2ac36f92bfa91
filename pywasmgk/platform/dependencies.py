"""Which plugin has to be there before which."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from ..errors import PlatformError
from ..printable import printable

__all__ = ["in_order", "require_present"]


def in_order(dependencies: Mapping[str, Iterable[str]]) -> tuple[list[str], dict[str, str]]:
    """The names in an order in which each comes after what it depends on, and those that cannot
    come at all, with the reason.

    ``dependencies`` has a key for each that is to come. What depends on a name that is no key is
    not ordered here: who registers it sees whether that is there already.
    """
    graph = {name: [other for other in needed if other in dependencies]
             for name, needed in sorted(dependencies.items())}  # fmt: skip
    hindered: dict[str, str] = {}
    while True:
        try:
            return [*TopologicalSorter(graph).static_order()], hindered
        except CycleError as error:
            # graphlib names each behind what it depends on
            circle = error.args[1][::-1]
            route = " -> ".join(map(printable, circle))
            for name in circle[:-1]:
                hindered[name] = f"plugins depend on each other: {route}"
                del graph[name]
            graph = {
                name: [other for other in needed if other in graph]
                for name, needed in graph.items()
            }


def require_present(plugin: str, needed: Iterable[str], present: Collection[str]) -> None:
    """Raises PlatformError that names what a plugin depends on and is not there."""
    missing = [name for name in needed if name not in present]
    if missing:
        names = ", ".join(f'"{printable(name)}"' for name in missing)
        raise PlatformError(f'plugin "{printable(plugin)}" depends on {names}: not registered')
