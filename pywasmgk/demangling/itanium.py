"""C++'s names in the Itanium ABI ("External Names"): the part that functions of programs use.

Expressions in template arguments, lambdas' signatures and the like are not read: such a name stays
what it is.
"""

from __future__ import annotations

from .parsing import NotMangled, Reader

__all__ = ["itanium"]

_BUILTIN = {
    "v": "void", "w": "wchar_t", "b": "bool", "c": "char", "a": "signed char",
    "h": "unsigned char", "s": "short", "t": "unsigned short", "i": "int", "j": "unsigned int",
    "l": "long", "m": "unsigned long", "x": "long long", "y": "unsigned long long",
    "n": "__int128", "o": "unsigned __int128", "f": "float", "d": "double", "e": "long double",
    "g": "__float128", "z": "...",
}  # fmt: skip
_BUILTIN_D = {
    "n": "std::nullptr_t", "i": "char32_t", "s": "char16_t", "u": "char8_t", "a": "auto",
    "c": "decltype(auto)",
}  # fmt: skip
_STANDARD = {
    "t": "std", "a": "std::allocator", "b": "std::basic_string", "s": "std::string",
    "i": "std::istream", "o": "std::ostream", "d": "std::iostream",
}  # fmt: skip
_SPECIAL = {
    "TV": "vtable for ", "TI": "typeinfo for ", "TS": "typeinfo name for ", "TT": "VTT for ",
}  # fmt: skip
_OPERATORS = {
    "nw": " new", "na": " new[]", "dl": " delete", "da": " delete[]", "ps": "+", "ng": "-",
    "ad": "&", "de": "*", "co": "~", "pl": "+", "mi": "-", "ml": "*", "dv": "/", "rm": "%",
    "an": "&", "or": "|", "eo": "^", "aS": "=", "pL": "+=", "mI": "-=", "mL": "*=", "dV": "/=",
    "rM": "%=", "aN": "&=", "oR": "|=", "eO": "^=", "ls": "<<", "rs": ">>", "lS": "<<=",
    "rS": ">>=", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
    "ss": "<=>", "nt": "!", "aa": "&&", "oo": "||", "pp": "++", "mm": "--", "cm": ",",
    "pm": "->*", "pt": "->", "cl": "()", "ix": "[]", "qu": "?",
}  # fmt: skip
_SUFFIXES = {"b": "", "i": "", "j": "u", "l": "l", "m": "ul", "x": "ll", "y": "ull"}
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def itanium(symbol: str) -> str:
    """What a symbol stands for. Raises NotMangled."""
    reader = _Itanium(symbol, 0)
    reader.expect("_Z")
    found = reader.encoding()
    if reader.next not in ("", "."):
        raise NotMangled
    return reader.bounded(found)


