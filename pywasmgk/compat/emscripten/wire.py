"""How embind's plain types go over the border: numbers, texts, views and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import Trap, TrapCode
from ..js.binary import Buffer, TypedArray
from ..js.border import to_python, to_script

if TYPE_CHECKING:
    from .embind import Embind

__all__ = ["Boolean", "Float", "Integer", "Text", "Type", "Value", "View", "Void", "WideText"]

_MASK = 0xFFFFFFFF
Freed = list[Callable[[], object]]
#: bytes of a text or view that a guest hands over
_MOST = 1 << 28


class Type:
    """A type of C++: values of Python's to what the module takes, and back."""

    def __init__(self, embind: Embind) -> None:
        self.embind = embind

    def to_wire(self, value: Any, freed: Freed) -> Any:
        """What the module takes; ``freed`` gets what is to be called behind."""
        raise NotImplementedError

    def from_wire(self, raw: Any) -> Any:
        """Python's value."""
        raise NotImplementedError

    def read(self, ptr: int) -> Any:
        """Python's value of what is in memory."""
        return self.from_wire(self.embind.program.memory.read_u32(ptr))

    def to_script(self, value: Any) -> Any:
        """A script's value of Python's."""
        return to_script(self.embind.handles.interpreter, value)


class Void(Type):
    """Nothing."""

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return None

    def from_wire(self, raw: Any) -> Any:
        return None


class Boolean(Type):
    """bool."""

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return int(bool(value))

    def from_wire(self, raw: Any) -> Any:
        return bool(raw)

    def read(self, ptr: int) -> Any:
        return bool(self.embind.program.memory.read_u8(ptr))


class Integer(Type):
    """Integers of 8 to 64 bits. Raises OverflowError for what does not fit."""

    def __init__(self, embind: Embind, name: str, size: int, signed: bool) -> None:
        super().__init__(embind)
        self.name = name
        self.size = size
        self.signed = signed

    def to_wire(self, value: Any, freed: Freed) -> Any:
        if not isinstance(value, int):
            raise TypeError(f"expected an int for {self.name}, found {type(value).__name__}")
        bits = 8 * self.size
        low = -(1 << bits - 1) if self.signed else 0
        if not low <= value < low + (1 << bits):
            raise OverflowError(f"{value} does not fit {self.name}")
        return value

    def from_wire(self, raw: Any) -> Any:
        value = int(raw) & (1 << 8 * self.size) - 1
        top = 1 << 8 * self.size - 1
        return (value ^ top) - top if self.signed else value

    def read(self, ptr: int) -> Any:
        data = self.embind.program.memory.read(ptr, self.size)
        return int.from_bytes(data, "little", signed=self.signed)


class Float(Type):
    """float and double."""

    def __init__(self, embind: Embind, size: int) -> None:
        super().__init__(embind)
        self.size = size

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return float(value)

    def from_wire(self, raw: Any) -> Any:
        return float(raw)

    def read(self, ptr: int) -> Any:
        memory = self.embind.program.memory
        # an argument of a val is a double, whatever its type
        return memory.read_f64(ptr) if self.size == 8 else memory.read_f32(ptr)


class Text(Type):
    """std::string: its length, then its bytes. ``raw`` strings are bytes for Python."""

    def __init__(self, embind: Embind, raw: bool) -> None:
        super().__init__(embind)
        self.raw = raw

    def to_wire(self, value: Any, freed: Freed) -> Any:
        data = value.encode() if isinstance(value, str) else bytes(value)
        return self._put(data, len(data), freed)

    def _put(self, data: bytes, length: int, freed: Freed) -> int:
        program = self.embind.program
        ptr: int = program.required("malloc")(len(data) + 8) & _MASK
        if not ptr or ptr + len(data) + 8 > len(program.memory):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, "malloc gave no memory for a text")
        program.memory.write(ptr, length.to_bytes(4, "little") + data + bytes(4))
        freed.append(lambda: program.required("free")(ptr))
        return ptr

    def from_wire(self, raw: Any) -> Any:
        data = self._take(raw, 1)
        return data if self.raw else data.decode(errors="replace")

    def _take(self, raw: int, size: int) -> bytes:
        program, ptr = self.embind.program, raw & _MASK
        length = program.memory.read_u32(ptr) * size
        data = program.memory.read(ptr + 4, min(length, _MOST))
        program.required("free")(ptr)
        return data


class WideText(Text):
    """std::wstring and its like, of 2 or 4 bytes a letter."""

    def __init__(self, embind: Embind, size: int) -> None:
        super().__init__(embind, False)
        self.size = size
        self.encoding = "utf-16-le" if size == 2 else "utf-32-le"

    def to_wire(self, value: Any, freed: Freed) -> Any:
        data = str(value).encode(self.encoding, "surrogatepass")
        return self._put(data, len(data) // self.size, freed)

    def from_wire(self, raw: Any) -> Any:
        return self._take(raw, self.size).decode(self.encoding, "replace")


class Value(Type):
    """emscripten::val: any value."""

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return self.embind.handles.handle_of(value)

    def from_wire(self, raw: Any) -> Any:
        found = self.embind.handles.value_of(raw)
        self.embind.handles.decref(raw & _MASK)
        return found


class View(Type):
    """emscripten::memory_view: a size and an address. Python gets a copy, scripts a view."""

    #: kinds by number, as ``internal::TypeID`` counts
    KINDS = (
        "Int8Array", "Uint8Array", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
        "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
    )  # fmt: skip

    def __init__(self, embind: Embind, kind: int) -> None:
        super().__init__(embind)
        self.kind = self.KINDS[kind] if 0 <= kind < len(self.KINDS) else "Uint8Array"

    def to_wire(self, value: Any, freed: Freed) -> Any:
        raise TypeError("a view of memory cannot be handed over; give bytes as a text")

    def from_wire(self, raw: Any) -> Any:
        memory = self.embind.program.memory
        size, ptr = memory.read_u32(raw & _MASK), memory.read_u32((raw & _MASK) + 4)
        return TypedArray(self.kind, Buffer(memory), ptr, size)

    def read(self, ptr: int) -> Any:
        return self.from_wire(ptr)

    def to_script(self, value: Any) -> Any:
        return value


def plain(embind: Embind, value: Any) -> Any:
    """Python's value of what may be a view."""
    return to_python(embind.handles.interpreter, value) if isinstance(value, TypedArray) else value
