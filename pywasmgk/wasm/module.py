"""Modules: what a file declares, and its functions' bodies as byte ranges until they are needed."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from ..demangling import demangled
from ..errors import DecodeError, Frame, ValidationError
from ..printable import printable
from ..shown import Shown
from ..tracebacks import hidden
from . import isa
from .binary.names import NameSection
from .binary.ppci_import import components
from .binary.reader import Body, ConstExpr, Data, Element, ModuleReader
from .binary.segments import DataSegments
from .cache import Directory, chosen_cache
from .features import Features
from .interpreter.prepared import Prepared
from .listing import Listing
from .profile import Profile
from .runtime.defaults import DEFAULT_TIMEOUT
from .types import (
    ExportType,
    FuncType,
    GlobalType,
    ImportType,
    MemoryType,
    TableType,
    TagType,
)
from .valid.acceptance import FunctionValidator
from .valid.blockmap import BlockMap
from .valid.bodies import MAX_LOCALS, ModuleContext
from .valid.validation import validate_bodies, validate_module
from .watch import Look, Watch, on_account

if TYPE_CHECKING:
    from .cache.directory import CodeCache
    from .cache.stored import StoredModule
    from .compiler.compiled import Compiled
    from .dwarf import DebugLines
    from .runtime.metering import CancelToken
    from .source_maps import MappedLines
    from .text.source import SourceMap

__all__ = ["Body", "ConstExpr", "Data", "Element", "Module", "content_of"]

__tracebackhide__ = hidden

_DEFAULT = Features()
#: custom sections that tell lines of the source
_DWARF, _SOURCE_MAP = {".debug_info", ".debug_line"}, "sourceMappingURL"

#: block maps that are kept, and their instructions, which take some 100 bytes each
_KEPT_MAPS, _KEPT_INSTRUCTIONS = 1_000, 60_000
#: held by who keeps one, of any module
_KEEPING = Lock()
#: exports and imports by whose names functions are called in messages
_MOST_NAMED = 50_000


def content_of(name: str, data: bytes) -> bytes | str:
    """What a file of that name holds: text if it ends in .wat. Raises TextError if that is no
    UTF-8."""
    if not name.endswith(".wat"):
        return data
    # only who has text pays for reading it
    from .text.reading import decoded

    return decoded(data)


def _binary(
    data: bytes | bytearray | memoryview | str, look: Look
) -> tuple[bytes, SourceMap | None]:
    """A module in the binary format, of one in either, and where its parts stand in the text;
    ``look`` may end the reading of a text in time. Raises TypeError for what is neither."""
    if isinstance(data, str):
        # only who has text pays for reading it
        from .text.reading import read_text

        return read_text(data, look)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected the bytes of a module, found {type(data).__name__}")
    return bytes(data), None


class Module(Shown, components.Module):  # type: ignore[misc]
    """A decoded and validated module; one serves any number of instances.

    ``data`` is the binary format, or the text format as a str. ``name`` is for messages.
    ``validate="lazy"`` leaves function bodies to their first call, for huge modules that are
    trusted. ``max_locals`` is for each function. ``features`` says which proposals the module may
    use, by default all that the engine knows. ``cache_dir`` is a private directory that keeps what
    is known of modules (``wasm.cache``): ``PYWASMGK_CACHE`` in the environment by default, "" for
    none; ``cache`` is one that is open already. Decoding and validating end after ``timeout``
    seconds by ``clock``, or when ``cancel`` is used. Raises CacheError for a cache that cannot be
    used, DecodeError or ValidationError, both with the offset in the file, TextError with line and
    column, DeadlineExceeded and Cancelled. It is ppci's Module too: its ``definitions``,
    ``show_interface()`` and the like work.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview | str,
        *,
        name: str | None = None,
        validate: str = "eager",
        max_locals: int = MAX_LOCALS,
        features: Features = _DEFAULT,
        cache_dir: Directory | None = None,
        cache: CodeCache | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if validate not in ("eager", "lazy"):
            raise ValueError(f"validate must be 'eager' or 'lazy', found {validate!r}")
        self.data = b""
        #: where its parts stand in the text that it was made from
        self.source: SourceMap | None = None
        #: ends loading in time
        self._watch = Watch(timeout, cancel, clock)
        self.name = name
        #: where its file is, beside which a source map is looked for
        self.folder: str | None = None
        self.validate = validate
        #: locals that a function may have
        self.max_locals = min(max_locals, MAX_LOCALS)
        self.features = features
        self.isa = isa.active().without(features.refused)
        #: other features that it was found to need no more than
        self.within: set[Features] = set()
        #: what is known of it beyond this process
        self.stored: StoredModule | None = None
        #: functions that have been made ready for the interpreter, by index
        self.codes = Prepared()
        #: what has been compiled: by function, by the instruction where it is entered, and by what
        #: was assumed of memory and alignment; ``None`` for what cannot be
        self.compiled: dict[tuple[int, int, bool, bool, int], Compiled | None] = {}
        #: characters of the text that was generated for that
        self.generated = 0
        #: low bits of globals that were zero whenever somebody looked (``entry_guards``)
        self.low_zeros: dict[int, int] = {}
        #: what there was not time enough to compile, and the seconds that were not enough
        self.postponed: dict[tuple[int, int, bool, bool, int], float] = {}
        #: what was made of it for other engines, by the options
        self.instrumented: dict[Any, Any] = {}
        #: what its instances have run
        self.profile = Profile()
        #: bodies that the compiler may put in the place of calls, by function; ``None`` for others
        self.small: dict[int, BlockMap | None] = {}
        #: functions that tables hold when the module is instantiated, by type; made when needed
        self.held: dict[FuncType, list[int]] | None = None
        #: all bodies are known to be valid
        self._valid = False
        self._names: NameSection | None = None
        self._declare_nothing()
        try:
            self._load(data, chosen_cache(cache_dir) if cache is None else cache)
        except (DecodeError, ValidationError) as error:
            raise self._placed(error) from None

    def is_within(self, features: Features) -> bool:
        """Whether it is known to need no more than some features: those that it was decoded with,
        or others that it was held against since."""
        return features.refused <= self.features.refused or features in self.within

    def _load(self, data: bytes | bytearray | memoryview | str, cache: CodeCache | None) -> None:
        self.data, self.source = _binary(data, self._watch.look)
        self.use_cache(cache)
        self._declare()
        if self.validate == "eager":
            self.context.look = self._watch.look
            self._require_valid_bodies()
        # what is validated later, or once more, is on the account of whoever calls it
        self.context.look = on_account
        del self._watch
        self._note()

    def _declare_nothing(self) -> None:
        """Sets what a file declares, before anything of it is known."""
        self.types: list[FuncType] = []
        self.imports: tuple[ImportType, ...] = ()
        self.exports: tuple[ExportType, ...] = ()
        #: whole index spaces, imports first
        self.functions: list[FuncType] = []
        self.tables: list[TableType] = []
        self.memories: list[MemoryType] = []
        self.globals: list[GlobalType] = []
        self.tags: list[TagType] = []
        #: some imports are in a group
        self.groups_imports = False
        self.import_counts = {"func": 0, "table": 0, "memory": 0, "global": 0, "tag": 0}
        self.bodies: list[Body] = []
        self.global_inits: list[ConstExpr] = []
        self.start: int | None = None
        self.elements: list[Element] = []
        self.datas = DataSegments()
        self.data_count: int | None = None
        #: name, and the range of bytes behind the name
        self.custom_sections: list[tuple[str, int, int]] = []
        #: what function bodies may refer to
        self.context: ModuleContext
        #: the latest block maps, the oldest first, and how many instructions they have
        self._latest: dict[int, BlockMap] = {}
        self._kept_instructions = 0
        #: ppci's view; made when it is asked for where decoding was not needed
        self._definitions: list[Any] | None = None
        self.id = None

    def _declare(self) -> None:
        """Takes the declarations from the cache, or decodes and validates them."""
        known = None if self.stored is None else self.stored.declarations
        if known is None:
            super().__init__(self.data)
            self.context = validate_module(self, self._watch.look)
            self.datas.place(self.context.plain)
        else:
            # who decodes needs nothing of it
            from .cache.declarations import restore

            restore(self, known)

    def _require_valid_bodies(self) -> None:
        if self.stored is None or not self.stored.validated:
            validate_bodies(self, self.validator)
        self._valid = True

    def use_cache(self, cache: CodeCache | None) -> None:
        """Has code come from a cache and go there, unless there is one already."""
        if cache is not None and self.stored is None:
            self.stored = cache.stored(self)
            weakref.finalize(self, self.stored.close)
            if self._valid:
                self._note()

    def _note(self) -> None:
        if self.stored is not None:
            self.stored.note_module(self, valid=self._valid)

    @staticmethod
    def undeclared() -> Module:
        """A module that declares nothing, to be read into."""
        found = Module.__new__(Module)
        found._declare_nothing()
        return found

    @property
    def definitions(self) -> list[Any]:
        """The module's definitions as ppci has them."""
        if self._definitions is None:
            again = self.undeclared()
            ModuleReader(self.data, self.isa, keep=True).read_module(again)
            self._definitions = again.definitions
        return self._definitions

    @definitions.setter
    def definitions(self, found: list[Any]) -> None:
        self._definitions = found

    def _from_bytes(self, data: bytes) -> None:
        ModuleReader(data, self.isa, look=self._watch.look).read_module(self)
        # who asks for them has them kept
        self._definitions = None

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        validate: str = "eager",
        features: Features = _DEFAULT,
        cache_dir: Directory | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        cancel: CancelToken | None = None,
    ) -> Module:
        """The module in a file, text if its name ends in .wat. Raises OSError too."""
        path = Path(path)
        made = cls(
            content_of(path.name, path.read_bytes()),
            name=path.name,
            validate=validate,
            features=features,
            cache_dir=cache_dir,
            timeout=timeout,
            cancel=cancel,
        )
        made.folder = str(path.parent)
        return made

    @classmethod
    def from_wat(cls, text: str | bytes, **options: Any) -> Module:
        """The module that a text describes, UTF-8 if it is bytes; options are those of the
        class."""
        return cls(content_of(".wat", text) if isinstance(text, bytes) else text, **options)

    # -- functions

    @cached_property
    def validator(self) -> FunctionValidator:
        """Validates functions, and makes their block maps."""
        return FunctionValidator(self.context, sum(end - start for start, end in self.bodies))

    def block_map(self, index: int) -> BlockMap:
        """The block map of a defined function, made anew unless it is one of the latest: what is
        made ready for the interpreter is often compiled soon. Raises ValidationError and
        DecodeError where functions were not validated yet."""
        found = self._latest.get(index)
        if found is not None:
            return found
        try:
            found = self.validator.block_map(self, index)
        except (DecodeError, ValidationError) as error:
            raise self._placed(error) from None
        self._keep(index, found)
        return found

    def _keep(self, index: int, found: BlockMap) -> None:
        """Keeps a block map in the place of older ones, unless it is very large."""
        size = len(found.code)
        if size > _KEPT_INSTRUCTIONS:
            return
        with _KEEPING:
            if index in self._latest:
                return
            self._latest[index] = found
            self._kept_instructions += size
            while len(self._latest) > _KEPT_MAPS or self._kept_instructions > _KEPT_INSTRUCTIONS:
                oldest = next(iter(self._latest))
                self._kept_instructions -= len(self._latest.pop(oldest).code)

    def function_name(self, index: int) -> str | None:
        """A function's name: from the name section, else its import's or an export's."""
        name = self.names.functions.get(index)
        return self._outer_names.get(index) if name is None else name

    @cached_property
    def _outer_names(self) -> dict[int, str]:
        """What functions are called by other modules, cleaned for messages."""
        # of few enough: they are for messages, which must not wait for millions
        exports, imports = self.exports[:_MOST_NAMED], self.imports[:_MOST_NAMED]
        functions = [item for item in reversed(exports) if item.kind == "func"]
        names = {item.index: printable(item.name) for item in functions}
        imported = (item for item in imports if item.kind == "func")
        names.update(enumerate(printable(f"{item.module}.{item.name}") for item in imported))
        return names

    @cached_property
    def imported_functions(self) -> tuple[ImportType, ...]:
        """The imports that functions come from, by the functions' index."""
        return tuple(item for item in self.imports if item.kind == "func")

    def tag_name(self, index: int) -> str | None:
        """A tag's name: from the name section, else from an export."""
        exported = (
            item.name for item in self.exports if item.kind == "tag" and item.index == index
        )
        found = self.names.tags.get(index) or next(exported, None)
        return None if found is None else printable(found)

    def function_offset(self, index: int) -> int:
        """Where the body of a defined function begins in the file."""
        return self.bodies[index - self.import_counts["func"]].start

    @cached_property
    def lines(self) -> DebugLines | MappedLines | None:
        """What knows the lines of its source, if it says anything of them: debug information, which
        knows more, or a source map."""
        names = {name for name, _, _ in self.custom_sections}
        if _SOURCE_MAP in names and not (names >= _DWARF and find_spec("elftools")):
            from .source_maps import MappedLines

            url = self._text_of_section(_SOURCE_MAP)
            return MappedLines(url, self.folder, [body.start for body in self.bodies])
        if not names >= _DWARF:
            return None
        from .dwarf import DebugLines

        return DebugLines(self.data)

    def _text_of_section(self, name: str) -> bytes:
        """A text that the first custom section of a name has, with its size before it."""
        start, end = next((span for known, *span in self.custom_sections if known == name), (0, 0))
        size = shift = 0
        for at in range(start, min(start + 5, end)):
            size |= (self.data[at] & 0x7F) << shift
            shift += 7
            if not self.data[at] & 0x80:
                return bytes(self.data[at + 1 : min(at + 1 + size, end)])
        return b""

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self)

    def frame(self, index: int, offset: int) -> Frame:
        """A frame of this module, as errors show it."""
        # what it was compiled from says more than its text
        text = self.source if self.lines is None else None
        name = self.function_name(index)
        return Frame(index, name, offset, self.name, self.lines, self._listing, text)

    def _placed(self, error: DecodeError | ValidationError) -> DecodeError | ValidationError:
        """An error that says where it is in the text that the module was made from, if it was; and
        without the frames that found it, which tell nothing of the module."""
        if self.source is not None and error.place is None:
            error.place = self.source.place(error.offset, self._function_at(error.offset))
        return error.with_traceback(None)

    def _function_at(self, offset: int) -> str | None:
        """What messages call the function at an offset."""
        first = self.import_counts["func"]
        for index, body in enumerate(self.bodies, first):
            if body.start <= offset < body.end:
                name = self.names.functions.get(index)
                return f"function {index}" if name is None else f"${demangled(name)}"
        return None

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
                print(f"  {printable(name) + ':':18} {type_}")

    # -- Python

    def __reduce__(self) -> tuple[Any, ...]:
        options = (self.name, self.validate, self.max_locals, self.features)
        return _rebuild, (self.data, *options, self.source)

    def __repr__(self) -> str:
        return (
            f"<Module {self.name or '?'}: {len(self.bodies)} functions, "
            f"{len(self.imports)} imports, {len(self.exports)} exports, {len(self.data)} bytes>"
        )


def _rebuild(
    data: bytes,
    name: str | None,
    validate: str,
    max_locals: int,
    features: Features,
    source: SourceMap | None = None,
) -> Module:
    module = Module(data, name=name, validate=validate, max_locals=max_locals, features=features)
    module.source = source
    return module
