"""The builtins that hold data: maps, sets, buffers, views, and texts as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .binary import KINDS, Buffer, DataView, TypedArray, accessors, items_of
from .building import Builder, static
from .keyed import IteratorObject, MapObject, SetObject
from .methods import ARRAY
from .objects import (
    UNDEFINED,
    Array,
    Function,
    Native,
    Object,
    Realm,
)
from .operators import (
    to_integer,
    to_text,
    truthy,
)
from .properties import (
    ITERATOR,
    iterate,
    property_key,
    read_property,
)

__all__ = ["add_buffers", "add_collections", "array_from", "bytes_of", "property_of", "utf8"]

_ERRORS = ("TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError")
#: bytes of randomness that one call may ask for
_MOST_RANDOM = 65536


def array_from(realm: Realm, source: Any, turn: Any) -> Array:
    if isinstance(source, Object) and ITERATOR not in source and "length" in source:
        items = [
            property_of(realm, source, at)
            for at in range(min(to_integer(source["length"]), 1 << 20))
        ]
    else:
        items = [*iterate(realm, source)]
    if isinstance(turn, Function):
        items = [turn.call(UNDEFINED, (item, at)) for at, item in enumerate(items)]
    return realm.array(items)


def add_collections(builder: Builder) -> None:
    realm = builder.realm

    def new_map(pairs: Any = None) -> Any:
        found = MapObject(realm)
        for pair in iterate(realm, pairs) if pairs not in (None, UNDEFINED) else ():
            found.put(property_of(realm, pair, 0), property_of(realm, pair, 1))
        return found

    def new_set(items: Any = None) -> Any:
        found = SetObject(realm)
        for item in iterate(realm, items) if items not in (None, UNDEFINED) else ():
            found.put(item, item)
        return found

    def put(this: Any, key: Any, value: Any = UNDEFINED) -> Any:
        this.put(key, value)
        return this

    def each(this: Any, function: Any) -> Any:
        for key, value in [*this.entries.values()]:
            function.call(UNDEFINED, (value, key, this))
        return UNDEFINED

    def listed(part: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda this: IteratorObject(
            realm, [part(key, value) for key, value in this.entries.values()]
        )

    shared = {
        "has": lambda this, key=UNDEFINED: this.has(key),
        "delete": lambda this, key=UNDEFINED: this.remove(key),
        "clear": lambda this: this.entries.clear() or UNDEFINED,
        "forEach": each,
        "keys": listed(lambda key, value: key),
        "values": listed(lambda key, value: value),
        "entries": listed(lambda key, value: realm.array([key, value])),
    }
    by_key = {"get": lambda this, key=UNDEFINED: this.find(key), "set": put}
    maps: dict[Any, Any] = {**shared, **by_key, ITERATOR: shared["entries"]}
    builder.kind("Map", None, new_map, maps)
    add = {"add": lambda this, item=UNDEFINED: put(this, item, item)}
    sets: dict[Any, Any] = {**shared, **add, ITERATOR: shared["values"]}
    builder.kind("Set", None, new_set, sets)
    builder.kind("WeakMap", None, new_map, maps)
    builder.proto("Iterator")["next"] = Native("next", lambda this: this.next())
    builder.proto("Iterator")[ITERATOR] = Native("iterator", lambda this: this)
    ignore = {name: lambda this, *args: UNDEFINED for name in ("register", "unregister")}
    builder.kind(
        "FinalizationRegistry", None,
        lambda *args: Object(realm, realm.protos["FinalizationRegistry"]), ignore,
    )  # fmt: skip


def add_buffers(builder: Builder) -> None:
    realm = builder.realm

    def new_buffer(size: Any = 0) -> Buffer:
        count = to_integer(size)
        realm.charge(count)
        realm.used -= count
        return Buffer(bytearray(count), realm)

    def cut(this: Buffer, start: Any = 0, stop: Any = UNDEFINED) -> Buffer:
        first, count = TypedArray("Uint8Array", this).part(start, stop)
        return Buffer(bytearray(this.data[first : first + count]), realm)

    statics = {"isView": lambda value=UNDEFINED: isinstance(value, (TypedArray, DataView))}
    builder.kind("ArrayBuffer", None, new_buffer, {"slice": cut}, statics)
    builder.kind("SharedArrayBuffer")
    builder.kind("DataView", None, lambda *args: DataView(*args), accessors())

    def put(this: TypedArray, values: Any, at: Any = 0) -> Any:
        this.set_all(values if isinstance(values, TypedArray) else items_of(values), to_integer(at))
        return UNDEFINED

    def fill(this: TypedArray, value: Any = 0, start: Any = 0, stop: Any = UNDEFINED) -> Any:
        first, count = this.part(start, stop)
        this.set_all([value] * count, first)
        return this

    shared = {name: method(realm) for name, method in ARRAY.items() if name not in ("push", "pop")}
    methods = {
        **shared, "set": put, "fill": fill,
        "subarray": lambda this, *place: this.subarray(*place[:2]),
        "slice": lambda this, *place: this.slice(realm, *place[:2]),
    }  # fmt: skip
    for kind in KINDS:
        made = builder.kind(
            kind, None, lambda source=UNDEFINED, *place, kind=kind: TypedArray.of(
                realm, kind, source, *place
            ), methods,
        )  # fmt: skip
        made.properties["BYTES_PER_ELEMENT"] = TypedArray.of(realm, kind, 0).size
        made.properties["from"] = static(
            "from", lambda source, *_, kind=kind: TypedArray.of(
                realm, kind, array_from(realm, source, UNDEFINED)
            )
        )  # fmt: skip
    builder.kind("TextDecoder", None, lambda *args: _decoder(realm, *args), {"decode": _decode})
    builder.kind(
        "TextEncoder", None, lambda *args: Object(realm, realm.protos["TextEncoder"]),
        {
            "encode": lambda this, text="": TypedArray(
                "Uint8Array", Buffer(bytearray(utf8(text)), realm)
            ),
            "encodeInto": _encode_into,
        },
    )  # fmt: skip


def utf8(text: str) -> bytes:
    """A text as UTF-8; halves of surrogate pairs become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _decoder(realm: Realm, label: Any = "utf-8", options: Any = UNDEFINED) -> Object:
    made = Object(realm, realm.protos["TextDecoder"])
    made["encoding"] = "utf-16-le" if "16" in to_text(label) else "utf-8"
    fatal = isinstance(options, Object) and truthy(options.get("fatal", False))
    made["fatal"], made["realm"] = fatal, realm
    return made


