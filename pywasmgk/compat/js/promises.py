"""Promises (ECMA-262, "Promise Objects"): tasks wait in the realm until somebody runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .objects import UNDEFINED, Foreign, Function, JSError, Native, Object, Realm
from .properties import iterate, read_property

__all__ = ["PromiseObject", "add_promises", "run_tasks"]

#: bytes that a promise and a reaction count for
_COST = 300
_PENDING, _FULFILLED, _REJECTED = "pending", "fulfilled", "rejected"
Reaction = Callable[[], object]


class PromiseObject(Foreign):
    """A value that is there later, or an error."""

    kind = "Promise"

    def __init__(self, realm: Realm) -> None:
        realm.charge(_COST)
        self.realm = realm
        self.cost = _COST
        self.state = _PENDING
        self.value: Any = UNDEFINED
        self._reactions: list[Reaction] = []

    def __del__(self) -> None:
        if hasattr(self, "cost"):
            self.realm.used -= self.cost

    def settle(self, state: str, value: Any) -> None:
        """Fulfils or rejects it, once."""
        if self.state == _PENDING:
            self.state, self.value = state, value
            self.realm.tasks.extend(self._reactions)
            self._reactions.clear()

    def resolve(self, value: Any) -> None:
        """Fulfils it, with what another promise brings if it is one."""
        if value is self:
            self.reject(self.realm.error("TypeError", "a promise cannot wait for itself").value)
        elif isinstance(value, PromiseObject):
            value.when(lambda: self.settle(value.state, value.value))
        elif isinstance(value, (Object, Foreign)):
            then = read_property(self.realm, value, "then")
            if not isinstance(then, Function):
                self.settle(_FULFILLED, value)
            else:
                function = then
                self.realm.tasks.append(lambda: function.call(value, self.functions()))
        else:
            self.settle(_FULFILLED, value)

    def reject(self, value: Any) -> None:
        """Rejects it."""
        self.settle(_REJECTED, value)

    def functions(self) -> tuple[Function, Function]:
        """What a script resolves and rejects it with."""

        def resolve(this: Any, value: Any = UNDEFINED) -> Any:
            self.resolve(value)
            return UNDEFINED

        def reject(this: Any, value: Any = UNDEFINED) -> Any:
            self.reject(value)
            return UNDEFINED

        return Native("resolve", resolve), Native("reject", reject)

    def when(self, reaction: Reaction) -> None:
        """Has a task run when it is settled."""
        if self.state == _PENDING:
            self.realm.charge(_COST)
            self.cost += _COST
            self._reactions.append(reaction)
        else:
            self.realm.tasks.append(reaction)

    def then(self, fulfilled: Any, rejected: Any = UNDEFINED) -> PromiseObject:
        """The promise of what a function makes of the value."""
        found = PromiseObject(self.realm)

        def react() -> None:
            handler = fulfilled if self.state == _FULFILLED else rejected
            if not isinstance(handler, Function):
                found.settle(self.state, self.value)
                return
            try:
                found.resolve(handler.call(UNDEFINED, (self.value,)))
            except JSError as error:
                found.reject(error.value)

        self.when(react)
        return found


def run_tasks(realm: Realm) -> None:
    """Runs what waits, and what that brings, to the end."""
    while realm.tasks:
        realm.tasks.popleft()()


def add_promises(realm: Realm, builder: Any) -> None:
    """The constructor and its functions."""

    def new(executor: Any) -> PromiseObject:
        found = PromiseObject(realm)
        try:
            executor.call(UNDEFINED, found.functions())
        except JSError as error:
            found.reject(error.value)
        return found

    def resolved(value: Any = UNDEFINED) -> PromiseObject:
        if isinstance(value, PromiseObject):
            return value
        found = PromiseObject(realm)
        found.resolve(value)
        return found

    def rejected(value: Any = UNDEFINED) -> PromiseObject:
        found = PromiseObject(realm)
        found.reject(value)
        return found

    def every(items: Any) -> PromiseObject:
        found, promises = PromiseObject(realm), [resolved(item) for item in iterate(realm, items)]

        def react(promise: PromiseObject) -> None:
            if promise.state == _REJECTED:
                found.reject(promise.value)
            elif all(other.state == _FULFILLED for other in promises):
                found.resolve(realm.array(other.value for other in promises))

        for promise in promises:
            promise.when(lambda promise=promise: react(promise))  # type: ignore[misc]
        if not promises:
            found.resolve(realm.array())
        return found

    def queue(task: Any) -> Any:
        realm.charge(_COST)

        def run() -> None:
            realm.used -= _COST
            task.call(UNDEFINED, ())

        realm.tasks.append(run)
        return UNDEFINED

    builder.kind(
        "Promise", None, new,
        {
            "then": lambda this, ok=UNDEFINED, bad=UNDEFINED: this.then(ok, bad),
            "catch": lambda this, bad=UNDEFINED: this.then(UNDEFINED, bad),
            "finally": lambda this, last=UNDEFINED: this.then(
                Native("", lambda _, value=UNDEFINED: [last.call(UNDEFINED, ()), value][1])
            ),
        },
        {"resolve": resolved, "reject": rejected, "all": every},
    )  # fmt: skip
    builder.names["queueMicrotask"] = Native("queueMicrotask", lambda this, task: queue(task))
