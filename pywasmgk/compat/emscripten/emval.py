"""embind's ``val``: values of JavaScript by handles, as C++ code holds them.

The values are those of ``compat.js``. What the guest keeps counts against its realm's quota.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..js.border import Callback, to_python, to_script
from ..js.builtins import make_realm
from ..js.evaluation import Interpreter
from ..js.objects import UNDEFINED, Function
from ..js.operators import loosely_equal, strictly_equal, to_text, truthy, type_of
from ..js.properties import property_key, read_property, write_property
from ..memory import c_text

if TYPE_CHECKING:
    from .embind import Embind

__all__ = ["Handles"]

_MASK = 0xFFFFFFFF
#: bytes that a handle counts for
_HANDLE = 100
#: bytes of a text by its address
_LONGEST = 1 << 24


class Handles:
    """The handles of one guest, and the functions ``_emval_*``."""

    def __init__(self, embind: Embind, quota: int) -> None:
        self.embind = embind
        realm, names = make_realm(quota)
        self.realm = realm
        self.interpreter = Interpreter(realm, names)
        #: between one handle and the next
        self.step = 2
        self._values: dict[int, list[Any]] = {}
        self._free: list[int] = []
        self._callers: list[tuple[list[int], bool]] = []

    # -- values of Python

    def provide(self, name: str, value: Any) -> None:
        """Gives a global name that C++ may ask for."""
        self.interpreter.top.names[name] = to_script(self.interpreter, value)

    def handle_of(self, value: Any) -> int:
        """A handle for a value of Python's."""
        return self.add(to_script(self.interpreter, value))

    def value_of(self, handle: int) -> Any:
        """Python's value of a handle."""
        return to_python(self.interpreter, self.get(handle))

    # -- handles

    def add(self, value: Any) -> int:
        """A handle for a script's value."""
        for number, constant in enumerate((UNDEFINED, None, True, False), 1):
            if value is constant:
                return number * self.step
        self.realm.charge(_HANDLE)
        handle = self._free.pop() if self._free else (len(self._values) + 5) * self.step
        self._values[handle] = [value, 1]
        return handle

    def get(self, handle: int) -> Any:
        """The value of a handle. Raises ValueError for what is none."""
        handle &= _MASK
        if 0 < handle <= 4 * self.step and not handle % self.step:
            return (UNDEFINED, None, True, False)[handle // self.step - 1]
        if handle not in self._values:
            raise ValueError(f"{handle} is no handle of a value")
        return self._values[handle][0]

    def incref(self, handle: int) -> None:
        """Somebody else holds it, too."""
        if handle > 4 * self.step:
            self.get(handle)
            self._values[handle][1] += 1

    def decref(self, handle: int) -> None:
        """Somebody holds it no more."""
        if handle <= 4 * self.step:
            return
        self.get(handle)
        self._values[handle][1] -= 1
        if not self._values[handle][1]:
            del self._values[handle]
            self._free.append(handle)
            self.realm.used -= _HANDLE

    # -- what the guest calls

    def function(self, name: str) -> Callable[..., Any] | None:
        """What carries out ``_emval_`` and a name, if it is known."""
        found: Callable[..., Any] | None = getattr(self, f"_on_{name}", None)
        if found is None:
            return None
        carry_out = found

        def guarded(*args: Any) -> Any:
            with self.interpreter.guarded():
                return carry_out(*args)

        return guarded

    def _text(self, ptr: int) -> str:
        return c_text(self.embind.program.memory, ptr, _LONGEST)

    def _on_incref(self, handle: int) -> None:
        self.incref(handle)

    def _on_decref(self, handle: int) -> None:
        self.decref(handle)

    def _on_new_array(self) -> int:
        return self.add(self.realm.array())

    def _on_new_object(self) -> int:
        return self.add(self.realm.object())

    def _on_new_cstring(self, ptr: int) -> int:
        return self.add(self.realm.text(self._text(ptr)))

    _on_new_u8string = _on_new_cstring

    def _on_get_global(self, ptr: int) -> int:
        names = self.interpreter.top.names
        return self.add(names.get(self._text(ptr), UNDEFINED) if ptr else names["globalThis"])

    def _on_get_property(self, handle: int, key: int) -> int:
        name = property_key(self.get(key))
        return self.add(read_property(self.realm, self.get(handle), name))

    def _on_set_property(self, handle: int, key: int, value: int) -> None:
        name = property_key(self.get(key))
        write_property(self.realm, self.get(handle), name, self.get(value))

    def _on_take_value(self, type: int, argv: int) -> int:
        return self.add(self._script_value(type, argv))

    def _on_typeof(self, handle: int) -> int:
        return self.add(type_of(self.get(handle)))

    def _on_equals(self, left: int, right: int) -> int:
        return int(loosely_equal(self.get(left), self.get(right)))

    def _on_strictly_equals(self, left: int, right: int) -> int:
        return int(strictly_equal(self.get(left), self.get(right)))

    def _on_not(self, handle: int) -> int:
        return int(not truthy(self.get(handle)))

    def _on_is_number(self, handle: int) -> int:
        return int(type_of(self.get(handle)) == "number")

    def _on_is_string(self, handle: int) -> int:
        return int(isinstance(self.get(handle), str))

    def _on_instanceof(self, value: int, kind: int) -> int:
        return int(self.interpreter.is_instance(self.get(value), self.get(kind)))

    def _on_as(self, handle: int, type: int, destructors: int) -> Any:
        value = to_python(self.interpreter, self.get(handle))
        freed: list[Callable[[], object]] = []
        wire = self.embind.type(type).to_wire(value, freed)
        if destructors:
            self.embind.program.memory.write_u32(destructors & _MASK, self.add(_Freed(freed)))
        return wire

    def _on_run_destructors(self, handle: int) -> None:
        found = self.get(handle)
        for free in found.freed if isinstance(found, _Freed) else ():
            free()
        self.decref(handle)

    # -- calls

    def _script_value(self, type: int, argv: int) -> Any:
        found = self.embind.type(type)
        return found.to_script(found.read(argv & _MASK))

    def _arguments(self, types: Sequence[int], argv: int) -> list[Any]:
        # each argument has eight bytes
        return [self._script_value(kind, argv + 8 * at) for at, kind in enumerate(types)]

    def _types(self, count: int, ptr: int) -> list[int]:
        memory = self.embind.program.memory
        return [memory.read_u32((ptr & _MASK) + 4 * at) for at in range(count)]

    def _on_new(self, handle: int, count: int, types: int, argv: int) -> int:
        return self.add(
            self._make(self.get(handle), self._arguments(self._types(count, types), argv))
        )

    def _make(self, function: Any, args: list[Any]) -> Any:
        if isinstance(function, Callback):
            return function.call(UNDEFINED, args)
        if not isinstance(function, Function):
            raise TypeError(f"{to_text(function)} is not a constructor")
        return function.construct(args)

    def _on_call(self, handle: int, count: int, types: int, argv: int) -> int:
        function = self.get(handle)
        return self.add(function.call(UNDEFINED, self._arguments(self._types(count, types), argv)))

    def _on_get_method_caller(self, count: int, types: int, kind: int = 0) -> int:
        self.realm.charge(_HANDLE)
        self._callers.append((self._types(count, types), kind == 1))
        return len(self._callers) - 1

    _on_create_invoker = _on_get_method_caller

    def _on_call_method(
        self, caller: int, handle: int, name: int, destructors: int, argv: int
    ) -> Any:
        (result, *types), is_new = self._callers[caller]
        owner, args = self.get(handle), self._arguments(types, argv)
        if name:
            function = read_property(self.realm, owner, property_key(self._text(name)))
            found = function.call(owner, args)
        else:
            found = self._make(owner, args) if is_new else owner.call(UNDEFINED, args)
        return self.embind.type(result).to_wire(to_python(self.interpreter, found), [])

    def _on_call_void_method(self, caller: int, handle: int, name: int, argv: int) -> None:
        self._on_call_method(caller, handle, name, 0, argv)


class _Freed:
    """What is to be freed when the guest has taken a value."""

    kind = "Destructors"

    def __init__(self, freed: list[Callable[[], object]]) -> None:
        self.freed = freed
