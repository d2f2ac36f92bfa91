"""The values of scripts (ECMA-262, "ECMAScript Data Types and Values"), and who pays for them.

Numbers are int and float, texts are str, null is ``None``; the rest has classes here. What scripts
and guests make counts against the realm's quota while it lives; what is the host's own does not.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import PywasmgkError

__all__ = [
    "UNDEFINED",
    "Accessor",
    "Array",
    "BigInt",
    "Foreign",
    "Function",
    "JSError",
    "Native",
    "Object",
    "Realm",
    "ScriptError",
    "Symbol",
    "Text",
    "fitted",
]


class ScriptError(PywasmgkError):
    """The script is none, or one that cannot be run here."""


class JSError(PywasmgkError):
    """What a script or a guest threw and nobody caught; ``value`` is that.

    ``name`` and ``message`` are those of an Error.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        error = isinstance(value, Object)
        self.name = str(value.get("name", _inherited(value, "name"))) if error else ""
        self.message = str(value.get("message", "")) if error else f"{value}"
        super().__init__(f"{self.name}: {self.message}" if self.name else self.message)


def _inherited(value: Object, name: str) -> Any:
    proto = value.proto
    while proto is not None:
        if name in proto:
            return proto[name]
        proto = proto.proto
    return ""


class _Undefined:
    """The value of what has none."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Any = _Undefined()


class BigInt(int):
    """An integer of JavaScript's second kind, which i64 is."""


class Symbol:
    """A name that nothing else is equal to."""

    def __init__(self, description: str) -> None:
        self.description = description

    def __repr__(self) -> str:
        return f"Symbol({self.description})"


class Accessor:
    """A property that functions get and set."""

    __slots__ = ("get", "set")

    def __init__(self, get: Any = None, set: Any = None) -> None:
        self.get = get
        self.set = set


#: bytes that are charged for an object, and for each thing that it holds
_OBJECT, _PLACE = 120, 100


class Realm:
    """What scripts share: the prototypes, and the quota of what they keep."""

    def __init__(self, quota: int) -> None:
        #: bytes that guests and scripts may have the host keep
        self.quota = quota
        self.used = 0
        #: prototypes of builtin kinds by name
        self.protos: dict[str, Object] = {}
        #: calls of scripts' functions that are open
        self.depth = 0
        #: what promises have to do
        self.tasks: deque[Callable[[], object]] = deque()

    def charge(self, size: int) -> None:
        """Counts bytes that are kept from now on. Raises JSError where there is no room."""
        if self.used + size > self.quota:
            gc.collect()  # circles, and interpreters that do not count references
            if self.used + size > self.quota:
                raise self.error("RangeError", f"more than {self.quota} bytes are kept")
        self.used += size

    def error(self, kind: str, message: str) -> JSError:
        """An exception that scripts can catch."""
        value = Object(None, self.protos.get(kind) or self.protos.get("Error"))
        value["message"] = message
        value["stack"] = f"{kind}: {message}"
        return JSError(value)

    def object(self, proto: Object | None = None) -> Object:
        """A new object."""
        return Object(self, proto or self.protos["Object"])

    def array(self, items: Iterable[Any] = ()) -> Array:
        """A new array."""
        return Array(self, items)

    def text(self, text: str) -> str:
        """A text that somebody may keep; short ones are what an object costs."""
        return Text(text, self) if len(text) > 40 else text


class _Kept:
    """What is on a realm's account as long as it lives."""

    __slots__ = ()
    if TYPE_CHECKING:
        realm: Realm | None
        cost: int

    def charge(self, size: int) -> None:
        """Counts more bytes of its own."""
        if self.realm is not None:
            self.realm.charge(size)
            self.cost += size  # type: ignore[misc]

    def __del__(self) -> None:
        if getattr(self, "realm", None) is not None:
            self.realm.used -= self.cost  # type: ignore[union-attr]


