"""Exceptions (spec, section "Control Instructions"), and the encoding that came before them.

``try_table`` and ``throw_ref`` are the standard; ``try``, ``catch``, ``delegate`` and ``rethrow``
are the proposal as it was first shipped, which toolchains still write. ``throw`` and tags are in
both.
"""

from __future__ import annotations

from .row import Instruction, signature

_NOW, _LEGACY = "exceptions", "legacy_exceptions"

ROWS = [
    Instruction(
        0x06, "try", ("blocktype",), rule="try", form="try", proposal=_LEGACY, weight=0.05,
    ),
    Instruction(
        0x07, "catch", ("tagidx",), rule="catch", form="catch", fuel=0, proposal=_LEGACY,
    ),
    Instruction(0x08, "throw", ("tagidx",), rule="throw", form="throw", proposal=_NOW),
    Instruction(
        0x09, "rethrow", ("labelidx",), rule="rethrow", form="rethrow", proposal=_LEGACY,
    ),
    Instruction(
        0x0A, "throw_ref", (), signature("exnref ->"), rule="throw_ref", form="throw_ref",
        proposal=_NOW,
    ),
    Instruction(
        0x18, "delegate", ("labelidx",), rule="delegate", form="delegate", fuel=0,
        proposal=_LEGACY,
    ),
    Instruction(
        0x19, "catch_all", (), rule="catch_all", form="catch_all", fuel=0, proposal=_LEGACY,
    ),
    Instruction(
        0x1F, "try_table", ("blocktype", "catches"), rule="try_table", form="try_table",
        proposal=_NOW, weight=0.05,
    ),
]  # fmt: skip
