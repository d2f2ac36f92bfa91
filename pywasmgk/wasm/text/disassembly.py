"""Any module as lines of the text format, with where each stands in the file and what it costs.

The lines are WAT that an assembler can read back; names are ``$names`` where the text format can
have them and they are the only one of their kind, else comments behind indices. ``fuel`` is that
of the basic block that begins at the instruction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import ValidationError
from ..binary.decoding import Decoded, instructions_of
from ..binary.reader import ConstExpr, Data, Element
from ..isa import CONTROL_FORMS
from ..module import Module
from ..types import FuncType, GlobalType, MemoryType, TableType, TagType, ValType
from ..valid.bodies import read_locals
from .words import comment, identifier, immediates, limits, quoted, type_use

__all__ = ["Disassembly", "Line"]

#: what a line of a segment has at most
_BYTES, _INDICES = 48, 16
#: levels that are indented; what is deeper stands below them, or the text of code that is nested
#: deep would grow with the square of its depth
_DEEPEST = 40
#: fuel of entering a function
_ENTRY = 1


class Line(NamedTuple):
    """One line of text."""

    #: byte offset in the file, where it stands for a part of it
    offset: int | None
    #: fuel of the basic block that begins here
    fuel: int | None
    #: levels of indentation
    depth: int
    text: str

    def __str__(self) -> str:
        return "  " * min(self.depth, _DEEPEST) + self.text


class _Names:
    """The identifiers and comments of one index space."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = names
        counts = Counter(names.values())
        self.identifiers = {
            index: word
            for index, name in names.items()
            if counts[name] == 1 and (word := identifier(name)) is not None
        }

    def use(self, index: int) -> str:
        """How an index is written where it is used."""
        if index in self.identifiers:
            return self.identifiers[index]
        return f"{index} {comment(self.names[index])}" if index in self.names else str(index)

    def definition(self, index: int) -> str:
        """What stands behind the keyword of a definition."""
        word = self.identifiers.get(index)
        if word is not None:
            return f" {word} {comment(str(index))}"
        name = f" {self.names[index]}" if index in self.names else ""
        return f" {comment(f'{index}{name}')}"


