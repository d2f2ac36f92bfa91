"""Parts as plain text, for terminals and wherever no markup is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from itertools import zip_longest

from .hexadecimal import rows_of
from .parts import (
    Bar,
    Bytes,
    Cards,
    Code,
    Facts,
    Flame,
    Fold,
    Heading,
    Item,
    Note,
    Pages,
    Part,
    Side,
    Table,
    Timeline,
    Tree,
    View,
    cell,
    columns_of,
    share,
    visible,
)

__all__ = ["PAGE_MARKS", "text_of"]

#: how much of a page is in use
PAGE_MARKS = "·░▒▓█"
#: characters of a bar, and of a column of a table
_BAR, _COLUMN = 60, 60
_SHADES = "█▓▒░▚▞▤▥"
#: pages on a line
_PAGES = 64


def text_of(view: View) -> str:
    """A thing as lines of text."""
    lines = [visible(view.title), visible(view.note)]
    for part in view.parts:
        lines += _part(part)
    return "\n".join(line.rstrip() for line in lines)


@singledispatch
def _part(part: Part) -> Iterator[str]:
    """The lines of one part."""
    raise TypeError(f"no part that can be shown: {type(part).__name__}")


def _more(count: int) -> Iterator[str]:
    if count:
        yield f"  and {count:,} more"


@_part.register
def _(part: Heading) -> Iterator[str]:
    yield ""
    yield f"{visible(part.text)}:"


@_part.register
def _(part: Note) -> Iterator[str]:
    yield f"  {visible(cell(part.text).text)}"


@_part.register
def _(part: Facts) -> Iterator[str]:
    width = max((len(visible(name)) for name, _ in part.rows), default=0)
    for name, text in part.rows:
        yield f"  {visible(name):<{width}}  {visible(cell(text).text)}"


@_part.register
def _(part: Table) -> Iterator[str]:
    cells = [[cell(text) for text in row] for row in part.rows]
    texts = [[visible(one.text) for one in row] for row in cells]
    widths = [
        min(max(map(len, column)), _COLUMN)
        for column in zip_longest(part.columns, *texts, fillvalue="")
    ]
    yield "  " + "  ".join(name.ljust(width) for name, width in zip(part.columns, widths))
    for row, shown in zip(cells, texts):
        yield "  " + "  ".join(
            text.rjust(width) if one.style == "number" else text.ljust(width)
            for one, text, width in zip(row, shown, widths)
        )
    yield from _more(part.more)


@_part.register
def _(part: Code) -> Iterator[str]:
    columns = columns_of(part.rows)
    for row in part.rows:
        label, lanes, text, values = columns.row(row)
        mark = {"here": "▶", "bad": "!"}.get(row.style, " ")
        yield f"{mark} {label} {lanes} {text}  {values}"
    yield from _more(part.more)


@_part.register
def _(part: Bar) -> Iterator[str]:
    whole = sum(amount for _, amount in part.amounts)
    shaded = [(mark, share(size, whole)) for mark, (_, size) in _marked(part)]
    yield "  " + "".join(mark * round(of * _BAR / 100) for mark, of in shaded)
    width = max((len(visible(name)) for name, _ in part.amounts), default=0)
    for mark, (name, size) in _marked(part):
        of = share(size, whole)
        yield f"  {mark} {visible(name):<{width}}  {size:>10,} {part.unit}  {of:5.1f} %"


def _marked(part: Bar) -> Iterator[tuple[str, tuple[str, int]]]:
    for number, amount in enumerate(part.amounts):
        yield _SHADES[number % len(_SHADES)], amount


@_part.register
def _(part: Bytes) -> Iterator[str]:
    for row in rows_of(part):
        digits = "".join(f"{text}{'*' if changed else ' '}" for text, changed, _ in row.digits())
        characters = "".join(text for text, _ in row.characters())
        yield f"  {row.address:08x}  {digits}{row.padding} {characters:<16}  {row.numbers()}"


@_part.register
def _(part: Pages) -> Iterator[str]:
    marks = "".join(PAGE_MARKS[use] for use, _ in part.use)
    for at in range(0, len(marks), _PAGES):
        yield f"  {marks[at : at + _PAGES]}"
    yield from _more(part.more)


@_part.register
def _(part: Timeline) -> Iterator[str]:
    whole = max(part.furthest - part.oldest, 1)
    at = (part.step - part.oldest) * (_BAR - 1) // whole
    yield f"  {part.oldest:,} {'━' * at}●{'─' * (_BAR - 1 - at)} {part.furthest:,}"


@_part.register
def _(part: Tree) -> Iterator[str]:
    yield from _items(part.items, 1)
    yield from _more(part.more)


def _items(items: Sequence[Item], depth: int) -> Iterator[str]:
    for item in items:
        yield f"{'  ' * depth}{visible(item.text)}  {visible(item.note)}"
        yield from _items(item.children, depth + 1)


@_part.register
def _(part: Cards) -> Iterator[str]:
    for card in part.cards:
        yield f"  [{visible(card.title)}] {visible(card.text)}  {visible(card.note)}"
    yield from _more(part.more)


@_part.register
def _(part: Flame) -> Iterator[str]:
    # a table of the functions is beside it
    yield from ()


@_part.register
def _(part: Fold) -> Iterator[str]:
    yield ""
    yield f"{visible(part.title)}:"
    for inner in part.parts:
        yield from _part(inner)


@_part.register
def _(part: Side) -> Iterator[str]:
    for column in part.columns:
        for inner in column:
            yield from _part(inner)
