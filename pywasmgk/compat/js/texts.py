"""JSON as scripts have it (ECMA-262, section "The JSON Object"), without recursion over guests."""

from __future__ import annotations

import json
import math
from typing import Any

from .binary import TypedArray
from .objects import UNDEFINED, Array, BigInt, Foreign, Function, Object, Realm, Symbol
from .operators import number_text, plain
from .properties import own_keys, read_property

__all__ = ["parse", "stringify"]

#: objects inside of each other
_DEEPEST = 200


def stringify(realm: Realm, value: Any, indent: str = "") -> Any:
    """A value as JSON; undefined for what has none."""
    pieces: list[str] = []
    if not _write(realm, value, indent, "\n", pieces, 0):
        return UNDEFINED
    return realm.text("".join(pieces))


def _write(realm: Realm, value: Any, indent: str, line: str, out: list[str], depth: int) -> bool:
    """Writes a value; gives whether it has a text."""
    if depth > _DEEPEST:
        raise TypeError("Converting circular structure to JSON")
    if isinstance(value, (Object, Foreign)):
        method = read_property(realm, value, "toJSON")
        if isinstance(method, Function):
            value = method.call(value, ("",))
    if value is UNDEFINED or isinstance(value, (Function, Symbol)):
        return False
    if value is None or isinstance(value, bool):
        out.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, str):
        out.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, BigInt):
        raise TypeError("Do not know how to serialize a BigInt")
    elif isinstance(value, (int, float)):
        out.append(number_text(value) if math.isfinite(value) else "null")
    elif isinstance(value, Array):
        _write_items(realm, value, indent, line, out, depth)
    else:
        _write_fields(realm, value, indent, line, out, depth)
    realm.charge(0 if len(out) < 1 << 16 else len(out))
    return True


def _write_items(
    realm: Realm, value: Array, indent: str, line: str, out: list[str], depth: int
) -> None:
    inner = line + indent if indent else ""
    for at, item in enumerate([*value]):
        out.append("," + inner if at else "[" + inner)
        if not _write(realm, item, indent, inner, out, depth + 1):
            out.append("null")
    out.append(((line if indent else "") + "]") if len(value) else "[]")


def _write_fields(
    realm: Realm, value: Any, indent: str, line: str, out: list[str], depth: int
) -> None:
    inner = line + indent if indent else ""
    first = True
    for key in own_keys(value) if isinstance(value, (Object, TypedArray)) else ():
        at = int(key) if key.isdigit() and key.isascii() else key
        item = read_property(realm, value, at)
        mark = len(out)
        name = json.dumps(key, ensure_ascii=False)
        out.append(f"{'{' if first else ','}{inner}{name}:{' ' if indent else ''}")
        if _write(realm, item, indent, inner, out, depth + 1):
            first = False
        else:
            del out[mark:]
    out.append("{}" if first else (line if indent else "") + "}")


def parse(realm: Realm, text: str) -> Any:
    """The value of a JSON text. Raises JSError (SyntaxError) for what is none."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise realm.error("SyntaxError", str(error)) from None
    return made(realm, found)


def _refuse(name: str) -> Any:
    raise ValueError(f"unexpected {name}")


def made(realm: Realm, value: Any) -> Any:
    """The script's value of what Python read; ``json.loads`` has bounded the nesting."""
    if isinstance(value, dict):
        found = realm.object()
        for key, item in value.items():
            index = key.isdigit() and key.isascii() and len(key) < 16 and str(int(key)) == key
            found.put(int(key) if index else key, made(realm, item))
        return found
    if isinstance(value, list):
        return realm.array([made(realm, item) for item in value])
    if isinstance(value, str):
        return realm.text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 1 << 53 else float(value)
    return plain(value) if isinstance(value, float) else value
