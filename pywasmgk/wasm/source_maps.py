"""Lines of the source that a module was compiled from, of a source map (ECMA-426).

Its custom section ``sourceMappingURL`` says where the map is: in the address itself, or in a file,
which is looked for beside the module and nowhere else; nothing is fetched. A map has one generated
line, whose columns are offsets in the module's file; an index map has several maps, each from an
offset on. It is its author's: its size, its rows and the time for reading it are bounded, and the
worst is that no line is known.
"""

from __future__ import annotations

import base64
import re
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import HostError, SourceLine
from ..printable import printable
from .line_tables import Row, Table, offsets_in, tabulated

__all__ = ["MappedLines"]

_SUFFIX = ".map"
#: bytes of a map, rows in it, sources that it names, and characters of such a name
_LARGEST, _MOST_ROWS, _MOST_SOURCES, _LONGEST_NAME = 32 << 20, 2_000_000, 100_000, 1_000
#: seconds for reading it where somebody waits for an error, and where lines are asked for
_SECONDS, _ALL_SECONDS = 2.0, 30.0
#: objects, lists and strings in its JSON, which take more memory than their text
_MOST_NODES, _MOST_STRINGS = 1_000_000, 4_000_000
#: rows between two looks at the clock
_LOOK_EVERY = 4_096
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_DIGITS = {digit: value for value, digit in enumerate(_ALPHABET)}
_PLACE = ("line", "column")
#: of a number in a map, and of what it adds up to
_MOST_BITS, _MOST = 35, 1 << 31


class _Wrong(Exception):
    """The map cannot be used; the message says why."""


class _Rows:
    """What a map says, a column each: offset, number of the source (-1 is none), line and column,
    both from 0."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.offsets, self.files, self.lines, self.columns = (array("l") for _ in range(4))

    def add(self, offset: int, file: int, line: int, column: int) -> None:
        """Adds a row."""
        if len(self.offsets) >= _MOST_ROWS:
            raise _Wrong(f"it has more than {_MOST_ROWS:,} mappings")
        for part, value in zip(
            (self.offsets, self.files, self.lines, self.columns), (offset, file, line, column)
        ):
            part.append(value)


class MappedLines:
    """Where instructions of a module stand in its source. Pickled, it knows nothing any more.

    ``url`` is what the custom section says, ``folder`` where the module's file is, and ``begins``
    are the offsets of its functions' bodies: none goes on with the line of another one.
    """

    def __init__(self, url: bytes, folder: str | None, begins: Sequence[int]) -> None:
        self._url = url
        self._folder = folder
        self._begins = begins
        self._rows: _Rows | None = None
        #: why nothing is known
        self._wrong: str | None = None
        self._table: Table | None = None
        self._texts: dict[str, str] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return MappedLines, (b"", None, ())

    def __repr__(self) -> str:
        return "<MappedLines>"

    def at(self, offset: int) -> tuple[SourceLine, ...]:
        """Where the instruction at an offset in the file stands; nothing if that is not known."""
        rows = self._read(_SECONDS)
        index = 0 if rows is None else bisect_right(rows.offsets, offset)
        if rows is None or not index or rows.files[index - 1] < 0:
            return ()
        body = bisect_right(self._begins, offset)
        if body and rows.offsets[index - 1] < self._begins[body - 1]:
            return ()
        index -= 1
        file = rows.sources[rows.files[index]]
        return (SourceLine(None, file, rows.lines[index] + 1, rows.columns[index] + 1),)

    @property
    def table(self) -> Table:
        """By source file and line, the offsets where code of the line begins; of files and lines
        without code, or where that is not known, nothing."""
        if self._table is None:
            rows = self._read(_ALL_SECONDS)
            self._table = {} if rows is None else tabulated(self._all(rows))
        return self._table

    def offsets(self, file: str, line: int) -> list[int]:
        """Where code of a line begins. ``file`` may leave out leading folders."""
        return offsets_in(self.table, file, line)

    def text(self, file: str) -> str | None:
        """The text of a source that is in the map itself; ``None`` where it is not."""
        if self._texts is None:
            try:
                self._texts = _texts(_form(self._content()))
            except _Wrong:
                self._texts = {}
        return self._texts.get(file)

    def all(self) -> list[Row]:
        """All lines, by offset. Raises HostError where the map cannot be read."""
        rows = self._read(_ALL_SECONDS)
        if rows is None:
            raise HostError(f"its source map cannot be used: {self._wrong}")
        return self._all(rows)

    def _all(self, rows: _Rows) -> list[Row]:
        found = [
            (offset, rows.sources[file], line + 1)
            for offset, file, line in zip(rows.offsets, rows.files, rows.lines)
            if file >= 0
        ]
        found += [(offset, "", 0) for offset in self._begins]
        found += self._gaps(rows)
        # where a function begins with a line, that comes last
        return sorted(found, key=lambda row: (row[0], row[2] != 0))

    def _gaps(self, rows: _Rows) -> Iterator[Row]:
        """Where code begins that is of no line; not where the same line goes on behind that, which
        would seem to begin twice."""
        lines = [*zip(rows.files, rows.lines)]
        for at, (file, _) in enumerate(lines):
            if file < 0 and not (0 < at < len(lines) - 1 and lines[at - 1] == lines[at + 1]):
                yield rows.offsets[at], "", 0

    # -- reading

    def _read(self, seconds: float) -> _Rows | None:
        """The map, read once; ``None`` where it cannot be used."""
        if self._rows is None and (self._wrong is None or seconds > _SECONDS):
            try:
                self._rows, self._wrong = _decoded(self._content(), seconds), None
            except _Wrong as error:
                self._wrong = str(error)
        return self._rows

    def _content(self) -> bytes:
        """The map's bytes."""
        url = self._url.decode("utf-8", "replace")
        if url.startswith("data:"):
            return _inline(url)
        try:
            name = PurePosixPath(urlsplit(url).path.replace("\\", "/")).name
        except ValueError:
            name = ""
        if not name.endswith(_SUFFIX):
            raise _Wrong("its address names no file of maps (.map)")
        if self._folder is None:
            raise _Wrong(f"{printable(name)} is looked for beside the module's file: there is none")
        path = Path(self._folder, name)
        try:
            if not path.is_file() or path.stat().st_size > _LARGEST:
                raise _Wrong(f"{printable(name)} is not beside the module, or too large")
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise _Wrong(f"{printable(name)}: {type(error).__name__}") from None


