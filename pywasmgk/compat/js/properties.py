"""Properties of values, whatever kind they are (ECMA-262, "Operations on Objects")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .objects import (
    UNDEFINED,
    Accessor,
    Array,
    Foreign,
    Function,
    Object,
    Realm,
    Symbol,
)
from .operators import to_text, to_uint32, type_of, utf16_length, utf16_slice

__all__ = [
    "iterate",
    "own_keys",
    "property_key",
    "read_property",
    "require_object",
    "write_property",
]

#: elements of an array that a script sets behind its end
_MOST_NEW = 1 << 24


def property_key(value: Any) -> Any:
    """A property's key: a Symbol, an index, or a text."""
    if value.__class__ is str:
        return _index(value)
    if value.__class__ is int and value >= 0:
        return value
    if isinstance(value, Symbol):
        return value
    return _index(to_text(value))


def _index(text: str) -> Any:
    if text[:1].isdigit() and text.isdigit() and text.isascii() and len(text) < 16:
        return int(text) if text == "0" or text[0] != "0" else text
    return text


def require_object(value: Any, action: str) -> None:
    """Raises TypeError for undefined and null."""
    if value is UNDEFINED or value is None:
        raise TypeError(f"Cannot {action} {to_text(value)}")


def read_property(
    realm: Realm, owner: Any, key: Any, default: Any = UNDEFINED, receiver: Any = UNDEFINED
) -> Any:
    """A property of a value or of its prototypes."""
    place: Object | None
    if isinstance(owner, Object):
        place = owner
    else:
        found, place = _own(realm, owner, key)
        if found is not _NONE:
            return found
    this = owner if receiver is UNDEFINED else receiver
    while place is not None:
        if key in place:
            value = place[key]
            if isinstance(value, Accessor):
                return UNDEFINED if value.get is None else value.get.call(this, ())
            return value
        place = place.proto
    if key == "__proto__" and isinstance(owner, Object):
        return owner.proto
    return default


_NONE: Any = object()


def _own(realm: Realm, owner: Any, key: Any) -> tuple[Any, Object | None]:
    """A property of what is no plain object, and the prototype to look at where it has none."""
    if isinstance(owner, Array):
        if key.__class__ is int:
            return (owner[key] if key < len(owner) else UNDEFINED), None
        if key == "length":
            return len(owner), None
        return owner.extra.get(key, _NONE), realm.protos["Array"]
    if isinstance(owner, str):
        if key == "length":
            return utf16_length(owner), None
        if key.__class__ is int:
            return utf16_slice(owner, key, key + 1) or UNDEFINED, None
        return _NONE, realm.protos["String"]
    if isinstance(owner, Function):
        if key == "name" and "name" not in owner.properties:
            return owner.name, None
        if key in owner.properties or owner.properties.proto is not None:
            return read_property(realm, owner.properties, key, _NONE, owner), realm.protos[
                "Function"
            ]
        return _NONE, realm.protos["Function"]
    if isinstance(owner, Foreign):
        try:
            return owner.get(key), None
        except KeyError:
            return _NONE, realm.protos.get(owner.kind) or realm.protos["Object"]
    require_object(owner, f"read properties ({to_text(key)}) of")
    if isinstance(owner, Symbol):
        return (owner.description if key == "description" else _NONE), realm.protos["Object"]
    kind = {"number": "Number", "boolean": "Boolean", "bigint": "BigInt"}.get(type_of(owner))
    return _NONE, realm.protos.get(kind or "") or realm.protos["Object"]


def write_property(realm: Realm, owner: Any, key: Any, value: Any, own: bool = False) -> None:
    """Sets a property; one that a function sets is given to that."""
    if isinstance(owner, Object):
        _write(owner, owner, key, value, own)
    elif isinstance(owner, Array):
        _write_element(owner, key, value)
    elif isinstance(owner, Function):
        _write(owner.properties, owner, key, value, own)
    elif isinstance(owner, Foreign):
        owner.set(key, value)
    else:
        require_object(owner, f"set properties ({to_text(key)}) of")


def _write(place: Object, this: Any, key: Any, value: Any, own: bool) -> None:
    if not own and key not in place:
        at = place.proto
        while at is not None:
            accessor = at.get(key)
            if isinstance(accessor, Accessor):
                return _call_setter(accessor, this, key, value)
            at = at.proto
    elif isinstance(place.get(key), Accessor):
        return _call_setter(place[key], this, key, value)
    place.put(key, value)
    return None


def _call_setter(accessor: Accessor, this: Any, key: Any, value: Any) -> None:
    if accessor.set is None:
        raise TypeError(f"Cannot set property {to_text(key)} which has only a getter")
    accessor.set.call(this, (value,))


def _write_element(owner: Array, key: Any, value: Any) -> None:
    if key.__class__ is int:
        if key >= len(owner):
            if key > _MOST_NEW:
                raise ValueError("Invalid array length")
            owner.resize(key + 1)
        owner[key] = value
    elif key == "length":
        length = to_uint32(value)
        if length > _MOST_NEW:
            raise ValueError("Invalid array length")
        owner.resize(length)
    else:
        owner.charge(100)
        owner.extra[key] = value


def own_keys(value: Any) -> list[Any]:
    """Names of the properties of its own that can be listed, as texts: indices first."""
    if isinstance(value, (Array, str)):
        return [str(index) for index in range(len(value))]
    if isinstance(value, Function):
        value = value.properties
    if isinstance(value, Object):
        indices = sorted(key for key in value if key.__class__ is int)
        names = [key for key in value if isinstance(key, str) and key[:1] != "#"]
        return [*map(str, indices), *names]
    if isinstance(value, Foreign) and hasattr(value, "length"):
        return [str(index) for index in range(value.length)]
    return []


#: the symbol that iterators are found by
ITERATOR = Symbol("Symbol.iterator")


def iterate(realm: Realm, value: Any) -> Iterator[Any]:
    """What ``for`` and spreading go through. Raises TypeError for what cannot be."""
    if isinstance(value, Array):
        at = 0
        while at < len(value):
            yield value[at]
            at += 1
    elif isinstance(value, str):
        yield from value
    elif isinstance(value, Foreign) and hasattr(value, "__iter__"):
        yield from value
    else:
        require_object(value, "iterate over")
        method = read_property(realm, value, ITERATOR)
        if not isinstance(method, Function):
            raise TypeError(f"{type_of(value)} is not iterable")
        iterator = method.call(value, ())
        step = read_property(realm, iterator, "next")
        while True:
            item = step.call(iterator, ())
            if read_property(realm, item, "done"):
                return
            yield read_property(realm, item, "value")
