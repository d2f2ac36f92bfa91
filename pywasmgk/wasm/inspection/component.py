"""Components (component-model, "Binary Format"): imports, exports and the modules inside."""

from __future__ import annotations

from ...errors import DecodeError
from ..binary.sections import Section
from .component_types import SORTS, Scope, alias, describe, extern, names, type_section
from .core import read_custom
from .origins import origin_of
from .reading import Reading
from .report import Export, Import, Inspection, NestedModule, Problem

__all__ = ["SECTIONS", "read_component"]

#: names by number
SECTIONS = (
    "custom",
    "core module",
    "core instance",
    "core type",
    "component",
    "instance",
    "alias",
    "type",
    "canon",
    "start",
    "import",
    "export",
    "value",
)
#: components within each other that are looked into
_DEEPEST = 100


class _World:
    """What a component imports and exports; ``outer`` is the one that it is in."""

    def __init__(self, found: Inspection, outer: _World | None = None) -> None:
        self.found = found
        self.scope: Scope = Scope(outer.scope if outer else None)
        #: the components in it, in order; ``None`` for what is imported
        self.components: list[_World | None] = []
        #: what each instance and function is, in words, where that is known
        self.spaces: dict[str, list[str]] = {"func": [], "instance": []}
        self.members: list[tuple[str, ...]] = []

    def read(self, name: str, reading: Reading) -> None:
        """A section that declares something. Raises DecodeError."""
        if name == "type":
            type_section(reading, self.scope)
        elif name == "alias":
            for _ in range(reading.count()):
                sort, target = alias(reading, self.scope)
                self._note(sort, sort if sort == "func" else target)
        elif name == "import":
            self._imports(reading)
        elif name == "export":
            self._exports(reading)
        elif name == "instance":
            for _ in range(reading.count()):
                self._instance(reading)
        elif name == "canon":
            self._canon(reading)

    def _note(self, sort: str, words: str, members: tuple[str, ...] = ()) -> None:
        if sort == "component":
            self.components.append(None)
        if sort in self.spaces:
            self.spaces[sort].append(words)
            if sort == "instance":
                self.members.append(members)

    def _imports(self, reading: Reading) -> None:
        for _ in range(reading.count()):
            name = names(reading)
            kind, shape = extern(reading, self.scope, name)
            self._note(kind, name if kind == "instance" else shape.words, shape.members)
            origin = origin_of(name, "")
            words = describe(kind, shape)
            self.found.imports.append(Import("", name, kind, words, origin, shape.members))

    def _exports(self, reading: Reading) -> None:
        for _ in range(reading.count()):
            name = names(reading)
            at, number = reading.pos, reading.byte()
            if number == 0:
                reading.byte()
            elif number >= len(SORTS):
                raise DecodeError(f"malformed sort {number}", at)
            kind, index = SORTS[number], reading.u32()
            words, members = self._exported(kind, index, name, reading)
            self._note(kind, words, members)
            self.found.exports.append(Export(name, kind, words, members))

    def _exported(
        self, kind: str, index: int, name: str, reading: Reading
    ) -> tuple[str, tuple[str, ...]]:
        """What an export is: by the type that it says, or by what it is of."""
        if reading.byte():
            kind, shape = extern(reading, self.scope, name)
            return describe(kind, shape), shape.members
        if kind == "type":
            shape = self.scope.shape(index)
            self.scope.named(name, index)
            return shape.words, shape.members
        space = self.spaces.get(kind, [])
        words = space[index] if index < len(space) and kind == "func" else kind
        members = self.members[index] if kind == "instance" and index < len(self.members) else ()
        return words, members

    def _instance(self, reading: Reading) -> None:
        """An instance: of a component, or of items by name."""
        members: list[str] = []
        if reading.byte() == 0:
            index = reading.u32()
            world = self.components[index] if index < len(self.components) else None
            if world is not None:
                members = [f"{item.name}: {item.type}" for item in world.found.exports]
            for _ in range(reading.count()):
                reading.name()
                self._sort_index(reading)
        else:
            for _ in range(reading.count()):
                name = names(reading)
                kind, index = self._sort_index(reading)
                space = self.spaces.get(kind, [])
                words = space[index] if kind == "func" and index < len(space) else kind
                if kind == "type":
                    words = self.scope.shape(index).words
                members.append(f"{name}: {words}")
        self._note("instance", "instance", tuple(members))

    @staticmethod
    def _sort_index(reading: Reading) -> tuple[str, int]:
        at, number = reading.pos, reading.byte()
        if number >= len(SORTS):
            raise DecodeError(f"malformed sort {number}", at)
        if number == 0:
            reading.byte()
        return SORTS[number], reading.u32()

    def _canon(self, reading: Reading) -> None:
        """Functions that are lifted, up to the first definition of another kind but ``lower`` and
        those of resources, whose lengths are known."""
        for _ in range(reading.count()):
            form = reading.byte()
            if form == 0x00:
                reading.byte()
                reading.u32()
                _skip_options(reading)
                self._note("func", self.scope.shape(reading.u32()).words)
            elif form == 0x01:
                reading.byte()
                reading.u32()
                _skip_options(reading)
            elif form in (0x02, 0x03, 0x04):
                reading.u32()
            else:
                return


def _skip_options(reading: Reading) -> None:
    """Options of a canonical definition: those with an index, and those without."""
    for _ in range(reading.count()):
        if reading.byte() in (0x03, 0x04, 0x05, 0x07, 0x08):
            reading.u32()


def read_component(data: bytes, found: Inspection) -> None:
    """Reads a component's sections, and notes the modules in it and in components in it. What
    cannot be read is a problem; the sections behind it are read all the same."""
    found.kind = "component"
    # where each component that is being looked through goes on, and where it ends
    open_: list[tuple[int, int, _World]] = [(8, len(data), _World(found))]
    while open_:
        pos, end, world = open_.pop()
        depth = len(open_) + 1
        if pos >= end:
            continue
        try:
            section = _section(data, pos, end)
        except DecodeError as error:
            found.problems.append(Problem(error.message, error.offset, "component"))
            continue
        behind = section.offset + section.size
        open_.append((behind, end, world))
        if depth == 1:
            found.sections.append(section)
        if section.name == "core module":
            found.modules.append(NestedModule(section.offset, section.size, depth))
        elif section.name == "component":
            found.components += 1
            inner = _World(Inspection(None, section.size), world)
            world.components.append(inner)
            if depth < _DEEPEST:
                open_.append((section.offset + 8, behind, inner))
        else:
            _read(data, section, world, found)


def _read(data: bytes, section: Section, world: _World, found: Inspection) -> None:
    reading = Reading(data, section.offset, section.offset + section.size)
    try:
        if section.custom is None:
            world.read(section.name, reading)
        elif world.found is found:
            read_custom(data, section, found)
    except DecodeError as error:
        found.problems.append(Problem(error.message, error.offset, section.name))


def _section(data: bytes, pos: int, end: int) -> Section:
    """The section that begins there. Raises DecodeError."""
    reading = Reading(data, pos, end)
    number = reading.byte()
    size = reading.u32()
    start = reading.take(size)
    name = SECTIONS[number] if number < len(SECTIONS) else f"section {number}"
    custom = None if number else Reading(data, start, start + size).name()
    return Section(name, custom, start, size)