class Text(_Kept, str):
    """A text that a guest had made."""

    __slots__ = ("cost", "realm")

    def __new__(cls, text: str, realm: Realm) -> Text:
        found = super().__new__(cls, text)
        found.realm = None
        size = _OBJECT + len(text) * (1 if text.isascii() else 4)
        realm.charge(size)
        found.realm, found.cost = realm, size
        return found


class Object(_Kept, dict[Any, Any]):
    """An object: properties in order, and the prototype that has the others."""

    __slots__ = ("__weakref__", "cost", "proto", "realm")

    def __init__(self, realm: Realm | None, proto: Object | None = None) -> None:
        self.realm = None
        self.proto = proto
        if realm is not None:
            realm.charge(_OBJECT)
            self.realm, self.cost = realm, _OBJECT

    def put(self, key: Any, value: Any) -> None:
        """Sets a property of its own."""
        if key not in self:
            self.charge(_PLACE + (len(key) if isinstance(key, str) else 0))
        self[key] = value

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


class Array(_Kept, list[Any]):
    """An array."""

    __slots__ = ("__weakref__", "cost", "extra", "realm")

    def __init__(self, realm: Realm | None, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self.realm = None
        #: properties that are no elements
        self.extra: dict[Any, Any] = {}
        if realm is not None:
            size = _OBJECT + 8 * len(self)
            realm.charge(size)
            self.realm, self.cost = realm, size

    def resize(self, length: int) -> None:
        """Sets its length; new elements are undefined."""
        if length > len(self):
            self.charge(8 * (length - len(self)))
            self.extend([UNDEFINED] * (length - len(self)))
        else:
            del self[length:]

    def push(self, items: Sequence[Any]) -> None:
        """Adds elements."""
        self.charge(8 * len(items) + 8)
        self.extend(items)

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


class Function:
    """What can be called. ``properties`` are its own ones, ``prototype`` among them."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.properties = Object(None)

    def call(self, this: Any, args: Sequence[Any]) -> Any:
        """Calls it with a receiver."""
        raise NotImplementedError

    def construct(self, args: Sequence[Any], new_target: Function | None = None) -> Any:
        """What ``new`` gives."""
        raise TypeError(f"{self.name} is not a constructor")


#: the flag of functions that take any number of arguments
_ANY_NUMBER = 4


def fitted(function: Callable[..., Any], args: Sequence[Any], own: int) -> Sequence[Any]:
    """Arguments as many as a function takes behind ``own`` others; scripts give more or less."""
    code = getattr(function, "__code__", None)
    if code is None:
        return args
    most = code.co_argcount - own - hasattr(function, "__self__")
    least = most - len(getattr(function, "__defaults__", None) or ())
    if len(args) > most and not code.co_flags & _ANY_NUMBER:
        return args[:most]
    return args if len(args) >= least else [*args, *[UNDEFINED] * (least - len(args))]


class Native(Function):
    """A function that is Python's: it gets the receiver, then the arguments."""

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        construct: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(name)
        self._function = function
        self._construct = construct

    def call(self, this: Any, args: Sequence[Any]) -> Any:
        return self._function(this, *fitted(self._function, args, 1))

    def construct(self, args: Sequence[Any], new_target: Function | None = None) -> Any:
        if self._construct is None:
            return super().construct(args)
        made = self._construct(*fitted(self._construct, args, 0))
        proto = None if new_target is None else new_target.properties.get("prototype")
        if isinstance(made, Object) and proto is not None:
            made.proto = proto
        return made


class Foreign:
    """An object with properties of Python's making: memories, maps, buffers, exports."""

    #: the name of its prototype, which has its methods
    kind = "Object"

    def get(self, key: Any) -> Any:
        """A property of its own, or KeyError."""
        raise KeyError(key)

    def set(self, key: Any, value: Any) -> None:
        """Sets a property of its own; by default it keeps none."""
