"""The sections of an instrumented module, from those of the original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..binary.decoding import read_opcode
from ..binary.leb128 import read_u32
from ..binary.tokens import tokens
from ..text.encoding import TYPES, limits, name_section, string, unsigned
from ..text.encoding import types as type_vector
from ..types import FuncType, GlobalType, MemoryType, TableType, TagType
from .assembler import assemble
from .plan import MODULE

if TYPE_CHECKING:
    from ..module import ConstExpr, Element
    from ..types import ExternType, ValType
    from .plan import Plan

__all__ = ["ORDER", "SectionWriter"]

#: sections in the order of the file
ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
_KINDS = ("func", "table", "memory", "global", "tag")
_NUMBERS = {kind: bytes([number]) for number, kind in enumerate(_KINDS)}


def _vector(items: Iterable[bytes]) -> bytes:
    found = list(items)
    return unsigned(len(found)) + b"".join(found)


class SectionWriter:
    """Writes the sections around the code of a module that was rewritten."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.module = plan.module
        self.raw = dict(_sections(plan.module.data))

    def sections(self, code: bytes) -> Iterator[tuple[int, bytes]]:
        """Every section with its content, the code given."""
        made = {
            2: self._imports(),
            3: self._functions(),
            4: self._tables(),
            5: self._memories(),
            6: self._globals(),
            7: self._exports(),
            9: self._elements(),
            10: code,
        }
        # last, since the others add types
        made[1] = self._types()
        for number in ORDER:
            if number == 8:
                continue
            content = made.get(number)
            if content is None:
                content = self.raw.get(number)
            if content is not None and (number in self.raw or content != b"\0"):
                yield number, content

    def names(self, module: str | None) -> bytes:
        """A custom section of names: of the module, and of its functions where they are now."""
        plan = self.plan
        functions = {plan.function(at): name for at, name in self.module.names.functions.items()}
        for place, (name, _) in enumerate(plan.imports):
            functions[plan.first_function + place] = f"{MODULE}.{name}"
        tags = {at: self.module.tag_name(at) for at in range(len(self.module.tags))}
        spaces = {"func": functions, "tag": {at: name for at, name in tags.items() if name}}
        content = name_section(module, spaces, {})
        return string("name") + content

    def _types(self) -> bytes:
        return _vector(
            b"\x60" + type_vector(map(str, kind.params)) + type_vector(map(str, kind.results))
            for kind in self.plan.types
        )

    # -- imports

    def _imports(self) -> bytes:
        plan = self.plan
        items: list[tuple[str, str, ExternType]] = [
            (item.module, item.name, item.type) for item in self.module.imports
        ]
        items += [(MODULE, name, kind) for name, kind in plan.imports]
        if plan.options.shared:
            for name, value_type in plan.accounts.items():
                items.append((MODULE, name, GlobalType(value_type, True)))
        if plan.options.numbered:
            items = [("", str(number), kind) for number, (_, _, kind) in enumerate(items)]
        return _vector(
            string(module) + string(name) + self._extern(kind) for module, name, kind in items
        )

    def _extern(self, kind: ExternType) -> bytes:
        if isinstance(kind, FuncType):
            return b"\0" + unsigned(self.plan.type(kind))
        if isinstance(kind, TableType):
            return b"\1" + TYPES[str(kind.element)] + limits(*kind.limits)
        if isinstance(kind, MemoryType):
            return b"\2" + limits(*kind.limits, kind.shared)
        if isinstance(kind, TagType):
            return b"\4\0" + unsigned(self.plan.type(FuncType(kind.params)))
        return b"\3" + _global_type(kind.value_type, kind.mutable)

    # -- what it defines

    def _functions(self) -> bytes:
        own = self.module.functions[self.module.import_counts["func"] :]
        kinds = [*own, *(helper.type for helper in self.plan.helpers)]
        return _vector(unsigned(self.plan.type(kind)) for kind in kinds)

    def _tables(self) -> bytes:
        most = self.plan.options.table_limit
        own = self.module.tables[self.module.import_counts["table"] :]
        return _vector(
            TYPES[str(kind.element)] + limits(kind.limits.min, _least(kind.limits.max, most))
            for kind in own
        )

    def _memories(self) -> bytes:
        most = self.plan.options.memory_limit
        own = self.module.memories[self.module.import_counts["memory"] :]
        return _vector(
            limits(kind.limits.min, _least(kind.limits.max, most), kind.shared) for kind in own
        )

    def _globals(self) -> bytes:
        plan, module = self.plan, self.module
        own = module.globals[module.import_counts["global"] :]
        items = [
            _global_type(kind.value_type, kind.mutable) + self._constant(init)
            for kind, init in zip(own, module.global_inits)
        ]
        if not plan.options.shared:
            for value_type in plan.accounts.values():
                items.append(
                    _global_type(value_type, True) + assemble(f"{value_type}.const 0\nend")
                )
        if plan.noted >= 0:
            items.append(b"\x7f\x01" + assemble("i32.const 0\nend"))
        if plan.pages >= 0:
            pages = plan.options.memory_limit
            items.append(b"\x7f\x01" + assemble(f"i32.const {pages}\nend"))
        if plan.grows_tables:
            tables = module.tables[module.import_counts["table"] :]
            left = plan.options.table_limit - sum(table.limits.min for table in tables)
            items.append(b"\x7f\x01" + assemble(f"i32.const {max(left, 0)}\nend"))
        return _vector(items)

    def _constant(self, init: ConstExpr) -> bytes:
        """A constant expression, with the indices that functions and globals have now."""
        data, instructions = self.module.data, self.module.isa
        moved = self.plan.moved
        return b"".join(
            moved(read_opcode(token, 0, 0, instructions)[0], token)
            for piece in tokens(data, init.start, init.end, instructions)
            for token in piece
        )

    # -- exports

    def _exports(self) -> bytes:
        items = [
            string(item.name) + _NUMBERS[item.kind] + unsigned(self._place(item.kind, item.index))
            for item in self.module.exports
        ]
        for name, kind, index in self._added():
            items.append(string(f"{MODULE}.{name}") + _NUMBERS[kind] + unsigned(index))
        return _vector(items)

    def _added(self) -> Iterator[tuple[str, str, int]]:
        plan, module = self.plan, self.module
        yield "fuel", "global", plan.fuel
        yield "depth", "global", plan.depth
        if plan.throws:
            yield "unspent", "global", plan.unspent
        if module.start is not None:
            yield "start", "func", plan.function(module.start)
        if not plan.options.exposed:
            return
        spaces: dict[str, Sequence[object]] = {
            "table": module.tables, "memory": module.memories, "global": module.globals,
            "tag": module.tags,
        }  # fmt: skip
        for kind, space in spaces.items():
            for index in range(module.import_counts[kind], len(space)):
                yield f"{kind}.{index}", kind, self._place(kind, index)
        if plan.noted >= 0:
            yield "noted", "global", plan.noted
        if plan.pages >= 0:
            yield "pages", "global", plan.pages
        for index in sorted(module.context.declared):
            yield f"func.{index}", "func", plan.function(index)

    def _place(self, kind: str, index: int) -> int:
        if kind == "func":
            return self.plan.function(index)
        return self.plan.global_(index) if kind == "global" else index

    # -- elements

    def _elements(self) -> bytes:
        return _vector(map(self._element, self.module.elements))

    def _element(self, element: Element) -> bytes:
        """An element segment, by expressions if it has any."""
        plain = all(isinstance(item, int) for item in element.init) and (
            str(element.type) == "funcref"
        )
        passive = element.mode != "active"
        explicit = element.table != 0 or str(element.type) != "funcref"
        second = element.mode == "declarative" if passive else explicit
        head = unsigned(passive | second << 1 | (not plain) << 2)
        if element.offset is not None:
            if second:
                head += unsigned(element.table)
            head += self._constant(element.offset)
        if passive or second:
            head += b"\0" if plain else TYPES[str(element.type)]
        if plain:
            return head + _vector(unsigned(self.plan.function(item)) for item in element.init)
        return head + _vector(map(self._item, element.init))

    def _item(self, item: int | ConstExpr) -> bytes:
        if isinstance(item, int):
            return assemble(f"ref.func {self.plan.function(item)}\nend")
        return self._constant(item)


def _least(maximum: int | None, most: int) -> int:
    return most if maximum is None else min(maximum, most)


def _global_type(value_type: ValType, mutable: bool) -> bytes:
    return TYPES[str(value_type)] + bytes([mutable])


def _sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of a module that was read before, custom ones left out."""
    pos = 8
    while pos < len(data):
        number = data[pos]
        size, pos = read_u32(data, pos + 1)
        if number:
            yield number, data[pos : pos + size]
        pos += size
