"""A Python host for a module, to be filled in: every import a typed function, every export a call.

Names of a module are a stranger's. They reach the source as string constants and in comments, both
in ASCII with everything odd escaped, and as identifiers of letters, digits and underscores.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from ..wasm.module import Module
from ..wasm.types import ExternType, FuncType, GlobalType, MemoryType, TableType, ValType

__all__ = ["host_source"]

_WASI = "wasi_snapshot_preview1"
_ANNOTATIONS = {
    ValType.I32: "int", ValType.I64: "int", ValType.F32: "float", ValType.F64: "float",
    ValType.V128: "bytes", ValType.FUNCREF: "pywasmgk.Func | None",
}  # fmt: skip
_CLASSES = {MemoryType: "Memory", TableType: "Table", GlobalType: "Global"}
#: letters of an identifier that are a name's
_LONGEST = 60
#: what the classes have themselves
_TAKEN = ("self", "imports", "instance", "host", "Host", "Guest", "pywasmgk")

_HEAD = '''\
"""A host for a module, as "pywasmgk stub" wrote it. Fill in what the functions of Host do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pywasmgk

'''
_GUEST = '''\

class Guest:
    """The module: each of its exports is a method or a property."""

    def __init__(
        self, path: str | Path, host: Host | None = None, **options: Any
    ) -> None:
        self.host = host or Host()
        module = pywasmgk.Module.from_file(path)
        self.instance = pywasmgk.instantiate(module, self.host.imports(), %s**options)
        self.host.instance = self.instance
'''
_TAIL = """

if __name__ == "__main__":
    print(Guest(sys.argv[1]).instance.exports)
"""


def host_source(module: Module) -> str:
    """The source, in ASCII. It compiles, and passes mypy's strict mode, whatever the names are."""
    parts = [_HEAD, *_host(module), *_guest(module), _TAIL]
    return "".join(parts)


def _host(module: Module) -> Iterator[str]:
    yield '\nclass Host:\n    """What the module imports."""\n\n    instance: pywasmgk.Instance\n'
    names, taken = dict[str, dict[str, str]](), dict.fromkeys(_TAKEN, 2)
    for item in module.imports:
        if item.name in names.get(item.module, {}) or item.module == _WASI:
            continue
        if isinstance(item.type, FuncType):
            name = _identifier(f"{item.module}_{item.name}", taken)
            yield from _import_method(item.module, item.name, name, item.type)
            value = f"self.{name}"
        else:
            value = _made(item.type)
        names.setdefault(item.module, {})[item.name] = value
    yield "\n    def imports(self) -> dict[str, dict[str, Any]]:\n"
    yield '        """What instantiate takes."""\n        return {\n'
    for space, items in names.items():
        yield f"            {space!a}: {{\n"
        for key, value in items.items():
            yield f"                {key!a}: {value},\n"
        yield "            },\n"
    yield "        }\n\n"


def _import_method(space: str, key: str, name: str, kind: FuncType) -> Iterator[str]:
    yield f"\n    # {space!a}.{key!a} {kind}\n"
    yield f"    def {name}({_params(kind)}) -> {_results(kind)}:\n"
    yield f"        raise NotImplementedError({name!a})\n"


def _guest(module: Module) -> Iterator[str]:
    uses_wasi = any(item.module == _WASI for item in module.imports)
    yield _GUEST % ("wasi=pywasmgk.WasiConfig(), " if uses_wasi else "")
    taken = dict.fromkeys(_TAKEN, 2)
    for item in module.exports:
        if not isinstance(item.type, FuncType) and type(item.type) not in _CLASSES:
            continue
        name = _identifier(item.name, taken)
        yield f"\n    # {item.name!a} {item.type}\n"
        if not isinstance(item.type, FuncType):
            found = f"pywasmgk.{_CLASSES[type(item.type)]}"
            yield f"    @property\n    def {name}(self) -> {found}:\n"
            yield f"        found: Any = self.instance.exports[{item.name!a}]\n"
            yield f"        assert isinstance(found, {found})\n        return found\n"
            continue
        results, args = _results(item.type), ", ".join(_names(item.type))
        yield f"    def {name}({_params(item.type)}) -> {results}:\n"
        yield f"        call: Any = self.instance.exports[{item.name!a}]\n"
        if results == "None":
            yield f"        call({args})\n"
        else:
            yield f"        result: {results} = call({args})\n        return result\n"


def _identifier(name: str, taken: dict[str, int]) -> str:
    """A name as one that Python takes, and that nothing else has. ``taken`` has the number that
    the next one of the same name gets."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name)[:_LONGEST].strip("_") or "unnamed"
    if plain[0].isdigit() or keyword.iskeyword(plain) or keyword.issoftkeyword(plain):
        plain = f"_{plain}"
    found = plain
    while found in taken:
        found = f"{plain}_{taken[plain]}"
        taken[plain] += 1
    taken[found] = 2
    return found


def _names(kind: FuncType) -> list[str]:
    return [f"p{number}" for number in range(len(kind.params))]


def _params(kind: FuncType) -> str:
    pairs = zip(_names(kind), kind.params)
    return ", ".join(["self", *(f"{name}: {_ANNOTATIONS.get(of, 'Any')}" for name, of in pairs)])


def _results(kind: FuncType) -> str:
    found = [_ANNOTATIONS.get(result, "Any") for result in kind.results]
    if len(found) == 1:
        return found[0]
    return f"tuple[{', '.join(found)}]" if found else "None"


def _made(kind: ExternType) -> str:
    """What makes a memory, table or global of a type."""
    if isinstance(kind, MemoryType):
        return f"pywasmgk.Memory({kind.limits.min}, {kind.limits.max})"
    if isinstance(kind, TableType):
        element = f"pywasmgk.ValType.{kind.element.name}"
        return f"pywasmgk.Table({element}, {kind.limits.min}, {kind.limits.max})"
    if isinstance(kind, GlobalType):
        of = kind.value_type
        value = "bytes(16)" if of is ValType.V128 else "None" if of.is_reference else "0"
        return f"pywasmgk.Global(pywasmgk.ValType.{of.name}, {value}, mutable={kind.mutable})"
    return "None"
