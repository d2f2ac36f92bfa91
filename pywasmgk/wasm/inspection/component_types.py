"""Types of components as text (component-model, "Binary Format": type definitions).

Types may hold component and instance types, which hold types again. Nothing here recurses: what is
nested is read by a list of scopes, of which there may be so many and no more.
"""

from __future__ import annotations

from typing import NamedTuple

from ...errors import DecodeError
from .reading import Reading
from .types import Uses, limits, reference_type, sub_type, value_type

__all__ = ["CORE_SORTS", "SORTS", "Scope", "Shape", "alias", "extern", "names", "type_section"]

SORTS = ("core", "func", "value", "type", "component", "instance")
CORE_SORTS = {0: "func", 1: "table", 2: "memory", 3: "global", 4: "tag"}
CORE_SORTS |= {0x10: "type", 0x11: "module", 0x12: "instance"}
_PRIMITIVE = {
    0x7F: "bool",
    0x7E: "s8",
    0x7D: "u8",
    0x7C: "s16",
    0x7B: "u16",
    0x7A: "s32",
    0x79: "u32",
    0x78: "s64",
    0x77: "u64",
    0x76: "f32",
    0x75: "f64",
    0x74: "char",
    0x73: "string",
    0x64: "error-context",
}
#: component and instance types within each other
_DEEPEST = 50
#: characters of a type in words; what is longer is cut
_LONGEST = 300
_COMPONENT, _INSTANCE = 0x41, 0x42


class Shape(NamedTuple):
    """A type in words; of an instance or component what it has, by name."""

    words: str
    members: tuple[str, ...] = ()


class Scope:
    """The types of a component, or of a component or instance type, by index."""

    def __init__(self, outer: Scope | None = None) -> None:
        self.outer = outer
        self.types: list[Shape] = []
        #: what an instance type exports, and a component type imports, in words
        self.members: list[str] = []

    def shape(self, index: int) -> Shape:
        """A type by index."""
        return self.types[index] if index < len(self.types) else Shape(f"type {index}")

    def named(self, name: str, index: int) -> None:
        """Adds a type that has a name, by which it is then known."""
        self.types.append(Shape(name, self.shape(index).members))


class _Open(NamedTuple):
    """A component or instance type that is being read."""

    scope: Scope
    component: bool
    left: list[int]


def names(reading: Reading) -> str:
    """The name of an import or export, the version's suffix aside."""
    form = reading.byte()
    name = reading.name()
    if form == 1:
        reading.name()
    return name


def type_section(reading: Reading, scope: Scope) -> None:
    """Adds the types of a section to a scope. Raises DecodeError for what is not known."""
    for _ in range(reading.count()):
        scope.types.append(_definition(reading, scope))


def _definition(reading: Reading, scope: Scope) -> Shape:
    """One type. Component and instance types are opened, and closed when all of them was read."""
    opened: list[_Open] = []
    shape = _opened(reading, scope, opened)
    while opened:
        current = opened[-1]
        if current.left[0]:
            current.left[0] -= 1
            _declaration(reading, current, opened)
            continue
        opened.pop()
        kind = "component" if current.component else "instance"
        shape = Shape(kind, tuple(current.scope.members))
        if opened:
            opened[-1].scope.types.append(shape)
    return shape or Shape("type")


def _opened(reading: Reading, scope: Scope, opened: list[_Open]) -> Shape | None:
    """A type that is read at once, or ``None`` for one that was opened."""
    form = reading.peek()
    if form not in (_COMPONENT, _INSTANCE):
        return Shape(_plain(reading, scope)[:_LONGEST])
    reading.byte()
    if len(opened) >= _DEEPEST:
        raise reading.fault(f"more than {_DEEPEST} types within each other")
    opened.append(_Open(Scope(scope), form == _COMPONENT, [reading.count()]))
    return None


def _declaration(reading: Reading, current: _Open, opened: list[_Open]) -> None:
    scope, at, form = current.scope, reading.pos, reading.byte()
    if form == 0:
        _core_type(reading)
    elif form == 1:
        shape = _opened(reading, scope, opened)
        if shape is not None:
            scope.types.append(shape)
    elif form == 2:
        alias(reading, scope)
    elif form == 4 or (form == 3 and current.component):
        name = names(reading)
        kind, shape = extern(reading, scope, name)
        word = "import " if form == 3 else ""
        scope.members.append(f"{word}{name}: {describe(kind, shape)}")
    else:
        raise DecodeError(f"malformed declaration {form:#04x}", at)


def describe(kind: str, shape: Shape) -> str:
    """An external in words: a function by its type alone, which says what it is."""
    return shape.words if kind in ("func", "type") else kind


def alias(reading: Reading, scope: Scope) -> tuple[str, str]:
    """An alias: what it is of, and its name or index in words. A type is added to the scope."""
    number = reading.byte()
    sort = SORTS[number] if number < len(SORTS) else f"sort {number}"
    if sort == "core":
        sort = f"core {CORE_SORTS.get(reading.byte(), '?')}"
    form = reading.byte()
    if form == 2:
        count, index = reading.u32(), reading.u32()
        outer: Scope | None = scope
        for _ in range(min(count, _DEEPEST)):
            outer = outer.outer if outer is not None else None
        shape = outer.shape(index) if outer is not None else Shape(f"outer type {index}")
        name = str(index)
    else:
        reading.u32()
        name = reading.name()
        shape = Shape(name)
    if sort == "type":
        scope.types.append(shape)
    return sort, name


