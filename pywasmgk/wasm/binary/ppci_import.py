"""ppci's side of the decoder: its reader and components, brought in without the rest of it, and
components of our own where its know the first release of WebAssembly only.

``import ppci.wasm`` runs a package ``__init__`` that pulls in code generators and reports, some
150 ms of it. Here a stand-in takes the package's place in ``sys.modules``: its submodules import
under their real names, and the first use of anything else runs the real ``__init__`` in place.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ...printable import printable

__all__ = [
    "BinaryFileReader",
    "CustomSection",
    "DataSegment",
    "ElementSegment",
    "ReferenceTable",
    "Tag",
    "TagExport",
    "TagImport",
    "arguments",
    "components",
    "reference",
    "stand_in",
]

_lock = threading.RLock()
#: packages whose __init__ is running; not kept in them, where their __init__ would see it
_waking: set[str] = set()


class _LazyPackage(ModuleType):
    """A package whose ``__init__`` has not run yet."""

    def __getattr__(self, name: str) -> Any:
        # tools look at odd dunders of every module in sys.modules; they must not wake this one
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _lock:
            if type(self) is _LazyPackage:
                self._wake(name)
        return getattr(self, name)

    def _wake(self, name: str) -> None:
        """Runs ``__init__``; other threads wait for it, and it sees an ordinary package."""
        if self.__name__ in _waking:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} yet")
        _waking.add(self.__name__)
        try:
            self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
            self.__class__ = ModuleType  # type: ignore[assignment]
        finally:
            _waking.discard(self.__name__)


def stand_in(package_name: str) -> None:
    """Puts a stand-in in a package's place, unless the package is there already."""
    if package_name in sys.modules:
        return
    spec = importlib.util.find_spec(package_name)
    if spec is None or spec.submodule_search_locations is None or spec.loader is None:
        return  # no ordinary package: a plain import will do, or say what is wrong
    package = _LazyPackage(spec.name)
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    package.__file__ = spec.origin
    package.__package__ = spec.name
    package.__loader__ = spec.loader
    sys.modules[spec.name] = package
    parent, _, child = package_name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)


def _quiet(record: logging.LogRecord) -> bool:
    """Refuses what ppci's reader says at INFO for each load: how many definitions it read."""
    ppcis = record.module == "reader" and record.funcName == "read_module"
    return not (ppcis and record.levelno == logging.INFO)


stand_in("ppci.wasm")
logging.getLogger("wasm").addFilter(_quiet)

# not "from ppci.wasm import ...": that would ask the stand-in, and so run the __init__
components: Any = importlib.import_module("ppci.wasm.components")
BinaryFileReader: Any = importlib.import_module("ppci.wasm.binary.reader").BinaryFileReader


# -- components; ppci finds a definition's section by its __name__


def _fill(component: Any, **values: Any) -> None:
    """Sets slots; ppci's constructors refuse what came after the first release."""
    for name, value in values.items():
        setattr(component, name, value)


class ElementSegment(components.Elem):  # type: ignore[misc]
    """An element segment of any form; ``segment`` is ours."""

    __slots__ = ("segment",)
    __name__ = "elem"

    def __init__(self, table: int, offset: list[Any], segment: Any) -> None:
        _fill(self, ref=components.Ref("table", index=table), offset=offset, segment=segment)

    @property
    def refs(self) -> list[Any]:
        """The functions among its elements."""
        functions = (item for item in self.segment.init if isinstance(item, int))
        return [components.Ref("func", index=index) for index in functions]


class DataSegment(components.Data):  # type: ignore[misc]
    """A data segment of any form; ``segment`` is ours."""

    __slots__ = ("segment",)
    __name__ = "data"

    def __init__(self, memory: int, offset: list[Any], data: bytes, segment: Any) -> None:
        ref = components.Ref("memory", index=memory)
        _fill(self, ref=ref, offset=offset, data=data, segment=segment)


class ReferenceTable(components.Table):  # type: ignore[misc]
    """A table of any references."""

    __slots__ = ()
    __name__ = "table"

    def __init__(self, id: int, kind: str, min: int, max: int | None) -> None:
        _fill(self, id=id, kind=kind, min=min, max=max)


class Tag(components.Definition):  # type: ignore[misc]
    """A tag that the module defines, with what its type is in words."""

    __slots__ = ("id", "kind")

    def __init__(self, id: int, kind: str) -> None:
        _fill(self, id=id, kind=kind)

    def to_string(self) -> str:
        """A comment that says what it is."""
        return f"(; {self.kind} ;)"


class TagImport(components.Import):  # type: ignore[misc]
    """A tag that is imported."""

    __slots__ = ()
    __name__ = "import"

    def __init__(self, modname: str, name: str, id: int, kind: str) -> None:
        _fill(self, modname=modname, name=name, kind="tag", id=id, info=(kind,))

    def to_string(self) -> str:
        """A comment that says what it is."""
        return f"(; imported {self.info[0]} ;)"


class TagExport(components.Export):  # type: ignore[misc]
    """A tag that is exported."""

    __slots__ = ()
    __name__ = "export"

    def __init__(self, name: str, index: int) -> None:
        _fill(self, name=name, kind="tag", ref=reference("tag", index))


def reference(space: str, index: int) -> Any:
    """A reference to something in a space that ppci may not know."""
    found = components.Ref.__new__(components.Ref)
    _fill(found, space=space, index=index, name=None)
    return found


class CustomSection(components.Custom):  # type: ignore[misc]
    """A custom section that does not keep the module from being written as text."""

    __slots__ = ()
    __name__ = "custom"

    def to_string(self) -> str:
        """A comment that says what it is."""
        name = printable(self.name).replace(";)", "; )")
        return f"(; custom section {name!r}, {len(self.data)} bytes ;)"


# -- the arguments of ppci's instructions


#: sizes of the integers that ppci has signed and we have not
_SIZES = {"i32": 1 << 32, "i64": 1 << 64}
#: ppci's index spaces by our kinds of immediates
_SPACES = {f"{space}idx": space for space in ("type", "func", "table", "global", "local", "label")}


def arguments(kind: str, value: Any) -> Sequence[Any]:
    """An immediate as arguments of ppci's Instruction: those that its own reader gives where it
    knows the kind, else the words of the text format."""
    if kind in _SPACES:
        return [components.Ref(_SPACES[kind], index=value)]
    if kind in _SIZES:
        return [value - _SIZES[kind] if value >= _SIZES[kind] >> 1 else value]
    if kind in _WORDS:
        return _WORDS[kind](value)
    return [value if isinstance(value, (int, float)) else str(value)]


def _block_type(value: Any) -> Sequence[Any]:
    if isinstance(value, int):
        return [components.Ref("type", index=value)]
    return ["emptyblock" if value is None else str(value)]


_WORDS: dict[str, Callable[[Any], Sequence[Any]]] = {
    "memarg": lambda memarg: memarg,
    "labels": lambda labels: [[components.Ref("label", index=label) for label in labels]],
    "blocktype": _block_type,
    "reftype": lambda kind: [str(kind).removesuffix("ref")],
    "v128": lambda value: [f"i64x2 {value & 0xFFFFFFFFFFFFFFFF:#x} {value >> 64:#x}"],
    "catches": lambda clauses: [list(clause) for clause in clauses],
    "lanes": lambda value: list(value.to_bytes(16, "little")),
    "types": lambda types: [f"(result {' '.join(map(str, types))})"],
}
