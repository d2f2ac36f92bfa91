"""Which proposals a module may use, and which one a byte belongs to, for errors that name it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from .types import GlobalType, ValType
from .watch import Look, each, never

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "TITLES",
    "Features",
    "declared",
    "is_extended_constant",
    "proposal_of",
    "refusal",
    "require_features",
    "unsupported",
    "why_no_type",
    "why_unknown",
]

#: what came after the first release and the engine knows: fields of Features, and their names
TITLES = {
    "mutable_globals": "mutable globals",
    "sign_extension": "sign extension",
    "saturating_float_to_int": "saturating conversions",
    "multi_value": "multi-value",
    "bulk_memory": "bulk memory",
    "reference_types": "reference types",
    "simd": "SIMD",
    "threads": "threads",
    "wide_arithmetic": "wide arithmetic",
    "compact_imports": "compact import sections",
    "extended_constants": "extended constants",
    "tail_calls": "tail calls",
    "exceptions": "exception handling",
    "legacy_exceptions": "legacy exception handling",
}
#: the fields of WebAssembly 2.0, and what the engine has of 3.0 beyond it
_RELEASE_2 = frozenset(
    (
        "mutable_globals", "sign_extension", "saturating_float_to_int", "multi_value",
        "bulk_memory", "reference_types", "simd",
    )
)  # fmt: skip
_RELEASE_3 = _RELEASE_2 | {"extended_constants", "tail_calls", "exceptions"}
#: what it does not know, by the first byte of an instruction
_UNKNOWN = {
    "the function references proposal": (0x14, 0x15, 0xD3, 0xD4, 0xD5, 0xD6),
    "the stack switching proposal": range(0xE0, 0xE7),
    "garbage collection": (0xFB,),
}
#: what it does not know, by a prefix and the numbers behind it
_UNKNOWN_BEHIND = {
    "the memory control proposal": (0xFC, range(0x12, 0x13)),
    "the rounding variants proposal": (0xFC, range(0x80, 0xBC)),
    "relaxed SIMD": (0xFD, range(0x100, 0x120)),
    "the half precision proposal": (0xFD, range(0x120, 0x200)),
}
#: what constant expressions may have besides, by the extended constants proposal
_EXTENDED_CONSTANTS = frozenset(
    f"{kind}.{operation}" for kind in ("i32", "i64") for operation in ("add", "sub", "mul")
)
#: what it does not know, by the first byte of a type
_UNKNOWN_TYPES = {
    "the stack switching proposal": (0x68, 0x75),
    "shared-everything threads": (0x65,),
    "the custom descriptors proposal": (0x62,),
    "reference-typed strings": (0x67,),
    "the function references proposal": (0x63, 0x64),
    "garbage collection": (*range(0x6A, 0x6F), *range(0x71, 0x75)),
}
_OF = {opcode: name for name, opcodes in _UNKNOWN.items() for opcode in opcodes}
_OF_TYPE = {byte: name for name, numbers in _UNKNOWN_TYPES.items() for byte in numbers}
_OF_TYPES = {
    ValType.V128: "simd",
    ValType.FUNCREF: "reference_types",
    ValType.EXTERNREF: "reference_types",
    ValType.EXNREF: "exceptions",
}


@dataclass(frozen=True)
class Features:
    """The proposals that a module may use, beyond the first release of WebAssembly.

    The default is all that the engine knows. ``Features.SEED`` is WebAssembly 2.0, as the runtime
    of the GoatKit contract has it, and what plugins are held to; ``Features.V3`` is what the engine
    has of 3.0, the proposals beyond any release left out. A module that uses what is switched off
    is refused with a DecodeError or ValidationError that names the proposal, and what to build
    with.
    """

    SEED: ClassVar[Features]
    V3: ClassVar[Features]

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
    #: atomic instructions and shared memories
    threads: bool = True
    #: ``i64.add128`` and its like
    wide_arithmetic: bool = True
    #: imports that share the name of their module, in a shorter form
    compact_imports: bool = True
    #: sums and products in constant expressions, and any immutable global that is declared before
    extended_constants: bool = True
    #: ``return_call`` and ``return_call_indirect``
    tail_calls: bool = True
    #: tags, ``throw``, ``try_table``, ``throw_ref`` and ``exnref``
    exceptions: bool = True
    #: ``try`` with ``catch`` and its like, the encoding of exceptions before that; tags and
    #: ``throw`` are those of ``exceptions``
    legacy_exceptions: bool = True

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


def _only(names: frozenset[str]) -> Features:
    return Features(**{item.name: item.name in names for item in fields(Features)})


Features.SEED, Features.V3 = _only(_RELEASE_2), _only(_RELEASE_3)


def refusal(feature: str) -> str:
    """The words for a proposal that is switched off."""
    title = TITLES[feature]
    return f"{title} is not among the features that this module may use{_remedy(title)}"


def unsupported(proposal: str) -> str:
    """The words for a proposal that the engine does not know."""
    return f"{proposal} is not supported{_remedy(proposal)}"


def _remedy(proposal: str) -> str:
    from .remedies import remedy  # only who refuses needs it

    return remedy(proposal)


def proposal_of(opcode: int, number: int | None = None) -> str | None:
    """The proposal that defines an opcode, if the engine does not know it: by its first byte, and
    by the number behind a prefix."""
    if number is None:
        return _OF.get(opcode)
    behind = (
        name
        for name, (prefix, numbers) in _UNKNOWN_BEHIND.items()
        if prefix == opcode and number in numbers
    )
    return next(behind, _OF.get(opcode))


def why_no_type(byte: int, *, heap: bool = False) -> str:
    """The end of an error message: the proposal that a type's first byte belongs to, if the engine
    does not know it. What is a ``heap`` type may be an index by one of them."""
    proposal = _OF_TYPE.get(byte)
    if heap and byte < 0x40:
        proposal = "the function references proposal"
    return "" if proposal is None else f": {unsupported(proposal)}"


def is_extended_constant(name: str) -> bool:
    """Whether constant expressions may have an instruction by the extended constants proposal."""
    return name in _EXTENDED_CONSTANTS


class Use(NamedTuple):
    """A feature that a module uses outside of its code."""

    feature: str
    #: what uses it, in words, and as a number of its kind (see ``binary.places``)
    what: str
    kind: str
    number: int


def require_features(module: Module, look: Look = never) -> None:
    """Checks all of a module but its code. Raises ValidationError."""
    refused = module.features.refused
    if not refused:
        return
    for use in declared(module, look):
        if use.feature in refused:
            # only who refuses looks for the place
            from .binary.places import invalid

            raise invalid(module, use.kind, use.number, f"{use.what}: {refusal(use.feature)}")


def declared(module: Module, look: Look = never) -> Iterator[Use]:
    """The features that a module uses outside of its code."""
    for index, type_ in enumerate(each(module.types, look)):
        if len(type_.results) > 1:
            what = f"type {index} has {len(type_.results)} results"
            yield Use("multi_value", what, "type", index)
        for kind in (*type_.params, *type_.results):
            if kind in _OF_TYPES:
                what = f"type {index} has values of type {kind}"
                yield Use(_OF_TYPES[kind], what, "type", index)
    if module.groups_imports:
        yield Use("compact_imports", "imports are grouped", "import", 0)
    if module.tags:
        yield Use("exceptions", f"there are {len(module.tags)} tags", "tag", 0)
    for index, global_ in enumerate(each(module.globals, look)):
        kind = global_.value_type
        if kind in _OF_TYPES:
            yield Use(_OF_TYPES[kind], f"global {index} is of type {kind}", "global", index)
    for where, types in (
        ("import", [item.type for item in module.imports]),
        ("export", [item.type for item in module.exports]),
    ):
        for index, extern in enumerate(each(types, look)):
            if isinstance(extern, GlobalType) and extern.mutable:
                what = "a mutable global is imported or exported"
                yield Use("mutable_globals", what, where, index)
    if len(module.tables) > 1:
        yield Use("reference_types", f"there are {len(module.tables)} tables", "table", 1)
    for index, table in enumerate(each(module.tables, look)):
        if table.element is not ValType.FUNCREF:
            what = f"table {index} holds {table.element}"
            yield Use(_OF_TYPES[table.element], what, "table", index)
    yield from _declared_segments(module, look)


def _declared_segments(module: Module, look: Look) -> Iterator[Use]:
    for index, memory in enumerate(each(module.memories, look)):
        if memory.shared:
            yield Use("threads", f"memory {index} is shared", "memory", index)
    for index, element in enumerate(each(module.elements, look)):
        if element.mode == "passive":
            yield Use("bulk_memory", f"element segment {index} is passive", "elem", index)
        if element.mode == "declarative" or element.type is not ValType.FUNCREF:
            what = f"element segment {index} is {element.mode} and holds {element.type}"
            yield Use("reference_types", what, "elem", index)
    for index, data in enumerate(each(module.datas, look)):
        if data.mode == "passive":
            yield Use("bulk_memory", f"data segment {index} is passive", "data", index)
    if module.data_count is not None:
        yield Use("bulk_memory", "there is a data count section", "datacount", 0)


#: words of the text format that the engine does not know, by proposal
_WORDS = {
    "the function references proposal": (
        r"\(?ref|(return_)?call_ref|ref\.as_non_null|br_on_(non_)?null|func\.bind|let"
    ),
    "garbage collection": (
        r"rec|\((sub|struct|array|rec)|(struct|array|i31)\.\w+|ref\.(i31|eq|test|cast)"
        r"|br_on_cast(_fail)?|(any\.convert_extern|extern\.convert_any|extern\.\w+ternalize)"
        r"|(any|eq|i31|struct|array|null|nullfunc|nullextern|nullexn)(ref)?|none|nofunc|noextern"
        r"|noexn|\(?rtt|rtt\.\w+|dataref|(ref\.(is|as)|br_on)_(func|data|i31)"
    ),
    "relaxed SIMD": r"\w+\.relaxed_\w+",
    "shared-everything threads": (
        r"\(?(un)?shared|\w+\.atomic\.[\w.]+|pause|thread\.(spawn|hw)\w*|acq_?rel|seq_?cst"
        r"|\(?thread_local|ref\.i31_shared|waitqueue(ref|\.\w+)"
    ),
    "the memory control proposal": r"memory\.(discard|protect|map|unmap)",
    "the half precision proposal": r"f16x8\.\w+|f32\.(load|store)_f16|\w+\.\w+_f16x8\w*",
    "the rounding variants proposal": (
        r"f(32|64)\.(add|sub|mul|div|sqrt|convert|demote)(_\w+)?_(ceil|floor|trunc)(_\w+)?"
    ),
    "the flexible vectors proposal": r"vec\.\w+(\.\w+)*|\w+\.vec\.\w+",
    "the type imports proposal": r"(im|ex)ported type|\((im|ex)port",
    "the numeric values in data segments proposal": r"\(([if](8|16|32|64)|v128)",
    "the call tags proposal": r"\(?call_tag(\.\w+)?|call_with_tag|func_switch",
    "the feature detection proposal": r"features?\.supported",
    "the JIT interface proposal": r"func\.new",
    "the stack switching proposal": (
        r"\(cont|cont\.\w+|suspend|resume(_throw(_ref)?)?|switch|(no)?cont|(null)?contref"
    ),
    "custom page sizes": r"\(pagesize",
    "the component model": r"component|instance|module|alias|\(instance|\(module",
    "the custom descriptors proposal": (
        r"\((descriptor|describes|exact)|ref\.(get|cast|test)_desc\w*|br_on_cast_desc\w*"
    ),
    "reference-typed strings": r"string(ref)?|stringview_\w+|string\w*\.\w+",
}


def why_unknown(word: str) -> str:
    """The end of an error message: the proposal that defines a word of the text format, if the
    engine does not know it. Of what stands in parentheses, the word begins with one."""
    found = (name for name, words in _WORDS.items() if re.fullmatch(words, word))
    return next((f": {unsupported(name)}" for name in found), "")
