"""Coverage: what of a module ran, beside its code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .parts import Cell, Code, Heading, Part, Row, Table, View, cut

if TYPE_CHECKING:
    from ..debug.coverage import Coverage

__all__ = ["view"]

#: functions in a table, lines of code
_MOST, _LINES = 20, 200
#: characters of a line of ``Coverage.listing`` that say how often it ran, and what is said of one
#: that never did
_COUNT, _NEVER = 12, "#####"


def view(coverage: Coverage) -> View:
    """What ran."""
    runs = f"of {coverage.runs:,} run{'s' if coverage.runs != 1 else ''}"
    title = f"Coverage of {coverage.module.name or 'a module'}"
    return View(title, runs, [*_parts(coverage)])


def _parts(coverage: Coverage) -> Iterator[Part]:
    rows = [
        (
            name,
            Cell(f"{share.hit:,} of {share.total:,}", "number"),
            Cell(f"{share.percent:.1f} %", "number"),
        )
        for name, share in coverage.shares().items()
    ]
    yield Table(("", "ran", ""), rows)
    missed = [one for one in coverage.functions if one.share_of_blocks().percent < 100]
    if missed:
        yield Heading("functions that did not run as a whole")
        shown, more = cut(missed, _MOST)
        yield Table(
            ("blocks", "calls", "function"),
            [
                (
                    Cell("{} of {}".format(*one.share_of_blocks()), "number"),
                    Cell(f"{one.calls:,}", "number"),
                    Cell(one.name, "code"),
                )
                for one in shown
            ],
            more,
        )
    yield Heading("code, with how often it ran")
    lines, more = cut(coverage.listing(), _LINES)
    yield Code([*map(_row, lines)], more)


def _row(line: str) -> Row:
    count, text = line[:_COUNT].strip(), line[_COUNT:]
    return Row(text, count, style="bad" if count == _NEVER else "")