def _decode(this: Object, data: Any = UNDEFINED, options: Any = UNDEFINED) -> str:
    raw = b"" if data is UNDEFINED else bytes_of(data)
    try:
        text = raw.decode(this["encoding"], "strict" if this["fatal"] else "replace")
    except UnicodeDecodeError:
        raise TypeError("The encoded data was not valid for encoding utf-8") from None
    found: str = this["realm"].text(text)
    return found


def bytes_of(value: Any) -> bytes:
    """The bytes of a buffer or a view. Raises TypeError for anything else."""
    if isinstance(value, TypedArray):
        return value.raw
    if isinstance(value, Buffer):
        return bytes(value.data)
    if isinstance(value, DataView):
        return bytes(value.buffer.data[value.offset : value.offset + value.length])
    raise TypeError("neither a buffer nor a view of one")


def _encode_into(this: Object, text: str, view: TypedArray) -> Object:
    data = utf8(text)
    if len(data) > len(view):
        data = data[: len(view)].decode(errors="ignore").encode()
    view.buffer.data[view.offset : view.offset + len(data)] = data
    found = Object(None)
    found["read"] = len(data.decode().encode("utf-16-le")) // 2
    found["written"] = len(data)
    return found


def property_of(realm: Realm, value: Any, key: Any) -> Any:
    return read_property(realm, value, property_key(key))
