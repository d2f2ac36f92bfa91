"""Patterns, functions and expressions of scripts, as trees (ECMA-262, "Expressions").

Nodes are as ``syntax`` has them, which adds the statements.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .objects import BigInt, ScriptError
from .tokens import Token

__all__ = ["FunctionNode", "Node", "Reader"]

Node = tuple[Any, ...]
#: expressions and statements inside of each other
_DEEPEST = 60
_ASSIGNING = frozenset("= += -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??=".split())
_LEVELS = (
    "??", "||", "&&", "|", "^", "&", "== != === !==", "< > <= >= instanceof in", "<< >> >>>", "+ -",
    "* / %", "**",
)  # fmt: skip
_PRECEDENCE = {word: level for level, words in enumerate(_LEVELS) for word in words.split()}
_UNARY = frozenset("! ~ + - typeof void delete await".split())


class FunctionNode(NamedTuple):
    """A function: patterns of its parameters, with defaults, and its body."""

    name: str
    params: list[Node]
    body: list[Node]
    arrow: bool
    #: why it cannot be called, if it cannot
    refused: str = ""


class Reader:
    """Reads from a list of tokens, the end among them."""

    def __init__(self, read: list[Token]) -> None:
        self.tokens = read
        self.at = 0
        self.token = read[0]
        self.depth = 0
        # whether "in" is an operator here
        self.allow_in = True
        self._ends = _matching(read)

    # -- tokens

    def go(self, at: int) -> None:
        self.at = at
        self.token = self.tokens[min(at, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.token
        self.go(self.at + 1)
        return token

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def sees(self, *words: str) -> bool:
        return self.token.value in words and self.token.kind in ("punctuator", "name")

    def take(self, word: str) -> bool:
        if self.sees(word):
            self.go(self.at + 1)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self.error(f"expected {word!r}")

    def error(self, message: str) -> ScriptError:
        return ScriptError(f"{message}, found {self.token.value!r:.40} (at {self.token.at})")

    def name(self) -> str:
        if self.token.kind != "name":
            raise self.error("expected a name")
        return str(self.next().value)

    def end_statement(self) -> None:
        if not self.take(";") and not self.sees("}") and self.token.kind != "end":
            if not self.token.fresh:
                raise self.error("expected ';'")

    def skip(self, begin: int) -> None:
        """Goes behind the statement that begins there."""
        self.depth, self.allow_in, level = 0, True, 0
        self.go(begin)
        while self.token.kind != "end":
            token = self.next()
            if token.kind != "punctuator":
                continue
            level += (token.value in "([{") - (token.value in ")]}")
            if level <= 0 and (
                token.value == ";" or (token.value == "}" and not self.sees(")", ",", ".", ";"))
            ):
                return

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error("nested too deep")

    def block(self) -> list[Node]:
        """Statements in braces."""
        raise NotImplementedError

    # -- patterns and functions

    def pattern(self) -> Node:
        """What is declared: a name, or names in the places of an object or array."""
        self.deeper()
        try:
            if self.take("["):
                items: list[Node | None] = []
                while not self.take("]"):
                    items.append(None if self.sees(",") else self._element())
                    self.take(",")
                return ("array_pattern", items)
            if not self.take("{"):
                return ("name", self.name())
            fields: list[tuple[Any, Node]] = []
            while not self.take("}"):
                if self.take("..."):
                    fields.append((None, self.pattern()))
                else:
                    key = self._key()
                    target = self._element() if self.take(":") else None
                    if target is None:
                        target = self._defaulted(("name", key[1]))
                    fields.append((key, target))
                self.take(",")
            return ("object_pattern", fields)
        finally:
            self.depth -= 1

    def _element(self) -> Node:
        if self.take("..."):
            return ("rest", self.pattern())
        return self._defaulted(self.pattern())

    def _defaulted(self, target: Node) -> Node:
        return ("default", target, self.assignment()) if self.take("=") else target

    def _function(self, refused: str = "", name: str = "") -> FunctionNode:
        """A function behind its keyword, from its name on."""
        if self.take("*"):
            refused = "generators are not run here"
        if self.token.kind == "name":
            name = self.name()
        self.expect("(")
        return self._rest_of_function(name, refused)

    def _rest_of_function(self, name: str, refused: str = "") -> FunctionNode:
        params = self._params()
        return FunctionNode(name, params, self.block(), False, refused)

    def _params(self) -> list[Node]:
        found = []
        while not self.take(")"):
            found.append(self._element())
            if not self.sees(")"):
                self.expect(",")
        return found

    def _arrow(self, refused: str = "") -> Node | None:
        """An arrow function, if one begins here."""
        begin = self.at
        if self.token.kind == "name" and self.peek().value == "=>":
            params: list[Node] = [("name", self.name())]
        elif self.sees("(") and self._closed_before_arrow():
            self.next()
            params = self._params()
        else:
            self.go(begin)
            return None
        self.expect("=>")
        if self.sees("{"):
            body = self.block()
        else:
            body = [("return", self.assignment())]
        return ("function", FunctionNode("", params, body, True, refused))

    def _closed_before_arrow(self) -> bool:
        end = self._ends.get(self.at)
        return end is not None and bool(self.tokens[end + 1].value == "=>")

    def _class(self) -> Node:
        name = self.name() if self.token.kind == "name" and not self.sees("extends") else ""
        parent = self.call_expression() if self.take("extends") else None
        self.expect("{")
        members = []
        while not self.take("}"):
            if not self.take(";"):
                members.append(self._member())
        return ("class", name, parent, members)

    def _member(self) -> Node:
        """``(static, kind, key, value)``; the kind is get, set, method, field or block."""
        static = self._modifier("static")
        if static and self.sees("{"):
            return (True, "block", None, FunctionNode("", [], self.block(), False))
        self._modifier("async")
        refused, kind = "", "method"
        if self.take("*"):
            refused = "generators are not run here"
        for word in ("get", "set"):
            if self._modifier(word):
                kind = word
        key = self._key()
        if self.take("("):
            name = key[1] if key[0] == "literal" else ""
            return (static, kind, key, self._rest_of_function(str(name), refused))
        value = self.assignment() if self.take("=") else None
        self.end_statement()
        return (static, "field", key, value)

    def _modifier(self, word: str) -> bool:
        """Takes a word that is no name of a member here."""
        behind = self.peek()
        named = behind.kind == "punctuator" and behind.value in ("(", "=", ";", "}", ",", ":")
        return False if named else self.take(word)

    def _key(self) -> Node:
        token = self.next()
        if token.kind == "punctuator" and token.value == "[":
            key = self.assignment()
            self.expect("]")
            return key
        if token.kind == "number":
            return ("literal", _number(*token.value))
        if token.kind in ("name", "string"):
            return ("literal", token.value)
        raise self.error("expected the name of a property")

    # -- expressions

    def expression(self) -> Node:
        found = self.assignment()
        if not self.sees(","):
            return found
        items = [found]
        while self.take(","):
            items.append(self.assignment())
        return ("sequence", items)

    def assignment(self) -> Node:
        self.deeper()
        try:
            if self.sees("async") and not self.peek().fresh:
                begin = self.at
                self.next()
                arrow = self._arrow("")
                if arrow is not None:
                    return arrow
                self.go(begin)
            arrow = self._arrow()
            if arrow is not None:
                return arrow
            target = self.conditional()
            if self.token.kind == "punctuator" and self.token.value in _ASSIGNING:
                operator = self.next().value
                if target[0] in ("object", "array"):
                    target = self._as_pattern(target)
                elif target[0] not in ("name", "member"):
                    raise self.error("nothing can be assigned there")
                return ("assign", operator, target, self.assignment())
            return target
        finally:
            self.depth -= 1

    def _as_pattern(self, node: Node) -> Node:
        """A literal on the left of an assignment as a pattern."""
        kind = node[0]
        if kind == "array":
            return ("array_pattern", [item and self._as_pattern(item) for item in node[1]])
        if kind == "object":
            return ("object_pattern", [(key, self._as_pattern(item)) for _, key, item in node[1]])
        if kind == "spread":
            return ("rest", self._as_pattern(node[1]))
        if kind == "assign":
            return ("default", self._as_pattern(node[2]), node[3])
        if kind in ("name", "member"):
            return node
        raise self.error("nothing can be assigned there")

    def conditional(self) -> Node:
        test = self.binary(0)
        if not self.take("?"):
            return test
        before, self.allow_in = self.allow_in, True
        then = self.assignment()
        self.allow_in = before
        self.expect(":")
        return ("conditional", test, then, self.assignment())

    def binary(self, level: int) -> Node:
        left = self.unary()
        while True:
            word = self.token.value if self.token.kind in ("punctuator", "name") else ""
            found = _PRECEDENCE.get(word)
            if found is None or found < level or (word == "in" and not self.allow_in):
                return left
            self.next()
            right = self.binary(found if word == "**" else found + 1)
            logical = word in ("&&", "||", "??")
            left = ("logical" if logical else "binary", word, left, right)

    def unary(self) -> Node:
        self.deeper()
        try:
            if self.token.kind in ("punctuator", "name") and self.token.value in _UNARY:
                word = self.next().value
                return ("unary", word, self.unary())
            if self.sees("++", "--"):
                word = self.next().value
                return ("update", word, self.unary(), True)
            found = self.call_expression()
            if self.sees("++", "--") and not self.token.fresh:
                return ("update", self.next().value, found, False)
            return found
        finally:
            self.depth -= 1

    def call_expression(self) -> Node:
        found = self._new() if self.sees("new") else self.primary()
        while True:
            if self.take("?."):
                if self.sees("("):
                    found = ("call", found, self._arguments(), True)
                elif self.take("["):
                    found = ("member", found, self._inside("]"), True)
                else:
                    found = ("member", found, ("literal", self.name()), True)
            elif self.take("."):
                found = ("member", found, ("literal", self.name()), False)
            elif self.take("["):
                found = ("member", found, self._inside("]"), False)
            elif self.sees("("):
                found = ("call", found, self._arguments(), False)
            else:
                return found

    def _inside(self, end: str) -> Node:
        before, self.allow_in = self.allow_in, True
        found = self.expression()
        self.allow_in = before
        self.expect(end)
        return found

    def _new(self) -> Node:
        self.expect("new")
        if self.take("."):
            self.name()
            return ("new_target",)
        self.deeper()
        callee = self._new() if self.sees("new") else self.primary()
        while self.sees(".", "["):
            if self.take("."):
                callee = ("member", callee, ("literal", self.name()), False)
            else:
                self.next()
                callee = ("member", callee, self._inside("]"), False)
        self.depth -= 1
        return ("new", callee, self._arguments() if self.sees("(") else [])

    def _arguments(self) -> list[Node]:
        self.expect("(")
        before, self.allow_in = self.allow_in, True
        found = []
        while not self.take(")"):
            found.append(self._spreadable())
            if not self.sees(")"):
                self.expect(",")
        self.allow_in = before
        return found

    def _spreadable(self) -> Node:
        return ("spread", self.assignment()) if self.take("...") else self.assignment()

    def primary(self) -> Node:
        token = self.next()
        if token.kind == "number":
            return ("literal", _number(*token.value))
        if token.kind == "string":
            return ("literal", token.value)
        if token.kind == "template":
            return ("template", [self._part(part) for part in token.value])
        if token.kind == "regex":
            return ("regex", token.value)
        if token.kind == "name":
            return self._named(token)
        if token.value == "(":
            return self._inside(")")
        if token.value == "[":
            items: list[Node | None] = []
            while not self.take("]"):
                items.append(None if self.sees(",") else self._spreadable())
                if not self.sees("]"):
                    self.expect(",")
            return ("array", items)
        if token.value == "{":
            return self._object()
        self.go(self.at - 1)
        raise self.error("expected an expression")

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            return part
        inner = type(self)(part)
        inner.depth = self.depth
        return inner.expression()

    def _named(self, token: Token) -> Node:
        word = token.value
        if word == "function":
            return ("function", self._function())
        if word == "async" and self.sees("function"):
            self.next()
            return ("function", self._function(""))
        if word == "class":
            return self._class()
        if word in ("this", "super"):
            return (word,)
        if word == "import":
            self.next()
            if self.take("meta"):
                return ("name", "import.meta")
            raise self.error("modules are not imported here")
        constants = {"true": True, "false": False, "null": None}
        return ("literal", constants[word]) if word in constants else ("name", word)

    def _object(self) -> Node:
        """``("object", [(kind, key, value)])``; kinds are init, get, set and spread."""
        fields: list[Node] = []
        while not self.take("}"):
            if self.take("..."):
                fields.append(("spread", None, self.assignment()))
            else:
                fields.append(self._field())
            if not self.sees("}"):
                self.expect(",")
        return ("object", fields)

    def _field(self) -> Node:
        self._modifier("async")
        refused = "generators are not run here" if self.take("*") else ""
        kind = next((word for word in ("get", "set") if self._modifier(word)), "init")
        is_name = self.token.kind == "name"
        key = self._key()
        if self.take("("):
            return (kind, key, ("function", self._rest_of_function(str(key[1]), refused)))
        if self.take(":"):
            return (kind, key, self.assignment())
        if not is_name:
            raise self.error("expected ':'")
        value: Node = ("name", key[1])
        if self.take("="):
            value = ("assign", "=", value, self.assignment())
        return (kind, key, value)


def _number(digits: str, suffix: str) -> Any:
    digits = digits.replace("_", "")
    if suffix:
        try:
            return BigInt(int(digits, 0))
        except ValueError:
            raise ScriptError(f"{digits[:40]}n is no integer") from None
    if digits[:2].lower() in ("0x", "0o", "0b") or digits.isdigit():
        if len(digits) > 400:
            return float("inf")
        return int(digits, 0) if not digits.isdigit() else int(digits)
    return float(digits)


def _matching(read: list[Token]) -> dict[int, int]:
    """Where what a parenthesis opens is closed, by where it is opened."""
    found, open_ = {}, []
    for at, token in enumerate(read):
        if token.kind == "punctuator" and token.value == "(":
            open_.append(at)
        elif token.kind == "punctuator" and token.value == ")" and open_:
            found[open_.pop()] = at
    return found
