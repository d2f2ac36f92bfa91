"""Rust's manglings: ``v0`` (RFC 2603) and the one before it, which borrows C++'s."""

from __future__ import annotations

import re

from .parsing import NotMangled, Reader

__all__ = ["legacy", "v0"]

# -- the older one: _ZN, identifiers after their lengths, a hash, E

_HASH = re.compile(r"h[0-9a-f]{16}")
_ESCAPES = {
    "SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
}  # fmt: skip
_ESCAPE = re.compile(r"\$(\w+)\$|\.\.|\.")


def legacy(symbol: str) -> str:
    """What a symbol stands for. Raises NotMangled."""
    reader = Reader(symbol, 0)
    reader.expect("_ZN")
    parts = reader.until("E", lambda: reader.span(reader.digits()))
    if len(parts) < 2 or not _HASH.fullmatch(parts.pop()):
        raise NotMangled
    if reader.next not in ("", "."):
        raise NotMangled
    return reader.bounded("::".join(map(_unescaped, parts)))


def _unescaped(part: str) -> str:
    return _ESCAPE.sub(_escape, part[1:] if part.startswith("_$") else part)


def _escape(match: re.Match[str]) -> str:
    word = match[1]
    if word is None:
        return "::" if match[0] == ".." else "."
    if re.fullmatch(r"u[0-9a-f]{1,6}", word) and int(word[1:], 16) < 0x110000:
        return chr(int(word[1:], 16))
    return _ESCAPES.get(word, match[0])


# -- v0

_BASIC = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8",
    "i": "isize", "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "s": "i16",
    "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!", "p": "_",
}  # fmt: skip
_POINTERS = {"R": "&", "Q": "&mut ", "P": "*const ", "O": "*mut "}
_SPECIAL = {"C": "closure", "S": "shim"}


def v0(symbol: str) -> str:
    """What a symbol stands for. Raises NotMangled."""
    reader = _V0(symbol, 0)
    reader.expect("_R")
    found = reader.path(in_type=False)
    if reader.next.isupper():
        reader.path()  # the crate that the code was made in
    if reader.next not in ("", ".", "$"):
        raise NotMangled
    return reader.bounded(found)


class _V0(Reader):
    """The grammar's rules as methods. Those of paths are ``<path>`` and so on."""

    def path(self, in_type: bool = True) -> str:
        """A path; in types, generic arguments follow without colons."""
        with self.part():
            tag = self.take()
            if tag == "C":
                return self._identifier()[0]
            if tag in "MX":
                self._disambiguator()
                self.path()
                kind = self.type()
                return f"<{kind}>" if tag == "M" else f"<{kind} as {self.path()}>"
            if tag == "Y":
                kind = self.type()
                return f"<{kind} as {self.path()}>"
            if tag == "N":
                return self._nested(in_type)
            if tag == "I":
                path = self.path(in_type)
                args = ", ".join(self.until("E", self._argument))
                return self.bounded(f"{path}{'' if in_type else '::'}<{args}>")
            if tag == "B":
                return self._back(lambda: self.path(in_type))
        raise NotMangled

    def _nested(self, in_type: bool) -> str:
        space = self.take()
        path = self.path(in_type)
        name, number = self._identifier()
        if space.islower():
            return self.bounded(f"{path}::{name}")
        word = _SPECIAL.get(space, space)
        return self.bounded(f"{path}::{{{word}{':' if name else ''}{name}#{number}}}")

    def _back(self, again: object) -> str:
        """What stands further to the left."""
        tag = self.pos - 1
        to = self._base62() + 2
        if to >= tag or not callable(again):
            raise NotMangled
        here, self.pos = self.pos, to
        found = str(again())
        self.pos = here
        return found

    def _base62(self) -> int:
        if self.has("_"):
            return 0
        number = 0
        while not self.has("_"):
            digit = self.take()
            number = number * 62 + _BASE62.find(digit)
            if digit not in _BASE62 or number > 1 << 64:
                raise NotMangled
        return number + 1

    def _disambiguator(self) -> int:
        return self._base62() + 1 if self.has("s") else 0

    def _identifier(self) -> tuple[str, int]:
        """A name, and its number among those that are alike."""
        number = self._disambiguator()
        unicode = self.has("u")
        # no number has zeros before it
        size = 0 if self.has("0") else self.digits()
        self.has("_")
        name = self.span(size)
        return _from_punycode(name) if unicode else name, number

    def _argument(self) -> str:
        if self.has("L"):
            return self._lifetime()
        return self._const() if self.has("K") else self.type()

    def _lifetime(self) -> str:
        self._base62()
        return "'_"  # which one it is tells nobody anything

    def type(self) -> str:
        """A type."""
        with self.part():
            tag = self.take()
            if tag in _BASIC:
                return _BASIC[tag]
            if tag in _POINTERS:
                if tag in "RQ" and self.has("L"):
                    self._lifetime()
                return self.bounded(_POINTERS[tag] + self.type())
            if tag == "A":
                element = self.type()
                return f"[{element}; {self._const()}]"
            if tag == "S":
                return f"[{self.type()}]"
            if tag == "T":
                items = self.until("E", self.type)
                return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
            if tag == "F":
                return self._function()
            if tag == "D":
                return self._dynamic()
            if tag == "B":
                return self._back(self.type)
            self.pos -= 1
            return self.path()

    def _function(self) -> str:
        if self.has("G"):
            self._base62()
        head = "unsafe " if self.has("U") else ""
        if self.has("K"):
            abi = "C" if self.has("C") else self._identifier()[0].replace("_", "-")
            head += f'extern "{abi}" '
        params = ", ".join(self.until("E", self.type))
        result = self.type()
        arrow = "" if result == "()" else f" -> {result}"
        return self.bounded(f"{head}fn({params}){arrow}")

    def _dynamic(self) -> str:
        if self.has("G"):
            self._base62()
        bounds = " + ".join(self.until("E", self._bound))
        self.expect("L")
        self._lifetime()
        return f"dyn {bounds}"

    def _bound(self) -> str:
        path = self.path()
        names = []
        while self.has("p"):
            name = self._identifier()[0]
            names.append(f"{name} = {self.type()}")
        if not names:
            return path
        if path.endswith(">"):
            return f"{path[:-1]}, {', '.join(names)}>"
        return f"{path}<{', '.join(names)}>"

    def _const(self) -> str:
        with self.part():
            if self.has("p"):
                return "_"
            if self.has("B"):
                return self._back(self._const)
            kind = self.take()
            sign = "-" if self.has("n") else ""
            value = 0 if self.next == "_" else self.digits(16)
            self.expect("_")
            if kind == "b" and value < 2:
                return ("false", "true")[value]
            if kind == "c" and value < 0x110000:
                return repr(chr(value))
            if kind in "ahijlmnostxy":
                return f"{sign}{value}"
        raise NotMangled


_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _from_punycode(name: str) -> str:
    ascii_part, _, rest = name.rpartition("_")
    try:
        return f"{ascii_part}-{rest}".lstrip("-").encode().decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        raise NotMangled from None
