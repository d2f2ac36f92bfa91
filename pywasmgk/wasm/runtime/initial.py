"""The initial values of an instance: constant expressions and segments (spec, "Instantiation")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import Trap, TrapCode
from ..interpreter.code import prepare
from ..interpreter.execution import Execution
from ..module import ConstExpr, Element
from ..types import ValType
from ..valid.bodies import validate_constant
from ..watch import Look, each, never
from .metering import Meter

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["Constants", "fill_segments", "passive_segments"]

#: expressions whose values are remembered
_MOST_KNOWN = 1_000


class Constants:
    """The values of constant expressions. They have no effects: the same bytes have one value."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._known: dict[tuple[bytes, ValType], Any] = {}

    def value(self, init: ConstExpr, kind: ValType) -> Any:
        """The value of an expression; what is no plain number, the interpreter computes."""
        module = self._instance.module
        plain = module.context.plain
        if init.start in plain:
            return plain[init.start]
        key = module.data[init.start : init.end], kind
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._compute(init, kind)
        return self._known[key]

    def _compute(self, init: ConstExpr, kind: ValType) -> Any:
        module = self._instance.module
        body = validate_constant(module.context, module, init, kind)
        execution = Execution.of_constant(self._instance, prepare(body, module.isa))
        return execution.run(Meter(None, None))[0]


def fill_segments(instance: Instance, look: Look) -> None:
    """Evaluates all segments, then applies the active ones in order. ``look`` may end it in time.

    Raises Trap for one out of bounds; what came before it stays.
    """
    constants = Constants(instance)
    _fill_tables(instance, constants, look)
    data = instance.module.data
    for number, expression, offset, start, end in each(instance.module.datas.placed(), look):
        content = data[start:end]
        if expression is not None:
            offset = constants.value(expression, ValType.I32)
        if offset is None:
            instance.datas.append(content)
            continue
        memory = instance.memories[number].data
        behind = offset + end - start
        if behind > len(memory):
            raise _no_room(offset, content, memory, TrapCode.MEMORY_OUT_OF_BOUNDS)
        memory[offset:behind] = content
        instance.datas.append(b"")


def _fill_tables(instance: Instance, constants: Constants, look: Look) -> None:
    elements = instance.module.elements
    for element in each(elements, look):
        instance.elems.append(_values(instance, element, constants, look))
    for index, element in enumerate(each(elements, look)):
        if element.offset is not None:
            offset = constants.value(element.offset, ValType.I32)
            table, values = instance.tables[element.table], instance.elems[index]
            if offset + len(values) > len(table.elements):
                raise _no_room(offset, values, table.elements, TrapCode.TABLE_OUT_OF_BOUNDS)
            table.replace(offset, values)
        if element.mode != "passive":
            instance.elems[index] = ()


def _values(
    instance: Instance, element: Element, constants: Constants, look: Look = never
) -> list[Any]:
    """The references of an element segment."""
    funcs, kind = instance.funcs, element.type
    return [
        funcs[item] if isinstance(item, int) else constants.value(item, kind)
        for item in each(element.init, look, element.offset_in_file)
    ]


def passive_segments(instance: Instance) -> tuple[list[bytes], list[Sequence[Any]]]:
    """What ``datas`` and ``elems`` of an instance are before any is dropped."""
    module, constants = instance.module, Constants(instance)
    datas = [
        module.data[start:end] if expression is None and offset is None else b""
        for _, expression, offset, start, end in module.datas.placed()
    ]
    elems: list[Sequence[Any]] = [
        _values(instance, element, constants) if element.mode == "passive" else ()
        for element in module.elements
    ]
    return datas, elems


def _no_room(offset: int, content: Sequence[Any], target: Sequence[Any], code: TrapCode) -> Trap:
    return Trap(
        code,
        f"{code.value}: a segment of {len(content)} at {offset} does not fit into {len(target)}",
    )
