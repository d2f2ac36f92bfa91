"""Validation of modules (spec, section "Validation: Modules")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import ValidationError
from .bodies import ModuleContext, check_constant, validate_function
from .features import require_features
from .names import clean
from .types import MAX_PAGES, FuncType, Limits, ValType

if TYPE_CHECKING:
    from .module import Element, Module

__all__ = ["validate_module"]

#: parameters or results that a function type may have, as in web engines
MAX_ARITY = 1000

#: bytes of code that a module may have altogether for its block maps to be kept, which take about
#: forty times as much; making one again takes as long as validation
_SMALL = 32 << 10

I32 = ValType.I32


def validate_module(module: Module, *, bodies: bool = True) -> ModuleContext:
    """Checks a module, with all function bodies unless ``bodies`` is false.

    Gives the context in which single bodies can be validated later. Raises ValidationError, or
    DecodeError where a body is malformed.
    """
    require_features(module)
    for index, kind in enumerate(module.types):
        if max(len(kind.params), len(kind.results)) > MAX_ARITY:
            raise ValidationError(f"type {index} has more than {MAX_ARITY} parameters or results")
    _check_limits(module)
    context = ModuleContext(module)
    references = set(_check_constants(module, context))
    _check_start(module)
    references.update(_check_exports(module))
    context.declared = frozenset(references)
    if bodies:
        first = module.import_counts["func"]
        keep = sum(body.end - body.start for body in module.bodies) <= _SMALL
        for index in range(first, first + len(module.bodies)):
            body = validate_function(context, module, index)
            if keep:
                module.block_maps[index] = body
    return context


def _check_range(limits: Limits, what: str, most: int | None) -> None:
    if most is not None and max(limits.min, limits.max or 0) > most:
        raise ValidationError(f"{what} size must be at most {most} pages (4GiB)")
    if limits.max is not None and limits.max < limits.min:
        raise ValidationError(f"size minimum must not be greater than maximum: {what} {limits}")


def _check_limits(module: Module) -> None:
    for table in module.tables:
        _check_range(table.limits, "table", None)
    for memory in module.memories:
        _check_range(memory.limits, "memory", MAX_PAGES)
    if len(module.memories) > 1:
        raise ValidationError("multiple memories: the multi-memory proposal is not supported")


def _check_constants(module: Module, context: ModuleContext) -> Iterator[int]:
    """Checks globals and segments; gives the functions that they name."""
    first = module.import_counts["global"]
    for type_, init in zip(module.globals[first:], module.global_inits):
        yield from check_constant(context, module, init, type_.value_type)
    for element in module.elements:
        yield from _check_element(module, context, element)
    for number, data in enumerate(module.datas):
        if data.offset is not None:
            if data.memory >= len(module.memories):
                raise ValidationError(f"unknown memory {data.memory} in data segment {number}")
            yield from check_constant(context, module, data.offset, I32)


def _check_element(module: Module, context: ModuleContext, element: Element) -> Iterator[int]:
    if element.offset is not None:
        if element.table >= len(module.tables):
            raise ValidationError(f"unknown table {element.table} in an element segment")
        if module.tables[element.table].element is not element.type:
            raise ValidationError(
                f"type mismatch: a segment of {element.type} for table {element.table} "
                f"of {module.tables[element.table].element}"
            )
        yield from check_constant(context, module, element.offset, I32)
    for item in element.init:
        if isinstance(item, int):
            if item >= len(module.functions):
                raise ValidationError(f"unknown function {item} in an element segment")
            yield item
        else:
            yield from check_constant(context, module, item, element.type)


def _check_start(module: Module) -> None:
    if module.start is None:
        return
    if module.start >= len(module.functions):
        raise ValidationError(f"unknown function {module.start} as start function")
    kind = module.functions[module.start]
    if kind != FuncType():
        raise ValidationError(f"start function must be () -> (), found {kind}")


def _check_exports(module: Module) -> Iterator[int]:
    """Checks exports for double names; gives the functions among them."""
    seen: set[str] = set()
    for export in module.exports:
        if export.name in seen:
            raise ValidationError(f"duplicate export name {clean(export.name)!r}")
        seen.add(export.name)
        if export.kind == "func":
            yield export.index
