"""Maps, sets and iterators (ECMA-262, chapter "Keyed Collections")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .objects import UNDEFINED, BigInt, Foreign, Realm

__all__ = ["IteratorObject", "MapObject", "SetObject"]

#: bytes that an entry counts for
_ENTRY = 150


def _same_value(key: Any) -> Any:
    """What tells keys apart: 1 and 1.0 are the same, true and 1 and 1n are not."""
    if isinstance(key, bool) or key is None or key is UNDEFINED:
        return ("constant", str(key))
    if isinstance(key, BigInt):
        return ("bigint", int(key))
    if isinstance(key, (int, float)):
        return ("number", "NaN" if key != key else key)
    return str(key) if isinstance(key, str) else ("object", id(key))


class _Keyed(Foreign):
    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.cost = 0
        #: keys and values, in order
        self.entries: dict[Any, tuple[Any, Any]] = {}

    def get(self, key: Any) -> Any:
        if key == "size":
            return len(self.entries)
        raise KeyError(key)

    def put(self, key: Any, value: Any) -> None:
        """Sets the value of a key."""
        same = _same_value(key)
        if same not in self.entries:
            self.realm.charge(_ENTRY)
            self.cost += _ENTRY
        self.entries[same] = key, value

    def find(self, key: Any) -> Any:
        """The value of a key, or undefined."""
        return self.entries.get(_same_value(key), (None, UNDEFINED))[1]

    def has(self, key: Any) -> bool:
        """Whether a key is there."""
        return _same_value(key) in self.entries

    def remove(self, key: Any) -> bool:
        """Takes a key out; gives whether it was there."""
        return self.entries.pop(_same_value(key), None) is not None

    def __del__(self) -> None:
        self.realm.used -= self.cost


class MapObject(_Keyed):
    """A Map."""

    kind = "Map"

    def __iter__(self) -> Iterator[Any]:
        return (self.realm.array(pair) for pair in [*self.entries.values()])


class SetObject(_Keyed):
    """A Set."""

    kind = "Set"

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in [*self.entries.values()])


class IteratorObject(Foreign):
    """What the method ``next`` goes on with."""

    kind = "Iterator"

    def __init__(self, realm: Realm, items: Iterable[Any]) -> None:
        self.realm = realm
        self._items = iter(items)

    def __iter__(self) -> Iterator[Any]:
        return self._items

    def next(self) -> Any:
        """The next result: an object with ``done`` and ``value``."""
        found = self.realm.object()
        found["value"] = next(self._items, UNDEFINED)
        found["done"] = found["value"] is UNDEFINED
        return found
