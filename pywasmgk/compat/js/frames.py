"""Calls of scripts' functions: variables, ``this``, and what bounds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from ...wasm.runtime.metering import current_meter
from ..faults import from_elsewhere
from .objects import (
    UNDEFINED,
    Array,
    Foreign,
    Function,
    JSError,
    Object,
    Realm,
)
from .promises import PromiseObject, run_tasks
from .properties import (
    iterate,
    own_keys,
    property_key,
    read_property,
    require_object,
    write_property,
)
from .reading import FunctionNode, Node

__all__ = ["THROWN", "Closure", "Core", "Frame", "Scope"]

#: calls of scripts' functions inside of each other
_DEEPEST = 40
#: steps that are charged together
_STEPS = 64
#: what Python raises where the language throws a TypeError or a RangeError
THROWN = (TypeError, ValueError, LookupError, OverflowError, ArithmeticError, AttributeError)


class Scope:
    """Variables, and those around them."""

    __slots__ = ("frame", "names", "outer")

    def __init__(self, outer: Scope | None, frame: Frame | None = None) -> None:
        self.names: dict[str, Any] = {}
        self.outer = outer
        self.frame: Any = frame or (None if outer is None else outer.frame)

    def find(self, name: str) -> dict[str, Any] | None:
        """The variables that have a name."""
        at: Scope | None = self
        while at is not None:
            if name in at.names:
                return at.names
            at = at.outer
        return None


class Frame:
    """A call of a function that is no arrow."""

    __slots__ = ("function", "new_target", "scope", "this")

    def __init__(self, function: Closure | None, this: Any, new_target: Any = UNDEFINED) -> None:
        self.function = function
        self.this = this
        self.new_target = new_target
        self.scope: Scope | None = None


class Closure(Function):
    """A function of a script."""

    def __init__(self, interpreter: Core, node: FunctionNode, scope: Scope) -> None:
        super().__init__(node.name)
        self.interpreter = interpreter
        self.node = node
        self.scope = scope
        #: the prototype that ``super`` begins at, of methods
        self.home: Object | None = None
        #: of classes: the fields of instances, and what they extend
        self.fields: list[tuple[Any, Node | None]] = []
        self.parent: Function | None = None
        self.is_class = False
        if not node.arrow:
            self.properties["prototype"] = interpreter.realm.object()
            self.properties["prototype"]["constructor"] = self

    def call(self, this: Any, args: Sequence[Any]) -> Any:
        if self.is_class:
            raise TypeError(f"Class constructor {self.name} cannot be invoked without 'new'")
        return self.interpreter.enter(self, this, args, UNDEFINED)[0]

    def construct(self, args: Sequence[Any], new_target: Function | None = None) -> Any:
        target = new_target or self
        this: Any = UNDEFINED
        if self.parent is None:
            proto = target.properties.get("prototype")
            this = self.interpreter.realm.object(proto if isinstance(proto, Object) else None)
            self.interpreter.set_fields(self, this)
        result, this = self.interpreter.enter(self, this, args, target)
        return result if isinstance(result, (Object, Array, Foreign, Function)) else this


class Core:
    """A realm, its limits, and calls of its functions."""

    def __init__(self, realm: Realm, names: dict[str, Any]) -> None:
        self.realm = realm
        self.top = Scope(None)
        self.top.names.update(names)
        self.top.frame = Frame(None, UNDEFINED)
        self.top.frame.scope = self.top
        #: what is exported, by name
        self.exports: dict[str, str] = {}
        self.default: Any = UNDEFINED
        #: an exception of the host's that is passing through
        self.passing: BaseException | None = None
        #: opens the account that calls from Python are on
        self.opened: Callable[[], AbstractContextManager[Any]] = nullcontext
        self._steps = 0
        self._expressions: dict[str, Callable[[Scope, Node], Any]] = {
            name.removeprefix("_x_"): getattr(self, name) for name in dir(self) if name[:3] == "_x_"
        }
        self._statements: dict[str, Callable[[Scope, Node], Any]] = {
            name.removeprefix("_s_"): getattr(self, name) for name in dir(self) if name[:3] == "_s_"
        }

    # -- limits and errors

    def step(self) -> None:
        """Counts a step."""
        self._steps += 1
        if self._steps >= _STEPS:
            meter = current_meter()
            steps, self._steps = self._steps, 0
            if meter is not None:
                meter.charge(steps)

    def thrown(self, error: BaseException) -> JSError:
        """What a script may catch of an exception; raises any other one again."""
        if isinstance(error, JSError):
            return error
        mine = error is not self.passing and not from_elsewhere(error)
        if isinstance(error, THROWN) and mine:
            kind = "RangeError" if isinstance(error, (ValueError, OverflowError)) else "TypeError"
            return self.realm.error(kind, str(error.args[0]) if error.args else "")
        raise error

    def awaited(self, value: Any) -> Any:
        """The value that a promise brings, when all that waits has run; raises JSError for an
        error, and for a promise that nothing settles."""
        if not isinstance(value, PromiseObject):
            return value
        run_tasks(self.realm)
        if value.state == "pending":
            raise self.realm.error("Error", "the promise waits for what does not come")
        if value.state == "rejected":
            raise JSError(value.value)
        return value.value

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns what the language forbids into the exception that scripts would see."""
        try:
            yield
        except THROWN as error:
            raise self.thrown(error) from None
        except RecursionError:
            raise self.realm.error("RangeError", "too much recursion") from None

    # -- functions

    def enter(
        self, function: Closure, this: Any, args: Sequence[Any], new_target: Any
    ) -> tuple[Any, Any]:
        """Calls a script's function. Gives the result and ``this``."""
        node, realm = function.node, self.realm
        if node.refused:
            raise realm.error("TypeError", node.refused)
        if realm.depth >= _DEEPEST:
            raise realm.error("RangeError", "too much recursion")
        self.step()
        frame = function.scope.frame if node.arrow else Frame(function, this, new_target)
        scope = Scope(function.scope, frame)
        if not node.arrow:
            frame.scope = scope
            scope.names["arguments"] = Array(None, args)
        realm.depth += 1
        try:
            self._bind_params(scope, node.params, args)
            done = self.run(scope, node.body)
        finally:
            realm.depth -= 1
        return (done[1] if done and done[0] == "return" else UNDEFINED), frame.this

    def _bind_params(self, scope: Scope, params: list[Node], args: Sequence[Any]) -> None:
        for at, target in enumerate(params):
            if target[0] == "rest":
                self.bind(scope, target[1], self.realm.array(args[at:]), scope.names)
            else:
                value = args[at] if at < len(args) else UNDEFINED
                if target[0] == "name":
                    scope.names[target[1]] = value
                else:
                    self.bind(scope, target, value, scope.names)

    def set_fields(self, function: Closure, this: Any) -> None:
        """Gives a new instance its fields."""
        for key, value in function.fields:
            scope = Scope(function.scope, Frame(function, this))
            found = UNDEFINED if value is None else self.evaluate(scope, value)
            write_property(self.realm, this, key, found, own=True)

    def bind(self, scope: Scope, target: Node, value: Any, names: dict[str, Any] | None) -> None:
        """Gives values to the names of a pattern: new ones in ``names``, or those there are."""
        kind = target[0]
        if kind == "name":
            found = names if names is not None else scope.find(target[1])
            (self.top.names if found is None else found)[target[1]] = value
        elif kind == "member":
            self.assign_member(scope, target, value)
        elif kind == "default":
            value = self.evaluate(scope, target[2]) if value is UNDEFINED else value
            self.bind(scope, target[1], value, names)
        elif kind == "array_pattern":
            self._bind_items(scope, target[1], [*iterate(self.realm, value)], names)
        else:
            self._bind_fields(scope, target[1], value, names)

    def _bind_items(self, scope: Scope, items: Sequence[Any], found: list[Any], names: Any) -> None:
        for at, item in enumerate(items):
            if item is None:
                continue
            if item[0] == "rest":
                self.bind(scope, item[1], self.realm.array(found[at:]), names)
            else:
                self.bind(scope, item, found[at] if at < len(found) else UNDEFINED, names)

    def _bind_fields(self, scope: Scope, fields: Sequence[Any], value: Any, names: Any) -> None:
        require_object(value, "destructure")
        taken = set()
        for key, item in fields:
            if key is None:
                rest = self.realm.object()
                for name in own_keys(value):
                    if name not in taken:
                        rest.put(name, read_property(self.realm, value, name))
                self.bind(scope, item, rest, names)
                continue
            name = property_key(self.evaluate(scope, key))
            taken.add(name)
            self.bind(scope, item, read_property(self.realm, value, name), names)

    def assign_member(self, scope: Scope, target: Node, value: Any) -> Any:
        """Sets the property that a node names."""
        raise NotImplementedError

    def evaluate(self, scope: Scope, node: Node) -> Any:
        """The value of an expression."""
        return self._expressions[node[0]](scope, node)

    def execute(self, scope: Scope, node: Node) -> Any:
        """Runs a statement."""
        self.step()
        return self._statements[node[0]](scope, node)

    def run(self, scope: Scope, body: Sequence[Node]) -> Any:
        """Runs statements. Gives how they ended: ``None``, or a tuple with what ends them first."""
        for node in body:
            if node[0] == "function_declaration":
                scope.names[node[1]] = Closure(self, node[2], scope)
        for node in body:
            done = self.execute(scope, node)
            if done is not None:
                return done
        return None
