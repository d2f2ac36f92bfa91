"""The names that generated code uses, beside those of a running frame."""

from __future__ import annotations

from ...errors import Trap, TrapCode
from ..isa.bounds import TRAP_NAMES
from ..isa.lanes import LANE_NAMES
from ..isa.numerics import NAMES
from ..runtime.tags import thrown
from .execution import catch, is_hot, is_never_hot

__all__ = [
    "Trap", "catch", "is_hot", "is_never_hot", "thrown",
    *NAMES, *LANE_NAMES, *TRAP_NAMES, *TrapCode.__members__,
]  # fmt: skip # pyright: ignore

globals().update(NAMES)
globals().update(LANE_NAMES)
globals().update(TRAP_NAMES)
globals().update(TrapCode.__members__)
