"""The reference table of instructions, printed from the rows (``python -m`` this module)."""

from __future__ import annotations

from collections.abc import Iterable

from . import Instruction, active

__all__ = ["reference"]


def _row(row: Instruction) -> str:
    typing = str(row.typing) if row.typing else f"rule {row.rule}"
    traps = [guard.code.value for guard in row.guards]
    if row.native is not None:
        traps.append(row.native.value)
    fuel = str(row.fuel)
    if row.length or row.charge:
        fuel += " + length" if row.length else " + delta"
    cells = (row.name, row.encoding, " ".join(row.immediates), typing, "; ".join(traps), fuel)
    return f"| {' | '.join(cells)} |"


def reference(rows: Iterable[Instruction] | None = None) -> str:
    """The instructions of the active set as a Markdown table, in the order of their opcodes."""
    titles = "| instruction | opcode | immediates | typing | traps | fuel |"
    lines = [titles, "|---|---|---|---|---|---|"]
    lines += map(_row, active() if rows is None else rows)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
