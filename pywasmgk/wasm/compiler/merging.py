"""Fewer rows: what is computed for the next row only stands in it.

Rows are text here. What they mean is settled; this is about how Python runs them fastest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .rows import Row

__all__ = ["merged"]

#: a row that only names a value, and copies of such values
_TEMPORARY = re.compile(r"([tu]\d+(?:_\d+)?) = (.+)")
_COPY = re.compile(r"[lgstu]\w+ = [tu]\w+")
#: a float with the bits of its NaN put right; no use if only arithmetic reads the float
_UNLESS_NAN = re.compile(r"([tu]\w+) = ([tu]\w+) if \2 == \2 else ")
_CHARGE = re.compile(r"fuel ([-+])= (\d+)")
_TEMPORARIES = re.compile(r"\b[tu]\d+(?:_\d+)?\b")
#: text that may be put in the place of a name as it is
_PRIMARY = re.compile(r"\w+(\[[^\[\]]*\])?")
#: what may not run before the rest of its line does
_WRAP = re.compile(r" else w [-+] \d+")
_LATE = re.compile(r" else | and | or ")
#: a load, and a store, through a view or not
_EITHER_LOAD = re.compile(r"M\w+\[(t\w+)\] if not (t\w+) else (load_\w+\(mem, [^()]+\)\[0\])")
_WORD_STORE = re.compile(r"if not (t\w+): M\w+\[(t\w+)\] = ")


def merged(rows: Sequence[Row]) -> list[Row]:
    """Rows without temporaries that only the next row uses."""
    uses = Counter(name for row in rows for name in _TEMPORARIES.findall(row.text))
    # a block may be written several times, always with the same lines
    written = Counter(made[1] for row in rows if (made := _TEMPORARY.fullmatch(row.text)))
    for name, times in written.items():
        uses[name] = -(-uses[name] // times)
    found: list[Row] = []
    for row in _alone(rows, uses):
        fixed = _UNLESS_NAN.match(row.text)
        if fixed is not None and uses[fixed[1]] == 1:
            # nothing but arithmetic reads it
            uses.subtract(_TEMPORARIES.findall(row.text))
            continue
        if found:
            both = _inlined(found[-1], row, uses) or _charged_once(found[-1], row)
            if both is not None:
                found[-1] = both
                continue
        found.append(row)
    return found


def _alone(rows: Sequence[Row], uses: Counter[str]) -> Iterator[Row]:
    """Rows without questions whether a pointer points to words that are asked for one word only:
    ``struct`` costs less than the question, the shift and the view."""
    lost: set[str] = set()
    found: dict[int, str] = {}
    for place, row in enumerate(rows):
        loaded = _EITHER_LOAD.search(row.text)
        if loaded is not None and uses[loaded[1]] == uses[loaded[2]] == 2:
            lost |= {loaded[1], loaded[2]}
            found[place] = row.text.replace(loaded[0], loaded[3])
            continue
        stored = _WORD_STORE.match(row.text)
        if stored is not None and uses[stored[1]] == uses[stored[2]] == 2:
            lost |= {stored[1], stored[2]}
            found[place] = ""
            found[place + 1] = rows[place + 1].text.removeprefix("else: ")
    if not lost:
        yield from rows
        return
    for place, row in enumerate(rows):
        made = _TEMPORARY.fullmatch(row.text)
        text = "" if made is not None and made[1] in lost else found.get(place, row.text)
        if text:
            yield row if text is row.text else row._replace(text=text)


def _inlined(first: Row, row: Row, uses: Counter[str]) -> Row | None:
    """One row for two, where the second uses what the first computes, at once and only once."""
    if row.own or row.indent != first.indent:
        return None
    made = _TEMPORARY.fullmatch(first.text)
    if made is None or uses[made[1]] != 2:
        return None
    name, text = made.groups()
    if _COPY.fullmatch(row.text) and row.text.endswith(f" = {name}"):
        return first._replace(text=row.text[: -len(name)] + text)
    if first.own or _LATE.search(_WRAP.sub("", row.text)):
        return None
    if first.entry.trap is not None and row.entry.trap is not None:
        return None
    if row.text.startswith(("if ", "else", "while")) and not row.text.endswith(":"):
        return None
    pattern = re.compile(rf"\b{name}\b")
    if len(pattern.findall(row.text)) != 1:
        return None
    whole = row.text.endswith((f" = {name}", f"return {name}")) and row.text.count(name) == 1
    if not whole and not _PRIMARY.fullmatch(text):
        text = f"({text})"
    entry = first.entry if first.entry.trap is not None else row.entry
    return Row(row.indent, pattern.sub(lambda _: text, row.text), entry)


def _charged_once(first: Row, row: Row) -> Row | None:
    """One charge for two that follow each other."""
    one, other = _CHARGE.fullmatch(first.text), _CHARGE.fullmatch(row.text)
    if one is None or other is None or first.indent != row.indent:
        return None
    taken = sum(int(f"{sign}{amount}") for sign, amount in (one.groups(), other.groups()))
    return row._replace(text=f"fuel {'+' if taken > 0 else '-'}= {abs(taken)}")
