"""Types of the text format (spec, "Text Format: Types"), and uses of types."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import TextError, near_miss
from ..features import unsupported, why_unknown
from ..types import MAX_ARITY, ValType
from ..watch import each
from .cursor import Cursor, show
from .encoding import TYPES
from .spaces import Signature, Spaces

__all__ = ["Parameters", "SignatureReader"]

_REFERENCES = {str(kind) for kind in ValType if kind.is_reference}
#: identifiers and other names of parameters or locals, by position
Parameters = list[tuple["str | None", "str | None"]]


class SignatureReader:
    """Reads types from a cursor."""

    def __init__(self, cursor: Cursor, spaces: Spaces) -> None:
        self.cursor = cursor
        self.spaces = spaces
        #: a type was used by its number before the text came to it
        self.ahead = False
        #: uses by index that repeat the type: index, type, place
        self._repeated: list[tuple[int, Signature, int]] = []

    # -- types

    def value_type(self) -> str:
        """A value type."""
        cursor = self.cursor
        word = cursor.peek()
        if isinstance(word, str) and word in TYPES:
            cursor.take()
            return word
        raise self._no_type("value type", TYPES)

    def reference_type(self) -> str:
        """The element type of a table or segment."""
        word = self.cursor.peek()
        if isinstance(word, str) and word in _REFERENCES:
            self.cursor.take()
            return word
        raise self._no_type("reference type", _REFERENCES)

    def heap_type(self) -> str:
        """The reference type whose null is meant."""
        word = self.cursor.peek()
        if isinstance(word, str) and f"{word}ref" in _REFERENCES:
            self.cursor.take()
            return f"{word}ref"
        if self.cursor.at_index():
            why = why_unknown("(ref")
            raise self.cursor.failure(f"heap type {word!s:.40}{why}", self.cursor.place)
        raise self._no_type("heap type", [name[:-3] for name in _REFERENCES])

    def at_reference_type(self) -> bool:
        """Whether an element type comes."""
        return self.cursor.peek() in _REFERENCES

    def _no_type(self, what: str, known: Iterable[str]) -> TextError:
        cursor = self.cursor
        word = cursor.peek()
        if word == "(" and isinstance(inside := cursor.peek(1), str):
            word += inside
        why = why_unknown(word) if isinstance(word, str) else ""
        if not isinstance(word, str) or word in ("", ")") or (word[0] == "(" and not why):
            return cursor.unexpected(f"a {what}")
        hint = why or near_miss(word[:40], known)
        return cursor.failure(f"unknown {what} {word:.40}{hint}", cursor.place)

    def limits(self, bits: int = 32) -> tuple[int, int | None]:
        """A minimum and perhaps a maximum."""
        cursor = self.cursor
        word = cursor.peek()
        if isinstance(word, str) and word in ("i32", "i64"):
            raise cursor.failure(f"{word}: {unsupported('memory64')}", cursor.place)
        self._refuse("shared", "(pagesize")
        minimum = cursor.unsigned(bits)
        maximum = cursor.unsigned(bits) if cursor.at_index() else None
        return minimum, maximum

    def memory_type(self) -> tuple[int, int | None, bool]:
        """The limits of a memory, and whether it is shared."""
        found = self.limits()
        shared = self.cursor.munch("shared")
        self._refuse("unshared", "(pagesize")
        return *found, shared

    def table_type(self) -> tuple[str, int, int | None]:
        """Element type and limits of a table."""
        minimum, maximum = self.limits()
        return self.reference_type(), minimum, maximum

    def global_type(self) -> tuple[str, bool]:
        """A value type, mutable or not."""
        mutable = self.cursor.munch("(", "mut")
        kind = self.value_type()
        if mutable:
            self.cursor.expect(")")
        return kind, mutable

    def _refuse(self, *words: str) -> None:
        """Refuses words of proposals that are not supported."""
        cursor = self.cursor
        ahead = cursor.peek()
        word = f"({show(cursor.peek(1))[1:-1]}" if ahead == "(" else ahead
        if isinstance(word, str) and word in words:
            raise cursor.failure(f"{word}{why_unknown(word)}", cursor.place)

    # -- function types

    def parameters(self, keyword: str = "param") -> tuple[Parameters, list[str]]:
        """Parameters or locals: what they are called, and their types."""
        cursor = self.cursor
        names: Parameters = []
        types: list[str] = []
        while cursor.munch("(", keyword):
            identifier = cursor.identifier()
            name = cursor.name_annotation()
            if identifier is not None or name is not None:
                names.append((identifier, name))
                types.append(self.value_type())
            else:
                while not cursor.match(")"):
                    names.append((None, None))
                    types.append(self.value_type())
            cursor.expect(")")
        return names, types

    def results(self) -> list[str]:
        """Results."""
        cursor = self.cursor
        types: list[str] = []
        while cursor.munch("(", "result"):
            while not cursor.match(")"):
                types.append(self.value_type())
            cursor.expect(")")
        return types

    def signature(self) -> tuple[Parameters, Signature]:
        """Parameters and results."""
        names, params = self.parameters()
        return names, (tuple(params), tuple(self.results()))

    # -- uses

    def type_use(self) -> tuple[int, Parameters]:
        """The index of a function type, given by index or in place, and its parameters' names."""
        cursor = self.cursor
        if not cursor.munch("(", "type"):
            self._refuse("(exact")
            names, signature = self.signature()
            return self.spaces.type_index(signature), names
        at = cursor.place
        index = cursor.index(self.spaces.indices["type"], "type")
        cursor.expect(")")
        self.ahead |= index >= len(self.spaces.types)
        if cursor.match("(", "param") or cursor.match("(", "result"):
            names, signature = self.signature()
            self._repeated.append((index, signature, at))
        else:
            # a type of more parameters is refused when the module is validated
            names = [(None, None)] * min(len(self._type(index)[0]), MAX_ARITY)
        return index, names

    def _type(self, index: int) -> Signature:
        types = self.spaces.types
        return types[index] if index < len(types) else ((), ())

    def unnamed_type_use(self) -> int:
        """A function type whose parameters have no names."""
        index, names = self.type_use()
        self._refuse_names(names)
        return index

    def _refuse_names(self, names: Parameters) -> None:
        if names.count((None, None)) < len(names):
            raise self.cursor.failure("parameters of blocks and calls have no names")

    def block_type(self) -> int | str | None:
        """The type of a block: an index, the one result, or nothing."""
        if self.cursor.match("(", "type"):
            return self.unnamed_type_use()
        names, (params, results) = self.signature()
        self._refuse_names(names)
        if params or len(results) > 1:
            return self.spaces.type_index((params, results))
        return results[0] if results else None

    def check(self) -> None:
        """Refuses types that were given by index and otherwise in place. Raises TextError."""
        types = self.spaces.types
        for index, signature, at in each(self._repeated, self.cursor.look):
            if index >= len(types):
                raise self.cursor.failure(f"unknown type {index}", at)
            if types[index] != signature:
                message = "inline function type: it is not that of the index"
                raise self.cursor.failure(message, at)
