"""Values: what a program gives and gets, and what the engine has.

Integers are taken whatever their size, cut to the type's bits; floats must be floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...wasm import types
from ...wasm.isa.numerics import round_f32
from ._errors import WasmtimeError
from ._extern import Extern
from ._types import ValType

if TYPE_CHECKING:
    from ._func import Func
    from ._store import Store

__all__ = ["Val", "converters", "from_engine", "to_engine"]

_I32, _I64, _F32, _F64 = (types.ValType(name) for name in ("i32", "i64", "f32", "f64"))
_V128, _FUNCREF = types.ValType("v128"), types.ValType("funcref")
_EXTERNREF = types.ValType("externref")
#: wasmtime's numbers of kinds, in order
_KINDS = (_I32, _I64, _F32, _F64, _V128, _FUNCREF, _EXTERNREF)
_M32, _M64 = (1 << 32) - 1, (1 << 64) - 1


def _signed(value: int, bits: int) -> int:
    sign = 1 << (bits - 1)
    return ((value + sign) & ((1 << bits) - 1)) - sign


class Val:
    """A value with its type, for where the type does not follow from elsewhere."""

    def __init__(self, kind: Any, val: Any) -> None:
        number: int = getattr(kind, "value", kind)
        self._kind = _KINDS[number]
        self._val = val

    @classmethod
    def _of(cls, kind: types.ValType, value: Any) -> Val:
        made = cls.__new__(cls)
        made._kind, made._val = kind, value
        return made

    @classmethod
    def i32(cls, val: int) -> Val:
        """A 32-bit integer. Raises TypeError for anything else, as the others do."""
        return cls._of(_I32, _signed(_require(val, int, "an integer"), 32))

    @classmethod
    def i64(cls, val: int) -> Val:
        """A 64-bit integer."""
        return cls._of(_I64, _signed(_require(val, int, "an integer"), 64))

    @classmethod
    def f32(cls, val: float) -> Val:
        """A 32-bit float."""
        return cls._of(_F32, round_f32(_require(val, float, "a float")))

    @classmethod
    def f64(cls, val: float) -> Val:
        """A 64-bit float."""
        return cls._of(_F64, _require(val, float, "a float"))

    @classmethod
    def externref(cls, extern: Any | None) -> Val:
        """Any Python object; ``None`` is null."""
        return cls._of(_EXTERNREF, extern)

    @classmethod
    def funcref(cls, f: Func | None) -> Val:
        """A function; ``None`` is null."""
        return cls._of(_FUNCREF, f)

    @classmethod
    def ref_null(cls, ty: ValType) -> Val:
        """Null of a reference type. Raises WasmtimeError for another type."""
        if not ty._kind.is_reference:
            raise WasmtimeError(f"Invalid reference type for `ref_null`: {ty}")
        return cls._of(ty._kind, None)

    @property
    def type(self) -> ValType:
        """Its type."""
        return ValType._of(self._kind)

    @property
    def value(self) -> Any:
        """Itself, as Python has it."""
        return self._val

    def _as(self, kind: types.ValType) -> Any:
        return self._val if self._kind is kind else None

    def as_i32(self) -> int | None:
        """The 32-bit integer, or ``None`` if it is none; the others are alike."""
        return self._as(_I32)  # type: ignore[no-any-return]

    def as_i64(self) -> int | None:
        """The 64-bit integer."""
        return self._as(_I64)  # type: ignore[no-any-return]

    def as_f32(self) -> float | None:
        """The 32-bit float."""
        return self._as(_F32)  # type: ignore[no-any-return]

    def as_f64(self) -> float | None:
        """The 64-bit float."""
        return self._as(_F64)  # type: ignore[no-any-return]

    def as_externref(self) -> Any | None:
        """The object."""
        return self._as(_EXTERNREF)

    def as_funcref(self) -> Func | None:
        """The function."""
        return self._as(_FUNCREF)  # type: ignore[no-any-return]

    def __eq__(self, rhs: Any) -> Any:
        if isinstance(rhs, Val):
            return self._kind is rhs._kind and self._val == rhs._val
        return self._val == rhs

    __hash__ = None  # type: ignore[assignment]


def _require(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {what}")
    return value


def _i32(value: Any) -> Any:
    if isinstance(value, int):
        return value & _M32
    return _other(_I32, value) & _M32


def _i64(value: Any) -> Any:
    if isinstance(value, int):
        return value & _M64
    return _other(_I64, value) & _M64


def _float(kind: types.ValType) -> Callable[[Any], Any]:
    return lambda value: value if isinstance(value, float) else _other(kind, value)


def _vector(value: Any) -> Any:
    return value if isinstance(value, (bytes, bytearray)) else _other(_V128, value)


def _extern(value: Any) -> Any:
    return value._val if isinstance(value, Val) else value


def _func(value: Any) -> Any:
    if isinstance(value, Val):
        value = _other(_FUNCREF, value)
    if value is None:
        return None
    if isinstance(value, Extern) and hasattr(value._item, "call_bits"):
        return value._item
    raise _unknown(_FUNCREF, value)


def _other(kind: types.ValType, value: Any) -> Any:
    """The content of a Val of the right type. Raises TypeError for all else."""
    if not isinstance(value, Val):
        raise _unknown(kind, value)
    if value._kind is not kind:
        raise TypeError("wrong type of `Val` provided")
    return value._val


def _unknown(kind: types.ValType, value: Any) -> TypeError:
    return TypeError(f"don't know how to convert {value!r} to {ValType._of(kind)}")


#: what makes a value for the engine of a program's
_INWARD: dict[types.ValType, Callable[[Any], Any]] = {
    _I32: _i32,
    _I64: _i64,
    _F32: _float(_F32),
    _F64: _float(_F64),
    _V128: _vector,
    _FUNCREF: _func,
    _EXTERNREF: _extern,
}


def converters(kinds: tuple[types.ValType, ...]) -> tuple[Callable[[Any], Any], ...]:
    """What takes a program's values of these types to the engine. They raise TypeError."""
    try:
        return tuple(_INWARD[kind] for kind in kinds)
    except KeyError as error:
        raise WasmtimeError(f"values of type {error.args[0]} cannot come from Python") from None


def to_engine(kind: types.ValType, value: Any) -> Any:
    """A program's value for the engine. Raises TypeError."""
    return converters((kind,))[0](value)


def from_engine(store: Store, kind: types.ValType, value: Any) -> Any:
    """An engine's value, of those that hosts see, as a program expects it."""
    return store.wrap(value) if kind is _FUNCREF and value is not None else value


def or_null(store: Store, kind: types.ValType, value: Any) -> Any:
    """The same, where a null is a Val of its type."""
    if value is None:
        return Val._of(kind, None)
    return from_engine(store, kind, value)
