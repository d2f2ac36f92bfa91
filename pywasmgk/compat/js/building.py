"""What makes the prototypes and global names of a realm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .objects import (
    Function,
    Native,
    Object,
    Realm,
    fitted,
)

__all__ = ["Builder", "common_js", "static"]

_ERRORS = ("TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError")
#: bytes of randomness that one call may ask for
_MOST_RANDOM = 65536


class Builder:
    """Makes a realm's prototypes and global names."""

    def __init__(self, realm: Realm, log: Callable[[str, str], object]) -> None:
        self.realm = realm
        self.log = log
        self.names: dict[str, Any] = {}
        realm.protos["Object"] = Object(None)

    def proto(self, kind: str, parent: str = "Object") -> Object:
        """The prototype of a kind."""
        if kind not in self.realm.protos:
            self.realm.protos[kind] = Object(None, self.realm.protos[parent])
        return self.realm.protos[kind]

    def kind(
        self,
        name: str,
        call: Callable[..., Any] | None = None,
        new: Callable[..., Any] | None = None,
        methods: dict[Any, Any] | None = None,
        statics: dict[str, Any] | None = None,
        parent: str = "Object",
    ) -> Native:
        """A constructor with its prototype."""

        def refuse(this: Any, *args: Any) -> Any:
            raise TypeError(f"Constructor {name} requires 'new'")

        made = Native(name, call or refuse, new)
        proto = self.proto(name, parent)
        proto["constructor"] = made
        for key, method in (methods or {}).items():
            proto[key] = Native(str(key), method)
        made.properties["prototype"] = proto
        self.fill(made.properties, statics or {})
        self.names[name] = made
        return made

    def fill(self, place: Object, items: dict[str, Any]) -> None:
        """Puts functions (without receiver) and values into an object."""
        for key, item in items.items():
            is_function = callable(item) and not isinstance(item, Function)
            place[key] = static(key, item) if is_function else item

    def space(self, name: str, items: dict[str, Any]) -> None:
        """A global object that has functions."""
        self.names[name] = Object(None, self.realm.protos["Object"])
        self.fill(self.names[name], items)


def static(name: str, function: Callable[..., Any]) -> Native:
    return Native(name, lambda this, *args: function(*fitted(function, args, 0)))


def common_js(realm: Realm, names: dict[str, Any]) -> Object:
    """Gives a script ``module`` and ``exports``, as Node gives them to one that is no ES module;
    the latter is the result."""
    module, exports = realm.object(), realm.object()
    module["exports"] = exports
    names["module"], names["exports"] = module, exports
    return exports
