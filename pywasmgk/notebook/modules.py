"""Modules: what takes the bytes, what they import, export and need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..demangling import demangled
from ..errors import PywasmgkError
from ..wasm.binary.features_used import features_used
from ..wasm.features import TITLES, declared
from ..wasm.inspection import Inspection, inspect
from .parts import Bar, Cell, Facts, Fold, Heading, Part, Table, Text, View, cut

if TYPE_CHECKING:
    from ..wasm.module import Module

__all__ = ["called", "signature", "view"]

#: rows of a table
_MOST = 30
#: bytes of code whose instructions are looked at for features, which takes a tenth of a second
_LITTLE_CODE = 1 << 16
#: sections that have a name of their own in the bar; the others are taken together
_SECTIONS = 12


def view(module: Module) -> View:
    """A module."""
    found = inspect(module.data, name=module.name)
    counted = ((module.bodies, "function"), (module.imports, "import"), (module.exports, "export"))
    counts = (f"{len(items):,} {word}{'s' * (len(items) != 1)}" for items, word in counted)
    note = f"{found.size:,} bytes, {', '.join(counts)}"
    return View(f"Module {module.name or ''}".rstrip(), note, [*_parts(module, found)])


def _parts(module: Module, found: Inspection) -> Iterator[Part]:
    yield Bar(_amounts(found), "bytes")
    if module.imports:
        yield Heading("imports")
        yield _imports(module, found)
    if module.exports:
        yield Heading("exports")
        yield _exports(module)
    yield Facts([*_facts(module, found)])
    if module.bodies:
        yield Fold("the largest functions", [_largest(module)])


def _amounts(found: Inspection) -> list[tuple[str, int]]:
    """Sections, the largest first, with what is around them: a byte for the kind, and the size."""
    named = [
        (f"custom {section.custom}" if section.custom is not None else section.name, section.size)
        for section in found.sections
    ]
    named.sort(key=lambda item: -item[1])
    shown, rest = named[:_SECTIONS], named[_SECTIONS:]
    if rest:
        shown.append((f"{len(rest):,} other sections", sum(size for _, size in rest)))
    shown.append(("preamble and headers", found.size - sum(size for _, size in named)))
    return shown


def _imports(module: Module, found: Inspection) -> Table:
    origins = [item.origin or "" for item in found.imports[:_MOST]]
    rows = [
        (
            Cell(f"{item.module}.{called(item.name)}", "code"),
            item.kind,
            Cell(str(item.type), "code"),
            origin,
        )
        for item, origin in zip(module.imports, origins)
    ]
    return Table(("import", "kind", "type", "of"), rows, max(len(module.imports) - _MOST, 0))


def _exports(module: Module) -> Table:
    shown, more = cut(module.exports, _MOST, len(module.exports))
    rows = []
    for item in shown:
        kind: Text = Cell(str(item.type), "code")
        if item.kind == "func":
            kind = Cell(signature(module, item.index), "code")
        rows.append((Cell(called(item.name), "code"), item.kind, kind))
    return Table(("export", "kind", "type"), rows, more)


def called(name: str) -> str:
    """A name, and what it stands for if it is mangled."""
    meant = demangled(name)
    return name if meant == name else f"{name} ({meant})"


def signature(module: Module, index: int) -> str:
    """The type of a function, with the names of its parameters where they are known."""
    kind = module.functions[index]
    names = module.names.locals.get(index, {})
    params = ", ".join(
        f"{names[number]}: {one}" if number in names else str(one)
        for number, one in enumerate(kind.params)
    )
    return f"({params}){str(kind)[str(kind).index(' -> ') :]}"


def _facts(module: Module, found: Inspection) -> Iterator[tuple[str, Text]]:
    for number, memory in enumerate(module.memories):
        yield f"memory {number}", f"{memory.limits} pages{' shared' if memory.shared else ''}"
    for number, table in enumerate(module.tables[:4]):
        yield f"table {number}", f"{table.limits} {table.element}"
    if module.globals:
        yield "globals", f"{len(module.globals):,}"
    if module.start is not None:
        yield "start function", module.function_name(module.start) or f"function {module.start}"
    for field, pairs in list(found.producers.items())[:4]:
        yield field, ", ".join(f"{name} {version}".strip() for name, version in pairs)
    yield "features", _features(module)


def _features(module: Module) -> str:
    size = sum(end - start for start, end in module.bodies)
    if size <= _LITTLE_CODE:
        try:
            return ", ".join(features_used(module)) or "those of the first release"
        except PywasmgkError:
            # a body that was not validated: what is declared is known all the same
            pass
    fields = {TITLES[use.feature] for use in declared(module)}
    return f"{', '.join(sorted(fields)) or 'none'} in its declarations; its code was not looked at"


def _largest(module: Module) -> Table:
    first = module.import_counts["func"]
    sizes = sorted(
        ((end - start, index) for index, (start, end) in enumerate(module.bodies, first)),
        key=lambda item: (-item[0], item[1]),
    )
    rows = [
        (
            Cell(f"{index}", "number"),
            Cell(called(module.function_name(index) or ""), "code"),
            Cell(signature(module, index), "code"),
            Cell(f"{size:,}", "number"),
        )
        for size, index in sizes[:10]
    ]
    return Table(("index", "name", "type", "bytes"), rows, max(len(sizes) - 10, 0))
