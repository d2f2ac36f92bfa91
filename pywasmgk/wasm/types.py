"""The types of WebAssembly (spec, section "Structure: Types")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Union

__all__ = [
    "MAX_ARITY",
    "MAX_PAGES",
    "PAGE_SIZE",
    "ExportType",
    "ExternType",
    "FuncType",
    "GlobalType",
    "ImportType",
    "Limits",
    "MemoryType",
    "TableType",
    "TagType",
    "ValType",
]

#: bytes in a page of linear memory
PAGE_SIZE = 65536
#: pages that 32-bit addresses can reach
MAX_PAGES = 65536
#: parameters or results that a function type may have, as in web engines
MAX_ARITY = 1000


class ValType(Enum):
    """The type of a value; ``str()`` is its name in the text format."""

    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    V128 = "v128"
    FUNCREF = "funcref"
    EXTERNREF = "externref"
    EXNREF = "exnref"

    # Enum hashes the name, in Python; types are keys all over validation
    __hash__ = object.__hash__

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return self.value

    @property
    def is_reference(self) -> bool:
        """Whether values of this type are references."""
        return self in _REFERENCES


_REFERENCES = frozenset((ValType.FUNCREF, ValType.EXTERNREF, ValType.EXNREF))


def _row(types: tuple[ValType, ...]) -> str:
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


@dataclass(frozen=True)
class FuncType:
    """Parameters and results of a function."""

    params: tuple[ValType, ...] = ()
    results: tuple[ValType, ...] = ()

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.params))}) -> {_row(self.results)}"


class Limits(NamedTuple):
    """A size range in pages or elements; ``max`` is ``None`` where there is none."""

    min: int
    max: int | None = None

    def __str__(self) -> str:
        return f"{self.min}.." + ("" if self.max is None else str(self.max))

    def accepts(self, size: int, maximum: int | None) -> bool:
        """Whether an external of this size and maximum matches (spec, "Import Matching")."""
        if size < self.min:
            return False
        return self.max is None or (maximum is not None and maximum <= self.max)


@dataclass(frozen=True)
class TableType:
    """A table's element type and its limits in elements."""

    element: ValType
    limits: Limits

    def __str__(self) -> str:
        return f"table {self.limits} {self.element}"


@dataclass(frozen=True)
class MemoryType:
    """A memory's limits in pages of 65536 bytes, and whether threads may share it."""

    limits: Limits
    shared: bool = False

    def __str__(self) -> str:
        return f"memory {self.limits}{' shared' if self.shared else ''}"


@dataclass(frozen=True)
class GlobalType:
    """A global's value type, and whether it may be set."""

    value_type: ValType
    mutable: bool = False

    def __str__(self) -> str:
        return f"global {'mut ' if self.mutable else ''}{self.value_type}"


@dataclass(frozen=True)
class TagType:
    """What an exception of a tag carries."""

    params: tuple[ValType, ...] = ()

    def __str__(self) -> str:
        return f"tag ({', '.join(map(str, self.params))})"


ExternType = Union[FuncType, TableType, MemoryType, GlobalType, TagType]


class ImportType(NamedTuple):
    """One import of a module; ``kind`` is ``func``, ``table``, ``memory``, ``global`` or
    ``tag``."""

    module: str
    name: str
    kind: str
    type: ExternType


@dataclass(frozen=True)
class ExportType:
    """One export of a module; ``index`` counts in the index space of its kind."""

    name: str
    kind: str
    type: ExternType
    index: int
