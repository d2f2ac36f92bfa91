"""Types of values, functions, memories, tables, globals and tags; imports and exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from ...wasm import types
from ...wasm.types import PAGE_SIZE
from ._errors import WasmtimeError
from ._managed import Managed

__all__ = [
    "ExportType",
    "FuncType",
    "GlobalType",
    "ImportType",
    "Limits",
    "MemoryType",
    "TableType",
    "TagType",
    "ValType",
    "of_engine",
]

_KINDS = {str(kind): kind for kind in types.ValType}
#: words that differ from the specification's
_NAMES = {"externref": "anyref"}
_PAGE_LOG2 = 16


class ValType(Managed):
    """The type of a value; made by its class methods."""

    _kind: types.ValType

    def __init__(self) -> None:
        raise WasmtimeError("cannot construct directly")

    @classmethod
    def _of(cls, kind: types.ValType) -> ValType:
        made = cls.__new__(cls)
        made._kind = kind
        return made

    @classmethod
    def i32(cls) -> ValType:
        """32-bit integers."""
        return cls._of(_KINDS["i32"])

    @classmethod
    def i64(cls) -> ValType:
        """64-bit integers."""
        return cls._of(_KINDS["i64"])

    @classmethod
    def f32(cls) -> ValType:
        """32-bit floats."""
        return cls._of(_KINDS["f32"])

    @classmethod
    def f64(cls) -> ValType:
        """64-bit floats."""
        return cls._of(_KINDS["f64"])

    @classmethod
    def externref(cls) -> ValType:
        """Any Python object."""
        return cls._of(_KINDS["externref"])

    @classmethod
    def funcref(cls) -> ValType:
        """A Func, or None."""
        return cls._of(_KINDS["funcref"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValType) and self._kind is other._kind

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        name = str(self._kind)
        return _NAMES.get(name, name)

    __repr__ = __str__


class Limits:
    """The least and the most size of a memory or table; the most may be ``None``."""

    def __init__(self, min: int, max: int | None) -> None:
        self.min = min
        self.max = max

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Limits) and (self.min, self.max) == (other.min, other.max)

    __hash__ = None  # type: ignore[assignment]


def _require_limits(limits: Any) -> None:
    if not isinstance(limits, Limits):
        raise TypeError("expected Limits")


def _require_valtype(valtype: Any) -> None:
    if not isinstance(valtype, ValType):
        raise TypeError("expected valtype")


class FuncType(Managed):
    """Parameters and results of a function. Raises TypeError for what is no ValType."""

    def __init__(self, params: Sequence[ValType], results: Sequence[ValType]) -> None:
        for kind in (*params, *results):
            if not isinstance(kind, ValType):
                raise TypeError("expected ValType")
        self._type = types.FuncType(
            tuple(kind._kind for kind in params), tuple(kind._kind for kind in results)
        )

    @property
    def params(self) -> list[ValType]:
        """Types of the parameters."""
        return [ValType._of(kind) for kind in self._type.params]

    @property
    def results(self) -> list[ValType]:
        """Types of the results."""
        return [ValType._of(kind) for kind in self._type.results]


class GlobalType(Managed):
    """The type of a global."""

    def __init__(self, valtype: ValType, mutable: bool) -> None:
        _require_valtype(valtype)
        self._type = types.GlobalType(valtype._kind, bool(mutable))

    @property
    def content(self) -> ValType:
        """The type of its value."""
        return ValType._of(self._type.value_type)

    @property
    def mutable(self) -> bool:
        """Whether it may be set."""
        return self._type.mutable


class TableType(Managed):
    """The type of a table. Raises WasmtimeError for elements that are no references."""

    def __init__(self, valtype: ValType, limits: Limits) -> None:
        _require_valtype(valtype)
        _require_limits(limits)
        if not valtype._kind.is_reference:
            raise WasmtimeError("failed to allocate TableType")
        self._type = types.TableType(valtype._kind, types.Limits(limits.min, limits.max))

    @property
    def element(self) -> ValType:
        """The type of its elements."""
        return ValType._of(self._type.element)

    @property
    def limits(self) -> Limits:
        """Its sizes in elements."""
        return Limits(*self._type.limits)


class MemoryType(Managed):
    """The type of a memory. Raises WasmtimeError for sizes that cannot be."""

    def __init__(
        self,
        limits: Limits,
        is_64: bool = False,
        shared: bool = False,
        page_size_log2: int = _PAGE_LOG2,
    ) -> None:
        _require_limits(limits)
        if not is_64:
            for name, size in (("minimum", limits.min), ("maximum", limits.max)):
                if size is not None and size >= 1 << 32:
                    raise WasmtimeError(f"{name} size too large")
        if limits.max is not None and not 0 <= limits.min <= limits.max:
            raise WasmtimeError("maximum page size cannot be smaller than the minimum page size")
        if shared and limits.max is None:
            raise WasmtimeError("shared memories must have a maximum size")
        if page_size_log2 not in (0, _PAGE_LOG2):
            raise WasmtimeError(
                f"page size must be 2**16 or 2**0, but was given 2**{page_size_log2}"
            )
        self._type = types.MemoryType(types.Limits(limits.min, limits.max), bool(shared))
        self._is_64, self._shared, self._page_log2 = bool(is_64), bool(shared), page_size_log2

    @property
    def limits(self) -> Limits:
        """Its sizes in pages."""
        return Limits(*self._type.limits)

    @property
    def is_64(self) -> bool:
        """Whether its addresses have 64 bits."""
        return self._is_64

    @property
    def is_shared(self) -> bool:
        """Whether threads may share it."""
        return self._shared

    @property
    def page_size(self) -> int:
        """Bytes in a page."""
        return 1 << self._page_log2

    @property
    def page_size_log2(self) -> int:
        """The same as a power of two."""
        return self._page_log2


class TagType(Managed):
    """The type of exceptions that a tag stands for."""

    def __init__(self, functype: FuncType) -> None:
        if not isinstance(functype, FuncType):
            raise TypeError("expected a FuncType")
        self._functype = functype

    @property
    def functype(self) -> FuncType:
        """What such an exception carries, as parameters."""
        return self._functype


AsExternType = Union[FuncType, GlobalType, MemoryType, TableType, TagType]


class ImportType(Managed):
    """An import of a module; ``Module.imports`` has them."""

    _item: types.ImportType

    @classmethod
    def _of(cls, item: types.ImportType) -> ImportType:
        made = cls()
        made._item = item
        return made

    @property
    def module(self) -> str:
        """The module that it is from."""
        return self._item.module

    @property
    def name(self) -> str | None:
        """Its name there."""
        return self._item.name

    @property
    def type(self) -> AsExternType:
        """What it must be."""
        return of_engine(self._item.type)


class ExportType(Managed):
    """An export of a module; ``Module.exports`` has them."""

    _item: types.ExportType

    @classmethod
    def _of(cls, item: types.ExportType) -> ExportType:
        made = cls()
        made._item = item
        return made

    @property
    def name(self) -> str:
        """Its name."""
        return self._item.name

    @property
    def type(self) -> AsExternType:
        """What it is."""
        return of_engine(self._item.type)


def of_engine(type_: Any) -> AsExternType:
    """A type of the engine's as one of these."""
    made: Any
    if isinstance(type_, types.FuncType):
        made = FuncType.__new__(FuncType)
    elif isinstance(type_, types.GlobalType):
        made = GlobalType.__new__(GlobalType)
    elif isinstance(type_, types.TableType):
        made = TableType.__new__(TableType)
    elif isinstance(type_, types.TagType):
        return TagType(of_engine(types.FuncType(type_.params)))  # type: ignore[arg-type]
    elif isinstance(type_, types.MemoryType):
        made = MemoryType.__new__(MemoryType)
        made._is_64, made._shared = False, type_.shared
        made._page_log2 = PAGE_SIZE.bit_length() - 1
    else:
        raise WasmtimeError(f"there is no type for {type_}")
    made._type = type_
    return made  # type: ignore[no-any-return]
