"""Where the code of lines of a source begins: what DWARF and source maps have in common."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Row", "Table", "offsets_in", "tabulated"]

#: offset in the file, source file, and line; 0 where code begins that is of no line
Row = tuple[int, str, int]
#: by source file and line, the offsets where code of the line begins
Table = dict[str, dict[int, list[int]]]


def tabulated(rows: Iterable[Row]) -> Table:
    """The rows by file and line."""
    found: Table = {}
    before = None
    for offset, file, line in rows:
        if line and (file, line) != before:
            found.setdefault(file, {}).setdefault(line, []).append(offset)
        before = file, line
    return found


def offsets_in(table: Table, file: str, line: int) -> list[int]:
    """Where code of a line begins. ``file`` may leave out leading folders."""
    return [
        offset
        for name, lines in table.items()
        if name == file or name.endswith(f"/{file}")
        for offset in lines.get(line, ())
    ]
