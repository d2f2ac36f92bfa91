"""Text to tokens (spec, "Text Format: Lexical Format").

A token is a ``str`` as it is spelled, or the ``bytes`` of a string; an identifier in quotes becomes
the plain one. Annotations stand beside the tokens: those that the reader knows are kept, what is in
others is only looked at for characters that no text may have.
"""

from __future__ import annotations

import re
from array import array
from typing import NamedTuple

from ...errors import TextError
from ..watch import Look, each, never
from .source import Source

__all__ = ["Annotation", "Tokens", "tokens_of"]

_CHARACTERS = r"0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~"
_BLANKS = r"[ \t\r\n]{1,65535}"
#: some blanks or a line comment; a word, a parenthesis, the inside of a simple string, none glued
#: to something; anything else
_NEXT = re.compile(
    rf"{_BLANKS}|;;[^\r\n]*|([{_CHARACTERS}]+)(?![{_CHARACTERS}\",\[\]{{}}])|(\((?![;@])|\))"
    rf'|"([^"\\\x00-\x1f\x7f\ud800-\udfff]*)"(?![{_CHARACTERS}",\[\]{{}}])|([\s\S])'
)
_WORD, _PARENTHESIS, _STRING, _OTHER = 1, 2, 3, 4
#: what holds together, strings aside; and the name of an annotation
_RUN = re.compile(rf"[{_CHARACTERS},\[\]{{}}]*")
_NAME = re.compile(rf"[{_CHARACTERS}]+")
_COMMENT = re.compile(r"\(;|;\)")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPE = re.compile(rb"\\(?:([0-9a-fA-F]{2})|([tnr\"'\\])|u\{([0-9a-fA-F](?:_?[0-9a-fA-F])*)\})?")
_LETTERS = {b"t": b"\t", b"n": b"\n", b"r": b"\r"}
#: annotations that mean something to the reader; others are comments
KNOWN = frozenset(("custom", "metadata.code.branch_hint", "name", "producers"))


class Annotation(NamedTuple):
    """An annotation that the reader knows."""

    name: str
    #: what is in it, without the parentheses around it
    words: list[str | bytes]
    #: where it begins in the text
    at: int


class Tokens:
    """What a text consists of."""

    def __init__(self) -> None:
        #: the tokens, and where each begins in the text
        self.words: list[str | bytes] = []
        self.places = array("Q")
        #: known annotations by the index of the token behind them
        self.annotations: dict[int, list[Annotation]] = {}


def tokens_of(source: Source, look: Look = never) -> Tokens:
    """Takes a text apart; ``look`` may end it in time. Raises TextError."""
    return _Lexer(source, look).run()


#: steps between two looks at the clock that take some microseconds each
_OFTEN = 512


