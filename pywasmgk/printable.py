"""Texts of others, fit to be printed: nothing of a module, a manifest, a file's name or a guest's
message reaches a terminal, a log or a line of a message otherwise."""

from __future__ import annotations

__all__ = ["as_markup", "printable"]

#: characters of a name that are shown
_LONGEST = 200


def printable(text: str, *, lines: bool = False, longest: int = _LONGEST) -> str:
    """The text with all that is no visible character escaped (``\\x1b``, ``\\u{202e}``), so that it
    gives a terminal no orders. A name stays on its line, and is cut after the ``longest`` that it
    may be before escaping; of ``lines``, line ends and tabs stay, and nothing is cut."""
    if lines:
        return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)
    text = text[:longest]
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def as_markup(text: str) -> str:
    """The text as it may stand in HTML, SVG and XML, within quotes too: it reads as the text again,
    whatever it is, and as nothing else."""
    # only who writes markup pays for it
    from html import escape

    return escape(printable(text, lines=True), quote=True)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
