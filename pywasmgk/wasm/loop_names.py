"""The names that generated code uses, beside those of a running frame."""

from __future__ import annotations

from ..errors import Trap, TrapCode
from .interpreter import explain, is_hot, is_never_hot
from .lanes import LANE_NAMES
from .numerics import NAMES

__all__ = ["Trap", "explain", "is_hot", "is_never_hot", *NAMES, *LANE_NAMES, *TrapCode.__members__]  # pyright: ignore

globals().update(NAMES)
globals().update(LANE_NAMES)
globals().update(TrapCode.__members__)
