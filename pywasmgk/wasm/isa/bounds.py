"""What traps of accesses and indirect calls say: which operand was wrong, and what it met.

Each text begins as the official suite's. They are made when the trap is: nothing here runs
otherwise.
"""

from __future__ import annotations

from collections.abc import Sized

from ...errors import Trap, TrapCode

__all__ = ["TRAP_NAMES", "access_text", "mismatched", "outside", "undefined", "uninitialized"]

_PAGE = 1 << 16


def outside(code: TrapCode, *ranges: int | Sized) -> Trap:
    """The trap of a bulk operation. ``ranges`` has three items for each range that it covers: where
    the range begins, how long it is, and what it must lie in."""
    for start, count, whole in zip(ranges[::3], ranges[1::3], ranges[2::3]):
        if isinstance(start, int) and isinstance(count, int) and not isinstance(whole, int):
            if start + count > len(whole):
                return Trap(code, _range_text(code, start, count, whole))
    return Trap(code)


def _range_text(code: TrapCode, start: int, count: int, whole: Sized) -> str:
    if code is not TrapCode.MEMORY_OUT_OF_BOUNDS:
        return f"{code.value}: {_many(count, 'element')} at {start:,}, there are {len(whole):,}"
    if isinstance(whole, bytearray):
        return access_text(start, count, len(whole))
    return f"{code.value}: {_many(count, 'byte')} at {start:,} of a data segment of {len(whole):,}"


def access_text(address: int, width: int, size: int) -> str:
    """What an access of so many bytes is told that a memory of that size does not have."""
    return (
        f"{TrapCode.MEMORY_OUT_OF_BOUNDS.value}: {_many(width, 'byte')} at {address:#x} "
        f"({address:,}), the memory has {_many(size, 'byte')} ({_many(size // _PAGE, 'page')})"
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def undefined(index: int, size: int) -> Trap:
    """The trap of an indirect call with an index that the table does not have."""
    text = f"undefined element {index}: the table has {_many(size, 'element')}"
    return Trap(TrapCode.TABLE_OUT_OF_BOUNDS, text)


def uninitialized(index: int, size: int) -> Trap:
    """The trap of an indirect call of a null reference."""
    code = TrapCode.INDIRECT_CALL_TO_NULL
    return Trap(code, f"{code.value} {index}: it is null, in a table of {_many(size, 'element')}")


def mismatched(index: int, size: int, found: object, expected: object) -> Trap:
    """The trap of an indirect call of a function of another type."""
    code = TrapCode.BAD_SIGNATURE
    return Trap(
        code,
        f"{code.value}: element {index} of a table of {size:,} is {found}, expected {expected}",
    )


#: what generated code calls
TRAP_NAMES = {
    function.__name__: function for function in (mismatched, outside, undefined, uninitialized)
}
