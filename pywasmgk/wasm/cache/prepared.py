"""Functions made ready for the interpreter, as bytes and back."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from ..interpreter.code import Code, zeros_of
from ..types import FuncType, ValType

__all__ = ["pack", "unpack"]

#: what plain forms of types begin with
_FUNCTION_TYPE, _VALUE_TYPE = "functype", "valtype"
#: slots of a Code that are plain values
_PLAIN = tuple(name for name in Code.__slots__ if name not in ("offsets", "operations", "zeros"))


def pack(code: Code, types: Mapping[FuncType, int]) -> bytes:
    """A function's code; ``types`` numbers the module's. Raises ValueError for an immediate of a
    type that has no plain form here."""
    # distinct operations; which of them each one is; those whose immediates mention types
    distinct: list[tuple[int, Any]] = []
    places: list[int] = []
    typed: list[int] = []
    known: dict[tuple[int, Any], int] = {}
    for operation in code.operations:
        number, x = operation
        place = len(distinct)
        if type(x) is int or x is None or x == ():
            # others are seldom equal, and floats that are may differ in their sign
            place = known.setdefault(operation, place)
        places.append(place)
        if place == len(distinct):
            distinct.append((number, _plain(x, types)))
            if _mentions_type(x):
                typed.append(place)
    state = [getattr(code, name) for name in _PLAIN]
    # a body of few bytes may declare 50,000 locals
    runs = (list(run) for _, run in groupby(code.zeros, type))
    zeros = [(run[0], len(run)) for run in runs]
    return marshal.dumps((state, zeros, distinct, typed, _bytes(code.offsets), _bytes(places)))


def unpack(packed: bytes, types: Sequence[FuncType]) -> Code:
    """The code that ``pack`` got, in a module of the same types."""
    state, zeros, distinct, typed, offsets, places = marshal.loads(packed)
    code = Code.__new__(Code)
    for name, value in zip(_PLAIN, state):
        setattr(code, name, value)
    for place in typed:
        number, plain = distinct[place]
        distinct[place] = number, _typed(plain, types)
    code.operations = list(map(distinct.__getitem__, _numbers(places)))
    code.offsets = _numbers(offsets)
    code.zeros = zeros_of([zero for zero, count in zeros for _ in range(count)])
    return code


def _bytes(numbers: Sequence[int]) -> bytes:
    """Numbers in as many bytes each as the largest needs: two in nearly all functions."""
    small = max(numbers, default=0) < 1 << 16
    return b"H" + array("H", numbers).tobytes() if small else b"I" + array("I", numbers).tobytes()


def _numbers(packed: bytes) -> array[int]:
    numbers = array(chr(packed[0]))
    numbers.frombytes(memoryview(packed)[1:])
    return numbers


def _mentions_type(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return any(map(_mentions_type, x))
    return isinstance(x, (FuncType, ValType))


def _plain(x: Any, types: Mapping[FuncType, int]) -> Any:
    """An immediate as marshal knows it: function types by number, value types by name."""
    if isinstance(x, tuple):
        return tuple(_plain(item, types) for item in x)
    if isinstance(x, list):
        return [_plain(item, types) for item in x]
    if isinstance(x, FuncType):
        return _FUNCTION_TYPE, types[x]
    if isinstance(x, ValType):
        return _VALUE_TYPE, x.value
    if x is None or isinstance(x, (int, float)):
        return x
    raise ValueError(f"an immediate of {type(x).__name__} has no plain form")


def _typed(plain: Any, types: Sequence[FuncType]) -> Any:
    """The immediate that has a plain form."""
    if isinstance(plain, list):
        return [_typed(item, types) for item in plain]
    if not isinstance(plain, tuple):
        return plain
    if plain[:1] == (_FUNCTION_TYPE,):
        return types[plain[1]]
    if plain[:1] == (_VALUE_TYPE,):
        return ValType(plain[1])
    return tuple(_typed(item, types) for item in plain)