def _inline(url: str) -> bytes:
    head, comma, content = url.partition(",")
    if not comma or len(content) > _LARGEST * 4 // 3 + 4:
        raise _Wrong("it is larger than allowed, or empty")
    try:
        if head.endswith(";base64"):
            return base64.b64decode(content, validate=True)
        return unquote_to_bytes(content)
    except ValueError:
        raise _Wrong("its address is no data") from None


def _decoded(data: bytes, seconds: float) -> _Rows:
    """Raises _Wrong."""
    end = time.monotonic() + seconds
    rows = _Rows()
    starts: list[int] = []
    for start, form in _parts(_form(data)):
        if starts and start < starts[-1]:
            raise _Wrong("its sections are not in order")
        starts.append(start)
        if start:
            # what came before ends here
            rows.add(start, -1, 0, 0)
        _read_part(form, start, rows, end)
        if len(rows.sources) > _MOST_SOURCES:
            raise _Wrong(f"it names more than {_MOST_SOURCES:,} sources")
    return rows if _ascends(rows.offsets) else _sorted(rows)


def _read_part(form: dict[str, Any], start: int, rows: _Rows, end: float) -> None:
    """Adds the rows of one map, whose offsets count from ``start``."""
    first = len(rows.sources)
    rows.sources += _names(form)
    segments = re.finditer(r"[^,;]+|;", form["mappings"])
    offset, file, line, column = start, 0, 0, 0
    for number, found in enumerate(segments):
        if not number % _LOOK_EVERY and time.monotonic() > end:
            raise _Wrong("it takes too long to read")
        if found[0] == ";":
            break  # a module has one line
        numbers = _numbers(found[0])
        offset = _sum(offset, numbers[0])
        if len(numbers) >= 4:
            file, line, column = map(_sum, (file, line, column), numbers[1:4])
            if file >= len(rows.sources) - first:
                raise _Wrong("a mapping names a source that is not there")
            rows.add(offset, first + file, line, column)
        else:
            rows.add(offset, -1, 0, 0)


