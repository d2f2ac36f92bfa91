"""Branch hints (branch hinting proposal, custom section ``metadata.code.branch_hint``).

A custom section never makes a module invalid, so nobody asks unless it is the hints that matter, as
in the official suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import DecodeError, ValidationError
from ..binary.decoding import instructions_of, skip_locals
from ..binary.leb128 import read_u32

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["SECTION", "require_branch_hints"]

SECTION = "metadata.code.branch_hint"
_INVALID = f"@{SECTION} annotation: invalid target"
#: control forms that choose
_HINTED = ("if", "br_if")


def require_branch_hints(module: Module) -> None:
    """Checks that all hints of a module belong to branches. Raises ValidationError, or DecodeError
    for a section that is malformed."""
    for name, start, end in module.custom_sections:
        if name == SECTION:
            _require_section(module, start, end)


def _require_section(module: Module, start: int, end: int) -> None:
    data = module.data[:end]
    functions, pos = read_u32(data, start)
    for _ in range(functions):
        index, pos = read_u32(data, pos)
        hints, pos = read_u32(data, pos)
        places = None
        for _ in range(hints):
            at = pos
            offset, pos = read_u32(data, pos)
            size, pos = read_u32(data, pos)
            if size != 1 or data[pos : pos + 1] not in (b"\0", b"\1"):
                raise DecodeError(f"@{SECTION} annotation: malformed hint", at)
            pos += 1
            if places is None:
                places = _branches(module, index, at)
            if offset not in places:
                raise ValidationError(_INVALID, at, index)


def _branches(module: Module, index: int, at: int) -> set[int]:
    """Where a function's branches are, from the beginning of its body, the locals among it."""
    number = index - module.import_counts["func"]
    if not 0 <= number < len(module.bodies):
        raise ValidationError(f"{_INVALID}: there is no function {index}", at)
    start, end = module.bodies[number]
    body = module.data[start:end]
    found = instructions_of(body, start, module.isa, skip_locals(body))
    return {item.at for item in found if item.row.form in _HINTED}
