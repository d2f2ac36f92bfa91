"""The names that generated code uses, beside those of a running frame."""

from __future__ import annotations

from ..errors import Trap, TrapCode
from .interpreter import explain
from .numerics import NAMES

__all__ = ["Trap", "explain", *NAMES, *TrapCode.__members__]  # pyright: ignore

globals().update(NAMES)
globals().update(TrapCode.__members__)