def _parts(form: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The maps in a map, each with the offset that it begins at: itself, or of an index map its
    sections, but for those of further lines. Raises _Wrong."""
    if "sections" not in form:
        yield 0, _required(form)
        return
    sections = form["sections"]
    if not isinstance(sections, list):
        raise _Wrong("its sections are no list")
    for section in sections:
        place = section.get("offset") if isinstance(section, dict) else None
        line, column = (place.get(key) if isinstance(place, dict) else None for key in _PLACE)
        if not (type(line) is type(column) is int and line >= 0 <= column < _MOST):
            raise _Wrong("a section says not where it begins")
        if line == 0:
            yield column, _required(section.get("map"))


def _required(form: Any) -> dict[str, Any]:
    """A map of the shape that is needed. Raises _Wrong."""
    if not isinstance(form, dict) or form.get("version") != 3:
        raise _Wrong("it is no source map of version 3")
    sources, mappings = form.get("sources"), form.get("mappings")
    if not isinstance(sources, list) or not isinstance(mappings, str):
        raise _Wrong("it has no sources or no mappings")
    if len(sources) > _MOST_SOURCES:
        raise _Wrong(f"it names more than {_MOST_SOURCES:,} sources")
    return form


def _texts(form: dict[str, Any]) -> dict[str, str]:
    """The texts of sources that a map has in itself, by their names. Raises _Wrong."""
    found: dict[str, str] = {}
    for _, part in _parts(form):
        contents = part.get("sourcesContent")
        for name, text in zip(_names(part), contents if isinstance(contents, list) else ()):
            if isinstance(text, str):
                found.setdefault(name, text)
    return found


def _names(form: dict[str, Any]) -> list[str]:
    return [_name(form.get("sourceRoot"), name) for name in form["sources"]]


def _form(data: bytes) -> dict[str, Any]:
    """The map's JSON, an object. Raises _Wrong."""
    # only who needs lines reads JSON
    import json

    if len(data) > _LARGEST:
        raise _Wrong(f"it has more than {_LARGEST:,} bytes")
    if data.count(b"{") + data.count(b"[") > _MOST_NODES or data.count(b'"') > 2 * _MOST_STRINGS:
        raise _Wrong("it has too many parts")
    # it may begin with a line against being run as a script
    if data.startswith(b")]}"):
        data = data.partition(b"\n")[2]
    try:
        form = json.loads(data)
    except (ValueError, RecursionError):
        raise _Wrong("it is no JSON") from None
    if not isinstance(form, dict):
        raise _Wrong("it is no source map of version 3")
    return form


def _name(root: Any, name: Any) -> str:
    """What a source is called: below the folders that lead out of where the map is."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        return "?"
    if isinstance(root, str) and 0 < len(root) < _LONGEST_NAME and not root.startswith("/"):
        name = f"{root.rstrip('/')}/{name}"
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and parts and parts[-1]:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return printable("/".join(parts)) or "?"


def _numbers(segment: str) -> list[int]:
    """The numbers of a mapping, in base 64 with a bit that says that more follows."""
    found, value, shift = [], 0, 0
    for digit in map(_DIGITS.get, segment.encode("ascii", "replace")):
        if digit is None or shift >= _MOST_BITS:
            raise _Wrong("a mapping is no number")
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            found.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift or len(found) not in (1, 4, 5):
        raise _Wrong("a mapping is cut off, or has a wrong number of parts")
    return found


def _sum(before: int, more: int) -> int:
    found = before + more
    if not 0 <= found < _MOST:
        raise _Wrong("a mapping leads out of its bounds")
    return found


def _ascends(offsets: array[int]) -> bool:
    return all(offsets[at] <= offsets[at + 1] for at in range(len(offsets) - 1))


def _sorted(rows: _Rows) -> _Rows:
    """The rows by offset; most maps have them so."""
    made = _Rows()
    made.sources = rows.sources
    for at in sorted(range(len(rows.offsets)), key=rows.offsets.__getitem__):
        made.add(rows.offsets[at], rows.files[at], rows.lines[at], rows.columns[at])
    return made
