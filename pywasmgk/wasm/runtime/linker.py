"""Linking: a module's imports against what the host gives (spec, section "Import Matching")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from ...errors import LinkError, nearest
from ..types import (
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    MemoryType,
    TableType,
)
from ..watch import Look, each, never
from .functions import Func
from .globals import Global
from .memory import Memory
from .table import Table
from .tags import Tag

if TYPE_CHECKING:
    from ..module import Module
    from ..wasi import WasiConfig
    from .instance import Instance

__all__ = ["Extern", "Imports", "Linker", "MissingImport", "import_hint", "resolve"]

Extern = Union[Func, Memory, Table, Global, Tag]
#: what hosts give: names by module, each a Python callable, an Extern or (for an immutable
#: global) a number
Imports = Mapping[str, Any]


class MissingImport(NamedTuple):
    """An import that is missing, or is something else than was wanted."""

    module: str
    name: str
    wanted: ExternType
    #: ``None`` where there is nothing of that name
    found: ExternType | None
    #: the likely cure, where the import's origin is known
    hint: str | None

    def __str__(self) -> str:
        found = "nothing" if self.found is None else str(self.found)
        text = f"{_quoted(self.module)}.{_quoted(self.name)}: wanted {self.wanted}, found {found}"
        return text + (f" ({self.hint})" if self.hint else "")


#: missing imports that the message shows, and has hints for; characters of a name in it
_MOST_SHOWN = 100
_LONGEST_NAME = 200


def resolve(module: Module, imports: Imports | None, look: Look = never) -> list[Extern]:
    """The externals for a module's imports, in order. ``look`` may end it in time.

    Raises one LinkError that lists everything that is missing or does not match.
    """
    given = imports or {}
    externs: list[Extern] = []
    missing: list[MissingImport] = []
    for wanted in each(module.imports, look):
        names = _namespace(given.get(wanted.module))
        # not .get(): an export may be called "get"
        item = names[wanted.name] if names is not None and wanted.name in names else None
        extern = _as_extern(wanted, item)
        if extern is not None and _matches(wanted.type, extern):
            externs.append(extern)
            continue
        found = None if extern is None else extern.type
        hint = import_hint(wanted, names) if len(missing) < _MOST_SHOWN else None
        missing.append(MissingImport(wanted.module, wanted.name, wanted.type, found, hint))
    if missing:
        raise _error(missing)
    return externs


def _error(missing: list[MissingImport]) -> LinkError:
    absent = any(problem.found is None for problem in missing)
    head = "unknown import" if absent else "incompatible import type"
    if len(missing) > 1:
        head = f"{len(missing)} imports are missing or of another type"
    lines = [f"{head}:", *map(str, missing[:_MOST_SHOWN])]
    if len(missing) > _MOST_SHOWN:
        lines.append(f"... and {len(missing) - _MOST_SHOWN} more")
    return LinkError("\n  ".join(lines), missing)


def _quoted(name: str) -> str:
    """A name of the module's in quotes, no longer than a message bears."""
    return repr(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "...")


def _namespace(given: Any) -> Mapping[str, Any] | None:
    # not even to be asked for an attribute: exports look for the nearest name then
    if given is None or isinstance(given, Mapping):
        return given
    exports = getattr(given, "exports", None)
    if isinstance(exports, Mapping):
        return exports
    raise TypeError(
        f"imports are a mapping of mappings: expected one, found {type(given).__name__}"
    )


def _as_extern(wanted: ImportType, item: Any) -> Extern | None:
    """What was given, as an external of the engine."""
    if isinstance(item, (Func, Memory, Table, Global, Tag)):
        return item
    if isinstance(wanted.type, FuncType) and callable(item):
        return Func(wanted.type, item, name=f"{wanted.module}.{wanted.name}")
    if isinstance(wanted.type, GlobalType) and isinstance(item, (int, float)):
        return Global(GlobalType(wanted.type.value_type), item)
    if item is not None:
        raise TypeError(
            f"import {wanted.module!r}.{wanted.name!r}: expected a {wanted.kind}, "
            f"found {type(item).__name__}"
        )
    return None


def _matches(wanted: ExternType, extern: Extern) -> bool:
    if isinstance(wanted, MemoryType):
        return (
            isinstance(extern, Memory)
            and extern.shared == wanted.shared
            and wanted.limits.accepts(*extern.type.limits)
        )
    if isinstance(wanted, TableType):
        return (
            isinstance(extern, Table)
            and extern.element is wanted.element
            and wanted.limits.accepts(*extern.type.limits)
        )
    return isinstance(extern, (Func, Global, Tag)) and extern.type == wanted


def import_hint(wanted: ImportType, names: Mapping[str, Any] | None = None) -> str | None:
    """The likely cure for an import that nothing answers, where its origin is known; ``names``
    are those that the host gives in the same module."""
    module, name = wanted.module, wanted.name
    if module.startswith("wasi_"):
        return (
            "WASI: give wasi=WasiConfig()"
            if module == "wasi_snapshot_preview1"
            else (f"{module} is an old WASI: build for preview 1")
        )
    if module.startswith("wasi:"):
        return "a WASI preview 2 component: build for preview 1"
    if module == "gk":
        return "a GoatKit plugin: open it with pywasmgk.load"
    if (module, name) == ("env", "abort"):
        return "AssemblyScript's abort: build with --use abort=, or give env.abort"
    if "wbindgen" in name or module == "wbg" or name.startswith("__wbg"):
        return "made by wasm-bindgen for JavaScript: build without it"
    emscripten = ("emscripten_", "_emscripten", "invoke_", "__sys")
    if module in ("env", "a") and name.startswith(emscripten):
        return "Emscripten's runtime: build with -sSTANDALONE_WASM"
    near = nearest(name, names or ())
    return f"there is {near!r}" if near is not None and near != name else None


class Linker:
    """Externals by module and name, for several modules that want the same ones."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, Any]] = {}

    def define(self, module: str, name: str, item: Any) -> Linker:
        """Gives one external: a callable, Func, Memory, Table, Global, Tag or a number."""
        self._names.setdefault(module, {})[name] = item
        return self

    def define_func(
        self,
        module: str,
        name: str,
        type: FuncType,
        callable: Callable[..., Any],
        *,
        access_caller: bool = False,
    ) -> Linker:
        """Gives a host function of a type."""
        func = Func(type, callable, access_caller=access_caller, name=f"{module}.{name}")
        return self.define(module, name, func)

    def define_instance(self, module: str, instance: Instance) -> Linker:
        """Gives everything that an instance exports."""
        return self.define_module(module, instance.exports)

    def define_module(self, module: str, names: Mapping[str, Any]) -> Linker:
        """Gives a whole namespace."""
        for name in names:
            self.define(module, name, names[name])
        return self

    def define_wasi(self, config: WasiConfig | None = None) -> Linker:
        """Gives WASI preview 1; all modules linked with it share its state."""
        from ..wasi import WasiConfig, imports

        for module, names in imports(config or WasiConfig()).items():
            self.define_module(module, names)
        return self

    @property
    def imports(self) -> Imports:
        """What was given, as ``instantiate`` takes it."""
        return self._names

    def instantiate(self, module: Module | bytes, **options: Any) -> Instance:
        """``instantiate`` with these imports; the options are the same."""
        from .instance import instantiate

        return instantiate(module, self._names, **options)
