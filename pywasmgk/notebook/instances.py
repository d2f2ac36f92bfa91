"""Instances: what they export, and what their globals, memories and tables have now."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..debug.views import value_text
from ..wasm.runtime.functions import Func
from ..wasm.runtime.globals import Global
from ..wasm.runtime.memory import Memory
from ..wasm.runtime.table import Table as WasmTable
from .modules import called, signature
from .parts import Cell, Facts, Heading, Part, Table, Text, View

if TYPE_CHECKING:
    from ..wasm.runtime.instance import Instance

__all__ = ["view"]

_MOST = 30


def view(instance: Instance) -> View:
    """An instance."""
    module = instance.module
    state = "dead: an interruption left it in no defined state" if instance.dead else "alive"
    note = f"{state}; {instance.fuel_used:,} instructions in the latest call"
    return View(f"Instance of {module.name or 'a module'}", note, [*_parts(instance)])


def _parts(instance: Instance) -> Iterator[Part]:
    exports = instance.exports
    if exports:
        yield Heading("exports")
        rows = [
            (Cell(called(name), "code"), *_said(instance, exports[name]))
            for name in islice(exports, _MOST)
        ]
        yield Table(("export", "kind", "is"), rows, max(len(exports) - _MOST, 0))
    if instance.globals:
        yield Heading("globals")
        yield _globals(instance)
    yield Facts([*_facts(instance)])


def _said(instance: Instance, item: Any) -> tuple[Text, Text]:
    """The kind of an export, and what it is now."""
    if isinstance(item, Func):
        inside = item.instance is instance
        found = signature(instance.module, item.index) if inside else str(item.type)
        return "func", Cell(found, "code")
    if isinstance(item, Memory):
        return "memory", f"{item.pages:,} pages of at most {item.limit:,}"
    if isinstance(item, Global):
        return "global", Cell(f"{item.type.value_type} = {value_text(item.value)}", "code")
    if isinstance(item, WasmTable):
        return "table", f"{len(item):,} elements"
    return "tag", Cell(str(item.type), "code")


def _globals(instance: Instance) -> Table:
    names = instance.module.names.globals
    rows = [
        (
            Cell(f"{number}", "number"),
            Cell(names.get(number, ""), "code"),
            Cell(str(item.type), "code"),
            Cell(value_text(item.value), "code"),
        )
        for number, item in enumerate(instance.globals[:_MOST])
    ]
    more = max(len(instance.globals) - _MOST, 0)
    return Table(("index", "name", "type", "value"), rows, more)


def _facts(instance: Instance) -> Iterator[tuple[str, Text]]:
    for number, memory in enumerate(instance.memories):
        yield f"memory {number}", f"{memory.pages:,} pages of at most {memory.limit:,}"
    for number, table in enumerate(instance.tables[:4]):
        yield f"table {number}", f"{len(table):,} elements"
    first = instance.module.import_counts["func"]
    count = f"{len(instance.funcs) - first:,}"
    if instance.is_ours:
        compiled = sum(func.compiled for func in instance.funcs[first:])
        count = f"{count}, {compiled:,} of them compiled"
    yield "functions", count
    if instance.engine_note or not instance.is_ours:
        yield "engine", instance.engine_note or instance.tiers.engine
