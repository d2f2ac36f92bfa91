"""What a cache has of one module: its declarations, that it is valid, and its functions."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..._version import __version__
from ..compiler.compiled import Compiled, LineTable
from ..compiler.request import QUICK, Request
from ..isa import STANDARD
from .declarations import declared
from .prepared import pack, unpack
from .promotion import Plan, candidates, postpone, watch

if TYPE_CHECKING:
    from ..binary.reader import Body
    from ..interpreter.code import Code
    from ..isa import InstructionSet
    from ..module import Module
    from ..types import FuncType
    from .directory import CodeCache

__all__ = ["StoredModule", "module_key"]

#: what compiled code is for, as the driver numbers it: plain values, beginning with the function
Key = tuple[Any, ...]

#: functions that are new since the file was written before it is written again, at the least; with
#: a share of those in it, so that writing stays linear
_FEWEST_NEW = 32


class _Content(NamedTuple):
    """A file's payload."""

    #: what ``declarations.declared`` gave, or ``None``
    declarations: tuple[Any, ...] | None
    #: all bodies were found valid
    validated: bool
    #: marshalled code objects and line tables; empty for what cannot be compiled
    codes: dict[Key, bytes]
    #: functions made ready for the interpreter, by index
    prepared: dict[int, bytes]


class StoredModule:
    """What a cache has of one module.

    ``save`` writes what is new; ``add`` writes too, from time to time. The module has ``close``
    called at its own end, or at the process's.
    """

    def __init__(self, cache: CodeCache, module: Module) -> None:
        self.cache = cache
        self.name = module_key(module)
        self._lock = threading.RLock()
        # not the module, which could not come to its end then, but what is known of it afterwards
        self._live: dict[int, Code] = module.codes
        self._types: Sequence[FuncType] = ()
        self._bodies: tuple[int, Sequence[Body]] = (0, ())
        self._plan = Plan(
            cache, self.name, module.data, module.features, module.max_locals,
            module.profile, module.low_zeros, (),
        )  # fmt: skip
        self._content = _Content(None, False, {}, {})
        self._new = 0
        self._closed = False
        self._merge()
        #: an earlier process compiled something
        self.was_found = len(self) > 0
        watch(self)

    def _merge(self) -> None:
        """Takes in what the file has."""
        found, own = _read(self.cache.read(self.name)), self._content
        if found is not None:
            declarations = own.declarations or found.declarations
            validated = own.validated or found.validated
            # what is there stays in its place: other threads look into it meanwhile
            for key, packed in found.codes.items():
                own.codes.setdefault(key, packed)
            for index, packed in found.prepared.items():
                own.prepared.setdefault(index, packed)
            self._content = own._replace(declarations=declarations, validated=validated)

    # -- the module

    @property
    def declarations(self) -> tuple[Any, ...] | None:
        """The module's declarations, if they are known."""
        return self._content.declarations

    @property
    def validated(self) -> bool:
        """Whether all bodies were found valid."""
        return self._content.validated

    def note_module(self, module: Module, *, valid: bool) -> None:
        """Takes in a module's declarations, and whether all its bodies are known to be valid."""
        self._types = module.types
        self._bodies = module.import_counts["func"], module.bodies
        if self._content.declarations is None:
            self._content = self._content._replace(declarations=declared(module))
            self._new += 1
        if valid and not self._content.validated:
            self._content = self._content._replace(validated=True)
            self._new += 1

    # -- functions

    def prepared(self, index: int) -> Code | None:
        """A function that an earlier process made ready for the interpreter."""
        packed = self._content.prepared.get(index)
        return None if packed is None else unpack(packed, self._types)

    def __contains__(self, key: object) -> bool:
        return key in self._content.codes

    def __len__(self) -> int:
        return len(self._content.codes)

    def find(self, key: Key) -> Compiled | None:
        """What was stored under a key that is there."""
        stored = self._content.codes[key]
        if not stored:
            return None
        code, lines, room = marshal.loads(stored)
        return Compiled(code, LineTable(lines), room)

    def add(self, key: Key, compiled: Compiled | None) -> None:
        """Takes a function in, ``None`` for one that cannot be compiled."""
        stored = b""
        if compiled is not None:
            stored = marshal.dumps((compiled.code, compiled.lines.packed, compiled.room))
        with self._lock:
            self._content.codes[key] = stored
            self._new += 1
            if self._new >= max(_FEWEST_NEW, len(self) // 2):
                self._write()

    # -- the file

    def save(self) -> None:
        """Writes the file if there is anything new."""
        with self._lock:
            self._pack_live()
            if self._new:
                self._write()

    def close(self) -> None:
        """Writes the file, and sees to it that functions are compiled when the process ends."""
        self.save()
        if not self._closed:
            self._closed = True
            found = candidates(self._plan.profile, self._live, self._size, self._content.codes)
            if found:
                postpone(self._plan._replace(candidates=found))

    def _size(self, index: int) -> int:
        """Bytes of a function's body."""
        first, bodies = self._bodies
        start, end = bodies[index - first]
        return end - start

    def _write(self) -> None:
        """Writes the file, with what others wrote meanwhile."""
        self._new = 0
        self._merge()
        prepared = self._content.prepared
        for index in [index for index in prepared if self._is_compiled(index)]:
            del prepared[index]
        self.cache.write(self.name, marshal.dumps(tuple(self._content)))

    def _pack_live(self) -> None:
        """Takes in what the interpreter ran. Packing 400 functions takes 0.1 s, too long for the
        middle of a call."""
        prepared = self._content.prepared
        fresh = {
            index: code
            for index, code in dict(self._live).items()
            if index not in prepared and not code.dropped and not self._is_compiled(index)
        }
        numbers = {kind: number for number, kind in enumerate(self._types)}
        before = len(prepared)
        for index, code in fresh.items():
            try:
                prepared[index] = pack(code, numbers)
            except ValueError:
                continue  # it is made anew each time
        self._new += len(prepared) - before

    def _is_compiled(self, index: int) -> bool:
        """Whether instances with usual memories need no interpreter for a function."""
        return bool(self._content.codes.get(Request(index, 0, None, True, False, QUICK).key))


def _read(payload: memoryview | None) -> _Content | None:
    """A payload's content; ``None`` for what no version of this class wrote."""
    if payload is None:
        return None
    try:
        found = _Content(*marshal.loads(payload))
    except (ValueError, TypeError, EOFError):
        return None
    return found if isinstance(found.codes, dict) and isinstance(found.prepared, dict) else None


# -- names


def module_key(module: Module) -> str:
    """The name of a module's file: a hash of all that its code depends on."""
    parts = (
        hashlib.sha256(module.data).hexdigest(),
        module.max_locals,
        module.features,
        _rows_hash(module.isa.whole),
        *_surroundings(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@lru_cache(maxsize=8)
def _rows_hash(instructions: InstructionSet) -> str:
    if instructions is STANDARD:
        return ""  # its rows are in the engine's sources
    return hashlib.sha256(repr(instructions.rows).encode()).hexdigest()


@lru_cache(maxsize=1)
def _surroundings() -> tuple[object, ...]:
    """The engine with its sources, where there are any, and the Python that runs it. Sources are
    told by their sizes and times: reading them takes longer than a small plugin to start."""
    engine = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sources = hashlib.sha256(repr(sorted(_sources(engine))).encode())
    python = (sys.implementation.name, sys.implementation.cache_tag, sys.version)
    magic = importlib.util.MAGIC_NUMBER
    return (__version__, sources.hexdigest(), *python, magic, sys.byteorder, sys.platform)


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of the sources below a folder."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir():
                for path, size, changed in _sources(entry.path):
                    yield f"{entry.name}/{path}", size, changed
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.name, status.st_size, status.st_mtime_ns
