"""Modules: what a file declares, and its functions' bodies as byte ranges until they are needed."""

from __future__ import annotations

import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import Frame
from . import isa
from .binary import Body, ConstExpr, Data, Element, ModuleReader
from .blockmap import BlockMap
from .bodies import MAX_LOCALS, validate_function
from .code import Code
from .features import Features
from .names import NameSection, clean
from .ppci_import import components
from .types import ExportType, FuncType, GlobalType, ImportType, MemoryType, TableType
from .validation import validate_module

if TYPE_CHECKING:
    from .compiler.cache import CodeCache, StoredModule
    from .compiler.function import Compiled

__all__ = ["Body", "ConstExpr", "Data", "Element", "Module", "content_of"]

_DEFAULT = Features()


def content_of(name: str, data: bytes) -> bytes | str:
    """What a file of that name holds: text if it ends in .wat. Raises TextError if that is no
    UTF-8."""
    if not name.endswith(".wat"):
        return data
    # only who has text pays for reading it
    from .text.tokens import decoded

    return decoded(data)


def _binary(data: bytes | bytearray | memoryview | str) -> bytes:
    """A module in the binary format, of one in either. Raises TypeError for what is neither."""
    if isinstance(data, str):
        if "(" not in data:
            raise TypeError("expected the bytes of a module or WAT, found other text")
        # only who has text pays for reading it
        from .text.reading import assemble

        data = assemble(data)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected the bytes of a module, found {type(data).__name__}")
    return bytes(data)


