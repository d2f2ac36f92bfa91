"""A mangled name as it is read: a position, and what may still be spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["NotMangled", "Reader"]

#: parts within parts, parts altogether, and characters of what comes out
_DEEPEST, _MOST, _LONGEST = 40, 2_000, 1_000


class NotMangled(Exception):
    """The name is not of the kind that is read, or too much comes of it."""


class Reader:
    """Characters from the left to the right."""

    def __init__(self, text: str, pos: int) -> None:
        self.text = text
        self.pos = pos
        self._depth = 0
        self._parts = 0

    @property
    def next(self) -> str:
        """The character that comes; nothing at the end."""
        return self.text[self.pos : self.pos + 1]

    def take(self) -> str:
        """The character that comes. Raises NotMangled at the end."""
        found = self.next
        if not found:
            raise NotMangled
        self.pos += 1
        return found

    def has(self, text: str) -> bool:
        """Takes a text, if it comes."""
        found = self.text.startswith(text, self.pos)
        self.pos += len(text) if found else 0
        return found

    def expect(self, text: str) -> None:
        """Takes a text. Raises NotMangled if it does not come."""
        if not self.has(text):
            raise NotMangled

    def digits(self, base: int = 10) -> int:
        """A number. Raises NotMangled if none comes, or one that no name has."""
        start = self.pos
        while self.next.isascii() and self.next.isalnum() and self.pos - start < 20:
            try:
                int(self.next, base)
            except ValueError:
                break
            self.pos += 1
        if start == self.pos:
            raise NotMangled
        return int(self.text[start : self.pos], base)

    def span(self, size: int) -> str:
        """So many characters. Raises NotMangled if there are less."""
        found = self.text[self.pos : self.pos + size]
        if len(found) < size:
            raise NotMangled
        self.pos += size
        return found

    def until(self, end: str, item: Callable[[], str]) -> list[str]:
        """Items up to a character, which is taken."""
        found = []
        while not self.has(end):
            found.append(item())
        return found

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part within what is being read. Raises NotMangled for too many, or too deep."""
        self._depth += 1
        self._parts += 1
        if self._depth > _DEEPEST or self._parts > _MOST:
            raise NotMangled
        yield
        self._depth -= 1

    @staticmethod
    def bounded(text: str) -> str:
        """A text. Raises NotMangled for one that is too long."""
        if len(text) > _LONGEST:
            raise NotMangled
        return text
