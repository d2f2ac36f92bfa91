"""WAT to the binary format, on ppci's reader.

ppci's ``WatTupleLoader`` walks over fields, types, functions and folded instructions. Its
subclasses give it tokens that know their places (``stream``), all instructions by their rows
(``instructions``), and here index spaces in which imports and unnamed definitions count, function
types as the specification has them, and all forms of segments. What it cannot read is a TextError,
and the module that it makes is decoded and validated like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import TextError
from .. import isa
from ..ppci_import import components
from ..types import ValType
from .encoding import NAMED, Encoder, Segment, name_section
from .instructions import REFERENCES, InstructionReader
from .stream import LPAR, RPAR, show
from .tokens import Quoted, Word, integer

__all__ = ["assemble"]

_TYPES = {str(kind) for kind in ValType}
#: what can go wrong in ppci's code, which checks with ``assert`` and finds by exception
_FAULTS = (
    AssertionError, AttributeError, IndexError, KeyError, NotImplementedError, StopIteration,
    TypeError, ValueError,
)  # fmt: skip


def assemble(text: str) -> bytes:
    """The module that a text describes, in the binary format. Raises TextError."""
    reader = WatReader(text)
    try:
        reader.load_module(())
        return reader.encoded()
    except TextError:
        raise
    except RecursionError:
        raise reader.failure("nested too deeply") from None
    except _FAULTS as error:
        raise reader.failure(_words(error), reader.place(error)) from None


def _words(error: Exception) -> str:
    if isinstance(error, KeyError) and error.args:
        return f"unknown {error.args[0]!s:.60}"
    if isinstance(error, NotImplementedError):  # by ppci's load_module
        return f"unknown field {error!s:.40}"
    return str(error) or "this cannot be read"


class Ref(components.Ref):  # type: ignore[misc]
    """A place in any index space, ppci knows fewer; ``index`` of a name is known at the end."""

    def __init__(self, space: str, index: int, name: str | None = None) -> None:
        self.space = space
        self.index = index
        self.name = name


class WatReader(InstructionReader):
    """Reads one text; what it finds is in ``definitions`` by kind, imports in ``import``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        #: types written in place: reference, types, place; and whether they only repeat one
        self.signatures: list[tuple[Any, tuple[Any, Any], int, bool]] = []
        #: names of the parameters of each function
        self.parameters: list[list[Any]] = []
        self._pending: list[Any] = []
        self._identities = 0
        #: names of the parameters and locals of each function that is defined
        self.locals: list[list[Any]] = []

    # -- index spaces

    def gen_id(self, kind: str) -> str:
        """A name for what has none; no text can have it, for the blank in it."""
        self._identities += 1
        return f"${kind} {self._identities}"

    def _define(self, kind: str, id: Any, definition: Any) -> None:
        if kind == "import" and any(
            self.definitions[space] for space in ("func", "table", "memory", "global")
        ):
            raise self.failure("imports must come before what the module defines")
        self.definitions[kind].append((id, definition))

    def add_definition(self, definition: Any) -> None:
        """Takes a definition that ppci made."""
        if isinstance(definition, components.Func):
            self.parameters.append(self._pending)
        self._define(definition.__name__, getattr(definition, "id", None), definition)

    def _make_ref(self, space: str, value: Any) -> Any:
        if not str(value).startswith("$"):
            return Ref(space, integer(str(value), 32, signed=False))
        if space == "label":
            if value not in self.block_stack:
                raise self.failure(f"unknown label {value:.60}")
            return Ref(space, self.block_stack[::-1].index(value))
        ref = Ref(space, 0, value)
        (self.func_backlog[-1] if space == "local" else self.resolve_backlog).append(ref)
        return ref

    def _parse_ref(self, space: str) -> Any:
        if not self._at_ref():
            raise self.failure(f"expected a {space}, found {show(self.take())}")
        return self._make_ref(space, self.take())

    def index_map(self, space: str) -> dict[Any, int]:
        """Names to indices, imports first."""
        imported = [
            definition.id
            for _, definition in self.definitions["import"]
            if definition.kind == space
        ]
        names = imported + [id for id, _ in self.definitions[space]]
        found: dict[Any, int] = {}
        for index, name in enumerate(names):
            if name in found:
                raise self.failure(f"{name} is there twice", getattr(name, "at", None))
            found[name] = index
        return found

    def resolve_references(self) -> None:
        """Indices for names, and types for those that were written in place."""
        self._resolve_types()
        self.maps = {space: self.index_map(space) for space in NAMED}
        for ref in self.resolve_backlog:
            ref.index = self.maps[ref.space][ref.name]
        for ref, key, at, repeated in self.signatures:
            if repeated and (ref.index >= len(self.keys) or self.keys[ref.index] != key):
                raise self.failure("inline function type: it is not that of the index", at)
        functions = (definition for _, definition in self.definitions["func"])
        for function, names, refs in zip(functions, self.parameters, self.func_backlog):
            self._resolve_locals(function, names, refs)

    def _resolve_types(self) -> None:
        """An inline type is the first that is equal, or a new one behind the others."""
        self.keys = [_key(item.params, item.results) for _, item in self.definitions["type"]]
        for ref, key, _, repeated in self.signatures:
            if not repeated:
                if key not in self.keys:
                    self.keys.append(key)
                ref.index = self.keys.index(key)

    def _resolve_locals(self, function: Any, names: list[Any], refs: list[Any]) -> None:
        if function.ref.index >= len(self.keys):
            raise self.failure(f"unknown type {function.ref.index}")
        count = len(self.keys[function.ref.index][0])
        words = [*(names or [None] * count), *(name for name, _ in function.locals)]
        self.locals.append(words)
        given = [word for word in words if isinstance(word, str)]
        for word in given:
            if given.count(word) > 1:
                raise self.failure(f"{word} is there twice", getattr(word, "at", None))
        places = {word: place for place, word in enumerate(words) if isinstance(word, str)}
        for ref in refs:
            ref.index = places[ref.name]

    def gather_definitions(self) -> list[Any]:
        """Nothing: they stay by kind until they are encoded."""
        return []

    # -- types

    def _parse_type_bound_value_list(self, kind: str) -> list[tuple[Any, Word]]:
        found: list[tuple[Any, Word]] = []
        while self.munch(LPAR, kind):
            if self._at_id():
                found.append((self.take(), self.value_type()))
            else:
                while not self.match(RPAR):
                    found.append((None, self.value_type()))
            self.expect(RPAR)
        return found

    def _parse_result_list(self) -> list[Word]:
        found: list[Word] = []
        while self.munch(LPAR, "result"):
            while not self.match(RPAR):
                found.append(self.value_type())
            self.expect(RPAR)
        return found

    def value_type(self) -> Word:
        """A value type."""
        word = self.word()
        if word not in _TYPES:
            raise self.failure(f"unknown value type {word:.40}")
        return word

    def _parse_type_use(self) -> Any:
        self.latest = []
        if self.match(LPAR, "type"):
            return self._parse_type_ref()
        return self._add_or_reuse_type_definition(*self._parse_function_signature())

    def _parse_function_signature(self) -> tuple[list[Any], list[Any]]:
        params, results = super()._parse_function_signature()
        self.latest = [name for name, _ in params]
        return params, results

    def _parse_type_ref(self) -> Any:
        self.expect(LPAR, "type")
        ref = self._parse_ref("type")
        self.expect(RPAR)
        if self.match(LPAR, "param") or self.match(LPAR, "result"):
            key = _key(*self._parse_function_signature())
            self.signatures.append((ref, key, self.at, True))
        return ref

    def _add_or_reuse_type_definition(self, params: Any, results: Any) -> Any:
        ref = Ref("type", 0)
        self.signatures.append((ref, _key(params, results), self.at, False))
        return ref

    def parse_limits(self) -> tuple[int, int | None]:
        """A minimum and perhaps a maximum."""
        minimum = integer(self.word(), 32, signed=False)
        return minimum, integer(self.word(), 32, signed=False) if self._at_ref() else None

    def parse_global_type(self) -> tuple[Word, bool]:
        """A value type, mutable or not."""
        mutable = self.munch(LPAR, "mut")
        kind = self.value_type()
        if mutable:
            self.expect(RPAR)
        return kind, mutable

    def reference_type(self) -> ValType:
        """The element type of a table or segment."""
        return REFERENCES[self.word()]

    def table_type(self) -> tuple[ValType, int, int | None]:
        """Limits and element type."""
        minimum, maximum = self.parse_limits()
        return self.reference_type(), minimum, maximum

    # -- fields

    def load_import(self) -> None:
        """An import."""
        module, name = self.name(), self.name()
        self.expect(LPAR)
        kind = self.word()
        id = self._parse_optional_id(default=self.gen_id(kind))
        readers: dict[str, Callable[[], Any]] = {
            "func": self._parse_type_use,
            "table": self.table_type,
            "memory": self.parse_limits,
            "global": self.parse_global_type,
        }
        info = readers[kind]()
        self.expect(RPAR)
        self._import(module, name, str(kind), id, info)

    def _import(self, module: str, name: str, kind: str, id: Any, info: Any) -> None:
        item = components.Import.__new__(components.Import)
        item.modname, item.name, item.kind, item.id, item.info = module, name, kind, id, info
        self._define("import", id, item)

    def _inline(self, kind: str, read: Callable[[], Any]) -> tuple[Any, bool]:
        """The name of a definition, and whether it is an import, which is then read."""
        id = self._parse_optional_id(default=self.gen_id(kind))
        while self.munch(LPAR, "export"):
            self._define("export", None, (self.name(), kind, self._make_ref(kind, id)))
            self.expect(RPAR)
        if not self.munch(LPAR, "import"):
            return id, False
        module, name = self.name(), self.name()
        self.expect(RPAR)
        self._import(module, name, kind, id, read())
        return id, True

    def load_export(self) -> None:
        """An export."""
        name = self.name()
        self.expect(LPAR)
        kind = self.word()
        if kind not in ("func", "table", "memory", "global"):
            raise self.failure(f"expected a kind of export, found {kind:.40}")
        self._define("export", None, (name, str(kind), self._parse_ref(kind)))
        self.expect(RPAR)

    def load_start(self) -> None:
        """The start function."""
        if self.definitions["start"]:
            raise self.failure("multiple start sections")
        super().load_start()

    def load_func(self) -> None:
        """A function."""
        id, imported = self._inline("func", self._parse_type_use)
        if imported:
            return
        ref = self._parse_type_use()
        names, self._pending = self.latest, self.latest
        localz = self._parse_locals()
        self.func_backlog.append([])
        self.block_stack, self.floor = [], 0
        instructions = self._load_instruction_list()
        if self.block_stack:
            raise self.failure("a block that does not end")
        self._pending = names
        self.add_definition(components.Func(id, ref, localz, instructions))

    def load_table(self) -> None:
        """A table, perhaps with its elements."""
        id, imported = self._inline("table", self.table_type)
        if imported:
            return
        token = self._lookahead(1)[0]
        if token not in REFERENCES:
            self._define("table", id, self.table_type())
            return
        kind = self.reference_type()
        self.expect(LPAR, "elem")
        items = self._items(kind, plain=True)
        self.expect(RPAR)
        self._define("table", id, (kind, len(items), len(items)))
        segment = Segment("active", self._make_ref("table", id), self._zero(), kind, items)
        self._define("elem", self.gen_id("elem"), segment)

    @staticmethod
    def _zero() -> list[Any]:
        """The offset of a segment that begins with its table or memory."""
        row = next(row for row in isa.active() if row.immediates == ("i32",))
        return [components.Instruction(row.name, [row, 0])]

    def load_memory(self) -> None:
        """A memory, perhaps with its bytes."""
        id, imported = self._inline("memory", self.parse_limits)
        if imported:
            return
        if not self.munch(LPAR, "data"):
            self._define("memory", id, self.parse_limits())
            return
        data = self.parse_data_blobs()
        self.expect(RPAR)
        pages = -(-len(data) // 65536)
        self._define("memory", id, (pages, pages))
        segment = Segment("active", self._make_ref("memory", id), self._zero(), None, data)
        self._define("data", self.gen_id("data"), segment)

    def load_global(self) -> None:
        """A global."""
        id, imported = self._inline("global", self.parse_global_type)
        if not imported:
            kind = self.parse_global_type()
            self._define("global", id, (*kind, self._load_instruction_list()))

    def parse_data_blobs(self) -> bytes:
        """Strings up to the end of the field."""
        found = []
        while not self.match(RPAR):
            token = self.take()
            if not isinstance(token, Quoted):
                raise self.failure(f"expected a string, found {show(token)}")
            found.append(bytes(token))
        return b"".join(found)

    def load_data(self) -> None:
        """A data segment."""
        id = self._parse_optional_id(default=self.gen_id("data"))
        ref, offset = self._target("memory")
        data = self.parse_data_blobs()
        mode = "passive" if offset is None else "active"
        self._define("data", id, Segment(mode, ref, offset, None, data))

    def load_elem(self) -> None:
        """An element segment."""
        id = self._parse_optional_id(default=self.gen_id("elem"))
        declared = self.munch("declare")
        ref, offset = self._target("table")
        mode = "declarative" if declared else "passive" if offset is None else "active"
        kind, plain = ValType.FUNCREF, self.munch("func")
        if not plain and self._lookahead(1)[0] in REFERENCES:
            kind = self.reference_type()
        elif offset is not None:
            plain = True
        elif not plain:
            raise self.failure(f"expected func or a reference type, found {show(self.take())}")
        self._define("elem", id, Segment(mode, ref, offset, kind, self._items(kind, plain=plain)))

    def _target(self, space: str) -> tuple[Any, Any]:
        """Table or memory and offset of a segment; no offset if it is passive."""
        ref = self._make_ref(space, 0)
        given = self.munch(LPAR, space)
        if given or self._at_ref():
            ref = self._parse_ref(space)
        if given:
            self.expect(RPAR)
        if self.munch(LPAR, "offset"):
            offset = self._load_instruction_list()
            self.expect(RPAR)
            return ref, offset
        ahead = self._lookahead(2)
        return ref, self._load_instruction() if ahead[0] is LPAR and ahead[1] != "item" else None

    def _items(self, kind: ValType, *, plain: bool) -> list[Any]:
        """Elements: references to functions, or expressions."""
        found: list[Any] = []
        while not self.match(RPAR):
            if plain and self._at_ref():
                found.append(self._parse_ref("func"))
            elif self.munch(LPAR, "item"):
                found.append(self._load_instruction_list())
                self.expect(RPAR)
            else:
                found.append(self._load_instruction())
        return found

    # -- the result

    def _counts(self) -> Counter[str]:
        """What the text has of each index space, counted by keywords alone."""
        counts: Counter[str] = Counter()
        depth = 0
        for position, token in enumerate(self.found):
            if isinstance(token, Quoted) or token not in ("(", ")"):
                continue
            depth += 1 if token == "(" else -1
            following = self.found[position + 1 : position + 6]
            if token == "(" and depth == 2 and following:
                imported = following[0] == "import" and len(following) > 4
                counts[str(following[-1] if imported else following[0])] += 1
        return counts

    def encoded(self) -> bytes:
        """The module, which must have in its index spaces what the text has."""
        counts = self._counts()
        imports = [definition for _, definition in self.definitions["import"]]
        for space in ("func", "table", "memory", "global"):
            found = len(self.definitions[space])
            found += sum(item.kind == space for item in imports)
            if found != counts[space]:
                raise self.failure(f"{counts[space]} {space}s were read as {found}", 0)
        encoder = Encoder(self.definitions, self.keys, self.rows)
        return encoder.module() + name_section(*self._names())

    def _names(self) -> tuple[str | None, dict[str, dict[int, str]], dict[int, dict[int, str]]]:
        """What the text calls the module, what is in its index spaces, and functions' locals."""
        module = self.module.id
        names = {
            space: {index: name[1:] for name, index in found.items() if _given(name)}
            for space, found in self.maps.items()
        }
        first = len(self.maps["func"]) - len(self.locals)
        locals = {
            first + number: {place: word[1:] for place, word in enumerate(words) if _given(word)}
            for number, words in enumerate(self.locals)
        }
        return module and module[1:], names, locals


def _given(name: Any) -> bool:
    """Whether a name stands in the text."""
    return isinstance(name, str) and " " not in name


def _key(params: Sequence[tuple[Any, str]], results: Sequence[str]) -> tuple[Any, Any]:
    return tuple(str(kind) for _, kind in params), tuple(map(str, results))
