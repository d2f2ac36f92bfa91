"""Go structs as frozen dataclasses: one line a field says key, type and whether it may be left out.

The kinds decode JSON by Go's rules (contract 3.3): keys match whatever their case, a wrong type is
an error that names the path, null empties a pointer, slice or map and leaves anything else as it
is, and a key that comes twice is decoded into what the first one left: structs and maps merge, and
the elements of a slice start from the old elements.
"""

from __future__ import annotations

import base64
import dataclasses
import string
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeVar

from ..printable import printable
from .gojson import JSONError, Object

__all__ = [
    "Kind",
    "decode_struct",
    "encode_struct",
    "listed",
    "mapped",
    "member",
    "nested",
    "optional",
    "record",
]

T = TypeVar("T")

#: structs within structs; no manifest comes near, and Python's stack is not endless
MAX_NESTING = 100


def fold(key: str) -> str:
    """A key as Go compares it: case does not count, nor do the long s and the Kelvin sign."""
    return key.replace("\u017f", "s").replace("\u212a", "k").lower()


class Kind(NamedTuple):
    """How a JSON value of one Go type is read and written."""

    name: str
    #: the zero value, made anew
    zero: Callable[[], Any]
    #: ``decode(value, path, old)``; never called for null
    decode: Callable[[Any, str, Any], Any]
    encode: Callable[[Any], Any] = lambda value: value
    #: the class of the structs inside, if there are any
    struct: Callable[[], type] | None = None
    #: null gives the zero value; else it leaves the old one
    nullable: bool = False

    def read(self, value: Any, path: str, old: Any) -> Any:
        """The value of a field that held ``old``. Raises JSONError."""
        if value is None:
            return self.zero() if self.nullable else old
        return self.decode(value, path, old)