class Disassembly:
    """A module's text. What it makes comes line by line; nothing is kept."""

    def __init__(self, module: Module) -> None:
        self.module = module
        names = module.names
        functions = {
            index: name
            for index in range(len(module.functions))
            if (name := module.function_name(index)) is not None
        }
        tags = {
            index: name
            for index in range(len(module.tags))
            if (name := module.tag_name(index)) is not None
        }
        self._names = {
            "funcidx": _Names(functions),
            "typeidx": _Names(names.types),
            "tableidx": _Names(names.tables),
            "memidx": _Names(names.memories),
            "globalidx": _Names(names.globals),
            "tagidx": _Names(tags),
            "elemidx": _Names(names.elements),
            "dataidx": _Names(names.datas),
        }
        self._type_indices = self._types_of_functions()

    def _types_of_functions(self) -> list[int]:
        """The index of each function's type; two types may be equal, so it is ppci that knows."""
        imports = [item.info[0].index for item in self.module["import"] if item.kind == "func"]
        return imports + [item.ref.index for item in self.module["func"]]

    # -- the whole module

    def lines(self) -> Iterator[Line]:
        """All of the module."""
        module = self.module
        name = identifier(module.names.module or "")
        yield Line(None, None, 0, f"(module {name}" if name else "(module")
        for index, kind in enumerate(module.types):
            definition = self._names["typeidx"].definition(index)
            yield Line(None, None, 1, f"(type{definition} (func{type_use(kind)}))")
        yield from self._imports()
        for index in range(module.import_counts["func"], len(module.functions)):
            yield from self.function(index)
        yield from self._tables_and_memories()
        for index in range(module.import_counts["tag"], len(module.tags)):
            head = f"(tag{self._names['tagidx'].definition(index)}"
            yield Line(None, None, 1, f"{head}{_tag(module.tags[index])})")
        for index in range(module.import_counts["global"], len(module.globals)):
            init = module.global_inits[index - module.import_counts["global"]]
            head = f"(global{self._names['globalidx'].definition(index)}"
            text = f"{head} {_global(module.globals[index])} {self._constant(init)})"
            yield Line(init.start, None, 1, text)
        for item in module.exports:
            target = f"({item.kind} {self._name(f'{item.kind}idx', item.index)})"
            yield Line(None, None, 1, f"(export {quoted(item.name)} {target})")
        if module.start is not None:
            yield Line(None, None, 1, f"(start {self._name('funcidx', module.start)})")
        for index, element in enumerate(module.elements):
            yield from self._element(index, element)
        for index, data in enumerate(module.datas):
            yield from self._data(index, data)
        for title, start, end in module.custom_sections:
            text = comment(f"custom section {quoted(title)}, {end - start} bytes")
            yield Line(start, None, 1, text)
        yield Line(None, None, 0, ")")

    def _imports(self) -> Iterator[Line]:
        counts = Counter[str]()
        for item in self.module.imports:
            index = counts[item.kind]
            counts[item.kind] += 1
            definition = self._names[_space(item.kind)].definition(index)
            what = self._type(item.type, index)
            names = f"{quoted(item.module)} {quoted(item.name)}"
            yield Line(None, None, 1, f"(import {names} ({item.kind}{definition}{what}))")

    def _type(self, kind: Any, index: int) -> str:
        if isinstance(kind, FuncType):
            return f" (type {self._name('typeidx', self._type_indices[index])}){type_use(kind)}"
        if isinstance(kind, TagType):
            return _tag(kind)
        return f" {_global(kind) if isinstance(kind, GlobalType) else _extent(kind)}"

    def _tables_and_memories(self) -> Iterator[Line]:
        spaces = (("table", self.module.tables), ("memory", self.module.memories))
        for word, kinds in spaces:
            for index in range(self.module.import_counts[word], len(kinds)):
                definition = self._names[_space(word)].definition(index)
                yield Line(None, None, 1, f"({word}{definition} {_extent(kinds[index])})")

    # -- segments

    def _element(self, index: int, element: Element) -> Iterator[Line]:
        head = f"(elem{self._names['elemidx'].definition(index)}"
        if element.mode == "declarative":
            head += " declare"
        if element.table:
            head += f" (table {self._name('tableidx', element.table)})"
        if element.offset is not None:
            head += f" {self._offset(element.offset)}"
        expressions = any(not isinstance(item, int) for item in element.init)
        head += f" {element.type}" if expressions or element.type.name != "FUNCREF" else " func"
        items = [
            self._name("funcidx", item) if isinstance(item, int) else self._item(item)
            for item in element.init
        ]
        rows = [
            " ".join(items[start : start + _INDICES]) for start in range(0, len(items), _INDICES)
        ]
        yield from _segment(head, element.offset_in_file, [(None, row) for row in rows])

    def _item(self, init: ConstExpr) -> str:
        return f"(item {self._constant(init)})"

    def _data(self, index: int, data: Data) -> Iterator[Line]:
        head = f"(data{self._names['dataidx'].definition(index)}"
        if data.offset is not None:
            head += f" {self._offset(data.offset)}"
        starts = range(data.start, data.end, _BYTES)
        content = self.module.data
        rows = [(at, quoted(content[at : min(at + _BYTES, data.end)])) for at in starts]
        yield from _segment(head, data.start, rows)

    def _offset(self, init: ConstExpr) -> str:
        return f"(offset {self._constant(init)})"

    def _constant(self, init: ConstExpr) -> str:
        """A constant expression, each of its instructions in parentheses."""
        data = self.module.data[init.start : init.end]
        decoded = list(instructions_of(data, init.start, self.module.isa))[:-1]
        return " ".join(f"({self._instruction(item)})" for item in decoded)

    # -- functions

    def function(self, index: int) -> Iterator[Line]:
        """One function; of an imported one the import."""
        imported = self.module.import_counts["func"]
        kind = self.module.functions[index]
        if index < imported:
            item = self.module.imported_functions[index]
            names = f"(import {quoted(item.module)} {quoted(item.name)})"
            head = f"(func{self._names['funcidx'].definition(index)} {names}"
            yield Line(None, None, 1, f"{head}{self._type(kind, index)})")
            return
        body = self.module.bodies[index - imported]
        declared, start = read_locals(self.module, body.start, body.end)
        local_names = _Names(self.module.names.locals.get(index, {}))
        words = [local_names.identifiers.get(n) for n in range(len(kind.params) + len(declared))]
        use = f"(type {self._name('typeidx', self._type_indices[index])})"
        head = f"(func{self._names['funcidx'].definition(index)} {use}{type_use(kind, words)}"
        yield Line(body.start, _ENTRY, 1, head)
        yield from _locals(declared, words[len(kind.params) :])
        yield from self._body(index, start, body.end, local_names)

    def _body(self, index: int, start: int, end: int, local_names: _Names) -> Iterator[Line]:
        costs: Mapping[int, int] = {}
        fault: ValidationError | None = None
        try:
            costs = self.module.block_map(index).costs
        except ValidationError as error:  # it can be shown all the same, and where it is wrong
            fault = error
        decoded = instructions_of(self.module.data[start:end], start, self.module.isa)
        labels = _Labels(self.module.names.labels.get(index, {}))
        for position, item in enumerate(decoded):
            offset = start + item.at
            if fault is not None and fault.offset == offset:
                yield Line(offset, None, labels.depth + 1, comment(f"invalid: {fault.message}"))
            form = item.row.form
            closes = form == "else" or (form is not None and CONTROL_FORMS[form].closes)
            if closes and not labels.depth:
                yield Line(offset, costs.get(position), 1, ")")
                return
            # labels of what begins a block, and of what ends one, are those around it
            opens = form is not None and CONTROL_FORMS[form].opens
            text = self._instruction(item, local_names, labels) if opens else ""
            depth, remark = labels.step(form)
            text = text or self._instruction(item, local_names, labels)
            yield Line(offset, costs.get(position), depth + 2, text + remark)

    def instruction(self, index: int, offset: int) -> str:
        """The instruction of a function at an offset in the file, on its own."""
        end = self.module.bodies[index - self.module.import_counts["func"]].end
        decoded = instructions_of(self.module.data[offset:end], offset, self.module.isa)
        return self._instruction(next(decoded), _Names(self.module.names.locals.get(index, {})))

    def _instruction(
        self, item: Decoded, local_names: _Names | None = None, labels: _Labels | None = None
    ) -> str:
        def name(kind: str, index: int) -> str:
            if kind == "localidx" and local_names is not None:
                return local_names.use(index)
            if kind == "labelidx" and labels is not None:
                return labels.use(index)
            return self._name(kind, index)

        return item.row.name + immediates(item.row, item.immediates, name)

    def _name(self, kind: str, index: int) -> str:
        kind = "memidx" if kind == "memoryidx" else kind
        names = self._names.get(kind)
        return str(index) if names is None else names.use(index)


