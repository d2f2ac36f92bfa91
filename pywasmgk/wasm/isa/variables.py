"""Locals and globals (spec, section "Variable Instructions")."""

from __future__ import annotations

from .row import Instruction, signature

ROWS = [
    Instruction(
        0x20, "local.get", ("localidx",), signature("-> local"), meaning="{local}", weight=350
    ),
    Instruction(
        0x21, "local.set", ("localidx",), signature("local ->"), effect="{local} = {a}", weight=95
    ),
    Instruction(
        0x22, "local.tee", ("localidx",), signature("local -> local"), effect="{local} = {a}",
        meaning="{a}", weight=60,
    ),
    Instruction(
        0x23, "global.get", ("globalidx",), signature("-> global"), meaning="{glob}",
        constant=True, weight=12,
    ),
    Instruction(
        0x24, "global.set", ("globalidx",), signature("global ->"), rule="global_set",
        effect="{glob} = {a}", weight=5,
    ),
]
