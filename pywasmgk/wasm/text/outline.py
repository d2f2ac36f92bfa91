"""The first reading of a text: which fields it has, and what they are called.

It finds parentheses and identifiers and looks at little else; what is malformed stays for the
second reading to refuse.
"""

from __future__ import annotations

from ..watch import each
from .cursor import Cursor
from .signatures import SignatureReader
from .spaces import Spaces

__all__ = ["outline"]

_EXTERNALS = ("func", "table", "memory", "global", "tag")
#: the segments that a definition may have in it, and the word of it that they stand behind
_INLINE = {"table": "elem", "memory": "data"}


def outline(cursor: Cursor, spaces: Spaces) -> int:
    """How many fields there are from the next token on; fills the index spaces. Raises TextError
    for names that are there twice, imports that come late, and in types."""
    return _Outline(cursor, spaces).fields()


class _Outline:
    def __init__(self, cursor: Cursor, spaces: Spaces) -> None:
        self.cursor = cursor
        self.spaces = spaces
        self.signatures = SignatureReader(cursor, spaces)
        #: whether the module has defined something that may be imported
        self.defined = False

    def fields(self) -> int:
        """All fields; the cursor stands where it was."""
        cursor, words = self.cursor, self.cursor.words
        begin, depth, count = cursor.next, 0, 0
        for position in each(range(begin, len(words)), cursor.look):
            word = words[position]
            if word == "(":
                if not depth:
                    cursor.next = position + 2
                    self.field(words[position + 1])
                    count += 1
                depth += 1
            elif word == ")":
                depth -= 1
                if depth < 0:
                    break
        cursor.go(begin)
        return count

    def field(self, kind: str | bytes) -> None:
        """One field, of which the keyword was taken."""
        if kind == "type":
            self.declare("type")
            self.type()
        elif kind == "import":
            self.cursor.next += 4
            self.imported(self.cursor.words[self.cursor.next - 1])
        elif kind in ("elem", "data"):
            self.declare(str(kind))
        elif kind in _EXTERNALS:
            self.external(str(kind))

    def declare(self, space: str) -> None:
        """Takes the identifier of a definition."""
        cursor = self.cursor
        identifier = cursor.identifier()
        name = cursor.name_annotation()
        try:
            self.spaces.declare(space, identifier, name)
        except KeyError:
            raise cursor.failure(f"{identifier:.60} is there twice") from None

    def type(self) -> None:
        """A type; its fields may not refer to others, so that it can be read here."""
        cursor = self.cursor
        signature = ((), ()) if not cursor.munch("(", "func") else self.signatures.signature()[1]
        self.spaces.add_type(signature)

    def imported(self, kind: str | bytes) -> None:
        """What is imported, a place in an index space."""
        if self.defined:
            at = self.cursor.next - 1
            message = "imports must come before what the module defines"
            raise self.cursor.failure(message, self.cursor.places[at])
        if kind in _EXTERNALS:
            self.declare(str(kind))

    def external(self, kind: str) -> None:
        """What the module defines, or imports in place; there may be a segment in it."""
        cursor = self.cursor
        self.declare(kind)
        while cursor.match("(", "export"):
            cursor.next = min(cursor.next + 3, len(cursor.words) - 5)
            cursor.take()
        if cursor.match("(", "import"):
            if self.defined:
                raise cursor.failure("imports must come before what the module defines")
            return
        self.defined = True
        cursor.next += kind == "table" and self.signatures.at_reference_type()
        if kind in _INLINE and cursor.match("(", _INLINE[kind]):
            self.spaces.declare(_INLINE[kind], None)
