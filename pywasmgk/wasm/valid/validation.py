"""Validation of modules (spec, section "Validation: Modules")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import ValidationError
from ...printable import printable
from ..binary.places import invalid
from ..features import require_features, unsupported
from ..types import MAX_ARITY, MAX_PAGES, FuncType, Limits, ValType
from ..watch import Look, each, never
from .acceptance import FunctionValidator
from .bodies import ModuleContext, check_constant

if TYPE_CHECKING:
    from ..module import Element, Module

__all__ = ["validate_bodies", "validate_module"]

I32 = ValType.I32


def validate_module(module: Module, look: Look = never) -> ModuleContext:
    """Checks what a module declares, its function bodies aside.

    Gives the context in which bodies can be validated later. ``look`` may end it in time. Raises
    ValidationError, or DecodeError where a constant expression is malformed.
    """
    require_features(module, look)
    for index, kind in enumerate(each(module.types, look)):
        if max(len(kind.params), len(kind.results)) > MAX_ARITY:
            message = f"type {index} has more than {MAX_ARITY} parameters or results"
            raise invalid(module, "type", index, message)
    _check_limits(module, look)
    context = ModuleContext(module)
    context.look = look
    references = set(_check_constants(module, context))
    _check_start(module)
    references.update(_check_exports(module, look))
    context.declared = frozenset(references)
    return context


def validate_bodies(module: Module, validator: FunctionValidator) -> None:
    """Checks all function bodies. Raises ValidationError, or DecodeError for a malformed one."""
    first = module.import_counts["func"]
    for index, body in enumerate(module.bodies, first):
        validator.context.look(body.start)
        validator.check(module, index)


def _check_range(module: Module, kind: str, index: int, limits: Limits, most: int | None) -> None:
    fault = None
    if most is not None and max(limits.min, limits.max or 0) > most:
        fault = f"{kind} size must be at most {most} pages (4GiB)"
    elif limits.max is not None and limits.max < limits.min:
        fault = f"size minimum must not be greater than maximum: {kind} {limits}"
    if fault is not None:
        raise invalid(module, kind, index, fault)


def _check_limits(module: Module, look: Look) -> None:
    for index, table in enumerate(each(module.tables, look)):
        _check_range(module, "table", index, table.limits, None)
    for index, memory in enumerate(each(module.memories, look)):
        _check_range(module, "memory", index, memory.limits, MAX_PAGES)
        if memory.shared and memory.limits.max is None:
            raise invalid(module, "memory", index, "shared memory must have maximum")
    if len(module.memories) > 1:
        message = f"multiple memories: {unsupported('the multi-memory proposal')}"
        raise invalid(module, "memory", 1, message)


def _check_constants(module: Module, context: ModuleContext) -> Iterator[int]:
    """Checks globals and segments; gives the functions that they name."""
    known: dict[tuple[bytes, ValType], frozenset[int]] = {}
    first = module.import_counts["global"]
    look = context.look
    defined = zip(module.globals[first:], module.global_inits)
    for number, (type_, init) in enumerate(each(defined, look), first):
        yield from check_constant(context, module, init, type_.value_type, known, number)
    every = len(module.globals)
    for element in each(module.elements, look):
        yield from _check_element(module, context, element, known)
    memories = len(module.memories)
    for number, (memory, expression, offset, _, _) in enumerate(each(module.datas.placed(), look)):
        if memory >= memories and (expression is not None or offset is not None):
            message = f"unknown memory {memory} in data segment {number}"
            raise invalid(module, "data", number, message)
        if expression is not None:
            yield from check_constant(context, module, expression, I32, known, every)


def _check_element(
    module: Module,
    context: ModuleContext,
    element: Element,
    known: dict[tuple[bytes, ValType], frozenset[int]],
) -> Iterator[int]:
    every = len(module.globals)
    if element.offset is not None:
        if element.table >= len(module.tables):
            message = f"unknown table {element.table} in an element segment"
            raise ValidationError(message, element.offset_in_file)
        if module.tables[element.table].element is not element.type:
            message = (
                f"type mismatch: a segment of {element.type} for table {element.table} "
                f"of {module.tables[element.table].element}"
            )
            raise ValidationError(message, element.offset_in_file)
        yield from check_constant(context, module, element.offset, I32, known, every)
    for item in each(element.init, context.look, element.offset_in_file):
        if isinstance(item, int):
            if item >= len(module.functions):
                message = f"unknown function {item} in an element segment"
                raise ValidationError(message, element.offset_in_file)
            yield item
        else:
            yield from check_constant(context, module, item, element.type, known, every)


def _check_start(module: Module) -> None:
    if module.start is None:
        return
    if module.start >= len(module.functions):
        message = f"unknown function {module.start} as start function"
        raise invalid(module, "start", 0, message)
    kind = module.functions[module.start]
    if kind != FuncType():
        raise invalid(module, "start", 0, f"start function must be () -> (), found {kind}")


def _check_exports(module: Module, look: Look) -> Iterator[int]:
    """Checks exports for double names; gives the functions among them."""
    seen: set[str] = set()
    for number, export in enumerate(each(module.exports, look)):
        if export.name in seen:
            message = f"duplicate export name {printable(export.name)!r}"
            raise invalid(module, "export", number, message)
        seen.add(export.name)
        if export.kind == "func":
            yield export.index
