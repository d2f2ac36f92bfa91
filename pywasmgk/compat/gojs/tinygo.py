"""What TinyGo calls: the functions of Go's ``syscall/js``, with arguments instead of a stack.

A reference is an i64 here, a text or a slice its address and length; two results go to an address,
the second behind the first. Streams, randomness and the end of the program are WASI's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..js.binary import TypedArray
from ..js.data import utf8
from ..js.objects import UNDEFINED, JSError, Object
from ..js.operators import to_text
from ..js.properties import property_key, read_property, write_property
from .imports import callable_value, copy_to_go, copy_to_script

if TYPE_CHECKING:
    from .program import Go

__all__ = ["TINY_FUNCTIONS", "TINY_MILLISECONDS"]

_MASK = 0xFFFFFFFF
#: what a float can say of a time-out
_MOST_MILLISECONDS = 1 << 50


def _text(go: Go, ptr: int, size: int) -> str:
    size &= _MASK
    go.charge(size // 8)
    return go.memory.read(ptr & _MASK, size).decode(errors="replace")


def _values(go: Go, ptr: int, count: int) -> list[Any]:
    return go.references.listed(go.memory, ptr & _MASK, count)


def _answer(go: Go, at: int, work: Callable[[], Any]) -> None:
    """Writes a result and that there is one, or what a script threw."""
    try:
        with go.interpreter.guarded():
            result, fine = work(), 1
    except JSError as error:
        result, fine = error.value, 0
    bits = go.references.box(result)
    go.memory.write(at & _MASK, struct.pack("<QB", bits, fine))


def _ticks(go: Go) -> int:
    return go.clocks.realtime()


def _sleep(go: Go, nanoseconds: int) -> None:
    go.schedule(nanoseconds // 1_000_000)


def _float_ticks(go: Go) -> float:
    return go.clocks.realtime() / 1_000_000


def _float_sleep(go: Go, milliseconds: float) -> None:
    go.schedule(int(milliseconds) if 0 < milliseconds < _MOST_MILLISECONDS else 0)


def _finalize(go: Go, ref: int) -> None:
    go.references.drop(ref & _MASK)


def _string(go: Go, ptr: int, size: int) -> int:
    return go.references.box(go.realm.text(_text(go, ptr, size)))


def _get(go: Go, ref: int, ptr: int, size: int) -> int:
    key = property_key(_text(go, ptr, size))
    return go.references.box(read_property(go.realm, go.references.unbox(ref), key))


def _set(go: Go, ref: int, ptr: int, size: int, value: int) -> None:
    key = property_key(_text(go, ptr, size))
    write_property(go.realm, go.references.unbox(ref), key, go.references.unbox(value))


def _delete(go: Go, ref: int, ptr: int, size: int) -> None:
    owner = go.references.unbox(ref)
    if isinstance(owner, Object):
        owner.pop(property_key(_text(go, ptr, size)), None)


def _index(go: Go, ref: int, index: int) -> int:
    owner = go.references.unbox(ref)
    return go.references.box(read_property(go.realm, owner, property_key(index)))


def _set_index(go: Go, ref: int, index: int, value: int) -> None:
    owner = go.references.unbox(ref)
    write_property(go.realm, owner, property_key(index), go.references.unbox(value))


def _call(
    go: Go, at: int, ref: int, ptr: int, size: int, args: int, count: int, capacity: int
) -> None:
    owner, key = go.references.unbox(ref), property_key(_text(go, ptr, size))
    given = _values(go, args, count)

    def work() -> Any:
        return callable_value(read_property(go.realm, owner, key)).call(owner, given)

    _answer(go, at, work)


def _invoke(go: Go, at: int, ref: int, args: int, count: int, capacity: int) -> None:
    function, given = go.references.unbox(ref), _values(go, args, count)
    _answer(go, at, lambda: callable_value(function).call(UNDEFINED, given))


def _new(go: Go, at: int, ref: int, args: int, count: int, capacity: int) -> None:
    function, given = go.references.unbox(ref), _values(go, args, count)
    _answer(go, at, lambda: callable_value(function).construct(given))


def _length(go: Go, ref: int) -> int:
    found = read_property(go.realm, go.references.unbox(ref), "length")
    return found if type(found) is int else 0


def _prepare_string(go: Go, at: int, ref: int) -> None:
    data = go.new_bytes(utf8(to_text(go.references.unbox(ref))))
    bits = go.references.box(data)
    go.memory.write(at & _MASK, struct.pack("<QI", bits, len(data)))


def _load_string(go: Go, ref: int, ptr: int, size: int, capacity: int) -> None:
    value = go.references.unbox(ref)
    data = value.raw[: size & _MASK] if isinstance(value, TypedArray) else b""
    go.memory.write(ptr & _MASK, data)


def _instance_of(go: Go, ref: int, kind: int) -> int:
    unbox = go.references.unbox
    return int(go.interpreter.is_instance(unbox(ref), unbox(kind)))


def _copied(go: Go, at: int, count: int | None) -> None:
    go.memory.write(at & _MASK, struct.pack("<IB", count or 0, count is not None))


def _to_go(go: Go, at: int, ptr: int, size: int, capacity: int, ref: int) -> None:
    _copied(go, at, copy_to_go(go, go.references.unbox(ref), ptr & _MASK, size & _MASK))


def _to_script(go: Go, at: int, ref: int, ptr: int, size: int, capacity: int) -> None:
    _copied(go, at, copy_to_script(go, go.references.unbox(ref), ptr & _MASK, size & _MASK))


#: by name; each gets the program in front of what TinyGo hands over
TINY_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "runtime.ticks": _ticks,
    "runtime.sleepTicks": _sleep,
    "syscall/js.finalizeRef": _finalize,
    "syscall/js.stringVal": _string,
    "syscall/js.valueGet": _get,
    "syscall/js.valueSet": _set,
    "syscall/js.valueDelete": _delete,
    "syscall/js.valueIndex": _index,
    "syscall/js.valueSetIndex": _set_index,
    "syscall/js.valueCall": _call,
    "syscall/js.valueInvoke": _invoke,
    "syscall/js.valueNew": _new,
    "syscall/js.valueLength": _length,
    "syscall/js.valuePrepareString": _prepare_string,
    "syscall/js.valueLoadString": _load_string,
    "syscall/js.valueInstanceOf": _instance_of,
    "syscall/js.copyBytesToGo": _to_go,
    "syscall/js.copyBytesToJS": _to_script,
}
#: in versions whose ticks are milliseconds, as f64
TINY_MILLISECONDS: dict[str, Callable[..., Any]] = {
    "runtime.ticks": _float_ticks,
    "runtime.sleepTicks": _float_sleep,
}
