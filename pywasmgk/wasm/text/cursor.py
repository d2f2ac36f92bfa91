"""The tokens of a text, taken one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import TextError, near_miss
from ..watch import Look, never
from .numerals import integer
from .source import Source
from .tokens import Annotation, tokens_of

__all__ = ["Cursor", "show"]

#: tokens that may be looked at behind the last one
_AHEAD = 8
#: tokens between two looks at the clock; the dearest take some 10 us each
_OFTEN = 256


class Cursor:
    """Reads tokens; errors have the place of the last one that was taken, and say in which
    function that is.

    Words are compared as they are spelled; a string is ``bytes`` and no word. The end of the text
    is the empty word. ``look`` is called now and then, and may end the reading in time.
    """

    def __init__(self, text: str, look: Look = never) -> None:
        self.source = Source(text)
        self.look = look
        #: the token to look at the clock at
        self._due = 0
        tokens = tokens_of(self.source, look)
        self.words = [*tokens.words, *([""] * _AHEAD)]
        self.places = tokens.places
        self.places.extend([len(text)] * _AHEAD)
        self.annotations = tokens.annotations
        #: the index of the next token
        self.next = 0
        #: the function that is being read, as messages call it
        self.function: str | None = None

    def failure(self, message: str, at: int | None = None) -> TextError:
        """An error at a position of the text, by default at the last token."""
        if at is None:
            at = self.places[max(self.next - 1, 0)]
        return self.source.failure(message, at, self.function)

    def unexpected(self, wanted: str, why: str = "") -> TextError:
        """The error for a next token that is not what is wanted, and what may be why."""
        found = show(self.words[self.next])
        return self.failure(f"expected {wanted}, found {found}{why}", self.place)

    # -- any token

    def peek(self, ahead: int = 0) -> str | bytes:
        """A token that is still to be taken."""
        return self.words[self.next + ahead]

    @property
    def place(self) -> int:
        """Where the next token stands."""
        return self.places[self.next]

    def go(self, position: int) -> None:
        """Goes to a token."""
        self.next = position
        self._due = 0

    def take(self) -> None:
        """Takes the next token, which was looked at."""
        self.next = position = self.next + 1
        if position >= self._due:
            self._due = position + _OFTEN
            self.look(None)

    def match(self, *words: str) -> bool:
        """Whether these words come."""
        return self.words[self.next : self.next + len(words)] == [*words]

    def munch(self, *words: str) -> bool:
        """Takes words if they come."""
        found = self.match(*words)
        if found:
            self.next += len(words)
        return found

    def expect(self, *words: str) -> None:
        """Takes words that must come."""
        for word in words:
            if self.words[self.next] != word:
                raise self.unexpected(f"'{word}'")
            self.take()

    # -- tokens of a kind

    def word(self, what: str = "a word") -> str:
        """A keyword or number."""
        word = self.words[self.next]
        if isinstance(word, bytes) or word in ("(", ")", ""):
            raise self.unexpected(what)
        self.take()
        return word

    def string(self) -> bytes:
        """A string."""
        word = self.words[self.next]
        if not isinstance(word, bytes):
            raise self.unexpected("a string")
        self.take()
        return word

    def name(self) -> str:
        """The text of a string."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise self.failure("malformed UTF-8 encoding") from None

    def at_string(self) -> bool:
        """Whether a string comes."""
        return isinstance(self.words[self.next], bytes)

    def at_identifier(self) -> bool:
        """Whether an identifier comes."""
        word = self.words[self.next]
        return isinstance(word, str) and word[:1] == "$"

    def at_index(self, ahead: int = 0) -> bool:
        """Whether a number or identifier comes, which stands for something."""
        word = self.words[self.next + ahead]
        return isinstance(word, str) and (word[:1] == "$" or word[:1].isdigit())

    def identifier(self) -> str | None:
        """An identifier, if one comes."""
        return self.word() if self.at_identifier() else None

    def number(self, read: Callable[..., int], *args: int, **options: bool) -> int:
        """A number, by one of ``numerals``."""
        try:
            return read(self.word("a number"), *args, **options)
        except ValueError as error:
            raise self.failure(str(error)) from None

    def unsigned(self, bits: int = 32) -> int:
        """An unsigned integer."""
        return self.number(integer, bits, signed=False)

    def index(self, names: Mapping[str, int], what: str) -> int:
        """An index, given by number or by name."""
        if not self.at_index():
            raise self.unexpected(f"a {what}")
        if not self.at_identifier():
            return self.unsigned()
        name = self.word()
        if name not in names:
            raise self.failure(f"unknown {what} {name:.60}{near_miss(name, names)}")
        return names[name]

    # -- annotations

    def annotation(self, *names: str, before: int | None = None) -> Annotation | None:
        """Takes the first annotation of these kinds that stands before a token, by default the
        next one."""
        index = self.next if before is None else before
        found = self.annotations.get(index, [])
        for position, annotation in enumerate(found):
            if annotation.name in names:
                del found[position]
                if not found:
                    del self.annotations[index]
                return annotation
        return None

    def all_annotations(self, *names: str) -> list[Annotation]:
        """Takes all annotations of these kinds that stand before the next token."""
        found = self.annotations.pop(self.next, [])
        others = [annotation for annotation in found if annotation.name not in names]
        if others:
            self.annotations[self.next] = others
        return [annotation for annotation in found if annotation.name in names]

    def name_annotation(self) -> str | None:
        """The name that a definition is given beside its identifier."""
        annotation = self.annotation("name")
        if annotation is None:
            return None
        if len(annotation.words) != 1 or not isinstance(annotation.words[0], bytes):
            raise self.failure("@name annotation: expected one string", annotation.at)
        if self.annotation("name") is not None:
            raise self.failure("@name annotation: there are several", annotation.at)
        try:
            return annotation.words[0].decode()
        except UnicodeDecodeError:
            message = "@name annotation: malformed UTF-8 encoding"
            raise self.failure(message, annotation.at) from None


def show(word: str | bytes) -> str:
    """A token in a message."""
    if isinstance(word, bytes):
        return "a string"
    return "the end" if word == "" else f"{word!r:.60}"
