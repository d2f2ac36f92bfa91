"""Carries out trees (ECMA-262, "Runtime Semantics: Evaluation").

Each statement and each call is a step; steps are charged to the open account as instructions are.
A script's ``catch`` sees what scripts throw and what the language forbids, and nothing else: traps,
limits and the host's own exceptions pass through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .expressions import Expressions
from .frames import THROWN, Closure, Scope
from .objects import (
    UNDEFINED,
    JSError,
    ScriptError,
)
from .operators import binary, truthy
from .properties import (
    iterate,
    own_keys,
)
from .reading import Node

__all__ = ["Closure", "Interpreter", "Scope"]


class Interpreter(Expressions):
    """Runs trees in a realm."""

    def run_script(self, body: Sequence[Node]) -> None:
        """Runs a script; a statement that throws is left out, as if it were not there."""
        for node in body:
            try:
                with self.guarded():
                    self.run(self.top, [node])
            except (JSError, ScriptError):
                continue

    def _s_expression(self, scope: Scope, node: Node) -> None:
        self.evaluate(scope, node[1])

    def _s_block(self, scope: Scope, node: Node) -> Any:
        return self.run(Scope(scope), node[1])

    def _s_declare(self, scope: Scope, node: Node) -> None:
        _, kind, items = node
        names = scope.frame.scope.names if kind == "var" and scope.frame.scope else scope.names
        for target, value in items:
            if value is None:
                if kind != "var" or target[1] not in names:
                    names[target[1]] = UNDEFINED
                continue
            found = self.evaluate(scope, value)
            if isinstance(found, Closure) and not found.name and target[0] == "name":
                found.name = target[1]
            self.bind(scope, target, found, names)

    def _s_function_declaration(self, scope: Scope, node: Node) -> None:
        pass  # it was made when the block was entered

    def _s_return(self, scope: Scope, node: Node) -> Any:
        return "return", UNDEFINED if node[1] is None else self.evaluate(scope, node[1])

    def _s_throw(self, scope: Scope, node: Node) -> None:
        raise JSError(self.evaluate(scope, node[1]))

    def _s_if(self, scope: Scope, node: Node) -> Any:
        _, test, then, other = node
        if truthy(self.evaluate(scope, test)):
            return self.execute(scope, then)
        return None if other is None else self.execute(scope, other)

    def _s_for(self, scope: Scope, node: Node) -> Any:
        _, first, test, step, body = node
        scope = Scope(scope)
        if first is not None:
            self.execute(scope, first)
        while test is None or truthy(self.evaluate(scope, test)):
            done = self.execute(scope, body)
            if done is not None and done[0] != "continue":
                return None if done[0] == "break" else done
            if step is not None:
                self.evaluate(scope, step)
        return None

    def _s_do(self, scope: Scope, node: Node) -> Any:
        while True:
            done = self.execute(scope, node[1])
            if done is not None and done[0] != "continue":
                return None if done[0] == "break" else done
            if not truthy(self.evaluate(scope, node[2])):
                return None

    def _s_each(self, scope: Scope, node: Node) -> Any:
        _, kind, declaration, target, source, body = node
        value = self.evaluate(scope, source)
        items: Iterable[Any] = iterate(self.realm, value) if kind == "of" else own_keys(value)
        for item in items:
            inner = Scope(scope)
            self.bind(inner, target, item, None if declaration is None else inner.names)
            done = self.execute(inner, body)
            if done is not None and done[0] != "continue":
                return None if done[0] == "break" else done
        return None

    def _s_break(self, scope: Scope, node: Node) -> Any:
        return ("break",)

    def _s_continue(self, scope: Scope, node: Node) -> Any:
        return ("continue",)

    def _s_try(self, scope: Scope, node: Node) -> Any:
        _, body, target, handler, last = node
        try:
            try:
                done = self.run(Scope(scope), body)
            except (JSError, *THROWN) as error:
                caught = self.thrown(error)
                if handler is None:
                    raise caught from None
                inner = Scope(scope)
                if target is not None:
                    self.bind(inner, target, caught.value, inner.names)
                done = self.run(inner, handler)
        except BaseException as error:
            # the host's limits end scripts at once; what else passes runs the last block first
            if last is not None and isinstance(error, JSError):
                ended = self.run(Scope(scope), last)
                if ended is not None:
                    return ended
            raise
        if last is not None:
            ended = self.run(Scope(scope), last)
            done = done if ended is None else ended
        return done

    def _s_switch(self, scope: Scope, node: Node) -> Any:
        value, scope, cases = self.evaluate(scope, node[1]), Scope(scope), node[2]
        begin = next(
            (
                at
                for at, (test, _) in enumerate(cases)
                if test is not None and binary(self.realm, "===", value, self.evaluate(scope, test))
            ),
            next((at for at, (test, _) in enumerate(cases) if test is None), len(cases)),
        )
        for _, body in cases[begin:]:
            done = self.run(scope, body)
            if done is not None:
                return None if done[0] == "break" else done
        return None

    def _s_import(self, scope: Scope, node: Node) -> None:
        for name in node[1]:
            scope.names.setdefault(name, UNDEFINED)

    def _s_export(self, scope: Scope, node: Node) -> None:
        _, statement, names = node
        if statement is not None:
            self.run(scope, [statement])
        self.exports.update(names)
