"""What scripts find there: the constructors and functions that glue calls."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from .binary import TypedArray, items_of
from .building import Builder, static
from .data import add_buffers, add_collections, array_from, property_of
from .methods import ARRAY, STRING
from .objects import (
    UNDEFINED,
    Accessor,
    Array,
    BigInt,
    Foreign,
    Function,
    Native,
    Object,
    Realm,
)
from .objects import Symbol as SymbolValue
from .operators import (
    number_text,
    plain,
    strictly_equal,
    to_integer,
    to_number,
    to_text,
    to_uint32,
    truthy,
)
from .promises import add_promises
from .properties import (
    ITERATOR,
    iterate,
    own_keys,
    property_key,
    read_property,
    write_property,
)
from .texts import parse, stringify

__all__ = ["make_realm"]

_ERRORS = ("TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError")
#: bytes of randomness that one call may ask for
_MOST_RANDOM = 65536


def make_realm(
    quota: int, log: Callable[[str, str], object] = lambda level, text: None
) -> tuple[Realm, dict[str, Any]]:
    """A realm, and its global names. ``log`` gets the lines of ``console``, level first."""
    realm = Realm(quota)
    builder = Builder(realm, log)
    for part in (_objects, _errors, _values, add_collections, add_buffers, _spaces, _host):
        part(builder)
    add_promises(realm, builder)
    names = builder.names
    everything = Object(None, realm.protos["Object"])
    everything.update(names)
    for name in ("globalThis", "self", "window", "global"):
        names[name] = everything
    everything["globalThis"] = everything["self"] = everything["global"] = everything
    return realm, names


def _objects(builder: Builder) -> None:
    realm = builder.realm

    def assign(target: Any, *sources: Any) -> Any:
        for source in sources:
            for key in own_keys(source):
                write_property(realm, target, property_key(key), property_of(realm, source, key))
        return target

    def create(proto: Any, fields: Any = UNDEFINED) -> Any:
        return Object(realm, proto if isinstance(proto, Object) else None)

    def define(target: Any, key: Any, descriptor: Any) -> Any:
        place = target.properties if isinstance(target, Function) else target
        get, set_ = (read_property(realm, descriptor, word) for word in ("get", "set"))
        if get is not UNDEFINED or set_ is not UNDEFINED:
            place[property_key(key)] = Accessor(get or None, set_ or None)
        else:
            value = read_property(realm, descriptor, "value")
            write_property(realm, target, property_key(key), value, own=True)
        return target

    def from_entries(pairs: Any) -> Any:
        found = realm.object()
        for pair in iterate(realm, pairs):
            found.put(property_key(property_of(realm, pair, 0)), property_of(realm, pair, 1))
        return found

    def owns(this: Any, key: Any = UNDEFINED) -> bool:
        return str(property_key(key)) in own_keys(this)

    builder.kind(
        "Object",
        call=lambda this, value=UNDEFINED: realm.object() if value in (None, UNDEFINED) else value,
        new=lambda value=UNDEFINED: realm.object() if value in (None, UNDEFINED) else value,
        methods={
            "hasOwnProperty": owns,
            "toString": lambda this: f"[object {_class_of(this)}]",
            "valueOf": lambda this: this,
        },
        statics={
            "assign": assign, "create": create, "defineProperty": define,
            "fromEntries": from_entries,
            "keys": lambda value: realm.array(own_keys(value)),
            "values": lambda value: realm.array(
                property_of(realm, value, key) for key in own_keys(value)
            ),
            "entries": lambda value: realm.array(
                realm.array([key, property_of(realm, value, key)]) for key in own_keys(value)
            ),
            "freeze": lambda value: value, "seal": lambda value: value,
            "is": lambda a, b: strictly_equal(a, b) or (a != a and b != b),
            "hasOwn": lambda value, key: owns(value, key),
            "getPrototypeOf": lambda value: _proto_of(realm, value),
            "setPrototypeOf": _set_proto,
            "getOwnPropertyNames": lambda value: realm.array(own_keys(value)),
        },
    )  # fmt: skip

    def apply(this: Any, receiver: Any = UNDEFINED, args: Any = None) -> Any:
        given = [] if args is None or args is UNDEFINED else items_of(args)
        return this.call(receiver, given)

    def bind(this: Any, receiver: Any = UNDEFINED, *first: Any) -> Any:
        return Native(this.name, lambda _, *rest: this.call(receiver, [*first, *rest]))

    builder.kind(
        "Function",
        methods={
            "call": lambda this, receiver=UNDEFINED, *args: this.call(receiver, args),
            "apply": apply, "bind": bind,
        },
    )  # fmt: skip
    builder.space(
        "Reflect",
        {
            "get": lambda value, key: read_property(realm, value, property_key(key)),
            "set": lambda value, key, item: _put(realm, value, key, item),
            "has": lambda value, key: (
                str(property_key(key)) in own_keys(value)
                or read_property(realm, value, property_key(key)) is not UNDEFINED
            ),
            "ownKeys": lambda value: realm.array(own_keys(value)),
            "apply": lambda function, receiver, args: function.call(receiver, items_of(args)),
            "construct": lambda function, args: function.construct(items_of(args)),
            "getPrototypeOf": lambda value: _proto_of(realm, value),
            "deleteProperty": lambda value, key: value.pop(property_key(key), None) or True,
        },
    )


def _put(realm: Realm, value: Any, key: Any, item: Any) -> bool:
    write_property(realm, value, property_key(key), item)
    return True


def _proto_of(realm: Realm, value: Any) -> Any:
    if isinstance(value, Object):
        return value.proto
    return realm.protos.get(_class_of(value)) or realm.protos["Object"]


def _set_proto(value: Any, proto: Any) -> Any:
    if isinstance(value, Object):
        at = proto
        while isinstance(at, Object):
            if at is value:
                raise TypeError("Cyclic __proto__ value")
            at = at.proto
        value.proto = proto
    return value


def _class_of(value: Any) -> str:
    if isinstance(value, Array):
        return "Array"
    if isinstance(value, Function):
        return "Function"
    if isinstance(value, Foreign):
        return value.kind
    if value is None or value is UNDEFINED:
        return "Null" if value is None else "Undefined"
    if isinstance(value, Object):
        return "Error" if "stack" in value and "message" in value else "Object"
    return type(value).__name__.capitalize()


def _errors(builder: Builder) -> None:
    realm = builder.realm

    def maker(kind: str) -> Callable[..., Any]:
        def new(message: Any = UNDEFINED, options: Any = UNDEFINED) -> Any:
            made = Object(realm, realm.protos[kind])
            made["message"] = "" if message is UNDEFINED else to_text(message)
            made["stack"] = f"{kind}: {made['message']}"
            if isinstance(options, Object) and "cause" in options:
                made["cause"] = options["cause"]
            return made

        return new

    def show(this: Any) -> str:
        return to_text(this)

    for kind in ("Error", *_ERRORS):
        new = maker(kind)
        parent = "Object" if kind == "Error" else "Error"
        statics = {"captureStackTrace": lambda *args: UNDEFINED}
        builder.kind(
            kind, lambda this, *args, new=new: new(*args), new, {"toString": show}, statics, parent
        )
        realm.protos[kind]["name"] = kind
        realm.protos[kind]["message"] = ""


def _values(builder: Builder) -> None:
    realm = builder.realm

    def number(this: Any, value: Any = 0) -> Any:
        return float(value) if isinstance(value, BigInt) else to_number(value)

    def big(this: Any, value: Any) -> BigInt:
        if isinstance(value, str):
            return BigInt(int(value.strip()[:10_000] or "0", 0))
        if isinstance(value, float) and not value.is_integer():
            raise ValueError("The number cannot be converted to a BigInt")
        return BigInt(int(value))

    def whole(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and value == int(value)

    def digits(this: Any, base: Any = 10) -> str:
        if base in (10, UNDEFINED):
            return to_text(this)
        letters, found, left = "0123456789abcdefghijklmnopqrstuvwxyz", "", abs(int(this))
        while left:
            left, rest = divmod(left, min(max(int(base), 2), 36))
            found = letters[rest] + found
        return ("-" if this < 0 else "") + (found or "0")

    shown = {"toString": digits, "valueOf": lambda this: this}
    fixed = {"toFixed": lambda this, n=0: f"{float(this):.{min(int(n), 100)}f}"}
    builder.kind(
        "Number", number, None, {**shown, **fixed},
        {
            "isSafeInteger": lambda value=UNDEFINED: whole(value) and abs(value) < 1 << 53,
            "isInteger": lambda value=UNDEFINED: whole(value),
            "isFinite": lambda value=UNDEFINED: type(value) in (int, float)
            and math.isfinite(value),
            "isNaN": lambda value=UNDEFINED: value != value,
            "MAX_SAFE_INTEGER": (1 << 53) - 1, "MIN_SAFE_INTEGER": 1 - (1 << 53),
        },
    )  # fmt: skip
    builder.kind("Boolean", lambda this, value=UNDEFINED: truthy(value), None, shown)
    builder.kind(
        "BigInt", big, None, shown,
        {
            "asUintN": lambda bits, value: BigInt(value & (1 << min(bits, 1024)) - 1),
            "asIntN": lambda bits, value: BigInt(
                ((value + (1 << bits - 1)) & (1 << bits) - 1) - (1 << bits - 1)
            ),
        },
    )  # fmt: skip
    builder.kind(
        "String", lambda this, value="": to_text(value), None,
        {name: method(realm) for name, method in STRING.items()},
        {
            "fromCodePoint": lambda *codes: "".join(chr(int(code)) for code in codes),
            "fromCharCode": lambda *codes: _of_units(codes),
        },
    )  # fmt: skip
    builder.kind(
        "Array",
        lambda this, *items: _new_array(realm, items),
        lambda *items: _new_array(realm, items),
        {name: method(realm) for name, method in ARRAY.items()},
        {
            "isArray": lambda value=UNDEFINED: isinstance(value, Array),
            "of": lambda *items: realm.array(items),
            "from": lambda source, turn=UNDEFINED: array_from(realm, source, turn),
        },
    )
    builder.kind(
        "Symbol", lambda this, text="": SymbolValue(to_text(text)), None, {},
        {"iterator": ITERATOR, "asyncIterator": SymbolValue("Symbol.asyncIterator"),
         "toStringTag": SymbolValue("Symbol.toStringTag"),
         "dispose": SymbolValue("Symbol.dispose")},
    )  # fmt: skip
    builder.names.update(
        undefined=UNDEFINED, NaN=math.nan, Infinity=math.inf,
        parseInt=static("parseInt", _parse_int),
        parseFloat=static("parseFloat", lambda text: to_number(to_text(text))),
        isNaN=static("isNaN", lambda value: to_number(value) != to_number(value)),
    )  # fmt: skip


def _of_units(codes: Sequence[Any]) -> str:
    units = b"".join((to_uint32(code) & 0xFFFF).to_bytes(2, "little") for code in codes)
    return units.decode("utf-16-le", "surrogatepass")


def _parse_int(text: Any, base: Any = 10) -> Any:
    try:
        return int(to_text(text).strip()[:300], int(base) or 10)
    except ValueError:
        return math.nan


def _new_array(realm: Realm, items: Sequence[Any]) -> Array:
    if len(items) == 1 and type(items[0]) in (int, float):
        count = to_integer(items[0])
        if count != items[0] or not 0 <= count < 1 << 32:
            raise ValueError("Invalid array length")
        found = realm.array()
        found.resize(count)
        return found
    return realm.array(items)


def _spaces(builder: Builder) -> None:
    realm = builder.realm

    def rounded(value: Any) -> Any:
        return plain(float(math.floor(to_number(value) + 0.5)))

    def of_floats(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any) -> Any:
            try:
                return plain(function(*map(to_number, values)))
            except (ValueError, OverflowError):
                return math.nan

        return call

    names = "sin cos tan asin acos atan atan2 exp log log2 log10 sqrt pow floor ceil trunc hypot"
    builder.space(
        "Math",
        {
            **{name: of_floats(getattr(math, name)) for name in names.split()},
            "abs": of_floats(abs), "round": of_floats(rounded), "max": of_floats(max),
            "min": of_floats(min), "PI": math.pi, "E": math.e,
            "random": lambda: int.from_bytes(os.urandom(6), "little") / 2**48,
        },
    )  # fmt: skip

    def text_of(value: Any = UNDEFINED, replacer: Any = None, indent: Any = "") -> Any:
        spaces = " " * min(int(indent), 10) if isinstance(indent, (int, float)) else indent
        return stringify(realm, value, spaces or "")

    builder.space(
        "JSON", {"stringify": text_of, "parse": lambda text, _=None: parse(realm, to_text(text))}
    )

    def logger(level: str) -> Callable[..., Any]:
        def write(*values: Any) -> Any:
            builder.log(level, " ".join(to_text(value) for value in values))
            return UNDEFINED

        return write

    levels = "log info warn error debug trace"
    builder.space("console", {level: logger(level) for level in levels.split()})


def _host(builder: Builder) -> None:
    realm = builder.realm
    zero = time.monotonic()

    def now() -> int:
        return time.time_ns() // 1_000_000

    def date(value: Any = UNDEFINED) -> Object:
        made = Object(realm, realm.protos["Date"])
        made["time"] = now() if value is UNDEFINED else to_number(value)
        return made

    def fill_random(view: TypedArray) -> TypedArray:
        size = len(view.raw)
        if size > _MOST_RANDOM:
            raise ValueError(f"more than {_MOST_RANDOM} bytes of randomness at a time")
        view.buffer.data[view.offset : view.offset + size] = os.urandom(size)
        return view

    def clock() -> float:
        return (time.monotonic() - zero) * 1000

    methods = {name: lambda this: this["time"] for name in ("getTime", "valueOf")}
    builder.kind("Date", lambda this: number_text(now()), date, methods, {"now": now})
    realm.protos["Date"]["getTimezoneOffset"] = Native("getTimezoneOffset", lambda this: 0)
    builder.space("performance", {"now": clock, "timeOrigin": 0})
    builder.space("crypto", {"getRandomValues": fill_random})
    modules = {"util": ("TextEncoder", "TextDecoder"), "crypto": ("crypto",)}

    def require(name: Any) -> Any:
        found = realm.object()
        for word in modules.get(to_text(name).removeprefix("node:"), ()):
            found[word] = builder.names[word]
        return found

    builder.names["require"] = static("require", require)
