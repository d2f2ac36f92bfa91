"""Modules as plain data, for the page. Names go along twice: as they are, to be given back, and as
they are shown."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ..debug.dataflow import Operands, lanes, operands_of
from ..debug.listing import Listing
from ..debug.views import Listings
from ..printable import printable
from ..wasm.inspection import Inspection, inspect
from ..wasm.module import Module
from ..wasm.types import FuncType

__all__ = ["Codes", "module_form", "type_form"]

#: what of lists is shown, and what of the operand stack is drawn
_MOST, _LANES = 2_000, 8
#: bytes of a function that is compiled to be looked at
_LARGEST = 20_000
_WASI = "wasi_snapshot_preview1"
#: what a plugin exports
_PLUGIN = {"gk_register", "gk_call", "gk_malloc", "gk_free"}


def module_form(module: Module) -> dict[str, Any]:
    """What a module is made of: sections, imports, exports with their types, functions."""
    found = inspect(module.data)
    names = {item.name for item in module.exports}
    return {
        "size": found.size,
        "sections": [
            {"name": printable(one.custom or one.name), "size": one.size} for one in found.sections
        ],
        "imports": [
            {"title": printable(f"{one.module}.{one.name}"), "kind": one.kind, "type": one.type}
            for one in found.imports[:_MOST]
        ],
        "exports": _exports(module, found),
        "functions": _functions(module),
        "features": found.features,
        "is_program": "_start" in names,
        "is_plugin": names >= _PLUGIN,
        "uses_wasi": any(one.module == _WASI for one in found.imports),
        "has_memory": bool(module.memories),
        "is_text": module.source is not None,
    }


def type_form(kind: FuncType) -> dict[str, Any]:
    """A function's type, for a form with a field for each parameter."""
    return {
        "params": [str(one) for one in kind.params],
        "results": [str(one) for one in kind.results],
    }


def _exports(module: Module, found: Inspection) -> list[dict[str, Any]]:
    forms = []
    for item, told in zip(module.exports[:_MOST], found.exports):
        form: dict[str, Any] = {"name": item.name, "title": printable(item.name), "kind": item.kind}
        if item.kind == "func":
            form |= {"index": item.index, **type_form(module.functions[item.index])}
            form["parameters"] = _parameters(module, item.index)
        forms.append({**form, "type": told.type})
    return forms


def _parameters(module: Module, index: int) -> list[str]:
    """What the parameters are called, as far as the module says."""
    names = module.names.locals.get(index, {})
    count = len(module.functions[index].params)
    return [printable(names.get(number) or "") for number in range(count)]


def _functions(module: Module) -> list[dict[str, Any]]:
    first = module.import_counts["func"]
    last = min(len(module.functions), first + _MOST)
    return [
        {
            "index": index,
            "title": printable(module.function_name(index) or f"function {index}"),
            "type": str(module.functions[index]),
        }
        for index in range(first, last)
    ]


class Codes:
    """The code of functions as lines, made once each."""

    def __init__(self) -> None:
        self._listings = Listings()

    def form(self, module: Module, index: int) -> dict[str, Any]:
        """A function's lines, with the operand stack beside each and what a block costs."""
        operands = operands_of(module, index)
        listing = Listing(module, index, self._listings, operands)
        low, width = _drawn(operands)
        lines = []
        for row, line in enumerate(self._listings.function(module, index)):
            pc = listing.position(row)
            lines.append(
                {
                    "offset": None if pc is None else line.offset,
                    "depth": max(line.depth - 1, 0),
                    "text": printable(line.text, lines=True),
                    "fuel": line.fuel,
                    "lanes": "" if pc is None else lanes(operands[pc], low, width),
                    "line": _line_of(module, line.offset),
                }
            )
        title = printable(module.function_name(index) or f"function {index}")
        return {"index": index, "title": title, "lines": lines, "lanes": width}


def python_form(module: Module, index: int) -> dict[str, Any]:
    """A function's code, and beside it the Python that it becomes, or why it becomes none. ``at``
    is the offset of the instruction that a line belongs to, also of one that goes on."""
    # only who asks for it pays for it
    from ..wasm.compiler.driver import CannotCompile
    from ..wasm.compiler.explain import beside

    first = module.import_counts["func"]
    start, end = module.bodies[index - first] if index >= first else (0, 0)
    if not 0 < end - start <= _LARGEST:
        return {"lines": [], "why": f"only code of 1 to {_LARGEST:,} bytes is compiled here"}
    try:
        rows = list(islice(beside(module, index), _MOST))
    except CannotCompile as error:
        return {"lines": [], "why": f"it stays in the interpreter: {printable(str(error))}"}
    lines = [
        {
            "at": int(row.offset, 16) if row.offset else None,
            "text": printable(row.text, lines=True),
            "python": printable(row.python, lines=True),
        }
        for row in rows
    ]
    return {"lines": lines, "why": ""}


def _drawn(operands: list[Operands | None]) -> tuple[int, int]:
    """The lowest operand that the lines beside the code draw, and how many columns they are."""
    taking = [one for one in operands if one is not None]
    low = min((one.base for one in taking), default=0)
    high = max((max(one.height, one.base + len(one.gives)) for one in taking), default=0)
    return low, min(high - low, _LANES)


def _line_of(module: Module, offset: int | None) -> int | None:
    if module.source is None or offset is None:
        return None
    return module.source.line(offset)
