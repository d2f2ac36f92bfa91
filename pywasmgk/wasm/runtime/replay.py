"""With what index a line of generated code read: what no exception of Python's tells.

The lines keep no operands, so that nothing is spent on what hardly ever happens. When a trap is
made of an IndexError, the instructions of Python that gave the index are run once more, on the
variables as they are: an index is a sum of a few variables, and since it was computed none has
changed. Where it is made otherwise nothing is found; what is found, the caller checks.
"""

from __future__ import annotations

import dis
import operator
import re
import struct
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from types import CodeType
from typing import Any

__all__ = ["index_read", "indices_read", "struct_address"]

#: instructions that an index is computed by, at most, and bits that it has
_MOST_STEPS, _MOST_BITS = 60, 128
#: what ``struct`` says of an address
_STRUCT = re.compile(r"at least \d+ bytes for \w+ \d+ bytes at offset (\d+)")
#: operations by what Python 3.10 calls them, and by the number that later ones give them
_OPERATIONS: dict[str | int, Callable[[int, int], int]] = {
    "BINARY_ADD": operator.add, "BINARY_SUBTRACT": operator.sub, "BINARY_MULTIPLY": operator.mul,
    "BINARY_AND": operator.and_, "BINARY_OR": operator.or_, "BINARY_XOR": operator.xor,
    "BINARY_LSHIFT": operator.lshift, "BINARY_RSHIFT": operator.rshift,
    "BINARY_MODULO": operator.mod, "BINARY_FLOOR_DIVIDE": operator.floordiv,
    0: operator.add, 1: operator.and_, 2: operator.floordiv, 3: operator.lshift, 5: operator.mul,
    6: operator.mod, 7: operator.or_, 9: operator.rshift, 10: operator.sub, 12: operator.xor,
}  # fmt: skip
#: the number of an index among operations, since Python 3.14
_INDEX = 26


class _Unknown(Exception):
    """An instruction that no index is made of."""


def struct_address(error: BaseException) -> int | None:
    """The address that ``struct`` says it could not read or write at."""
    found = _STRUCT.search(str(error)) if isinstance(error, struct.error) else None
    return int(found[1]) if found else None


def index_read(code: CodeType, at: int, values: Mapping[str, Any]) -> tuple[str, int] | None:
    """The name of what the instruction at a position indexes, and the index; ``None`` where that is
    not found. ``values`` are the variables of the frame."""
    steps = _steps(code.co_code, at)
    if not steps or not _is_subscript(*steps.pop()):
        return None
    reader = _Reader(code, values)
    for start in range(len(steps) - 1, 0, -1):
        try:
            stack = reader.run(steps[start:])
        except IndexError:
            continue  # its operands come from before
        except (_Unknown, ArithmeticError, ValueError):
            return None
        if len(stack) == 1:
            name = reader.container(*steps[start - 1])
            return None if name is None else (name, stack[0])
    return None


def indices_read(
    code: CodeType, lines: Collection[int], values: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    """The same of all that is indexed in some lines."""
    for start, end, number in code.co_lines():
        for at in range(start, end, 2) if number in lines else ():
            found = index_read(code, at, values)
            if found is not None:
                yield found


def _steps(text: bytes, at: int) -> list[tuple[str, int]]:
    """The instructions up to a position, as many as an index may take, by name and argument."""
    steps, above = [], 0
    for position in range(max(at - 2 * _MOST_STEPS, 0), at + 1, 2):
        name, arg = dis.opname[text[position]], text[position + 1] | above << 8
        above = arg if name == "EXTENDED_ARG" else 0
        if name not in ("EXTENDED_ARG", "CACHE", "NOP"):
            steps.append((name, arg))
    return steps


def _is_subscript(name: str, arg: int) -> bool:
    return name in ("BINARY_SUBSCR", "STORE_SUBSCR") or (name == "BINARY_OP" and arg == _INDEX)


class _Reader:
    """Runs instructions of a function again."""

    def __init__(self, code: CodeType, values: Mapping[str, Any]) -> None:
        self._code = code
        self._values = values
        cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
        own = () if "BINARY_ADD" in dis.opmap else code.co_varnames
        #: names of cells by argument; they are counted on from the local variables since 3.11
        self._cells = (*own, *(cells if own else code.co_cellvars), *code.co_freevars)

    def container(self, name: str, arg: int) -> str | None:
        """The name of what is indexed: a cell, or an attribute."""
        if name == "LOAD_DEREF":
            return self._cells[arg]
        if name == "LOAD_ATTR":
            names = self._code.co_names
            return names[arg if sys.version_info < (3, 12) else arg >> 1]
        return None

    def run(self, steps: list[tuple[str, int]]) -> list[int]:
        """What some instructions leave on the stack. Raises IndexError if they take more than they
        put there, and _Unknown."""
        stack: list[int] = []
        for name, arg in steps:
            binary = _OPERATIONS.get(arg if name == "BINARY_OP" else name)
            if binary is not None:
                right = stack.pop()
                left = stack.pop()
                if binary is operator.lshift and right > _MOST_BITS:
                    raise _Unknown
                stack.append(binary(left, right))
            elif name in ("DUP_TOP", "COPY"):
                stack.append(stack[-1])
            elif name.startswith("STORE_FAST"):
                self._store(name, arg, stack)
            else:
                stack += self._loaded(name, arg)
        return stack

    def _store(self, name: str, arg: int, stack: list[int]) -> None:
        """It has been stored: what the variable holds is what was computed."""
        if name not in ("STORE_FAST", "STORE_FAST_LOAD_FAST"):
            raise _Unknown
        fused = name != "STORE_FAST"
        stored, value = stack.pop(), self._local(arg >> 4 if fused else arg)
        if stack and stack[-1] == stored:
            stack[-1] = value
        if fused:
            stack.append(self._local(arg & 15))

    def _loaded(self, name: str, arg: int) -> list[int]:
        if name.startswith("LOAD_FAST"):
            if name.count("LOAD_FAST") == 2:
                return [self._local(arg >> 4), self._local(arg & 15)]
            return [self._local(arg)]
        if name == "LOAD_DEREF":
            return [_number(self._values.get(self._cells[arg]))]
        if name == "LOAD_SMALL_INT":
            return [arg]
        if name == "LOAD_CONST":
            return [_number(self._code.co_consts[arg])]
        raise _Unknown

    def _local(self, number: int) -> int:
        return _number(self._values.get(self._code.co_varnames[number]))


def _number(value: Any) -> int:
    if not isinstance(value, int) or value.bit_length() > _MOST_BITS:
        raise _Unknown
    return value
