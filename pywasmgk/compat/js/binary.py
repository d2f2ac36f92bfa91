"""Buffers, typed arrays and data views (ECMA-262, chapter "Structured Data")."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from ...wasm.runtime.memory import Memory
from .objects import UNDEFINED, Array, BigInt, Foreign, Realm
from .operators import to_integer, to_number, to_uint32

__all__ = ["KINDS", "Buffer", "DataView", "TypedArray", "accessors"]

#: kinds of typed arrays, as ``struct`` has them
KINDS = {
    "Uint8Array": "B", "Int8Array": "b", "Uint8ClampedArray": "B", "Uint16Array": "H",
    "Int16Array": "h", "Uint32Array": "I", "Int32Array": "i", "Float32Array": "f",
    "Float64Array": "d", "BigUint64Array": "Q", "BigInt64Array": "q",
}  # fmt: skip


class Buffer(Foreign):
    """Bytes: a memory's, which may grow, or a script's own."""

    kind = "ArrayBuffer"

    def __init__(self, source: Memory | bytearray, realm: Realm | None = None) -> None:
        self._source = source
        #: a memory's buffer is no more when that has grown
        self._size = len(source)
        self._realm, self._cost = None, 0
        if realm is not None and isinstance(source, bytearray):
            realm.charge(len(source) + 120)
            self._realm, self._cost = realm, len(source) + 120

    def __del__(self) -> None:
        if getattr(self, "_realm", None) is not None:
            self._realm.used -= self._cost  # type: ignore[union-attr]

    @property
    def data(self) -> bytearray:
        """The bytes as they are now."""
        return self._source.data if isinstance(self._source, Memory) else self._source

    @property
    def detached(self) -> bool:
        """Whether its memory has grown, which took the bytes from it."""
        return len(self._source) != self._size

    def get(self, key: Any) -> Any:
        if key == "byteLength":
            return 0 if self.detached else len(self.data)
        if key == "detached":
            return self.detached
        raise KeyError(key)


def _part(buffer: Buffer, offset: Any, length: Any, size: int) -> tuple[int, int]:
    """Offset and number of elements of a view. Raises ValueError outside."""
    first = 0 if offset is UNDEFINED else to_integer(offset)
    room = len(buffer.data) - first
    count = room // size if length is UNDEFINED else to_integer(length)
    if first < 0 or first % size or count < 0 or count * size > room:
        raise ValueError(f"{count} elements at {first} are outside of the buffer")
    return first, count


class TypedArray(Foreign):
    """Numbers of one size in a buffer."""

    def __init__(self, kind: str, buffer: Buffer, offset: Any = UNDEFINED, length: Any = UNDEFINED):
        self.kind = kind
        self.form = KINDS[kind]
        self.size = struct.calcsize(self.form)
        self.buffer = buffer
        self.offset, self.length = _part(buffer, offset, length, self.size)

    @classmethod
    def of(cls, realm: Realm, kind: str, source: Any, *place: Any) -> TypedArray:
        """What ``new Uint8Array(...)`` and the like give."""
        if isinstance(source, Buffer):
            return cls(kind, source, *place[:2])
        if isinstance(source, TypedArray) and source.form == KINDS[kind]:
            return cls(kind, Buffer(bytearray(source.raw), realm))
        if isinstance(source, (Array, TypedArray)):
            found = cls.of(realm, kind, len(source))
            found.set_all([*source], 0)
            return found
        count = 0 if source is UNDEFINED else to_integer(source)
        if not 0 <= count < 1 << 32:
            raise ValueError(f"Invalid typed array length: {count}")
        size = struct.calcsize(KINDS[kind])
        realm.charge(count * size)  # before it is there
        realm.used -= count * size
        return cls(kind, Buffer(bytearray(count * size), realm))

    @property
    def raw(self) -> bytes:
        """A copy of its bytes."""
        return bytes(self.buffer.data[self.offset : self.offset + self.length * self.size])

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Any:
        wide = self.form in "qQ"
        for (item,) in struct.iter_unpack("<" + self.form, self.raw):
            yield BigInt(item) if wide else item

    def get(self, key: Any) -> Any:
        if key.__class__ is int:
            if not 0 <= key < self.length:
                return UNDEFINED
            at = self.offset + key * self.size
            (item,) = struct.unpack_from("<" + self.form, self.buffer.data, at)
            return BigInt(item) if self.form in "qQ" else item
        if key == "length":
            return 0 if self.buffer.detached else self.length
        if key == "buffer":
            return self.buffer
        if key == "byteLength":
            return 0 if self.buffer.detached else self.length * self.size
        if key == "byteOffset":
            return self.offset
        if key == "BYTES_PER_ELEMENT":
            return self.size
        raise KeyError(key)

    def set(self, key: Any, value: Any) -> None:
        if key.__class__ is int and 0 <= key < self.length:
            data = self._packed([value])
            at = self.offset + key * self.size
            self.buffer.data[at : at + self.size] = data

    def _packed(self, values: Iterable[Any]) -> bytes:
        return b"".join(_packed(self.form, value, self.kind) for value in values)

    def set_all(self, values: Any, at: int) -> None:
        """The method ``set``. Raises ValueError where they do not fit."""
        if not 0 <= at <= at + len(values) <= self.length:
            raise ValueError("offset is out of bounds")
        same = isinstance(values, TypedArray) and values.form == self.form
        data = values.raw if same else self._packed(values)
        begin = self.offset + at * self.size
        self.buffer.data[begin : begin + len(data)] = data

    def part(self, start: Any, stop: Any) -> tuple[int, int]:
        """The range that ``slice`` and ``subarray`` mean, in elements."""
        ends = []
        for value, default in ((start, 0), (stop, self.length)):
            at = default if value is UNDEFINED else to_integer(value)
            ends.append(max(at + self.length, 0) if at < 0 else min(at, self.length))
        return ends[0], max(ends[1] - ends[0], 0)

    def subarray(self, start: Any = UNDEFINED, stop: Any = UNDEFINED) -> TypedArray:
        """A view of a part."""
        first, count = self.part(start, stop)
        return TypedArray(self.kind, self.buffer, self.offset + first * self.size, count)

    def slice(self, realm: Realm, start: Any = UNDEFINED, stop: Any = UNDEFINED) -> TypedArray:
        """A copy of a part."""
        part = self.subarray(start, stop)
        return TypedArray(self.kind, Buffer(bytearray(part.raw), realm))


def _packed(form: str, value: Any, kind: str = "") -> bytes:
    if form in "fd":
        number = float(to_number(value))
        try:
            return struct.pack("<" + form, number)
        except OverflowError:
            return struct.pack("<f", float("inf") if number > 0 else float("-inf"))
    size = struct.calcsize(form)
    if form in "qQ":
        if not isinstance(value, BigInt):
            raise TypeError("Cannot convert a number to a BigInt")
        return (int(value) & (1 << 64) - 1).to_bytes(8, "little")
    if kind == "Uint8ClampedArray":
        return bytes([min(max(round(to_number(value)), 0), 255)])
    return (to_uint32(value) & (1 << 8 * size) - 1).to_bytes(size, "little")


class DataView(Foreign):
    """Access to numbers at any place of a buffer."""

    kind = "DataView"

    def __init__(self, buffer: Buffer, offset: Any = UNDEFINED, length: Any = UNDEFINED) -> None:
        self.buffer = buffer
        self.offset, self.length = _part(buffer, offset, length, 1)
        self._whole = length is UNDEFINED

    def get(self, key: Any) -> Any:
        if key == "buffer":
            return self.buffer
        if key == "byteLength":
            return self.length
        if key == "byteOffset":
            return self.offset
        raise KeyError(key)

    def place(self, at: Any, size: int) -> int:
        """Where so many bytes are in the buffer. Raises ValueError outside."""
        first = to_integer(at)
        length = len(self.buffer.data) - self.offset if self._whole else self.length
        if not 0 <= first <= first + size <= length:
            raise ValueError("Offset is outside the bounds of the DataView")
        return self.offset + first


#: methods of a data view: the name behind "get" and "set", and the kind
_ACCESSED = {
    "Uint8": "B", "Int8": "b", "Uint16": "H", "Int16": "h", "Uint32": "I", "Int32": "i",
    "Float32": "f", "Float64": "d", "BigUint64": "Q", "BigInt64": "q",
}  # fmt: skip


def accessors() -> dict[str, Any]:
    """The methods of a DataView."""
    found: dict[str, Any] = {}
    for name, form in _ACCESSED.items():
        found[f"get{name}"] = _getter(form)
        found[f"set{name}"] = _setter(form)
    return found


def _getter(form: str) -> Any:
    size = struct.calcsize(form)

    def get(this: DataView, at: Any, little: Any = False) -> Any:
        order = "<" if little else ">"
        (item,) = struct.unpack_from(order + form, this.buffer.data, this.place(at, size))
        return BigInt(item) if form in "qQ" else item

    return get


def _setter(form: str) -> Any:
    size = struct.calcsize(form)

    def put(this: DataView, at: Any, value: Any = UNDEFINED, little: Any = False) -> Any:
        data = _packed(form, value)
        begin = this.place(at, size)
        this.buffer.data[begin : begin + size] = data if little else data[::-1]
        return UNDEFINED

    return put


def items_of(value: Any) -> Sequence[Any]:
    """The elements of an array or typed array. Raises TypeError for anything else."""
    if isinstance(value, Array):
        return value
    if isinstance(value, TypedArray):
        return [*value]
    raise TypeError("not an array")
