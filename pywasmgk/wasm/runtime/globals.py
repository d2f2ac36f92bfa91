"""Globals (spec, section "Global Instances")."""

from __future__ import annotations

from types import CellType
from typing import Any

from ..types import GlobalType, ValType
from .values import from_python, to_python

__all__ = ["Global"]


class Global:
    """A value that guests and hosts share; ``Global(type, value)``, mutable if the type says so.

    The value is in a cell, as the engine has it: generated code has that cell among its own.
    """

    __slots__ = ("cell", "type")

    def __init__(self, type: GlobalType | ValType, value: Any, mutable: bool = False) -> None:
        self.type = type if isinstance(type, GlobalType) else GlobalType(type, mutable)
        self.cell = CellType(from_python(self.type.value_type, value))

    @property
    def raw(self) -> Any:
        """The value as the engine has it."""
        return self.cell.cell_contents

    @property
    def value(self) -> Any:
        """The value, integers signed. Setting an immutable one raises TypeError."""
        return to_python(self.type.value_type, self.raw)

    @value.setter
    def value(self, value: Any) -> None:
        if not self.type.mutable:
            raise TypeError("the global is immutable")
        self.cell.cell_contents = from_python(self.type.value_type, value)

    def __repr__(self) -> str:
        return f"<Global {self.type} = {self.value!r}>"


def raw_global(type: GlobalType, raw: Any) -> Global:
    """A global with a value as the engine has it."""
    made = Global.__new__(Global)
    made.type = type
    made.cell = CellType(raw)
    return made
