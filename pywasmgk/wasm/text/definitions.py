"""The second reading of a text: its fields in full (spec, section "Text Format: Modules")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import NamedTuple

from ...errors import TextError, near_miss
from ..features import why_unknown
from ..watch import each
from .cursor import Cursor, show
from .encoding import TYPES, Items, Piece, limits, opcode, string, types, unsigned
from .immediates import Immediates
from .instructions import Hint, InstructionReader
from .signatures import Parameters, SignatureReader
from .spaces import Signature, Spaces

__all__ = ["DefinitionReader"]

_KINDS = ("func", "table", "memory", "global", "tag")
_PAGE = 65536


class _Elements(NamedTuple):
    """The elements of a segment: indices of functions, or expressions."""

    type: str
    number: int
    items: Piece
    plain: bool


class _Target(NamedTuple):
    """Where a segment goes."""

    #: the index of a table or memory
    number: int = 0
    #: whether that is said in the full form, with which nothing else is left out
    full: bool = False
    offset: Piece | None = None


class DefinitionReader:
    """Reads fields one after the other; ``sections`` has what they come to."""

    def __init__(self, cursor: Cursor, spaces: Spaces) -> None:
        self.cursor = cursor
        self.spaces = spaces
        self.signatures = SignatureReader(cursor, spaces)
        self._immediates = Immediates(self.signatures)
        #: items by section
        self.sections: dict[str, Items] = {}
        #: how many of a kind there were so far, imports included
        self._counts = dict.fromkeys(_KINDS, 0)
        #: names of parameters and locals, and branch hints, by function
        self.locals: dict[int, dict[int, str]] = {}
        self.hints: dict[int, list[Hint]] = {}

    def field(self) -> None:
        """Reads a field from its parenthesis to the other."""
        cursor = self.cursor
        at = cursor.place
        cursor.expect("(")
        kind = cursor.word("a field")
        if kind not in _READERS:
            why = why_unknown(kind) or near_miss(kind[:40], ("module", *_READERS))
            raise cursor.failure(f"unknown field {kind:.40}{why}")
        if kind in self.spaces.counts:
            # the first reading took its identifier
            cursor.identifier()
        _READERS[kind](self, at)
        cursor.expect(")")

    def _add(self, section: str, at: int, *parts: bytes | Piece) -> None:
        """An item of a section, which comes from a position of the text."""
        items = self._section(section)
        items.begin(at)
        for part in parts:
            if isinstance(part, Piece):
                items.add(part, self.cursor.look)
            else:
                items.data += part

    def _section(self, name: str) -> Items:
        found = self.sections.get(name)
        if found is None:
            found = self.sections[name] = Items()
        return found

    def write_types(self) -> None:
        """Adds the types that were written in place, which have no place of their own."""
        types = self.spaces.types
        items = self._section("type") if types else Items()
        for signature in each(types[items.count :], self.cursor.look):
            items.data += _function_type(signature)
        items.count = len(types)

    # -- code

    def _code(self, locals: dict[str, int] | None = None) -> InstructionReader:
        return InstructionReader(self._immediates, locals)

    def _expression(self) -> Piece:
        return self._code().instructions()

    def _func(self, at: int) -> None:
        cursor = self.cursor
        number = self._number("func")
        name = self.spaces.names["func"].get(number)
        cursor.function = f"function {number}" if name is None else f"${name}"
        if self._imported("func", at, number):
            cursor.function = None
            return
        index, names = self.signatures.type_use()
        more, kinds = self.signatures.parameters("local")
        reader = self._code(self._local_indices(number, names + more))
        code = reader.instructions()
        declared = _runs(each(kinds, cursor.look))
        if reader.hints:
            base = len(declared)
            self.hints[number] = [Hint(base + where, value) for where, value in reader.hints]
        self._add("func", at, unsigned(index))
        self._add("code", at, unsigned(len(declared) + len(code.data)) + declared, code)
        cursor.function = None

    def _number(self, kind: str) -> int:
        """The index of the next definition or import of a kind."""
        self._counts[kind] += 1
        return self._counts[kind] - 1

    def _local_indices(self, function: int, names: Parameters) -> dict[str, int]:
        """Parameters and locals by identifier; keeps their names."""
        indices: dict[str, int] = {}
        known: dict[int, str] = {}
        for index, (identifier, name) in enumerate(names):
            if identifier is not None:
                if identifier in indices:
                    raise self.cursor.failure(f"{identifier:.60} is there twice")
                indices[identifier] = index
                known[index] = identifier[1:]
            if name is not None:
                known[index] = name
        if known:
            self.locals[function] = known
        return indices

    # -- types, imports, exports

    def _type(self, at: int) -> None:
        cursor = self.cursor
        cursor.expect("(")
        word = cursor.word("func")
        if word != "func":
            why = why_unknown(f"({word}")
            raise cursor.failure(f"expected func, found {show(word)}{why}")
        _, signature = self.signatures.signature()
        cursor.expect(")")
        self._add("type", at, _function_type(signature))

    def _import(self, at: int) -> None:
        cursor = self.cursor
        names = string(cursor.name()) + string(cursor.name())
        cursor.expect("(")
        kind = cursor.word("a kind of import")
        if kind not in _KINDS:
            raise self._no_kind("import", kind)
        cursor.identifier()
        self._number(kind)
        what = self._external(kind)
        cursor.expect(")")
        self._add("import", at, names, bytes([_KINDS.index(kind)]), what)

    def _no_kind(self, what: str, kind: str) -> TextError:
        why = why_unknown(f"{what}ed type" if kind == "type" else kind)
        return self.cursor.failure(f"expected a kind of {what}, found {kind:.40}{why}")

    def _external(self, kind: str) -> bytes:
        """The type of what is imported."""
        if kind == "func":
            return unsigned(self.signatures.type_use()[0])
        if kind == "table":
            return _table_type(*self.signatures.table_type())
        if kind == "memory":
            return limits(*self.signatures.memory_type())
        if kind == "tag":
            return b"\0" + unsigned(self.signatures.unnamed_type_use())
        return _global_type(*self.signatures.global_type())

    def _imported(self, kind: str, at: int, number: int) -> bool:
        """Reads exports that stand in a definition; whether it is an import, which is then read."""
        cursor = self.cursor
        while cursor.munch("(", "export"):
            self._add_export(cursor.places[cursor.next - 2], cursor.name(), kind, number)
            cursor.expect(")")
        if not cursor.munch("(", "import"):
            return False
        names = string(cursor.name()) + string(cursor.name())
        cursor.expect(")")
        what = self._external(kind)
        self._add("import", at, names, bytes([_KINDS.index(kind)]), what)
        return True

    def _add_export(self, at: int, name: str, kind: str, index: int) -> None:
        self._add("export", at, string(name), bytes([_KINDS.index(kind)]), unsigned(index))

    def _export(self, at: int) -> None:
        cursor = self.cursor
        name = cursor.name()
        cursor.expect("(")
        kind = cursor.word("a kind of export")
        if kind not in _KINDS:
            raise self._no_kind("export", kind)
        index = cursor.index(self.spaces.indices[kind], kind)
        cursor.expect(")")
        self._add_export(at, name, kind, index)

    def _start(self, at: int) -> None:
        if "start" in self.sections:
            raise self.cursor.failure("multiple start sections")
        self._add("start", at, unsigned(self._function()))

    def _function(self) -> int:
        return self.cursor.index(self.spaces.indices["func"], "func")

    # -- tables, memories, globals

    def _table(self, at: int) -> None:
        cursor = self.cursor
        number = self._number("table")
        if self._imported("table", at, number):
            return
        if not self.signatures.at_reference_type():
            self._add("table", at, _table_type(*self.signatures.table_type()))
            if cursor.match("(") or cursor.peek() in self.spaces.rows:
                what = "a table with an initial value"
                raise cursor.failure(f"{what}{why_unknown('(ref')}")
            return
        kind = self.signatures.reference_type()
        segment = cursor.place
        cursor.expect("(", "elem")
        plain = cursor.at_index()
        elements = self._functions() if plain else self._expressions(kind)
        cursor.expect(")")
        size = elements.number
        self._add("table", at, _table_type(kind, size, size))
        elements = elements._replace(type=kind)
        self._add_elements(segment, "active", number, self._zero(), elements)

    def _zero(self) -> Piece:
        """The offset of a segment that begins with its table or memory."""
        rows = (rows[0] for rows in self.spaces.rows.values())
        constant = next(row for row in rows if row.constant and row.immediates == ("i32",))
        return Piece(opcode(constant) + b"\0" + opcode(self.spaces.rows["end"][0]))

    def _memory(self, at: int) -> None:
        cursor = self.cursor
        number = self._number("memory")
        if self._imported("memory", at, number):
            return
        segment = cursor.place
        if not cursor.munch("(", "data"):
            self._add("memory", at, limits(*self.signatures.memory_type()))
            return
        data = self._bytes()
        cursor.expect(")")
        pages = -(-len(data) // _PAGE)
        self._add("memory", at, limits(pages, pages))
        self._add_data(segment, number, self._zero(), data)

    def _global(self, at: int) -> None:
        if not self._imported("global", at, self._number("global")):
            kind = _global_type(*self.signatures.global_type())
            self._add("global", at, kind, self._expression())

    def _tag(self, at: int) -> None:
        if not self._imported("tag", at, self._number("tag")):
            self._add("tag", at, self._external("tag"))

    # -- segments

    def _target(self, space: str) -> _Target:
        """Table or memory of a segment, if it is said, and the offset, if it has one."""
        cursor = self.cursor
        index, full, indices = 0, cursor.munch("(", space), self.spaces.indices[space]
        short = not full and cursor.at_index()
        if full or short:
            index = cursor.index(indices, space)
        if full:
            cursor.expect(")")
        if cursor.munch("(", "offset"):
            offset = self._expression()
            cursor.expect(")")
        elif full or short or cursor.match("("):
            offset = self._code().folded()
        else:
            return _Target()
        return _Target(index, full, offset)

    def _data(self, at: int) -> None:
        self._refuse_numbers()
        target = self._target("memory")
        self._add_data(at, target.number, target.offset, self._bytes())

    def _add_data(self, at: int, memory: int, offset: Piece | None, data: bytes) -> None:
        content = string(data)
        if offset is None:
            self._add("data", at, b"\1", content)
        else:
            head = b"\2" + unsigned(memory) if memory else b"\0"
            self._add("data", at, head, offset, content)

    def _bytes(self) -> bytes:
        """Strings, one behind the other."""
        found = []
        while not self.cursor.match(")"):
            self._refuse_numbers()
            found.append(self.cursor.string())
        return b"".join(found)

    def _refuse_numbers(self) -> None:
        """Refuses numbers in the place of a string, which a proposal has."""
        cursor = self.cursor
        if cursor.match("(") and (why := why_unknown(f"({show(cursor.peek(1))[1:-1]}")):
            raise cursor.failure(f"numbers in data{why}", cursor.place)

    def _elem(self, at: int) -> None:
        cursor = self.cursor
        target, mode = _Target(), "declarative"
        if not cursor.munch("declare"):
            target = self._target("table")
            mode = "passive" if target.offset is None else "active"
        if cursor.munch("func"):
            elements = self._functions()
        elif self.signatures.at_reference_type():
            elements = self._expressions(self.signatures.reference_type())
        elif target.offset is None or target.full:
            why = why_unknown(str(cursor.peek()))
            raise cursor.unexpected("func or a reference type", why)
        else:
            elements = self._functions()
        self._add_elements(at, mode, target.number, target.offset, elements)

    def _functions(self) -> _Elements:
        items, number = Piece(), 0
        while not self.cursor.match(")"):
            items.data += unsigned(self._function())
            number += 1
        return _Elements("funcref", number, items, True)

    def _expressions(self, kind: str) -> _Elements:
        cursor = self.cursor
        items, number = Piece(), 0
        while not cursor.match(")"):
            if cursor.munch("(", "item"):
                items.add(self._expression(), cursor.look)
                cursor.expect(")")
            else:
                items.add(self._code().folded())
            number += 1
        return _Elements(kind, number, items, False)

    def _add_elements(
        self, at: int, mode: str, table: int, offset: Piece | None, elements: _Elements
    ) -> None:
        explicit = bool(table) or elements.type != "funcref"
        flags = {"passive": 1, "declarative": 3}.get(mode, 2 if explicit else 0)
        parts: list[bytes | Piece] = [unsigned(flags | (0 if elements.plain else 4))]
        if offset is not None:
            parts += [unsigned(table), offset] if explicit else [offset]
        if flags:
            parts.append(b"\0" if elements.plain else TYPES[elements.type])
        self._add("elem", at, *parts, unsigned(elements.number), elements.items)


#: what reads a field, by its keyword; not bound to a reader, which would be in a cycle: its tokens
#: would be there as long as the collector likes
_READERS: dict[str, Callable[[DefinitionReader, int], None]] = {
    kind: getattr(DefinitionReader, f"_{kind}")
    for kind in (*_KINDS, "type", "import", "export", "start", "elem", "data")
}


def _function_type(signature: Signature) -> bytes:
    params, results = signature
    return b"\x60" + types(params) + types(results)


def _runs(kinds: Iterable[str]) -> bytes:
    """Locals: how many of a type follow each other."""
    found, count = bytearray(), 0
    for kind, run in groupby(kinds):
        found += unsigned(sum(1 for _ in run)) + TYPES[kind]
        count += 1
    return unsigned(count) + found


def _table_type(kind: str, minimum: int, maximum: int | None) -> bytes:
    return TYPES[kind] + limits(minimum, maximum)


def _global_type(kind: str, mutable: bool) -> bytes:
    return TYPES[kind] + bytes([mutable])