#: forms that begin another part of a block
_CLAUSES = ("else", "catch", "catch_all")


class _Labels:
    """The blocks around an instruction, called by their depth or by their name."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names
        self._seen = 0
        self._open: list[str] = []

    @property
    def depth(self) -> int:
        """How many blocks are open."""
        return len(self._open)

    def step(self, form: str | None) -> tuple[int, str]:
        """Takes an instruction's form; gives its depth, and what is to be said behind it."""
        if form is not None and CONTROL_FORMS[form].opens:
            label = f"@{len(self._open) + 1}"
            if self._seen in self._names:
                label += f" {self._names[self._seen]}"
            self._seen += 1
            self._open.append(label)
            return len(self._open) - 1, f"  {comment(label)}"
        if form is not None and CONTROL_FORMS[form].closes:
            self._open.pop()
        return len(self._open) - (form in _CLAUSES), ""

    def use(self, index: int) -> str:
        """A branch's target: how many blocks out, and which that is."""
        if index < len(self._open):
            return f"{index} {comment(self._open[-1 - index])}"
        return f"{index} {comment('return')}" if index == len(self._open) else str(index)


def _locals(types: Iterable[ValType], words: Iterable[str | None]) -> Iterator[Line]:
    """The declared locals: runs without names share a line."""
    run: list[ValType] = []
    for kind, word in zip(types, words):
        if word is None and len(run) < _INDICES:
            run.append(kind)
            continue
        yield from _run(run)
        run = [kind] if word is None else []
        if word is not None:
            yield Line(None, None, 2, f"(local {word} {kind})")
    yield from _run(run)


def _run(types: list[ValType]) -> Iterator[Line]:
    if types:
        yield Line(None, None, 2, f"(local {' '.join(map(str, types))})")


def _segment(head: str, offset: int, rows: Sequence[tuple[int | None, str]]) -> Iterator[Line]:
    """A segment on one line, if it has one row at most."""
    if len(rows) <= 1:
        yield Line(offset, None, 1, " ".join([head, *(row for _, row in rows)]) + ")")
        return
    yield Line(offset, None, 1, head)
    for at, row in rows:
        yield Line(at, None, 2, row)
    yield Line(None, None, 1, ")")


def _space(kind: str) -> str:
    return "memidx" if kind == "memory" else f"{kind}idx"


def _global(kind: GlobalType) -> str:
    return f"(mut {kind.value_type})" if kind.mutable else str(kind.value_type)


def _tag(kind: TagType) -> str:
    return type_use(FuncType(kind.params))


def _extent(kind: TableType | MemoryType) -> str:
    if isinstance(kind, TableType):
        return f"{limits(kind.limits)} {kind.element}"
    return f"{limits(kind.limits)} shared" if kind.shared else limits(kind.limits)
