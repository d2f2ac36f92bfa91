"""Which feature an opcode came with: those of WebAssembly 2.0 by name, for people who look into a
module, and the proposals beyond it, for errors that name them."""

from __future__ import annotations

__all__ = ["feature_of", "proposal_of"]

_PROPOSALS = {
    "exception handling": (0x06, 0x07, 0x08, 0x09, 0x0A, 0x18, 0x19, 0x1F),
    "the tail call proposal": (0x12, 0x13, 0x15),
    "the function references proposal": (0x14, 0xD3, 0xD4, 0xD5, 0xD6),
    "garbage collection": (0xFB,),
    "relaxed SIMD": (0xFD,),
    "the threads proposal": (0xFE,),
}
#: what came after the first release, by opcode
_FEATURES = {
    "sign extension": range(0xC0, 0xC5),
    "saturating conversions": range(0xFC_0000, 0xFC_0008),
    "bulk memory": range(0xFC_0008, 0xFC_000F),
    "reference types": (0x1C, 0x25, 0x26, 0xD0, 0xD1, 0xD2, *range(0xFC_000F, 0xFC_0012)),
    "SIMD": range(0xFD_0000, 0xFD_0114),
}
_FEATURE_OF = {opcode: name for name, opcodes in _FEATURES.items() for opcode in opcodes}
_OF = {opcode: name for name, opcodes in _PROPOSALS.items() for opcode in opcodes}


def proposal_of(opcode: int) -> str | None:
    """The proposal that defines an opcode's first byte, if one does."""
    return _OF.get(opcode)


def feature_of(opcode: int) -> str | None:
    """The feature of WebAssembly 2.0 that brought an opcode; ``None`` for the first release's."""
    return _FEATURE_OF.get(opcode)
