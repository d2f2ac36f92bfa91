"""Which proposals beyond WebAssembly 2.0 a byte belongs to, for errors that name them."""

from __future__ import annotations

__all__ = ["proposal_of"]

_PROPOSALS = {
    "exception handling": (0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F),
    "the tail call proposal": (0x12, 0x13, 0x15),
    "the function references proposal": (0x14, 0xD3, 0xD4, 0xD5, 0xD6),
    "garbage collection": (0xFB,),
    "SIMD (v128)": (0xFD,),
    "the threads proposal": (0xFE,),
}
_OF = {opcode: name for name, opcodes in _PROPOSALS.items() for opcode in opcodes}


def proposal_of(opcode: int) -> str | None:
    """The proposal that defines an opcode's first byte, if one does."""
    return _OF.get(opcode)