class _Itanium(Reader):
    """The grammar's rules as methods."""

    def __init__(self, text: str, pos: int) -> None:
        super().__init__(text, pos)
        #: what ``S_``, ``S0_`` ... and ``T_``, ``T0_`` ... stand for
        self._known: list[str] = []
        self._params: list[str] = []
        #: whether the latest name ended in template arguments, and was a constructor or the like
        self._templated = self._untyped = False

    def _note(self, text: str) -> str:
        self._known.append(self.bounded(text))
        return text

    def encoding(self) -> str:
        """A function with its parameters, or a datum."""
        with self.part():
            special = _SPECIAL.get(self.text[self.pos : self.pos + 2])
            if special is not None:
                self.pos += 2
                return special + self.type()
            if self.has("Th"):
                self.has("n")
                self.digits()
                self.expect("_")
                return f"non-virtual thunk to {self.encoding()}"
            if self.has("GV"):
                return f"guard variable for {self.name()[0]}"
            name, qualifiers = self.name()
            if self.next in ("", ".", "E"):
                return name
            if self._templated and not self._untyped:
                self.type()  # of the result, which nobody asks for
            return f"{name}({self._parameters()}){qualifiers}"

    def _parameters(self) -> str:
        found = []
        while self.next not in ("", ".", "E"):
            found.append(self.type())
        return "" if found == ["void"] else ", ".join(found)

    # -- names

    def name(self) -> tuple[str, str]:
        """A name, and what qualifies the object that it is a method of."""
        with self.part():
            self._templated = self._untyped = False
            if self.has("N"):
                return self._nested()
            if self.has("Z"):
                return self._local()
            if self.next == "S" and self.text[self.pos + 1 : self.pos + 2] != "t":
                found = self._substitution()
                self._untyped = False
            else:
                found = ("std::" if self.has("St") else "") + self._unqualified("")
                if self.next == "I":
                    self._note(found)
            if self.next == "I":
                found += self._arguments()
                self._templated = True
            return found, ""

    def _nested(self) -> tuple[str, str]:
        qualifiers = ""
        while self.next and self.next in "rVK":
            qualifiers = {"r": " restrict", "V": " volatile", "K": " const"}[
                self.take()
            ] + qualifiers
        qualifiers += " &" if self.has("R") else " &&" if self.has("O") else ""
        found = last = ""
        while not self.has("E"):
            self._templated = False
            if self.next == "S":
                if found:
                    raise NotMangled
                found = self._substitution() if not self.has("St") else "std"
                last = _last(found)
                continue
            if self.next == "T":
                found = last = self._parameter()
            elif self.next == "I":
                found += self._arguments()
                self._templated = True
            else:
                last = self._unqualified(last)
                found += ("::" if found else "") + last
            if self.next != "E":
                self._note(found)
        return found, qualifiers

    def _local(self) -> tuple[str, str]:
        outer = self.encoding()
        self.expect("E")
        if self.has("s"):
            return f"{outer}::string literal", ""
        inner, qualifiers = self.name()
        if self.has("_") and not self.has("_"):
            self.digits()
        return f"{outer}::{inner}", qualifiers

    def _unqualified(self, scope: str) -> str:
        self.has("L")
        if self.next.isdigit():
            size = self.digits()
            found = self.span(size)
            found = "(anonymous namespace)" if found.startswith("_GLOBAL__N") else found
        elif self.next and self.next in "CD" and self.text[self.pos + 1 : self.pos + 2].isdigit():
            tilde = "~" if self.take() == "D" else ""
            self.take()
            self._untyped = True
            found = tilde + scope
        elif self.has("cv"):
            self._untyped = True
            found = f"operator {self.type()}"
        elif self.has("Ut"):
            found = f"{{unnamed type#{self._number('_')}}}"
        elif self.has("Ul"):
            parameters = ", ".join(self.until("E", self.type))
            parameters = "" if parameters == "void" else parameters
            found = f"{{lambda({parameters})#{self._number('_')}}}"
        else:
            operator = _OPERATORS.get(self.span(2))
            if operator is None:
                raise NotMangled
            found = f"operator{operator}"
        while self.has("B"):
            found += f"[abi:{self.span(self.digits())}]"
        return found

    def _number(self, end: str) -> int:
        """The number of something without a name, from 1."""
        number = 1 if self.next == end else self.digits() + 2
        self.expect(end)
        return number

    def _arguments(self) -> str:
        with self.part():
            self.expect("I")
            found = self.until("E", self._argument)
            self._params = found
            return self.bounded(f"<{', '.join(item for item in found if item)}>")

    def _argument(self) -> str:
        with self.part():
            if self.has("J"):
                return ", ".join(self.until("E", self._argument))
            return self._literal() if self.has("L") else self.type()

    def _literal(self) -> str:
        if self.has("_Z"):
            found = self.encoding()
            self.expect("E")
            return found
        kind = self.next
        shown = self.type()
        sign = "-" if self.has("n") else ""
        value = "" if self.next == "E" else str(self.digits())
        self.expect("E")
        if kind == "b" and value in ("0", "1"):
            return ("false", "true")[int(value)]
        if kind in _SUFFIXES:
            return f"{sign}{value}{_SUFFIXES[kind]}"
        return f"({shown}){sign}{value}"

    # -- types

    def type(self) -> str:
        """A type."""
        with self.part():
            tag = self.next
            if tag in _BUILTIN and tag:
                self.pos += 1
                return _BUILTIN[tag]
            if tag == "D":
                return self._of_d()
            if tag == "S" and self.text[self.pos + 1 : self.pos + 2] != "t":
                found = self._substitution()
                if self.next == "I":
                    found = self._note(found + self._arguments())
                return found
            if tag == "T":
                found = self._note(self._parameter())
                if self.next == "I":
                    found = self._note(found + self._arguments())
                return found
            return self._note(self._compound(tag))

    def _of_d(self) -> str:
        self.take()
        tag = self.take()
        if tag in _BUILTIN_D:
            return _BUILTIN_D[tag]
        if tag == "p":
            return self._note(self.type())
        raise NotMangled

    def _compound(self, tag: str) -> str:
        if tag in ("P", "R", "O"):
            self.take()
            inner = self.type()
            sign = {"P": "*", "R": "&", "O": "&&"}[tag]
            if "(*)" in inner or inner.endswith(("]", ")")):
                return self.bounded(_declared(inner, sign))
            return f"{inner.removesuffix('&') if sign == '&' else inner}{sign}"
        if tag in ("K", "V", "r"):
            self.take()
            return f"{self.type()}{ {'K': ' const', 'V': ' volatile', 'r': ' restrict'}[tag] }"
        if self.has("F"):
            self.has("Y")
            result = self.type()
            parameters = ", ".join(self.until("E", self.type))
            return f"{result} ({'' if parameters == 'void' else parameters})"
        if self.has("A"):
            size = "" if self.next == "_" else str(self.digits())
            self.expect("_")
            return f"{self.type()} [{size}]"
        if self.has("M"):
            owner = self.type()
            inner = self.type()
            if inner.endswith(")"):
                return self.bounded(_declared(inner, f"{owner}::*"))
            return f"{inner} {owner}::*"
        if self.has("u"):
            return self.span(self.digits())
        if tag and (tag in "NZSL" or tag.isdigit()):
            saved = self._templated, self._untyped, self._params
            found, _ = self.name()
            self._templated, self._untyped, self._params = saved
            return found
        raise NotMangled

    def _substitution(self) -> str:
        self.expect("S")
        tag = self.next
        if tag in _STANDARD and tag:
            self.pos += 1
            return _STANDARD[tag]
        index = self._index()
        if index >= len(self._known):
            raise NotMangled
        return self._known[index]

    def _index(self) -> int:
        """``_``, ``0_``, ``1_`` ...: 0, 1, 2 ..."""
        if self.has("_"):
            return 0
        number = 0
        while not self.has("_"):
            digit = self.take()
            if digit not in _BASE36 or number > 1 << 20:
                raise NotMangled
            number = number * 36 + _BASE36.index(digit)
        return number + 1

    def _parameter(self) -> str:
        self.expect("T")
        index = self._index()
        if index >= len(self._params):
            raise NotMangled
        return self._params[index]


def _last(name: str) -> str:
    """The last part of a name, without template arguments, which may have names within."""
    depth = 0
    for position in range(len(name) - 1, 0, -1):
        depth += {">": 1, "<": -1}.get(name[position], 0)
        if not depth and name.startswith("::", position - 1):
            return name[position + 1 :].partition("<")[0]
    return name.partition("<")[0]


def _declared(inner: str, sign: str) -> str:
    """A pointer to a function or an array: the sign stands before what it has behind it."""
    at = inner.find("(*")
    if at >= 0:
        return f"{inner[: at + 1]}{sign}{inner[at + 1 :]}"
    at = inner.find(" (") if inner.endswith(")") else inner.find(" [")
    return f"{inner[:at]} ({sign}){inner[at + 1 :] if inner.endswith(')') else inner[at:]}"
