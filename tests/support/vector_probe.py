"""Modules that run single SIMD instructions on operands in memory, for tests of any engine.

Operand ``n`` lies at ``16 * n``, an address that an instruction takes is ``AT``, and what it gives
or stores is at ``RESULT``. One export per instruction and immediates, called by :func:`key`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from oracle import Session
from wasm_builder import functype, instruction, limits, module, unsigned

from pywasmgk.wasm import isa

__all__ = ["AT", "RESULT", "VECTOR_ROWS", "Probe", "key", "probes", "run"]

RESULT = 64
AT = 128

VECTOR_ROWS = {row.name: row for row in isa.STANDARD if row.proposal == "simd"}
_STORES = {"i32": "i32.store", "i64": "i64.store", "f32": "f32.store", "f64": "f64.store"}

#: the name of an instruction, and its immediates but for a memarg
Probe = tuple[str, str]

_encoded = functools.cache(instruction)


def key(name: str, words: str = "") -> str:
    """The export that runs an instruction."""
    return f"{name} {words}".strip()


def _lines(name: str, words: str, constants: Sequence[str | None]) -> list[str]:
    row = VECTOR_ROWS[name]
    params, results = row.typing or ((), ())
    in_memory = "memarg" in row.immediates
    lines = [f"i32.const {RESULT}"] if results else []
    for n, kind in enumerate(params):
        if constants and constants[n] is not None:
            lines.append(str(constants[n]))
        elif in_memory and n == 0:
            lines.append(f"i32.const {AT if results else RESULT}")
        else:
            lines += [f"i32.const {16 * n}", f"{kind}.load 0+0"]
    lines.append(key(f"{name} 0+0" if in_memory else name, words))
    lines += [f"{kind}.store 0+0" for kind in results]
    return lines


def _body(lines: Iterable[str]) -> bytes:
    content = b"\0" + b"".join(map(_encoded, lines)) + b"\x0b"
    return unsigned(len(content)) + content


def probes(wanted: Iterable[Probe], constants: Sequence[str | None] = ()) -> bytes:
    """A module with one function for each of these. ``constants`` are instructions that give an
    operand in place of the memory, ``{}`` in them the immediates, which then are the operand's."""
    wanted = list(wanted)
    bodies = []
    for name, words in wanted:
        given = [constant and constant.format(words) for constant in constants]
        bodies.append(_body(_lines(name, "" if given else words, given)))
    return module(
        types=[functype()],
        functions=[0] * len(wanted),
        memories=[limits(1)],
        exports=[
            ("#m0", 2, 0),
            *((key(*probe), 0, index) for index, probe in enumerate(wanted)),
        ],
        bodies=bodies,
    )


def run(session: Session, export: str, operands: Sequence[Any], at: bytes = b"") -> bytes:
    """Calls an export; operands are bytes, or ints. Gives the 16 bytes of its result."""
    for n, operand in enumerate(operands):
        data = operand if isinstance(operand, bytes) else operand.to_bytes(8, "little")
        session.write(16 * n, data)
    if at:
        session.write(AT, at)
    session.write(RESULT, bytes(16))
    outcome = session.call(export)
    assert outcome.kind == "values", outcome
    return session.read(RESULT, 16)