def pairs(value: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """The members of a JSON object in order, repeated ones too."""
    return value.pairs if isinstance(value, Object) else value.items()


def wrong(path: str, wanted: str, value: Any) -> JSONError:
    """The error for a value of another type."""
    kinds = {bool: "bool", str: "string", dict: "object", Object: "object", list: "array"}
    found = kinds.get(type(value), "number")
    return JSONError(f"cannot unmarshal {found} into a value of type {wanted}", path)


def _string(value: Any, path: str, old: Any) -> str:
    if not isinstance(value, str):
        raise wrong(path, "string", value)
    return value


def _int(value: Any, path: str, old: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 63:
        raise wrong(path, "int", value)
    return value


def _float(value: Any, path: str, old: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(path, "float64", value)
    try:
        return float(value)
    except OverflowError:
        raise JSONError("the number is out of the range of a float", path) from None


def _bool(value: Any, path: str, old: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(path, "bool", value)
    return value


#: the standard alphabet, and what Go skips
_BASE64 = (string.ascii_letters + string.digits + "+/").encode()
_SKIPPED = b"\r\n"


def _bytes(value: Any, path: str, old: Any) -> bytes:
    if isinstance(value, list):
        numbers = [0 if item is None else _int(item, path, 0) for item in value]
        if all(0 <= number < 256 for number in numbers):
            return bytes(numbers)
    if not isinstance(value, str):
        raise wrong(path, "[]byte", value)
    # translate is the quickest way to look at millions of characters
    text = value.encode("ascii", "replace").translate(None, _SKIPPED)
    digits = text.rstrip(b"=")
    whole = len(text) % 4 == 0 and len(text) - len(digits) <= 2
    if not whole or digits.translate(None, _BASE64):
        raise JSONError("illegal base64 data", path)
    return base64.b64decode(text)


def _none() -> None:
    return None


STRING = Kind("string", str, _string)
INT = Kind("int", int, _int)
FLOAT = Kind("float64", float, _float)
BOOL = Kind("bool", bool, _bool)
BYTES = Kind("[]byte", _none, _bytes, nullable=True)
ANY = Kind("any", _none, lambda value, path, old: value, nullable=True)


def optional(kind: Kind) -> Kind:
    """A kind whose zero value is null."""
    return kind._replace(zero=_none, nullable=True)


def listed(item: Kind) -> Kind:
    """A slice; null inside gives a zero element."""

    def decode(value: Any, path: str, old: Any) -> tuple[Any, ...]:
        """Items, each over the old one in its place. Raises JSONError for what is no array."""
        if not isinstance(value, list):
            raise wrong(path, f"[]{item.name}", value)
        present = old or ()
        return tuple(
            item.read(part, f"{path}[{n}]", present[n] if n < len(present) else item.zero())
            for n, part in enumerate(value)
        )

    def encode(value: Any) -> list[Any]:
        return [item.encode(part) for part in value]

    return Kind(f"[]{item.name}", tuple, decode, encode, item.struct, True)


def mapped(item: Kind) -> Kind:
    """A map with string keys."""

    def decode(value: Any, path: str, old: Any) -> dict[str, Any]:
        """Values by key, beside the old ones. Raises JSONError for what is no object."""
        if not isinstance(value, dict):
            raise wrong(path, f"map[string]{item.name}", value)
        result = dict(old or {})
        for key, part in pairs(value):
            result[key] = item.read(part, f"{path}.{printable(key[:40])}", item.zero())
        return result

    def encode(value: Any) -> dict[str, Any]:
        return {key: item.encode(part) for key, part in value.items()}

    return Kind(f"map[string]{item.name}", dict, decode, encode, None, True)


def record(fields: Iterable[tuple[str, Kind]], name: str = "object") -> Kind:
    """A struct as a dict that has all its keys, in the order in which they are declared."""
    known = {fold(key): (key, kind) for key, kind in fields}

    def zero() -> dict[str, Any]:
        return {key: kind.zero() for key, kind in known.values()}

    def decode(value: Any, path: str, old: Any) -> dict[str, Any]:
        """Fields that are known, over the old ones. Raises JSONError for what is no object."""
        if not isinstance(value, dict):
            raise wrong(path, name, value)
        result = dict(old or zero())
        for given, part in pairs(value):
            field = known.get(fold(given))
            if field is not None:
                key, kind = field
                result[key] = kind.read(part, f"{path}.{key}" if path else key, result[key])
        return result

    return Kind(name, zero, decode)


def nested(make: Callable[[], type], pointer: bool = False) -> Kind:
    """A struct, or a pointer to one, whose zero is ``None``. ``make`` names the class late, for
    structs that hold their own kind."""
    return Kind(
        "object",
        _none if pointer else (lambda: make()()),
        lambda value, path, old: decode_struct(make(), value, path, old),
        lambda value: None if value is None else encode_struct(value),
        make,
        pointer,
    )


def member(key: str, kind: Kind, omit: bool = False) -> Any:
    """A field of a struct; ``omit`` leaves an empty one out when it is written."""
    return dataclasses.field(default_factory=kind.zero, metadata={"go": (key, kind, omit)})


def members(cls: type) -> Iterator[tuple[str, str, Kind, bool]]:
    for field in dataclasses.fields(cls):
        if "go" in field.metadata:
            yield (field.name, *field.metadata["go"])


@cache
def _known(cls: type) -> dict[str, tuple[str, str, Kind]]:
    """Field name, JSON key and kind by folded key."""
    return {fold(key): (name, key, kind) for name, key, kind, _ in members(cls)}


def decode_struct(cls: type[T], value: Any, path: str = "", old: T | None = None) -> T:
    """A struct from a JSON value, over an old one if there is. Raises JSONError with the path."""
    start = cls() if old is None else old
    if value is None:
        return start
    if not isinstance(value, dict):
        raise wrong(path, cls.__name__, value)
    # a struct within a struct of its kind comes in a list, so that the path has one more bracket
    if path.count("[") > MAX_NESTING:
        raise JSONError(f"nested deeper than {MAX_NESTING} objects", path[:80])
    known = _known(cls)  # type: ignore[arg-type]  # classes can be hashed
    found: dict[str, Any] = {}
    for key, part in pairs(value):
        field = known.get(fold(key))
        if field is not None:
            name, _, kind = field
            present = found[name] if name in found else getattr(start, name)
            found[name] = kind.read(part, f"{path}.{key}" if path else key, present)
    return dataclasses.replace(start, **found)  # type: ignore[type-var]


def encode_struct(value: Any) -> dict[str, Any]:
    """The JSON object of a struct, empty fields left out where Go leaves them out."""
    result = {}
    for name, key, kind, omit in members(type(value)):
        part = getattr(value, name)
        if not (omit and part == kind.zero()):
            result[key] = kind.encode(part)
    return result


class Oddities(NamedTuple):
    """Keys that Go passes over in silence, by path."""

    unknown: list[str]
    #: known but for their case
    miscased: list[str]


def oddities(cls: type, value: Any, path: str = "", found: Oddities | None = None) -> Oddities:
    """What is odd about the keys of a JSON value that :func:`decode_struct` accepts."""
    found = Oddities([], []) if found is None else found
    known = _known(cls)
    for key, part in value.items() if isinstance(value, dict) else ():
        shown = printable(key[:80])
        here = f"{path}.{shown}" if path else shown
        _, wanted, kind = known.get(fold(key), ("", "", ANY))
        if not wanted:
            found.unknown.append(here)
        elif wanted != key:
            found.miscased.append(here)
        if kind.struct is not None:
            for item in part if isinstance(part, list) else [part]:
                oddities(kind.struct(), item, here, found)
    return found
