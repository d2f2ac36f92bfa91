"""embind's classes, enums and structures, as Python sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import LinkError
from .wire import Freed, Integer, Type

if TYPE_CHECKING:
    from .embind import Embind

__all__ = ["BoundObject", "ClassType", "EnumType", "StructType"]

_MASK = 0xFFFFFFFF
#: classes above a class
_DEEPEST = 64
#: a type, the invoker's and the function's number
Access = tuple[int, int, int]


class BoundObject:
    """An object of C++. What Python made, or was given by value, it owns: ``delete()`` destroys it,
    and so does the end of a ``with`` block; nothing else does."""

    _type: ClassType
    __slots__ = ("_owned", "_ptr")

    def __init__(self, *args: Any) -> None:
        self._ptr = self._type.construct(args)
        self._owned = True

    @classmethod
    def _at(cls, ptr: int, owned: bool) -> BoundObject:
        found = cls.__new__(cls)
        found._ptr, found._owned = ptr, owned
        return found

    def delete(self) -> None:
        """Destroys it, once. Raises ValueError for what is destroyed, or is owned elsewhere."""
        if not self._ptr:
            raise ValueError(f"the {self._type.name} is deleted")
        if not self._owned:
            raise ValueError(f"the {self._type.name} belongs to another object")
        ptr, self._ptr = self._ptr, 0
        self._type.embind.program.table_function(self._type.destructor)(ptr)

    def __enter__(self) -> BoundObject:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ptr and self._owned and error is None:
            self.delete()

    def __repr__(self) -> str:
        return (
            f"<{self._type.name} at {self._ptr:#x}>"
            if self._ptr
            else f"<deleted {self._type.name}>"
        )


class ClassType(Type):
    """A class of C++. Values of it are owned, what its pointers lead to is not."""

    def __init__(
        self, embind: Embind, name: str, parent: ClassType | None, upcast: int, destructor: int
    ) -> None:
        super().__init__(embind)
        self.name = name
        self.parent = parent
        self.upcast = upcast
        self.destructor = destructor
        self.depth: int = 0 if parent is None else parent.depth + 1
        if self.depth > _DEEPEST:
            raise LinkError(f"embind: more than {_DEEPEST} classes above {name!r:.80}")
        base = BoundObject if parent is None else parent.python
        label = name if name.isidentifier() else "Bound"
        self.python: Any = type(label, (base,), {"_type": self, "__slots__": ()})
        self.borrowed = _Pointer(self)
        self._constructors: dict[int, tuple[Sequence[int], int, int]] = {}
        self._methods: dict[str, dict[int, Callable[..., Any]]] = {}

    # -- members

    def add_constructor(self, types: Sequence[int], invoker: int, function: int) -> None:
        """Notes a constructor; there may be one for each number of arguments."""
        self._constructors[len(types) - 1] = types, invoker, function

    def construct(self, args: Sequence[Any]) -> int:
        """Makes an object; gives its address."""
        found = self._constructors.get(len(args))
        if found is None:
            there = ", ".join(map(str, sorted(self._constructors))) or "none"
            raise TypeError(f"{self.name}() takes {there} arguments, found {len(args)}")
        types, invoker, function = found
        made = self.embind.callable(self.name, types, invoker, function)
        result: BoundObject = made(*args)
        return result._ptr

    def add_method(self, name: str, count: int, function: Callable[..., Any]) -> None:
        """Notes a method; there may be one for each number of arguments."""
        overloads = self._methods.setdefault(name, {})
        overloads[count] = function

        def call(this: BoundObject, *args: Any) -> Any:
            found = overloads.get(len(args))
            if found is None:
                there = ", ".join(map(str, sorted(overloads)))
                raise TypeError(f"{name}() takes {there} arguments, found {len(args)}")
            return found(this, *args)

        _set(self.python, name, call)

    def add_static(self, name: str, function: Callable[..., Any]) -> None:
        """Notes a static method."""
        _set(self.python, name, staticmethod(function))

    def add_property(self, name: str, get: Access, put: Access) -> None:
        """Notes a property."""
        embind = self.embind

        def read(this: BoundObject) -> Any:
            found = embind.program.table_function(get[1])(get[2], self.address(this))
            return embind.type(get[0]).from_wire(found)

        def write(this: BoundObject, value: Any) -> None:
            freed: Freed = []
            wire = embind.type(put[0]).to_wire(value, freed)
            embind.program.table_function(put[1])(put[2], self.address(this), wire)
            for free in freed:
                free()

        _set(self.python, name, property(read, write if put[1] else None))

    # -- values

    def address(self, value: Any) -> int:
        """The address of an object as one of this class. Raises TypeError and ValueError."""
        if not isinstance(value, self.python):
            raise TypeError(f"expected a {self.name}, found {type(value).__name__}")
        if not value._ptr:
            raise ValueError(f"the {self.name} is deleted")
        ptr, at = value._ptr, value._type
        while at is not self and at is not None:
            if at.upcast:
                ptr = self.embind.program.table_function(at.upcast)(ptr) & _MASK
            at = at.parent
        found: int = ptr
        return found

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return self.address(value)

    def from_wire(self, raw: Any) -> Any:
        return self.python._at(raw & _MASK, True) if raw else None

    def to_script(self, value: Any) -> Any:
        raise TypeError(f"a {self.name} cannot be a val here")


def _set(place: Any, name: str, value: Any) -> None:
    """Gives a class a member, unless the name is one that Python itself asks for."""
    if not name.startswith("_"):
        setattr(place, name, value)


class _Pointer(Type):
    """A pointer to a class."""

    def __init__(self, owner: ClassType) -> None:
        super().__init__(owner.embind)
        self.owner = owner

    def to_wire(self, value: Any, freed: Freed) -> Any:
        return 0 if value is None else self.owner.address(value)

    def from_wire(self, raw: Any) -> Any:
        # what a constructor gives comes here, too; ``construct`` takes its address
        return self.owner.python._at(raw & _MASK, False) if raw else None


class EnumType(Integer):
    """An enum: its members by name are ints, ``members`` has them as attributes."""

    def __init__(self, embind: Embind, name: str, size: int, signed: bool) -> None:
        super().__init__(embind, name, size, signed)
        self.members = _Members()

    def add(self, name: str, value: int) -> None:
        """Notes a member."""
        if not name.startswith("_"):
            setattr(self.members, name, self.from_wire(value))


class _Members:
    """The members of an enum."""

    def __repr__(self) -> str:
        return f"<enum {', '.join(vars(self))}>"


class StructType(Type):
    """value_object and value_array: a dict or a list for Python."""

    def __init__(
        self, embind: Embind, name: str, constructor: int, destructor: int, named: bool
    ) -> None:
        super().__init__(embind)
        self.name = name
        self.named = named
        self.constructor = constructor
        self.destructor = destructor
        self.fields: dict[str, tuple[Access, Access]] = {}

    def add(self, name: str, get: Access, put: Access) -> None:
        """Notes a field."""
        self.fields[name] = get, put

    def to_wire(self, value: Any, freed: Freed) -> Any:
        function = self.embind.program.table_function
        items = value if self.named else {str(at): item for at, item in enumerate(value)}
        missing = [name for name in self.fields if name not in items]
        if missing:
            raise TypeError(f"{self.name} lacks {', '.join(missing)}")
        ptr = function(self.constructor)()
        freed.append(lambda: function(self.destructor)(ptr))
        for name, (_, (kind, setter, context)) in self.fields.items():
            own: Freed = []
            wire = self.embind.type(kind).to_wire(items[name], own)
            function(setter)(context, ptr, wire)
            for free in own:
                free()
        return ptr

    def from_wire(self, raw: Any) -> Any:
        function = self.embind.program.table_function
        found = {
            name: self.embind.type(kind).from_wire(function(getter)(context, raw))
            for name, ((kind, getter, context), _) in self.fields.items()
        }
        function(self.destructor)(raw)
        return found if self.named else [*found.values()]
