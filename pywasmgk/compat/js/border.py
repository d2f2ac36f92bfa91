"""Python's values as scripts have them, and back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .binary import KINDS, Buffer, TypedArray
from .data import bytes_of
from .evaluation import Interpreter
from .keyed import MapObject, SetObject
from .objects import UNDEFINED, Array, BigInt, Foreign, Function, JSError, Object, Realm
from .properties import own_keys, property_key, read_property, write_property

__all__ = ["Callback", "ScriptFunction", "ScriptObject", "to_python", "to_script"]

#: objects inside of each other that are taken
_DEEPEST = 200
#: typed arrays by the letters of ``array``
_ARRAYS = {form: kind for kind, form in KINDS.items() if kind != "Uint8ClampedArray"}


class Callback(Function):
    """A function of the host's. What it raises passes through scripts and guests."""

    def __init__(self, interpreter: Interpreter, function: Callable[..., Any]) -> None:
        super().__init__(getattr(function, "__name__", ""))
        self.function = function
        self._interpreter = interpreter

    def call(self, this: Any, args: Sequence[Any]) -> Any:
        given = [to_python(self._interpreter, value) for value in args]
        try:
            found = self.function(*given)
        except JSError:
            raise
        except BaseException as error:
            self._interpreter.passing = error
            raise
        return to_script(self._interpreter, found)


def to_script(interpreter: Interpreter, value: Any, depth: int = 0) -> Any:
    """A value of Python's: dicts become objects, bytes a Uint8Array, callables functions. Raises
    TypeError for what has no counterpart."""
    realm = interpreter.realm
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 53 else BigInt(value)
    if isinstance(value, (ScriptObject, ScriptFunction)):
        return value._value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return TypedArray("Uint8Array", Buffer(bytearray(value)))
    if isinstance(value, array):
        kind = _ARRAYS.get(value.typecode)
        if kind is None:
            raise TypeError(f"scripts have no arrays of kind {value.typecode!r}")
        return TypedArray(kind, Buffer(bytearray(value.tobytes())))
    if depth > _DEEPEST:
        raise TypeError("objects are nested too deep")
    if isinstance(value, dict):
        found = Object(None, realm.protos["Object"])
        for key, item in value.items():
            found[property_key(key)] = to_script(interpreter, item, depth + 1)
        return found
    if isinstance(value, (list, tuple)):
        return Array(None, [to_script(interpreter, item, depth + 1) for item in value])
    if isinstance(value, (set, frozenset)):
        members = SetObject(realm)
        for item in value:
            members.put(to_script(interpreter, item, depth + 1), True)
        return members
    if callable(value):
        return Callback(interpreter, value)
    if isinstance(value, (Foreign, Object, Array, Function)) or value is UNDEFINED:
        return value
    raise TypeError(f"scripts have nothing like {type(value).__name__}")


def to_python(interpreter: Interpreter, value: Any) -> Any:
    """A script's value: plain objects become dicts, arrays lists, a Uint8Array bytes, other typed
    arrays ``array``; instances of classes stay as they are, behind a :class:`ScriptObject`.

    Objects that hold themselves do so here, too.
    """
    memo: dict[int, Any] = {}
    left: list[tuple[Any, Any]] = []
    found = _shallow(interpreter, value, memo, left)
    while left:
        source, target = left.pop()
        if isinstance(target, list):
            target += [_shallow(interpreter, item, memo, left) for item in source]
        else:
            pairs = (
                [*source.entries.values()]
                if isinstance(source, MapObject)
                else [
                    (key, read_property(interpreter.realm, source, property_key(key)))
                    for key in own_keys(source)
                ]
            )
            for key, item in pairs:
                name = _shallow(interpreter, key, memo, left)
                name = name if getattr(name, "__hash__", None) else id(name)
                target[name] = _shallow(interpreter, item, memo, left)
    return found


def _shallow(
    interpreter: Interpreter, value: Any, memo: dict[int, Any], left: list[tuple[Any, Any]]
) -> Any:
    """A value whose parts are yet to be filled in, as ``left`` says."""
    if value is UNDEFINED or value is None:
        return None
    if isinstance(value, bool) or value.__class__ in (int, float, str):
        return value
    if isinstance(value, BigInt):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    if id(value) in memo:
        return memo[id(value)]
    found: Any
    if isinstance(value, Array) or isinstance(value, SetObject):
        found = []
        left.append((value, found))
    elif isinstance(value, MapObject) or _is_plain(interpreter.realm, value):
        found = {}
        left.append((value, found))
    elif isinstance(value, TypedArray):
        found = value.raw if value.form == "B" else array(value.form, [*value])
    elif isinstance(value, Buffer):
        found = bytes_of(value)
    elif isinstance(value, Callback):
        found = value.function
    elif isinstance(value, Function):
        found = ScriptFunction(interpreter, value)
    elif isinstance(value, (Object, Foreign)):
        found = ScriptObject(interpreter, value)
    else:
        found = value
    memo[id(value)] = found
    return found


def _is_plain(realm: Realm, value: Any) -> bool:
    return isinstance(value, Object) and value.proto in (None, realm.protos["Object"])


class _Proxy:
    """What Python sees of a script's value."""

    __slots__ = ("_interpreter", "_value")

    def __init__(self, interpreter: Interpreter, value: Any) -> None:
        object.__setattr__(self, "_interpreter", interpreter)
        object.__setattr__(self, "_value", value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        interpreter, missing = self._interpreter, object()
        with interpreter.opened(), interpreter.guarded():
            found = read_property(interpreter.realm, self._value, name, missing)
            if isinstance(found, Function):
                return ScriptFunction(interpreter, found, self._value)
            if found is not missing:
                return to_python(interpreter, found)
        raise AttributeError(f"the script's object has no property {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        interpreter = self._interpreter
        given = to_script(interpreter, value)
        with interpreter.opened(), interpreter.guarded():
            write_property(interpreter.realm, self._value, name, given)

    def __dir__(self) -> list[str]:
        names = [key for key in own_keys(self._value) if isinstance(key, str)]
        proto = self._interpreter.proto_of(self._value)
        return sorted({*names, *(key for key in proto or () if isinstance(key, str))})


class ScriptObject(_Proxy):
    """An object of a script's class: its properties and methods are attributes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<ScriptObject {getattr(self._value, 'kind', '') or 'of a class'}>"


class ScriptFunction(_Proxy):
    """A script's function: call it. A class makes an instance when it is called."""

    __slots__ = ("_this",)

    def __init__(self, interpreter: Interpreter, value: Any, this: Any = UNDEFINED) -> None:
        super().__init__(interpreter, value)
        object.__setattr__(self, "_this", this)

    def __call__(self, *args: Any) -> Any:
        interpreter, function = self._interpreter, self._value
        given = [to_script(interpreter, value) for value in args]
        with interpreter.opened(), interpreter.guarded():
            if getattr(function, "is_class", False):
                found = function.construct(given)
            else:
                found = interpreter.awaited(function.call(self._this, given))
            return to_python(interpreter, found)

    def __repr__(self) -> str:
        return f"<ScriptFunction {self._value.name}>"
