"""Globals (spec, section "Global Instances")."""

from __future__ import annotations

from typing import Any

from .types import GlobalType, ValType
from .values import from_python, to_python

__all__ = ["Global"]


class Global:
    """A value that guests and hosts share; ``Global(type, value)``, mutable if the type says so."""

    __slots__ = ("raw", "type")

    def __init__(self, type: GlobalType | ValType, value: Any, mutable: bool = False) -> None:
        self.type = type if isinstance(type, GlobalType) else GlobalType(type, mutable)
        #: the value as the engine has it
        self.raw = from_python(self.type.value_type, value)

    @property
    def value(self) -> Any:
        """The value, integers signed. Setting an immutable one raises TypeError."""
        return to_python(self.type.value_type, self.raw)

    @value.setter
    def value(self, value: Any) -> None:
        if not self.type.mutable:
            raise TypeError("the global is immutable")
        self.raw = from_python(self.type.value_type, value)

    def __repr__(self) -> str:
        return f"<Global {self.type} = {self.value!r}>"


def raw_global(type: GlobalType, raw: Any) -> Global:
    """A global with a value as the engine has it."""
    cell = Global.__new__(Global)
    cell.type = type
    cell.raw = raw
    return cell
