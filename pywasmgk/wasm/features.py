"""Which proposals a module may use, and which one a byte belongs to, for errors that name it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import ValidationError
from .types import GlobalType, ValType

if TYPE_CHECKING:
    from .module import Module

__all__ = ["TITLES", "Features", "declared", "proposal_of", "refusal", "require_features"]

#: what came after the first release and the engine knows: fields of Features, and their names
TITLES = {
    "mutable_globals": "mutable globals",
    "sign_extension": "sign extension",
    "saturating_float_to_int": "saturating conversions",
    "multi_value": "multi-value",
    "bulk_memory": "bulk memory",
    "reference_types": "reference types",
    "simd": "SIMD",
}
#: what it does not know, by the first byte of an instruction
_UNKNOWN = {
    "exception handling": (0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F),
    "the tail call proposal": (0x12, 0x13, 0x15),
    "the function references proposal": (0x14, 0xD3, 0xD4, 0xD5, 0xD6),
    "garbage collection": (0xFB,),
    "relaxed SIMD": (0xFD,),
    "the threads proposal": (0xFE,),
}
_OF = {opcode: name for name, opcodes in _UNKNOWN.items() for opcode in opcodes}
_OF_TYPES = {
    ValType.V128: "simd",
    ValType.FUNCREF: "reference_types",
    ValType.EXTERNREF: "reference_types",
}


@dataclass(frozen=True)
class Features:
    """The proposals that a module may use, beyond the first release of WebAssembly.

    The default is WebAssembly 2.0. A module that uses what is switched off is refused with a
    DecodeError or ValidationError that names the proposal.
    """

    #: mutable globals may be imported and exported
    mutable_globals: bool = True
    #: ``i32.extend8_s`` and its like
    sign_extension: bool = True
    #: ``i32.trunc_sat_f32_s`` and its like
    saturating_float_to_int: bool = True
    #: blocks with parameters, and several results of blocks and functions
    multi_value: bool = True
    #: ``memory.copy`` and its like, passive segments
    bulk_memory: bool = True
    #: ``funcref`` and ``externref`` as values, several tables
    reference_types: bool = True
    #: vectors of 128 bits
    simd: bool = True

    @cached_property
    def refused(self) -> frozenset[str]:
        """The fields that are off."""
        return frozenset(item.name for item in fields(self) if not getattr(self, item.name))

    def refusal(self, feature: str) -> str | None:
        """Why a proposal may not be used, or ``None`` if it may."""
        return refusal(feature) if feature in self.refused else None

    def refusal_of_type(self, kind: ValType) -> str | None:
        """Why values may not have a type, or ``None`` if they may."""
        return self.refusal(_OF_TYPES.get(kind, ""))


def refusal(feature: str) -> str:
    """The words for a proposal that is switched off."""
    return f"{TITLES[feature]} is not among the features that this module may use"


def proposal_of(opcode: int) -> str | None:
    """The proposal that defines an opcode's first byte, if the engine does not know it."""
    return _OF.get(opcode)


def require_features(module: Module) -> None:
    """Checks all of a module but its code. Raises ValidationError."""
    refused = module.features.refused
    if not refused:
        return
    for feature, what in declared(module):
        if feature in refused:
            raise ValidationError(f"{what}: {refusal(feature)}")


def declared(module: Module) -> Iterator[tuple[str, str]]:
    """The features that a module uses outside of its code, and what uses them."""
    for index, type_ in enumerate(module.types):
        if len(type_.results) > 1:
            yield "multi_value", f"type {index} has {len(type_.results)} results"
        for kind in (*type_.params, *type_.results):
            if kind in _OF_TYPES:
                yield _OF_TYPES[kind], f"type {index} has values of type {kind}"
    for index, global_ in enumerate(module.globals):
        if global_.value_type in _OF_TYPES:
            yield _OF_TYPES[global_.value_type], f"global {index} is of type {global_.value_type}"
    externs = [item.type for item in module.imports] + [item.type for item in module.exports]
    if any(isinstance(type_, GlobalType) and type_.mutable for type_ in externs):
        yield "mutable_globals", "a mutable global is imported or exported"
    if len(module.tables) > 1:
        yield "reference_types", f"there are {len(module.tables)} tables"
    for index, table in enumerate(module.tables):
        if table.element is not ValType.FUNCREF:
            yield "reference_types", f"table {index} holds {table.element}"
    yield from _declared_segments(module)


def _declared_segments(module: Module) -> Iterator[tuple[str, str]]:
    for index, element in enumerate(module.elements):
        if element.mode == "passive":
            yield "bulk_memory", f"element segment {index} is passive"
        if element.mode == "declarative" or element.type is not ValType.FUNCREF:
            what = f"element segment {index} is {element.mode} and holds {element.type}"
            yield "reference_types", what
    for index, data in enumerate(module.datas):
        if data.mode == "passive":
            yield "bulk_memory", f"data segment {index} is passive"
    if module.data_count is not None:
        yield "bulk_memory", "there is a data count section"
