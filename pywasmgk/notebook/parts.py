"""What a thing is shown as: parts, which hold texts and numbers and know nothing of markup.

Who shows a thing makes parts of it; ``hypertext`` and ``plain`` write them. So both say the same,
and there is one place where a text becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar, Union

from ..printable import printable

if TYPE_CHECKING:
    from ..wasm.stepping.counting import Node

__all__ = [
    "STYLES",
    "Bar",
    "Bytes",
    "Card",
    "Cards",
    "Cell",
    "Code",
    "Facts",
    "Flame",
    "Fold",
    "Heading",
    "Item",
    "Note",
    "Pages",
    "Part",
    "Row",
    "Side",
    "Table",
    "Timeline",
    "Tree",
    "View",
    "cell",
    "columns_of",
    "cut",
    "share",
    "visible",
]

#: how a text may look
STYLES = ("", "code", "number", "dim", "changed", "here", "bad", "badge")
_T = TypeVar("_T")


class Cell(NamedTuple):
    """A text, and how it looks: one of STYLES."""

    text: str
    style: str = ""


#: a text without a style is one as others are
Text = Union[str, Cell]


def cell(text: Text) -> Cell:
    """A text with its style."""
    return text if isinstance(text, Cell) else Cell(text)


def cut(items: Iterable[_T], most: int, count: int | None = None) -> tuple[tuple[_T, ...], int]:
    """The first items, and how many more there are: of a ``count`` that is known the others are not
    looked at."""
    iterator = iter(items)
    found = tuple(islice(iterator, most))
    rest = sum(1 for _ in iterator) if count is None else max(count - len(found), 0)
    return found, rest


def visible(text: str, most: int = 200) -> str:
    """A text on one line, cut, with all escaped that nobody sees."""
    return f"{printable(text, longest=most - 1)}…" if len(text) > most else printable(text)


def share(amount: int, whole: int) -> float:
    """An amount in hundredths of a whole."""
    return 100 * amount / whole if whole else 0.0


@dataclass(frozen=True)
class Heading:
    """Begins something new."""

    text: str


@dataclass(frozen=True)
class Note:
    """A sentence."""

    text: Text


@dataclass(frozen=True)
class Facts:
    """Names with what they are."""

    rows: Sequence[tuple[str, Text]]


@dataclass(frozen=True)
class Table:
    """Rows below the names of columns; ``more`` were left out."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]
    more: int = 0


class Row(NamedTuple):
    """A line of code."""

    text: str
    #: what stands before it: an offset, a number of a line, how often it ran
    label: str = ""
    #: the operand stack, a character for each operand
    lanes: str = ""
    #: what it took and gave
    values: str = ""
    #: ``here``, ``bad`` (never ran), or nothing
    style: str = ""


@dataclass(frozen=True)
class Code:
    """Lines of code."""

    rows: Sequence[Row]
    more: int = 0


#: characters of code, and of what stands beside it
_CODE, _VALUES = 120, 160


class Columns(NamedTuple):
    """How wide the columns of code are."""

    label: int
    lanes: int
    text: int

    def row(self, row: Row) -> tuple[str, str, str, str]:
        """A line's texts, all but the last as wide as their columns."""
        return (
            row.label.rjust(self.label),
            row.lanes.ljust(self.lanes),
            visible(row.text, _CODE).ljust(self.text),
            visible(row.values, _VALUES),
        )


def columns_of(rows: Sequence[Row]) -> Columns:
    """The columns of lines of code: where nothing stands beside it, code is as wide as it is."""
    beside = any(row.values for row in rows)
    text = max((min(len(visible(row.text, _CODE)), _CODE) for row in rows), default=0)
    return Columns(
        max((len(row.label) for row in rows), default=0),
        max((len(row.lanes) for row in rows), default=0),
        text if beside else 0,
    )


@dataclass(frozen=True)
class Bar:
    """Amounts that make a whole."""

    amounts: Sequence[tuple[str, int]]
    unit: str


@dataclass(frozen=True)
class Bytes:
    """Bytes of memory from an address on; ``numbers`` is the type that they are read as beside."""

    start: int
    data: bytes
    changed: frozenset[int] = frozenset()
    numbers: str = "i32"


@dataclass(frozen=True)
class Pages:
    """Pages of memory: of each how much is in use, 0 to 4, and whether it has changed."""

    use: Sequence[tuple[int, bool]]
    more: int = 0


@dataclass(frozen=True)
class Timeline:
    """Steps that an execution can go to, and where it is."""

    oldest: int
    step: int
    furthest: int


class Item(NamedTuple):
    """An entry with entries below it, which are entries again."""

    text: str
    note: str
    children: Sequence[Item]


@dataclass(frozen=True)
class Tree:
    """Entries of a menu."""

    items: Sequence[Item]
    more: int = 0


class Card(NamedTuple):
    """A part of a dashboard."""

    title: str
    text: str
    #: what is in its corner
    note: str
    #: columns of four that it takes
    width: int


@dataclass(frozen=True)
class Cards:
    """A dashboard."""

    cards: Sequence[Card]
    more: int = 0


@dataclass(frozen=True)
class Flame:
    """A flame graph of chains of calls."""

    root: Node


@dataclass(frozen=True)
class Fold:
    """Parts that are shown when somebody asks for them."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Side:
    """Parts in columns, as far as there is room."""

    columns: Sequence[Sequence[Part]]


Part = Union[
    Heading, Note, Facts, Table, Code, Bar, Bytes, Pages, Timeline, Tree, Cards, Flame, Fold, Side
]


@dataclass(frozen=True)
class View:
    """A thing, shown: what it is called, what is said of it in a line, and its parts."""

    title: str
    note: str
    parts: Sequence[Part]

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)
