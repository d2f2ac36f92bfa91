"""Control and parametric instructions (spec, section "Control Instructions")."""

from __future__ import annotations

from .row import Instruction, signature

ROWS = [
    Instruction(0x00, "unreachable", rule="unreachable", form="unreachable", fuel=0),
    Instruction(0x01, "nop", typing=signature("->"), form="nop", fuel=0),
    Instruction(0x02, "block", ("blocktype",), rule="block", form="block", fuel=0, weight=40),
    Instruction(0x03, "loop", ("blocktype",), rule="block", form="loop", fuel=0, weight=10),
    Instruction(0x04, "if", ("blocktype",), rule="block", form="if", weight=12),
    Instruction(0x05, "else", rule="else", form="else", fuel=0, weight=4),
    Instruction(0x0B, "end", rule="end", form="end", fuel=0, weight=50),
    Instruction(0x0C, "br", ("labelidx",), rule="br", form="br", weight=18),
    Instruction(0x0D, "br_if", ("labelidx",), rule="br_if", form="br_if", weight=55),
    Instruction(0x0E, "br_table", ("labels",), rule="br_table", form="br_table", weight=4),
    Instruction(0x0F, "return", rule="return", form="return", fuel=0, weight=4),
    Instruction(0x10, "call", ("funcidx",), rule="call", form="call", weight=12),
    Instruction(
        0x11, "call_indirect", ("typeidx", "tableidx"),
        rule="call_indirect", form="call_indirect", weight=3,
    ),
    Instruction(
        0x12, "return_call", ("funcidx",), rule="return_call", form="return_call",
        proposal="tail_calls",
    ),
    Instruction(
        0x13, "return_call_indirect", ("typeidx", "tableidx"),
        rule="return_call_indirect", form="return_call_indirect", proposal="tail_calls",
    ),
    Instruction(0x1A, "drop", typing=signature("any ->"), fuel=0, weight=3),
    Instruction(
        0x1B, "select", typing=signature("any any i32 -> any"), rule="select",
        meaning="{a} if {c} else {b}", weight=6,
    ),
    Instruction(
        0x1C, "select", ("types",), signature("any any i32 -> any"), rule="select_t",
        proposal="reference_types",
        meaning="{a} if {c} else {b}", weight=0.5,
    ),
]
