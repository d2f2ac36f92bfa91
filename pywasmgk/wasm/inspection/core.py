"""Core modules: what the sections in front of the code say."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import DecodeError
from ..binary.decoding import instructions_of
from ..binary.sections import Section
from ..isa import active
from .origins import origin_of
from .reading import Reading
from .report import Export, Import, Inspection
from .types import Uses, limits, reference_type, sub_type, value_type

__all__ = ["read_core", "read_custom"]

_KINDS = ("func", "table", "memory", "global", "tag")
_REC = 0x4E
#: items that are listed of a section; who has more does not want to read them all
_MOST = 100_000


class _Core:
    """Reads sections into an inspection."""

    def __init__(self, data: bytes, found: Inspection, uses: Uses) -> None:
        self.data = data
        self.found = found
        self.uses = uses

    def _type(self, index: int) -> str:
        types = self.found.types
        return types[index] if index < len(types) else f"type {index}"

    def types(self, reading: Reading) -> None:
        """The type section."""
        for _ in range(reading.count()):
            if reading.more and reading.peek() == _REC:
                reading.byte()
                self.uses.add("garbage collection")
                for _ in range(reading.count()):
                    self.found.types.append(sub_type(reading, self.uses))
            else:
                self.found.types.append(sub_type(reading, self.uses))

    def imports(self, reading: Reading) -> None:
        """The import section."""
        for _ in range(reading.count()):
            module, name = reading.name(), reading.name()
            kind, words = self._description(reading)
            self.found.imported[kind] += 1
            origin = origin_of(module, name)
            self.found.imports.append(Import(module, name, kind, words, origin))

    def _description(self, reading: Reading) -> tuple[str, str]:
        """An external's kind and type, which is added to its index space."""
        at, number = reading.pos, reading.byte()
        if number >= len(_KINDS):
            raise DecodeError(f"malformed import kind {number}", at)
        kind = _KINDS[number]
        found = self.found
        if kind == "func":
            words = self._type(reading.u32())
            found.functions.append(words)
        elif kind == "table":
            words = self.table(reading)
        elif kind == "memory":
            words = self.memory(reading)
        elif kind == "global":
            words = self.global_type(reading)
            if words.startswith("global mut"):
                self.uses.add("mutable globals")
        else:
            words = self.tag(reading)
        return kind, words

    def functions(self, reading: Reading) -> None:
        """The function section."""
        count = reading.count()
        self.found.declared = count
        for _ in range(count):
            self.found.functions.append(self._type(reading.u32()))

    def table(self, reading: Reading) -> str:
        """A table's type."""
        element = reference_type(reading, self.uses)
        least, most, words = limits(reading, self.uses, memory=False)
        text = f"table {_range(least, most)} {element}{words}"
        self.found.tables.append(text)
        self.found.table_limits.append((least, most))
        if len(self.found.tables) > 1:
            self.uses.add("reference types")
        return text

    def tables(self, reading: Reading) -> None:
        """The table section."""
        for _ in range(reading.count()):
            initialized = reading.peek() == 0x40
            if initialized:
                reading.byte()
                reading.byte()
                self.uses.add("function references")
            self.table(reading)
            if initialized:
                self._skip_constant(reading)

    def memory(self, reading: Reading) -> str:
        """A memory's type."""
        least, most, words = limits(reading, self.uses, memory=True)
        text = f"memory {_range(least, most)}{words}"
        self.found.memories.append(text)
        self.found.memory_limits.append((least, most))
        if len(self.found.memories) > 1:
            self.uses.add("multiple memories")
        return text

    def memories(self, reading: Reading) -> None:
        """The memory section."""
        for _ in range(reading.count()):
            self.memory(reading)

    def global_type(self, reading: Reading) -> str:
        """A global's type."""
        kind = value_type(reading, self.uses)
        text = f"global {'mut ' if reading.byte() else ''}{kind}"
        self.found.globals.append(text)
        return text

    def globals(self, reading: Reading) -> None:
        """The global section."""
        for _ in range(reading.count()):
            self.global_type(reading)
            self._skip_constant(reading)

    def _skip_constant(self, reading: Reading) -> None:
        """Goes to the end of a constant expression. Raises DecodeError for instructions that are
        not known."""
        last = reading.pos
        for at, row, _ in instructions_of(self.data, 0, active(), reading.pos):
            last = at
            if row.form == "end":
                break
        reading.take(last + 1 - reading.pos)

    def tag(self, reading: Reading) -> str:
        """A tag's type."""
        self.uses.add("exception handling")
        reading.byte()
        # an exception has no results
        text = f"tag {self._type(reading.u32())}".removesuffix(" -> ()")
        self.found.tags.append(text)
        return text

    def tags(self, reading: Reading) -> None:
        """The tag section."""
        for _ in range(reading.count()):
            self.tag(reading)

    def exports(self, reading: Reading) -> None:
        """The export section."""
        found = self.found
        spaces = (found.functions, found.tables, found.memories, found.globals, found.tags)
        for _ in range(reading.count()):
            name, at, number, index = reading.name(), reading.pos, reading.byte(), reading.u32()
            if number >= len(_KINDS):
                raise DecodeError(f"malformed export kind {number}", at)
            kind, space = _KINDS[number], spaces[number]
            words = space[index] if index < len(space) else f"{kind} {index}"
            if words.startswith("global mut"):
                self.uses.add("mutable globals")
            found.exports.append(Export(name, kind, words))

    def start(self, reading: Reading) -> None:
        """The start section."""
        self.found.start = reading.u32()

    def code(self, reading: Reading) -> None:
        """The code section: how many bodies there are."""
        self.found.bodies = reading.count()

    def data_count(self, reading: Reading) -> None:
        """The data count section."""
        self.found.data_count = reading.u32()
        self.uses.add("bulk memory")

    def segments(self, reading: Reading) -> None:
        """The element section: what its first segment's form tells."""
        if reading.count() and reading.peek() in (1, 3, 5, 7):
            self.uses.add("bulk memory")


_READERS: dict[str, Callable[[_Core, Reading], None]] = {
    "type": _Core.types,
    "import": _Core.imports,
    "function": _Core.functions,
    "table": _Core.tables,
    "memory": _Core.memories,
    "global": _Core.globals,
    "export": _Core.exports,
    "start": _Core.start,
    "element": _Core.segments,
    "code": _Core.code,
    "data count": _Core.data_count,
    "tag": _Core.tags,
}


def read_core(data: bytes, section: Section, found: Inspection, uses: Uses) -> None:
    """Reads one section of a module, all in front of code that is of use. Raises DecodeError."""
    reader = _READERS.get(section.name)
    if reader is not None:
        reading = Reading(data, section.offset, section.offset + section.size)
        reader(_Core(data, found, uses), reading)


def read_custom(data: bytes, section: Section, found: Inspection) -> None:
    """Reads a custom section that tells of the module's making. Raises DecodeError."""
    if section.custom not in ("producers", "target_features"):
        return
    reading = Reading(data, section.offset, section.offset + section.size)
    reading.name()
    if section.custom == "producers":
        for _ in range(reading.count()):
            field = reading.name()
            pairs = [(reading.name(), reading.name()) for _ in range(reading.count())]
            found.producers.setdefault(field, []).extend(pairs)
        return
    for _ in range(reading.count()):
        sign = chr(reading.byte())
        found.target_features.append(sign + reading.name())


def _range(least: int, most: int | None) -> str:
    return f"{least}.." + ("" if most is None else str(most))
