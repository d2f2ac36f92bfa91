"""The quick level: one pass from stack code to Python, for code that is only warm.

``control`` plans how branches are carried, ``rows`` writes instructions, ``values`` is what the
operand stack holds, ``translator`` makes the pass, ``forms`` writes control, ``source`` the whole
function and the table of its lines. The code is called, bound and charged like that of the
optimized level.
"""

from __future__ import annotations

from .source import quick_source

__all__ = ["quick_source"]