class Module(components.Module):  # type: ignore[misc]
    """A decoded and validated module; one serves any number of instances.

    ``data`` is the binary format, or the text format as a str. ``name`` is for messages.
    ``validate="lazy"`` leaves function bodies to their first call, for huge modules that are
    trusted. ``max_locals`` is for each function. ``features`` says which proposals the module may
    use, by default all of WebAssembly 2.0. ``cache`` (``compiler.cache``) may know that the module
    is valid, and its code. Raises DecodeError or ValidationError, both with the offset in the
    file, and TextError with line and column. It is ppci's Module too: its
    ``definitions``, ``show_interface()`` and the like work.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview | str,
        *,
        name: str | None = None,
        validate: str = "eager",
        max_locals: int = MAX_LOCALS,
        features: Features = _DEFAULT,
        cache: CodeCache | None = None,
    ) -> None:
        if validate not in ("eager", "lazy"):
            raise ValueError(f"validate must be 'eager' or 'lazy', found {validate!r}")
        self.data = _binary(data)
        self.name = name
        self.validate = validate
        #: locals that a function may have
        self.max_locals = min(max_locals, MAX_LOCALS)
        self.features = features
        self.isa = isa.active().without(features.refused)
        self.types: list[FuncType] = []
        self.imports: tuple[ImportType, ...] = ()
        self.exports: tuple[ExportType, ...] = ()
        #: whole index spaces, imports first
        self.functions: list[FuncType] = []
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        self.import_counts = {"func": 0, "table": 0, "memory": 0, "global": 0}
        self.bodies: list[Body] = []
        self.global_inits: list[ConstExpr] = []
        self.start: int | None = None
        self.elements: list[Element] = []
        self.datas: list[Data] = []
        self.data_count: int | None = None
        #: name, and the range of bytes behind the name
        self.custom_sections: list[tuple[str, int, int]] = []
        #: what validation found out about functions, by index; of small modules only
        self.block_maps: dict[int, BlockMap] = {}
        #: functions that have been made ready for the interpreter, by index
        self.codes: dict[int, Code] = {}
        #: what has been compiled: by function, by the instruction where it is entered, and by what
        #: was assumed of memory and alignment; ``None`` for what cannot be
        self.compiled: dict[tuple[int, int, bool, bool], Compiled | None] = {}
        #: bodies that the compiler may put in the place of calls, by function; ``None`` for others
        self.small: dict[int, BlockMap | None] = {}
        #: functions that tables hold when the module is instantiated, by type; made when needed
        self.held: dict[FuncType, list[int]] | None = None
        #: where ``compiled`` comes from, and goes to, beyond this process
        self.stored: StoredModule | None = None
        #: all bodies are known to be valid
        self._valid = False
        self._names: NameSection | None = None
        super().__init__(self.data)
        self.use_cache(cache)
        known = self.stored is not None and self.stored.validated
        self.context = validate_module(self, bodies=validate == "eager" and not known)
        self._valid = validate == "eager"
        self._note_valid()

    def use_cache(self, cache: CodeCache | None) -> None:
        """Has code come from a cache and go there, unless there is one already."""
        if cache is not None and self.stored is None:
            self.stored = cache.stored(self)
            weakref.finalize(self, self.stored.save)
            self._note_valid()

    def _note_valid(self) -> None:
        if self.stored is not None and self._valid:
            self.stored.note_validated()

    def _from_bytes(self, data: bytes) -> None:
        ModuleReader(data, self.isa).read_module(self)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        validate: str = "eager",
        features: Features = _DEFAULT,
        cache: CodeCache | None = None,
    ) -> Module:
        """The module in a file, text if its name ends in .wat. Raises OSError too."""
        path = Path(path)
        content = content_of(path.name, path.read_bytes())
        return cls(content, name=path.name, validate=validate, features=features, cache=cache)

    @classmethod
    def from_wat(cls, text: str | bytes, **options: Any) -> Module:
        """The module that a text describes, UTF-8 if it is bytes; options are those of the
        class."""
        return cls(content_of(".wat", text) if isinstance(text, bytes) else text, **options)

    # -- functions

    def block_map(self, index: int) -> BlockMap:
        """The block map of a defined function; it is validated again for it in large modules."""
        return self.block_maps.get(index) or validate_function(self.context, self, index)

    def function_name(self, index: int) -> str | None:
        """A function's name: from the name section, else its import's or an export's."""
        name = self.names.functions.get(index)
        return self._outer_names.get(index) if name is None else name

    @cached_property
    def _outer_names(self) -> dict[int, str]:
        """What functions are called by other modules, cleaned for messages."""
        functions = [item for item in reversed(self.exports) if item.kind == "func"]
        names = {item.index: clean(item.name) for item in functions}
        imported = (item for item in self.imports if item.kind == "func")
        names.update(enumerate(clean(f"{item.module}.{item.name}") for item in imported))
        return names

    def function_offset(self, index: int) -> int:
        """Where the body of a defined function begins in the file."""
        return self.bodies[index - self.import_counts["func"]].start

    def frame(self, index: int, offset: int) -> Frame:
        """A frame of this module, as errors show it."""
        return Frame(index, self.function_name(index), offset, self.name)

    @property
    def names(self) -> NameSection:
        """The name section, as far as it can be read."""
        if self._names is None:
            spans = [span for name, *span in self.custom_sections if name == "name"]
            self._names = NameSection(self.data, *spans[0]) if spans else NameSection(b"", 0, 0)
        return self._names

    # -- ppci's views, where those of its Module would be wrong

    def to_file(self, f: BinaryIO) -> None:
        """Writes the module's bytes; ppci's writer knows the first release only."""
        f.write(self.data)

    def show_interface(self) -> None:
        """Prints imports and exports with their types."""
        for title, items in (
            ("Imports", [(f"{item.module}.{item.name}", item.type) for item in self.imports]),
            ("Exports", [(item.name, item.type) for item in self.exports]),
        ):
            print(f"{title}:")
            for name, type_ in items:
                print(f"  {clean(name) + ':':18} {type_}")

    # -- Python

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.data, self.name, self.validate, self.max_locals, self.features)

    def __repr__(self) -> str:
        return (
            f"<Module {self.name or '?'}: {len(self.bodies)} functions, "
            f"{len(self.imports)} imports, {len(self.exports)} exports, {len(self.data)} bytes>"
        )


def _rebuild(
    data: bytes, name: str | None, validate: str, max_locals: int, features: Features
) -> Module:
    return Module(data, name=name, validate=validate, max_locals=max_locals, features=features)
