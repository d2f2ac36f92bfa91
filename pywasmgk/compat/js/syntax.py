"""Tokens to trees (ECMA-262, chapters on expressions, statements and functions).

A node is a tuple, its kind first; ``evaluation`` has a function for each kind. Nesting is bounded.
What this does not read is an error at its place; ``read_script`` then goes on behind the statement,
so that one that nobody needs does no harm.
"""

from __future__ import annotations

from typing import Any

from .objects import ScriptError
from .reading import FunctionNode, Node, Reader
from .tokens import tokens

__all__ = ["FunctionNode", "Node", "read_script"]


def read_script(text: str) -> list[Node]:
    """The statements of a script. Those that cannot be read are left out."""
    parser = _Parser(tokens(text))
    found = []
    while parser.token.kind != "end":
        begin = parser.at
        try:
            found.append(parser.statement())
        except ScriptError:
            parser.skip(begin)
    return found


class _Parser(Reader):
    """Reads statements, too."""

    def block(self) -> list[Node]:
        self.expect("{")
        found = []
        while not self.take("}"):
            if self.token.kind == "end":
                raise self.error("expected '}'")
            found.append(self.statement())
        return found

    def statement(self) -> Node:
        self.deeper()
        try:
            word = self.token.value if self.token.kind in ("name", "punctuator") else ""
            reader = getattr(self, f"_{word}_statement", None) if word.isalpha() else None
            if reader is not None:
                begin = self.at
                self.next()
                node: Node | None = reader()
                if node is not None:
                    return node
                self.go(begin)
            if word == "{":
                return ("block", self.block())
            if self.take(";"):
                return ("block", [])
            expression = self.expression()
            self.end_statement()
            return ("expression", expression)
        finally:
            self.depth -= 1

    def _var_statement(self) -> Node | None:
        return self._declaration("var")

    def _let_statement(self) -> Node | None:
        return (
            self._declaration("let") if self.token.kind == "name" or self.sees("{", "[") else None
        )

    def _const_statement(self) -> Node | None:
        return self._declaration("const")

    def _declaration(self, kind: str, ended: bool = True) -> Node:
        found = []
        while True:
            target = self.pattern()
            value = self.assignment() if self.take("=") else None
            found.append((target, value))
            if not self.take(","):
                break
        if ended:
            self.end_statement()
        return ("declare", kind, found)

    def _function_statement(self) -> Node:
        function = self._function("")
        return ("function_declaration", function.name, function)

    def _async_statement(self) -> Node | None:
        if not self.sees("function"):
            return None
        self.next()
        function = self._function()
        return ("function_declaration", function.name, function)

    def _class_statement(self) -> Node:
        node = self._class()
        return ("declare", "let", [(("name", node[1]), node)])

    def _return_statement(self) -> Node:
        value = None if self.sees(";", "}") or self.token.fresh else self.expression()
        self.end_statement()
        return ("return", value)

    def _throw_statement(self) -> Node:
        value = self.expression()
        self.end_statement()
        return ("throw", value)

    def _if_statement(self) -> Node:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        then = self.statement()
        return ("if", test, then, self.statement() if self.take("else") else None)

    def _while_statement(self) -> Node:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        return ("for", None, test, None, self.statement())

    def _do_statement(self) -> Node:
        body = self.statement()
        self.expect("while")
        self.expect("(")
        test = self.expression()
        self.expect(")")
        self.take(";")
        return ("do", body, test)

    def _for_statement(self) -> Node:
        self.expect("(")
        kind = self.next().value if self.sees("var", "let", "const") else ""
        if kind:
            begin, target = self.at, self.pattern()
            if self.sees("of", "in"):
                return self._each(("declare", kind, [(target, None)]), target)
            self.go(begin)
            first: Node | None = self._without_in(lambda: self._declaration(kind, ended=False))
        else:
            first = None if self.sees(";") else self._without_in(self.expression)
            if first is not None and self.sees("of", "in"):
                return self._each(None, first)
            first = None if first is None else ("expression", first)
        self.expect(";")
        test = None if self.sees(";") else self.expression()
        self.expect(";")
        step = None if self.sees(")") else self.expression()
        self.expect(")")
        return ("for", first, test, step, self.statement())

    def _without_in(self, read: Any) -> Node:
        self.allow_in = False
        found: Node = read()
        self.allow_in = True
        return found

    def _each(self, declaration: Node | None, target: Node) -> Node:
        kind = self.next().value
        source = self.expression()
        self.expect(")")
        return ("each", kind, declaration, target, source, self.statement())

    def _break_statement(self) -> Node:
        self.end_statement()
        return ("break",)

    def _continue_statement(self) -> Node:
        self.end_statement()
        return ("continue",)

    def _try_statement(self) -> Node:
        body = self.block()
        target, handler, last = None, None, None
        if self.take("catch"):
            if self.take("("):
                target = self.pattern()
                self.expect(")")
            handler = self.block()
        if self.take("finally"):
            last = self.block()
        return ("try", body, target, handler, last)

    def _switch_statement(self) -> Node:
        self.expect("(")
        value = self.expression()
        self.expect(")")
        self.expect("{")
        cases: list[tuple[Node | None, list[Node]]] = []
        while not self.take("}"):
            test = None
            if not self.take("default"):
                self.expect("case")
                test = self.expression()
            self.expect(":")
            body = []
            while not self.sees("case", "default", "}"):
                body.append(self.statement())
            cases.append((test, body))
        return ("switch", value, cases)

    def _import_statement(self) -> Node | None:
        if self.sees("(", "."):
            return None
        names: list[str] = []
        while self.token.kind == "name" or self.sees("{", "}", "*", ","):
            token = self.next()
            if token.kind == "name" and token.value not in ("as", "from"):
                if self.sees("as"):
                    continue
                names.append(token.value)
        source = str(self.next().value)
        self.end_statement()
        return ("import", names, source)

    def _export_statement(self) -> Node:
        if self.take("default"):
            self.sees("function", "class")
            statement = self.statement()
            return ("export", statement, {})
        if self.take("{"):
            found: dict[str, str] = {}
            while not self.take("}"):
                inner = str(self.next().value)
                found[str(self.next().value) if self.take("as") else inner] = inner
                self.take(",")
            if self.take("from"):
                self.next()
                found = {}
            self.end_statement()
            return ("export", None, found)
        if self.take("*"):
            while not self.sees(";") and not self.token.fresh and self.token.kind != "end":
                self.next()
            self.end_statement()
            return ("block", [])
        statement = self.statement()
        return ("export", statement, {name: name for name in _declared(statement)})


def _declared(statement: Node) -> list[str]:
    """The names that a statement declares."""
    if statement[0] == "function_declaration":
        return [statement[1]]
    if statement[0] == "declare":
        return [target[1] for target, _ in statement[2] if target[0] == "name"]
    return []
