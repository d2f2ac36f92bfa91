"""Parts as HTML, which stands by itself: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import singledispatch
from itertools import groupby

from ..debug.flame import flame_graph
from .hexadecimal import rows_of
from .markup import Markup, element, fragment, plot, style_sheet
from .parts import (
    Bar,
    Bytes,
    Card,
    Cards,
    Code,
    Columns,
    Facts,
    Flame,
    Fold,
    Heading,
    Item,
    Note,
    Pages,
    Part,
    Row,
    Side,
    Table,
    Text,
    Timeline,
    Tree,
    View,
    cell,
    columns_of,
    share,
    visible,
)
from .plain import PAGE_MARKS
from .style import NAME, RULES

__all__ = ["body_of", "page_of"]

#: characters of a text in a table
_LONGEST = 400
#: colours of amounts, which begin again
_KEYS = 8


def page_of(view: View) -> str:
    """A thing as a notebook's output."""
    # no more than a text: marimo sends other kinds of texts as objects
    return str(element("div", style_sheet(RULES), body_of(view), class_=NAME))


def body_of(view: View) -> Markup:
    """A thing, without what says how it looks."""
    return fragment(
        element("div", visible(view.title), class_="wg-title"),
        element("div", visible(view.note, _LONGEST), class_="wg-note"),
        *map(_part, view.parts),
    )


@singledispatch
def _part(part: Part) -> Markup:
    """One part."""
    raise TypeError(f"no part that can be shown: {type(part).__name__}")


def _styled(text: Text, name: str = "span") -> Markup:
    found = cell(text)
    style = f"wg-{found.style}" if found.style else None
    return element(name, visible(found.text, _LONGEST), class_=style)


def _more(count: int) -> Markup:
    if not count:
        return Markup()
    return element("div", f"and {count:,} more", class_="wg-note")


@_part.register
def _(part: Heading) -> Markup:
    return element("div", visible(part.text), class_="wg-head")


@_part.register
def _(part: Note) -> Markup:
    return element("div", _styled(part.text), class_="wg-note")


@_part.register
def _(part: Facts) -> Markup:
    rows = [
        element("tr", element("th", visible(name), scope="row"), element("td", _styled(text)))
        for name, text in part.rows
    ]
    return element("table", element("tbody", *rows), class_="wg-facts")


@_part.register
def _(part: Table) -> Markup:
    head = [element("th", visible(name), scope="col") for name in part.columns]
    rows = [element("tr", *(_column(text) for text in row)) for row in part.rows]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *rows))
    return fragment(table, _more(part.more))


def _column(text: Text) -> Markup:
    found = cell(text)
    if found.style == "number":
        return element("td", visible(found.text), class_="wg-number")
    return element("td", _styled(found, "code" if found.style == "code" else "span"))


@_part.register
def _(part: Code) -> Markup:
    columns = columns_of(part.rows)
    lines = [_line(row, columns) for row in part.rows]
    return fragment(_scrolled(lines), _more(part.more))


def _scrolled(lines: Iterable[Markup]) -> Markup:
    """Lines that may be wider than there is room; by keys they are reached as well."""
    return element("pre", *lines, tabindex=0)


def _line(row: Row, columns: Columns) -> Markup:
    label, lanes, text, values = columns.row(row)
    mark = "▶" if row.style == "here" else " "
    style = f"wg-row wg-{row.style}" if row.style else "wg-row"
    parts = [element("span", f"{mark}{label} ", class_="wg-dim")]
    if columns.lanes:
        parts.append(element("span", lanes, class_="wg-lane"))
    parts.append(element("span", f" {text}"))
    if values:
        parts.append(element("span", f"  {values}", class_="wg-value"))
    return element("span", *parts, class_=style)


