"""Types as text, those of proposals that the engine does not know among them."""

from __future__ import annotations

from ...errors import DecodeError
from .reading import Reading

__all__ = ["Uses", "function_type", "limits", "reference_type", "sub_type", "value_type"]

#: proposals that something makes use of, by name
Uses = set[str]

_GC = "garbage collection"
_EXCEPTIONS = "exception handling"
#: number types, and short forms of nullable references (spec, "Binary Format: Types")
_SHORT = {
    0x7F: ("i32", None),
    0x7E: ("i64", None),
    0x7D: ("f32", None),
    0x7C: ("f64", None),
    0x7B: ("v128", "SIMD"),
    0x78: ("i8", _GC),
    0x77: ("i16", _GC),
    0x74: ("nullexnref", _EXCEPTIONS),
    0x73: ("nullfuncref", _GC),
    0x72: ("nullexternref", _GC),
    0x71: ("nullref", _GC),
    0x70: ("funcref", None),
    0x6F: ("externref", "reference types"),
    0x6E: ("anyref", _GC),
    0x6D: ("eqref", _GC),
    0x6C: ("i31ref", _GC),
    0x6B: ("structref", _GC),
    0x6A: ("arrayref", _GC),
    0x69: ("exnref", _EXCEPTIONS),
    0x68: ("contref", "stack switching"),
    0x75: ("nullcontref", "stack switching"),
}
_NULLABLE, _NON_NULL = 0x63, 0x64
_FUNC, _STRUCT, _ARRAY, _CONT = 0x60, 0x5F, 0x5E, 0x5D
_SUB, _SUB_FINAL = 0x50, 0x4F


def value_type(reading: Reading, uses: Uses) -> str:
    """A value type. Raises DecodeError for a byte that stands for none."""
    byte = reading.peek()
    if byte in (_NULLABLE, _NON_NULL):
        reading.byte()
        uses.add("function references")
        return f"(ref {'null ' if byte == _NULLABLE else ''}{_heap_type(reading, uses)})"
    found = _SHORT.get(byte)
    if found is None:
        raise reading.fault(f"malformed value type {byte:#04x}")
    reading.byte()
    if found[1]:
        uses.add(found[1])
    return found[0]


def _heap_type(reading: Reading, uses: Uses) -> str:
    number = reading.s33()
    if number >= 0:
        return str(number)
    name, proposal = _SHORT.get(number & 0x7F, ("", None))
    if not name.endswith("ref"):
        raise reading.fault(f"malformed heap type {number}")
    if proposal:
        uses.add(proposal)
    return name.removesuffix("ref") or "none"


def reference_type(reading: Reading, uses: Uses) -> str:
    """The type of a table's elements."""
    return value_type(reading, uses)


def _row(kinds: list[str]) -> str:
    return kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"


def function_type(reading: Reading, uses: Uses) -> str:
    """Parameters and results of a function, as the rest of the package writes them."""
    params = [value_type(reading, uses) for _ in range(reading.count())]
    results = [value_type(reading, uses) for _ in range(reading.count())]
    if len(results) > 1:
        uses.add("multi-value")
    return f"({', '.join(params)}) -> {_row(results)}"


def sub_type(reading: Reading, uses: Uses) -> str:
    """One definition of the type section, outside of its recursive group. Raises DecodeError."""
    form = reading.byte()
    prefix = ""
    if form in (_SUB, _SUB_FINAL):
        uses.add(_GC)
        above = " ".join(str(reading.u32()) for _ in range(reading.count()))
        prefix = f"sub {'final ' if form == _SUB_FINAL else ''}{above} ".replace("  ", " ")
        form = reading.byte()
    if form == _FUNC:
        return prefix + function_type(reading, uses)
    if form == _STRUCT:
        uses.add(_GC)
        fields = [_field(reading, uses) for _ in range(reading.count())]
        return f"{prefix}struct ({', '.join(fields)})"
    if form == _ARRAY:
        uses.add(_GC)
        return f"{prefix}array {_field(reading, uses)}"
    if form == _CONT:
        uses.add("stack switching")
        return f"{prefix}cont {reading.u32()}"
    raise DecodeError(f"malformed type: form {form:#04x}", reading.pos - 1)


def _field(reading: Reading, uses: Uses) -> str:
    kind = value_type(reading, uses)
    return f"mut {kind}" if reading.byte() else kind


def limits(reading: Reading, uses: Uses, *, memory: bool) -> tuple[int, int | None, str]:
    """Least and most size, and what is special about it in words."""
    at, flags = reading.pos, reading.byte()
    if flags > (0x0F if memory else 0x07):
        raise DecodeError(f"malformed limits: flags {flags:#04x}", at)
    number = reading.u64 if flags & 4 else reading.u32
    words = []
    for bit, word, proposal in ((4, "i64", "memory64"), (2, "shared", "threads")):
        if flags & bit:
            words.append(word)
            uses.add(proposal)
    least = number()
    most = number() if flags & 1 else None
    if flags & 8:
        words.append(f"pages of 2**{reading.u32()}")
        uses.add("custom page sizes")
    return least, most, "".join(f" {word}" for word in words)
