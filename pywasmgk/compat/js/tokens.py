"""Text to tokens (ECMA-262, chapter "Lexical Grammar"), as far as glue needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .objects import ScriptError

__all__ = ["Token", "tokens"]

#: characters of a script; bundles of wasm-bindgen are some 100 KB
LONGEST = 4 << 20
#: templates inside of templates
_DEEPEST = 8


class Token(NamedTuple):
    """``kind`` is ``name``, ``punctuator``, ``number``, ``string``, ``template``, ``regex`` or
    ``end``; the value of a template is a list of texts and lists of tokens, by turns."""

    kind: str
    value: Any
    #: where it begins in the text
    at: int
    #: a line ends in front of it
    fresh: bool = False


_SPACE = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)+")
_NAME = re.compile(r"#?[A-Za-z_$\u0080-\uffff][\w$]*")
_NUMBER = re.compile(
    r"(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n?)"
)
_STRING = re.compile(r"'(?:[^'\\\n]|\\[\s\S])*'|\"(?:[^\"\\\n]|\\[\s\S])*\"")
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_PUNCTUATOR = re.compile(
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|"
    r"\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|\*\*|[{}()\[\];,<>+\-*/%&|^!~?:=.@]"
)
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|[\s\S])")
_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0",
           "\n": "", "\r\n": "", "\u2028": "", "\u2029": ""}  # fmt: skip
#: words behind which an expression begins, so that a slash begins a regular expression
_BEFORE_VALUE = frozenset(
    "return typeof instanceof in of new delete void throw case do else".split()
)


def _unescaped(match: re.Match[str]) -> str:
    word = match[1]
    if word[0] in "ux" and len(word) > 1:
        code = int(word[1:].strip("{}"), 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    return _SINGLE.get(word, word)


def text_of(raw: str) -> str:
    """What the inside of a literal stands for; surrogate pairs are one character."""
    text = _ESCAPE.sub(_unescaped, raw)
    if any("\ud800" <= letter < "\ue000" for letter in text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def tokens(text: str) -> list[Token]:
    """The tokens of a script. Raises ScriptError for what is none."""
    if len(text) > LONGEST:
        raise ScriptError(f"the script has {len(text)} characters, the limit is {LONGEST}")
    return [*_split(text, 0, 0, None)]


def _split(text: str, at: int, depth: int, ends: list[int] | None) -> Iterator[Token]:
    """Tokens from a place on; of a part of a template up to the brace that closes it, whose place
    is put into ``ends``."""
    before, braces = Token("punctuator", ";", 0), 0
    while True:
        space = _SPACE.match(text, at)
        fresh = bool(space and "\n" in space[0])
        at = space.end() if space else at
        if at >= len(text):
            break
        token, at = _next(text, at, before, depth, fresh)
        if token.kind == "punctuator" and token.value in "{}" and ends is not None:
            braces += 1 if token.value == "{" else -1
            if braces < 0:
                ends.append(at)
                break
        yield token
        before = token
    yield Token("end", "the end", at)


def _next(text: str, at: int, before: Token, depth: int, fresh: bool) -> tuple[Token, int]:
    letter = text[at]
    if letter == "`":
        parts, end = _template(text, at + 1, depth)
        return Token("template", parts, at, fresh), end
    if letter == "/" and _begins_value(before) and (found := _REGEX.match(text, at)):
        return Token("regex", found[0], at, fresh), found.end()
    if found := _NAME.match(text, at):
        return Token("name", found[0], at, fresh), found.end()
    if (letter.isdigit() or letter == ".") and (found := _NUMBER.match(text, at)):
        return Token("number", found.groups(), at, fresh), found.end()
    if found := _STRING.match(text, at):
        return Token("string", text_of(found[0][1:-1]), at, fresh), found.end()
    if found := _PUNCTUATOR.match(text, at):
        return Token("punctuator", found[0], at, fresh), found.end()
    raise ScriptError(f"no token begins with {text[at : at + 10]!r} (at {at})")


def _begins_value(before: Token) -> bool:
    if before.kind == "name":
        return before.value in _BEFORE_VALUE
    return before.kind == "punctuator" and before.value not in (")", "]", "}")


def _template(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    """The parts of a template, and where it ends."""
    if depth >= _DEEPEST:
        raise ScriptError(f"templates are nested too deep (at {at})")
    parts: list[Any] = []
    begin = at
    while at < len(text):
        letter = text[at]
        if letter == "`":
            return [*parts, text_of(text[begin:at])], at + 1
        if letter == "\\":
            at += 2
        elif text.startswith("${", at):
            parts.append(text_of(text[begin:at]))
            ends: list[int] = []
            parts.append([*_split(text, at + 2, depth + 1, ends)])
            at = begin = ends[0] if ends else len(text)
        else:
            at += 1
    raise ScriptError("a template has no end")