@_part.register
def _(part: Bar) -> Markup:
    whole = sum(amount for _, amount in part.amounts)
    pieces = [
        element(
            "div",
            class_=f"wg-k{number % _KEYS}",
            style=f"width:{share(amount, whole):.2f}%",
            title=f"{visible(name)}: {amount:,} {part.unit}",
        )
        for number, (name, amount) in enumerate(part.amounts)
    ]
    said = ", ".join(f"{visible(name)} {share(size, whole):.0f} %" for name, size in part.amounts)
    bar = element("div", *pieces, class_="wg-bar", role="img", aria_label=said)
    rows = [
        element(
            "tr",
            element("td", element("span", class_=f"wg-key wg-k{number % _KEYS}"), visible(name)),
            element("td", f"{amount:,} {part.unit}", class_="wg-number"),
            element("td", f"{share(amount, whole):.1f} %", class_="wg-number"),
        )
        for number, (name, amount) in enumerate(part.amounts)
    ]
    return fragment(bar, element("table", element("tbody", *rows)))


@_part.register
def _(part: Bytes) -> Markup:
    lines = []
    for row in rows_of(part):
        parts = [element("span", f"{row.address:08x}  ", class_="wg-dim")]
        parts += _runs((f"{text} ", _look(changed, zero)) for text, changed, zero in row.digits())
        parts.append(element("span", f"{row.padding} "))
        parts += _runs((text, _look(changed)) for text, changed in row.characters())
        parts.append(element("span", f"  {row.numbers()}", class_="wg-value"))
        lines.append(element("span", *parts, class_="wg-row"))
    return _scrolled(lines)


def _look(changed: bool, zero: bool = False) -> str | None:
    return "wg-changed" if changed else "wg-dim" if zero else None


def _runs(texts: Iterable[tuple[str, str | None]]) -> Iterator[Markup]:
    """Texts with their classes, those of one class together."""
    for style, run in groupby(texts, key=lambda item: item[1]):
        yield element("span", "".join(text for text, _ in run), class_=style)


@_part.register
def _(part: Pages) -> Markup:
    marks = _runs(
        (PAGE_MARKS[use], "wg-changed" if changed else "wg-lane") for use, changed in part.use
    )
    used = sum(1 for use, _ in part.use if use)
    said = f"{used:,} of {len(part.use):,} pages hold something"
    return fragment(
        element("div", *marks, class_="wg-pages", role="img", aria_label=said), _more(part.more)
    )


@_part.register
def _(part: Timeline) -> Markup:
    whole = max(part.furthest - part.oldest, 1)
    said = f"step {part.step:,} of {part.oldest:,} to {part.furthest:,}"
    place = share(part.step - part.oldest, whole)
    inner = element("div", style=f"width:{place:.2f}%")
    bar = element("div", inner, class_="wg-time", role="img", aria_label=said, title=said)
    return fragment(element("div", said, class_="wg-note"), bar)


@_part.register
def _(part: Tree) -> Markup:
    return fragment(_items(part.items), _more(part.more))


def _items(items: Sequence[Item]) -> Markup:
    if not items:
        return Markup()
    return element(
        "ul",
        *(
            element(
                "li",
                visible(item.text),
                " ",
                element("span", visible(item.note), class_="wg-dim"),
                _items(item.children),
            )
            for item in items
        ),
    )


@_part.register
def _(part: Cards) -> Markup:
    cards = element("div", *map(_card, part.cards), class_="wg-cards")
    return fragment(cards, _more(part.more))


def _card(card: Card) -> Markup:
    return element(
        "div",
        element("div", visible(card.title), class_="wg-title"),
        element("div", visible(card.text, _LONGEST)),
        element("div", visible(card.note), class_="wg-note"),
        class_="wg-card",
        style=f"grid-column:span {card.width}",
    )


@_part.register
def _(part: Flame) -> Markup:
    return element("div", plot(flame_graph(part.root)), class_="wg-flame", tabindex=0)


@_part.register
def _(part: Fold) -> Markup:
    return element("details", element("summary", visible(part.title)), *map(_part, part.parts))


@_part.register
def _(part: Side) -> Markup:
    columns = [element("div", *map(_part, column)) for column in part.columns]
    return element("div", *columns, class_="wg-side")
