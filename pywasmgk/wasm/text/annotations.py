"""Annotations that stand for custom sections (spec, appendix "Custom Sections"; "producers" and
"branch hints" are conventions of tools)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..watch import Look, each
from .cursor import Cursor
from .encoding import SECTIONS, Piece, custom_section, string, unsigned
from .instructions import Hint
from .tokens import Annotation

__all__ = ["CustomSections", "branch_hints"]

#: places of custom sections: the section they stand at, and whether behind it
_FIRST, _LAST = (next(iter(SECTIONS)), False), (list(SECTIONS)[-1], True)
#: tokens between two looks at the clock
_OFTEN = 512
_PRODUCERS = ("language", "processed-by", "sdk")


class CustomSections:
    """The custom sections of a module, by their places."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.found: dict[tuple[str, bool], list[Piece]] = {}
        #: names of sections that the text has itself
        self.names: set[str] = set()

    def read(self) -> None:
        """Takes the annotations before the next field."""
        if not self.cursor.annotations:
            return
        for annotation in each(
            self.cursor.all_annotations("custom", "producers"), self.cursor.look
        ):
            reader = _Annotation(self.cursor, annotation)
            if annotation.name == "custom":
                self.add(*reader.custom())
            else:
                self.add("producers", reader.producers(), _LAST)

    def add(self, name: str, content: bytes, place: tuple[str, bool] = _LAST) -> None:
        """Adds a section at a place."""
        self.names.add(name)
        self.found.setdefault(place, []).append(custom_section(name, content))


class _Annotation:
    """Reads the inside of an annotation."""

    def __init__(self, cursor: Cursor, annotation: Annotation) -> None:
        self.cursor = cursor
        self.annotation = annotation
        self.words = [*annotation.words, ""]
        self.next = 0

    def require(self, condition: bool, message: str) -> None:
        """Refuses what does not meet a condition. Raises TextError."""
        if not condition:
            message = f"@{self.annotation.name} annotation: {message}"
            raise self.cursor.failure(message, self.annotation.at)

    def take(self) -> str | bytes:
        """The next token; the end stays."""
        word = self.words[self.next]
        if word != "":
            self._step()
        return word

    def _step(self) -> None:
        self.next += 1
        if not self.next % _OFTEN:
            self.cursor.look(None)

    def strings(self) -> list[bytes]:
        """Strings, as many as come."""
        found = []
        while isinstance(word := self.words[self.next], bytes):
            found.append(word)
            self._step()
        return found

    def text(self, what: str) -> str:
        """A string in UTF-8."""
        word = self.take()
        self.require(isinstance(word, bytes), f"missing {what}")
        try:
            return bytes(word).decode() if isinstance(word, bytes) else ""
        except UnicodeDecodeError:
            self.require(False, "malformed UTF-8 encoding")
            raise

    def custom(self) -> tuple[str, bytes, tuple[str, bool]]:
        """Name, content and place of a custom section."""
        name = self.text("section name")
        place = _LAST
        if self.words[self.next] == "(":
            self.next += 1
            side, section = self.take(), self.take()
            self.require(side in ("before", "after"), "malformed placement")
            if (side, section) == ("before", "first"):
                place = _FIRST
            elif (side, section) != ("after", "last"):
                known = isinstance(section, str) and section in SECTIONS
                self.require(known, "malformed section kind")
                place = (str(section), side == "after")
            self.require(self.take() == ")", "unexpected token")
        content = b"".join(self.strings())
        self.require(self.take() == "", "unexpected token")
        return name, content, place

    def producers(self) -> bytes:
        """The tools that made a module, by field, in the section's encoding."""
        fields: dict[str, list[bytes]] = {}
        while self.words[self.next] == "(":
            self.next += 1
            field = self.take()
            self.require(field in _PRODUCERS, f"expected one of {', '.join(_PRODUCERS)}")
            name, version = self.text("name"), self.text("version")
            self.require(self.take() == ")", "unexpected token")
            fields.setdefault(str(field), []).append(string(name) + string(version))
        self.require(self.next == len(self.words) - 1, "unexpected token")
        parts = [
            string(field) + unsigned(len(values)) + b"".join(values)
            for field, values in fields.items()
        ]
        return unsigned(len(parts)) + b"".join(parts)


def branch_hints(hints: Mapping[int, Sequence[Hint]], look: Look) -> Piece:
    """The section of the branch hints of functions, by function."""
    parts = [
        unsigned(index)
        + unsigned(len(found))
        + b"".join(unsigned(hint.offset) + string(hint.value) for hint in each(found, look))
        for index, found in hints.items()
        if found
    ]
    return custom_section("metadata.code.branch_hint", unsigned(len(parts)) + b"".join(parts))
