"""embind: what C++ says of its functions and classes when a module starts, made callable.

Functions of the module register types, each by the address of its type_info, and what uses them. A
function is a Python function then, a class a class whose instances own an object of C++ until
``delete()`` or the end of a ``with`` block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import LinkError
from ..faults import trapping
from ..memory import c_text
from .classes import ClassType, EnumType, StructType
from .emval import Handles
from .wire import Boolean, Float, Integer, Text, Type, Value, View, Void, WideText

if TYPE_CHECKING:
    from .program import Program

__all__ = ["Embind"]

_MASK = 0xFFFFFFFF
#: names, types and members that a module may register
_MOST = 100_000
_LONGEST_NAME = 10_000


class Embind:
    """What one module has registered."""

    def __init__(self, program: Program, quota: int) -> None:
        self.program = program
        #: functions, classes, enums and constants by name
        self.names: dict[str, Any] = {}
        self.handles = Handles(self, quota)
        self._types: dict[int, Type] = {}
        self._registered = 0
        self._constants: list[tuple[str, int, float]] = []

    def function(self, name: str) -> Callable[..., Any] | None:
        """What carries out an import, if it is known."""
        if name.startswith("_emval_"):
            return self.handles.function(name.removeprefix("_emval_"))
        if name.startswith("_embind_finalize_"):
            return lambda raw: None  # fields are looked up when they are used
        found: Callable[..., Any] | None = getattr(
            self, f"_on_{name.removeprefix('_embind_register_')}", None
        )
        if found is None:
            return None
        register = found

        def counted(*args: Any) -> None:
            self._registered += 1
            if self._registered > _MOST:
                raise LinkError(f"embind: more than {_MOST} registrations")
            register(*args)

        return counted

    def type(self, raw: int) -> Type:
        """The type of a type_info. Raises LinkError for one that was not registered."""
        found = self._types.get(raw & _MASK)
        if found is None:
            raise LinkError(f"embind: the type at {raw & _MASK:#x} was not registered")
        return found

    def text(self, ptr: int) -> str:
        """A name."""
        return c_text(self.program.memory, ptr, _LONGEST_NAME)

    def types_at(self, count: int, ptr: int) -> list[int]:
        """So many addresses of type_infos."""
        if not 0 <= count <= 256:
            raise LinkError(f"embind: a function of {count} types")
        memory = self.program.memory
        return [memory.read_u32((ptr & _MASK) + 4 * at) for at in range(count)]

    def settle(self) -> None:
        """Makes constants of the types that are known when all constructors have run."""
        for name, raw, value in self._constants:
            self.names[name] = self.type(raw).from_wire(value)
        self._constants.clear()

    def _add(self, raw: int, made: Type) -> None:
        self._types[raw & _MASK] = made

    # -- types

    def _on_void(self, raw: int, name: int) -> None:
        self._add(raw, Void(self))

    def _on_bool(self, raw: int, name: int, *more: int) -> None:
        self._add(raw, Boolean(self))

    def _on_integer(self, raw: int, name: int, size: int, low: int, high: int) -> None:
        self._add(raw, Integer(self, self.text(name), size, low < 0))

    def _on_bigint(self, raw: int, name: int, size: int, *bounds: int) -> None:
        self._add(raw, Integer(self, self.text(name), size, "u" not in self.text(name)[:2]))

    def _on_float(self, raw: int, name: int, size: int) -> None:
        self._add(raw, Float(self, size))

    def _on_std_string(self, raw: int, name: int) -> None:
        self._add(raw, Text(self, "basic_string<unsigned char>" in self.text(name)))

    def _on_std_wstring(self, raw: int, size: int, name: int) -> None:
        self._add(raw, WideText(self, size))

    def _on_emval(self, raw: int, *name: int) -> None:
        self._add(raw, Value(self))

    def _on_memory_view(self, raw: int, kind: int, name: int) -> None:
        self._add(raw, View(self, kind))

    def _on_user_type(self, raw: int, name: int) -> None:
        self._add(raw, Value(self))

    def _on_optional(self, raw: int, inner: int) -> None:
        self._add(raw, Value(self))

    def _on_constant(self, name: int, raw: int, value: float) -> None:
        self._constants.append((self.text(name), raw, value))

    def _on_enum(self, raw: int, name: int, size: int, signed: int) -> None:
        made = EnumType(self, self.text(name), size, bool(signed))
        self._add(raw, made)
        self.names[made.name] = made.members

    def _on_enum_value(self, raw: int, name: int, value: int) -> None:
        self._expect(raw, EnumType).add(self.text(name), value)

    def _expect(self, raw: int, kind: Any) -> Any:
        found = self.type(raw)
        if not isinstance(found, kind):
            raise LinkError(f"embind: the type at {raw & _MASK:#x} is no {kind.__name__}")
        return found

    # -- functions

    def callable(
        self, name: str, types: Sequence[int], invoker: int, context: int, this: bool = False
    ) -> Callable[..., Any]:
        """A function of C++. ``types`` are the result's and the arguments', the object's first with
        ``this``."""
        result, *params = types
        expected = len(params) - this

        def finish_call(wires: list[Any]) -> Any:
            found = self.program.table_function(invoker)(context, *wires)
            return self.type(result).from_wire(found)

        # what goes wrong from here on is not the fault of who calls
        finish = trapping(finish_call, name)

        def call(*args: Any) -> Any:
            if len(args) != len(params):
                raise TypeError(f"{name}() takes {expected} arguments, found {len(args) - this}")
            freed: list[Callable[[], object]] = []
            with self.program.instance.account():
                wires = [self.type(kind).to_wire(arg, freed) for kind, arg in zip(params, args)]
                answer = finish(wires)
                for free in freed:
                    free()
            return answer

        call.__name__ = call.__qualname__ = name
        return call

    def _on_function(
        self, name: int, count: int, types: int, signature: int, invoker: int, function: int,
        *more: int,
    ) -> None:  # fmt: skip
        text = self.text(name)
        self.names[text] = self.callable(text, self.types_at(count, types), invoker, function)

    # -- classes

    def _on_class(
        self, raw: int, pointer: int, const_pointer: int, base: int, _signature: int, _actual: int,
        _up_signature: int, upcast: int, _down_signature: int, _downcast: int, name: int,
        _destructor_signature: int, destructor: int,
    ) -> None:  # fmt: skip
        parent = self._expect(base, ClassType) if base else None
        made = ClassType(self, self.text(name), parent, upcast, destructor)
        self._add(raw, made)
        for kind in (pointer, const_pointer):
            self._add(kind, made.borrowed)
        self.names[made.name] = made.python

    def _on_class_constructor(
        self, raw: int, count: int, types: int, signature: int, invoker: int, function: int,
        *more: int,
    ) -> None:  # fmt: skip
        made = self._expect(raw, ClassType)
        made.add_constructor(self.types_at(count, types), invoker, function)

    def _on_class_function(
        self, raw: int, name: int, count: int, types: int, signature: int, invoker: int,
        context: int, *more: int,
    ) -> None:  # fmt: skip
        made, text = self._expect(raw, ClassType), self.text(name)
        function = self.callable(text, self.types_at(count, types), invoker, context, this=True)
        made.add_method(text, count - 2, function)

    def _on_class_class_function(
        self, raw: int, name: int, count: int, types: int, signature: int, invoker: int,
        function: int, *more: int,
    ) -> None:  # fmt: skip
        made, text = self._expect(raw, ClassType), self.text(name)
        found = self.callable(text, self.types_at(count, types), invoker, function)
        made.add_static(text, found)

    def _on_class_property(
        self, raw: int, name: int, get_type: int, get_signature: int, getter: int, get_context: int,
        set_type: int, set_signature: int, setter: int, set_context: int,
    ) -> None:  # fmt: skip
        made = self._expect(raw, ClassType)
        made.add_property(
            self.text(name), (get_type, getter, get_context), (set_type, setter, set_context)
        )

    # -- structures

    def _on_value_object(
        self, raw: int, name: int, signature: int, constructor: int, d_signature: int,
        destructor: int,
    ) -> None:  # fmt: skip
        self._add(raw, StructType(self, self.text(name), constructor, destructor, named=True))

    def _on_value_array(
        self, raw: int, name: int, signature: int, constructor: int, d_signature: int,
        destructor: int,
    ) -> None:  # fmt: skip
        self._add(raw, StructType(self, self.text(name), constructor, destructor, named=False))

    def _on_value_object_field(
        self, raw: int, name: int, get_type: int, get_signature: int, getter: int, get_context: int,
        set_type: int, set_signature: int, setter: int, set_context: int,
    ) -> None:  # fmt: skip
        self._expect(raw, StructType).add(
            self.text(name), (get_type, getter, get_context), (set_type, setter, set_context)
        )

    def _on_value_array_element(
        self, raw: int, get_type: int, get_signature: int, getter: int, get_context: int,
        set_type: int, set_signature: int, setter: int, set_context: int,
    ) -> None:  # fmt: skip
        made = self._expect(raw, StructType)
        name = str(len(made.fields))
        made.add(name, (get_type, getter, get_context), (set_type, setter, set_context))
