"""Test scripts, ``.wast``: modules, and what is asserted of them, as the commands that
``wast2json`` would make (see ``wasm.script``).

The grammar is that of the reference interpreter, with the spellings of older releases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .cursor import Cursor
from .numerals import float_bits, integer
from .source import Excerpt

__all__ = ["ScriptReader"]

#: lanes by shape: their type, and how many bits they have
_LANES = {
    f"{kind}{bits}x{128 // bits}": (f"{kind}{bits}", bits)
    for kind, widths in (("i", (8, 16, 32, 64)), ("f", (32, 64)))
    for bits in widths
}
#: the numbers of constants, by type
_NUMBERS = {"i32": 32, "i64": 64, "f32": 32, "f64": 64}
_PATTERNS = ("nan:canonical", "nan:arithmetic")
#: types of references whose nulls are written with their heap type
_HEAPS = ("func", "extern", "any", "exn")
#: assertions about modules
_ABOUT_MODULES = (
    "assert_malformed", "assert_invalid", "assert_unlinkable", "assert_malformed_custom",
    "assert_invalid_custom",
)  # fmt: skip
#: assertions about actions that end otherwise
_ABOUT_ACTIONS = ("assert_trap", "assert_exhaustion", "assert_exception")
#: assertions of release 1.0, and the one result that they expect
_OF_NANS = {
    "assert_return_canonical_nan": "nan:canonical",
    "assert_return_arithmetic_nan": "nan:arithmetic",
}

Form = dict[str, Any]


class ScriptReader:
    """Reads a script. ``contents`` has its modules by the names that commands have for them: text
    as ``str``, with its place in the script, or the binary format as ``bytes``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.cursor = Cursor(text)
        self.contents: dict[str, bytes | str] = {}

    def commands(self) -> list[Form]:
        """All commands. Raises TextError for what is no script; modules are not read yet."""
        cursor = self.cursor
        if not self._at_command():
            return [self._inline_module()]
        found = []
        while not cursor.match(""):
            found.append(self._command())
        return found

    def _at_command(self) -> bool:
        """Whether a command comes, not a field of a module."""
        cursor = self.cursor
        if cursor.match(""):
            return True
        if not cursor.match("("):
            raise cursor.unexpected("'('")
        word = str(cursor.peek(1))
        return word in ("module", "register", "invoke", "get") or word.startswith("assert_")

    def _inline_module(self) -> Form:
        """The script is one module without parentheses."""
        return {"type": "module", "line": 1, **self._content(Excerpt(self.text))}

    def _command(self) -> Form:
        cursor = self.cursor
        cursor.expect("(")
        at, word = cursor.place, cursor.word("a command")
        line = cursor.source.place(at).line
        reader = self._reader(word)
        if reader is None:
            raise cursor.failure(f"unknown command {word:.40}")
        form = reader(word)
        cursor.expect(")")
        return {"type": word, "line": line, **form}

    def _reader(self, word: str) -> Callable[[str], Form] | None:
        if word in _ABOUT_MODULES:
            return self._about_module
        if word in _ABOUT_ACTIONS:
            return self._about_action
        if word in _OF_NANS:
            return self._of_nan
        readers: dict[str, Callable[[str], Form]] = {
            "module": self._module,
            "register": self._register,
            "invoke": self._alone,
            "get": self._alone,
            "assert_return": self._returns,
        }
        return readers.get(word)

    # -- modules

    def _content(self, content: bytes | str) -> Form:
        """Keeps a module's content; says where."""
        kind, ending = ("text", "wat") if isinstance(content, str) else ("binary", "wasm")
        name = f"{len(self.contents)}.{ending}"
        self.contents[name] = content
        return {"filename": name, "module_type": kind}

    def _name(self) -> str | None:
        identifier = self.cursor.identifier()
        return identifier and identifier[1:]

    def _module(self, word: str) -> Form:
        """A module, of which parenthesis and keyword were taken; its end stays."""
        cursor = self.cursor
        start = cursor.places[cursor.next - 2]
        if cursor.munch("instance"):
            names = {"instance": self._name(), "module": self._name()}
            return {"type": "module_instance", **_given(names)}
        begin = cursor.place
        defined = cursor.munch("definition")
        behind = cursor.place
        name = self._name()
        form = _given({"name": name})
        if defined:
            form["type"] = "module_definition"
        if cursor.munch("binary"):
            return {**form, **self._content(b"".join(self._strings()))}
        if cursor.munch("quote"):
            return {**form, **self._content(self._quoted())}
        end = self._skip()
        # what stands before the name is no part of the module
        text = self.text[start:begin] + " " * (behind - begin) + self.text[behind : end + 1]
        place = cursor.source.place(start)
        return {**form, **self._content(Excerpt(text, place.line, place.column))}

    def _strings(self) -> list[bytes]:
        found = []
        while self.cursor.at_string():
            found.append(self.cursor.string())
        return found

    def _quoted(self) -> bytes | str:
        """A text in strings; ``bytes`` if it is no UTF-8, which its reader will say."""
        place = self.cursor.source.place(self.cursor.place)
        content = b"\n".join(self._strings())
        try:
            return Excerpt(content.decode(), place.line)
        except UnicodeDecodeError:
            return content

    def _skip(self) -> int:
        """Goes to the parenthesis that closes what is around; gives where it stands."""
        cursor, depth = self.cursor, 0
        while depth or not cursor.match(")"):
            word = cursor.peek()
            if word == "":
                raise cursor.unexpected("')'")
            depth += (word == "(") - (word == ")")
            cursor.next += 1
        return cursor.place

    # -- commands

    def _register(self, word: str) -> Form:
        return {"as": self.cursor.name(), **_given({"name": self._name()})}

    def _alone(self, word: str) -> Form:
        return {"type": "action", "action": self._action_of(word)}

    def _about_module(self, word: str) -> Form:
        self.cursor.expect("(", "module")
        form = self._module("module")
        form.pop("type", None)
        self.cursor.expect(")")
        return {**form, "type": word, "text": self.cursor.name()}

    def _about_action(self, word: str) -> Form:
        cursor = self.cursor
        if cursor.match("(", "module"):
            return {**self._about_module(word), "type": "assert_uninstantiable"}
        form: Form = {"action": self._action()}
        if word != "assert_exception":
            form["text"] = cursor.name()
        return form

    def _returns(self, word: str) -> Form:
        form: Form = {"action": self._action(), "expected": []}
        while self.cursor.match("("):
            form["expected"].append(self._value())
        return form

    def _of_nan(self, word: str) -> Form:
        expected = {"type": "float", "value": _OF_NANS[word]}
        return {"type": "assert_return", "action": self._action(), "expected": [expected]}

    def _action(self) -> Form:
        cursor = self.cursor
        cursor.expect("(")
        found = self._action_of(cursor.word("invoke or get"))
        cursor.expect(")")
        return found

    def _action_of(self, word: str) -> Form:
        """An action, of which parenthesis and keyword were taken; its end stays."""
        if word not in ("invoke", "get"):
            raise self.cursor.failure(f"expected invoke or get, found {word:.40}")
        form = {"type": word, **_given({"module": self._name()}), "field": self.cursor.name()}
        if word == "invoke":
            form["args"] = []
            while self.cursor.match("("):
                form["args"].append(self._value())
        return form

    # -- values

    def _value(self) -> Form:
        """A value that is given, or a pattern of one that is expected."""
        cursor = self.cursor
        cursor.expect("(")
        word = cursor.word("a value")
        kind, _, what = word.partition(".")
        if word == "either":
            values = []
            while cursor.match("("):
                values.append(self._value())
            form: Form = {"type": "either", "values": values}
        elif what == "const" and kind in _NUMBERS:
            form = {"type": kind, "value": self._number(kind, _NUMBERS[kind])}
        elif what == "const" and kind == "v128":
            form = self._vector()
        elif kind == "ref" and what:
            form = self._reference(what)
        else:
            raise cursor.failure(f"expected a value, found {word:.40}")
        cursor.expect(")")
        return form

    def _number(self, kind: str, bits: int) -> str:
        cursor = self.cursor
        if kind[0] == "f":
            word = cursor.peek()
            if word in _PATTERNS:
                cursor.next += 1
                return str(word)
            return str(cursor.number(float_bits, bits))
        return str(cursor.number(integer, bits))

    def _vector(self) -> Form:
        shape = self.cursor.word("the shape of a vector")
        if shape not in _LANES:
            raise self.cursor.failure(f"unknown shape {shape:.40}; there are {', '.join(_LANES)}")
        kind, bits = _LANES[shape]
        lanes = [self._number(kind, bits) for _ in range(128 // bits)]
        return {"type": "v128", "lane_type": kind, "value": lanes}

    def _reference(self, what: str) -> Form:
        cursor = self.cursor
        if what == "null":
            if cursor.match(")"):
                return {"type": "refnull"}
            heap = cursor.word("a heap type")
            if heap in _HEAPS:
                return {"type": f"{heap}ref", "value": "null"}
            return {"type": "refnull"}
        kind = "anyref" if what == "host" else f"{what}ref"
        return {"type": kind} if cursor.match(")") else {"type": kind, "value": self._host_number()}

    def _host_number(self) -> str:
        return str(self.cursor.unsigned())


def _given(form: Form) -> Form:
    """What is there of a form."""
    return {key: value for key, value in form.items() if value is not None}
