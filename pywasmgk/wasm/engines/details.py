"""What traps of other engines say besides: the operands, as our own engines tell them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...errors import Trap, TrapCode
from ..binary.decoding import read_opcode
from ..isa import CONTROL_FORMS
from ..isa.bounds import access_text, mismatched, undefined, uninitialized
from ..isa.immediates import READERS
from ..module import Module
from .store import Ended

if TYPE_CHECKING:
    from .instance import EngineInstance

__all__ = ["detailed"]

#: what engines take an indirect call's trap for. V8 has one for null and for another type
_TAKEN_FOR = {
    TrapCode.TABLE_OUT_OF_BOUNDS: (TrapCode.TABLE_OUT_OF_BOUNDS,),
    TrapCode.BAD_SIGNATURE: (TrapCode.BAD_SIGNATURE,),
    TrapCode.INDIRECT_CALL_TO_NULL: (TrapCode.INDIRECT_CALL_TO_NULL, TrapCode.BAD_SIGNATURE),
}


def detailed(trap: Trap, ended: Ended, instance: EngineInstance) -> Trap:
    """The trap that a call of ``instance`` ended with, with what is known of its operands."""
    places = ((spot.module, spot.module.place(spot.offset)) for spot in ended.spots)
    made, place = next((found for found in places if found[1] is not None), (None, None))
    if made is None or place is None or trap.message != trap.trap_code.value:
        return trap
    module = made.module
    row, pos = read_opcode(module.data, place.offset, 0, module.isa)
    form = CONTROL_FORMS.get(row.form or "")
    if form is not None and form.calls and form.chooses:
        same = [one for one in made.instances if one.store is instance.store]
        return _of_element(trap, same, module, pos)
    if ended.address is not None and instance.memories and "memarg" in row.immediates:
        trap.message = access_text(ended.address, row.width, len(instance.memories[0]))
    return trap


def _of_element(trap: Trap, same: Iterable[EngineInstance], module: Module, pos: int) -> Trap:
    """The trap of an indirect call in one of these instances. Where several could have raised it,
    and would say different things, it stays what the engine made of it."""
    kind, pos = READERS["typeidx"](module.data, pos, 0)
    table, _ = READERS["tableidx"](module.data, pos, 0)
    found = {}
    for instance in same:
        told = _call_of(instance, table, kind)
        if told is not None and trap.trap_code in _TAKEN_FOR[told.trap_code]:
            found[told.message] = told
    if len(found) == 1:
        return found.popitem()[1]
    if trap.trap_code is TrapCode.TABLE_OUT_OF_BOUNDS:
        trap.message = "undefined element"
    return trap


def _call_of(instance: EngineInstance, table: int, kind: int) -> Trap | None:
    """The trap of the latest indirect call of an instance, if it would have been one."""
    index = instance.noted_element()
    elements = instance.tables[table].elements
    if index >= len(elements):
        return undefined(index, len(elements))
    element, wanted = elements[index], instance.module.types[kind]
    if element is None:
        return uninitialized(index, len(elements))
    return (
        mismatched(index, len(elements), element.type, wanted) if element.type != wanted else None
    )
