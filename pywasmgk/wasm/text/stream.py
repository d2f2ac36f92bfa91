"""ppci's parser of text, on tokens that know their places."""

from __future__ import annotations

import importlib
from typing import Any

from ...errors import TextError
from ..ppci_import import components, stand_in
from .tokens import Quoted, Word, failure, tokens

__all__ = ["EOF", "LPAR", "RPAR", "TokenReader", "show"]

stand_in("ppci.wasm.text")
_parser: Any = importlib.import_module("ppci.wasm.text.parser")
_tuples: Any = importlib.import_module("ppci.wasm.text.tuple_parser")
LPAR, RPAR, EOF = _tuples.Token.LPAR, _tuples.Token.RPAR, _tuples.Token.EOF


class TokenReader(_parser.WatTupleLoader):  # type: ignore[misc]
    """Gives ppci's parser the tokens of a text, and errors their lines and columns."""

    def __init__(self, text: str) -> None:
        super().__init__(components.Module.__new__(components.Module))
        self.text = text
        #: where the last token stands
        self.at = 0
        #: all tokens, parentheses as words
        self.found: list[Word | Quoted] = []
        #: tokens that were looked at and not taken, and their places
        self._nxt: list[Any] = []
        self._places: list[int] = []

    def failure(self, message: str, at: int | None = None) -> TextError:
        """An error, by default at the last token."""
        return failure(message, self.text, self.at if at is None else at)

    def place(self, error: Exception) -> int:
        """Where an unknown name stands, if that is the error."""
        name = error.args[0] if error.args else None
        return name.at if isinstance(name, Word) else self.at

    def _feed(self, t: Any) -> None:
        found = list(tokens(self.text))
        if found[:2] != ["(", "module"] or isinstance(found[0], Quoted):
            # the fields of a module may stand alone
            end = len(self.text)
            found = [_word("(", 0), _word("module", 0), *found, _word(")", end)]
        self.found = found
        self._nxt_func = iter(found)

    def _lookahead(self, amount: int) -> tuple[Any, ...]:
        while len(self._nxt) < amount:
            token = next(self._nxt_func, EOF)
            # parentheses and the end are no words to ppci, and have no place of their own there
            self._places.append(getattr(token, "at", len(self.text)))
            if isinstance(token, Word):
                token = LPAR if token == "(" else RPAR if token == ")" else token
            self._nxt.append(token)
        return tuple(self._nxt[:amount])

    def take(self) -> Any:
        """The next token."""
        [token] = self._lookahead(1)
        self._nxt.pop(0)
        self.at = self._places.pop(0)
        return token

    def expect(self, *args: Any) -> None:
        """Tokens that must come."""
        for arg in args:
            actual = self.take()
            if actual != arg or isinstance(actual, Quoted):
                raise self.failure(f"expected {show(arg)}, found {show(actual)}")

    def match(self, *args: Any) -> bool:
        """Whether these come; a string is no keyword."""
        ahead = self._lookahead(len(args))
        return bool(ahead == args) and not any(isinstance(token, Quoted) for token in ahead)

    def _at_id(self) -> bool:
        token = self._lookahead(1)[0]
        return isinstance(token, Word) and token.startswith("$")

    def _at_ref(self) -> bool:
        token = self._lookahead(1)[0]
        return isinstance(token, Word) and (token.startswith("$") or token[0].isdigit())

    def word(self) -> Word:
        """A keyword or number."""
        token = self.take()
        if not isinstance(token, Word):
            raise self.failure(f"expected a word, found {show(token)}")
        return token

    def name(self) -> str:
        """The text of a string."""
        token = self.take()
        if not isinstance(token, Quoted):
            raise self.failure(f"expected a string, found {show(token)}")
        try:
            return token.decode()
        except UnicodeDecodeError:
            raise self.failure("malformed UTF-8 encoding") from None


def _word(text: str, at: int) -> Word:
    word = Word(text)
    word.at = at
    return word


def show(token: Any) -> str:
    """A token in a message."""
    names = {LPAR: "'('", RPAR: "')'", EOF: "the end"}
    if isinstance(token, Quoted):
        return "a string"
    return names[token] if token in names else f"{str(token)!r:.60}"