class _Lexer:
    def __init__(self, source: Source, look: Look) -> None:
        self.source = source
        self.text = source.text
        self.found = Tokens()
        self.look = look
        self._steps = 0

    def step(self) -> None:
        """A step of what one token may have many of."""
        self._steps += 1
        if not self._steps % _OFTEN:
            self.look(None)

    def run(self) -> Tokens:
        """Reads to the end: words and parentheses in one go, the rest one by one."""
        words, places = self.found.words, self.found.places
        pos, end = 0, len(self.text)
        while pos < end:
            for match in each(_NEXT.finditer(self.text, pos), self.look):
                kind = match.lastindex
                if kind is None:
                    continue
                if kind == _OTHER:
                    pos = self.special(match.start())
                    break
                word = match[kind]
                if word == "$" and kind == _WORD:
                    raise self.failure("empty identifier", match.start())
                words.append(word.encode() if kind == _STRING else word)
                places.append(match.start())
            else:
                pos = end
        return self.found

    def failure(self, message: str, at: int) -> TextError:
        """An error at a place of the text."""
        return self.source.failure(message, at)

    def special(self, pos: int) -> int:
        """A comment, an annotation or a token with a string; gives where it ends."""
        text = self.text
        if text.startswith("(;", pos):
            return self.behind_comment(pos)
        if text.startswith("(@", pos):
            return self.annotation(pos)
        word, end = self.token(pos)
        if word is None:
            found = text[pos : pos + 10]
            what = "a blank is missing" if '"' in text[pos:end] else "unexpected characters"
            raise self.failure(f"{what} at {found!r}", pos)
        self.found.words.append(word)
        self.found.places.append(pos)
        return end

    def behind_comment(self, start: int) -> int:
        """Where a block comment ends; there may be others in it."""
        depth = 0
        for mark in each(_COMMENT.finditer(self.text, start), self.look):
            depth += 1 if mark[0] == "(;" else -1
            if not depth:
                return mark.end()
        raise self.failure("a comment that does not end", start)

    def token(self, start: int, *, inside: bool = False) -> tuple[str | bytes | None, int]:
        """A string or an identifier in quotes, ``None`` for what is reserved; and where it ends.
        Inside of annotations identifiers in quotes are reserved, too."""
        text, pos = self.text, start
        pieces: list[str | bytes] = []
        while True:
            run = _RUN.match(text, pos)
            if run is not None and run.end() > pos:
                pieces.append(run[0])
                pos = run.end()
            elif text.startswith('"', pos):
                string, pos = self.string(pos)
                pieces.append(string)
            else:
                break
        if not pieces:
            if text.startswith(";", pos):
                return None, pos + 1
            raise self.failure(f"unexpected characters at {text[pos : pos + 10]!r}", pos)
        if len(pieces) == 1 and isinstance(pieces[0], bytes):
            return pieces[0], pos
        if len(pieces) == 2 and pieces[0] == "$" and isinstance(pieces[1], bytes) and not inside:
            return f"${self.identifier(pieces[1], start)}", pos
        return None, pos

    def identifier(self, string: bytes, at: int) -> str:
        """The name in an identifier in quotes."""
        if not string:
            raise self.failure("empty identifier", at)
        try:
            return string.decode()
        except UnicodeDecodeError:
            raise self.failure("malformed UTF-8 encoding", at) from None

    def string(self, start: int) -> tuple[bytes, int]:
        """The bytes of a string, and where it ends."""
        text, end = self.text, start
        while True:
            self.step()
            end = text.find('"', end + 1)
            if end < 0:
                raise self.failure("a string that does not end", start)
            slashes = end
            while text[slashes - 1] == "\\":
                slashes -= 1
            if (end - slashes) % 2 == 0:
                break
        forbidden = _FORBIDDEN.search(text, start, end)
        if forbidden is not None:
            raise self.failure("a control character in a string", forbidden.start())
        content = text[start + 1 : end]
        try:
            raw = content.encode()
            return (_ESCAPE.sub(self.unescaped, raw) if "\\" in content else raw), end + 1
        except (ValueError, OverflowError):  # a surrogate, or beyond Unicode
            raise self.failure("a string with a character that is none", start) from None

    def unescaped(self, escape: re.Match[bytes]) -> bytes:
        """The bytes of an escape. Raises ValueError or OverflowError."""
        self.step()
        return _unescaped(escape)

    def annotation(self, start: int) -> int:
        """An annotation; gives where it ends."""
        name, pos = self.annotation_name(start + 2)
        words: list[str | bytes] = []
        depth = 1
        while depth:
            self.step()
            match = _NEXT.match(self.text, pos)
            if match is None:
                raise self.failure("an annotation that does not end", start)
            kind = match.lastindex
            if kind in (None, _WORD, _PARENTHESIS) or self.text.startswith("(@", pos):
                # in here an annotation is no more than a parenthesis
                word = match[0] if kind != _OTHER else "("
                pos += len(word)
                if kind is not None:
                    words.append(word)
                    depth += (word == "(") - (word == ")")
            elif self.text.startswith("(;", pos):
                pos = self.behind_comment(pos)
            else:
                begin, (token, pos) = pos, self.token(pos, inside=True)
                words.append(self.text[begin:pos] if token is None else token)
        if name in KNOWN:
            kept = self.found.annotations.setdefault(len(self.found.words), [])
            kept.append(Annotation(name, words[:-1], start))
        return pos

    def annotation_name(self, pos: int) -> tuple[str, int]:
        """The name of an annotation, which may be in quotes, and where it ends."""
        name = _NAME.match(self.text, pos)
        if name is not None and not self.text.startswith('"', name.end()):
            return name[0], name.end()
        if name is None and not self.text.startswith('"', pos):
            raise self.failure("empty annotation id", pos)
        word, end = self.token(pos)
        if word is None:
            raise self.failure("a blank is missing", pos)
        if not isinstance(word, bytes) or not word:
            raise self.failure("empty annotation id", pos)
        return self.identifier(word, pos), end


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """The bytes of an escape. Raises ValueError or OverflowError."""
    byte, letter, point = escape.groups()
    if byte:
        return bytes.fromhex(byte.decode())
    if letter:
        return _LETTERS.get(letter, letter)
    if not point:
        raise ValueError("no escape")
    digits = point.replace(b"_", b"").lstrip(b"0")
    if len(digits) > 6:
        raise ValueError("beyond Unicode")
    return chr(int(digits or b"0", 16)).encode()
