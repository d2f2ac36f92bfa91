"""Atomic instructions of the threads proposal, for guests of which one thread runs.

Nothing comes between the steps of an instruction, so that a load is a load: what atomics have of
their own is that an address which is no multiple of the width traps, which is asked before whether
it is in memory. A read-modify-write is a load, followed by a store. ``wait`` sleeps
(``runtime.memory``), as nobody else could wake it; ``notify`` finds nobody that waits.
"""

from __future__ import annotations

from typing import Any

from ...errors import TrapCode
from .row import Guard, Instruction, Signature, signature

_OUT_OF_BOUNDS = TrapCode.MEMORY_OUT_OF_BOUNDS
_PROPOSAL = "threads"
_PLACE = "{a} + {offset}"
#: by width in bytes
_MASKS = {1: "255", 2: "65535", 4: "0xFFFFFFFF", 8: "0xFFFFFFFFFFFFFFFF"}
#: in the order of their opcodes: type, width in bytes, and what the name has behind it
_SHAPES = (
    ("i32", 4, ""), ("i64", 8, ""), ("i32", 1, "8"), ("i32", 2, "16"),
    ("i64", 1, "8"), ("i64", 2, "16"), ("i64", 4, "32"),
)  # fmt: skip
#: what a read-modify-write puts into memory, of the old value and the operands; whether that needs
#: no mask where the operand is as wide as memory
_UPDATES = {
    "add": ("{r} + {b}", False),
    "sub": ("{r} - {b}", False),
    "and": ("{r} & {b}", True),
    "or": ("{r} | {b}", True),
    "xor": ("{r} ^ {b}", True),
    "xchg": ("{b}", True),
    "cmpxchg": ("{c}", True),
}


def _aligned(width: int) -> tuple[Guard, ...]:
    if width == 1:
        return ()
    return (Guard(f"{_PLACE} & {width - 1}", TrapCode.UNALIGNED_ATOMIC),)


def _in_memory(width: int) -> Guard:
    return Guard(f"{_PLACE} + {width} > len(mem)", _OUT_OF_BOUNDS, f"{_PLACE}, {width}, mem")


def _load(width: int) -> str:
    return f"mem[{_PLACE}]" if width == 1 else f"load_u{8 * width}(mem, {_PLACE})[0]"


def _store(width: int, value: str) -> str:
    if width == 1:
        return f"mem[{_PLACE}] = {value}"
    return f"store_u{8 * width}(mem, {_PLACE}, {value})"


def _row(number: int, name: str, typing: Signature, width: int, **templates: Any) -> Instruction:
    return Instruction(
        0xFE << 16 | number, name, ("memarg",), typing, guards=_aligned(width),
        native=_OUT_OF_BOUNDS, width=width, aligned=True, proposal=_PROPOSAL, **templates,
    )  # fmt: skip


def _narrowed(value: str, width: int, *, free: bool) -> str:
    """A value that memory has room for."""
    text = value if free else f"({value}) & {_MASKS[width]}"
    return f"({text})"


def _loads() -> list[Instruction]:
    return [
        _row(
            number, f"{kind}.atomic.load{size}{'_u' if size else ''}", signature(f"i32 -> {kind}"),
            width, meaning=_load(width),
        )
        for number, (kind, width, size) in enumerate(_SHAPES, 0x10)
    ]  # fmt: skip


def _stores() -> list[Instruction]:
    return [
        _row(
            number, f"{kind}.atomic.store{size}", signature(f"i32 {kind} ->"), width,
            effect=_store(width, _narrowed("{b}", width, free=not size)),
        )
        for number, (kind, width, size) in enumerate(_SHAPES, 0x17)
    ]  # fmt: skip


def _modifications(first: int, operation: str) -> list[Instruction]:
    value, bitwise = _UPDATES[operation]
    rows = []
    for number, (kind, width, size) in enumerate(_SHAPES, first):
        name = f"{kind}.atomic.rmw{size}.{operation}{'_u' if size else ''}"
        new, operands = _narrowed(value, width, free=bitwise and not size), kind
        if operation == "cmpxchg":
            # of a narrow access, what is expected is wrapped before it is compared
            expected = _narrowed("{b}", width, free=not size)
            new, operands = f"{new} if {{r}} == {expected} else {{r}}", f"{kind} {kind}"
        typing = signature(f"i32 {operands} -> {kind}")
        rows.append(
            _row(number, name, typing, width, meaning=_load(width), update=_store(width, new))
        )
    return rows


def _wait(number: int, kind: str, width: int) -> Instruction:
    place = f"{_PLACE}, {width}, {{b}}, {{c}}"
    guards = (
        *_aligned(width),
        _in_memory(width),
        Guard("not memory.shared", TrapCode.EXPECTED_SHARED_MEMORY),
        Guard(f"memory.never_ends({place})", TrapCode.ENDLESS_WAIT),
    )
    return Instruction(
        0xFE << 16 | number, f"memory.atomic.wait{8 * width}", ("memarg",),
        signature(f"i32 {kind} i64 -> i32"), guards=guards, meaning=f"memory.wait({place})",
        # it takes time that is not in the fuel, as a growth does
        moves_memory=True, width=width, aligned=True, proposal=_PROPOSAL,
    )  # fmt: skip


ROWS = [
    Instruction(
        0xFE_0000, "memory.atomic.notify", ("memarg",), signature("i32 i32 -> i32"),
        guards=(*_aligned(4), _in_memory(4)),
        meaning="0", width=4, aligned=True, proposal=_PROPOSAL,
    ),
    _wait(0x01, "i32", 4),
    _wait(0x02, "i64", 8),
    Instruction(0xFE_0003, "atomic.fence", ("zero",), signature("->"), proposal=_PROPOSAL),
    *_loads(),
    *_stores(),
    *(
        row
        for position, operation in enumerate(_UPDATES)
        for row in _modifications(0x1E + 7 * position, operation)
    ),
]  # fmt: skip
