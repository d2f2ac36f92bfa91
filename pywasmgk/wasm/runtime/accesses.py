"""What a guest was accessing when it trapped: found when the trap is made, and only then.

The interpreter still has the operands. Compiled code has them in an exception of ``struct``, or
they are found by ``replay``; what is found there is told only if the trap follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import Trap, TrapCode
from ..binary.leb128 import read_u32
from ..isa.bounds import access_text, mismatched, outside, undefined, uninitialized
from ..isa.row import Instruction
from .replay import index_read, indices_read, struct_address

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["access_trap", "compiled_access", "indirect_trap"]

#: lists of callees that compiled code indexes, by table and type
_CALLEES = re.compile(r"c(\d+)_(\d+)")
#: views of memory: the letter of ``struct``, and the word that they begin with
_VIEW = re.compile(r"M([a-zA-Z])(?:_(\d+))?")
_SIZES = {"b": 1, "h": 2, "i": 4, "q": 8, "f": 4, "d": 8}


def access_trap(instance: Instance, row: Instruction, first: Any, operand: Any) -> Trap | None:
    """The trap of an instruction that accesses what its ``operand`` and its first immediate say;
    ``None`` if it does not trap by itself."""
    if row.native is TrapCode.MEMORY_OUT_OF_BOUNDS and instance.memories:
        if isinstance(operand, int) and isinstance(first, int):
            return _outside_memory(instance, row, operand + first)
    if row.native is TrapCode.TABLE_OUT_OF_BOUNDS and isinstance(operand, int):
        return outside(row.native, operand, 1, instance.tables[first].elements)
    return None if row.native is None else Trap(row.native)


def _outside_memory(instance: Instance, row: Instruction, address: int) -> Trap:
    code, size = TrapCode.MEMORY_OUT_OF_BOUNDS, len(instance.memories[0])
    if address + row.width <= size:
        return Trap(code)
    return Trap(code, access_text(address, row.width, size))


def compiled_access(
    instance: Instance, at: int, error: BaseException, traceback: TracebackType
) -> Trap | None:
    """The trap of the instruction at an offset, whose compiled code raised an exception of
    Python's; ``None`` if nothing can be said of it."""
    frame = traceback.tb_frame
    found = index_read(frame.f_code, traceback.tb_lasti, frame.f_locals)
    row = _row_at(instance, at)
    if row is None or row.native is None:
        return None if found is None else _indirect(instance, *found)
    address = struct_address(error)
    if address is None and found is not None:
        address = _address(*found)
    if address is not None and row.native is TrapCode.MEMORY_OUT_OF_BOUNDS:
        return _outside_memory(instance, row, address)
    if found is not None and found[0] == "elements" and row.immediates == ("tableidx",):
        number, _ = read_u32(instance.module.data, at + 1)
        return outside(row.native, found[1], 1, instance.tables[number].elements)
    return None


def _row_at(instance: Instance, at: int) -> Instruction | None:
    """The instruction at an offset of a module's file, unless it is a form of control."""
    data, instructions = instance.module.data, instance.module.isa
    opcode = data[at]
    if opcode in instructions.prefixes:
        opcode = opcode << 16 | read_u32(data, at + 1)[0]
    row = instructions.lookup(opcode)
    return None if row is None or row.form is not None else row


def _address(name: str, index: int) -> int | None:
    """The address of what is indexed, in bytes."""
    view = _VIEW.fullmatch(name)
    if view is None:
        return index if name == "mem" else None
    return (index + int(view[2] or 0)) * _SIZES[view[1].lower()]


def indirect_trap(
    instance: Instance, traceback: TracebackType, lines: Collection[int]
) -> Iterator[Trap]:
    """The traps that indirect calls in some lines of compiled code would come to."""
    frame = traceback.tb_frame
    for name, index in indices_read(frame.f_code, lines, frame.f_locals):
        trap = _indirect(instance, name, index)
        if trap is not None:
            yield trap


def _indirect(instance: Instance, name: str, index: int) -> Trap | None:
    """The trap that an indirect call comes to with an index, if it comes to one."""
    called = _CALLEES.fullmatch(name)
    if called is None:
        return None
    elements = instance.tables[int(called[1])].elements
    if not 0 <= index < len(elements):
        return undefined(index, len(elements))
    element, expected = elements[index], instance.module.types[int(called[2])]
    if element is None:
        return uninitialized(index, len(elements))
    if element.type != expected:
        return mismatched(index, len(elements), element.type, expected)
    return None
