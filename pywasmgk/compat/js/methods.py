"""Methods of texts, arrays and typed arrays (ECMA-262, "String.prototype", "Array.prototype")."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .binary import TypedArray, items_of
from .keyed import IteratorObject
from .objects import UNDEFINED, Array, Realm
from .operators import (
    strictly_equal,
    to_integer,
    to_number,
    to_text,
    truthy,
    utf16_length,
    utf16_slice,
)
from .properties import ITERATOR

__all__ = ["ARRAY", "STRING"]

Maker = Callable[[Realm], Callable[..., Any]]
#: letters of a text that a method repeats or fills up
_LONGEST = 1 << 26


def _free(function: Callable[..., Any]) -> Maker:
    """A method that needs no realm."""
    return lambda realm: function


def _bounds(length: int, start: Any, stop: Any) -> tuple[int, int]:
    ends = []
    for value, default in ((start, 0), (stop, length)):
        at = default if value is UNDEFINED else to_integer(value)
        ends.append(max(at + length, 0) if at < 0 else min(at, length))
    return ends[0], max(ends[0], ends[1])


# -- texts


def _slice(realm: Realm) -> Callable[..., Any]:
    def cut(this: str, start: Any = 0, stop: Any = UNDEFINED) -> str:
        return realm.text(utf16_slice(this, *_bounds(utf16_length(this), start, stop)))

    return cut


def _substring(realm: Realm) -> Callable[..., Any]:
    def cut(this: str, start: Any = 0, stop: Any = UNDEFINED) -> str:
        length = utf16_length(this)
        ends = [
            max(min(to_integer(length if at is UNDEFINED else at), length), 0)
            for at in (start, stop)
        ]
        return realm.text(utf16_slice(this, min(ends), max(ends)))

    return cut


def _unit_at(this: str, at: Any = 0) -> Any:
    unit = utf16_slice(this, to_integer(at), to_integer(at) + 1)
    return ord(unit) if unit else float("nan")


def _point_at(this: str, at: Any = 0) -> Any:
    pair = utf16_slice(this, to_integer(at), to_integer(at) + 2)
    return ord(pair[0]) if pair else UNDEFINED


def _split(realm: Realm) -> Callable[..., Any]:
    def split(this: str, separator: Any = UNDEFINED) -> Array:
        if separator is UNDEFINED:
            return realm.array([this])
        return realm.array([*this] if separator == "" else this.split(to_text(separator)))

    return split


def _repeat(realm: Realm) -> Callable[..., Any]:
    def repeat(this: str, count: Any) -> str:
        times = to_integer(count)
        if times < 0 or times * len(this) > _LONGEST:
            raise ValueError("Invalid count value")
        realm.charge(times * len(this))
        realm.used -= times * len(this)
        return realm.text(this * times)

    return repeat


def _padded(at_start: bool) -> Maker:
    def pad(this: str, length: Any, filler: Any = " ") -> str:
        missing = min(to_integer(length), _LONGEST) - len(this)
        text = (to_text(filler) * missing)[:missing] if missing > 0 else ""
        return text + this if at_start else this + text

    return _free(pad)


STRING: dict[Any, Maker] = {
    "slice": _slice,
    "substring": _substring,
    "charCodeAt": _free(_unit_at),
    "codePointAt": _free(_point_at),
    "charAt": _free(lambda this, at=0: utf16_slice(this, to_integer(at), to_integer(at) + 1)),
    "indexOf": _free(lambda this, part="": this.find(to_text(part))),
    "lastIndexOf": _free(lambda this, part="": this.rfind(to_text(part))),
    "includes": _free(lambda this, part="": to_text(part) in this),
    "startsWith": _free(lambda this, part="": this.startswith(to_text(part))),
    "endsWith": _free(lambda this, part="": this.endswith(to_text(part))),
    "split": _split,
    "trim": _free(lambda this: this.strip()),
    "toUpperCase": _free(lambda this: this.upper()),
    "toLowerCase": _free(lambda this: this.lower()),
    "toString": _free(lambda this: this),
    "valueOf": _free(lambda this: this),
    "repeat": _repeat,
    "padStart": _padded(True),
    "padEnd": _padded(False),
    "replace": _free(lambda this, old, new: this.replace(to_text(old), to_text(new), 1)),
    "replaceAll": _free(lambda this, old, new: this.replace(to_text(old), to_text(new))),
    "concat": _free(lambda this, *parts: this + "".join(map(to_text, parts))),
    ITERATOR: lambda realm: lambda this: IteratorObject(realm, this),
}

# -- arrays, and where it makes sense typed arrays


def _push(this: Array, *items: Any) -> int:
    this.push(items)
    return len(this)


def _unshift(this: Array, *items: Any) -> int:
    this.push(items)
    this[:] = [*items, *this[: -len(items)]] if items else this
    return len(this)


def _cut(realm: Realm) -> Callable[..., Any]:
    def cut(this: Array, start: Any = 0, stop: Any = UNDEFINED) -> Array:
        first, last = _bounds(len(this), start, stop)
        return realm.array(this[first:last])

    return cut


def _splice(realm: Realm) -> Callable[..., Any]:
    def splice(this: Array, start: Any = 0, count: Any = UNDEFINED, *items: Any) -> Array:
        first, last = _bounds(len(this), start, UNDEFINED)
        if count is not UNDEFINED:
            last = min(first + max(to_integer(count), 0), last)
        taken = realm.array(this[first:last])
        this.charge(8 * len(items))
        this[first:last] = items
        return taken

    return splice


def _fill(this: Array, value: Any = UNDEFINED, start: Any = 0, stop: Any = UNDEFINED) -> Array:
    first, last = _bounds(len(this), start, stop)
    this[first:last] = [value] * (last - first)
    return this


def _each(collect: Callable[[Realm, list[Any], list[Any]], Any]) -> Maker:
    """A method that calls a function for each element."""

    def make(realm: Realm) -> Callable[..., Any]:
        def each(this: Any, function: Any, receiver: Any = UNDEFINED) -> Any:
            items = [*this]
            answers = [function.call(receiver, (item, at, this)) for at, item in enumerate(items)]
            return collect(realm, items, answers)

        return each

    return make


def _first(answer: Callable[[int, Any], Any], default: Any) -> Maker:
    def make(realm: Realm) -> Callable[..., Any]:
        def find(this: Any, function: Any) -> Any:
            for at, item in enumerate([*this]):
                if truthy(function.call(UNDEFINED, (item, at, this))):
                    return answer(at, item)
            return default

        return find

    return make


def _all(this: Any, function: Any) -> bool:
    return all(truthy(function.call(UNDEFINED, (x, at, this))) for at, x in enumerate([*this]))


def _reduce(this: Any, function: Any, *first: Any) -> Any:
    items = [*first, *this]
    if not items:
        raise TypeError("Reduce of empty array with no initial value")
    return functools.reduce(lambda a, b: function.call(UNDEFINED, (a, b)), items)


def _sort(this: Any, order: Any = UNDEFINED) -> Any:
    if order is UNDEFINED:
        wanted = sorted(this, key=to_number if isinstance(this, TypedArray) else to_text)
    else:
        compare = functools.cmp_to_key(lambda a, b: _sign(to_number(order.call(UNDEFINED, (a, b)))))
        wanted = sorted(this, key=compare)
    if isinstance(this, TypedArray):
        this.set_all(wanted, 0)
    else:
        this[:] = wanted
    return this


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _place(this: Any, wanted: Any = UNDEFINED) -> int:
    return next((at for at, item in enumerate(this) if strictly_equal(item, wanted)), -1)


def _join(realm: Realm) -> Callable[..., Any]:
    def join(this: Any, separator: Any = ",") -> str:
        none = (None, UNDEFINED)
        texts = ("" if item in none else to_text(item) for item in this)
        return realm.text(to_text(separator).join(texts))

    return join


def _concat(realm: Realm) -> Callable[..., Any]:
    def concat(this: Array, *others: Any) -> Array:
        found = [*this]
        for other in others:
            found += other if isinstance(other, Array) else [other]
        return realm.array(found)

    return concat


def _listed(part: Callable[[Realm, int, Any], Any]) -> Maker:
    return lambda realm: (
        lambda this: IteratorObject(realm, [part(realm, at, item) for at, item in enumerate(this)])
    )


def _flat(realm: Realm) -> Callable[..., Any]:
    return lambda this: realm.array(
        inner for item in this for inner in (item if isinstance(item, Array) else [item])
    )


ARRAY: dict[Any, Maker] = {
    "push": _free(_push),
    "pop": _free(lambda this: this.pop() if this else UNDEFINED),
    "shift": _free(lambda this: this.pop(0) if this else UNDEFINED),
    "unshift": _free(_unshift),
    "slice": _cut,
    "splice": _splice,
    "fill": _free(_fill),
    "map": _each(lambda realm, items, answers: realm.array(answers)),
    "filter": _each(lambda realm, items, answers: realm.array(
        item for item, answer in zip(items, answers) if truthy(answer)
    )),
    "forEach": _each(lambda realm, items, answers: UNDEFINED),
    "find": _first(lambda at, item: item, UNDEFINED),
    "findIndex": _first(lambda at, item: at, -1),
    "some": _first(lambda at, item: True, False),
    "every": _free(_all),
    "reduce": _free(_reduce),
    "sort": _free(_sort),
    "reverse": _free(lambda this: this.reverse() or this),
    "indexOf": _free(_place),
    "includes": _free(lambda this, wanted=UNDEFINED: _place(this, wanted) >= 0),
    "join": _join,
    "toString": _join,
    "concat": _concat,
    "flat": _flat,
    "keys": _listed(lambda realm, at, item: at),
    "values": _listed(lambda realm, at, item: item),
    "entries": _listed(lambda realm, at, item: realm.array([at, item])),
    "at": _free(
        lambda this, at=0: items_of(this)[at] if -len(this) <= at < len(this) else UNDEFINED
    ),
    ITERATOR: _listed(lambda realm, at, item: item),
}  # fmt: skip