def extern(reading: Reading, scope: Scope, name: str) -> tuple[str, Shape]:
    """What an import or export must be; a type is added to the scope under its name."""
    at, form = reading.pos, reading.byte()
    if form == 0:
        reading.byte()
        return "core module", Shape(f"core type {reading.u32()}")
    if form == 1:
        return "func", scope.shape(reading.u32())
    if form == 2:
        if reading.byte():
            return "value", Shape(_valtype(reading, scope))
        return "value", Shape(f"value {reading.u32()}")
    if form == 3:
        if reading.byte():
            scope.types.append(Shape(name))
            return "type", Shape("resource")
        index = reading.u32()
        shape = scope.shape(index)
        scope.named(name, index)
        return "type", shape
    if form in (4, 5):
        return SORTS[form], scope.shape(reading.u32())
    raise DecodeError(f"malformed external {form:#04x}", at)


# -- types without others of their own


def _valtype(reading: Reading, scope: Scope) -> str:
    byte = reading.peek()
    if byte in _PRIMITIVE:
        reading.byte()
        return _PRIMITIVE[byte]
    index = reading.s33()
    if index < 0:
        raise reading.fault(f"malformed value type {byte:#04x}")
    return scope.shape(index).words


def _optional(reading: Reading, scope: Scope) -> str:
    return _valtype(reading, scope) if reading.byte() else "_"


def _labelled(reading: Reading, scope: Scope) -> list[str]:
    return [f"{reading.name()}: {_valtype(reading, scope)}" for _ in range(reading.count())]


def _labels(reading: Reading) -> str:
    return ", ".join(reading.name() for _ in range(reading.count()))


def _case(reading: Reading, scope: Scope) -> str:
    name, kind = reading.name(), _optional(reading, scope)
    reading.byte()
    return name if kind == "_" else f"{name}({kind})"


def _plain(reading: Reading, scope: Scope) -> str:
    """A type of values, a function type or a resource."""
    at, form = reading.pos, reading.byte()
    if form in _PRIMITIVE:
        return _PRIMITIVE[form]
    if form in (0x40, 0x43):
        return ("async " if form == 0x43 else "") + _function(reading, scope)
    if form in (0x3F, 0x3E):
        reading.byte()
        for _ in range(2 if form == 0x3E else 1):
            if reading.byte():
                reading.u32()
        return "resource"
    if form == 0x72:
        return f"record {{{', '.join(_labelled(reading, scope))}}}"
    if form == 0x71:
        cases = [_case(reading, scope) for _ in range(reading.count())]
        return f"variant {{{', '.join(cases)}}}"
    if form in (0x6E, 0x6D):
        return f"{'flags' if form == 0x6E else 'enum'} {{{_labels(reading)}}}"
    return _generic(reading, scope, form, at)


#: types of one type, by their form
_OF_ONE = {0x70: "list", 0x6B: "option"}
#: types of one that may be missing
_OF_SOME = {0x66: "stream", 0x65: "future"}
#: handles of resources
_HANDLES = {0x69: "own", 0x68: "borrow"}


def _generic(reading: Reading, scope: Scope, form: int, at: int) -> str:
    """A type with others in angle brackets."""
    if form in _OF_ONE:
        return f"{_OF_ONE[form]}<{_valtype(reading, scope)}>"
    if form in _HANDLES:
        return f"{_HANDLES[form]}<{scope.shape(reading.u32()).words}>"
    if form in _OF_SOME:
        return f"{_OF_SOME[form]}<{_optional(reading, scope)}>"
    if form == 0x6F:
        kinds = [_valtype(reading, scope) for _ in range(reading.count())]
        return f"tuple<{', '.join(kinds)}>"
    if form == 0x67:
        return f"list<{_valtype(reading, scope)}, {reading.u32()}>"
    if form == 0x63:
        return f"map<{_valtype(reading, scope)}, {_valtype(reading, scope)}>"
    if form == 0x6A:
        given, failed = _optional(reading, scope), _optional(reading, scope)
        return f"result<{given}, {failed}>" if failed != "_" else f"result<{given}>"
    raise DecodeError(f"malformed type {form:#04x}", at)


def _function(reading: Reading, scope: Scope) -> str:
    params = ", ".join(_labelled(reading, scope))
    if reading.byte():
        reading.byte()
        return f"func({params})"
    return f"func({params}) -> {_valtype(reading, scope)}"


# -- core types


def _core_type(reading: Reading) -> None:
    """A core type, which is of no interest but has to be passed by. Raises DecodeError."""
    if reading.peek() != 0x50:
        if reading.peek() == 0:
            reading.byte()
        sub_type(reading, set())
        return
    reading.byte()
    for _ in range(reading.count()):
        _core_declaration(reading)


def _core_declaration(reading: Reading) -> None:
    at, form = reading.pos, reading.byte()
    if form == 0:
        reading.name()
        reading.name()
        _core_extern(reading)
    elif form == 1:
        sub_type(reading, set())
    elif form == 2:
        reading.byte()
        reading.byte()
        reading.u32()
        reading.u32()
    elif form == 3:
        reading.name()
        _core_extern(reading)
    else:
        raise DecodeError(f"malformed core declaration {form:#04x}", at)


def _core_extern(reading: Reading) -> None:
    uses: Uses = set()
    form = reading.byte()
    if form == 0:
        reading.u32()
    elif form == 1:
        reference_type(reading, uses)
        limits(reading, uses, memory=False)
    elif form == 2:
        limits(reading, uses, memory=True)
    elif form == 3:
        value_type(reading, uses)
        reading.byte()
    else:
        reading.byte()
        reading.u32()
