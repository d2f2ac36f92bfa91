"""Go structs as frozen dataclasses: one line a field says key, type and whether it may be left out.

The kinds decode JSON by Go's rules (contract 3.3): null leaves the zero value, keys match whatever
their case, a wrong type is an error that names the path.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from .gojson import JSONError

__all__ = ["Kind", "decode_struct", "encode_struct", "listed", "mapped", "member", "nested"]

T = TypeVar("T")


def fold(key: str) -> str:
    """A key as Go compares it: case does not count, nor do the long s and the Kelvin sign."""
    return key.replace("\u017f", "s").replace("\u212a", "k").lower()


class Kind(NamedTuple):
    """How a JSON value of one Go type is read and written."""

    name: str
    #: the zero value, made anew
    zero: Callable[[], Any]
    #: ``decode(value, path)``; never called for null
    decode: Callable[[Any, str], Any]
    encode: Callable[[Any], Any] = lambda value: value
    #: the class of the structs inside, if there are any
    struct: Callable[[], type] | None = None


def _wrong(path: str, wanted: str, value: Any) -> JSONError:
    found = {bool: "bool", str: "string", dict: "object", list: "array"}.get(type(value), "number")
    return JSONError(f"cannot unmarshal {found} into a value of type {wanted}", path)


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(path, "string", value)
    return value


def _int(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise _wrong(path, "int", value)
    return value


def _bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "bool", value)
    return value


def _bytes(value: Any, path: str) -> bytes:
    if isinstance(value, list):
        numbers = [_int(item or 0, path) for item in value]
        if all(0 <= number < 256 for number in numbers):
            return bytes(numbers)
    if not isinstance(value, str):
        raise _wrong(path, "[]byte", value)
    try:
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise JSONError(f"illegal base64 data: {error}", path) from None


STRING = Kind("string", str, _string)
INT = Kind("int", int, _int)
BOOL = Kind("bool", bool, _bool)
BYTES = Kind("[]byte", lambda: None, _bytes)
ANY = Kind("any", lambda: None, lambda value, path: value)


def listed(item: Kind, zero: Callable[[], Any] = tuple) -> Kind:
    """A slice; null inside gives a zero element."""

    def decode(value: Any, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _wrong(path, f"[]{item.name}", value)
        return tuple(
            item.zero() if part is None else item.decode(part, f"{path}[{n}]")
            for n, part in enumerate(value)
        )

    def encode(value: Any) -> list[Any]:
        return [item.encode(part) for part in value]

    return Kind(f"[]{item.name}", zero, decode, encode, item.struct)


def mapped(item: Kind, zero: Callable[[], Any] = dict) -> Kind:
    """A map with string keys."""

    def decode(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(path, f"map[string]{item.name}", value)
        return {
            key: item.zero() if part is None else item.decode(part, f"{path}.{key}")
            for key, part in value.items()
        }

    def encode(value: dict[str, Any]) -> dict[str, Any]:
        return {key: item.encode(value[key]) for key in sorted(value)}

    return Kind(f"map[string]{item.name}", zero, decode, encode)


def nested(make: Callable[[], type], pointer: bool = False) -> Kind:
    """A struct, or a pointer to one: null is then ``None``. ``make`` names the class late, for
    structs that hold their own kind."""
    return Kind(
        "object",
        (lambda: None) if pointer else (lambda: make()()),
        lambda value, path: decode_struct(make(), value, path),
        lambda value: None if value is None else encode_struct(value),
        make,
    )


def member(key: str, kind: Kind, omit: bool = False) -> Any:
    """A field of a struct; ``omit`` leaves an empty one out when it is written."""
    return dataclasses.field(default_factory=kind.zero, metadata={"go": (key, kind, omit)})


def _members(cls: type) -> Iterator[tuple[str, str, Kind, bool]]:
    for field in dataclasses.fields(cls):
        if "go" in field.metadata:
            yield (field.name, *field.metadata["go"])


def decode_struct(cls: type[T], value: Any, path: str = "") -> T:
    """A struct from a JSON value. Raises JSONError that names the field."""
    if value is None:
        return cls()
    if not isinstance(value, dict):
        raise _wrong(path, cls.__name__, value)
    known = {fold(key): (name, kind) for name, key, kind, _ in _members(cls)}
    found: dict[str, Any] = {}
    for key, part in value.items():
        name, kind = known.get(fold(key), ("", ANY))
        if name and part is not None:
            found[name] = kind.decode(part, f"{path}.{key}" if path else key)
    return cls(**found)


def encode_struct(value: Any) -> dict[str, Any]:
    """The JSON object of a struct, empty fields left out where Go leaves them out."""
    result = {}
    for name, key, kind, omit in _members(type(value)):
        part = getattr(value, name)
        if not (omit and (part is None or part == kind.zero() or part in ("", 0, (), {}))):
            result[key] = kind.encode(part)
    return result


class Oddities(NamedTuple):
    """Keys that Go passes over in silence, by path."""

    unknown: list[str]
    #: known but for their case
    miscased: list[str]


def oddities(cls: type, value: Any, path: str = "", found: Oddities | None = None) -> Oddities:
    """What is odd about the keys of a JSON value, at any depth of a struct."""
    found = Oddities([], []) if found is None else found
    known = {fold(key): (key, kind) for _, key, kind, _ in _members(cls)}
    for key, part in value.items() if isinstance(value, dict) else ():
        here = f"{path}.{key}" if path else key
        wanted, kind = known.get(fold(key), ("", ANY))
        if not wanted:
            found.unknown.append(here)
        elif wanted != key:
            found.miscased.append(here)
        if kind.struct is not None:
            for item in part if isinstance(part, list) else [part]:
                oddities(kind.struct(), item, here, found)
    return found
